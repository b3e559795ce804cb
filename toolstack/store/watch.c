/* SPDX-License-Identifier: MIT */
/* Watches, found by the path they are for. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"
#include "journal.h"
#include "store.h"

/*
 * A table by path: a change looks up its own path and each above it, so what it costs depends
 * on its depth and on the watches it has to tell, not on how many others there are.
 */
struct watch_path {
	struct watch_path *next; /* in its slot */
	uint64_t hash;           /* not finished: those below go on from it */
	TAILQ_HEAD(, watch) watches;
	size_t len;
	char path[];
};

static const uint64_t basis = 0xcbf29ce484222325u;

static uint64_t hash_path(const char *path)
{
	uint64_t h = basis;

	while (*path)
		h = hash_step(h, (unsigned char)*path++);
	return h;
}

static struct watch_path **slot(struct store *s, uint64_t hash)
{
	return &s->watch_table[hash_end(hash) & (s->watch_slots - 1)];
}

static struct watch_path *lookup(struct store *s, uint64_t hash, const char *path, size_t len)
{
	struct watch_path *p;

	if (!s->watch_slots)
		return NULL;
	for (p = *slot(s, hash); p; p = p->next) {
		if (p->hash == hash && p->len == len && !memcmp(p->path, path, len))
			return p;
	}
	return NULL;
}

static void grow(struct store *s)
{
	struct watch_path **old = s->watch_table, *p, *next;
	unsigned int n = s->watch_slots;

	s->watch_slots = n ? n * 2 : 64;
	s->watch_table = xzalloc(s->watch_slots * sizeof(*s->watch_table));
	for (unsigned int i = 0; i < n; i++) {
		for (p = old[i]; p; p = next) {
			next = p->next;
			p->next = *slot(s, p->hash);
			*slot(s, p->hash) = p;
		}
	}
	free(old);
}

static struct watch_path *make(struct store *s, uint64_t hash, const char *path, size_t len)
{
	struct watch_path *p;

	if (s->watch_paths >= s->watch_slots)
		grow(s);
	p = xzalloc(sizeof(*p) + len + 1);
	p->hash = hash;
	p->len = len;
	memcpy(p->path, path, len);
	TAILQ_INIT(&p->watches);
	p->next = *slot(s, hash);
	*slot(s, hash) = p;
	s->watch_paths++;
	return p;
}

static void drop_path(struct store *s, struct watch_path *p)
{
	struct watch_path **at = slot(s, p->hash);

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	s->watch_paths--;
	free(p);
}

static long memory_of(const struct watch *w)
{
	return (long)(sizeof(*w) + strlen(w->token) + w->path->len);
}

static void watch_free(struct watch *w)
{
	struct conn *c = w->conn;
	struct watch_path *p = w->path;

	c->domain->watches--;
	c->domain->memory -= memory_of(w);
	TAILQ_REMOVE(&p->watches, w, at);
	TAILQ_REMOVE(&c->watches, w, of);
	if (TAILQ_EMPTY(&p->watches))
		drop_path(c->store, p);
	free(w);
}

const char *watch_path_of(const struct watch *w)
{
	return w->path->path;
}

static struct watch *find(struct conn *c, const char *path, const char *token)
{
	struct watch_path *p = lookup(c->store, hash_path(path), path, strlen(path));
	struct watch *w;

	if (!p)
		return NULL;
	TAILQ_FOREACH(w, &p->watches, at)
	{
		if (w->conn == c && !strcmp(w->token, token))
			return w;
	}
	return NULL;
}

int watch_add(struct conn *c, const char *path, uint16_t relative, const char *token)
{
	struct store *s = c->store;
	struct domain *d = c->domain;
	size_t len = strlen(path), token_len = strlen(token);
	uint64_t hash = hash_path(path);
	struct watch_path *p;
	struct watch *w;

	if (token_len > TOKEN_MAX)
		return EINVAL;
	if (find(c, path, token))
		return EEXIST;
	if (!quota_allows(s, d, QUOTA_WATCHES, d->watches + 1ul))
		return E2BIG;
	if (!quota_allows(s, d, QUOTA_MEMORY, (unsigned long)d->memory / 1024))
		return ENOSPC;
	p = lookup(s, hash, path, len);
	if (!p)
		p = make(s, hash, path, len);
	w = xzalloc(sizeof(*w) + token_len + 1);
	w->path = p;
	w->conn = c;
	w->relative = relative;
	memcpy(w->token, token, token_len);
	TAILQ_INSERT_TAIL(&p->watches, w, at);
	TAILQ_INSERT_TAIL(&c->watches, w, of);
	d->watches++;
	d->memory += memory_of(w);
	journal_watch(s, w, true);
	return 0;
}

