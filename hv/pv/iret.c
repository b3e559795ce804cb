/* SPDX-License-Identifier: MIT */
/* The slow forms of what pv/entry.S does in a straight line, and what it does when that fails. */
#include "pv/pv.h"
#include "core/arch.h"
#include "core/guest_access.h"
#include "core/hypercall.h"

/* The frame a guest passes to HYPERVISOR_iret, lowest address first. */
struct iret_frame {
	u64 rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};

void pv_iret_slow(cpu_user_regs_t *regs)
{
	struct vcpu *v = current();
	struct iret_frame f;

	if (read_guest(&f, regs->rsp)) {
		vcpu_kill(v, "iret: its frame cannot be read from the stack");
		return;
	}
	if (f.cs & 3) {
		if (!v->arch.user_cr3) {
			vcpu_kill(v, "iret to user mode without a user page table");
			return;
		}
		toggle_to_user(v);
	}
	regs->rip = f.rip;
	regs->cs = (u16)f.cs | 3;
	regs->rflags = (f.rflags & RFLAGS_USER_BITS) | RFLAGS_IF | RFLAGS_MBS;
	regs->rsp = f.rsp;
	regs->ss = (u16)f.ss | 3;
	regs->rax = f.rax;
	if (f.flags & VGCF_IN_SYSCALL) {
		regs->rcx = f.rip;
		regs->r11 = regs->rflags;
	} else {
		regs->rcx = f.rcx;
		regs->r11 = f.r11;
	}
	v->vcpu_info->evtchn_upcall_mask = !(f.rflags & RFLAGS_IF);
}

void pv_iret_died(void)
{
	vcpu_kill(current(), "iret: its frame became unreadable");
}

void pv_bad_kernel_stack(void)
{
	vcpu_kill(current(), "its kernel stack cannot be written as its user mode enters it");
}

static u32 masking(const struct vcpu *v, u32 flag)
{
	return v->arch.flags & flag ? BOUNCE_MASK_EVENTS : 0;
}

/*
 * IRET could not load the guest's CS, SS or RIP. With a failsafe callback the guest's kernel hears
 * of it: the ordinary frame, below it the segment registers ds, es, fs, gs.
 */
void pv_iret_fault(cpu_user_regs_t *regs)
{
	struct vcpu *v = current();
	u64 head[6];

	if (!v->arch.failsafe_callback) {
		vcpu_kill(v, "return to a bad address or segment without a failsafe callback");
		return;
	}
	pv_bounce(v, regs, v->arch.failsafe_callback, masking(v, VCPU_FAILSAFE_MASKS), 0);
	/* published order, lowest first: rcx r11 ds es fs gs rip ... : insert behind rcx and r11 */
	if (v->domain->dead || copy_from_guest(head, regs->rsp, 16))
		return;
	__asm__("mov %%ds, %k0" : "=r"(head[2]));
	__asm__("mov %%es, %k0" : "=r"(head[3]));
	__asm__("mov %%fs, %k0" : "=r"(head[4]));
	__asm__("mov %%gs, %k0" : "=r"(head[5]));
	regs->rsp -= 32;
	if (copy_to_guest(regs->rsp, head, sizeof(head)))
		vcpu_kill(v, "its kernel stack cannot be written in the failsafe callback");
}

/* By a system call to its callback; #GP at the instruction, of `len` bytes before RIP, where there is none. */
static void enter_by(struct vcpu *v, cpu_user_regs_t *regs, u64 callback, u32 flag, unsigned len)
{
	if (callback) {
		pv_bounce(v, regs, callback, masking(v, flag), 0);
	} else {
		regs->rip -= len;
		pv_inject_gp(v, regs, 0);
	}
}

/*
 * SYSCALL by user mode with events masked, or with a callback that leaves them unmasked, or with
 * none.
 */
void pv_syscall_slow(cpu_user_regs_t *regs)
{
	struct vcpu *v = current();

	enter_by(v, regs, v->arch.syscall_callback, VCPU_SYSCALL_MASKS, 2);
}

/* SYSCALL in compatibility mode (AMD). */
void pv_syscall32(cpu_user_regs_t *regs)
{
	struct vcpu *v = current();

	enter_by(v, regs, guest_kernel_mode(v) ? 0 : v->arch.syscall32_callback,
		 VCPU_SYSCALL32_MASKS, 2);
}

/* SYSENTER saves neither RIP nor RSP: the guest's kernel knows where its user mode enters from. */
void pv_sysenter(cpu_user_regs_t *regs)
{
	struct vcpu *v = current();

	regs->rflags = (regs->rflags & RFLAGS_USER_BITS & ~RFLAGS_TF) | RFLAGS_IF | RFLAGS_MBS;
	enter_by(v, regs, guest_kernel_mode(v) ? 0 : v->arch.sysenter_callback, VCPU_SYSENTER_MASKS,
		 0);
}
