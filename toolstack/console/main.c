/* SPDX-License-Identifier: MIT */
/*
 * pavise-consoled: the consoles of all domains. What a guest writes goes to its log file, whose end is
 * the scroll-back, and to who is attached; what those type goes to the guest. Nothing is kept here
 * that a restart would lose: where a ring stands is in its page.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <xen/grant_table.h>
#include <xen/io/console.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include "../lib/confine.h"
#include "../lib/daemon.h"
#include "../lib/notify.h"
#include "../lib/util.h"
#include "../libpavise/domain.h"
#include "console.h"

#define PORTS (1u << 17) /* at most, by the ABI */
#define CLIENTS_MAX 64
#define LOG_MAX (1u << 20) /* then it becomes NAME.log.1 */
#define SCROLL_BACK (16u << 10)
#define DESCRIPTORS (DOMID_FIRST_RESERVED + 2 * CLIENTS_MAX) /* a log each, and the rest */
#define TURNS 8 /* rings full that a guest may write before others have their turn */

struct console {
	LIST_ENTRY(console) link;
	uint16_t domid;
	xen_domain_handle_t handle; /* tells it from a later domain of that number */
	struct xencons_interface *page;
	uint32_t port;
	uint32_t out_cons, in_prod; /* ours: what the page says is not read back */
	int log;
	size_t logged;
	char *path; /* of the log */
	bool seen;  /* by the scan under way */
};

struct client {
	int fd;
	struct console *console; /* NULL: it has not said which yet */
	char in[256];
	unsigned int n_in;
	bool ended; /* it types no more */
};

static struct pavise link_to_hv;
static struct store_client store = { .fd = -1 };
static xenevtchn_handle *evtchn;
static xengnttab_handle *gnttab;
static const char *log_folder = "/var/log/pavise/console";
static LIST_HEAD(, console) consoles = LIST_HEAD_INITIALIZER(consoles);
static struct console *by_domid[DOMID_FIRST_RESERVED], *by_port[PORTS];
static struct client clients[CLIENTS_MAX];
static unsigned int n_clients;
static bool again; /* a guest has more */

/* ---- clients ---- */

static void drop_client(struct client *c)
{
	close(c->fd);
	*c = clients[--n_clients];
}

/* Who does not take it is gone: the guest waits for nobody. */
static void to_clients(const struct console *con, const char *bytes, size_t n)
{
	for (unsigned int i = n_clients; i--;) {
		if (clients[i].console == con &&
		    send(clients[i].fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)n)
			drop_client(&clients[i]);
	}
}

/* The line where a domain's part of a log begins, but for its date; an earlier one had the name, too. */
static int mark(char text[48], uint16_t domid)
{
	return snprintf(text, 48, "[pavise-consoled: domain %u begins, ", domid);
}

