/* SPDX-License-Identifier: MIT */
/* What the boot loader said, whichever protocol it spoke; and how start-up code gets memory. */
#ifndef X86_BOOT_H
#define X86_BOOT_H

#include "lib/base.h"

struct boot_module {
	u64 start, size; /* machine addresses */
	/* never NULL; file name already stripped where the loader put one first */
	const char *cmdline;
};
#define BOOT_MAX_MODULES 32

enum { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3, E820_NVS = 4, E820_UNUSABLE = 5 };
struct e820_entry {
	u64 start, size;
	u32 type;
};
#define E820_MAX 128

struct boot_info {
	const char *loader;   /* name, or "unknown" */
	const char *protocol; /* "multiboot", "multiboot2", "PVH" */
	char cmdline[2048];
	const char *kernel_words; /* in cmdline, behind a "--": the privileged domain's; or NULL */
	struct boot_module modules[BOOT_MAX_MODULES];
	unsigned nr_modules;
	struct e820_entry e820[E820_MAX]; /* sorted, without overlaps; machine's own map */
	unsigned nr_e820;
	u64 rsdp;             /* machine address, 0 = look for it */
	u8 kbd_shift_flags;   /* the BIOS's */
	u64 efi_system_table; /* 0 = BIOS */
};
/* [I after boot]; modules' memory is free after the first domain is built */
extern struct boot_info boot_info;

/* Permanent memory before the heap exists (bump allocator over RAM clear of image and modules);
 * machine address, zeroed, page aligned. Panics with a sentence when there is none. */
u64 boot_alloc(u64 pages);

/*
 * Map device registers or firmware tables: uncached (ioremap) or write-back (acpi tables);
 * permanent.
 */
void *ioremap(u64 maddr, u64 size);
void *map_firmware(u64 maddr, u64 size);

#endif
