// SPDX-License-Identifier: MIT
/* The kernel patches its own text while every processor runs through the patched places. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRACING "/sys/kernel/tracing"
#define RUNNERS_PER_CPU 2

/* Files whose writing makes the kernel patch jumps, calls or both, in places that are run often. */
static const char *const switches[] = {
	"/proc/sys/kernel/sched_schedstats",
	TRACING "/events/sched/sched_switch/enable",
	TRACING "/events/sched/sched_wakeup/enable",
	TRACING "/events/exceptions/page_fault_user/enable",
};
#define SWITCHES (sizeof(switches) / sizeof(switches[0]))

/* Shared by all processes of the check. */
static struct shared {
	_Atomic unsigned long toggles[SWITCHES]; /* written by the toggler of that switch alone */
	_Atomic unsigned long rounds;            /* of all runners */
} * shared;
static uint64_t deadline;

/* Whether the statistics of the scheduler are on, as the patched branch of a reader sees it. */
static bool statistics_are_shown(void)
{
	char text[4096];
	FILE *f = fopen("/proc/self/sched", "re");
	size_t n;

	if (!f)
		fail_errno("/proc/self/sched");
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return strstr(text, "wait_sum") != NULL;
}

/* Goes round the processors: each has to patch, and each has to see at once what another patched. */
static void toggle(size_t which)
{
	unsigned cpus = online_cpus();

	if (setpriority(PRIO_PROCESS, 0, -20))
		fail_errno("setpriority");
	for (unsigned n = 0; now_ns() < deadline || n % 2; n++) {
		if (n % 16 == 0)
			pin_to_cpu((n / 16 + which) % cpus);
		if (!write_line(switches[which], n % 2 ? "0" : "1"))
			fail_errno("%s", switches[which]);
		shared->toggles[which]++;
		if (which != 0 || n % 8 >= 2)
			continue;
		pin_to_cpu(n / 8 % cpus);
		if (statistics_are_shown() != (n % 2 == 0))
			fail("after %u patches processor %u runs the old text", n + 1,
			     n / 8 % cpus);
	}
}

/* System calls, switches to the partner on the same processor and back, faults. */
static void run_through(const int pipes[2], bool first)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long rounds = 0;
	char token = 0;

	if (page == MAP_FAILED)
		fail_errno("mmap");
	if (first && write(pipes[1], &token, 1) != 1)
		fail_errno("write to a pipe");
	/* The end travels as a token, so that none waits for a partner that has gone. */
	while (token == 0) {
		if (read(pipes[0], &token, 1) != 1)
			fail_errno("read from a pipe");
		for (int i = 0; i < 5; i++)
			if (syscall(SYS_getpid) != getpid())
				fail("a system call answers nonsense");
		madvise(page, 4096, MADV_DONTNEED);
		if (*(volatile char *)page)
			fail("a fresh page is not empty");
		*page = 1;
		if (now_ns() >= deadline)
			token = 1;
		rounds++;
		/* A processor that is idle at times answers sooner: more patches, and more wakings. */
		if (rounds % 4 == 0)
			usleep(1000);
		if (write(pipes[1], &token, 1) != 1 && errno != EPIPE)
			fail_errno("write to a pipe");
	}
	shared->rounds += rounds;
}

static void start_pair(int cpu)
{
	int there[2], back[2];

	if (pipe(there) || pipe(back))
		fail_errno("pipe");
	for (int i = 0; i < RUNNERS_PER_CPU; i++) {
		if (fork() != 0)
			continue;
		pin_to_cpu(cpu);
		run_through(i ? (int[]){ there[0], back[1] } : (int[]){ back[0], there[1] },
			    i == 0);
		_exit(0);
	}
}

void check_textpatch(const char *arg)
{
	int seconds = *arg ? atoi(arg) : 10, cpus = online_cpus(), togglers = 0;
	unsigned long all = 0;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		fail_errno("mmap");
	if (access(TRACING "/events", F_OK) && mount("tracefs", TRACING, "tracefs", 0, NULL))
		fail_errno("cannot mount " TRACING);
	/* The places are to be patched; what they would record is of no interest. */
	if (!write_line(TRACING "/tracing_on", "0"))
		fail_errno(TRACING "/tracing_on");
	deadline = now_ns() + seconds * 1000000000ull;
	for (int cpu = 0; cpu < cpus; cpu++)
		start_pair(cpu);
	for (size_t i = 0; i < SWITCHES; i++, togglers++)
		if (fork() == 0) {
			toggle(i);
			_exit(0);
		}
	wait_children(cpus * RUNNERS_PER_CPU + togglers);
	check_dmesg("");
	for (size_t i = 0; i < SWITCHES; i++)
		all += shared->toggles[i];
	detail("text patched %lu times (statistics %lu) while %d processes went round %lu times",
	       all, shared->toggles[0], cpus * RUNNERS_PER_CPU, shared->rounds);
}
