/* SPDX-License-Identifier: MIT */
/* Lies about events and scheduling. */
#include "liar.h"

static void interdomain(void)
{
	AS(struct evtchn_bind_interdomain)->remote_dom = DOMID_SELF;
	AS(struct evtchn_bind_interdomain)->remote_port = 3000;
}

static void unbound(void)
{
	AS(struct evtchn_alloc_unbound)->dom = DOMID_SELF;
	AS(struct evtchn_alloc_unbound)->remote_dom = DOMID_SELF;
}

static void status(void)
{
	AS(struct evtchn_status)->dom = DOMID_SELF;
	AS(struct evtchn_status)->port = 5;
}

static void virq(void)
{
	AS(struct evtchn_bind_virq)->virq = VIRQ_DEBUG;
}

static void pirq(void)
{
	AS(struct evtchn_bind_pirq)->pirq = 200000;
}

static void control(void)
{
	AS(struct evtchn_init_control)->control_gfn = plain_mfn;
	AS(struct evtchn_init_control)->offset = 4092; /* crosses the end: never accepted */
}

static void array(void)
{
	AS(struct evtchn_expand_array)->array_gfn = plain_mfn;
}

static void port(void)
{
	AS(u32)[0] = 3000;
}

static void bind_vcpu(void)
{
	u32 other, p = loop_ports(&other);

	AS(struct evtchn_bind_vcpu)->port = p;
}

static void reset(void)
{
	AS(struct evtchn_reset)->dom = 0x1234;
}

static void poll(void)
{
	struct sched_poll *p = AS(struct sched_poll);

	p->ports = (evtchn_port_t *)list;
	p->nr_ports = 1;
	p->timeout = 1;
	*(u32 *)list = 3000000;
}

static void remote(void)
{
	AS(struct sched_remote_shutdown)->domain_id = 0x1234;
}

static void dog(void)
{
	AS(struct sched_watchdog)->id = 77;
	AS(struct sched_watchdog)->timeout = 5;
}

static void pin(void)
{
	AS(struct sched_pin_override)->pcpu = -1;
}

const struct row event_rows[] = {

	ROW(event_channel_op, EVTCHNOP_bind_interdomain, OP, 0, interdomain,
	    ARG_PTR(1, OUT, struct evtchn_bind_interdomain, "arg"),
	    F(struct evtchn_bind_interdomain, remote_dom, DOM),
	    F(struct evtchn_bind_interdomain, remote_port, PORT)),
	ROW(event_channel_op, EVTCHNOP_bind_virq, OP, 0, virq,
	    ARG_PTR(1, OUT, struct evtchn_bind_virq, "arg"), F(struct evtchn_bind_virq, virq, NUM),
	    F(struct evtchn_bind_virq, vcpu, VCPU)),
	ROW(event_channel_op, EVTCHNOP_bind_pirq, OP, 0, pirq,
	    ARG_PTR(1, OUT, struct evtchn_bind_pirq, "arg"), F(struct evtchn_bind_pirq, pirq, NUM)),
	ROW(event_channel_op, EVTCHNOP_close, OP, 0, port,
	    ARG_PTR(1, IN, struct evtchn_close, "arg"), F(struct evtchn_close, port, PORT)),
	ROW(event_channel_op, EVTCHNOP_send, OP, 0, port, ARG_PTR(1, IN, struct evtchn_send, "arg"),
	    F(struct evtchn_send, port, PORT)),

	ROW(event_channel_op, EVTCHNOP_status, OP, 0, status,
	    ARG_PTR(1, OUT, struct evtchn_status, "arg"), F(struct evtchn_status, dom, DOM),
	    F(struct evtchn_status, port, PORT | MAY)),
	ROW(event_channel_op, EVTCHNOP_alloc_unbound, OP, 0, unbound,
	    ARG_PTR(1, OUT, struct evtchn_alloc_unbound, "arg"),
	    F(struct evtchn_alloc_unbound, dom, DOM),
	    F(struct evtchn_alloc_unbound, remote_dom, DOM | MAY)),

	ROW(event_channel_op, EVTCHNOP_bind_ipi, OP, 0, NULL,
	    ARG_PTR(1, OUT, struct evtchn_bind_ipi, "arg"), F(struct evtchn_bind_ipi, vcpu, VCPU)),
	ROW(event_channel_op, EVTCHNOP_bind_vcpu, OP, 0, bind_vcpu,
	    ARG_PTR(1, IN, struct evtchn_bind_vcpu, "arg"), F(struct evtchn_bind_vcpu, port, PORT),
	    F(struct evtchn_bind_vcpu, vcpu, VCPU)),
	ROW(event_channel_op, EVTCHNOP_unmask, OP, 0, port,
	    ARG_PTR(1, IN, struct evtchn_unmask, "arg"), F(struct evtchn_unmask, port, PORT | MAY)),

	ROW(event_channel_op, EVTCHNOP_reset, OP, 0, reset,
	    ARG_PTR(1, IN, struct evtchn_reset, "arg"), F(struct evtchn_reset, dom, DOM)),
	ROW(event_channel_op, EVTCHNOP_init_control, OP, 0, control,
	    ARG_PTR(1, IN, struct evtchn_init_control, "arg"),
	    F(struct evtchn_init_control, control_gfn, MFN),
	    F(struct evtchn_init_control, offset, NUM), F(struct evtchn_init_control, vcpu, VCPU)),
	ROW(event_channel_op, EVTCHNOP_expand_array, OP, 0, array,
	    ARG_PTR(1, IN, struct evtchn_expand_array, "arg"),
	    F(struct evtchn_expand_array, array_gfn, MFN)),

	ROW(event_channel_op, EVTCHNOP_set_priority, OP, 0, port,
	    ARG_PTR(1, IN, struct evtchn_set_priority, "arg"),
	    F(struct evtchn_set_priority, port, PORT),
	    F(struct evtchn_set_priority, priority, NUM)),
	ROW(event_channel_op, 14, OP, 0, port, ARG(0, CMD, "cmd"), ARG_PTR(1, OUT, u64, "arg")),

	ROW(sched_op, SCHEDOP_yield, OP, 0, NULL, ARG(1, CANON | MAY, "arg")),
	ROW(sched_op, SCHEDOP_shutdown, OP, 0, NULL, ARG_PTR(1, IN, struct sched_shutdown, "arg")),

	ROW(sched_op, SCHEDOP_poll, OP, 0, poll, ARG_PTR(1, IN, struct sched_poll, "arg"),
	    F(struct sched_poll, ports, IN), F(struct sched_poll, nr_ports, SIZE),
	    LIST(4, NUM, "port")),
	ROW(sched_op, SCHEDOP_remote_shutdown, OP, 0, remote,
	    ARG_PTR(1, IN, struct sched_remote_shutdown, "arg"),
	    F(struct sched_remote_shutdown, domain_id, DOM)),

	ROW(sched_op, SCHEDOP_shutdown_code, OP, 0, NULL,
	    ARG_PTR(1, IN, struct sched_shutdown, "arg")),

	ROW(sched_op, SCHEDOP_watchdog, OP, 0, dog, ARG_PTR(1, IN, struct sched_watchdog, "arg"),
	    F(struct sched_watchdog, id, NUM)),

	ROW(sched_op, SCHEDOP_pin_override, OP, PRIV, pin,
	    ARG_PTR(1, IN, struct sched_pin_override, "arg"),
	    F(struct sched_pin_override, pcpu, NUM | MAY)),

	ROW(sched_op, 99, OP, 0, NULL,
	    ARG(0, CMD,
		"cm"
		"d")),
	{ 0 },
};
