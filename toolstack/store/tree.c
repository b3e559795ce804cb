/* SPDX-License-Identifier: MIT */
/* Versions of the tree that share their nodes. */

#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"

static uint64_t hash_seed;
static size_t nodes_alive;

void tree_seed(uint64_t seed)
{
	hash_seed = seed;
}

size_t tree_nodes_alive(void)
{
	return nodes_alive;
}

struct acl *acl_new(unsigned int n)
{
	struct acl *acl = xzalloc(sizeof(*acl) + n * sizeof(acl->e[0]));

	acl->ref = 1;
	acl->n = (uint16_t)n;
	return acl;
}

struct acl *acl_get(struct acl *acl)
{
	acl->ref++;
	return acl;
}

void acl_put(struct acl *acl)
{
	if (acl && --acl->ref == 0)
		free(acl);
}

bool acl_same(const struct acl *a, const struct acl *b)
{
	return a == b || (a->n == b->n && !memcmp(a->e, b->e, a->n * sizeof(a->e[0])));
}

struct blob *blob_new(const void *bytes, size_t len)
{
	struct blob *blob;

	if (!len)
		return NULL;
	blob = xmalloc(sizeof(*blob) + len);
	blob->ref = 1;
	blob->len = (uint32_t)len;
	memcpy(blob->bytes, bytes, len);
	return blob;
}

struct blob *blob_get(struct blob *blob)
{
	if (blob)
		blob->ref++;
	return blob;
}

void blob_put(struct blob *blob)
{
	if (blob && --blob->ref == 0)
		free(blob);
}

static uint32_t priority(const char *name, size_t len)
{
	return (uint32_t)(hash_bytes(hash_seed, name, len) >> 32);
}

static struct node *node_new(const char *name, size_t len, struct acl *acl)
{
	struct node *n = xzalloc(sizeof(*n) + len);

	n->ref = 1;
	n->prio = priority(name, len);
	n->acl = acl;
	n->name_len = (uint16_t)len;
	memcpy(n->name, name, len);
	nodes_alive++;
	return n;
}

struct node *tree_new(struct acl *acl)
{
	return node_new("", 0, acl);
}

struct node *node_get(struct node *n)
{
	if (n)
		n->ref++;
	return n;
}

void node_put(struct node *n)
{
	if (!n || --n->ref)
		return;
	node_put(n->left);
	node_put(n->right);
	node_put(n->down);
	acl_put(n->acl);
	blob_put(n->value);
	free(n);
	nodes_alive--;
}

/* Turns a hold on a node into the only hold on it or on a copy. */
static struct node *own(struct node *n)
{
	struct node *copy;

	if (n->ref == 1)
		return n;
	copy = xmalloc(sizeof(*n) + n->name_len);
	memcpy(copy, n, sizeof(*n) + n->name_len);
	copy->ref = 1;
	node_get(copy->left);
	node_get(copy->right);
	node_get(copy->down);
	acl_get(copy->acl);
	blob_get(copy->value);
	nodes_alive++;
	n->ref--;
	return copy;
}

static int compare(const char *name, size_t len, const struct node *n)
{
	size_t common = len < n->name_len ? len : n->name_len;
	int c = memcmp(name, n->name, common);

	if (c)
		return c;
	return (len > n->name_len) - (len < n->name_len);
}

static struct node *child(const struct node *parent, const char *name, size_t len)
{
	struct node *n = parent->down;
	int c;

	while (n && (c = compare(name, len, n)) != 0)
		n = c < 0 ? n->left : n->right;
	return n;
}

/* Steps over one component of a path: its start, its length; false at the end. */
static bool component(const char **path, const char **name, size_t *len)
{
	const char *p = *path;

	while (*p == '/')
		p++;
	*name = p;
	while (*p && *p != '/')
		p++;
	*len = (size_t)(p - *name);
	*path = p;
	return *len > 0;
}

struct node *tree_find(struct node *root, const char *path)
{
	const char *name;
	size_t len;

	while (root && component(&path, &name, &len))
		root = child(root, name, len);
	return root;
}

struct node *tree_deepest(struct node *root, const char *path)
{
	struct node *next = root;
	const char *name;
	size_t len;

