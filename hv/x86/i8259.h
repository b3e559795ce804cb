/* SPDX-License-Identifier: MIT */
/* The legacy interrupt controllers, which are not used. */
#ifndef X86_I8259_H
#define X86_I8259_H

/* A masked 8259 can still raise a spurious interrupt: at one of these 16 vectors; it is ignored. */
#define I8259_VECTOR 0x20

void i8259_init(void);

#endif
