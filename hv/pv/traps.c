/* SPDX-License-Identifier: MIT */
/* Exceptions raised by guests, by vector. Called by pv/entry.S with a complete frame. */
#include "pv/pv.h"
#include "core/arch.h"
#include "core/guest_access.h"
#include "lib/log.h"
#include "paging/paging.h"
#include "x86/crash.h"
#include "x86/uaccess.h"

static void trap_plain(struct vcpu *v, cpu_user_regs_t *regs)
{
	pv_inject(v, regs, regs->entry_vector, regs->error_code);
}

static void undefined(struct vcpu *v, cpu_user_regs_t *regs, u64 code)
{
	if (is_forced_cpuid(code))
		pv_forced_cpuid(v, regs);
	else
		pv_inject_ud(v, regs);
}

/* At the end of a page, beyond which there may be none. */
static noinline_fn void undefined_at_end(struct vcpu *v, cpu_user_regs_t *regs)
{
	u64 code = 0;

	undefined(v, regs, copy_from_guest(&code, regs->rip, FORCED_CPUID_LEN) ? 0 : code);
}

/* UD2 is what kernels trap by: told at a glance. */
static void trap_ud(struct vcpu *v, cpu_user_regs_t *regs)
{
	u64 code;

	if (unlikely(!read_guest_words(&code, regs->rip, 1)))
		undefined_at_end(v, regs);
	else
		undefined(v, regs, code);
}

static void trap_nm(struct vcpu *v, cpu_user_regs_t *regs)
{
	clts();
	if (v->arch.flags & VCPU_GUEST_TS) { /* the published meaning: cleared as it is reported */
		v->arch.flags &= ~VCPU_GUEST_TS;
		pv_inject(v, regs, TRAP_NM, 0);
	}
}

static void trap_db(struct vcpu *v, cpu_user_regs_t *regs)
{
	u64 dr6;

	__asm__ volatile("mov %%db6, %0" : "=r"(dr6));
	__asm__ volatile("mov %0, %%db6" : : "r"(DR6_RESET));
	v->arch.debugreg[6] |= dr6 & 0xe00f;
	v->arch.debugreg[6] = (v->arch.debugreg[6] & ~0xfUL) | (dr6 & 0xf) | DR6_RESET;
	pv_inject(v, regs, TRAP_DB, 0);
}

/*
 * The guest's kernel wrote where a present entry forbids it, and ptwr_move() would not have it.
 * Called by pv/entry.S, with CR2 as it was.
 */
void pv_write_fault(struct vcpu *v, cpu_user_regs_t *regs, u64 cr2);
void pv_write_fault(struct vcpu *v, cpu_user_regs_t *regs, u64 cr2)
{
	if (!ptwr_emulate(v, cr2, regs))
		pv_inject_pf(v, regs, cr2, regs->error_code);
}

static void trap_pf(struct vcpu *v, cpu_user_regs_t *regs)
{
	pv_inject_pf(v, regs, read_cr2(), regs->error_code);
}

/* INT vec, regs->rip is behind it. */
static void guest_interrupt(struct vcpu *v, cpu_user_regs_t *regs, u8 vec)
{
	const struct pv_trap *t = &v->arch.traps[vec];

	if (t->addr && t->dpl >= (guest_kernel_mode(v) ? 1 : 3)) {
		pv_bounce(v, regs, t->addr, t->masks_events ? BOUNCE_MASK_EVENTS : 0, 0);
	} else {
		regs->rip -= 2;
		pv_inject_gp(v, regs, vec * 8 + 2);
	}
}

/*
 * INT n from ring 3 arrives as #GP with the IDT bit: our gates have DPL 0. The vector is read from
 * the instruction, since QEMU 7.2 reports a doubled index in the error code.
 */
static bool software_interrupt(struct vcpu *v, cpu_user_regs_t *regs)
{
	u8 insn[2];

	if ((regs->error_code & 3) != 2 || fetch_guest_code(insn, regs->rip, 2) != 2 ||
	    insn[0] != 0xcd)
		return false;
	regs->rip += 2;
	guest_interrupt(v, regs, insn[1]);
	return true;
}

static void trap_gp(struct vcpu *v, cpu_user_regs_t *regs)
{
	if (regs->error_code ? software_interrupt(v, regs) : pv_emulate_privileged(v, regs))
		return;
	pv_inject_gp(v, regs, regs->error_code);
}

static void trap_mc(struct vcpu *v, cpu_user_regs_t *regs)
{
	switch (machine_check()) {
	case MCE_HARMLESS:
		break;
	case MCE_CONTEXT_LOST:
		domain_kill(v->domain, "machine check: memory or state of this guest is lost");
		break;
	case MCE_FATAL:
		crash_with_regs(regs, "machine check while d%uv%u ran", v->domain->id, v->id);
	}
}

void (*const pv_exception_table[32])(struct vcpu *current, cpu_user_regs_t *) = {
	[0 ... 31] = trap_plain, [TRAP_DB] = trap_db, [TRAP_UD] = trap_ud, [TRAP_NM] = trap_nm,
	[TRAP_GP] = trap_gp,     [TRAP_PF] = trap_pf, [TRAP_MC] = trap_mc,
};

/* Vectors from 32: INT 0x80 is the guest's own, the rest are machine interrupts. */
void pv_interrupt(cpu_user_regs_t *regs)
{
	if (regs->entry_vector == 0x80)
		guest_interrupt(current(), regs, 0x80);
	else
		handle_interrupt(regs->entry_vector);
}
