/* SPDX-License-Identifier: MIT */
/* pavise-stored: the options, the socket, the loop. */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../lib/daemon.h"
#include "../lib/notify.h"
#include "../lib/util.h"
#include "host_xen.h"
#include "journal.h"
#include "socket.h"
#include "store.h"

#define CLIENTS_MAX 16384 /* over the socket */

static const char help[] =
	"usage: pavise-stored [OPTION]...\n"
	"The store of the domains, in the foreground.\n"
	"  -s, --socket=PATH       where clients connect (/run/xenstored/socket)\n"
	"  -j, --journal=PATH      what a restart goes on from (/run/xenstored/journal)\n"
	"  -n, --no-domains        serve the socket only: there is no hypervisor\n"
	"  -q, --quota=NAME=VALUE  limits of each domain but 0; 'help' lists them\n"
	"  -t, --trace             log each request\n"
	"  -h, --help\n";

static const struct option options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "journal", required_argument, NULL, 'j' },
	{ "no-domains", no_argument, NULL, 'n' },
	{ "quota", required_argument, NULL, 'q' },
	{ "trace", no_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct settings {
	const char *socket, *journal;
	bool no_domains, trace;
};

static struct store store;

/* What an event of the poll set is about, where it is no connection's. */
static char listening, machine;

static void set_quota(const char *text)
{
	const char *equals = strchrnul(text, '=');
	char *end;
	unsigned long value = *equals ? strtoul(equals + 1, &end, 10) : 0;

	for (unsigned int q = 0; q < QUOTAS; q++) {
		if (strlen(quota_names[q]) == (size_t)(equals - text) &&
		    !strncmp(text, quota_names[q], (size_t)(equals - text)) && *equals &&
		    end != equals + 1 && !*end) {
			store.quota[q] = value;
			return;
		}
	}
	fputs("quotas of each domain, and their defaults:\n", stderr);
	for (unsigned int q = 0; q < QUOTAS; q++)
		fprintf(stderr, "  %-18s %lu\n", quota_names[q], store.quota[q]);
	exit(strcmp(text, "help") ? 2 : 0);
}

static void parse(int argc, char **argv, struct settings *set)
{
	int o;

	while ((o = getopt_long(argc, argv, "s:j:nq:th", options, NULL)) >= 0) {
		switch (o) {
		case 's':
			set->socket = optarg;
			break;
		case 'j':
			set->journal = optarg;
			break;
		case 'n':
			set->no_domains = true;
			break;
		case 'q':
			set_quota(optarg);
			break;
		case 't':
			set->trace = true;
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			fputs(help, stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fputs(help, stderr);
		exit(2);
	}
}

static void add(int poll, int fd, uint32_t events, void *what)
{
	struct epoll_event e = { .events = events, .data.ptr = what };

	if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e))
		die("epoll: %s", strerror(errno));
}

static void accept_clients(int poll, int fd)
{
	static unsigned int refused;
	unsigned int n = 0;
	struct conn *c;
	int client;

	TAILQ_FOREACH(c, &store.conns, link)
	n++;
	/* A few at a time: those that are connected have their turns. */
	for (int i = 0; i < 16; i++) {
		client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (client < 0)
			return;
		if (n++ >= CLIENTS_MAX) {
			if (!(refused++ % 1000))
				log_line("more than %u clients on the socket: the next is refused",
					 CLIENTS_MAX);
			close(client);
			continue;
		}
		/* By edges: it is asked until it has no more, and again when told. */
		add(poll, client, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		    socket_conn(&store, client));
	}
}

static void handle(int poll, int fd, const struct epoll_event *e)
{
	struct conn *c = e->data.ptr;

	if (e->data.ptr == &listening) {
		accept_clients(poll, fd);
		return;
	}
	if (e->data.ptr == &machine) {
		host_xen_event(&store);
		return;
	}
	if (e->events & EPOLLOUT && !TAILQ_EMPTY(&c->out))
		conn_dirty(c);
	if (e->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		socket_readable(c);
}

static void loop(int poll, int fd)
{
	struct epoll_event events[64];
	int n;

	for (;;) {
		n = epoll_wait(poll, events, ARRAY_SIZE(events), store_busy(&store) ? 0 : -1);
		for (int i = 0; i < n; i++)
			handle(poll, fd, &events[i]);
		store_round(&store);
	}
}

/* Rings that were there before a restart get their pages and ports back. */
static void resume_rings(void)
{
	struct conn *c, *next;

	for (c = TAILQ_FIRST(&store.conns); c; c = next) {
		struct xenstore_domain_interface *page;
		uint32_t port = 0;

		next = TAILQ_NEXT(c, link);
		page = store.host->attach ? store.host->attach(c->domain, &port) : NULL;
		if (page) {
			ring_resume(c, page, port);
			continue;
		}
		log_line("domain %u: its ring can't be mapped again (%s): it is without a store",
			 c->domain->id, strerror(errno));
		conn_free(c);
	}
}

int main(int argc, char **argv)
{
	static const struct host no_host;
	struct settings set = { .socket = "/run/xenstored/socket",
				.journal = "/run/xenstored/journal" };
	const struct host *host = &no_host;
	uint64_t seed = (uint64_t)time(NULL);
	int poll, fd, machine_fd = -1;

	setvbuf(stderr, NULL, _IOLBF, 512);
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		log_line("no random numbers yet: hashes begin with the time");
	tree_seed(seed);
	store_init(&store, &no_host);
	parse(argc, argv, &set);
	signal(SIGPIPE, SIG_IGN);
	make_parents(set.socket);
	make_parents(set.journal);
	only_one(set.journal); /* two would write the same one */
	allow_descriptors(CLIENTS_MAX + 64);
	if (!set.no_domains)
		host = host_xen_open(&machine_fd);
	store.host = host;
	store.trace = set.trace;
	journal_open(&store, set.journal);
	fd = listen_at(set.socket);
	poll = epoll_create1(EPOLL_CLOEXEC);
	if (poll < 0)
		die("epoll: %s", strerror(errno));
	add(poll, fd, EPOLLIN, &listening);
	if (machine_fd >= 0) {
		add(poll, machine_fd, EPOLLIN, &machine);
		resume_rings();
		domains_check(&store);
		host_xen_introduce_dom0(&store);
	}
	store_flush(&store);
	notify_ready();
	loop(poll, fd);
}
