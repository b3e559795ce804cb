/* SPDX-License-Identifier: MIT */
/* Between the files of memory_op. */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include "core/domain.h"

#define MEMORY_MAX_ORDER 9 /* of one extent */
#define PAGES_PER_STEP 64  /* given up between two looks for something better to do */

/* XENMEMF_* as flags for the heap. False: asks for what we do not have. */
bool memflags_of(u32 mem_flags, u32 *memflags);
/* Drop the domain's own reference on a page of it. 0 or -EINVAL: not its, or not its to give. */
int give_up_page(struct domain *d, u64 mfn);
/* Free what d's exchanges have left behind: 0, or -ERESTART. */
int exchange_free_rest(struct domain *d);
/* XENMEM_exchange; op and arg as the call got them. (exchange.c) */
long memory_exchange(u64 op, u64 arg, struct vcpu *v);

#endif
