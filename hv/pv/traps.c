/* SPDX-License-Identifier: MIT */
/* Exceptions raised by guests, by vector. Called by pv/entry.S with a complete frame. */
#include "pv/pv.h"
#include "core/arch.h"
#include "core/guest_access.h"
#include "lib/log.h"
#include "paging/paging.h"
#include "x86/crash.h"
#include "x86/uaccess.h"

static void trap_plain(cpu_user_regs_t *regs, struct vcpu *v)
{
	pv_inject(v, regs, regs->entry_vector, regs->error_code);
}

static void trap_ud(cpu_user_regs_t *regs, struct vcpu *v)
{
	u64 code;

	/* UD2 is what kernels trap by: seen at a glance, if eight bytes are there to be read. */
	if (read_guest_words(&code, regs->rip, 1) && !is_forced_cpuid(code))
		pv_inject_plain(v, regs, TRAP_UD);
	else if (!pv_emulate_forced_cpuid(v, regs))
		pv_inject_plain(v, regs, TRAP_UD);
}

static void trap_nm(cpu_user_regs_t *regs, struct vcpu *v)
{
	clts();
	if (v->arch.flags & VCPU_GUEST_TS) { /* the published meaning: cleared as it is reported */
		v->arch.flags &= ~VCPU_GUEST_TS;
		pv_inject(v, regs, TRAP_NM, 0);
	}
}

static void trap_db(cpu_user_regs_t *regs, struct vcpu *v)
{
	u64 dr6;

	__asm__ volatile("mov %%db6, %0" : "=r"(dr6));
	__asm__ volatile("mov %0, %%db6" : : "r"(0xffff0ff0UL));
	v->arch.debugreg[6] |= dr6 & 0xe00f;
	v->arch.debugreg[6] = (v->arch.debugreg[6] & ~0xfUL) | (dr6 & 0xf) | 0xffff0ff0;
	pv_inject(v, regs, TRAP_DB, 0);
}

static void trap_pf(cpu_user_regs_t *regs, struct vcpu *v)
{
	u64 cr2 = read_cr2();
	u32 err = regs->error_code;

	if ((err & (PFEC_P | PFEC_W | PFEC_RSVD | PFEC_I)) == (PFEC_P | PFEC_W) &&
	    guest_kernel_mode(v) && cr2 >> 43 != HV_VIRT_START >> 43 && ptwr_emulate(v, cr2, regs))
		return;
	pv_inject_pf(v, regs, cr2, err);
}

/*
 * INT n from ring 3 arrives as #GP with the IDT bit: our gates have DPL 0. The vector is read from the
 * instruction, since QEMU 7.2 reports a doubled index in the error code.
 */
static bool software_interrupt(struct vcpu *v, cpu_user_regs_t *regs)
{
	const struct pv_trap *t;
	u8 insn[2];

	if ((regs->error_code & 3) != 2 || fetch_guest_code(insn, regs->rip, 2) != 2 || insn[0] != 0xcd)
		return false;
	t = &v->arch.traps[insn[1]];
	if (!t->addr || t->dpl < (guest_kernel_mode(v) ? 1 : 3)) {
		pv_inject_gp(v, regs, insn[1] * 8 + 2);
		return true;
	}
	regs->rip += 2;
	pv_bounce(v, regs, t->addr, t->masks_events ? BOUNCE_MASK_EVENTS : 0, 0);
	return true;
}

static void trap_gp(cpu_user_regs_t *regs, struct vcpu *v)
{
	if (regs->error_code ? software_interrupt(v, regs) : pv_emulate_privileged(v, regs))
		return;
	pv_inject_gp(v, regs, regs->error_code);
}

static void trap_mc(cpu_user_regs_t *regs, struct vcpu *v)
{
	crash_with_regs(regs, "machine check while d%uv%u ran", v->domain->id, v->id);
}

void (*const pv_exception_table[32])(cpu_user_regs_t *, struct vcpu *current) = {
	[0 ... 31] = trap_plain,
	[TRAP_DB] = trap_db,
	[TRAP_UD] = trap_ud,
	[TRAP_NM] = trap_nm,
	[TRAP_GP] = trap_gp,
	[TRAP_PF] = trap_pf,
	[TRAP_MC] = trap_mc,
};

/* Vectors from 32: INT 0x80 is the guest's own, the rest are machine interrupts. */
void pv_interrupt(cpu_user_regs_t *regs)
{
	struct vcpu *v = current();
	const struct pv_trap *t;

	if (regs->entry_vector != 0x80) {
		handle_interrupt(regs->entry_vector);
		return;
	}
	t = &v->arch.traps[0x80];
	if (t->addr && t->dpl >= (guest_kernel_mode(v) ? 1 : 3)) {
		pv_bounce(v, regs, t->addr, t->masks_events ? BOUNCE_MASK_EVENTS : 0, 0);
	} else {
		regs->rip -= 2;
		pv_inject_gp(v, regs, 0x80 * 8 + 2);
	}
}
