/* SPDX-License-Identifier: MIT */
/*
 * What the scheduler gives to whom, in the machine. The privileged domain is the judge: it sets what
 * its arguments say for each domain n, waits a second, and looks how much they run in the next
 * `seconds`.
 *	w<n>= c<n>=	weight and cap of domain n
 *	p<n>=		what it should get: of 10,000 parts of what all of them get or, with
 *			`alone`, of one processor's time
 *	within=		% of that
 * Others: `burn`, their vCPUs run always; `wake`, works for `work` microseconds every `period`, `count`
 * times, then says how long it waited for the processor; both: vCPU 0 burns, vCPU 1 is woken.
 */
#include <xen/domctl.h>

#include "guest.h"

#define DOMAINS 16
#define TICK_NS 10000UL /* waits are counted in so much */
#define TICKS 2000
#define LATE_NS MS /* what one of a hundred may wait */

static long domctl(struct xen_domctl *op, u32 cmd, u16 domain)
{
	op->cmd = cmd;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = domain;
	return HC(domctl, op, 0, 0, 0);
}

static u64 arg_of(char letter, unsigned n, u64 otherwise)
{
	char name[8];

	format(name, sizeof(name), "%c%u", letter, n);
	return arg_num(name, otherwise);
}

static void set_share(unsigned n)
{
	struct xen_domctl op = { 0 };

	op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
	op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	op.u.scheduler_op.u.credit2.weight = (u16)arg_of('w', n, 256);
	op.u.scheduler_op.u.credit2.cap = (u16)arg_of('c', n, 0);
	check_rc("its share", domctl(&op, XEN_DOMCTL_scheduler_op, (u16)n), 0);
}

static u64 cpu_time(unsigned n)
{
	struct xen_domctl op = { 0 };

	if (!check_rc("is there", domctl(&op, XEN_DOMCTL_getdomaininfo, (u16)n), 0))
		return 0;
	return op.u.getdomaininfo.cpu_time;
}

static void sleep_until(u64 at)
{
	while (now() < at) {
		events_off(); /* a timer that is over before we block must still be pending then */
		HC(set_timer_op, at, 0, 0, 0);
		sched_op(SCHEDOP_block, NULL);
	}
}

static void judge(void)
{
	u64 before[DOMAINS] = { 0 }, got[DOMAINS] = { 0 }, all = 0, from, want;
	u64 seconds = arg_num("seconds", 10), within = arg_num("within", 3);
	unsigned n;

	for (n = 1; n < DOMAINS && arg_of('p', n, 0); n++)
		set_share(n);
	sleep_until(now() + 1000 * MS);
	from = now();
	while (n-- > 1)
		before[n] = cpu_time(n);
	sleep_until(from + seconds * 1000 * MS);
	for (n = 1; n < DOMAINS && arg_of('p', n, 0); n++) {
		got[n] = cpu_time(n) - before[n];
		all += got[n];
	}
	if (arg("alone"))
		all = now() - from;
	while (n-- > 1) {
		u64 part = got[n] * 10000 / all;

		want = arg_of('p', n, 0);
		report(part * 100 <= want * (100 + within) && part * 100 >= want * (100 - within),
		       "its share", "domain %u has %lu of 10000, wanted %lu", n, part, want);
	}
}

static void burn(void)
{
	for (;;)
		barrier();
}

static void spend(u64 ns)
{
	u64 until = now() + ns;

	while (now() < until)
		;
}

static void wake(void)
{
	static u32 waited[TICKS + 1];
	u64 work = arg_num("work", 50) * 1000, period = arg_num("period", 1000) * 1000;
	unsigned count = (unsigned)arg_num("count", 10000), i, seen = 0;
	u64 next = now() + 1000 * MS, ns;

	for (i = 0; i < count; i++, next += period) {
		sleep_until(next);
		ns = now() - next;
		waited[ns / TICK_NS < TICKS ? ns / TICK_NS : TICKS]++;
		spend(work);
		if (now() > next + period) /* too late for that one */
			next = now();
	}
	for (i = 0; i < TICKS && seen + waited[i] < count - count / 100; i++)
		seen += waited[i];
	report(i * TICK_NS <= LATE_NS, "runs soon", "99 of 100 wait %lu us at most",
	       i * TICK_NS / 1000);
	guest_exit();
}

void test_main(void)
{
	struct evtchn_bind_virq b = { .virq = VIRQ_TIMER };
	u32 id;

	if (arg("burn")) {
		for (id = 1; have_cpu(id); id++)
			check_rc("a processor more", cpu_start(id, arg("wake") ? wake : burn), 0);
		burn();
	}
	check_rc("timer", evtchn_op(EVTCHNOP_bind_virq, &b), 0);
	port_unmask(b.port);
	if (privileged)
		judge();
	else
		wake();
}
