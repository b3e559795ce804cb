/* SPDX-License-Identifier: MIT */
/* physdev_op: interrupts, PCI devices and I/O ports of a domain that drives hardware. */

#ifndef PV_ABI_XEN_PHYSDEV_H
#define PV_ABI_XEN_PHYSDEV_H

#include "xen.h"

/*
 * physdev_op(cmd, arg): by the privileged domain, unless said otherwise.
 * A PIRQ is the number by which a domain knows a physical interrupt.
 */

/*	0 to 3 RETIRED */
#define PHYSDEVOP_IRQ_UNMASK_NOTIFY	4	/* RETIRED: no effect, returns 0 */

/*
 * PHYSDEVOP_irq_status_query: must this interrupt be answered with PHYSDEVOP_eoi?
 * By:	any domain that was given the interrupt
 * Arg:	struct physdev_irq_status_query
 * Err:	-EINVAL	no such PIRQ
 */
#define PHYSDEVOP_irq_status_query	5
#define _XENIRQSTAT_needs_eoi		(0)
#define XENIRQSTAT_needs_eoi		(1U << _XENIRQSTAT_needs_eoi)
#define _XENIRQSTAT_shared		(1)
#define XENIRQSTAT_shared		(1U << _XENIRQSTAT_shared)
struct physdev_irq_status_query {
	uint32_t irq;			/* IN PIRQ */
	uint32_t flags;			/* OUT XENIRQSTAT_* */
};
typedef struct physdev_irq_status_query physdev_irq_status_query_t;
PV_ABI_SIZE(struct physdev_irq_status_query, 8);
PV_ABI_AT(struct physdev_irq_status_query, irq, 0);
PV_ABI_AT(struct physdev_irq_status_query, flags, 4);

/*
 * PHYSDEVOP_set_iopl: the vCPU's virtual I/O privilege level.
 * By:	any PV domain
 * Arg:	struct physdev_set_iopl
 * Err:	-EINVAL	beyond 3
 */
#define PHYSDEVOP_set_iopl		6
struct physdev_set_iopl {
	uint32_t iopl;			/* IN */
};
typedef struct physdev_set_iopl physdev_set_iopl_t;
PV_ABI_SIZE(struct physdev_set_iopl, 4);
PV_ABI_AT(struct physdev_set_iopl, iopl, 0);

/*
 * PHYSDEVOP_set_iobitmap: ports that user mode may use, 0 = may. The list is read when needed.
 * By:	any PV domain; only ports it was given have an effect
 * Arg:	struct physdev_set_iobitmap; bitmap NULL takes it back
 * Err:	-EINVAL	more than 65536 ports
 */
#define PHYSDEVOP_set_iobitmap		7
struct physdev_set_iobitmap {
	GUEST_PTR(uint8_t) bitmap;	/* IN */
	uint32_t nr_ports;		/* IN */
	uint32_t _pad0;
};
typedef struct physdev_set_iobitmap physdev_set_iobitmap_t;
PV_ABI_SIZE(struct physdev_set_iobitmap, 16);
PV_ABI_AT(struct physdev_set_iobitmap, bitmap, 0);
PV_ABI_AT(struct physdev_set_iobitmap, nr_ports, 8);

/*
 * PHYSDEVOP_apic_read: an I/O APIC register. PHYSDEVOP_apic_write is not supported:
 * PHYSDEVOP_setup_gsi and binding a port program the pins.
 * Arg:	struct physdev_apic
 * Err:	-EINVAL	no I/O APIC there
 *	-ENOSYS	_write
 */
#define PHYSDEVOP_apic_read		8
#define PHYSDEVOP_apic_write		9
struct physdev_apic {
	uint64_t apic_physbase;		/* IN */
	uint32_t reg;			/* IN */
	uint32_t value;			/* OUT of read, IN of write */
};
typedef struct physdev_apic physdev_apic_t;
PV_ABI_SIZE(struct physdev_apic, 16);
PV_ABI_AT(struct physdev_apic, apic_physbase, 0);
PV_ABI_AT(struct physdev_apic, reg, 8);
PV_ABI_AT(struct physdev_apic, value, 12);

