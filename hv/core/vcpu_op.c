/* SPDX-License-Identifier: MIT */
/* vcpu_op and set_timer_op: a domain's own vCPUs and their timers. */

#include "core/arch.h"
#include "core/event.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"
#include "lib/string.h"

#define PERIOD_MIN_NS 1000000UL
#define PERIOD_MAX_NS (~0UL >> 2)

int vcpu_initialise(struct vcpu *v, u64 arg, u64 *flags)
{
	struct vcpu_guest_context *ctx;
	int err;

	if (v->vcpu_info == &dummy_vcpu_info)
		return err_here(-EINVAL);
	ctx = xzalloc(struct vcpu_guest_context);
	if (!ctx)
		return err_here(-ENOMEM);
	spin_lock(&v->domain->event_lock); /* two callers for one vCPU */
	if (v->initialised)
		err = -EEXIST;
	else if (read_guest(ctx, arg))
		err = -EFAULT;
	else
		err = arch_vcpu_initialise(v, ctx);
	if (!err)
		v->initialised = true;
	*flags = ctx->flags;
	spin_unlock(&v->domain->event_lock);
	xfree(ctx);
	return err_here(err);
}

static long up(struct vcpu *v)
{
	if (!v->initialised)
		return err_here(-EINVAL);
	vcpu_wake(v, VPF_down);
	return 0;
}

static long down(struct vcpu *v)
{
	struct vcpu *other;
	u32 i;

	vcpu_sleep(v, VPF_down);
	for_each_vcpu(v->domain, other, i)
		if (!(READ_ONCE(other->pause_flags) & VPF_down))
			return 0;
	domain_shutdown(v->domain, SHUTDOWN_poweroff);
	return 0;
}

static long get_runstate_info(struct vcpu *v, u64 arg)
{
	struct vcpu_runstate_info info;

	vcpu_runstate_get(v, &info);
	return write_guest(arg, &info) ? err_here(-EFAULT) : 0;
}

/* *to is where the guest wants a copy of its run states, or of the time. */
static long register_area(u64 *to, u64 arg)
{
	u64 va;

	_Static_assert(sizeof(struct vcpu_register_runstate_memory_area) == sizeof(va) &&
			       sizeof(struct vcpu_register_time_memory_area) == sizeof(va),
		       "an address and nothing else");
	if (read_guest(&va, arg))
		return err_here(-EFAULT);
	*to = va;
	return 0;
}

/* ---- timers ---- */

static long set_periodic(struct vcpu *v, u64 arg)
{
	struct vcpu_set_periodic_timer set;

	if (read_guest(&set, arg))
		return err_here(-EFAULT);
	if (set.period_ns < PERIOD_MIN_NS || set.period_ns > PERIOD_MAX_NS)
		return err_here(-EINVAL);
	timer_stop(&v->periodic);
	v->periodic_period = set.period_ns;
	timer_set(&v->periodic, now_ns() + set.period_ns);
	return 0;
}

/* A time that has passed raises the interrupt at once, without the detour through the hardware. */
static void arm_singleshot(struct vcpu *v, u64 at, u64 now)
{
	if (at > now) {
		timer_set(&v->singleshot, at);
		return;
	}
	timer_stop(&v->singleshot);
	send_vcpu_virq(v, VIRQ_TIMER);
}

static long set_singleshot(struct vcpu *v, u64 arg, struct vcpu *caller)
{
	struct vcpu_set_singleshot_timer set;
	u64 now;

	if (v != caller)
		return err_here(-EINVAL);
	if (read_guest(&set, arg))
		return err_here(-EFAULT);
	now = now_ns();
	if (set.flags & VCPU_SSHOTTMR_future && set.timeout_abs_ns < now)
		return err_here(-ETIME);
	arm_singleshot(v, set.timeout_abs_ns, now);
	return 0;
}

static long stop_singleshot(struct vcpu *v, struct vcpu *caller)
{
	if (v != caller)
		return err_here(-EINVAL);
	timer_stop(&v->singleshot);
	return 0;
}

long do_set_timer_op(u64 timeout, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	if (timeout)
		arm_singleshot(v, timeout, now_ns());
	else
		timer_stop(&v->singleshot);
	return 0;
}

/* ---- vcpu_info ---- */

