/* SPDX-License-Identifier: MIT */
/* event_channel_op: allocating, binding, closing and sending. Locks: evtchn.h. */

#include "core/arch.h"
#include "core/event.h"
#include "core/evtchn.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"

#define CLOSE_BATCH 64 /* ports closed without a preemption point */

static bool virq_is_per_vcpu(u32 virq)
{
	return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF ||
	       virq == VIRQ_XENPMU;
}

static u32 port_limit(const struct domain *d)
{
	return d->fifo ? d->max_evtchns : MIN(d->max_evtchns, MAX_PORTS_2L);
}

/* ---- free ports: a queue, so that a closed port rests a while [E] ---- */

static void free_queue_add(struct domain *d, struct evtchn *chn)
{
	chn->next_free = NULL;
	if (d->evtchn_free)
		d->evtchn_free_tail->next_free = chn;
	else
		d->evtchn_free = chn;
	d->evtchn_free_tail = chn;
}

static int add_bucket(struct domain *d)
{
	u32 i, first = d->nr_evtchns;
	struct evtchn **bucket = &d->evtchn[first / PORTS_PER_BUCKET];

	if (first >= port_limit(d))
		return -ENOSPC;
	if (!*bucket) /* it was made ahead, or is there after a return to 2-level */
		*bucket = xzalloc_array(struct evtchn, PORTS_PER_BUCKET);
	if (!*bucket)
		return -ENOMEM;
	for (i = 0; i < PORTS_PER_BUCKET; i++) {
		(*bucket)[i].port = first + i;
		if (first + i)
			free_queue_add(d, &(*bucket)[i]);
	}
	__atomic_store_n(&d->nr_evtchns, first + PORTS_PER_BUCKET, __ATOMIC_RELEASE);
	return 0;
}

/* A guest that has not taken the old word out of a queue yet could not tell the new port from it. */
static bool is_busy(const struct domain *d, u32 port)
{
	event_word_t *word = d->fifo ? evtchn_fifo_word(d, port) : NULL;

	return word && READ_ONCE(*word) >> EVTCHN_FIFO_LINKED & 1;
}

/* Take a free port off the queue; still free. 0 or an error. */
static int take_port(struct domain *d, struct evtchn **chn)
{
	struct evtchn *first_busy = NULL;
	int err, tries;

	if (d->dying || !d->vcpu[0])
		return err_here(-EINVAL);
	for (tries = 0; tries < 2 * PORTS_PER_BUCKET; tries++) {
		if (d->evtchn_free == first_busy) { /* none, or all that there are are busy */
			err = add_bucket(d);
			if (err)
				return err;
			first_busy = NULL;
		}
		*chn = d->evtchn_free;
		d->evtchn_free = (*chn)->next_free;
		if (!is_busy(d, (*chn)->port)) {
			d->active_evtchns++;
			return 0;
		}
		free_queue_add(d, *chn);
		first_busy = first_busy ? first_busy : *chn;
	}
	return err_here(-ENOSPC);
}

/* From now on senders find it. The caller filled in what the state needs; its lock is held. */
static void bind_port(struct evtchn *chn, enum port_state state, struct vcpu *notified)
{
	chn->vcpu = notified;
	chn->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
	chn->state = state;
}

/* A new port, *port, that concerns its own domain alone. 0 or an error. */
static int bind_new(struct domain *d, enum port_state state, u16 nr, struct vcpu *notified,
		    u32 *port)
{
	struct evtchn *chn;
	int err = take_port(d, &chn);

	if (err)
		return err;
	spin_lock(&chn->lock);
	chn->nr = nr;
	chn->other = state == PORT_IPI ? chn : NULL;
	bind_port(chn, state, notified);
	spin_unlock(&chn->lock);
	*port = chn->port;
	return 0;
}

/* Bound to nothing else any more: back to the queue. [lock] */
static void release_port(struct domain *d, struct evtchn *chn)
{
	chn->state = PORT_FREE;
	chn->other = NULL;
	if (d->fifo)
		evtchn_fifo_clear_pending(d, chn);
	else
		bit_test_and_clear(d->shared_info->evtchn_pending, chn->port);
	d->active_evtchns--;
	free_queue_add(d, chn);
}

static void release_unlocked(struct domain *d, struct evtchn *chn)
{
	spin_lock(&chn->lock);
	release_port(d, chn);
	spin_unlock(&chn->lock);
}

/* ---- binding ---- */

static int alloc_unbound(struct domain *d, union evtchn_arg *a, struct vcpu *v)
{
	struct evtchn_alloc_unbound *op = &a->alloc_unbound;
	u16 remote = op->remote_dom == DOMID_SELF ? v->domain->id : op->remote_dom;

	return bind_new(d, PORT_UNBOUND, remote, d->vcpu[0], &op->port);
}

