/* SPDX-License-Identifier: MIT */
/* Multiboot 1: what the loader left, into boot_info. */
#include "lib/log.h"
#include "lib/string.h"
#include "mm/page.h"
#include "x86/boot/protocols.h"
#include "x86/setup.h"

struct mb1_info {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr, drives_length, drives_addr, config_table, loader_name;
} __attribute__((packed));
#define MB1_MEM BIT(0)
#define MB1_CMDLINE BIT(2)
#define MB1_MODS BIT(3)
#define MB1_MMAP BIT(6)
#define MB1_LOADER BIT(9)

struct mb1_module {
	u32 start, end, string, reserved;
};
struct mb1_mmap {
	u32 size; /* of what follows */
	u64 addr, len;
	u32 type;
} __attribute__((packed));

static void __init add_mmap(const struct mb1_info *mb)
{
	u64 at = mb->mmap_addr, end = at + mb->mmap_length;

	while (at + sizeof(struct mb1_mmap) <= end) {
		const struct mb1_mmap *m = maddr_to_virt(at);

		e820_add(m->addr, m->len, m->type);
		at += m->size + sizeof(m->size);
	}
}

void __init parse_multiboot(u64 info)
{
	const struct mb1_info *mb = maddr_to_virt(info);
	bool names_first;

	boot_info.protocol = "multiboot";
	if (mb->flags & MB1_LOADER)
		boot_info.loader = boot_string(mb->loader_name);
	/* GRUB 2 hands on arguments only; GRUB legacy and QEMU put the file's name first. */
	names_first = strncmp(boot_info.loader, "GRUB 2", 6) != 0;
	if (mb->flags & MB1_CMDLINE) {
		const char *s = maddr_to_virt(mb->cmdline);

		boot_set_cmdline(names_first ? skip_first_word(s) : s);
	}
	if (mb->flags & MB1_MMAP) {
		add_mmap(mb);
	} else if (mb->flags & MB1_MEM) {
		e820_add(0, (u64)mb->mem_lower << 10, E820_RAM);
		e820_add(1 << 20, (u64)mb->mem_upper << 10, E820_RAM);
	}
	for (u32 i = 0; (mb->flags & MB1_MODS) && i < mb->mods_count; i++) {
		const struct mb1_module *m =
			(const struct mb1_module *)maddr_to_virt(mb->mods_addr) + i;
		const char *s = m->string ? boot_string(m->string) : "";

		boot_add_module(m->start, m->end, names_first ? skip_first_word(s) : s);
	}
}
