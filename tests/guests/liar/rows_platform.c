/* SPDX-License-Identifier: MIT */
/*
 * Lies to platform_op and physdev_op. Requests that would stop the machine are never honest here.
 */
#include "liar.h"

#define OPS struct xen_platform_op
#define PLAT_FIELDS ARG_PTR(0, IN, u64, "op"), F(OPS, interface_version, NUM)

static void settime(void)
{
	AS(OPS)->u.settime64.secs = 1700000000;
	AS(OPS)->u.settime64.mbz = 1;
}

static void firmware(void)
{
	AS(OPS)->u.firmware_info.type = 77;
}

static void memtype(void)
{
	AS(OPS)->u.read_memtype.reg = 5000;
}

static void parking(void)
{
	AS(OPS)->u.core_parking.type = 9;
}

static void resource(void)
{
	AS(OPS)->u.resource_op.nr_entries = 1;
	AS(OPS)->u.resource_op.entries = (void *)list;
}

static void microcode(void)
{
	AS(OPS)->u.microcode.data = list;
	AS(OPS)->u.microcode.length = 64;
}

static void symbol(void)
{
	AS(OPS)->u.symdata.symnum = 0xffffff;
	AS(OPS)->u.symdata.name = (char *)list;
	AS(OPS)->u.symdata.namelen = 64;
}

static void cpu(void)
{
	AS(OPS)->u.cpu_ol.cpuid = 4000;
}

/* ---- physdev ---- */
static void iopl(void)
{
	AS(struct physdev_set_iopl)->iopl = 4;
}

static void bitmap(void)
{
	AS(struct physdev_set_iobitmap)->nr_ports = 65537;
}

static void apic(void)
{
	AS(struct physdev_apic)->apic_physbase = 0x12345000;
}

static void irq(void)
{
	AS(struct physdev_irq)->irq = 100000;
}

static void map_pirq(void)
{
	struct physdev_map_pirq *m = AS(struct physdev_map_pirq);

	m->domid = DOMID_SELF;
	m->type = MAP_PIRQ_TYPE_GSI;
	m->index = 100000;
	m->pirq = 100000;
}

static void map_msi(void)
{
	struct physdev_map_pirq *m = AS(struct physdev_map_pirq);

	m->domid = DOMID_SELF;
	m->type = MAP_PIRQ_TYPE_MSI_SEG;
	m->index = -1;
	m->pirq = -1;
	m->bus = 200;
}

static void unmap_pirq(void)
{
	AS(struct physdev_unmap_pirq)->domid = DOMID_SELF;
	AS(struct physdev_unmap_pirq)->pirq = 100000;
}

static void device(void)
{
	AS(struct physdev_pci_device)->bus = 200;
	AS(struct physdev_pci_device)->seg = 7;
}

static void manage(void)
{
	AS(struct physdev_manage_pci)->bus = 200;
}

static void gsi(void)
{
	AS(struct physdev_setup_gsi)->gsi = 100000;
}

static void free_pirq(void)
{
	AS(struct physdev_get_free_pirq)->type = 99;
}

static void gmfn(void)
{
	AS(struct physdev_pirq_eoi_gmfn)->gmfn = ~0UL;
}

static void mmcfg(void)
{
	AS(struct physdev_pci_mmcfg_reserved)->start_bus = 9;
	AS(struct physdev_pci_mmcfg_reserved)->flags = 1;
}

#define PHYS(type_) ARG_PTR(1, IN, struct type_, "arg")
#define MAP struct physdev_map_pirq

