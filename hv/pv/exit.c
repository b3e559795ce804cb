/* SPDX-License-Identifier: MIT */
/* What a processor does before it runs a guest again, and the idle loop. */
#include "pv/pv.h"
#include "core/arch.h"
#include "core/event.h"
#include "lib/log.h"
#include "x86/desc.h"

extern const u8 pv_stubs[][16];
extern const u8 pv_page_fault[], ist_debug[], ist_nmi[], ist_double_fault[], ist_machine_check[];
noreturn_fn void cpu_idle_start(struct cpu_info *info);

static void do_work(struct cpu_info *info)
{
	u32 work = __atomic_exchange_n(&info->work, 0, __ATOMIC_ACQ_REL);

	if (work & WORK_TIMER)
		timers_run(info->id);
	if (work & WORK_UNLOAD)
		context_unload_idle();
	if (work & WORK_RESCHED)
		schedule(info->current);
	/* Others may leave work here as fast as it is done: what waits (a timer, a flush) comes in between. */
	__asm__ volatile("sti; nop; cli" ::: "memory");
}

/* Between STI and CLI interrupts are taken; one that comes before HLT ends it at once. */
static void idle(struct cpu_info *info)
{
	if (!READ_ONCE(info->work))
		__asm__ volatile("sti; hlt; cli" ::: "memory");
}

static void deliver_nmi(struct vcpu *v, cpu_user_regs_t *regs)
{
	const struct pv_trap *t = &v->arch.traps[TRAP_NMI];

	v->arch.nmi_pending = false;
	if (t->addr)
		pv_bounce(v, regs, t->addr, BOUNCE_MASK_EVENTS, 0);
}

/* Returns when the current vCPU is one that may run, with what was pending for it delivered. */
void pv_exit_work(cpu_user_regs_t *regs)
{
	struct cpu_info *info = cpu_info();
	struct vcpu *v;

	for (;;) {
		if (READ_ONCE(info->work)) {
			do_work(info);
			continue;
		}
		v = info->current;
		if (is_idle(v))
			idle(info);
		else if (v->arch.nmi_pending)
			deliver_nmi(v, regs);
		else if (!vcpu_event_pending(v))
			return;
		else {
			pv_deliver_event(
				v,
				regs); /* which masks them: another vCPU may undo that for ever */
			if (!READ_ONCE(info->work))
				return;
		}
	}
}

noreturn_fn void cpu_idle_entry(struct cpu *c)
{
	cpu_work(c->id, WORK_RESCHED);
	cpu_idle_start(c->info);
}

void pv_set_gates(void)
{
	for (unsigned vec = 0; vec < 256; vec++)
		idt_set_gate(vec, pv_stubs[vec],
			     vec == TRAP_BP || vec == TRAP_OF || vec == 0x80 ? 3 : 0, 0);
	idt_set_gate(TRAP_PF, pv_page_fault, 0, 0);
	idt_set_gate(TRAP_DB, ist_debug, 0, IST_DB);
	idt_set_gate(TRAP_NMI, ist_nmi, 0, IST_NMI);
	idt_set_gate(TRAP_DF, ist_double_fault, 0, IST_DF);
	idt_set_gate(TRAP_MC, ist_machine_check, 0, IST_MCE);
}
