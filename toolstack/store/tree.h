/* SPDX-License-Identifier: MIT */
/* The store's tree: versions that share what they have in common. */

#ifndef STORE_TREE_H
#define STORE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A version of the tree is a pointer to its root. Nodes count their holders; who changes a
 * version copies what another version holds, too, and changes the rest in place. So taking a
 * snapshot costs one increment, and a change costs copies only while a snapshot is held.
 *
 * The children of a node form a treap, ordered by name, a heap by a keyed hash of it: its shape
 * depends on the set of names alone, and a guest can't choose names that make it deep.
 */

#define ACCESS_READ 1
#define ACCESS_WRITE 2
#define ACCESS_OWNER 4
#define ACCESS_ALL 7

/* Who may what. Entry 0 is the owner, and what all others may who have no entry. */
struct acl_entry {
	uint32_t life; /* which domain of this number; another one has no say */
	uint16_t domid;
	uint16_t access;
};

struct acl {
	unsigned int ref;
	uint16_t n;
	struct acl_entry e[];
};

struct blob {
	unsigned int ref;
	uint32_t len;
	char bytes[];
};

struct node {
	unsigned int ref;
	uint32_t prio;
	struct node *left, *right; /* siblings */
	struct node *down;         /* root of the children's treap */
	struct acl *acl;
	struct blob *value;  /* NULL: empty */
	uint64_t life_gen;   /* last change of existence or permissions */
	uint64_t value_gen;  /* of the value */
	uint64_t list_gen;   /* of the set of children */
	uint32_t children;   /* how many */
	uint32_t list_bytes; /* their names, each with a zero */
	uint16_t name_len;
	char name[];
};

/* Seeds the treaps' hash; before the first node. */
void tree_seed(uint64_t seed);
/* Nodes in memory, of all versions. */
size_t tree_nodes_alive(void);

struct acl *acl_new(unsigned int n);
struct acl *acl_get(struct acl *acl);
void acl_put(struct acl *acl);
bool acl_same(const struct acl *a, const struct acl *b);
struct blob *blob_new(const void *bytes, size_t len);
struct blob *blob_get(struct blob *blob);
void blob_put(struct blob *blob);

/* A root. Takes over the caller's hold on the acl. */
struct node *tree_new(struct acl *acl);
struct node *node_get(struct node *n);
/* Gives up a hold; the last one frees what no other version has. n may be NULL. */
void node_put(struct node *n);

/* The node at a canonical absolute path, or NULL. Stays the version's. */
struct node *tree_find(struct node *root, const char *path);
/* The deepest node on the way to path, and whether it is the parent; for errors. */
struct node *tree_deepest(struct node *root, const char *path);

/* As tree_find(), and the node and all above it belong to this version alone afterwards. */
struct node *tree_edit(struct node **root, const char *path);
/* A new child of a node gained by tree_edit(). Takes over the hold on the acl. */
struct node *tree_add(struct node *parent, const char *name, size_t len, struct acl *acl,
		      uint64_t gen);
/* Takes a child out of a node gained by tree_edit(); the caller holds it. NULL: no such child. */
struct node *tree_take(struct node *parent, const char *name, size_t len, uint64_t gen);

/* Calls back for each child, in the order of names. */
void node_children(const struct node *n, void (*each)(struct node *child, void *arg), void *arg);

/*
 * Walks a version in slices: replaces path (a canonical one, PATH_BYTES long) by the next in the
 * order parent before child before sibling. False at the end. What is there need not be the
 * version that path came from.
 */
bool tree_next(struct node *root, char *path);

#define PATH_BYTES 3080

#endif /* STORE_TREE_H */
