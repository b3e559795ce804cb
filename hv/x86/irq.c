/* SPDX-License-Identifier: MIT */
/* Machine interrupts: which vector of which processor, and what happens when one arrives. */
#include "x86/irq.h"

#include "core/console.h"
#include "core/event.h"
#include "lib/log.h"
#include "mm/page.h"
#include "x86/acpi.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/iomem.h"
#include "x86/ioports.h"
#include "x86/pci.h"
#include "x86/pirq.h"

/*
 * The legacy controllers are masked; one can still raise a spurious interrupt at one of 16 vectors,
 * which is ignored.
 */
#define I8259_VECTOR 0x20
#define I8259_MASTER 0x20
#define I8259_SLAVE 0xa0

#define FOLLOW_NS 10000000UL /* a vCPU's turn: no more than one move in it */
#define STRAYS_MAX 100       /* arrivals nobody asked for, before the source is switched off */

struct irq *irqs;
u32 nr_irqs;

/* Number of the interrupt + 1 at each vector, 0 = free. Allocated when a processor gets its first.
 * Pointers [vector_lock to set]; entries [vector_lock to change, a to read]. */
static u16 *vectors[MAX_CPUS];
static u8 last_vector[MAX_CPUS]; /* [vector_lock] */
static spinlock_t vector_lock = SPINLOCK_INIT;
static u32 strange; /* [a] arrivals at vectors that are nobody's */

/* ---- vectors ---- */

/* A vector of `cpu` for interrupt nr, or -ENOSPC, -ENOMEM. */
static int vector_alloc(u32 cpu, u32 nr)
{
	unsigned n = VEC_LAST_DEVICE - VEC_FIRST_DEVICE + 1;
	int rc = -ENOSPC;
	u8 v;

	spin_lock(&vector_lock);
	v = last_vector[cpu];
	if (!vectors[cpu])
		vectors[cpu] = xzalloc_array(u16, 256);
	if (!vectors[cpu])
		rc = -ENOMEM;
	while (rc == -ENOSPC && n--) {
		v = v < VEC_FIRST_DEVICE || v >= VEC_LAST_DEVICE ? VEC_FIRST_DEVICE : v + 1;
		if (v != VEC_SYSCALL32 && !vectors[cpu][v])
			rc = last_vector[cpu] = v;
	}
	if (rc > 0)
		WRITE_ONCE(vectors[cpu][v], nr + 1);
	spin_unlock(&vector_lock);
	return err_here(rc);
}

static void vector_free(u32 cpu, u8 vector)
{
	spin_lock(&vector_lock);
	WRITE_ONCE(vectors[cpu][vector], 0);
	spin_unlock(&vector_lock);
}

static void forget_old_vector(struct irq *irq)
{
	if (irq->old_vector)
		vector_free(irq->old_cpu, irq->old_vector);
	irq->old_vector = 0;
}

/* ---- masking and routing; irq->lock held ---- */

void irq_set_mask(struct irq *irq, bool mask)
{
	if (irq->kind == IRQ_GSI)
		ioapic_set_mask(irq->nr, mask);
	else
		msi_set_mask(irq, mask);
}

/* A pin's or message's destination has 8 bits; a processor beyond them cannot take interrupts. */
static bool reachable(u32 cpu)
{
	return cpu < MAX_CPUS && cpus[cpu] && cpus[cpu]->apic_id < 0xff;
}

int irq_route(struct irq *irq, u32 cpu)
{
	int v;

	if (!reachable(cpu))
		cpu = 0;
	if (irq->vector && irq->cpu == cpu)
		return 0;
	/* Address and data of a live message that cannot be masked would be seen half changed. */
	if (irq->vector && irq->kind == IRQ_MSI && !irq->maskable)
		return 0;
	/*
	 * One that was sent to the old place may still be on its way there, so that place stays
	 * ours until one arrives at the new. Until then a second move has to wait: it is only an
	 * optimization.
	 */
	if (irq->old_vector)
		return 0;
	v = reachable(cpu) ? vector_alloc(cpu, irq->nr) : err_here(-ENOSPC);
	if (v < 0)
		return v;
	irq->old_vector = irq->vector;
	irq->old_cpu = irq->cpu;
	irq->vector = v;
	irq->cpu = cpu;
	irq->dest = cpus[cpu]->apic_id;
	if (irq->kind == IRQ_GSI)
		ioapic_route(irq);
	else
		msi_write_message(irq);
	/* Somebody takes it, and a level one is not waiting for its EOI. */
	if ((irq->domain || irq->handler) && !irq->in_service)
		irq_set_mask(irq, false);
	return 0;
}

void irq_unroute(struct irq *irq)
{
	forget_old_vector(irq);
	if (irq->vector)
		vector_free(irq->cpu, irq->vector);
	irq->vector = 0;
}

/* ---- arrival ---- */

/* irq->lock held: nobody is bound. Once or twice may be a late one; again and again is a storm. */
static void stray(struct irq *irq)
{
	if (irq->level || irq->kind == IRQ_GSI)
		irq_set_mask(irq, true);
	if (++irq->strays != STRAYS_MAX)
		return;
	log_warn("Interrupt %u fires though nobody is bound to it; it is switched off\n", irq->nr);
	irq_set_mask(irq, true);
	if (irq->kind == IRQ_MSI && !irq->maskable) {
		irq->switched_off = true;
		msi_set_enable(irq, false);
	}
}

/*
 * Its vCPU is on another processor: the next one goes there. But not the edge of a pin, which is
 * lost when it comes while the pin is masked to be changed.
 */
