/* SPDX-License-Identifier: MIT */
/* Making a domain: the hypervisor's part, then the store's; whatever fails undoes all of it. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <xen/event_channel.h>

#include "../lib/util.h"
#include "build.h"
#include "devices.h"
#include "domain.h"
#include "record.h"

#define GRANT_FRAMES 32
#define MAPTRACK_FRAMES 1024
#define EVENT_PORT_MAX 1023

struct creation {
	struct pavise *p;
	struct store_client *s;
	struct domain_config c; /* with all that is made up where it is left out */
	struct build build;
	struct devices devices;
	bool entered; /* the store has its nodes: ending it takes its devices away */
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

/* That the configuration asks for: one that is made up here is nobody else's. */
static bool check_uuid(struct creation *cr)
{
	unsigned int n;
	struct xen_domctl_getdomaininfo *all = domain_list(cr->p, &n, cr->f);
	bool good = all;

	for (unsigned int i = 0; good && i < n; i++) {
		if (!memcmp(all[i].handle, cr->c.uuid, sizeof(cr->c.uuid)) &&
		    !(all[i].flags & XEN_DOMINF_dying))
			good = fail(cr->f, FAIL_TAKEN,
				    "domain %u has this UUID; leave it out to have one made",
				    all[i].domain);
	}
	free(all);
	return good;
}

static bool check_name(struct creation *cr)
{
	uint16_t domid;

	return !domain_named(cr->p, cr->s, cr->c.name, false, &domid) ||
	       fail(cr->f, FAIL_TAKEN,
		    "domain %u is called %s already; destroy it, or choose another name", domid,
		    cr->c.name);
}

static bool check_command_line(struct creation *cr)
{
	return !cr->c.cmdline || strlen(cr->c.cmdline) < MAX_GUEST_CMDLINE ||
	       fail(cr->f, FAIL_UNSUPPORTED, "the command line has more than %d bytes; shorten it",
		    MAX_GUEST_CMDLINE - 1);
}

static bool set_share(struct creation *cr)
{
	const struct domain_config *c = &cr->c;

	return (!c->weight && !c->cap) ||
	       domain_set_share(cr->p, cr->build.domid, c->weight, c->cap, cr->f);
}

static bool set_affinity(struct creation *cr)
{
	for (unsigned int i = 0; cr->c.cpus && i < cr->c.max_vcpus; i++) {
		if (!domain_pin(cr->p, cr->build.domid, i, cr->c.cpus, cr->f))
			return false;
	}
	return true;
}

static bool make_domain(struct creation *cr)
{
	const struct domain_config *c = &cr->c;
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
	memcpy(d->u.createdomain.handle, cr->c.uuid, sizeof(cr->c.uuid));
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

	domctl_new(cr->p, cr->build.domid)->u.max_vcpus.max = cr->c.max_vcpus;
	rc = domctl_call(cr->p, XEN_DOMCTL_max_vcpus);
	if (rc)
		return refused(cr, "its vCPUs", rc);
	domctl_new(cr->p, cr->build.domid)->u.max_mem.max_memkb =
		cr->c.max_memory_kib + DOMAIN_SLACK_KIB;
	rc = domctl_call(cr->p, XEN_DOMCTL_max_mem);
	if (rc)
		return refused(cr, "its limit of memory", rc);
	return set_share(cr) && set_affinity(cr) && make_port(cr, &cr->build.store_port) &&
	       make_port(cr, &cr->build.console_port);
}

/* What the guest's kernel looks for, and what tools do. */
static int write_nodes(struct store_client *s, void *ctx)
{
	static const char *const own[] = { "data",
					   "attr",
					   "error",
					   "feature",
					   "drivers",
					   "control/shutdown",
					   "control/sysrq",
					   "control/feature-poweroff",
					   "control/feature-reboot",
					   "control/feature-suspend",
					   "control/platform-feature-multiprocessor-suspend" };
	const struct creation *cr = ctx;
	struct store_writer w = { .s = s };
	const struct domain_config *c = &cr->c;
	unsigned int id = cr->build.domid;
	char text[UUID_STR_LEN], perms[16], name[32];

	uuid_unparse_lower(cr->c.uuid, text);
	snprintf(perms, sizeof(perms), "n0 r%u", id);
	writer_move(&w, "/vm/%s", text);
	writer_make(&w, "", perms);
	writer_put(&w, "name", "%s", c->name);
	writer_put(&w, "uuid", "%s", text);
	writer_put(&w, "start_time", "%lu", (unsigned long)time(NULL));
	writer_move(&w, "/local/domain/%u", id);
	writer_make(&w, "", perms);
	writer_put(&w, "vm", "/vm/%s", text);
	writer_put(&w, "name", "%s", c->name);
	writer_put(&w, "domid", "%u", id);
	writer_put(&w, "memory/target", "%lu", c->memory_kib);
	writer_put(&w, "memory/static-max", "%lu", c->max_memory_kib);
	writer_put(&w, "store/ring-ref", "%lu", cr->build.store_mfn);
	writer_put(&w, "store/port", "%u", cr->build.store_port);
	writer_put(&w, "console/ring-ref", "%lu", cr->build.console_mfn);
	writer_put(&w, "console/port", "%u", cr->build.console_port);
	writer_put(&w, "console/type", "xenconsoled");
	writer_put(&w, "console/limit", "1048576");
	writer_put(&w, "device", "%s", "");
	for (unsigned int i = 0; i < c->max_vcpus; i++) {
		snprintf(name, sizeof(name), "cpu/%u/availability", i);
		writer_put(&w, name, "%s", i < c->vcpus ? "online" : "offline");
	}
	snprintf(perms, sizeof(perms), "n%u", id);
	for (unsigned int i = 0; i < ARRAY_SIZE(own); i++)
		writer_make(&w, own[i], perms);
	return w.rc ? w.rc : devices_enter(&cr->devices, s, cr->build.domid);
}

