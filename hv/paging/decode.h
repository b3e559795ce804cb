/* SPDX-License-Identifier: MIT */
/*
 * Decoding the instructions by which kernels write page-table entries in place. Pure: runs on the
 * host.
 */
#ifndef PAGING_DECODE_H
#define PAGING_DECODE_H

#include "core/arch_state.h"
#include "lib/base.h"

/* What stands before an opcode. */
struct insn_prefixes {
	unsigned len;
	u8 rex;
	bool opsize, lock, rep;
};

/*
 * Legacy prefixes, then at most one REX, of n bytes of code: true, and an opcode follows; false:
 * cut off.
 */
static inline bool insn_prefixes(const u8 *code, unsigned n, struct insn_prefixes *p)
{
	unsigned i;

	*p = (struct insn_prefixes){ 0 };
	for (i = 0; i < n; i++) {
		switch (code[i]) {
		case 0x66:
			p->opsize = true;
			continue;
		case 0xf0:
			p->lock = true;
			continue;
		case 0xf2:
		case 0xf3:
			p->rep = true;
			continue;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65:
		case 0x67:
			continue;
		}
		break;
	}
	if (i < n && (code[i] & 0xf0) == 0x40)
		p->rex = code[i++];
	p->len = i;
	return i < n;
}

enum pte_op {
	PTE_OP_NONE,
	PTE_OP_MOV,
	PTE_OP_XCHG,
	PTE_OP_AND,
	PTE_OP_OR,
	PTE_OP_XOR,
	PTE_OP_BTS,
	PTE_OP_BTR,
	PTE_OP_BTC,
	PTE_OP_CMPXCHG,
	PTE_OP_XADD
};

/* One decoded instruction with a memory destination; where it points the fault address says. */
struct pte_write {
	enum pte_op op;
	u8 size;    /* of the operand: 1, 2, 4, 8 bytes */
	u8 len;     /* of the instruction */
	u8 reg;     /* register operand, 0-15; with size 1 and no REX, 4-7 are AH CH DH BH */
	bool high8; /* ... and this is one of them */
	bool has_imm;
	u64 imm; /* sign-extended to the operand size */
};

/*
 * n bytes of code, at most 15. false: none of these instructions, a register destination, or cut
 * off.
 */
bool pte_write_decode(const u8 *code, unsigned n, struct pte_write *w);

/*
 * Execute it on the operand's old value: the new value (size bytes), and registers and flags as the
 * processor would leave them. *regs is changed, RIP is not. A CMPXCHG that fails writes the old
 * value back.
 */
void pte_write_apply(const struct pte_write *w, u64 old, u64 *new, cpu_user_regs_t *regs);

#endif
