/* SPDX-License-Identifier: MIT */
/* Where a far jump to the hypervisor's code segment would land. */
	.text
	.globl far_insns
far_insns:
	mov	%cs, %eax
	ud2
	.section .note.GNU-stack, "", @progbits
