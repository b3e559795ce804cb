// SPDX-License-Identifier: MIT
/* signals: as asked for; faults: as caused. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t ticks, answers, on_alternate;
static char alternate[65536];
static sigjmp_buf back;
static volatile int caught, caught_code;
static volatile uintptr_t caught_address;

static void tick(int sig)
{
	(void)sig;
	ticks++;
}

static void answer(int sig)
{
	(void)sig;
	answers++;
}

static void *wait_for_answers(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20000 && answers < 50; i++)
		usleep(1000);
	return NULL;
}

static void on_overflow(int sig, siginfo_t *info, void *context)
{
	char here;

	(void)sig, (void)info, (void)context;
	on_alternate = &here >= alternate && &here < alternate + sizeof(alternate);
	siglongjmp(back, 1);
}

static int recurse(int depth)
{
	volatile char frame[4096];

	frame[0] = depth;
	return depth < 1 << 20 ? recurse(depth + 1) + frame[0] : 0;
}

static void handle(int sig, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	if (sigaction(sig, &action, NULL))
		fail_errno("sigaction");
}

void check_signals(const char *arg)
{
	struct itimerval timer = { .it_interval.tv_usec = 5000, .it_value.tv_usec = 5000 },
			 off = { 0 };
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	uint64_t end = now_ns() + 1000000000, sum = 0;
	int seen, status;
	pthread_t thread;
	pid_t pid;

	(void)arg;
	signal(SIGALRM, tick);
	setitimer(ITIMER_REAL, &timer, NULL);
	while (now_ns() < end || (ticks < 5 && now_ns() < end + 10000000000))
		sum = mix(sum + 1);
	setitimer(ITIMER_REAL, &off, NULL);
	seen = ticks;
	if (seen < 5 || sum == 0)
		fail("only %d signals of a timer in a second of work", seen);

	signal(SIGUSR1, answer);
	pthread_create(&thread, NULL, wait_for_answers, NULL);
	for (int i = 0, before; i < 50; i++) {
		before = answers;
		pthread_kill(thread, SIGUSR1);
		for (int t = 0; t < 20000 && answers == before; t++)
			usleep(100);
	}
	pthread_join(thread, NULL);
	if (answers != 50)
		fail("a thread got %d of 50 signals", (int)answers);

	sigaltstack(&stack, NULL);
	handle(SIGSEGV, on_overflow);
	if (!sigsetjmp(back, 1))
		recurse(0);
	if (!on_alternate)
		fail("the handler of a stack overflow does not run on its own stack");

	pid = fork();
	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		for (;;)
			pause();
	}
	kill(pid, SIGSTOP);
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		fail("a process does not stop");
	kill(pid, SIGCONT);
	kill(pid, SIGTERM);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) || WTERMSIG(status) != SIGTERM)
		fail("a process does not die of SIGTERM");
	detail("%d of a timer, 50 to a thread, a stack overflow, stop and continue", seen);
}

/* Where a fault is to be stepped over, the handler goes back to where the attempt began. */
static void caught_it(int sig, siginfo_t *info, void *context)
{
	(void)context;
	caught = sig;
	caught_code = info->si_code;
	caught_address = (uintptr_t)info->si_addr;
	siglongjmp(back, 1);
}

static uintptr_t page, noncanonical = 0x8000000000000000;

