/* SPDX-License-Identifier: MIT */
/*
 * Unpacking kernels while the machine starts, by the decoders of Debian's static libraries: liblzma
 * (xz and the older .lzma), libz (gzip) and libzstd. One caller at a time; all of it is given back
 * after boot.
 *
 * What a caller must see to. The libraries are compiled with SSE2 and with the stack protector, so
 * around every call of unpack() and kernel_unpack():
 *   - CR0.EM and CR0.TS are clear, CR4.OSFXSR and CR4.OSXMMEXCPT set; XMM registers are clobbered;
 *   - MSR_FS_BASE holds the address of unpack_tls (the canary is read from %fs:0x28);
 *   - unpack_arena() has given memory; 4 KiB of stack are free (2 KiB measured).
 *
 * Linking. liblzma.a, libz.a and libzstd.a come after the objects of hv/lib/unpack: shims.c defines
 * some of their symbols first, so that the members with the same symbols (old zstd formats and more
 * CRC tables, 105 KiB) are never pulled in. The libraries have no writable data, no constructors,
 * no TLS. In the linker script, before any general pattern (their section names are plain):
 *   .init.text:    *liblzma.a:(.text .text.*)  and so for libz.a, libzstd.a
 *   .init.rodata:  *liblzma.a:(.rodata .rodata.* .data.rel.ro .data.rel.ro.*)  and so ...
 *   .init.data:    *liblzma.a:(.data .data.* .bss .bss.* COMMON)  and so ... (all empty)
 *   /DISCARD/:     *(.eh_frame .comment .note.GNU-stack .note.gnu.property)
 * .got must have a place: a link that is not -pie takes -Wl,--no-relax (or ld would put our 64-bit
 * addresses into 32-bit operands), and then a few addresses are loaded from there.
 */
#ifndef LIB_UNPACK_H
#define LIB_UNPACK_H

#include "lib/base.h"

enum unpack_format { UNPACK_NONE, UNPACK_ELF, UNPACK_GZIP, UNPACK_XZ, UNPACK_LZMA, UNPACK_ZSTD };

/* By the first bytes; UNPACK_NONE: unknown. */
enum unpack_format unpack_detect(const void *in, u64 in_len);

/*
 * How many bytes it will unpack to, by what the data say themselves (gzip's last word, xz's index,
 * zstd's and lzma's header, ELF: in_len); 0 = they don't say. A hint from untrusted data.
 */
u64 unpack_size_hint(const void *in, u64 in_len);

/* Bytes of arena that unpacking takes: below 1 MiB, and for xz and lzma their dictionary. */
u64 unpack_arena_size(const void *in, u64 in_len);

/* Memory for the decoders, 16-byte aligned; used from the start anew by each unpack(). */
void unpack_arena(void *base, u64 size);
void arena_reset(void);
void *arena_alloc(u64 size); /* 16-byte aligned, contents undefined; NULL = no room */
void arena_free(void *p);    /* only what was allocated last becomes free again */
extern u8 unpack_tls[64];

/*
 * Unpack (an ELF file is copied). NULL and *out_len, or one sentence. Never writes beyond out +
 * out_max; what lies behind the end of the compressed data is ignored for gzip, xz and lzma, an
 * error for zstd.
 */
const char *unpack(const void *in, u64 in_len, void *out, u64 out_max, u64 *out_len);

/* A boot module that should be a kernel: a bzImage, an ELF file, or a packed ELF file. */
struct kernel_file {
	const u8 *data; /* inside the module */
	u64 size;
	enum unpack_format format;
	u64 unpacked_size; /* bytes to offer as out_max, 0 = unknown; UNPACK_ELF needs none */
	u64 arena_size;    /* bytes to give to unpack_arena(); 0 for UNPACK_ELF */
};

/* Look at a module. NULL, or one sentence that says why it is no kernel. No arena or FPU needed. */
const char *kernel_open(const void *module, u64 size, struct kernel_file *f);
/*
 * Get the ELF file inside: unpacked to `out`, or, if it is not packed, in place. NULL, *elf and
 * *elf_len, or one sentence. The ELF file itself is for elf_parse_kernel() to check.
 */
const char *kernel_unpack(const struct kernel_file *f, void *out, u64 out_max, const void **elf,
			  u64 *elf_len);

#endif