static void send_scroll_back(const struct console *con, int fd)
{
	char bytes[SCROLL_BACK], text[48], *from = bytes, *next;
	off_t at = con->logged > SCROLL_BACK ? (off_t)(con->logged - SCROLL_BACK) : 0;
	ssize_t n = pread(con->log, bytes, sizeof(bytes), at);
	size_t marked = (size_t)mark(text, con->domid);
	const char *end;

	if (n <= 0)
		return;
	end = bytes + n;
	while ((next = memmem(from, (size_t)(end - from), text, marked)))
		from = memchr(next, '\n', (size_t)(end - next)) ?: next + marked - 1;
	from += from != bytes; /* behind the line's end */
	if (from < end)
		(void)!send(fd, from, (size_t)(end - from), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- rings ---- */

static void open_log(struct console *c)
{
	c->log = open(c->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (c->log < 0)
		log_line("%s: %s: what domain %u writes is not kept", c->path, strerror(errno),
			 c->domid);
	c->logged = c->log < 0 ? 0 : (size_t)lseek(c->log, 0, SEEK_END);
}

static void to_log(struct console *c, const char *bytes, size_t n)
{
	char *old;

	if (c->log >= 0 && write(c->log, bytes, n) > 0)
		c->logged += n;
	if (c->log < 0 || c->logged < LOG_MAX)
		return;
	old = xasprintf("%s.1", c->path);
	rename(c->path, old);
	free(old);
	close(c->log);
	open_log(c);
}

/* Which no daemon before us has served: nobody has taken anything from its ring. */
static void begin_log(struct console *c)
{
	char line[96] = "\n";
	size_t n = c->logged > 0;
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	n += (size_t)mark(line + n, c->domid);
	n += strftime(line + n, sizeof(line) - n, "%Y-%m-%dT%H:%M:%SZ]\n",
		      gmtime_r(&now.tv_sec, &tm));
	to_log(c, line, n);
}

/* False: its index is beyond the ring. */
static bool take_output(struct console *c)
{
	for (unsigned int turn = 0; turn < TURNS; turn++) {
		char bytes[sizeof(c->page->out)];
		uint32_t prod = __atomic_load_n(&c->page->out_prod, __ATOMIC_ACQUIRE);
		uint32_t n = prod - c->out_cons;

		if (!n)
			return true;
		if (n > sizeof(bytes))
			return false;
		for (uint32_t i = 0; i < n; i++)
			bytes[i] = c->page->out[MASK_XENCONS_IDX(c->out_cons + i, c->page->out)];
		to_log(c, bytes, n);
		to_clients(c, bytes, n);
		c->out_cons = prod;
		__atomic_store_n(&c->page->out_cons, prod, __ATOMIC_RELEASE);
		xenevtchn_notify(evtchn, c->port);
	}
	again = true;
	return true;
}

/* What fits of what a client typed. */
static void give_input(struct client *cl)
{
	struct console *c = cl->console;
	uint32_t used = c->in_prod - __atomic_load_n(&c->page->in_cons, __ATOMIC_ACQUIRE);
	unsigned int n = 0;

	while (n < cl->n_in && used + n < sizeof(c->page->in)) {
		c->page->in[MASK_XENCONS_IDX(c->in_prod + n, c->page->in)] = cl->in[n];
		n++;
	}
	if (!n)
		return;
	c->in_prod += n;
	__atomic_store_n(&c->page->in_prod, c->in_prod, __ATOMIC_RELEASE);
	xenevtchn_notify(evtchn, c->port);
	cl->n_in -= n;
	memmove(cl->in, cl->in + n, cl->n_in);
	if (cl->ended && !cl->n_in)
		drop_client(cl);
}

static void detach(struct console *c)
{
	take_output(c); /* its last words */
	for (unsigned int i = n_clients; i--;) {
		if (clients[i].console == c)
			drop_client(&clients[i]);
	}
	xenevtchn_unbind(evtchn, c->port);
	xengnttab_unmap(gnttab, c->page, 1);
	if (c->log >= 0)
		close(c->log);
	by_port[c->port] = NULL;
	by_domid[c->domid] = NULL;
	LIST_REMOVE(c, link);
	free(c->path);
	free(c);
}

static void serve(struct console *c)
{
	if (!take_output(c)) {
		log_line("domain %u: its console's index is beyond the ring: it is cut off",
			 c->domid);
		detach(c);
		return;
	}
	for (unsigned int i = n_clients; i--;) {
		if (clients[i].console == c)
			give_input(&clients[i]);
	}
}

static void serve_all(void)
{
	struct console *c, *next;

	again = false;
	for (c = LIST_FIRST(&consoles); c; c = next) {
		next = LIST_NEXT(c, link);
		serve(c);
	}
}

/* ---- domains ---- */

static char *log_path(uint16_t domid)
{
	char *name = domain_name(&store, domid), *path;

	if (name && *name && *name != '.' && !strchr(name, '/') && strlen(name) < 128)
		path = xasprintf("%s/%s.log", log_folder, name);
	else
		path = xasprintf("%s/domain-%u.log", log_folder, domid);
	free(name);
	return path;
}

/* Nothing is done where the store does not describe it yet: another event comes. */
static void attach(const struct xen_domctl_getdomaininfo *d)
{
	struct console *c;
	char path[64], *text;
	uint32_t remote;
	int port;
	void *page;

	snprintf(path, sizeof(path), "/local/domain/%u/console/port", d->domain);
	text = store_read(&store, path);
	if (!text)
		return;
	remote = (uint32_t)strtoul(text, NULL, 10);
	free(text);
	page = xengnttab_map_grant_ref(gnttab, d->domain, GNTTAB_RESERVED_CONSOLE,
				       PROT_READ | PROT_WRITE);
	if (!page)
		return;
	port = xenevtchn_bind_interdomain(evtchn, d->domain, remote);
	if (port < 0 || port >= (int)PORTS) {
		log_line("domain %u: its console's channel can't be had: %s; is another daemon "
			 "there?",
			 d->domain, strerror(errno));
		xengnttab_unmap(gnttab, page, 1);
		return;
	}
	c = xzalloc(sizeof(*c));
	c->domid = d->domain;
	memcpy(c->handle, d->handle, sizeof(c->handle));
	c->page = page;
	c->port = (uint32_t)port;
	c->out_cons = __atomic_load_n(&c->page->out_cons, __ATOMIC_RELAXED);
	c->in_prod = __atomic_load_n(&c->page->in_prod, __ATOMIC_RELAXED);
	c->path = log_path(d->domain);
	open_log(c);
	if (!c->out_cons)
		begin_log(c);
	c->seen = true;
	by_domid[c->domid] = by_port[c->port] = c;
	LIST_INSERT_HEAD(&consoles, c, link);
	serve(c);
}

/* Compares the domains there are with those that are served. */
static void scan(void)
{
	struct failure f = { 0 };
	unsigned int n;
	struct xen_domctl_getdomaininfo *all = domain_list(&link_to_hv, &n, &f);
	struct console *c, *next;

	if (!all) {
		log_line("%s", f.text);
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		c = by_domid[all[i].domain];
		if (!all[i].domain || all[i].flags & XEN_DOMINF_dying)
			continue;
		if (c && memcmp(c->handle, all[i].handle, sizeof(c->handle))) {
			detach(c);
			c = NULL;
		}
		if (c)
			c->seen = true;
		else
			attach(&all[i]);
	}
	free(all);
	for (c = LIST_FIRST(&consoles); c; c = next) {
		next = LIST_NEXT(c, link);
		if (!c->seen)
			detach(c);
		else
			c->seen = false;
	}
}

/* The store may have been restarted. */
static void reach_store(void)
{
	struct failure f = { 0 };

	store_close(&store);
	if (store_open(&store, NULL, &f) && !store_watch(&store, "@introduceDomain") &&
	    !store_watch(&store, "@releaseDomain"))
		scan();
	else
		store_close(&store);
}

/* ---- the loop ---- */

static void client_says(struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->ended = n == 0 && c->n_in && c->console;
	if (n <= 0) {
		if (!c->ended)
			drop_client(c);
		return;
	}
	c->n_in += (unsigned int)n;
	if (!c->console) { /* it begins with the domain's number, and a line's end */
		char *end = memchr(c->in, '\n', c->n_in);
		unsigned long domid = end ? strtoul(c->in, NULL, 10) : 0;

		if (!end && c->n_in < sizeof(c->in))
			return;
		c->console = domid < DOMID_FIRST_RESERVED ? by_domid[domid] : NULL;
		if (!c->console) {
			drop_client(c);
			return;
		}
		c->n_in -= (unsigned int)(end + 1 - c->in);
		memmove(c->in, end + 1, c->n_in);
		send_scroll_back(c->console, c->fd);
	}
	give_input(c);
}

static void accept_client(int fd)
{
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0)
		return;
	if (n_clients == CLIENTS_MAX) {
		log_line("more than %u are attached: the next is refused", CLIENTS_MAX);
		close(client);
		return;
	}
	scan(); /* it may ask for a domain that has just been made */
	clients[n_clients++] = (struct client){ .fd = client };
}

static void machine_says(void)
{
	int port = xenevtchn_pending(evtchn);

	if (port < 0)
		return;
	xenevtchn_unmask(evtchn, (evtchn_port_t)port);
	if (port < (int)PORTS && by_port[port])
		serve(by_port[port]);
}

static void loop(int listening)
{
	for (;;) {
		struct pollfd p[3 + CLIENTS_MAX] = {
			{ .fd = listening, .events = POLLIN },
			{ .fd = xenevtchn_fd(evtchn), .events = POLLIN },
			{ .fd = store.fd, .events = POLLIN },
		};
		unsigned int n = n_clients;

		for (unsigned int i = 0; i < n; i++)
			p[3 + i] = (struct pollfd){
				.fd = clients[i].fd,
				.events = clients[i].n_in < sizeof(clients[i].in) &&
							  !clients[i].ended ?
						  POLLIN :
						  0,
			};
		if (poll(p, 3 + n, again ? 0 : store.fd < 0 ? 1000 : -1) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		/* From the last: who is dropped is replaced by one that had its turn. */
		for (unsigned int i = n; i--;) {
			if (p[3 + i].revents)
				client_says(&clients[i]);
		}
		if (p[1].revents)
			machine_says();
		if (again)
			serve_all();
		if (p[0].revents)
			accept_client(listening);
		if (store.fd < 0)
			reach_store();
		else if (p[2].revents && store_wait(&store, 0))
			store_close(&store);
		else if (p[2].revents)
			scan();
	}
}

/* ---- the start ---- */

/* Descriptors, memory, the devices opened before, the store's socket, log files: no more can be asked. */
static void confine(void)
{
	static const uint16_t allowed[] = {
		SYS_read,
		SYS_write,
		SYS_pread64,
		SYS_close,
		SYS_openat,
		SYS_fstat,
		SYS_newfstatat,
		SYS_lseek,
		SYS_mmap,
		SYS_munmap,
		SYS_mremap,
		SYS_mprotect,
		SYS_madvise,
		SYS_brk,
		SYS_ioctl,
		SYS_poll,
		SYS_socket,
		SYS_connect,
		SYS_sendto,
		SYS_recvfrom,
		SYS_accept4,
		SYS_rename,
		SYS_fcntl,
		SYS_futex,
		SYS_restart_syscall,
		SYS_exit_group,
		SYS_clock_gettime,
		SYS_rt_sigreturn,
	};

	if (!confine_calls(allowed, ARRAY_SIZE(allowed)))
		die("can't be confined: %s; the kernel needs CONFIG_SECCOMP_FILTER",
		    strerror(errno));
}

int main(int argc, char **argv)
{
	const char *path = CONSOLE_SOCKET;
	struct failure f = { 0 };
	int listening;

	if (argc > 1 && (argc != 2 || argv[1][0] == '-')) {
		fprintf(stderr,
			"usage: pavise-consoled [FOLDER]\n"
			"The consoles of all domains, in the foreground; their logs go to FOLDER\n"
			"(/var/log/pavise/console).\n");
		return 2;
	}
	log_folder = argc > 1 ? argv[1] : log_folder;
	setvbuf(stderr, NULL, _IOLBF, 512);
	signal(SIGPIPE, SIG_IGN);
	make_parents(path);
	make_parents(log_folder);
	mkdir(log_folder, 0700);
	only_one(path);
	allow_descriptors(DESCRIPTORS);
	if (!pavise_open(&link_to_hv, &f))
		die("%s", f.text);
	evtchn = xenevtchn_open(NULL, 0);
	gnttab = xengnttab_open(NULL, 0);
	if (!evtchn || !gnttab)
		die("can't open /dev/xen/%s: %s; load the module xen-%s",
		    evtchn ? "gntdev" : "evtchn", strerror(errno), evtchn ? "gntdev" : "evtchn");
	listening = listen_at(path);
	confine();
	reach_store();
	notify_ready();
	loop(listening);
}
