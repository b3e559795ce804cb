/* SPDX-License-Identifier: MIT */
/*
 * The decoder of page-table writes against the assembler, and its execution against this
 * processor.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "paging/decode.h"

struct good {
	const char *code;
	unsigned len;
	enum pte_op op;
	unsigned size;
	int reg;
	s64 imm;
	bool at_rdi;
};
struct bad {
	const char *code;
	unsigned len;
};
#define T(op, size, reg, imm, code)                                                                \
	{                                                                                          \
		code, sizeof(code) - 1, PTE_OP_##op, size, reg, imm, false                         \
	}
#define H(op, size, reg, imm, code)                                                                \
	{                                                                                          \
		code, sizeof(code) - 1, PTE_OP_##op, size, reg, imm, true                          \
	}
#include "decode_table.h"

static const char *name(const struct good *g)
{
	static char text[64];

	for (unsigned i = 0; i < g->len; i++)
		sprintf(text + 3 * i, "%02x ", (u8)g->code[i]);
	return text;
}

static bool decode(const char *code, unsigned len, struct pte_write *w)
{
	u8 buf[15];

	memset(buf, 0x90, sizeof(buf));
	memcpy(buf, code, len);
	return pte_write_decode(buf, sizeof(buf), w);
}

Test(decode, table)
{
	for (unsigned i = 0; i < ARRAY_SIZE(good_table); i++) {
		const struct good *g = &good_table[i];
		bool high = g->reg >= 16;
		struct pte_write w;

		cr_assert(decode(g->code, g->len, &w), "%s", name(g));
		cr_assert_eq(w.len, g->len, "%s: length %u", name(g), w.len);
		cr_assert_eq(w.op, g->op, "%s: operation %u", name(g), w.op);
		cr_assert_eq(w.size, g->size, "%s: size %u", name(g), w.size);
		cr_assert_eq(w.has_imm, g->reg < 0, "%s", name(g));
		if (g->reg < 0)
			cr_assert_eq((s64)w.imm, g->imm, "%s: immediate %lx", name(g), w.imm);
		else
			cr_assert(w.high8 == high && w.reg == (high ? g->reg - 12 : g->reg),
				  "%s: register %u", name(g), w.reg);
	}
}

Test(decode, cut_off)
{
	for (unsigned i = 0; i < ARRAY_SIZE(good_table); i++) {
		const struct good *g = &good_table[i];
		struct pte_write w;
		u8 *code = malloc(
			g->len); /* exactly so long: reading beyond is found by the sanitizer */

		memcpy(code, g->code, g->len);
		cr_assert(pte_write_decode(code, g->len, &w), "%s", name(g));
		free(code);
		for (unsigned n = 0; n < g->len; n++) {
			code = malloc(n ? n : 1);
			memcpy(code, g->code, n);
			cr_assert_not(pte_write_decode(code, n, &w), "%s cut off at %u", name(g),
				      n);
			free(code);
		}
	}
}

Test(decode, refused)
{
	for (unsigned i = 0; i < ARRAY_SIZE(bad_table); i++) {
		struct good g = { bad_table[i].code, bad_table[i].len, 0, 0, 0, 0, false };
		struct pte_write w;

		cr_assert_not(decode(g.code, g.len, &w), "%s", name(&g));
	}
}

/* Which opcodes are accepted with a memory operand at [rdi], whatever is in the reg field. */
static bool listed(unsigned map, unsigned opcode, unsigned sub, bool lock)
{
	if (map)
		switch (opcode) {
		case 0xab:
		case 0xb0:
		case 0xb1:
		case 0xb3:
		case 0xbb:
		case 0xc0:
		case 0xc1:
			return true;
		case 0xba:
			return sub >= 5;
		default:
			return false;
		}
	switch (opcode) {
	case 0x08:
	case 0x09:
	case 0x20:
	case 0x21:
	case 0x30:
	case 0x31:
	case 0x86:
	case 0x87:
		return true;
	case 0x88:
	case 0x89:
		return !lock;
	case 0xc6:
	case 0xc7:
		return !lock && sub == 0;
	case 0x80:
	case 0x81:
	case 0x83:
		return sub == 1 || sub == 4 || sub == 6;
	default:
		return false;
	}
}

Test(decode, every_opcode)
{
	for (unsigned n = 0; n < 2 * 256 * 8 * 2 * 4; n++) {
		unsigned map = n & 1, opcode = n >> 1 & 0xff, sub = n >> 9 & 7, lock = n >> 12 & 1,
			 at = 0;
		u8 code[15] = { 0 };
		struct pte_write w;

		if (!map && (opcode == 0x0f || (opcode & 0xf0) == 0x40 || opcode == 0x66 ||
			     opcode == 0x67 || opcode == 0xf0 || (opcode & 0xe7) == 0x26 ||
			     opcode == 0x64 || opcode == 0x65))
			continue; /* a prefix */
		if (lock)
			code[at++] = 0xf0;
		if (n >> 13 & 1)
			code[at++] = 0x66;
		if (n >> 14 & 1)
			code[at++] = 0x48;
		if (map)
			code[at++] = 0x0f;
		code[at++] = opcode;
		code[at++] = 7 | sub << 3;
		cr_assert_eq(pte_write_decode(code, sizeof(code), &w),
			     listed(map, opcode, sub, lock), "map %u opcode %02x /%u lock %u", map,
			     opcode, sub, lock);
		code[at - 1] |= 0xc0;
		cr_assert_not(pte_write_decode(code, sizeof(code), &w),
			      "map %u opcode %02x: register", map, opcode);
	}
}