static void do_divide(void)
{
	asm volatile("xor %%ecx, %%ecx\n\txor %%edx, %%edx\n\tdivl %%ecx"
		     :
		     : "a"(1)
		     : "ecx", "edx", "cc");
}
static void do_ud2(void)
{
	asm volatile("ud2");
}
static void do_int3(void)
{
	asm volatile("int3");
}
static void do_int_3(void)
{
	asm volatile(".byte 0xcd, 3");
}
static void do_int1(void)
{
	asm volatile(".byte 0xf1");
}
static void do_int_81(void)
{
	asm volatile("int $0x81");
}
static void do_int_d(void)
{
	asm volatile("int $0xd");
}
static void do_int_2(void)
{
	asm volatile("int $2");
}
static void do_hlt(void)
{
	asm volatile("hlt");
}
static void do_cli(void)
{
	asm volatile("cli");
}
static void do_in(void)
{
	asm volatile("inb $0x80, %%al" : : : "eax");
}
static void do_cr0(void)
{
	asm volatile("mov %%cr0, %%rax" : : : "rax");
}
static void do_rdmsr(void)
{
	asm volatile("rdmsr" : : "c"(0x10) : "rax", "rdx");
}
static void do_xsetbv(void)
{
	asm volatile("xsetbv" : : "a"(7), "d"(0), "c"(0));
}
static void do_lgdt(void)
{
	asm volatile("lgdt (%0)" : : "r"(page));
}
static void do_swapgs(void)
{
	asm volatile("swapgs");
}
static void do_gp(void)
{
	asm volatile("movb $0, (%0)" : : "r"(noncanonical));
}
static void do_ss(void)
{
	asm volatile("push %%rbp\n\tmov %0, %%rbp\n\tmovb $0, (%%rbp)\n\tpop %%rbp"
		     :
		     : "r"(noncanonical));
}
static void do_bad_selector(void)
{
	asm volatile("mov %0, %%es" : : "r"(0x1234));
}
static void do_hypervisor_selector(void)
{
	asm volatile("mov %0, %%es" : : "r"(0xe010));
}
static void do_read_null(void)
{
	asm volatile("movb (%0), %%al" : : "r"(0ul) : "eax");
}
static void do_write_read_only(void)
{
	asm volatile("movb $1, (%0)" : : "r"(page));
}
static void do_read_kernel(void)
{
	asm volatile("movb (%0), %%al" : : "r"(0xffffffff81000000) : "eax");
}
static void do_read_m2p(void)
{
	asm volatile("movb (%0), %%al" : : "r"(0xffff800000000000) : "eax");
}
static void do_read_hypervisor(void)
{
	asm volatile("movb (%0), %%al" : : "r"(0xffff830000000000) : "eax");
}
static void do_execute_data(void)
{
	((void (*)(void))page)();
}
static void do_step(void)
{
	asm volatile("pushf\n\torq $0x100, (%%rsp)\n\tpopf\n\tnop\n\tnop" : : : "cc", "memory");
}
static void do_align(void)
{
	asm volatile("pushf\n\torq $0x40000, (%%rsp)\n\tpopf\n\tmovl 1(%0), %%eax"
		     :
		     : "r"(page)
		     : "cc", "memory", "eax");
}
static void do_sse_error(void)
{
	unsigned int mxcsr = 0x1d80; /* division by zero unmasked */

	asm volatile(
		"ldmxcsr %0\n\tpcmpeqd %%xmm0, %%xmm0\n\tpsrld $25, %%xmm0\n\tpslld $23, %%xmm0\n\t"
		"xorps %%xmm1, %%xmm1\n\tdivss %%xmm1, %%xmm0"
		:
		: "m"(mxcsr)
		: "xmm0", "xmm1");
}
static void do_x87_error(void)
{
	unsigned short control = 0x037b; /* the same */

	asm volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" : : "m"(control));
}
static void do_bus_error(void)
{
	*(volatile char *)(page + 4096) = 1;
}

