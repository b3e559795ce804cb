/* SPDX-License-Identifier: MIT */
/* The store, driven over rings in memory: every operation, by honest guests and others. */

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../toolstack/store/journal.h"
#include "../../toolstack/store/store.h"
#include "ringclient.h"

#define GUESTS 8

static struct store store;
static struct xenstore_domain_interface pages[GUESTS];
static struct ring_client clients[GUESTS];
static int states[GUESTS];
static char events[GUESTS][8192]; /* "path token\n" each */
static char reply[XENSTORE_PAYLOAD_MAX + 1];
static size_t reply_len;
static uint32_t next_id = 1;

static struct xenstore_domain_interface *attach(struct domain *d, uint32_t *port)
{
	*port = d->id;
	return d->id < GUESTS ? &pages[d->id] : NULL;
}

static void detach(struct domain *d, struct xenstore_domain_interface *page, uint32_t port)
{
	(void)d, (void)page, (void)port;
}

static void notify(uint32_t port)
{
	(void)port;
}

static int state(uint16_t id)
{
	return id < GUESTS ? states[id] : 0;
}

static bool all_states(uint8_t state_of[DOMID_FIRST_RESERVED])
{
	for (uint16_t id = 0; id < DOMID_FIRST_RESERVED; id++)
		state_of[id] = (uint8_t)state(id);
	return true;
}

static const struct host host = { attach, detach, notify, state, all_states };

/* Takes all there is for a guest: events into events[], an answer into reply. */
static uint32_t take(int g)
{
	struct ring_client *c = &clients[g];
	uint32_t type = XS_INVALID;

	while (client_pull(c)) {
		struct xsd_sockmsg *head = client_head(c);
		char *body = client_body(c);

		if (head->type == XS_WATCH_EVENT) {
			snprintf(events[g] + strlen(events[g]),
				 sizeof(events[g]) - strlen(events[g]), "%s %s\n", body,
				 body + strlen(body) + 1);
		} else {
			type = head->type;
			reply_len = head->len;
			memcpy(reply, body, head->len + 1ul);
		}
		client_done(c);
	}
	return type;
}

static void run(void)
{
	for (int i = 0; i < 64; i++) {
		struct domain *d;

		for (int g = 0; g < GUESTS; g++) {
			client_push(&clients[g]);
			d = domain_find(&store, (uint16_t)g);
			if (d && d->conn) {
				conn_ready(d->conn);
				conn_dirty(d->conn);
			}
		}
		store_round(&store);
	}
}

/* One request; its answer's text, or the error's name. */
static const char *ask_bytes(int g, uint32_t type, uint32_t tx, const void *bytes, size_t len)
{
	uint32_t got = XS_INVALID;

	strcpy(reply, "no answer");
	client_ask(&clients[g], type, next_id++, tx, bytes, len);
	for (int i = 0; i < 8 && got == XS_INVALID; i++) {
		run();
		got = take(g);
	}
	if (got != XS_INVALID)
		cr_expect(got == type || got == XS_ERROR, "answer of type %u to %u", got, type);
	return reply;
}

static const char *ask(int g, uint32_t type, uint32_t tx, int n, ...)
{
	char bytes[XENSTORE_PAYLOAD_MAX];
	size_t at = 0;
	va_list args;

	va_start(args, n);
	for (int i = 0; i < n; i++) {
		const char *s = va_arg(args, const char *);

		memcpy(bytes + at, s, strlen(s) + 1);
		at += strlen(s) + 1;
	}
	va_end(args);
	/* A value has no zero at its end. */
	return ask_bytes(g, type, tx, bytes, type == XS_WRITE ? at - 1 : at);
}

static const char *expect_events(int g, const char *text)
{
	static char got[8192];

	run();
	take(g);
	strcpy(got, events[g]);
	events[g][0] = '\0';
	cr_expect_str_eq(got, text, "guest %d: events\n%s, expected\n%s", g, got, text);
	return got;
}

static uint32_t start(int g)
{
	return (uint32_t)strtoul(ask(g, XS_TRANSACTION_START, 0, 1, ""), NULL, 10);
}

#define OK(...) cr_expect_str_eq(ask(__VA_ARGS__), "OK")
#define IS(text, ...) cr_expect_str_eq(ask(__VA_ARGS__), text)

