/* SPDX-License-Identifier: MIT */
/*
 * Writable page tables: a guest's kernel writes to a table that it may only read, the fault comes
 * here, and the write is done for it as a checked change of one entry. Kernels do so where they
 * need an atomic exchange: whenever a page is unmapped.
 */
#include "lib/log.h"
#include "paging/decode.h"
#include "paging/walk.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/regs.h"

/* ---- which table ---- */

#define IN_TABLE (~PAGE_MASK & ~7UL) /* bits of an address that choose the entry */

static always_inline_fn struct write_tlb *write_tlb(cpu_user_regs_t *regs)
{
	return &container_of(regs, struct cpu_info, regs)->write_tlb;
}

/* Is va in the page that t knows, but for the bits in `offset`? */
static always_inline_fn bool tlb_hit(const struct write_tlb *t, u64 va, u64 offset)
{
	return likely(t->table) && likely(!((va ^ t->va) & ~offset));
}

/* Look where v's kernel has va; false: not on a page that it may only read. Believed once that is locked as a table. */
static noinline_fn bool tlb_fill(struct write_tlb *t, const struct vcpu *v, u64 va)
{
	struct page_info *pg;
	u64 e, *entry = walk_l1(v->arch.guest_table, va, &pg);

	if (!entry || !get_guest_u64(&e, (u64)entry) || (e & (PTE_P | PTE_RW)) != PTE_P ||
	    pte_mfn(e) >= max_mfn)
		return false;
	t->table = mfn_to_page(pte_mfn(e));
	t->entries = mfn_to_virt(pte_mfn(e));
	t->va = va & PAGE_MASK;
	return true;
}

static always_inline_fn u64 *entry_at(const struct write_tlb *t, u64 va)
{
	return (u64 *)((u64)t->entries + (va & IN_TABLE));
}

/* ---- the common instructions ---- */

#define REX_R 4
#define IS_XCHG BIT(9)

/* By ModRM: how long an instruction with REX, opcode and it is, that has a memory operand and no SIB; else 0. */
static const u8 move_length[256] = {
#define ROW(at, len, len5)                                                                         \
	[at] = len, [(at) + 1] = len, [(at) + 2] = len, [(at) + 3] = len, [(at) + 5] = len5,       \
	[(at) + 6] = len, [(at) + 7] = len
#define MOVES(at, len, len5)                                                                       \
	ROW(at, len, len5), ROW((at) + 8, len, len5), ROW((at) + 16, len, len5),                   \
		ROW((at) + 24, len, len5), ROW((at) + 32, len, len5), ROW((at) + 40, len, len5),   \
		ROW((at) + 48, len, len5), ROW((at) + 56, len, len5)
	MOVES(0x00, 3, 0), MOVES(0x40, 4, 4),
	MOVES(0x80, 7, 7), /* 5 without displacement: RIP-relative */
};

static noinline_fn bool move_put(u64 drop)
{
	l1e_put(drop);
	return true;
}

/* The entry is written; drop: what it was. */
static always_inline_fn bool move_done(struct page_info *table, cpu_user_regs_t *regs, u64 length,
				       u64 drop)
{
	table_unlock(table);
	regs->rip += length;
	regs->rflags &= ~RFLAGS_RF;
	return likely(l1e_put_fast(&drop)) || move_put(drop);
}

/* *reg does not clear the entry. */
static noinline_fn bool move_entry(const struct domain *d, u64 *entry, u64 *reg, u64 code,
				   struct page_info *table, cpu_user_regs_t *regs)
{
	struct page_info *held;
	u64 drop;

	if (likely(code & IS_XCHG ? l1e_set_fast(d, entry, *reg, reg, &drop, &held) :
				    l1e_set_fast(d, entry, *reg, NULL, &drop, &held)))
		return move_done(table, regs, move_length[(u8)(code >> 16)], drop);
	table_unlock(table);
	if (held)
		put_page(held);
	return false;
}

/* REX.W and the opcode of MOV from register to memory (89), or XCHG (87). */
static always_inline_fn bool is_move(u64 code)
{
	return (code & 0xfff8) == 0x8948 || (code & 0xfff8) == 0x8748;
}

/* Its first three bytes ring 3 has just executed: so the address is the guest's. */
static always_inline_fn bool read_code(u64 rip, u64 *code)
{
	uaccess_begin();
	if (unlikely(!get_guest_u64(code, rip))) {
		uaccess_end();
		return false;
	}
	uaccess_end();
	return true;
}

/* On another page than the last. */
static noinline_fn bool move_elsewhere(struct vcpu *v, u64 va, cpu_user_regs_t *regs)
{
	return !(va & 7) && tlb_fill(write_tlb(regs), v, va) && ptwr_move(v, va, regs);
}

/* Most writes clear an entry. The calls are tail calls, so that no registers are saved. */
bool ptwr_move(struct vcpu *v, u64 va, cpu_user_regs_t *regs)
{
	const struct write_tlb *t = write_tlb(regs);
	const struct domain *d = v->domain;
	u64 code, length, drop, *entry, *reg;
	struct page_info *table;

	if (unlikely(!read_code(regs->rip, &code)))
		return false;
	length = move_length[(u8)(code >> 16)];
	if (unlikely(!is_move(code) || !length))
		return false;
	if (!tlb_hit(t, va, IN_TABLE))
		return move_elsewhere(v, va, regs);
	/* All that can be is ready before the lock: then the registers suffice. */
	table = t->table;
	entry = entry_at(t, va);
	reg = regs_gpr(regs, (code >> 19 & 7) | (code & REX_R) << 1);
	if (unlikely(!l1_lock_fast(table, d)))
		return false;
	if (*reg)
		return move_entry(d, entry, reg, code, table, regs);
	if (likely(code & IS_XCHG)) {
		*reg = drop = __atomic_exchange_n(entry, 0, __ATOMIC_ACQ_REL);
	} else {
		drop = READ_ONCE(*entry);
		WRITE_ONCE(*entry, 0);
	}
	return move_done(table, regs, length, drop);
}

/* ---- all of them ---- */

/* The entry with its sub-word at `shift` replaced. */
static u64 merge(u64 entry, u64 value, unsigned size, unsigned shift)
{
	u64 mask = (size == 8 ? ~0UL : (1UL << (8 * size)) - 1) << shift;

	return (entry & ~mask) | (value << shift & mask);
}

/*
 * With the table lock held. What the processor may change meanwhile is A and D: then it starts over.
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

bool ptwr_emulate(struct vcpu *v, u64 va, cpu_user_regs_t *regs)
{
	struct write_tlb *t = write_tlb(regs);
	struct page_info *table;
	struct pte_write w;
	u8 code[15];
	int rc = -EOPNOTSUPP;
	u64 *entry;

	if (!tlb_hit(t, va, ~PAGE_MASK) && !tlb_fill(t, v, va))
		return false;
	table = t->table;
	entry = entry_at(t, va);
	if (!l1_lock(table, v->domain))
		return false;
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