/*
 * PHYSDEVOP_alloc_irq_vector, _free_irq_vector: vectors are the hypervisor's: alloc returns the
 * interrupt's number, free does nothing.
 * Arg:	struct physdev_irq
 * Err:	-EINVAL	no such interrupt
 */
#define PHYSDEVOP_alloc_irq_vector	10
#define PHYSDEVOP_free_irq_vector	11
struct physdev_irq {
	uint32_t irq;			/* IN */
	uint32_t vector;		/* OUT */
};
typedef struct physdev_irq physdev_irq_t;
PV_ABI_SIZE(struct physdev_irq, 8);
PV_ABI_AT(struct physdev_irq, irq, 0);
PV_ABI_AT(struct physdev_irq, vector, 4);

/*
 * PHYSDEVOP_eoi: the interrupt has been served.
 * By:	any domain that was given the interrupt
 * Arg:	struct physdev_eoi
 * Err:	-EINVAL	no such PIRQ
 */
#define PHYSDEVOP_eoi			12
struct physdev_eoi {
	uint32_t irq;			/* IN PIRQ */
};
typedef struct physdev_eoi physdev_eoi_t;
PV_ABI_SIZE(struct physdev_eoi, 4);
PV_ABI_AT(struct physdev_eoi, irq, 0);

/*
 * PHYSDEVOP_map_pirq: give a domain a PIRQ for an interrupt; for MSI, write the message.
 * By:	the privileged domain, for itself or for a domain that was given the device
 * Arg:	struct physdev_map_pirq
 * Err:	-ESRCH	no such domain
 *	-EINVAL	no such interrupt, type or PIRQ; 0 vectors; a segment the type cannot name
 *	-EEXIST	this PIRQ or this interrupt is mapped otherwise
 *	-ENODEV	no such device, or it has no such capability
 *	-ENOSPC	no PIRQ left; fewer vectors free than asked
 *	-ENOMEM
 */
#define PHYSDEVOP_map_pirq		13
#define MAP_PIRQ_TYPE_MSI		0x0	/* segment 0 */
#define MAP_PIRQ_TYPE_GSI		0x1
#define MAP_PIRQ_TYPE_UNKNOWN		0x2
#define MAP_PIRQ_TYPE_MSI_SEG		0x3
#define MAP_PIRQ_TYPE_MULTI_MSI		0x4
struct physdev_map_pirq {
	domid_t domid;			/* IN, DOMID_SELF too */
	uint16_t _pad0;
	int32_t type;			/* IN MAP_PIRQ_TYPE_* */
	int32_t index;			/* IN GSI; -1 for MSI */
	int32_t pirq;			/* INOUT; negative: choose one */
	int32_t bus;			/* IN bus; segment in bits 31:16 (types 3, 4) */
	int32_t devfn;			/* IN */
	int32_t entry_nr;		/* IN MSI-X entry; MULTI_MSI: INOUT vectors */
	uint32_t _pad1;
	uint64_t table_base;		/* IN MSI-X table, physical; 0 for MSI */
};
typedef struct physdev_map_pirq physdev_map_pirq_t;
PV_ABI_SIZE(struct physdev_map_pirq, 40);
PV_ABI_AT(struct physdev_map_pirq, domid, 0);
PV_ABI_AT(struct physdev_map_pirq, type, 4);
PV_ABI_AT(struct physdev_map_pirq, index, 8);
PV_ABI_AT(struct physdev_map_pirq, pirq, 12);
PV_ABI_AT(struct physdev_map_pirq, bus, 16);
PV_ABI_AT(struct physdev_map_pirq, devfn, 20);
PV_ABI_AT(struct physdev_map_pirq, entry_nr, 24);
PV_ABI_AT(struct physdev_map_pirq, table_base, 32);

/*
 * PHYSDEVOP_unmap_pirq: undo it.
 * By:	as map_pirq
 * Arg:	struct physdev_unmap_pirq
 * Err:	-ESRCH	no such domain
 *	-EINVAL	not mapped
 */
