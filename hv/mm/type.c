/* SPDX-License-Identifier: MIT */
/*
 * The type engine: references on frames, and what a frame may be used as.
 *
 * count_info, the general count:
 *  G1  A frame with count 0 is free or being freed: nobody can take a reference on it.
 *  G2  PGC_allocated stands for one of the count: the owner's. The owner is fixed while the count
 *      is not 0.
 *  G3  Every type reference is held by somebody who holds a general one too, and has seen that the
 *      frame is the owner's whom he takes it for: a stranger's, even for a moment, would keep the
 *      owner from T1.
 *
 * type_info = type | flags | count. States of a frame, and who may change it:
 *  free     count 0                    anybody gives it a type (old type stays noted, for T3)
 *  valid    count > 0, validated       anybody counts up and down; the last one down makes it busy
 *           or free
 *  busy     count > 0, no flag of both one processor validates, undoes or flushes; others wait for
 *           it
 *  partial  count > 0, PGT_partial     it stopped at a preemption point; who claims it makes it
 *           busy
 *
 *  T1  The type changes only from count 0. While the count is not 0 there is one type.
 *  T2  A valid table's present entries each hold their references; a busy or partial one's first
 *      u.progress.
 *  T3  A frame gets another type than its last one only after all TLBs, and what else the processor
 *      caches of page tables, have been flushed since its type count reached 0 (u.tlb_stamp).
 *      PGT_none: it had none.
 *  T4  u.tlb_stamp is written after the count reached 0 and before anybody can see that: tables are
 *      busy then; of others the last reference goes with PGT_locked set. Written before, it could
 *      be older than a mapping that another processor made and dropped meanwhile.
 *  T5  PGT_locked is only ever taken on a valid frame; one that is locked does not become busy.
 *  T6  partial and PGT_orphan: nobody holds it but the frame itself, by one type and one general
 *      reference (a validation that stopped). Partial without: the one who began to drop the last
 *      reference still has it.
 *  T7  A frame that stopped while being undone is undone completely before it is validated again.
 *  T8  Nobody waits for a busy frame while having made busy one of the same or a lower level.
 *
 * Counts saturate at PG_COUNT_MAX: references beyond are refused.
 */
#include "core/arch.h"
#include "mm/page.h"

#define TABLE_ENTRIES 512

