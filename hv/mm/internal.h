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

/* Lists of frames, linked by list; a link is an MFN + 1, 0 the end. Whose the head is, holds its lock. */
static inline void frame_push(u32 *head, struct page_info *pg)
{
	pg->list.next = *head;
	pg->list.prev = 0;
	if (*head)
		mfn_to_page(*head - 1)->list.prev = page_to_mfn(pg) + 1;
	*head = page_to_mfn(pg) + 1;
}

static inline void frame_unlink(u32 *head, struct page_info *pg)
{
	if (pg->list.next)
		mfn_to_page(pg->list.next - 1)->list.prev = pg->list.prev;
	if (pg->list.prev)
		mfn_to_page(pg->list.prev - 1)->list.next = pg->list.next;
	else
		*head = pg->list.next;
}

#endif
