/* SPDX-License-Identifier: MIT */
/* IO-APICs: finding them, and programming their pins. */
#include "lib/log.h"
#include "mm/page.h"
#include "x86/acpi.h"
#include "x86/boot.h"
#include "x86/iomem.h"
#include "x86/pirq.h"

#define REG_VERSION 1
#define REG_ARBITRATION 2
#define REG_ENTRY(pin) (0x10 + 2 * (pin))

/* Low half of a redirection entry; the high half is the destination's APIC id in bits 24-31. */
#define RTE_LOW_ACTIVE BIT(13)
#define RTE_LEVEL BIT(15)
#define RTE_MASKED BIT(16)
#define RTE_MODE(rte) ((rte) >> 8 & 7)
#define RTE_MODE_SMI 2

#define MAX_GSIS 1024

struct ioapic {
	spinlock_t lock;
	volatile u32 *regs; /* [I] [0] selects a register, [4] is its data; both [lock] */
	u64 addr;           /* [I] */
	u32 gsi_base, pins; /* [I] */
};

static struct ioapic ioapics[ACPI_MAX_IOAPICS]; /* [I after boot] */
static u32 nr_ioapics;                          /* [I after boot] */
u32 nr_gsis;

/* lock held */
static u32 reg_read(struct ioapic *a, u32 reg)
{
	a->regs[0] = reg;
	return a->regs[4];
}

/* lock held */
static void reg_write(struct ioapic *a, u32 reg, u32 value)
{
	a->regs[0] = reg;
	a->regs[4] = value;
}

static struct ioapic *ioapic_of(u32 gsi)
{
	u32 i;

	for (i = 0; i < nr_ioapics; i++)
		if (gsi - ioapics[i].gsi_base < ioapics[i].pins)
			return &ioapics[i];
	return NULL;
}

void ioapic_route(const struct irq *irq)
{
	struct ioapic *a = ioapic_of(irq->nr);
	u32 rte = irq->vector | RTE_MASKED, reg;

	if (!a)
		return;
	if (irq->level)
		rte |= RTE_LEVEL;
	if (irq->low)
		rte |= RTE_LOW_ACTIVE;
	reg = REG_ENTRY(irq->nr - a->gsi_base);
	spin_lock(&a->lock);
	/* Masked while its halves disagree; edge for a moment, which forgets an EOI still owed. */
	reg_write(a, reg, RTE_MASKED);
	reg_write(a, reg + 1, (u32)irq->dest << 24);
	reg_write(a, reg, rte);
	spin_unlock(&a->lock);
}

void ioapic_set_mask(u32 gsi, bool mask)
{
	struct ioapic *a = ioapic_of(gsi);
	u32 reg, rte;

	if (!a)
		return;
	reg = REG_ENTRY(gsi - a->gsi_base);
	spin_lock(&a->lock);
	rte = reg_read(a, reg);
	reg_write(a, reg, mask ? rte | RTE_MASKED : rte & ~(u32)RTE_MASKED);
	spin_unlock(&a->lock);
}

int ioapic_read_register(u64 addr, u32 reg, u32 *value)
{
	struct ioapic *a = ioapics;

	while (a < ioapics + nr_ioapics && a->addr != addr)
		a++;
	if (a == ioapics + nr_ioapics ||
	    (reg > REG_ARBITRATION && reg - REG_ENTRY(0) >= 2 * a->pins))
		return err_here(-EINVAL);
	spin_lock(&a->lock);
	*value = reg_read(a, reg);
	spin_unlock(&a->lock);
	return 0;
}

/* Mask every pin but those that carry SMIs, which are the firmware's. */
static void __init silence(struct ioapic *a)
{
	u32 pin, rte;

	for (pin = 0; pin < a->pins; pin++) {
		rte = reg_read(a, REG_ENTRY(pin));
		if (!(rte & RTE_MASKED) && RTE_MODE(rte) == RTE_MODE_SMI)
			continue;
		reg_write(a, REG_ENTRY(pin), RTE_MASKED);
		reg_write(a, REG_ENTRY(pin) + 1, 0);
	}
}

static void __init ioapic_add(const struct acpi_ioapic *found)
{
	struct ioapic *a = &ioapics[nr_ioapics];
	u32 version;

	*a = (struct ioapic){ .addr = found->addr, .gsi_base = found->gsi_base };
	a->regs = ioremap(found->addr, PAGE_SIZE);
	version = reg_read(a, REG_VERSION);
	a->pins = (version >> 16 & 0xff) + 1;
	if (version == ~0U || a->pins > 240 || found->gsi_base > MAX_GSIS - a->pins) {
		log_warn("IO-APIC at 0x%x (pins from %u) does not answer as one; it is not used\n",
			 found->addr, found->gsi_base);
		return;
	}
	silence(a);
	restrict_iomem(a->addr >> PAGE_SHIFT, a->addr >> PAGE_SHIFT, false);
	nr_ioapics++;
	nr_gsis = MAX(nr_gsis, a->gsi_base + a->pins);
	log_info("IO-APIC at 0x%x: interrupts %u-%u\n", found->addr, a->gsi_base,
		 a->gsi_base + a->pins - 1);
}

void __init ioapic_init(void)
{
	u32 i;

	for (i = 0; i < acpi_info.nr_ioapics; i++)
		ioapic_add(&acpi_info.ioapics[i]);
	nr_gsis = MAX(nr_gsis, 16U);
}
