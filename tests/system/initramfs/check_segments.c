// SPDX-License-Identifier: MIT
/* What only the processor's older parts have: local descriptors, debug registers, ports. */
#define _GNU_SOURCE
#include "check.h"

#include <asm/ldt.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int caught;

static void caught_it(int sig)
{
	caught = sig;
	siglongjmp(back, 1);
}

/* Runs what may fault; the signal it caused, or 0. */
#define TRY(statement)                                                                             \
	({                                                                                         \
		caught = 0;                                                                        \
		if (!sigsetjmp(back, 1)) {                                                         \
			statement;                                                                 \
		}                                                                                  \
		(int)caught;                                                                       \
	})

static uint16_t selector(int entry)
{
	return entry << 3 | 7; /* of the local table, for ring 3 */
}

static void set_entry(int entry, void *base, unsigned int limit, int contents, bool gone)
{
	struct user_desc d = { .entry_number = entry,
			       .base_addr = (uintptr_t)base,
			       .limit = limit,
			       .seg_32bit = 1,
			       .contents = contents,
			       .useable = 1 };

	if (gone)
		d = (struct user_desc){ .entry_number = entry,
					.read_exec_only = 1,
					.seg_not_present = 1 };
	if (syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)))
		fail_errno("modify_ldt for entry %d", entry);
}

static uint32_t read_fs(uint32_t offset)
{
	uint32_t value;

	asm volatile("movl %%fs:(%q1), %0" : "=r"(value) : "r"((uint64_t)offset));
	return value;
}

/* FS is the C library's: nothing but plain memory may be touched before it is back. */
static uint32_t read_by(uint16_t sel, uint32_t offset)
{
	uint64_t base;
	uint32_t value;

	syscall(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, &base);
	asm volatile("mov %0, %%fs" : : "r"((uint32_t)sel));
	value = read_fs(offset);
	asm volatile("syscall"
		     :
		     : "a"(SYS_arch_prctl), "D"(0x1002 /* ARCH_SET_FS */), "S"(base)
		     : "rcx", "r11", "memory");
	return value;
}

static void load_es(uint16_t sel)
{
	asm volatile("mov %0, %%es" : : "r"((uint32_t)sel));
}

/*
 * 32-bit code in a local segment: asks the kernel for its process id by INT 0x80, adds 1, jumps back. Both ways are far
 * jumps: a far call would use the stack, which QEMU 7.2 takes for one of the kernel.
 */
static const uint8_t code32[] = {
	0xb8, 0x14, 0x00, 0x00, 0x00,             /* mov $20, %eax	getpid */
	0xcd, 0x80,                               /* int $0x80 */
	0x40,                                     /* inc %eax: a prefix in 64-bit code */
	0xea, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* ljmp: offset at 9, selector at 13 */
};

static uint32_t jump_far(uint16_t sel, uint8_t *code)
{
	struct {
		uint32_t offset;
		uint16_t selector;
	} __attribute__((packed)) target = { 0, sel };
	uint32_t result;

	asm volatile("movl $1f, 9(%[code])\n\t"
		     "movw %%cs, 13(%[code])\n\t"
		     "mov %%rsp, %%r12\n\t" /* 32-bit code leaves half of the stack pointer */
		     "ljmp *(%[target])\n"
		     "1:\tmov %%r12, %%rsp"
		     : "=a"(result)
		     : [code] "r"(code), [target] "r"(&target)
		     : "r8", "r9", "r10", "r11", "r12", "memory", "cc");
	return result;
}

static atomic_int stage;

static void *use_while_withdrawn(void *arg)
{
	uint16_t sel = *(uint16_t *)arg, now;

	pin_to_cpu(online_cpus() - 1);
	load_es(sel);
	atomic_store(&stage, 1);
	while (atomic_load(&stage) == 1)
		;
	/* The kernel has told this processor; coming back from a call, the register cannot hold it any more. */
	for (int i = 0; i < 100; i++) {
		sched_yield();
		asm volatile("mov %%es, %0" : "=r"(now));
		if ((now & ~3) == 0)
			return NULL;
		usleep(1000);
	}
	fail("a withdrawn selector stays in its register");
}

void check_ldt(const char *arg)
{
	uint32_t *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint16_t sel = selector(3);
	pthread_t thread;
	int sig;

	(void)arg;
	if (data == MAP_FAILED || code == MAP_FAILED)
		fail_errno("mmap");
	signal(SIGSEGV, caught_it);
	signal(SIGBUS, caught_it);
	data[4] = 0x12345678;
	memcpy(code, code32, sizeof(code32));

	for (int entry = 0; entry < 8192; entry += entry < 8 ? 1 : 1023) {
		set_entry(entry, data, 4095, MODIFY_LDT_CONTENTS_DATA, false);
		if (read_by(selector(entry), 16) != 0x12345678)
			fail("entry %d reads something else", entry);
	}
	set_entry(2, data, 4095, MODIFY_LDT_CONTENTS_DATA, true);
	sig = TRY(load_es(selector(2)));
	if (sig != SIGSEGV && sig != SIGBUS)
		fail("an entry that is not present can be loaded");
	sig = TRY(load_es(selector(10)));
	if (sig != SIGSEGV)
		fail("an empty entry can be loaded");

	set_entry(5, code, 4095, MODIFY_LDT_CONTENTS_CODE, false);
	for (int i = 0; i < 100; i++) {
		uint32_t pid = jump_far(selector(5), code);

		if (pid != (uint32_t)getpid() + 1)
			fail("32-bit code in a local segment returned %u instead of %d", pid,
			     getpid() + 1);
	}

	set_entry(3, data, 4095, MODIFY_LDT_CONTENTS_DATA, false);
	if (pthread_create(&thread, NULL, use_while_withdrawn, &sel))
		fail("cannot start a thread");
	while (atomic_load(&stage) == 0)
		usleep(1000);
	set_entry(3, data, 4095, MODIFY_LDT_CONTENTS_DATA, true);
	atomic_store(&stage, 2);
	pthread_join(thread, NULL);

	for (int i = 0; i < 4; i++) { /* a child has a copy of its own */
		pid_t pid = fork();

		if (pid == 0) {
			set_entry(7, data, 4095, MODIFY_LDT_CONTENTS_DATA, i % 2);
			_exit(read_by(selector(6), 16) != 0x12345678);
		}
	}
	wait_children(4);
	detail("13 entries, 100 far jumps to 32-bit code, one withdrawn in use");
}

