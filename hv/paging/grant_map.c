/* SPDX-License-Identifier: MIT */
/*
 * Page-table entries for grants. Such an entry holds references like any other, on a frame whose
 * owner is another domain: whoever drops it, the guest by mmu_update or the teardown of its tables,
 * does it right. What the grant table itself holds is apart from that.
 */
#include <xen/grant_table.h>

#include "core/grant.h"
#include "lib/log.h"
#include "paging/walk.h"

/* The L1 entry that host_addr names in v's domain, its table locked; NULL: there is none. */
static u64 *lock_entry(struct vcpu *v, u64 host_addr, bool pte, struct page_info **table)
{
	u64 mfn = host_addr >> PAGE_SHIFT;

	if (!pte)
		return walk_and_lock(v, host_addr, table);
	if ((host_addr & 7) || mfn >= max_mfn)
		return NULL;
	*table = mfn_to_page(mfn);
	return l1_lock(*table, v->domain) ? maddr_to_virt(host_addr) : NULL;
}

/* The same for a virtual address; it may fail when that takes a closer look. */
static always_inline_fn u64 *lock_entry_fast(const struct vcpu *v, u64 va, struct page_info **table)
{
	u64 *entry = walk_l1(v->arch.guest_table, va, table);

	return likely(entry) && likely(l1_lock_fast(*table, v->domain)) ? entry : NULL;
}

static always_inline_fn u64 grant_entry(u64 mfn, u32 flags)
{
	const u64 avail = flags >> _GNTMAP_guest_avail0;

	return mfn << PAGE_SHIFT | PTE_P | PTE_US | PTE_A | PTE_D |
	       (flags & GNTMAP_readonly ? 0 : PTE_RW) | (avail << 9 & PTE_AVAIL);
}

static noinline_fn int map_slow(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags)
{
	struct page_info *table;
	u64 *entry = lock_entry(v, host_addr, flags & GNTMAP_contains_pte, &table), old;

	if (unlikely(!entry))
		return err_here(GNTST_bad_virt_addr);
	old = READ_ONCE(*entry);
	WRITE_ONCE(*entry, grant_entry(mfn, flags));
	if (old & PTE_P)
		l1e_put(old);
	table_unlock(table);
	return GNTST_okay;
}

/* By virtual address, where nothing was mapped; else, by a tail call, the general form. */
int arch_grant_map(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags)
{
	struct page_info *table;
	u64 *entry;

	if (unlikely(flags & GNTMAP_contains_pte))
		return map_slow(v, host_addr, mfn, flags);
	entry = lock_entry_fast(v, host_addr, &table);
	if (unlikely(!entry))
		return map_slow(v, host_addr, mfn, flags);
	if (unlikely(READ_ONCE(*entry) & PTE_P)) {
		table_unlock(table);
		return map_slow(v, host_addr, mfn, flags);
	}
	WRITE_ONCE(*entry, grant_entry(mfn, flags));
	table_unlock(table);
	return GNTST_okay;
}

/*
 * As it was mapped, the right to write included: else one could take a read-only entry down for a
 * writable use, and keep a writable entry that no flush waits for any more.
 */
static always_inline_fn bool maps(u64 e, u64 mfn, u32 flags)
{
	return (e & (PTE_P | PTE_ADDR)) == (PTE_P | mfn << PAGE_SHIFT) &&
	       !(e & PTE_RW) == !!(flags & GNTMAP_readonly);
}

static noinline_fn int unmap_slow(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags, u64 want)
{
	struct page_info *table;
	u64 *entry = lock_entry(v, host_addr, flags & GNTMAP_contains_pte, &table);
	bool ok = entry && maps(READ_ONCE(*entry), mfn, flags);

	if (ok)
		WRITE_ONCE(*entry, want);
	if (entry)
		table_unlock(table);
	return ok ? GNTST_okay : err_here(GNTST_bad_virt_addr);
}

int arch_grant_unmap(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags)
{
	struct page_info *table;
	u64 *entry;

	if (unlikely(flags & GNTMAP_contains_pte))
		return unmap_slow(v, host_addr, mfn, flags, 0);
	entry = lock_entry_fast(v, host_addr, &table);
	if (unlikely(!entry))
		return unmap_slow(v, host_addr, mfn, flags, 0);
	if (unlikely(!maps(READ_ONCE(*entry), mfn, flags))) {
		table_unlock(table);
		return GNTST_bad_virt_addr;
	}
	WRITE_ONCE(*entry, 0);
	table_unlock(table);
	return GNTST_okay;
}

/* Take an entry out of its table, references and all, into *e. false: no table maps va. */
static bool take_entry(struct vcpu *v, u64 va, u64 *e)
{
	struct page_info *table;
	u64 *entry = walk_and_lock(v, va, &table);

	if (!entry)
		return false;
	*e = __atomic_exchange_n(entry, 0, __ATOMIC_ACQ_REL);
	table_unlock(table);
	return true;
}

/* An entry cannot move to its own place. */
static bool same_entry(struct vcpu *v, u64 a, u64 b)
{
	struct page_info *pg;

	return walk_l1(v->arch.guest_table, a, &pg) == walk_l1(v->arch.guest_table, b, &pg);
}

int arch_grant_replace(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags, u64 new_addr)
{
	u64 want;
	int st;

	if ((flags & GNTMAP_contains_pte) || same_entry(v, host_addr, new_addr) ||
	    !maps(guest_walk_l1e(v, host_addr), mfn, flags) || !take_entry(v, new_addr, &want))
		return err_here(GNTST_bad_virt_addr);
	st = unmap_slow(v, host_addr, mfn, flags, want);
	/* It has left its own place already: only a guest that races with itself sees that. */
	if (st != GNTST_okay && (want & PTE_P))
		l1e_put(want);
	return st;
}
