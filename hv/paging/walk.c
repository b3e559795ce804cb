/* SPDX-License-Identifier: MIT */
/* Looking at a guest's mapping, and at its tables. */
#include "paging/walk.h"

u64 guest_walk_l1e(struct vcpu *v, u64 va)
{
	u64 root = v->arch.flags & VCPU_KERNEL_MODE ? v->arch.guest_table : v->arch.user_table;
	struct page_info *pg;
	u64 *entry = root ? walk_l1(root, va, &pg) : NULL, e;

	return entry && get_guest_u64(&e, (u64)entry) && (e & PTE_P) ? e : 0;
}

bool l1_lock(struct page_info *pg, const struct domain *d)
{
	u64 type = table_lock(pg, d);

	if (type && type != PGT_l1_table)
		table_unlock(pg);
	return type == PGT_l1_table;
}
