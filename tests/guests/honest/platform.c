/* SPDX-License-Identifier: MIT */
/* Honest: platform_op and physdev_op, mostly for the privileged domain. */
#include "honest.h"

static struct xen_platform_op op;

static long platform(u32 cmd)
{
	op.cmd = cmd;
	op.interface_version = XENPF_INTERFACE_VERSION;
	return HC(platform_op, &op, 0, 0, 0);
}

/* 0, or a documented way to say that it is not here. */
static void absent_or_ok(const char *what, long rc)
{
	report(rc >= 0 || rc == -XEN_ENOSYS || rc == -XEN_EOPNOTSUPP || rc == -XEN_EINVAL ||
		       rc == -XEN_ENODEV || rc == -XEN_ESRCH || rc == -XEN_EEXIST,
	       what, "rc %ld", rc);
}

void test_platform(void)
{
	u64 secs = sh->wc_sec;

	op.cmd = XENPF_get_cpuinfo;
	op.interface_version = 1;
	check_rc("another interface version", HC(platform_op, &op, 0, 0, 0),
		 privileged ? -XEN_EACCES : -XEN_EPERM);
	if (!privileged) {
		check_rc("platform_op is not for us", platform(XENPF_get_cpuinfo), -XEN_EPERM);
		return;
	}
	mem_fill(&op, 0, sizeof(op));
	check_rc("get_cpuinfo", platform(XENPF_get_cpuinfo), 0);
	report(op.u.pcpu_info.flags == XEN_PCPU_FLAGS_ONLINE, "processor 0",
	       "flags %x apic %u max %u", op.u.pcpu_info.flags, op.u.pcpu_info.apic_id,
	       op.u.pcpu_info.max_present);
	op.u.pcpu_info.xen_cpuid = 200;
	check_rc("get_cpuinfo of none", platform(XENPF_get_cpuinfo), 0);
	check(op.u.pcpu_info.flags == XEN_PCPU_FLAGS_INVALID, "says so");
	mem_fill(&op, 0, sizeof(op));
	check_rc("get_cpu_version", platform(XENPF_get_cpu_version), 0);
	report(op.u.pcpu_version.vendor_id[0], "vendor", "family %x", op.u.pcpu_version.family);
	mem_fill(&op, 0, sizeof(op));
	op.u.settime64.secs = 1700000000;
	op.u.settime64.system_time = 0;
	check_rc("settime64", platform(XENPF_settime64), 0);
	report(sh->wc_sec == 1700000000, "wall clock follows", "%u", sh->wc_sec);
	mem_fill(&op, 0, sizeof(op));
	op.u.settime64.secs = secs;
	platform(XENPF_settime64);
	mem_fill(&op, 0, sizeof(op));
	op.u.firmware_info.type = XEN_FW_KBD_SHIFT_FLAGS;
	absent_or_ok("firmware_info", platform(XENPF_firmware_info));
	mem_fill(&op, 0, sizeof(op));
	op.u.core_parking.type = XEN_CORE_PARKING_GET;
	absent_or_ok("core_parking", platform(XENPF_core_parking));
	mem_fill(&op, 0, sizeof(op));
	absent_or_ok("read_memtype", platform(XENPF_read_memtype));
	mem_fill(&op, 0, sizeof(op));
	op.u.platform_quirk.quirk_id = QUIRK_IOAPIC_GOOD_REGSEL;
	absent_or_ok("platform_quirk", platform(XENPF_platform_quirk));
	mem_fill(&op, 0, sizeof(op));
	op.u.efi_runtime_call.function = XEN_EFI_get_time;
	absent_or_ok("efi_runtime_call", platform(XENPF_efi_runtime_call));
	mem_fill(&op, 0, sizeof(op));
	check_rc("an unknown platform_op", platform(9999), -XEN_ENOSYS);
}

