/* SPDX-License-Identifier: MIT */
/* Machine interrupts on pretended pins and messages: storms, strays, and following their vCPUs. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/event.h"
#include "host.h"
#include "x86/acpi.h"
#include "x86/cpu.h"
#define this_cpu() cpus[host_cpu]
#include "../../hv/x86/irq.c"

#define PIN_EDGE 3
#define PIN_LEVEL 20
#define MSG 24 /* can be masked */
#define MSG_BARE 25

struct cpu *cpus[MAX_CPUS];
struct acpi_info acpi_info;
u32 nr_gsis = 24, phys_addr_bits = 40;

static struct cpu cpu[4];
static struct irq all[26];
static struct {
	u32 dest, vector;
	bool masked, enabled;
	unsigned written;
} source[26];
static unsigned eois, sent;
static struct vcpu v;
static struct domain dom0 = { .privileged = true, .vcpu = { &v } };

void ioapic_set_mask(u32 gsi, bool mask)
{
	source[gsi].masked = mask;
}

void msi_set_mask(struct irq *irq, bool mask)
{
	if (irq->maskable)
		source[irq->nr].masked = mask;
}

void msi_set_enable(struct irq *irq, bool on)
{
	source[irq->nr].enabled = on;
}

void ioapic_route(const struct irq *irq)
{
	source[irq->nr].dest = irq->dest;
	source[irq->nr].vector = irq->vector;
	source[irq->nr].masked = true;
	source[irq->nr].written++;
}

void msi_write_message(struct irq *irq)
{
	ioapic_route(irq);
	source[irq->nr].masked = irq->maskable;
}

void lapic_eoi(void)
{
	eois++;
}

s32 send_pirq_event(struct domain *d, u32 port)
{
	cr_assert(d == &dom0 && port == 7);
	sent++;
	return (s32)v.processor;
}

void *xzalloc_bytes(size_t size)
{
	return calloc(1, size);
}

void spin_wait(void)
{
	abort();
}

/* What is never called: start-up, MSI's own list, port and memory rules. */
void ioapic_init(void)
{
	abort();
}
void ioport_init(void)
{
	abort();
}
int restrict_iomem(u64 first, u64 last, bool readable)
{
	abort();
}
int msi_attach(struct irq *irq, u16 bdf, bool msix, u16 entry, u32 to)
{
	abort();
}
int msi_detach(struct irq *irq)
{
	abort();
}
void acpi_isa_irq(const struct acpi_info *ai, u8 isa, u32 *gsi, bool *level, bool *low)
{
	abort();
}

static void setup(void)
{
	irqs = all;
	nr_irqs = ARRAY_SIZE(all);
	for (u32 i = 0; i < nr_irqs; i++)
		all[i] = (struct irq){ .nr = i,
				       .kind = i < nr_gsis ? IRQ_GSI : IRQ_MSI,
				       .mapped = true,
				       .maskable = i == MSG,
				       .level = i == PIN_LEVEL };
	for (u32 i = 0; i < 4; i++) {
		cpu[i] = (struct cpu){ .id = i, .apic_id = 2 * i };
		cpus[i] = &cpu[i];
	}
	host_time = 1000000000;
	v.processor = 1;
}

TestSuite(irq, .init = setup);

static void bound(u32 nr)
{
	cr_assert_eq(arch_pirq_bind(&dom0, nr, 7, false), 0);
	cr_assert(source[nr].vector && source[nr].dest == 2 && !source[nr].masked);
}

/* The device sends it, to where it was told to; is it taken? */
static void fire_at(u32 at, u32 vector)
{
	host_cpu = at;
	irq_dispatch(vector);
}

static void fire(u32 nr)
{
	fire_at(source[nr].dest / 2, source[nr].vector);
}

Test(irq, storm_of_a_message)
{
	unsigned said = host_log_count;

	bound(MSG);
	bound(MSG_BARE);
	arch_pirq_unbind(&dom0, MSG);
	source[MSG].masked = false; /* it is sent all the same */
	for (unsigned i = 0; i < 1000; i++)
		fire(MSG);
	cr_assert_eq(host_log_count, said + 1);
	cr_assert_str_eq(host_log,
			 "Interrupt 24 fires though nobody is bound to it; it is switched off\n");
	cr_assert(source[MSG].masked);
	cr_assert_eq(eois, 1000);
	fire(MSG_BARE); /* the machine goes on */
	cr_assert_eq(sent, 1);
	bound(MSG);
	fire(MSG);
	cr_assert_eq(sent, 2);
}

Test(irq, storm_of_a_message_that_cannot_be_masked)
{
	bound(MSG_BARE);
	source[MSG_BARE].enabled = true;
	arch_pirq_unbind(&dom0, MSG_BARE);
	for (unsigned i = 0; i < 99; i++)
		fire(MSG_BARE);
	cr_assert(source[MSG_BARE].enabled);
	fire(MSG_BARE);
	cr_assert(!source[MSG_BARE].enabled);
	bound(MSG_BARE);
	cr_assert(source[MSG_BARE].enabled);
}

Test(irq, stray_of_a_pin)
{
	bound(PIN_LEVEL);
	all[PIN_LEVEL].domain = NULL;
	fire(PIN_LEVEL);
	cr_assert(source[PIN_LEVEL].masked);
}

Test(irq, vectors_of_nobody)
{
	unsigned said = host_log_count;

	for (unsigned i = 0; i < 100; i++)
		fire_at(0, VEC_FIRST_DEVICE + i);
	cr_assert_eq(host_log_count, said + 5);
	cr_assert_eq(eois, 100);
	fire_at(0, VEC_SPURIOUS);
	fire_at(0, I8259_VECTOR + 7);
	cr_assert_eq(eois, 100);
}

Test(irq, follows_its_vcpu)
{
	u32 old;

	bound(MSG);
	old = source[MSG].vector;
	fire(MSG);
	cr_assert_eq(source[MSG].dest, 2);
	v.processor = 2;
	fire(MSG);
	cr_assert(source[MSG].dest == 4 && !source[MSG].masked);
	fire_at(1, old); /* it was under way */
	cr_assert_eq(sent, 3);
	fire(MSG);
	cr_assert_eq(sent, 4);
	cr_assert_eq(vectors[1][old], 0); /* nobody's again */
	v.processor = 3;
	fire(MSG);
	cr_assert_eq(source[MSG].dest, 4); /* too soon */
	host_time += FOLLOW_NS;
	fire(MSG);
	cr_assert_eq(source[MSG].dest, 6);
}

Test(irq, what_does_not_follow)
{
	bound(PIN_EDGE);
	bound(MSG_BARE);
	bound(PIN_LEVEL);
	v.processor = 2;
	fire(PIN_EDGE);
	fire(MSG_BARE);
	cr_assert(source[PIN_EDGE].written == 1 && source[MSG_BARE].written == 1);
	fire(PIN_LEVEL); /* follows, but waits for the guest to have seen to the device */
	cr_assert(source[PIN_LEVEL].dest == 4 && source[PIN_LEVEL].masked);
	pirq_eoi(PIN_LEVEL);
	cr_assert(!source[PIN_LEVEL].masked);
	cr_assert_eq(sent, 3);
}
