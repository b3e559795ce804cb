/* SPDX-License-Identifier: MIT */
/*
 * The privileged instructions that are emulated: all one- and two-byte opcodes, with prefixes and
 * every ModRM, are offered, and exactly the documented list is accepted.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pv/insn.h"

/*
 * What the list says about an opcode: whether it is on it, as what, and how many bytes follow the
 * opcode.
 */
struct expected {
	bool accepted;
	enum insn_op op;
	unsigned more;
};

static struct expected one_byte(u8 opcode)
{
	switch (opcode) {
	case 0x6c:
	case 0x6d:
	case 0x6e:
	case 0x6f:
		return (struct expected){ true, INSN_IO_STRING, 0 };
	case 0xe4:
	case 0xe5:
	case 0xe6:
	case 0xe7:
		return (struct expected){ true, INSN_IO, 1 };
	case 0xec:
	case 0xed:
	case 0xee:
	case 0xef:
		return (struct expected){ true, INSN_IO, 0 };
	case 0xfa:
		return (struct expected){ true, INSN_CLI, 0 };
	case 0xfb:
		return (struct expected){ true, INSN_STI, 0 };
	default:
		return (struct expected){ false, 0, 0 };
	}
}

static struct expected two_byte(u8 opcode, u8 modrm)
{
	switch (opcode) {
	case 0x01:
		if (modrm == 0xd1)
			return (struct expected){ true, INSN_XSETBV, 1 };
		return (struct expected){ modrm == 0xf9, INSN_RDTSCP, 1 };
	case 0x06:
		return (struct expected){ true, INSN_CLTS, 0 };
	case 0x09:
		return (struct expected){ true, INSN_WBINVD, 0 };
	case 0x20:
		return (struct expected){ true, INSN_MOV_FROM_CR, 1 };
	case 0x21:
		return (struct expected){ true, INSN_MOV_FROM_DR, 1 };
	case 0x22:
		return (struct expected){ true, INSN_MOV_TO_CR, 1 };
	case 0x23:
		return (struct expected){ true, INSN_MOV_TO_DR, 1 };
	case 0x30:
		return (struct expected){ true, INSN_WRMSR, 0 };
	case 0x31:
		return (struct expected){ true, INSN_RDTSC, 0 };
	case 0x32:
		return (struct expected){ true, INSN_RDMSR, 0 };
	case 0xa2:
		return (struct expected){ true, INSN_CPUID, 0 };
	default:
		return (struct expected){ false, 0, 0 };
	}
}

static bool is_prefix(u8 b)
{
	return b == 0x66 || b == 0x67 || b == 0xf2 || b == 0xf3 || (b & 0xe7) == 0x26 ||
	       (b & 0xfe) == 0x64 || (b & 0xf0) == 0x40;
}

static const char *text(const u8 *code, unsigned n)
{
	static char buf[64];

	buf[0] = 0;
	for (unsigned i = 0; i < n; i++)
		sprintf(buf + 3 * i, "%02x ", code[i]);
	return buf;
}

/* Legacy prefixes, then REX or 0. */
static const struct prefix {
	u8 bytes[4];
	u8 n, rex;
} prefixes[] = {
	{ { 0 }, 0, 0 },
	{ { 0x66 }, 1, 0 },
	{ { 0xf3 }, 1, 0 },
	{ { 0xf2 }, 1, 0 },
	{ { 0x67 }, 1, 0 },
	{ { 0x2e }, 1, 0 },
	{ { 0x36 }, 1, 0 },
	{ { 0x3e }, 1, 0 },
	{ { 0x26 }, 1, 0 },
	{ { 0x64 }, 1, 0 },
	{ { 0x65 }, 1, 0 },
	{ { 0x66, 0xf3 }, 2, 0 },
	{ { 0xf3, 0x66 }, 2, 0 },
	{ { 0x66, 0x66, 0xf2 }, 3, 0 },
	{ { 0 }, 0, 0x40 },
	{ { 0 }, 0, 0x41 },
	{ { 0 }, 0, 0x44 },
	{ { 0 }, 0, 0x45 },
	{ { 0 }, 0, 0x48 },
	{ { 0 }, 0, 0x4f },
	{ { 0x66 }, 1, 0x48 },
	{ { 0xf3 }, 1, 0x48 },
	{ { 0x66, 0xf3 }, 2, 0x4d },
};

static bool has(const struct prefix *p, u8 b)
{
	return memchr(p->bytes, b, p->n) != NULL;
}

