/* SPDX-License-Identifier: MIT */
/* A guest's ring: the page is memory the guest writes at will; nothing in it is read twice. */

#include <string.h>

#include "../lib/util.h"
#include "journal.h"
#include "store.h"

struct ring {
	struct conn c;
	struct xenstore_domain_interface *page;
	uint32_t port;
	/* What the guest could spoil is kept here: our indices, and a message's beginning. */
	uint32_t req_cons, rsp_prod;
	uint32_t next_cons; /* behind the request under way */
	bool notify;
	uint32_t have;
	char fragment[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
};

static struct ring *ring_of(struct conn *c)
{
	return (struct ring *)c;
}

static uint32_t load(const uint32_t *index)
{
	return __atomic_load_n(index, __ATOMIC_ACQUIRE); /* the guest's store of the index */
}

static void store_index(uint32_t *index, uint32_t value)
{
	__atomic_store_n(index, value, __ATOMIC_RELEASE); /* pairs with the guest's load */
}

static int violated(struct ring *r, uint32_t error, const char *why)
{
	store_index(&r->page->error, error);
	conn_cut(&r->c, why);
	return -1;
}

/* Bytes of the stream from position 0, the fragment's first: what lies in the ring follows. */
static void peek(const struct ring *r, uint32_t at, void *out, uint32_t n)
{
	char *to = out;

	for (; n && at < r->have; n--)
		*to++ = r->fragment[at++];
	while (n) {
		uint32_t from = MASK_XENSTORE_IDX(r->req_cons + at - r->have);
		uint32_t part = XENSTORE_RING_SIZE - from;

		if (part > n)
			part = n;
		memcpy(to, r->page->req + from, part);
		to += part;
		at += part;
		n -= part;
	}
}

/* The guest asks for a fresh start, after a kexec for example. */
static void reconnect(struct ring *r)
{
	struct conn *c = &r->c;

	journal_reset(c);
	watches_reset(c);
	while (!TAILQ_EMPTY(&c->transactions))
		tx_abort(TAILQ_FIRST(&c->transactions));
	conn_drop_out(c);
	r->have = 0;
	r->req_cons = r->rsp_prod = 0;
	journal_ring(c);
	journal_commit(c->store);
	store_index(&r->page->req_cons, 0);
	store_index(&r->page->req_prod, 0);
	store_index(&r->page->rsp_cons, 0);
	store_index(&r->page->rsp_prod, 0);
	store_index(&r->page->connection, XENSTORE_CONNECTED);
	r->notify = true;
	conn_dirty(c);
}

/* Takes a part of a request, into the journal too, so that the ring is empty again. */
static void put_aside(struct ring *r, uint32_t n)
{
	peek(r, r->have, r->fragment + r->have, n);
	r->have += n;
	r->req_cons += n;
	journal_ring_in(&r->c, r->req_cons, r->fragment + r->have - n, n);
	journal_commit(r->c.store);
	store_index(&r->page->req_cons, r->req_cons);
	r->notify = true;
	conn_dirty(&r->c);
}

/*
 * A guest tells of what it adds only where it saw that all before was taken. So a part of a request
 * must not stay in the ring, and our index has to be out before the guest's is read.
 */
static int ring_receive(struct conn *c)
{
	struct ring *r = ring_of(c);
	uint32_t there, total = sizeof(c->head);

	if (!r->page)
		return 0;
	if (load(&r->page->connection) == XENSTORE_RECONNECT)
		reconnect(r);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	there = load(&r->page->req_prod) - r->req_cons;
	if (there > XENSTORE_RING_SIZE)
		return violated(r, XENSTORE_ERROR_RINGIDX, "its request index is beyond the ring");
	if (r->have + there >= total) {
		peek(r, 0, &c->head, sizeof(c->head));
		if (c->head.len > XENSTORE_PAYLOAD_MAX)
			return violated(r, XENSTORE_ERROR_PROTO,
					"a request is longer than 4096 bytes");
		total += c->head.len;
	}
	if (r->have + there >= total) {
		peek(r, sizeof(c->head), c->in, c->head.len);
		r->next_cons = r->req_cons + (total - r->have);
		return 1;
	}
	if (!there)
		return 0;
	put_aside(r, there);
	return 2;
}

static void ring_consumed(struct conn *c)
{
	struct ring *r = ring_of(c);

	r->have = 0;
	r->req_cons = r->next_cons;
	store_index(&r->page->req_cons, r->req_cons);
	r->notify = true;
	conn_dirty(c);
}

/* Bytes of the response ring that are free. -1: its index is wrong, it is cut off. */
static int room(struct ring *r, uint32_t *bytes)
{
	uint32_t used = r->rsp_prod - load(&r->page->rsp_cons);

	if (used > XENSTORE_RING_SIZE)
		return violated(r, XENSTORE_ERROR_RINGIDX, "its response index is beyond the ring");
	*bytes = XENSTORE_RING_SIZE - used;
	return 0;
}

/* A guest tells of what it took only where the ring was full: what is left over leaves it full. */
static int ring_send(struct conn *c)
{
	struct ring *r = ring_of(c);
	struct message *m;
	uint32_t free_bytes;

	if (!r->page)
		return 0;
	if (room(r, &free_bytes))
		return -1;
	while ((m = TAILQ_FIRST(&c->out)) != NULL) {
		uint32_t to = MASK_XENSTORE_IDX(r->rsp_prod);
		uint32_t n = m->len - m->sent;

		if (!free_bytes) {
			__atomic_thread_fence(__ATOMIC_SEQ_CST); /* our index before its */
			if (room(r, &free_bytes))
				return -1;
			if (!free_bytes)
				break;
		}
		if (n > free_bytes)
			n = free_bytes;
		if (n > XENSTORE_RING_SIZE - to)
			n = XENSTORE_RING_SIZE - to;
		memcpy(r->page->rsp + to, m->bytes + m->sent, n);
		r->rsp_prod += n;
		free_bytes -= n;
		store_index(&r->page->rsp_prod, r->rsp_prod);
		conn_sent(c, n);
		r->notify = true;
	}
	if (r->notify && c->store->host->notify)
		c->store->host->notify(r->port);
	r->notify = false;
	return 0;
}

static void ring_close(struct conn *c)
{
	struct ring *r = ring_of(c);

	if (r->page)
		c->store->host->detach(c->domain, r->page, r->port);
	r->page = NULL;
}

const struct conn_ops ring_ops = {
	.receive = ring_receive,
	.consumed = ring_consumed,
	.send = ring_send,
	.close = ring_close,
};

static struct ring *ring_new(struct store *s, struct domain *d)
{
	struct ring *r = (struct ring *)conn_new(s, &ring_ops, d, sizeof(*r));

