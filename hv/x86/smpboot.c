/* SPDX-License-Identifier: MIT */
/* The other processors: from INIT to their idle loop. */
#include "x86/smpboot.h"

#include "lib/log.h"
#include "lib/string.h"
#include "mm/page.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/flush.h"
#include "x86/setup.h"
#include "x86/time.h"

extern cpu_init_fn *const __cpu_init_start[], *const __cpu_init_end[];
extern char trampoline_start[], trampoline_end[];
extern u64 boot_l4[512];

/* The processor that is to come up; taken by it, or taken back when it does not come. [a] */
struct cpu *ap_expected;

noreturn_fn void ap_main(struct cpu *c);

#define COME_UP_US 200000
#define SET_UP_NS 5000000000UL /* from there to its idle loop */

static void run_hooks(struct cpu *c)
{
	for (cpu_init_fn *const *fn = __cpu_init_start; fn < __cpu_init_end; fn++)
		(*fn)(c);
}

/* What scheduling needs of a processor, before it runs anything. */
static void __init prepare(struct cpu *c)
{
	timers_init_cpu(c->id);
	c->idle = idle_vcpu_create(c->id);
	sched_init_cpu(c->id, c->idle);
	c->info->current = c->idle;
}

/*
 * First C of another processor: on its own stack, on the final page tables. Until it is online it may be stopped
 * anywhere: it takes no lock, so it neither allocates nor logs.
 */
noreturn_fn void ap_main(struct cpu *c)
{
	cpu_init_registers(c);
	lapic_enable(c);
	run_hooks(c);
	tsc_check_ap();
	__atomic_store_n(&c->online, true, __ATOMIC_RELEASE);
	cpu_idle_entry(c);
}

static void __init place_trampoline(void)
{
	memcpy(maddr_to_virt(trampoline_maddr), trampoline_start,
	       (size_t)(trampoline_end - trampoline_start));
	/* The first tables have the identity; with our final part they see stacks and windows too. */
	memcpy(boot_l4 + HV_SLOT_FIRST, hv_l4_template, sizeof(hv_l4_template));
}

static bool __init claimed_within(u32 us)
{
	u64 end = now_ns() + us * 1000UL;

	while (__atomic_load_n(&ap_expected, __ATOMIC_ACQUIRE) && now_ns() < end)
		cpu_relax();
	return !__atomic_load_n(&ap_expected, __ATOMIC_ACQUIRE);
}

/* INIT, then one or two start-up messages. Old processors wanted 10 ms after INIT: only if it won't
 * come. */
static bool __init wake(struct cpu *c)
{
	static const u32 init_delay_us[] = { 10, 10000 };

	for (unsigned try = 0; try < ARRAY_SIZE(init_delay_us); try++) {
		__atomic_store_n(&ap_expected, c, __ATOMIC_RELEASE);
		lapic_send_init(c->apic_id);
		delay_us(init_delay_us[try]);
		lapic_send_startup(c->apic_id, (u32)trampoline_maddr);
		if (claimed_within(200))
			return true;
		lapic_send_startup(c->apic_id, (u32)trampoline_maddr);
		if (claimed_within(COME_UP_US) ||
		    !__atomic_exchange_n(&ap_expected, NULL, __ATOMIC_ACQ_REL))
			return true;
	}
	return false;
}

/* It runs; is it ready for work in time? If not, it is stopped, wherever it is. */
static bool __init set_up(struct cpu *c)
{
	u64 end = now_ns() + SET_UP_NS;
	bool came = tsc_check_boot(end);

	while (came && !__atomic_load_n(&c->online, __ATOMIC_ACQUIRE)) {
		came = now_ns() < end;
		spin_wait();
	}
	if (!came)
		lapic_send_init(c->apic_id);
	return came;
}

/* From here on it runs whatever others give it. */
static void __init welcome(struct cpu *c)
{
	if (c->early_mc)
		log_warn("CPU%u: machine check before the start, bank %u: status %#lx\n", c->id,
			 c->early_mc_bank, c->early_mc);
	sched_cpu_online(c->id);
}

static void __init bring_up(const struct acpi_cpu *a)
{
	struct cpu *c = xzalloc(struct cpu);

	if (!c) {
		log_warn("No memory for the processor with APIC id %u\n", a->apic_id);
		return;
	}
	c->id = nr_cpus;
	c->apic_id = a->apic_id;
	percpu_create(c);
	cpus[c->id] = c;
	prepare(c);
	tsc_check_begin();
	nr_cpus++;
	if (!wake(c) || !set_up(c)) {
		log_warn("The processor with APIC id %u does not come up; going on without it\n",
			 c->apic_id);
		cpus[c->id] = NULL;
		nr_cpus--;
		tlb_flush_global(); /* the next one's window comes where its was */
		return;
	}
	welcome(c);
}

void __init smp_boot(void)
{
	u32 n = trampoline_maddr && acpi_info.nr_cpus > 1 ? acpi_info.nr_cpus : 0;

	run_hooks(&boot_cpu);
	prepare(&boot_cpu);
	welcome(&boot_cpu);
	if (n)
		place_trampoline();
	for (u32 i = 0; i < n && nr_cpus < MAX_CPUS; i++) {
		const struct acpi_cpu *a = &acpi_info.cpus[i];

		if (a->apic_id == boot_cpu.apic_id)
			continue;
		if (a->apic_id > 254 && !lapic_x2apic)
			log_warn("APIC id %u needs x2APIC mode: processor not used\n", a->apic_id);
		else
			bring_up(a);
	}
	tsc_check_finish();
	log_info("%u processor%s\n", nr_cpus, nr_cpus == 1 ? "" : "s");
}
