/* SPDX-License-Identifier: MIT */
/*
 * Memory while the machine starts: an allocator before the heap, the final page tables
 * (docs/memory-layout.md), the frame table and the machine-to-physical map.
 */
#include "lib/log.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/page.h"
#include "paging/paging.h"
#include "x86/acpi.h"
#include "x86/asm.h"
#include "x86/crash.h"
#include "x86/flush.h"
#include "x86/setup.h"

u64 directmap_base __ro_after_init = DIRECTMAP_VIRT;
struct page_info *frame_table __ro_after_init = (struct page_info *)FRAMETABLE_VIRT;
u64 *m2p_table __ro_after_init = (u64 *)M2P_VIRT_RW;
u64 max_mfn __ro_after_init, mfn_mask __ro_after_init, maddr_mask __ro_after_init;
u64 hv_l4_template[16] __ro_after_init;
u64 hv_l4_restricted[16] __ro_after_init;
u64 pte_global __ro_after_init = PTE_G;
u64 trampoline_maddr __ro_after_init;

u64 idle_l4[512] __page_aligned_bss;
static u64 hv_l3[512] __page_aligned_bss; /* slot 258 */

#define PTE_TABLE (PTE_P | PTE_RW | PTE_A)
#define PTE_UC (PTE_PCD | PTE_PWT) /* entry 3 of our PAT */

#define MIB (1UL << 20)
#define GIB (1UL << 30)
#define LARGE_PAGE (2 * MIB)
#define LOW_MEMORY MIB /* the BIOS's; given to nobody */

/* ---- RAM that nothing occupies ---- */

struct range {
	u64 start, end;
};
static struct range free_ranges[2 * E820_MAX] __initbss; /* sorted, page aligned */
static unsigned nr_free __initdata;
static bool heap_ready;
/* Until the final tables are in force only what the first ones map may be touched. */
static u64 alloc_limit __initdata = 4 * GIB;

/* Take [start, end) out of what is free. */
static void __init reserve(u64 start, u64 end)
{
	start = ALIGN_DOWN(start, PAGE_SIZE);
	end = ALIGN_UP(end, PAGE_SIZE);
	for (unsigned i = 0, n; i < nr_free; i += n) {
		struct range r = free_ranges[i], left[2];

		n = 1;
		if (r.end <= start || r.start >= end)
			continue;
		n = 0;
		if (r.start < start)
			left[n++] = (struct range){ r.start, start };
		if (r.end > end)
			left[n++] = (struct range){ end, r.end };
		if (nr_free + n > ARRAY_SIZE(free_ranges))
			fail_start("the memory map has too many pieces");
		memmove(&free_ranges[i + n], &free_ranges[i + 1], (nr_free - i - 1) * sizeof(r));
		memcpy(&free_ranges[i], left, n * sizeof(r));
		nr_free += n - 1;
	}
}

/* From the top, so that low memory stays for those that need it; 0: no range is large enough. */
static u64 __init take_range(u64 size, u64 align, int fill)
{
	for (unsigned i = nr_free; i-- > 0;) {
		u64 end = MIN(free_ranges[i].end, alloc_limit), at = ALIGN_DOWN(end - size, align);

		if (end < size || at < free_ranges[i].start)
			continue;
		reserve(at, at + size);
		memset(maddr_to_virt(at), fill, size);
		return at;
	}
	return 0;
}

static u64 take_heap(u64 pages)
{
	struct page_info *pg = alloc_heap_pages(order_of(pages << PAGE_SHIFT), MEMF_zero);

	return pg ? page_to_mfn(pg) << PAGE_SHIFT : 0;
}

u64 boot_alloc(u64 pages)
{
	u64 at = heap_ready ? take_heap(pages) : take_range(pages << PAGE_SHIFT, PAGE_SIZE, 0);

	if (!at)
		fail_start("too little memory: no %lu KiB left; give the machine more", pages * 4);
	return at;
}

/* The whole pages of entry i of the memory map, as far as we reach; false: none, or no RAM. */
static bool __init ram_range(unsigned i, struct range *r)
{
	const struct e820_entry *e = &boot_info.e820[i];

	r->start = ALIGN_UP(e->start, PAGE_SIZE);
	r->end = MIN(ALIGN_DOWN(e->start + e->size, PAGE_SIZE), DIRECTMAP_SIZE);
	return e->type == E820_RAM && r->start < r->end;
}