static void begin(void)
{
	char id[8], home[40], perm[8];

	tree_seed(42);
	store_init(&store, &host);
	for (int g = 0; g < GUESTS; g++) {
		memset(&pages[g], 0, sizeof(pages[g]));
		memset(&clients[g], 0, sizeof(clients[g]));
		clients[g].page = &pages[g];
		states[g] = 2;
		events[g][0] = '\0';
	}
	cr_assert_eq(domain_introduce(&store, 0, 0, 1), 0);
	for (int g = 1; g < GUESTS - 1; g++) {
		sprintf(id, "%d", g);
		sprintf(home, "/local/domain/%d", g);
		sprintf(perm, "n%d", g);
		OK(0, XS_MKDIR, 0, 1, home);
		OK(0, XS_SET_PERMS, 0, 2, home, perm);
		OK(0, XS_INTRODUCE, 0, 3, id, "100", "1");
	}
}

static void finish(void)
{
	store_free(&store);
	cr_expect_eq(tree_nodes_alive(), 0, "%zu nodes are left behind", tree_nodes_alive());
}

TestSuite(store, .init = begin, .fini = finish);

Test(store, read_and_write)
{
	OK(0, XS_WRITE, 0, 2, "/a/b/c", "hello");
	IS("hello", 0, XS_READ, 0, 1, "/a/b/c");
	IS("", 0, XS_READ, 0, 1, "/a/b");
	IS("ENOENT", 0, XS_READ, 0, 1, "/a/x");
	IS("EINVAL", 0, XS_READ, 0, 1, "/a//b");
	IS("EINVAL", 0, XS_READ, 0, 1, "/a/");
	IS("EINVAL", 0, XS_READ, 0, 1, "/a b");
	IS("EINVAL", 0, XS_READ, 0, 1, "@other");
	IS("EINVAL", 0, XS_READ, 0, 1, "@introduceDomain");
	OK(0, XS_MKDIR, 0, 1, "/a/d");
	OK(0, XS_MKDIR, 0, 1, "/a/b");
	ask(0, XS_DIRECTORY, 0, 1, "/a");
	cr_expect_eq(reply_len, 4);
	cr_expect_arr_eq(reply, "b\0d", 4);
	OK(0, XS_RM, 0, 1, "/a/b");
	OK(0, XS_RM, 0, 1, "/a/b");
	IS("ENOENT", 0, XS_RM, 0, 1, "/x/b");
	IS("EINVAL", 0, XS_RM, 0, 1, "/");
	IS("ENOENT", 0, XS_READ, 0, 1, "/a/b/c");
	IS("EINVAL", 0, XS_READ, 0, 0);
	IS("ENOSYS", 0, 77, 0, 1, "/a");
	IS("ENOENT", 0, XS_READ, 99, 1, "/a");
}

Test(store, relative_paths)
{
	OK(3, XS_WRITE, 0, 2, "data/x", "1");
	IS("1", 0, XS_READ, 0, 1, "/local/domain/3/data/x");
	OK(3, XS_WATCH, 0, 2, "data", "t");
	OK(0, XS_WRITE, 0, 2, "/local/domain/3/data/x", "2");
	expect_events(3, "data t\ndata/x t\n");
	IS("/local/domain/5", 3, XS_GET_DOMAIN_PATH, 0, 1, "5");
	IS("T", 3, XS_IS_DOMAIN_INTRODUCED, 0, 1, "5");
	IS("F", 3, XS_IS_DOMAIN_INTRODUCED, 0, 1, "7");
}

Test(store, long_lists)
{
	char name[64], part[64];
	size_t total = 0, offset = 0;

	for (int i = 0; i < 300; i++) {
		sprintf(name, "/list/node-with-a-long-name-%d", i);
		OK(0, XS_MKDIR, 0, 1, name);
		total += strlen(name + 6) + 1;
	}
	IS("E2BIG", 0, XS_DIRECTORY, 0, 1, "/list");
	for (;;) {
		size_t head;

		sprintf(part, "%zu", offset);
		ask(0, XS_DIRECTORY_PART, 0, 2, "/list", part);
		head = strlen(reply) + 1;
		cr_assert(reply_len > head && reply_len <= XENSTORE_PAYLOAD_MAX);
		offset += reply_len - head;
		if (reply_len == head + 1 || !reply[reply_len - 2]) {
			offset--;
			break;
		}
	}
	cr_expect_eq(offset, total);
	IS("EINVAL", 0, XS_DIRECTORY_PART, 0, 1, "/list");
}

