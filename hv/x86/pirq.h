/* SPDX-License-Identifier: MIT */
/*
 * Machine interrupts as the privileged domain numbers them: pirq n is irqs[n]. IO-APIC pins come
 * first (pirq = GSI), MSI messages after them.
 *
 * Locks, outermost first: event_lock of the domain; msi_lock; irq->lock; vector_lock, an IO-APIC's,
 * pci_lock.
 */
#ifndef X86_PIRQ_H
#define X86_PIRQ_H

#include "core/domain.h"

#define NR_MSI_IRQS 256

enum irq_kind { IRQ_FREE, IRQ_GSI, IRQ_MSI };

/* Everything [irq->lock] unless it says otherwise. */
struct irq {
	spinlock_t lock;
	u32 nr;        /* [I] */
	u8 kind;       /* IRQ_*; of MSI numbers [msi_lock] too */
	bool reserved; /* handed out by get_free_pirq, not mapped yet */
	bool mapped;   /* GSI: the domain mapped it */
	bool set_up;   /* GSI: trigger and polarity were said by the domain */
	bool level, low;
	bool in_service; /* level: arrived, pin masked until the domain says EOI */
	u8 vector;       /* 0 = not routed */
	u8 old_vector;   /* before it moved: it may still arrive there once; 0 = gone */
	u16 cpu, old_cpu;
	u8 dest;           /* APIC id of cpu */
	bool switched_off; /* MSI that cannot be masked, disabled as a storm */
	u32 strays;        /* arrivals that nobody was bound to */
	u64 count;         /* arrivals */
	u64 followed;      /* [a] ns: when it was last sent after its vCPU */

	struct domain *domain; /* bound to this one's port, or NULL */
	u32 port;
	void (*handler)(void); /* our own device; excludes a domain */

	struct msi_device *msi; /* IRQ_MSI */
	u16 msi_entry;
	bool msix, maskable;
};

extern struct irq *irqs;     /* [I after boot] */
extern u32 nr_gsis, nr_irqs; /* [I after boot] */

/* ---- irq.c; irq->lock held ---- */
/*
 * Give irq a vector on `cpu`, or move it there if that can be done now. The pin or message is
 * rewritten, and unmasked if somebody is bound. 0, -ENOSPC, -ENOMEM.
 */
int irq_route(struct irq *irq, u32 cpu);
void irq_unroute(struct irq *irq); /* masked already */
void irq_set_mask(struct irq *irq, bool mask);

/* ---- pirq.c ---- */
/* The pirq the domain may use, or NULL: out of range. */
static inline struct irq *pirq_get(u32 pirq)
{
	u64 i = pirq;

	return index_below_nospec(&i, nr_irqs) ? &irqs[i] : NULL;
}
/* All return 0 or an error of the physdev call that they serve. */
int pirq_setup_gsi(u32 gsi, bool level, bool low);
int pirq_map_gsi(u32 gsi, s32 *pirq);
int pirq_map_msi(s32 *pirq, u16 bdf, bool msix, u16 entry, u32 cpu); /* *pirq < 0: choose */
int pirq_reserve(void); /* a free MSI number, or -ENOSPC */
int pirq_unmap(u32 pirq);
int pirq_eoi(u32 pirq);

/* ---- ioapic.c ---- */
void ioapic_init(void); /* finds and masks all pins; says nr_gsis */
/* Program a pin; it is left masked. irq->lock held. */
void ioapic_route(const struct irq *irq);
void ioapic_set_mask(u32 gsi, bool mask);
/* A register of the IO-APIC at a machine address. 0, -EINVAL: no IO-APIC, or no such register. */
int ioapic_read_register(u64 addr, u32 reg, u32 *value);

#endif
