/* SPDX-License-Identifier: MIT */
/* Paravirtualized guests: what the files of pv/ offer one another. */
#ifndef PV_PV_H
#define PV_PV_H

#include "core/domain.h"
#include "x86/context.h"
#include "x86/traps.h"

static inline bool guest_kernel_mode(const struct vcpu *v)
{
	return v->arch.flags & VCPU_KERNEL_MODE;
}

static inline bool canonical(u64 va)
{
	return (u64)((s64)va >> 47) + 1 <= 1;
}
/* Is this address within the range that the ABI leaves to us? */
static inline bool in_hv_range(u64 va)
{
	return va >> 43 == HV_VIRT_START >> 43;
}
/*
 * May a guest name this address as an entry point or a stack? Canonical and not ours, with room
 * below.
 */
static inline bool guest_address_ok(u64 va)
{
	return canonical(va) && !in_hv_range(va) && !in_hv_range(va - 256);
}
/* An entry point is 0 (none) or an address the guest could run at. */
static inline bool entry_ok(u64 va)
{
	return !va || guest_address_ok(va);
}

/* pv_bounce() flags */
#define BOUNCE_MASK_EVENTS BIT(0)
#define BOUNCE_ERROR_CODE BIT(1)
/*
 * Make the running vCPU enter its kernel at `addr` with the published frame. A stack that cannot be
 * written kills the guest. regs: its registers on the stack of this processor.
 */
void pv_bounce(struct vcpu *v, cpu_user_regs_t *regs, u64 addr, u32 flags, u32 error_code);
/* Deliver an exception by the guest's trap table; a missing handler kills the guest. */
void pv_inject(struct vcpu *v, cpu_user_regs_t *regs, u32 vec, u32 error_code);
void pv_inject_ud(struct vcpu *v, cpu_user_regs_t *regs);
void pv_inject_gp(struct vcpu *v, cpu_user_regs_t *regs, u32 error_code);
void pv_inject_pf(struct vcpu *v, cpu_user_regs_t *regs, u64 cr2, u32 error_code);

/* Enter the event callback of the running vCPU. (bounce.c) */
void pv_deliver_event(struct vcpu *v, cpu_user_regs_t *regs);

/* Emulate the privileged instruction that made a #GP at regs->rip; false: inject the #GP. */
bool pv_emulate_privileged(struct vcpu *v, cpu_user_regs_t *regs);
/* ud2; "xen"; cpuid: do these eight bytes of code begin with it? Then emulate it. */
#define FORCED_CPUID 0xa20f6e65780b0fUL
#define FORCED_CPUID_LEN 7
static inline bool is_forced_cpuid(u64 code)
{
	return code << 8 == FORCED_CPUID << 8;
}
void pv_forced_cpuid(struct vcpu *v, cpu_user_regs_t *regs);

struct cpuid_leaf; /* x86/asm.h */
/* What the guest sees of CPUID. */
void pv_cpuid(const struct vcpu *v, u32 leaf, u32 sub, struct cpuid_leaf *out);
/* Clear the features in a leaf that d is denied. (policy.c) */
void pv_cpuid_take_away(const struct domain *d, u32 leaf, u32 sub, struct cpuid_leaf *l);
/* MSRs as the guest sees them. false: #GP. */
bool pv_rdmsr(struct vcpu *v, u32 msr, u64 *value);
bool pv_wrmsr(struct vcpu *v, u32 msr, u64 value);

/* CR4 bits a guest may set, and what it always reads as set. */
#define PV_CR4_GUEST (CR4_TSD | CR4_DE | CR4_FSGSBASE | CR4_OSXSAVE)
#define PV_CR4_ALWAYS (CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_MCE)
u64 pv_fix_cr4(u64 want);
/* Debug register writes: 0, -EPERM address in our range, -EINVAL. */
long pv_set_debugreg(struct vcpu *v, unsigned reg, u64 value);
u64 pv_get_debugreg(const struct vcpu *v, unsigned reg);
/* CR0.TS as the guest sees it. */
void pv_set_ts(struct vcpu *v, bool on);
/* As a vCPU's context has them: one a vector, by position. false: an address that may not be. */
bool pv_set_trap_table(struct vcpu *v, const struct trap_info *traps, unsigned n);

/*
 * Build the privileged domain from boot module 0 (kernel) and 1 (initramfs); panics with a
 * sentence.
 */
struct domain *build_hardware_domain(void);
/* Test builds: domains from the modules behind the first two (pv/testdom.c). */
void build_test_domains(void);

/* Give every module's memory to the heap. */
void release_boot_modules(void);

/* Stubs of a hypercall page, 4 KiB. */
void pv_fill_hypercall_page(u8 *page);
void pv_set_gates(void);

/* A PV domain from an ELF image in memory; used by the above and by the test builder. */
struct pv_image {
	const void *elf;
	u64 elf_size;
	const void *initrd; /* NULL = none */
	u64 initrd_size;
	const char *cmdline;
	u64 nr_pages;
};
/* 0, or an error after one sentence on the console. */
int pv_build_domain(struct domain *d, const struct pv_image *img);

#endif
