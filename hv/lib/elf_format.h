/* SPDX-License-Identifier: MIT */
/* The ELF64 file format as far as kernel images use it; and what elf.c and elfnote.c share. */
#ifndef LIB_ELF_FORMAT_H
#define LIB_ELF_FORMAT_H

#include "lib/elf.h"

#define ELF_TYPE_EXEC 2
#define ELF_MACHINE_X86_64 62
#define ELF_PT_LOAD 1
#define ELF_PT_NOTE 4
#define ELF_SHT_NOTE 7
#define ELF_MAX_PA (1UL << 46) /* no segment ends above; keeps sums of addresses from wrapping */

struct elf_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct elf_header) == 64, "ELF64");

struct elf_segment {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct elf_segment) == 56, "ELF64");

struct elf_section {
	u32 name, type;
	u64 flags, addr, offset, size;
	u32 link, info;
	u64 addralign, entsize;
};
_Static_assert(sizeof(struct elf_section) == 64, "ELF64");

/* Are `len` bytes at `offset` inside a file of `size`? */
bool elf_range_ok(u64 size, u64 offset, u64 len);

/* Find and take the Xen notes; NULL or a sentence. The program header table was checked. */
const char *elf_read_notes(struct kernel_image *k, const struct elf_header *h);

#endif
