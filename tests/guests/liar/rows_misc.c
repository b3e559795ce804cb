/* SPDX-License-Identifier: MIT */
/* Lies to the small calls, and the numbers at which nothing is offered. */
#include "liar.h"

static void console(void)
{
	a[0] = CONSOLEIO_write, a[1] = 1, a[2] = A(mem);
	mem[0] = '.';
}

static void console_read(void)
{
	a[0] = CONSOLEIO_read, a[1] = 8, a[2] = A(mem);
}

static void assist(void)
{
	a[0] = VMASST_CMD_enable, a[1] = VMASST_TYPE_writable_pagetables;
}

static void build_id(void)
{
	AS(struct xen_build_id)->len = 32;
}

const struct row misc_rows[] = {

	ROW(xen_version, XENVER_version, OP, 0, NULL, ARG(1, CANON | MAY, "arg")),
	ROW(xen_version, XENVER_extraversion, OP, 0, NULL,
	    ARG_PTR(1, OUT, xen_extraversion_t, "arg")),
	ROW(xen_version, XENVER_compile_info, OP, 0, NULL,
	    ARG_PTR(1, OUT, struct xen_compile_info, "arg")),

	ROW(xen_version, XENVER_capabilities, OP, 0, NULL,
	    ARG_PTR(1, OUT, xen_capabilities_info_t, "arg")),
	ROW(xen_version, XENVER_changeset, OP, 0, NULL,
	    ARG_PTR(1, OUT, xen_changeset_info_t, "arg")),

	ROW(xen_version, XENVER_platform_parameters, OP, 0, NULL,
	    ARG_PTR(1, OUT, struct xen_platform_parameters, "arg")),
	ROW(xen_version, XENVER_get_features, OP, 0, NULL,
	    ARG_PTR(1, OUT, struct xen_feature_info, "arg"),
	    F(struct xen_feature_info, submap_idx, NUM)),
	ROW(xen_version, XENVER_pagesize, OP, 0, NULL, ARG(1, NUM | MAY, "arg")),

	ROW(xen_version, XENVER_guest_handle, OP, 0, NULL,
	    ARG_PTR(1, OUT, xen_domain_handle_t, "arg")),
	ROW(xen_version, XENVER_commandline, OP, PRIV, NULL,
	    ARG_PTR(1, OUT, xen_commandline_t, "arg")),
	ROW(xen_version, XENVER_build_id, OP, PRIV, build_id, ARG_PTR(1, OUT | NULLOK, u32, "arg")),

	ROW(xen_version, 99, OP, 0, NULL, ARG(0, CMD, "cmd")),
	ROW(console_io, CONSOLEIO_write, RAW, 0, console, ARG(0, CMD, "cmd"),
	    ARG_PTR(2, IN, u8, "buffer")),
	ROW(console_io, CONSOLEIO_read, RAW, PRIV, console_read,
	    ARG_PTR(2, OUT | MAY, u64, "buffer")),

	ROW(vm_assist, VMASST_CMD_enable, RAW, 0, assist, ARG(0, CMD, "cmd"), ARG(1, NUM, "type")),
	ROW(vm_assist, VMASST_CMD_disable, RAW, 0, NULL, ARG(1, NUM, "type")),

	NONE(sched_op_compat, 99),
	NONE(event_channel_op_compat, 0),
	NONE(physdev_op_compat, 0),
	NONE(xsm_op, 0),
	NONE(xenoprof_op, 0),
	NONE(hvm_op, 0),

	NONE(kexec_op, 0),
	NONE(tmem_op, 0),
	NONE(argo_op, 0),
	NONE(xenpmu_op, 0),
	NONE(dm_op, 0),

	NONE(hypfs_op, 0),
	NONE(arch_0, 0),
	NONE(arch_1, 0),
	NONE(arch_2, 0),

	NONE(arch_3, 0),
	NONE(arch_4, 0),

	NONE(arch_5, 0),
	NONE(arch_6, 0),
	{ 0 },
};
