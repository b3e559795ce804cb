// SPDX-License-Identifier: MIT
/* fpu: floating point and vector registers stay what they were, whatever happens in between. */
#define _GNU_SOURCE
#include "check.h"

#include <cpuid.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define REGISTERS 16
#define WIDE 32 /* bytes of a ymm register */
#define SECONDS 3

static bool have_avx;

/* Loads all vector registers, does a system call (or none, if call < 0) and some waiting, and stores them. */
static void hold_sse(const uint8_t *in, uint8_t *out, long call, long spins)
{
#define LOAD(i) "movups " #i "*32(%[in]), %%xmm" #i "\n\t"
#define STORE(i) "movups %%xmm" #i ", " #i "*32(%[out])\n\t"
#define ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
	asm volatile(ALL(LOAD) "test %%rax, %%rax\n\t"
			       "js 1f\n\t"
			       "syscall\n"
			       "1:\tpause\n\t"
			       "dec %[spins]\n\t"
			       "jg 1b\n\t" ALL(STORE)
		     : [spins] "+r"(spins), "+a"(call)
		     : [in] "r"(in), [out] "r"(out)
		     : "rcx", "r11", "memory", "cc");
#undef LOAD
#undef STORE
}

__attribute__((target("avx"))) static void hold_avx(const uint8_t *in, uint8_t *out, long call,
						    long spins)
{
#define LOAD(i) "vmovups " #i "*32(%[in]), %%ymm" #i "\n\t"
#define STORE(i) "vmovups %%ymm" #i ", " #i "*32(%[out])\n\t"
	asm volatile(ALL(LOAD) "test %%rax, %%rax\n\t"
			       "js 1f\n\t"
			       "syscall\n"
			       "1:\tpause\n\t"
			       "dec %[spins]\n\t"
			       "jg 1b\n\t" ALL(STORE) "vzeroupper\n\t"
		     : [spins] "+r"(spins), "+a"(call)
		     : [in] "r"(in), [out] "r"(out)
		     : "rcx", "r11", "memory", "cc");
#undef LOAD
#undef STORE
}

static void hold(const uint8_t *in, uint8_t *out, long call, long spins)
{
	if (have_avx)
		hold_avx(in, out, call, spins);
	else
		hold_sse(in, out, call, spins);
}

static void fill(uint8_t *registers, uint64_t seed)
{
	for (size_t i = 0; i < REGISTERS * WIDE; i += 8) {
		uint64_t word = mix(seed + i);

		memcpy(registers + i, &word, 8);
	}
}

static void compare(const uint8_t *in, const uint8_t *out, const char *when)
{
	size_t width = have_avx ? 32 : 16;

	for (size_t r = 0; r < REGISTERS; r++)
		if (memcmp(in + r * WIDE, out + r * WIDE, width))
			fail("vector register %zu has changed %s", r, when);
}

/* The x87 stack, its control word and MXCSR keep their own values for each process. */
static void check_x87(int who)
{
	uint16_t control = who % 2 ? 0x037f : 0x0f7f, control_after;
	uint32_t mxcsr = who % 2 ? 0x1f80 : 0x7f80, mxcsr_after;
	double in = 1.0 + who, out;

	asm volatile("fninit\n\tfldcw %[cw]\n\tldmxcsr %[mx]\n\tfldl %[in]"
		     :
		     : [cw] "m"(control), [mx] "m"(mxcsr), [in] "m"(in));
	sched_yield();
	asm volatile("fstpl %[out]\n\tfnstcw %[cw]\n\tstmxcsr %[mx]\n\tfninit"
		     : [out] "=m"(out), [cw] "=m"(control_after), [mx] "=m"(mxcsr_after));
	if (out != in || control_after != control || (mxcsr_after & 0xffc0) != (mxcsr & 0xffc0))
		fail("x87 or MXCSR has changed: %g %#x %#x instead of %g %#x %#x", out,
		     control_after, mxcsr_after, in, control, mxcsr);
	mxcsr = 0x1f80;
	asm volatile("ldmxcsr %0" : : "m"(mxcsr));
}

/* The handler of a signal spoils every register: its return has to restore them. */
static void spoil(int sig)
{
	static uint8_t rubbish[REGISTERS * WIDE], ignored[REGISTERS * WIDE];

	(void)sig;
	memset(rubbish, 0xa5, sizeof(rubbish));
	hold(rubbish, ignored, -1, 0);
}

static void one_process(int who, int cpus)
{
	uint64_t end = now_ns() + SECONDS * 1000000000ull, random = who + 1;
	struct itimerval timer = { .it_interval.tv_usec = 3000, .it_value.tv_usec = 3000 };
	uint8_t in[REGISTERS * WIDE], out[REGISTERS * WIDE];

	if (who % 3 == 0) {
		signal(SIGALRM, spoil);
		setitimer(ITIMER_REAL, &timer, NULL);
	}
	while (now_ns() < end) {
		uint32_t choice = next_random(&random);

		fill(in, choice + who * 1000003ull);
		memset(out, 0, sizeof(out));
		switch (choice % 4) {
		case 0:
			hold(in, out, -1, 20000);
			compare(in, out, "while waiting");
			break;
		case 1:
			hold(in, out, SYS_sched_yield, 10);
			compare(in, out, "over a yield");
			break;
		case 2:
			hold(in, out, SYS_getpid, 100);
			compare(in, out, "over a system call");
			break;
		default:
			check_x87(who);
			pin_to_cpu(choice / 4 % cpus);
		}
	}
}

void check_fpu(const char *arg)
{
	int cpus = online_cpus(), processes = 3 * cpus;
	unsigned int a, b, c = 0, d, low, high;

	(void)arg;
	__get_cpuid(1, &a, &b, &c, &d);
	if ((c & bit_OSXSAVE) && (c & bit_AVX)) {
		asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
		have_avx = (low & 6) == 6;
	}
	for (int i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail_errno("fork");
		if (pid == 0) {
			one_process(i, cpus);
			_exit(0);
		}
	}
	wait_children(processes);
	detail("%d processes on %d processors, %s", processes, cpus, have_avx ? "AVX" : "SSE only");
}
