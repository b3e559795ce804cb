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
	chn->next_free = 0;
	if (d->evtchn_free)
		evtchn_from_port(d, d->evtchn_free_tail)->next_free = chn->port;
	else
		d->evtchn_free = chn->port;
	d->evtchn_free_tail = chn->port;
}

static int add_bucket(struct domain *d)
{
	u32 i, first = d->nr_evtchns;
	struct evtchn *bucket;

	if (first >= port_limit(d))
		return -ENOSPC;
	bucket = d->evtchn[first / PORTS_PER_BUCKET]; /* there already after a return to 2-level */
	if (!bucket)
		bucket = xzalloc_array(struct evtchn, PORTS_PER_BUCKET);
	if (!bucket)
		return -ENOMEM;
	for (i = 0; i < PORTS_PER_BUCKET; i++)
		bucket[i].port = first + i;
	d->evtchn[first / PORTS_PER_BUCKET] = bucket;
	__atomic_store_n(&d->nr_evtchns, first + PORTS_PER_BUCKET, __ATOMIC_RELEASE);
	for (i = 0; i < PORTS_PER_BUCKET; i++)
		if (first + i == 0)
			bucket[0].state = PORT_RESERVED;
		else
			free_queue_add(d, &bucket[i]);
	return 0;
}

/* Take a free port off the queue; still free. 0 or an error. */
static int take_port(struct domain *d, struct evtchn **chn)
{
	u32 tries, first_busy = 0;
	int err;

	if (d->dying || !d->evtchn)
		return err_here(-EINVAL);
	for (tries = 0; tries < 2 * PORTS_PER_BUCKET; tries++) {
		if (d->evtchn_free == first_busy) { /* none, or all that there are are busy */
			err = add_bucket(d);
			if (err)
				return err;
			first_busy = 0;
		}
		*chn = evtchn_from_port(d, d->evtchn_free);
		d->evtchn_free = (*chn)->next_free;
		if (!d->fifo || !evtchn_fifo_is_busy(d, (*chn)->port)) {
			d->active_evtchns++;
			return 0;
		}
		free_queue_add(d, *chn); /* the guest has not taken its old word out yet */
		first_busy = first_busy ? first_busy : (*chn)->port;
	}
	return err_here(-ENOSPC);
}

/* From now on senders find it. The caller filled in what the state needs; its lock is held. */
static void bind_port(struct evtchn *chn, enum port_state state, u32 vcpu)
{
	chn->vcpu = vcpu;
	chn->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
	chn->state = state;
}

static void bind_simple(struct evtchn *chn, enum port_state state, u32 nr, u32 vcpu)
{
	spin_lock(&chn->lock);
	chn->nr = nr;
	bind_port(chn, state, vcpu);
	spin_unlock(&chn->lock);
}

/*
 * Unbound or bound to nothing else: back to the queue. The port's lock is held or nobody knows the
 * port.
 */
static void release_port(struct domain *d, struct evtchn *chn)
{
	chn->state = PORT_FREE;
	chn->remote = NULL;
	if (d->fifo)
		evtchn_fifo_clear_pending(d, chn->port);
	else
		evtchn_2l_clear_pending(d, chn->port);
	d->active_evtchns--;
	free_queue_add(d, chn);
}

static void lock_two(struct domain *a, struct domain *b)
{
	spin_lock(a < b ? &a->event_lock : &b->event_lock);
	if (a != b)
		spin_lock(a < b ? &b->event_lock : &a->event_lock);
}

static void unlock_two(struct domain *a, struct domain *b)
{
	spin_unlock(&a->event_lock);
	if (a != b)
		spin_unlock(&b->event_lock);
}

