/* SPDX-License-Identifier: MIT */
/* Upper-level tables: what the files of paging/ offer one another. */
#ifndef PAGING_TABLES_H
#define PAGING_TABLES_H

#include "paging/l1.h"

/*
 * Replace entry i of a validated L2-L4 of d, v's call. 0; -EINVAL; -ERESTART: nothing changed yet,
 * or it is done and drop_pending() will go on.
 */
int update_upper_entry(struct vcpu *v, struct domain *d, struct page_info *pg, unsigned i, u64 new,
		       bool keep_ad);

/*
 * Give up a type reference and a general one on a table, in v's name. 0, or -ERESTART: it goes on
 * in drop_pending(), which every call that might drop another must have seen return 0 first.
 */
int drop_table(struct vcpu *v, struct page_info *pg);
int drop_pending_slow(struct vcpu *v);
static inline int drop_pending(struct vcpu *v)
{
	return likely(!v->arch.dropping) ? 0 : drop_pending_slow(v);
}

/*
 * The domain that an argument names, for v's call on it: v's own, dom_io for DOMID_IO, or
 * (privileged callers) another, held until foreign_put(). 0, -EPERM, -ESRCH.
 */
int foreign_get(struct vcpu *v, u16 domid, struct domain **d);
void foreign_put(struct vcpu *v, struct domain *d);

/*
 * In the count of a call that goes on after a preemption: *done holds what was carried out before.
 */
#define MMU_UPDATE_PREEMPTED 0x80000000u

/*
 * Flush *va, or everything (NULL), where d's vCPUs run: all of them, or those whose bits are set in
 * the guest's bitmap. Waits. 0, -EFAULT.
 */
int flush_vcpus(const struct domain *d, bool all, u64 bitmap, const u64 *va);

/* Hold a frame of owner, as writable memory if it is to be written. NULL: not so. */
static inline struct page_info *plain_frame(const struct domain *owner, u64 mfn, bool write)
{
	struct page_info *pg = mfn_to_page(mfn);

	return mfn < max_mfn && get_page_uses(pg, owner, write, 1) ? pg : NULL;
}

#endif
