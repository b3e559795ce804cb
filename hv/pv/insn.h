/* SPDX-License-Identifier: MIT */
/* Decoding the privileged instructions that are emulated, and nothing else. */
#ifndef PV_INSN_H
#define PV_INSN_H

#include "lib/base.h"

enum insn_op {
	INSN_NONE, /* not on the list */
	INSN_IO,
	INSN_IO_STRING,
	INSN_CLI,
	INSN_STI,
	INSN_CLTS,
	INSN_WBINVD,
	INSN_MOV_FROM_CR,
	INSN_MOV_TO_CR,
	INSN_MOV_FROM_DR,
	INSN_MOV_TO_DR,
	INSN_RDMSR,
	INSN_WRMSR,
	INSN_RDTSC,
	INSN_RDTSCP,
	INSN_XSETBV,
	INSN_CPUID,
};

struct insn {
	enum insn_op op;
	u8 len;
	u8 size;       /* of an I/O access: 1, 2, 4 */
	bool out;      /* OUT or OUTS */
	bool imm_port; /* the port is `imm` */
	bool rep;
	u8 imm;
	u8 reg, rm; /* control or debug register, general register */
};

/* Decode n bytes (at most 15). false: not on the list, or cut off. */
bool insn_decode(const u8 *bytes, unsigned n, struct insn *in);

#endif
