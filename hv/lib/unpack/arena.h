/* SPDX-License-Identifier: MIT */
/* The decoders' memory: taken from the arena in order, given back all at once. */
#ifndef LIB_UNPACK_ARENA_H
#define LIB_UNPACK_ARENA_H

#include "lib/base.h"

void arena_reset(void);
void *arena_alloc(u64 size); /* 16-byte aligned, contents undefined; NULL = no room */
void arena_free(void *p);    /* only what was allocated last becomes free again */

#endif
