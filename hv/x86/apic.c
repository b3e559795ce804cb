/* SPDX-License-Identifier: MIT */
/* Local APIC: set-up, interrupts between processors, the timer's mechanics. xAPIC and x2APIC. */
#include "x86/apic.h"

#include "lib/log.h"
#include "mm/page.h"
#include "x86/acpi.h"
#include "x86/asm.h"
#include "x86/irq.h"
#include "x86/setup.h"

/* Register offsets of the xAPIC page; the x2APIC has them at MSR_X2APIC_BASE + offset / 16. */
enum { APIC_ID = 0x20, APIC_VERSION = 0x30, APIC_TPR = 0x80, APIC_EOI = 0xb0 };
enum { APIC_LDR = 0xd0, APIC_DFR = 0xe0, APIC_SVR = 0xf0, APIC_ICR = 0x300, APIC_ICR_HIGH = 0x310 };
enum { APIC_LVT_TIMER = 0x320, APIC_LVT_THERMAL = 0x330, APIC_LVT_PERF = 0x340 };
enum { APIC_LVT_LINT0 = 0x350, APIC_LVT_LINT1 = 0x360, APIC_LVT_ERROR = 0x370 };
enum { APIC_TIMER_INITIAL = 0x380, APIC_TIMER_CURRENT = 0x390, APIC_TIMER_DIVIDE = 0x3e0 };
#define SVR_ENABLE BIT(8)
#define LVT_MASKED BIT(16)
#define LVT_DEADLINE BIT(18)
#define LVT_NMI (4 << 8)
#define LVT_LOW BIT(13)
#define TIMER_BY_1 0xb
#define ICR_NMI (4 << 8)
#define ICR_INIT (5 << 8)
#define ICR_STARTUP (6 << 8)
#define ICR_BUSY BIT(12)
#define ICR_ASSERT BIT(14)
#define ICR_LEVEL BIT(15)
#define ICR_ALL_BUT_SELF (3 << 18)
#define APIC_BASE_X2 BIT(10)
#define APIC_BASE_ENABLE BIT(11)

bool lapic_x2apic, lapic_deadline_mode;
static volatile u8 *mmio;

static u32 apic_read(u32 reg)
{
	if (lapic_x2apic)
		return (u32)rdmsr(MSR_X2APIC_BASE + reg / 16);
	return *(volatile u32 *)(mmio + reg);
}

static void apic_write(u32 reg, u32 v)
{
	if (lapic_x2apic)
		wrmsr(MSR_X2APIC_BASE + reg / 16, v);
	else
		*(volatile u32 *)(mmio + reg) = v;
}

void lapic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/* ---- messages ---- */

static void send(u32 apic_id, u32 command)
{
	if (lapic_x2apic) {
		/* MSR writes of the x2APIC do not order earlier stores: what the message tells of
		 * must be seen. */
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(MSR_X2APIC_BASE + APIC_ICR / 16, (u64)apic_id << 32 | command);
		return;
	}
	while (apic_read(APIC_ICR) & ICR_BUSY)
		cpu_relax();
	apic_write(APIC_ICR_HIGH, apic_id << 24);
	apic_write(APIC_ICR, command);
}

void send_ipi(u32 cpu, u32 vector)
{
	send(cpus[cpu]->apic_id, vector | ICR_ASSERT);
}

void send_ipi_nmi(u32 cpu)
{
	send(cpus[cpu]->apic_id, ICR_NMI | ICR_ASSERT);
}

void send_ipi_all_but_self_nmi(void)
{
	if (lapic_x2apic || mmio)
		send(0, ICR_NMI | ICR_ASSERT | ICR_ALL_BUT_SELF);
}

void lapic_send_init(u32 apic_id)
{
	send(apic_id, ICR_INIT | ICR_LEVEL | ICR_ASSERT);
}

void lapic_send_startup(u32 apic_id, u32 page)
{
	send(apic_id, ICR_STARTUP | ICR_ASSERT | page >> PAGE_SHIFT);
}

/* ---- set-up ---- */

