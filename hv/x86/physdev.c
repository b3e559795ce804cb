/* SPDX-License-Identifier: MIT */
/* PHYSDEVOP_*: the privileged domain's interrupts and PCI devices, anybody's I/O privilege. */
#include <xen/physdev.h>

#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"
#include "x86/context.h"
#include "x86/acpi.h"
#include "x86/pci.h"
#include "x86/pirq.h"

#define BDF(bus, devfn) ((u16)((bus) << 8 | (devfn)))

/* ---- interrupts ---- */

static long op_eoi(struct vcpu *v, u64 arg)
{
	struct physdev_eoi op;

	(void)v;
	return read_guest(&op, arg) ? -EFAULT : pirq_eoi(op.irq);
}

static long op_irq_status_query(struct vcpu *v, u64 arg)
{
	struct physdev_irq_status_query op;
	struct irq *irq;

	(void)v;
	if (read_guest(&op, arg))
		return -EFAULT;
	irq = pirq_get(op.irq);
	if (!irq)
		return err_here(-EINVAL);
	op.flags = READ_ONCE(irq->level) ? XENIRQSTAT_needs_eoi : 0;
	return write_guest(arg, &op);
}

static long op_apic_read(struct vcpu *v, u64 arg)
{
	struct physdev_apic op;
	int rc;

	(void)v;
	if (read_guest(&op, arg))
		return -EFAULT;
	rc = ioapic_read_register(op.apic_physbase, op.reg, &op.value);
	return rc ? rc : write_guest(arg, &op);
}

/* Pins are programmed by setup_gsi and by binding a port; nobody else writes them. */
static long op_apic_write(struct vcpu *v, u64 arg)
{
	(void)v;
	(void)arg;
	return err_here(-EPERM);
}

/* Vectors are ours; of the published call only this is left: it answers the number it was given. */
static long op_alloc_irq_vector(struct vcpu *v, u64 arg)
{
	struct physdev_irq op;

	(void)v;
	if (read_guest(&op, arg))
		return -EFAULT;
	if (op.irq >= nr_gsis)
		return err_here(-EINVAL);
	op.vector = op.irq;
	return write_guest(arg, &op);
}

static bool is_self(const struct vcpu *v, u16 domid)
{
	return domid == DOMID_SELF || domid == v->domain->id;
}

static int map_pirq(struct vcpu *v, struct physdev_map_pirq *op)
{
	u16 bdf = BDF(op->bus & 0xff, op->devfn & 0xff);
	bool msix = op->table_base != 0;

	switch (op->type) {
	case MAP_PIRQ_TYPE_GSI:
		return pirq_map_gsi(op->index, &op->pirq);
	case MAP_PIRQ_TYPE_MULTI_MSI:
		/* the caller goes on with one vector when it cannot have several */
		if (msix || op->entry_nr != 1)
			return err_here(-EINVAL);
		op->entry_nr = 0;
		/* fall through */
	case MAP_PIRQ_TYPE_MSI_SEG:
		if (op->bus >> 16)
			return err_here(-ENODEV);
		/* fall through */
	case MAP_PIRQ_TYPE_MSI:
		if (msix && (op->entry_nr < 0 || op->entry_nr > 0x7ff))
			return err_here(-EINVAL);
		return pirq_map_msi(&op->pirq, bdf, msix, msix ? op->entry_nr : 0, v->processor);
	default:
		return err_here(-EINVAL);
	}
}

static long op_map_pirq(struct vcpu *v, u64 arg)
{
	struct physdev_map_pirq op;
	int rc;

	if (read_guest(&op, arg))
		return -EFAULT;
	if (!is_self(v, op.domid)) /* passing devices through is not offered */
		return err_here(-EOPNOTSUPP);
	rc = map_pirq(v, &op);
	if (rc)
		return rc;
	if (op.type == MAP_PIRQ_TYPE_MULTI_MSI)
		op.entry_nr = 1;
	return write_guest(arg, &op);
}