Test(store, permissions)
{
	OK(1, XS_WRITE, 0, 2, "secret", "s");
	IS("EACCES", 2, XS_READ, 0, 1, "/local/domain/1/secret");
	IS("EACCES", 2, XS_READ, 0, 1, "/local/domain/1/absent");
	IS("EACCES", 2, XS_WRITE, 0, 2, "/local/domain/1/x", "v");
	IS("EACCES", 2, XS_WRITE, 0, 2, "/x", "v");
	IS("EACCES", 2, XS_RM, 0, 1, "/local/domain/1/secret");
	IS("EACCES", 2, XS_SET_PERMS, 0, 2, "/local/domain/1/secret", "b2");
	OK(1, XS_SET_PERMS, 0, 3, "secret", "n1", "r2");
	IS("s", 2, XS_READ, 0, 1, "/local/domain/1/secret");
	IS("EACCES", 2, XS_WRITE, 0, 2, "/local/domain/1/secret", "v");
	ask(2, XS_GET_PERMS, 0, 1, "/local/domain/1/secret");
	cr_expect_arr_eq(reply, "n1\0r2", 6);
	/* It can't give what it owns to another. */
	IS("EPERM", 1, XS_SET_PERMS, 0, 2, "secret", "n2");
	IS("EINVAL", 1, XS_SET_PERMS, 0, 2, "secret", "z1");
	IS("EINVAL", 1, XS_SET_PERMS, 0, 2, "secret", "n99999");
	IS("EINVAL", 1, XS_SET_PERMS, 0, 1, "secret");
	/* What a guest makes is its own, with the other entries inherited. */
	OK(0, XS_MKDIR, 0, 1, "/share");
	OK(0, XS_SET_PERMS, 0, 3, "/share", "n0", "b3");
	OK(3, XS_MKDIR, 0, 1, "/share/mine");
	ask(0, XS_GET_PERMS, 0, 1, "/share/mine");
	cr_expect_arr_eq(reply, "n3\0b3", 6);
	/* What domain 0 makes is its parent's owner's. */
	OK(0, XS_WRITE, 0, 2, "/local/domain/1/from0", "v");
	ask(0, XS_GET_PERMS, 0, 1, "/local/domain/1/from0");
	cr_expect_arr_eq(reply, "n1", 3);
	/* A target's rights are its stand-in's, too. */
	IS("EACCES", 4, XS_READ, 0, 1, "/local/domain/1/secret");
	OK(0, XS_SET_TARGET, 0, 2, "4", "1");
	IS("s", 4, XS_READ, 0, 1, "/local/domain/1/secret");
	IS("EACCES", 4, XS_SET_TARGET, 0, 2, "4", "1");
	for (uint32_t op = XS_INTRODUCE; op <= XS_RELEASE; op++)
		IS("EACCES", 4, op, 0, 3, "5", "1", "1");
	IS("EACCES", 4, XS_CONTROL, 0, 1, "help");
}

Test(store, a_domain_number_comes_again)
{
	OK(0, XS_MKDIR, 0, 1, "/share");
	OK(0, XS_SET_PERMS, 0, 3, "/share", "n0", "b3");
	OK(3, XS_WRITE, 0, 2, "/share/mine", "v");
	states[3] = 0;
	domains_check(&store);
	run();
	/* Its nodes went with it, and its rights. */
	IS("ENOENT", 0, XS_READ, 0, 1, "/share/mine");
	states[3] = 2;
	memset(&pages[3], 0, sizeof(pages[3]));
	OK(0, XS_INTRODUCE, 0, 3, "3", "100", "1");
	IS("EACCES", 3, XS_WRITE, 0, 2, "/share/mine", "v");
	ask(0, XS_GET_PERMS, 0, 1, "/share");
	cr_expect_eq(reply_len, 3);
}

Test(store, a_domain_takes_its_own_nodes_along)
{
	OK(0, XS_MKDIR, 0, 1, "/local/domain/30/x");
	OK(0, XS_SET_PERMS, 0, 2, "/local/domain/3", "n0");
	OK(0, XS_WRITE, 0, 2, "/local/domain/3/ours", "v");
	OK(0, XS_MKDIR, 0, 1, "/local/domain/3/data");
	OK(0, XS_SET_PERMS, 0, 2, "/local/domain/3/data", "n3");
	OK(3, XS_WRITE, 0, 2, "data/deep/er", "v");
	run();
	states[3] = 0;
	domains_check(&store);
	/* At once: nothing is left to search the whole tree for. */
	cr_expect_null(tree_find(store.root, "/local/domain/3/data"));
	cr_expect_str_eq(store.sweep, "");
	IS("v", 0, XS_READ, 0, 1, "/local/domain/3/ours");
	IS("x", 0, XS_DIRECTORY, 0, 1, "/local/domain/30");
}

