/* SPDX-License-Identifier: MIT */
/*
 * First instructions: multiboot 1 and 2 and PVH all enter here in 32-bit protected mode, paging
 * off. Checks that the processor has long mode and NX, maps the first 4 GiB (identity, direct map,
 * image), enters 64-bit mode at the image's own addresses and calls hv_start(magic, info).
 */
#define __ASSEMBLY__
#include "x86/layout.h"
#include "x86/boot/protocols.h"

#define PA(sym) ((sym) - HV_IMAGE_VIRT) /* paging is off: machine addresses */

	.section .head, "ax"
	.code32

	.balign 4
	.long MB1_HEADER_MAGIC
	.long MB1_HEADER_FLAGS
	.long -(MB1_HEADER_MAGIC + MB1_HEADER_FLAGS)

	.balign 8
mb2_header:
	.long MB2_HEADER_MAGIC
	.long 0 /* i386 protected mode */
	.long mb2_header_end - mb2_header
	.long -(MB2_HEADER_MAGIC + (mb2_header_end - mb2_header))
	.balign 8
	.short 6, 0 /* modules on page boundaries */
	.long 8
	.balign 8
	.short 0, 0 /* end */
	.long 8
mb2_header_end:

	.globl start_pvh
start_pvh:
	mov	$PVH_START_MAGIC, %eax
	.globl start32
start32:
	cli
	cld
	mov	%eax, %ebp /* the loader's magic, kept to the end */
	mov	%ebx, %esi /* what it left for us */
	lgdt	PA(boot_gdtr)
	mov	$HV_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$PA(boot_stack_end), %esp
	ljmp	$BOOT_CS32, $PA(1f)
1:
	/* Long mode, NX. The rest is checked in C: Intel shows SYSCALL only in 64-bit mode. */
	mov	$0x80000000, %eax
	cpuid
	cmp	$0x80000001, %eax
	jb	no_long_mode
	mov	$0x80000001, %eax
	cpuid
	bt	$29, %edx
	jnc	no_long_mode
	bt	$20, %edx
	jnc	no_nx

	/* Zeros for all that is not in the file: not every loader sees to it. */
	xor	%eax, %eax
	mov	$PA(__bss_start), %edi
	mov	$PA(__image_end), %ecx
	sub	%edi, %ecx
	shr	$2, %ecx
	rep stosl

	/* Four L2 tables of 2 MiB pages; an L3 over them for identity and direct map, and one
	 * for the image. */
	mov	$PA(boot_l2), %edi
	mov	$0x83, %eax /* present, writable, large */
1:	mov	%eax, (%edi)
	add	$0x200000, %eax
	add	$8, %edi
	cmp	$PA(boot_l2) + 4 * 4096, %edi
	jb	1b
	mov	$PA(boot_l3), %edi
	mov	$PA(boot_l2) + 3, %eax
	mov	%eax, PA(boot_l3_image)
1:	mov	%eax, (%edi)
	add	$4096, %eax
	add	$8, %edi
	cmp	$PA(boot_l3) + 4 * 8, %edi
	jb	1b
	mov	$PA(boot_l3) + 3, %eax
	mov	%eax, PA(boot_l4)
	mov	%eax, PA(boot_l4) + 8 * ((DIRECTMAP_VIRT >> 39) & 511)
	mov	$PA(boot_l3_image) + 3, %eax
	mov	%eax, PA(boot_l4) + 8 * ((HV_IMAGE_VIRT >> 39) & 511)

	mov	$PA(start64), %edi

/* Paging by the first tables, 64-bit mode; on at %edi, a machine address in the image, but at its
 * virtual one. */
	.globl enter_long_mode
enter_long_mode:
	mov	$0x620, %eax /* PAE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	$PA(boot_l4), %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	mov	$0x901, %eax /* NX, LME, SCE */
	xor	%edx, %edx
	wrmsr
	mov	$0x80010033, %eax /* PG, WP, NE, ET, MP, PE */
	mov	%eax, %cr0
	ljmp	$HV_CS, $PA(1f)
	.code64
1:	mov	%edi, %edi
	movabs	$HV_IMAGE_VIRT, %rax
	add	%rdi, %rax
	jmp	*%rax
	.code32

no_long_mode:
	mov	$PA(msg_lm), %esi
	jmp	die
no_nx:
	mov	$PA(msg_nx), %esi
/* One sentence at %esi, on the first serial port and the text screen; then stop. */
die:
	mov	$0xb8000, %edi
1:	lodsb
	test	%al, %al
	jz	3f
	mov	%al, (%edi)
	movb	$0x4f, 1(%edi)
	add	$2, %edi
	mov	%al, %bl
	mov	$10000, %ecx
2:	mov	$0x3fd, %dx
	in	%dx, %al
	test	$0x20, %al
	loopz	2b
	mov	$0x3f8, %dx
	mov	%bl, %al
	out	%al, %dx
	jmp	1b
3:	cli
	hlt
	jmp	3b

msg_lm:	.asciz "Pavise: this processor has no 64-bit mode; use one that has (-cpu qemu64).\r\n"
msg_nx:	.asciz "Pavise: this processor has no NX bit; enable it in the firmware.\r\n"

	/* Only the page of ours, at its usual selectors, so that the IDT is right from the start. */
	.balign 8
	.globl boot_gdt
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff /* HV_CS */
	.quad 0x00cf93000000ffff /* HV_DS */
	.quad 0x00cf9b000000ffff /* BOOT_CS32 */
	.short 0
boot_gdtr:
	.short BOOT_GDT_LIMIT
	.long PA(boot_gdt) - GDT_OUR_FIRST

	.code64
start64:
	lea	boot_stack_end - BOOT_STACK_TOP_ROOM(%rip), %rsp
	lgdt	boot_gdtr64(%rip)
	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%ebp, %edi
	mov	%esi, %esi
	xor	%ebp, %ebp
	call	hv_start
	ud2

	.balign 8
	.short 0, 0, 0
boot_gdtr64:
	.short BOOT_GDT_LIMIT
	.quad boot_gdt - GDT_OUR_FIRST

	.section .bss.init, "aw", @nobits
	.balign 4096
	.globl boot_l4
boot_l4:
	.skip 4096
boot_l3:
	.skip 4096
boot_l3_image:
	.skip 4096
boot_l2:
	.skip 4 * 4096

	.section .bss.init.stack, "aw", @nobits
	.balign STACK_SIZE
boot_stack:
	.skip STACK_SIZE
	.globl boot_stack_end
boot_stack_end:

	.section .note.GNU-stack, "", @progbits
