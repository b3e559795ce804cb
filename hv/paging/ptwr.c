/* SPDX-License-Identifier: MIT */
/*
 * Writable page tables: a guest's kernel writes to a table that it may only read, the fault comes
 * here, and the write is done for it as a checked change of one entry. Kernels do so where they
 * need an atomic exchange.
 */
#include "lib/log.h"
#include "paging/decode.h"
#include "paging/l1.h"
#include "x86/regs.h"
#include "x86/uaccess.h"

/* The table that va maps read-only, if it is a validated L1 of v's own; else NULL. */
static struct page_info *target_table(struct vcpu *v, u64 va)
{
	u64 l1e = guest_walk_l1e(v, va), mfn = pte_mfn(l1e), type;
	struct page_info *pg;

	if ((l1e & (PTE_P | PTE_RW)) != PTE_P || mfn >= max_mfn)
		return NULL;
	pg = mfn_to_page(mfn);
	type = READ_ONCE(pg->type_info);
	if ((type & (PGT_type_mask | PGT_validated)) != (PGT_l1_table | PGT_validated) ||
	    pg->owner != v->domain->id)
		return NULL;
	return pg;
}

/* The entry with its sub-word at `shift` replaced. */
static u64 merge(u64 entry, u64 value, unsigned size, unsigned shift)
{
	u64 mask = (size == 8 ? ~0UL : (1UL << (8 * size)) - 1) << shift;

	return (entry & ~mask) | (value << shift & mask);
}

/*
 * With the page lock held. What the processor may change meanwhile is A and D: then it starts over.
 */
static int write_entry(struct vcpu *v, struct page_info *pg, u64 *entry, unsigned shift,
		       const struct pte_write *w, cpu_user_regs_t *regs)
{
	u64 *reg = regs_gpr(regs, w->high8 ? w->reg - 4 : w->reg);
	u64 rax = regs->rax, rflags = regs->rflags, saved = *reg;

	for (;;) {
		u64 old = READ_ONCE(*entry), value;
		int rc;

		pte_write_apply(w, old >> shift, &value, regs);
		rc = update_l1e(v, v->domain, pg, entry, old, merge(old, value, w->size, shift),
				L1E_CMPXCHG);
		if (likely(!rc))
			return 0;
		regs->rax = rax;
		regs->rflags = rflags;
		*reg = saved;
		if (rc != -EAGAIN)
			return rc;
	}
}

bool ptwr_emulate(struct vcpu *v, u64 va, cpu_user_regs_t *regs)
{
	struct page_info *pg = target_table(v, va);
	struct pte_write w;
	u8 code[16];
	u64 type, *entry;
	int rc;

	if (!pg)
		return false;
	if (!pte_write_decode(code, fetch_guest_code(code, regs->rip, 15), &w) ||
	    (va & (w.size - 1))) {
		guest_warn("d%uv%u: write to page table at %lx: instruction at RIP %lx is not "
			   "emulated\n",
			   v->domain->id, v->id, va, regs->rip);
		return false;
	}
	if (!table_lock(pg, v->domain, &type))
		return false;
	entry = (u64 *)((u8 *)page_to_virt(pg) + (va & ~PAGE_MASK & ~7UL));
	rc = (type & PGT_type_mask) == PGT_l1_table ?
		     write_entry(v, pg, entry, (va & 7) * 8, &w, regs) :
		     -EINVAL;
	table_unlock(pg, type);
	if (rc) {
		guest_warn("d%uv%u: write to page table at %lx refused (error %d)\n", v->domain->id,
			   v->id, va, rc);
		return false;
	}
	regs->rip += w.len;
	regs->rflags &= ~(1UL << 16);
	return true;
}
