// SPDX-License-Identifier: MIT
/*
 * checks32: a 32-bit program without any library. It enters the kernel by INT 0x80 and by the way that the vDSO
 * chose for this processor (SYSENTER or SYSCALL), uses a thread segment, and takes signals. Prints "ok" or what failed.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	SYS_EXIT = 1,
	SYS_WRITE = 4,
	SYS_GETPID = 20,
	SYS_KILL = 37,
	SYS_GETTIMEOFDAY = 78,
	SYS_SIGRETURN_RT = 173,
	SYS_SIGACTION = 174,
	SYS_SCHED_YIELD = 158,
	SYS_SET_THREAD_AREA = 243,
	SYS_CLOCK_GETTIME = 265
};
enum { SIGILL = 4, SIGTRAP = 5, SIGUSR1 = 10, SIGSEGV = 11 };
#define AT_SYSINFO 32
#define SA_RESTORER 0x04000000
#define SA_SIGINFO 4
#define SA_NODEFER 0x40000000

static uintptr_t vdso_entry;

static long int80(long nr, long a, long b, long c, long d)
{
	long r;

	asm volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
	return r;
}

static long vdso(long nr, long a, long b, long c, long d)
{
	long r;

	asm volatile("call *%[entry]"
		     : "=a"(r)
		     : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), [entry] "m"(vdso_entry)
		     : "memory");
	return r;
}

static _Noreturn void end(const char *why, int code)
{
	size_t n = 0;

	while (why[n])
		n++;
	int80(SYS_WRITE, 1, (long)why, n, 0);
	int80(SYS_WRITE, 1, (long)"\n", 1, 0);
	for (;;)
		int80(SYS_EXIT, code, 0, 0, 0);
}

static void expect(int holds, const char *what)
{
	if (!holds)
		end(what, 1);
}

struct kernel_sigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	uint32_t mask[2];
};

/* The kernel's struct ucontext of a 32-bit program, as far as the instruction pointer. */
struct context {
	uint32_t flags, link, stack[3];
	uint32_t gs, fs, es, ds, edi, esi, ebp, esp, ebx, edx, ecx, eax, trapno, err, eip;
};

static volatile int seen, seen_count, skip;

static void handler(int sig, void *info, struct context *c)
{
	(void)info;
	seen = sig;
	seen_count++;
	c->eip += skip;
}

asm("restorer: mov $173, %eax\n\tint $0x80");
extern char restorer[];

static void on(int sig)
{
	struct kernel_sigaction action = {
		handler, SA_SIGINFO | SA_RESTORER | SA_NODEFER, restorer, { 0, 0 }
	};

	expect(int80(SYS_SIGACTION, sig, (long)&action, 0, 8) == 0, "sigaction is refused");
}

struct user_desc {
	uint32_t entry, base, limit, flags;
};

static void thread_segment(void)
{
	static uint32_t local[4] = { 1, 2, 0xfeedbeef, 4 };
	struct user_desc d = { -1u, (uint32_t)local, 0xfffff,
			       0x51 /* 32-bit, limit in pages, usable */ };
	uint32_t value;
	uint16_t sel;

	expect(int80(SYS_SET_THREAD_AREA, (long)&d, 0, 0, 0) == 0, "set_thread_area is refused");
	sel = d.entry << 3 | 3;
	asm volatile("mov %0, %%gs" : : "r"((uint32_t)sel));
	for (int i = 0; i < 200; i++) {
		vdso(SYS_SCHED_YIELD, 0, 0, 0, 0);
		asm volatile("movl %%gs:8, %0" : "=r"(value));
		expect(value == 0xfeedbeef, "the thread segment has changed");
	}
}

static void signals(void)
{
	long pid = int80(SYS_GETPID, 0, 0, 0, 0);

	on(SIGUSR1);
	on(SIGSEGV);
	on(SIGILL);
	on(SIGTRAP);
	for (int i = 0; i < 50; i++)
		vdso(SYS_KILL, pid, SIGUSR1, 0, 0);
	expect(seen == SIGUSR1 && seen_count == 50, "a signal to itself is lost");
	skip = 2;
	asm volatile("movb (%%eax), %%cl" : : "a"(0) : "ecx");
	expect(seen == SIGSEGV, "reading nothing is no SIGSEGV");
	asm volatile("ud2");
	expect(seen == SIGILL, "ud2 is no SIGILL");
	asm volatile("int $0x21");
	expect(seen == SIGSEGV, "int 0x21 is no SIGSEGV");
	skip = 0;
	asm volatile("int3");
	expect(seen == SIGTRAP, "int3 is no SIGTRAP");
	seen = 0;
	asm volatile("mov $0x7fffffff, %%ecx\n\tadd $1, %%ecx\n\tinto" : : : "ecx", "cc");
	expect(seen == SIGSEGV, "into is no SIGSEGV");
}

static __attribute__((used)) _Noreturn void start(const uint32_t *stack)
{
	const uint32_t *p = stack + 1 + stack[0] + 1; /* over the arguments */
	long pid = int80(SYS_GETPID, 0, 0, 0, 0);
	uint32_t before[2] = { 0 }, now[2] = { 0 };

	while (*p++) /* over the environment */
		;
	for (; p[0]; p += 2)
		if (p[0] == AT_SYSINFO)
			vdso_entry = p[1];
	expect(vdso_entry != 0, "there is no vDSO");
	for (int i = 0; i < 1000; i++)
		expect(vdso(SYS_GETPID, 0, 0, 0, 0) == pid, "the vDSO's call and INT 0x80 differ");
	expect(vdso(SYS_WRITE, 1, 0, 5, 0) == -14, "writing from nowhere is not EFAULT");
	expect(vdso(9999, 0, 0, 0, 0) == -38, "an unknown call is not ENOSYS");
	for (int i = 0; i < 100; i++) {
		expect(vdso(SYS_CLOCK_GETTIME, 1, (long)now, 0, 0) == 0, "clock_gettime fails");
		expect(now[0] > before[0] || (now[0] == before[0] && now[1] >= before[1]),
		       "time goes back");
		before[0] = now[0];
		before[1] = now[1];
	}
	thread_segment();
	signals();
	end("ok", 0);
}

asm(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %esp, %eax\n\tand $-16, %esp\n\tsub $12, "
    "%esp\n\tpush %eax\n\tcall start");
