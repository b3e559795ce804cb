/* SPDX-License-Identifier: MIT */
/* The domain that pavise bench makes: its kernel measures itself, and says what on its console. */

#include "bench.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "../lib/util.h"

#define SECONDS 300     /* that it may take */
#define LAST_WORDS 5000 /* ms that its console may take, once it has ended */

/* The end of its console, line by line. */
struct listener {
	int fd;
	char text[512];
	size_t n;
	struct bench *b;
	struct bench_guest *g;
};

/* False: that was the last. */
static bool listen_on(struct listener *l)
{
	ssize_t got = read(l->fd, l->text + l->n, sizeof(l->text) - 1 - l->n);
	char *line = l->text, *end;

	if (got <= 0)
		return false;
	l->n += (size_t)got;
	l->text[l->n] = '\0';
	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		bench_line(l->b, l->g, line);
	}
	l->n -= (size_t)(line - l->text);
	if (l->n == sizeof(l->text) - 1)
		l->n = 0; /* no line of ours is so long */
	memmove(l->text, line, l->n);
	return true;
}

static bool has_ended(struct pavise *p, uint16_t domid)
{
	struct xen_domctl_getdomaininfo info;

	return !domain_info(p, domid, &info) ||
	       info.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown);
}

static int ms_until(const struct timespec *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec >= end->tv_sec)
		return 0;
	return (int)(end->tv_sec - now.tv_sec) * 1000;
}

/* Until it has said all, has ended, or one of the signals came. */
static void follow(struct session *se, uint16_t domid, struct listener *l, const sigset_t *signals)
{
	struct pollfd p[] = { { .fd = l->fd, .events = POLLIN },
			      { .fd = signalfd(-1, signals, SFD_CLOEXEC), .events = POLLIN },
			      { .fd = se->s.fd, .events = POLLIN } };
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += SECONDS;
	store_watch(&se->s, "@releaseDomain");
	while (!l->g->done && !p[1].revents) {
		if (!poll(p, ARRAY_SIZE(p), ms_until(&end))) {
			fail(&se->f, FAIL_TIME, "the benchmark's guest has not ended within %d s",
			     SECONDS);
			break;
		}
		if (p[0].revents && !listen_on(l))
			break;
		if (p[2].revents && (store_wait(&se->s, 0) == -EPIPE || has_ended(&se->p, domid)))
			break;
	}
	close(p[1].fd);
}

/* Unless the supervisor was first. */
static void destroy(struct session *se, uint16_t domid, const uuid_t uuid)
{
	struct xen_domctl_getdomaininfo info;
	struct failure second = { 0 };

	if (domain_info(&se->p, domid, &info) && !memcmp(info.handle, uuid, sizeof(uuid_t)) &&
	    !domain_destroy(&se->p, &se->s, domid, &second) && second.code != FAIL_NO_DOMAIN)
		fail(&se->f, second.code, "%s", second.text);
}

static bool judge(const struct bench_guest *g, const char *kernel, struct failure *f)
{
	if (!g->begun || (g->done && !g->rows))
		return fail(f, FAIL_IMAGE,
			    "the guest measured nothing; is %s the benchmark's kernel?", kernel);
	return (g->done && !*g->died) ||
	       fail(f, FAIL_IMAGE, "the benchmark's guest ended early, after %u rows%s%s", g->rows,
		    *g->died ? ": " : "", g->died);
}

bool bench_run_guest(struct session *se, struct bench *b, const char *kernel)
{
	struct domain_config c = { .name = xstrdup("pavise-bench"),
				   .has_uuid = true,
				   .memory_kib = 8 << 10,
				   .max_memory_kib = 8 << 10,
				   .vcpus = 2,
				   .max_vcpus = 2,
				   .cpus = xstrdup("0"), /* one switches to the other */
				   .kernel = xstrdup(kernel) };
	const struct create_options paused = { .paused = true };
	struct bench_guest g = { 0 };
	struct listener l = { .fd = -1, .b = b, .g = &g };
	struct phases phases = { 0 };
	sigset_t signals, before;
	uint16_t domid;

	uuid_generate(c.uuid);
	uuid_unparse_lower(c.uuid, g.name);
	c.cmdline = xasprintf("name=%s own-console", g.name);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, &before);
	if (domain_create(&se->p, &se->s, &c, &paused, &phases, &domid, &se->f)) {
		struct pollfd rest = { .events = POLLIN };

		rest.fd = l.fd = console_connect(domid, &se->f);
		if (l.fd >= 0 &&
		    domain_command(&se->p, domid, XEN_DOMCTL_unpausedomain, "start", &se->f))
			follow(se, domid, &l, &signals);
		destroy(se, domid, c.uuid);
		while (l.fd >= 0 && !g.done && poll(&rest, 1, LAST_WORDS) > 0 && listen_on(&l))
			;
		if (l.fd >= 0)
			close(l.fd);
	}
	config_free(&c);
	/* One that came ends us here: all is as it was before. */
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !se->f.code && judge(&g, kernel, &se->f);
}
