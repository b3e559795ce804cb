/* SPDX-License-Identifier: MIT */
/* PCI configuration space of segment 0, and the MSI and MSI-X capabilities in it. */
#ifndef X86_PCI_H
#define X86_PCI_H

#include "core/domain.h"

#define PCI_VENDOR 0x00
#define PCI_COMMAND 0x04
#define PCI_COMMAND_MEMORY BIT(1)
#define PCI_STATUS 0x06
#define PCI_STATUS_CAPS BIT(4)
#define PCI_HEADER_TYPE 0x0e
#define PCI_BAR(n) (0x10 + 4 * (n))
#define PCI_CAP_PTR 0x34
#define PCI_CAP_MSI 0x05
#define PCI_CAP_MSIX 0x11

/* bdf: bus << 8 | device << 3 | function. reg < 256, naturally aligned; size 1, 2, 4. */
u32 pci_read(u16 bdf, u16 reg, unsigned size);
void pci_write(u16 bdf, u16 reg, unsigned size, u32 value);
/* The machine's last one: whoever has the lock may have been stopped with it, and is not waited for long. */
void pci_write_at_end(u16 bdf, u16 reg, u8 value);
bool pci_device_present(u16 bdf);
/* Offset of a capability, 0 = none. The walk is bounded whatever the device says. */
u8 pci_find_cap(u16 bdf, u8 id);

/* The privileged domain's access to ports 0xcf8-0xcff: the address register is a latch of ours. */
u32 pci_conf_guest_read(u16 port, unsigned size);
void pci_conf_guest_write(u16 port, unsigned size, u32 value);

/* ---- MSI and MSI-X (msi.c) ---- */
struct irq;
struct msi_device;

/* The domain found a device / says that it is gone. 0, -ENODEV, -ENOMEM; -EBUSY: vectors in use. */
int msi_device_add(u16 bdf);
int msi_device_remove(u16 bdf);
/* The MSI-X table of bdf stays where it is: read-only for guests until the device is removed. */
int msix_prepare(u16 bdf);
/* Write all messages of bdf again: its configuration was lost in a sleep state. 0, -ENODEV. */
int msi_restore(u16 bdf);

/*
 * Make irq the device's MSI (msix=false) or MSI-X entry `entry`: allocates its vector on `cpu`,
 * writes the message, masked where the device can mask. Caller holds nothing.
 * 0, -ENODEV no device or no such capability, -EINVAL no such entry, -EEXIST in use, -ENXIO its
 * table cannot be reached, -ENOSPC, -ENOMEM.
 */
int msi_attach(struct irq *irq, u16 bdf, bool msix, u16 entry, u32 cpu);
/* Undo it. Disables the capability when it was the last one. 0, -EBUSY: bound. */
int msi_detach(struct irq *irq);
/* irq->lock held: */
void msi_set_mask(struct irq *irq, bool mask);
void msi_write_message(struct irq *irq);       /* for irq->cpu, irq->vector; left masked */
void msi_set_enable(struct irq *irq, bool on); /* the whole capability: for what cannot be masked */
/* A configuration write of the domain: true = write it; false = it was done here, or dropped. */
bool msi_filter_write(u16 bdf, u16 reg, unsigned size, u32 value);

#endif
