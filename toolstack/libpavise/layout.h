/* SPDX-License-Identifier: MIT */
/* Where a PV domain's first things go: the published start-of-day contract, as numbers. */

#ifndef LIBPAVISE_LAYOUT_H
#define LIBPAVISE_LAYOUT_H

#include "failure.h"
#include "lib/elf.h"

/*
 * Frames are pseudo-physical numbers (PFNs). Virtual is virt_base + PFN * 4096 below va_pages, and
 * init_p2m for the p2m list of a kernel that asks for it there.
 */
struct layout {
	u64 nr_pages;                    /* of the domain */
	u64 initrd_pfn, initrd_pages;    /* pages: 0, none */
	u64 p2m_pfn, list_pages, nr_p2m; /* the list; with the tables that map it at init_p2m */
	u64 start_info_pfn, store_pfn, console_pfn;
	u64 pt_pfn, nr_pt; /* the first tables; the L4 is the first of them */
	u64 stack_pfn;
	u64 va_pages;
};

/* Plans for nr_pages (at most 2^40) and a ramdisk of initrd_size bytes (0: none). */
bool layout_plan(struct layout *l, const struct kernel_image *k, u64 nr_pages, u64 initrd_size,
		 struct failure *f);

/*
 * The tables. One is named by its PFN; l->pt_pfn is the L4. set(ctx, table, index, pfn, writable)
 * fills an entry with the frame pfn. Tables are made in the order of their PFNs.
 */
typedef void layout_set_fn(void *ctx, u64 table, unsigned int index, u64 pfn, bool writable);
/* False: more tables than were planned, which is our mistake. */
bool layout_tables(const struct layout *l, const struct kernel_image *k, layout_set_fn *set,
		   void *ctx);

#endif /* LIBPAVISE_LAYOUT_H */