static void check_fields(const struct prefix *p, u8 opcode, const u8 *after, const struct insn *in,
			 const char *t)
{
	unsigned size = opcode & 1 ? (has(p, 0x66) ? 2 : 4) : 1;

	switch (in->op) {
	case INSN_IO:
		cr_assert_eq(in->size, size, "%s: size %u", t, in->size);
		cr_assert_eq(in->out, !!(opcode & 2), "%s", t);
		cr_assert_eq(in->imm_port, opcode < 0xe8, "%s", t);
		cr_assert(!in->imm_port || in->imm == after[0], "%s: port %u", t, in->imm);
		break;
	case INSN_IO_STRING:
		cr_assert_eq(in->size, size, "%s: size %u", t, in->size);
		cr_assert_eq(in->out, !!(opcode & 2), "%s", t);
		cr_assert_eq(in->rep, has(p, 0xf2) || has(p, 0xf3), "%s", t);
		break;
	case INSN_MOV_FROM_CR:
	case INSN_MOV_TO_CR:
	case INSN_MOV_FROM_DR:
	case INSN_MOV_TO_DR:
		cr_assert_eq(in->reg, (after[0] >> 3 & 7) | (p->rex & 4 ? 8 : 0), "%s: register %u",
			     t, in->reg);
		cr_assert_eq(in->rm, (after[0] & 7) | (p->rex & 1 ? 8 : 0), "%s: register %u", t,
			     in->rm);
		break;
	default:
		break;
	}
}

/* One instruction, whole and cut off everywhere, from memory that ends where it does. */
static void offer(const struct prefix *p, bool two, u8 opcode, u8 modrm)
{
	struct expected e = two ? two_byte(opcode, modrm) : one_byte(opcode);
	u8 code[15] = { 0 };
	struct insn in;
	unsigned n = p->n, end;

	memcpy(code, p->bytes, n);
	if (p->rex)
		code[n++] = p->rex;
	if (two)
		code[n++] = 0x0f;
	code[n++] = opcode;
	memset(code + n, modrm, 3);
	end = n + e.more;
	cr_assert_eq(insn_decode(code, sizeof(code), &in), e.accepted, "%s", text(code, n + 1));
	if (!e.accepted)
		return;
	cr_assert_eq(in.op, e.op, "%s: %u", text(code, end), in.op);
	cr_assert_eq(in.len, end, "%s: length %u", text(code, end), in.len);
	check_fields(p, opcode, code + n, &in, text(code, end));
	for (unsigned cut = 0; cut <= end; cut++) {
		u8 *exact = malloc(cut ? cut : 1);

		memcpy(exact, code, cut);
		cr_assert_eq(insn_decode(exact, cut, &in), cut == end, "%s cut off at %u",
			     text(code, end), cut);
		free(exact);
	}
}

Test(insn, every_opcode)
{
	for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++)
		for (unsigned opcode = 0; opcode < 256; opcode++)
			for (unsigned modrm = 0; modrm < 256; modrm++) {
				if (!is_prefix(opcode) && opcode != 0x0f)
					offer(&prefixes[i], false, opcode, modrm);
				offer(&prefixes[i], true, opcode, modrm);
			}
}

/* With LOCK every one of them is #UD; a REX counts only right before the opcode. */
Test(insn, lock_and_misplaced_rex)
{
	struct insn in;

	for (unsigned opcode = 0; opcode < 256; opcode++) {
		u8 locked[15] = { 0xf0, opcode, 0xd1 }, locked2[15] = { 0xf0, 0x0f, opcode, 0xd1 };
		u8 early[15] = { 0x44, 0x66, 0x0f, 0x20, 0xc0 };

		cr_assert_not(insn_decode(locked, 15, &in), "lock %02x", opcode);
		cr_assert_not(insn_decode(locked2, 15, &in), "lock 0f %02x", opcode);
		cr_assert(!insn_decode(early, 15, &in) || in.reg == 0);
	}
}

/* Three-byte maps, VEX and EVEX are not on the list, nor is anything longer than fifteen bytes. */
Test(insn, elsewhere)
{
	static const u8 starts[][3] = {
		{ 0x0f, 0x38 }, { 0x0f, 0x3a }, { 0xc4, 0xe1 }, { 0xc5, 0xf8 }, { 0x62, 0xf1 }
	};
	u8 code[15];
	struct insn in;

	for (unsigned i = 0; i < ARRAY_SIZE(starts); i++)
		for (unsigned b = 0; b < 65536; b++) {
			memcpy(code, starts[i], 2);
			code[2] = b;
			code[3] = b >> 8;
			memset(code + 4, 0, 11);
			cr_assert_not(insn_decode(code, 15, &in), "%s", text(code, 4));
		}
	memset(code, 0x66, sizeof(code));
	cr_assert_not(insn_decode(code, 15, &in));
	memcpy(code + 13, "\x0f\x31", 2);
	cr_assert(insn_decode(code, 15, &in) && in.len == 15);
	cr_assert_not(insn_decode(code, 14, &in));
	cr_assert_not(insn_decode(code, 0, &in));
}