Test(store, domains_are_found_by_name)
{
	IS("", 0, XS_CONTROL, 0, 2, "find", "one");
	OK(0, XS_WRITE, 0, 2, "/local/domain/1/name", "one");
	OK(0, XS_WRITE, 0, 2, "/local/domain/2/name", "oner");
	OK(0, XS_WRITE, 0, 2, "/local/domain/5/name", "one");
	IS("1 5 ", 0, XS_CONTROL, 0, 2, "find", "one");
	IS("EINVAL", 0, XS_CONTROL, 0, 1, "find");
}

Test(store, watches)
{
	OK(0, XS_WATCH, 0, 2, "/a", "t");
	IS("EEXIST", 0, XS_WATCH, 0, 2, "/a", "t");
	OK(0, XS_WATCH, 0, 2, "/a/b/c", "deep");
	OK(0, XS_WATCH, 0, 2, "/", "root");
	expect_events(0, "/a t\n/a/b/c deep\n/ root\n");
	OK(0, XS_WRITE, 0, 2, "/a/b/c", "1");
	expect_events(0, "/a/b/c root\n/a/b/c t\n/a/b/c deep\n");
	OK(0, XS_WRITE, 0, 2, "/ab", "1");
	expect_events(0, "/ab root\n");
	OK(0, XS_RM, 0, 1, "/a");
	expect_events(0, "/a root\n/a t\n/a/b/c deep\n");
	OK(0, XS_UNWATCH, 0, 2, "/a", "t");
	IS("ENOENT", 0, XS_UNWATCH, 0, 2, "/a", "t");
	OK(0, XS_WRITE, 0, 2, "/a", "1");
	expect_events(0, "/a root\n");
	OK(0, XS_RESET_WATCHES, 0, 1, "");
	OK(0, XS_WRITE, 0, 2, "/a", "1");
	expect_events(0, "");
}

Test(store, watches_see_what_may_be_read)
{
	OK(2, XS_WATCH, 0, 2, "/local/domain/1", "spy");
	expect_events(2, "/local/domain/1 spy\n");
	OK(1, XS_WRITE, 0, 2, "secret", "s");
	expect_events(2, "");
	OK(1, XS_SET_PERMS, 0, 3, "secret", "n1", "r2");
	expect_events(2, "/local/domain/1/secret spy\n");
	OK(1, XS_WRITE, 0, 2, "secret", "t");
	expect_events(2, "/local/domain/1/secret spy\n");
	OK(1, XS_SET_PERMS, 0, 2, "secret", "n1");
	expect_events(2, "/local/domain/1/secret spy\n");
	OK(1, XS_RM, 0, 1, "secret");
	expect_events(2, "");
}

Test(store, domains_come_and_go)
{
	OK(0, XS_WATCH, 0, 2, "@introduceDomain", "in");
	OK(0, XS_WATCH, 0, 2, "@releaseDomain", "out");
	expect_events(0, "@introduceDomain in\n@releaseDomain out\n");
	OK(0, XS_INTRODUCE, 0, 3, "7", "100", "1");
	expect_events(0, "@introduceDomain in\n");
	IS("EINVAL", 0, XS_INTRODUCE, 0, 3, "7", "101", "1");
	IS("EINVAL", 0, XS_INTRODUCE, 0, 3, "7", "100", "0");
	IS("ENOENT", 0, XS_INTRODUCE, 0, 3, "300", "100", "1");
	states[7] = 1;
	domains_check(&store);
	domains_check(&store);
	expect_events(0, "@releaseDomain out\n");
	OK(0, XS_RESUME, 0, 1, "7");
	domains_check(&store);
	expect_events(0, "@releaseDomain out\n");
	OK(0, XS_RELEASE, 0, 1, "7");
	expect_events(0, "@releaseDomain out\n");
	IS("ENOENT", 0, XS_RELEASE, 0, 1, "7");
	IS("EINVAL", 0, XS_RELEASE, 0, 1, "0");
	/* Guests hear of it only if they are let. */
	OK(5, XS_WATCH, 0, 2, "@releaseDomain", "x");
	events[5][0] = '\0';
	states[6] = 0;
	domains_check(&store);
	expect_events(5, "");
	OK(0, XS_SET_PERMS, 0, 3, "@releaseDomain", "n0", "r5");
	IS("EACCES", 5, XS_SET_PERMS, 0, 2, "@releaseDomain", "b5");
	states[4] = 0;
	domains_check(&store);
	expect_events(5, "@releaseDomain x\n");
}

