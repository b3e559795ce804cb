/* SPDX-License-Identifier: MIT */
/*
 * The policy: round robin, with a head start for vCPUs that an event woke.
 *
 * Two queues. A woken vCPU that has used less than BOOST_NS since it last waited its turn goes to
 * the first and takes the processor from one of the second; everybody else waits in the second.
 * Being picked from the second makes the account zero again, so a vCPU that is woken all the time
 * still takes turns.
 */

#include "core/sched.h"

#define BOOST_NS (SCHED_SLICE_NS / 2)
/*
 * vcpu.sched_data: ns used since its last turn, and whether it runs (or is queued) with the head
 * start
 */
#define RR_BOOSTED BIT(63)

static void rr_enqueue(struct sched_cpu *sc, struct vcpu *v, enum sched_why why)
{
	u64 used = v->sched_data & ~RR_BOOSTED;
	bool boost = used < BOOST_NS &&
		     (why == SCHED_WOKEN || (why == SCHED_PREEMPTED && v->sched_data & RR_BOOSTED));
	struct list_head *q = &sc->runq[boost ? 0 : 1];

	v->sched_data = used | (boost ? RR_BOOSTED : 0);
	/* who was interrupted before its slice was over goes on first */
	if (why == SCHED_PREEMPTED && used < SCHED_SLICE_NS)
		list_add(&v->runq, q);
	else
		list_add_tail(&v->runq, q);
	sc->queued++;
}

static void rr_dequeue(struct sched_cpu *sc, struct vcpu *v)
{
	list_del(&v->runq);
	sc->queued--;
}

static struct vcpu *rr_pick(struct sched_cpu *sc)
{
	struct list_head *q = &sc->runq[list_empty(&sc->runq[0])];
	struct vcpu *v;

	if (list_empty(q))
		return NULL;
	v = list_first(q, struct vcpu, runq);
	if (!(v->sched_data & RR_BOOSTED) && v->sched_data >= BOOST_NS)
		v->sched_data = 0;
	rr_dequeue(sc, v);
	return v;
}

static void rr_account(struct vcpu *v, u64 ns)
{
	u64 used = (v->sched_data & ~RR_BOOSTED) + ns;

	v->sched_data = used | (used < BOOST_NS ? v->sched_data & RR_BOOSTED : 0);
}

static bool rr_preempts(const struct sched_cpu *sc, const struct vcpu *v)
{
	return v->sched_data & RR_BOOSTED && !(sc->current->sched_data & RR_BOOSTED);
}

const struct sched_policy sched_rr = {
	.name = "round robin",
	.enqueue = rr_enqueue,
	.pick = rr_pick,
	.dequeue = rr_dequeue,
	.account = rr_account,
	.preempts = rr_preempts,
};
