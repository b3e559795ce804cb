/* SPDX-License-Identifier: MIT */
/* The domains the store knows, and what remains of those that are no more. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"
#include "journal.h"
#include "store.h"

struct domain *domain_find(struct store *s, uint16_t id)
{
	return id < DOMID_FIRST_RESERVED ? s->by_id[id] : NULL;
}

struct domain *domain_by_life(struct store *s, uint16_t id, uint32_t life)
{
	struct domain *d = domain_find(s, id);

	return d && d->life == life ? d : NULL;
}

struct domain *domain_hear(struct store *s, uint16_t id)
{
	struct domain *d = domain_find(s, id);

	if (d || id >= DOMID_FIRST_RESERVED)
		return d;
	if (s->host->domain_state && !s->host->domain_state(id))
		return NULL;
	d = xzalloc(sizeof(*d));
	d->id = id;
	d->life = ++s->next_life;
	LIST_INSERT_HEAD(&s->domains, d, link);
	s->by_id[id] = d;
	journal_domain(s, d);
	return d;
}

int domain_introduce(struct store *s, uint16_t id, uint64_t gfn, uint32_t port)
{
	struct domain *d = domain_hear(s, id);
	struct xenstore_domain_interface *page;
	uint32_t local = 0;

	if (!d)
		return ENOENT;
	if ((d->introduced && d->gfn != gfn) || (d == s->dom0 && d->conn))
		return EINVAL;
	if (!s->host->attach)
		return ENOSYS;
	/* Known already: it goes on with a new port, as after a failed migration. */
	if (d->conn)
		conn_free(d->conn);
	d->gfn = gfn;
	d->port = port;
	page = s->host->attach(d, &local);
	if (!page)
		return errno ? errno : EINVAL;
	d->introduced = true;
	d->shut_down = false;
	d->conn = ring_attach(s, d, page, local);
	if (!d->conn)
		return EINVAL;
	journal_domain(s, d);
	journal_ring(d->conn);
	watch_fire_special(s, 0);
	return 0;
}

/* Nobody acts for it any more. */
static void forget_target(struct store *s, const struct domain *gone)
{
	struct domain *d;

	LIST_FOREACH(d, &s->domains, link)
	{
		if (d->target == gone)
			d->target = NULL;
	}
}

/* A transaction's books may still name it: those are closed by giving up the snapshot. */
static void free_domain(struct store *s, struct domain *d)
{
	struct transaction *tx, *next;

	for (tx = TAILQ_FIRST(&s->transactions); tx; tx = next) {
		struct change *ch;
		bool named = tx_account_of(tx, d) != NULL;

		next = TAILQ_NEXT(tx, age);
		TAILQ_FOREACH(ch, &tx->changes, link)
		named |= ch->maker == d;
		/* Goes to the list's end, where it names d no longer. */
		if (named)
			tx_doom(tx);
	}
	LIST_REMOVE(d, link);
	s->by_id[d->id] = NULL;
	free(d);
}

/* Most that a domain owns is below its own path: the whole tree need not be searched for that. */
static void remove_own(struct store *s, const struct domain *d)
{
	char at[PATH_BYTES], base[32];
	size_t len = (size_t)snprintf(base, sizeof(base), "/local/domain/%u/", d->id);
	struct node *n;

	memcpy(at, base, len);
	at[len - 1] = '\0';
	n = tree_find(s->root, at);
	while (n) {
		if (acl_owner(s, n->acl) == d)
			change_now(s, change_new(CHANGE_RM, at));
		n = tree_next(s->root, at) && !strncmp(at, base, len) ? tree_find(s->root, at) :
									NULL;
	}
}

void domain_release(struct store *s, struct domain *d, bool gone)
{
	bool introduced = d->introduced;

	if (d->conn)
		conn_free(d->conn);
	if (gone && d->nodes > 0)
		remove_own(s, d);
	d->introduced = d->shut_down = false;
	journal_domain_gone(s, d, gone);
	if (gone) {
		forget_target(s, d);
		if (d->nodes > 0)
			strcpy(s->sweep, "/");
		free_domain(s, d);
	}
	if (introduced)
		watch_fire_special(s, 1);
}

void domains_check(struct store *s)
{
	static uint8_t states[DOMID_FIRST_RESERVED];
	struct domain *d, *next;
	bool say = false;

	if (!s->host->domain_states || !s->host->domain_states(states))
		return;
	for (d = LIST_FIRST(&s->domains); d; d = next) {
		int state = states[d->id];

		next = LIST_NEXT(d, link);
		if (d == s->dom0)
			continue;
		if (state == 0) {
			domain_release(s, d, true);
		} else if (state == 1 && d->introduced && !d->shut_down) {
			d->shut_down = true;
			journal_domain(s, d);
			say = true;
		}
	}
	if (say)
		watch_fire_special(s, 1);
}

const char *domain_name(struct store *s, uint16_t id, char out[64])
{
	char path[64];
	struct node *n;

	snprintf(path, sizeof(path), "/local/domain/%u/name", id);
	n = tree_find(s->root, path);
	out[0] = '\0';
	if (n && n->value) {
		size_t i, len = n->value->len < 63 ? n->value->len : 63;

		/* A guest may be allowed to write it: nothing of it disturbs the log. */
		for (i = 0; i < len; i++)
			out[i] = n->value->bytes[i] >= ' ' && n->value->bytes[i] <= '~' ?
					 n->value->bytes[i] :
					 '?';
		out[i] = '\0';
	}
	return out[0] ? out : "no name";
}

bool domains_sweep(struct store *s)
{
	if (!s->sweep[0])
		return false;
	for (unsigned int i = 0; i < 200; i++) {
		struct node *n;

		if (!tree_next(s->root, s->sweep)) {
			s->sweep[0] = '\0';
			return false;
		}
		n = tree_find(s->root, s->sweep);
		if (n->acl->e[0].life && !acl_owner(s, n->acl))
			change_now(s, change_new(CHANGE_RM, s->sweep));
	}
	return true;
}
