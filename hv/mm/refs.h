/* SPDX-License-Identifier: MIT */
/*
 * References on frames, in line, n at once: the common cases of mm/type.c without a call. n is a
 * constant, 1 to 16.
 */
#ifndef MM_REFS_H
#define MM_REFS_H

#include "core/domain.h"
#include "mm/page.h"

/* Does a word that counts at least 1 have room for n more? */
static always_inline_fn bool count_has_room(u64 x, u32 n)
{
	return (u32)x - 1 < (u32)PG_COUNT_MAX - n;
}

/* get_page(), n times or not at all: what is no RAM has count 0. */
static always_inline_fn bool get_pages(struct page_info *pg, const struct domain *d, u32 n)
{
	u64 x = READ_ONCE(pg->count_info);

	do {
		if (unlikely(!count_has_room(x, n) || (x & PGC_heap)))
			return false;
	} while (unlikely(!__atomic_compare_exchange_n(&pg->count_info, &x, x + n, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)));
	/* Only now is the owner fixed. */
	if (likely(READ_ONCE(pg->owner) == d->id))
		return true;
	for (u32 i = 0; i < n; i++)
		put_page(pg);
	return false;
}

/* put_page(), n times. */
static always_inline_fn void put_pages(struct page_info *pg, u32 n)
{
	u64 x = READ_ONCE(pg->count_info);

	do {
		if (unlikely((u32)x <= n)) {
			for (u32 i = 0; i < n; i++)
				put_page(pg);
			return;
		}
	} while (unlikely(!__atomic_compare_exchange_n(&pg->count_info, &x, x - n, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)));
}

/* Is a type_info that of a frame in use as PGT_writable? Bits 58 up: nobody pins or locks one. */
static always_inline_fn bool is_writable(u64 x)
{
	return x >> 58 == (PGT_writable | PGT_validated) >> 58;
}

/* get_page_type(PGT_writable), n times or not at all; the caller holds a general reference. */
static always_inline_fn bool get_writable(struct page_info *pg, u32 n)
{
	u64 x = READ_ONCE(pg->type_info);

	do {
		if (unlikely(!is_writable(x) || !count_has_room(x, n)))
			goto slow;
	} while (unlikely(!__atomic_compare_exchange_n(&pg->type_info, &x, x + n, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)));
	return true;
slow:
	for (u32 i = 0; i < n; i++)
		if (get_page_type(pg, PGT_writable)) {
			while (i--)
				put_page_type(pg);
			return false;
		}
	return true;
}

/* n type references less, if the last is not among them; false: ask the engine. */
static always_inline_fn bool put_types_fast(struct page_info *pg, u32 n)
{
	u64 x = READ_ONCE(pg->type_info);

	do {
		if (unlikely((u32)x <= n))
			return false;
	} while (unlikely(!__atomic_compare_exchange_n(&pg->type_info, &x, x - n, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)));
	return true;
}

static always_inline_fn void put_writable(struct page_info *pg, u32 n)
{
	if (unlikely(!put_types_fast(pg, n)))
		for (u32 i = 0; i < n; i++)
			put_page_type(pg);
}

/*
 * Both counts of a frame n higher, or lower, by one locked operation. false: they are not what they
 * were any more, or this processor can't.
 */
static always_inline_fn bool count_both(struct page_info *pg, u64 count, u64 type, s64 n)
{
	u64 count_then = count + n, type_then = type + n;
	bool done;

	if (unlikely(!has_cmpxchg16b))
		return false;
	__asm__ volatile("lock cmpxchg16b %0"
			 : "+m"(pg->count_info), "+m"(pg->type_info), "+a"(count), "+d"(type),
			   "=@ccz"(done)
			 : "b"(count_then), "c"(type_then)
			 : "memory");
	return done;
}

/* Does a word that has these flags and no other count at least 1, with room for n more? */
static always_inline_fn bool is_just(u64 x, u64 flags, u32 n)
{
	return x - (flags | 1) < PG_COUNT_MAX - n;
}

/*
 * A get_pages() whose caller is still to look at the owner, and a get_writable(). false: neither, or
 * the frame has something special.
 */
static always_inline_fn bool get_both(struct page_info *pg, u32 n)
{
	u64 count = READ_ONCE(pg->count_info), type = READ_ONCE(pg->type_info);

	return likely(is_just(count, PGC_allocated, n)) &&
	       likely(is_just(type, PGT_writable | PGT_validated, n)) &&
	       likely(count_both(pg, count, type, n));
}

/* The last of either is not among them; false: nothing has changed. */
static always_inline_fn bool put_both(struct page_info *pg, u32 n)
{
	u64 count = READ_ONCE(pg->count_info), type = READ_ONCE(pg->type_info);

	return likely((u32)count > n && (u32)type > n) &&
	       likely(count_both(pg, count, type, -(s64)n));
}

/* What get_page_uses() took, together or in parts. */
static always_inline_fn void put_page_uses(struct page_info *pg, bool writable, u32 n)
{
	if (writable && likely(put_both(pg, n)))
		return;
	if (writable)
		put_writable(pg, n);
	put_pages(pg, n);
}

/*
 * n general references on a frame of d, and as many as PGT_writable if `writable`: all or none.
 * Whatever frame below max_mfn may be asked.
 */
static always_inline_fn must_check bool get_page_uses(struct page_info *pg, const struct domain *d,
						      bool writable, u32 n)
{
	/* Looked at before, too: a stranger's type reference would keep the owner from another type. What
	 * is read here decides nothing else, so it need not be read once. */
	if (writable && likely(pg->owner == d->id) && likely(get_both(pg, n))) {
		if (likely(READ_ONCE(pg->owner) == d->id))
			return true;
		put_page_uses(pg, true, n);
		return false;
	}
	if (unlikely(!get_pages(pg, d, n)))
		return false;
	if (!writable || likely(get_writable(pg, n)))
		return true;
	put_pages(pg, n);
	return false;
}

#endif
