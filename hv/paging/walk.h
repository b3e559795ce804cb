/* SPDX-License-Identifier: MIT */
/* From a guest's virtual address to the L1 entry that maps it, through the direct map. */
#ifndef PAGING_WALK_H
#define PAGING_WALK_H

#include "paging/l1.h"
#include "x86/layout.h"
#include "x86/uaccess.h"

/*
 * Tables may be taken down by the domain's other vCPUs while we look: then what is read below the
 * root is garbage, perhaps no RAM at all. So it is read by the access that may fail, and what comes
 * out is believed only after table_lock() has found a validated L1 of the domain there.
 */
static always_inline_fn bool walk_step(u64 mfn, unsigned index, u64 *entry)
{
	return get_guest_u64(entry, directmap_base + (mfn << PAGE_SHIFT) + index * sizeof(u64)) &&
	       (*entry & PTE_P);
}

/*
 * The entry in the L1 below root that maps va, and the L1's frame; NULL: there is none, or va is
 * ours.
 */
static always_inline_fn u64 *walk_l1(u64 root, u64 va, struct page_info **pg)
{
	unsigned top = pt_index(va, 4);
	u64 e, mfn;

	if (unlikely(top - HV_SLOT_FIRST <= HV_SLOT_LAST - HV_SLOT_FIRST))
		return NULL;
	if (unlikely(!walk_step(root, top, &e) || !walk_step(pte_mfn(e), pt_index(va, 3), &e) ||
		     !walk_step(pte_mfn(e), pt_index(va, 2), &e)))
		return NULL;
	mfn = pte_mfn(e);
	if (unlikely(mfn >= max_mfn))
		return NULL;
	*pg = known_page(mfn);
	return (u64 *)maddr_to_virt(mfn << PAGE_SHIFT) + pt_index(va, 1);
}

/* The same, with that L1 locked. */
static always_inline_fn u64 *walk_and_lock(const struct vcpu *v, u64 va, struct page_info **pg)
{
	u64 *entry = walk_l1(v->arch.guest_table, va, pg);

	return likely(entry && l1_lock(*pg, v->domain)) ? entry : NULL;
}

#endif
