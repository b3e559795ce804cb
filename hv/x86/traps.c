/* SPDX-License-Identifier: MIT */
/* Traps of the hypervisor itself, and interrupts whomever they interrupted. */
#include "x86/traps.h"
#include "core/console.h"
#include "lib/string.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/crash.h"
#include "x86/flush.h"
#include "x86/irq.h"
#include "x86/power.h"
#include "x86/watchdog.h"

static const char trap_names[][4] = { "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM",
				      "#DF", "9",   "#TS", "#NP", "#SS", "#GP", "#PF", "15",
				      "#MF", "#AC", "#MC", "#XM", "#VE", "#CP" };

noreturn_fn static void fatal_trap(const cpu_user_regs_t *regs)
{
	u32 vec = regs->entry_vector;

	crash_with_regs(regs, "unexpected %s in the hypervisor (vector %u, error code %x, CR2 %lx)",
			vec < ARRAY_SIZE(trap_names) ? trap_names[vec] : "trap", vec,
			regs->error_code, read_cr2());
}

void handle_interrupt(u32 vector)
{
	struct cpu *c = this_cpu();

	c->irqs++;
	switch (vector) {
	case VEC_TIMER:
		/* Not here: a timer that sets itself again at once would come back before anything
		 * else that there is to do. */
		lapic_eoi();
		cpu_work(c->id, WORK_TIMER);
		break;
	case VEC_KICK:
		lapic_eoi();
		break;
	case VEC_FLUSH:
		lapic_eoi();
		flush_serve();
		break;
	case VEC_SPURIOUS:
		break;
	default:
		irq_dispatch(vector);
	}
}

void hv_trap(cpu_user_regs_t *regs)
{
	if (regs->entry_vector >= 32)
		handle_interrupt(regs->entry_vector);
	else if (!ex_table_fixup(regs))
		fatal_trap(regs);
}

/*
 * A #DB may hit the first instruction of the SYSCALL path, with the guest's RSP, when the guest
 * armed it over a MOV SS: so it has a stack of its own, and one that hit us is cleared and
 * forgotten.
 */
cpu_user_regs_t *hv_ist_enter(cpu_user_regs_t *regs)
{
	cpu_user_regs_t *main_frame = guest_regs();

	if (regs->cs & 3) {
		memcpy(main_frame, regs, offsetof(cpu_user_regs_t, es));
		return main_frame;
	}
	if (regs->entry_vector == TRAP_MC) {
		/* With interrupts off, what was interrupted may hold the console's lock: without it from now on. */
		if (!(regs->rflags & RFLAGS_IF))
			console_force();
		if (machine_check() == MCE_HARMLESS)
			return NULL;
		crash_with_regs(regs, "machine check in the hypervisor");
	}
	regs->rflags &= ~RFLAGS_TF;
	__asm__ volatile("mov %0, %%db6" : : "r"(DR6_RESET));
	return NULL;
}

cpu_user_regs_t *hv_nmi(cpu_user_regs_t *regs)
{
	this_cpu()->nmi_count++;
	watchdog_nmi(regs);
	if (__atomic_load_n(&machine_stopping, __ATOMIC_ACQUIRE))
		machine_halt();
	return NULL;
}

cpu_user_regs_t *hv_double_fault(cpu_user_regs_t *regs)
{
	fatal_trap(regs);
}
