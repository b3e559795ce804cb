/* SPDX-License-Identifier: MIT */
/* Leftist heaps with an embedded node: the smallest key first, O(log n), no memory of their own. */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include "lib/base.h"

/*
 * No node's key comes before that of the one above it, and the way down to the right is the
 * shortest to an empty place (its length is the rank), so at most a logarithm of how many there
 * are.
 */
struct heap_node {
	u64 key;
	u32 rank; /* 0: in no heap */
	struct heap_node *up, *left, *right;
};
struct heap {
	struct heap_node *first;
};

/* For who does not hold what guards the heap, a hint. */
static inline bool heap_holds(const struct heap_node *n)
{
	return READ_ONCE(n->rank) != 0;
}

static inline u32 heap_rank_(const struct heap_node *n)
{
	return n ? n->rank : 0;
}

/* What is below n changed. True: so did its rank. */
static inline bool heap_settle_(struct heap_node *n)
{
	u32 was = n->rank;

	if (heap_rank_(n->left) < heap_rank_(n->right)) {
		struct heap_node *left = n->left;

		n->left = n->right;
		n->right = left;
	}
	n->rank = heap_rank_(n->right) + 1;
	return n->rank != was;
}

/* Two heaps to one; not deeper than both ways to the right are long. */
static inline struct heap_node *heap_merge_(struct heap_node *a, struct heap_node *b)
{
	struct heap_node *first = a && (!b || a->key <= b->key) ? a : b;

	if (!a || !b)
		return first;
	first->right = heap_merge_(first->right, first == a ? b : a);
	first->right->up = first;
	heap_settle_(first);
	return first;
}

static inline void heap_insert(struct heap *h, struct heap_node *n, u64 key)
{
	struct heap_node *up = NULL, *below = h->first;

	while (below && below->key <= key) {
		up = below;
		below = up->right;
	}
	n->key = key;
	n->rank = 1;
	n->up = up;
	n->left = below;
	n->right = NULL;
	if (below)
		below->up = n;
	*(up ? &up->right : &h->first) = n;
	while (up && heap_settle_(up))
		up = up->up;
}

static inline void heap_remove(struct heap *h, struct heap_node *n)
{
	struct heap_node *below = heap_merge_(n->left, n->right), *up = n->up;

	if (below)
		below->up = up;
	*(!up ? &h->first : up->left == n ? &up->left : &up->right) = below;
	while (up && heap_settle_(up))
		up = up->up;
	n->rank = 0;
}

#endif