#define PHYSDEVOP_unmap_pirq		14
struct physdev_unmap_pirq {
	domid_t domid;			/* IN, DOMID_SELF too */
	uint16_t _pad0;
	int32_t pirq;			/* IN */
};
typedef struct physdev_unmap_pirq physdev_unmap_pirq_t;
PV_ABI_SIZE(struct physdev_unmap_pirq, 8);
PV_ABI_AT(struct physdev_unmap_pirq, domid, 0);
PV_ABI_AT(struct physdev_unmap_pirq, pirq, 4);

/*
 * PHYSDEVOP_manage_pci_add, _remove: a device of segment 0 came or goes. Superseded by 25, 26.
 * Arg:	struct physdev_manage_pci
 * Err:	-ENODEV	no such device
 *	-ENOMEM
 */
#define PHYSDEVOP_manage_pci_add	15
#define PHYSDEVOP_manage_pci_remove	16
struct physdev_manage_pci {
	uint8_t bus;			/* IN */
	uint8_t devfn;			/* IN */
};
typedef struct physdev_manage_pci physdev_manage_pci_t;
PV_ABI_SIZE(struct physdev_manage_pci, 2);
PV_ABI_AT(struct physdev_manage_pci, bus, 0);
PV_ABI_AT(struct physdev_manage_pci, devfn, 1);

/*
 * PHYSDEVOP_pirq_eoi_gmfn_v1, _v2: a page of bits, one for each PIRQ: 1 = PHYSDEVOP_eoi is
 * needed. With v1, PHYSDEVOP_eoi unmasks the port too.
 * By:	any domain that was given interrupts
 * Arg:	struct physdev_pirq_eoi_gmfn
 * Err:	-EBUSY	registered before
 *	-EINVAL	not a writable frame of the domain
 *	-ENOSPC
 */
#define PHYSDEVOP_pirq_eoi_gmfn_v1	17
#define PHYSDEVOP_pirq_eoi_gmfn_v2	28
#define PHYSDEVOP_pirq_eoi_gmfn		PHYSDEVOP_pirq_eoi_gmfn_v2
struct physdev_pirq_eoi_gmfn {
	xen_pfn_t gmfn;			/* IN */
};
typedef struct physdev_pirq_eoi_gmfn physdev_pirq_eoi_gmfn_t;
PV_ABI_SIZE(struct physdev_pirq_eoi_gmfn, 8);
PV_ABI_AT(struct physdev_pirq_eoi_gmfn, gmfn, 0);

/*	18 RETIRED */

/*
 * PHYSDEVOP_restore_msi: write the device's messages again, after it lost them.
 * Arg:	struct physdev_restore_msi
 * Err:	-ENODEV	no such device
 */
#define PHYSDEVOP_restore_msi		19
struct physdev_restore_msi {
	uint8_t bus;			/* IN */
	uint8_t devfn;			/* IN */
};
typedef struct physdev_restore_msi physdev_restore_msi_t;
PV_ABI_SIZE(struct physdev_restore_msi, 2);
PV_ABI_AT(struct physdev_restore_msi, bus, 0);
PV_ABI_AT(struct physdev_restore_msi, devfn, 1);

/* PHYSDEVOP_manage_pci_add_ext: as 15, for functions of functions. Superseded by 25.
 * Arg: struct physdev_manage_pci_ext. Err: -EINVAL is_extfn or is_virtfn beyond 1; as 15. */
#define PHYSDEVOP_manage_pci_add_ext	20
struct physdev_manage_pci_ext {
	uint8_t bus;			/* IN */
	uint8_t devfn;			/* IN */
	uint16_t _pad0;
	uint32_t is_extfn;		/* IN */
	uint32_t is_virtfn;		/* IN */
	struct {
		uint8_t bus;
		uint8_t devfn;
	} physfn;			/* IN with is_virtfn */
	uint16_t _pad1;
};
typedef struct physdev_manage_pci_ext physdev_manage_pci_ext_t;
PV_ABI_SIZE(struct physdev_manage_pci_ext, 16);
PV_ABI_AT(struct physdev_manage_pci_ext, bus, 0);
PV_ABI_AT(struct physdev_manage_pci_ext, devfn, 1);
PV_ABI_AT(struct physdev_manage_pci_ext, is_extfn, 4);
PV_ABI_AT(struct physdev_manage_pci_ext, is_virtfn, 8);
PV_ABI_AT(struct physdev_manage_pci_ext, physfn, 12);
PV_ABI_AT(struct physdev_manage_pci_ext, physfn.bus, 12);
PV_ABI_AT(struct physdev_manage_pci_ext, physfn.devfn, 13);