static bool enter_store(struct creation *cr)
{
	int rc = store_transact(cr->s, write_nodes, cr);

	cr->entered = !rc;
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
	good = good && devices_attach(&cr->devices, cr->f) && enter_store(cr);
	phase(ph, "store");
	good = good && devices_connect(&cr->devices, cr->s, cr->build.domid, cr->f);
	phase(ph, "devices");
	good = good && record_save(&cr->c, cr->f) &&
	       (o->paused ||
		domain_command(cr->p, cr->build.domid, XEN_DOMCTL_unpausedomain, "start", cr->f));
	phase(ph, "start");
	if (!good) {
		struct failure second = { 0 }; /* the first cause counts */

		domain_destroy(cr->p, cr->s, cr->build.domid, &second);
		if (!cr->entered)
			devices_detach(&cr->devices);
	}
	return good;
}

static char *absolute(const char *path)
{
	char *folder, *whole;

	if (!path || *path == '/')
		return path ? xstrdup(path) : NULL;
	folder = get_current_dir_name();
	whole = xasprintf("%s/%s", folder ? folder : "", path);
	free(folder);
	return whole;
}

/* So that whoever makes the domain again, from another folder, makes the same one. */
static bool complete(struct creation *cr, const struct domain_config *from)
{
	static const uint8_t vendor[3] = { 0x00, 0x16, 0x3e };
	struct domain_config *c = &cr->c;

	*c = *from;
	c->kernel = absolute(from->kernel);
	c->ramdisk = absolute(from->ramdisk);
	c->disks = xmalloc((c->n_disks + 1) * sizeof(*c->disks));
	c->nics = xmalloc((c->n_nics + 1) * sizeof(*c->nics));
	if (!c->has_uuid)
		uuid_generate(c->uuid);
	c->has_uuid = true;
	for (unsigned int i = 0; i < c->n_disks; i++) {
		c->disks[i] = from->disks[i];
		c->disks[i].path = absolute(from->disks[i].path);
	}
	for (unsigned int i = 0; i < c->n_nics; i++) {
		struct config_nic *nic = &c->nics[i];

		*nic = from->nics[i];
		if (nic->has_mac)
			continue;
		memcpy(nic->mac, vendor, sizeof(vendor));
		if (getrandom(nic->mac + 3, 3, 0) != 3)
			return fail_at(cr->f, nic->line, FAIL_REFUSED,
				       "no random number for an address: %s; name a mac",
				       strerror(errno));
		nic->has_mac = true;
	}
	return true;
}

static void forget(struct creation *cr)
{
	for (unsigned int i = 0; i < cr->c.n_disks; i++)
		free(cr->c.disks[i].path);
	free(cr->c.disks);
	free(cr->c.nics);
	free(cr->c.kernel);
	free(cr->c.ramdisk);
}

bool domain_create(struct pavise *p, struct store_client *s, const struct domain_config *c,
		   const struct create_options *o, struct phases *phases, uint16_t *domid,
		   struct failure *f)
{
	struct creation cr = { .p = p, .s = s, .f = f };
	struct file_map ramdisk = { 0 };
	struct guest_image image = { 0 };
	bool good;

	phase(phases, NULL);
	good = complete(&cr, c);
	good = devices_open(&cr.devices, &cr.c, f) && good && check_command_line(&cr) &&
	       check_name(&cr) && (!c->has_uuid || check_uuid(&cr)) &&
	       devices_alone(&cr.devices, p, s, f);
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
	devices_close(&cr.devices);
	forget(&cr);
	image_close(&image);
	file_unmap(&ramdisk);
	return good;
}
