/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "core/console.h"
#include "core/event.h"
#include "host_core.h"

#include <xen/sched.h>

Test(core_domain, table)
{
	struct domain *d;
	unsigned n = 0;

	machine_up();
	cr_assert(hardware_domain == dom0 && dom0->id == 0);
	cr_assert(domu->id != domv->id && domu->id);
	d = domain_get(domu->id);
	cr_assert(d == domu);
	expect(d->refcount, 2);
	domain_put(d);
	cr_assert(!domain_get(1234));
	cr_assert(!domain_get(DOMID_XEN));
	d = domain_get_for(u0, DOMID_SELF);
	cr_assert(d == domu);
	domain_put(d);
	d = domain_get_for(u0, dom0->id);
	cr_assert(d == dom0);
	domain_put(d);
	for (d = domain_first(); d; d = domain_next(d))
		n++;
	expect(n, 3);
	cr_assert(domain_of_owner(DOMID_XEN) == dom_xen && domain_of_owner(DOMID_IO) == dom_io);
	cr_assert(!domain_of_owner(DOMID_INVALID) && domain_of_owner(0) == dom0);
}

Test(core_domain, creation_refused)
{
	machine_up();
	cr_assert(!domain_create(0, false, 1, 1, "again"));
	cr_assert(!domain_create(MAX_DOMID, false, 1, 1, "no such number"));
	cr_assert(!domain_create(-1, false, 0, 1, "no vCPU"));
	cr_assert(!domain_create(-1, false, MAX_VCPUS + 1, 1, "too many"));
	cr_assert(!vcpu_create(domu, 2, 0));
	cr_assert(!vcpu_create(domu, 0, 0));
	heap_is_empty = true;
	cr_assert(!domain_create(-1, false, 1, 1, "no memory"));
	cr_assert(!vcpu_create(dom0, 3, 0));
	heap_is_empty = false;
	cr_assert(vcpu_create(dom0, 3, 0));
}

static u64 free_before;

static void stop_and_reap(struct domain *d)
{
	u16 id = d->id;

	reap_all();
	cr_assert(!domain_get(id), "d%u is there still", id);
	cr_assert(!domain_of_owner(id));
	expect(heap_free_pages(), free_before);
}

static struct domain *born(void)
{
	struct domain *d = domain_create(-1, false, 2, 500, "mortal");

	d->auto_reap = true;
	cr_assert(vcpu_create(d, 0, 0) && vcpu_create(d, 1, 1));
	give_pages(d, 8);
	give_pages(d, 0);
	return d;
}

static struct domain *mortal(void)
{
	machine_up();
	free_before = heap_free_pages();
	return born();
}

Test(core_domain, killed_and_reaped)
{
	struct domain *d = mortal();
	struct evtchn_alloc_unbound au = { .dom = d->id, .remote_dom = 0 };

	expect_ret(EVTCHN(alloc_unbound, &au, v0), 0);
	put_on_cpu(d->vcpu[1]);
	relinquish_restarts = 3;
	domain_kill(d, "a lie");
	domain_kill(d, "another");
	cr_assert_str_eq(d->dead, "a lie");
	expect(d->shutdown_code, SHUTDOWN_crash);
	stop_and_reap(d);
}

/* Nothing is left behind, however many come and go. */
Test(core_domain, many_lives)
{
	u64 before;
	unsigned i;

	machine_up();
	before = heap_free_pages();
	for (i = 0; i < 60; i++) {
		struct domain *d = domain_create(-1, false, 2, 500, "mortal");
		struct evtchn_alloc_unbound au = { .dom = d->id, .remote_dom = 0 };

		d->auto_reap = true;
		cr_assert(vcpu_create(d, 0, 0) && vcpu_create(d, 1, 1));
		give_pages(d, 4);
		expect_ret(EVTCHN(alloc_unbound, &au, v0), 0);
		domain_kill(d, "its time has come");
		reap_all();
	}
	expect(heap_free_pages(), before);
}

Test(core_domain, waits_for_pages_mapped_by_others)
{
	struct domain *d = mortal();
	u64 mfn = give_pages(d, 0);
	u16 id = d->id;

	cr_assert(get_page(mfn_to_page(mfn), d));
	domain_hold(d); /* as a mapping does */
	domain_shutdown(d, SHUTDOWN_poweroff);
	reap_all();
	cr_assert(!domain_get(id) && domain_of_owner(id) == d);
	expect(d->tot_pages, 1);
	put_page(mfn_to_page(mfn));
	domain_put(d);
	stop_and_reap(d);
}

/* The last one may be an entry of a page table that goes, which holds no domain. */
Test(core_domain, goes_when_the_last_page_is_let_go)
{
	struct domain *d = mortal();
	u64 mfn = give_pages(d, 0);

	cr_assert(get_page(mfn_to_page(mfn), d));
	domain_shutdown(d, SHUTDOWN_poweroff);
	reap_all();
	expect(d->tot_pages, 1);
	put_page(mfn_to_page(mfn));
	stop_and_reap(d);
}

