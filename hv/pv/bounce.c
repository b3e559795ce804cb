/* SPDX-License-Identifier: MIT */
/* Exceptions and events enter the guest's kernel: the published frames. */
#include "pv/pv.h"
#include "core/arch.h"
#include "core/event.h"
#include "core/guest_access.h"
#include "lib/log.h"
#include "x86/uaccess.h"

static noinline_fn void bad_stack(struct vcpu *v, const cpu_user_regs_t *regs, u64 addr, u64 sp)
{
	guest_warn("d%uv%u: RIP %lx RSP %lx, frame for %lx at %lx\n", v->domain->id, v->id,
		   regs->rip, regs->rsp, addr, sp);
	vcpu_kill(v, "its kernel stack cannot be written while an exception or event enters it");
}

/* mask: whether the guest has events masked, in its frame. */
static inline __attribute__((always_inline)) void enter_kernel(struct vcpu *v,
							       cpu_user_regs_t *regs, u64 addr,
							       u32 flags, u32 error_code, u64 mask)
{
	u64 cs = regs->cs, rflags, top;

	if (guest_kernel_mode(v)) {
		top = regs->rsp & ~15UL;
		cs &= ~3UL; /* the guest's user_mode(regs) looks at CS.RPL */
	} else {
		toggle_to_kernel(v);
		top = v->arch.kernel_sp;
	}
	rflags = (regs->rflags & ~RFLAGS_IOPL) | RFLAGS_IF; /* the guest's IF is its mask */
	if (mask)
		rflags ^= RFLAGS_IF;
	if (!guest_range_ok(top - 64, 64)) {
		bad_stack(v, regs, addr, top);
		return;
	}
	uaccess_begin();
	if (unlikely(!put_guest_u64(regs->ss, top - 8) || !put_guest_u64(regs->rsp, top - 16) ||
		     !put_guest_u64(rflags, top - 24) ||
		     !put_guest_u64(cs | mask << 32, top - 32) ||
		     !put_guest_u64(regs->rip, top - 40)))
		goto fault;
	if (flags & BOUNCE_ERROR_CODE) {
		if (unlikely(!put_guest_u64(error_code, top - 48)))
			goto fault;
		top -= 8;
	}
	if (unlikely(!put_guest_u64(regs->r11, top - 48) || !put_guest_u64(regs->rcx, top - 56)))
		goto fault;
	uaccess_end();
	if (flags & BOUNCE_MASK_EVENTS)
		v->vcpu_info->evtchn_upcall_mask = 1;
	regs->rsp = top - 56;
	regs->ss = GUEST_DS;
	regs->cs = GUEST_CS64;
	regs->rip = addr;
	regs->error_code = FRAME_SYSRET;
	regs->rflags &= ~(RFLAGS_AC | RFLAGS_VM | RFLAGS_RF | RFLAGS_NT | RFLAGS_TF | RFLAGS_DF);
	return;
fault:
	uaccess_end();
	bad_stack(v, regs, addr, top);
}

void pv_bounce(struct vcpu *v, cpu_user_regs_t *regs, u64 addr, u32 flags, u32 error_code)
{
	enter_kernel(v, regs, addr, flags, error_code, READ_ONCE(v->vcpu_info->evtchn_upcall_mask));
}

/* The mask was found clear; who sets it meanwhile does so too late. */
void pv_deliver_event(struct vcpu *v, cpu_user_regs_t *regs)
{
	if (unlikely(!v->arch.event_callback))
		vcpu_kill(v, "event unmasked without an event callback");
	else
		enter_kernel(v, regs, v->arch.event_callback, BOUNCE_MASK_EVENTS, 0, 0);
}

static bool has_error_code(u32 vec)
{
	return BIT(vec) & (BIT(TRAP_DF) | BIT(TRAP_TS) | BIT(TRAP_NP) | BIT(TRAP_SS) |
			   BIT(TRAP_GP) | BIT(TRAP_PF) | BIT(TRAP_AC) | BIT(TRAP_CP));
}

static noinline_fn void no_handler(struct vcpu *v, const cpu_user_regs_t *regs, u32 vec,
				   u32 error_code)
{
	guest_warn("d%uv%u: exception %u, error code %x, at RIP %lx, RSP %lx, CR2 %lx\n",
		   v->domain->id, v->id, vec, error_code, regs->rip, regs->rsp,
		   v->vcpu_info->arch.cr2);
	vcpu_kill(v, "exception without a handler in its trap table");
}

static inline void inject_trap(struct vcpu *v, cpu_user_regs_t *regs, u32 vec, u32 flags,
			       u32 error_code)
{
	const struct pv_trap *t = &v->arch.traps[vec];

	if (unlikely(!t->addr))
		no_handler(v, regs, vec, error_code);
	else
		pv_bounce(v, regs, t->addr, flags | (t->masks_events ? BOUNCE_MASK_EVENTS : 0),
			  error_code);
}

void pv_inject(struct vcpu *v, cpu_user_regs_t *regs, u32 vec, u32 error_code)
{
	inject_trap(v, regs, vec, vec < 32 && has_error_code(vec) ? BOUNCE_ERROR_CODE : 0,
		    error_code);
}

void pv_inject_ud(struct vcpu *v, cpu_user_regs_t *regs)
{
	inject_trap(v, regs, TRAP_UD, 0, 0);
}

void pv_inject_gp(struct vcpu *v, cpu_user_regs_t *regs, u32 error_code)
{
	inject_trap(v, regs, TRAP_GP, BOUNCE_ERROR_CODE, error_code);
}

/*
 * The error code's U bit says what the guest would see: its kernel is ring 3 only for the
 * processor.
 */
void pv_inject_pf(struct vcpu *v, cpu_user_regs_t *regs, u64 cr2, u32 error_code)
{
	if (guest_kernel_mode(v))
		error_code &= ~PFEC_U;
	v->vcpu_info->arch.cr2 = cr2;
	inject_trap(v, regs, TRAP_PF, BOUNCE_ERROR_CODE, error_code);
}