const struct row platform_rows[] = {

	ROW(platform_op, XENPF_settime32, PLAT, PRIV, NULL, PLAT_FIELDS),
	ROW(platform_op, XENPF_settime64, PLAT, PRIV, settime, PLAT_FIELDS,
	    F(OPS, u.settime64.mbz, ZERO)),
	ROW(platform_op, XENPF_add_memtype, PLAT, PRIV, NULL, PLAT_FIELDS,
	    F(OPS, u.add_memtype.type, NUM)),
	ROW(platform_op, XENPF_del_memtype, PLAT, PRIV, NULL, PLAT_FIELDS,
	    F(OPS, u.del_memtype.reg, NUM | MAY)),
	ROW(platform_op, XENPF_read_memtype, PLAT, PRIV, memtype, PLAT_FIELDS,
	    F(OPS, u.read_memtype.reg, NUM)),

	ROW(platform_op, XENPF_microcode_update, PLAT, PRIV, microcode, PLAT_FIELDS,
	    F(OPS, u.microcode.data, IN), F(OPS, u.microcode.length, NUM)),
	ROW(platform_op, XENPF_platform_quirk, PLAT, PRIV, NULL, PLAT_FIELDS,
	    F(OPS, u.platform_quirk.quirk_id, NUM)),

	ROW(platform_op, XENPF_get_cpu_version, PLAT, PRIV, NULL, PLAT_FIELDS,
	    F(OPS, u.pcpu_version.xen_cpuid, NUM | MAY)),
	ROW(platform_op, XENPF_efi_runtime_call, PLAT, PRIV, NULL, PLAT_FIELDS,
	    F(OPS, u.efi_runtime_call.function, NUM)),

	ROW(platform_op, XENPF_firmware_info, PLAT, PRIV, firmware, PLAT_FIELDS,
	    F(OPS, u.firmware_info.type, NUM)),

	ROW(platform_op, XENPF_enter_acpi_sleep, PLAT, PRIV, NULL, PLAT_FIELDS),
	ROW(platform_op, XENPF_change_freq, PLAT, PRIV, cpu, PLAT_FIELDS,
	    F(OPS, u.change_freq.cpu, NUM)),
	ROW(platform_op, XENPF_getidletime, PLAT, PRIV, NULL, PLAT_FIELDS),

	ROW(platform_op, XENPF_set_processor_pminfo, PLAT, PRIV, NULL, PLAT_FIELDS,
	    F(OPS, u.set_pminfo.type, NUM)),
	ROW(platform_op, XENPF_get_cpuinfo, PLAT, PRIV, NULL, PLAT_FIELDS,
	    F(OPS, u.pcpu_info.xen_cpuid, NUM | MAY)),
	ROW(platform_op, XENPF_cpu_online, PLAT, PRIV, cpu, PLAT_FIELDS,
	    F(OPS, u.cpu_ol.cpuid, NUM)),

	ROW(platform_op, XENPF_cpu_offline, PLAT, PRIV, cpu, PLAT_FIELDS,
	    F(OPS, u.cpu_ol.cpuid, NUM)),
	NONE(platform_op, XENPF_cpu_hotadd),

	NONE(platform_op, XENPF_mem_hotadd),
	ROW(platform_op, XENPF_core_parking, PLAT, PRIV, parking, PLAT_FIELDS,
	    F(OPS, u.core_parking.type, NUM)),

	ROW(platform_op, XENPF_resource_op, PLAT, PRIV | COUNTS, resource, PLAT_FIELDS,
	    F(OPS, u.resource_op.nr_entries, NUM), F(OPS, u.resource_op.cpu, NUM),
	    F(OPS, u.resource_op.entries, OUT | NULLOK)),

	ROW(platform_op, XENPF_get_symbol, PLAT, PRIV, symbol, PLAT_FIELDS,
	    F(OPS, u.symdata.symnum, NUM)),
	ROW(platform_op, 9999, PLAT, PRIV, NULL, F(OPS, cmd, NUM)),

	ROW(physdev_op, PHYSDEVOP_IRQ_UNMASK_NOTIFY, OP, 0, NULL,
	    ARG(1, CANON | MAY,
		"ar"
		"g")),
	ROW(physdev_op, PHYSDEVOP_irq_status_query, OP, 0, irq, PHYS(physdev_irq_status_query),
	    F(struct physdev_irq_status_query, irq, NUM)),
	ROW(physdev_op, PHYSDEVOP_set_iopl, OP, 0, iopl, PHYS(physdev_set_iopl),
	    F(struct physdev_set_iopl, iopl, NUM)),
	ROW(physdev_op, PHYSDEVOP_set_iobitmap, OP, 0, bitmap, PHYS(physdev_set_iobitmap),
	    F(struct physdev_set_iobitmap, nr_ports, NUM | MAY),
	    F(struct physdev_set_iobitmap, bitmap, IN | MAY)),
	ROW(physdev_op, PHYSDEVOP_apic_read, OP, PRIV, apic, PHYS(physdev_apic),
	    F(struct physdev_apic, apic_physbase, MFN)),
	ROW(physdev_op, PHYSDEVOP_apic_write, OP, PRIV, apic, PHYS(physdev_apic),
	    F(struct physdev_apic, apic_physbase, MFN)),
	ROW(physdev_op, PHYSDEVOP_alloc_irq_vector, OP, PRIV | LENIENT, irq, PHYS(physdev_irq),
	    F(struct physdev_irq, irq, NUM)),
	ROW(physdev_op, PHYSDEVOP_free_irq_vector, OP, PRIV, irq,
	    F(struct physdev_irq, irq, NUM | MAY)),
	ROW(physdev_op, PHYSDEVOP_eoi, OP, 0, irq, PHYS(physdev_eoi),
	    F(struct physdev_eoi, irq, NUM)),
	ROW(physdev_op, PHYSDEVOP_map_pirq, OP, PRIV, map_pirq, PHYS(physdev_map_pirq),
	    F(MAP, domid, DOM), F(MAP, type, NUM), F(MAP, index, NUM), F(MAP, pirq, NUM)),
	ROW(physdev_op, PHYSDEVOP_map_pirq, OP, PRIV, map_msi, F(MAP, bus, NUM), F(MAP, devfn, NUM),
	    F(MAP, entry_nr, NUM), F(MAP, table_base, MFN)),
	ROW(physdev_op, PHYSDEVOP_unmap_pirq, OP, PRIV, unmap_pirq, PHYS(physdev_unmap_pirq),
	    F(struct physdev_unmap_pirq, domid, DOM), F(struct physdev_unmap_pirq, pirq, NUM)),
	ROW(physdev_op, PHYSDEVOP_manage_pci_add, OP, PRIV, manage, PHYS(physdev_manage_pci)),
	ROW(physdev_op, PHYSDEVOP_manage_pci_remove, OP, PRIV, manage, PHYS(physdev_manage_pci)),
	ROW(physdev_op, PHYSDEVOP_manage_pci_add_ext, OP, PRIV, manage,
	    PHYS(physdev_manage_pci_ext), F(struct physdev_manage_pci_ext, is_extfn, NUM),
	    F(struct physdev_manage_pci_ext, is_virtfn, NUM)),
	ROW(physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v1, OP, 0, gmfn, PHYS(physdev_pirq_eoi_gmfn),
	    F(struct physdev_pirq_eoi_gmfn, gmfn, MFN)),
	ROW(physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v2, OP, 0, gmfn, PHYS(physdev_pirq_eoi_gmfn),
	    F(struct physdev_pirq_eoi_gmfn, gmfn, MFN)),
	ROW(physdev_op, PHYSDEVOP_restore_msi, OP, PRIV, manage, PHYS(physdev_restore_msi)),
	ROW(physdev_op, PHYSDEVOP_setup_gsi, OP, PRIV, gsi, PHYS(physdev_setup_gsi),
	    F(struct physdev_setup_gsi, gsi, NUM)),
	ROW(physdev_op, PHYSDEVOP_get_free_pirq, OP, LENIENT, free_pirq,
	    PHYS(physdev_get_free_pirq), F(struct physdev_get_free_pirq, type, NUM)),
	ROW(physdev_op, PHYSDEVOP_pci_mmcfg_reserved, OP, PRIV, mmcfg,
	    PHYS(physdev_pci_mmcfg_reserved), F(struct physdev_pci_mmcfg_reserved, flags, NUM)),
	ROW(physdev_op, PHYSDEVOP_pci_device_add, OP, PRIV, device, PHYS(physdev_pci_device)),

	ROW(physdev_op, PHYSDEVOP_pci_device_remove, OP, PRIV, device, PHYS(physdev_pci_device)),
	ROW(physdev_op, PHYSDEVOP_restore_msi_ext, OP, PRIV, device, PHYS(physdev_pci_device)),

	NONE(physdev_op, PHYSDEVOP_dbgp_op),
	ROW(physdev_op, PHYSDEVOP_prepare_msix, OP, PRIV, device, PHYS(physdev_pci_device)),

	ROW(physdev_op, PHYSDEVOP_release_msix, OP, PRIV, device, PHYS(physdev_pci_device)),

	ROW(physdev_op, 99, OP, 0, NULL, ARG(0, CMD, "cmd")),
	{ 0 },
};
