/* SPDX-License-Identifier: MIT */
/* The local APIC: of the calling processor, unless said otherwise. Sending is declared in
 * x86/irq.h. */
#ifndef X86_APIC_H
#define X86_APIC_H

#include "x86/cpu.h"

/* Boot processor, after acpi_init(): find and enable it. */
void lapic_init(void);
/* The calling processor, c, switches its own on: lapic_init() on the boot processor, the others as
 * they come up. Fills in apic_id, acpi_id and node. */
void lapic_enable(struct cpu *c);
extern bool lapic_x2apic; /* [I after lapic_init] */

/* INIT and start-up messages to a processor by its APIC id. page: machine page of the code, below 1
 * MiB. */
void lapic_send_init(u32 apic_id);
void lapic_send_startup(u32 apic_id, u32 page);

/* Timer: ticks of the bus clock until VEC_TIMER (0 = stop), or the TSC value in deadline mode (0 =
 * stop). */
void lapic_timer_count(u32 ticks);
void lapic_timer_deadline(u64 tsc);
extern bool lapic_deadline_mode; /* [I after lapic_init] */
/* For calibration: let it run from the top without interrupts, or (false) back to one-shot ones,
 * stopped; what it has counted since. */
void lapic_timer_free_run(bool on);
u32 lapic_timer_elapsed(void);

#endif
