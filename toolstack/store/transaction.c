/* SPDX-License-Identifier: MIT */
/* Transactions: a snapshot, what they saw of it, what they did to it. */

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"
#include "journal.h"
#include "store.h"

struct access {
	unsigned int what;
	char path[];
};

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct access *)a)->path, ((const struct access *)b)->path);
}

struct transaction *tx_find(struct conn *c, uint32_t id)
{
	struct transaction *tx;

	TAILQ_FOREACH(tx, &c->transactions, link)
	{
		if (tx->id == id)
			return tx;
	}
	return NULL;
}

static struct transaction *open_tx(struct conn *c, uint32_t id)
{
	struct transaction *tx = xzalloc(sizeof(*tx));

	tx->conn = c;
	tx->id = id;
	tx->base = node_get(c->store->root);
	tx->root = node_get(c->store->root);
	TAILQ_INIT(&tx->changes);
	SLIST_INIT(&tx->accounts);
	TAILQ_INSERT_TAIL(&c->transactions, tx, link);
	TAILQ_INSERT_TAIL(&c->store->transactions, tx, age);
	c->n_transactions++;
	return tx;
}

int tx_start(struct conn *c, uint32_t *id)
{
	if (!quota_allows(c->store, c->domain, QUOTA_TRANSACTIONS, c->n_transactions + 1ul))
		return ENOSPC;
	do {
		c->next_tx++;
	} while (!c->next_tx || tx_find(c, c->next_tx));
	*id = open_tx(c, c->next_tx)->id;
	journal_tx(c, *id, true);
	return 0;
}

struct transaction *tx_restore(struct conn *c, uint32_t id)
{
	struct transaction *tx = open_tx(c, id);

	tx->doomed = true;
	if (id > c->next_tx)
		c->next_tx = id;
	return tx;
}

/* Takes back all it did and saw. */
static void clear(struct transaction *tx)
{
	struct change *ch;
	struct account *a;

	while ((ch = TAILQ_FIRST(&tx->changes)) != NULL) {
		TAILQ_REMOVE(&tx->changes, ch, link);
		change_free(ch);
	}
	while ((a = SLIST_FIRST(&tx->accounts)) != NULL) {
		SLIST_REMOVE_HEAD(&tx->accounts, link);
		free(a);
	}
	tdestroy(tx->saw, free);
	tx->saw = NULL;
	tx->touched = 0;
	tx->conn->domain->memory -= tx->memory;
	tx->memory = 0;
	node_put(tx->base);
	node_put(tx->root);
	tx->base = tx->root = NULL;
}

void tx_abort(struct transaction *tx)
{
	struct conn *c = tx->conn;

	clear(tx);
	TAILQ_REMOVE(&c->transactions, tx, link);
	TAILQ_REMOVE(&c->store->transactions, tx, age);
	c->n_transactions--;
	free(tx);
}

void tx_doom(struct transaction *tx)
{
	struct store *s = tx->conn->store;

	clear(tx);
	tx->doomed = true;
	tx->base = node_get(s->root);
	tx->root = node_get(s->root);
	/* Its new snapshot is a young one. */
	TAILQ_REMOVE(&s->transactions, tx, age);
	TAILQ_INSERT_TAIL(&s->transactions, tx, age);
}

void tx_charge(struct transaction *tx, long memory)
{
	tx->memory += memory;
	tx->conn->domain->memory += memory;
}

bool tx_saw(struct transaction *tx, const char *path, unsigned int what)
{
	size_t len = strlen(path) + 1;
	struct access *a = xmalloc(sizeof(*a) + len), **found;

	a->what = what;
	memcpy(a->path, path, len);
	found = tsearch(a, &tx->saw, compare_paths);
	if (!found)
		die("out of memory");
	if (*found != a) {
		(*found)->what |= what;
		free(a);
		return true;
	}
	tx->touched++;
	tx_charge(tx, (long)(sizeof(*a) + len));
	return quota_allows(tx->conn->store, tx->conn->domain, QUOTA_TX_NODES, tx->touched);
}

void tx_account(struct transaction *tx, struct domain *d, long nodes, long memory)
{
	struct account *a = (struct account *)tx_account_of(tx, d);

	if (!a) {
		a = xzalloc(sizeof(*a));
		a->domain = d;
		SLIST_INSERT_HEAD(&tx->accounts, a, link);
	}
	a->nodes += nodes;
	a->memory += memory;
}

const struct account *tx_account_of(const struct transaction *tx, const struct domain *d)
{
	const struct account *a;

	SLIST_FOREACH(a, &tx->accounts, link)
	{
		if (a->domain == d)
			return a;
	}
	return NULL;
}

struct verdict {
	struct transaction *tx;
	bool conflict;
};

/* Is what it saw of one node still so? */
static void still_so(const void *where, VISIT visit, void *arg)
{
	const struct access *a = *(struct access *const *)where;
	struct verdict *v = arg;
	const struct node *then, *now;

	if (v->conflict || (visit != postorder && visit != leaf))
		return;
	then = tree_find(v->tx->base, a->path);
	now = tree_find(v->tx->conn->store->root, a->path);
	if (then == now)
		return;
	v->conflict = !then || !now || then->life_gen != now->life_gen ||
		      ((a->what & SAW_VALUE) && then->value_gen != now->value_gen) ||
		      ((a->what & SAW_LIST) && then->list_gen != now->list_gen);
}

static bool conflicts(struct transaction *tx)
{
	struct verdict v = { .tx = tx };

	if (tx->doomed)
		return true;
	if (tx->base != tx->conn->store->root)
		twalk_r(tx->saw, still_so, &v);
	return v.conflict;
}

/* Others may have used up what it needs. */
static bool affordable(struct transaction *tx)
{
	struct store *s = tx->conn->store;
	struct account *a;

	if (conn_privileged(tx->conn))
		return true;
	SLIST_FOREACH(a, &tx->accounts, link)
	{
		if (a->nodes > 0 && !quota_allows(s, a->domain, QUOTA_NODES,
						  (unsigned long)(a->domain->nodes + a->nodes)))
			return false;
	}
	return true;
}

static void commit_changes(struct transaction *tx)
{
	struct store *s = tx->conn->store;
	bool replay = tx->base != s->root;
	struct account *a;
	struct change *ch;

	if (TAILQ_EMPTY(&tx->changes))
		return;
	if (replay) {
		TAILQ_FOREACH(ch, &tx->changes, link)
		change_apply(s, &s->root, NULL, ch);
	} else {
		node_put(s->root);
		s->root = node_get(tx->root);
		SLIST_FOREACH(a, &tx->accounts, link)
		{
			a->domain->nodes += a->nodes;
			a->domain->memory += a->memory;
		}
	}
	TAILQ_FOREACH(ch, &tx->changes, link)
	{
		if (!ch->done_nothing)
			journal_change(s, ch);
	}
	/* Its snapshots make every later change copy: they go before the watches are told. */
	node_put(tx->base);
	node_put(tx->root);
	tx->base = tx->root = NULL;
	TAILQ_FOREACH(ch, &tx->changes, link)
	{
		if (!ch->done_nothing)
			watch_fire(s, ch->path, ch);
	}
}

int tx_end(struct transaction *tx, bool commit)
{
	struct store *s = tx->conn->store;
	int error = 0;

	journal_tx(tx->conn, tx->id, false);
	if (commit) {
		if (conflicts(tx)) {
			error = EAGAIN;
			s->conflicts++;
		} else if (!affordable(tx)) {
			error = ENOSPC;
		} else {
			commit_changes(tx);
		}
	}
	tx_abort(tx);
	return error;
}
