/* SPDX-License-Identifier: MIT */
/* A process that can ask its kernel for little. */

#include "confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

#define PARSER_SECONDS 600 /* of processor time: an emulator's takes 50 for a kernel */
#define HEAD 4             /* rules before those of the calls */

bool confine_calls(const uint16_t *allowed, unsigned int n)
{
	struct sock_filter rules[HEAD + CONFINE_MAX + 2] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	const struct sock_fprog program = { (unsigned short)(HEAD + n + 2), rules };
	unsigned int at = HEAD;

	if (n > CONFINE_MAX) {
		errno = E2BIG;
		return false;
	}
	for (unsigned int i = 0; i < n; i++)
		rules[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
							   (uint8_t)(n - i), 0);
	rules[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	rules[at] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static bool confine_parser(void)
{
	/* madvise() and sigaltstack(), which reach no further, are for allocators and sanitizers. */
	static const uint16_t allowed[] = { SYS_brk,     SYS_mmap,        SYS_munmap,    SYS_mremap,
					    SYS_madvise, SYS_sigaltstack, SYS_exit_group };
	const struct rlimit seconds = { PARSER_SECONDS, PARSER_SECONDS }, none = { 0, 0 };

	/* Descriptors too: /dev/xen/privcmd could be mapped. */
	return !prctl(PR_SET_PDEATHSIG, SIGKILL) && !setrlimit(RLIMIT_CPU, &seconds) &&
	       !setrlimit(RLIMIT_CORE, &none) && !syscall(SYS_close_range, 0, ~0u, 0) &&
	       confine_calls(allowed, ARRAY_SIZE(allowed));
}

enum { LOOKED = 0, NOT_CONFINED = 1 }; /* how the child ends */

const char *confined(void (*look)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return "there is no process to look at it in; free some memory";
	if (!pid) {
		if (!confine_parser())
			_exit(NOT_CONFINED);
		look(arg);
		_exit(LOOKED);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == LOOKED)
		return NULL;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_CONFINED)
		return "it can't be looked at in a confined process; the kernel here needs"
		       " CONFIG_SECCOMP_FILTER";
	return "it broke the process that looked at it; don't trust it";
}