/* Guests that never wait must not keep the memory of dead ones from coming back. */
Test(core_domain, reaped_while_all_processors_are_busy)
{
	struct domain *d = mortal();
	u16 id = d->id;
	unsigned i;

	domain_kill(d, "in bad company");
	for (i = 0; i < 1000 && domain_of_owner(id); i++) {
		host_time += 1000000;
		host_work[0] = host_work[1] = 0; /* nobody idles */
		timers_run(0);
	}
	cr_assert(i > 1 && i < 1000);
	expect(heap_free_pages(), free_before);
}

/* One that runs yet may arm another's timers, and the other's would fire when it is freed. */
Test(core_domain, timers_end_after_the_last_vcpu_has_stopped)
{
	struct vcpu_set_periodic_timer set = { .period_ns = 1000000 };
	struct domain *d = mortal();

	put_on_cpu(d->vcpu[1]);
	domain_kill(d, "at once");
	cr_assert(d->vcpu[1]->running);
	expect_ret(VCPU(set_periodic_timer, 0, &set, d->vcpu[1]), 0);
	expect_ret(domain_relinquish(d), -ERESTART);
	cr_assert(timer_armed(&d->vcpu[0]->periodic), "its timers were seen to too early");
	run_cpu(1);
	cr_assert(!d->vcpu[1]->running);
	while (domain_relinquish(d))
		;
	cr_assert(!timer_armed(&d->vcpu[0]->periodic));
	stop_and_reap(d);
	host_time += 10000000;
	timers_run(0);
}

Test(core_domain, one_without_reaper_stays)
{
	machine_up();
	domain_shutdown(domu, SHUTDOWN_reboot);
	domain_shutdown(domu, SHUTDOWN_crash);
	expect(domu->shutdown_code, SHUTDOWN_reboot);
	run_all();
	cr_assert(domu->shut_down && !domu->dying);
	vcpu_wake(u0, VPF_down);
	run_all();
	cr_assert(on_cpu[0] == v0, "it never runs again");
	while (domain_relinquish(domu))
		;
	expect_ret(domain_relinquish(domu), 0);
	cr_assert(!alloc_domheap_pages(domu, 0, 0, INVALID_M2P_ENTRY));
}

Test(core_domain, preemption)
{
	struct domain *d = mortal();

	host_preempt = true;
	domain_kill(d, "why not");
	stop_and_reap(d);
}

Test(core_domain, shutdown_calls)
{
	struct sched_shutdown op = { .reason = SHUTDOWN_MAX + 1 };
	struct sched_remote_shutdown remote = { .domain_id = 77, .reason = SHUTDOWN_crash };

	machine_up();
	put_on_cpu(u0);
	expect_ret(SCHED(shutdown, &op, u0), -EINVAL);
	expect_ret(SCHED(shutdown_code, &op, u0), -EINVAL);
	expect_ret(SCHED(shutdown, 0, u0), -EFAULT);
	expect_ret(SCHED(shutdown_code, 0, u0), -EFAULT);
	expect_ret(SCHED(remote_shutdown, 0, u0), -EFAULT);
	op.reason = SHUTDOWN_reboot;
	expect_ret(SCHED(shutdown_code, &op, u0), 0);
	op.reason = SHUTDOWN_suspend;
	expect_ret(SCHED(shutdown, &op, v0), -EINVAL);
	expect_ret(SCHED(shutdown, &op, u0), 0);
	expect(domu->shutdown_code, SHUTDOWN_reboot);
	expect_ret(SCHED(remote_shutdown, &remote, w0), -EPERM);
	expect_ret(SCHED(remote_shutdown, &remote, v0), -ESRCH);
	remote.domain_id = 0;
	expect_ret(SCHED(remote_shutdown, &remote, v0), -EINVAL);
	remote.domain_id = domv->id;
	expect_ret(SCHED(remote_shutdown, &remote, v0), 0);
	expect(domv->shutdown_code, SHUTDOWN_crash);
	remote.reason = 99;
	expect_ret(SCHED(remote_shutdown, &remote, v0), -EINVAL);
}

#define DIES(name, code, statement)                                                                \
	Test(core_domain, name, .exit_code = code)                                                 \
	{                                                                                          \
		machine_up();                                                                      \
		statement;                                                                         \
	}
DIES(domain0_powers_off, 70, domain_shutdown(dom0, SHUTDOWN_poweroff))
DIES(domain0_reboots, 71, domain_shutdown(dom0, SHUTDOWN_reboot))
DIES(domain0_watchdog, 71, domain_shutdown(dom0, SHUTDOWN_watchdog))
DIES(domain0_crashes, 73, domain_shutdown(dom0, SHUTDOWN_crash))
DIES(domain0_killed, 73, vcpu_kill(v0, "a lie"))
DIES(key_reboot, 71, debug_key('R'))

Test(core_domain, last_vcpu_down_powers_off)
{
	machine_up();
	put_on_cpu(u0);
	expect_ret(VCPU(down, 0, 0, u0), 0);
	cr_assert(domu->shut_down);
	expect(domu->shutdown_code, SHUTDOWN_poweroff);
}