Test(store, transactions)
{
	uint32_t tx = start(0), other;

	OK(0, XS_WATCH, 0, 2, "/t", "w");
	expect_events(0, "/t w\n");
	OK(0, XS_WRITE, tx, 2, "/t/a", "1");
	OK(0, XS_WRITE, tx, 2, "/t/b", "2");
	IS("1", 0, XS_READ, tx, 1, "/t/a");
	IS("ENOENT", 0, XS_READ, 0, 1, "/t/a");
	expect_events(0, "");
	OK(0, XS_TRANSACTION_END, tx, 1, "T");
	expect_events(0, "/t/a w\n/t/b w\n");
	IS("2", 0, XS_READ, 0, 1, "/t/b");
	tx = start(0);
	OK(0, XS_RM, tx, 1, "/t");
	OK(0, XS_TRANSACTION_END, tx, 1, "F");
	IS("2", 0, XS_READ, 0, 1, "/t/b");
	IS("ENOENT", 0, XS_TRANSACTION_END, tx, 1, "T");
	tx = start(0);
	IS("EINVAL", 0, XS_TRANSACTION_END, tx, 1, "X");
	IS("EBUSY", 0, XS_TRANSACTION_START, tx, 1, "");
	/* A snapshot: what others do is not seen. */
	other = start(0);
	IS("1", 0, XS_READ, other, 1, "/t/a");
	OK(0, XS_WRITE, 0, 2, "/t/a", "9");
	IS("1", 0, XS_READ, other, 1, "/t/a");
	OK(0, XS_WRITE, other, 2, "/t/c", "3");
	IS("EAGAIN", 0, XS_TRANSACTION_END, other, 1, "T");
	IS("ENOENT", 0, XS_READ, 0, 1, "/t/c");
	cr_expect_eq(store.conflicts, 1);
	OK(0, XS_TRANSACTION_END, tx, 1, "T");
}

/* Only what overlaps what it saw or wrote makes a transaction fail. */
Test(store, conflicts_spare_the_innocent)
{
	uint32_t tx;

	OK(0, XS_WRITE, 0, 2, "/c/a", "1");
	OK(0, XS_WRITE, 0, 2, "/c/b", "1");
	tx = start(0);
	IS("1", 0, XS_READ, tx, 1, "/c/a");
	OK(0, XS_WRITE, tx, 2, "/c/new/x", "1");
	OK(0, XS_WRITE, 0, 2, "/c/b", "2");
	OK(0, XS_WRITE, 0, 2, "/c/other", "2");
	OK(0, XS_RM, 0, 1, "/tool/xenstored");
	OK(0, XS_TRANSACTION_END, tx, 1, "T");
	IS("2", 0, XS_READ, 0, 1, "/c/b");
	IS("1", 0, XS_READ, 0, 1, "/c/new/x");

	tx = start(0); /* the list it read */
	ask(0, XS_DIRECTORY, tx, 1, "/c");
	OK(0, XS_WRITE, 0, 2, "/c/more", "2");
	IS("EAGAIN", 0, XS_TRANSACTION_END, tx, 1, "T");

	tx = start(0); /* a list is not its nodes' values */
	ask(0, XS_DIRECTORY, tx, 1, "/c");
	OK(0, XS_WRITE, 0, 2, "/c/more", "3");
	OK(0, XS_TRANSACTION_END, tx, 1, "T");

	tx = start(0); /* what was not there */
	IS("ENOENT", 0, XS_READ, tx, 1, "/c/z");
	OK(0, XS_WRITE, 0, 2, "/c/z", "2");
	IS("EAGAIN", 0, XS_TRANSACTION_END, tx, 1, "T");

	tx = start(0); /* what it is in */
	OK(0, XS_WRITE, tx, 2, "/c/d/e/f", "1");
	OK(0, XS_RM, 0, 1, "/c");
	IS("EAGAIN", 0, XS_TRANSACTION_END, tx, 1, "T");
	IS("ENOENT", 0, XS_READ, 0, 1, "/c");

	OK(0, XS_WRITE, 0, 2, "/c/a", "1");
	tx = start(0); /* permissions */
	IS("1", 0, XS_READ, tx, 1, "/c/a");
	OK(0, XS_SET_PERMS, 0, 2, "/c/a", "n1");
	IS("EAGAIN", 0, XS_TRANSACTION_END, tx, 1, "T");
}