/*
 * PHYSDEVOP_setup_gsi: program the I/O APIC pin of an interrupt.
 * Arg:	struct physdev_setup_gsi
 * Err:	-EINVAL	no such GSI
 *	-EEXIST	programmed before, otherwise
 */
#define PHYSDEVOP_setup_gsi		21
struct physdev_setup_gsi {
	int32_t gsi;			/* IN */
	uint8_t triggering;		/* IN 0 edge, 1 level */
	uint8_t polarity;		/* IN 0 active high, 1 active low */
	uint16_t _pad0;
};
typedef struct physdev_setup_gsi physdev_setup_gsi_t;
PV_ABI_SIZE(struct physdev_setup_gsi, 8);
PV_ABI_AT(struct physdev_setup_gsi, gsi, 0);
PV_ABI_AT(struct physdev_setup_gsi, triggering, 4);
PV_ABI_AT(struct physdev_setup_gsi, polarity, 5);

/*	22 RETIRED */

/*
 * PHYSDEVOP_get_free_pirq: a PIRQ for a later map_pirq.
 * By:	any domain, for itself
 * Arg:	struct physdev_get_free_pirq
 * Err:	-EINVAL	no such type
 *	-ENOSPC	none free
 */
#define PHYSDEVOP_get_free_pirq		23
struct physdev_get_free_pirq {
	int32_t type;			/* IN MAP_PIRQ_TYPE_GSI or _MSI */
	uint32_t pirq;			/* OUT */
};
typedef struct physdev_get_free_pirq physdev_get_free_pirq_t;
PV_ABI_SIZE(struct physdev_get_free_pirq, 8);
PV_ABI_AT(struct physdev_get_free_pirq, type, 0);
PV_ABI_AT(struct physdev_get_free_pirq, pirq, 4);

/*
 * PHYSDEVOP_pci_mmcfg_reserved: PCI configuration space lies here, and firmware says so.
 * Arg:	struct physdev_pci_mmcfg_reserved
 * Err:	-EINVAL	flags beyond XEN_PCI_MMCFG_RESERVED, or buses in the wrong order
 *	-ENODEV	the firmware's table has no such window
 */
#define PHYSDEVOP_pci_mmcfg_reserved	24
#define XEN_PCI_MMCFG_RESERVED		0x1
struct physdev_pci_mmcfg_reserved {
	uint64_t address;		/* IN */
	uint16_t segment;		/* IN */
	uint8_t start_bus;		/* IN */
	uint8_t end_bus;		/* IN */
	uint32_t flags;			/* IN XEN_PCI_MMCFG_* */
};
typedef struct physdev_pci_mmcfg_reserved physdev_pci_mmcfg_reserved_t;
PV_ABI_SIZE(struct physdev_pci_mmcfg_reserved, 16);
PV_ABI_AT(struct physdev_pci_mmcfg_reserved, address, 0);
PV_ABI_AT(struct physdev_pci_mmcfg_reserved, segment, 8);
PV_ABI_AT(struct physdev_pci_mmcfg_reserved, start_bus, 10);
PV_ABI_AT(struct physdev_pci_mmcfg_reserved, end_bus, 11);
PV_ABI_AT(struct physdev_pci_mmcfg_reserved, flags, 12);

/*
 * PHYSDEVOP_pci_device_add: a device came.
 * Arg:	struct physdev_pci_device_add
 * Err:	-ENODEV	no such device
 *	-ENOMEM
 */
