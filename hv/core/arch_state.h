/* SPDX-License-Identifier: MIT */
/*
 * What a vCPU and a domain consist of on this architecture: plain data, kept in one place whatever
 * runs the vCPU. pv/ gives it meaning; nothing here needs the processor to be compiled.
 */
#ifndef CORE_ARCH_STATE_H
#define CORE_ARCH_STATE_H

#include <xen/xen.h>

#include "lib/base.h"

/*
 * Guest registers as the entry code lays them on the stack: the published cpu_user_regs, in its
 * order.
 */
typedef struct cpu_user_regs cpu_user_regs_t;

struct pv_trap {
	u64 addr; /* 0: none */
	u16 cs;
	u8 dpl;
	bool masks_events; /* only where there is an addr */
	u32 pad;
};
_Static_assert(sizeof(struct pv_trap) == 16, "one page of 256");

/* arch_vcpu.flags */
#define VCPU_KERNEL_MODE BIT(0)   /* the guest's kernel runs, not its user: both are ring 3 */
#define VCPU_SYSCALL_MASKS BIT(1) /* the syscall callback masks events */
#define VCPU_SYSCALL32_MASKS BIT(2)
#define VCPU_SYSENTER_MASKS BIT(3)
#define VCPU_FAILSAFE_MASKS BIT(4)
#define VCPU_GUEST_TS BIT(5)     /* CR0.TS as the guest sees it */
#define VCPU_IOPORTS BIT(6)      /* its kernel mode uses the port bitmap of the TSS */
#define VCPU_IN_MULTICALL BIT(7) /* the running call is an entry of a multicall */
#define VCPU_MC_RESTART BIT(8)   /* ... and asked to be issued again (arguments in mc_args) */

/*
 * All of it belongs to the processor that runs the vCPU, or, when it is descheduled, to whoever
 * paused it; fields marked [a] may be read by others.
 */
struct arch_vcpu {
	/* entry and return touch these, in this order */
	u32 flags; /* VCPU_* */
	u16 iopl;  /* virtual, 0-3 */
	u16 pad0;
	/*
	 * What CR3 holds in guest kernel mode / in guest user mode;
	 * user_cr3 == 0 when the guest has set no user table.
	 */
	u64 kernel_cr3;
	u64 user_cr3;
	u64 kernel_exit_cr3; /* the restricted roots, where the guest runs on such (X86_XPTI) */
	u64 user_exit_cr3;
	u64 kernel_sp; /* stack_switch; checked to lie outside the hypervisor's range when set */
	u64 kernel_ss;
	u64 syscall_callback; /* canonical and outside our range, or 0 */
	u64 syscall32_callback;
	u64 sysenter_callback;
	u64 event_callback;
	u64 failsafe_callback;
	struct pv_trap *traps; /* 256 of them, one page */

	/* while it does not run; while it does they are on the processor's stack */
	cpu_user_regs_t regs;

	u64 guest_table; /* mfn of the kernel L4: holds a typed reference */
	u64 user_table;  /* mfn of the user L4, or 0: holds a typed reference */
	u64 fs_base, gs_base_kernel, gs_base_user; /* while it does not run */
	u16 ds, es, fs, gs;

	u64 gdt_frames[14]; /* typed references (PGT_seg_desc); 0 = none */
	u32 gdt_entries;
	u32 ldt_entries;
	u64 ldt_base; /* guest virtual address; frames below hold typed references */
	u64 ldt_frames[16];

	u64 cr0, cr4; /* as the guest sees them */
	u64 debugreg[8];
	u64 xcr0;
	void *xsave; /* XSAVE area, 64-byte aligned; current unless the vCPU is loaded */
	void *xsave_alloc;
	bool nmi_pending; /* [a] */
	u64 tsc_aux;
	u64 iobmp; /* guest address of the port bitmap a guest's user mode may use (0 = none) */
	u32 iobmp_limit;
	u64 dropping;   /* frame + 1 of a table whose type reference is half given back; 0 = none */
	u64 mc_args[6]; /* VCPU_MC_RESTART: the entry's new arguments */
};

#define CPUID_FEATURE_WORDS 11 /* of the published feature set */

struct arch_domain {
	bool cpuid_less; /* [I once it runs] some bit below is set */
	/* [I once it runs] features taken away (XEN_DOMCTL_set_cpu_policy) */
	u32 cpuid_off[CPUID_FEATURE_WORDS];
	u32 relinquish_stage;
};

#endif
