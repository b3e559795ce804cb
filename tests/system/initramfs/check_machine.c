// SPDX-License-Identifier: MIT
/* Processors, memory, clocks, and what the kernel has to say. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_CPUS 64
#define SECOND 1000000000ull

static atomic_int arrived;
static atomic_uint turn;
static int parties;

/* Takes turns with the others: ends only if all of them run, each on its own processor. */
static void *take_turns(void *arg)
{
	int cpu = (intptr_t)arg;

	pin_to_cpu(cpu);
	atomic_fetch_add(&arrived, 1);
	while (atomic_load(&arrived) < parties)
		;
	for (unsigned int round = 0; round < 200; round++) {
		unsigned int mine = round * parties + cpu;

		for (unsigned int tries = 1; atomic_load(&turn) != mine; tries++)
			if (tries % 1024 == 0) /* fewer processors below than here, perhaps */
				sched_yield();
		if (sched_getcpu() != cpu)
			fail("a thread for processor %d runs on %d", cpu, sched_getcpu());
		atomic_store(&turn, mine + 1);
	}
	return NULL;
}

void check_cpus(const char *arg)
{
	int n = online_cpus();
	pthread_t threads[MAX_CPUS];

	if (*arg && n != atoi(arg))
		fail("%d processors are online, not %s", n, arg);
	if (n > MAX_CPUS)
		fail("more than %d processors", MAX_CPUS);
	parties = n;
	for (int i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, take_turns, (void *)(intptr_t)i))
			fail("cannot start a thread");
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	detail("%d online, all of them run", n);
}

static unsigned long meminfo(const char *field)
{
	FILE *f = fopen("/proc/meminfo", "re");
	size_t length = strlen(field);
	unsigned long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, length) && line[length] == ':')
			kib = strtoul(line + length + 1, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

void check_mem(const char *arg)
{
	unsigned long total = meminfo("MemTotal") / 1024, machine = 0, limit = 0;
	unsigned long size = meminfo("MemFree") / 10 * 7 * 1024 & ~4095ul;
	uint64_t *memory;

	sscanf(arg, "%lu:%lu", &machine, &limit);
	if (limit && size > limit << 20)
		size = limit << 20;
	/* It is less by what the kernel keeps, and the hypervisor for itself and other domains. */
	if (total + 200 < machine * 85 / 100)
		fail("there are %lu MiB, too few for a machine with %lu", total, machine);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fail_errno("cannot get %lu MiB", size >> 20);
	/* Pages are told apart by what stands in a few of their words. */
	for (size_t page = 0; page < size / 4096; page++)
		for (size_t i = 0; i < 512; i += 73)
			memory[page * 512 + i] = mix(page * 512 + i);
	for (size_t page = 0; page < size / 4096; page++)
		for (size_t i = 0; i < 512; i += 73)
			if (memory[page * 512 + i] != mix(page * 512 + i))
				fail("page %zu of %zu has changed", page, size / 4096);
	munmap(memory, size);
	detail("%lu MiB, %lu MiB of them written and read back", total, size >> 20);
}

void check_hotplug(const char *arg)
{
	int n = online_cpus();
	char path[80];

	(void)arg;
	for (int pass = 0; pass < 2; pass++)
		for (int cpu = 1; cpu < n; cpu++) {
			snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
			if (!write_line(path, "0"))
				fail_errno("processor %d does not go off", cpu);
			if (online_cpus() != n - 1)
				fail("processor %d went off, and %d are left of %d", cpu,
				     online_cpus(), n);
			if (!write_line(path, "1"))
				fail_errno("processor %d does not come back", cpu);
			pin_to_cpu(cpu);
		}
	detail("%d processors went off and came back, twice", n - 1);
}

static atomic_flag clock_lock = ATOMIC_FLAG_INIT;
static uint64_t last_time[3], warps[3], worst, reads;

static uint64_t read_clock(int which)
{
	struct timespec t;

	switch (which) {
	case 0:
		clock_gettime(CLOCK_MONOTONIC, &t);
		break;
	case 1:
		clock_gettime(CLOCK_REALTIME, &t);
		break;
	default: /* the same as 0, but through the kernel */
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	}
	return t.tv_sec * SECOND + t.tv_nsec;
}

/* Under one lock, time only goes forward, whoever looks. */
static void *watch_clock(void *arg)
{
	uint64_t end = now_ns() + 2 * SECOND;

	pin_to_cpu((intptr_t)arg);
	for (unsigned int i = 0; now_ns() < end; i++) {
		for (int which = 0; which < 3; which++) {
			uint64_t t;
			int last = which == 2 ? 0 : which;

			while (atomic_flag_test_and_set_explicit(&clock_lock, memory_order_acquire))
				;
			t = read_clock(which);
			reads++;
			if (t < last_time[last]) {
				warps[which]++;
				if (last_time[last] - t > worst)
					worst = last_time[last] - t;
			}
			last_time[last] = t;
			atomic_flag_clear_explicit(&clock_lock, memory_order_release);
		}
		if (i % 64 == 0)
			sched_yield();
	}
	return NULL;
}

void check_clock(const char *arg)
{
	static const long naps_ms[] = { 1, 20, 300 };
	int n = online_cpus();
	pthread_t threads[MAX_CPUS];
	struct timespec wall;
	uint64_t start, by_vdso, by_call;
	char source[40];

	(void)arg;
	for (size_t i = 0; i < sizeof(naps_ms) / sizeof(naps_ms[0]); i++) {
		struct timespec nap = { .tv_nsec = naps_ms[i] * 1000000 };
		uint64_t t = now_ns();

		nanosleep(&nap, NULL);
		t = (now_ns() - t) / 1000000;
		if (t < (uint64_t)naps_ms[i] || t > (uint64_t)naps_ms[i] * 2 + 2000)
			fail("a sleep of %ld ms took %lu ms", naps_ms[i], t);
	}
	clock_gettime(CLOCK_REALTIME, &wall);
	if (wall.tv_sec < 1600000000l)
		fail("the wall clock says %ld s since 1970: long ago", (long)wall.tv_sec);
	for (int i = 0; i < n && i < MAX_CPUS; i++)
		if (pthread_create(&threads[i], NULL, watch_clock, (void *)(intptr_t)i))
			fail("cannot start a thread");
	for (int i = 0; i < n && i < MAX_CPUS; i++)
		pthread_join(threads[i], NULL);
	if (warps[0] || warps[1] || warps[2])
		fail("time went back %lu times (monotonic), %lu (wall clock), %lu (by system call) "
		     "of %lu, by up to %lu ns",
		     warps[0], warps[1], warps[2], reads, worst);
	start = now_ns();
	for (int i = 0; i < 10000; i++)
		read_clock(0);
	by_vdso = (now_ns() - start) / 10000;
	start = now_ns();
	for (int i = 0; i < 10000; i++)
		read_clock(2);
	by_call = (now_ns() - start) / 10000;
	read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", source,
		  sizeof(source));
	detail("%s, %lu reads on %d processors, none back; one takes %lu ns, by system call %lu ns",
	       source, reads, n, by_vdso, by_call);
}