static int bind_interdomain(struct domain *d, union evtchn_arg *a, struct vcpu *v)
{
	struct evtchn_bind_interdomain *op = &a->bind_interdomain;
	struct domain *rd = domain_get_for(v, op->remote_dom);
	struct evtchn *chn, *rchn;
	int err;

	if (!rd)
		return err_here(-ESRCH);
	lock_two(&d->event_lock, &rd->event_lock);
	rchn = evtchn_from_port(rd, op->remote_port);
	if (!rchn || rchn->state != PORT_UNBOUND || rchn->remote_domid != d->id || rd->dying) {
		err = err_here(-EINVAL);
		goto out;
	}
	err = take_port(d, &chn);
	if (err)
		goto out;
	lock_two(&chn->lock, &rchn->lock);
	chn->other = rchn;
	rchn->other = chn;
	rchn->state = PORT_INTERDOMAIN;
	bind_port(chn, PORT_INTERDOMAIN, d->vcpu[0]);
	/* something may have been sent before the two were connected */
	evtchn_set_pending(chn);
	unlock_two(&chn->lock, &rchn->lock);
	op->local_port = chn->port;
out:
	unlock_two(&d->event_lock, &rd->event_lock);
	domain_put(rd);
	return err;
}

static int bind_virq(struct domain *d, union evtchn_arg *a, struct vcpu *v)
{
	struct evtchn_bind_virq *op = &a->bind_virq;
	struct vcpu *target = domain_vcpu(d, op->vcpu);
	int err;

	if (op->virq >= NR_VIRQS || (op->vcpu && !virq_is_per_vcpu(op->virq)))
		return err_here(-EINVAL);
	if (!target)
		return err_here(-ENOENT);
	if (target->virq_to_evtchn[op->virq])
		return err_here(-EEXIST);
	err = bind_new(d, PORT_VIRQ, op->virq, target, &op->port);
	if (!err)
		WRITE_ONCE(target->virq_to_evtchn[op->virq], op->port);
	return err;
}

static int bind_ipi(struct domain *d, union evtchn_arg *a, struct vcpu *v)
{
	struct vcpu *target = domain_vcpu(d, a->bind_ipi.vcpu);

	return target ? bind_new(d, PORT_IPI, 0, target, &a->bind_ipi.port) : -ENOENT;
}

/*
 * The machine's side is told under event_lock, not under the port's: its interrupts take that one.
 */
static int bind_pirq(struct domain *d, union evtchn_arg *a, struct vcpu *v)
{
	struct evtchn_bind_pirq *op = &a->bind_pirq;
	int err;

	if (op->pirq > 0xffff)
		return err_here(-EINVAL);
	err = bind_new(d, PORT_PIRQ, op->pirq, d->vcpu[0], &op->port);
	if (err)
		return err;
	err = arch_pirq_bind(d, op->pirq, op->port, op->flags & BIND_PIRQ__WILL_SHARE);
	if (err)
		release_unlocked(d, evtchn_at(d, op->port));
	return err;
}

/* ---- closing ---- */

static void forget_virq(const struct evtchn *chn)
{
	u32 *port = &chn->vcpu->virq_to_evtchn[chn->nr];

	if (!virq_is_per_vcpu(chn->nr))
		port = &domain_of_port(chn)->vcpu[0]->virq_to_evtchn[chn->nr];
	if (*port == chn->port)
		WRITE_ONCE(*port, 0);
}

/* Both ends' domains are locked. The other end waits for us again. */
static void close_interdomain(struct domain *d, struct evtchn *chn)
{
	struct evtchn *rchn = chn->other;

	lock_two(&chn->lock, &rchn->lock); /* never the same: it was free when it was bound */
	rchn->remote_domid = d->id;
	rchn->state = PORT_UNBOUND;
	rchn->other = NULL;
	release_port(d, chn);
	unlock_two(&chn->lock, &rchn->lock);
}

/*
 * Lock the other domain beside d, whose lock is held and may be let go meanwhile. False: look
 * again.
 */
static bool lock_remote(struct domain *d, struct evtchn *chn, struct domain *rd)
{
	bool same;

	if (rd == d)
		return true;
	domain_hold(rd); /* alive as long as chn is bound to it, which d's lock guards */
	spin_unlock(&d->event_lock);
	lock_two(&d->event_lock, &rd->event_lock);
	same = chn->state == PORT_INTERDOMAIN && domain_of_port(chn->other) == rd;
	if (!same)
		spin_unlock(&rd->event_lock);
	domain_put(rd);
	return same;
}

