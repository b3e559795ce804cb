/* SPDX-License-Identifier: MIT */
/* Making a domain: the hypervisor's part, then the store's; whatever fails undoes all of it. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/event_channel.h>

#include "../lib/util.h"
#include "build.h"
#include "domain.h"

#define GRANT_FRAMES 32
#define MAPTRACK_FRAMES 1024
#define EVENT_PORT_MAX 1023
#define CPUS_MAX 4096

struct creation {
	struct pavise *p;
	struct store_client *s;
	const struct domain_config *c;
	struct build build;
	uuid_t uuid;
	struct failure *f;
};

static void phase(struct phases *ph, const char *name)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (name && ph->n < PHASES_MAX) {
		ph->list[ph->n].name = name;
		ph->list[ph->n++].ns = (uint64_t)(now.tv_sec - ph->last.tv_sec) * 1000000000ul +
				       (uint64_t)(now.tv_nsec - ph->last.tv_nsec);
	}
	ph->last = now;
}

static bool refused(struct creation *cr, const char *what, int rc)
{
	return fail(cr->f, rc == -ENOMEM ? FAIL_MEMORY : FAIL_REFUSED,
		    "the hypervisor refuses %s: %s", what, strerror(-rc));
}

/* Its name and its UUID are nobody else's. */
static bool check_unique(struct creation *cr)
{
	unsigned int n;
	struct xen_domctl_getdomaininfo *all = domain_list(cr->p, &n, cr->f);
	bool good = all;

	for (unsigned int i = 0; good && i < n; i++) {
		char *name = domain_name(cr->s, all[i].domain);

		if (name && !strcmp(name, cr->c->name) && !(all[i].flags & XEN_DOMINF_dying))
			good = fail(cr->f, FAIL_TAKEN,
				    "domain %u is called %s already; destroy it, or choose another"
				    " name",
				    all[i].domain, cr->c->name);
		else if (!memcmp(all[i].handle, cr->uuid, sizeof(cr->uuid)) &&
			 !(all[i].flags & XEN_DOMINF_dying))
			good = fail(cr->f, FAIL_TAKEN,
				    "domain %u has this UUID; leave it out to have one made",
				    all[i].domain);
		free(name);
	}
	free(all);
	return good;
}

/* What a configuration may ask and nobody does yet is not passed over in silence. */
static bool check_possible(struct creation *cr)
{
	const struct domain_config *c = cr->c;

	if (c->n_disks || c->n_nics)
		return fail(cr->f, FAIL_UNSUPPORTED,
			    "disks and networks can't be connected yet; remove them");
	if (c->weight || c->cap)
		return fail(cr->f, FAIL_UNSUPPORTED,
			    "shares of processors can't be set yet; remove cpu_weight and cap");
	if (c->cmdline && strlen(c->cmdline) >= MAX_GUEST_CMDLINE)
		return fail(cr->f, FAIL_UNSUPPORTED,
			    "the command line has more than %d bytes; shorten it",
			    MAX_GUEST_CMDLINE - 1);
	return true;
}

/* "0-3,^2,6" or "all" to a bitmap; set_cpus() has checked the form. */
static void parse_cpus(const char *text, uint8_t *map)
{
	while (*text) {
		bool not = *text == '^';
		unsigned long first = 0, last = CPUS_MAX - 1;
		char *end = (char *)text + strcspn(text, ",");

		if (strncmp(text, "all", 3)) {
			first = last = strtoul(text + not, &end, 10);
			if (*end == '-')
				last = strtoul(end + 1, &end, 10);
		}
		for (unsigned long i = first; i <= last && i < CPUS_MAX; i++)
			map[i / 8] = not ? (uint8_t)(map[i / 8] & ~(1 << i % 8)) :
					   (uint8_t)(map[i / 8] | 1 << i % 8);
		text = end + strcspn(end, ",");
		text += *text == ',';
	}
}

static bool set_affinity(struct creation *cr)
{
	for (unsigned int i = 0; cr->c->cpus && i < cr->c->max_vcpus; i++) {
		struct xen_domctl *d = domctl_new(cr->p, cr->build.domid);
		int rc;

		memset(cr->p->array, 0, CPUS_MAX / 8);
		parse_cpus(cr->c->cpus, cr->p->array);
		d->u.vcpuaffinity.vcpu = i;
		d->u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
		d->u.vcpuaffinity.cpumap_hard.bitmap = cr->p->array;
		d->u.vcpuaffinity.cpumap_hard.nr_bits = CPUS_MAX;
		rc = domctl_call(cr->p, XEN_DOMCTL_setvcpuaffinity);
		if (rc)
			return refused(cr, "the processors that cpus names", rc);
	}
	return true;
}

