/* SPDX-License-Identifier: MIT */
/*
 * Event channels: making ports pending, virtual and physical interrupts, a domain's ports as a
 * whole.
 */

#include "core/event.h"

#include "core/arch.h"
#include "core/evtchn.h"
#include "lib/log.h"

/* ---- making pending ---- */

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

		if ((polled == port || polled == ~0U || port == EVTCHN_ANY) &&
		    bit_test_and_clear(d->poll_mask, i))
			vcpu_wake(v, VPF_polling);
	}
}

void evtchn_2l_tell_all(struct domain *d, struct evtchn *chn)
{
	if (!bit_test(d->shared_info->evtchn_mask, chn->port))
		evtchn_2l_tell(chn->vcpu, chn->port);
	evtchn_wake_pollers(d, chn->port);
}

/* An interrupt arrived that was bound to `port` of d: send it, if that still holds, to a processor. */
static s32 send_bound(struct domain *d, u32 port, enum port_state state, u32 virq)
{
	struct evtchn *chn = evtchn_from_port(d, port);
	s32 cpu = -1;

	if (unlikely(!chn)) /* a reset closed it, and took its number's room */
		return -1;
	spin_lock(&chn->lock);
	if (chn->state == state && (state == PORT_PIRQ || chn->nr == virq)) {
		evtchn_set_pending(chn);
		cpu = (s32)READ_ONCE(chn->vcpu->processor);
	}
	spin_unlock(&chn->lock);
	return cpu;
}

void send_vcpu_virq(struct vcpu *v, u32 virq)
{
	u32 port = READ_ONCE(v->virq_to_evtchn[virq]);

	if (port)
		send_bound(v->domain, port, PORT_VIRQ, virq);
}

void send_global_virq(u32 virq)
{
	if (hardware_domain && hardware_domain->vcpu[0])
		send_vcpu_virq(hardware_domain->vcpu[0], virq);
}

s32 send_pirq_event(struct domain *d, u32 port)
{
	return send_bound(d, port, PORT_PIRQ, 0);
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

bool evtchn_is_pending(const struct domain *d, const struct evtchn *chn)
{
	event_word_t *word;

	if (!d->fifo)
		return bit_test(d->shared_info->evtchn_pending, chn->port);
	word = evtchn_fifo_word(d, chn->port);
	return word ? READ_ONCE(*word) >> EVTCHN_FIFO_PENDING & 1 : READ_ONCE(chn->pending);
}

static bool is_masked(const struct domain *d, const struct evtchn *chn)
{
	event_word_t *word;

	if (!d->fifo)
		return bit_test(d->shared_info->evtchn_mask, chn->port);
	word = evtchn_fifo_word(d, chn->port);
	return !word || READ_ONCE(*word) >> EVTCHN_FIFO_MASKED & 1;
}

int evtchn_port_pending(struct domain *d, u32 port)
{
	struct evtchn *chn = evtchn_from_port(d, port);
	bool pending;

	if (!chn)
		return -EINVAL;
	spin_lock(&chn->lock); /* while a port is bound nobody leaves the FIFO ABI */
	pending = chn->state && evtchn_is_pending(d, chn);
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

void evtchn_make_ahead(struct domain *d, u32 ports)
{
	for (u32 i = 0; i < MIN(ports, d->max_evtchns) / PORTS_PER_BUCKET; i++)
		if (!d->evtchn[i])
			d->evtchn[i] = xzalloc_array(struct evtchn, PORTS_PER_BUCKET);
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
	static const char *const names[] = {
		"free", "unbound", "interdomain", "pirq", "virq", "ipi"
	};

	log_info("  %4u %s%s v%u %s %u", chn->port, evtchn_is_pending(d, chn) ? "P" : "-",
		 is_masked(d, chn) ? "M" : "-", chn->vcpu->id, names[chn->state], chn->nr);
	if (chn->state == PORT_INTERDOMAIN)
		log_info(" to %u of d%u\n", chn->other->port, domain_of_port(chn->other)->id);
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

			if (chn->state)
				dump_port(d, chn);
		}
		spin_unlock(&d->event_lock);
	}
}
