/* SPDX-License-Identifier: MIT */
/* Domains that are there: found, watched, asked, ended. */

#include "domain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"
#include "devices.h"
#include "record.h"

#define LIST_BATCH 256

bool domain_info(struct pavise *p, uint16_t domid, struct xen_domctl_getdomaininfo *info)
{
	struct xen_domctl *d = domctl_new(p, domid);

	if (domctl_call(p, XEN_DOMCTL_getdomaininfo) || d->u.getdomaininfo.domain != domid)
		return false;
	*info = d->u.getdomaininfo;
	return true;
}

struct xen_domctl_getdomaininfo *domain_list(struct pavise *p, unsigned int *n, struct failure *f)
{
	struct xen_domctl_getdomaininfo *all = NULL;
	uint32_t got = LIST_BATCH;
	uint16_t first = 0;

	for (*n = 0; got == LIST_BATCH; *n += got) {
		struct xen_sysctl *c = sysctl_new(p);
		int rc;

		c->u.getdomaininfolist.first_domain = first;
		c->u.getdomaininfolist.max_domains = LIST_BATCH;
		c->u.getdomaininfolist.buffer = p->array;
		rc = sysctl_call(p, XEN_SYSCTL_getdomaininfolist);
		if (rc) {
			fail(f, FAIL_REFUSED, "the list of domains can't be had: %s",
			     strerror(-rc));
			free(all);
			return NULL;
		}
		got = c->u.getdomaininfolist.num_domains;
		all = xrealloc(all, (*n + got + 1) * sizeof(*all));
		memcpy(all + *n, p->array, got * sizeof(*all));
		if (got)
			first = (uint16_t)(all[*n + got - 1].domain + 1);
	}
	return all;
}

char *domain_name(struct store_client *s, uint16_t domid)
{
	char path[64], *name;

	snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	name = store_read(s, path);
	/* Who named the others has not made this one. */
	return name || domid ? name : strdup("Domain-0");
}

static bool find_number(struct pavise *p, const char *text, uint16_t *domid)
{
	struct xen_domctl_getdomaininfo info;
	unsigned long number = strtoul(text, NULL, 10);

	*domid = (uint16_t)number;
	return number < DOMID_FIRST_RESERVED && domain_info(p, *domid, &info);
}

/* As store_find(), where the store is another: name after name. */
static char *find_slowly(struct pavise *p, struct store_client *s, const char *name)
{
	struct failure f = { 0 };
	unsigned int n;
	struct xen_domctl_getdomaininfo *all = domain_list(p, &n, &f);
	char *found = xstrdup("");

	for (unsigned int i = 0; all && i < n; i++) {
		char *its = domain_name(s, all[i].domain);

		if (its && !strcmp(its, name)) {
			char *more = xasprintf("%s%u ", found, all[i].domain);

			free(found);
			found = more;
		}
		free(its);
	}
	free(all);
	return found;
}

bool domain_named(struct pavise *p, struct store_client *s, const char *name, bool dying,
		  uint16_t *domid)
{
	struct xen_domctl_getdomaininfo info;
	char *numbers = store_find(s, name), *at, *end;
	bool found = false;

	if (!numbers)
		numbers = find_slowly(p, s, name);
	for (at = numbers; !found && *at; at = end + strspn(end, " ")) {
		unsigned long number = strtoul(at, &end, 10);

		if (end == at)
			break;
		*domid = (uint16_t)number;
		found = number < DOMID_FIRST_RESERVED && domain_info(p, *domid, &info) &&
			(dying || !(info.flags & XEN_DOMINF_dying));
	}
	free(numbers);
	return found;
}

bool domain_find(struct pavise *p, struct store_client *s, const char *text, uint16_t *domid,
		 struct failure *f)
{
	if (text[strspn(text, "0123456789")] == '\0')
		return find_number(p, text, domid) ||
		       fail(f, FAIL_NO_DOMAIN,
			    "there is no domain %s; 'pavise list' shows those there are", text);
	return domain_named(p, s, text, false, domid) || domain_named(p, s, text, true, domid) ||
	       fail(f, FAIL_NO_DOMAIN, "there is no domain %s; 'pavise list' shows those there are",
		    text);
}

bool domain_command(struct pavise *p, uint16_t domid, uint32_t command, const char *what,
		    struct failure *f)
{
	int rc;

