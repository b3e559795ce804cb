/* SPDX-License-Identifier: MIT */
/*
 * Where the other processors start: copied to a page below 1 MiB, entered in real mode with CS at
 * it. The fields that depend on where it lies are filled in by smpboot.c.
 */
#define __ASSEMBLY__
#include "asm-offsets.h"
#include "x86/layout.h"

#define AT(label) (label - trampoline_start)

	.section .init.text, "ax"
	.balign 16
	.globl trampoline_start
trampoline_start:
	.code16
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	AT(gdtr)
	mov	AT(trampoline_cr3), %ebx
	lea	AT(trampoline_far64), %ecx
	mov	%cs, %edx
	shl	$4, %edx
	add	%edx, %ecx /* its machine address, for when segments start at 0 */
	mov	%ecx, %ebp
	mov	$0x11, %eax /* PE, ET; caches on */
	mov	%eax, %cr0
	ljmpl	*AT(trampoline_far32)

	.code32
	.globl trampoline_32
trampoline_32:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	mov	$0x620, %eax /* PAE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	%ebx, %cr3
	mov	$0xc0000080, %ecx
	mov	$0x901, %eax /* NX, LME, SCE */
	xor	%edx, %edx
	wrmsr
	mov	$0x80010033, %eax /* PG, WP, NE, ET, MP, PE */
	mov	%eax, %cr0
	ljmpl	*(%ebp)

	.code64
	.globl trampoline_64
trampoline_64:
	movabs	$ap_start64, %rax
	jmp	*%rax

	.balign 8
	.globl trampoline_gdt
trampoline_gdt:
	.quad 0
	.quad 0x00af9b000000ffff /* 64-bit code */
	.quad 0x00cf93000000ffff /* data */
	.quad 0x00cf9b000000ffff /* 32-bit code */
gdt_end:
	.globl trampoline_gdtr_base
gdtr:
	.short gdt_end - trampoline_gdt - 1
trampoline_gdtr_base:
	.long 0
	.balign 4
	.globl trampoline_far32
trampoline_far32:
	.long 0
	.short 0x18
	.balign 4
	.globl trampoline_far64
trampoline_far64:
	.long 0
	.short 0x08
	.balign 4
	.globl trampoline_cr3
trampoline_cr3:
	.long 0
	.globl trampoline_end
trampoline_end:

/* At our own addresses: claim the place that waits for somebody, or stop (we came too late). */
ap_start64:
	lea	idle_l4(%rip), %rax
	movabs	$HV_IMAGE_VIRT, %rcx
	sub	%rcx, %rax
	mov	%rax, %cr3
	xor	%edi, %edi
	xchg	%rdi, ap_expected(%rip)
	test	%rdi, %rdi
	jz	2f
	mov	CPU_info(%rdi), %rsp
	and	$-16, %rsp
	xor	%ebp, %ebp
	call	ap_main
2:	cli
	hlt
	jmp	2b

	.section .note.GNU-stack, "", @progbits
