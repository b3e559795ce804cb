// SPDX-License-Identifier: MIT
/* Processes and their memory: the page tables of a guest, worked hard. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define WORDS (PAGE / 8)

static void stamp(uint64_t *page, uint64_t seed)
{
	for (size_t i = 0; i < WORDS; i += 37)
		page[i] = mix(seed + i);
}

static bool stamped(const uint64_t *page, uint64_t seed)
{
	for (size_t i = 0; i < WORDS; i += 37)
		if (page[i] != mix(seed + i))
			return false;
	return true;
}

#define SHARED_PAGES 64

/* A child sees what the parent wrote before, changes half of it, and forks on while there are levels left. */
static void family(uint64_t *memory, int level, uint64_t seed)
{
	for (uint64_t p = 0; p < SHARED_PAGES; p++)
		if (!stamped(memory + p * WORDS, seed + p))
			fail("page %lu of a child is not what its parent wrote", p);
	if (level == 0)
		return;
	for (int child = 0; child < 2; child++) {
		pid_t pid = fork();

		if (pid < 0)
			fail_errno("fork");
		if (pid == 0) {
			uint64_t own = seed * 31 + child + 1;

			for (uint64_t p = 0; p < SHARED_PAGES; p++)
				stamp(memory + p * WORDS, own + p);
			family(memory, level - 1, own);
			_exit(0);
		}
	}
	wait_children(2);
	for (uint64_t p = 0; p < SHARED_PAGES; p++)
		if (!stamped(memory + p * WORDS, seed + p))
			fail("a child changed page %lu of its parent", p);
}

static void execute_something(void)
{
	pid_t pid = vfork();
	int status;

	if (pid < 0)
		fail_errno("vfork");
	if (pid == 0) {
		execl("/proc/self/exe", "checks", "nothing", (char *)NULL);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 42)
		fail("a program that was executed ended with status %#x", status);
}

void check_forkstorm(const char *arg)
{
	uint64_t *memory = mmap(NULL, SHARED_PAGES * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int rounds = *arg ? atoi(arg) : 3, runners = 2 * online_cpus();

	if (memory == MAP_FAILED)
		fail_errno("mmap");
	for (int round = 0; round < rounds; round++) {
		for (uint64_t p = 0; p < SHARED_PAGES; p++)
			stamp(memory + p * WORDS, round + p);
		family(memory, 5, round);
		for (int i = 0; i < runners; i++)
			if (fork() == 0) {
				for (int n = 0; n < 15; n++)
					execute_something();
				_exit(0);
			}
		wait_children(runners);
	}
	detail("%d processes forked, %d executed", rounds * 62, rounds * runners * 15);
}

static _Thread_local sigjmp_buf back;
static _Thread_local volatile uintptr_t fault_address;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	fault_address = (uintptr_t)info->si_addr;
	siglongjmp(back, 1);
}

static bool faults(volatile uint64_t *word, bool write)
{
	fault_address = 0;
	if (sigsetjmp(back, 1)) {
		if (fault_address != (uintptr_t)word)
			fail("a fault at %p is told as one at %#lx", (void *)word, fault_address);
		return true;
	}
	if (write)
		*word = 1;
	else
		(void)*word;
	return false;
}

