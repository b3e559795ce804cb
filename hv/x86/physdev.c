/* SPDX-License-Identifier: MIT */
/* PHYSDEVOP_*: the privileged domain's interrupts and PCI devices, anybody's I/O privilege. */
#include <xen/physdev.h>

#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"
#include "x86/acpi.h"
#include "x86/context.h"
#include "x86/pci.h"
#include "x86/pirq.h"

#define BDF(bus, devfn) ((u16)((bus) << 8 | (devfn)))

/* A call's argument, in our copy. */
union arg {
	struct physdev_irq_status_query status;
	struct physdev_set_iopl iopl;
	struct physdev_set_iobitmap iobitmap;
	struct physdev_apic apic;
	struct physdev_irq vector;
	struct physdev_eoi eoi;
	struct physdev_map_pirq map;
	struct physdev_unmap_pirq unmap;
	struct physdev_setup_gsi gsi;
	struct physdev_get_free_pirq free;
	struct physdev_pci_mmcfg_reserved mmcfg;
	/* which device: alike in all three of segment 0, and in both of any segment */
	struct physdev_manage_pci device;
	struct physdev_manage_pci_ext device_ext;
	struct physdev_restore_msi device_restore;
	struct physdev_pci_device seg_device;
	struct physdev_pci_device_add seg_device_add;
};

/* ---- interrupts ---- */

static int op_eoi(struct vcpu *v, union arg *a)
{
	return pirq_eoi(a->eoi.irq);
}

static int op_irq_status_query(struct vcpu *v, union arg *a)
{
	struct irq *irq = pirq_get(a->status.irq);

	if (!irq)
		return err_here(-EINVAL);
	a->status.flags = READ_ONCE(irq->level) ? XENIRQSTAT_needs_eoi : 0;
	return 0;
}

/* There is no apic_write: setup_gsi and binding a port program the pins. */
static int op_apic_read(struct vcpu *v, union arg *a)
{
	return ioapic_read_register(a->apic.apic_physbase, a->apic.reg, &a->apic.value);
}

/* Vectors are ours; of the published call only this is left: it answers the number it was given. */
static int op_alloc_irq_vector(struct vcpu *v, union arg *a)
{
	a->vector.vector = a->vector.irq;
	return a->vector.irq < nr_gsis ? 0 : err_here(-EINVAL);
}

static bool is_self(const struct vcpu *v, u16 domid)
{
	return domid == DOMID_SELF || domid == v->domain->id;
}

