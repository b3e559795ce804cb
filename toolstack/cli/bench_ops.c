/* SPDX-License-Identifier: MIT */
/* What common operations of the kernel cost that this process runs on, by the TSC. */

#include "bench.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../lib/util.h"

#define PAGE 4096
#define FILE_PAGES 64
#define RUNS 3

static int file = -1;         /* of FILE_PAGES pages */
static int program = -1;      /* that only ends */
static int there[2], back[2]; /* pipes to who answers */
static int peer = -1;         /* a connection to who answers */
static uint32_t turn;         /* whose it is: 1 the thread's, 0 ours */

static uint64_t now(void)
{
	_mm_lfence();
	return __rdtsc();
}

/* ---- which clock it is ---- */

/* What a thousand of that instruction take, at the least, by the clock. */
#define THOUSAND(instruction)                                                                      \
	({                                                                                         \
		uint64_t best = UINT64_MAX;                                                        \
                                                                                                   \
		for (int i = 0; i < 32; i++) {                                                     \
			uint64_t t = now();                                                        \
                                                                                                   \
			__asm__ volatile(".rept 1000\n\t" instruction "\n\t.endr" ::               \
						 : "rax", "cc");                                   \
			t = now() - t;                                                             \
			best = t < best ? t : best;                                                \
		}                                                                                  \
		best;                                                                              \
	})

const char *bench_clock(void)
{
	uint64_t none = THOUSAND("");

	/* No processor takes one cycle for each of both. */
	return THOUSAND("nop") - none == 1000 && THOUSAND("imul %%rax, %%rax") - none == 1000 ?
		       "instructions" :
		       "cycles";
}

/* ---- the operations; errno says why one can't be done ---- */

static bool null_syscall(unsigned int n)
{
	while (n--)
		syscall(SYS_getppid);
	return true;
}

static bool read_clock(unsigned int n)
{
	struct timespec t;

	while (n--)
		clock_gettime(CLOCK_MONOTONIC, &t);
	return true;
}

static void ignore(int signal)
{
	(void)signal;
}

static bool take_signals(void)
{
	return signal(SIGUSR1, ignore) != SIG_ERR;
}

static bool send_signal(unsigned int n)
{
	pid_t me = getpid();

	while (n--)
		kill(me, SIGUSR1);
	return true;
}

/* A byte of each page is looked at, or written. */
static bool touch(size_t pages, int flags, int fd)
{
	int access = fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ;
	volatile char *at = mmap(NULL, pages * PAGE, access, flags, fd, 0);

	if (at == MAP_FAILED)
		return false;
	/* Each page by its own fault: neither by larger pages nor with its neighbours. */
	madvise((void *)at, pages * PAGE, fd < 0 ? MADV_NOHUGEPAGE : MADV_RANDOM);
	for (size_t i = 0; i < pages; i++) {
		if (fd < 0)
			at[i * PAGE] = 1;
		else
			(void)at[i * PAGE];
	}
	return !munmap((void *)at, pages * PAGE);
}

static bool page_faults(unsigned int n)
{
	return touch(n, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static bool map_unmap(unsigned int n)
{
	void *at = NULL;

	while (n-- && at != MAP_FAILED) {
		at = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		munmap(at, PAGE);
	}
	return at != MAP_FAILED;
}

static bool make_file(void)
{
	static const char page[PAGE];

	file = memfd_create("bench-pages", MFD_CLOEXEC);
	for (int i = 0; i < FILE_PAGES; i++) {
		if (write(file, page, sizeof(page)) != sizeof(page))
			return false;
	}
	return true;
}

static bool map_file(unsigned int n)
{
	bool good = true;

	while (good && n--)
		good = touch(FILE_PAGES, MAP_PRIVATE, file);
	return good;
}

static char *const no_words[] = { NULL };
static char *const true_words[] = { "true", NULL };
static char *const shell_words[] = { "sh", "-c", "/bin/true", NULL };

/* A child that becomes what path names, or the program of fd with ""; or, with NULL, only ends. */
static bool child(int fd, const char *path, char *const words[])
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (path)
			syscall(SYS_execveat, fd, path, words, no_words, AT_EMPTY_PATH);
		_exit(path ? errno : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	errno = WEXITSTATUS(status);
	return !status;
}

static bool fork_exit(unsigned int n)
{
	bool good = true;

	while (good && n--)
		good = child(-1, NULL, NULL);
	return good;
}

/* The shortest that there can be, so that it costs the same on every system. */
static bool make_program(void)
{
	static const struct {
		Elf64_Ehdr head;
		Elf64_Phdr load;
		unsigned char code[9];
	} image = {
		.head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT },
			  .e_type = ET_EXEC,
			  .e_machine = EM_X86_64,
			  .e_version = EV_CURRENT,
			  .e_entry = 0x400000 + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			  .e_phoff = sizeof(Elf64_Ehdr),
			  .e_ehsize = sizeof(Elf64_Ehdr),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 1 },
		.load = { .p_type = PT_LOAD,
			  .p_flags = PF_R | PF_X,
			  .p_vaddr = 0x400000,
			  .p_filesz = sizeof(image),
			  .p_memsz = sizeof(image),
			  .p_align = PAGE },
		.code = { 0x31, 0xff, 0xb8, SYS_exit, 0, 0, 0, 0x0f, 0x05 },
	};

	program = memfd_create("bench-program", MFD_CLOEXEC);
	return write(program, &image, sizeof(image)) == sizeof(image);
}