/* What a kernel says when it, or what it runs on, is broken. */
static const char *const trouble[] = {
	"WARNING:",
	"BUG:",
	"BUG ",
	"Oops",
	"Call Trace",
	"general protection",
	"unchecked MSR access",
	"soft lockup",
	"self-detected stall",
	"blocked for more than",
	"I/O error",
	"Buffer I/O",
	"timed out",
	"timeout",
	"multicall",
	"spurious",
	"nobody cared",
	"bad page",
	"Bad page",
	"Bad rss",
	"segfault",
	"trap invalid opcode",
	"Tainted: G",
	"failed command",
	"NETDEV WATCHDOG",
	"Clocksource tsc unstable",
	"[Firmware Bug]: TSC",
};

/* Said on the bare machine too, or by our own checks, which cause faults on purpose. */
static const char *const harmless[] = {
	"checks[",           "checks32[",     "spurious-interrupts", "cmdline",     "Command line:",
	"hung_task_timeout", "rcu_cpu_stall", "softlockup",          "Speculative", "Spectre",
	"RETBleed",          "hw-vuln",
};

static bool one_of(const char *line, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(line, list[i]))
			return true;
	return false;
}

void check_dmesg(const char *arg)
{
	static char log[1 << 20];
	int n = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, sizeof(log) - 1), lines = 0;

	(void)arg;
	if (n < 0)
		fail_errno("cannot read the kernel's log");
	log[n] = '\0';
	for (char *line = log, *end; *line; line = end) {
		char *text;

		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		lines++;
		text = strstr(line, "] ");
		if (one_of(line, trouble, sizeof(trouble) / sizeof(trouble[0])) &&
		    !one_of(line, harmless, sizeof(harmless) / sizeof(harmless[0])))
			fail("%.180s", text ? text + 2 : line);
	}
	detail("%d lines, no trouble", lines);
}