#define PHYSDEVOP_pci_device_add	25
#define XEN_PCI_DEV_EXTFN		0x1	/* not function 0 of its slot, by ARI */
#define XEN_PCI_DEV_VIRTFN		0x2	/* SR-IOV function of physfn */
#define XEN_PCI_DEV_PXM			0x4	/* optarr[0] counts */
struct physdev_pci_device_add {
	uint16_t seg;			/* IN */
	uint8_t bus;			/* IN */
	uint8_t devfn;			/* IN */
	uint32_t flags;			/* IN XEN_PCI_DEV_* */
	struct {
		uint8_t bus;
		uint8_t devfn;
	} physfn;			/* IN */
	uint16_t _pad0;
	uint32_t optarr[XEN_FLEX_ARRAY_DIM]; /* IN [0]: proximity domain */
};
typedef struct physdev_pci_device_add physdev_pci_device_add_t;
PV_ABI_SIZE(struct physdev_pci_device_add, 12);
PV_ABI_AT(struct physdev_pci_device_add, seg, 0);
PV_ABI_AT(struct physdev_pci_device_add, bus, 2);
PV_ABI_AT(struct physdev_pci_device_add, devfn, 3);
PV_ABI_AT(struct physdev_pci_device_add, flags, 4);
PV_ABI_AT(struct physdev_pci_device_add, physfn, 8);
PV_ABI_AT(struct physdev_pci_device_add, physfn.bus, 8);
PV_ABI_AT(struct physdev_pci_device_add, physfn.devfn, 9);
PV_ABI_AT(struct physdev_pci_device_add, optarr, 12);

/*
 * PHYSDEVOP_pci_device_remove: a device goes.
 * PHYSDEVOP_restore_msi_ext: as 19, any segment.
 * PHYSDEVOP_prepare_msix: the MSI-X table of a device is not going to move;
 * PHYSDEVOP_release_msix: it may move again.
 * Arg:	struct physdev_pci_device
 * Err:	-ENODEV	no such device
 *	-EBUSY	(release) a vector is in use
 */
#define PHYSDEVOP_pci_device_remove	26
#define PHYSDEVOP_restore_msi_ext	27
#define PHYSDEVOP_prepare_msix		30
#define PHYSDEVOP_release_msix		31
struct physdev_pci_device {
	uint16_t seg;			/* IN */
	uint8_t bus;			/* IN */
	uint8_t devfn;			/* IN */
};
typedef struct physdev_pci_device physdev_pci_device_t;
PV_ABI_SIZE(struct physdev_pci_device, 4);
PV_ABI_AT(struct physdev_pci_device, seg, 0);
PV_ABI_AT(struct physdev_pci_device, bus, 2);
PV_ABI_AT(struct physdev_pci_device, devfn, 3);

/* PHYSDEVOP_dbgp_op: the USB debug port. Arg: struct physdev_dbgp_op. Err: -ENOSYS: none used. */
#define PHYSDEVOP_dbgp_op		29
#define PHYSDEVOP_DBGP_RESET_PREPARE	1
#define PHYSDEVOP_DBGP_RESET_DONE	2
#define PHYSDEVOP_DBGP_BUS_UNKNOWN	0
#define PHYSDEVOP_DBGP_BUS_PCI		1
struct physdev_dbgp_op {
	uint8_t op;			/* IN PHYSDEVOP_DBGP_RESET_* */
	uint8_t bus;			/* IN PHYSDEVOP_DBGP_BUS_* */
	union {
		physdev_pci_device_t pci;
	} u;				/* IN */
};
typedef struct physdev_dbgp_op physdev_dbgp_op_t;
PV_ABI_SIZE(struct physdev_dbgp_op, 6);
PV_ABI_AT(struct physdev_dbgp_op, op, 0);
PV_ABI_AT(struct physdev_dbgp_op, bus, 1);
PV_ABI_AT(struct physdev_dbgp_op, u, 2);
PV_ABI_AT(struct physdev_dbgp_op, u.pci, 2);

/* Argument of the retired physdev_op_compat. */
struct physdev_op {
	uint32_t cmd;			/* IN PHYSDEVOP_* */
	uint32_t _pad0;
	union {
		physdev_irq_status_query_t irq_status_query;
		physdev_set_iopl_t set_iopl;
		physdev_set_iobitmap_t set_iobitmap;
		physdev_apic_t apic_op;
		physdev_irq_t irq_op;
	} u;
};
typedef struct physdev_op physdev_op_t;
PV_ABI_SIZE(struct physdev_op, 24);
PV_ABI_AT(struct physdev_op, cmd, 0);
PV_ABI_AT(struct physdev_op, u, 8);

#endif /* PV_ABI_XEN_PHYSDEV_H */
