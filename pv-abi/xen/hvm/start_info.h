/* SPDX-License-Identifier: MIT */
/* Start of day of a PVH guest: EBX holds the physical address of struct hvm_start_info. */

#ifndef PV_ABI_XEN_HVM_START_INFO_H
#define PV_ABI_XEN_HVM_START_INFO_H

#include "../abi.h"

/*
 * The guest is entered at XEN_ELFNOTE_PHYS32_ENTRY in 32-bit protected mode, without paging,
 * with flat segments and interrupts off. Addresses are physical; 0 means there is none.
 */
#define XEN_HVM_START_MAGIC_VALUE	0x336ec578

/* Types of memory, as ACPI numbers them. */
#define XEN_HVM_MEMMAP_TYPE_RAM		1
#define XEN_HVM_MEMMAP_TYPE_RESERVED	2
#define XEN_HVM_MEMMAP_TYPE_ACPI	3
#define XEN_HVM_MEMMAP_TYPE_NVS		4
#define XEN_HVM_MEMMAP_TYPE_UNUSABLE	5
#define XEN_HVM_MEMMAP_TYPE_DISABLED	6
#define XEN_HVM_MEMMAP_TYPE_PMEM	7

#ifndef __ASSEMBLY__

struct hvm_start_info {
	uint32_t magic;			/* XEN_HVM_START_MAGIC_VALUE */
	uint32_t version;		/* 1; from 1 on there is a memory map */
	uint32_t flags;			/* SIF_* */
	uint32_t nr_modules;
	uint64_t modlist_paddr;		/* array of struct hvm_modlist_entry */
	uint64_t cmdline_paddr;		/* zero-terminated */
	uint64_t rsdp_paddr;		/* ACPI root */
	uint64_t memmap_paddr;		/* array of struct hvm_memmap_table_entry */
	uint32_t memmap_entries;
	uint32_t reserved;		/* zero */
};
PV_ABI_SIZE(struct hvm_start_info, 56);
PV_ABI_AT(struct hvm_start_info, magic, 0);
PV_ABI_AT(struct hvm_start_info, version, 4);
PV_ABI_AT(struct hvm_start_info, flags, 8);
PV_ABI_AT(struct hvm_start_info, nr_modules, 12);
PV_ABI_AT(struct hvm_start_info, modlist_paddr, 16);
PV_ABI_AT(struct hvm_start_info, cmdline_paddr, 24);
PV_ABI_AT(struct hvm_start_info, rsdp_paddr, 32);
PV_ABI_AT(struct hvm_start_info, memmap_paddr, 40);
PV_ABI_AT(struct hvm_start_info, memmap_entries, 48);
PV_ABI_AT(struct hvm_start_info, reserved, 52);

struct hvm_modlist_entry {
	uint64_t paddr;
	uint64_t size;			/* bytes */
	uint64_t cmdline_paddr;		/* zero-terminated */
	uint64_t reserved;
};
PV_ABI_SIZE(struct hvm_modlist_entry, 32);
PV_ABI_AT(struct hvm_modlist_entry, paddr, 0);
PV_ABI_AT(struct hvm_modlist_entry, size, 8);
PV_ABI_AT(struct hvm_modlist_entry, cmdline_paddr, 16);
PV_ABI_AT(struct hvm_modlist_entry, reserved, 24);

struct hvm_memmap_table_entry {
	uint64_t addr;
	uint64_t size;			/* bytes */
	uint32_t type;			/* XEN_HVM_MEMMAP_TYPE_* */
	uint32_t reserved;		/* zero */
};
PV_ABI_SIZE(struct hvm_memmap_table_entry, 24);
PV_ABI_AT(struct hvm_memmap_table_entry, addr, 0);
PV_ABI_AT(struct hvm_memmap_table_entry, size, 8);
PV_ABI_AT(struct hvm_memmap_table_entry, type, 16);
PV_ABI_AT(struct hvm_memmap_table_entry, reserved, 20);

#endif /* !__ASSEMBLY__ */

#endif /* PV_ABI_XEN_HVM_START_INFO_H */