	domctl_new(p, domid);
	rc = domctl_call(p, command);
	if (!rc)
		return true;
	return fail(f, rc == -ESRCH ? FAIL_NO_DOMAIN : FAIL_REFUSED,
		    "the hypervisor does not %s domain %u: %s; %s", what, domid, strerror(-rc),
		    domid ? "'pavise list' shows its state" : "commands run in this one");
}

/* Its nodes: those below its own path, /vm/UUID that this names, and that of its handle. */
static void remove_nodes(struct store_client *s, uint16_t domid, const uuid_t handle)
{
	char path[64], uuid[UUID_STR_LEN];
	char *vm;

	uuid_unparse_lower(handle, uuid);
	snprintf(path, sizeof(path), "/vm/%s", uuid);
	store_remove(s, path);
	snprintf(path, sizeof(path), "/local/domain/%u/vm", domid);
	vm = store_read(s, path);
	if (vm && !strncmp(vm, "/vm/", 4))
		store_remove(s, vm);
	free(vm);
	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	store_remove(s, path);
}

static void remove_traces(struct store_client *s, uint16_t domid, const uuid_t handle)
{
	do { /* all over when the store is killed at it: what is gone does not matter */
		store_release(s, domid);
		devices_remove(s, domid);
		remove_nodes(s, domid, handle);
	} while (s->broken && store_reopen(s));
}

bool domain_destroy(struct pavise *p, struct store_client *s, uint16_t domid, struct failure *f)
{
	struct xen_domctl_getdomaininfo info = { 0 };

	/* Before: nobody is to make it again. */
	if (domain_info(p, domid, &info))
		record_remove(info.handle);
	if (!domain_command(p, domid, XEN_DOMCTL_destroydomain, "destroy", f))
		return false;
	remove_traces(s, domid, info.handle);
	return true;
}

void domain_sweep(struct pavise *p, struct store_client *s, const struct domain_config *c)
{
	struct xen_domctl_getdomaininfo info;
	char *numbers = store_find(s, c->name), *end;

	for (char *at = numbers; at && *at; at = end + strspn(end, " ")) {
		unsigned long number = strtoul(at, &end, 10);

		if (end == at)
			break;
		if (number && number < DOMID_FIRST_RESERVED &&
		    !domain_info(p, (uint16_t)number, &info))
			remove_traces(s, (uint16_t)number, c->uuid);
	}
	free(numbers);
}

bool domain_ask(struct store_client *s, uint16_t domid, const char *request, struct failure *f)
{
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
	rc = store_write(s, path, request);
	return !rc || fail(f, FAIL_REFUSED, "the store does not take %s: %s", path, strerror(-rc));
}

static bool put_number(struct store_client *s, uint16_t domid, const char *name, uint64_t number,
		       struct failure *f)
{
	char path[64], value[24];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, name);
	snprintf(value, sizeof(value), "%lu", number);
	rc = store_write(s, path, value);
	return !rc || fail(f, FAIL_REFUSED, "the store does not take %s: %s", path, strerror(-rc));
}

static bool set_limit(struct pavise *p, uint16_t domid, uint64_t kib, struct failure *f)
{
	int rc;

	domctl_new(p, domid)->u.max_mem.max_memkb = kib + DOMAIN_SLACK_KIB;
	rc = domctl_call(p, XEN_DOMCTL_max_mem);
	return !rc || fail(f, FAIL_REFUSED, "the limit of domain %u can't be set: %s", domid,
			   strerror(-rc));
}

/* 0: there is none, as for the privileged domain. */
static uint64_t get_number(struct store_client *s, uint16_t domid, const char *name)
{
	char path[64], *value;
	uint64_t number;

	snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, name);
	value = store_read(s, path);
	number = value ? strtoull(value, NULL, 10) : 0;
	free(value);
	return number;
}

bool domain_set_memory(struct pavise *p, struct store_client *s, uint16_t domid, uint64_t kib,
		       struct failure *f)
{
	uint64_t max = get_number(s, domid, "memory/static-max");

	if (max && kib > max)
		return fail(f, FAIL_USAGE,
			    "domain %u may have %lu KiB at most; raise that by 'pavise mem-max'",
			    domid, max);
	return set_limit(p, domid, kib, f) && put_number(s, domid, "memory/target", kib, f);
}

bool domain_set_max_memory(struct pavise *p, struct store_client *s, uint16_t domid, uint64_t kib,
			   struct failure *f)
{
	uint64_t target = get_number(s, domid, "memory/target");