/*
 * Contents first, then the pointer: senders use one or the other, and evtchn_vcpu_info_moved() sees
 * to both.
 */
static void move_vcpu_info(struct vcpu *v, struct vcpu_info *to, u64 mfn)
{
	if (v->vcpu_info == &dummy_vcpu_info) {
		memset(to, 0, sizeof(*to));
		to->evtchn_upcall_mask = 1;
	} else {
		memcpy(to, v->vcpu_info, sizeof(*to));
	}
	v->vcpu_info_mfn = mfn;
	__atomic_store_n(&v->vcpu_info, to, __ATOMIC_SEQ_CST);
	evtchn_vcpu_info_moved(v);
}

static long register_vcpu_info(struct vcpu *v, u64 arg, struct vcpu *caller)
{
	struct vcpu_register_vcpu_info r;
	struct domain *d = v->domain;
	long err = -EINVAL;

	if (read_guest(&r, arg))
		return err_here(-EFAULT);
	if (r.offset > PAGE_SIZE - sizeof(struct vcpu_info) || r.offset % 8 || !mfn_valid(r.mfn))
		return err_here(-EINVAL);
	if (v != caller && !(READ_ONCE(v->pause_flags) & VPF_down))
		return err_here(-EINVAL);
	spin_lock(&d->event_lock); /* two callers for one vCPU */
	if (v->vcpu_info_mfn == INVALID_MFN &&
	    !get_page_and_type(mfn_to_page(r.mfn), d, PGT_writable)) {
		move_vcpu_info(v, mfn_to_virt(r.mfn) + r.offset, r.mfn);
		err = 0;
	}
	spin_unlock(&d->event_lock);
	if (!err && v == caller)
		vcpu_time_update(v);
	return err_here(err);
}

static long get_physid(struct vcpu *v, u64 arg)
{
	u32 cpu = bitmap_next_set(v->allowed.bits, MAX_CPUS, 0);
	struct vcpu_get_physid id;

	if (!v->domain->privileged ||
	    bitmap_next_set(v->allowed.bits, MAX_CPUS, cpu + 1) < MAX_CPUS)
		return err_here(-EINVAL); /* it moves */
	id.phys_id = cpu_physid(cpu);
	return write_guest(arg, &id) ? err_here(-EFAULT) : 0;
}

long do_vcpu_op(u64 cmd, u64 id, u64 arg, u64 a4, u64 a5, struct vcpu *caller)
{
	struct vcpu *v = domain_vcpu(caller->domain, id);
	u64 flags;
	long ret;

	if (!v)
		return err_here(-ENOENT);
	switch ((u32)cmd) {
	case VCPUOP_initialise:
		ret = vcpu_initialise(v, arg, &flags);
		if (ret == -ERESTART)
			return hypercall_restart(caller, __HYPERVISOR_vcpu_op, 3,
						 (u64[]){ cmd, id, arg });
		return ret;
	case VCPUOP_up:
		return up(v);
	case VCPUOP_down:
		return down(v);
	case VCPUOP_is_up:
		return !(READ_ONCE(v->pause_flags) & VPF_down);
	case VCPUOP_get_runstate_info:
		return get_runstate_info(v, arg);
	case VCPUOP_register_runstate_memory_area:
		ret = register_area(&v->runstate_guest, arg);
		if (!ret && v == caller)
			vcpu_runstate_update(v);
		return ret;
	case VCPUOP_set_periodic_timer:
		return set_periodic(v, arg);
	case VCPUOP_stop_periodic_timer:
		v->periodic_period = 0;
		timer_stop(&v->periodic);
		return 0;
	case VCPUOP_set_singleshot_timer:
		return set_singleshot(v, arg, caller);
	case VCPUOP_stop_singleshot_timer:
		return stop_singleshot(v, caller);
	case VCPUOP_register_vcpu_info:
		return register_vcpu_info(v, arg, caller);
	case VCPUOP_send_nmi:
		arch_vcpu_nmi(v);
		return 0;
	case VCPUOP_get_physid:
		return get_physid(v, arg);
	case VCPUOP_register_vcpu_time_memory_area:
		ret = register_area(&v->time_guest, arg);
		if (!ret && v == caller)
			vcpu_time_update(v);
		return ret;
	default:
		return err_here(-ENOSYS);
	}
}