	r->c.ring = true;
	d->conn = &r->c;
	return r;
}

static void welcome(struct ring *r)
{
	store_index(&r->page->server_features,
		    XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR);
	store_index(&r->page->error, XENSTORE_ERROR_NONE);
	r->notify = true;
	conn_dirty(&r->c);
	conn_ready(&r->c);
}

struct conn *ring_attach(struct store *s, struct domain *d, struct xenstore_domain_interface *page,
			 uint32_t port)
{
	struct ring *r = ring_new(s, d);

	r->page = page;
	r->port = port;
	r->req_cons = load(&page->req_cons);
	r->rsp_prod = load(&page->rsp_prod);
	welcome(r);
	return &r->c;
}

struct conn *ring_restore(struct store *s, struct domain *d, uint32_t req_cons, uint32_t rsp_prod)
{
	struct ring *r = d->conn ? ring_of(d->conn) : ring_new(s, d);

	conn_drop_out(&r->c);
	r->have = 0;
	r->req_cons = req_cons;
	r->rsp_prod = rsp_prod;
	return &r->c;
}

void ring_restore_in(struct conn *c, uint32_t req_cons, const void *bytes, size_t len)
{
	struct ring *r = ring_of(c);

	r->req_cons = req_cons;
	if (len > sizeof(r->fragment) - r->have)
		len = sizeof(r->fragment) - r->have;
	memcpy(r->fragment + r->have, bytes, len);
	r->have = len ? r->have + (uint32_t)len : 0;
}

void ring_positions(const struct conn *c, struct ring_position *p)
{
	const struct ring *r = (const struct ring *)c;

	*p = (struct ring_position){ .req_cons = r->req_cons,
				     .next_cons = r->next_cons,
				     .rsp_prod = r->rsp_prod,
				     .fragment = r->fragment,
				     .have = r->have };
}

int ring_resume(struct conn *c, struct xenstore_domain_interface *page, uint32_t port)
{
	struct ring *r = ring_of(c);
	uint32_t sent;

	r->page = page;
	r->port = port;
	sent = load(&page->rsp_prod) - r->rsp_prod;
	if (sent > c->out_bytes)
		return violated(r, XENSTORE_ERROR_RINGIDX,
				"its response index is not where the store left it");
	r->rsp_prod += sent;
	conn_sent(c, sent);
	store_index(&page->req_cons, r->req_cons);
	welcome(r);
	return 0;
}

uint32_t ring_port(const struct conn *c)
{
	return ((const struct ring *)c)->port;
}
