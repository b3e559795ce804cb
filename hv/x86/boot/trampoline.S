/* SPDX-License-Identifier: MIT */
/*
 * Where the other processors start: copied to a page below 1 MiB, entered in real mode with CS at
 * it. All that it jumps to lies in the image.
 */
#define __ASSEMBLY__
#include "asm-offsets.h"
#include "x86/boot/protocols.h"
#include "x86/layout.h"

#define PA(sym) ((sym) - HV_IMAGE_VIRT)

	.section .init.text, "ax"
	.balign 16
	.globl trampoline_start
trampoline_start:
	.code16
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	gdtr - trampoline_start
	mov	$0x11, %eax /* PE, ET; caches on */
	mov	%eax, %cr0
	ljmpl	$BOOT_CS32, $PA(ap_start32)
gdtr:
	.short BOOT_GDT_LIMIT
	.long PA(boot_gdt) - GDT_OUR_FIRST
	.globl trampoline_end
trampoline_end:

	.code32
ap_start32:
	mov	$HV_DS, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	mov	$PA(ap_start64), %edi
	jmp	enter_long_mode

	.code64
/* Claim the place that waits for somebody, or stop (we came too late). */
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
