/* SPDX-License-Identifier: MIT */
/* Honest: event channels, timers, scheduling. */
#include "honest.h"

static struct cpu *c;

static u32 status_of(u32 port, struct evtchn_status *st)
{
	*st = (struct evtchn_status){ .dom = DOMID_SELF, .port = port };
	if (evtchn_op(EVTCHNOP_status, st))
		return 99;
	return st->status;
}

static long close_port(u32 port)
{
	struct evtchn_close cl = { port };

	port_count[port] = 0;
	return evtchn_op(EVTCHNOP_close, &cl);
}

static void interdomain(void)
{
	u32 other = 0, port = loop_ports(&other);
	struct evtchn_send send = { other };
	struct evtchn_unmask un = { port };
	struct evtchn_status st;

	report(port && other && port != other, "an interdomain pair", "%u %u", port, other);
	check(status_of(port, &st) == EVTCHNSTAT_interdomain && st.u.interdomain.port == other,
	      "its status");
	port_mask(port), port_clear(port), port_clear(other);
	check_rc("send", evtchn_op(EVTCHNOP_send, &send), 0);
	check(port_pending(port) && !port_count[port], "pending while masked");
	events_on();
	check(!port_count[port], "no upcall for a masked port");
	check_rc("unmask", evtchn_op(EVTCHNOP_unmask, &un), 0);
	check(port_count[port] == 1 && !port_pending(port), "upcall on unmask");
	check_rc("send unmasked", evtchn_op(EVTCHNOP_send, &send), 0);
	check(port_count[port] == 2, "upcall on send");
	events_off();
	check_rc("send with upcalls off", evtchn_op(EVTCHNOP_send, &send), 0);
	check(port_count[port] == 2 && c->vi->evtchn_upcall_pending, "it waits");
	c->vi->evtchn_upcall_mask = 0;
	barrier();
	check(port_count[port] == 2, "clearing the mask alone delivers nothing");
	version_op(XENVER_version, NULL);
	check(port_count[port] == 3, "the way out of any call delivers");
	events_off();
	check_rc("close", close_port(port), 0);
	check(status_of(other, &st) == EVTCHNSTAT_unbound, "the other end is unbound now");
	check_rc("close the other", close_port(other), 0);
	check(status_of(other, &st) == EVTCHNSTAT_closed, "closed");
}

static void other_kinds(void)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };
	struct evtchn_bind_virq virq = { .virq = VIRQ_DEBUG, .vcpu = 0 };
	struct evtchn_bind_vcpu bv;
	struct evtchn_send send;
	struct evtchn_status st;
	struct evtchn_set_priority prio;

	check_rc("bind_ipi", evtchn_op(EVTCHNOP_bind_ipi, &ipi), 0);
	check(status_of(ipi.port, &st) == EVTCHNSTAT_ipi && st.vcpu == 0, "IPI status");
	port_unmask(ipi.port);
	events_on();
	send.port = ipi.port;
	check_rc("send an IPI to oneself", evtchn_op(EVTCHNOP_send, &send), 0);
	check(port_count[ipi.port] == 1, "it came");
	events_off();
	bv.port = ipi.port;
	bv.vcpu = 0;
	check_rc("an IPI cannot move", evtchn_op(EVTCHNOP_bind_vcpu, &bv), -XEN_EINVAL);
	close_port(ipi.port);
	check_rc("bind_virq DEBUG", evtchn_op(EVTCHNOP_bind_virq, &virq), 0);
	check(status_of(virq.port, &st) == EVTCHNSTAT_virq && st.u.virq == VIRQ_DEBUG,
	      "VIRQ status");
	check_rc("bound once only", evtchn_op(EVTCHNOP_bind_virq, &virq), -XEN_EEXIST);
	prio.port = virq.port;
	prio.priority = EVTCHN_FIFO_PRIORITY_MIN;
	check_rc("set_priority needs FIFO", evtchn_op(EVTCHNOP_set_priority, &prio), -XEN_ENOSYS);
	close_port(virq.port);
}