static long op_unmap_pirq(struct vcpu *v, u64 arg)
{
	struct physdev_unmap_pirq op;

	if (read_guest(&op, arg))
		return -EFAULT;
	return is_self(v, op.domid) ? pirq_unmap(op.pirq) : err_here(-EOPNOTSUPP);
}

static long op_setup_gsi(struct vcpu *v, u64 arg)
{
	struct physdev_setup_gsi op;

	(void)v;
	if (read_guest(&op, arg))
		return -EFAULT;
	if (op.triggering > 1 || op.polarity > 1)
		return err_here(-EINVAL);
	return pirq_setup_gsi(op.gsi, op.triggering, op.polarity);
}

static long op_get_free_pirq(struct vcpu *v, u64 arg)
{
	struct physdev_get_free_pirq op;
	int nr;

	(void)v;
	if (read_guest(&op, arg))
		return -EFAULT;
	if (op.type != MAP_PIRQ_TYPE_MSI)
		return err_here(-EINVAL); /* a pin's number is its GSI: nothing to choose */
	nr = pirq_reserve();
	if (nr < 0)
		return nr;
	op.pirq = nr;
	if (write_guest(arg, &op)) {
		pirq_unmap(nr);
		return -EFAULT;
	}
	return 0;
}

/* ---- PCI devices ---- */

static long op_manage_pci_add(struct vcpu *v, u64 arg)
{
	struct physdev_manage_pci op;

	(void)v;
	return read_guest(&op, arg) ? -EFAULT : msi_device_add(BDF(op.bus, op.devfn));
}

static long op_manage_pci_add_ext(struct vcpu *v, u64 arg)
{
	struct physdev_manage_pci_ext op;

	(void)v;
	return read_guest(&op, arg) ? -EFAULT : msi_device_add(BDF(op.bus, op.devfn));
}

static long op_manage_pci_remove(struct vcpu *v, u64 arg)
{
	struct physdev_manage_pci op;

	(void)v;
	return read_guest(&op, arg) ? -EFAULT : msi_device_remove(BDF(op.bus, op.devfn));
}

static long op_restore_msi(struct vcpu *v, u64 arg)
{
	struct physdev_restore_msi op;

	(void)v;
	return read_guest(&op, arg) ? -EFAULT : msi_restore(BDF(op.bus, op.devfn));
}

static long op_pci_device_add(struct vcpu *v, u64 arg)
{
	struct physdev_pci_device_add op; /* the proximity domain behind it is of no interest */

	(void)v;
	if (read_guest(&op, arg))
		return -EFAULT;
	return op.seg ? err_here(-ENODEV) : msi_device_add(BDF(op.bus, op.devfn));
}

/* The calls that name a device of any segment, and what each does with it. */
static long on_device(u64 arg, int (*fn)(u16 bdf))
{
	struct physdev_pci_device op;

	if (read_guest(&op, arg))
		return -EFAULT;
	return op.seg ? err_here(-ENODEV) : fn(BDF(op.bus, op.devfn));
}

static long op_pci_device_remove(struct vcpu *v, u64 arg)
{
	(void)v;
	return on_device(arg, msi_device_remove);
}

static long op_restore_msi_ext(struct vcpu *v, u64 arg)
{
	(void)v;
	return on_device(arg, msi_restore);
}

static long op_prepare_msix(struct vcpu *v, u64 arg)
{
	(void)v;
	return on_device(arg, msix_prepare);
}

static long op_release_msix(struct vcpu *v, u64 arg)
{
	(void)v;
	return on_device(arg, msix_release);
}

/* The domain confirms a window of the firmware's table; we reach PCI through ports in any case. */
static long op_pci_mmcfg_reserved(struct vcpu *v, u64 arg)
{
	struct physdev_pci_mmcfg_reserved op;
	const struct acpi_mcfg *m;

	(void)v;
	if (read_guest(&op, arg))
		return -EFAULT;
	for (m = acpi_info.mcfg; m < acpi_info.mcfg + acpi_info.nr_mcfg; m++)
		if (m->base == op.address && m->segment == op.segment &&
		    m->first_bus == op.start_bus && m->last_bus == op.end_bus)
			return 0;
	return err_here(-ENODEV);
}

