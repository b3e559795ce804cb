/* SPDX-License-Identifier: MIT */
/* Further virtual processors. */
#include "guest.h"

void cpu_entry(void);
_Noreturn void cpu_main(void);

bool have_cpu(u32 id)
{
	return vcpu_op(VCPUOP_is_up, id, NULL) >= 0;
}

_Noreturn void cpu_main(void)
{
	struct cpu *c = this_cpu();

	vcpu_op(VCPUOP_stop_periodic_timer, c->id, NULL);
	for (;;) {
		c->up = 1;
		c->main();
		c->up = 2;
		vcpu_op(VCPUOP_down, c->id, NULL); /* goes on here when it comes up again */
	}
}

void cpu_context(struct vcpu_guest_context *ctx, u32 id, void (*fn)(void))
{
	mem_fill(ctx, 0, sizeof(*ctx));
	cpus[id].main = fn;
	cpus[id].up = 0;
	ctx->flags = VGCF_in_kernel;
	ctx->user_regs.rip = A(cpu_entry);
	ctx->user_regs.rsp = A(stacks) + (id + 1) * GUEST_STACK;
	ctx->user_regs.cs = FLAT_KERNEL_CS;
	ctx->user_regs.ss = FLAT_KERNEL_SS;
	ctx->user_regs.rflags = 0x1000; /* as if from ring 1: no virtual IF */
	ctx->kernel_ss = FLAT_KERNEL_SS;
	ctx->kernel_sp = A(stacks) + id * GUEST_STACK + GUEST_STACK / 2;
	mem_copy(ctx->trap_ctxt, trap_table, 256 * sizeof(trap_table[0]));
	ctx->ctrlreg[3] = xen_pfn_to_cr3(mfn_of((void *)si->pt_base));
	ctx->event_callback_eip = A(event_entry);
	ctx->failsafe_callback_eip = A(failsafe_entry);
	ctx->syscall_callback_eip = A(syscall_entry);
}

long cpu_start(u32 id, void (*fn)(void))
{
	static struct vcpu_guest_context ctx;
	long rc;

	cpu_context(&ctx, id, fn);
	rc = vcpu_op(VCPUOP_initialise, id, &ctx);
	if (rc && rc != -XEN_EEXIST)
		return rc;
	return vcpu_op(VCPUOP_up, id, NULL);
}

bool cpu_wait(u32 id, u32 state, u64 ns)
{
	u64 end = now() + ns;

	while (cpus[id].up != state) {
		if (now() > end)
			return false;
		sched_op(SCHEDOP_yield, NULL);
	}
	return true;
}