static bool fork_exec(unsigned int n)
{
	bool good = true;

	while (good && n--)
		good = child(program, "", no_words);
	return good;
}

static bool exec_true(unsigned int n)
{
	bool good = true;

	while (good && n--)
		good = child(-1, "/bin/true", true_words);
	return good;
}

static bool shell(unsigned int n)
{
	bool good = true;

	while (good && n--)
		good = child(-1, "/bin/sh", shell_words);
	return good;
}

/* It answers until we are gone. */
static bool make_answerer(void)
{
	pid_t pid;
	char byte;

	if (pipe2(there, O_CLOEXEC) || pipe2(back, O_CLOEXEC))
		return false;
	pid = fork();
	if (pid)
		return pid > 0;
	close(there[1]);
	while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1)
		;
	_exit(0);
}

static bool round_trip(unsigned int n)
{
	bool good = true;
	char byte = 0;

	while (good && n--)
		good = write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1;
	return good;
}

/* ---- a thread that answers ---- */

static void await_turn(uint32_t mine)
{
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != mine)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, 1 - mine, NULL, NULL, 0);
}

static void pass_turn(uint32_t to)
{
	__atomic_store_n(&turn, to, __ATOMIC_RELEASE);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *answer_turns(void *unused)
{
	for (;;) {
		await_turn(1);
		pass_turn(0);
	}
	return unused;
}

static bool make_thread(void)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, answer_turns, NULL);
	return !errno;
}

static bool futex_round_trip(unsigned int n)
{
	while (n--) {
		pass_turn(1);
		await_turn(0);
	}
	return true;
}

/* ---- a process that answers over TCP ---- */

static bool without_delay(int fd)
{
	return fd >= 0 && !setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

/* It answers until we are gone. */
static bool make_server(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	char byte;

	if (listener < 0 || bind(listener, (void *)&at, sizeof(at)) || listen(listener, 1) ||
	    getsockname(listener, (void *)&at, &(socklen_t){ sizeof(at) }))
		return false;
	peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!without_delay(peer) || connect(peer, (void *)&at, sizeof(at)))
		return false;
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (!without_delay(fd))
		return false;
	switch (fork()) {
	case -1:
		return false;
	case 0:
		close(peer);
		while (read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1)
			;
		_exit(0);
	}
	return !close(fd) && !close(listener);
}

static bool tcp_round_trip(unsigned int n)
{
	bool good = true;
	char byte = 0;

	while (good && n--)
		good = write(peer, &byte, 1) == 1 && read(peer, &byte, 1) == 1;
	return good;
}

static const struct operation {
	const char *name;
	unsigned int times; /* in one run */
	bool (*run)(unsigned int n);
	bool (*prepare)(void); /* or NULL */
} operations[] = {
	{ "linux_null_syscall", 5000, null_syscall, NULL },
	{ "linux_clock", 5000, read_clock, NULL },
	{ "linux_signal", 1000, send_signal, take_signals },
	{ "linux_page_fault", 2048, page_faults, NULL },
	{ "linux_map_unmap", 1000, map_unmap, NULL },
	{ "linux_file_pages_64", 50, map_file, make_file },
	{ "linux_fork_exit", 20, fork_exit, NULL },
	{ "linux_fork_exec", 10, fork_exec, make_program },
	{ "linux_exec_true", 10, exec_true, NULL },
	{ "linux_shell", 5, shell, NULL },
	{ "linux_pipe_round_trip", 500, round_trip, make_answerer },
	{ "linux_futex_round_trip", 500, futex_round_trip, make_thread },
	{ "linux_tcp_round_trip", 500, tcp_round_trip, make_server },
};

/* The best of some runs, after one that warms up; BENCH_NONE: it can't be done. */
static uint64_t measure(const struct operation *o)
{
	uint64_t best = BENCH_NONE;

	if ((o->prepare && !o->prepare()) || !o->run(o->times / 10 + 1))
		return BENCH_NONE;
	for (int i = 0; i < RUNS; i++) {
		uint64_t t = now();

		if (!o->run(o->times))
			return BENCH_NONE;
		t = (now() - t) * 100 / o->times;
		best = t < best ? t : best;
	}
	return best;
}

void bench_run_operations(struct bench *b)
{
	int cpu = sched_getcpu();
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(cpu < 0 ? 0 : cpu, &here);
	sched_setaffinity(0, sizeof(here), &here);
	for (unsigned int i = 0; i < ARRAY_SIZE(operations); i++) {
		struct bench_row *r = bench_row(b, operations[i].name);

		if (r)
			r->cost[BENCH_NOW] = measure(&operations[i]);
	}
}
