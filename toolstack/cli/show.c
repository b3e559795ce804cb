/* SPDX-License-Identifier: MIT */
/* Commands that show something. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xen/sched.h>
#include <xen/version.h>

#include "../lib/util.h"
#include "session.h"

const char *state_name(uint32_t flags)
{
	static const char *const reasons[] = { "poweroff", "reboot",   "suspend",
					       "crash",    "watchdog", "soft-reset" };
	uint32_t reason = flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;

	if (flags & XEN_DOMINF_dying)
		return "dying";
	if (flags & XEN_DOMINF_shutdown)
		return reason < ARRAY_SIZE(reasons) ? reasons[reason] : "shutdown";
	if (flags & XEN_DOMINF_paused)
		return "paused";
	return flags & XEN_DOMINF_running ? "running" : "blocked";
}

/* The column of xl list. */
static void state_letters(uint32_t flags, char text[7])
{
	bool crash =
		(flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask) == SHUTDOWN_crash;

	snprintf(text, 7, "%c%c%c%c%c%c", flags & XEN_DOMINF_running ? 'r' : '-',
		 flags & XEN_DOMINF_blocked ? 'b' : '-', flags & XEN_DOMINF_paused ? 'p' : '-',
		 flags & XEN_DOMINF_shutdown && !crash ? 's' : '-',
		 flags & XEN_DOMINF_shutdown && crash ? 'c' : '-',
		 flags & XEN_DOMINF_dying ? 'd' : '-');
}

static void list_json(struct json *j, const struct xen_domctl_getdomaininfo *d, const char *name)
{
	char uuid[UUID_STR_LEN];

	uuid_unparse_lower(d->handle, uuid);
	json_open(j, NULL, '{');
	json_number(j, "domid", d->domain);
	json_text(j, "name", name);
	json_text(j, "uuid", uuid);
	json_text(j, "state", state_name(d->flags));
	json_number(j, "memory_kib", d->tot_pages * 4);
	json_number(j, "max_memory_kib", d->max_pages * 4);
	json_number(j, "vcpus", d->nr_online_vcpus);
	json_number(j, "cpu_time_ns", d->cpu_time);
	json_close(j, '}');
}

static void list_line(const struct xen_domctl_getdomaininfo *d, const char *name)
{
	char state[7];

	state_letters(d->flags, state);
	printf("%-40s %5u %5lu %5u     %s %8.1f\n", name ? name : "(null)", d->domain,
	       d->tot_pages >> 8, d->nr_online_vcpus, state, (double)d->cpu_time / 1e9);
}

/* The domains that a command shows: one, or all. NULL: there is a failure. */
static struct xen_domctl_getdomaininfo *chosen(struct session *se, int argc, char **argv,
					       unsigned int *n)
{
	struct xen_domctl_getdomaininfo *one;
	uint16_t domid;

	if (argc == 1)
		return domain_list(&se->p, n, &se->f);
	if (!domain_find(&se->p, &se->s, argv[1], &domid, &se->f))
		return NULL;
	one = xzalloc(sizeof(*one));
	*n = domain_info(&se->p, domid, one);
	return one;
}

/* One domain, as JSON or, where j is NULL, as a line. */
typedef void show_fn(struct session *se, struct json *j,
		     const struct xen_domctl_getdomaininfo *info, const char *name);

/* VERB [--json] [DOMAIN]; head: what stands above the lines, if anything. */
static int show_domains(int argc, char **argv, const char *head, show_fn *show)
{
	bool as_json = take_flag(&argc, argv, "--json");
	struct xen_domctl_getdomaininfo *all = NULL;
	struct session se;
	struct json j = { 0 };
	unsigned int n;

	if (!check_usage(argc, argv, 0, 1))
		return EXIT_USAGE;
	if (session_begin(&se, true))
		all = chosen(&se, argc, argv, &n);
	if (all && as_json)
		json_open(&j, NULL, '[');
	else if (all && head)
		puts(head);
	for (unsigned int i = 0; all && i < n; i++) {
		char *name = domain_name(&se.s, all[i].domain);

		show(&se, as_json ? &j : NULL, &all[i], name);
		free(name);
	}
	if (all && as_json) {
		json_close(&j, ']');
		json_end(&j);
	}
	free(all);
	return session_end(&se);
}

