/* SPDX-License-Identifier: MIT */
/*
 * Where the compiler goes by an indirect branch, it calls or jumps to the thunk of the register. A guest may have taught
 * the processor where such a branch leads: a RET goes by the return stack instead, whose top is then a loop.
 */
#include "x86/patch-asm.h"

	.text
.irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	.globl __x86_indirect_thunk_\reg
	.balign 32
__x86_indirect_thunk_\reg:
	ALT_OLD
	jmp *%\reg
	ALT_NEW FEAT_RETPOLINE
	call 2f
1:	pause
	lfence
	jmp 1b
2:	mov %\reg, (%rsp)
	ret
.endr

	.section .note.GNU-stack, "", @progbits
