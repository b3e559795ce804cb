/* SPDX-License-Identifier: MIT */
/* What daemons begin with: folders, one process at a time, a socket. */

#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

void make_parents(const char *path)
{
	char *copy = xstrdup(path);

	for (char *slash = copy; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(copy, 0755);
		*slash = '/';
	}
	free(copy);
}

void only_one(const char *path)
{
	char *lock = xasprintf("%s.lock", path);
	int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		die("%s: %s", lock, strerror(errno));
	/* A killed one's is given back in a moment. */
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB); i++) {
		struct timespec moment = { .tv_nsec = 10000000 };

		if (i == 200)
			die("%s is held: one runs already", lock);
		nanosleep(&moment, NULL);
	}
	free(lock);
}

void allow_descriptors(unsigned long n)
{
	const struct rlimit wanted = { n, n };
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur >= n || !setrlimit(RLIMIT_NOFILE, &wanted))
		return;
	r.rlim_cur = r.rlim_max < n ? r.rlim_max : n;
	if (setrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur < n)
		log_line("%lu files may be open, %lu are wanted: raise the limit",
			 (unsigned long)r.rlim_cur, n);
}

int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t mask;

	if (strlen(path) >= sizeof(address.sun_path))
		die("%s: the path of a socket has less than %zu bytes", path,
		    sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	unlink(path); /* a killed one's */
	mask = umask(0177);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1024))
		die("%s: %s", path, strerror(errno));
	umask(mask);
	return fd;
}
