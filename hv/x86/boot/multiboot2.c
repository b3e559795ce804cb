/* SPDX-License-Identifier: MIT */
/* Multiboot 2: what the loader left, into boot_info. */
#include "lib/log.h"
#include "lib/string.h"
#include "mm/page.h"
#include "x86/boot/protocols.h"
#include "x86/setup.h"

enum { TAG_END, TAG_CMDLINE, TAG_LOADER, TAG_MODULE, TAG_MMAP = 6, TAG_EFI64 = 12 };
enum { TAG_ACPI_OLD = 14, TAG_ACPI_NEW, TAG_EFI_MMAP = 17 };

struct tag {
	u32 type, size;
};
struct tag_module {
	struct tag tag;
	u32 start, end;
	char cmdline[];
};
struct tag_mmap { /* both kinds: entries of entry_size follow */
	struct tag tag;
	u32 entry_size, version;
};
struct mmap_entry {
	u64 addr, len;
	u32 type, zero;
};
struct efi_entry {
	u32 type, pad;
	u64 addr, virt, pages, attributes;
};

/* EFI's kinds of memory: what its boot services used is free once they have ended. */
static u32 __init efi_type(u32 t)
{
	static const u8 types[] __initconst = { [1 ... 4] = E820_RAM, /* loader's, boot services' */
						[7] = E820_RAM,
						[8] = E820_UNUSABLE,
						[9] = E820_ACPI,
						[10] = E820_NVS };

	return t < ARRAY_SIZE(types) && types[t] ? types[t] : E820_RESERVED;
}

static void __init add_mmap(const struct tag_mmap *t)
{
	u64 end = (u64)t + t->tag.size;

	for (u64 at = (u64)(t + 1); t->entry_size && at + t->entry_size <= end;
	     at += t->entry_size) {
		if (t->tag.type == TAG_MMAP) {
			const struct mmap_entry *e = (const void *)at;

			e820_add(e->addr, e->len, e->type);
		} else {
			const struct efi_entry *e = (const void *)at;

			e820_add(e->addr, e->pages << PAGE_SHIFT, efi_type(e->type));
		}
	}
}

static void __init take_tag(const struct tag *t)
{
	const char *text = (const char *)(t + 1);

	switch (t->type) {
	case TAG_CMDLINE:
		boot_set_cmdline(text);
		break;
	case TAG_LOADER:
		boot_info.loader = boot_string(virt_to_maddr(text));
		break;
	case TAG_MODULE: {
		const struct tag_module *m = (const void *)t;

		boot_add_module(m->start, m->end, boot_string(virt_to_maddr(m->cmdline)));
		break;
	}
	case TAG_EFI64:
		boot_info.efi_system_table = *(const u64 *)text;
		break;
	/* The RSDP is a copy inside the tag: only its own address would be of use, and ACPI code
	 * looks for that; under EFI there is nothing to look for, so the copy must do (the caller
	 * keeps it). */
	case TAG_ACPI_OLD:
	case TAG_ACPI_NEW: {
		static char rsdp[64] __attribute__((aligned(16)));

		memcpy(rsdp, text, MIN(t->size - sizeof(*t), sizeof(rsdp)));
		if (!boot_info.rsdp || t->type == TAG_ACPI_NEW)
			boot_info.rsdp = image_maddr(rsdp);
		break;
	}
	}
}

void __init parse_multiboot2(u64 info)
{
	const u32 *head = maddr_to_virt(info); /* total size, reserved */
	u64 at = info + 8, end = info + head[0];
	const struct tag_mmap *mmap = NULL, *efi_mmap = NULL;

	boot_info.protocol = "multiboot2";
	while (at + sizeof(struct tag) <= end) {
		const struct tag *t = maddr_to_virt(at);

		if (t->type == TAG_END || t->size < sizeof(*t) || at + t->size > end)
			break;
		if (t->type == TAG_MMAP)
			mmap = (const void *)t;
		else if (t->type == TAG_EFI_MMAP)
			efi_mmap = (const void *)t;
		else
			take_tag(t);
		at += ALIGN_UP((u64)t->size, 8);
	}
	/* EFI's own map says more, where the loader left both. */
	if (efi_mmap)
		boot_info.protocol = "multiboot2, EFI memory map";
	if (efi_mmap || mmap)
		add_mmap(efi_mmap ? efi_mmap : mmap);
}