Test(store, quotas)
{
	char path[64], big[3000];
	uint32_t tx;

	store.quota[QUOTA_NODES] = 10;
	store.quota[QUOTA_WATCHES] = 3;
	store.quota[QUOTA_TRANSACTIONS] = 2;
	store.quota[QUOTA_TX_NODES] = 6;
	store.quota[QUOTA_PERMS] = 2;
	for (int i = 1; i < 10; i++) { /* its home is one */
		sprintf(path, "n%d", i);
		OK(1, XS_WRITE, 0, 2, path, "v");
	}
	IS("ENOSPC", 1, XS_WRITE, 0, 2, "n10", "v");
	OK(1, XS_RM, 0, 1, "n1");
	tx = start(1);
	OK(1, XS_WRITE, tx, 2, "n10", "v");
	IS("ENOSPC", 1, XS_WRITE, tx, 2, "n11", "v");
	OK(1, XS_WRITE, 0, 2, "n12", "v");
	IS("ENOSPC", 1, XS_TRANSACTION_END, tx, 1, "T");
	IS("ENOENT", 1, XS_READ, 0, 1, "n10");
	OK(2, XS_WRITE, 0, 2, "other", "v");
	OK(0, XS_WRITE, 0, 2, "/local/domain/1/by-domain-0", "v");
	for (int i = 0; i < 3; i++) {
		sprintf(path, "t%d", i);
		OK(1, XS_WATCH, 0, 2, "n2", path);
	}
	IS("E2BIG", 1, XS_WATCH, 0, 2, "n2", "t3");
	tx = start(1);
	start(1);
	IS("ENOSPC", 1, XS_TRANSACTION_START, 0, 1, "");
	for (int i = 2; i < 8; i++) {
		sprintf(path, "n%d", i);
		IS("v", 1, XS_READ, tx, 1, path);
	}
	IS("v", 1, XS_READ, tx, 1, path);
	IS("ENOSPC", 1, XS_READ, tx, 1, "n8");
	memset(big, 'x', sizeof(big));
	memcpy(big, "n2", 3);
	cr_expect_str_eq(ask_bytes(1, XS_WRITE, 0, big, sizeof(big)), "ENOSPC");
	IS("ENOSPC", 1, XS_SET_PERMS, 0, 4, "n2", "n1", "r2", "r3");
	OK(0, XS_CONTROL, 0, 3, "quota", "nodes", "1000");
	OK(1, XS_WRITE, 0, 2, "n10", "v");
	ask(0, XS_CONTROL, 0, 2, "quota", "1");
	cr_expect(strstr(reply, "watches 3") != NULL, "%s", reply);
	/* All is given back. */
	OK(0, XS_RM, 0, 1, "/local/domain/1");
	OK(1, XS_RESET_WATCHES, 0, 1, "");
	cr_expect_eq(domain_find(&store, 1)->nodes, 0);
	cr_expect_eq(domain_find(&store, 1)->memory, 0, "%ld", domain_find(&store, 1)->memory);
}

/* A transaction's books for a domain that ends meanwhile. */
Test(store, domain_ends_in_a_transaction)
{
	uint32_t tx = start(0);

	OK(0, XS_WRITE, tx, 2, "/local/domain/2/x", "v");
	states[2] = 0;
	domains_check(&store);
	IS("EAGAIN", 0, XS_TRANSACTION_END, tx, 1, "T");
	tx = start(3);
	OK(3, XS_WRITE, tx, 2, "x", "v");
	states[3] = 0;
	domains_check(&store);
	run();
	cr_expect_null(domain_find(&store, 3));
}

Test(store, long_messages_pass_the_small_ring)
{
	char big[XENSTORE_PAYLOAD_MAX];

	memset(big, 'x', sizeof(big));
	memcpy(big, "/big", 5);
	cr_expect_str_eq(ask_bytes(0, XS_WRITE, 0, big, sizeof(big)), "OK");
	ask(0, XS_READ, 0, 1, "/big");
	cr_expect_eq(reply_len, sizeof(big) - 5);
	for (size_t i = 0; i < reply_len; i++)
		cr_assert_eq(reply[i], 'x');
}

/* As Linux writes a request, in two parts: it tells of one only where all before was taken. */
static void add_part(int g, const void *bytes, size_t len)
{
	struct xenstore_domain_interface *p = &pages[g];
	bool taken = p->req_prod == p->req_cons;

	memcpy(p->req + MASK_XENSTORE_IDX(p->req_prod), bytes, len);
	p->req_prod += len;
	if (taken) {
		conn_ready(domain_find(&store, (uint16_t)g)->conn);
		conn_dirty(domain_find(&store, (uint16_t)g)->conn);
	}
	for (int i = 0; i < 4; i++)
		store_round(&store);
}

