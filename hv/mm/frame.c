/* SPDX-License-Identifier: MIT */
/*
 * Frames of domains: who has which.
 *
 * A domain's frames are linked in its page list, and counted in tot_pages, from the moment they are
 * given to it until their last general reference goes. Extra frames (shared info, grant tables) are
 * on no list: they stay the hypervisor's to take back. A frame's owner changes only while its
 * general count is 0, or by unshare_page().
 */
#include "core/arch.h"
#include "lib/string.h"
#include "mm/internal.h"

bool mfn_valid(u64 mfn)
{
	return mfn < max_mfn && (READ_ONCE(mfn_to_page(mfn)->count_info) || heap_covers(mfn));
}

/* ---- giving and taking ---- */

static int may_have(const struct domain *d, u64 n)
{
	if (d->dying)
		return -EINVAL;
	return d->tot_pages + n <= d->max_pages ? 0 : -ENOMEM;
}

/* From here on others may reference it. */
static void give(struct domain *d, struct page_info *pg)
{
	pg->owner = d->id;
	frame_push(&d->page_list, pg);
	d->tot_pages++;
	__atomic_store_n(&pg->count_info, PGC_allocated | 1, __ATOMIC_RELEASE);
}

struct page_info *alloc_domheap_pages(struct domain *d, unsigned order, u32 memflags, u64 gpfn)
{
	struct page_info *pg;
	int rc;

	/* Asked for again below: this only spares the work. */
	if (order > MAX_ORDER || READ_ONCE(d->dying) ||
	    READ_ONCE(d->tot_pages) + (1UL << order) > d->max_pages ||
	    !heap_may_take(d, 1UL << order))
		return NULL;
	pg = heap_take(d, order, memflags | MEMF_scrub);
	if (!pg)
		return NULL;
	spin_lock(&d->page_lock);
	rc = may_have(d, 1UL << order);
	for (u64 i = 0; !rc && i < 1UL << order; i++) {
		if (gpfn != INVALID_M2P_ENTRY)
			set_m2p(page_to_mfn(pg) + i, gpfn + i);
		give(d, &pg[i]);
	}
	spin_unlock(&d->page_lock);
	if (rc) {
		heap_give(pg, order, false);
		return NULL;
	}
	heap_claim_used(d, 1UL << order);
	return pg;
}

void free_domheap_page(struct page_info *pg)
{
	struct domain *d = pg->owner == DOMID_XEN ? NULL : domain_of_owner(pg->owner);

	BUG_ON(pg->count_info || (pg->type_info & (PGT_count_mask | PGT_pinned)));
	if (d) {
		bool last;

		spin_lock(&d->page_lock);
		frame_unlink(&d->page_list, pg);
		d->tot_pages--;
		last = d->dying && !d->tot_pages;
		spin_unlock(&d->page_lock);
		if (last)
			domain_reap();
	}
	set_m2p(page_to_mfn(pg), INVALID_M2P_ENTRY);
	heap_give(pg, 0, true);
	preempt_charge(3);
}

/*
 * [d->page_lock] Set the count to 0, so that nobody can reference the frame while it changes hands.
 * No type is held then (G3). false: it is not d's, or somebody else has a reference.
 */
static bool freeze(const struct domain *d, u64 mfn)
{
	struct page_info *pg = mfn_to_page(mfn);
	u64 alone = PGC_allocated | 1;

	/* Once seen allocated to d it can leave d only under our lock. */
	return mfn_valid(mfn) && __atomic_load_n(&pg->count_info, __ATOMIC_ACQUIRE) == alone &&
	       READ_ONCE(pg->owner) == d->id &&
	       __atomic_compare_exchange_n(&pg->count_info, &alone, 0, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

static void to_hypervisor(struct domain *d, u64 mfn)
{
	struct page_info *pg = mfn_to_page(mfn);

	frame_unlink(&d->page_list, pg);
	d->tot_pages--;
	set_m2p(mfn, INVALID_M2P_ENTRY);
	pg->owner = DOMID_XEN;
	__atomic_store_n(&pg->count_info, PGC_heap | PGC_stale | 1, __ATOMIC_RELEASE);
}

int swap_pages(struct domain *d, const u64 *old, const u64 *new, unsigned new_order, u32 n)
{
	u32 i = 0, in_extent = (1u << new_order) - 1;
	bool ok = false;

	spin_lock(&d->page_lock);
	if (!d->dying) {
		while (i < n && freeze(d, old[i]))
			i++;
		ok = i == n;
		while (!ok && i--)
			__atomic_store_n(&mfn_to_page(old[i])->count_info, PGC_allocated | 1,
					 __ATOMIC_RELEASE);
	}
	for (i = 0; ok && i < n; i++) {
		to_hypervisor(d, old[i]);
		give(d, mfn_to_page(new[i >> new_order]) + (i & in_extent));
	}
	spin_unlock(&d->page_lock);
	return ok ? 0 : -EINVAL;
}

/* ---- extra frames ---- */

void share_page_with_domain(struct page_info *pg, struct domain *d, bool writable)
{
	/* Our own type reference keeps the guest from using it as anything else. */
	pg->type_info = (writable ? PGT_writable : PGT_none) | PGT_validated | 1;
	pg->owner = d->id;
	spin_lock(&d->page_lock);
	d->extra_pages++;
	spin_unlock(&d->page_lock);
	__atomic_store_n(&pg->count_info, PGC_extra | PGC_allocated | 1, __ATOMIC_RELEASE);
}

void unshare_page(struct page_info *pg)
{
	struct domain *d = domain_of_owner(pg->owner); /* none when it has just died */

	if (d) {
		spin_lock(&d->page_lock);
		d->extra_pages--;
		spin_unlock(&d->page_lock);
	}
	WRITE_ONCE(pg->owner, DOMID_XEN);
	put_page_type(pg);
	__atomic_fetch_and(&pg->count_info, ~(PGC_allocated | PGC_extra), __ATOMIC_ACQ_REL);
	put_page(pg);
}

/* ---- the end ---- */

/* The next page of d's list that is not being freed, held. */
static struct page_info *hold_from(struct domain *d, u32 link)
{
	while (link) {
		struct page_info *pg = mfn_to_page(link - 1);

		if (get_page(pg, d))
			return pg;
		link = pg->list.next;
	}
	return NULL;
}

int walk_dying_pages(struct domain *d, int (*fn)(struct domain *, struct page_info *), u32 batch)
{
	struct page_info *pg, *next;

	spin_lock(&d->page_lock);
	pg = d->relinquish_page ? mfn_to_page(d->relinquish_page - 1) : hold_from(d, d->page_list);
	spin_unlock(&d->page_lock);
	for (; pg; pg = next) {
		int rc = batch ? fn(d, pg) : -ERESTART;

		if (rc < 0) {
			d->relinquish_page = page_to_mfn(pg) + 1;
			return -ERESTART;
		}
		batch = rc ? 0 : batch - 1;
		spin_lock(&d->page_lock);
		next = hold_from(d, pg->list.next);
		spin_unlock(&d->page_lock);
		put_page(pg);
	}
	d->relinquish_page = 0;
	return 0;
}