static void list_one(struct session *se, struct json *j,
		     const struct xen_domctl_getdomaininfo *info, const char *name)
{
	if (j)
		list_json(j, info, name);
	else
		list_line(info, name);
}

int cmd_list(int argc, char **argv)
{
	char head[96];

	snprintf(head, sizeof(head), "%-40s %5s %5s %5s     %-6s %8s", "Name", "ID", "Mem", "VCPUs",
		 "State", "Time(s)");
	return show_domains(argc, argv, head, list_one);
}

/* Where it may run, as 0-3,5. */
static void affinity_text(struct session *se, uint16_t domid, unsigned int vcpu, char *text,
			  size_t room)
{
	struct xen_domctl *d = domctl_new(&se->p, domid);
	const uint8_t *map = se->p.array;
	unsigned int bits = 4096;
	size_t at = 0;

	memset(se->p.array, 0, bits / 8);
	d->u.vcpuaffinity.vcpu = vcpu;
	d->u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
	d->u.vcpuaffinity.cpumap_hard.bitmap = se->p.array;
	d->u.vcpuaffinity.cpumap_hard.nr_bits = bits;
	text[0] = '\0';
	if (domctl_call(&se->p, XEN_DOMCTL_getvcpuaffinity))
		return;
	for (unsigned int i = 0; i < bits && at < room; i++) {
		unsigned int last = i;

		if (!(map[i / 8] >> i % 8 & 1))
			continue;
		while (last + 1 < bits && map[(last + 1) / 8] >> (last + 1) % 8 & 1)
			last++;
		at += (size_t)snprintf(text + at, room - at, last > i ? "%s%u-%u" : "%s%u",
				       at ? "," : "", i, last);
		i = last;
	}
}

static void vcpu_line(struct session *se, const struct xen_domctl_getdomaininfo *dom,
		      const char *name, unsigned int vcpu, struct json *j)
{
	struct xen_domctl *d = domctl_new(&se->p, dom->domain);
	struct xen_domctl_getvcpuinfo v;
	char affinity[128];

	d->u.getvcpuinfo.vcpu = vcpu;
	if (domctl_call(&se->p, XEN_DOMCTL_getvcpuinfo))
		return;
	v = d->u.getvcpuinfo;
	affinity_text(se, dom->domain, vcpu, affinity, sizeof(affinity));
	if (!j) {
		printf("%-32s %5u %5u %5u   %c%c%c %8.1f  %s\n", name ? name : "(null)",
		       dom->domain, vcpu, v.cpu, v.running ? 'r' : '-', v.blocked ? 'b' : '-',
		       v.online ? '-' : 'p', (double)v.cpu_time / 1e9, affinity);
		return;
	}
	json_open(j, NULL, '{');
	json_number(j, "domid", dom->domain);
	json_text(j, "name", name);
	json_number(j, "vcpu", vcpu);
	json_number(j, "cpu", v.cpu);
	json_text(j, "state",
		  !v.online ? "offline" :
		  v.running ? "running" :
		  v.blocked ? "blocked" :
			      "ready");
	json_number(j, "cpu_time_ns", v.cpu_time);
	json_text(j, "affinity", affinity);
	json_close(j, '}');
}

int cmd_vcpu_list(int argc, char **argv)
{
	bool as_json = take_flag(&argc, argv, "--json");
	struct xen_domctl_getdomaininfo *all = NULL;
	struct session se;
	struct json j = { 0 };
	unsigned int n;

	if (!check_usage(argc, argv, 0, 1))
		return EXIT_USAGE;
	if (session_begin(&se, true))
		all = chosen(&se, argc, argv, &n);
	if (all && as_json)
		json_open(&j, NULL, '[');
	else if (all)
		printf("%-32s %5s %5s %5s %5s %8s  %s\n", "Name", "ID", "VCPU", "CPU", "State",
		       "Time(s)", "Affinity");
	for (unsigned int i = 0; all && i < n; i++) {
		char *name = domain_name(&se.s, all[i].domain);

		for (uint32_t v = 0;
		     all[i].max_vcpu_id != XEN_INVALID_MAX_VCPU_ID && v <= all[i].max_vcpu_id; v++)
			vcpu_line(&se, &all[i], name, v, as_json ? &j : NULL);
		free(name);
	}
	if (all && as_json) {
		json_close(&j, ']');
		json_end(&j);
	}
	free(all);
	return session_end(&se);
}

