/* SPDX-License-Identifier: MIT */
/*
 * Event channels, inside: ports, and the two ways a guest is told of them.
 *
 * Locks. event_lock of the domain: which ports exist and what they are bound to; two domains' are
 * taken in address order. port->lock: taken, inside event_lock, by whoever changes state, remote or
 * u; alone by whoever sends. So a sender that holds its port's lock and finds it interdomain knows
 * that the other end is still bound to it: closing either end takes both port locks. A port's
 * memory stays until the domain is freed.
 */
#ifndef CORE_EVTCHN_H
#define CORE_EVTCHN_H

#include <xen/event_channel.h>

#include "core/domain.h"
#include "lib/bitmap.h"
#include "lib/nospec.h"

/* As EVTCHNOP_status tells them. Port 0 is free for ever. */
enum port_state {
	PORT_FREE = EVTCHNSTAT_closed,
	PORT_UNBOUND = EVTCHNSTAT_unbound,
	PORT_INTERDOMAIN = EVTCHNSTAT_interdomain,
	PORT_PIRQ = EVTCHNSTAT_pirq,
	PORT_VIRQ = EVTCHNSTAT_virq,
	PORT_IPI = EVTCHNSTAT_ipi
};

struct evtchn {
	spinlock_t lock;
	u8 state;         /* [lock + E to change] PORT_* */
	u8 priority;      /* [lock + E to change] FIFO: queue to go to */
	bool pending;     /* [a] FIFO: went pending before there was an event word for it */
	u8 last_priority; /* [fifo->lock] FIFO: the queue it was last linked to ... */
	u16 last_vcpu;    /* ... and whose */
	union {
		u16 nr;           /* [lock + E to change] PORT_PIRQ, PORT_VIRQ: which */
		u16 remote_domid; /* [lock + E to change] PORT_UNBOUND: who may connect */
	};
	u32 port; /* [I] */
	union {
		struct evtchn *next_free; /* PORT_FREE [E] */
		struct vcpu *vcpu; /* else [E to change, a] who is notified; of the port's domain */
	};
	struct evtchn *other; /* [lock + E to change] where sending arrives; NULL: may not send */
};
#define PORTS_PER_BUCKET 128
_Static_assert(sizeof(struct evtchn) * PORTS_PER_BUCKET == PAGE_SIZE, "a bucket is a page");

#define MAX_PORTS_2L ((u32)EVTCHN_2L_NR_CHANNELS)
#define MAX_PORTS_FIFO ((u32)EVTCHN_FIFO_NR_CHANNELS)
#define MAX_PORTS_DEFAULT 1024 /* ports 0 to 1023 */
#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))

/* One vCPU's FIFO queues. */
struct evtchn_fifo_vcpu {
	struct evtchn_fifo_control_block *block; /* guest memory, writable reference held */
	u64 mfn;
	u32 tail[EVTCHN_FIFO_MAX_QUEUES]; /* [fifo->lock] the last port linked; 0 = none */
};

/* One domain's event array. */
struct evtchn_fifo {
	spinlock_t lock; /* linking: innermost */
	u32 pages;       /* [E to change, a] */
	u32 raised;      /* [E] ports below it were looked at when their page came */
	event_word_t *
		array[MAX_PORTS_FIFO / WORDS_PER_PAGE]; /* guest memory, writable references held */
};

/* Is there room for such a port? Any number may be asked. */
static inline bool evtchn_port_exists(const struct domain *d, u64 *port)
{
	if (unlikely(!index_below_nospec(port, d->nr_evtchns)))
		return false;
	barrier(); /* pairs with add_bucket(): its bucket is looked at afterwards */
	return true;
}

static inline struct evtchn *evtchn_at(const struct domain *d, u32 port)
{
	return &d->evtchn[port / PORTS_PER_BUCKET][port % PORTS_PER_BUCKET];
}

/* The port, or NULL. */
static inline struct evtchn *evtchn_from_port(const struct domain *d, u32 port)
{
	u64 i = port;

	return evtchn_port_exists(d, &i) ? evtchn_at(d, i) : NULL;
}

static inline struct domain *domain_of_port(const struct evtchn *chn)
{
	return chn->vcpu->domain;
}

union evtchn_arg {
	domid_t dom; /* alloc_unbound, status, reset */
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

/* Is any vCPU of d in SCHEDOP_poll? */
static inline bool evtchn_has_pollers(const struct domain *d)
{
	_Static_assert(BITMAP_WORDS(MAX_VCPUS) == 2, "all of it");
	return READ_ONCE(d->poll_mask[0]) | READ_ONCE(d->poll_mask[1]);
}
/* The port went pending, or EVTCHN_ANY: wake who polls it. */
#define EVTCHN_ANY (~0U - 1)
void evtchn_wake_pollers(struct domain *d, u32 port);
/* 2-level: all that a port that went pending may mean to vCPUs of d. */
void evtchn_2l_tell_all(struct domain *d, struct evtchn *chn);
bool evtchn_is_pending(const struct domain *d, const struct evtchn *chn);

/* ---- event_fifo.c ---- */
void evtchn_fifo_set_pending(struct domain *d, struct evtchn *chn);
/* Its event word; NULL: the guest has given no page for it yet. */
event_word_t *evtchn_fifo_word(const struct domain *d, u32 port);
void evtchn_fifo_unmask(struct domain *d, struct evtchn *chn);
void evtchn_fifo_clear_pending(struct domain *d, struct evtchn *chn);
/* EVTCHNOP_init_control and EVTCHNOP_expand_array [event_lock] */
int evtchn_fifo_init_control(struct domain *d, union evtchn_arg *a, struct vcpu *caller);
int evtchn_fifo_expand_array(struct domain *d, union evtchn_arg *a, struct vcpu *caller);
/* Back to 2-level; no port is bound. [event_lock] */
void evtchn_fifo_destroy(struct domain *d);

/* ---- all that a sender does, in line ---- */

/* Something is pending for v: upcall, once. */
static inline void vcpu_mark_events_pending(struct vcpu *v)
{
	if (!__atomic_exchange_n(&v->vcpu_info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
		vcpu_notify_event(v);
}

/* 2-level: the bit of v's summary for a port that is pending and not masked. */
static inline void evtchn_2l_tell(struct vcpu *v, u32 port)
{
	if (!bit_test_and_set(&v->vcpu_info->evtchn_pending_sel, port / 64))
		vcpu_mark_events_pending(v);
}

/*
 * The port went pending: tell the guest, in its ABI. The caller's lock keeps the port bound. Who
 * polls looks for events once its bit is set; so it finds what was pending before that.
 */
static inline void evtchn_set_pending(struct evtchn *chn)
{
	struct vcpu *v = READ_ONCE(chn->vcpu);
	struct domain *d = v->domain;
	struct shared_info *s = d->shared_info;
	u64 word = chn->port / 64, bit = chn->port % 64;

	if (d->fifo)
		evtchn_fifo_set_pending(d, chn);
	else if (bit_test_and_set(&s->evtchn_pending[word], bit))
		return;
	else if (unlikely(evtchn_has_pollers(d)))
		evtchn_2l_tell_all(d, chn);
	else if (!bit_test(&s->evtchn_mask[word], bit))
		evtchn_2l_tell(v, chn->port);
}

#endif
