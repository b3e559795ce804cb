/* SPDX-License-Identifier: MIT */
/* Processors that watch each other. */
#ifndef X86_WATCHDOG_H
#define X86_WATCHDOG_H

#include "x86/cpu.h"

/* Boot processor, when all processors are up: start watching, if the option "watchdog" says so. */
void watchdog_init(void);
extern bool watchdog_on; /* [I after boot] */
/* One turn of a loop that waits for another processor, if watchdog_on. */
void watchdog_wait(void);
/* An NMI: does not return if the watchdog sent it, because this processor stands still at regs. */
void watchdog_nmi(const cpu_user_regs_t *regs);

#endif
