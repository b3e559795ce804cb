/* SPDX-License-Identifier: MIT */
/* Lies about the processor: traps, descriptors, debug registers, vCPUs. */
#include "liar.h"

static void trap_info(void)
{
	struct trap_info *t = AS(struct trap_info);

	t[0] = trap_table[6];
	a[0] = A(t);
}

static void gdt(void)
{
	*(u64 *)list = mfn_of(readonly);
	a[0] = A(list), a[1] = 512;
}

static void stack(void)
{
	a[0] = FLAT_KERNEL_SS, a[1] = A(stacks) + GUEST_STACK / 2;
}

static void callbacks(void)
{
	a[0] = A(event_entry), a[1] = A(failsafe_entry), a[2] = A(syscall_entry);
}

static void debugreg(void)
{
	a[0] = 0, a[1] = A(plain);
}

static void debugreg7(void)
{
	a[0] = 7, a[1] = 0;
}

static void descriptor(void)
{
	static u8 *table;

	if (!table) {
		u64 frame;

		table = page_alloc();
		make_ro(table);
		frame = mfn_of(table);
		HC(set_gdt, &frame, 512, 0, 0);
	}
	a[0] = ma_of(table), a[1] = 0;
}

static void segment(void)
{
	a[0] = SEGBASE_FS, a[1] = 0;
}

static void callback(void)
{
	AS(struct callback_register)->type = CALLBACKTYPE_failsafe;
	AS(struct callback_register)->address = A(failsafe_entry);
}

static void nmi(void)
{
	AS(struct xennmi_callback)->handler_address = A(nmi_entry);
}

static void runstate(void)
{
	AS(struct vcpu_register_runstate_memory_area)->addr.p = A(list);
}

static void vcpu_info(void)
{
	AS(struct vcpu_register_vcpu_info)->mfn = plain_mfn;
	AS(struct vcpu_register_vcpu_info)->offset = 4095;
}

static void timer(void)
{
	AS(struct vcpu_set_singleshot_timer)->timeout_abs_ns = 1UL << 60;
}

static void period(void)
{
	AS(struct vcpu_set_periodic_timer)->period_ns = 100 * MS;
}

/*
 * A second vCPU's context, honest but for the field lied about; vCPU 1 may not exist: then all is
 * -ENOENT.
 */
static void context(void)
{
	static struct vcpu_guest_context ctx;
	static bool made;

	if (!made)
		cpu_context(&ctx, 1, NULL);
	made = true;
	a[1] = 1;
	a[2] = A(&ctx);
}

static void multicall(void)
{
	struct multicall_entry *e = AS(struct multicall_entry);

	e->op = __HYPERVISOR_xen_version;
	e->args[0] = XENVER_pagesize;
	a[0] = A(e), a[1] = 1;
}

#define VI struct vcpu_register_vcpu_info

