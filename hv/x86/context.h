/* SPDX-License-Identifier: MIT */
/* A vCPU on its processor: what is loaded, and the toggle between guest kernel and guest user. */
#ifndef X86_CONTEXT_H
#define X86_CONTEXT_H

#include "core/domain.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/patch.h"

int fpu_alloc(struct vcpu *v);
void fpu_free(struct vcpu *v);
void fpu_save(struct vcpu *v);
void fpu_load(struct vcpu *v);
void fpu_set_legacy(struct vcpu *v, const void *fxsave);
void context_unload_idle(void);
/* The processor's debug registers become v's; with no breakpoint on, DR7 is as after a reset. */
void load_debug(const struct vcpu *v);
/* XSETBV by the guest: false = #GP. */
bool fpu_set_xcr0(struct vcpu *v, u64 xcr0);
extern u64 host_xcr0; /* features a guest may enable */

/* The CR3 value that runs on this L4. */
static inline u64 make_cr3(u64 mfn)
{
	return mfn << PAGE_SHIFT;
}
/* v's kernel or user table is another one, and so is its CR3. v does not run, or does so here and in its kernel mode. */
void load_guest_root(struct vcpu *v);
void note_user_root(struct vcpu *v); /* no TLB knows it: each toggle loads CR3 */

/* cr3 is in force in the hypervisor from now on, exit_cr3 (X86_XPTI) when a guest runs. */
static inline void load_root(u64 cr3, u64 exit_cr3)
{
	if (patched_in(X86_XPTI)) {
		struct entry_page *e = this_cpu()->entry;

		e->root_cr3 = cr3;
		e->exit_cr3 = exit_cr3;
	}
	cpu_info()->write_tlb.table = NULL;
	write_cr3(cr3);
}
static inline void load_kernel_root(const struct vcpu *v)
{
	load_root(v->arch.kernel_cr3, v->arch.kernel_exit_cr3);
}
static inline void load_user_root(const struct vcpu *v)
{
	load_root(v->arch.user_cr3, v->arch.user_exit_cr3);
}

/*
 * v runs here in guest user mode: enter its kernel mode. The straight-line form is in pv/entry.S.
 */
static inline void toggle_to_kernel(struct vcpu *v)
{
	v->arch.flags |= VCPU_KERNEL_MODE;
	load_kernel_root(v);
	__asm__ volatile("swapgs" ::: "memory");
	if (v->arch.flags & VCPU_IOPORTS)
		cpu_info()->tss->iomap_base = TSS_IOMAP_GUEST;
}
static inline void toggle_to_user(struct vcpu *v)
{
	v->arch.flags &= ~VCPU_KERNEL_MODE;
	load_user_root(v);
	__asm__ volatile("swapgs" ::: "memory");
	if (v->arch.flags & VCPU_IOPORTS)
		cpu_info()->tss->iomap_base = TSS_IOMAP_NONE;
}
/*
 * A segment base of v, which is loaded here, by the number of its MSR. The MSR itself takes many times as long, and
 * serves where v does without FSGSBASE.
 */
static inline u64 read_base(const struct vcpu *v, u32 msr)
{
	u64 base;

	if (unlikely(!(v->arch.cr4 & CR4_FSGSBASE)))
		return rdmsr(msr);
	if (msr == MSR_FS_BASE)
		__asm__ volatile("rdfsbase %0" : "=r"(base));
	else if (msr == MSR_GS_BASE)
		__asm__ volatile("rdgsbase %0" : "=r"(base));
	else
		__asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(base));
	return base;
}
/* base: canonical. */
static inline void write_base(const struct vcpu *v, u32 msr, u64 base)
{
	if (unlikely(!(v->arch.cr4 & CR4_FSGSBASE)))
		wrmsr(msr, base);
	else if (msr == MSR_FS_BASE)
		__asm__ volatile("wrfsbase %0" : : "r"(base));
	else if (msr == MSR_GS_BASE)
		__asm__ volatile("wrgsbase %0" : : "r"(base));
	else
		__asm__ volatile("swapgs; wrgsbase %0; swapgs" : : "r"(base));
}
/* What v may choose of CR4. */
void load_cr4(const struct vcpu *v);
/* PHYSDEVOP_set_iopl by v itself. */
void vcpu_set_iopl(struct vcpu *v, unsigned iopl);

#endif
