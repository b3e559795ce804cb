/* SPDX-License-Identifier: MIT */
/* Bringing up the processors. */
#ifndef X86_SMPBOOT_H
#define X86_SMPBOOT_H

#include "x86/cpu.h"

/* Where a processor goes once it runs: it leaves for a guest, or waits for one. (pv/exit.c) */
noreturn_fn void cpu_idle_entry(struct cpu *c);

/*
 * Boot processor, once, when interrupts controllers, time and domains_init() are done and the IDT
 * is filled: run its CPU_INIT hooks, give it timers, an idle vCPU and a scheduler, and do the same
 * for every other processor the ACPI tables name. One that does not come up costs a sentence. They
 * end in cpu_idle_entry().
 */
void smp_boot(void);

#endif
