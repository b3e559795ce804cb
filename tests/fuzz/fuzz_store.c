/* SPDX-License-Identifier: MIT */
/* The store, by what guests put into their rings: requests, well-formed or not, and indices. */

#include <stdlib.h>
#include <string.h>

#include "../../toolstack/lib/util.h"
#include "../../toolstack/store/journal.h"
#include "../../toolstack/store/store.h"

#define GUESTS 3 /* and domain 0 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct xenstore_domain_interface pages[GUESTS + 1];
static int states[GUESTS + 1];

static struct xenstore_domain_interface *attach(struct domain *d, uint32_t *port)
{
	*port = d->id;
	return d->id <= GUESTS ? &pages[d->id] : NULL;
}

static void detach(struct domain *d, struct xenstore_domain_interface *page, uint32_t port)
{
	(void)d, (void)page, (void)port;
}

static void notify(uint32_t port)
{
	/* Guests take what they get, most of the time. */
	if (port <= GUESTS && pages[port].connection == XENSTORE_CONNECTED)
		pages[port].rsp_cons = pages[port].rsp_prod;
}

static int state(uint16_t id)
{
	return id <= GUESTS ? states[id] : 0;
}

static const struct host host = { attach, detach, notify, state };

static void rounds(struct store *s)
{
	for (int i = 0; i < 8; i++) {
		for (uint16_t g = 0; g <= GUESTS; g++) {
			struct domain *d = domain_find(s, g);

			if (d && d->conn) {
				conn_ready(d->conn);
				conn_dirty(d->conn);
			}
		}
		store_round(s);
	}
}

static void put(uint16_t g, const void *bytes, uint32_t len)
{
	struct xenstore_domain_interface *p = &pages[g];

	for (uint32_t i = 0; i < len; i++)
		p->req[MASK_XENSTORE_IDX(p->req_prod + i)] = ((const char *)bytes)[i];
	p->req_prod += len;
}

/* One step: its kind and guest, a length, that many bytes. */
static size_t step(struct store *s, const uint8_t *data, size_t size)
{
	uint16_t g = data[0] & 3;
	uint32_t len = data[1];
	struct xsd_sockmsg head = { 0 };
	struct domain *d;

	if (len > size - 2)
		len = (uint32_t)size - 2;
	switch (data[0] >> 2 & 7) {
	case 0: /* bytes as they are */
		put(g, data + 2, len);
		break;
	case 1: /* an index or the page's other words */
		if (len >= 5)
			memcpy((char *)&pages[g] + 2 * XENSTORE_RING_SIZE + data[2] % 28 / 4 * 4,
			       data + 3, 4);
		break;
	case 2: /* a domain dies, or comes back */
		states[g] = g ? data[1] % 3 : 2;
		domains_check(s);
		return 2;
	case 3:
		d = domain_find(s, g);
		if (g && (!d || !d->introduced)) {
			memset(&pages[g], 0, sizeof(pages[g]));
			states[g] = 2;
			domain_introduce(s, g, 7, 1);
		}
		return 2;
	default: /* a request with a true length */
		if (len < 2)
			break;
		head.type = data[2] % 24;
		head.tx_id = data[3] % 4;
		head.len = len - 2;
		put(g, &head, sizeof(head));
		put(g, data + 4, len - 2);
	}
	return 2 + len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store s;

	tree_seed(7);
	memset(pages, 0, sizeof(pages));
	store_init(&s, &host);
	s.quota[QUOTA_NODES] = 50;
	s.quota[QUOTA_OUTSTANDING] = 30;
	for (uint16_t g = 0; g <= GUESTS; g++) {
		states[g] = 2;
		domain_introduce(&s, g, 7, 1);
	}
	while (size > 2) {
		size_t used = step(&s, data, size);

		data += used;
		size -= used;
		rounds(&s);
	}
	rounds(&s);
	store_free(&s);
	if (tree_nodes_alive())
		abort();
	return 0;
}
