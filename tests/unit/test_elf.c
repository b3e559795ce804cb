/* SPDX-License-Identifier: MIT */
/* lib/elf.c and lib/elfnote.c: good kernels, each kind of bad one, cut and damaged ones. */
#include <criterion/criterion.h>

#include "images.h"

static struct kernel_image k;

static const char *parse(struct image *m)
{
	return elf_parse_kernel(m->p, m->size, &k);
}

static void expect(struct image *m, const char *part)
{
	const char *err = parse(m);

	if (!part)
		cr_assert_null(err, "%s", err);
	else
		cr_assert(err && strstr(err, part), "\"%s\" does not say \"%s\"", err, part);
	free(m->p);
}

Test(elf, linux_kernel)
{
	struct image m = make_kernel();

	cr_assert_null(parse(&m));
	cr_assert_eq(k.virt_base, IMG_VIRT);
	cr_assert_eq(k.entry, IMG_VIRT + IMG_PA + 0x1c0);
	cr_assert_eq(k.hypercall_page, 0);
	cr_assert(k.has_init_p2m && k.init_p2m == 0x8000000000);
	cr_assert(k.mod_start_pfn);
	cr_assert_eq(k.required_features, 1);
	cr_assert_eq(k.hv_start_low, 0xffff800000000000);
	cr_assert_str_eq(k.guest_os, "linux");
	cr_assert_str_eq(k.guest_version, "2.6");
	cr_assert_str_eq(k.xen_version, "xen-3.0");
	cr_assert_str_eq(k.loader, "generic");
	cr_assert_eq(k.pa_start, IMG_PA);
	cr_assert_eq(k.pa_end, IMG_PA + 0x5000);
	cr_assert_eq(k.nr_load, 2);
	free(m.p);
}

Test(elf, notes_in_sections_only)
{
	struct image m = make_kernel();

	img_segment(&m, 2)->type = 0;
	expect(&m, NULL);
}