static bool make_domain(struct creation *cr)
{
	const struct domain_config *c = cr->c;
	struct xen_domctl *d = domctl_new(cr->p, 0);
	int rc;

	d->u.createdomain = (struct xen_domctl_createdomain){
		.max_vcpus = c->max_vcpus,
		.max_evtchn_port =
			c->max_event_channels ? c->max_event_channels - 1 : EVENT_PORT_MAX,
		.max_grant_frames =
			c->max_grant_frames ? (int32_t)c->max_grant_frames : GRANT_FRAMES,
		.max_maptrack_frames = MAPTRACK_FRAMES,
		.grant_opts = XEN_DOMCTL_GRANT_version(1),
	};
	memcpy(d->u.createdomain.handle, cr->uuid, sizeof(cr->uuid));
	rc = domctl_call(cr->p, XEN_DOMCTL_createdomain);
	if (rc)
		return refused(cr, "a new domain", rc);
	cr->build.domid = d->domain;
	return true;
}

static bool make_port(struct creation *cr, uint32_t *port)
{
	struct evtchn_alloc_unbound e = { .dom = cr->build.domid };
	int rc = call2(cr->p, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &e, sizeof(e));

	*port = e.port;
	return !rc || refused(cr, "an event channel for it", rc);
}

static bool equip_domain(struct creation *cr)
{
	int rc;

	domctl_new(cr->p, cr->build.domid)->u.max_vcpus.max = cr->c->max_vcpus;
	rc = domctl_call(cr->p, XEN_DOMCTL_max_vcpus);
	if (rc)
		return refused(cr, "its vCPUs", rc);
	domctl_new(cr->p, cr->build.domid)->u.max_mem.max_memkb =
		cr->c->max_memory_kib + DOMAIN_SLACK_KIB;
	rc = domctl_call(cr->p, XEN_DOMCTL_max_mem);
	if (rc)
		return refused(cr, "its limit of memory", rc);
	return set_affinity(cr) && make_port(cr, &cr->build.store_port) &&
	       make_port(cr, &cr->build.console_port);
}

/* Writes base/name unless an earlier one failed. */
static void put(struct creation *cr, int *rc, const char *base, const char *name,
		const char *format, ...) __attribute__((format(printf, 5, 6)));
static void put(struct creation *cr, int *rc, const char *base, const char *name,
		const char *format, ...)
{
	char path[256], *value;
	va_list args;

	va_start(args, format);
	if (!*rc && vasprintf(&value, format, args) >= 0) {
		snprintf(path, sizeof(path), "%s%s%s", base, *name ? "/" : "", name);
		*rc = store_write(cr->s, path, value);
		free(value);
	}
	va_end(args);
}

static void permit(struct creation *cr, int *rc, const char *base, const char *name,
		   const char *perms)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s%s", base, *name ? "/" : "", name);
	if (!*rc)
		*rc = store_set_perms(cr->s, path, perms);
}

