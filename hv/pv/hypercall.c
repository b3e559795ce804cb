/* SPDX-License-Identifier: MIT */
/* The hypercalls: one table, and the batch of them. */
#include "core/hypercall.h"
#include "core/arch.h"
#include "core/guest_access.h"
#include "lib/log.h"
#include "pv/pv.h"
#include "x86/patch.h"
#include "x86/uaccess.h"

/*
 * Why a number has no handler stands in docs/abi.md; those that are missing answer -ENOSYS: iret too, which the entry
 * code takes out before, and which makes no sense within a multicall.
 */
static hypercall_fn hc_none;

static long hc_none(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	return -ENOSYS;
}

/*
 * Indexed by number; the entry code indexes it too. Who may call is checked by the subop, in the
 * handler.
 */
hypercall_fn *const hypercall_table[64] = {
	[0 ... 63] = hc_none,
	[__HYPERVISOR_set_trap_table] = do_set_trap_table,
	[__HYPERVISOR_mmu_update] = do_mmu_update,
	[__HYPERVISOR_set_gdt] = do_set_gdt,
	[__HYPERVISOR_stack_switch] = do_stack_switch,
	[__HYPERVISOR_set_callbacks] = do_set_callbacks,
	[__HYPERVISOR_fpu_taskswitch] = do_fpu_taskswitch,
	[__HYPERVISOR_platform_op] = do_platform_op,
	[__HYPERVISOR_set_debugreg] = do_set_debugreg,
	[__HYPERVISOR_get_debugreg] = do_get_debugreg,
	[__HYPERVISOR_update_descriptor] = do_update_descriptor,
	[__HYPERVISOR_memory_op] = do_memory_op,
	[__HYPERVISOR_multicall] = do_multicall,
	[__HYPERVISOR_update_va_mapping] = do_update_va_mapping,
	[__HYPERVISOR_set_timer_op] = do_set_timer_op,
	[__HYPERVISOR_xen_version] = do_xen_version,
	[__HYPERVISOR_console_io] = do_console_io,
	[__HYPERVISOR_grant_table_op] = do_grant_table_op,
	[__HYPERVISOR_vm_assist] = do_vm_assist,
	[__HYPERVISOR_update_va_mapping_otherdomain] = do_update_va_mapping_otherdomain,
	[__HYPERVISOR_vcpu_op] = do_vcpu_op,
	[__HYPERVISOR_set_segment_base] = do_set_segment_base,
	[__HYPERVISOR_mmuext_op] = do_mmuext_op,
	[__HYPERVISOR_sched_op] = do_sched_op,
	[__HYPERVISOR_callback_op] = do_callback_op,
	[__HYPERVISOR_event_channel_op] = do_event_channel_op,
	[__HYPERVISOR_physdev_op] = do_physdev_op,
	[__HYPERVISOR_sysctl] = do_sysctl,
	[__HYPERVISOR_domctl] = do_domctl,
};

/*
 * The running call stopped at a preemption point: SYSCALL is two bytes long, so the guest issues it
 * again with these arguments. Within a multicall the entry is rewritten instead.
 */
long hypercall_restart(struct vcpu *v, u32 nr, unsigned nargs, const u64 *args)
{
	cpu_user_regs_t *regs = guest_regs();
	u64 *reg[] = { &regs->rdi, &regs->rsi, &regs->rdx, &regs->r10, &regs->r8 };

	if (v->arch.flags & VCPU_IN_MULTICALL) {
		v->arch.flags |= VCPU_MC_RESTART;
		for (unsigned i = 0; i < nargs; i++)
			v->arch.mc_args[i] = args[i];
		for (unsigned i = nargs; i < 6; i++)
			v->arch.mc_args[i] = 0;
		return -ERESTART;
	}
	regs->rip -= 2;
	for (unsigned i = 0; i < nargs; i++)
		*reg[i] = args[i];
	return nr;
}

/* The entry at `at` goes on from new arguments, and with it the rest of the batch. */
static long multicall_restart(struct vcpu *v, u64 at, u64 left)
{
	u64 args[2] = { at, left };

	v->arch.flags &= ~(VCPU_IN_MULTICALL | VCPU_MC_RESTART);
	if (copy_to_guest(at + offsetof(struct multicall_entry, args), v->arch.mc_args,
			  sizeof(v->arch.mc_args)))
		return -EFAULT;
	return hypercall_restart(v, __HYPERVISOR_multicall, 2, args);
}

#define ENTRY_SIZE sizeof(struct multicall_entry)
#define ENTRY_ARG(at, i) ((at) + offsetof(struct multicall_entry, args) + 8 * (i))
#define CHECK_EVERY 8 /* entries between two questions whether to go on; long ones ask themselves */

