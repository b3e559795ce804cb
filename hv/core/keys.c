/* SPDX-License-Identifier: MIT */
/* Debug keys: what an operator may ask the hypervisor at the serial console. */

#include "core/arch.h"
#include "core/console.h"
#include "core/event.h"
#include "core/grant.h"
#include "lib/log.h"

DEBUG_KEY('d', arch_dump_registers, "registers of this processor and its guest");
DEBUG_KEY('e', evtchn_dump, "event channels");
DEBUG_KEY('g', grant_dump, "grants in use");
DEBUG_KEY('r', sched_dump, "run queues");

static void dump_vcpu(struct vcpu *v)
{
	static const char *const states[] = { "running", "runnable", "blocked", "offline" };

	log_info("  v%u on processor %u: %s, flags %x, event %u mask %u, ran %lu ms\n", v->id,
		 v->processor, states[v->runstate.state & 3], v->pause_flags,
		 v->vcpu_info->evtchn_upcall_pending, v->vcpu_info->evtchn_upcall_mask,
		 v->runstate.time[RUNSTATE_running] / 1000000);
	if (!v->running)
		log_info("    rip %lx rsp %lx rflags %lx rax %lx\n", (u64)v->arch.regs.rip,
			 (u64)v->arch.regs.rsp, (u64)v->arch.regs.rflags, (u64)v->arch.regs.rax);
}

static void dump_domain(struct domain *d)
{
	struct vcpu *v;
	u32 i;

	log_info("d%u (%s): %lu of %lu pages, %u extra, %u references%s%s\n", d->id, d->name,
		 d->tot_pages, d->max_pages, d->extra_pages, d->refcount, d->dying ? ", dying" : "",
		 d->shut_down ? ", shut down" : "");
	if (d->dead)
		log_info("  killed: %s\n", d->dead);
	for_each_vcpu(d, v, i)
		dump_vcpu(v);
}

static void key_domains(void)
{
	struct domain *d;

	for (d = domain_first(); d; d = domain_next(d))
		dump_domain(d);
}
DEBUG_KEY('q', key_domains, "domains and their vCPUs, registers of those that do not run");

static void key_memory(void)
{
	u64 total, free;

	log_info("heap: %lu of %lu pages free; highest frame %lx\n", heap_free_pages(),
		 heap_total_pages(), max_mfn - 1);
	for (u32 i = 0; i < nr_nodes; i++) {
		heap_node_pages(i, &total, &free);
		log_info("node %u: %lu of %lu pages free\n", i, free, total);
	}
}
DEBUG_KEY('m', key_memory, "memory");

static void key_audit(void)
{
	static spinlock_t one_at_a_time = SPINLOCK_INIT;
	unsigned differences = 0, n = 0;
	struct domain *d;

	/* Two would each wait for the vCPU to stop that runs the other. */
	if (!spin_trylock(&one_at_a_time))
		return;
	for (d = domain_first(); d; d = domain_next(d))
		domain_pause(d);
	for (d = domain_first(); d; d = domain_next(d)) {
		if (READ_ONCE(d->shut_down)) /* the reaper does not pause */
			continue;
		differences += audit_domain_pages(d, false);
		n++;
	}
	for (d = domain_first(); d; d = domain_next(d))
		domain_unpause(d);
	spin_unlock(&one_at_a_time);
	log_info("audit of %u domains: %u differences\n", n, differences);
}
DEBUG_KEY('A', key_audit, "audit every reference of every domain's pages");

static void key_reboot(void)
{
	log_info("reboot asked for at the console\n");
	machine_reboot();
}
DEBUG_KEY('R', key_reboot, "reboot the machine");
