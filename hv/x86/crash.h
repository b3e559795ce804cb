/* SPDX-License-Identifier: MIT */
/* When the hypervisor itself is broken; and names for addresses. */
#ifndef X86_CRASH_H
#define X86_CRASH_H

#include "core/arch_state.h"
#include "lib/base.h"

/* Registers and, for a frame of ours, a symbolized backtrace, straight to the console. */
void crash_dump_regs(const cpu_user_regs_t *regs);
/* What the machine or its operator gave us is not good enough to start: one sentence that says what
 * to change, then halt or reboot as asked. */
noreturn_fn void fail_start(const char *fmt, ...) printf_fn(1, 2);
/* As panic(), for a fault of ours whose registers were saved. */
noreturn_fn void crash_with_regs(const cpu_user_regs_t *regs, const char *fmt, ...) printf_fn(2, 3);
/*
 * A fault of ours at an instruction with an entry in .ex_table: goes on at the fixup. False: there
 * is none.
 */
bool ex_table_fixup(cpu_user_regs_t *regs);

#endif
