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

enum port_state {
	PORT_FREE,
	PORT_RESERVED,
	PORT_UNBOUND,
	PORT_INTERDOMAIN,
	PORT_PIRQ,
	PORT_VIRQ,
	PORT_IPI
};

struct evtchn {
	spinlock_t lock;
	u8 state;    /* [lock + E to change] PORT_* */
	u8 priority; /* [lock + E to change] FIFO: queue to go to */
	u16 vcpu;    /* [lock + E to change, a] who is notified */
	u32 port;    /* [I] */
	union {
		u32 next_free;    /* PORT_FREE [E] */
		u32 remote_port;  /* PORT_INTERDOMAIN [lock + E to change] */
		u32 nr;           /* PORT_PIRQ, PORT_VIRQ: which */
		u32 remote_domid; /* PORT_UNBOUND: who may connect */
	};
	struct domain *remote; /* PORT_INTERDOMAIN: valid while bound */
	bool pending;          /* [a] FIFO: went pending before there was an event word for it */
	u8 last_priority;      /* [fifo->lock] FIFO: the queue it was last linked to */
	u16 last_vcpu;
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
	event_word_t *
		array[MAX_PORTS_FIFO / WORDS_PER_PAGE]; /* guest memory, writable references held */
};

/* Any number may be asked: NULL when there is no room for such a port. */
static inline struct evtchn *evtchn_from_port(const struct domain *d, u32 port)
{
	if (unlikely(port >= __atomic_load_n(&d->nr_evtchns, __ATOMIC_ACQUIRE)))
		return NULL;
	return &d->evtchn[port / PORTS_PER_BUCKET][port % PORTS_PER_BUCKET];
}

/* The other end of an interdomain port whose lock is held. */
static inline struct evtchn *evtchn_other_end(const struct evtchn *chn)
{
	u32 port = chn->remote_port;

	return &chn->remote->evtchn[port / PORTS_PER_BUCKET][port % PORTS_PER_BUCKET];
}

/* Something is pending for v: upcall, once. */
void vcpu_mark_events_pending(struct vcpu *v);
/* For evtchn_set_pending(): wake who polls `port` of d. */
void evtchn_wake_pollers(struct domain *d, u32 port);

/* ---- event_2l.c ---- */
void evtchn_2l_unmask(struct domain *d, struct evtchn *chn);
bool evtchn_2l_is_pending(const struct domain *d, u32 port);
bool evtchn_2l_is_masked(const struct domain *d, u32 port);
void evtchn_2l_clear_pending(struct domain *d, u32 port);

/* ---- event_fifo.c ---- */
void evtchn_fifo_set_pending(struct domain *d, struct evtchn *chn);
void evtchn_fifo_unmask(struct domain *d, struct evtchn *chn);
bool evtchn_fifo_is_pending(const struct domain *d, u32 port);
bool evtchn_fifo_is_masked(const struct domain *d, u32 port);
void evtchn_fifo_clear_pending(struct domain *d, u32 port);
/* May a free port be handed out? Not while the guest still has its old word in a queue. */
bool evtchn_fifo_is_busy(const struct domain *d, u32 port);
/* [event_lock] */
int evtchn_fifo_init_control(struct domain *d, struct evtchn_init_control *op);
int evtchn_fifo_expand_array(struct domain *d, u64 mfn);
/* Back to 2-level; no port is bound. [event_lock] */
void evtchn_fifo_destroy(struct domain *d);

/* ---- all that a sender does, in line ---- */

/* The bit of v's summary for a port that is pending and not masked. */
static inline void evtchn_2l_tell(struct vcpu *v, u32 port)
{
	if (!bit_test_and_set(&v->vcpu_info->evtchn_pending_sel, port / 64))
		vcpu_mark_events_pending(v);
}

/*
 * The port of d went pending: tell the guest, in its ABI. The caller's lock keeps the port bound.
 */
static inline void evtchn_set_pending(struct domain *d, struct evtchn *chn)
{
	struct vcpu *v = d->vcpu[READ_ONCE(chn->vcpu)];
	struct shared_info *s = d->shared_info;
	u32 port = chn->port;

	_Static_assert(BITMAP_WORDS(MAX_VCPUS) == 2, "the test below");

	if (unlikely(!v))
		return;
	if (__atomic_load_n(&d->fifo, __ATOMIC_ACQUIRE))
		evtchn_fifo_set_pending(d, chn);
	else if (!bit_test_and_set(s->evtchn_pending, port) && !bit_test(s->evtchn_mask, port))
		evtchn_2l_tell(v, port);
	if (unlikely(READ_ONCE(d->poll_mask[0]) | READ_ONCE(d->poll_mask[1])))
		evtchn_wake_pollers(d, port);
}

#endif
