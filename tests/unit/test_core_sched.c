/* SPDX-License-Identifier: MIT */
#include "core/event.h"
#include "core/sched.h"
#include "host_core.h"

#include <xen/sched.h>

static struct evtchn_bind_ipi ipi0;

static void up(struct vcpu *v)
{
	v->initialised = true;
	vcpu_wake(v, VPF_down);
}

Test(core_sched, idle_takes_a_woken_vcpu)
{
	machine_up();
	cr_assert(on_cpu[0] == v0 && is_idle(on_cpu[1]));
	expect(v0->runstate.state, RUNSTATE_running);
	up(v1);
	cr_assert(host_work[1] & WORK_RESCHED);
	run_all();
	cr_assert(on_cpu[1] == v1);
	vcpu_sleep(v1, VPF_blocked);
	run_all();
	cr_assert(is_idle(on_cpu[1]));
	expect(v1->runstate.state, RUNSTATE_blocked);
}

/* The processors as before there was another one to go to. */
static void stay_there(void)
{
	cpumask_t here = { { 1 } };

	expect_ret(vcpu_set_affinity(u0, &here), 0);
	expect_ret(vcpu_set_affinity(v0, &here), 0);
}

Test(core_sched, slices_in_turn)
{
	unsigned ran[2] = { 0 };
	int i;

	machine_up();
	stay_there();
	u0->sched.vtime = v0->sched.vtime; /* no head start */
	up(u0);
	run_all();
	cr_assert(on_cpu[0] == v0, "nobody is interrupted before his slice is over");
	for (i = 0; i < 20; i++) {
		host_time += SCHED_SLICE_NS;
		timers_run(0);
		run_all();
		ran[on_cpu[0] == u0]++;
	}
	cr_assert(ran[0] >= 9 && ran[1] >= 9, "%u against %u", ran[0], ran[1]);
	expect(v0->runstate.time[RUNSTATE_running] + v0->runstate.time[RUNSTATE_runnable] > 0, 1);
	cr_assert(vcpu_runtime_ns(u0) >= 9 * SCHED_SLICE_NS);
}

Test(core_sched, no_timer_when_alone)
{
	machine_up();
	host_deadline[0] = 0;
	host_work[0] |= WORK_RESCHED;
	run_all();
	expect(host_deadline[0], 0);
}

Test(core_sched, an_event_goes_first_but_not_for_ever)
{
	machine_up();
	stay_there();
	up(u0);
	run_all();
	vcpu_sleep(u0, VPF_blocked);
	run_all();
	host_time += 4 * SCHED_SLICE_NS;
	host_work[0] |= WORK_RESCHED;
	run_all();
	cr_assert(on_cpu[0] == v0);
	vcpu_wake(u0, VPF_blocked);
	run_all();
	cr_assert(on_cpu[0] == u0, "a woken vCPU takes the processor");
	host_time += 6 * SCHED_SLICE_NS;
	vcpu_sleep(u0, VPF_blocked);
	run_all();
	vcpu_wake(u0, VPF_blocked);
	run_all();
	cr_assert(on_cpu[0] == v0, "not when it has used so much");
}

Test(core_sched, yield)
{
	machine_up();
	stay_there();
	expect_ret(SCHED(yield, 0, v0), 0);
	run_all();
	cr_assert(on_cpu[0] == v0);
	up(u0);
	run_all();
	cr_assert(on_cpu[0] == v0);
	expect_ret(SCHED(yield, 0, v0), 0);
	run_all();
	cr_assert(on_cpu[0] == u0);
	expect_ret(SCHED(yield, 0, u0), 0);
	run_all();
	cr_assert(on_cpu[0] == v0);
}

Test(core_sched, pausing_counts)
{
	machine_up();
	put_on_cpu(u1);
	host_cpu = 0;
	domain_pause(domu);
	cr_assert(!u1->running && is_idle(on_cpu[1]));
	vcpu_pause(u1);
	domain_unpause(domu);
	run_all();
	cr_assert(!u1->running);
	vcpu_unpause(u1);
	run_all();
	cr_assert(on_cpu[1] == u1);
	domain_pause(dom0); /* from an interrupt of one's own vCPU: not waited for */
	cr_assert(on_cpu[0] == v0);
	domain_unpause(dom0);
	run_all();
	cr_assert(on_cpu[0] == v0);
}

