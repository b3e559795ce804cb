/* SPDX-License-Identifier: MIT */
/* Entry points, stacks, segment bases, debug registers: what a PV guest tells about itself. */
#include <xen/callback.h>

#include "core/arch.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/string.h"
#include "lib/log.h"
#include "pv/pv.h"

static bool set_trap(struct pv_trap *to, const struct trap_info *t)
{
	if (!entry_ok(t->address))
		return false;
	*to = (struct pv_trap){ .addr = t->address,
				.cs = t->cs,
				.dpl = t->flags & 3,
				.masks_events = t->address && (t->flags & 4) };
	return true;
}

/* Kernels leave those they don't use all zero. */
bool pv_set_trap_table(struct vcpu *v, const struct trap_info *traps, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!set_trap(&v->arch.traps[i], &traps[i]))
			return false;
	return true;
}

/*
 * set_trap_table(traps): entries up to one with address 0; NULL clears all. -EFAULT, -EINVAL
 * (address).
 */
long do_set_trap_table(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	struct trap_info t;

	if (!a1) {
		memset(v->arch.traps, 0, PAGE_SIZE);
		return 0;
	}
	preempt_charge(200);
	for (u64 i = 0; i < 257; i++) {
		if (read_guest_at(&t, a1, i))
			return err_here(-EFAULT);
		if (!t.address)
			return 0;
		if (!set_trap(&v->arch.traps[t.vector], &t))
			return err_here(-EINVAL);
	}
	return 0;
}

static long register_callback(struct vcpu *v, u32 type, u64 addr, bool masks)
{
	struct arch_vcpu *a = &v->arch;
	const struct {
		u64 *slot;
		u32 flag;
	} kinds[] = {
		[CALLBACKTYPE_event] = { &a->event_callback, 0 },
		[CALLBACKTYPE_failsafe] = { &a->failsafe_callback, VCPU_FAILSAFE_MASKS },
		[CALLBACKTYPE_syscall] = { &a->syscall_callback, VCPU_SYSCALL_MASKS },
		[CALLBACKTYPE_syscall32] = { &a->syscall32_callback, VCPU_SYSCALL32_MASKS },
		[CALLBACKTYPE_sysenter] = { &a->sysenter_callback, VCPU_SYSENTER_MASKS },
		[CALLBACKTYPE_nmi] = { &a->traps[TRAP_NMI].addr, 0 },
	};
	u64 i = type;

	if (!entry_ok(addr))
		return err_here(-EINVAL);
	if (!index_below_nospec(&i, ARRAY_SIZE(kinds)) || !kinds[i].slot)
		return err_here(-ENOSYS);
	*kinds[i].slot = addr;
	a->flags = (a->flags & ~kinds[i].flag) | (masks ? kinds[i].flag : 0);
	return 0;
}

/*
 * callback_op(cmd, arg). -ENOSYS unknown, -EINVAL address or an unregister that makes no sense,
 * -EFAULT.
 */
long do_callback_op(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	if (a1 == CALLBACKOP_register) {
		struct callback_register r;

		if (read_guest(&r, a2))
			return err_here(-EFAULT);
		return register_callback(v, r.type, r.address, r.flags & CALLBACKF_mask_events);
	}
	if (a1 == CALLBACKOP_unregister) {
		struct callback_unregister u;

		if (read_guest(&u, a2))
			return err_here(-EFAULT);
		if (u.type != CALLBACKTYPE_nmi)
			return err_here(u.type <= CALLBACKTYPE_syscall32 ? -EINVAL : -ENOSYS);
		return register_callback(v, u.type, 0, false);
	}
	return err_here(-ENOSYS);
}

/* set_callbacks(event, failsafe, syscall): the older form. */
long do_set_callbacks(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	if (!entry_ok(a1) || !entry_ok(a2) || !entry_ok(a3))
		return err_here(-EINVAL);
	v->arch.event_callback = a1;
	v->arch.failsafe_callback = a2;
	v->arch.syscall_callback = a3;
	v->arch.flags = (v->arch.flags & ~VCPU_FAILSAFE_MASKS) | VCPU_SYSCALL_MASKS;
	return 0;
}