/* Fifteen bytes are the most an instruction has. */
Test(decode, long_prefixes)
{
	u8 code[15];
	struct pte_write w;

	memset(code, 0x3e, sizeof(code));
	cr_assert_not(pte_write_decode(code, 15, &w));
	memcpy(code + 12, "\x48\x89\x07", 3);
	cr_assert(pte_write_decode(code, 15, &w) && w.len == 15);
	cr_assert_not(pte_write_decode(code, 14, &w));
	cr_assert_not(pte_write_decode(code, 0, &w));
}

/* ---- execution: the same instruction here and there ---- */

struct native {
	u64 rax, rcx, rdx, rbx, rsi, r8, r9, r15, flags, mem;
	void *code;
};
void run_native(struct native *n);
__asm__(".pushsection .text; run_native: push %rbx; push %rbp; push %r12; push %r13; push %r14; "
	"push %r15\n"
	"mov %rdi, %rbp; mov 0(%rbp), %rax; mov 8(%rbp), %rcx; mov 16(%rbp), %rdx; mov 24(%rbp), "
	"%rbx\n"
	"mov 32(%rbp), %rsi; mov 40(%rbp), %r8; mov 48(%rbp), %r9; mov 56(%rbp), %r15\n"
	"lea 72(%rbp), %rdi; push 64(%rbp); popfq; call *80(%rbp); pushfq; pop 64(%rbp)\n"
	"mov %rax, 0(%rbp); mov %rcx, 8(%rbp); mov %rdx, 16(%rbp); mov %rbx, 24(%rbp)\n"
	"mov %rsi, 32(%rbp); mov %r8, 40(%rbp); mov %r9, 48(%rbp); mov %r15, 56(%rbp); cld\n"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret; .popsection");

#define CF BIT(0)
#define AF BIT(4)
#define ALL_FLAGS 0x8d5UL

/* Flags that the manual defines after the operation. */
static u64 defined(enum pte_op op)
{
	switch (op) {
	case PTE_OP_AND:
	case PTE_OP_OR:
	case PTE_OP_XOR:
		return ALL_FLAGS & ~AF;
	case PTE_OP_BTS:
	case PTE_OP_BTR:
	case PTE_OP_BTC:
		return CF;
	default:
		return ALL_FLAGS;
	}
}

static u64 chance(void)
{
	static u64 x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	switch (x & 7) {
	case 0:
		return 0;
	case 1:
		return ~0UL;
	case 2:
		return x >> 60;
	default:
		return x * 0x2545f4914f6cdd1d;
	}
}

static u64 *native_reg(struct native *n, int reg)
{
	u64 *const regs[16] = { &n->rax, &n->rcx, &n->rdx, &n->rbx, NULL, NULL, &n->rsi, NULL,
				&n->r8,  &n->r9,  NULL,    NULL,    NULL, NULL, NULL,    &n->r15 };

	return reg < 0 ? &n->rax : regs[reg >= 16 ? reg - 16 : reg];
}

static void once(const struct good *g, const struct pte_write *w, void *code)
{
	struct native n = { chance(), chance(), chance(),
			    chance(), chance(), chance(),
			    chance(), chance(), (chance() & ALL_FLAGS) | 0x202,
			    chance(), code };
	u64 mask = g->size == 8 ? ~0UL : (1UL << 8 * g->size) - 1, new, before;
	cpu_user_regs_t r = { 0 };

	if (g->op == PTE_OP_BTS || g->op == PTE_OP_BTR || g->op == PTE_OP_BTC)
		*native_reg(&n, g->reg) &= 8 * g->size - 1; /* beyond, it addresses other memory */
	if (g->op == PTE_OP_CMPXCHG && (n.mem & 2))
		n.rax = (n.rax & ~mask) | (n.mem & mask);
	r.rax = n.rax, r.rcx = n.rcx, r.rdx = n.rdx, r.rbx = n.rbx, r.rsi = n.rsi, r.r8 = n.r8,
	r.r9 = n.r9;
	r.r15 = n.r15, r.rflags = n.flags, r.rip = 0x1234;
	before = n.mem;
	run_native(&n);
	pte_write_apply(w, before & mask, &new, &r);
	cr_assert_eq((before & ~mask) | (new &mask), n.mem, "%s: %lx becomes %lx, not %lx", name(g),
		     before, new, n.mem);
	cr_assert(r.rax == n.rax && r.rcx == n.rcx && r.rdx == n.rdx && r.rbx == n.rbx &&
			  r.rsi == n.rsi && r.r8 == n.r8 && r.r9 == n.r9 && r.r15 == n.r15 &&
			  r.rip == 0x1234,
		  "%s: registers differ", name(g));
	cr_assert_eq((r.rflags ^ n.flags) & defined(g->op), 0, "%s: flags %lx, not %lx", name(g),
		     r.rflags, n.flags);
}

Test(decode, executes_like_the_processor)
{
	u8 *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	unsigned tried = 0;

	cr_assert_neq(page, MAP_FAILED);
	for (unsigned i = 0; i < ARRAY_SIZE(good_table); i++) {
		const struct good *g = &good_table[i];
		struct pte_write w;

		cr_assert(decode(g->code, g->len, &w));
		if (!g->at_rdi || !native_reg(&(struct native){ 0 }, g->reg))
			continue;
		memcpy(page, g->code, g->len);
		page[g->len] = 0xc3;
		for (unsigned k = 0; k < 200; k++)
			once(g, &w, page);
		tried++;
	}
	cr_assert_gt(tried, 300, "only %u instructions", tried);
	munmap(page, 4096);
}