/* Bytes of RAM in [start, end). */
static u64 __init ram_in(u64 start, u64 end)
{
	u64 sum = 0;

	for (unsigned i = 0; i < boot_info.nr_e820; i++) {
		const struct e820_entry *e = &boot_info.e820[i];
		u64 from = MAX(e->start, start), to = MIN(e->start + e->size, end);

		if (e->type == E820_RAM && from < to)
			sum += to - from;
	}
	return sum;
}

static void __init check_modules(void)
{
	for (unsigned i = 0; i < boot_info.nr_modules; i++) {
		struct boot_module *m = &boot_info.modules[i];

		if (!m->size)
			fail_start(
				"boot module %u (\"%s\") is empty: is the file there and complete?",
				i, m->cmdline);
		if (m->start < image_maddr(__image_end) && m->start + m->size > HV_IMAGE_PHYS)
			fail_start("boot module %u lies over the hypervisor: load it elsewhere", i);
		if (ram_in(m->start, m->start + m->size) != m->size)
			fail_start("boot module %u (\"%s\") does not lie in memory: give the "
				   "machine more",
				   i, m->cmdline);
		reserve(m->start, m->start + m->size);
	}
}

static void __init find_free_memory(void)
{
	for (unsigned i = 0; i < boot_info.nr_e820; i++) {
		struct range *r = &free_ranges[nr_free];

		if (!ram_range(i, r))
			continue;
		set_max_mfn(r->end >> PAGE_SHIFT);
		/* The highest page below the BIOS's own data. */
		if (r->start < 0x90000 && r->end >= 0x10000)
			trampoline_maddr = MIN(r->end, 0x90000UL) - PAGE_SIZE;
		nr_free++;
	}
	reserve(0, LOW_MEMORY);
	reserve(HV_IMAGE_PHYS, image_maddr(__image_end));
	check_modules();
	if (max_mfn << PAGE_SHIFT < 24 * MIB)
		fail_start("too little memory: %lu MiB; give the machine 64 or more", max_mfn >> 8);
}

/* ---- page tables ---- */

static u64 *table_of(u64 entry)
{
	return maddr_to_virt(entry & PTE_ADDR);
}

static u64 *next_table(u64 *entry, u64 flags)
{
	if (!(*entry & PTE_P))
		*entry = boot_alloc(1) | flags;
	return table_of(*entry);
}

/* One leaf at `level`, tables above it made as needed. What guests read, nobody writes this way. */
static void map_leaf(u64 va, u64 pte, unsigned level)
{
	u64 *t = idle_l4;

	for (unsigned l = 4; l > level; l--)
		t = next_table(&t[pt_index(va, l)],
			       pte & PTE_US ? PTE_P | PTE_US | PTE_A : PTE_TABLE);
	t[pt_index(va, level)] = pte | (level > 1 ? PTE_PSE : 0);
}

void map_pages(u64 va, u64 maddr, u64 size, u64 flags, unsigned max_level)
{
	while (size) {
		unsigned level = max_level;
		u64 step;

		if (level == 3 && !cpu_has(X86_PAGE1GB))
			level = 2;
		while (step = 1UL << (12 + 9 * (level - 1)),
		       level > 1 && (size < step || ((va | maddr) & (step - 1))))
			level--;
		map_leaf(va, maddr | flags, level);
		va += step;
		maddr += step;
		size -= step;
	}
}

u64 *hv_table_entry(u64 va, unsigned level)
{
	u64 *t = idle_l4;

	for (unsigned l = 4;; l--) {
		u64 *e = &t[pt_index(va, l)];

		if (l == level || (l < 4 && (*e & PTE_PSE)))
			return e;
		if (!(*e & PTE_P))
			return NULL;
		t = table_of(*e);
	}
}

/* The image, page by page, each part with its rights. */
static void __init map_image(void)
{
	const struct {
		char *end;
		u64 flags;
	} parts[] = { { __text_end, PTE_TEXT },
		      { __rodata_end, PTE_RO },
		      { __init_start, PTE_DATA },
		      { __init_text_end, PTE_TEXT },
		      { __image_end, PTE_DATA } };
	u64 at = (u64)__image_start, size;

	idle_l4[pt_index(HV_IMAGE_VIRT, 4)] = image_maddr(hv_l3) | PTE_TABLE;
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++, at += size) {
		size = (u64)parts[i].end - at;
		map_pages(at, at - HV_IMAGE_VIRT, size, parts[i].flags | pte_global, 1);
	}
}

