/* SPDX-License-Identifier: MIT */
/*
 * The scheduler as a whole, in virtual time: processors, vCPUs that burn and vCPUs that work a
 * little and sleep, from event to event.
 */
#include <stdlib.h>

#include "core/sched.h"
#include "host_core.h"

#define US 1000UL
#define MS 1000000UL
#define SEC 1000000000UL
#define ACTORS 24

/* What a vCPU does: it works for `work` ns, and wakes up again `period` ns after it did so last. */
static struct actor {
	struct vcpu *v;
	u64 work, period; /* 0: always */
	u64 left, next;   /* of its work; when it wakes up */
	u64 asked;        /* when it woke up, until it runs; else 0 */
} actors[ACTORS];
static unsigned nr_actors;
static u64 latency[100000];
static unsigned nr_latencies;

static struct domain *guest(u32 vcpus, u32 weight, u32 cap)
{
	struct domain *d = domain_create(-1, false, vcpus, 0, "guest");

	cr_assert(d);
	expect_ret(domain_set_share(d, weight, cap), 0);
	return d;
}

static struct vcpu *actor(struct domain *d, u32 id, u32 cpu, u64 work, u64 period)
{
	struct actor *a = &actors[nr_actors++];

	a->v = vcpu_create(d, id, cpu);
	cr_assert(a->v);
	a->work = a->left = work;
	a->period = period;
	a->next = host_time + period;
	a->v->initialised = true;
	host_cpu = cpu;
	vcpu_wake(a->v, VPF_down);
	run_all();
	return a->v;
}

static bool runs(const struct vcpu *v)
{
	return on_cpu[v->processor] == v;
}

static bool asleep(const struct actor *a)
{
	return a->v->pause_flags & VPF_blocked;
}

static u64 next_event(u64 end)
{
	u64 at = end;
	u32 i;

	for (i = 0; i < nr_cpus; i++)
		if (host_deadline[i])
			at = MIN(at, MAX(host_deadline[i], host_time));
	for (i = 0; i < nr_actors; i++)
		if (actors[i].work && asleep(&actors[i]))
			at = MIN(at, MAX(actors[i].next, host_time));
		else if (actors[i].work && runs(actors[i].v))
			at = MIN(at, host_time + actors[i].left);
	return at;
}

static void act(struct actor *a)
{
	if (asleep(a)) {
		if (a->next > host_time)
			return;
		a->next += a->period;
		a->left = a->work;
		a->asked = host_time;
		host_cpu = a->v->processor;
		vcpu_wake(a->v, VPF_blocked);
	} else if (runs(a->v) && !a->left) {
		host_cpu = a->v->processor;
		vcpu_sleep(a->v, VPF_blocked);
	}
}

static void count_latencies(void)
{
	u32 i;

	for (i = 0; i < nr_actors; i++)
		if (actors[i].asked && runs(actors[i].v)) {
			cr_assert(nr_latencies < ARRAY_SIZE(latency));
			latency[nr_latencies++] = host_time - actors[i].asked;
			actors[i].asked = 0;
		}
}

static void pass(u64 ns)
{
	u64 end = host_time + ns, at;
	u32 i;

	while (host_time < end) {
		at = next_event(end);
		for (i = 0; i < nr_actors; i++)
			if (actors[i].work && runs(actors[i].v))
				actors[i].left -= MIN(actors[i].left, at - host_time);
		host_time = at;
		for (i = 0; i < nr_cpus; i++)
			if (host_deadline[i] && host_deadline[i] <= host_time) {
				host_deadline[i] = 0;
				host_work[i] |= WORK_TIMER;
			}
		run_all();
		for (i = 0; i < nr_actors; i++) {
			if (actors[i].work)
				act(&actors[i]);
			run_all();
		}
		count_latencies();
	}
}

static u64 used(const struct domain *d)
{
	struct vcpu *v;
	u64 sum = 0;
	u32 i;

	for_each_vcpu(d, v, i)
		sum += vcpu_runtime_ns(v);
	return sum;
}

static void expect_part(u64 part, u64 all, double want, double percent)
{
	double is = (double)part / (double)all;

	cr_log_info("%.4f of the time, wanted %.4f", is, want);
	cr_assert(is > want * (1 - percent / 100) && is < want * (1 + percent / 100),
		  "%.4f of the time, not %.4f", is, want);
}

