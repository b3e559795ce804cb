/* SPDX-License-Identifier: MIT */
/*
 * Decoding the privileged instructions that are emulated, and nothing else: pure, runs on the host
 * too.
 */
#include "pv/insn.h"

struct prefixes {
	bool opsize, rep;
	u8 rex;
	unsigned len;
};

/*
 * Legacy prefixes, then at most one REX right before the opcode. LOCK makes every one of these #UD.
 */
static bool skip_prefixes(const u8 *b, unsigned n, struct prefixes *p)
{
	unsigned i;

	*p = (struct prefixes){ 0 };
	for (i = 0; i < n; i++) {
		switch (b[i]) {
		case 0x66:
			p->opsize = true;
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
	if (i < n && (b[i] & 0xf0) == 0x40)
		p->rex = b[i++];
	p->len = i;
	return i < n;
}

static bool decode_io(u8 op, const u8 *b, unsigned n, const struct prefixes *p, struct insn *in)
{
	in->size = op & 1 ? (p->opsize ? 2 : 4) : 1;
	in->out = op & 2;
	switch (op & 0xfc) {
	case 0x6c:
		in->op = INSN_IO_STRING;
		in->rep = p->rep;
		return true;
	case 0xe4:
		if (n < 2)
			return false;
		in->imm = b[1];
		in->imm_port = true;
		in->len++;
		break;
	case 0xec:
		break;
	}
	in->op = INSN_IO;
	return true;
}

static bool decode_0f01(u8 modrm, struct insn *in)
{
	in->len++;
	if (modrm == 0xd1)
		in->op = INSN_XSETBV;
	else if (modrm == 0xf9)
		in->op = INSN_RDTSCP;
	else
		return false;
	return true;
}

static bool decode_0f(const u8 *b, unsigned n, const struct prefixes *p, struct insn *in)
{
	in->len++;
	switch (b[1]) {
	case 0x01:
		return n >= 3 && decode_0f01(b[2], in);
	case 0x06:
		in->op = INSN_CLTS;
		return true;
	case 0x09:
		in->op = INSN_WBINVD;
		return true;
	case 0x20 ... 0x23: /* the mod field is ignored by the processor: always registers */
		if (n < 3)
			return false;
		in->op = (enum insn_op[]){ INSN_MOV_FROM_CR, INSN_MOV_FROM_DR, INSN_MOV_TO_CR,
					   INSN_MOV_TO_DR }[b[1] - 0x20];
		in->reg = (b[2] >> 3 & 7) | (p->rex & 4 ? 8 : 0);
		in->rm = (b[2] & 7) | (p->rex & 1 ? 8 : 0);
		in->len++;
		return true;
	case 0x30:
		in->op = INSN_WRMSR;
		return true;
	case 0x31:
		in->op = INSN_RDTSC;
		return true;
	case 0x32:
		in->op = INSN_RDMSR;
		return true;
	case 0xa2:
		in->op = INSN_CPUID;
		return true;
	}
	return false;
}

bool insn_decode(const u8 *bytes, unsigned n, struct insn *in)
{
	struct prefixes p;
	const u8 *b;

	if (!skip_prefixes(bytes, n, &p))
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
