/* SPDX-License-Identifier: MIT */
/* xen_version and vm_assist: what this hypervisor is, and behaviours a guest may ask for. */

#include <xen/version.h>

#include "core/arch.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"
#include "lib/string.h"

#define VERSION_MAJOR 4
#define VERSION_MINOR 17
#define DENIED "<denied>"

static const xen_extraversion_t extraversion = ".0-pavise";

static const struct xen_compile_info built = { .compiler = "gcc " __VERSION__,
					       .compile_by = "pavise" },
				     not_told = { DENIED, DENIED, DENIED, DENIED };

/* What a guest gets is zero beyond the text. */
static long give_text(u64 arg, const char *from, size_t size)
{
	size_t n = strnlen(from, size - 1);

	if (copy_to_guest(arg, from, n) || clear_guest(guest_index(arg, n, 1), size - n))
		return err_here(-EFAULT);
	return 0;
}

static long get_features(u64 arg, const struct domain *d)
{
	struct xen_feature_info f;

	if (read_guest(&f, arg))
		return err_here(-EFAULT);
	if (f.submap_idx >= XENFEAT_NR_SUBMAPS)
		return err_here(-EINVAL);
	f.submap = 1u << XENFEAT_pae_pgdir_above_4gb | 1u << XENFEAT_mmu_pt_update_preserve_ad |
		   1u << XENFEAT_highmem_assist | 1u << XENFEAT_gnttab_map_avail_bits |
		   1u << XENFEAT_memory_op_vnode_supported | 1u << XENFEAT_not_direct_mapped;
	if (d->privileged)
		f.submap |= 1u << XENFEAT_dom0;
	return write_guest(arg, &f) ? err_here(-EFAULT) : 0;
}

static noinline_fn long other(u32 cmd, u64 arg, const struct domain *d)
{
	struct xen_platform_parameters p = { .virt_start = HYPERVISOR_VIRT_START };

	switch (cmd) {
	case XENVER_compile_info:
		return err_here(write_guest(arg, d->privileged ? &built : &not_told));
	case XENVER_capabilities:
		return give_text(arg, "xen-3.0-x86_64 ", sizeof(xen_capabilities_info_t));
	case XENVER_changeset:
		return give_text(arg, d->privileged ? "unknown" : DENIED,
				 sizeof(xen_changeset_info_t));
	case XENVER_platform_parameters:
		return err_here(write_guest(arg, &p));
	case XENVER_get_features:
		return get_features(arg, d);
	case XENVER_pagesize:
		return PAGE_SIZE;
	case XENVER_guest_handle:
		return err_here(write_guest(arg, &d->handle));
	case XENVER_commandline:
		return give_text(arg, d->privileged ? machine_cmdline() : DENIED,
				 sizeof(xen_commandline_t));
	case XENVER_build_id:
		return err_here(d->privileged ? -ENODATA : -EPERM);
	default:
		return err_here(-ENOSYS);
	}
}

long do_xen_version(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	/* Kernels ask for it to have a pending event delivered. */
	if (likely((u32)cmd == XENVER_version))
		return VERSION_MAJOR << 16 | VERSION_MINOR;
	if ((u32)cmd == XENVER_extraversion)
		return err_here(write_guest(arg, &extraversion));
	return other(cmd, arg, v->domain);
}

/*
 * Types for 32-bit segments and roots change nothing for a 64-bit guest and are accepted, as
 * published. architectural_iopl we do not have.
 */
#define ASSISTS                                                                                    \
	(BIT(VMASST_TYPE_4gb_segments) | BIT(VMASST_TYPE_4gb_segments_notify) |                    \
	 BIT(VMASST_TYPE_writable_pagetables) | BIT(VMASST_TYPE_pae_extended_cr3) |                \
	 BIT(VMASST_TYPE_runstate_update_flag) | BIT(VMASST_TYPE_m2p_strict))

long do_vm_assist(u64 cmd, u64 type, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	u64 *assists = &v->domain->vm_assist;

	type = (u32)type;
	if (type >= 64 || !(BIT(type) & ASSISTS))
		return err_here(-EINVAL);
	switch ((u32)cmd) {
	case VMASST_CMD_enable:
		__atomic_fetch_or(assists, BIT(type), __ATOMIC_RELAXED);
		return 0;
	case VMASST_CMD_disable:
		__atomic_fetch_and(assists, ~BIT(type), __ATOMIC_RELAXED);
		return 0;
	default:
		return err_here(-ENOSYS);
	}
}