Test(store, a_request_in_parts_never_waits)
{
	struct xsd_sockmsg head = { XS_MKDIR, 1, 0, 3 };

	run();
	add_part(1, &head, 7);
	add_part(1, (char *)&head + 7, sizeof(head) - 7);
	add_part(1, "ab", 2);
	cr_expect_eq(take(1), XS_INVALID);
	add_part(1, "", 1);
	cr_expect_eq(take(1), XS_MKDIR);
	IS("", 0, XS_READ, 0, 1, "/local/domain/1/ab");
}

Test(store, a_ring_that_lies_is_cut_off)
{
	struct xsd_sockmsg head = { XS_READ, 1, 0, 5000 };

	pages[1].req_prod += 2000;
	run();
	cr_expect_null(domain_find(&store, 1)->conn);
	cr_expect_eq(pages[1].error, XENSTORE_ERROR_RINGIDX);
	memcpy(pages[2].req + MASK_XENSTORE_IDX(pages[2].req_prod), &head, sizeof(head));
	pages[2].req_prod += sizeof(head);
	run();
	cr_expect_null(domain_find(&store, 2)->conn);
	cr_expect_eq(pages[2].error, XENSTORE_ERROR_PROTO);
	pages[3].rsp_cons += 5;
	OK(0, XS_WRITE, 0, 2, "/x", "1");
	run();
	cr_expect_null(domain_find(&store, 3)->conn);
	cr_expect_eq(store.cut_off, 3);
	/* The others don't notice. */
	OK(4, XS_WRITE, 0, 2, "x", "1");
}

Test(store, a_ring_begins_anew)
{
	OK(1, XS_WATCH, 0, 2, "x", "t");
	expect_events(1, "x t\n");
	pages[1].connection = XENSTORE_RECONNECT;
	memset(&clients[1], 0, sizeof(clients[1]));
	clients[1].page = &pages[1];
	run();
	cr_expect_eq(pages[1].connection, XENSTORE_CONNECTED);
	cr_expect_eq(pages[1].req_prod, 0);
	OK(1, XS_WRITE, 0, 2, "x", "v");
	expect_events(1, "");
}

/* A guest that takes nothing is told each thing once, and doesn't hold up the others. */
Test(store, a_sleeping_guest)
{
	OK(1, XS_WATCH, 0, 2, "x", "t");
	expect_events(1, "x t\n");
	for (int i = 0; i < 500; i++) {
		/* Not by OK(), which would take the guest's events. */
		OK(0, XS_WRITE, 0, 2, "/local/domain/1/x", "v");
	}
	cr_expect_lt(domain_find(&store, 1)->conn->out_messages, 3);
	store.quota[QUOTA_OUTSTANDING] = 20;
	for (int i = 0; i < 500; i++) {
		char path[64];

		sprintf(path, "/local/domain/1/x/%d", i);
		OK(0, XS_WRITE, 0, 2, path, "v");
	}
	cr_expect_null(domain_find(&store, 1)->conn, "a guest that reads nothing was kept");
}

/* -- the journal */

static char journal[] = "/tmp/test-store-XXXXXX";

static void reopen(void)
{
	struct conn *c;

	store_flush(&store);
	journal_close(&store);
	store_free(&store);
	store_init(&store, &host);
	cr_assert(journal_open(&store, journal));
	TAILQ_FOREACH(c, &store.conns, link)
	{
		uint32_t port;
		struct xenstore_domain_interface *page = attach(c->domain, &port);

		ring_resume(c, page, port);
	}
}

static void begin_journal(void)
{
	begin();
	close(mkstemp(journal));
	unlink(journal);
	cr_assert(journal_open(&store, journal));
}

static void finish_journal(void)
{
	finish();
	unlink(journal);
}

TestSuite(journal, .init = begin_journal, .fini = finish_journal);

Test(journal, all_comes_back)
{
	uint32_t tx;

	for (int round = 0; round < 3; round++) {
		char value[32];

		sprintf(value, "round%d", round);
		OK(1, XS_WRITE, 0, 2, "x", value);
		OK(1, XS_SET_PERMS, 0, 3, "x", "n1", "r2");
		tx = start(1);
		OK(1, XS_WRITE, tx, 2, "in-tx", value);
		if (round == 0)
			OK(2, XS_WATCH, 0, 2, "/local/domain/1", "t");
		OK(0, XS_WRITE, 0, 2, "/gone", value);
		OK(0, XS_RM, 0, 1, "/gone");
		OK(0, XS_SET_PERMS, 0, 3, "@releaseDomain", "n0", "r5");
		take(2);
		events[2][0] = '\0';
		reopen();
		IS(value, 1, XS_READ, 0, 1, "x");
		IS(value, 2, XS_READ, 0, 1, "/local/domain/1/x");
		IS("ENOENT", 0, XS_READ, 0, 1, "/gone");
		ask(0, XS_GET_PERMS, 0, 1, "@releaseDomain");
		cr_expect_eq(reply_len, 6);
		/* A transaction that was open has to be done again. */
		OK(1, XS_WRITE, tx, 2, "in-tx", value);
		IS(value, 1, XS_READ, tx, 1, "in-tx");
		IS("EAGAIN", 1, XS_TRANSACTION_END, tx, 1, "T");
		OK(1, XS_WRITE, 0, 2, "x", "again");
		expect_events(2, "/local/domain/1/x t\n");
		cr_expect_eq(domain_find(&store, 1)->watches, 0);
		cr_expect_eq(domain_find(&store, 2)->watches, 1);
	}
}