static void moving(void)
{
	u32 other = 0, port = loop_ports(&other);
	struct evtchn_bind_vcpu bv = { port, 0 };
	struct evtchn_reset reset = { DOMID_SELF };
	struct evtchn_status st;

	check_rc("bind_vcpu", evtchn_op(EVTCHNOP_bind_vcpu, &bv), 0);
	bv.vcpu = 127;
	check_rc("bind_vcpu to none", evtchn_op(EVTCHNOP_bind_vcpu, &bv), -XEN_ENOENT);
	check_rc("reset", evtchn_op(EVTCHNOP_reset, &reset), 0);
	check(status_of(port, &st) == EVTCHNSTAT_closed, "reset closes");
}

void test_events(void)
{
	c = this_cpu();
	interdomain();
	other_kinds();
	moving();
}

/* ---- time ---- */
static u32 timer_port(void)
{
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER, .vcpu = 0 };
	long rc = evtchn_op(EVTCHNOP_bind_virq, &virq);

	if (rc)
		die("no VIRQ_TIMER: %ld", rc);
	port_count[virq.port] = 0;
	port_unmask(virq.port);
	return virq.port;
}

static void in_time(const char *what, u64 asked, u64 came)
{
	report(came >= asked && came < asked + 500 * MS, what, "asked %lu came %lu", asked / 1000,
	       came / 1000);
}

void test_time(void)
{
	struct vcpu_set_singleshot_timer one = { 0 };
	struct vcpu_set_periodic_timer per = { 5 * MS };
	u64 t0 = now(), t;
	u32 port, n;
	long rc;

	c = this_cpu();
	t = now();
	report(t > t0, "the clock runs", "%lu ns", t - t0);
	report(sh->wc_sec > 1000000000 && !(sh->wc_version & 1), "wall clock", "%u s", sh->wc_sec);
	port = timer_port();
	events_on();
	t = now() + 10 * MS;
	check_rc("set_timer_op", HC(set_timer_op, t, 0, 0, 0), 0);
	check(wait_port(port, 1, 1000 * MS), "VIRQ_TIMER came");
	in_time("in time", t, now());
	n = port_count[port];
	check_rc("a time that has passed", HC(set_timer_op, 1, 0, 0, 0), 0);
	check(wait_port(port, n + 1, 1000 * MS), "comes at once");
	n = port_count[port];
	HC(set_timer_op, now() + 30 * MS, 0, 0, 0);
	check_rc("stop the timer", HC(set_timer_op, 0, 0, 0, 0), 0);
	one.timeout_abs_ns = now() + 10 * MS;
	check_rc("set_singleshot_timer", vcpu_op(VCPUOP_set_singleshot_timer, 0, &one), 0);
	check(wait_port(port, n + 1, 1000 * MS), "it came too");
	in_time("in time too", one.timeout_abs_ns, now());
	t = now() + 50 * MS;
	while (now() < t)
		barrier();
	report(port_count[port] == n + 1, "once, and the stopped one not", "%u",
	       port_count[port] - n);
	n = port_count[port];
	check_rc("set_periodic_timer", vcpu_op(VCPUOP_set_periodic_timer, 0, &per), 0);
	check(wait_port(port, n + 3, 2000 * MS), "three periods");
	check_rc("stop_periodic_timer", vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
	check_rc("stop_singleshot_timer", vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
	one.timeout_abs_ns = 1;
	one.flags = VCPU_SSHOTTMR_future;
	rc = vcpu_op(VCPUOP_set_singleshot_timer, 0,
		     &one); /* the flag has been ignored since 2022 */
	report(rc == 0 || rc == -XEN_ETIME, "a past time with the future flag", "rc %ld", rc);
	events_off();
	close_port(port);
}

void test_sched(void)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };
	struct sched_watchdog dog = { 0, 1000 };
	struct sched_shutdown code = { oracle ? SHUTDOWN_reboot : SHUTDOWN_poweroff };
	struct sched_pin_override pin = { -1 };
	struct sched_poll poll = { .nr_ports = 1 };
	u32 timer = timer_port();
	u64 t;
	long id, rc;

	c = this_cpu();
	check_rc("yield", sched_op(SCHEDOP_yield, NULL), 0);
	events_off();
	t = now() + 10 * MS;
	HC(set_timer_op, t, 0, 0, 0);
	check_rc("block", sched_op(SCHEDOP_block, NULL), 0);
	report(now() >= t && port_count[timer] == 1, "until the timer", "%u", port_count[timer]);
	check(!c->vi->evtchn_upcall_mask, "block takes the mask off");
	events_off();

	check_rc("bind_ipi", evtchn_op(EVTCHNOP_bind_ipi, &ipi), 0);
	poll.ports = &ipi.port;
	poll.timeout = t = now() + 10 * MS;
	check_rc("poll", sched_op(SCHEDOP_poll, &poll), 0);
	in_time("until its time-out", t, now());
	evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ ipi.port });
	poll.timeout = t = now() + 5000 * MS;
	check_rc("poll a pending port", sched_op(SCHEDOP_poll, &poll), 0);
	check(now() < t - 1000 * MS, "does not wait");
	port_clear(ipi.port);
	close_port(ipi.port);

	id = sched_op(SCHEDOP_watchdog, &dog);
	report(id > 0, "watchdog", "%ld", id);
	dog.id = (u32)id;
	check_rc("watchdog again", sched_op(SCHEDOP_watchdog, &dog), 0);
	dog.timeout = 0;
	check_rc("watchdog off", sched_op(SCHEDOP_watchdog, &dog), 0);
	check_rc("shutdown_code", sched_op(SCHEDOP_shutdown_code, &code), 0);
	pin.pcpu = 0;
	rc = sched_op(SCHEDOP_pin_override, &pin);
	report(privileged ? rc == 0 : rc == -XEN_EPERM, "pin_override", "rc %ld", rc);
	pin.pcpu = -1;
	rc = sched_op(SCHEDOP_pin_override, &pin);
	report(privileged ? rc == 0 : rc == -XEN_EPERM, "pin_override off", "rc %ld", rc);
	HC(set_timer_op, 0, 0, 0, 0);
	close_port(timer);
}