Test(core_sched, dequeues_sleepers)
{
	machine_up();
	stay_there();
	up(u0);
	run_all();
	cr_assert(on_cpu[0] == v0 && heap_holds(&u0->sched.node));
	vcpu_sleep(u0, VPF_paused);
	cr_assert(!heap_holds(&u0->sched.node));
	expect(u0->runstate.state, RUNSTATE_offline);
	sched_dump();
	vcpu_wake(u0, VPF_paused);
	sched_dump();
	run_all();
}

Test(core_sched, runstate_area)
{
	static struct vcpu_runstate_info area, info;
	struct vcpu_register_runstate_memory_area reg = { .addr.p = (u64)&area };

	machine_up();
	expect_ret(VCPU(register_runstate_memory_area, 0, &reg, v0), 0);
	expect(area.state, RUNSTATE_running);
	dom0->vm_assist = BIT(VMASST_TYPE_runstate_update_flag);
	host_time += 1000;
	vcpu_sleep(v0, VPF_blocked);
	run_all();
	host_time += 5000;
	vcpu_wake(v0, VPF_blocked);
	run_all();
	expect(area.time[RUNSTATE_blocked], 5000);
	expect(area.state_entry_time, host_time);
	host_time += 7;
	expect_ret(VCPU(get_runstate_info, 0, &info, v0), 0);
	expect(info.time[RUNSTATE_running], area.time[RUNSTATE_running] + 7);
	expect_ret(VCPU(get_runstate_info, 0, 0, v0), -EFAULT);
	area.state = 77;
	reg.addr.p = 0x10; /* not mapped: left out */
	expect_ret(VCPU(register_runstate_memory_area, 0, &reg, v0), 0);
	dom0->vm_assist = 0;
	vcpu_runstate_update(v0);
	expect(area.state, 77);
	expect_ret(VCPU(register_runstate_memory_area, 0, 0, v0), -EFAULT);
}

Test(core_sched, block_and_events)
{
	machine_up();
	v0->vcpu_info->evtchn_upcall_mask = 1;
	v0->vcpu_info->evtchn_upcall_pending = 1;
	expect_ret(SCHED(block, 0, v0), 0);
	run_all();
	cr_assert(on_cpu[0] == v0 && !v0->pause_flags);
	expect(v0->vcpu_info->evtchn_upcall_mask, 0);
	v0->vcpu_info->evtchn_upcall_pending = 0;
	ipi0.vcpu = 0;
	expect_ret(EVTCHN(bind_ipi, &ipi0, v0), 0);
	expect_ret(SCHED(block, 0, v0), 0);
	run_all();
	cr_assert(is_idle(on_cpu[0]));
	put_on_cpu(v1);
	expect_ret(EVTCHN(send, &(struct evtchn_send){ ipi0.port }, v1), 0);
	run_all();
	cr_assert(on_cpu[0] == v0);
	/* running elsewhere: its processor is interrupted, unless it is masked */
	v0->vcpu_info->evtchn_upcall_pending = 0;
	v0->vcpu_info->evtchn_upcall_mask = 1;
	vcpu_notify_event(v0);
	expect(host_work[0], 0);
	v0->vcpu_info->evtchn_upcall_mask = 0;
	v0->vcpu_info->evtchn_upcall_pending = 1;
	vcpu_notify_event(v0);
	expect(host_work[0], WORK_EVENT);
}

Test(core_sched, poll)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 1 }, ipi2 = { .vcpu = 1 };
	evtchn_port_t ports[2];
	struct sched_poll op = { .ports.va = (u64)ports, .nr_ports = 1 };

	machine_up();
	put_on_cpu(v1);
	host_cpu = 0;
	expect_ret(EVTCHN(bind_ipi, &ipi, v0), 0);
	expect_ret(EVTCHN(bind_ipi, &ipi2, v0), 0);
	dom0->shared_info->evtchn_mask[0] = ~0UL;
	ports[0] = ipi.port;
	expect_ret(SCHED(poll, &op, v0), 0);
	run_all();
	cr_assert(is_idle(on_cpu[0]) && v0->pause_flags == VPF_polling);
	host_cpu = 1;
	expect_ret(EVTCHN(send, &(struct evtchn_send){ ipi2.port }, v1), 0);
	run_all();
	cr_assert(is_idle(on_cpu[0]), "another port");
	expect_ret(EVTCHN(send, &(struct evtchn_send){ ipi.port }, v1), 0);
	run_all();
	cr_assert(on_cpu[0] == v0);
	host_cpu = 0;
	expect_ret(SCHED(poll, &op, v0), 0); /* is pending still */
	run_all();
	cr_assert(on_cpu[0] == v0);
	dom0->shared_info->evtchn_pending[0] = 0;
	ports[1] = ipi2.port;
	op.nr_ports = 2;
	op.timeout = host_time + 1000;
	expect_ret(SCHED(poll, &op, v0), 0);
	run_all();
	cr_assert(is_idle(on_cpu[0]));
	host_time += 1000;
	timers_run(0);
	run_all();
	cr_assert(on_cpu[0] == v0, "the time is over");
	op.timeout = 0;
	expect_ret(SCHED(poll, &op, v0), 0);
	run_all();
	host_cpu = 1;
	expect_ret(EVTCHN(send, &(struct evtchn_send){ ipi2.port }, v1), 0);
	run_all();
	cr_assert(on_cpu[0] == v0, "one of several");
	host_cpu = 0;
	op.nr_ports = 129;
	expect_ret(SCHED(poll, &op, v0), -EINVAL);
	op.nr_ports = 1;
	ports[0] = 100000;
	expect_ret(SCHED(poll, &op, v0), -EINVAL);
	cr_assert(!v0->pause_flags);
	op.ports.va = 0;
	expect_ret(SCHED(poll, &op, v0), -EFAULT);
	expect_ret(SCHED(poll, 0, v0), -EFAULT);
}

