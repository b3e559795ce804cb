/* SPDX-License-Identifier: MIT */
/*
 * selftest: what a person with hardware can send. The machine as the hypervisor found it, and quick
 * checks. Nothing that names the machine or its owner: of the log only what the hypervisor says of
 * itself, of options not those of kernels.
 */

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xenevtchn.h>

#include "../lib/util.h"
#include "session.h"

#define NS 1000000000L
#define MAP_ENTRIES 256
#define MAP_CPUS 512
#define NAPS 20
#define NAP_NS 5000000L
#define LATE_NS 50000000L /* emulators under load are that late */
#define EVENTS 1000
#define FLUSHES 2000

static unsigned int passed, failed;

__attribute__((format(printf, 3, 4))) static void result(bool good, const char *name,
							 const char *format, ...)
{
	va_list ap;

	printf("%s %s: ", good ? "ok  " : "FAIL", name);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	passed += good;
	failed += !good;
}

static long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

/* ---- the report ---- */

/* A line of the hypervisor's log, without what its options say to a kernel. */
static void print_line(char *line)
{
	char *kernels = strstr(line, " -- ");

	if (kernels)
		*kernels = '\0';
	printf("%s\n", line);
}

/* All until guests come; then what went wrong, but nothing that a guest may have written. */
static void report_log(struct session *se)
{
	char *log = read_log(se, false), *rest = log, *line;
	bool started = !strstr(log, "starting the privileged domain");

	if (started)
		printf("(the log's beginning is gone)\n");
	while ((line = strsep(&rest, "\n"))) {
		const char *text = strstr(line, "] ");

		if (!started || (text && (!strncmp(text + 2, "warning: ", 9) ||
					  !strncmp(text + 2, "error: ", 7))))
			print_line(line);
		started |= strstr(line, "starting the privileged domain") != NULL;
	}
	free(log);
}

static void report_memory(struct session *se)
{
	static const char *const types[] = { "?", "RAM", "reserved", "ACPI", "ACPI NVS", "broken" };
	struct e820 {
		uint64_t start, size;
		uint32_t type;
	} __attribute__((packed)) *e = se->p.array;
	struct xen_memory_map map = { .nr_entries = MAP_ENTRIES };
	uint64_t end = 0;

	map.buffer = se->p.array;
	if (memory_call(&se->p, XENMEM_machine_memory_map, &map, sizeof(map)))
		map.nr_entries = 0;
	for (unsigned int i = 0; i < map.nr_entries; end = e[i].start + e[i].size, i++) {
		if (e[i].start > end)
			printf("memory %012lx-%012lx hole\n", end, e[i].start);
		printf("memory %012lx-%012lx %s\n", e[i].start, e[i].start + e[i].size,
		       types[e[i].type < ARRAY_SIZE(types) ? e[i].type : 0]);
	}
}

/* What the keys make the hypervisor say, from this text on; to be freed. NULL: nothing such. */
static char *said(struct session *se, const char *keys, const char *from)
{
	char *log, *at = NULL, *next;

	if (!press_keys(se, keys))
		return NULL;
	log = read_log(se, false);
	for (next = strstr(log, from); next; next = strstr(next + 1, from))
		at = next;
	at = at ? xstrdup(at) : NULL;
	free(log);
	return at;
}

static void report_interrupts(struct session *se)
{
	char *log = said(se, "i", "irq: vector@cpu"), *rest = log, *line;

	while (rest && (line = strsep(&rest, "\n"))) {
		if (strstr(line, ": pin ") || strstr(line, ": msi "))
			printf("%s\n", line);
	}
	free(log);
}

/* ---- checks ---- */

/* Where vCPU 0 of this domain may run: read, or set to it. */
static bool affinity(struct session *se, uint32_t command, uint8_t *cpus)
{
	struct xen_domctl *c = domctl_new(&se->p, 0);
	struct xen_domctl_vcpuaffinity *a = &c->u.vcpuaffinity;
	uint8_t *map = se->p.array;
	int rc;

	memcpy(map, cpus, MAP_CPUS / 8);
	a->flags = XEN_VCPUAFFINITY_HARD;
	a->cpumap_hard.bitmap = map;
	a->cpumap_hard.nr_bits = MAP_CPUS;
	rc = domctl_call(&se->p, command);
	if (command == XEN_DOMCTL_getvcpuaffinity)
		memcpy(cpus, map, MAP_CPUS / 8);
	return rc == 0;
}

/* Goes there and works for a while; is it there? */
static bool visit(struct session *se, unsigned int cpu)
{
	uint8_t one[MAP_CPUS / 8] = { 0 };
	struct xen_domctl *c;
	long end;

	one[cpu / 8] = (uint8_t)(1 << cpu % 8);
	if (!affinity(se, XEN_DOMCTL_setvcpuaffinity, one))
		return false;
	for (end = now_ns() + 2000000; now_ns() < end;)
		sched_yield();
	c = domctl_new(&se->p, 0);
	return !domctl_call(&se->p, XEN_DOMCTL_getvcpuinfo) && c->u.getvcpuinfo.cpu == cpu;
}

