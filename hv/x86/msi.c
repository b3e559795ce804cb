/* SPDX-License-Identifier: MIT */
/*
 * MSI and MSI-X: messages are written by us alone, for vectors that we chose.
 *
 * The domain's writes to the capabilities are reduced to the enable and mask-all bits, and the
 * pages of an MSI-X table are read-only for it from the moment it announces the device (its drivers
 * map them later).
 */
#include "lib/log.h"
#include "mm/page.h"
#include "x86/boot.h"
#include "x86/iomem.h"
#include "x86/pci.h"
#include "x86/pirq.h"

/* Offsets in a capability. MSI: address, [upper address], data, [mask]. MSI-X: table. */
#define CAP_CONTROL 2
#define MSI_ENABLE BIT(0)
#define MSI_VECTORS (7UL << 4) /* log2 of how many are enabled */
#define MSI_64BIT BIT(7)
#define MSI_MASKABLE BIT(8)
#define MSI_ADDRESS 4
#define MSIX_SIZE 0x7ffUL /* entries - 1 */
#define MSIX_MASK_ALL BIT(14)
#define MSIX_ENABLE BIT(15)
#define MSIX_TABLE 4
#define MSIX_CAP_LEN 12

/* An MSI-X table entry, in words. */
enum { ENTRY_ADDRESS, ENTRY_ADDRESS_HIGH, ENTRY_DATA, ENTRY_CONTROL, ENTRY_WORDS };

#define MESSAGE_ADDRESS 0xfee00000U /* | APIC id << 12; physical destination, fixed, edge */
#define MAX_MAPPINGS 512            /* of tables, in all: mappings are never taken back */

/* All [msi_lock]; capability offsets and what they say [I]. Once made it stays, mapping and all. */
struct msi_device {
	struct list_head list;
	u16 bdf;
	u8 msi, msix; /* offsets of the capabilities, 0 = none */
	bool msi_64bit, msi_maskable;
	u16 nr_entries;
	u16 used;       /* interrupts attached: */
	bool used_msix; /*   to MSI-X, not MSI */
	u64 table_addr; /* what `table` maps */
	volatile u32 *table;
	u64 ro_first, ro_last; /* frames made read-only; none if ro_last == 0 */
};

static spinlock_t msi_lock = SPINLOCK_INIT;
static struct list_head devices = LIST_INIT(devices); /* [msi_lock] */
static u32 nr_mappings;                               /* [msi_lock] */

static struct msi_device *find(u16 bdf)
{
	struct msi_device *dev;

	list_for_each(dev, &devices, list)
		if (dev->bdf == bdf)
			return dev;
	return NULL;
}

/* What the device is now: another one may have come to this place. None of its interrupts is used. */
static void probe(struct msi_device *dev)
{
	u16 control;

	dev->msi = pci_find_cap(dev->bdf, PCI_CAP_MSI);
	dev->msix = pci_find_cap(dev->bdf, PCI_CAP_MSIX);
	control = dev->msi ? pci_read(dev->bdf, dev->msi + CAP_CONTROL, 2) : 0;
	dev->msi_64bit = control & MSI_64BIT;
	dev->msi_maskable = control & MSI_MASKABLE;
	control = dev->msix ? pci_read(dev->bdf, dev->msix + CAP_CONTROL, 2) : 0;
	if (dev->nr_entries != (control & MSIX_SIZE) + 1)
		dev->table_addr = 0; /* `table` may be too short */
	dev->nr_entries = (control & MSIX_SIZE) + 1;
}

/* The device at bdf, made known if it is there. msi_lock held. */
static int device_get(u16 bdf, struct msi_device **devp)
{
	struct msi_device *dev = find(bdf);

	if (!pci_device_present(bdf))
		return err_here(-ENODEV);
	if (!dev) {
		dev = xzalloc(struct msi_device);
		if (!dev)
			return err_here(-ENOMEM);
		dev->bdf = bdf;
		list_add(&dev->list, &devices);
	}
	if (dev->used == 0)
		probe(dev);
	*devp = dev;
	return 0;
}

/* ---- where the MSI-X table is ---- */

static u64 table_bytes(const struct msi_device *dev)
{
	return dev->nr_entries * ENTRY_WORDS * sizeof(u32);
}

/* Machine address of the table; 0 when its BAR is not set, or not to a device's memory. */
static u64 table_address(const struct msi_device *dev)
{
	u32 where = pci_read(dev->bdf, dev->msix + MSIX_TABLE, 4), n = where & 7;
	u32 bar = n < 6 ? pci_read(dev->bdf, PCI_BAR(n), 4) : 1;
	u64 addr = bar & ~0xfU, mfn;

	if (bar & 1)
		return 0;
	if ((bar & 6) == 4 && n < 5)
		addr |= (u64)pci_read(dev->bdf, PCI_BAR(n + 1), 4) << 32;
	if (addr == 0)
		return 0;
	addr += where & ~7U;
	/* The domain writes BARs: never follow one into RAM or to an APIC. */
	for (mfn = addr >> PAGE_SHIFT; mfn <= (addr + table_bytes(dev) - 1) >> PAGE_SHIFT; mfn++)
		if (mfn_valid(mfn) || !iomem_allowed(mfn, false))
			return 0;
	return addr;
}