/* ---- FIFO ---- */
void test_fifo(void)
{
	struct evtchn_set_priority prio;
	u32 a, b, pa, pb;
	long rc;

	c = this_cpu();
	events_off();
	rc = fifo_start();
	check_rc("init_control and expand_array", rc, 0);
	if (rc)
		return;
	pa = loop_ports(&a);
	pb = loop_ports(&b);
	port_clear(pa), port_clear(pb), port_clear(a), port_clear(b);
	prio.port = pb;
	prio.priority = EVTCHN_FIFO_PRIORITY_MAX;
	check_rc("set_priority", evtchn_op(EVTCHNOP_set_priority, &prio), 0);
	port_count[pa] = port_count[pb] = 0;
	check_rc("FIFO send", evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ a }), 0);
	check(port_pending(pa), "FIFO pending while masked");
	events_on();
	check_rc("FIFO unmask", evtchn_op(EVTCHNOP_unmask, &(struct evtchn_unmask){ pa }), 0);
	report(port_count[pa] == 1, "FIFO upcall on unmask", "%u", port_count[pa]);
	evtchn_op(EVTCHNOP_unmask, &(struct evtchn_unmask){ pb });
	evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ b });
	evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ a });
	report(port_count[pa] == 2 && port_count[pb] == 1, "FIFO sends", "%u %u", port_count[pa],
	       port_count[pb]);
	events_off();
	for (unsigned i = 0; i < 3; i++) {
		evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ a });
		evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ b });
	}
	events_on();
	report(port_count[pa] == 3 && port_count[pb] == 2, "several are one", "%u %u",
	       port_count[pa], port_count[pb]);
	events_off();
}
