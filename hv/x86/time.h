/* SPDX-License-Identifier: MIT */
/* The TSC as the clock of everything; what core needs of it is in core/arch.h. */
#ifndef X86_TIME_H
#define X86_TIME_H

#include "lib/base.h"

extern u32 tsc_khz; /* [I after time_init] */

/* Boot processor, after lapic_init(): find the TSC's and the APIC timer's rates, read the wall
 * clock. */
void time_init(void);

/* Busy waiting; for start-up and devices. */
void delay_us(u32 us);

/* Both called at the same time, by the boot processor and by one that comes up: do their TSCs
 * agree? Sets tsc_offset of the latter where they do not. */
void tsc_check_begin(void);   /* before that one is woken */
bool tsc_check_boot(u64 end); /* false: at `end` (by now_ns()) it has not answered */
void tsc_check_ap(void);
/* All are up: X86_TSC_SYNCED, if every check went well. */
void tsc_check_finish(void);

#endif
