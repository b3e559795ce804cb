/* SPDX-License-Identifier: MIT */
/* The shortest handlers there can be. Frames: rcx, r11, [error code], rip, cs, rflags, rsp, ss. */
#include <xen/arch-x86.h>
#include "layout.h"

.macro IRET
	push	%rcx
	push	%r11
	push	%rax
	mov	$23, %eax
	syscall
	ud2
.endm

	.text
	.globl ud_entry				/* skip the instruction */
ud_entry:
	pop	%rcx
	pop	%r11
	addq	$2, (%rsp)
	push	$0
	IRET

	.globl fault_entry			/* fix_fault() maps the page */
fault_entry:
	.irp	r, rax, rdi, rsi, rdx, r8, r9, r10
	push	%\r
	.endr
	call	fix_fault
	.irp	r, r10, r9, r8, rdx, rsi, rdi, rax
	pop	%\r
	.endr
	pop	%rcx
	pop	%r11
	add	$8, %rsp
	push	$0
	IRET

	.globl user_fault_entry			/* skip the instruction */
user_fault_entry:
	pop	%rcx
	pop	%r11
	add	$8, %rsp
	addq	$7, (%rsp)
	push	$0
	IRET

	.globl upcall_entry			/* nothing is pending any more */
upcall_entry:
	push	%rax
	mov	bench_shared(%rip), %rax
	movb	$0, (%rax)
	movq	$0, 8(%rax)
	movq	$0, 2048(%rax)
	pop	%rax
	pop	%rcx
	pop	%r11
	push	$0
	IRET

	.globl quick_syscall			/* rax 0: back at once; else leave user_loop() */
quick_syscall:
	pop	%rcx
	pop	%r11
	test	%rax, %rax
	jnz	1f
	push	$0x100				/* VGCF_in_syscall */
	IRET
1:	mov	saved_rsp(%rip), %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.globl user_loop			/* n system calls of user mode */
user_loop:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, saved_rsp(%rip)
	mov	%rdi, %rbx
	push	$FLAT_USER_SS
	push	$0x401f00
	push	$0x202
	push	$FLAT_USER_CS
	push	$0x400000			/* USER_CODE */
	push	$0
	IRET

	.globl user_begin, user_end
user_begin:
1:	xor	%eax, %eax
	syscall
	dec	%rbx
	jnz	1b
	inc	%eax
	syscall
user_end:

	.globl faulter_begin, faulter_end
faulter_begin:					/* the same with faults */
1:	movb	%al, 0xfff			/* 7 bytes */
	dec	%ebx
	jnz	1b
	mov	$1, %eax
	syscall
faulter_end:

	.data
	.globl bench_shared
bench_shared:
	.quad	0
saved_rsp:
	.quad	0
	.section .note.GNU-stack, "", @progbits