	if (kib < target)
		return fail(f, FAIL_USAGE,
			    "domain %u is to have %lu KiB; lower that by 'pavise mem-set' first",
			    domid, target);
	return set_limit(p, domid, kib, f) && put_number(s, domid, "memory/static-max", kib, f);
}

bool domain_pin(struct pavise *p, uint16_t domid, unsigned int vcpu, const char *cpus,
		struct failure *f)
{
	struct xen_domctl *d = domctl_new(p, domid);
	int rc;

	if (!config_parse_cpus(cpus, p->array, CPUS_MAX / 8))
		return fail(f, FAIL_USAGE,
			    "'%s' is no list of processors; write it as 0-3,5,^2 or all", cpus);
	d->u.vcpuaffinity.vcpu = vcpu;
	d->u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
	d->u.vcpuaffinity.cpumap_hard.bitmap = p->array;
	d->u.vcpuaffinity.cpumap_hard.nr_bits = CPUS_MAX;
	rc = domctl_call(p, XEN_DOMCTL_setvcpuaffinity);
	return !rc || fail(f, FAIL_REFUSED,
			   "the hypervisor does not let vCPU %u of domain %u run on %s: %s; 'pavise"
			   " info' says which processors there are",
			   vcpu, domid, cpus, strerror(-rc));
}

static int share_call(struct pavise *p, uint16_t domid, uint32_t command, unsigned int weight,
		      unsigned int cap)
{
	struct xen_domctl *d = domctl_new(p, domid);

	d->u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
	d->u.scheduler_op.cmd = command;
	d->u.scheduler_op.u.credit2.weight = (uint16_t)weight;
	d->u.scheduler_op.u.credit2.cap = (uint16_t)cap;
	return domctl_call(p, XEN_DOMCTL_scheduler_op);
}

bool domain_share(struct pavise *p, uint16_t domid, unsigned int *weight, unsigned int *cap,
		  struct failure *f)
{
	int rc = share_call(p, domid, XEN_DOMCTL_SCHEDOP_getinfo, 0, 0);

	*weight = p->domctl->u.scheduler_op.u.credit2.weight;
	*cap = p->domctl->u.scheduler_op.u.credit2.cap;
	if (rc && rc != -ESRCH)
		fail(f, FAIL_REFUSED,
		     "the hypervisor does not tell the share of domain %u: %s;"
		     " is its scheduler credit2?",
		     domid, strerror(-rc));
	return !rc;
}

bool domain_set_share(struct pavise *p, uint16_t domid, unsigned int weight, unsigned int cap,
		      struct failure *f)
{
	int rc = share_call(p, domid, XEN_DOMCTL_SCHEDOP_putinfo, weight, cap);

	return !rc || fail(f, FAIL_REFUSED,
			   "the hypervisor does not give domain %u this share: %s; 'pavise sched'"
			   " shows what it has",
			   domid, strerror(-rc));
}

bool domain_change_share(struct pavise *p, uint16_t domid, unsigned int weight, unsigned int cap,
			 struct failure *f)
{
	struct xen_domctl_getdomaininfo info;
	struct domain_config c = { 0 };
	bool good = domain_set_share(p, domid, weight, cap, f);

	if (good && domain_info(p, domid, &info) && record_read(&c, RECORDS, info.handle)) {
		c.weight = weight ? weight : c.weight;
		c.cap = cap == SHARE_CAP_AS_BEFORE ? c.cap : cap;
		good = record_save(&c, f);
	}
	config_free(&c);
	return good;
}

bool domain_set_vcpus(struct pavise *p, struct store_client *s, uint16_t domid, unsigned int n,
		      struct failure *f)
{
	struct xen_domctl_getdomaininfo info;
	char path[64];
	int rc = 0;

	if (!domain_info(p, domid, &info) || !n || n > info.max_vcpu_id + 1)
		return fail(f, FAIL_USAGE, "domain %u has 1 to %u vCPUs; say one of these numbers",
			    domid, info.max_vcpu_id + 1);
	for (unsigned int i = 0; !rc && i <= info.max_vcpu_id; i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/cpu/%u/availability", domid, i);
		rc = store_write(s, path, i < n ? "online" : "offline");
	}
	return !rc || fail(f, FAIL_REFUSED, "the store does not take %s: %s", path, strerror(-rc));
}

/* The file that it would be made again from. */
static bool rename_record(const uint8_t *uuid, const char *name, struct failure *f)
{
	struct domain_config c = { 0 };
	bool good = true;

	if (record_read(&c, RECORDS, uuid)) {
		free(c.name);
		c.name = xstrdup(name);
		good = record_save(&c, f);
	}
	config_free(&c);
	return good;
}

