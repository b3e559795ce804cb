/* SPDX-License-Identifier: MIT */
/*
 * Handlers of the hypercalls. The dispatch table that names them is pv/hypercall.c. Arguments arrive as the guest passed them; v is the calling vCPU. The
 * result is what the guest finds in RAX: >= 0, or -E*; -ERESTART leaves one only within
 * a multicall (hypercall_restart() hides it otherwise).
 */
#ifndef CORE_HYPERCALL_H
#define CORE_HYPERCALL_H

#include "core/domain.h"

typedef long hypercall_fn(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v);

/* core/ */
hypercall_fn do_memory_op;         /* core/memory.c */
hypercall_fn do_xen_version;       /* core/version.c */
hypercall_fn do_console_io;        /* core/console_io.c */
hypercall_fn do_grant_table_op;    /* core/grant*.c */
hypercall_fn do_vm_assist;         /* core/version.c */
hypercall_fn do_vcpu_op;           /* core/vcpu_op.c */
hypercall_fn do_sched_op;          /* core/sched_op.c */
hypercall_fn do_event_channel_op;  /* core/event*.c */
hypercall_fn do_set_timer_op;      /* core/vcpu_op.c */
hypercall_fn do_domctl, do_sysctl; /* core/control.c */
/* x86/ */
hypercall_fn do_physdev_op;  /* x86/physdev.c */
hypercall_fn do_platform_op; /* x86/platform_op.c */
/* paging/ */
hypercall_fn do_mmu_update;        /* paging/mmu_update.c */
hypercall_fn do_update_va_mapping; /* paging/mmu_update.c */
hypercall_fn do_update_va_mapping_otherdomain;
hypercall_fn do_mmuext_op; /* paging/mmuext.c */
/* pv/ */
hypercall_fn do_set_trap_table, do_set_gdt, do_stack_switch, do_set_callbacks, do_fpu_taskswitch;
hypercall_fn do_set_debugreg, do_get_debugreg, do_update_descriptor, do_multicall;
hypercall_fn do_set_segment_base, do_callback_op;

#endif