Test(elf, older_kernel_with_hypercall_page)
{
	struct image m = make_elf();
	u32 base = 0;

	img_note_text(&m, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	img_note(&m, XEN_ELFNOTE_VIRT_BASE, &base, 4); /* 4 bytes are a number, too */
	img_note64(&m, XEN_ELFNOTE_HYPERCALL_PAGE, IMG_PA + 0x1000);
	cr_assert_null(parse(&m));
	cr_assert_eq(k.entry, IMG_PA); /* the file's */
	cr_assert_eq(k.hypercall_page, IMG_PA + 0x1000);
	cr_assert(!k.has_init_p2m && !k.mod_start_pfn);
	free(m.p);
}

Test(elf, paddr_offset_is_subtracted)
{
	struct image m = make_kernel();

	img_note64(&m, XEN_ELFNOTE_PADDR_OFFSET, 0x800000);
	img_note64(&m, XEN_ELFNOTE_ENTRY, IMG_VIRT + IMG_PA - 0x800000);
	cr_assert_null(parse(&m));
	cr_assert_eq(k.pa_start, IMG_PA - 0x800000);
	free(m.p);
	m = make_kernel();
	img_note64(&m, XEN_ELFNOTE_PADDR_OFFSET, IMG_PA + 1);
	expect(&m, "outside any possible memory");
}

#define BAD(name, part, ...)                                                                       \
	Test(elf_bad, name)                                                                        \
	{                                                                                          \
		struct image m = make_kernel();                                                    \
		struct elf_header *h = img_header(&m);                                             \
		struct elf_segment *s = img_segment(&m, 0);                                        \
		(void)h;                                                                           \
		(void)s;                                                                           \
		__VA_ARGS__;                                                                       \
		expect(&m, part);                                                                  \
	}

BAD(magic, "not an ELF file", h->ident[1] = 'e')
BAD(empty, "not an ELF file", m.size = 0)
BAD(short_header, "inside its ELF header", m.size = 63)
BAD(class32, "32-bit", h->ident[4] = 1)
BAD(big_endian, "little-endian", h->ident[5] = 2)
BAD(machine, "another processor", h->machine = 183)
BAD(shared_object, "no executable", h->type = 3)
BAD(phentsize, "unknown size", h->phentsize = 32)
BAD(phoff, "program headers lie outside", h->phoff = IMG_SIZE)
BAD(phoff_wraps, "program headers lie outside", h->phoff = -8UL)
BAD(phnum, "program headers lie outside", h->phnum = 0xffff)
BAD(nothing_to_load, "nothing to load", s[0].type = s[1].type = 0)
BAD(segment_outside, "segment lies outside", s->offset = IMG_SIZE - 8)
BAD(segment_wraps, "segment lies outside", s->offset = -0x1000UL)
BAD(filesz, "more bytes in the file", s->filesz = 0x2001)
BAD(paddr_huge, "outside any possible memory", s->paddr = 1UL << 63)
BAD(memsz_huge, "outside any possible memory", s->memsz = -0x1000UL)
BAD(overlap, "overlap", s[1].paddr = IMG_PA + 0x1fff)
BAD(virtual_wraps, "virtual addresses", s[1].paddr = 0x7ffff800)
BAD(entry_outside, "entry point", img_note64(&m, XEN_ELFNOTE_ENTRY, IMG_VIRT))
BAD(entry_at_end, "entry point", img_note64(&m, XEN_ELFNOTE_ENTRY, IMG_VIRT + IMG_PA + 0x5000))
BAD(in_our_range, "virtual addresses", img_note64(&m, XEN_ELFNOTE_VIRT_BASE, 0xffff830000000000))
BAD(not_canonical, "virtual addresses", img_note64(&m, XEN_ELFNOTE_VIRT_BASE, 1UL << 47))
BAD(p2m_unaligned, "INIT_P2M", img_note64(&m, XEN_ELFNOTE_INIT_P2M, 0x8000000008))
BAD(p2m_ours, "INIT_P2M", img_note64(&m, XEN_ELFNOTE_INIT_P2M, 0xffff800000000000))
BAD(p2m_wraps, "INIT_P2M", img_note64(&m, XEN_ELFNOTE_INIT_P2M, -PAGE_SIZE))
BAD(hole, "HV_START_LOW", img_note64(&m, XEN_ELFNOTE_HV_START_LOW, 0xffff810000000000))
BAD(hypercall_page, "hypercall page", img_note64(&m, XEN_ELFNOTE_HYPERCALL_PAGE, 0x1000))
BAD(hypercall_page_unaligned, "hypercall page",
    img_note64(&m, XEN_ELFNOTE_HYPERCALL_PAGE, IMG_VIRT + IMG_PA + 8))
BAD(other_interface, "xen-3.0", img_note_text(&m, XEN_ELFNOTE_XEN_VERSION, "xen-4.0"))
BAD(other_loader, "generic", img_note_text(&m, XEN_ELFNOTE_LOADER, "special"))
BAD(text_without_end, "no end", img_note(&m, XEN_ELFNOTE_GUEST_OS, "abcd", 4))
BAD(number_of_5_bytes, "4 or 8 bytes", img_note(&m, XEN_ELFNOTE_ENTRY, "abcde", 5))
BAD(ring0, "ring 0", img_note_text(&m, XEN_ELFNOTE_FEATURES, "!supervisor_mode_kernel"))
BAD(translated, "ring 0", img_note_text(&m, XEN_ELFNOTE_FEATURES, "x|!auto_translated_physmap|y"))
BAD(unknown_feature, "does not know", img_note_text(&m, XEN_ELFNOTE_FEATURES, "dom0|!teleport"))
BAD(notes_outside, "notes lie outside", img_segment(&m, 2)->filesz = IMG_SIZE)
BAD(note_size, "damaged", memset(m.p + IMG_NOTES + 4, 0xff, 4))
BAD(note_name_size, "damaged", memset(m.p + IMG_NOTES, 0xff, 4))

/* These are odd but legal. */
BAD(unknown_note, NULL, img_note64(&m, 0x1000001, 1))
BAD(optional_unknown_feature, NULL, img_note_text(&m, XEN_ELFNOTE_FEATURES, "teleport||!|dom0"))
BAD(empty_segment_anywhere, NULL, s[1].memsz = s[1].filesz = 0; s[1].paddr = -1UL)
BAD(no_sections, NULL, h->shoff = -1UL)
BAD(unordered, NULL, s[0].paddr = IMG_PA + 0x4000; s[1].paddr = IMG_PA)
BAD(touching, NULL, s[1].paddr = IMG_PA + 0x2000)

Test(elf_bad, no_notes)
{
	struct image m = make_elf();

	expect(&m, "no Xen ELF notes");
}

Test(elf_bad, foreign_notes_only)
{
	struct image m = make_kernel();

	for (u64 at = IMG_NOTES; at < m.notes_end;) {
		u32 *head = (u32 *)(m.p + at);

		memcpy(m.p + at + 12, "GNU", 4);
		at = ALIGN_UP(at + 16 + head[1], 4);
	}
	expect(&m, "no Xen ELF notes");
}

Test(elf_bad, pvh_only)
{
	struct image m = make_elf();

	img_note_text(&m, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	img_note64(&m, XEN_ELFNOTE_PHYS32_ENTRY, IMG_PA);
	expect(&m, "no PV entry");
}

Test(elf_bad, too_many_segments)
{
	struct image m = make_kernel();

	img_header(&m)->phoff = 0xa00;
	img_header(&m)->phnum = 1 + ELF_MAX_LOAD + 1;
	for (unsigned i = 0; i <= ELF_MAX_LOAD + 1; i++)
		memcpy(m.p + 0xa00 + i * 56,
		       &(struct elf_segment){ ELF_PT_LOAD, 0, 0, 0, IMG_PA + i * 0x1000, 16, 16,
					      0 },
		       56);
	memcpy(m.p + 0xa00, img_segment(&m, 2), 56);
	expect(&m, "too many");
}

/* ---- loading ---- */
static u8 *memory;
static u64 next_pa;

static void put(void *ctx, u64 pa, const void *src, u64 len)
{
	cr_assert_eq(ctx, &memory);
	cr_assert_eq(pa, next_pa, "every byte once, in order");
	cr_assert(len);
	next_pa += len;
	if (src)
		memcpy(memory + pa - k.pa_start, src, len);
	else
		memset(memory + pa - k.pa_start, 0, len);
}

static void load_and_check(struct image *m)
{
	cr_assert_null(parse(m));
	memory = malloc(k.pa_end - k.pa_start);
	memset(memory, 0xcc, k.pa_end - k.pa_start);
	next_pa = k.pa_start;
	elf_load_segments(&k, put, &memory);
	cr_assert_eq(next_pa, k.pa_end);
	for (u64 pa = k.pa_start; pa < k.pa_end; pa++) {
		u8 want = 0;

		for (unsigned i = 0; i < 2; i++) {
			struct elf_segment *s = img_segment(m, i);

			if (pa >= s->paddr && pa - s->paddr < s->filesz)
				want = m->p[s->offset + pa - s->paddr];
		}
		cr_assert_eq(memory[pa - k.pa_start], want, "pa %lx", pa);
	}
	free(memory);
	free(m->p);
}

Test(elf, loading)
{
	struct image m = make_kernel();

	load_and_check(&m);
	m = make_kernel(); /* other order, odd places and sizes */
	img_segment(&m, 0)->paddr = IMG_PA + 0x4123;
	img_segment(&m, 1)->paddr = IMG_PA + 0x17;
	img_segment(&m, 1)->filesz = 0x777;
	load_and_check(&m);
	m = make_kernel(); /* a gap of one byte */
	img_segment(&m, 0)->memsz = img_segment(&m, 0)->filesz;
	img_segment(&m, 1)->paddr = IMG_PA + 0x1801;
	load_and_check(&m);
	m = make_kernel(); /* BSS only */
	img_segment(&m, 1)->filesz = 0;
	load_and_check(&m);
}

/* ---- hostile ---- */
/* Whatever was accepted must be safe to load. */
static void check_accepted(const struct image *m)
{
	u64 end = 0;

	for (unsigned i = 0; i < k.nr_load; i++) {
		cr_assert(k.load[i].pa >= end && k.load[i].file_size <= k.load[i].mem_size);
		cr_assert(elf_range_ok(m->size, k.load[i].file_offset, k.load[i].file_size));
		end = k.load[i].pa + k.load[i].mem_size;
	}
	cr_assert(k.pa_start < k.pa_end && end <= k.pa_end);
	cr_assert(k.entry - k.virt_base >= k.pa_start && k.entry - k.virt_base < k.pa_end);
}

Test(elf, cut_at_every_length)
{
	struct image m = make_kernel();

	for (u64 size = 0; size < IMG_SIZE; size++) {
		u8 *cut = malloc(size ? size : 1); /* exactly: the sanitizer watches the end */

		memcpy(cut, m.p, size);
		cr_assert_not_null(elf_parse_kernel(cut, size, &k), "size %lu", size);
		free(cut);
	}
	free(m.p);
}

Test(elf, every_byte_damaged)
{
	static const u8 values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct image m = make_kernel();

	for (u64 at = 0; at < IMG_SHDRS + 64; at++)
		for (unsigned i = 0; i < sizeof(values); i++) {
			u8 old = m.p[at];

			m.p[at] = values[i];
			img_segment(&m, 2)->type = i & 1 ? ELF_PT_NOTE : 0;
			if (!parse(&m))
				check_accepted(&m);
			m.p[at] = old;
		}
	free(m.p);
}

Test(elf, random_damage)
{
	srand(3);
	for (unsigned round = 0; round < 20000; round++) {
		struct image m = make_kernel();

		for (int n = rand() % 6; n >= 0; n--) {
			u64 v = (u64)rand() << (rand() % 48), at = rand() % (IMG_SHDRS + 56);

			memcpy(m.p + at, &v, 1 << rand() % 4);
		}
		if (!parse(&m))
			check_accepted(&m);
		free(m.p);
	}
}
