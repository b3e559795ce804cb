/* SPDX-License-Identifier: MIT */
/* Connections: a request at a time, a queue of answers and events. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"
#include "journal.h"
#include "store.h"

/* A client of domain 0 that leaves more than this lying is gone for good. */
#define OUT_MAX (16u << 20)

struct conn *conn_new(struct store *s, const struct conn_ops *ops, struct domain *d, size_t bytes)
{
	struct conn *c = xzalloc(bytes);

	c->store = s;
	c->ops = ops;
	c->domain = d;
	c->in = xmalloc(XENSTORE_PAYLOAD_MAX + 1);
	TAILQ_INIT(&c->out);
	TAILQ_INIT(&c->watches);
	TAILQ_INIT(&c->transactions);
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	return c;
}

void conn_ready(struct conn *c)
{
	if (c->ready)
		return;
	c->ready = true;
	c->store->n_ready++;
	TAILQ_INSERT_TAIL(&c->store->ready, c, ready_link);
}

static void not_ready(struct conn *c)
{
	if (!c->ready)
		return;
	TAILQ_REMOVE(&c->store->ready, c, ready_link);
	c->store->n_ready--;
	c->ready = false;
}

void conn_dirty(struct conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	TAILQ_INSERT_TAIL(&c->store->dirty, c, dirty_link);
}

static void message_free(struct conn *c, struct message *m)
{
	if (m->event && !m->sent)
		LIST_REMOVE(m, same);
	TAILQ_REMOVE(&c->out, m, link);
	c->out_messages--;
	free(m);
}

void conn_drop_out(struct conn *c)
{
	while (!TAILQ_EMPTY(&c->out))
		message_free(c, TAILQ_FIRST(&c->out));
	c->out_bytes = 0;
}

void conn_free(struct conn *c)
{
	struct store *s = c->store;

	c->ops->close(c);
	not_ready(c);
	if (c->dirty)
		TAILQ_REMOVE(&s->dirty, c, dirty_link);
	watches_reset(c);
	while (!TAILQ_EMPTY(&c->transactions))
		tx_abort(TAILQ_FIRST(&c->transactions));
	conn_drop_out(c);
	TAILQ_REMOVE(&s->conns, c, link);
	if (c->ring) {
		c->domain->conn = NULL;
		journal_domain(s, c->domain);
	}
	free(c->in);
	free(c);
}

void conn_cut(struct conn *c, const char *why)
{
	if (!c->why)
		c->why = why;
	c->dead = true;
	not_ready(c);
	conn_dirty(c);
}

void conn_turn(struct conn *c)
{
	int got;

	if (c->out_bytes > OUT_HIGH) {
		c->waits = true;
		not_ready(c);
		return;
	}
	got = c->ops->receive(c);
	if (got < 0)
		conn_cut(c, NULL);
	if (got <= 0)
		not_ready(c);
	if (got != 1)
		return;
	c->in[c->head.len] = '\0';
	serve(c);
	journal_in(c);
	journal_commit(c->store);
	c->ops->consumed(c);
}

/* An event that waits in the queue already says it all. */
static bool waits_already(struct conn *c, const struct message *m, uint64_t hash)
{
	struct message *other;

	LIST_FOREACH(other, &c->events[hash % EVENT_BUCKETS], same)
	{
		if (other->len == m->len && !memcmp(other->bytes, m->bytes, m->len))
			return true;
	}
	return false;
}

static void queue(struct conn *c, struct message *m, bool event)
{
	uint64_t hash = 0;

	m->event = event;
	if (event) {
		/* Begun ones stand alone in front: what lies behind them is all unsent. */
		hash = hash_bytes(0, m->bytes, m->len);
		if (waits_already(c, m, hash)) {
			free(m);
			return;
		}
		LIST_INSERT_HEAD(&c->events[hash % EVENT_BUCKETS], m, same);
	}
	TAILQ_INSERT_TAIL(&c->out, m, link);
	c->out_messages++;
	c->out_bytes += m->len;
	conn_dirty(c);
	if (c->store->restoring)
		return;
	journal_out(c, m->bytes, m->len);
	if (!quota_allows(c->store, c->domain, QUOTA_OUTSTANDING, c->out_messages))
		conn_cut(c, "it takes neither answers nor events");
	else if (c->out_bytes > OUT_MAX)
		conn_cut(c, "a client does not read what it asked for");
}

static struct message *message_new(size_t len)
{
	struct message *m = xmalloc(sizeof(*m) + len);

	m->len = (uint32_t)len;
	m->sent = 0;
	return m;
}

void conn_queue(struct conn *c, const void *bytes, size_t len, bool event)
{
	struct message *m = message_new(len);

	memcpy(m->bytes, bytes, len);
	queue(c, m, event);
}

void conn_sent(struct conn *c, size_t bytes)
{
	c->out_bytes -= bytes;
	while (bytes) {
		struct message *m = TAILQ_FIRST(&c->out);
		size_t left = m->len - m->sent;

		if (bytes >= left) {
			bytes -= left;
			message_free(c, m);
			continue;
		}
		if (m->event && !m->sent)
			LIST_REMOVE(m, same);
		m->sent += (uint32_t)bytes;
		bytes = 0;
	}
	if (c->waits && c->out_bytes <= OUT_HIGH / 2) {
		c->waits = false;
		conn_ready(c);
	}
}

static struct message *compose(uint32_t type, uint32_t req, uint32_t tx, size_t len)
{
	struct xsd_sockmsg head = {
		.type = type, .req_id = req, .tx_id = tx, .len = (uint32_t)len
	};
	struct message *m = message_new(sizeof(head) + len);

	memcpy(m->bytes, &head, sizeof(head));
	return m;
}

void send_answer(struct conn *c, uint32_t type, const void *bytes, size_t len)
{
	struct message *m;

	if (len > XENSTORE_PAYLOAD_MAX) {
		send_error(c, E2BIG);
		return;
	}
	m = compose(type, c->head.req_id, c->head.tx_id, len);
	memcpy(m->bytes + sizeof(struct xsd_sockmsg), bytes, len);
	queue(c, m, false);
}

void send_error(struct conn *c, int error)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {
		{ EINVAL, "EINVAL" },   { EACCES, "EACCES" },
		{ EEXIST, "EEXIST" },   { ENOENT, "ENOENT" },
		{ ENOMEM, "ENOMEM" },   { ENOSPC, "ENOSPC" },
		{ EIO, "EIO" },         { ENOSYS, "ENOSYS" },
		{ EBUSY, "EBUSY" },     { EAGAIN, "EAGAIN" },
		{ E2BIG, "E2BIG" },     { EPERM, "EPERM" },
		{ EISCONN, "EISCONN" }, { EROFS, "EROFS" },
		{ EISDIR, "EISDIR" },   { ENOTEMPTY, "ENOTEMPTY" },
	};
	const char *name = "EINVAL"; /* what has no name on the wire */

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].error == error)
			name = names[i].name;
	}
	send_answer(c, XS_ERROR, name, strlen(name) + 1);
}

void send_event(struct conn *c, const char *path, const char *token)
{
	size_t path_len = strlen(path) + 1, token_len = strlen(token) + 1;
	struct message *m;

	if (c->dead || c->store->restoring)
		return;
	m = compose(XS_WATCH_EVENT, 0, 0, path_len + token_len);
	memcpy(m->bytes + sizeof(struct xsd_sockmsg), path, path_len);
	memcpy(m->bytes + sizeof(struct xsd_sockmsg) + path_len, token, token_len);
	queue(c, m, true);
}
