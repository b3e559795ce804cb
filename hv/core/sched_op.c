/* SPDX-License-Identifier: MIT */
/* sched_op: giving the processor away, waiting, stopping. */

#include <xen/sched.h>

#include "core/arch.h"
#include "core/event.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"

#define POLL_MAX_PORTS 128
#define NS_PER_S 1000000000UL

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
		vcpu_sleep_self(v);
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

static long poll(struct vcpu *v, u64 arg)
{
	evtchn_port_t ports[POLL_MAX_PORTS];
	struct sched_poll op;
	int pending;

	if (read_guest(&op, arg))
		return err_here(-EFAULT);
	if (op.nr_ports > POLL_MAX_PORTS)
		return err_here(-EINVAL);
	if (op.nr_ports && copy_from_guest(ports, op.ports.va, op.nr_ports * sizeof(ports[0])))
		return err_here(-EFAULT);
	timer_stop(&v->poll_timer); /* of an earlier poll */
	WRITE_ONCE(v->poll_port, op.nr_ports == 1 ? ports[0] : op.nr_ports ? ~0U : 0);
	__atomic_fetch_or(&v->pause_flags, VPF_polling, __ATOMIC_SEQ_CST);
	bit_test_and_set(v->domain->poll_mask, v->id);
	pending = vcpu_event_pending(v) ? 1 : any_pending(v->domain, ports, op.nr_ports);
	if (pending) {
		stop_polling(v);
		return MIN(pending, 0);
	}
	if (op.timeout)
		timer_set(&v->poll_timer, op.timeout);
	vcpu_sleep_self(v);
	return 0;
}

/* ---- stopping ---- */

static long shutdown(struct vcpu *v, u64 arg)
{
	struct sched_shutdown op;

	if (read_guest(&op, arg))
		return err_here(-EFAULT);
	/* nobody could wake the privileged domain again */
	if (op.reason > SHUTDOWN_MAX || (op.reason == SHUTDOWN_suspend && v->domain->privileged))
		return err_here(-EINVAL);
	domain_shutdown(v->domain, op.reason);
	return 0;
}

static long remote_shutdown(struct vcpu *v, u64 arg)
{
	struct sched_remote_shutdown op;
	struct domain *d;

	if (read_guest(&op, arg))
		return err_here(-EFAULT);
	if (!v->domain->privileged)
		return err_here(-EPERM);
	if (op.reason > SHUTDOWN_MAX)
		return err_here(-EINVAL);
	d = domain_get(op.domain_id);
	if (!d)
		return err_here(-ESRCH);
	if (d->privileged) {
		domain_put(d);
		return err_here(-EINVAL);
	}
	domain_shutdown(d, op.reason);
	domain_put(d);
	return 0;
}

static long shutdown_code(struct vcpu *v, u64 arg)
{
	struct sched_shutdown op;

	if (read_guest(&op, arg))
		return err_here(-EFAULT);
	if (op.reason > SHUTDOWN_MAX)
		return err_here(-EINVAL);
	if (v->domain->shutdown_code == SHUTDOWN_none)
		v->domain->shutdown_code = op.reason;
	return 0;
}

/* ---- watchdog ---- */

/* [watchdog_lock] The slot's number from 1 on, or an error. */
static int watchdog_set(struct domain *d, u32 id, u64 until)
{
	u32 slot = id - 1;

	if (!id)
		for (slot = 0; slot < ARRAY_SIZE(d->watchdog) && d->watchdog_used & BIT(slot);
		     slot++)
			;
	if (slot >= ARRAY_SIZE(d->watchdog))
		return id ? -EINVAL : -ENOSPC;
	if (id && !(d->watchdog_used & BIT(slot)))
		return -EINVAL;
	d->watchdog_used |= BIT(slot);
	timer_set(&d->watchdog[slot], until);
	return id ? 0 : (int)slot + 1;
}

static int watchdog_end(struct domain *d, u32 id)
{
	if (!id || id > ARRAY_SIZE(d->watchdog) || !(d->watchdog_used & BIT(id - 1)))
		return -EINVAL;
	d->watchdog_used &= ~BIT(id - 1);
	timer_stop(&d->watchdog[id - 1]);
	return 0;
}

static long watchdog(struct vcpu *v, u64 arg)
{
	struct domain *d = v->domain;
	struct sched_watchdog op;
	int ret;

	if (read_guest(&op, arg))
		return err_here(-EFAULT);
	spin_lock(&d->watchdog_lock);
	ret = op.timeout ? watchdog_set(d, op.id, now_ns() + op.timeout * NS_PER_S) :
			   watchdog_end(d, op.id);
	spin_unlock(&d->watchdog_lock);
	return err_here(ret);
}

/*
 * Every vCPU stays on the processor it was given. So an override to that processor holds already,
 * one to another cannot be had, and taking an override back changes nothing.
 */
static long pin_override(struct vcpu *v, u64 arg)
{
	struct sched_pin_override op;

	if (read_guest(&op, arg))
		return err_here(-EFAULT);
	if (!v->domain->privileged)
		return err_here(-EPERM);
	return op.pcpu < 0 || (u32)op.pcpu == v->processor ? 0 : err_here(-EINVAL);
}

long do_sched_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	(void)a3, (void)a4, (void)a5;
	switch ((u32)cmd) {
	case SCHEDOP_yield:
		vcpu_yield(v);
		return 0;
	case SCHEDOP_block:
		return block(v);
	case SCHEDOP_shutdown:
		return shutdown(v, arg);
	case SCHEDOP_poll:
		return poll(v, arg);
	case SCHEDOP_remote_shutdown:
		return remote_shutdown(v, arg);
	case SCHEDOP_shutdown_code:
		return shutdown_code(v, arg);
	case SCHEDOP_watchdog:
		return watchdog(v, arg);
	case SCHEDOP_pin_override:
		return pin_override(v, arg);
	default:
		return err_here(-ENOSYS);
	}
}
