/* SPDX-License-Identifier: MIT */
/* A guest's side of the store's ring, for the tests. */

#ifndef RINGCLIENT_H
#define RINGCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xen/xen.h>
#include <xen/io/xs_wire.h>

struct ring_client {
	struct xenstore_domain_interface *page;
	char out[2 * (XENSTORE_PAYLOAD_MAX + 16)]; /* requests not yet in the ring */
	size_t out_at, out_len;
	char in[XENSTORE_PAYLOAD_MAX + 16 + 1]; /* the message being received */
	size_t in_len;
	bool moved; /* an index since the store was last told */
};

/* Queues a request; there is room for one more behind one that is under way. */
static inline void client_ask(struct ring_client *c, uint32_t type, uint32_t id, uint32_t tx,
			      const void *bytes, size_t len)
{
	struct xsd_sockmsg head = { type, id, tx, (uint32_t)len };

	if (c->out_at == c->out_len)
		c->out_at = c->out_len = 0;
	memcpy(c->out + c->out_len, &head, sizeof(head));
	memcpy(c->out + c->out_len + sizeof(head), bytes, len);
	c->out_len += sizeof(head) + len;
}

/* Moves what fits into the ring. */
static inline void client_push(struct ring_client *c)
{
	struct xenstore_domain_interface *p = c->page;
	uint32_t prod = __atomic_load_n(&p->req_prod, __ATOMIC_RELAXED);

	while (c->out_at < c->out_len &&
	       prod - __atomic_load_n(&p->req_cons, __ATOMIC_ACQUIRE) < XENSTORE_RING_SIZE) {
		p->req[MASK_XENSTORE_IDX(prod++)] = c->out[c->out_at++];
		c->moved = true;
	}
	__atomic_store_n(&p->req_prod, prod, __ATOMIC_RELEASE);
}

/* True: a whole message is in c->in; client_done() makes room for the next. */
static inline bool client_pull(struct ring_client *c)
{
	struct xenstore_domain_interface *p = c->page;
	uint32_t cons = __atomic_load_n(&p->rsp_cons, __ATOMIC_RELAXED);
	struct xsd_sockmsg *head = (struct xsd_sockmsg *)c->in;
	size_t want = sizeof(*head);

	while (cons != __atomic_load_n(&p->rsp_prod, __ATOMIC_ACQUIRE)) {
		want = sizeof(*head) + (c->in_len >= sizeof(*head) ? head->len : 0);
		if (c->in_len >= sizeof(*head) && c->in_len == want)
			break;
		c->in[c->in_len++] = p->rsp[MASK_XENSTORE_IDX(cons++)];
		c->moved = true;
	}
	__atomic_store_n(&p->rsp_cons, cons, __ATOMIC_RELEASE);
	return c->in_len >= sizeof(*head) && c->in_len == sizeof(*head) + head->len;
}

static inline struct xsd_sockmsg *client_head(struct ring_client *c)
{
	return (struct xsd_sockmsg *)c->in;
}

static inline char *client_body(struct ring_client *c)
{
	c->in[c->in_len] = '\0';
	return c->in + sizeof(struct xsd_sockmsg);
}

static inline void client_done(struct ring_client *c)
{
	c->in_len = 0;
}

#endif /* RINGCLIENT_H */
