/* SPDX-License-Identifier: MIT */
/* TLB flushes; those that others ask for come from core/arch.h. */
#ifndef X86_FLUSH_H
#define X86_FLUSH_H

#include "lib/base.h"

/* Do what the mailbox of this processor asks. Takes no lock; called by spin_wait() and for
 * VEC_FLUSH. */
void flush_serve(void);

/* Every translation on every processor, our own global ones included: after rights were taken from
 * the image. Waits. */
void tlb_flush_global(void);

#endif
