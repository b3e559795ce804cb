/* SPDX-License-Identifier: MIT */
/*
 * Frames and references for the tests of core/, as simple as can be: no buddies, two types (none,
 * writable), no tables. All weak: linked beside mm/, it yields.
 */
#include <stdlib.h>
#include <string.h>

#include "core/domain.h"
#include "host_core.h"
#include "mm/page.h"

#define WEAK __attribute__((weak))

bool heap_is_empty;

WEAK void fake_mm_init(void);
void fake_mm_init(void)
{
	u64 mfn;

	for (mfn = 0; mfn < max_mfn; mfn++)
		frame_table[mfn].count_info = mfn < 16 ? PGC_broken : PGC_free;
}

WEAK bool mfn_valid(u64 mfn)
{
	return mfn >= 16 && mfn < max_mfn;
}

static bool all_free(u64 mfn, u64 n)
{
	for (; n; n--, mfn++)
		if (frame_table[mfn].count_info != PGC_free)
			return false;
	return true;
}

WEAK struct page_info *alloc_heap_pages(unsigned order, u32 memflags)
{
	u32 bits = memflags & MEMF_bits_mask;
	u64 n = 1UL << order, i, mfn, top = max_mfn;

	if (bits && bits < 63 && 1UL << bits >> PAGE_SHIFT < top)
		top = 1UL << bits >> PAGE_SHIFT;
	if (heap_is_empty || n > top)
		return NULL;
	for (mfn = ALIGN_DOWN(top - n, n) + n; mfn >= n; mfn -= n) {
		u64 at = mfn - n;

		if (at + n > top || !all_free(at, n))
			continue;
		for (i = 0; i < n; i++) {
			frame_table[at + i] = (struct page_info){ .count_info = PGC_heap | 1,
								  .owner = DOMID_XEN };
			memset(mfn_to_virt(at + i), 0, PAGE_SIZE);
		}
		return mfn_to_page(at);
	}
	return NULL;
}

WEAK void free_heap_pages(struct page_info *pg, unsigned order)
{
	u64 i;

	for (i = 0; i < 1UL << order; i++) {
		cr_assert((pg[i].count_info & PGC_count_mask) == 1 && pg[i].count_info & PGC_heap);
		pg[i] = (struct page_info){ .count_info = PGC_free };
	}
}

WEAK void *xzalloc_bytes(size_t size)
{
	return heap_is_empty ? NULL : calloc(1, size);
}

WEAK void xfree(void *p)
{
	free(p);
}

static void link_page(struct domain *d, struct page_info *pg)
{
	pg->list.prev = 0;
	pg->list.next = d->page_list;
	if (d->page_list)
		mfn_to_page(d->page_list - 1)->list.prev = page_to_mfn(pg) + 1;
	d->page_list = page_to_mfn(pg) + 1;
}

static void unlink_page(struct domain *d, struct page_info *pg)
{
	if (pg->list.next)
		mfn_to_page(pg->list.next - 1)->list.prev = pg->list.prev;
	if (pg->list.prev)
		mfn_to_page(pg->list.prev - 1)->list.next = pg->list.next;
	else
		d->page_list = pg->list.next;
}

WEAK int assign_page(struct domain *d, struct page_info *pg)
{
	if (d->dying)
		return -EINVAL;
	if (d->tot_pages >= d->max_pages)
		return -ENOMEM;
	d->tot_pages++;
	pg->count_info = PGC_allocated | 1;
	pg->type_info = PGT_none;
	pg->owner = d->id;
	link_page(d, pg);
	return 0;
}

WEAK int steal_page(struct domain *d, struct page_info *pg)
{
	if (pg->owner != d->id || pg->count_info != (PGC_allocated | 1))
		return -EBUSY;
	unlink_page(d, pg);
	d->tot_pages--;
	set_m2p(page_to_mfn(pg), INVALID_M2P_ENTRY);
	pg->count_info = PGC_heap | 1;
	pg->owner = DOMID_XEN;
	return 0;
}

WEAK struct page_info *alloc_domheap_pages(struct domain *d, unsigned order, u32 memflags)
{
	struct page_info *pg;
	u64 i;

	if (d->dying || d->tot_pages + (1UL << order) > d->max_pages)
		return NULL;
	pg = alloc_heap_pages(order, memflags);
	for (i = 0; pg && i < 1UL << order; i++) {
		set_m2p(page_to_mfn(pg) + i, INVALID_M2P_ENTRY);
		cr_assert(!assign_page(d, pg + i));
	}
	return pg;
}

WEAK void share_page_with_domain(struct page_info *pg, struct domain *d, bool writable)
{
	(void)writable;
	pg->count_info = PGC_extra | PGC_allocated | 1;
	pg->owner = d->id;
	d->extra_pages++;
}

WEAK void unshare_page(struct page_info *pg)
{
	cr_assert(pg->count_info & PGC_extra);
	domain_of_owner(pg->owner)->extra_pages--;
	pg->count_info &= ~PGC_allocated;
	put_page(pg);
}

WEAK bool get_page(struct page_info *pg, const struct domain *d)
{
	if (pg->owner != d->id || !(pg->count_info & PGC_count_mask) ||
	    pg->count_info & (PGC_heap | PGC_free))
		return false;
	pg->count_info++;
	return true;
}

WEAK void put_page(struct page_info *pg)
{
	cr_assert(pg->count_info & PGC_count_mask, "a reference too many was dropped");
	if ((--pg->count_info & PGC_count_mask) != 0)
		return;
	cr_assert(!(pg->type_info & PGT_count_mask), "freed while in use as a type");
	if (!(pg->count_info & PGC_extra)) {
		struct domain *d = domain_of_owner(pg->owner);

		unlink_page(d, pg);
		d->tot_pages--;
	}
	*pg = (struct page_info){ .count_info = PGC_free };
}

WEAK int get_page_type(struct page_info *pg, u64 type)
{
	if ((pg->type_info & PGT_count_mask) && (pg->type_info & PGT_type_mask) != type)
		return -EINVAL;
	pg->type_info = type | ((pg->type_info & PGT_count_mask) + 1);
	return 0;
}

WEAK void put_page_type(struct page_info *pg)
{
	cr_assert(pg->type_info & PGT_count_mask);
	pg->type_info--;
}

WEAK int get_page_and_type(struct page_info *pg, const struct domain *d, u64 type)
{
	if (!get_page(pg, d))
		return -EINVAL;
	if (!get_page_type(pg, type))
		return 0;
	put_page(pg);
	return -EINVAL;
}

WEAK void put_page_and_type(struct page_info *pg)
{
	put_page_type(pg);
	put_page(pg);
}

WEAK u64 heap_free_pages(void)
{
	u64 mfn, n = 0;

	for (mfn = 0; mfn < max_mfn; mfn++)
		n += frame_table[mfn].count_info == PGC_free;
	return n;
}

WEAK u64 heap_total_pages(void)
{
	return max_mfn;
}

WEAK unsigned audit_domain_pages(struct domain *d)
{
	(void)d;
	return 0;
}
