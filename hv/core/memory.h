/* SPDX-License-Identifier: MIT */
/* Between the files of memory_op. */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include "core/domain.h"

#define MEMORY_MAX_ORDER 9 /* of one extent */

/* XENMEMF_* as flags for the heap. False: asks for what we do not have. */
bool memflags_of(u32 mem_flags, u32 *memflags);
/* Drop the domain's own reference on a page of it. 0 or -EINVAL: not its, or not its to give. */
int give_up_page(struct domain *d, u64 mfn);
/* XENMEM_exchange; op and arg as the call got them. (exchange.c) */
long memory_exchange(u64 op, u64 arg, struct vcpu *v);
/* Free what exchanges that its vCPUs began have in hand: 0, or -ERESTART. */
int exchange_destroy_domain(struct domain *d);

#endif
