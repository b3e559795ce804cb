/* SPDX-License-Identifier: MIT */
/* Decoding the instructions by which kernels write page-table entries in place. */
#include "paging/decode.h"
#include "lib/string.h"
#include "x86/asm.h"
#include "x86/regs.h"

struct cursor {
	const u8 *b;
	unsigned n, at;
	struct insn_prefixes p;
};

/* ModRM with a memory operand: SIB and displacement are skipped. Returns the reg field, or -1. */
static int modrm(struct cursor *c)
{
	unsigned mod, rm, at = c->at, disp = 0;
	u8 m;

	if (at >= c->n)
		return -1;
	m = c->b[at++];
	mod = m >> 6;
	rm = m & 7;
	if (mod == 3)
		return -1;
	if (mod == 1)
		disp = 1;
	else if (mod == 2 || rm == 5)
		disp = 4;
	if (rm == 4) {
		if (at >= c->n)
			return -1;
		if (mod == 0 && (c->b[at] & 7) == 5)
			disp = 4;
		at++;
	}
	c->at = at + disp;
	return c->at <= c->n ? (m >> 3 & 7) : -1;
}

static bool immediate(struct cursor *c, struct pte_write *w, unsigned bytes)
{
	u64 v;

	if (c->at + bytes > c->n)
		return false;
	v = get_le(c->b + c->at, bytes);
	c->at += bytes;
	w->imm = (u64)((s64)(v << (64 - 8 * bytes)) >> (64 - 8 * bytes));
	w->has_imm = true;
	return true;
}

/* The operand size of opcodes whose bit 0 tells bytes from words. */
static void set_size(struct cursor *c, struct pte_write *w, u8 opcode)
{
	if (!(opcode & 1))
		w->size = 1;
	else if (c->p.rex & 8)
		w->size = 8;
	else
		w->size = c->p.opsize ? 2 : 4;
}

/* Operations by opcode, with a register: of one byte, and behind 0x0f. */
static const u8 register_op[256] = {
	[0x08 ... 0x09] = PTE_OP_OR,   [0x20 ... 0x21] = PTE_OP_AND, [0x30 ... 0x31] = PTE_OP_XOR,
	[0x86 ... 0x87] = PTE_OP_XCHG, [0x88 ... 0x89] = PTE_OP_MOV,
};
static const u8 register_op_0f[256] = {
	[0xab] = PTE_OP_BTS, [0xb0 ... 0xb1] = PTE_OP_CMPXCHG, [0xb3] = PTE_OP_BTR,
	[0xbb] = PTE_OP_BTC, [0xc0 ... 0xc1] = PTE_OP_XADD,
};
/* By what stands in the register's place, with an immediate value. */
static const u8 group_1[8] = { [1] = PTE_OP_OR, [4] = PTE_OP_AND, [6] = PTE_OP_XOR };
static const u8 group_8[8] = { [5] = PTE_OP_BTS, [6] = PTE_OP_BTR, [7] = PTE_OP_BTC };
static const u8 group_11[8] = { [0] = PTE_OP_MOV };

static bool with_register(struct cursor *c, struct pte_write *w, enum pte_op op)
{
	int reg = op ? modrm(c) : -1;

	if (reg < 0)
		return false;
	w->op = op;
	w->reg = reg | (c->p.rex & 4 ? 8 : 0);
	w->high8 = w->size == 1 && !c->p.rex && reg >= 4;
	return true;
}

static bool with_immediate(struct cursor *c, struct pte_write *w, const u8 group[8], unsigned bytes)
{
	int sub = modrm(c);

	if (sub < 0 || !group[sub])
		return false;
	w->op = group[sub];
	return immediate(c, w, bytes);
}

static bool two_byte(struct cursor *c, struct pte_write *w)
{
	u8 opcode;

	if (c->at >= c->n)
		return false;
	opcode = c->b[c->at++];
	set_size(c, w, opcode);
	if (opcode != 0xba)
		return with_register(c, w, register_op_0f[opcode]);
	set_size(c, w, 1);
	return with_immediate(c, w, group_8, 1);
}

static bool one_byte(struct cursor *c, struct pte_write *w)
{
	u8 opcode = c->b[c->at++];

	set_size(c, w, opcode);
	switch (opcode) {
	case 0x0f:
		return two_byte(c, w);
	case 0x80:
	case 0x81:
	case 0x83:
		return with_immediate(c, w, group_1, opcode == 0x81 ? MIN(w->size, 4) : 1);
	case 0xc6 ... 0xc7:
		return !c->p.lock && with_immediate(c, w, group_11, MIN(w->size, 4));
	case 0x88 ... 0x89: /* MOV takes no LOCK */
		if (c->p.lock)
			return false;
	}
	return with_register(c, w, register_op[opcode]);
}