Test(journal, undelivered_events_come_back)
{
	OK(1, XS_WATCH, 0, 2, "x", "t");
	expect_events(1, "x t\n");
	for (int i = 0; i < 200; i++) { /* more than the ring holds */
		char path[64];

		sprintf(path, "/local/domain/1/x/%d", i);
		OK(0, XS_WRITE, 0, 2, path, "v");
	}
	for (int i = 0; i < 4; i++)
		reopen();
	for (int i = 0; i < 40; i++) {
		run();
		take(1);
	}
	for (int i = 0; i < 200; i++) {
		char line[32];

		sprintf(line, "x/%d t\n", i);
		cr_expect(strstr(events[1], line) != NULL, "event %d is lost", i);
	}
	cr_expect_null(strstr(strstr(events[1], "x/7 t\n") + 1, "\nx/7 t\n"),
		       "an event came twice");
}

Test(journal, half_a_record_is_cut_off)
{
	FILE *f;

	OK(0, XS_WRITE, 0, 2, "/a", "1");
	OK(0, XS_WRITE, 0, 2, "/b", "2");
	run();
	/* The last record loses its end. */
	f = fopen(journal, "r+");
	fseek(f, (long)journal_size(&store) - 3, SEEK_SET);
	fwrite("zzz", 1, 3, f);
	fclose(f);
	for (int i = 0; i < 2; i++) {
		struct conn *c;

		journal_close(&store);
		store_free(&store);
		store_init(&store, &host);
		cr_assert(journal_open(&store, journal));
		cr_expect_not_null(tree_find(store.root, "/a"));
		while ((c = TAILQ_FIRST(&store.conns)) != NULL)
			conn_free(c);
	}
}

Test(journal, it_stays_short)
{
	char value[2000];

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < 5000; i++) {
		char path[32];

		sprintf(path, "/n/%d", i % 700);
		OK(0, XS_WRITE, 0, 2, path, value);
	}
	run();
	cr_expect_lt(journal_size(&store), 6u << 20);
	reopen();
	ask(0, XS_READ, 0, 1, "/n/699");
	cr_expect_eq(reply_len, sizeof(value) - 1);
	cr_expect_eq(tree_find(store.root, "/n")->children, 700);
}

/* -- the tree */

Test(tree, versions_keep_what_they_had)
{
	struct acl *acl = acl_new(1);
	struct node *versions[64], *now;

	tree_seed(1);
	now = tree_new(acl);
	srand(1);
	for (int v = 0; v < 64; v++) {
		char name[16];

		for (int i = 0; i < 50; i++) {
			struct node *root = tree_edit(&now, "/");

			sprintf(name, "n%d", rand() % 300);
			if (rand() % 3)
				node_put(tree_take(root, name, strlen(name), 1));
			else if (!tree_find(now, name))
				tree_add(root, name, strlen(name), acl_get(acl), 1);
		}
		sprintf(name, "v%d", v);
		tree_add(tree_edit(&now, "/"), name, strlen(name), acl_get(acl), 1);
		versions[v] = node_get(now);
	}
	for (int v = 0; v < 64; v++) {
		char path[PATH_BYTES] = "/", last[PATH_BYTES] = "/";
		unsigned int n = 0;

		while (tree_next(versions[v], path)) {
			cr_expect(strcmp(last, path) < 0);
			strcpy(last, path);
			n++;
		}
		cr_expect_eq(n, versions[v]->children);
		sprintf(path, "/v%d", v);
		cr_expect_not_null(tree_find(versions[v], path));
		sprintf(path, "/v%d", v + 1);
		cr_expect_null(tree_find(versions[v], path));
		node_put(versions[v]);
	}
	node_put(now);
	cr_expect_eq(tree_nodes_alive(), 0);
}
