/* SPDX-License-Identifier: MIT */
/* A PV vCPU's life: allocation, the context a guest gives it, teardown. */
#include "core/arch.h"
#include "lib/log.h"
#include "lib/string.h"
#include "paging/paging.h"
#include "pv/pv.h"

int arch_vcpu_create(struct vcpu *v)
{
	if (is_idle(v))
		return 0;
	v->arch.traps = alloc_page_zeroed();
	if (!v->arch.traps)
		return -ENOMEM;
	v->arch.cr4 = PV_CR4_ALWAYS | (host_xcr0 ? CR4_OSXSAVE : 0);
	v->arch.cr0 = CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE;
	v->arch.debugreg[6] = DR6_RESET;
	v->arch.debugreg[7] = DR7_RESET;
	v->arch.flags = VCPU_KERNEL_MODE;
	return fpu_alloc(v);
}

void arch_vcpu_destroy(struct vcpu *v)
{
	if (v->arch.traps)
		free_page(v->arch.traps);
	fpu_free(v);
}

void arch_vcpu_nmi(struct vcpu *v)
{
	__atomic_store_n(&v->arch.nmi_pending, true, __ATOMIC_SEQ_CST);
	vcpu_wake(v, VPF_blocked);
	if (READ_ONCE(v->running)) /* else it looks when it begins to run */
		cpu_work(v->processor, WORK_EVENT);
}

/*
 * Page-table pins and roots, descriptor frames. Every vCPU of d is off its processor. 0 or
 * -ERESTART.
 */
int arch_domain_relinquish(struct domain *d)
{
	struct vcpu *v;
	unsigned i;

	for_each_vcpu(d, v, i) {
		int rc;

		vcpu_sync(v);
		drop_gdt_frames(v);
		drop_ldt(v);
		rc = drop_guest_tables(v);
		if (rc)
			return rc;
	}
	return relinquish_page_tables(d);
}

static bool context_ok(const struct vcpu_guest_context *c)
{
	return guest_address_ok(c->user_regs.rip) && guest_address_ok(c->kernel_sp) &&
	       entry_ok(c->event_callback_eip) && entry_ok(c->failsafe_callback_eip) &&
	       entry_ok(c->syscall_callback_eip) && canonical(c->fs_base) &&
	       canonical(c->gs_base_kernel) && canonical(c->gs_base_user);
}

static void take_registers(struct vcpu *v, const struct vcpu_guest_context *c)
{
	struct arch_vcpu *a = &v->arch;

	a->regs = c->user_regs;
	a->regs.error_code = 0;
	a->regs.cs = (c->user_regs.cs | 3);
	a->regs.ss = (c->user_regs.ss | 3);
	a->regs.rflags = (c->user_regs.rflags & RFLAGS_USER_BITS) | RFLAGS_IF | RFLAGS_MBS;
	a->ds = c->user_regs.ds | (c->user_regs.ds ? 3 : 0);
	a->es = c->user_regs.es | (c->user_regs.es ? 3 : 0);
	a->fs = c->user_regs.fs | (c->user_regs.fs ? 3 : 0);
	a->gs = c->user_regs.gs | (c->user_regs.gs ? 3 : 0);
	a->fs_base = c->fs_base;
	a->gs_base_kernel = c->gs_base_kernel;
	a->gs_base_user = c->gs_base_user;
	a->kernel_sp = c->kernel_sp & ~15UL;
	a->kernel_ss = c->kernel_ss | 3;
	a->event_callback = c->event_callback_eip;
	a->failsafe_callback = c->failsafe_callback_eip;
	a->syscall_callback = c->syscall_callback_eip;
	a->flags = VCPU_KERNEL_MODE;
	if (c->flags & VGCF_failsafe_disables_events)
		a->flags |= VCPU_FAILSAFE_MASKS;
	if (c->flags & VGCF_syscall_disables_events)
		a->flags |= VCPU_SYSCALL_MASKS;
	a->cr4 = pv_fix_cr4(c->ctrlreg[4]);
	/* published: the context's IOPL is the virtual one */
	vcpu_set_iopl(v, c->user_regs.rflags >> 12 & 3);
}

/*
 * Published: cr3 in ctrlreg[3] is the frame number shifted by 12, the same for the user table in
 * [1].
 */