/* Twice around: one that answers behind the one before it has clocks that differ. */
static void check_processors(struct session *se, unsigned int n)
{
	uint8_t before[MAP_CPUS / 8] = { 0 };
	uint64_t tsc = 0, clock = 0;
	unsigned int ran = 0, steps = 0;
	cpu_set_t all, first;
	sigset_t ends, old;

	/* Not before the vCPU may run where it might before. */
	sigfillset(&ends);
	sigprocmask(SIG_BLOCK, &ends, &old);
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_getaffinity(0, sizeof(all), &all);
	if (sched_setaffinity(0, sizeof(first), &first) ||
	    !affinity(se, XEN_DOMCTL_getvcpuaffinity, before)) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		result(false, "processors", "vCPU 0 cannot be moved");
		return;
	}
	for (unsigned int i = 0; i < 2 * n; i++) {
		bool there = visit(se, i % n);
		uint64_t tsc_now = __builtin_ia32_rdtsc(), clock_now = (uint64_t)now_ns();

		ran += there;
		steps += tsc_now < tsc || clock_now < clock;
		tsc = tsc_now;
		clock = clock_now;
		if (!there)
			printf("processor %u does not run this vCPU (of another pool?)\n", i % n);
	}
	affinity(se, XEN_DOMCTL_setvcpuaffinity, before);
	sched_setaffinity(0, sizeof(all), &all);
	sigprocmask(SIG_SETMASK, &old, NULL);
	result(ran == 2 * n, "processors", "%u of %u visits", ran, 2 * n);
	result(steps == 0, "clocks", "%u steps backwards in %u moves", steps, 2 * n);
}

static int by_size(const void *a, const void *b)
{
	long d = *(const long *)a - *(const long *)b;

	return d < 0 ? -1 : d > 0;
}

static void check_timer(void)
{
	struct timespec nap = { 0, NAP_NS };
	long late[NAPS];

	for (unsigned int i = 0; i < NAPS; i++) {
		long start = now_ns();

		nanosleep(&nap, NULL);
		late[i] = now_ns() - start - NAP_NS;
	}
	qsort(late, NAPS, sizeof(*late), by_size);
	result(late[0] >= 0 && late[NAPS / 2] < LATE_NS, "timer",
	       "%ld us late in the middle, %ld to %ld us", late[NAPS / 2] / 1000, late[0] / 1000,
	       late[NAPS - 1] / 1000);
}

/* Waits for an event at any port; -1: none came. */
static int next_event(xenevtchn_handle *e)
{
	struct pollfd fd = { .fd = xenevtchn_fd(e), .events = POLLIN };
	int port = poll(&fd, 1, 1000) == 1 ? xenevtchn_pending(e) : -1;

	return port > 0 && !xenevtchn_unmask(e, (evtchn_port_t)port) ? port : -1;
}

static void check_events(void)
{
	xenevtchn_handle *e = xenevtchn_open(NULL, 0);
	int to = e ? xenevtchn_bind_unbound_port(e, 0) : -1;
	int from = to > 0 ? xenevtchn_bind_interdomain(e, 0, (evtchn_port_t)to) : -1;
	long start = now_ns();
	unsigned int n = 0;

	/* From the kernel to one port of this domain and from another of it back. The first port
	 * has an event from when it was bound. */
	while (from > 0 && n < EVENTS && next_event(e) == (n ? to : from) &&
	       !xenevtchn_notify(e, (evtchn_port_t)from))
		n++;
	result(n == EVENTS, "events", "%u of %u sent and received, %ld us each", n, EVENTS,
	       (now_ns() - start) / 1000 / (n + 1));
	if (e)
		xenevtchn_close(e);
}

/* One thread puts other pages at an address, one looks: never one that was there before. */
static struct flush {
	volatile unsigned int *seen_at, now, stale, looks, over;
} flush;

static void *look(void *unused)
{
	while (!__atomic_load_n(&flush.over, __ATOMIC_ACQUIRE)) {
		unsigned int now = __atomic_load_n(&flush.now, __ATOMIC_ACQUIRE);

		flush.stale += *flush.seen_at < now;
		flush.looks++;
	}
	return unused;
}

static void check_flushes(void)
{
	int fd = memfd_create("selftest", 0);
	unsigned int page = (unsigned int)sysconf(_SC_PAGESIZE), n = 0;
	void *at = MAP_FAILED;
	pthread_t other;

	for (unsigned int i = 0; i <= FLUSHES; i++)
		if (pwrite(fd, &i, sizeof(i), (off_t)i * page) != sizeof(i))
			break;
	at = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	flush.seen_at = at;
	if (fd < 0 || at == MAP_FAILED || pthread_create(&other, NULL, look, NULL)) {
		result(false, "flushes", "no memory for it");
		return;
	}
	while (n < FLUSHES && mmap(at, page, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
				   (off_t)(n + 1) * page) != MAP_FAILED) {
		n++;
		__atomic_store_n(&flush.now, n, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&flush.over, 1, __ATOMIC_RELEASE);
	pthread_join(other, NULL);
	result(n == FLUSHES && !flush.stale, "flushes", "%u, %u of %u looks saw an old page", n,
	       flush.stale, flush.looks);
	munmap(at, page);
	close(fd);
}

static void check_audit(struct session *se)
{
	char *line = said(se, "A", "audit of "), *end = line ? strchr(line, '\n') : NULL;

	if (end)
		*end = '\0';
	result(line && strstr(line, ": 0 differences"), "references", "%s",
	       line ? line : "no audit was made");
	free(line);
}

int cmd_selftest(int argc, char **argv)
{
	struct session se;
	unsigned int cpus;

	if (!check_usage(argc, argv, 0, 0))
		return EXIT_USAGE;
	if (!session_begin(&se, false))
		return session_end(&se);
	sysctl_new(&se.p);
	cpus = sysctl_call(&se.p, XEN_SYSCTL_physinfo) ? 0 : se.p.sysctl->u.physinfo.nr_cpus;
	report_log(&se);
	report_memory(&se);
	report_interrupts(&se);
	check_processors(&se, cpus < MAP_CPUS ? cpus : MAP_CPUS);
	check_timer();
	check_events();
	check_flushes();
	check_audit(&se);
	printf("%u passed, %u failed\n", passed, failed);
	if (failed)
		fail(&se.f, FAIL_REFUSED, "%u checks of this machine failed; send the report",
		     failed);
	return session_end(&se);
}
