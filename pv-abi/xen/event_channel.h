/* SPDX-License-Identifier: MIT */
/* event_channel_op: one-bit notifications between domains, from devices and from timers. */

#ifndef PV_ABI_XEN_EVENT_CHANNEL_H
#define PV_ABI_XEN_EVENT_CHANNEL_H

#include "xen.h"

/*
 * A port is a bit that goes pending. When it does and is not masked, the vCPU it is bound to
 * gets evtchn_upcall_pending, and the event callback unless evtchn_upcall_mask is set. The
 * guest clears the bit before it looks for the work. An event on a masked port stays pending
 * without a callback: use EVTCHNOP_unmask, or look for yourself after unmasking.
 *
 * event_channel_op(cmd, arg): By any domain for its own ports, unless said otherwise.
 */

typedef uint32_t evtchn_port_t;

/*
 * EVTCHNOP_bind_interdomain: connect a new local port to a port that remote_dom holds open for
 * the caller. The new port is pending at once, for the case that something was sent before.
 * Err:	-ESRCH	no such domain
 *	-EINVAL	remote_port does not exist, is not unbound, or waits for another domain
 *	-ENOSPC	no free port
 */
#define EVTCHNOP_bind_interdomain	0
struct evtchn_bind_interdomain {
	domid_t remote_dom;		/* IN, DOMID_SELF too */
	uint16_t _pad0;
	evtchn_port_t remote_port;	/* IN */
	evtchn_port_t local_port;	/* OUT */
};
typedef struct evtchn_bind_interdomain evtchn_bind_interdomain_t;
PV_ABI_SIZE(struct evtchn_bind_interdomain, 12);
PV_ABI_AT(struct evtchn_bind_interdomain, remote_dom, 0);
PV_ABI_AT(struct evtchn_bind_interdomain, remote_port, 4);
PV_ABI_AT(struct evtchn_bind_interdomain, local_port, 8);

/*
 * EVTCHNOP_bind_virq: a new port for a virtual interrupt (VIRQ_* in xen.h).
 * Err:	-EINVAL	no such virq, or a global one on another vCPU than 0
 *	-ENOENT	no such vCPU
 *	-EEXIST	bound already (per vCPU, or per domain if global)
 *	-ENOSPC	no free port
 */
#define EVTCHNOP_bind_virq		1
struct evtchn_bind_virq {
	uint32_t virq;			/* IN VIRQ_* */
	uint32_t vcpu;			/* IN */
	evtchn_port_t port;		/* OUT */
};
typedef struct evtchn_bind_virq evtchn_bind_virq_t;
PV_ABI_SIZE(struct evtchn_bind_virq, 12);
PV_ABI_AT(struct evtchn_bind_virq, virq, 0);
PV_ABI_AT(struct evtchn_bind_virq, vcpu, 4);
PV_ABI_AT(struct evtchn_bind_virq, port, 8);

/*
 * EVTCHNOP_bind_pirq: a new port for a physical interrupt that PHYSDEVOP_map_pirq has mapped.
 * By:	a domain that was given the interrupt
 * Err:	-EINVAL	no such pirq, or not mapped
 *	-EPERM	not given to this domain
 *	-EEXIST	bound already
 *	-EBUSY	the line is in use and not shared
 *	-ENOSPC	no free port
 *	-ENOMEM
 */
#define EVTCHNOP_bind_pirq		2
#define BIND_PIRQ__WILL_SHARE		1
struct evtchn_bind_pirq {
	uint32_t pirq;			/* IN */
	uint32_t flags;			/* IN BIND_PIRQ__* */
	evtchn_port_t port;		/* OUT */
};
typedef struct evtchn_bind_pirq evtchn_bind_pirq_t;
PV_ABI_SIZE(struct evtchn_bind_pirq, 12);
PV_ABI_AT(struct evtchn_bind_pirq, pirq, 0);
PV_ABI_AT(struct evtchn_bind_pirq, flags, 4);
PV_ABI_AT(struct evtchn_bind_pirq, port, 8);

/*
 * EVTCHNOP_close: free a port. The other end of a connection becomes unbound, waiting for the
 * closing domain again.
 * Err:	-EINVAL	no such port, not open, or the hypervisor's own
 */
