/* SPDX-License-Identifier: MIT */
/*
 * One entry of a validated L1 table: the references it makes, and changing it. Everything here lies
 * on the hottest path of direct paging, so it is inline and does the common case of the type
 * engine's work itself.
 *
 * An entry that is present holds, on a frame of RAM, a general reference, and a PGT_writable one if
 * it may be written through. What is not RAM is not counted. A frame that an entry maps cannot
 * change its owner.
 */
#ifndef PAGING_L1_H
#define PAGING_L1_H

#include "mm/refs.h"
#include "paging/paging.h"

#define L1_CACHE_BITS (PTE_PWT | PTE_PCD | PTE_PSE) /* the last is PAT here */

/* How an entry is written. */
enum l1e_how {
	L1E_SET,     /* whatever is there goes; accessed and dirty as the new value says */
	L1E_KEEP_AD, /* accessed and dirty bits that the processor has set stay set */
	L1E_CMPXCHG, /* only if the entry is still exactly `old`, else -EAGAIN */
};

/* ---- references, the common cases ---- */

/* One more of a type that the frame has and that is in use already; false: ask the engine. */
static always_inline_fn bool type_get_fast(struct page_info *pg, u64 type)
{
	u64 x = READ_ONCE(pg->type_info);

	do {
		if (unlikely((x & (PGT_type_mask | PGT_validated)) != (type | PGT_validated) ||
			     !count_has_room(x, 1)))
			return false;
	} while (unlikely(!__atomic_compare_exchange_n(&pg->type_info, &x, x + 1, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)));
	return true;
}

/*
 * The frame that a present entry of a validated table holds a reference on; NULL: it maps no RAM.
 */
static always_inline_fn struct page_info *l1e_page(u64 e)
{
	u64 mfn = pte_mfn(e);
	struct page_info *pg = known_page(mfn);

	return likely(mfn < max_mfn && (u32)READ_ONCE(pg->count_info)) ? pg : NULL;
}

/* Drop what a present entry holds. Grants and foreign frames alike: the frame knows its owner. */
static always_inline_fn void l1e_put(u64 e)
{
	struct page_info *pg = l1e_page(e);

	if (unlikely(!pg))
		return;
	if (e & PTE_RW)
		put_writable(pg, 1);
	put_pages(pg, 1);
}

/*
 * The rest of l1e_get(): device memory, and what is wrong. The entry to install, or -E*. (direct.c)
 */
u64 l1e_get_device(const struct domain *d, const struct domain *pg_owner, u64 e);
#define L1E_IS_ERROR(e)                                                                            \
	unlikely((e) >= (u64)-4095) /* no entry: address bits that no processor has */

/*
 * Take the references of a present entry that d wants in a table of its own, for a frame of
 * pg_owner. What may be installed; or -EINVAL, -EPERM: nothing taken.
 */
static always_inline_fn u64 l1e_get(const struct domain *d, const struct domain *pg_owner, u64 e)
{
	u64 want = (e | PTE_US) & ~PTE_G, mfn = pte_mfn(want);
	struct page_info *pg = mfn_to_page(mfn);

	if (unlikely(mfn >= max_mfn || !get_page_uses(pg, pg_owner, want & PTE_RW, 1)))
		return l1e_get_device(d, pg_owner, want);
	/* Aliases of RAM that bypass the cache are for who drives devices. */
	if (unlikely(want & L1_CACHE_BITS) && !d->privileged)
		want &= ~L1_CACHE_BITS;
	return want;
}

/* Say so, for names_memory(). -EINVAL. (direct.c) */
int refuse_absent(const struct domain *d, u64 e);

/* ---- changing an entry ---- */

/*
 * Write it. What the caller read as *cur may only have gained accessed and dirty bits, since the
 * table lock is held. A plain store is as good as the processor asks for: it is what kernels on the
 * bare machine do.
 */