/* ---- I/O privilege ---- */

static long op_set_iopl(struct vcpu *v, u64 arg)
{
	struct physdev_set_iopl op;

	if (read_guest(&op, arg))
		return -EFAULT;
	if (op.iopl > 3)
		return err_here(-EINVAL);
	vcpu_set_iopl(v, op.iopl);
	return 0;
}

static long op_set_iobitmap(struct vcpu *v, u64 arg)
{
	struct physdev_set_iobitmap op;

	if (read_guest(&op, arg))
		return -EFAULT;
	if (op.nr_ports > 65536)
		return err_here(-EINVAL);
	v->arch.iobmp = op.bitmap.va;
	v->arch.iobmp_limit = op.bitmap.va ? op.nr_ports : 0;
	return 0;
}

static long op_nothing(struct vcpu *v, u64 arg)
{
	(void)v;
	(void)arg;
	return 0;
}

/* ---- the table ---- */

enum who { PRIVILEGED, ANYBODY };
static const struct physdev_call {
	long (*fn)(struct vcpu *v, u64 arg);
	enum who who;
} calls[] = {
	[PHYSDEVOP_IRQ_UNMASK_NOTIFY] = { op_nothing, ANYBODY }, /* published as having no effect */
	[PHYSDEVOP_irq_status_query] = { op_irq_status_query, PRIVILEGED },
	[PHYSDEVOP_set_iopl] = { op_set_iopl, ANYBODY },
	[PHYSDEVOP_set_iobitmap] = { op_set_iobitmap, ANYBODY },
	[PHYSDEVOP_apic_read] = { op_apic_read, PRIVILEGED },
	[PHYSDEVOP_apic_write] = { op_apic_write, PRIVILEGED },
	[PHYSDEVOP_alloc_irq_vector] = { op_alloc_irq_vector, PRIVILEGED },
	[PHYSDEVOP_eoi] = { op_eoi, PRIVILEGED },
	[PHYSDEVOP_map_pirq] = { op_map_pirq, PRIVILEGED },
	[PHYSDEVOP_unmap_pirq] = { op_unmap_pirq, PRIVILEGED },
	[PHYSDEVOP_manage_pci_add] = { op_manage_pci_add, PRIVILEGED },
	[PHYSDEVOP_manage_pci_remove] = { op_manage_pci_remove, PRIVILEGED },
	[PHYSDEVOP_restore_msi] = { op_restore_msi, PRIVILEGED },
	[PHYSDEVOP_manage_pci_add_ext] = { op_manage_pci_add_ext, PRIVILEGED },
	[PHYSDEVOP_setup_gsi] = { op_setup_gsi, PRIVILEGED },
	[PHYSDEVOP_get_free_pirq] = { op_get_free_pirq, PRIVILEGED },
	[PHYSDEVOP_pci_mmcfg_reserved] = { op_pci_mmcfg_reserved, PRIVILEGED },
	[PHYSDEVOP_pci_device_add] = { op_pci_device_add, PRIVILEGED },
	[PHYSDEVOP_pci_device_remove] = { op_pci_device_remove, PRIVILEGED },
	[PHYSDEVOP_restore_msi_ext] = { op_restore_msi_ext, PRIVILEGED },
	[PHYSDEVOP_prepare_msix] = { op_prepare_msix, PRIVILEGED },
	[PHYSDEVOP_release_msix] = { op_release_msix, PRIVILEGED },
};

long do_physdev_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	const struct physdev_call *call;

	(void)a3;
	(void)a4;
	(void)a5;
	/* the published type of the number is int */
	call = (u32)cmd < ARRAY_SIZE(calls) ? &calls[(u32)cmd] : NULL;
	if (!call || !call->fn)
		return -ENOSYS; /* pirq_eoi_gmfn too: status queries say when an EOI is due */
	if (call->who == PRIVILEGED && !v->domain->privileged)
		return err_here(-EPERM);
	return call->fn(v, arg);
}
