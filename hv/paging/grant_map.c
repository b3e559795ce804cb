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
static u64 *lock_entry(struct vcpu *v, u64 host_addr, bool pte, struct page_info **pg, u64 *info)
{
	u64 mfn = host_addr >> PAGE_SHIFT;

	if (!pte)
		return walk_and_lock(v, host_addr, pg, info);
	if ((host_addr & 7) || mfn >= max_mfn)
		return NULL;
	*pg = mfn_to_page(mfn);
	*info = l1_lock(*pg, v->domain);
	return *info ? maddr_to_virt(host_addr) : NULL;
}

/* Put `want`, whose references the caller has taken, in place of whatever is there. */
static void replace_entry(u64 *entry, u64 want)
{
	u64 cur = __atomic_exchange_n(entry, want, __ATOMIC_ACQ_REL);

	if (cur & PTE_P)
		l1e_put(cur);
}

int arch_grant_map(struct vcpu *v, u64 host_addr, bool pte, u64 mfn, bool readonly, u64 avail_bits)
{
	u64 want = mfn << PAGE_SHIFT | PTE_P | PTE_US | PTE_A | PTE_D | (avail_bits & GRANT_AVAIL);
	struct page_info *pg = mfn_to_page(mfn), *table;
	u64 *entry, info;

	get_page_known_alive(pg); /* by the grant table's own reference */
	if (!readonly) {
		if (!l1_get_writable(pg)) {
			put_page(pg);
			return err_here(GNTST_general_error);
		}
		want |= PTE_RW;
	}
	entry = lock_entry(v, host_addr, pte, &table, &info);
	if (!entry) {
		l1e_put(want);
		return err_here(GNTST_bad_virt_addr);
	}
	replace_entry(entry, want);
	table_unlock(table, info);
	return GNTST_okay;
}

/* Take an entry out of its table, references and all, into *e. false: no table maps va. */
static bool take_entry(struct vcpu *v, u64 va, u64 *e)
{
	struct page_info *table;
	u64 info, *entry = walk_and_lock(v, va, &table, &info);

	if (!entry)
		return false;
	*e = __atomic_exchange_n(entry, 0, __ATOMIC_ACQ_REL);
	table_unlock(table, info);
	return true;
}

static bool maps(u64 e, u64 mfn, bool readonly)
{
	return (e & PTE_P) && pte_mfn(e) == mfn && !(readonly && (e & PTE_RW));
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
	u64 *entry, info, want = 0;
	bool ok;

	if (new_addr &&
	    (pte || same_entry(v, host_addr, new_addr) ||
	     !maps(guest_walk_l1e(v, host_addr), mfn, readonly) || !take_entry(v, new_addr, &want)))
		return err_here(GNTST_bad_virt_addr);
	entry = lock_entry(v, host_addr, pte, &table, &info);
	ok = entry && maps(READ_ONCE(*entry), mfn, readonly);
	if (ok)
		replace_entry(entry, want);
	else if (
		/*
		 * it has left its own place already: only a guest that races with itself sees that
		 */
		want & PTE_P)
		l1e_put(want);
	if (entry)
		table_unlock(table, info);
	return ok ? GNTST_okay : err_here(GNTST_bad_virt_addr);
}