static u64 latency_at(unsigned per_mille)
{
	unsigned n = nr_latencies * per_mille / 1000, i, j;

	for (i = 0; i <= n; i++) /* the n + 1 greatest from the end would do: rarely called */
		for (j = i + 1; j < nr_latencies; j++)
			if (latency[j] < latency[i]) {
				u64 t = latency[i];

				latency[i] = latency[j];
				latency[j] = t;
			}
	return latency[n];
}

static void weights(u32 cpus, u32 vcpus, bool crowded)
{
	struct domain *d[3];
	u64 before[3], sum = 0;
	u32 i, j;

	machine_of(cpus);
	for (i = 0; i < 3; i++) {
		d[i] = guest(vcpus, 128U << i, 0);
		for (j = 0; j < vcpus; j++)
			actor(d[i], j, crowded ? 0 : (i + j) % cpus, 0, 0);
	}
	pass(SEC);
	for (i = 0; i < 3; i++)
		before[i] = used(d[i]);
	pass(10 * SEC);
	for (i = 0; i < 3; i++)
		sum += used(d[i]) - before[i];
	expect_part(sum, cpus * 10 * SEC, 1, 0.1);
	for (i = 0; i < 3; i++)
		expect_part(used(d[i]) - before[i], sum, (1 << i) / 7.0, 3);
}

Test(core_fair, weights_on_one_processor)
{
	weights(1, 1, false);
}

Test(core_fair, weights_of_guests_with_two_vcpus_on_one_processor)
{
	weights(1, 2, false);
}

Test(core_fair, weights_on_four_processors)
{
	weights(4, 4, false);
}

Test(core_fair, weights_on_four_processors_from_one)
{
	weights(4, 4, true);
}

Test(core_fair, weights_on_four_processors_with_three_vcpus_each)
{
	weights(4, 3, true);
}

Test(core_fair, five_vcpus_on_two_processors_one_does_io)
{
	struct domain *d[3];
	u64 before[3], sum = 0;
	u32 i;

	machine_of(2);
	for (i = 0; i < 3; i++)
		d[i] = guest(2, 128U << i, 0);
	actor(d[0], 0, 0, 0, 0);
	actor(d[1], 0, 0, 0, 0);
	actor(d[1], 1, 1, 100 * US, 2 * MS);
	actor(d[2], 0, 0, 0, 0);
	actor(d[2], 1, 1, 0, 0);
	pass(SEC);
	for (i = 0; i < 3; i++)
		before[i] = used(d[i]);
	pass(10 * SEC);
	for (i = 0; i < 3; i++)
		sum += used(d[i]) - before[i];
	for (i = 0; i < 3; i++)
		expect_part(used(d[i]) - before[i], sum, (1 << i) / 7.0, 3);
	cr_assert(latency_at(990) <= MS, "the I/O waits %lu ns", latency_at(990));
}

Test(core_fair, three_equal_on_two_processors)
{
	u32 i;

	machine_of(2);
	for (i = 0; i < 3; i++)
		actor(guest(1, 256, 0), 0, 0, 0, 0);
	pass(10 * SEC);
	for (i = 0; i < 3; i++)
		expect_part(vcpu_runtime_ns(actors[i].v), 20 * SEC, 1 / 3.0, 3);
}

static void wake_ups(u32 cpus)
{
	u32 i;

	machine_of(cpus);
	for (i = 0; i < 8; i++)
		actor(guest(1, 256, 0), 0, i % cpus, 0, 0);
	actor(guest(1, 256, 0), 0, 0, 50 * US, MS);
	pass(10 * SEC);
	cr_assert(nr_latencies > 9900, "%u wake-ups", nr_latencies);
	cr_assert(latency_at(990) <= MS, "%lu ns", latency_at(990));
}

Test(core_fair, wake_ups_on_one_loaded_processor)
{
	wake_ups(1);
}

Test(core_fair, wake_ups_on_two_loaded_processors)
{
	wake_ups(2);
}

Test(core_fair, wake_ups_on_three_loaded_processors)
{
	wake_ups(3);
}

static void cap(u32 cpus, u32 vcpus, bool others)
{
	struct domain *d;
	u32 i;

	machine_of(cpus);
	d = guest(vcpus, 256, 25);
	for (i = 0; i < vcpus; i++)
		actor(d, i, i % cpus, 0, 0);
	for (i = 0; others && i < cpus; i++)
		actor(guest(1, 256, 0), 0, i, 0, 0);
	pass(10 * SEC);
	expect_part(used(d), 10 * SEC, 0.25, 4);
}

