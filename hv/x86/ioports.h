/* SPDX-License-Identifier: MIT */
/* Which I/O ports the privileged domain drives itself, and what happens at the others. */
#ifndef X86_IOPORTS_H
#define X86_IOPORTS_H

#include "core/domain.h"
#include "x86/asm.h"

/* Boot: add the console, and what the ACPI tables name (PM1 control). Called by irq_init(). */
void ioport_init(void);
/* Boot, after that: a set bit makes the access trap. 8 KiB. */
void ioport_fill_bitmap(u8 *bitmap);

/* The access itself. size 1, 2, 4. */
static inline u32 port_read(u16 port, unsigned size)
{
	return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

static inline void port_write(u16 port, unsigned size, u32 value)
{
	if (size == 1)
		outb(port, value);
	else if (size == 2)
		outw(port, value);
	else
		outl(port, value);
}

/*
 * A port access of v that trapped; whether its virtual IOPL allows it was the caller's question.
 * Other domains than the privileged one read ones and write nothing.
 */
u32 guest_io_read(struct vcpu *v, u32 port, unsigned size);
void guest_io_write(struct vcpu *v, u32 port, unsigned size, u32 value);

#endif