#define EVTCHNOP_close			3
struct evtchn_close {
	evtchn_port_t port;		/* IN */
};
typedef struct evtchn_close evtchn_close_t;
PV_ABI_SIZE(struct evtchn_close, 4);
PV_ABI_AT(struct evtchn_close, port, 0);

/*
 * EVTCHNOP_send: make the other end pending. To an unbound port: no effect, no error.
 * Err:	-EINVAL	no such port, or neither interdomain, unbound nor an IPI
 */
#define EVTCHNOP_send			4
struct evtchn_send {
	evtchn_port_t port;		/* IN */
};
typedef struct evtchn_send evtchn_send_t;
PV_ABI_SIZE(struct evtchn_send, 4);
PV_ABI_AT(struct evtchn_send, port, 0);

/*
 * EVTCHNOP_status: what a port is.
 * By:	any domain for its own; the privileged domain for any
 * Err:	-ESRCH	no such domain
 *	-EINVAL	no such port
 */
#define EVTCHNOP_status			5
#define EVTCHNSTAT_closed		0	/* free */
#define EVTCHNSTAT_unbound		1	/* waits for u.unbound.dom */
#define EVTCHNSTAT_interdomain		2	/* connected to u.interdomain */
#define EVTCHNSTAT_pirq			3	/* physical interrupt u.pirq */
#define EVTCHNSTAT_virq			4	/* virtual interrupt u.virq */
#define EVTCHNSTAT_ipi			5	/* between vCPUs */
struct evtchn_status {
	domid_t dom;			/* IN, DOMID_SELF too */
	uint16_t _pad0;
	evtchn_port_t port;		/* IN */
	uint32_t status;		/* OUT EVTCHNSTAT_* */
	uint32_t vcpu;			/* OUT the vCPU it notifies */
	union {
		struct {
			domid_t dom;
		} unbound;
		struct {
			domid_t dom;
			uint16_t _pad1;
			evtchn_port_t port;
		} interdomain;
		uint32_t pirq;
		uint32_t virq;
	} u;				/* OUT */
};
typedef struct evtchn_status evtchn_status_t;
PV_ABI_SIZE(struct evtchn_status, 24);
PV_ABI_AT(struct evtchn_status, dom, 0);
PV_ABI_AT(struct evtchn_status, port, 4);
PV_ABI_AT(struct evtchn_status, status, 8);
PV_ABI_AT(struct evtchn_status, vcpu, 12);
PV_ABI_AT(struct evtchn_status, u, 16);
PV_ABI_AT(struct evtchn_status, u.unbound, 16);
PV_ABI_AT(struct evtchn_status, u.unbound.dom, 16);
PV_ABI_AT(struct evtchn_status, u.interdomain, 16);
PV_ABI_AT(struct evtchn_status, u.interdomain.dom, 16);
PV_ABI_AT(struct evtchn_status, u.interdomain.port, 20);
PV_ABI_AT(struct evtchn_status, u.pirq, 16);
PV_ABI_AT(struct evtchn_status, u.virq, 16);

/*
 * EVTCHNOP_alloc_unbound: a new port of dom that remote_dom may connect to.
 * By:	any domain for itself; the privileged domain for any
 * Err:	-ESRCH	no such dom
 *	-EINVAL	it has no vCPU 0 yet, who is to be notified
 *	-ENOSPC	no free port
 *	-ENOMEM
 */
#define EVTCHNOP_alloc_unbound		6
struct evtchn_alloc_unbound {
	domid_t dom, remote_dom;	/* IN, DOMID_SELF too */
	evtchn_port_t port;		/* OUT */
};
typedef struct evtchn_alloc_unbound evtchn_alloc_unbound_t;
PV_ABI_SIZE(struct evtchn_alloc_unbound, 8);
PV_ABI_AT(struct evtchn_alloc_unbound, dom, 0);
PV_ABI_AT(struct evtchn_alloc_unbound, remote_dom, 2);
PV_ABI_AT(struct evtchn_alloc_unbound, port, 4);

/*
 * EVTCHNOP_bind_ipi: a new port that EVTCHNOP_send makes pending on the given vCPU, for good.
 * Err:	-ENOENT	no such vCPU
 *	-ENOSPC	no free port
 */