Test(core_fair, cap_alone)
{
	cap(1, 1, false);
}

Test(core_fair, cap_among_others)
{
	cap(2, 2, true);
}

Test(core_fair, cap_of_four_vcpus)
{
	cap(4, 4, false);
}

Test(core_fair, a_cap_can_be_taken_away)
{
	struct domain *d;
	u64 before;

	machine_of(1);
	d = guest(1, 256, 10);
	actor(d, 0, 0, 0, 0);
	pass(SEC);
	expect_part(used(d), SEC, 0.1, 10);
	expect_ret(domain_set_share(d, 256, 0), 0);
	expect_ret(domain_set_share(d, 0, 0), -EINVAL);
	run_all();
	before = used(d);
	pass(SEC);
	expect_part(used(d) - before, SEC, 1, 1);
}

Test(core_fair, affinity)
{
	cpumask_t one = { { 1 } }, two = { { 2 } }, none = { { 0 } };
	struct domain *d;
	u64 before;
	u32 i;

	machine_of(2);
	d = guest(4, 256, 0);
	for (i = 0; i < 4; i++)
		actor(d, i, i % 2, i == 3 ? 100 * US : 0, i == 3 ? MS : 0);
	pass(100 * MS);
	for (i = 0; i < 4; i++)
		expect_ret(vcpu_set_affinity(d->vcpu[i], i ? &one : &two), 0);
	expect_ret(vcpu_set_affinity(d->vcpu[0], &none), -EINVAL);
	pass(20 * MS);
	before = vcpu_runtime_ns(d->vcpu[0]);
	pass(SEC);
	for (i = 0; i < 4; i++)
		expect(d->vcpu[i]->processor, !i);
	expect_part(vcpu_runtime_ns(d->vcpu[0]) - before, SEC, 1, 0.1);
	expect_ret(vcpu_pin(d->vcpu[0], 0), 0);
	expect_ret(vcpu_pin(d->vcpu[0], 1), -EBUSY);
	pass(20 * MS);
	expect(d->vcpu[0]->processor, 0);
	cr_assert(is_idle(on_cpu[1]), "nobody else may run there");
	expect_ret(vcpu_pin(d->vcpu[0], -1), 0);
	pass(20 * MS);
	expect(d->vcpu[0]->processor, 1);
	expect_ret(vcpu_pin(d->vcpu[0], 7), -EINVAL);
}

Test(core_fair, soft_affinity)
{
	cpumask_t two = { { 2 } };
	struct domain *d;

	machine_of(2);
	d = guest(2, 256, 0);
	actor(d, 0, 0, 100 * US, MS);
	vcpu_set_soft_affinity(d->vcpu[0], &two);
	pass(10 * MS);
	expect(d->vcpu[0]->processor, 1);
	vcpu_set_soft_affinity(actor(d, 1, 1, 0, 0), &two);
	actor(guest(1, 256, 0), 0, 1, 0, 0);
	pass(30 * MS);
	cr_assert(!is_idle(on_cpu[0]) && !is_idle(on_cpu[1]), "rather there than nowhere");
}

/* Alone on its processor it is not interrupted; idle processors sleep. */
/* Woken on a processor of its node wherever it was, while that idles; work is not left for it. */
Test(core_fair, nodes)
{
	struct vcpu *io, *near[2];
	u32 i;

	nr_nodes = 2;
	host_node[2] = host_node[3] = 1;
	machine_of(4);
	io = actor(guest(1, 256, 0), 0, 0, 100 * US, 10 * MS);
	expect_ret(domain_set_nodes(io->domain, BIT(1)), 0);
	pass(100 * MS);
	cr_assert(io->processor >= 2);
	for (i = 0; i < 2; i++) {
		near[i] = actor(guest(1, 256, 0), 0, 2 + i, 0, 0);
		expect_ret(vcpu_pin(near[i], 2 + (s32)i), 0);
	}
	pass(100 * MS);
	cr_assert(io->processor < 2, "its node is busy, another idles");
	for (i = 0; i < 2; i++)
		vcpu_sleep(near[i], VPF_blocked);
	pass(100 * MS);
	cr_assert(io->processor >= 2, "its node idles again");
}

Test(core_fair, no_ticks)
{
	machine_of(4);
	actor(guest(1, 256, 0), 0, 0, 0, 0);
	pass(20 * MS);
	for (u32 i = 0; i < 4; i++)
		cr_assert(!host_deadline[i] || host_deadline[i] > host_time + SEC);
}

