/* SPDX-License-Identifier: MIT */
/* The store as a whole: how it begins, and its rounds. */

#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"
#include "journal.h"
#include "store.h"

static struct acl *owned_by_dom0(const struct store *s, uint16_t others)
{
	struct acl *acl = acl_new(1);

	acl->e[0] = (struct acl_entry){ .domid = 0, .life = s->dom0->life, .access = others };
	return acl;
}

void store_reset_tree(struct store *s)
{
	node_put(s->root);
	s->root = tree_new(owned_by_dom0(s, 0));
	s->dom0->nodes = s->dom0->memory = 0;
}

void store_init(struct store *s, const struct host *host)
{
	memset(s, 0, sizeof(*s));
	s->host = host;
	s->nodes_limit = 1u << 20;
	TAILQ_INIT(&s->conns);
	TAILQ_INIT(&s->ready);
	TAILQ_INIT(&s->dirty);
	TAILQ_INIT(&s->transactions);
	LIST_INIT(&s->domains);
	quota_defaults(s);
	s->dom0 = xzalloc(sizeof(*s->dom0));
	s->dom0->life = ++s->next_life;
	s->by_id[0] = s->dom0;
	LIST_INSERT_HEAD(&s->domains, s->dom0, link);
	for (int i = 0; i < 2; i++)
		s->special[i] = owned_by_dom0(s, 0);
	store_reset_tree(s);
	change_now(s, change_new(CHANGE_MKDIR, "/tool/xenstored"));
}

void store_free(struct store *s)
{
	journal_close(s);
	while (!TAILQ_EMPTY(&s->conns))
		conn_free(TAILQ_FIRST(&s->conns));
	node_put(s->root);
	while (!LIST_EMPTY(&s->domains)) {
		struct domain *d = LIST_FIRST(&s->domains);

		LIST_REMOVE(d, link);
		free(d);
	}
	for (int i = 0; i < 2; i++)
		acl_put(s->special[i]);
	free(s->watch_table);
}

static void end(struct conn *c)
{
	char name[64];

	if (c->why) {
		c->store->cut_off++;
		log_line("domain %u (%s): %s: its connection is cut off%s", c->domain->id,
			 domain_name(c->store, c->domain->id, name), c->why,
			 c->ring ? "; a reboot of the guest gives it a new one" : "");
	}
	conn_free(c);
}

void store_flush(struct store *s)
{
	struct conn *c;

	journal_commit(s);
	while ((c = TAILQ_FIRST(&s->dirty)) != NULL) {
		TAILQ_REMOVE(&s->dirty, c, dirty_link);
		c->dirty = false;
		if (c->dead || c->ops->send(c) < 0)
			end(c);
	}
	journal_commit(s);
}

/* Old versions are bounded: who holds the oldest snapshot loses it. */
static void bound_versions(struct store *s)
{
	struct transaction *tx;

	while (tree_nodes_alive() > s->nodes_limit &&
	       (tx = TAILQ_FIRST(&s->transactions)) != NULL && tx->base != s->root)
		tx_doom(tx);
}

bool store_busy(const struct store *s)
{
	return !TAILQ_EMPTY(&s->ready) || s->sweep[0] || journal_compacting(s);
}

void store_round(struct store *s)
{
	/* As many turns as there are ready ones now: those that get ready meanwhile wait. */
	for (unsigned int n = s->n_ready; n && !TAILQ_EMPTY(&s->ready); n--) {
		struct conn *c = TAILQ_FIRST(&s->ready);

		/* To the end of the line first: its turn may take it out. */
		TAILQ_REMOVE(&s->ready, c, ready_link);
		TAILQ_INSERT_TAIL(&s->ready, c, ready_link);
		conn_turn(c);
	}
	domains_sweep(s);
	bound_versions(s);
	store_flush(s);
	journal_compact(s);
}