#define EVTCHNOP_bind_ipi		7
struct evtchn_bind_ipi {
	uint32_t vcpu;			/* IN */
	evtchn_port_t port;		/* OUT */
};
typedef struct evtchn_bind_ipi evtchn_bind_ipi_t;
PV_ABI_SIZE(struct evtchn_bind_ipi, 8);
PV_ABI_AT(struct evtchn_bind_ipi, vcpu, 0);
PV_ABI_AT(struct evtchn_bind_ipi, port, 4);

/*
 * EVTCHNOP_bind_vcpu: which vCPU a port notifies. New ports notify vCPU 0.
 * Err:	-ENOENT	no such vCPU
 *	-EINVAL	no such port; an IPI or per-vCPU VIRQ, which cannot move
 */
#define EVTCHNOP_bind_vcpu		8
struct evtchn_bind_vcpu {
	evtchn_port_t port;		/* IN */
	uint32_t vcpu;			/* IN */
};
typedef struct evtchn_bind_vcpu evtchn_bind_vcpu_t;
PV_ABI_SIZE(struct evtchn_bind_vcpu, 8);
PV_ABI_AT(struct evtchn_bind_vcpu, port, 0);
PV_ABI_AT(struct evtchn_bind_vcpu, vcpu, 4);

/*
 * EVTCHNOP_unmask: clear the port's mask and notify if it is pending.
 * Err:	-EINVAL	no such port
 */
#define EVTCHNOP_unmask			9
struct evtchn_unmask {
	evtchn_port_t port;		/* IN */
};
typedef struct evtchn_unmask evtchn_unmask_t;
PV_ABI_SIZE(struct evtchn_unmask, 4);
PV_ABI_AT(struct evtchn_unmask, port, 0);

/*
 * EVTCHNOP_reset: close all ports; for oneself, go back to the two-level ABI too.
 * By:	any domain for itself; the privileged domain for any
 * Err:	-ESRCH	no such domain
 */
#define EVTCHNOP_reset			10
struct evtchn_reset {
	domid_t dom;			/* IN, DOMID_SELF too */
};
typedef struct evtchn_reset evtchn_reset_t;
PV_ABI_SIZE(struct evtchn_reset, 2);
PV_ABI_AT(struct evtchn_reset, dom, 0);

/*
 * EVTCHNOP_init_control: the FIFO control block of one vCPU; the first call switches the domain
 * to the FIFO ABI. What is pending then is lost: call it before binding anything.
 * Err:	-ENOENT	no such vCPU
 *	-EINVAL	offset not a multiple of 8 or too near the page's end; not a frame of the
 *		domain, or not writable; the vCPU has a control block
 *	-ENOMEM
 */
#define EVTCHNOP_init_control		11
struct evtchn_init_control {
	uint64_t control_gfn;		/* IN */
	uint32_t offset;		/* IN */
	uint32_t vcpu;			/* IN */
	uint8_t link_bits;		/* OUT EVTCHN_FIFO_LINK_BITS */
	uint8_t _pad[7];
};
typedef struct evtchn_init_control evtchn_init_control_t;
PV_ABI_SIZE(struct evtchn_init_control, 24);
PV_ABI_AT(struct evtchn_init_control, control_gfn, 0);
PV_ABI_AT(struct evtchn_init_control, offset, 8);
PV_ABI_AT(struct evtchn_init_control, vcpu, 12);
PV_ABI_AT(struct evtchn_init_control, link_bits, 16);

/*
 * EVTCHNOP_expand_array: one more page of event words.
 * Err:	-EOPNOTSUPP	the domain uses the two-level ABI
 *	-EINVAL	not a frame of the domain, or not writable
 *	-ENOSPC	the array has its full size
 *	-ENOMEM
 */
#define EVTCHNOP_expand_array		12
struct evtchn_expand_array {
	uint64_t array_gfn;		/* IN */
};
typedef struct evtchn_expand_array evtchn_expand_array_t;
PV_ABI_SIZE(struct evtchn_expand_array, 8);
PV_ABI_AT(struct evtchn_expand_array, array_gfn, 0);