/* domid and domname: the other one of the two. */
static int translate(int argc, char **argv, bool to_name)
{
	bool as_json = take_flag(&argc, argv, "--json");
	struct session se;
	struct json j = { 0 };
	uint16_t domid;

	if (!check_usage(argc, argv, 1, 1))
		return EXIT_USAGE;
	if (session_begin(&se, true) && domain_find(&se.p, &se.s, argv[1], &domid, &se.f)) {
		char *name = domain_name(&se.s, domid);

		if (as_json) {
			json_open(&j, NULL, '{');
			json_number(&j, "domid", domid);
			json_text(&j, "name", name);
			json_close(&j, '}');
			json_end(&j);
		} else if (to_name) {
			printf("%s\n", name ? name : "(null)");
		} else {
			printf("%u\n", domid);
		}
		free(name);
	}
	return session_end(&se);
}

int cmd_domid(int argc, char **argv)
{
	return translate(argc, argv, false);
}

int cmd_domname(int argc, char **argv)
{
	return translate(argc, argv, true);
}

/* Seconds since its creation; UNKNOWN: nobody noted when that was. */
#define UNKNOWN UINT64_MAX
static uint64_t uptime_of(struct session *se, uint16_t domid)
{
	char path[96], *vm, *start = NULL;
	uint64_t seconds = UNKNOWN;
	struct timespec t;

	if (!domid) { /* this one */
		clock_gettime(CLOCK_BOOTTIME, &t);
		return (uint64_t)t.tv_sec;
	}
	snprintf(path, sizeof(path), "/local/domain/%u/vm", domid);
	vm = store_read(&se->s, path);
	if (vm) {
		snprintf(path, sizeof(path), "%.80s/start_time", vm);
		start = store_read(&se->s, path);
	}
	if (start)
		seconds = (uint64_t)(time(NULL) - atol(start));
	free(vm);
	free(start);
	return seconds;
}

static void uptime_one(struct session *se, struct json *j,
		       const struct xen_domctl_getdomaininfo *info, const char *name)
{
	uint64_t t = uptime_of(se, info->domain);

	if (!j && t == UNKNOWN) {
		printf("%-32s %5u unknown\n", name ? name : "(null)", info->domain);
		return;
	}
	if (!j) {
		printf("%-32s %5u %3lu days, %2lu:%02lu:%02lu\n", name ? name : "(null)",
		       info->domain, t / 86400, t / 3600 % 24, t / 60 % 60, t % 60);
		return;
	}
	json_open(j, NULL, '{');
	json_number(j, "domid", info->domain);
	json_text(j, "name", name);
	if (t == UNKNOWN)
		json_text(j, "uptime_s", NULL);
	else
		json_number(j, "uptime_s", t);
	json_close(j, '}');
}

int cmd_uptime(int argc, char **argv)
{
	return show_domains(argc, argv, NULL, uptime_one);
}

static void sched_one(struct session *se, struct json *j,
		      const struct xen_domctl_getdomaininfo *info, const char *name)
{
	unsigned int weight, cap;

	if (!domain_share(&se->p, info->domain, &weight, &cap, &se->f))
		return;
	if (!j) {
		printf("%-32s %5u %6u %5u\n", name ? name : "(null)", info->domain, weight, cap);
		return;
	}
	json_open(j, NULL, '{');
	json_number(j, "domid", info->domain);
	json_text(j, "name", name);
	json_number(j, "weight", weight);
	json_number(j, "cap", cap);
	json_close(j, '}');
}

int cmd_sched(int argc, char **argv)
{
	const char *weight_text = take_value(&argc, argv, "-w");
	const char *cap_text = take_value(&argc, argv, "-c");
	unsigned int weight = 0, cap = SHARE_CAP_AS_BEFORE;
	struct session se;
	uint16_t domid;

	if (!weight_text && !cap_text)
		return show_domains(argc, argv,
				    "Name                                ID Weight   Cap",
				    sched_one);
	if (!check_usage(argc, argv, 1, 1) ||
	    (weight_text && !parse_count(weight_text, &weight, 1, 65535, "weight")) ||
	    (cap_text && !parse_count(cap_text, &cap, 0, SHARE_CAP_MAX, "cap in percent")))
		return EXIT_USAGE;
	if (session_begin_with(&se, argv[1], &domid))
		domain_change_share(&se.p, domid, weight, cap, &se.f);
	return session_end(&se);
}