/* What the guest's kernel looks for, and what tools do. */
static int write_nodes(struct creation *cr)
{
	static const char *const own[] = { "data",
					   "attr",
					   "error",
					   "feature",
					   "drivers",
					   "control/shutdown",
					   "control/platform-feature-multiprocessor-suspend" };
	char base[64], vm[64], text[UUID_STR_LEN], reads[16], owns[16], name[64];
	const struct domain_config *c = cr->c;
	unsigned int id = cr->build.domid;
	int rc = 0;

	uuid_unparse_lower(cr->uuid, text);
	snprintf(base, sizeof(base), "/local/domain/%u", id);
	snprintf(vm, sizeof(vm), "/vm/%s", text);
	snprintf(reads, sizeof(reads), "n0 r%u", id);
	snprintf(owns, sizeof(owns), "n%u", id);
	put(cr, &rc, base, "", "%s", "");
	permit(cr, &rc, base, "", reads); /* what is made below inherits that */
	put(cr, &rc, vm, "", "%s", "");
	permit(cr, &rc, vm, "", reads);
	put(cr, &rc, vm, "name", "%s", c->name);
	put(cr, &rc, vm, "uuid", "%s", text);
	put(cr, &rc, vm, "start_time", "%lu", (unsigned long)time(NULL));
	put(cr, &rc, base, "vm", "%s", vm);
	put(cr, &rc, base, "name", "%s", c->name);
	put(cr, &rc, base, "domid", "%u", id);
	put(cr, &rc, base, "memory/target", "%lu", c->memory_kib);
	put(cr, &rc, base, "memory/static-max", "%lu", c->max_memory_kib);
	put(cr, &rc, base, "store/ring-ref", "%lu", cr->build.store_mfn);
	put(cr, &rc, base, "store/port", "%u", cr->build.store_port);
	put(cr, &rc, base, "console/ring-ref", "%lu", cr->build.console_mfn);
	put(cr, &rc, base, "console/port", "%u", cr->build.console_port);
	put(cr, &rc, base, "console/type", "xenconsoled");
	put(cr, &rc, base, "console/limit", "1048576");
	put(cr, &rc, base, "device", "%s", "");
	for (unsigned int i = 0; i < ARRAY_SIZE(own); i++) {
		put(cr, &rc, base, own[i], "%s", "");
		permit(cr, &rc, base, own[i], owns);
	}
	for (unsigned int i = 0; i < c->max_vcpus; i++) {
		snprintf(name, sizeof(name), "cpu/%u/availability", i);
		put(cr, &rc, base, name, "%s", i < c->vcpus ? "online" : "offline");
	}
	return rc;
}

static bool enter_store(struct creation *cr)
{
	int rc;

	do {
		rc = store_begin(cr->s);
		if (!rc)
			rc = write_nodes(cr);
		if (cr->s->transaction) {
			int ended = store_end(cr->s, !rc);

			rc = rc ? rc : ended;
		}
	} while (rc == -EAGAIN);
	if (!rc)
		rc = store_introduce(cr->s, cr->build.domid, cr->build.store_mfn,
				     cr->build.store_port);
	return !rc ||
	       fail(cr->f, FAIL_REFUSED, "the store refuses the new domain: %s", strerror(-rc));
}

static bool make(struct creation *cr, const struct create_options *o, struct phases *ph)
{
	bool good = equip_domain(cr);

	phase(ph, "vcpus, channels");
	good = good && build_domain(cr->p, &cr->build, cr->f);
	phase(ph, "memory, kernel, tables");
	good = good && enter_store(cr);
	phase(ph, "store");
	good = good && (o->paused || domain_command(cr->p, cr->build.domid,
						    XEN_DOMCTL_unpausedomain, "start", cr->f));
	phase(ph, "start");
	if (!good) {
		struct failure second = { 0 }; /* the first cause counts */

		domain_destroy(cr->p, cr->s, cr->build.domid, &second);
	}
	return good;
}

bool domain_create(struct pavise *p, struct store_client *s, const struct domain_config *c,
		   const struct create_options *o, struct phases *phases, uint16_t *domid,
		   struct failure *f)
{
	struct creation cr = { .p = p, .s = s, .c = c, .f = f };
	struct file_map ramdisk = { 0 };
	struct guest_image image = { 0 };
	bool good;

	phase(phases, NULL);
	memcpy(cr.uuid, c->uuid, sizeof(cr.uuid));
	if (!c->has_uuid)
		uuid_generate(cr.uuid);
	good = check_possible(&cr) && check_unique(&cr);
	phase(phases, "checks");
	good = good && image_open(&image, c->kernel, f) &&
	       (!c->ramdisk || file_map(&ramdisk, "ramdisk", c->ramdisk, f));
	phase(phases, "image");
	cr.build.nr_pages = c->memory_kib / 4;
	cr.build.max_pages = c->max_memory_kib / 4;
	cr.build.image = &image;
	cr.build.ramdisk = c->ramdisk ? &ramdisk : NULL;
	cr.build.cmdline = c->cmdline;
	if (good && !o->dry_run) {
		good = make_domain(&cr);
		phase(phases, "domain");
		good = good && make(&cr, o, phases);
		*domid = cr.build.domid;
	}
	image_close(&image);
	file_unmap(&ramdisk);
	return good;
}
