/* SPDX-License-Identifier: MIT */
/* Entry points of a test guest: start, traps, callbacks, return by iret; and its ELF notes. */
#include <xen/elfnote.h>
#include <xen/arch-x86.h>
#include "layout.h"

#define HC_IRET 23

/*
 * End of every way back: rip, cs, rflags, rsp, ss lie on the stack. Direct calls push what the
 * stub of the hypercall page would have pushed.
 */
#ifdef HYPERCALL_PAGE
#define DO_IRET jmp hypercall_page + HC_IRET * 32
#else
#define DO_IRET push %rcx; push %r11; push %rax; mov $HC_IRET, %eax; syscall; ud2
#endif

	.text
	.globl _start
_start:
	cld
	lea	stacks + GUEST_STACK(%rip), %rsp
	mov	%rsi, %rdi
	xor	%ebp, %ebp
	call	guest_start
	ud2

	.globl cpu_entry			/* a further vCPU: its stack was set for it */
cpu_entry:
	cld
	xor	%ebp, %ebp
	call	cpu_main
	ud2

/* 256 exception and interrupt stubs, 16 bytes each. */
	.balign 16
	.globl trap_stubs
trap_stubs:
	vector = 0
	.rept 256
	.balign 16
	push	$vector
	.if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21)
	jmp	trap_common
	.else
	jmp	trap_noerr
	.endif
	vector = vector + 1
	.endr
	.balign 16

	.macro callback name, number
	.globl \name
\name:
	push	$\number
	jmp	trap_noerr
	.endm
	callback syscall_entry, 0x100
	callback syscall32_entry, 0x101
	callback sysenter_entry, 0x102
	callback event_entry, 0x103
	callback nmi_entry, 0x105

	.globl failsafe_entry
failsafe_entry:					/* rcx, r11, ds, es, fs, gs, rip, ... */
	mov	%rax, failsafe_rax(%rip)
	.irp	off, 0, 8, 16, 24
	mov	16 + \off(%rsp), %rax
	mov	%rax, failsafe_sel + \off(%rip)
	.endr
	mov	failsafe_rax(%rip), %rax
	pop	%rcx
	pop	%r11
	add	$32, %rsp
	push	%r11
	push	%rcx
	push	$0x104
	jmp	trap_noerr

trap_noerr:					/* vec, rcx, r11, rip: make room for an error code */
	push	(%rsp)
	mov	16(%rsp), %rcx
	mov	%rcx, 8(%rsp)
	mov	24(%rsp), %rcx
	mov	%rcx, 16(%rsp)
	movq	$-1, 24(%rsp)
trap_common:
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	mov	%rsp, %rbx
	and	$-16, %rsp
	call	trap_c
	mov	%rbx, %rsp
	.globl frame_return
frame_return:					/* RSP: a struct frame */
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rdx
	pop	%rsi
	pop	%rdi
	add	$8, %rsp
	pop	%rcx
	pop	%r11
	add	$8, %rsp
	push	$0
	DO_IRET

	.globl frame_load			/* frame_load(frame): become what it says */
frame_load:
	mov	%rdi, %rsp
	jmp	frame_return

	.globl raw_iret				/* raw_iret(iret_context) */
raw_iret:
	mov	%rdi, %rsp
#ifdef HYPERCALL_PAGE
	pop	%rax
	pop	%r11
	pop	%rcx
	jmp	hypercall_page + HC_IRET * 32
#else
	mov	$HC_IRET, %eax
	syscall
	ud2
#endif

	.globl jump_set				/* 0 now, 1 after jump_to() */
jump_set:
	mov	%rbx, 0(%rdi)
	mov	%rbp, 8(%rdi)
	mov	%r12, 16(%rdi)
	mov	%r13, 24(%rdi)
	mov	%r14, 32(%rdi)
	mov	%r15, 40(%rdi)
	lea	8(%rsp), %rax
	mov	%rax, 48(%rdi)
	mov	(%rsp), %rax
	mov	%rax, 56(%rdi)
	xor	%eax, %eax
	ret

	.globl jump_to
jump_to:
	mov	0(%rdi), %rbx
	mov	8(%rdi), %rbp
	mov	16(%rdi), %r12
	mov	24(%rdi), %r13
	mov	32(%rdi), %r14
	mov	40(%rdi), %r15
	mov	48(%rdi), %rsp
	mov	$1, %eax
	cld
	jmp	*56(%rdi)

#ifdef HYPERCALL_PAGE
	.balign 4096
	.globl hypercall_page
hypercall_page:
	.space	4096, 0x90
#endif

	.data
failsafe_rax:
	.quad	0
	.globl failsafe_sel
failsafe_sel:
	.quad	0, 0, 0, 0

	.section .bss.page, "aw", @nobits
	.balign 32768				/* this_cpu() depends on it */
	.globl stacks
stacks:
	.space	GUEST_STACK * GUEST_CPUS

	.macro	note type, value:vararg
	.balign 4
	.long	4, 2f - 1f, \type
	.asciz	"Xen"
1:	\value
2:	.balign 4
	.endm
	.section .note.Xen, "a", @note
	note XEN_ELFNOTE_GUEST_OS, .asciz "pavise-test"
	note XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
	note XEN_ELFNOTE_VIRT_BASE, .quad GUEST_BASE
	note XEN_ELFNOTE_PADDR_OFFSET, .quad 0
	note XEN_ELFNOTE_ENTRY, .quad _start
#ifdef HYPERCALL_PAGE
	note XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
#endif
	note XEN_ELFNOTE_LOADER, .asciz "generic"
	note XEN_ELFNOTE_FEATURES, .asciz "!writable_page_tables|pae_pgdir_above_4gb"
	note XEN_ELFNOTE_SUPPORTED_FEATURES, .long 0x801 /* writable_page_tables, dom0 */
	.section .note.GNU-stack, "", @progbits
