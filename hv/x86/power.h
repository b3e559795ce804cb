/* SPDX-License-Identifier: MIT */
/* Sleep states and the end of the machine; machine_*() are declared in core/arch.h. */
#ifndef X86_POWER_H
#define X86_POWER_H

#include "lib/base.h"

/* Set before the stopping NMI is sent: the handler of one that sees it halts for good. [a] */
extern bool machine_stopping;

/*
 * Write the PM1 control registers with the values the privileged domain's ACPI code computed
 * (SLP_EN is added last). Returns only when the machine did not go: -EIO; -ENODEV without such
 * registers.
 */
int acpi_enter_s5(u16 pm1a, u16 pm1b);

#endif