static void lock_ports(struct evtchn *a, struct evtchn *b)
{
	spin_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_ports(struct evtchn *a, struct evtchn *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

/* ---- binding ---- */

/* The domain an operation names, held: the caller's own, or any for the privileged domain. */
static int target_domain(struct vcpu *v, u16 domid, struct domain **d)
{
	*d = domain_get_for(v, domid);
	if (!*d)
		return err_here(-ESRCH);
	if (*d == v->domain || v->domain->privileged)
		return 0;
	domain_put(*d);
	return err_here(-EPERM);
}

static int alloc_unbound(struct vcpu *v, struct evtchn_alloc_unbound *op)
{
	struct evtchn *chn;
	struct domain *d;
	int err = target_domain(v, op->dom, &d);

	if (err)
		return err;
	spin_lock(&d->event_lock);
	err = take_port(d, &chn);
	if (!err) {
		bind_simple(chn, PORT_UNBOUND,
			    op->remote_dom == DOMID_SELF ? v->domain->id : op->remote_dom, 0);
		op->port = chn->port;
	}
	spin_unlock(&d->event_lock);
	domain_put(d);
	return err;
}

static int bind_interdomain(struct vcpu *v, struct evtchn_bind_interdomain *op)
{
	struct domain *d = v->domain, *rd = domain_get_for(v, op->remote_dom);
	struct evtchn *chn, *rchn;
	int err = -EINVAL;

	if (!rd)
		return err_here(-ESRCH);
	lock_two(d, rd);
	rchn = evtchn_from_port(rd, op->remote_port);
	if (!rchn || rchn->state != PORT_UNBOUND || rchn->remote_domid != d->id || rd->dying)
		goto out;
	err = take_port(d, &chn);
	if (err)
		goto out;
	lock_ports(chn, rchn);
	chn->remote = rd;
	chn->remote_port = rchn->port;
	bind_port(chn, PORT_INTERDOMAIN, 0);
	rchn->remote = d;
	rchn->remote_port = chn->port;
	rchn->state = PORT_INTERDOMAIN;
	/* something may have been sent before the two were connected */
	evtchn_set_pending(d, chn);
	unlock_ports(chn, rchn);
	op->local_port = chn->port;
out:
	unlock_two(d, rd);
	domain_put(rd);
	return err_here(err);
}

static int bind_virq(struct vcpu *v, struct evtchn_bind_virq *op)
{
	struct domain *d = v->domain;
	struct evtchn *chn;
	struct vcpu *target;
	int err;

	if (op->virq >= NR_VIRQS || (op->vcpu && !virq_is_per_vcpu(op->virq)))
		return err_here(-EINVAL);
	target = op->vcpu < d->max_vcpus ? d->vcpu[op->vcpu] : NULL;
	if (!target)
		return err_here(-ENOENT);
	spin_lock(&d->event_lock);
	err = target->virq_to_evtchn[op->virq] ? -EEXIST : take_port(d, &chn);
	if (!err) {
		bind_simple(chn, PORT_VIRQ, op->virq, op->vcpu);
		WRITE_ONCE(target->virq_to_evtchn[op->virq], chn->port);
		op->port = chn->port;
	}
	spin_unlock(&d->event_lock);
	return err_here(err);
}

static int bind_ipi(struct vcpu *v, struct evtchn_bind_ipi *op)
{
	struct domain *d = v->domain;
	struct evtchn *chn;
	int err;

	if (op->vcpu >= d->max_vcpus || !d->vcpu[op->vcpu])
		return err_here(-ENOENT);
	spin_lock(&d->event_lock);
	err = take_port(d, &chn);
	if (!err) {
		bind_simple(chn, PORT_IPI, 0, op->vcpu);
		op->port = chn->port;
	}
	spin_unlock(&d->event_lock);
	return err;
}

/*
 * The machine's side is told under event_lock, not under the port's: its interrupts take that one.
 */
static int bind_pirq(struct vcpu *v, struct evtchn_bind_pirq *op)
{
	struct domain *d = v->domain;
	struct evtchn *chn;
	int err;

	spin_lock(&d->event_lock);
	err = take_port(d, &chn);
	if (!err) {
		bind_simple(chn, PORT_PIRQ, op->pirq, 0);
		err = arch_pirq_bind(d, op->pirq, chn->port, op->flags & BIND_PIRQ__WILL_SHARE);
		if (err) {
			spin_lock(&chn->lock);
			release_port(d, chn);
			spin_unlock(&chn->lock);
		}
		op->port = chn->port;
	}
	spin_unlock(&d->event_lock);
	return err_here(err);
}

/* ---- closing ---- */

static void forget_virq(struct domain *d, const struct evtchn *chn)
{
	struct vcpu *v = d->vcpu[virq_is_per_vcpu(chn->nr) ? chn->vcpu : 0];

	if (v && v->virq_to_evtchn[chn->nr] == chn->port)
		WRITE_ONCE(v->virq_to_evtchn[chn->nr], 0);
}

/* Both ends' domains are locked. The other end waits for us again. */
static void close_interdomain(struct domain *d, struct evtchn *chn)
{
	struct domain *rd = chn->remote;
	struct evtchn *rchn = evtchn_from_port(rd, chn->remote_port);

	lock_ports(chn, rchn);
	if (rchn != chn) {
		rchn->remote = NULL;
		rchn->remote_domid = d->id;
		rchn->state = PORT_UNBOUND;
	}
	release_port(d, chn);
	unlock_ports(chn, rchn);
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
	if (rd > d) {
		spin_lock(&rd->event_lock);
		return true;
	}
	domain_hold(rd); /* alive as long as chn is bound to it, which d's lock guards */
	spin_unlock(&d->event_lock);
	lock_two(d, rd);
	same = chn->state == PORT_INTERDOMAIN && chn->remote == rd;
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

	if (!chn)
		return -EINVAL;
again:
	switch (chn->state) {
	case PORT_FREE:
	case PORT_RESERVED:
		return -EINVAL;
	case PORT_INTERDOMAIN:
		rd = chn->remote;
		if (!lock_remote(d, chn, rd))
			goto again;
		close_interdomain(d, chn);
		if (rd != d)
			spin_unlock(&rd->event_lock);
		return 0;
	case PORT_PIRQ:
		arch_pirq_unbind(d, chn->nr);
		break;
	case PORT_VIRQ:
		forget_virq(d, chn);
		break;
	}
	spin_lock(&chn->lock);
	release_port(d, chn);
	spin_unlock(&chn->lock);
	return 0;
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
	d->evtchn_free = 0;
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

static int reset(struct vcpu *v, const struct evtchn_reset *op)
{
	struct domain *d;
	int err = target_domain(v, op->dom, &d);

	if (err)
		return err;
	spin_lock(&d->event_lock);
	err = close_all(d);
	if (!err && d == v->domain)
		leave_fifo(d);
	spin_unlock(&d->event_lock);
	domain_put(d);
	return err;
}

/* ---- sending ---- */

static int send(struct domain *d, u32 port)
{
	struct evtchn *chn = evtchn_from_port(d, port);
	int err = 0;

	if (unlikely(!chn))
		return err_here(-EINVAL);
	spin_lock(&chn->lock);
	switch (chn->state) {
	case PORT_INTERDOMAIN:
		evtchn_set_pending(chn->remote, evtchn_other_end(chn));
		break;
	case PORT_IPI:
		evtchn_set_pending(d, chn);
		break;
	case PORT_UNBOUND:
		break; /* nobody there yet */
	default:
		err = -EINVAL;
	}
	spin_unlock(&chn->lock);
	return err_here(err);
}

static int unmask(struct domain *d, u32 port)
{
	struct evtchn *chn = evtchn_from_port(d, port);
	bool pirq;
	u32 nr;

	if (!chn)
		return err_here(-EINVAL);
	spin_lock(&chn->lock);
	if (chn->state == PORT_FREE || chn->state == PORT_RESERVED || !d->vcpu[chn->vcpu]) {
		spin_unlock(&chn->lock);
		return err_here(-EINVAL);
	}
	if (d->fifo)
		evtchn_fifo_unmask(d, chn);
	else
		evtchn_2l_unmask(d, chn);
	pirq = chn->state == PORT_PIRQ;
	nr = chn->nr;
	spin_unlock(&chn->lock);
	if (pirq)
		arch_pirq_unmasked(d, nr);
	return 0;
}

/* ---- asking and changing ---- */

static void describe(const struct evtchn *chn, struct evtchn_status *st)
{
	static const u8 published[] = {
		[PORT_FREE] = EVTCHNSTAT_closed,     [PORT_RESERVED] = EVTCHNSTAT_closed,
		[PORT_UNBOUND] = EVTCHNSTAT_unbound, [PORT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
		[PORT_PIRQ] = EVTCHNSTAT_pirq,       [PORT_VIRQ] = EVTCHNSTAT_virq,
		[PORT_IPI] = EVTCHNSTAT_ipi,
	};

	st->status = published[chn->state];
	st->vcpu = chn->vcpu;
	if (chn->state == PORT_UNBOUND) {
		st->u.unbound.dom = chn->remote_domid;
	} else if (chn->state == PORT_INTERDOMAIN) {
		st->u.interdomain.dom = chn->remote->id;
		st->u.interdomain.port = chn->remote_port;
	} else if (chn->state == PORT_PIRQ) {
		st->u.pirq = chn->nr;
	} else if (chn->state == PORT_VIRQ) {
		st->u.virq = chn->nr;
	}
}

static int status(struct vcpu *v, struct evtchn_status *st)
{
	struct evtchn *chn;
	struct domain *d;
	int err = target_domain(v, st->dom, &d);

	if (err)
		return err;
	spin_lock(&d->event_lock);
	chn = evtchn_from_port(d, st->port);
	if (chn)
		describe(chn, st);
	else
		err = -EINVAL;
	spin_unlock(&d->event_lock);
	domain_put(d);
	return err_here(err);
}

static bool can_move(const struct evtchn *chn)
{
	return chn->state == PORT_UNBOUND || chn->state == PORT_INTERDOMAIN ||
	       chn->state == PORT_PIRQ || (chn->state == PORT_VIRQ && !virq_is_per_vcpu(chn->nr));
}

static int bind_vcpu(struct domain *d, const struct evtchn_bind_vcpu *op)
{
	struct evtchn *chn;
	int err = -EINVAL;
	bool pirq;

	if (op->vcpu >= d->max_vcpus || !d->vcpu[op->vcpu])
		return err_here(-ENOENT);
	spin_lock(&d->event_lock);
	chn = evtchn_from_port(d, op->port);
	if (chn && can_move(chn)) {
		spin_lock(&chn->lock);
		WRITE_ONCE(chn->vcpu, op->vcpu);
		pirq = chn->state == PORT_PIRQ;
		spin_unlock(&chn->lock);
		if (pirq)
			arch_pirq_set_cpu(d, chn->nr, d->vcpu[op->vcpu]->processor);
		err = 0;
	}
	spin_unlock(&d->event_lock);
	return err_here(err);
}

static int set_priority(struct domain *d, const struct evtchn_set_priority *op)
{
	struct evtchn *chn;
	int err = -EINVAL;

	if (!d->fifo)
		return err_here(-ENOSYS);
	if (op->priority > EVTCHN_FIFO_PRIORITY_MIN)
		return err_here(-EINVAL);
	spin_lock(&d->event_lock);
	chn = evtchn_from_port(d, op->port);
	if (chn && chn->state > PORT_RESERVED) {
		WRITE_ONCE(chn->priority, op->priority);
		err = 0;
	}
	spin_unlock(&d->event_lock);
	return err_here(err);
}

static int fifo_op(struct domain *d, int (*fn)(struct domain *, void *), void *arg)
{
	int err;

	spin_lock(&d->event_lock);
	err = fn(d, arg);
	spin_unlock(&d->event_lock);
	return err_here(err);
}

static int init_control(struct domain *d, void *arg)
{
	return evtchn_fifo_init_control(d, arg);
}

static int expand_array(struct domain *d, void *arg)
{
	return evtchn_fifo_expand_array(d, ((struct evtchn_expand_array *)arg)->array_gfn);
}

/* ---- the call ---- */

union evtchn_arg {
	struct evtchn_alloc_unbound alloc_unbound;
	struct evtchn_bind_interdomain bind_interdomain;
	struct evtchn_bind_virq bind_virq;
	struct evtchn_bind_pirq bind_pirq;
	struct evtchn_bind_ipi bind_ipi;
	struct evtchn_close close;
	struct evtchn_status status;
	struct evtchn_bind_vcpu bind_vcpu;
	struct evtchn_unmask unmask;
	struct evtchn_reset reset;
	struct evtchn_init_control init_control;
	struct evtchn_expand_array expand_array;
	struct evtchn_set_priority set_priority;
};

/* Size of each operation's argument, and whether it is copied back. */
static const struct {
	u8 size;
	bool out;
} shapes[] = {
#define SHAPE(name, out_)                                                                          \
	{                                                                                          \
		sizeof(struct evtchn_##name), out_                                                 \
	}
	[EVTCHNOP_bind_interdomain] = SHAPE(bind_interdomain, true),
	[EVTCHNOP_bind_virq] = SHAPE(bind_virq, true),
	[EVTCHNOP_bind_pirq] = SHAPE(bind_pirq, true),
	[EVTCHNOP_close] = SHAPE(close, false),
	[EVTCHNOP_status] = SHAPE(status, true),
	[EVTCHNOP_alloc_unbound] = SHAPE(alloc_unbound, true),
	[EVTCHNOP_bind_ipi] = SHAPE(bind_ipi, true),
	[EVTCHNOP_bind_vcpu] = SHAPE(bind_vcpu, false),
	[EVTCHNOP_unmask] = SHAPE(unmask, false),
	[EVTCHNOP_reset] = SHAPE(reset, false),
	[EVTCHNOP_init_control] = SHAPE(init_control, true),
	[EVTCHNOP_expand_array] = SHAPE(expand_array, false),
	[EVTCHNOP_set_priority] = SHAPE(set_priority, false),
#undef SHAPE
};

static int close_own(struct domain *d, u32 port)
{
	int err;

	spin_lock(&d->event_lock);
	err = close_port(d, port);
	spin_unlock(&d->event_lock);
	return err_here(err);
}

static int do_op(u32 cmd, union evtchn_arg *a, struct vcpu *v)
{
	struct domain *d = v->domain;

	switch (cmd) {
	case EVTCHNOP_bind_interdomain:
		return bind_interdomain(v, &a->bind_interdomain);
	case EVTCHNOP_bind_virq:
		return bind_virq(v, &a->bind_virq);
	case EVTCHNOP_bind_pirq:
		return bind_pirq(v, &a->bind_pirq);
	case EVTCHNOP_close:
		return close_own(d, a->close.port);
	case EVTCHNOP_status:
		return status(v, &a->status);
	case EVTCHNOP_alloc_unbound:
		return alloc_unbound(v, &a->alloc_unbound);
	case EVTCHNOP_bind_ipi:
		return bind_ipi(v, &a->bind_ipi);
	case EVTCHNOP_bind_vcpu:
		return bind_vcpu(d, &a->bind_vcpu);
	case EVTCHNOP_unmask:
		return unmask(d, a->unmask.port);
	case EVTCHNOP_reset:
		return reset(v, &a->reset);
	case EVTCHNOP_init_control:
		return fifo_op(d, init_control, &a->init_control);
	case EVTCHNOP_expand_array:
		return fifo_op(d, expand_array, &a->expand_array);
	default:
		return set_priority(d, &a->set_priority);
	}
}

static noinline_fn long other_op(u64 cmd, u64 arg, struct vcpu *v)
{
	union evtchn_arg a = { 0 };
	int err;

	if (cmd >= ARRAY_SIZE(shapes) || !shapes[cmd].size)
		return err_here(-ENOSYS);
	if (copy_from_guest(&a, arg, shapes[cmd].size))
		return err_here(-EFAULT);
	err = do_op(cmd, &a, v);
	if (err == -ERESTART)
		return hypercall_restart(v, __HYPERVISOR_event_channel_op, 2, (u64[]){ cmd, arg });
	if (!err && shapes[cmd].out && copy_to_guest(arg, &a, shapes[cmd].size))
		return err_here(-EFAULT);
	return err;
}

/* Sending comes first and alone: it is what guests do all the time. */
long do_event_channel_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	struct evtchn_send op;

	(void)a3, (void)a4, (void)a5;
	if (unlikely((u32)cmd != EVTCHNOP_send))
		return other_op((u32)cmd, arg, v);
	if (unlikely(read_guest(&op, arg)))
		return err_here(-EFAULT);
	return send(v->domain, op.port);
}
