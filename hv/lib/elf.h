/* SPDX-License-Identifier: MIT */
/*
 * Kernel images: ELF64 files that say by Xen ELF notes how a PV kernel wants to be started.
 * The image is untrusted and may be cut anywhere: nothing is used before it was checked.
 */
#ifndef LIB_ELF_H
#define LIB_ELF_H

#include "lib/base.h"

#define ELF_MAX_LOAD 32 /* loadable segments of one kernel */

struct elf_load {
	u64 pa; /* pseudo-physical: p_paddr less paddr_offset */
	u64 file_offset;
	u64 file_size; /* bytes in the image; zeros from here to mem_size */
	u64 mem_size;
};

/* Filled by elf_parse_kernel(). All [I] afterwards; `image` must stay until it is loaded. */
struct kernel_image {
	const u8 *image;
	u64 image_size;

	u64 virt_base; /* virtual address of pseudo-physical 0 */
	u64 paddr_offset;
	u64 entry;          /* virtual */
	u64 hypercall_page; /* virtual, page aligned; 0 = the kernel has none */
	u64 init_p2m;       /* virtual, page aligned; valid if has_init_p2m */
	u64 hv_start_low;   /* 0 = not given */
	u64 mod_start_pfn;  /* not 0: the ramdisk may be given as a PFN, unmapped */
	bool has_init_p2m;
	u32 required_features; /* XENFEAT_* bits that it cannot do without */
	char guest_os[32], guest_version[32], loader[16], xen_version[16];

	u64 pa_start, pa_end; /* pseudo-physical range that the segments span, whole pages */
	unsigned nr_load;
	struct elf_load load[ELF_MAX_LOAD]; /* ascending by pa, disjoint */
};

/* Does it begin like an ELF file of any kind? */
bool elf_is(const void *image, u64 size);

/*
 * Check an image and read what it says about itself. NULL, or one sentence that says why it is no
 * kernel that can be started; *k is meaningless then. On success the segments lie inside the image,
 * do not overlap, and virt_base + [pa_start, pa_end) and entry lie in canonical space outside the
 * hypervisor's range; whether pa_end fits the domain's memory is the caller's to check. Any size
 * may be given.
 */
const char *elf_parse_kernel(const void *image, u64 size, struct kernel_image *k);

/* Take `len` bytes for pseudo-physical address `pa` from `src`, or zeros if src is NULL. */
typedef void elf_put_fn(void *ctx, u64 pa, const void *src, u64 len);

/*
 * Hand every byte of [pa_start, pa_end) to put(), once, in ascending order: segments, their BSS and
 * the gaps between them as zeros.
 */
void elf_load_segments(const struct kernel_image *k, elf_put_fn *put, void *ctx);

#endif