static void pirqs(void)
{
	struct physdev_map_pirq m = {
		.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 5, .pirq = 5
	};
	struct physdev_unmap_pirq u = { .domid = DOMID_SELF, .pirq = 5 };
	struct physdev_setup_gsi g = { .gsi = 5, .triggering = 0, .polarity = 0 };
	struct physdev_irq_status_query q = { .irq = 5 };
	struct evtchn_bind_pirq b = { .pirq = 5, .flags = BIND_PIRQ__WILL_SHARE };
	struct physdev_eoi eoi = { 5 };
	struct evtchn_status st = { .dom = DOMID_SELF };
	long rc;

	check_rc("map_pirq of a GSI", physdev_op(PHYSDEVOP_map_pirq, &m), 0);
	check(m.pirq == 5, "the PIRQ asked for");
	rc = physdev_op(PHYSDEVOP_setup_gsi, &g);
	report(rc == 0 || rc == -XEN_EEXIST, "setup_gsi", "rc %ld", rc);
	check_rc("bind_pirq", evtchn_op(EVTCHNOP_bind_pirq, &b), 0);
	st.port = b.port;
	check(!evtchn_op(EVTCHNOP_status, &st) && st.status == EVTCHNSTAT_pirq && st.u.pirq == 5,
	      "its status");
	check_rc("bind_pirq twice", evtchn_op(EVTCHNOP_bind_pirq, &b), -XEN_EEXIST);
	check_rc("irq_status_query", physdev_op(PHYSDEVOP_irq_status_query, &q), 0);
	check_rc("eoi", physdev_op(PHYSDEVOP_eoi, &eoi), 0);
	check_rc("close", evtchn_op(EVTCHNOP_close, &(struct evtchn_close){ st.port }), 0);
	check_rc("unmap_pirq", physdev_op(PHYSDEVOP_unmap_pirq, &u), 0);
	check_rc("unmap_pirq twice", physdev_op(PHYSDEVOP_unmap_pirq, &u), -XEN_EINVAL);
}

static void pci(void)
{
	struct physdev_pci_device_add *add = page_alloc();
	struct physdev_pci_device dev = { 0 };
	struct physdev_pci_mmcfg_reserved mm = { .flags = 0, .end_bus = 255 };
	struct physdev_get_free_pirq fp = { .type = MAP_PIRQ_TYPE_GSI };

	absent_or_ok("pci_device_add", physdev_op(PHYSDEVOP_pci_device_add, add));
	absent_or_ok("restore_msi_ext", physdev_op(PHYSDEVOP_restore_msi_ext, &dev));
	dev.bus = 77;
	absent_or_ok("pci_device_remove of none", physdev_op(PHYSDEVOP_pci_device_remove, &dev));
	absent_or_ok("pci_mmcfg_reserved", physdev_op(PHYSDEVOP_pci_mmcfg_reserved, &mm));
	absent_or_ok("prepare_msix of none", physdev_op(PHYSDEVOP_prepare_msix, &dev));
	absent_or_ok("release_msix of none", physdev_op(PHYSDEVOP_release_msix, &dev));
	absent_or_ok("get_free_pirq", physdev_op(PHYSDEVOP_get_free_pirq, &fp));
	page_free(add);
}

void test_physdev(void)
{
	struct physdev_set_iopl io = { 1 };
	struct physdev_apic apic = { .apic_physbase = 0xfec00000, .reg = 1 };
	struct physdev_irq irq = { .irq = 5 };
	struct physdev_set_iobitmap map = { 0 };

	check_rc("set_iopl", physdev_op(PHYSDEVOP_set_iopl, &io), 0);
	io.iopl = 0;
	check_rc("set_iopl back", physdev_op(PHYSDEVOP_set_iopl, &io), 0);
	check_rc("set_iobitmap none", physdev_op(PHYSDEVOP_set_iobitmap, &map), 0);
	check_rc("unknown physdev_op", physdev_op(999, &io), -XEN_ENOSYS);
	if (!privileged) {
		long rc = physdev_op(PHYSDEVOP_apic_read, &apic);

		report(rc < 0, "apic_read is not for us", "rc %ld", rc);
		return;
	}
	check_rc("apic_read", physdev_op(PHYSDEVOP_apic_read, &apic), 0);
	report((apic.value & 0xff) >= 0x11 && (apic.value >> 16 & 0xff) >= 15, "I/O APIC version",
	       "%x", apic.value);
	absent_or_ok("alloc_irq_vector", physdev_op(PHYSDEVOP_alloc_irq_vector, &irq));
	pirqs();
	pci();
}
