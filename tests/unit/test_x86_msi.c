/* SPDX-License-Identifier: MIT */
/* MSI, MSI-X and pirqs over one pretended PCI device; the list of device memory. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/event.h"
#include "mm/page.h"
#include "x86/iomem.h"
#include "x86/pci.h"
#include "x86/pirq.h"

#define BDF 0x0018
#define MSI 0x50
#define MSIX 0x70
#define TABLE 0xfebf0000UL
#define ENTRIES 4
#define GSIS 24

/* ---- the pretended machine ---- */

static u8 config[256];
static u32 table[ENTRIES * 4];
static bool pin_masked[GSIS];
static unsigned mappings;
static bool no_vectors;

struct irq *irqs;
u32 nr_gsis = GSIS, nr_irqs = GSIS + 8;

u32 pci_read(u16 bdf, u16 reg, unsigned size)
{
	u32 v = ~0U;

	if (bdf == BDF) {
		cr_assert(reg + size <= sizeof(config) && reg % size == 0);
		v = 0;
		memcpy(&v, config + reg, size);
	}
	return v;
}

void pci_write(u16 bdf, u16 reg, unsigned size, u32 value)
{
	cr_assert(bdf == BDF && reg + size <= sizeof(config) && reg % size == 0);
	memcpy(config + reg, &value, size);
}

bool pci_device_present(u16 bdf)
{
	return bdf == BDF;
}

u8 pci_find_cap(u16 bdf, u8 id)
{
	return bdf != BDF ? 0 : id == PCI_CAP_MSI ? MSI : id == PCI_CAP_MSIX ? MSIX : 0;
}

__attribute__((weak)) void *ioremap(u64 maddr, u64 size)
{
	cr_assert(maddr == TABLE && size == sizeof(table));
	mappings++;
	return table;
}

__attribute__((weak)) bool mfn_valid(u64 mfn)
{
	return mfn < 0x1000;
}

__attribute__((weak)) void spin_wait(void)
{
	abort(); /* nobody else holds a lock here */
}

__attribute__((weak)) void *xzalloc_bytes(size_t size)
{
	return calloc(1, size);
}

void irq_set_mask(struct irq *irq, bool mask)
{
	if (irq->kind == IRQ_GSI)
		pin_masked[irq->nr] = mask;
	else
		msi_set_mask(irq, mask);
}

int irq_route(struct irq *irq, u32 cpu)
{
	if (no_vectors)
		return -ENOSPC;
	irq->vector = 0x40 + irq->nr;
	irq->cpu = cpu;
	irq->dest = cpu * 2;
	if (irq->kind == IRQ_MSI)
		msi_write_message(irq);
	return 0;
}

void irq_unroute(struct irq *irq)
{
	irq->vector = 0;
}

static struct vcpu vcpu = { .processor = 1 };
static struct domain dom0 = { .privileged = true, .vcpu = { &vcpu } };
static struct domain other = { .id = 7, .vcpu = { &vcpu } };

static void put32(u16 reg, u32 v)
{
	memcpy(config + reg, &v, 4);
}

static u16 control(u8 cap)
{
	return pci_read(BDF, cap + 2, 2);
}

static void setup(void)
{
	irqs = calloc(nr_irqs, sizeof(*irqs));
	for (u32 i = 0; i < nr_irqs; i++) {
		irqs[i].nr = i;
		irqs[i].kind = i < GSIS ? IRQ_GSI : IRQ_FREE;
	}
	memset(config, 0, sizeof(config));
	config[PCI_COMMAND] = PCI_COMMAND_MEMORY;
	put32(PCI_BAR(1), TABLE | 4); /* 64 bits */
	config[MSI + 2] = 0x80;       /* 64 bits, not maskable */
	config[MSIX + 2] = ENTRIES - 1;
	put32(MSIX + 4, 1); /* table at the start of BAR 1 */
	memset(table, 0, sizeof(table));
}

TestSuite(msi, .init = setup);

static s32 map_msi(bool msix, u16 entry)
{
	s32 pirq = -1;
	int rc = pirq_map_msi(&pirq, BDF, msix, entry, 1);

	return rc ? rc : pirq;
}

/* ---- MSI ---- */

