/* SPDX-License-Identifier: MIT */
/* Machine interrupts: vectors, IO-APIC pins, MSI. */
#ifndef X86_IRQ_H
#define X86_IRQ_H

#include "core/domain.h"

/* Vectors */
#define VEC_FIRST_DEVICE 0x30
#define VEC_LAST_DEVICE 0xdf
#define VEC_SYSCALL32 0x80 /* INT 0x80: a guest's */
#define VEC_TIMER 0xf0
#define VEC_KICK 0xf1  /* leave guest mode, look at work */
#define VEC_FLUSH 0xf2 /* TLB mailbox */
#define VEC_SPURIOUS 0xff

/*
 * Boot processor, once, after acpi_init() and with a heap: silences the 8259s and all IO-APIC pins,
 * sets the policy for ports and device memory (ioports.h, iomem.h).
 */
void irq_init(void);
/*
 * A device interrupt on `vector` of this processor: called by the entry code, interrupts off. EOIs.
 */
void irq_dispatch(u32 vector);
/* ISA interrupt of our own (console): edge, routed to processor 0. 0 or an error. */
int irq_request_isa(u32 irq, void (*handler)(void));

void lapic_eoi(void);
void send_ipi(u32 cpu, u32 vector);
void send_ipi_nmi(u32 cpu);
void send_ipi_all_but_self_nmi(void);

#endif
