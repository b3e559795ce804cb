/* SPDX-License-Identifier: MIT */
/* PVH entry: what the loader left, into boot_info. */
#include <xen/hvm/start_info.h>

#include "lib/log.h"
#include "mm/page.h"
#include "x86/boot/protocols.h"
#include "x86/setup.h"

void __init parse_pvh(u64 info)
{
	const struct hvm_start_info *si = maddr_to_virt(info);

	if (si->magic != PVH_MAGIC)
		return; /* protocol stays unknown: reported by the caller */
	boot_info.protocol = "PVH";
	if (si->cmdline_paddr)
		boot_set_cmdline(maddr_to_virt(si->cmdline_paddr));
	boot_info.rsdp = si->rsdp_paddr;
	for (u32 i = 0; i < si->nr_modules; i++) {
		const struct hvm_modlist_entry *m =
			(const struct hvm_modlist_entry *)maddr_to_virt(si->modlist_paddr) + i;

		boot_add_module(m->paddr, m->paddr + m->size,
				m->cmdline_paddr ? boot_string(m->cmdline_paddr) : "");
	}
	if (si->version < 1)
		return;
	for (u32 i = 0; i < si->memmap_entries; i++) {
		const struct hvm_memmap_table_entry *e =
			(const struct hvm_memmap_table_entry *)maddr_to_virt(si->memmap_paddr) + i;

		e820_add(e->addr, e->size, e->type);
	}
}