bool pte_write_decode(const u8 *code, unsigned n, struct pte_write *w)
{
	struct cursor c = { .b = code, .n = n };

	*w = (struct pte_write){ 0 };
	if (!insn_prefixes(code, n, &c.p) || c.p.rep)
		return false;
	c.at = c.p.len;
	if (!one_byte(&c, w))
		return false;
	w->len = c.at;
	return true;
}

/* ---- execution ---- */

static u64 size_mask(unsigned size)
{
	return size == 8 ? ~0UL : (1UL << (8 * size)) - 1;
}

static u64 get_reg(const struct pte_write *w, cpu_user_regs_t *r)
{
	if (w->high8)
		return *regs_gpr(r, w->reg - 4) >> 8 & 0xff;
	return *regs_gpr(r, w->reg) & size_mask(w->size);
}

/* A 32-bit result clears the upper half, narrower ones keep what is above them. */
static void set_reg(u64 *to, u64 v, unsigned size)
{
	*to = size >= 4 ? v & size_mask(size) : (*to & ~size_mask(size)) | (v & size_mask(size));
}

static void put_reg(const struct pte_write *w, cpu_user_regs_t *r, u64 v)
{
	if (w->high8) {
		u64 *to = regs_gpr(r, w->reg - 4);

		*to = (*to & ~0xff00UL) | (v & 0xff) << 8;
	} else {
		set_reg(regs_gpr(r, w->reg), v, w->size);
	}
}

#define ARITH_FLAGS 0x8d5UL /* CF PF AF ZF SF OF */

static u64 result_flags(u64 v, unsigned size)
{
	u64 f = 0;

	v &= size_mask(size);
	if (!v)
		f |= BIT(6);
	if (v >> (8 * size - 1) & 1)
		f |= BIT(7);
	if (!(__builtin_popcountl(v & 0xff) & 1))
		f |= BIT(2);
	return f;
}

/* Flags of a + b = sum, or with a borrow of a - b = sum (sub). */
static u64 add_flags(u64 a, u64 b, u64 sum, unsigned size, bool sub)
{
	u64 sign = 1UL << (8 * size - 1), f = result_flags(sum, size);

	if (sub ? a < b : sum < a)
		f |= BIT(0);
	if ((a ^ b ^ sum) & 0x10)
		f |= BIT(4);
	if ((sub ? (a ^ b) : ~(a ^ b)) & (a ^ sum) & sign)
		f |= BIT(11);
	return f;
}

static void set_flags(cpu_user_regs_t *r, u64 f)
{
	r->rflags = (r->rflags & ~ARITH_FLAGS) | f;
}

static u64 bit_op(const struct pte_write *w, u64 src, u64 old, cpu_user_regs_t *r)
{
	u64 bit = 1UL << (src & (8 * w->size - 1));

	r->rflags = (r->rflags & ~BIT(0)) | !!(old & bit);
	if (w->op == PTE_OP_BTS)
		return old | bit;
	return w->op == PTE_OP_BTR ? old & ~bit : old ^ bit;
}

static u64 compare_exchange(const struct pte_write *w, u64 src, u64 old, cpu_user_regs_t *r)
{
	u64 mask = size_mask(w->size), acc = r->rax & mask;

	set_flags(r, add_flags(acc, old, (acc - old) & mask, w->size, true));
	if (acc == old)
		return src;
	set_reg(&r->rax, old, w->size);
	return old;
}

void pte_write_apply(const struct pte_write *w, u64 old, u64 *new, cpu_user_regs_t *r)
{
	u64 mask = size_mask(w->size), src;

	old &= mask;
	src = (w->has_imm ? w->imm : get_reg(w, r)) & mask;
	switch (w->op) {
	case PTE_OP_NONE: /* never decoded */
	case PTE_OP_MOV:
		*new = src;
		break;
	case PTE_OP_XCHG:
		put_reg(w, r, old);
		*new = src;
		break;
	case PTE_OP_AND:
	case PTE_OP_OR:
	case PTE_OP_XOR:
		*new = w->op == PTE_OP_AND ? old &src : w->op == PTE_OP_OR ? old | src : old ^ src;
		set_flags(r, result_flags(*new, w->size));
		break;
	case PTE_OP_BTS:
	case PTE_OP_BTR:
	case PTE_OP_BTC:
		*new = bit_op(w, src, old, r);
		break;
	case PTE_OP_CMPXCHG:
		*new = compare_exchange(w, src, old, r);
		break;
	case PTE_OP_XADD:
		*new = (old + src) & mask;
		set_flags(r, add_flags(old, src, *new, w->size, false));
		put_reg(w, r, old);
		break;
	}
}