int watch_remove(struct conn *c, const char *path, const char *token)
{
	struct watch *w = find(c, path, token);

	if (!w)
		return ENOENT;
	journal_watch(c->store, w, false);
	watch_free(w);
	return 0;
}

void watches_reset(struct conn *c)
{
	while (!TAILQ_EMPTY(&c->watches))
		watch_free(TAILQ_FIRST(&c->watches));
}

void watch_event(struct watch *w, const char *path)
{
	/* A relative watch at /local/domain/N itself has nothing behind the prefix. */
	size_t skip = strlen(path) < w->relative ? strlen(path) : w->relative;

	send_event(w->conn, path + skip, w->token);
}

/* May it know? Who can read the node, could before, or can read the list it is in. */
static bool may_know(const struct conn *c, const char *path, const struct change *ch)
{
	struct node *n;
	char parent[PATH_BYTES], *slash;

	if (conn_privileged(c))
		return true;
	if (ch->removed && (access_of(c, ch->removed->acl) & ACCESS_READ))
		return true;
	if (ch->before && (access_of(c, ch->before) & ACCESS_READ))
		return true;
	n = tree_find(c->store->root, path);
	if (n && (access_of(c, n->acl) & ACCESS_READ))
		return true;
	strcpy(parent, path);
	slash = strrchr(parent, '/');
	slash[slash == parent] = '\0';
	n = tree_find(c->store->root, parent);
	return n && (access_of(c, n->acl) & ACCESS_READ);
}

static void tell(struct store *s, struct watch_path *p, const char *path, const struct change *ch)
{
	struct watch *w;

	(void)s;
	TAILQ_FOREACH(w, &p->watches, at)
	{
		if (may_know(w->conn, path, ch))
			watch_event(w, path);
	}
}

struct below {
	struct store *s;
	char path[PATH_BYTES + 1];
	size_t len;
};

/* Watches at nodes that went with a removed one. */
static void tell_below(struct node *n, void *arg)
{
	struct below *b = arg;
	size_t len = b->len;
	struct change gone = { .removed = n };
	struct watch_path *p;

	b->path[len] = '/';
	memcpy(b->path + len + 1, n->name, n->name_len);
	b->len = len + 1 + n->name_len;
	b->path[b->len] = '\0';
	p = lookup(b->s, hash_path(b->path), b->path, b->len);
	if (p)
		tell(b->s, p, b->path, &gone);
	node_children(n, tell_below, b);
	b->len = len;
	b->path[len] = '\0';
}

void watch_fire(struct store *s, const char *path, const struct change *ch)
{
	uint64_t h = hash_step(basis, '/');
	struct watch_path *p = lookup(s, h, "/", 1);
	size_t i;

	if (!s->watch_paths)
		return;
	if (p)
		tell(s, p, path, ch);
	if (!path[1])
		return;
	for (i = 1;; i++) {
		if (!path[i] || path[i] == '/') {
			p = lookup(s, h, path, i);
			if (p)
				tell(s, p, path, ch);
		}
		if (!path[i])
			break;
		h = hash_step(h, (unsigned char)path[i]);
	}
	if (ch->removed) {
		struct below b = { .s = s, .len = i };

		memcpy(b.path, path, i + 1);
		node_children(ch->removed, tell_below, &b);
	}
}

void watch_fire_special(struct store *s, int which)
{
	const char *path = which ? "@releaseDomain" : "@introduceDomain";
	struct watch_path *p = lookup(s, hash_path(path), path, strlen(path));
	struct watch *w;

	if (!p)
		return;
	TAILQ_FOREACH(w, &p->watches, at)
	{
		if (access_of(w->conn, s->special[which]) & ACCESS_READ)
			watch_event(w, path);
	}
}

void watches_each(struct store *s, void (*each)(struct watch *w, void *arg), void *arg)
{
	struct conn *c;
	struct watch *w;

	TAILQ_FOREACH(c, &s->conns, link)
	{
		TAILQ_FOREACH(w, &c->watches, of)
		each(w, arg);
	}
}