static const struct attempt {
	const char *name;
	void (*run)(void);
	int signal, code; /* code 0: any; signal 0: any or none, as emulators differ */
	uintptr_t *address;
} attempts[] = {
	{ "#DE by div", do_divide, SIGFPE, FPE_INTDIV, NULL },
	{ "#UD by ud2", do_ud2, SIGILL, ILL_ILLOPN, NULL },
	{ "#BP by int3", do_int3, SIGTRAP, 0, NULL },
	{ "#BP by int 3", do_int_3, SIGTRAP, 0, NULL },
	{ "#DB by int1", do_int1, 0, 0, NULL }, /* QEMU 7.2 does not know it */
	{ "#DB by single step", do_step, SIGTRAP, TRAP_TRACE, NULL },
	{ "#GP by int 0x81", do_int_81, SIGSEGV, 0, NULL },
	{ "#GP by int 13", do_int_d, SIGSEGV, 0, NULL },
	{ "#GP by int 2", do_int_2, SIGSEGV, 0, NULL },
	{ "#GP by hlt", do_hlt, SIGSEGV, 0, NULL },
	{ "#GP by cli", do_cli, SIGSEGV, 0, NULL },
	{ "#GP by in", do_in, SIGSEGV, 0, NULL },
	{ "#GP by mov from CR0", do_cr0, SIGSEGV, 0, NULL },
	{ "#GP by rdmsr", do_rdmsr, SIGSEGV, 0, NULL },
	{ "#GP by xsetbv", do_xsetbv, 0, 0, NULL }, /* #UD where there is no XSAVE */
	{ "#GP by lgdt", do_lgdt, SIGSEGV, 0, NULL },
	{ "#GP by swapgs", do_swapgs, SIGSEGV, 0, NULL },
	{ "#GP by a non-canonical address", do_gp, SIGSEGV, 0, NULL },
	{ "#SS by a non-canonical address", do_ss, 0, 0, NULL }, /* for QEMU 7.2 it is #GP */
	{ "#GP by a selector", do_bad_selector, SIGSEGV, 0, NULL },
	{ "#GP by a selector of the hypervisor", do_hypervisor_selector, SIGSEGV, 0, NULL },
	{ "#PF by reading nothing", do_read_null, SIGSEGV, SEGV_MAPERR, NULL },
	{ "#PF by writing a read-only page", do_write_read_only, SIGSEGV, SEGV_ACCERR, &page },
	{ "#PF by reading the kernel", do_read_kernel, SIGSEGV, 0, NULL },
	{ "#PF by reading the table of machine frames", do_read_m2p, 0, 0,
	  NULL }, /* may be readable */
	{ "#PF by reading the hypervisor", do_read_hypervisor, SIGSEGV, 0, NULL },
	{ "#PF by executing data", do_execute_data, SIGSEGV, SEGV_ACCERR, &page },
	{ "#AC by a misaligned access", do_align, 0, 0, NULL }, /* not in QEMU */
	{ "#XM by SSE", do_sse_error, 0, 0, NULL },             /* not in QEMU */
	{ "#MF by x87", do_x87_error, SIGFPE, FPE_FLTDIV, NULL },
	{ "SIGBUS beyond the end of a file", do_bus_error, SIGBUS, BUS_ADRERR, NULL },
};

static void attempt(const struct attempt *a)
{
	caught = 0;
	if (!sigsetjmp(back, 1))
		a->run();
	asm volatile("pushf\n\tandq $~0x40100, (%%rsp)\n\tpopf\n\tfninit" : : : "cc", "memory");
	if (!a->signal)
		return;
	if (!caught)
		fail("%s: nothing happened", a->name);
	if (caught != a->signal)
		fail("%s: signal %d instead of %d", a->name, caught, a->signal);
	if (a->code && caught_code != a->code)
		fail("%s: code %d instead of %d", a->name, caught_code, a->code);
	if (a->address && caught_address != *a->address)
		fail("%s: at %#lx instead of %#lx", a->name, caught_address, *a->address);
}

void check_faults(const char *arg)
{
	static const int signals[] = { SIGFPE, SIGILL, SIGTRAP, SIGSEGV, SIGBUS };
	size_t n = sizeof(attempts) / sizeof(attempts[0]);
	int fd = memfd_create("page", MFD_CLOEXEC), cpus = online_cpus();

	(void)arg;
	if (fd < 0 || ftruncate(fd, 4096))
		fail_errno("memfd_create");
	page = (uintptr_t)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == (uintptr_t)MAP_FAILED || mprotect((void *)page, 4096, PROT_READ))
		fail_errno("mmap");
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		handle(signals[i], caught_it);
	for (int cpu = 0; cpu < cpus; cpu++) {
		pin_to_cpu(cpu);
		for (size_t i = 0; i < 3 * n; i++)
			attempt(&attempts[i % n]);
	}
	detail("%zu kinds, three times on each of %d processors", n, cpus);
}