	while (next && component(&path, &name, &len)) {
		root = next;
		next = child(root, name, len);
	}
	return next ? next : root;
}

/* The slot of a child, everything on the way owned; *slot is NULL if it isn't there. */
static struct node **own_slot(struct node **slot, const char *name, size_t len)
{
	int c;

	while (*slot && (c = compare(name, len, *slot)) != 0) {
		*slot = own(*slot);
		slot = c < 0 ? &(*slot)->left : &(*slot)->right;
	}
	return slot;
}

struct node *tree_edit(struct node **root, const char *path)
{
	struct node **slot = root;
	const char *name;
	size_t len;

	if (!tree_find(*root, path))
		return NULL;
	*slot = own(*slot);
	while (component(&path, &name, &len)) {
		slot = own_slot(&(*slot)->down, name, len);
		*slot = own(*slot);
	}
	return *slot;
}

/* Distributes a treap to what is before and what is behind a name. */
static void split(struct node *n, const char *name, size_t len, struct node **before,
		  struct node **behind)
{
	while (n) {
		n = own(n);
		if (compare(name, len, n) > 0) {
			*before = n;
			before = &n->right;
			n = n->right;
		} else {
			*behind = n;
			behind = &n->left;
			n = n->left;
		}
	}
	*before = *behind = NULL;
}

struct node *tree_add(struct node *parent, const char *name, size_t len, struct acl *acl,
		      uint64_t gen)
{
	struct node *n = node_new(name, len, acl);
	struct node **slot = &parent->down;

	n->life_gen = n->value_gen = n->list_gen = gen;
	while (*slot && (*slot)->prio >= n->prio) {
		*slot = own(*slot);
		slot = compare(name, len, *slot) < 0 ? &(*slot)->left : &(*slot)->right;
	}
	split(*slot, name, len, &n->left, &n->right);
	*slot = n;
	parent->children++;
	parent->list_bytes += (uint32_t)len + 1;
	parent->list_gen = gen;
	return n;
}

struct node *tree_take(struct node *parent, const char *name, size_t len, uint64_t gen)
{
	struct node **slot, *taken, *a, *b;

	if (!child(parent, name, len))
		return NULL;
	slot = own_slot(&parent->down, name, len);
	taken = own(*slot);
	a = taken->left;
	b = taken->right;
	taken->left = taken->right = NULL;
	while (a && b) {
		if (a->prio > b->prio) {
			*slot = a = own(a);
			slot = &a->right;
			a = a->right;
		} else {
			*slot = b = own(b);
			slot = &b->left;
			b = b->left;
		}
	}
	*slot = a ? a : b;
	parent->children--;
	parent->list_bytes -= (uint32_t)len + 1;
	parent->list_gen = gen;
	return taken;
}

static void in_order(struct node *n, void (*each)(struct node *child, void *arg), void *arg)
{
	for (; n; n = n->right) {
		in_order(n->left, each, arg);
		each(n, arg);
	}
}

void node_children(const struct node *n, void (*each)(struct node *child, void *arg), void *arg)
{
	in_order(n->down, each, arg);
}

/* The first sibling behind a name. */
static struct node *sibling_behind(const struct node *parent, const char *name, size_t len)
{
	struct node *n = parent->down, *best = NULL;

	while (n) {
		if (compare(name, len, n) < 0) {
			best = n;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

static void append(char *path, const struct node *n)
{
	size_t at = strlen(path);

	if (at == 1)
		at = 0; /* the root's own slash */
	path[at] = '/';
	memcpy(path + at + 1, n->name, n->name_len);
	path[at + 1 + n->name_len] = '\0';
}

bool tree_next(struct node *root, char *path)
{
	struct node *n = tree_find(root, path);

	n = n ? sibling_behind(n, "", 0) : NULL;
	if (n) {
		append(path, n);
		return true;
	}
	while (path[1]) {
		char *slash = strrchr(path, '/');
		struct node *parent;

		*slash = '\0';
		parent = tree_find(root, path);
		n = parent ? sibling_behind(parent, slash + 1, strlen(slash + 1)) : NULL;
		if (slash == path)
			strcpy(path, "/");
		if (n) {
			append(path, n);
			return true;
		}
	}
	return false;
}
