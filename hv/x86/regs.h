/* SPDX-License-Identifier: MIT */
/* Guest registers by the number an instruction gives them. */
#ifndef X86_REGS_H
#define X86_REGS_H

#include "core/arch_state.h"

/* n: 0-15, REX included. */
static inline u64 *regs_gpr(cpu_user_regs_t *r, unsigned n)
{
	static const u8 at[16] = {
		offsetof(cpu_user_regs_t, rax), offsetof(cpu_user_regs_t, rcx),
		offsetof(cpu_user_regs_t, rdx), offsetof(cpu_user_regs_t, rbx),
		offsetof(cpu_user_regs_t, rsp), offsetof(cpu_user_regs_t, rbp),
		offsetof(cpu_user_regs_t, rsi), offsetof(cpu_user_regs_t, rdi),
		offsetof(cpu_user_regs_t, r8),  offsetof(cpu_user_regs_t, r9),
		offsetof(cpu_user_regs_t, r10), offsetof(cpu_user_regs_t, r11),
		offsetof(cpu_user_regs_t, r12), offsetof(cpu_user_regs_t, r13),
		offsetof(cpu_user_regs_t, r14), offsetof(cpu_user_regs_t, r15),
	};
	return (u64 *)((u8 *)r + at[n & 15]);
}

#endif
