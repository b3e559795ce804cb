/* SPDX-License-Identifier: MIT */
/* The first serial port and the text screen as the machine's console. */
#ifndef X86_SERIAL_H
#define X86_SERIAL_H

#include "lib/base.h"

/* Take input too: by interrupt when irq_request_isa() grants it, else by polling. After irq and
 * timers work. */
void serial_irq_init(void);

/* Show messages on the text screen from now on (needs ioremap()), and no more: it becomes the
 * domain's. */
void console_vga_init(void);
void console_vga_release(void);

/* First of the eight ports of the console, which no domain may touch; 0 when there is none. */
u16 console_port(void);

#endif