/*
 * stack_switch(ss, rsp): kernel stack for entries from user mode. -EPERM: an address we cannot
 * write at.
 */
long do_stack_switch(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	if (unlikely(!guest_address_ok(a2)))
		return err_here(-EPERM);
	v->arch.kernel_ss = (u16)a1 | 3;
	v->arch.kernel_sp = a2 & ~15UL;
	return 0;
}

/* The processor's own TS is set when the guest's is; it goes when an instruction asks for the FPU (trap_nm()). */
void pv_set_ts(struct vcpu *v, bool on)
{
	u64 cr0 = read_cr0();

	if (!on) {
		v->arch.flags &= ~VCPU_GUEST_TS;
		return;
	}
	v->arch.flags |= VCPU_GUEST_TS;
	if (!(cr0 & CR0_TS))
		write_cr0(cr0 | CR0_TS);
}

/* fpu_taskswitch(set) */
long do_fpu_taskswitch(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	pv_set_ts(v, a1);
	return 0;
}

static void load_user_gs(u32 sel)
{
	__asm__ volatile(
		"swapgs\n"
		"1: mov %0, %%gs\n"
		"2: mfence; swapgs\n"
		".subsection 1; 3: xor %0, %0; jmp 1b; .previous\n"
		".pushsection .ex_table, \"a\"; .balign 4; .long 1b - ., 3b - .; .popsection"
		: "+r"(sel)
		:
		: "memory");
}

/*
 * set_segment_base(which, base): the caller is in its kernel mode, so GS is the kernel's. -EINVAL.
 */
long do_set_segment_base(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	static const u32 msrs[] = { [SEGBASE_FS] = MSR_FS_BASE,
				    [SEGBASE_GS_USER] = MSR_KERNEL_GS_BASE,
				    [SEGBASE_GS_KERNEL] = MSR_GS_BASE };

	if (a1 == SEGBASE_GS_USER_SEL) {
		load_user_gs(a2 & 0xffff ? (a2 & 0xffff) | 3 : 0);
		return 0;
	}
	if (unlikely(a1 >= ARRAY_SIZE(msrs) || !canonical(a2)))
		return err_here(-EINVAL);
	write_base(v, msrs[a1], a2);
	return 0;
}

/*
 * A breakpoint must not hit the hypervisor: its address, and all that an enabled length covers, is
 * the guest's.
 */
long pv_set_debugreg(struct vcpu *v, unsigned reg, u64 value)
{
	switch (reg) {
	case 0 ... 3:
		if (!canonical(value) || in_hv_range(value))
			return err_here(-EPERM);
		break;
	case 6:
		value = (value & 0xe00f) | DR6_RESET;
		break;
	case 7:
		value = (value & ~0xf400UL & 0xffffffff) |
			DR7_RESET; /* reserved bits; GD stays off */
		for (unsigned i = 0; i < 4; i++)
			if ((value >> (16 + 4 * i) & 3) == 2) /* I/O breakpoints need CR4.DE */
				value &= ~(3UL << (2 * i));
		break;
	default:
		return err_here(-EINVAL);
	}
	v->arch.debugreg[reg] = value;
	if (current() == v && (reg == 7 || (v->arch.debugreg[7] & 0xff)))
		load_debug(v);
	return 0;
}

u64 pv_get_debugreg(const struct vcpu *v, unsigned reg)
{
	static const u64 ones[8] = { [6] = DR6_RESET, [7] = DR7_RESET };

	return v->arch.debugreg[reg] | ones[reg];
}

long do_set_debugreg(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	return a1 > 7 ? err_here(-EINVAL) : pv_set_debugreg(v, pow2_index_nospec(a1, 8), a2);
}

long do_get_debugreg(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	if (a1 > 7 || a1 == 4 || a1 == 5)
		return err_here(-EINVAL);
	return pv_get_debugreg(v, pow2_index_nospec(a1, 8));
}