/* Which of the two pins an NMI source is wired to, the tables say; usual is LINT1. */
static void set_nmi_pins(u32 acpi_id)
{
	u32 lint[2] = { LVT_MASKED, acpi_info.nr_nmis ? LVT_MASKED : LVT_NMI };

	for (u32 i = 0; i < acpi_info.nr_nmis; i++) {
		const struct acpi_nmi *n = &acpi_info.nmis[i];

		if (n->acpi_id == ACPI_EVERY_CPU || n->acpi_id == acpi_id)
			lint[n->lint & 1] = LVT_NMI | (n->low ? LVT_LOW : 0);
	}
	apic_write(APIC_LVT_LINT0, lint[0]);
	apic_write(APIC_LVT_LINT1, lint[1]);
}

/* An x2APIC faults on entries that it has not got. */
static void mask_local_sources(void)
{
	static const u16 entries[] = { APIC_LVT_ERROR, APIC_LVT_PERF,
				       APIC_LVT_THERMAL }; /* the 4th to the 6th */
	u32 last = apic_read(APIC_VERSION) >> 16 & 0xff;

	for (u32 i = 0; i < ARRAY_SIZE(entries) && i + 3 <= last; i++)
		apic_write(entries[i], LVT_MASKED);
}

void lapic_timer_free_run(bool on)
{
	u32 mode = on ? LVT_MASKED : lapic_deadline_mode ? LVT_DEADLINE : 0;

	apic_write(APIC_LVT_TIMER, VEC_TIMER | mode);
	apic_write(APIC_TIMER_INITIAL, on ? ~0u : 0);
}

void lapic_enable(struct cpu *c)
{
	u64 base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	if (lapic_x2apic)
		base |= APIC_BASE_X2;
	wrmsr(MSR_APIC_BASE, base);
	c->apic_id = lapic_x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
	for (u32 i = 0; i < acpi_info.nr_cpus; i++)
		if (acpi_info.cpus[i].apic_id == c->apic_id) {
			c->acpi_id = acpi_info.cpus[i].acpi_id;
			c->node = acpi_info.cpus[i].node;
		}
	if (!lapic_x2apic) {
		apic_write(APIC_DFR, ~0u);
		apic_write(APIC_LDR, 0);
	}
	apic_write(APIC_SVR, SVR_ENABLE | VEC_SPURIOUS);
	apic_write(APIC_TPR, 0);
	mask_local_sources();
	set_nmi_pins(c->acpi_id);
	apic_write(APIC_TIMER_DIVIDE, TIMER_BY_1);
	lapic_timer_free_run(false);
	/* What firmware left in service would block everything below it. */
	for (unsigned i = 0; i < 256 / 32; i++)
		lapic_eoi();
}

void __init lapic_init(void)
{
	bool on_already = rdmsr(MSR_APIC_BASE) & APIC_BASE_X2;

	/* The legacy controllers fall silent before LINT0 is masked, or a request under way is left
	 * without a vector (QEMU then delivers number -1). */
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	if (on_already && !cpu_has(X86_X2APIC))
		log_warn("The firmware switched x2APIC mode on: x2apic=off has no effect\n");
	lapic_x2apic = on_already || cpu_has(X86_X2APIC);
	lapic_deadline_mode = cpu_has(X86_TSC_DEADLINE);
	if (!lapic_x2apic)
		mmio = ioremap(acpi_info.lapic_addr, PAGE_SIZE);
	lapic_enable(&boot_cpu);
	log_info("Local APIC: %s, timer %s\n", lapic_x2apic ? "x2APIC" : "xAPIC",
		 lapic_deadline_mode ? "by TSC deadline" : "one-shot");
}

/* ---- timer ---- */

void lapic_timer_count(u32 ticks)
{
	apic_write(APIC_TIMER_INITIAL, ticks);
}

void lapic_timer_deadline(u64 tsc)
{
	wrmsr(MSR_TSC_DEADLINE, tsc);
}

u32 __init lapic_timer_elapsed(void)
{
	return ~0u - apic_read(APIC_TIMER_CURRENT);
}