static const char *scheduler_name(struct session *se)
{
	static const char *const names[] = { [4] = "sedf",     [5] = "credit", [6] = "credit2",
					     [7] = "arinc653", [8] = "rtds",   [9] = "null" };
	uint32_t id;

	sysctl_new(&se->p);
	if (sysctl_call(&se->p, XEN_SYSCTL_sched_id))
		return "unknown";
	id = se->p.sysctl->u.sched_id.sched_id;
	return id < ARRAY_SIZE(names) && names[id] ? names[id] : "unknown";
}

/* A text that xen_version answers with, or "". */
static const char *version_text(struct session *se, unsigned int command, void *arg, size_t bytes)
{
	memset(arg, 0, bytes);
	if (call2(&se->p, __HYPERVISOR_xen_version, command, arg, bytes - 1) < 0)
		memset(arg, 0, bytes);
	return arg;
}

static void info_item(struct json *j, const char *key, const char *text, uint64_t number)
{
	if (j && text)
		json_text(j, key, text);
	else if (j)
		json_number(j, key, number);
	else if (text)
		printf("%-20s: %s\n", key, text);
	else
		printf("%-20s: %lu\n", key, number);
}

#define NODES_SHOWN 64

/* The node of each processor; how many processors. To be freed. */
static uint32_t *nodes_of_cpus(struct session *se, uint32_t *n)
{
	struct xen_sysctl_cputopo *topo = se->p.array;
	struct xen_sysctl *c = sysctl_new(&se->p);
	uint32_t *nodes = xzalloc(CALL_ARRAY_BYTES);

	c->u.cputopoinfo.cputopo = topo;
	c->u.cputopoinfo.num_cpus = CALL_ARRAY_BYTES / sizeof(*topo);
	*n = sysctl_call(&se->p, XEN_SYSCTL_cputopoinfo) ? 0 : c->u.cputopoinfo.num_cpus;
	for (uint32_t i = 0; i < *n; i++)
		nodes[i] = topo[i].node;
	return nodes;
}

static void info_node(struct json *j, uint32_t node, const struct xen_sysctl_meminfo *memory,
		      const uint32_t *cpus, uint32_t n)
{
	if (j) {
		json_open(j, NULL, '{');
		json_number(j, "memory_kib", memory->memsize >> 10);
		json_number(j, "free_memory_kib", memory->memfree >> 10);
		json_open(j, "processors", '[');
	} else {
		printf("node %-15u: %lu KiB, %lu KiB free, processors", node, memory->memsize >> 10,
		       memory->memfree >> 10);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (cpus[i] == node && j)
			json_number(j, NULL, i);
		else if (cpus[i] == node)
			printf(" %u", i);
	}
	if (j)
		json_close(j, ']');
	else
		printf("; distances");
}

/* Of each node its memory, its processors, and how far away the others are. */
static void info_nodes(struct session *se, struct json *j)
{
	uint32_t n, *cpus = nodes_of_cpus(se, &n), nodes;
	struct xen_sysctl_meminfo *memory = se->p.array;
	uint32_t *distance = (uint32_t *)(memory + NODES_SHOWN);
	struct xen_sysctl *c = sysctl_new(&se->p);

	c->u.numainfo.num_nodes = NODES_SHOWN;
	c->u.numainfo.meminfo = memory;
	c->u.numainfo.distance = distance;
	nodes = sysctl_call(&se->p, XEN_SYSCTL_numainfo) ? 0 : c->u.numainfo.num_nodes;
	if (j)
		json_open(j, "nodes", '[');
	for (uint32_t i = 0; i < nodes; i++) {
		info_node(j, i, &memory[i], cpus, n);
		if (j)
			json_open(j, "distances", '[');
		for (uint32_t to = 0; to < nodes; to++) {
			if (j)
				json_number(j, NULL, distance[i * nodes + to]);
			else
				printf(" %u", distance[i * nodes + to]);
		}
		if (j) {
			json_close(j, ']');
			json_close(j, '}');
		} else {
			printf("\n");
		}
	}
	if (j)
		json_close(j, ']');
	free(cpus);
}

