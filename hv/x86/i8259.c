/* SPDX-License-Identifier: MIT */
/* The legacy interrupt controllers: moved off the exceptions' vectors, then silenced for good. */
#include "x86/i8259.h"

#include "x86/asm.h"

#define MASTER 0x20
#define SLAVE 0xa0

static void __init i8259_setup(u16 port, u8 first_vector, u8 wiring)
{
	outb(port, 0x11); /* edge triggered, cascaded, four words follow */
	outb(port + 1, first_vector);
	outb(port + 1, wiring);
	outb(port + 1, 0x01); /* 8086 mode */
	outb(port + 1, 0xff); /* all masked */
}

void __init i8259_init(void)
{
	outb(MASTER + 1, 0xff);
	outb(SLAVE + 1, 0xff);
	i8259_setup(MASTER, I8259_VECTOR, BIT(2));
	i8259_setup(SLAVE, I8259_VECTOR + 8, 2);
}
