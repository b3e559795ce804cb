/* SPDX-License-Identifier: MIT */
/* A processor's window (descriptor tables, TSS, stubs, stack) and the one IDT. */
#ifndef X86_DESC_H
#define X86_DESC_H

#include "x86/cpu.h"

/* Interrupt stacks as the TSS numbers them. */
enum { IST_DF = 1, IST_NMI, IST_MCE, IST_DB };

/* Gate of the IDT, which all processors share: handler is 64-bit code of ours, dpl 0 or 3, ist 0
 * (none) or IST_*. While the machine starts only: then the table is read-only. */
void idt_set_gate(unsigned vec, const void *handler, unsigned dpl, unsigned ist);

/* The calling processor uses it. */
void idt_load(void);
/* The page it lies in. */
const void *idt_page(void);

/* Allocate and map the window of a processor whose c->id is set; panics without memory. While
 * starting only. */
void percpu_create(struct cpu *c);
/* Load GDT, TSS, IDT and the SYSCALL registers of the calling processor from its window. */
void percpu_load(struct cpu *c);
static inline u64 percpu_base(u32 id)
{
	return PERCPU_VIRT + (u64)id * PERCPU_STRIDE;
}

/* The calling processor's GDT and LDT become v's: frames in arch.gdt_frames and arch.ldt_frames. */
void desc_load_window(const struct vcpu *v);

/* The privileged domain's port bitmap, 8 KiB, one for all processors; a set bit makes the access
 * trap. Starts as all ones. [I after boot] */
extern u8 *port_bitmap;

#endif