static volatile uint64_t watched[4];

__attribute__((noinline)) static void breakpoint_here(void)
{
	asm volatile("nop");
}

static void debuggee(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	for (int i = 0; i < 4; i++)
		watched[i] = i + 1;
	breakpoint_here();
	for (int i = 0; i < 100; i++)
		asm volatile("nop");
	_exit(0);
}

static void poke_debug(pid_t pid, int which, uintptr_t value)
{
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg) + which * 8, value))
		fail_errno("setting debug register %d to %#lx", which, value);
}

/* The signal this process stops with next; 0 if it ended well. */
static int next_stop(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		fail_errno("waitpid");
	if (WIFSTOPPED(status))
		return WSTOPSIG(status);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	fail("the process under the debugger died, status %#x", status);
}

void check_debugreg(const char *arg)
{
	int hits = 0, steps = 0;
	pid_t pid = fork();

	(void)arg;
	if (pid == 0)
		debuggee();
	if (next_stop(pid) != SIGSTOP)
		fail("the process under the debugger did not stop");
	for (int i = 0; i < 3; i++)
		poke_debug(pid, i, (uintptr_t)&watched[i]);
	poke_debug(pid, 3, (uintptr_t)breakpoint_here);
	/* DR0-DR2: writes of 8 bytes; DR3: execution; all local. */
	poke_debug(pid, 7, 0x55 | 0x09990000);
	for (int sig = (ptrace(PTRACE_CONT, pid, 0, 0), next_stop(pid)); sig;
	     sig = next_stop(pid)) {
		uintptr_t status =
			ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg) + 6 * 8, 0);
		uint64_t value = ptrace(PTRACE_PEEKDATA, pid, &watched[hits % 4], 0);

		if (sig != SIGTRAP || !(status & 1u << hits))
			fail("stop %d: signal %d, DR6 %#lx", hits, sig, status);
		if (hits < 3 && value != (uint64_t)hits + 1)
			fail("stop %d came before the write", hits);
		hits++;
		if (hits == 4) {
			poke_debug(pid, 7, 0);
			for (; steps < 20; steps++) {
				ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
				if (next_stop(pid) != SIGTRAP)
					fail("single step %d did not stop", steps);
			}
		}
		ptrace(PTRACE_CONT, pid, 0, 0);
	}
	if (hits != 4)
		fail("%d of 4 breakpoints were hit", hits);
	detail("3 watchpoints, 1 breakpoint, %d single steps", steps);
}

static int read_clock_chip(int index)
{
	outb(index, 0x70);
	return inb(0x71);
}

/* Seconds, in decimal or in its binary-coded form. */
static bool plausible(int seconds)
{
	return (seconds & 0xf) <= 9 ? seconds <= 0x59 : seconds < 60;
}

static void port_user(void)
{
	volatile int seconds = -1;

	if (TRY(read_clock_chip(0)) != SIGSEGV)
		fail("a program reads ports without asking");
	if (ioperm(0x70, 2, 1))
		fail_errno("ioperm");
	if (TRY(seconds = read_clock_chip(0)) || !plausible(seconds))
		fail("the clock chip cannot be read after ioperm (%#x)", seconds);
	if (TRY(inb(0x72)) != SIGSEGV)
		fail("a program reads a port that it did not ask for");
	for (volatile int i = 0; i < 50; i++) {
		sched_yield();
		if (TRY(seconds = read_clock_chip(0)) || !plausible(seconds))
			fail("the clock chip cannot be read any more (%#x)", seconds);
	}
	if (ioperm(0x70, 2, 0))
		fail_errno("ioperm");
	if (TRY(read_clock_chip(0)) != SIGSEGV)
		fail("a program reads ports that were taken from it");
	if (iopl(3))
		fail_errno("iopl");
	if (TRY(seconds = read_clock_chip(0)) || !plausible(seconds))
		fail("the clock chip cannot be read after iopl (%#x)", seconds);
	if (iopl(0))
		fail_errno("iopl");
	if (TRY(read_clock_chip(0)) != SIGSEGV)
		fail("a program reads ports although it gave them back");
	_exit(0);
}

void check_ioports(const char *arg)
{
	int users = 2 * online_cpus();

	(void)arg;
	signal(SIGSEGV, caught_it);
	for (int i = 0; i < users; i++)
		if (fork() == 0)
			port_user();
	/* One that never asks, among them. */
	for (int i = 0; i < 200; i++) {
		if (TRY(read_clock_chip(0)) != SIGSEGV)
			fail("a program reads the ports of another");
		sched_yield();
	}
	wait_children(users);
	detail("%d processes by ioperm and iopl, one that may not", users);
}
