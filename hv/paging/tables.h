/* SPDX-License-Identifier: MIT */
/* Upper-level tables: what the files of paging/ offer one another. */
#ifndef PAGING_TABLES_H
#define PAGING_TABLES_H

#include "paging/paging.h"

/*
 * Take the references of a present entry wanted in a table of `type` (PGT_l2_table - PGT_l4_table)
 * of d; *e becomes what may be installed. 0; -EINVAL: not acceptable; -ERESTART: nothing is held.
 */
int upper_entry_get(const struct domain *d, u64 type, u64 *e);

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

/* The processors of those vCPUs of d whose bits are set in the guest's bitmap at va. 0, -EFAULT. */
int vcpus_of_bitmap(const struct domain *d, u64 va, cpumask_t *mask);

#endif