static void follow(struct irq *irq, struct domain *d, s32 cpu)
{
	u64 now;

	if (cpu < 0 || (u32)cpu == this_cpu()->id || (irq->kind == IRQ_GSI && !irq->level))
		return;
	now = now_ns();
	if (now - READ_ONCE(irq->followed) < FOLLOW_NS)
		return;
	WRITE_ONCE(irq->followed, now);
	arch_pirq_set_cpu(d, irq->nr, (u32)cpu);
}

static void arrived(struct irq *irq, u32 vector)
{
	void (*handler)(void);
	struct domain *d;
	u32 port;

	spin_lock(&irq->lock);
	irq->count++;
	if (irq->cpu == this_cpu()->id && irq->vector == vector)
		forget_old_vector(irq);
	handler = irq->handler;
	d = irq->domain;
	port = irq->port;
	if (!d && !handler)
		stray(irq);
	else if (irq->level && d) {
		/* It would come again at once: masked until the domain has seen to the device. */
		irq->in_service = true;
		irq_set_mask(irq, true);
	}
	spin_unlock(&irq->lock);

	if (handler) /* before the EOI: it quiets the device, should the line be a level */
		handler();
	lapic_eoi();
	/* Without the lock: a port that was closed meanwhile is core's to notice. */
	if (d)
		follow(irq, d, send_pirq_event(d, port));
}

void irq_dispatch(u32 vector)
{
	struct cpu *c = this_cpu();
	u16 *table = READ_ONCE(vectors[c->id]);
	u16 nr = table && vector < 256 ? READ_ONCE(table[vector]) : 0;

	if (nr) {
		arrived(&irqs[nr - 1], vector);
		return;
	}
	/* The LAPIC's spurious vector, and what the 8259s let through, was never in service. */
	if (vector == VEC_SPURIOUS || (vector >= I8259_VECTOR && vector < I8259_VECTOR + 16))
		return;
	lapic_eoi();
	if (__atomic_fetch_add(&strange, 1, __ATOMIC_RELAXED) < 5)
		log_warn("CPU%u: interrupt at vector 0x%x, which is nobody's\n", c->id, vector);
}

/* ---- our own ---- */

int irq_request_isa(u32 isa, void (*handler)(void))
{
	bool level, low;
	struct irq *irq;
	u32 gsi;
	int rc;

	acpi_isa_irq(&acpi_info, isa, &gsi, &level, &low);
	if (gsi >= nr_gsis)
		return err_here(-ENODEV);
	irq = &irqs[gsi];
	spin_lock(&irq->lock);
	rc = irq->domain || irq->handler ? err_here(-EBUSY) : irq_route(irq, 0);
	if (rc == 0) {
		irq->handler = handler;
		irq_set_mask(irq, false);
	}
	spin_unlock(&irq->lock);
	return rc;
}

/* ---- start ---- */

static void __init i8259_setup(u16 port, u8 first_vector, u8 wiring)
{
	outb(port + 1, 0xff); /* all masked */
	outb(port, 0x11);     /* edge triggered, cascaded, four words follow */
	outb(port + 1, first_vector);
	outb(port + 1, wiring);
	outb(port + 1, 0x01); /* 8086 mode */
	outb(port + 1, 0xff); /* forgotten by that */
}

static void __init init_gsis(void)
{
	bool level, low;
	u32 i, gsi;

	for (i = 0; i < nr_irqs; i++) {
		irqs[i].nr = i;
		irqs[i].kind = i < nr_gsis ? IRQ_GSI : IRQ_FREE;
		/* beyond the ISA range all is PCI: level, low, until the domain says otherwise */
		irqs[i].level = irqs[i].low = i >= 16 && i < nr_gsis;
	}
	for (i = 0; i < 16; i++) {
		acpi_isa_irq(&acpi_info, i, &gsi, &level, &low);
		if (gsi < nr_gsis) {
			irqs[gsi].level = level;
			irqs[gsi].low = low;
		}
	}
}

/*
 * What no domain may map besides the IO-APICs: local APICs with the addresses that mean interrupts,
 * the HPET (read only), addresses this processor does not have.
 */
static void __init init_iomem(void)
{
	u64 lapic = acpi_info.lapic_addr >> PAGE_SHIFT, hpet = acpi_info.hpet_addr >> PAGE_SHIFT;

	restrict_iomem(0xfee00, 0xfeeff, false);
	restrict_iomem(lapic, lapic, false);
	restrict_iomem(1UL << (phys_addr_bits - PAGE_SHIFT), ~0UL, false);
	if (hpet)
		restrict_iomem(hpet, hpet, true);
}

void __init irq_init(void)
{
	i8259_setup(I8259_MASTER, I8259_VECTOR, BIT(2));
	i8259_setup(I8259_SLAVE, I8259_VECTOR + 8, 2);
	ioapic_init();
	nr_irqs = nr_gsis + NR_MSI_IRQS;
	irqs = xzalloc_bytes(sizeof(*irqs) * nr_irqs);
	if (!irqs)
		panic("No memory for %u interrupts; give the machine more", nr_irqs);
	init_gsis();
	init_iomem();
	ioport_init();
}

/* ---- debug key ---- */

static void irq_dump(void)
{
	const struct irq *irq;

	log_info("irq: vector@cpu arrivals, who\n");
	for (irq = irqs; irq < irqs + nr_irqs; irq++)
		if (irq->vector)
			log_info("%3u: %s %s/%s 0x%02x@%u %lu %s port %u%s\n", irq->nr,
				 irq->kind == IRQ_GSI ? "pin" : "msi",
				 irq->level ? "level" : "edge", irq->low ? "low" : "high",
				 irq->vector, irq->cpu, irq->count,
				 irq->handler ? "ours" :
				 irq->domain  ? irq->domain->name :
						"nobody",
				 irq->port, irq->in_service ? ", waits for EOI" : "");
}
DEBUG_KEY('i', irq_dump, "machine interrupts");
