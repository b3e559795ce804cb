/* SPDX-License-Identifier: MIT */
/*
 * Virtual address layout. The guest ABI leaves us the top-level slots 256-271,
 * 0xffff800000000000-0xffff87ffffffffff; everything of ours lies in there (docs/memory-layout.md).
 * Included by C, assembly and the linker script: plain numbers only.
 */
#ifndef X86_LAYOUT_H
#define X86_LAYOUT_H

#define HV_SLOT_FIRST 256
#define HV_SLOT_LAST 271
#define HV_VIRT_START 0xffff800000000000
#define HV_VIRT_END 0xffff880000000000 /* first address beyond */

#define M2P_VIRT_RO 0xffff800000000000 /* slot 256: machine-to-physical map, guests read it */
#define M2P_VIRT_RW 0xffff808000000000 /* slot 257, first 64 GiB: the same frames, ours to write */
#define FRAMETABLE_VIRT 0xffff80a000000000 /* slot 257, from 128 GiB: struct page_info [max_mfn] */
#define HV_IMAGE_VIRT 0xffff810000000000   /* slot 258: the image, at + its load address */
#define HV_IMAGE_PHYS 0x200000             /* its load address */
/* image + 1 GiB: a window a processor, in reach of a 32-bit jump; image + 2 GiB: their stacks */
#define PERCPU_VIRT 0xffff810040000000
#define PERCPU_STRIDE 0x200000          /* 2 MiB: one L1 table each; 512 of them */
#define IOREMAP_VIRT 0xffff814000000000 /* slot 258 + 256 GiB: device registers */
#define IOREMAP_SIZE 0x0000000100000000
#define DIRECTMAP_VIRT 0xffff818000000000 /* slots 259-270: all of memory, 6 TiB */
#define DIRECTMAP_SIZE 0x0000060000000000

/* In a processor's window (offsets; pages) */
#define PERCPU_GDT 0x00000   /* 16 pages: 0-13 the vCPU's frames, 14 ours, 15 empty */
#define PERCPU_LDT 0x10000   /* 16 pages: the vCPU's LDT */
#define PERCPU_TSS 0x20000   /* 1 page TSS, 2 pages port bitmap, 1 page of ones */
#define PERCPU_STUB 0x28000  /* 1 page of code: SYSCALL stubs */
#define PERCPU_ENTRY 0x29000 /* 1 page: struct entry_page */
/* The stack, STACK_SIZE, with nothing below: beyond the windows, which a guest may have mapped (X86_XPTI). */
#define PERCPU_STACK 0x40000000

#define STACK_ORDER 3
#define STACK_SIZE 0x8000 /* aligned to its size: this_cpu() depends on it */
/* From the low end of a stack: one page each for what must not trust RSP. */
#define STACK_IST_DF 0x1000 /* tops */
#define STACK_IST_NMI 0x3000
#define STACK_IST_MCE 0x4000
#define STACK_IST_DB 0x5000

/* Our page of every GDT: selectors from 0xe000 (published FLAT_* ones included) */
#define GDT_OUR_FIRST 0xe000
#define HV_CS 0xe008
#define HV_DS 0xe010
#define GUEST_CS32 0xe023
#define GUEST_DS 0xe02b
#define GUEST_CS64 0xe033
#define HV_TSS 0xe040        /* 16 bytes */
#define HV_LDT 0xe050        /* 16 bytes */
#define HV_PERCPU_SEL 0xe060 /* limit = processor number, for LSL */

#endif