static void one_mapping(uint64_t *random)
{
	size_t pages = 1 + next_random(random) % 300, hole;
	uint64_t *m = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	uint64_t seed = next_random(random);

	if (m == MAP_FAILED)
		fail_errno("mmap of %zu pages", pages);
	for (size_t p = 0; p < pages; p++)
		stamp(m + p * WORDS, seed + p);

	hole = next_random(random) % pages;
	switch (next_random(random) % 6) {
	case 0: /* read-only: reads go on, writes fault */
		if (mprotect(m + hole * WORDS, PAGE, PROT_READ))
			fail_errno("mprotect");
		if (!faults(m + hole * WORDS, true) || faults(m + hole * WORDS, false))
			fail("a read-only page is not");
		mprotect(m + hole * WORDS, PAGE, PROT_READ | PROT_WRITE);
		break;
	case 1: /* nothing at all */
		if (mprotect(m + hole * WORDS, PAGE, PROT_NONE))
			fail_errno("mprotect");
		if (!faults(m + hole * WORDS, false))
			fail("a page without permission can be read");
		mprotect(m + hole * WORDS, PAGE, PROT_READ | PROT_WRITE);
		break;
	case 2: /* given back: zeroes */
		madvise(m + hole * WORDS, PAGE, MADV_DONTNEED);
		for (size_t i = 0; i < WORDS; i++)
			if (m[hole * WORDS + i])
				fail("a page that was given back is not empty");
		stamp(m + hole * WORDS, seed + hole);
		break;
	case 3: { /* moved */
		uint64_t *moved = mremap(m, pages * PAGE, (pages + 200) * PAGE, MREMAP_MAYMOVE);

		if (moved == MAP_FAILED)
			fail_errno("mremap");
		m = moved;
		munmap(m + pages * WORDS, 200 * PAGE);
		break;
	}
	case 4: { /* unmapped and mapped anew in one place */
		munmap(m + hole * WORDS, PAGE);
		if (mmap(m + hole * WORDS, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED) {
			if (errno != EEXIST) /* another thread may have been quicker */
				fail_errno("mmap in a hole");
			munmap(m, hole * PAGE);
			munmap(m + (hole + 1) * WORDS, (pages - hole - 1) * PAGE);
			return;
		}
		stamp(m + hole * WORDS, seed + hole);
		break;
	}
	default: { /* a child changes its copy, not ours */
		pid_t pid = fork();
		int status;

		if (pid < 0)
			fail_errno("fork");
		if (pid == 0) {
			for (size_t p = 0; p < pages; p++) {
				if (!stamped(m + p * WORDS, seed + p))
					_exit(1);
				stamp(m + p * WORDS, ~seed);
			}
			_exit(0);
		}
		if (waitpid(pid, &status, 0) != pid || status)
			fail("a child does not see what its parent wrote (status %#x)", status);
	}
	}
	for (size_t p = 0; p < pages; p++)
		if (!stamped(m + p * WORDS, seed + p))
			fail("page %zu of %zu has changed", p, pages);
	munmap(m, pages * PAGE);
}

static uint64_t deadline;
static _Atomic unsigned int mappings;

static void *mapper(void *arg)
{
	uint64_t random = (uintptr_t)arg;

	while (now_ns() < deadline) {
		one_mapping(&random);
		mappings++;
	}
	return NULL;
}

/* Pages of a shared mapping whose protection one thread changes while the others write. */
static uint64_t *contended;
static _Atomic unsigned long writes, refused;

static void *contender(void *arg)
{
	uint64_t random = (uintptr_t)arg;

	while (now_ns() < deadline) {
		size_t page = next_random(&random) % 16;

		if (faults(contended + page * WORDS + (uintptr_t)arg, true))
			refused++;
		else
			writes++;
	}
	return NULL;
}

static void *protector(void *arg)
{
	uint64_t random = (uintptr_t)arg;

	while (now_ns() < deadline) {
		uint64_t *page = contended + next_random(&random) % 16 * WORDS, before[16];

		if (mprotect(page, PAGE, PROT_READ))
			fail_errno("mprotect");
		/* From here on nobody can write it, whichever processor it runs on. */
		memcpy(before, page, sizeof(before));
		for (int i = 0; i < 200; i++)
			if (memcmp(before, page, sizeof(before)))
				fail("a page changes while it is read-only");
		for (size_t i = 0; i < 16; i++)
			before[i] = 0;
		mprotect(page, PAGE, PROT_READ | PROT_WRITE);
		memcpy(page, before, sizeof(before));
	}
	return NULL;
}

void check_mmapstress(const char *arg)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	int seconds = *arg ? atoi(arg) : 6, cpus = online_cpus();
	pthread_t threads[80];
	int n = 0;

	if (cpus > 16)
		cpus = 16;
	sigaction(SIGSEGV, &action, NULL);
	deadline = now_ns() + seconds * 500000000ull;
	for (int process = 0; process < 2; process++) {
		if (process == 1 && fork() != 0)
			break;
		n = 0;
		for (int i = 0; i < cpus; i++)
			pthread_create(&threads[n++], NULL, mapper,
				       (void *)(uintptr_t)(process * 100 + i + 1));
		for (int i = 0; i < n; i++)
			pthread_join(threads[i], NULL);
		if (process == 1)
			_exit(0);
		deadline = now_ns() + seconds * 500000000ull / 2;
	}
	wait_children(1);

	contended =
		mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (contended == MAP_FAILED)
		fail_errno("mmap");
	deadline = now_ns() + seconds * 500000000ull;
	n = 0;
	pthread_create(&threads[n++], NULL, protector, (void *)99);
	for (int i = 1; i <= cpus && i < 16; i++)
		pthread_create(&threads[n++], NULL, contender, (void *)(uintptr_t)i);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	detail("%u mappings by %d threads; %lu writes past a changing protection, %lu refused",
	       mappings, cpus, writes, refused);
}

static void expect_output(const char *command, const char *expected)
{
	FILE *f = popen(command, "re");
	char line[200] = "";

	if (!f || !fgets(line, sizeof(line), f))
		fail("no output of: %s", command);
	line[strcspn(line, "\n")] = '\0';
	if (pclose(f) || strcmp(line, expected))
		fail("'%s' printed '%.60s' instead of '%.60s'", command, line, expected);
}

void check_compat32(const char *arg)
{
	static char busybox[] = "/bin/busybox.i386";
	int users = 2 * online_cpus();
	char command[200];

	(void)arg;
	for (int i = 0; i < users; i++)
		if (fork() == 0) {
			expect_output("/bin/checks32", "ok");
			snprintf(command, sizeof(command),
				 "%s sh -c 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); done; echo "
				 "$i'",
				 busybox);
			expect_output(command, "300");
			snprintf(command, sizeof(command),
				 "%s sh -c 'for i in 1 2 3; do %s echo $i; done' | %s wc -l",
				 busybox, busybox, busybox);
			expect_output(command, "3");
			_exit(0);
		}
	wait_children(users);
	snprintf(command, sizeof(command),
		 "%s dd if=/dev/zero bs=65536 count=64 2>/dev/null | %s md5sum", busybox, busybox);
	expect_output(command, "b5cfa9d6c8febd618f91ac2843d50a1c  -");
	detail("INT 0x80, the vDSO's call, thread segments, signals; busybox, %d at once", users);
}
