/* SPDX-License-Identifier: MIT */
/* Numbers that C, assembly and the linker script of a test guest share. */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

#define GUEST_BASE 0xffffffff80000000
#define GUEST_LOAD 0x100000
#define GUEST_CPUS 4
/*
 * Of each processor's area the lower half takes entries from user mode, the upper half runs the
 * program.
 */
#define GUEST_STACK 32768
#define GUEST_POOL_PAGES 320

#endif