/* Close one port of d. [E of d] 0 or -EINVAL: not open. */
static int close_port(struct domain *d, u32 port)
{
	struct evtchn *chn = evtchn_from_port(d, port);
	struct domain *rd;

	while (chn && chn->state == PORT_INTERDOMAIN) {
		rd = domain_of_port(chn->other);
		if (!lock_remote(d, chn, rd))
			continue;
		close_interdomain(d, chn);
		if (rd != d)
			spin_unlock(&rd->event_lock);
		return 0;
	}
	if (!chn || !chn->state)
		return err_here(-EINVAL);
	if (chn->state == PORT_PIRQ)
		arch_pirq_unbind(d, chn->nr);
	else if (chn->state == PORT_VIRQ)
		forget_virq(chn);
	release_unlocked(d, chn);
	return 0;
}

static int close(struct domain *d, union evtchn_arg *a, struct vcpu *v)
{
	return close_port(d, a->close.port);
}

/* Close every port, a batch at a time. [E] */
static int close_all(struct domain *d)
{
	int left = CLOSE_BATCH * 16;

	while (d->active_evtchns) {
		if (left <= 0)
			return -ERESTART;
		if (d->evtchn_cursor >= d->nr_evtchns)
			d->evtchn_cursor = 0; /* others may have bound some behind us */
		/* a free one costs next to nothing */
		left -= close_port(d, d->evtchn_cursor) ? 1 : 16;
		d->evtchn_cursor++;
	}
	d->evtchn_cursor = 0;
	return 0;
}

/* No port is bound: to the 2-level ABI, where higher ports do not exist. Their memory stays. [E] */
static void leave_fifo(struct domain *d)
{
	u32 port;

	evtchn_fifo_destroy(d);
	if (d->nr_evtchns <= MAX_PORTS_2L)
		return;
	__atomic_store_n(&d->nr_evtchns, MAX_PORTS_2L, __ATOMIC_RELEASE);
	d->evtchn_free = NULL;
	preempt_charge(800);
	for (port = 1; port < MAX_PORTS_2L; port++)
		free_queue_add(d, evtchn_from_port(d, port));
}

int evtchn_destroy_domain(struct domain *d)
{
	int err;

	spin_lock(&d->event_lock);
	err = close_all(d);
	if (!err)
		evtchn_fifo_destroy(d);
	spin_unlock(&d->event_lock);
	return err;
}

static int reset(struct domain *d, union evtchn_arg *a, struct vcpu *v)
{
	int err = close_all(d);

	if (!err && d == v->domain)
		leave_fifo(d);
	return err;
}

/* ---- sending ---- */

/* The port, or the error of who read it: no port is that large. */
static long send(const struct domain *d, u64 port)
{
	struct evtchn *chn;
	long err = 0;

	if (unlikely(!evtchn_port_exists(d, &port)))
		return err_here((s64)port < 0 ? (s64)port : -EINVAL);
	chn = evtchn_at(d, port);
	spin_lock(&chn->lock);
	if (likely(chn->other))
		evtchn_set_pending(chn->other);
	else if (chn->state != PORT_UNBOUND) /* nobody there yet */
		err = -EINVAL;
	spin_unlock(&chn->lock);
	return err_here(err);
}

static int unmask(struct domain *d, union evtchn_arg *a, struct vcpu *v)
{
	struct evtchn *chn = evtchn_from_port(d, a->unmask.port);
	struct shared_info *s = d->shared_info;
	bool bound, pirq;
	u16 nr;

	if (!chn)
		return err_here(-EINVAL);
	spin_lock(&chn->lock);
	bound = chn->state;
	pirq = chn->state == PORT_PIRQ;
	nr = chn->nr;
	if (bound && d->fifo)
		evtchn_fifo_unmask(d, chn);
	else if (bound && bit_test_and_clear(s->evtchn_mask, chn->port) &&
		 bit_test(s->evtchn_pending, chn->port))
		evtchn_2l_tell(READ_ONCE(chn->vcpu), chn->port);
	spin_unlock(&chn->lock);
	if (pirq)
		arch_pirq_unmasked(d, nr);
	return bound ? 0 : err_here(-EINVAL);
}

/* ---- asking and changing ---- */