static void __init map_ram_range(u64 start, u64 end, unsigned max_level)
{
	if (start < end)
		map_pages(DIRECTMAP_VIRT + start, start, end - start, PTE_DATA | pte_global,
			  max_level);
}

/* The direct map. Of the image in small pages: seal_image() takes rights away there too. */
static void __init map_ram(void)
{
	u64 image = HV_IMAGE_PHYS, image_end = image_maddr(__image_end);
	struct range r;

	for (unsigned i = 0; i < boot_info.nr_e820; i++) {
		if (!ram_range(i, &r))
			continue;
		map_ram_range(r.start, MIN(r.end, image), 3);
		map_ram_range(MAX(r.start, image), MIN(r.end, image_end), 1);
		map_ram_range(MAX(r.start, image_end), r.end, 3);
	}
}

/*
 * A table of entry_size bytes a frame, each first `fill`: in part backed by memory of its own, in
 * part, over holes, by one shared page. ro_va: a second view, read-only, for guests too; or 0.
 */
static void __init back_table(u64 va, u64 ro_va, u64 entry_size, int fill)
{
	u64 size = ALIGN_UP(max_mfn * entry_size, PAGE_SIZE), scale = PAGE_SIZE / entry_size;
	u64 hole = boot_alloc(1), step;

	memset(maddr_to_virt(hole), fill, PAGE_SIZE);
	for (u64 off = 0; off < size; off += step) {
		u64 at = 0, rights = PTE_DATA;

		step = LARGE_PAGE;
		if (!(off & (step - 1)) && size - off >= step &&
		    ram_in(off * scale, (off + step) * scale) == step * scale)
			at = take_range(step, step, fill);
		if (!at) {
			step = PAGE_SIZE;
			if (ram_in(off * scale, (off + step) * scale)) {
				at = boot_alloc(1);
				memset(maddr_to_virt(at), fill, step);
			} else {
				at = hole;
				rights = PTE_RO;
			}
		}
		map_pages(va + off, at, step, rights | pte_global, 2);
		if (ro_va)
			map_pages(ro_va + off, at, step, PTE_RO | PTE_US | pte_global, 2);
	}
}

static void __init restricted_page(u64 *l3, u64 va)
{
	u64 *l2 = next_table(&l3[pt_index(va, 3)], PTE_TABLE);
	u64 *l1 = next_table(&l2[pt_index(va, 2)], PTE_TABLE);

	l1[pt_index(va, 1)] = *hv_table_entry(va, 1) & ~PTE_RW;
}

/* Of ours, a guest with a restricted root has the M2P that it reads, and in slot 258 what the
 * processor and the entry code touch before CR3 is changed. */
static void __init restrict_slots(void)
{
	u64 l3 = boot_alloc(1), *t = maddr_to_virt(l3);

	for (u64 va = (u64)__entry_text_start; va < (u64)__entry_text_end; va += PAGE_SIZE)
		restricted_page(t, va);
	restricted_page(t, (u64)idt_page());
	t[pt_index(PERCPU_VIRT, 3)] = hv_l3[pt_index(PERCPU_VIRT, 3)];
	hv_l4_restricted[0] = hv_l4_template[0];
	hv_l4_restricted[pt_index(HV_IMAGE_VIRT, 4) - HV_SLOT_FIRST] = l3 | PTE_TABLE;
}

void __init paging_init(void)
{
	find_free_memory();
	if (cpu_has(X86_XPTI))
		pte_global = 0;
	map_image();
	map_ram();
	/* Tables that every address space shares must exist before they are copied from. */
	next_table(&hv_l3[pt_index(PERCPU_VIRT, 3)], PTE_TABLE);
	write_cr3(image_maddr(idle_l4));
	alloc_limit = ~0UL;
	back_table(FRAMETABLE_VIRT, 0, sizeof(struct page_info), 0);
	back_table(M2P_VIRT_RW, M2P_VIRT_RO, sizeof(u64), 0xff);
	memcpy(hv_l4_template, &idle_l4[HV_SLOT_FIRST], sizeof(hv_l4_template));
	if (cpu_has(X86_XPTI))
		restrict_slots();
}