Test(msi, one_message)
{
	s32 pirq = map_msi(false, 0);

	cr_assert_eq(pirq, GSIS);
	cr_assert_eq(pci_read(BDF, MSI + 4, 4), 0xfee02000);
	cr_assert_eq(pci_read(BDF, MSI + 12, 2), 0x40 + GSIS);
	cr_assert(control(MSI) & 1);
	cr_assert_eq(map_msi(false, 0), -EEXIST);
	cr_assert_eq(map_msi(false, 1), -EINVAL);
	cr_assert_eq(map_msi(true, 0), -EEXIST); /* one kind at a time */
	cr_assert_eq(pirq_unmap(pirq), 0);
	cr_assert_not(control(MSI) & 1);
	cr_assert_eq(pirq_unmap(pirq), -EINVAL);
}

Test(msi, no_such_device)
{
	s32 pirq = -1;

	cr_assert_eq(pirq_map_msi(&pirq, 0x1234, false, 0, 0), -ENODEV);
	cr_assert_eq(msi_device_add(0x1234), -ENODEV);
	cr_assert_eq(msi_device_remove(0x1234), -ENODEV);
	cr_assert_eq(msi_restore(0x1234), -ENODEV);
	cr_assert_eq(msix_prepare(0x1234), -ENODEV);
}

Test(msi, another_device_came_to_its_place)
{
	s32 pirq = map_msi(true, ENTRIES - 1);

	cr_assert_eq(pirq, GSIS);
	config[MSIX + 2] = 0; /* one entry: not looked at while in use */
	cr_assert_geq(map_msi(true, 1), 0);
	cr_assert_eq(pirq_unmap(pirq + 1), 0);
	cr_assert_eq(pirq_unmap(pirq), 0);
	cr_assert_eq(msi_device_remove(BDF), 0);
	cr_assert_eq(map_msi(true, 1), -EINVAL);
	config[MSI + 2] = 0; /* 32 bits */
	cr_assert_eq(map_msi(false, 0), GSIS);
	cr_assert_eq(pci_read(BDF, MSI + 8, 2), 0x40 + GSIS);
}

Test(msi, no_vector_left)
{
	no_vectors = true;
	cr_assert_eq(map_msi(false, 0), -ENOSPC);
	cr_assert_not(control(MSI) & 1);
	no_vectors = false;
	cr_assert_eq(map_msi(false, 0), GSIS); /* nothing was kept */
}

/* ---- MSI-X ---- */

Test(msi, table_entries)
{
	s32 a = map_msi(true, 0), b = map_msi(true, 3);

	cr_assert(a >= 0 && b > a && mappings == 1);
	cr_assert_eq(table[12], 0xfee02000);
	cr_assert_eq(table[14], 0x40 + (u32)b);
	cr_assert(table[3] == 1 && table[7] == 1 && table[15] == 1); /* all masked */
	cr_assert(control(MSIX) & BIT(15));
	cr_assert_eq(map_msi(true, 3), -EEXIST);
	cr_assert_eq(map_msi(true, ENTRIES), -EINVAL);
	cr_assert_not(iomem_allowed(TABLE >> PAGE_SHIFT, true));
	cr_assert(iomem_allowed(TABLE >> PAGE_SHIFT, false));

	cr_assert_eq(arch_pirq_bind(&dom0, b, 5, false), 0);
	cr_assert_eq(table[15], 0);
	cr_assert_eq(pirq_unmap(b), -EBUSY);
	cr_assert_eq(msi_device_remove(BDF), -EBUSY);
	arch_pirq_unbind(&other, b); /* not its own */
	cr_assert_eq(table[15], 0);
	memset(table, 0xff, sizeof(table)); /* lost in sleep */
	cr_assert_eq(msi_restore(BDF), 0);
	cr_assert(table[14] == 0x40 + (u32)b && table[15] == 0 && table[3] == 1);
	arch_pirq_unbind(&dom0, b);
	cr_assert_eq(table[15], 1);
	cr_assert(pirq_unmap(a) == 0 && pirq_unmap(b) == 0);
	cr_assert_not(control(MSIX) & BIT(15));
	cr_assert_eq(msi_device_remove(BDF), 0);
	cr_assert(iomem_allowed(TABLE >> PAGE_SHIFT, true));
}

Test(msi, table_that_is_not_device_memory)
{
	put32(PCI_BAR(1), 0x800000 | 4); /* RAM */
	cr_assert_eq(map_msi(true, 0), -ENXIO);
	put32(PCI_BAR(1), 0xfee00000 | 4); /* the local APICs */
	restrict_iomem(0xfee00, 0xfeeff, false);
	cr_assert_eq(map_msi(true, 0), -ENXIO);
	put32(PCI_BAR(1), 0xc001); /* ports */
	cr_assert_eq(map_msi(true, 0), -ENXIO);
	put32(PCI_BAR(1), 4); /* not placed */
	cr_assert_eq(map_msi(true, 0), -ENXIO);
	put32(MSIX + 4, 7); /* no such BAR */
	cr_assert_eq(map_msi(true, 0), -ENXIO);
	put32(MSIX + 4, 1);
	put32(PCI_BAR(1), TABLE | 4);
	config[PCI_COMMAND] = 0;
	cr_assert_eq(map_msi(true, 0), -ENXIO);
	cr_assert_eq(mappings, 0);
	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		cr_assert_eq(table[i], 0);
}

