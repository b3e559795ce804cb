/* SPDX-License-Identifier: MIT */
/*
 * Decoding the privileged instructions that are emulated, and nothing else: pure, runs on the host
 * too.
 */
#include "pv/insn.h"

#include "paging/decode.h"

static bool decode_io(u8 op, const u8 *b, unsigned n, const struct insn_prefixes *p,
		      struct insn *in)
{
	in->size = op & 1 ? (p->opsize ? 2 : 4) : 1;
	in->out = op & 2;
	in->op = INSN_IO;
	if (op < 0x70) {
		in->op = INSN_IO_STRING;
		in->rep = p->rep;
	} else if (op < 0xe8) {
		if (n < 2)
			return false;
		in->imm = b[1];
		in->imm_port = true;
		in->len++;
	}
	return true;
}

static bool decode_0f(const u8 *b, unsigned n, const struct insn_prefixes *p, struct insn *in)
{
	static const u8 ops[256] = {
		[0x06] = INSN_CLTS,        [0x09] = INSN_WBINVD,    [0x20] = INSN_MOV_FROM_CR,
		[0x21] = INSN_MOV_FROM_DR, [0x22] = INSN_MOV_TO_CR, [0x23] = INSN_MOV_TO_DR,
		[0x30] = INSN_WRMSR,       [0x31] = INSN_RDTSC,     [0x32] = INSN_RDMSR,
		[0xa2] = INSN_CPUID,
	};

	in->len++;
	in->op = ops[b[1]];
	if (b[1] != 0x01 && b[1] >> 2 != 0x20 >> 2)
		return in->op;
	/* A byte more: the mod field of a move is ignored by the processor, it means registers always. */
	if (n < 3)
		return false;
	in->len++;
	in->reg = (b[2] >> 3 & 7) | (p->rex & 4 ? 8 : 0);
	in->rm = (b[2] & 7) | (p->rex & 1 ? 8 : 0);
	if (b[1] == 0x01)
		in->op = b[2] == 0xd1 ? INSN_XSETBV : b[2] == 0xf9 ? INSN_RDTSCP : INSN_NONE;
	return in->op;
}

bool insn_decode(const u8 *bytes, unsigned n, struct insn *in)
{
	struct insn_prefixes p;
	const u8 *b;

	if (!insn_prefixes(bytes, n, &p) || p.lock) /* #UD with any of these */
		return false;
	b = bytes + p.len;
	n -= p.len;
	*in = (struct insn){ .len = p.len + 1 };
	switch (b[0]) {
	case 0x0f:
		return n >= 2 && decode_0f(b, n, &p, in);
	case 0x6c ... 0x6f:
	case 0xe4 ... 0xe7:
	case 0xec ... 0xef:
		return decode_io(b[0], b, n, &p, in);
	case 0xfa:
		in->op = INSN_CLI;
		return true;
	case 0xfb:
		in->op = INSN_STI;
		return true;
	}
	return false;
}