/* ---- handing over to the heap ---- */

static void __init mark_ours(u64 start, u64 end)
{
	for (u64 mfn = start >> PAGE_SHIFT; mfn < end >> PAGE_SHIFT; mfn++) {
		struct page_info *pg = mfn_to_page(mfn);

		pg->count_info = PGC_heap | PGC_allocated | 1;
		pg->owner = DOMID_XEN;
	}
}

/* What is RAM, above the BIOS's memory, and not free is the hypervisor's (modules too, until they
 * are used). */
static void __init mark_occupied(struct range ram)
{
	u64 at = MAX(ram.start, LOW_MEMORY);

	for (unsigned i = 0; i < nr_free; i++) {
		const struct range *r = &free_ranges[i];

		if (r->end <= at || r->start >= ram.end)
			continue;
		mark_ours(at, r->start);
		at = r->end;
	}
	mark_ours(at, ram.end);
}

void __init heap_init(void)
{
	u64 ram = ram_in(LOW_MEMORY, DIRECTMAP_SIZE), kept = ram;
	struct range r;

	for (unsigned i = 0; i < boot_info.nr_e820; i++)
		if (ram_range(i, &r))
			mark_occupied(r);
	nr_nodes = acpi_info.nr_nodes;
	for (u32 i = 0; i < acpi_info.nr_memory; i++)
		heap_node_range(ALIGN_UP(acpi_info.memory[i].start, PAGE_SIZE) >> PAGE_SHIFT,
				acpi_info.memory[i].end >> PAGE_SHIFT, acpi_info.memory[i].node);
	heap_ready = true;
	for (unsigned i = 0; i < nr_free; i++) {
		kept -= free_ranges[i].end - free_ranges[i].start;
		heap_add(free_ranges[i].start >> PAGE_SHIFT, free_ranges[i].end >> PAGE_SHIFT);
	}
	for (unsigned i = 0; i < boot_info.nr_modules; i++)
		kept -= ALIGN_UP(boot_info.modules[i].size, PAGE_SIZE);
	log_info("Memory: hypervisor keeps %lu KiB of %lu MiB\n", kept >> 10, ram >> 20);
}

/* No writable view remains of text, constants and what is only written while starting. */
static void seal_image(void)
{
	for (u64 va = (u64)__image_start; va < (u64)__ro_after_init_end; va += PAGE_SIZE) {
		*hv_table_entry(va, 1) &= ~PTE_RW;
		*hv_table_entry(va - HV_IMAGE_VIRT + DIRECTMAP_VIRT, 1) &= ~PTE_RW;
	}
}

void free_init_memory(void)
{
	/* Neighbours, with a gap for alignment between. */
	u64 start = (u64)__init_start, end = (u64)__init_bss_end;
	u64 mfn = (start - HV_IMAGE_VIRT) >> PAGE_SHIFT, n = (end - start) >> PAGE_SHIFT;

	seal_image();
	for (u64 va = start; va < end; va += PAGE_SIZE)
		*hv_table_entry(va, 1) = 0;
	tlb_flush_global();
	memset(mfn_to_page(mfn), 0, n * sizeof(struct page_info));
	heap_add(mfn, mfn + n);
	log_info("Start-up code and data given back: %lu KiB\n", n * 4);
}

/* ---- device registers and firmware tables ---- */

static void *map_outside(u64 maddr, u64 size, u64 flags)
{
	static spinlock_t lock = SPINLOCK_INIT;
	static u64 next = IOREMAP_VIRT;
	u64 first = ALIGN_DOWN(maddr, PAGE_SIZE), va;

	size = ALIGN_UP(maddr + size, PAGE_SIZE) - first;
	spin_lock(&lock);
	va = next;
	if (size > IOREMAP_VIRT + IOREMAP_SIZE - va)
		panic("no room to map %lu bytes at %#lx", size, maddr);
	next += size + PAGE_SIZE; /* a gap, so that overruns fault */
	map_pages(va, first, size, PTE_DATA | flags | pte_global, 1);
	spin_unlock(&lock);
	return (void *)(va + (maddr - first));
}

void *ioremap(u64 maddr, u64 size)
{
	return map_outside(maddr, size, PTE_UC);
}

void *map_firmware(u64 maddr, u64 size)
{
	return map_outside(maddr, size, 0);
}