/* A kernel that waits so for a lock with events on may have to answer its holder first. */
Test(core_sched, an_upcall_ends_a_poll)
{
	struct evtchn_bind_ipi polled = { .vcpu = 0 }, other = { .vcpu = 0 };
	struct sched_poll op = { .ports.va = (u64)&polled.port, .nr_ports = 1 };

	machine_up();
	put_on_cpu(v1);
	host_cpu = 0;
	expect_ret(EVTCHN(bind_ipi, &polled, v0), 0);
	expect_ret(EVTCHN(bind_ipi, &other, v0), 0);
	for (u8 mask = 0; mask < 2; mask++) {
		dom0->shared_info->evtchn_pending[0] = 0;
		v0->vcpu_info->evtchn_pending_sel = 0;
		v0->vcpu_info->evtchn_upcall_pending = 0;
		v0->vcpu_info->evtchn_upcall_mask = mask;
		host_cpu = 0;
		expect_ret(SCHED(poll, &op, v0), 0);
		run_all();
		cr_assert(is_idle(on_cpu[0]));
		host_cpu = 1;
		expect_ret(EVTCHN(send, &(struct evtchn_send){ other.port }, v1), 0);
		run_all();
		cr_assert_eq(on_cpu[0] == v0, !mask);
	}
}

Test(core_sched, watchdog)
{
	struct sched_watchdog op = { .timeout = 2 };

	machine_up();
	put_on_cpu(u0);
	expect_ret(SCHED(watchdog, &op, u0), 1);
	expect_ret(SCHED(watchdog, &op, u0), 2);
	expect_ret(SCHED(watchdog, &op, u0), -ENOSPC);
	op.id = 2;
	expect_ret(SCHED(watchdog, &op, u0), 0);
	op.timeout = 0;
	expect_ret(SCHED(watchdog, &op, u0), 0);
	expect_ret(SCHED(watchdog, &op, u0), -EINVAL);
	op.timeout = 1;
	expect_ret(SCHED(watchdog, &op, u0), -EINVAL);
	op.id = 9;
	expect_ret(SCHED(watchdog, &op, u0), -EINVAL);
	op.id = op.timeout = 0;
	expect_ret(SCHED(watchdog, &op, u0), -EINVAL);
	expect_ret(SCHED(watchdog, 0, u0), -EFAULT);
	host_time += 1999999999;
	timers_run(0);
	cr_assert(!domu->shut_down);
	host_time += 1;
	timers_run(0);
	cr_assert(domu->shut_down);
	expect(domu->shutdown_code, SHUTDOWN_watchdog);
}

Test(core_sched, pin_override)
{
	struct sched_pin_override op = { .pcpu = 1 };

	machine_up();
	expect_ret(SCHED(pin_override, &op, v0), 0);
	run_all();
	cr_assert(on_cpu[1] == v0);
	expect_ret(SCHED(pin_override, &op, v0), -EBUSY);
	op.pcpu = -1;
	expect_ret(SCHED(pin_override, &op, v0), 0);
	op.pcpu = 2;
	expect_ret(SCHED(pin_override, &op, v0), -EINVAL);
	op.pcpu = MAX_CPUS;
	expect_ret(SCHED(pin_override, &op, v0), -EINVAL);
	expect_ret(SCHED(pin_override, &op, u0), -EPERM);
	expect_ret(SCHED(pin_override, 0, v0), -EFAULT);
	expect_ret(CALL2(do_sched_op, 99, 0, v0), -ENOSYS);
}