static bool cas(u64 *p, u64 *old, u64 want)
{
	return __atomic_compare_exchange_n(p, old, want, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static u64 type_count(u64 x)
{
	return x & PGT_count_mask;
}

static bool is_table(u64 type)
{
	return type >= PGT_l1_table && type <= PGT_l4_table;
}

static bool is_busy(u64 x)
{
	return type_count(x) && !(x & (PGT_validated | PGT_partial));
}

static u64 reread(struct page_info *pg)
{
	spin_wait();
	return READ_ONCE(pg->type_info);
}

/* ---- general references ---- */

bool get_page(struct page_info *pg, const struct domain *d)
{
	u64 x = READ_ONCE(pg->count_info);

	do {
		u64 n = x & PGC_count_mask;

		if (unlikely(!n || n >= PG_COUNT_MAX || (x & PGC_heap)))
			return false;
	} while (!cas(&pg->count_info, &x, x + 1));
	/* Only now is the owner fixed (G2). */
	if (likely(READ_ONCE(pg->owner) == d->id))
		return true;
	put_page(pg);
	return false;
}

/* Take a general reference on a frame that somebody holds already. */
static void get_page_known_alive(struct page_info *pg)
{
	u64 old = __atomic_fetch_add(&pg->count_info, 1, __ATOMIC_RELAXED);

	BUG_ON(!(old & PGC_count_mask) || (old & PGC_count_mask) >= PGC_count_mask);
}

void put_page(struct page_info *pg)
{
	u64 left = __atomic_sub_fetch(&pg->count_info, 1, __ATOMIC_ACQ_REL);

	BUG_ON((left & PGC_count_mask) == PGC_count_mask);
	if (unlikely(!(left & PGC_count_mask)))
		free_domheap_page(pg);
}

/* ---- busy frames: the caller made it so ---- */

/*
 * Give up one type reference of a busy frame none of whose entries holds anything. The last one
 * frees the type; otherwise whoever still holds one began to drop the last before, and goes on.
 */
static void drop_hollow(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info);

	while (type_count(x) > 1) {
		pg->u.progress = 0;
		if (cas(&pg->type_info, &x, (x - 1) | PGT_partial | PGT_undoing))
			return;
	}
	pg->u.tlb_stamp = tlb_clock();
	__atomic_store_n(&pg->type_info, x & PGT_type_mask, __ATOMIC_RELEASE);
}

static void park(struct page_info *pg, u64 flags)
{
	__atomic_fetch_or(&pg->type_info, PGT_partial | flags, __ATOMIC_ACQ_REL);
}

/* Take down what is validated of a busy table: 0 and it holds nothing, or -ERESTART. */
static int undo(struct page_info *pg, u64 type, bool preemptible)
{
	return pg->u.progress ? page_type_ops.devalidate(pg, type, preemptible) : 0;
}

/* `orphan`: its reference was the frame's own, and is the caller's now. */
static int validate(struct page_info *pg, u64 type, bool orphan, bool preemptible)
{
	int rc = page_type_ops.validate(pg, type, preemptible);

	switch (rc) {
	case 0:
		__atomic_fetch_or(&pg->type_info, PGT_validated, __ATOMIC_ACQ_REL);
		break;
	case -ERESTART:
		if (!orphan)
			get_page_known_alive(pg);
		park(pg, PGT_orphan);
		return rc;
	default:
		drop_hollow(pg);
	}
	if (orphan)
		put_page(pg);
	return rc;
}

/* Claimed from x, partial: go on with it, and take a reference. */
static int resume(struct page_info *pg, u64 x, u64 type, bool preemptible)
{
	bool orphan = x & PGT_orphan;

	if (x & PGT_undoing) { /* T7 */
		int rc = undo(pg, type, preemptible);

		if (rc) {
			park(pg, x & (PGT_undoing | PGT_orphan));
			return rc;
		}
		if (!orphan)
			__atomic_fetch_add(&pg->type_info, 1, __ATOMIC_ACQ_REL);
		pg->u.progress = 0;
	}
	return validate(pg, type, orphan, preemptible);
}

/* Given a new type from x, count 0. */
static int begin(struct page_info *pg, u64 x, u64 type, bool preemptible)
{
	u64 old = x & PGT_type_mask;

	if (old != PGT_none && old != type) {
		struct domain *d = domain_of_owner(pg->owner);

		preempt_charge(1);
		if (d)
			tlb_flush_for_retype(d, pg->u.tlb_stamp);
		else
			tlb_flush_mask(&cpu_online_map);
	}
	if (type == PGT_writable) {
		__atomic_fetch_or(&pg->type_info, PGT_validated, __ATOMIC_ACQ_REL);
		return 0;
	}
	pg->u.progress = 0;
	return validate(pg, type, false, preemptible);
}

/* ---- type references ---- */

static int get_type(struct page_info *pg, u64 type, bool preemptible)
{
	u64 x = READ_ONCE(pg->type_info);

	for (;;) {
		u64 old = x & PGT_type_mask, want;

		if (unlikely(!type_count(x))) {
			if (x & PGT_locked) { /* T4 */
				x = reread(pg);
				continue;
			}
			want = type | 1;
			if (type == PGT_writable && (old == PGT_none || old == type))
				want |= PGT_validated;
		} else if (unlikely(old != type || type_count(x) >= PG_COUNT_MAX)) {
			return -EINVAL;
		} else if (likely(x & PGT_validated)) {
			want = x + 1;
		} else if (x & PGT_partial) {
			want = x & ~(PGT_partial | PGT_undoing | PGT_orphan);
		} else {
			x = reread(pg);
			continue;
		}
		if (unlikely(!cas(&pg->type_info, &x, want)))
			continue;
		if (likely(want & PGT_validated))
			return 0;
		return type_count(x) ? resume(pg, x, type, preemptible) :
				       begin(pg, x, type, preemptible);
	}
}

/* The last reference of a frame that makes none itself: T4. */
static bool put_last_plain(struct page_info *pg, u64 x)
{
	u64 left = x & PGT_type_mask;

	if (!cas(&pg->type_info, &x, left | PGT_locked))
		return false;
	pg->u.tlb_stamp = tlb_clock();
	__atomic_store_n(&pg->type_info, left, __ATOMIC_RELEASE);
	return true;
}

/*
 * The last reference of a table, x valid or partial: claim it, undo it. -EAGAIN: it is not x now.
 */
static int put_last_table(struct page_info *pg, u64 x, bool preemptible)
{
	u64 old = x;
	int rc;

	if (!cas(&pg->type_info, &x, x & (PGT_type_mask | PGT_count_mask)))
		return -EAGAIN;
	if (old & PGT_validated)
		pg->u.progress |= TABLE_ENTRIES;
	rc = undo(pg, old & PGT_type_mask, preemptible);
	if (rc) {
		park(pg, PGT_undoing | (old & PGT_orphan));
		return rc;
	}
	drop_hollow(pg);
	if (old & PGT_orphan)
		put_page(pg);
	return 0;
}

static int put_type(struct page_info *pg, bool preemptible)
{
	u64 x = READ_ONCE(pg->type_info);

	for (;;) {
		BUG_ON(!type_count(x));
		if (likely(type_count(x) > 1)) {
			if (cas(&pg->type_info, &x, x - 1))
				return 0;
		} else if (unlikely((x & PGT_locked) || is_busy(x))) { /* T5 */
			x = reread(pg);
		} else if (is_table(x & PGT_type_mask)) {
			int rc = put_last_table(pg, x, preemptible);

			if (rc != -EAGAIN)
				return rc;
			x = READ_ONCE(pg->type_info);
		} else {
			if (put_last_plain(pg, x))
				return 0;
			x = READ_ONCE(pg->type_info);
		}
	}
}

int get_page_type(struct page_info *pg, u64 type)
{
	int rc;

	do
		rc = get_type(pg, type, false);
	while (unlikely(rc == -ERESTART));
	return rc;
}

int get_page_type_preemptible(struct page_info *pg, u64 type)
{
	return get_type(pg, type, true);
}

void put_page_type(struct page_info *pg)
{
	while (unlikely(put_type(pg, false)))
		;
}

int put_page_type_preemptible(struct page_info *pg)
{
	return put_type(pg, true);
}

int put_page_partial(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info);
	int rc = 0;

	while ((x & (PGT_partial | PGT_orphan)) == (PGT_partial | PGT_orphan)) {
		/* Its own, and that of somebody who is still about to drop his. */
		if (type_count(x) > 1) {
			if (!cas(&pg->type_info, &x, ((x - 1) & ~PGT_orphan) | PGT_undoing))
				continue;
			put_page(pg);
			break;
		}
		rc = put_last_table(pg, x, true);
		if (rc != -EAGAIN)
			break;
		x = READ_ONCE(pg->type_info);
	}
	return rc == -EAGAIN ? 0 : rc;
}

int get_page_and_type(struct page_info *pg, const struct domain *d, u64 type)
{
	int rc;

	if (!get_page(pg, d))
		return -EINVAL;
	rc = get_page_type(pg, type);
	if (rc)
		put_page(pg);
	return rc;
}

void put_page_and_type(struct page_info *pg)
{
	put_page_type(pg);
	put_page(pg);
}

/* ---- the lock of a table ---- */

u64 table_lock(struct page_info *pg, const struct domain *d)
{
	u64 x = READ_ONCE(pg->type_info);

	do {
		while (unlikely(x & PGT_locked))
			x = reread(pg);
		if (unlikely(!(x & PGT_validated) || !is_table(x & PGT_type_mask)))
			return 0;
	} while (unlikely(!cas(&pg->type_info, &x, x | PGT_locked)));
	if (likely(pg->owner == d->id))
		return x & PGT_type_mask;
	table_unlock(pg);
	return 0;
}
