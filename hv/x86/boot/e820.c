/* SPDX-License-Identifier: MIT */
/* The machine's memory map: sorted, merged, without overlaps. */
#include "lib/log.h"
#include "x86/boot/protocols.h"
#include "x86/crash.h"
#include "x86/setup.h"

/* As the loader told it: any order, overlaps allowed. */
static struct e820_entry raw[E820_MAX] __initbss;
static unsigned nr_raw __initdata, nr_left_out __initdata;

void __init e820_add(u64 start, u64 size, u32 type)
{
	struct e820_entry *last = raw + nr_raw - 1;

	if (!size || start + size < start)
		return;
	if (type < E820_RAM || type > E820_UNUSABLE)
		type = E820_RESERVED;
	/* EFI's pieces are many; neighbours mostly become one. */
	if (nr_raw && last->type == type && last->start + last->size == start)
		last->size += size;
	else if (nr_raw < E820_MAX)
		raw[nr_raw++] = (struct e820_entry){ start, size, type };
	else
		nr_left_out++;
}

/* Where entries overlap the one least free to use wins; RAM is the freest. 0: nothing is there. */
static u32 __init type_at(u64 addr)
{
	u32 worst = 0;

	for (unsigned i = 0; i < nr_raw; i++)
		if (addr - raw[i].start < raw[i].size && raw[i].type > worst)
			worst = raw[i].type;
	return worst;
}

/* Smallest boundary of any entry above addr, or ~0. */
static u64 __init next_boundary(u64 addr)
{
	u64 next = ~0UL;

	for (unsigned i = 0; i < nr_raw; i++) {
		u64 start = raw[i].start, end = start + raw[i].size;

		if (start > addr && start < next)
			next = start;
		if (end > addr && end < next)
			next = end;
	}
	return next;
}

void __init e820_finish(void)
{
	u64 at = 0, next;

	for (; (next = next_boundary(at)) != ~0UL; at = next) {
		u32 type = type_at(at);
		struct e820_entry *last = boot_info.e820 + boot_info.nr_e820 - 1;

		if (!type)
			continue;
		if (boot_info.nr_e820 && last->type == type && last->start + last->size == at)
			last->size += next - at;
		else if (boot_info.nr_e820 < E820_MAX)
			boot_info.e820[boot_info.nr_e820++] =
				(struct e820_entry){ at, next - at, type };
	}
	if (!boot_info.nr_e820)
		fail_start("the boot loader passed no memory map; use one that does");
}

void __init e820_log(void)
{
	static const char *const names[] = {
		"", "RAM", "reserved", "ACPI", "ACPI NVS", "unusable"
	};
	u64 ram = 0, above = 0;

	for (unsigned i = 0; i < boot_info.nr_e820; i++) {
		const struct e820_entry *e = &boot_info.e820[i];

		log_debug("Memory %#014lx-%#014lx %s\n", e->start, e->start + e->size,
			  names[e->type]);
		if (e->type == E820_RAM)
			ram += e->size;
		if (e->type == E820_RAM && e->start + e->size > DIRECTMAP_SIZE)
			above += e->start + e->size - MAX(e->start, (u64)DIRECTMAP_SIZE);
	}
	if (nr_left_out)
		log_warn("Memory: %u more ranges of the loader's map are not used\n", nr_left_out);
	if (above)
		log_warn("Memory: %lu MiB above %lu TiB are not used\n", above >> 20,
			 DIRECTMAP_SIZE >> 40);
	log_info("Memory: %lu MiB of RAM in %u ranges\n", ram >> 20, boot_info.nr_e820);
}
