/* SPDX-License-Identifier: MIT */
/*
 * Where vCPUs run: woken ones go to a processor that idles, one that has nothing to do takes what
 * waits elsewhere, one with a queue gives to who treats its own better.
 *
 * A vCPU changes its processor only while it is at rest, under the locks of both. The second lock
 * is only tried: what does not work now is done at the next occasion. Nobody looks at more than a
 * few processors; who they are changes from time to time.
 */

#include "core/arch.h"
#include "core/sched.h"

#define LOOK_AT 8
#define LOOK_NEAR 4 /* of them, first, where its domain is at home */
#define PUSH_TO 2

/* The next to look at. May be none at all, or sc. */
static struct sched_cpu *another(struct sched_cpu *sc)
{
	sc->look = sc->look + 1 < nr_cpus ? sc->look + 1 : 0;
	return sched_cpus[sc->look];
}

/* The next that v wants, if it wants any. */
static struct sched_cpu *another_near(struct sched_cpu *sc, const struct vcpu *v)
{
	const u64 *wanted = v->soft_affinity.bits;
	u32 next = bitmap_next_set(wanted, nr_cpus, sc->look + 1);

	sc->look = next < nr_cpus ? next : bitmap_next_set(wanted, nr_cpus, 0) % nr_cpus;
	return sched_cpus[sc->look];
}

static u32 merit(const struct vcpu *v, const struct sched_cpu *sc)
{
	if (!sched_may_run(v, sc))
		return 0;
	return 1 + 2 * sched_idles(sc) + cpumask_test(sc->cpu, &v->soft_affinity);
}
#define MERIT_BEST 4

struct sched_cpu *sched_place(struct sched_cpu *sc, struct vcpu *v)
{
	u32 most = merit(v, sc), near = nr_nodes > 1 ? LOOK_NEAR : 0, i;
	struct sched_cpu *best = sc;

	if (likely(most == MERIT_BEST) || !sched_at_rest(v))
		return sc;
	for (i = 0; i < near + nr_cpus && most < MERIT_BEST && (i < LOOK_AT || !most); i++) {
		struct sched_cpu *other = i < near ? another_near(sc, v) : another(sc);
		u32 m = other ? merit(v, other) : 0;

		if (m > most) {
			best = other;
			most = m;
		}
	}
	if (best == sc || !spin_trylock(&best->lock))
		return sc;
	sched_policy->rebase(v, sc, best);
	v->processor = best->cpu;
	spin_unlock(&sc->lock);
	return best;
}

/* Both locks. */
static void shift(struct vcpu *v, struct sched_cpu *from, struct sched_cpu *to)
{
	sched_policy->dequeue(from, v);
	v->processor = to->cpu;
	sched_policy->enqueue(to, v, SCHED_MOVED);
}

bool sched_pull(struct sched_cpu *sc)
{
	struct vcpu *v = NULL;
	u32 i;

	for (i = 0; i < MIN(nr_cpus, (u32)LOOK_AT) && !v; i++) {
		struct sched_cpu *other = another(sc);

		if (!other || other == sc || READ_ONCE(other->pool) != sc->pool ||
		    !READ_ONCE(other->queued) || !spin_trylock(&other->lock))
			continue;
		v = sched_policy->spare(other, sc, true);
		if (v)
			shift(v, other, sc);
		spin_unlock(&other->lock);
	}
	return v;
}

/* Both locks. True: to must reschedule. */
static bool give(struct sched_cpu *sc, struct sched_cpu *to, u64 now)
{
	bool idle = to->current == to->idle;
	struct vcpu *v;

	if (idle && to->queued) /* it is about to run them */
		return false;
	if (!idle)
		sched_policy->account(to, to->current, now);
	v = sched_policy->spare(sc, to, idle);
	if (!v || (!idle && !sched_policy->beats(to, v, true)))
		return false;
	shift(v, sc, to);
	return sched_kick_for(to, v, now);
}

void sched_push(struct sched_cpu *sc, u64 now)
{
	u32 i;

	spin_lock(&sc->lock);
	sc->balance_at = now + SCHED_SLICE_NS;
	for (i = 0; i < PUSH_TO; i++) {
		struct sched_cpu *other = another(sc);
		bool kick;

		if (!other || other == sc || READ_ONCE(other->pool) != sc->pool ||
		    !spin_trylock(&other->lock))
			continue;
		kick = give(sc, other, now);
		spin_unlock(&other->lock);
		if (kick)
			cpu_work(other->cpu, WORK_RESCHED);
	}
	spin_unlock(&sc->lock);
}