Test(msi, protected_from_the_announcement_on)
{
	cr_assert_eq(msi_device_add(BDF), 0);
	cr_assert_eq(msi_device_add(BDF), 0);
	cr_assert_not(iomem_allowed(TABLE >> PAGE_SHIFT, true));
	/* the BAR moves: not any more, until it is used */
	cr_assert(msi_filter_write(BDF, PCI_BAR(1), 4, 0xfea00000));
	cr_assert(iomem_allowed(TABLE >> PAGE_SHIFT, true));
	cr_assert_geq(map_msi(true, 1), 0);
	cr_assert_not(iomem_allowed(TABLE >> PAGE_SHIFT, true));
	cr_assert(msi_filter_write(BDF, PCI_BAR(1), 4, ~0U)); /* sizing while in use */
	cr_assert_not(iomem_allowed(TABLE >> PAGE_SHIFT, true));
	cr_assert_eq(msi_device_remove(BDF), -EBUSY);
}

/* ---- the domain's configuration writes ---- */

/* As pci.c does it. */
static void guest_write(u16 reg, unsigned size, u32 value)
{
	if (msi_filter_write(BDF, reg, size, value))
		pci_write(BDF, reg, size, value);
}

Test(msi, filter_before_the_device_is_known)
{
	guest_write(MSI + 2, 2, 1);
	cr_assert_eq(control(MSI), 1);
}

Test(msi, filter_msi)
{
	cr_assert_eq(msi_device_add(BDF), 0);
	guest_write(MSI + 2, 2, 0x81); /* no message yet */
	cr_assert_eq(control(MSI), 0x80);
	cr_assert_geq(map_msi(false, 0), 0);
	guest_write(MSI + 2, 2, 0xfff0);
	cr_assert_eq(control(MSI), 0x80);
	guest_write(MSI + 2, 2, 0x0071); /* eight vectors: no */
	cr_assert_eq(control(MSI), 0x81);
	guest_write(MSI, 4, 0x00000005); /* a wide write over the control word */
	cr_assert_eq(control(MSI), 0x80);
	guest_write(MSI, 4, 0x00010005);
	cr_assert_eq(control(MSI), 0x81);
	guest_write(MSI + 3, 1, 0xff);
	cr_assert_eq(control(MSI), 0x81);
	for (u16 reg = MSI + 4; reg < MSI + 14; reg += 2)
		guest_write(reg, 2, 0x6666);
	cr_assert_eq(pci_read(BDF, MSI + 4, 4), 0xfee02000);
	cr_assert_eq(pci_read(BDF, MSI + 12, 2), 0x40 + GSIS);
	guest_write(MSI + 14, 2, 0x6666); /* behind the capability */
	cr_assert_eq(pci_read(BDF, MSI + 14, 2), 0x6666);
}

Test(msi, filter_msix)
{
	cr_assert_eq(msi_device_add(BDF), 0);
	guest_write(MSIX + 2, 2, 0xffff);
	cr_assert_eq(control(MSIX), 0xc000 | (ENTRIES - 1));
	cr_assert_geq(map_msi(true, 0), 0);
	guest_write(MSIX + 2, 2, 0x8000);
	cr_assert_eq(control(MSIX), 0x8000 | (ENTRIES - 1));
	guest_write(MSIX + 4, 4, 0);
	cr_assert_eq(pci_read(BDF, MSIX + 4, 4), 1);
	guest_write(MSI + 2, 2, 1); /* MSI beside MSI-X */
	cr_assert_eq(control(MSI), 0x80);
}

/* ---- pins ---- */

