/* SPDX-License-Identifier: MIT */
/* What the files of mm/ share among themselves. */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include "mm/page.h"

/*
 * 2^order frames off the heap, for d, or of any node (NULL), TLBs flushed as their past demands:
 * count_info and type_info 0, owner and list meaningless, nobody can reference them. NULL when
 * there are none.
 */
struct page_info *heap_take(const struct domain *d, unsigned order, u32 memflags);
/*
 * Give frames back; their counts are 0 or the caller's alone. stale: some TLB may still map them
 * for a guest.
 */
void heap_give(struct page_info *pg, unsigned order, bool stale);
/* May d take n frames, without what is set aside for others? And: it has taken them. */
bool heap_may_take(const struct domain *d, u64 n);
void heap_claim_used(struct domain *d, u64 n);
/* Was this frame ever given to the heap? */
bool heap_covers(u64 mfn);

#endif
