// SPDX-License-Identifier: MIT
/* checks: one program that knows every check of the test machine. It runs each in a process of its own. */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* clang-format off */
static const struct check {
	const char *name;
	check_fn *run;
	int seconds; /* a limit, generous: software emulation on a busy machine */
	const char *what;
} checks[] = {
	{ "cpus", check_cpus, 60, "[N] processors are online, and all run at the same time" },
	{ "mem", check_mem, 240, "[MIB[:MIB]] are there; the free memory, or so much of it, holds what is written" },
	{ "hotplug", check_hotplug, 120, "every processor but the first goes off and on again" },
	{ "clock", check_clock, 60, "clocks never go back, on no processor, and sleeps last what they should" },
	{ "disk", check_disk, 600, "KIND[:MIB] write, read, compare on each virtio, ahci, nvme or ide disk" },
	{ "net", check_net, 300, "KIND[:MIB] there and back again over each virtio or e1000e card" },
	{ "fpu", check_fpu, 120, "floating point and vector registers survive switches and signals" },
	{ "signals", check_signals, 60, "signals by timers, between threads, on another stack" },
	{ "faults", check_faults, 60, "each exception a program can cause arrives as the right signal" },
	{ "ldt", check_ldt, 60, "local descriptors: load, far jump, 32-bit code, withdrawal in use" },
	{ "debugreg", check_debugreg, 60, "hardware breakpoints and watchpoints by ptrace" },
	{ "ioports", check_ioports, 60, "the clock chip by ports: refused, allowed, refused" },
	{ "forkstorm", check_forkstorm, 240, "many processes, copy on write, exec" },
	{ "mmapstress", check_mmapstress, 240, "threads that map, protect, fault, unmap and fork" },
	{ "textpatch", check_textpatch, 1200, "[SECONDS] the kernel patches its text while all processors run it" },
	{ "compat32", check_compat32, 60, "32-bit programs: ours, and busybox" },
	{ "balloon", check_balloon, 60, "memory is given back to the hypervisor and fetched again" },
	{ "evtchn", check_evtchn, 60, "event channels of a program" },
	{ "grants", check_grants, 60, "pages granted and mapped by a program" },
	{ "dmesg", check_dmesg, 30, "the kernel has reported no trouble" },
};
/* clang-format on */

/* Shared with all processes of a check. */
struct report {
	char text[200];
	_Atomic int failed;
};
static struct report *report;

void detail(const char *format, ...)
{
	va_list args;

	if (report->failed)
		return;
	va_start(args, format);
	vsnprintf(report->text, sizeof(report->text), format, args);
	va_end(args);
}

/* The first failure is the one that is told. */
static void vfail(const char *format, va_list args, const char *more)
{
	if (report->failed++ == 0) {
		int n = vsnprintf(report->text, sizeof(report->text), format, args);

		if (more && n >= 0 && (size_t)n < sizeof(report->text))
			snprintf(report->text + n, sizeof(report->text) - n, ": %s", more);
	}
	_exit(1);
}

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfail(format, args, NULL);
	__builtin_unreachable();
}

void fail_errno(const char *format, ...)
{
	const char *why = strerror(errno);
	va_list args;

	va_start(args, format);
	vfail(format, args, why);
	__builtin_unreachable();
}

void wait_children(int n)
{
	for (int i = 0; i < n; i++) {
		int status;
		pid_t pid = wait(&status);

		if (pid < 0)
			fail_errno("wait");
		if (WIFSIGNALED(status))
			fail("child %d of %d died of signal %d (%s)", i + 1, n, WTERMSIG(status),
			     strsignal(WTERMSIG(status)));
		if (WEXITSTATUS(status))
			fail("child %d of %d failed", i + 1, n);
	}
}

int online_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

void pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail_errno("cannot run on processor %d", cpu);
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

void read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, size - 1);

	if (fd >= 0)
		close(fd);
	line[n < 0 ? 0 : n] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

bool write_line(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

bool has_driver(const char *sysfs, const char *driver)
{
	char path[PATH_MAX], link[PATH_MAX + 16], target[PATH_MAX];

	if (!realpath(sysfs, path))
		return false;
	while (strlen(path) > strlen("/sys/devices")) {
		ssize_t n;

		snprintf(link, sizeof(link), "%s/driver", path);
		n = readlink(link, target, sizeof(target) - 1);
		if (n > 0) {
			target[n] = '\0';
			if (!strcmp(strrchr(target, '/') + 1, driver))
				return true;
		}
		*strrchr(path, '/') = '\0';
	}
	return false;
}

static pid_t group;

static void too_long(int sig)
{
	(void)sig;
	if (report->failed++ == 0)
		snprintf(report->text, sizeof(report->text), "took too long");
	kill(-group, SIGKILL);
}

static int run(const char *name)
{
	size_t length = strcspn(name, ":");
	const char *arg = name[length] ? name + length + 1 : "";
	const struct check *check = NULL;
	uint64_t start = now_ns();
	char line[400];
	int status, n;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (strlen(checks[i].name) == length && !strncmp(checks[i].name, name, length))
			check = &checks[i];
	if (!check) {
		printf("TEST %s FAIL there is no such check\n", name);
		return 1;
	}
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (report == MAP_FAILED)
		return 1;
	group = fork();
	if (group == 0) {
		setpgid(0, 0);
		check->run(arg);
		_exit(0);
	}
	setpgid(group, group);
	signal(SIGALRM, too_long);
	alarm(check->seconds);
	while (waitpid(group, &status, 0) < 0 && errno == EINTR)
		;
	alarm(0);
	kill(-group, SIGKILL);
	if (WIFSIGNALED(status) && report->failed++ == 0)
		snprintf(report->text, sizeof(report->text), "died of signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WIFEXITED(status) && WEXITSTATUS(status))
		report->failed++;
	n = snprintf(line, sizeof(line), "TEST %s %s %s (%.1f s)\n", name,
		     report->failed ? "FAIL" : "PASS", report->text, (now_ns() - start) / 1e9);
	if (write(STDOUT_FILENO, line, n) != n)
		return 1;
	return report->failed != 0;
}

static int entries(const char *path)
{
	DIR *folder = opendir(path);
	int n = 0;

	while (folder && readdir(folder))
		n++;
	if (folder)
		closedir(folder);
	return n;
}

/* Waits until the drivers have found their devices: until none has come for half a second. */
static int settle(void)
{
	int before = -1;

	for (int i = 0, calm = 0; i < 100 && calm < 5; i++) {
		int n = entries("/sys/block") + entries("/sys/class/net");

		calm = n == before ? calm + 1 : 0;
		before = n;
		usleep(100000);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "run"))
		return run(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "settle"))
		return settle();
	if (argc == 2 && !strcmp(argv[1], "free-pages"))
		return print_free_pages();
	if (argc == 2 && !strcmp(argv[1], "nothing")) /* what forkstorm executes */
		return 42;
	printf("usage: checks run NAME[:ARG]\n");
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		printf("  %-12s%s\n", checks[i].name, checks[i].what);
	return argc > 1;
}