bool domain_rename(struct pavise *p, struct store_client *s, uint16_t domid, const char *name,
		   struct failure *f)
{
	struct config_report r = { .file = "pavise" };
	struct xen_domctl_getdomaininfo info;
	char base[64], uuid[UUID_STR_LEN];
	struct failure none = { 0 };
	uint16_t other;
	int rc;

	if (!config_name_is_good(&r, name)) {
		fail(f, FAIL_USAGE, "%s", r.text + strlen("pavise: "));
		config_report_free(&r);
		return false;
	}
	if (domain_find(p, s, name, &other, &none))
		return fail(f, FAIL_TAKEN, "domain %u is called %s already; choose another name",
			    other, name);
	if (!domain_info(p, domid, &info) || !rename_record(info.handle, name, f))
		return fail(f, FAIL_NO_DOMAIN, "domain %u has ended meanwhile", domid);
	snprintf(base, sizeof(base), "/local/domain/%u/name", domid);
	rc = store_write(s, base, name);
	uuid_unparse_lower(info.handle, uuid);
	snprintf(base, sizeof(base), "/vm/%s/name", uuid);
	rc = rc ? rc : store_write(s, base, name);
	return !rc || fail(f, FAIL_REFUSED, "the store does not take %s: %s", base, strerror(-rc));
}

struct identity {
	uint16_t domid;
	const char *name, *uuid;
};

static int move_nodes(struct store_client *s, void *ctx)
{
	const struct identity *to = ctx;
	struct store_writer w = { .s = s };
	char path[64], start_path[96];
	char *vm, *start;

	snprintf(path, sizeof(path), "/local/domain/%u/vm", to->domid);
	vm = store_read(s, path);
	snprintf(start_path, sizeof(start_path), "%.60s/start_time", vm ? vm : "");
	start = store_read(s, start_path);
	writer_move(&w, "/vm/%s", to->uuid);
	writer_put(&w, "name", "%s", to->name);
	writer_put(&w, "uuid", "%s", to->uuid);
	writer_put(&w, "start_time", "%s", start ? start : "0");
	writer_move(&w, "/local/domain/%u", to->domid);
	writer_put(&w, "name", "%s", to->name);
	writer_put(&w, "vm", "/vm/%s", to->uuid);
	if (!w.rc && vm && !strncmp(vm, "/vm/", 4))
		w.rc = store_remove(s, vm);
	free(start);
	free(vm);
	return w.rc;
}

bool domain_preserve(struct pavise *p, struct store_client *s, uint16_t domid, const char *name,
		     struct failure *f)
{
	char text[UUID_STR_LEN];
	struct identity to = { domid, name, text };
	struct xen_domctl *d;
	uuid_t uuid;
	int rc;

	uuid_generate(uuid);
	uuid_unparse_lower(uuid, text);
	devices_remove(s, domid);
	rc = store_transact(s, move_nodes, &to);
	if (rc)
		return fail(f, FAIL_REFUSED, "the store does not take the name %s: %s", name,
			    strerror(-rc));
	d = domctl_new(p, domid);
	memcpy(d->u.setdomainhandle.handle, uuid, sizeof(uuid));
	rc = domctl_call(p, XEN_DOMCTL_setdomainhandle);
	return !rc ||
	       fail(f, FAIL_REFUSED, "domain %u can't have another UUID: %s", domid, strerror(-rc));
}

bool domain_wait(struct pavise *p, struct store_client *s, uint16_t domid, enum domain_wait what,
		 int seconds, struct failure *f)
{
	struct timespec now, end;
	struct xen_domctl_getdomaininfo info;

	store_watch(s, "@releaseDomain");
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	for (;;) {
		long left;

		if (!domain_info(p, domid, &info) || info.flags & XEN_DOMINF_dying ||
		    (what == WAIT_SHUTDOWN && info.flags & XEN_DOMINF_shutdown))
			return true;
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = (end.tv_sec - now.tv_sec) * 1000 + (end.tv_nsec - now.tv_nsec) / 1000000;
		if (seconds >= 0 && left <= 0)
			return fail(
				f, FAIL_TIME,
				"domain %u has not ended within %d s; wait longer, or destroy it",
				domid, seconds);
		if (store_wait(s, seconds < 0    ? -1 :
				  left > 1000000 ? 1000000 :
						   (int)left) == -EPIPE)
			return fail(f, FAIL_REACH, "the store has ended; wait once more");
	}
}
