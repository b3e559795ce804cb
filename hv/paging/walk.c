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

u64 table_lock(struct page_info *pg, const struct domain *d)
{
	u64 x = READ_ONCE(pg->type_info);

	do {
		while (unlikely(x & PGT_locked)) {
			spin_wait();
			x = READ_ONCE(pg->type_info);
		}
		/* Types 1-4 are the tables. */
		if (unlikely(!(x & PGT_validated) || (x >> 60) - 1 >= 4))
			return 0;
	} while (unlikely(!__atomic_compare_exchange_n(&pg->type_info, &x, x | PGT_locked, false,
						       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)));
	if (likely(pg->owner == d->id))
		return x & PGT_type_mask;
	table_unlock(pg);
	return 0;
}

bool l1_lock(struct page_info *pg, const struct domain *d)
{
	u64 type = table_lock(pg, d);

	if (type && type != PGT_l1_table)
		table_unlock(pg);
	return type == PGT_l1_table;
}
