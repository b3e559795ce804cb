/* SPDX-License-Identifier: MIT */
/*
 * Start of the boot processor, in order:
 *
 * head.S: 32-bit to 64-bit, first page tables.
 * hv_start() (hv/main.c): the IDT; early_setup(): loader's words, options, console, features,
 * memory map, page tables, heap, window of processor 0, its stack.
 * hv_main(), on that stack: ACPI, interrupts, time, the other processors, the first domain,
 * free_init_memory(), idle.
 */
#ifndef X86_SETUP_H
#define X86_SETUP_H

#include "x86/boot.h"
#include "x86/cpu.h"
#include "x86/desc.h"

#define __initbss __attribute__((section(".bss.init")))
#define __ro_after_init __attribute__((section(".data.ro_after_init")))
#define __page_aligned_bss __attribute__((section(".bss.page_aligned"), aligned(4096)))

/* Linker symbols (hv.lds.S). */
extern char __image_start[], __text_end[], __rodata_end[], __ro_after_init_end[], __data_end[];
extern char __entry_text_start[], __entry_text_end[];
extern char __init_start[], __init_text_end[], __init_end[], __bss_start[], __image_end[];
extern char __init_bss_start[], __init_bss_end[];

/* First C, on the boot stack: what the loader left in EAX and EBX. */
noreturn_fn void hv_start(u32 magic, u64 info);
noreturn_fn void early_setup(u32 magic, u64 info);
/* The integrating part of the hypervisor: everything after memory works. Boot processor, its own
 * stack. */
noreturn_fn void hv_main(void);

/* Machine address of something in the image. */
static inline u64 image_maddr(const void *p)
{
	return (u64)p - HV_IMAGE_VIRT;
}

/* ---- memory (paging_init.c) ---- */
/* L4 entries 256-271 of every address space. [I after boot] */
extern u64 hv_l4_template[16];
/* The same of the roots that guests run on with X86_XPTI; all zeros without. [I after boot] */
extern u64 hv_l4_restricted[16];
/* The root without a guest: what an idle processor runs on. Below 4 GiB. */
extern u64 idle_l4[512];
/* Build the final page tables, the frame table and the M2P; switch to them. Boot, once. */
void paging_init(void);
/* Give all free RAM to the heap; boot_alloc() takes from there afterwards. */
void heap_init(void);
/* Start-up code and data are no longer used by anybody: unmap them and give them to the heap. The
 * IDT and its neighbours become read-only. All processors are up; nothing may run on the boot
 * stack. */
void free_init_memory(void);
/*
 * Map [maddr, maddr + size), page aligned, at va in our part of every address space; flags: PTE_*
 * of the leaves (present included). Large pages where alignment and max_level (1, 2, 3) allow.
 * Nothing may be there yet.
 */
void map_pages(u64 va, u64 maddr, u64 size, u64 flags, unsigned max_level);
/* The entry for va, of an address in our range, in the table of `level` (or the large page's above
 * it); NULL where there is no such table. */
u64 *hv_table_entry(u64 va, unsigned level);
/* Leaves of ours. */
#define PTE_RO (PTE_P | PTE_A | PTE_NX)
#define PTE_DATA (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)
#define PTE_TEXT (PTE_P | PTE_A)
/* PTE_G, or 0 where roots are split. */
extern u64 pte_global;
/* Machine address of a page of RAM below 1 MiB, kept for the trampoline of the other processors. */
extern u64 trampoline_maddr;

/* ---- processors (desc.c: x86/desc.h; features.c, emulator.c) ---- */
extern struct cpu boot_cpu;
/* Control registers, PAT and EFER of the calling processor; then percpu_load(). */
void cpu_init_registers(struct cpu *c);

void features_init(void); /* boot processor, before paging_init() */
extern u64 hv_cr4;        /* CR4 while the hypervisor runs, the same on all processors */
/* QEMU's software emulation underneath? (emulator.c) */
bool emulator_is_tcg(void);
/* What speaks against using a feature that this processor says it has, as a sentence; or NULL. X86_TCG is decided. */
const char *emulator_defect(unsigned feature);
/* "on", "off" and the like into *out: 1, 0. -EINVAL for anything else. */
int parse_bool(const char *s, s8 *out);
#define BOOL_OPTION(name, var)                                                                     \
	static int __init parse_##var(const char *s)                                               \
	{                                                                                          \
		return parse_bool(s, &var);                                                        \
	}                                                                                          \
	BOOT_OPTION(name, parse_##var)

/* Console as the options say; callable before anything else, output polled. */
void serial_init(void);

#endif