int cmd_info(int argc, char **argv)
{
	bool as_json = take_flag(&argc, argv, "--json");
	struct session se;
	struct json out = { 0 }, *j = as_json ? &out : NULL;
	char text[1025], version[1060];
	const char *scheduler;
	int rc;

	if (!check_usage(argc, argv, 0, 0))
		return EXIT_USAGE;
	if (!session_begin(&se, false))
		return session_end(&se);
	rc = call2(&se.p, __HYPERVISOR_xen_version, XENVER_version, text, 0);
	version_text(&se, XENVER_extraversion, text, sizeof(xen_extraversion_t) + 1);
	snprintf(version, sizeof(version), "%d.%d%s", rc >> 16, rc & 0xffff, text);
	scheduler = scheduler_name(&se);
	sysctl_new(&se.p);
	rc = sysctl_call(&se.p, XEN_SYSCTL_physinfo);
	if (rc) {
		fail(&se.f, FAIL_REFUSED, "the hypervisor does not describe the machine: %s",
		     strerror(-rc));
		return session_end(&se);
	}
	if (j)
		json_open(j, NULL, '{');
	info_item(j, "xen_version", version, 0);
	info_item(j, "xen_caps",
		  version_text(&se, XENVER_capabilities, text, sizeof(xen_capabilities_info_t) + 1),
		  0);
	info_item(j, "xen_scheduler", scheduler, 0);
	info_item(j, "xen_commandline",
		  version_text(&se, XENVER_commandline, text, sizeof(xen_commandline_t) + 1), 0);
	info_item(j, "interface", se.p.interface->release, 0);
	info_item(j, "nr_cpus", NULL, se.p.sysctl->u.physinfo.nr_cpus);
	info_item(j, "cpu_khz", NULL, se.p.sysctl->u.physinfo.cpu_khz);
	info_item(j, "total_memory_kib", NULL, se.p.sysctl->u.physinfo.total_pages * 4);
	info_item(j, "free_memory_kib", NULL, se.p.sysctl->u.physinfo.free_pages * 4);
	info_item(j, "claimed_memory_kib", NULL, se.p.sysctl->u.physinfo.outstanding_pages * 4);
	info_nodes(&se, j);
	if (j) {
		json_close(j, '}');
		json_end(j);
	}
	return session_end(&se);
}

char *read_log(struct session *se, bool clear)
{
	char *log = xzalloc(1);
	uint32_t index = 0, got = 1;
	size_t n = 0;

	while (got) {
		struct xen_sysctl *c = sysctl_new(&se->p);
		int rc;

		c->u.readconsole.clear = clear;
		c->u.readconsole.incremental = n > 0;
		c->u.readconsole.index = index;
		c->u.readconsole.buffer = se->p.array;
		c->u.readconsole.count = CALL_ARRAY_BYTES;
		rc = sysctl_call(&se->p, XEN_SYSCTL_readconsole);
		if (rc) {
			fail(&se->f, FAIL_REFUSED, "the hypervisor's log can't be read: %s",
			     strerror(-rc));
			break;
		}
		index = c->u.readconsole.index;
		got = c->u.readconsole.count;
		log = xrealloc(log, n + got + 1);
		memcpy(log + n, se->p.array, got);
		n += got;
		log[n] = '\0';
	}
	return log;
}

int cmd_dmesg(int argc, char **argv)
{
	bool as_json = take_flag(&argc, argv, "--json"), clear = take_flag(&argc, argv, "-c");
	struct session se;
	struct json j = { 0 };

	if (!check_usage(argc, argv, 0, 0))
		return EXIT_USAGE;
	if (session_begin(&se, false)) {
		char *log = read_log(&se, clear), *rest = log, *line;

		if (!as_json) {
			fputs(log, stdout);
		} else {
			json_open(&j, NULL, '[');
			while ((line = strsep(&rest, "\n"))) {
				if (*line)
					json_text(&j, NULL, line);
			}
			json_close(&j, ']');
			json_end(&j);
		}
		free(log);
	}
	return session_end(&se);
}
