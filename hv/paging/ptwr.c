/* SPDX-License-Identifier: MIT */
/*
 * Writable page tables: a guest's kernel writes to a table that it may only read, the fault comes
 * here, and the write is done for it as a checked change of one entry. Kernels do so where they
 * need an atomic exchange: whenever a page is unmapped.
 */
#include "lib/log.h"
#include "paging/decode.h"
#include "paging/walk.h"
#include "x86/regs.h"

#define RFLAGS_RF BIT(16)

/*
 * The entry that va names in a table of v's own which it maps read-only, an L1, locked; else NULL.
 */
static always_inline_fn u64 *lock_target(struct vcpu *v, u64 va, struct page_info **table)
{
	u64 *map = walk_l1(v->arch.guest_table, va, table), e;

	if (unlikely(!map || !get_guest_u64(&e, (u64)map)))
		return NULL;
	if (unlikely((e & (PTE_P | PTE_RW)) != PTE_P || pte_mfn(e) >= max_mfn))
		return NULL;
	*table = mfn_to_page(pte_mfn(e));
	if (unlikely(!l1_lock_fast(*table, v->domain) && !l1_lock(*table, v->domain)))
		return NULL;
	return maddr_to_virt((e & PTE_ADDR) + (va & ~PAGE_MASK & ~7UL));
}

/*
 * MOV or XCHG of a 64-bit register and memory, with neither prefix nor SIB: what nearly all of
 * these writes are. true: done. false: nothing has changed.
 */
static always_inline_fn bool move_fast(struct vcpu *v, u64 *entry, struct page_info *table,
				       cpu_user_regs_t *regs)
{
	static const u8 length[] = { 3, 4, 7 }; /* by the mod field: no displacement, 1 byte, 4 */
	u64 code, drop, *reg;
	struct page_info *held;
	u8 modrm;
	bool done;

	if (unlikely(!read_guest_words(&code, regs->rip, 1)))
		return false;
	modrm = code >> 16;
	if (unlikely((code & 0xf8) != 0x48 || (modrm & 7) == 4 || (modrm & 0xc7) == 5 ||
		     modrm >= 0xc0))
		return false;
	reg = regs_gpr(regs, (modrm >> 3 & 7) | (code & 4) << 1);
	switch ((u8)(code >> 8)) {
	case 0x87:
		done = l1e_set_fast(v->domain, entry, *reg, reg, &drop, &held);
		break;
	case 0x89:
		done = l1e_set_fast(v->domain, entry, *reg, NULL, &drop, &held);
		break;
	default:
		return false;
	}
	if (unlikely(!done)) {
		if (held)
			put_page(held);
		return false;
	}
	table_unlock(table);
	regs->rip += length[modrm >> 6];
	regs->rflags &= ~RFLAGS_RF;
	if (unlikely(!l1e_put_fast(&drop)))
		l1e_put(drop);
	return true;
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
static int write_entry(struct vcpu *v, u64 *entry, unsigned shift, const struct pte_write *w,
		       cpu_user_regs_t *regs)
{
	u64 *reg = regs_gpr(regs, w->high8 ? w->reg - 4 : w->reg);
	u64 rax = regs->rax, rflags = regs->rflags, saved = *reg;

	for (;;) {
		u64 old = READ_ONCE(*entry), value;
		int rc;

		pte_write_apply(w, old >> shift, &value, regs);
		rc = l1e_update(v->domain, v->domain, entry, old, merge(old, value, w->size, shift),
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

/* Any instruction that the decoder knows. The table is locked, and given back. */
static noinline_fn bool write_any(struct vcpu *v, u64 va, u64 *entry, struct page_info *table,
				  cpu_user_regs_t *regs)
{
	struct pte_write w;
	u8 code[15];
	int rc = -EOPNOTSUPP;

	if (pte_write_decode(code, fetch_guest_code(code, regs->rip, sizeof(code)), &w) &&
	    !(va & (w.size - 1)))
		rc = write_entry(v, entry, (va & 7) * 8, &w, regs);
	table_unlock(table);
	if (rc) {
		guest_warn("d%uv%u: write to page table at %lx by RIP %lx refused (error %d)\n",
			   v->domain->id, v->id, va, regs->rip, rc);
		return false;
	}
	regs->rip += w.len;
	regs->rflags &= ~RFLAGS_RF;
	return true;
}

bool ptwr_emulate(struct vcpu *v, u64 va, cpu_user_regs_t *regs)
{
	struct page_info *table;
	u64 *entry = lock_target(v, va, &table);

	if (!entry)
		return false;
	if (likely(!(va & 7)) && likely(move_fast(v, entry, table, regs)))
		return true;
	return write_any(v, va, entry, table, regs);
}
