/* SPDX-License-Identifier: MIT */
/* sched_op: giving the processor away, waiting, stopping. */

#include <xen/sched.h>

#include "core/arch.h"
#include "core/event.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"

#define POLL_MAX_PORTS 128

/* The argument of an operation, copied in. */
union sched_arg {
	struct sched_shutdown shutdown;
	struct sched_poll poll;
	struct sched_remote_shutdown remote_shutdown;
	struct sched_watchdog watchdog;
	struct sched_pin_override pin_override;
};

/* ---- waiting ---- */

/*
 * The bit is set before we look, and whoever makes an event pending looks at the bit afterwards:
 * one of the two notices.
 */
static long block(struct vcpu *v)
{
	WRITE_ONCE(v->vcpu_info->evtchn_upcall_mask, 0);
	__atomic_fetch_or(&v->pause_flags, VPF_blocked, __ATOMIC_SEQ_CST);
	if (vcpu_event_pending(v))
		__atomic_fetch_and(&v->pause_flags, ~(u32)VPF_blocked, __ATOMIC_SEQ_CST);
	else
		cpu_work(v->processor, WORK_RESCHED);
	return 0;
}

/* 1: one is pending, 0: none, -EINVAL: no such port. */
static int any_pending(struct domain *d, const evtchn_port_t *ports, u32 n)
{
	int pending = 0;
	u32 i;

	for (i = 0; i < n && !pending; i++)
		pending = evtchn_port_pending(d, ports[i]);
	return pending;
}

static void stop_polling(struct vcpu *v)
{
	bit_test_and_clear(v->domain->poll_mask, v->id);
	__atomic_fetch_and(&v->pause_flags, ~(u32)VPF_polling, __ATOMIC_SEQ_CST);
}

static long poll(struct vcpu *v, union sched_arg *a)
{
	evtchn_port_t ports[POLL_MAX_PORTS];
	u32 n = a->poll.nr_ports;
	int pending;

	if (n > POLL_MAX_PORTS)
		return err_here(-EINVAL);
	if (n && copy_from_guest(ports, a->poll.ports.va, n * sizeof(ports[0])))
		return err_here(-EFAULT);
	timer_stop(&v->poll_timer); /* of an earlier poll */
	WRITE_ONCE(v->poll_port, n == 1 ? ports[0] : n ? ~0U : 0);
	__atomic_fetch_or(&v->pause_flags, VPF_polling, __ATOMIC_SEQ_CST);
	bit_test_and_set(v->domain->poll_mask, v->id);
	pending = vcpu_event_pending(v) ? 1 : any_pending(v->domain, ports, n);
	if (pending) {
		stop_polling(v);
		return MIN(pending, 0);
	}
	if (a->poll.timeout)
		timer_set(&v->poll_timer, a->poll.timeout);
	cpu_work(v->processor, WORK_RESCHED);
	return 0;
}

/* ---- stopping ---- */

static long shutdown(struct vcpu *v, union sched_arg *a)
{
	u32 reason = a->shutdown.reason;

	/* nobody could wake the privileged domain again */
	if (reason > SHUTDOWN_MAX || (reason == SHUTDOWN_suspend && v->domain->privileged))
		return err_here(-EINVAL);
	domain_shutdown(v->domain, reason);
	return 0;
}

static long remote_shutdown(struct vcpu *v, union sched_arg *a)
{
	const struct sched_remote_shutdown *op = &a->remote_shutdown;
	struct domain *d;
	bool allowed;

	if (!v->domain->privileged)
		return err_here(-EPERM);
	if (op->reason > SHUTDOWN_MAX)
		return err_here(-EINVAL);
	d = domain_get(op->domain_id);
	if (!d)
		return err_here(-ESRCH);
	allowed = !d->privileged;
	if (allowed)
		domain_shutdown(d, op->reason);
	domain_put(d);
	return allowed ? 0 : err_here(-EINVAL);
}

static long shutdown_code(struct vcpu *v, union sched_arg *a)
{
	if (a->shutdown.reason > SHUTDOWN_MAX)
		return err_here(-EINVAL);
	if (v->domain->shutdown_code == SHUTDOWN_none)
		v->domain->shutdown_code = a->shutdown.reason;
	return 0;
}

/*
 * id 0: a new watchdog; else one that was handed out, to be set anew or, without a time, taken
 * back. The number of a new one, 0, or an error. [watchdog_lock]
 */
static int watchdog_set(struct domain *d, u32 id, u32 seconds)
{
	u32 slot = id ? id - 1 : (u32)__builtin_ctz(~(u32)d->watchdog_used);

	if (slot >= ARRAY_SIZE(d->watchdog) || (!id && !seconds))
		return err_here(id || !seconds ? -EINVAL : -ENOSPC);
	if (id && !(d->watchdog_used & BIT(slot)))
		return err_here(-EINVAL);
	slot = array_index_nospec(slot, ARRAY_SIZE(d->watchdog));
	if (!seconds) {
		d->watchdog_used &= ~BIT(slot);
		timer_stop(&d->watchdog[slot]);
		return 0;
	}
	d->watchdog_used |= BIT(slot);
	timer_set(&d->watchdog[slot], now_ns() + seconds * NS_PER_S);
	return id ? 0 : (int)slot + 1;
}

static long watchdog(struct vcpu *v, union sched_arg *a)
{
	struct domain *d = v->domain;
	int ret;

	spin_lock(&d->watchdog_lock);
	ret = watchdog_set(d, a->watchdog.id, a->watchdog.timeout);
	spin_unlock(&d->watchdog_lock);
	return ret;
}

static long pin_override(struct vcpu *v, union sched_arg *a)
{
	return v->domain->privileged ? vcpu_pin(v, a->pin_override.pcpu) : err_here(-EPERM);
}

static const struct {
	long (*fn)(struct vcpu *v, union sched_arg *a);
	size_t size;
} ops[] = {
	[SCHEDOP_shutdown] = { shutdown, sizeof(struct sched_shutdown) },
	[SCHEDOP_poll] = { poll, sizeof(struct sched_poll) },
	[SCHEDOP_remote_shutdown] = { remote_shutdown, sizeof(struct sched_remote_shutdown) },
	[SCHEDOP_shutdown_code] = { shutdown_code, sizeof(struct sched_shutdown) },
	[SCHEDOP_watchdog] = { watchdog, sizeof(struct sched_watchdog) },
	[SCHEDOP_pin_override] = { pin_override, sizeof(struct sched_pin_override) },
};

static noinline_fn long other_op(u32 cmd, u64 arg, struct vcpu *v)
{
	union sched_arg a;

	if (copy_from_guest(&a, arg, ops[cmd].size))
		return err_here(-EFAULT);
	return ops[cmd].fn(v, &a);
}

long do_sched_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	u64 op = (u32)cmd;

	switch (op) {
	case SCHEDOP_yield:
		vcpu_yield(v);
		return 0;
	case SCHEDOP_block:
		return block(v);
	default:
		if (!index_below_nospec(&op, ARRAY_SIZE(ops)) || !ops[op].fn)
			return err_here(-ENOSYS);
		return other_op(op, arg, v);
	}
}