static int status(struct domain *d, union evtchn_arg *a, struct vcpu *v)
{
	struct evtchn_status *st = &a->status;
	const struct evtchn *chn = evtchn_from_port(d, st->port);

	if (!chn)
		return err_here(-EINVAL);
	st->status = chn->state;
	st->vcpu = chn->state ? chn->vcpu->id : 0;
	if (chn->state == PORT_UNBOUND) {
		st->u.unbound.dom = chn->remote_domid;
	} else if (chn->state == PORT_INTERDOMAIN) {
		st->u.interdomain.dom = domain_of_port(chn->other)->id;
		st->u.interdomain.port = chn->other->port;
	} else if (chn->state == PORT_PIRQ) {
		st->u.pirq = chn->nr;
	} else if (chn->state == PORT_VIRQ) {
		st->u.virq = chn->nr;
	}
	return 0;
}

static int bind_vcpu(struct domain *d, union evtchn_arg *a, struct vcpu *v)
{
	struct evtchn *chn = evtchn_from_port(d, a->bind_vcpu.port);
	struct vcpu *target = domain_vcpu(d, a->bind_vcpu.vcpu);

	if (!target)
		return err_here(-ENOENT);
	if (!chn || !chn->state || chn->state == PORT_IPI ||
	    (chn->state == PORT_VIRQ && virq_is_per_vcpu(chn->nr)))
		return err_here(-EINVAL);
	WRITE_ONCE(chn->vcpu, target);
	if (chn->state == PORT_PIRQ)
		arch_pirq_set_cpu(d, chn->nr, target->processor);
	return 0;
}

static int set_priority(struct domain *d, union evtchn_arg *a, struct vcpu *v)
{
	struct evtchn *chn = evtchn_from_port(d, a->set_priority.port);

	if (!d->fifo)
		return err_here(-ENOSYS);
	if (a->set_priority.priority > EVTCHN_FIFO_PRIORITY_MIN || !chn || !chn->state)
		return err_here(-EINVAL);
	WRITE_ONCE(chn->priority, a->set_priority.priority);
	return 0;
}

/* ---- the call ---- */

#define OUT BIT(0)      /* the argument is copied back */
#define NAMED BIT(1)    /* about the domain that its first field names, held; else the caller's */
#define UNLOCKED BIT(2) /* sees to event_lock itself; else it is held */

/* v is the caller. 0, an error, or -ERESTART. */
static const struct {
	int (*fn)(struct domain *d, union evtchn_arg *a, struct vcpu *v);
	u8 size, flags;
} ops[] = {
#define OP(name, fn, flags) [EVTCHNOP_##name] = { fn, sizeof(struct evtchn_##name), flags }
	OP(bind_interdomain, bind_interdomain, OUT | UNLOCKED),
	OP(bind_virq, bind_virq, OUT),
	OP(bind_pirq, bind_pirq, OUT),
	OP(close, close, 0),
	OP(status, status, OUT | NAMED),
	OP(alloc_unbound, alloc_unbound, OUT | NAMED),
	OP(bind_ipi, bind_ipi, OUT),
	OP(bind_vcpu, bind_vcpu, 0),
	OP(unmask, unmask, UNLOCKED),
	OP(reset, reset, NAMED),
	OP(init_control, evtchn_fifo_init_control, OUT),
	OP(expand_array, evtchn_fifo_expand_array, 0),
	OP(set_priority, set_priority, 0),
#undef OP
};

static noinline_fn long other_op(u64 cmd, u64 arg, struct vcpu *v)
{
	union evtchn_arg a = { 0 };
	struct domain *d = v->domain;
	u8 flags;
	int err = 0;

	if (!index_below_nospec(&cmd, ARRAY_SIZE(ops)) || !ops[cmd].fn)
		return err_here(-ENOSYS);
	flags = ops[cmd].flags;
	if (copy_from_guest(&a, arg, ops[cmd].size))
		return err_here(-EFAULT);
	if (flags & NAMED)
		err = domain_get_allowed(v, a.dom, &d);
	if (err)
		return err;
	if (!(flags & UNLOCKED))
		spin_lock(&d->event_lock);
	err = ops[cmd].fn(d, &a, v);
	if (!(flags & UNLOCKED))
		spin_unlock(&d->event_lock);
	if (flags & NAMED)
		domain_put(d);
	if (err == -ERESTART)
		return hypercall_restart(v, __HYPERVISOR_event_channel_op, 2, (u64[]){ cmd, arg });
	if (!err && flags & OUT && copy_to_guest(arg, &a, ops[cmd].size))
		return err_here(-EFAULT);
	return err;
}

/* Sending comes first and alone: it is what guests do all the time. */
long do_event_channel_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	_Static_assert(sizeof(struct evtchn_send) == sizeof(u32), "nothing but the port");
	if (unlikely((u32)cmd != EVTCHNOP_send))
		return other_op((u32)cmd, arg, v);
	return send(v->domain, read_guest_u32(arg));
}
