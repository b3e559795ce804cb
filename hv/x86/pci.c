/* SPDX-License-Identifier: MIT */
/* PCI configuration space through ports 0xcf8 and 0xcfc, for us and for the privileged domain. */
#include "x86/pci.h"

#include "x86/asm.h"
#include "x86/ioports.h"

#define ADDRESS_PORT 0xcf8
#define RESET_PORT 0xcf9
#define DATA_PORT 0xcfc
#define ADDRESS_ENABLE BIT(31)
#define MAX_CAPS 48 /* as many as fit in 192 bytes */

static spinlock_t pci_lock = SPINLOCK_INIT; /* the pair of ports; nothing is taken inside */
/* What the privileged domain last wrote to 0xcf8; it serializes its accesses itself. [a] */
static u32 guest_address;

static void select(u16 bdf, u16 reg)
{
	outl(ADDRESS_PORT, ADDRESS_ENABLE | (u32)bdf << 8 | (reg & 0xfc));
}

u32 pci_read(u16 bdf, u16 reg, unsigned size)
{
	u32 v;

	spin_lock(&pci_lock);
	select(bdf, reg);
	v = port_read(DATA_PORT + (reg & 3), size);
	spin_unlock(&pci_lock);
	return v;
}

void pci_write(u16 bdf, u16 reg, unsigned size, u32 value)
{
	spin_lock(&pci_lock);
	select(bdf, reg);
	port_write(DATA_PORT + (reg & 3), size, value);
	spin_unlock(&pci_lock);
}

void pci_write_at_end(u16 bdf, u16 reg, u8 value)
{
	for (unsigned i = 0; i < 10000 && !spin_trylock(&pci_lock); i++)
		cpu_relax();
	select(bdf, reg);
	port_write(DATA_PORT + (reg & 3), 1, value);
}

bool pci_device_present(u16 bdf)
{
	u16 vendor = pci_read(bdf, PCI_VENDOR, 2);

	return vendor != 0 && vendor != 0xffff;
}

u8 pci_find_cap(u16 bdf, u8 id)
{
	unsigned left = MAX_CAPS;
	u8 at;

	if (!(pci_read(bdf, PCI_STATUS, 2) & PCI_STATUS_CAPS) ||
	    (pci_read(bdf, PCI_HEADER_TYPE, 1) & 0x7f) > 1)
		return 0;
	at = pci_read(bdf, PCI_CAP_PTR, 1) & ~3;
	while (left-- && at >= 0x40) {
		if (pci_read(bdf, at, 1) == id)
			return at;
		at = pci_read(bdf, at + 1, 1) & ~3;
	}
	return 0;
}

/* ---- the privileged domain ---- */

/* Does an access of `size` at a data port hit a register we reach? Fills in which. */
static bool decode(u16 port, unsigned size, u16 *bdf, u16 *reg)
{
	u32 address = READ_ONCE(guest_address);

	/* bits 24-30: extended registers of some AMD processors, not offered */
	if (port < DATA_PORT || (port & 3) + size > 4 || address >> 24 != ADDRESS_ENABLE >> 24)
		return false;
	*bdf = address >> 8;
	*reg = (address & 0xfc) | (port & 3);
	return true;
}

u32 pci_conf_guest_read(u16 port, unsigned size)
{
	u16 bdf, reg;

	if (port == ADDRESS_PORT && size == 4)
		return READ_ONCE(guest_address);
	if (port == RESET_PORT && size == 1)
		return inb(port);
	if (decode(port, size, &bdf, &reg))
		return pci_read(bdf, reg, size);
	return ~0U;
}

void pci_conf_guest_write(u16 port, unsigned size, u32 value)
{
	u16 bdf, reg;

	if (port == ADDRESS_PORT && size == 4)
		WRITE_ONCE(guest_address, value);
	else if (port == RESET_PORT && size == 1)
		outb(port, value);
	else if (decode(port, size, &bdf, &reg) && msi_filter_write(bdf, reg, size, value))
		pci_write(bdf, reg, size, value);
}
