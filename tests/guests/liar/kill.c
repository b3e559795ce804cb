/* SPDX-License-Identifier: MIT */
/* Lies after which the domain must not live: each ends it with a sentence. One a run. */
#include "liar.h"

static void iret_stack(u64 sp)
{
	__asm__ volatile("mov %0, %%rsp; mov $23, %%eax; syscall; ud2" ::"r"(sp) : "memory");
}

static void iret_null(void)
{
	iret_stack(0);
}
static void iret_unmapped(void)
{
	iret_stack(A(unmapped) + 64);
}
static void iret_hypervisor(void)
{
	iret_stack(0xffff810000100000);
}
static void iret_noncanonical(void)
{
	iret_stack(1UL << 63);
}
static void iret_straddle(void)
{
	iret_stack(A(page_end) - 16);
}

static void iret_no_user_table(void)
{
	struct iret_context c = {
		.rip = USER_CODE, .cs = FLAT_USER_CS64, .rflags = 0x202, .ss = FLAT_USER_SS
	};

	raw_iret(&c);
}

/* A fault with no handler, and one whose handler's stack is not there. */
static void no_handler(void)
{
	HC(set_trap_table, 0, 0, 0, 0);
	__asm__ volatile("ud2");
}

static void stack_garbage(u64 sp)
{
	__asm__ volatile("mov %0, %%rsp; ud2" ::"r"(sp) : "memory");
}

static void fault_null_stack(void)
{
	stack_garbage(8);
}
static void fault_unmapped_stack(void)
{
	stack_garbage(A(unmapped) + 128);
}
static void fault_hypervisor_stack(void)
{
	stack_garbage(0xffff810000100000);
}
static void fault_m2p_stack(void)
{
	stack_garbage(0xffff800000001000);
}
static void fault_readonly_stack(void)
{
	stack_garbage(A(readonly) + 2048);
}
static void fault_noncanonical_stack(void)
{
	stack_garbage(0x8000000000001000);
}

static void user_frame_run(void)
{
	static const u8 ud2[] = { 0x0f, 0x0b };
	struct frame f = user_frame(false);

	user_load(ud2, ud2 + 2);
	user_run(&f);
}

static void user_kernel_sp(void)
{
	user_setup();
	HC(stack_switch, FLAT_KERNEL_SS, A(unmapped) + 128, 0, 0);
	user_frame_run();
}

static void user_kernel_sp_hypervisor(void)
{
	user_setup();
	if (HC(stack_switch, FLAT_KERNEL_SS, 0xffff810000100000, 0, 0) < 0)
		guest_exit(); /* refused at once: as good */
	user_frame_run();
}

static void user_no_syscall(void)
{
	static const u8 code[] = { 0x0f, 0x05, 0x0f, 0x0b };
	struct frame f = user_frame(false);

	user_load(code, code + sizeof(code));
	HC(set_callbacks, event_entry, failsafe_entry, 0, 0);
	HC(set_trap_table, 0, 0, 0, 0);
	user_run(&f);
}

static void event_noncanonical(void)
{
	u32 other, port = loop_ports(&other);

	HC(set_callbacks, 0x8000000000000000, failsafe_entry, syscall_entry, 0);
	port_unmask(port);
	events_on();
	evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ other });
	sched_op(SCHEDOP_yield, NULL);
	/* An address that was not taken leaves the old one, or none: honest answers too. */
	guest_exit();
}

static void crash(void)
{
	guest_shutdown(SHUTDOWN_crash);
}

const struct kill kills[] = {

	KILL(iret, "iret-null", iret_null),
	KILL(iret, "iret-unmapped", iret_unmapped),
	KILL(iret, "iret-hypervisor", iret_hypervisor),
	KILL(iret, "iret-noncanonical", iret_noncanonical),
	KILL(iret, "iret-straddle", iret_straddle),

	KILL(iret, "iret-no-user-table", iret_no_user_table),
	KILL(set_trap_table, "no-handler", no_handler),
	KILL(set_trap_table, "fault-null-stack", fault_null_stack),

	KILL(set_trap_table, "fault-unmapped-stack", fault_unmapped_stack),
	KILL(set_trap_table, "fault-hypervisor-stack", fault_hypervisor_stack),

	KILL(set_trap_table, "fault-m2p-stack", fault_m2p_stack),
	KILL(set_trap_table, "fault-readonly-stack", fault_readonly_stack),
	KILL(set_trap_table, "fault-noncanonical-stack", fault_noncanonical_stack),

	KILL(stack_switch, "user-kernel-sp", user_kernel_sp),
	KILL(stack_switch, "user-kernel-sp-hypervisor", user_kernel_sp_hypervisor),

	KILL(set_callbacks, "user-no-syscall", user_no_syscall),

	KILL(set_callbacks, "event-noncanonical", event_noncanonical),

	KILL(sched_op, "crash", crash),
	{ 0 },
};