/* hypercall_table[op](), as CALL_OF of the entry code does it: a mere branch where that will do. */
static always_inline_fn u64 call_handler(u64 op, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5,
					 struct vcpu *v)
{
	register u64 r8 __asm__("r8") = a5;
	register struct vcpu *r9 __asm__("r9") = v;

	__asm__ volatile(
		/* The prefix makes it as long as the other. */
		ALTERNATIVE_STR(".byte 0x2e; call *(%[table], %%rax, 8)",
				"call hypercall_table_by_thunk", "%c[retpoline]")
		: "+a"(op), "+D"(a1), "+S"(a2), "+d"(a3), "+c"(a4), "+r"(r8), "+r"(r9)
		: [table] "r"(hypercall_table), [retpoline] "i"(X86_RETPOLINE)
		: "r10", "r11", "cc", "memory");
	return op;
}

/*
 * Entries from *at, an address that was checked, up to `pause` or until there is something better
 * to do: *at is what comes next. 0; -EFAULT; -ERESTART: v's mc_args say what remains of it. Word by
 * word, since gcc would build an array in memory; the last argument, which no call has, is read
 * because it has to be there.
 */
static inline __attribute__((always_inline)) int call_some(u64 *at, u64 pause,
							   struct cpu_info *info, struct vcpu *v)
{
	u64 op, a1, a2, a3, a4, a5, a6, result;

	uaccess_begin();
	do {
		if (unlikely(!get_guest_u64(&op, *at) || !get_guest_u64(&a1, ENTRY_ARG(*at, 0)) ||
			     !get_guest_u64(&a2, ENTRY_ARG(*at, 1)) ||
			     !get_guest_u64(&a3, ENTRY_ARG(*at, 2)) ||
			     !get_guest_u64(&a4, ENTRY_ARG(*at, 3)) ||
			     !get_guest_u64(&a5, ENTRY_ARG(*at, 4)) ||
			     !get_guest_u64(&a6, ENTRY_ARG(*at, 5))))
			goto fault;
		uaccess_end();
		result = -ENOSYS;
		if (likely(op < ARRAY_SIZE(hypercall_table))) {
			op = pow2_index_nospec(op, ARRAY_SIZE(hypercall_table));
			info->hypercalls[op]++;
			result = call_handler(op, a1, a2, a3, a4, a5, v);
			if (unlikely(result == (u64)-ERESTART) && (v->arch.flags & VCPU_MC_RESTART))
				return -ERESTART;
		}
		uaccess_begin();
		if (unlikely(
			    !put_guest_u64(result, *at + offsetof(struct multicall_entry, result))))
			goto fault;
		*at += ENTRY_SIZE;
	} while (*at != pause && likely(!READ_ONCE(info->work)));
	uaccess_end();
	return 0;
fault:
	uaccess_end();
	return err_here(-EFAULT);
}

/*
 * Entries from *at up to `end`. 0; -EFAULT; -ERESTART: to be gone on with at *at. The first entry's
 * address says enough: before our range come addresses that fault, and beyond memory's top those of
 * its bottom. A guest that was killed has work for its processor, and never comes back to go on.
 */
static inline __attribute__((always_inline)) int call_each(struct vcpu *v, u64 *at, u64 end)
{
	struct cpu_info *info = cpu_info();
	int rc;

	if (!guest_range_ok(*at, ENTRY_SIZE))
		return err_here(-EFAULT);
	do {
		rc = call_some(at, *at + MIN(end - *at, CHECK_EVERY * ENTRY_SIZE), info, v);
		if (unlikely(rc))
			return rc;
	} while (*at != end && !preempt_needed());
	return *at == end ? 0 : -ERESTART;
}

/*
 * multicall(list, n): every entry in turn; its result is written into it. 0, -EFAULT (entries
 * before the bad one have been done), -EINVAL within a multicall. Stops when the guest was killed.
 */
long do_multicall(u64 list, u64 n, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	u64 at = list, end = list + (u32)n * ENTRY_SIZE;
	int rc;

	if (v->arch.flags & VCPU_IN_MULTICALL)
		return err_here(-EINVAL);
	if (at == end)
		return 0;
	v->arch.flags |= VCPU_IN_MULTICALL;
	rc = call_each(v, &at, end);
	if (unlikely(v->arch.flags & VCPU_MC_RESTART))
		return multicall_restart(v, at, (end - at) / ENTRY_SIZE);
	v->arch.flags &= ~VCPU_IN_MULTICALL;
	if (unlikely(rc == -ERESTART))
		return hypercall_restart(v, __HYPERVISOR_multicall, 2,
					 (u64[]){ at, (end - at) / ENTRY_SIZE });
	return rc;
}
