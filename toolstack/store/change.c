/* SPDX-License-Identifier: MIT */
/* Changes of the tree: the same steps for a request, a transaction's end and the journal. */

#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"
#include "journal.h"
#include "store.h"

struct change *change_new(enum change_kind kind, const char *path)
{
	size_t len = strlen(path) + 1;
	struct change *ch = xzalloc(sizeof(*ch) + len);

	ch->kind = kind;
	memcpy(ch->path, path, len);
	return ch;
}

/* What apply found belongs to one application. */
static void forget(struct change *ch)
{
	node_put(ch->removed);
	acl_put(ch->before);
	ch->removed = NULL;
	ch->before = NULL;
	ch->done_nothing = false;
}

void change_free(struct change *ch)
{
	forget(ch);
	blob_put(ch->value);
	acl_put(ch->acl);
	free(ch);
}

static long memory_of(const struct node *n)
{
	return (long)(sizeof(*n) + n->name_len + n->acl->n * sizeof(n->acl->e[0]) +
		      (n->value ? n->value->len : 0));
}

/* The owner's account, in the transaction's books or at once. */
static void account(struct store *s, struct transaction *tx, const struct acl *acl, long nodes,
		    long memory)
{
	struct domain *owner = acl_owner(s, acl);

	if (!owner)
		return;
	if (tx) {
		tx_account(tx, owner, nodes, memory);
		return;
	}
	owner->nodes += nodes;
	owner->memory += memory;
}

struct books {
	struct store *s;
	struct transaction *tx;
};

static void account_gone(struct node *n, void *arg)
{
	struct books *b = arg;

	account(b->s, b->tx, n->acl, -1, -memory_of(n));
	node_children(n, account_gone, b);
}

static void set_value(struct store *s, struct transaction *tx, struct node *n, struct blob *value)
{
	long before = memory_of(n);

	blob_put(n->value);
	n->value = blob_get(value);
	n->value_gen = s->gen;
	account(s, tx, n->acl, 0, memory_of(n) - before);
}

/* Makes what is missing of a path; the caller knows that something is. */
static struct node *make(struct store *s, struct node **root, struct transaction *tx,
			 const struct change *ch)
{
	struct node *parent = tree_deepest(*root, ch->path);
	char path[PATH_BYTES];
	char *at = path + 1, *end;
	struct acl *acl;

	strcpy(path, ch->path);
	/* Step down to the first that is missing. */
	for (;; at = end + 1) {
		end = strchrnul(at, '/');
		if (!*end)
			break;
		*end = '\0';
		if (!tree_find(*root, path)) {
			*end = '/';
			break;
		}
		*end = '/';
	}
	at[-1] = '\0';
	parent = tree_edit(root, path);
	at[-1] = '/';
	if (ch->acl)
		acl = acl_get(ch->acl);
	else if (ch->maker)
		acl = acl_for_maker(parent->acl, ch->maker);
	else
		acl = acl_get(parent->acl);
	for (;; at = end + 1) {
		end = strchrnul(at, '/');
		parent = tree_add(parent, at, (size_t)(end - at), acl_get(acl), s->gen);
		account(s, tx, acl, 1, memory_of(parent));
		if (!*end)
			break;
	}
	acl_put(acl);
	return parent;
}

static bool apply_rm(struct store *s, struct node **root, struct transaction *tx, struct change *ch)
{
	struct books books = { s, tx };
	struct node *parent;
	char *slash;

	if (!tree_find(*root, ch->path)) {
		ch->done_nothing = true;
		return true;
	}
	slash = strrchr(ch->path, '/');
	*slash = '\0';
	parent = tree_edit(root, ch->path);
	*slash = '/';
	ch->removed = tree_take(parent, slash + 1, strlen(slash + 1), s->gen);
	account_gone(ch->removed, &books);
	return true;
}

static bool apply_perms(struct store *s, struct node **root, struct transaction *tx,
			struct change *ch)
{
	struct node *n = tree_edit(root, ch->path);

	if (!n)
		return false;
	account(s, tx, n->acl, -1, -memory_of(n));
	ch->before = n->acl;
	n->acl = acl_get(ch->acl);
	n->life_gen = s->gen;
	account(s, tx, n->acl, 1, memory_of(n));
	return true;
}

bool change_apply(struct store *s, struct node **root, struct transaction *tx, struct change *ch)
{
	struct node *n;

	forget(ch);
	s->gen++;
	switch (ch->kind) {
	case CHANGE_RM:
		return apply_rm(s, root, tx, ch);
	case CHANGE_PERMS:
		return apply_perms(s, root, tx, ch);
	case CHANGE_MKDIR:
		if (tree_find(*root, ch->path))
			ch->done_nothing = true;
		else
			make(s, root, tx, ch);
		return true;
	case CHANGE_WRITE:
		n = tree_edit(root, ch->path);
		if (!n)
			n = make(s, root, tx, ch);
		set_value(s, tx, n, ch->value);
		return true;
	}
	return false;
}

void change_now(struct store *s, struct change *ch)
{
	if (change_apply(s, &s->root, NULL, ch) && !ch->done_nothing) {
		journal_change(s, ch);
		watch_fire(s, ch->path, ch);
	}
	change_free(ch);
}
