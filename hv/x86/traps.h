/* SPDX-License-Identifier: MIT */
/* Traps of the hypervisor itself, and interrupts whomever they interrupted. */
#ifndef X86_TRAPS_H
#define X86_TRAPS_H

#include "core/arch_state.h"

enum { TRAP_DB = 1, TRAP_NMI, TRAP_BP, TRAP_OF, TRAP_UD = 6, TRAP_NM, TRAP_DF };
enum { TRAP_TS = 10, TRAP_NP, TRAP_SS, TRAP_GP, TRAP_PF, TRAP_AC = 17, TRAP_MC, TRAP_CP = 21 };

#define PFEC_P BIT(0)
#define PFEC_W BIT(1)
#define PFEC_U BIT(2)
#define PFEC_RSVD BIT(3)
#define PFEC_I BIT(4)

/*
 * A trap while the hypervisor ran: an interrupt of the exit loop, a fault with a fixup, or the end.
 */
void hv_trap(cpu_user_regs_t *regs);
/* Dispatch a machine interrupt. */
void handle_interrupt(u32 vector);
/* #DB and #MC come on stacks of their own: the frame on the ordinary stack to go on with, or NULL
 * when it has been dealt with. */
cpu_user_regs_t *hv_ist_enter(cpu_user_regs_t *regs);
/* #MC: tell and clear what the banks say; what the worst of it means for who was interrupted. Logs. */
enum mce_severity { MCE_HARMLESS, MCE_CONTEXT_LOST, MCE_FATAL };
enum mce_severity machine_check(void);
cpu_user_regs_t *hv_nmi(cpu_user_regs_t *regs);
cpu_user_regs_t *hv_double_fault(cpu_user_regs_t *regs);

#endif