const struct row cpu_rows[] = {

	ROW(set_trap_table, 0, RAW, 0, trap_info,
	    ARG_PTR(0, IN | NULLOK, struct trap_info, "traps"),
	    F(struct trap_info, address, CANON)),
	ROW(set_gdt, 0, RAW, 0, gdt, ARG_PTR(0, IN, u64, "frames"), ARG(1, SIZE, "entries"),
	    LIST(8, MFN, "frame")),
	ROW(stack_switch, 0, RAW, 0, stack, ARG(0, NUM | MAY, "ss"), ARG(1, CANON | MAY, "sp"),
	    ARG(1, BREAK | MAY, "sp in the hypervisor")),

	ROW(set_callbacks, 0, RAW, 0, callbacks, ARG(0, CANON | MAY, "event"),
	    ARG(1, CANON | MAY, "failsafe"), ARG(2, CANON | MAY, "syscall"),
	    ARG(2, BREAK | MAY, "syscall in the hypervisor")),

	ROW(fpu_taskswitch, 0, RAW, 0, NULL, ARG(0, NUM | MAY, "set")),
	ROW(set_debugreg, 0, RAW, 0, debugreg, ARG(0, NUM, "reg"), ARG(1, BREAK, "address"),
	    ARG(1, CANON, "not canonical")),
	ROW(set_debugreg, 7, RAW, 0, debugreg7, ARG(1, TIME | MAY, "DR7")),

	ROW(get_debugreg, 0, RAW, 0, NULL, ARG(0, NUM, "reg")),
	ROW(update_descriptor, 0, RAW, 0, descriptor, ARG(0, MADDR, "maddr"), ARG(1, DESC, "desc")),
	ROW(set_segment_base, SEGBASE_FS, RAW, 0, segment, ARG(0, NUM, "which"),
	    ARG(1, CANON, "base")),

	ROW(set_segment_base, SEGBASE_GS_USER, OP, 0, NULL, ARG(1, CANON, "base")),
	ROW(set_segment_base, SEGBASE_GS_KERNEL, OP, 0, NULL, ARG(1, CANON, "base")),

	ROW(set_segment_base, SEGBASE_GS_USER_SEL, OP, 0, NULL, ARG(1, NUM | MAY, "selector")),
	ROW(set_timer_op, 0, RAW, 0, NULL, ARG(0, TIME | MAY, "timeout")),

	ROW(multicall, 0, RAW, 0, multicall, ARG_PTR(0, OUT, struct multicall_entry, "calls"),
	    ARG(1, SIZE, "count")),

	ROW(callback_op, CALLBACKOP_register, OP, 0, callback,
	    ARG_PTR(1, IN, struct callback_register, "arg"), F(struct callback_register, type, NUM),
	    F(struct callback_register, address, CANON)),

	ROW(callback_op, CALLBACKOP_unregister, OP, 0, NULL,
	    ARG_PTR(1, IN, struct callback_unregister, "arg"),
	    F(struct callback_unregister, type, NUM)),

	ROW(callback_op, 9, RAW, 0, NULL, ARG(0, CMD, "cmd")),
	ROW(nmi_op, XENNMI_register_callback, OP, 0, nmi,
	    ARG_PTR(1, IN, struct xennmi_callback, "arg"),
	    F(struct xennmi_callback, handler_address, CANON)),
	ROW(nmi_op, XENNMI_unregister_callback, OP, 0, NULL, ARG(1, CANON | MAY, "arg")),
	ROW(nmi_op, 9, RAW, 0, NULL, ARG(0, CMD, "cmd")),
	ROW(vcpu_op, VCPUOP_initialise, VCPU_OP, 0, context, ARG(1, VCPU, "vcpu"),
	    ARG_PTR(2, IN, struct vcpu_guest_context, "ctx")),
	ROW(vcpu_op, VCPUOP_up, VCPU_OP, 0, NULL, ARG(1, VCPU, "vcpu")),
	ROW(vcpu_op, VCPUOP_down, VCPU_OP, 0, NULL, ARG(1, VCPU, "vcpu")),
	ROW(vcpu_op, VCPUOP_is_up, VCPU_OP, 0, NULL, ARG(1, VCPU, "vcpu")),
	ROW(vcpu_op, VCPUOP_get_runstate_info, VCPU_OP, 0, NULL, ARG(1, VCPU, "vcpu"),
	    ARG_PTR(2, OUT, struct vcpu_runstate_info, "arg")),
	ROW(vcpu_op, VCPUOP_register_runstate_memory_area, VCPU_OP, 0, runstate,
	    ARG(1, VCPU, "vcpu"), ARG_PTR(2, IN, u64, "arg"),
	    F(struct vcpu_register_runstate_memory_area, addr.p, OUT | NULLOK | MAY)),
	ROW(vcpu_op, VCPUOP_set_periodic_timer, VCPU_OP, 0, period, ARG(1, VCPU, "vcpu"),
	    ARG_PTR(2, IN, u64, "arg"), F(struct vcpu_set_periodic_timer, period_ns, ZERO)),
	ROW(vcpu_op, VCPUOP_stop_periodic_timer, VCPU_OP, 0, NULL, ARG(1, VCPU, "vcpu")),
	ROW(vcpu_op, VCPUOP_set_singleshot_timer, VCPU_OP, 0, timer, ARG(1, VCPU, "vcpu"),
	    ARG_PTR(2, IN, struct vcpu_set_singleshot_timer, "arg")),
	ROW(vcpu_op, VCPUOP_stop_singleshot_timer, VCPU_OP, 0, NULL, ARG(1, VCPU, "vcpu")),
	ROW(vcpu_op, VCPUOP_register_vcpu_info, VCPU_OP, 0, vcpu_info, ARG(1, VCPU, "vcpu"),
	    ARG_PTR(2, IN, VI, "arg"), F(VI, mfn, MFN), F(VI, offset, NUM)),

	ROW(vcpu_op, VCPUOP_send_nmi, VCPU_OP, 0, NULL,
	    ARG(1, VCPU,
		"vc"
		"p"
		"u")),
	ROW(vcpu_op, VCPUOP_get_physid, VCPU_OP, 0, NULL, ARG(1, VCPU, "vcpu"),
	    ARG_PTR(2, OUT, struct vcpu_get_physid, "arg")),

	ROW(vcpu_op, VCPUOP_register_vcpu_time_memory_area, VCPU_OP, 0, runstate,
	    ARG(1, VCPU, "vcpu"), ARG_PTR(2, IN, u64, "arg"),
	    F(struct vcpu_register_time_memory_area, addr.p, OUT | NULLOK | MAY)),

	ROW(vcpu_op, 99, VCPU_OP, 0, NULL, ARG(0, CMD, "cmd")),
	{ 0 },
};
