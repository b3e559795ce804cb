/* SPDX-License-Identifier: MIT */
/*
 * Event channels: making ports pending, virtual and physical interrupts, a domain's ports as a
 * whole.
 */

#include "core/event.h"

#include "core/arch.h"
#include "core/evtchn.h"
#include "lib/log.h"
#include "lib/string.h"

/* ---- making pending ---- */

void vcpu_mark_events_pending(struct vcpu *v)
{
	if (!__atomic_exchange_n(&v->vcpu_info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
		vcpu_notify_event(v);
}

/*
 * The pending bit was set before, by an atomic operation; SCHEDOP_poll sets its own bit and looks
 * then.
 */
void evtchn_wake_pollers(struct domain *d, u32 port)
{
	unsigned i;

	for_each_set_bit(i, d->poll_mask, MAX_VCPUS) {
		struct vcpu *v = d->vcpu[i];
		u32 polled = READ_ONCE(v->poll_port);

		if ((polled == port || polled == ~0U) && bit_test_and_clear(d->poll_mask, i))
			vcpu_wake(v, VPF_polling);
	}
}

/*
 * Raise virq, which is bound to `port` as far as v's table says, if that still holds under the
 * lock.
 */
static void send_virq(struct vcpu *v, u32 virq)
{
	u32 port = READ_ONCE(v->virq_to_evtchn[virq]);
	struct evtchn *chn;

	if (!port)
		return;
	chn = evtchn_from_port(v->domain, port);
	if (unlikely(!chn)) /* a reset closed it, and took its number's room */
		return;
	spin_lock(&chn->lock);
	if (chn->state == PORT_VIRQ && chn->nr == virq)
		evtchn_set_pending(v->domain, chn);
	spin_unlock(&chn->lock);
}

void send_vcpu_virq(struct vcpu *v, u32 virq)
{
	send_virq(v, virq);
}

void send_global_virq(u32 virq)
{
	if (hardware_domain && hardware_domain->vcpu[0])
		send_virq(hardware_domain->vcpu[0], virq);
}

void send_pirq_event(struct domain *d, u32 port)
{
	struct evtchn *chn = evtchn_from_port(d, port);

	if (!chn)
		return;
	spin_lock(&chn->lock);
	if (chn->state == PORT_PIRQ)
		evtchn_set_pending(d, chn);
	spin_unlock(&chn->lock);
}

void evtchn_vcpu_info_moved(struct vcpu *v)
{
	/*
	 * A sender may have set bits in the old place after they were copied. So everything counts
	 * as pending: the guest looks at all of it and finds what there is.
	 */
	v->vcpu_info->evtchn_pending_sel = ~0UL;
	__atomic_store_n(&v->vcpu_info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
	vcpu_notify_event(v);
}

bool evtchn_port_valid(struct domain *d, u32 port)
{
	return evtchn_from_port(d, port) != NULL;
}

bool evtchn_port_is_pending(struct domain *d, u32 port)
{
	struct evtchn *chn = evtchn_from_port(d, port);
	bool pending = false;

	if (!chn)
		return false;
	spin_lock(&chn->lock); /* while a port is bound nobody leaves the FIFO ABI */
	if (chn->state != PORT_FREE && chn->state != PORT_RESERVED)
		pending = d->fifo ? evtchn_fifo_is_pending(d, port) : evtchn_2l_is_pending(d, port);
	spin_unlock(&chn->lock);
	return pending;
}

/* ---- a domain's ports ---- */

int evtchn_init_domain(struct domain *d)
{
	d->max_evtchns = d->privileged ? MAX_PORTS_FIFO : MAX_PORTS_DEFAULT;
	d->evtchn = xzalloc_array(struct evtchn *, d->max_evtchns / PORTS_PER_BUCKET);
	return d->evtchn ? 0 : -ENOMEM;
}

void evtchn_init_vcpu(struct vcpu *v)
{
	memset(v->virq_to_evtchn, 0, sizeof(v->virq_to_evtchn));
}

/* All ports are closed by now. */
void evtchn_free_domain(struct domain *d)
{
	u32 i;

	evtchn_fifo_destroy(d);
	for (i = 0; d->evtchn && i < d->max_evtchns / PORTS_PER_BUCKET; i++)
		xfree(d->evtchn[i]);
	xfree(d->evtchn);
	d->evtchn = NULL;
	d->nr_evtchns = 0;
}

/* ---- debug key e ---- */

static void dump_port(struct domain *d, struct evtchn *chn)
{
	static const char *const names[] = { "free", "reserved", "unbound", "interdomain",
					     "pirq", "virq",     "ipi" };
	bool pending =
		d->fifo ? evtchn_fifo_is_pending(d, chn->port) : evtchn_2l_is_pending(d, chn->port);
	bool masked =
		d->fifo ? evtchn_fifo_is_masked(d, chn->port) : evtchn_2l_is_masked(d, chn->port);

	log_info("  %4u %s%s v%u %s %u", chn->port, pending ? "P" : "-", masked ? "M" : "-",
		 chn->vcpu, names[chn->state], chn->nr);
	if (chn->state == PORT_INTERDOMAIN)
		log_info(" of d%u\n", chn->remote->id);
	else
		log_info("\n");
}

void evtchn_dump(void)
{
	struct domain *d;
	u32 port;

	for (d = domain_first(); d; d = domain_next(d)) {
		log_info("d%u: %u ports in use, %s\n", d->id, d->active_evtchns,
			 d->fifo ? "FIFO" : "2-level");
		if (!spin_trylock(&d->event_lock))
			continue;
		for (port = 1; port < d->nr_evtchns; port++) {
			struct evtchn *chn = evtchn_from_port(d, port);

			if (chn->state > PORT_RESERVED)
				dump_port(d, chn);
		}
		spin_unlock(&d->event_lock);
	}
}
