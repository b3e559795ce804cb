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

#define GRANT_AVAIL (PTE_AVAIL | (0x7fUL << 52)) /* software bits on every processor */

/* The L1 entry that host_addr names in v's domain, its table locked; NULL: there is none. */
static always_inline_fn u64 *lock_entry(struct vcpu *v, u64 host_addr, bool pte,
					struct page_info **table)
{
	u64 mfn = host_addr >> PAGE_SHIFT, *entry;

	if (likely(!pte)) {
		entry = walk_l1(v->arch.guest_table, host_addr, table);
		if (unlikely(!entry))
			return NULL;
	} else {
		if ((host_addr & 7) || mfn >= max_mfn)
			return NULL;
		*table = mfn_to_page(mfn);
		entry = maddr_to_virt(host_addr);
	}
	return likely(l1_lock_fast(*table, v->domain)) || l1_lock(*table, v->domain) ? entry : NULL;
}

int arch_grant_map(struct vcpu *v, u64 host_addr, bool pte, u64 mfn, bool readonly, u64 avail_bits)
{
	struct page_info *table;
	u64 *entry = lock_entry(v, host_addr, pte, &table), old;

	if (unlikely(!entry))
		return err_here(GNTST_bad_virt_addr);
	old = READ_ONCE(*entry);
	WRITE_ONCE(*entry, mfn << PAGE_SHIFT | PTE_P | PTE_US | PTE_A | PTE_D |
				   (readonly ? 0 : PTE_RW) | (avail_bits & GRANT_AVAIL));
	if (unlikely(old & PTE_P))
		l1e_put(old);
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

/*
 * As it was mapped, the right to write included: else one could take a read-only entry down for a
 * writable use, and keep a writable entry that no flush waits for any more.
 */
static bool maps(u64 e, u64 mfn, bool readonly)
{
	return (e & PTE_P) && pte_mfn(e) == mfn && !(e & PTE_RW) == readonly;
}

/* An entry cannot move to its own place. */
static bool same_entry(struct vcpu *v, u64 a, u64 b)
{
	struct page_info *pg;

	return walk_l1(v->arch.guest_table, a, &pg) == walk_l1(v->arch.guest_table, b, &pg);
}

/* new_addr: 0, or the virtual address whose entry is to move here. */
int arch_grant_unmap(struct vcpu *v, u64 host_addr, bool pte, u64 mfn, bool readonly, u64 new_addr)
{
	struct page_info *table;
	u64 *entry, want = 0;

	if (unlikely(new_addr) &&
	    (pte || same_entry(v, host_addr, new_addr) ||
	     !maps(guest_walk_l1e(v, host_addr), mfn, readonly) || !take_entry(v, new_addr, &want)))
		return err_here(GNTST_bad_virt_addr);
	entry = lock_entry(v, host_addr, pte, &table);
	if (likely(entry)) {
		if (likely(maps(READ_ONCE(*entry), mfn, readonly))) {
			WRITE_ONCE(*entry, want);
			table_unlock(table);
			return GNTST_okay;
		}
		table_unlock(table);
	}
	/* It has left its own place already: only a guest that races with itself sees that. */
	if (want & PTE_P)
		l1e_put(want);
	return err_here(GNTST_bad_virt_addr);
}