static void unprotect(struct msi_device *dev)
{
	if (dev->ro_last)
		permit_iomem_again(dev->ro_first, dev->ro_last);
	dev->ro_last = 0;
}

/* Make the table read-only for guests where it is now. No table, or none placed: nothing to do. */
static int protect(struct msi_device *dev)
{
	u64 addr = dev->msix ? table_address(dev) : 0;
	u64 first = addr >> PAGE_SHIFT, last = (addr + table_bytes(dev) - 1) >> PAGE_SHIFT;
	int rc;

	if (addr == 0 || (first == dev->ro_first && last == dev->ro_last))
		return 0;
	unprotect(dev);
	rc = restrict_iomem(first, last, true);
	if (rc)
		return rc;
	dev->ro_first = first;
	dev->ro_last = last;
	return 0;
}

/* Map the table for ourselves, protect it and mask all of it; before the first entry is used. */
static int table_open(struct msi_device *dev)
{
	u64 addr = table_address(dev);
	u32 i;

	if (addr == 0 || !(pci_read(dev->bdf, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
		return err_here(-ENXIO);
	if (protect(dev))
		return err_here(-ENOSPC);
	if (dev->table_addr != addr) {
		if (nr_mappings == MAX_MAPPINGS)
			return err_here(-ENOSPC);
		nr_mappings++;
		dev->table = ioremap(addr, table_bytes(dev));
		dev->table_addr = addr;
	}
	for (i = 0; i < dev->nr_entries; i++)
		dev->table[i * ENTRY_WORDS + ENTRY_CONTROL] = 1;
	return 0;
}

/* ---- messages; irq->lock held ---- */

void msi_set_mask(struct irq *irq, bool mask)
{
	struct msi_device *dev = irq->msi;
	volatile u32 *control;

	if (irq->msix) {
		control = dev->table + irq->msi_entry * ENTRY_WORDS + ENTRY_CONTROL;
		*control = mask;
		(void)*control; /* posted writes arrive before a read returns */
	} else if (irq->maskable) {
		pci_write(dev->bdf, dev->msi + (dev->msi_64bit ? 0x10 : 0x0c), 4, mask);
	}
}

void msi_write_message(struct irq *irq)
{
	struct msi_device *dev = irq->msi;
	u32 address = MESSAGE_ADDRESS | (u32)irq->dest << 12;
	u16 at = dev->msi + MSI_ADDRESS;
	volatile u32 *entry;

	msi_set_mask(irq, true);
	if (irq->msix) {
		entry = dev->table + irq->msi_entry * ENTRY_WORDS;
		entry[ENTRY_ADDRESS] = address;
		entry[ENTRY_ADDRESS_HIGH] = 0;
		entry[ENTRY_DATA] = irq->vector;
		return;
	}
	pci_write(dev->bdf, at, 4, address);
	if (dev->msi_64bit)
		pci_write(dev->bdf, at + 4, 4, 0);
	pci_write(dev->bdf, at + (dev->msi_64bit ? 8 : 4), 2, irq->vector);
}

void msi_set_enable(struct irq *irq, bool on)
{
	u16 reg = (irq->msix ? irq->msi->msix : irq->msi->msi) + CAP_CONTROL;
	u16 bit = irq->msix ? MSIX_ENABLE : MSI_ENABLE;
	u16 control = pci_read(irq->msi->bdf, reg, 2) & ~bit;

	if (!irq->msix)
		control &= ~MSI_VECTORS; /* one */
	pci_write(irq->msi->bdf, reg, 2, on ? control | bit : control);
}

/* ---- attaching interrupts ---- */

/* May entry be given out? A device uses MSI or MSI-X, not both; an entry once. msi_lock held. */
static int check_entry(const struct msi_device *dev, bool msix, u16 entry)
{
	u32 i;

	if (!(msix ? dev->msix : dev->msi))
		return err_here(-ENODEV);
	if (entry >= (msix ? dev->nr_entries : 1))
		return err_here(-EINVAL);
	if (dev->used && dev->used_msix != msix)
		return err_here(-EEXIST);
	for (i = nr_gsis; dev->used && i < nr_irqs; i++)
		if (irqs[i].msi == dev && irqs[i].msi_entry == entry)
			return err_here(-EEXIST);
	return 0;
}

/* Forget the device again. irq->lock and msi_lock held; nothing arrives any more. */
static void clear(struct irq *irq)
{
	irq_unroute(irq);
	irq->kind = IRQ_FREE;
	irq->msi = NULL;
	irq->switched_off = false;
}

static int attach(struct irq *irq, struct msi_device *dev, bool msix, u16 entry, u32 cpu)
{
	int rc;

	if (irq->kind != IRQ_FREE)
		return err_here(-EEXIST);
	irq->kind = IRQ_MSI;
	irq->msi = dev;
	irq->msix = msix;
	irq->msi_entry = entry;
	irq->maskable = msix || dev->msi_maskable;
	irq->strays = 0;
	rc = irq_route(irq, cpu);
	if (rc)
		clear(irq);
	else
		irq->reserved = false;
	return rc;
}

int msi_attach(struct irq *irq, u16 bdf, bool msix, u16 entry, u32 cpu)
{
	struct msi_device *dev;
	int rc;

	spin_lock(&msi_lock);
	spin_lock(&irq->lock);
	rc = device_get(bdf, &dev);
	if (rc == 0)
		rc = check_entry(dev, msix, entry);
	if (rc == 0 && msix && dev->used == 0)
		rc = table_open(dev);
	if (rc == 0)
		rc = attach(irq, dev, msix, entry, cpu);
	if (rc == 0 && dev->used++ == 0) {
		dev->used_msix = msix;
		msi_set_enable(irq, true);
	}
	spin_unlock(&irq->lock);
	spin_unlock(&msi_lock);
	return rc;
}

int msi_detach(struct irq *irq)
{
	int rc = 0;

	spin_lock(&msi_lock);
	spin_lock(&irq->lock);
	if (irq->kind != IRQ_MSI) {
		rc = err_here(-EINVAL);
	} else if (irq->domain) {
		rc = err_here(-EBUSY);
	} else {
		irq_set_mask(irq, true);
		if (--irq->msi->used == 0)
			msi_set_enable(irq, false);
		clear(irq);
	}
	spin_unlock(&irq->lock);
	spin_unlock(&msi_lock);
	return rc;
}

/* ---- devices ---- */

/* Do this with the device at bdf, made known if it is there, under msi_lock. */
static int with_device(u16 bdf, int (*what)(struct msi_device *dev))
{
	struct msi_device *dev;
	int rc;

	spin_lock(&msi_lock);
	rc = device_get(bdf, &dev);
	if (rc == 0)
		rc = what(dev);
	spin_unlock(&msi_lock);
	return rc;
}

int msi_device_add(u16 bdf)
{
	return with_device(bdf, protect);
}

static int prepare(struct msi_device *dev)
{
	return dev->msix ? protect(dev) : err_here(-ENODEV);
}

int msix_prepare(u16 bdf)
{
	return with_device(bdf, prepare);
}

static int restore(struct msi_device *dev)
{
	struct irq *irq;

	for (irq = irqs + nr_gsis; irq < irqs + nr_irqs; irq++) {
		spin_lock(&irq->lock);
		if (irq->msi == dev) {
			msi_write_message(irq);
			if (irq->domain)
				irq_set_mask(irq, false);
			msi_set_enable(irq, true);
		}
		spin_unlock(&irq->lock);
	}
	return 0;
}

int msi_restore(u16 bdf)
{
	return with_device(bdf, restore);
}

int msi_device_remove(u16 bdf)
{
	struct msi_device *dev;
	int rc = 0;

	spin_lock(&msi_lock);
	dev = find(bdf); /* it need not be there any more */
	if (!dev)
		rc = err_here(-ENODEV);
	else if (dev->used)
		rc = err_here(-EBUSY);
	else
		unprotect(dev);
	spin_unlock(&msi_lock);
	return rc;
}

/* ---- the domain's own writes ---- */

static bool overlaps(u16 reg, unsigned size, u8 cap, unsigned len)
{
	return cap && reg + size > cap && reg < cap + len;
}

/*
 * Of a write into a capability, take over those control bits the domain may clear, or set. It lies
 * within a word of 32 bits, as the capability's first one does, whose upper half is the control.
 */
static void write_control(u16 bdf, u8 cap, u16 clear, u16 set, u16 reg, unsigned size, u32 value)
{
	u32 written = reg / 4 == cap / 4 ? ~0U >> (32 - 8 * size) << 8 * (reg % 4) : 0;
	u16 control = pci_read(bdf, cap + CAP_CONTROL, 2), wish;

	wish = ((value << 8 * (reg % 4) & written) | ((u32)control << 16 & ~written)) >> 16;
	pci_write(bdf, cap + CAP_CONTROL, 2, (control & (~clear | wish)) | (wish & set));
}

bool msi_filter_write(u16 bdf, u16 reg, unsigned size, u32 value)
{
	const u16 msix_bits = MSIX_ENABLE | MSIX_MASK_ALL;
	struct msi_device *dev;
	bool pass = false;

	spin_lock(&msi_lock);
	dev = find(bdf);
	if (dev && overlaps(reg, size, dev->msi,
			    10 + (dev->msi_64bit ? 4 : 0) + (dev->msi_maskable ? 10 : 0))) {
		/* without a message of ours MSI can only be switched off */
		write_control(bdf, dev->msi, MSI_ENABLE,
			      dev->used && !dev->used_msix ? MSI_ENABLE : 0, reg, size, value);
	} else if (dev && overlaps(reg, size, dev->msix, MSIX_CAP_LEN)) {
		write_control(bdf, dev->msix, msix_bits, msix_bits, reg, size, value);
	} else {
		pass = true;
		if (dev && dev->used == 0 && reg >= PCI_BAR(0) && reg < PCI_BAR(6))
			unprotect(dev); /* the table moves; protected again when it is used */
	}
	spin_unlock(&msi_lock);
	return pass;
}