Test(core_fair, pools)
{
	struct domain *d, *e;
	u32 id = SCHED_POOL_ANY;

	machine_of(4);
	d = guest(2, 256, 0);
	e = guest(1, 256, 0);
	actor(d, 0, 0, 0, 0);
	actor(d, 1, 1, 0, 0);
	actor(e, 0, 3, 0, 0);
	expect_ret(sched_pool_create(&id), 0);
	expect(id, 1);
	expect_ret(sched_pool_move(d, id), -EINVAL); /* no processor */
	expect_ret(pool_cpu(id, 3, true), -EBUSY);
	expect_ret(sched_pool_create(&id), -EEXIST);
	expect_ret(pool_cpu(0, 3, false), 0);
	expect_ret(pool_cpu(0, 3, false), -EBUSY);
	pass(20 * MS);
	cr_assert(is_idle(on_cpu[3]) && runs(e->vcpu[0]));
	expect_ret(pool_cpu(id, 3, true), 0);
	expect_ret(sched_pool_move(d, id), 0);
	pass(50 * MS);
	cr_assert(d->vcpu[0]->processor == 3 && d->vcpu[1]->processor == 3);
	expect_ret(pool_cpu(id, 3, false), -EBUSY);
	expect_ret(sched_pool_destroy(id), -EBUSY);
	expect_ret(vcpu_set_affinity(d->vcpu[0], &(cpumask_t){ { 7 } }), -EINVAL);
	expect_ret(sched_pool_move(d, 0), 0);
	pass(50 * MS);
	cr_assert(d->vcpu[0]->processor != 3 && runs(d->vcpu[0]) && runs(d->vcpu[1]));
	expect_ret(pool_cpu(id, 3, false), 0);
	expect_ret(sched_pool_destroy(id), 0);
	expect_ret(sched_pool_destroy(id), -ENOENT);
	expect_ret(sched_pool_destroy(0), -EBUSY);
	expect_ret(pool_cpu(0, 3, true), 0);
	expect_ret(pool_cpu(0, 4, true), -EINVAL);
}

static int one_step(u32 cpu, u32 *next)
{
	int rc;

	host_preempt = true;
	rc = sched_pool_cpu(0, cpu, false, next);
	host_preempt = false;
	return rc;
}

/* Many domains are asked whether they need the processor, with preemption points in between. */
Test(core_fair, pool_asks_in_steps)
{
	u32 id = SCHED_POOL_ANY, next = 0;
	const cpumask_t third = { { 8 } }, all = { { 15 } };
	struct domain *first, *last;
	int rc;

	machine_of(4);
	first = guest(1, 256, 0);
	last = guest(1, 256, 0);
	actor(first, 0, 0, 0, 0);
	actor(last, 0, 3, 0, 0);
	expect_ret(sched_pool_create(&id), 0);
	expect_ret(vcpu_set_affinity(last->vcpu[0], &third), 0);
	expect_ret(one_step(3, &next), -ERESTART);
	pass(20 * MS);
	cr_assert(on_cpu[3] == last->vcpu[0], "it is not decided");
	next = 0;
	expect_ret(one_step(3, &next), -ERESTART); /* the first asker never came back */
	expect_ret(one_step(2, &(u32){ next }), -EBUSY);
	expect_ret(pool_cpu(id, 3, true), -EBUSY);
	expect_ret(vcpu_set_affinity(first->vcpu[0], &third), -EINVAL);
	while (next <= last->id)
		expect_ret(one_step(3, &next), next < last->id ? -ERESTART : -EBUSY);
	pass(20 * MS);
	cr_assert(on_cpu[3] == last->vcpu[0], "it stays");

	expect_ret(vcpu_set_affinity(last->vcpu[0], &all), 0);
	for (next = 0; (rc = one_step(3, &next)) == -ERESTART;)
		;
	expect_ret(rc, 0);
	pass(20 * MS);
	cr_assert(is_idle(on_cpu[3]) && runs(last->vcpu[0]));
	expect_ret(pool_cpu(id, 3, true), 0);
	expect_ret(pool_cpu(id, 3, false), 0);
	expect_ret(sched_pool_destroy(id), 0);
}

/* New domains begin in pool 0. */
Test(core_fair, last_of_pool_0)
{
	machine_of(2);
	expect_ret(pool_cpu(0, 0, false), 0);
	expect_ret(pool_cpu(0, 1, false), -EBUSY);
}