Test(msi, pins)
{
	s32 pirq = -1;

	cr_assert_eq(arch_pirq_bind(&dom0, 9, 3, true), -EINVAL); /* not mapped */
	cr_assert_eq(pirq_map_gsi(9, &pirq), 0);
	cr_assert_eq(pirq, 9);
	pirq = 8;
	cr_assert_eq(pirq_map_gsi(9, &pirq), -EINVAL);
	cr_assert_eq(pirq_map_gsi(GSIS, &pirq), -EINVAL);
	cr_assert_eq(pirq_setup_gsi(9, true, false), 0);
	cr_assert_eq(pirq_setup_gsi(9, true, false), -EEXIST);
	cr_assert_eq(pirq_setup_gsi(GSIS, true, false), -EINVAL);

	cr_assert_eq(arch_pirq_bind(&other, 9, 3, true), -EPERM);
	cr_assert_eq(arch_pirq_bind(&dom0, ~0U, 3, true), -EINVAL);
	pin_masked[9] = true;
	cr_assert_eq(arch_pirq_bind(&dom0, 9, 3, true), 0);
	cr_assert(irqs[9].cpu == 1 && irqs[9].port == 3 && !pin_masked[9]);
	cr_assert_eq(arch_pirq_bind(&dom0, 9, 4, true), -EEXIST);
	cr_assert_eq(pirq_setup_gsi(9, false, false), -EBUSY);

	irqs[9].in_service = pin_masked[9] = true; /* as dispatch leaves it */
	cr_assert_eq(pirq_eoi(9), 0);
	cr_assert(!irqs[9].in_service && !pin_masked[9]);
	irqs[9].in_service = pin_masked[9] = true;
	arch_pirq_unmasked(&other, 9);
	cr_assert(pin_masked[9]);
	arch_pirq_unmasked(&dom0, 9);
	cr_assert_not(pin_masked[9]);
	cr_assert_eq(pirq_eoi(nr_irqs), -EINVAL);

	arch_pirq_set_cpu(&dom0, 9, 2);
	cr_assert_eq(irqs[9].cpu, 2);
	cr_assert_eq(pirq_unmap(9), -EBUSY);
	arch_pirq_unbind(&dom0, 9);
	cr_assert(pin_masked[9] && irqs[9].vector == 0);
	cr_assert_eq(pirq_unmap(9), 0);
	cr_assert_eq(pirq_unmap(9), -EINVAL);
}

static void nothing(void)
{
}

Test(msi, pins_of_our_own)
{
	s32 pirq = 4;

	irqs[4].handler = nothing;
	cr_assert_eq(pirq_map_gsi(4, &pirq), 0);
	cr_assert_eq(pirq_setup_gsi(4, true, true), -EEXIST);
	cr_assert_eq(arch_pirq_bind(&dom0, 4, 3, false), -EBUSY);
}

Test(msi, numbers_handed_out)
{
	s32 pirq;
	int n = 0, first = pirq_reserve();

	cr_assert_eq(first, GSIS);
	cr_assert_eq(map_msi(false, 0), GSIS + 1); /* leaves it alone */
	cr_assert_eq(pirq_unmap(GSIS + 1), 0);
	pirq = first;
	cr_assert_eq(pirq_map_msi(&pirq, BDF, false, 0, 0), 0);
	cr_assert_eq(pirq, first);
	pirq = 3; /* a pin */
	cr_assert_eq(pirq_map_msi(&pirq, BDF, false, 0, 0), -EINVAL);
	while (pirq_reserve() >= 0)
		n++;
	cr_assert_eq(n, 7);
	cr_assert_eq(map_msi(false, 0), -ENOSPC);
	cr_assert_eq(pirq_unmap(GSIS + 3), 0);
	cr_assert_eq(pirq_reserve(), GSIS + 3);
}

/* ---- device memory ---- */

Test(iomem, strictest_counts)
{
	cr_assert_eq(restrict_iomem(0x100, 0x10f, true), 0);
	cr_assert_eq(restrict_iomem(0x108, 0x118, true), 0);
	cr_assert_eq(restrict_iomem(0x10f, 0x10f, false), 0);
	cr_assert(iomem_allowed(0xff, true) && iomem_allowed(0x119, true));
	cr_assert(iomem_allowed(0x100, false) && !iomem_allowed(0x100, true));
	cr_assert_not(iomem_allowed(0x10f, false));
	permit_iomem_again(0x100, 0x10f);
	cr_assert(iomem_allowed(0x107, true) && !iomem_allowed(0x108, true));
	permit_iomem_again(0x10f, 0x10f); /* a denial is for good */
	cr_assert_not(iomem_allowed(0x10f, false));
}

Test(iomem, list_full)
{
	int n = 0;

	while (restrict_iomem(n, n, false) == 0)
		n++;
	cr_assert(n > 100 && restrict_iomem(0x10000, ~0UL, false) == -ENOSPC &&
		  iomem_allowed(0x10000, true));
}
