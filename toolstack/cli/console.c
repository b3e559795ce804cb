/* SPDX-License-Identifier: MIT */
/* pavise console: a terminal at a domain's console. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "../console/console.h"
#include "../lib/util.h"
#include "session.h"

#define KEY_LEAVE 0x1d /* Ctrl-] */

int console_connect(uint16_t domid, struct failure *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = CONSOLE_SOCKET };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    dprintf(fd, "%u\n", domid) < 0) {
		fail(f, FAIL_REACH, "no daemon answers at %s: %s; start pavise-consoled",
		     CONSOLE_SOCKET, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* From one to the other; false: that was the last. */
static bool copy(int from, int to, bool keys)
{
	char bytes[4096];
	ssize_t n = read(from, bytes, sizeof(bytes));

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0 || (keys && memchr(bytes, KEY_LEAVE, (size_t)n)))
		return false;
	for (ssize_t done = 0; done < n;) {
		ssize_t part = write(to, bytes + done, (size_t)(n - done));

		if (part < 0 && errno != EINTR)
			return false;
		done += part > 0 ? part : 0;
	}
	return true;
}

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	stopped = number;
}

/* Ways to be ended while the terminal is raw: only in poll(), so that none comes too early. */
static void catch_signals(sigset_t *in_poll)
{
	const struct sigaction action = { .sa_handler = stop };
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	sigset_t set;

	sigemptyset(&set);
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
		sigaddset(&set, numbers[i]);
		sigaction(numbers[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, in_poll);
}

bool console_attach(uint16_t domid, struct failure *f)
{
	sigset_t in_poll;
	struct termios before, raw;
	bool terminal = !tcgetattr(STDIN_FILENO, &before);
	int fd = console_connect(domid, f);
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
			      { .fd = STDIN_FILENO, .events = POLLIN } };

	if (fd < 0)
		return false;
	if (terminal) {
		catch_signals(&in_poll);
		fprintf(stderr, "(Ctrl-] leaves)\n");
		raw = before;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	while (!stopped) {
		if (ppoll(p, ARRAY_SIZE(p), NULL, terminal ? &in_poll : NULL) < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		if (p[0].revents && !copy(fd, STDOUT_FILENO, false))
			break;
		if (!p[1].revents || copy(STDIN_FILENO, fd, terminal))
			continue;
		if (terminal)
			break;
		/* A file's end: what there is to see is shown still. */
		shutdown(fd, SHUT_WR);
		p[1].fd = -1;
	}
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
		fprintf(stderr, "\n");
	}
	close(fd);
	return true;
}

int cmd_console(int argc, char **argv)
{
	struct session se;
	uint16_t domid;

	if (!check_usage(argc, argv, 1, 1))
		return EXIT_USAGE;
	if (session_begin_with(&se, argv[1], &domid)) {
		if (domid)
			console_attach(domid, &se.f);
		else
			fail(&se.f, FAIL_USAGE,
			     "the privileged domain's console is the machine's own; log in there");
	}
	return session_end(&se);
}
