/* SPDX-License-Identifier: MIT */
/* Fills a domain that was made: memory, kernel, tables, start of day, the first vCPU's context. */

#ifndef LIBPAVISE_BUILD_H
#define LIBPAVISE_BUILD_H

#include "image.h"
#include "link.h"

struct build {
	/* IN */
	uint16_t domid;
	uint64_t nr_pages, max_pages; /* now, and that it may have later */
	const struct guest_image *image;
	const struct file_map *ramdisk; /* or NULL */
	const char *cmdline;            /* or NULL */
	uint32_t store_port, console_port;
	/* OUT: the frames of the rings */
	uint64_t store_mfn, console_mfn;
};

/*
 * Of a domain that is paused and has its vCPUs. False: some of it may be done; destroy the domain.
 */
bool build_domain(struct pavise *p, struct build *b, struct failure *f);

#endif /* LIBPAVISE_BUILD_H */