/*
 * EVTCHNOP_set_priority
 * Err:	-ENOSYS	the domain uses the two-level ABI
 *	-EINVAL	no such port, or priority beyond EVTCHN_FIFO_PRIORITY_MIN
 *	-EACCES	the port is free
 */
#define EVTCHNOP_set_priority		13
struct evtchn_set_priority {
	evtchn_port_t port;		/* IN */
	uint32_t priority;		/* IN 0 (first) to 15 (last) */
};
typedef struct evtchn_set_priority evtchn_set_priority_t;
PV_ABI_SIZE(struct evtchn_set_priority, 8);
PV_ABI_AT(struct evtchn_set_priority, port, 0);
PV_ABI_AT(struct evtchn_set_priority, priority, 4);

/*	14 is used inside the hypervisor and refused from a guest */

/* Argument of the retired event_channel_op_compat. */
struct evtchn_op {
	uint32_t cmd;			/* IN EVTCHNOP_* */
	union {
		evtchn_alloc_unbound_t alloc_unbound;
		evtchn_bind_interdomain_t bind_interdomain;
		evtchn_bind_virq_t bind_virq;
		evtchn_bind_pirq_t bind_pirq;
		evtchn_bind_ipi_t bind_ipi;
		evtchn_close_t close;
		evtchn_send_t send;
		evtchn_status_t status;
		evtchn_bind_vcpu_t bind_vcpu;
		evtchn_unmask_t unmask;
	} u;
};
typedef struct evtchn_op evtchn_op_t;
PV_ABI_SIZE(struct evtchn_op, 28);
PV_ABI_AT(struct evtchn_op, cmd, 0);
PV_ABI_AT(struct evtchn_op, u, 4);

/*
 * The two-level ABI: shared_info.evtchn_pending and evtchn_mask, bit n for port n. The
 * hypervisor sets the bit, then bit n / 64 of vcpu_info.evtchn_pending_sel, then
 * evtchn_upcall_pending; the guest goes the other way.
 */
#define EVTCHN_2L_NR_CHANNELS	(sizeof(xen_ulong_t) * sizeof(xen_ulong_t) * 64)

/*
 * The FIFO ABI: an event word for each port; words that are pending are linked to queues, one
 * for each priority and vCPU, whose heads are in the control block. Bit n of ready says that
 * queue n has something.
 */
#define EVTCHN_FIFO_PRIORITY_MAX	0
#define EVTCHN_FIFO_PRIORITY_DEFAULT	7
#define EVTCHN_FIFO_PRIORITY_MIN	15
#define EVTCHN_FIFO_MAX_QUEUES		(EVTCHN_FIFO_PRIORITY_MIN + 1)

typedef uint32_t event_word_t;

/* Bits of an event word. */
#define EVTCHN_FIFO_PENDING		31	/* set by the hypervisor, cleared by the guest */
#define EVTCHN_FIFO_MASKED		30	/* the guest's; the hypervisor clears on unmask */
#define EVTCHN_FIFO_LINKED		29	/* it is in a queue */
#define EVTCHN_FIFO_BUSY		28	/* the hypervisor is about to link it */

/* Low bits: the next port of the queue, or 0. */
#define EVTCHN_FIFO_LINK_BITS		17
#define EVTCHN_FIFO_LINK_MASK		((1 << EVTCHN_FIFO_LINK_BITS) - 1)
#define EVTCHN_FIFO_NR_CHANNELS		(1 << EVTCHN_FIFO_LINK_BITS)

struct evtchn_fifo_control_block {
	uint32_t ready;			/* set by the hypervisor, cleared by the guest */
	uint32_t _rsvd;
	uint32_t head[EVTCHN_FIFO_MAX_QUEUES]; /* set when a queue was empty, moved by the guest */
};
typedef struct evtchn_fifo_control_block evtchn_fifo_control_block_t;
PV_ABI_SIZE(struct evtchn_fifo_control_block, 72);
PV_ABI_AT(struct evtchn_fifo_control_block, ready, 0);
PV_ABI_AT(struct evtchn_fifo_control_block, head, 8);

#endif /* PV_ABI_XEN_EVENT_CHANNEL_H */