static int op_map_pirq(struct vcpu *v, union arg *a)
{
	struct physdev_map_pirq *op = &a->map;
	u16 bdf = BDF(op->bus & 0xff, op->devfn & 0xff);
	bool msix = op->table_base != 0;

	if (!is_self(v, op->domid)) /* passing devices through is not offered */
		return err_here(-EOPNOTSUPP);
	switch (op->type) {
	case MAP_PIRQ_TYPE_GSI:
		return pirq_map_gsi(op->index, &op->pirq);
	case MAP_PIRQ_TYPE_MULTI_MSI:
		/* the caller goes on with one vector when it cannot have several */
		if (msix || op->entry_nr != 1)
			return err_here(-EINVAL);
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

static int op_unmap_pirq(struct vcpu *v, union arg *a)
{
	return is_self(v, a->unmap.domid) ? pirq_unmap(a->unmap.pirq) : err_here(-EOPNOTSUPP);
}

static int op_setup_gsi(struct vcpu *v, union arg *a)
{
	if (a->gsi.triggering > 1 || a->gsi.polarity > 1)
		return err_here(-EINVAL);
	return pirq_setup_gsi(a->gsi.gsi, a->gsi.triggering, a->gsi.polarity);
}

static int op_get_free_pirq(struct vcpu *v, union arg *a)
{
	int nr;

	if (a->free.type != MAP_PIRQ_TYPE_MSI)
		return err_here(-EINVAL); /* a pin's number is its GSI: nothing to choose */
	nr = pirq_reserve();
	a->free.pirq = nr;
	return nr < 0 ? nr : 0;
}

/* The domain confirms a window of the firmware's table; we reach PCI through ports in any case. */
static int op_pci_mmcfg_reserved(struct vcpu *v, union arg *a)
{
	const struct physdev_pci_mmcfg_reserved *op = &a->mmcfg;
	const struct acpi_mcfg *m;

	for (m = acpi_info.mcfg; m < acpi_info.mcfg + acpi_info.nr_mcfg; m++)
		if (m->base == op->address && m->segment == op->segment &&
		    m->first_bus == op->start_bus && m->last_bus == op->end_bus)
			return 0;
	return err_here(-ENODEV);
}

/* ---- I/O privilege ---- */

static int op_set_iopl(struct vcpu *v, union arg *a)
{
	if (a->iopl.iopl > 3)
		return err_here(-EINVAL);
	vcpu_set_iopl(v, a->iopl.iopl);
	return 0;
}

static int op_set_iobitmap(struct vcpu *v, union arg *a)
{
	if (a->iobitmap.nr_ports > 65536)
		return err_here(-EINVAL);
	v->arch.iobmp = a->iobitmap.bitmap.va;
	v->arch.iobmp_limit = v->arch.iobmp ? a->iobitmap.nr_ports : 0;
	return 0;
}

static int op_nothing(struct vcpu *v, union arg *a)
{
	return 0;
}

/* ---- the table ---- */

#define ANYBODY BIT(0) /* not only the privileged domain */
#define ANSWERS BIT(1) /* the argument goes back to the caller */
#define SEGMENT BIT(2) /* on_device: it says of which segment, too */
#define SIZE(member) sizeof(((union arg *)NULL)->member)

static const struct physdev_call {
	int (*fn)(struct vcpu *v, union arg *a);
	u8 size; /* of the argument */
	u8 flags;
	int (*on_device)(u16 bdf); /* instead of fn: it says nothing but which device */
} calls[] = {
	[PHYSDEVOP_IRQ_UNMASK_NOTIFY] = { op_nothing, 0,
					  ANYBODY }, /* published as without effect */
	[PHYSDEVOP_irq_status_query] = { op_irq_status_query, SIZE(status), ANSWERS },
	[PHYSDEVOP_set_iopl] = { op_set_iopl, SIZE(iopl), ANYBODY },
	[PHYSDEVOP_set_iobitmap] = { op_set_iobitmap, SIZE(iobitmap), ANYBODY },
	[PHYSDEVOP_apic_read] = { op_apic_read, SIZE(apic), ANSWERS },
	[PHYSDEVOP_alloc_irq_vector] = { op_alloc_irq_vector, SIZE(vector), ANSWERS },
	[PHYSDEVOP_eoi] = { op_eoi, SIZE(eoi), 0 },
	[PHYSDEVOP_map_pirq] = { op_map_pirq, SIZE(map), ANSWERS },
	[PHYSDEVOP_unmap_pirq] = { op_unmap_pirq, SIZE(unmap), 0 },
	[PHYSDEVOP_setup_gsi] = { op_setup_gsi, SIZE(gsi), 0 },
	[PHYSDEVOP_get_free_pirq] = { op_get_free_pirq, SIZE(free), ANSWERS },
	[PHYSDEVOP_pci_mmcfg_reserved] = { op_pci_mmcfg_reserved, SIZE(mmcfg), 0 },
	[PHYSDEVOP_manage_pci_add] = { NULL, SIZE(device), 0, msi_device_add },
	[PHYSDEVOP_manage_pci_add_ext] = { NULL, SIZE(device_ext), 0, msi_device_add },
	[PHYSDEVOP_manage_pci_remove] = { NULL, SIZE(device), 0, msi_device_remove },
	[PHYSDEVOP_restore_msi] = { NULL, SIZE(device_restore), 0, msi_restore },
	[PHYSDEVOP_pci_device_add] = { NULL, SIZE(seg_device_add), SEGMENT, msi_device_add },
	[PHYSDEVOP_pci_device_remove] = { NULL, SIZE(seg_device), SEGMENT, msi_device_remove },
	[PHYSDEVOP_restore_msi_ext] = { NULL, SIZE(seg_device), SEGMENT, msi_restore },
	[PHYSDEVOP_prepare_msix] = { NULL, SIZE(seg_device), SEGMENT, msix_prepare },
	[PHYSDEVOP_release_msix] = { NULL, SIZE(seg_device), SEGMENT, msi_device_remove },
};

static int on_device(const struct physdev_call *call, const union arg *a)
{
	if (!(call->flags & SEGMENT))
		return call->on_device(BDF(a->device.bus, a->device.devfn));
	if (a->seg_device.seg)
		return err_here(-ENODEV);
	return call->on_device(BDF(a->seg_device.bus, a->seg_device.devfn));
}

long do_physdev_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	const struct physdev_call *call;
	union arg a;
	bool answers;
	int rc;

	cmd = (u32)cmd; /* the published type of the number is int */
	if (!index_below_nospec(&cmd, ARRAY_SIZE(calls)))
		return -ENOSYS;
	call = &calls[cmd];
	if (!call->fn && !call->on_device)
		return -ENOSYS; /* docs/abi.md says why */
	if (!(call->flags & ANYBODY) && !v->domain->privileged)
		return err_here(-EPERM);
	if (copy_from_guest(&a, arg, call->size))
		return -EFAULT;
	/* What is done cannot be undone when the answer has nowhere to go: try it first. */
	answers = call->flags & ANSWERS;
	if (answers && copy_to_guest(arg, &a, call->size))
		return -EFAULT;
	rc = call->fn ? call->fn(v, &a) : on_device(call, &a);
	if (rc == 0 && answers && copy_to_guest(arg, &a, call->size))
		return -EFAULT;
	return rc;
}
