/* SPDX-License-Identifier: MIT */
/* A domain's core: its memory and its vCPUs, as a file that tools for Xen read. */

#ifndef LIBPAVISE_DUMP_H
#define LIBPAVISE_DUMP_H

#include "link.h"

/* Told of how many pages are done; false: give it up. */
typedef bool dump_progress(uint64_t done, uint64_t all);

/*
 * Writes it, whole or not at all: the file has no name before. The domain is paused meanwhile.
 * progress: or NULL.
 */
bool domain_dump(struct pavise *p, uint16_t domid, const char *path, dump_progress *progress,
		 struct failure *f);

#endif /* LIBPAVISE_DUMP_H */