static int take_tables(struct vcpu *v, const struct vcpu_guest_context *c)
{
	int rc = set_guest_table(v, c->ctrlreg[3] >> PAGE_SHIFT);

	if (!rc && c->ctrlreg[1])
		rc = set_user_table(v, c->ctrlreg[1] >> PAGE_SHIFT);
	return rc;
}

void arch_vcpu_context(struct vcpu *v, struct vcpu_guest_context *c)
{
	const struct arch_vcpu *a = &v->arch;

	vcpu_sync(v);
	memcpy(&c->fpu_ctxt, a->xsave, sizeof(c->fpu_ctxt));
	c->flags = VGCF_I387_VALID | (a->flags & VCPU_KERNEL_MODE ? VGCF_in_kernel : 0) |
		   (a->flags & VCPU_FAILSAFE_MASKS ? VGCF_failsafe_disables_events : 0) |
		   (a->flags & VCPU_SYSCALL_MASKS ? VGCF_syscall_disables_events : 0) |
		   (READ_ONCE(v->pause_flags) & VPF_down ? 0 : VGCF_online);
	c->user_regs = a->regs;
	c->user_regs.ds = a->ds;
	c->user_regs.es = a->es;
	c->user_regs.fs = a->fs;
	c->user_regs.gs = a->gs;
	for (unsigned i = 0; i < ARRAY_SIZE(c->trap_ctxt); i++)
		c->trap_ctxt[i] = (struct trap_info){
			.vector = i,
			.flags = a->traps[i].dpl | (a->traps[i].masks_events ? 4 : 0),
			.cs = a->traps[i].cs,
			.address = a->traps[i].addr,
		};
	c->ldt_base = a->ldt_base;
	c->ldt_ents = a->ldt_entries;
	memcpy(c->gdt_frames, a->gdt_frames, sizeof(a->gdt_frames));
	c->gdt_ents = a->gdt_entries;
	c->kernel_ss = a->kernel_ss;
	c->kernel_sp = a->kernel_sp;
	c->ctrlreg[0] = a->cr0;
	c->ctrlreg[1] = a->user_table << PAGE_SHIFT;
	c->ctrlreg[3] = a->guest_table << PAGE_SHIFT;
	c->ctrlreg[4] = a->cr4;
	memcpy(c->debugreg, a->debugreg, sizeof(c->debugreg));
	c->event_callback_eip = a->event_callback;
	c->failsafe_callback_eip = a->failsafe_callback;
	c->syscall_callback_eip = a->syscall_callback;
	c->vm_assist = v->domain->vm_assist;
	c->fs_base = a->fs_base;
	c->gs_base_kernel = a->gs_base_kernel;
	c->gs_base_user = a->gs_base_user;
}

int arch_hypercall_page(struct domain *d, u64 mfn)
{
	if (!mfn_valid(mfn) || get_page_and_type(mfn_to_page(mfn), d, PGT_writable))
		return err_here(-EINVAL);
	pv_fill_hypercall_page(mfn_to_virt(mfn));
	put_page_and_type(mfn_to_page(mfn));
	return 0;
}

int arch_vcpu_initialise(struct vcpu *v, const struct vcpu_guest_context *c)
{
	bool tables = v->arch.guest_table != c->ctrlreg[3] >> PAGE_SHIFT;
	int rc;

	if (!context_ok(c) || c->gdt_ents > 14 * 512 || c->ldt_ents)
		return err_here(-EINVAL);
	if (!pv_set_trap_table(v, c->trap_ctxt, ARRAY_SIZE(c->trap_ctxt)))
		return err_here(-EINVAL);
	/* -ERESTART: the caller issues it again from the start, and the tables are there already. */
	rc = take_tables(v, c);
	if (!rc && (tables || preempt_needed()))
		rc = -ERESTART;
	if (!rc)
		rc = set_gdt_frames(v, c->gdt_frames, c->gdt_ents);
	if (rc)
		return rc;
	take_registers(v, c);
	if (c->flags & VGCF_I387_VALID)
		fpu_set_legacy(v, &c->fpu_ctxt);
	for (unsigned i = 0; i < 8; i++)
		if (i != 4 && i != 5)
			pv_set_debugreg(v, i, c->debugreg[i]);
	return 0;
}
