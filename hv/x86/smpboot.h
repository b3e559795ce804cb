/* SPDX-License-Identifier: MIT */
/* Bringing up the processors. */
#ifndef X86_SMPBOOT_H
#define X86_SMPBOOT_H

/*
 * Boot processor, once, when interrupts controllers, time and domains_init() are done and the IDT
 * is filled: run its CPU_INIT hooks, give it timers, an idle vCPU and a scheduler, and do the same
 * for every other processor the ACPI tables name. One that does not come up costs a sentence. They
 * end in cpu_idle_entry().
 */
void smp_boot(void);

#endif
