/* SPDX-License-Identifier: MIT */
/* Small kernel images for tests and fuzzers: correct ones, to be damaged by whoever uses them. */
#ifndef TESTS_UNIT_IMAGES_H
#define TESTS_UNIT_IMAGES_H

#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>

#include "lib/elf_format.h"

#define IMG_VIRT 0xffffffff80000000UL
#define IMG_PA 0x1000000UL
#define IMG_SIZE 0x3000 /* of make_elf() */
#define IMG_PHDRS 64    /* program headers: two to load, one of notes */
#define IMG_NOTES 0x400
#define IMG_SHDRS 0x800 /* one section header, for the same notes */

struct image {
	u8 *p;
	u64 size;
	u64 notes_end; /* where the next note goes */
};

static inline struct elf_header *img_header(struct image *m)
{
	return (struct elf_header *)m->p;
}

static inline struct elf_segment *img_segment(struct image *m, unsigned i)
{
	return (struct elf_segment *)(m->p + IMG_PHDRS) + i;
}

static inline void img_note(struct image *m, u32 type, const void *desc, u32 size)
{
	u32 head[3] = { 4, size, type };

	memcpy(m->p + m->notes_end, head, sizeof(head));
	memcpy(m->p + m->notes_end + 12, "Xen", 4);
	memcpy(m->p + m->notes_end + 16, desc, size);
	m->notes_end = ALIGN_UP(m->notes_end + 16 + size, 4);
	img_segment(m, 2)->filesz = m->notes_end - IMG_NOTES;
	((struct elf_section *)(m->p + IMG_SHDRS))->size = m->notes_end - IMG_NOTES;
}

static inline void img_note64(struct image *m, u32 type, u64 v)
{
	img_note(m, type, &v, sizeof(v));
}

static inline void img_note_text(struct image *m, u32 type, const char *s)
{
	img_note(m, type, s, strlen(s) + 1);
}

/* An executable of two segments (0x1800 bytes at IMG_PA with BSS to 0x2000; 0x1000 bytes at IMG_PA
 * + 0x4000) without a note. The memory is malloc'd and exactly as large as the file. */
static inline struct image make_elf(void)
{
	struct image m = { calloc(1, IMG_SIZE), IMG_SIZE, IMG_NOTES };
	struct elf_section *s = (struct elf_section *)(m.p + IMG_SHDRS);

	*img_header(&m) = (struct elf_header){
		.ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 },
		.type = ELF_TYPE_EXEC,
		.machine = ELF_MACHINE_X86_64,
		.version = 1,
		.entry = IMG_PA,
		.phoff = IMG_PHDRS,
		.shoff = IMG_SHDRS,
		.ehsize = 64,
		.phentsize = 56,
		.phnum = 3,
		.shentsize = 64,
		.shnum = 1,
	};
	*img_segment(&m, 0) = (struct elf_segment){
		ELF_PT_LOAD, 5, 0x800, IMG_VIRT + IMG_PA, IMG_PA, 0x1800, 0x2000, 0x1000,
	};
	*img_segment(&m, 1) = (struct elf_segment){ ELF_PT_LOAD,     6,      0x2000, 0,
						    IMG_PA + 0x4000, 0x1000, 0x1000, 0x1000 };
	*img_segment(&m, 2) = (struct elf_segment){ ELF_PT_NOTE, 4, IMG_NOTES, 0, 0, 0, 0, 4 };
	*s = (struct elf_section){ .type = ELF_SHT_NOTE, .offset = IMG_NOTES, .addralign = 4 };
	for (u64 i = 0x1000; i < IMG_SIZE; i++)
		m.p[i] = i * 7 + (i >> 8);
	return m;
}

/* The same with the notes of a present-day Linux. */
static inline struct image make_kernel(void)
{
	struct image m = make_elf();
	u64 valid[2] = { 1, 1 };
	u32 features = 0x8801, one = 1;

	img_note_text(&m, XEN_ELFNOTE_GUEST_OS, "linux");
	img_note_text(&m, XEN_ELFNOTE_GUEST_VERSION, "2.6");
	img_note_text(&m, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	img_note64(&m, XEN_ELFNOTE_VIRT_BASE, IMG_VIRT);
	img_note64(&m, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
	img_note64(&m, XEN_ELFNOTE_ENTRY, IMG_VIRT + IMG_PA + 0x1c0);
	img_note_text(&m, XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb");
	img_note(&m, XEN_ELFNOTE_SUPPORTED_FEATURES, &features, 4);
	img_note_text(&m, XEN_ELFNOTE_PAE_MODE, "yes");
	img_note_text(&m, XEN_ELFNOTE_LOADER, "generic");
	img_note(&m, XEN_ELFNOTE_L1_MFN_VALID, valid, 16);
	img_note(&m, XEN_ELFNOTE_SUSPEND_CANCEL, &one, 4);
	img_note(&m, XEN_ELFNOTE_MOD_START_PFN, &one, 4);
	img_note64(&m, XEN_ELFNOTE_HV_START_LOW, 0xffff800000000000);
	img_note64(&m, XEN_ELFNOTE_PADDR_OFFSET, 0);
	img_note64(&m, XEN_ELFNOTE_PHYS32_ENTRY, IMG_PA + 0x850);
	return m;
}

/* A bzImage of two setup sectors around a payload, with the size word that the build appends. */
static inline struct image make_bzimage(const void *payload, u32 len, u32 unpacked, bool append)
{
	struct image m = { .size = 3 * 512 + 16 + len + 4 * append };
	u32 at = 16, total = len + 4 * append;

	m.p = calloc(1, m.size);
	m.p[0x1f1] = 2;
	memcpy(m.p + 0x1fe, "\x55\xaa\xeb\x6aHdrS\x0f\x02", 10);
	memcpy(m.p + 0x20e, "\x80\x01", 2); /* release at 0x380 */
	memcpy(m.p + 0x236, "\x01\x00", 2);
	memcpy(m.p + 0x248, &at, 4);
	memcpy(m.p + 0x24c, &total, 4);
	strcpy((char *)m.p + 0x380, "6.1.0-test (builder) #1");
	memcpy(m.p + 3 * 512 + 16, payload, len);
	if (append)
		memcpy(m.p + 3 * 512 + 16 + len, &unpacked, 4);
	return m;
}

#endif
