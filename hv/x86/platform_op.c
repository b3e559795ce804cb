/* SPDX-License-Identifier: MIT */
/* XENPF_*: what the privileged domain asks of the platform. */
#include <xen/platform.h>

#include "core/arch.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"
#include "lib/string.h"
#include "x86/acpi.h"
#include "x86/asm.h"
#include "x86/boot.h"
#include "x86/cpu.h"
#include "x86/power.h"

/* ---- time ---- */

static long settime(u64 secs, u32 nsecs, u64 system_time)
{
	struct domain *d;

	/* a clock that ns since 1970 can hold */
	if (nsecs >= NS_PER_S || secs >= ~0UL / NS_PER_S)
		return err_here(-EINVAL);
	wallclock_set(secs * NS_PER_S + nsecs, system_time);
	for (d = domain_first(); d; d = domain_next(d))
		domain_wallclock_update(d);
	return 0;
}

static long op_settime32(struct xen_platform_op *op)
{
	const struct xenpf_settime32 *t = &op->u.settime32;

	return settime(t->secs, t->nsecs, t->system_time);
}

static long op_settime64(struct xen_platform_op *op)
{
	const struct xenpf_settime64 *t = &op->u.settime64;

	return t->mbz ? err_here(-EINVAL) : settime(t->secs, t->nsecs, t->system_time);
}

/* ---- firmware ---- */

/* The head of the EFI system table, as firmware lays it out. */
struct efi_system_table {
	u64 signature;
	u32 revision, header_size, crc32, reserved;
	u64 vendor;
	u32 vendor_revision, pad;
	u64 handles_and_services[8];
	u64 nr_tables, tables;
};
_Static_assert(offsetof(struct efi_system_table, tables) == 112, "UEFI 2.x, 4.3");
#define EFI_SIGNATURE 0x5453595320494249UL /* "IBI SYST" */

static long efi_info(u32 index, union xenpf_efi_info *info)
{
	static const struct efi_system_table *st; /* mapped once, by whoever comes first */

	if (!boot_info.efi_system_table)
		return err_here(-ENOSYS);
	if (!st)
		st = map_firmware(boot_info.efi_system_table, sizeof(*st));
	if (st->signature != EFI_SIGNATURE)
		return err_here(-ENODEV);
	switch (index) {
	case XEN_FW_EFI_VERSION:
		info->version = st->revision;
		return 0;
	case XEN_FW_EFI_CONFIG_TABLE:
		info->cfg.addr = st->tables;
		info->cfg.nent = st->nr_tables;
		return 0;
	default:
		return err_here(-EOPNOTSUPP);
	}
}

static long op_firmware_info(struct xen_platform_op *op)
{
	struct xenpf_firmware_info *info = &op->u.firmware_info;

	switch (info->type) {
	case XEN_FW_DISK_INFO:
	case XEN_FW_DISK_MBR_SIGNATURE:
	case XEN_FW_VBEDDC_INFO:
		return -ESRCH; /* nobody asked the BIOS: no entry at any index */
	case XEN_FW_EFI_INFO:
		return efi_info(info->index, &info->u.efi_info);
	case XEN_FW_KBD_SHIFT_FLAGS:
		if (info->index || boot_info.efi_system_table)
			return -ESRCH;
		info->u.kbd_shift_flags = boot_info.kbd_shift_flags;
		return 0;
	default:
		return err_here(-EINVAL);
	}
}

/* ---- power ---- */

static long op_enter_acpi_sleep(struct xen_platform_op *op)
{
	const struct xenpf_enter_acpi_sleep *s = &op->u.enter_acpi_sleep;

	/* val_b counts only where there is a second register: kernels pass one all the same. */
	if (s->flags || s->sleep_state == 0 || s->sleep_state > 5)
		return err_here(-EINVAL);
	if (s->sleep_state != 5) /* nothing here saves the machine's state */
		return err_here(-EOPNOTSUPP);
	log_info("Domain-0 enters S5: powering off\n");
	return acpi_enter_s5(s->val_a, s->val_b);
}

/* ---- processors ---- */

static long op_get_cpuinfo(struct xen_platform_op *op)
{
	struct xenpf_pcpuinfo *info = &op->u.pcpu_info;
	const struct cpu *c = info->xen_cpuid < nr_cpus ? cpus[info->xen_cpuid] : NULL;

	info->max_present = nr_cpus - 1;
	info->apic_id = c ? c->apic_id : 0;
	info->acpi_id = c ? c->acpi_id : 0;
	if (!c)
		info->flags = XEN_PCPU_FLAGS_INVALID;
	else
		info->flags = READ_ONCE(c->online) ? XEN_PCPU_FLAGS_ONLINE : 0;
	return 0;
}

static long op_get_cpu_version(struct xen_platform_op *op)
{
	struct xenpf_pcpu_version *ver = &op->u.pcpu_version;
	struct cpuid_leaf l = cpuid(0, 0);
	u32 nr = ver->xen_cpuid;

	*ver = (struct xenpf_pcpu_version){ .xen_cpuid = nr, .max_present = nr_cpus - 1 };
	if (nr >= nr_cpus || !cpus[nr])
		return 0;
	memcpy(ver->vendor_id, (u32[]){ l.b, l.d, l.c }, sizeof(ver->vendor_id));
	ver->family = cpu_family;
	ver->model = cpu_model;
	ver->stepping = cpu_stepping;
	return 0;
}

/* Processors come up at start and stay. */
static long op_fixed(struct xen_platform_op *op)
{
	return err_here(-EOPNOTSUPP);
}

/* ---- the table ---- */

static const struct platform_call {
	long (*fn)(struct xen_platform_op *op);
	bool answers; /* the structure goes back to the caller */
} calls[] = {
	[XENPF_settime32] = { op_settime32, false },
	[XENPF_settime64] = { op_settime64, false },
	[XENPF_get_cpu_version] = { op_get_cpu_version, true },
	[XENPF_firmware_info] = { op_firmware_info, true },
	[XENPF_enter_acpi_sleep] = { op_enter_acpi_sleep, false },
	[XENPF_get_cpuinfo] = { op_get_cpuinfo, true },
	[XENPF_cpu_online] = { op_fixed, false },
	[XENPF_cpu_offline] = { op_fixed, false },
};

long do_platform_op(u64 arg, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	const struct platform_call *call;
	struct xen_platform_op op;
	u64 cmd;
	long rc;

	if (!v->domain->privileged)
		return err_here(-EPERM);
	if (read_guest(&op, arg))
		return -EFAULT;
	if (op.interface_version != XENPF_INTERFACE_VERSION)
		return err_here(-EACCES);
	cmd = op.cmd;
	if (!index_below_nospec(&cmd, ARRAY_SIZE(calls)) || !calls[cmd].fn)
		return -ENOSYS;
	call = &calls[cmd];
	rc = call->fn(&op);
	if (rc == 0 && call->answers && write_guest(arg, &op))
		rc = -EFAULT;
	return rc;
}