static always_inline_fn bool l1e_install(u64 *entry, u64 cur, u64 want, enum l1e_how how)
{
	u64 seen = cur;

	if (how == L1E_SET) {
		WRITE_ONCE(*entry, want);
		return true;
	}
	if (how == L1E_CMPXCHG)
		return __atomic_compare_exchange_n(entry, &seen, want, false, __ATOMIC_ACQ_REL,
						   __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(entry, &seen, want | (seen & (PTE_A | PTE_D)), false,
					    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
	return true;
}

/* Same frame before and after: only the right to write is counted. */
static always_inline_fn int l1e_change_flags(const struct domain *d, const struct domain *pg_owner,
					     u64 *entry, u64 cur, u64 want, enum l1e_how how)
{
	struct page_info *pg = NULL;

	want = (want | PTE_US) & ~PTE_G;
	if ((cur ^ want) & (PTE_RW | L1_CACHE_BITS)) {
		pg = l1e_page(want);
		if (unlikely(!pg)) {
			want = l1e_get_device(d, pg_owner, want);
			if (L1E_IS_ERROR(want))
				return (int)want;
			return l1e_install(entry, cur, want, how) ? 0 : -EAGAIN;
		}
		if (unlikely(want & L1_CACHE_BITS) && !d->privileged)
			want &= ~L1_CACHE_BITS;
		/* A mapping of somebody else's frame (a grant) never gains rights this way. */
		if ((want & ~cur & PTE_RW) &&
		    (unlikely(pg->owner != pg_owner->id) || !get_writable(pg, 1)))
			return -EINVAL;
	}
	if (unlikely(!l1e_install(entry, cur, want, how))) {
		if (want & ~cur & PTE_RW)
			put_writable(pg, 1);
		return -EAGAIN;
	}
	if (cur & ~want & PTE_RW && pg)
		put_writable(pg, 1);
	return 0;
}

/*
 * Replace an entry of a validated L1 table of d; its table lock is held. `old` counts for
 * L1E_CMPXCHG alone, and must have been read from the entry under the lock. pg_owner: whose frame
 * `want` may name.
 * 0; -EINVAL, -EPERM: not acceptable; -EAGAIN: the entry is not `old` any more. Then nothing has
 * changed.
 */
static always_inline_fn int l1e_update(const struct domain *d, const struct domain *pg_owner,
				       u64 *entry, u64 old, u64 want, enum l1e_how how)
{
	u64 cur = how == L1E_CMPXCHG ? old : READ_ONCE(*entry);

	if (want & PTE_P) {
		if ((cur & PTE_P) && !((cur ^ want) & PTE_ADDR))
			return l1e_change_flags(d, pg_owner, entry, cur, want, how);
		want = l1e_get(d, pg_owner, want);
		if (L1E_IS_ERROR(want))
			return (int)want;
	} else if (unlikely(names_memory(want))) {
		return refuse_absent(d, want);
	}
	if (unlikely(!l1e_install(entry, cur, want, how))) {
		if (want & PTE_P)
			l1e_put(want);
		return -EAGAIN;
	}
	if (cur & PTE_P)
		l1e_put(cur);
	return 0;
}

/* ---- the lock of a table (see PGT_locked) ---- */

/* table_lock() for an L1 alone. (walk.c) */
bool l1_lock(struct page_info *pg, const struct domain *d);
/* The same, but it may fail when that takes a closer look. */
static always_inline_fn bool l1_lock_fast(struct page_info *pg, const struct domain *d)
{
	u64 x = READ_ONCE(pg->type_info);

	/* Validated and not locked; pinned or not. */
	if (unlikely((x >> 56 & ~(PGT_pinned >> 56)) != (PGT_l1_table | PGT_validated) >> 56) ||
	    unlikely(!__atomic_compare_exchange_n(&pg->type_info, &x, x | PGT_locked, false,
						  __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		return false;
	if (likely(pg->owner == d->id))
		return true;
	table_unlock(pg);
	return false;
}

/* ---- the common changes, without a call ---- */

/*
 * get_page_type(pg, PGT_writable) where that needs no flush: it was writable before, or never
 * anything.
 */
static always_inline_fn bool l1_get_writable_fast(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info), want = x + 1;

	if (unlikely(!is_writable(x) || !count_has_room(x, 1))) {
		if (x != PGT_writable && x != PGT_none)
			return false;
		want = PGT_writable | PGT_validated | 1;
	}
	return likely(__atomic_compare_exchange_n(&pg->type_info, &x, want, false, __ATOMIC_ACQ_REL,
						  __ATOMIC_RELAXED));
}

/*
 * l1e_update(d, d, entry, 0, want, L1E_SET) as far as it needs nobody else; with `seen`, a
 * constant, by an exchange that gives what was there. true: done, and *drop is what was there, its
 * references now the caller's; 0: the new entry has them. false: nothing has changed, but *held, if
 * not NULL, is to be put. A function built on this alone, leaving by tail calls where it fails,
 * saves no registers.
 */
static always_inline_fn bool l1e_set_fast(const struct domain *d, u64 *entry, u64 want, u64 *seen,
					  u64 *drop, struct page_info **held)
{
	u64 old = *drop = READ_ONCE(*entry), x;
	struct page_info *pg;

	*held = NULL;
	if (want & PTE_P) {
		want |= PTE_US;
		if (unlikely(want & (L1_CACHE_BITS | PTE_G)))
			return false;
		if ((old & PTE_P) && !((old ^ want) & (PTE_ADDR | PTE_RW | L1_CACHE_BITS))) {
			*drop = 0; /* the references stay where they are */
			goto install;
		}
		if (unlikely(pte_mfn(want) >= max_mfn))
			return false;
		pg = mfn_to_page(pte_mfn(want));
		x = READ_ONCE(pg->count_info);
		if (unlikely(!count_has_room(x, 1) || (x & PGC_heap)) ||
		    unlikely(!__atomic_compare_exchange_n(&pg->count_info, &x, x + 1, false,
							  __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)))
			return false;
		*held = pg;
		if (unlikely(READ_ONCE(pg->owner) != d->id))
			return false;
		if ((want & PTE_RW) && !l1_get_writable_fast(pg))
			return false;
	} else if (unlikely(want) && unlikely(names_memory(want))) {
		return false;
	}
install:
	if (seen)
		*seen = __atomic_exchange_n(entry, want, __ATOMIC_ACQ_REL);
	else
		WRITE_ONCE(*entry, want);
	return true;
}

/*
 * Between l1e_set_fast() and l1e_put_fast(): else gcc keeps what it knows of *drop in a register of
 * its own while the entry is changed, and saves that register.
 */
static always_inline_fn void l1e_forget(u64 *drop)
{
	__asm__("" : "+r"(*drop));
}

/* l1e_put() as far as it needs nobody else: true. Else *e is what l1e_put() is still to be told. */
static always_inline_fn bool l1e_put_fast(u64 *e)
{
	struct page_info *pg;
	u64 x;

	if (!(*e & PTE_P))
		return true;
	/* What is no RAM has no counts. */
	if (unlikely(pte_mfn(*e) >= max_mfn))
		return true;
	pg = known_page(pte_mfn(*e));
	if (*e & PTE_RW) {
		x = READ_ONCE(pg->type_info);
		if (unlikely((u32)x <= 1) ||
		    unlikely(!__atomic_compare_exchange_n(&pg->type_info, &x, x - 1, false,
							  __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)))
			return false;
		*e &= ~PTE_RW;
	}
	x = READ_ONCE(pg->count_info);
	return likely((u32)x > 1) &&
	       likely(__atomic_compare_exchange_n(&pg->count_info, &x, x - 1, false,
						  __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}

#endif
