/* SPDX-License-Identifier: MIT */
/*
 * The policy: fair queueing by weight, and caps.
 *
 * A vCPU that runs ages in virtual time, the faster the smaller its domain's weight and the more
 * of the domain's vCPUs compete; whoever is youngest when his turn begins is next. Who slept is at
 * most HEAD_START younger than the processor, so that he goes first, but not for long.
 */

#include "core/arch.h"
#include "core/sched.h"

#define HEAD_START_NS 25000000UL
#define CARRY_NS 30000000UL /* at most so far behind is a vCPU after a move, at its charge */
#define MOVE_NS (SCHED_SLICE_NS + SCHED_SLICE_NS / 4) /* what two processors may differ, likewise */
#define LEAD_NS 1000000UL        /* virtual: less does not take the processor from another */
#define MEASURE_NS 300000000UL   /* how often it is found how many vCPUs of a domain compete */
#define CAP_PERIOD_NS 40000000UL /* a capped domain that has to stop goes on after about so long */
#define CAP_LEAST_NS 500000UL    /* not worth a switch */
#define TURN_NS (SCHED_SLICE_NS - SCHED_SLICE_NS / 50) /* timers are not exact */
#define SPARE_DEPTH 3 /* how far down the queue is searched for one that can be moved */

static struct vcpu *vcpu_of(struct heap_node *n)
{
	return container_of(n, struct vcpu, sched.node);
}

/* sc has come so far. The pool's time is a hint: it matters not who of two is the last to write. */
static void advance(struct sched_cpu *sc, u64 vtime)
{
	if (vtime <= sc->vtime)
		return;
	sc->vtime = vtime;
	if (vtime > READ_ONCE(sc->pool->vtime) + SCHED_SLICE_NS)
		WRITE_ONCE(sc->pool->vtime, vtime);
}

/* One that had nothing to do has no claim to what others did meanwhile. */
static void catch_up(struct sched_cpu *sc)
{
	if (sched_idles(sc))
		sc->vtime = MAX(sc->vtime, READ_ONCE(sc->pool->vtime));
}

/* ---- weights ---- */

/*
 * How many of d's vCPUs compete: who has to wait is one, who mostly sleeps the part of one that he
 * uses of what the busiest does. Each ages by their number: the weight is the domain's.
 */
static void measure(struct domain *d, u64 last, u64 now)
{
	struct sched_domain *s = &d->sched;
	u64 active = 0, part = 0, most = 0;
	struct vcpu *v;
	u32 i;

	if (!__atomic_compare_exchange_n(&s->measured, &last, now, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return;
	for_each_vcpu(d, v, i) {
		u64 used = READ_ONCE(v->sched.used),
		    waited = READ_ONCE(v->runstate.time[RUNSTATE_runnable]);
		u64 ran = used - v->sched.used_before;

		if (heap_holds(&v->sched.node) || (waited - v->sched.waited_before) * 4 > ran)
			active += SCHED_ONE;
		else
			part += ran;
		most = MAX(most, ran);
		v->sched.used_before = used;
		v->sched.waited_before = waited;
	}
	active += most ? part * SCHED_ONE / most : 0;
	WRITE_ONCE(s->active, MAX((u32)active, SCHED_ONE));
	WRITE_ONCE(s->charge, MAX(1U, s->active * SCHED_WEIGHT / s->weight));
}

/* ---- caps: tokens of one ns each, which flow in at the domain's rate ---- */

static s64 burst(const struct sched_domain *s)
{
	return (s64)(s->cap * CAP_PERIOD_NS / 100);
}

/* [cap_lock] */
static void flow_in(struct sched_domain *s, u64 now)
{
	u64 ns = MIN(now - MIN(now, s->tokens_at), 1UL << 40);

	/* more than one burst: what is used up meanwhile is accounted only later */
	s->tokens = MIN(s->tokens + (s64)(ns * s->cap / 100), 2 * burst(s));
	s->tokens_at = MAX(now, s->tokens_at);
}

static void spend(struct sched_domain *s, u64 ns, u64 now)
{
	spin_lock(&s->cap_lock);
	flow_in(s, now);
	s->tokens -= (s64)ns;
	spin_unlock(&s->cap_lock);
}

static u64 fair_allowance(struct vcpu *v, u64 now)
{
	struct sched_domain *s = &v->domain->sched;
	u64 turn = SCHED_SLICE_NS - MIN(v->sched.turn, TURN_NS);
	s64 tokens, missing;

	if (likely(!READ_ONCE(s->cap)))
		return turn;
	spin_lock(&s->cap_lock);
	flow_in(s, now);
	tokens = s->cap ? s->tokens : (s64)SCHED_SLICE_NS;
	if (tokens <= 0) {
		missing = burst(s) - tokens;
		__atomic_fetch_or(&v->pause_flags, VPF_capped, __ATOMIC_SEQ_CST);
		timer_set(&s->refill, now + (u64)missing * 100 / s->cap);
	}
	spin_unlock(&s->cap_lock);
	if (tokens <= 0)
		return 0;
	return MIN(turn, MAX((u64)tokens * SCHED_ONE / s->active, CAP_LEAST_NS));
}

/* ---- order ---- */

static void fair_account(struct sched_cpu *sc, struct vcpu *v, u64 now)
{
	struct sched_domain *s = &v->domain->sched;
	u64 ns = now - MIN(now, v->sched.accounted), measured = READ_ONCE(s->measured);
	u64 turn = SCHED_SLICE_NS * READ_ONCE(s->charge) / SCHED_ONE;

	v->sched.accounted = now;
	v->sched.used += ns;
	v->sched.turn += ns;
	v->sched.vtime += MIN(ns, 1UL << 38) * READ_ONCE(s->charge) / SCHED_ONE;
	if (unlikely(READ_ONCE(s->cap)))
		spend(s, ns, now);
	if (v->sched.turn >= TURN_NS) {
		v->sched.turn = 0;
		v->sched.node.key = v->sched.vtime;
	}
	if (!sc->queued &&
	    v->sched.node.key > turn) /* alone: one turn behind, as if he had just begun it */
		advance(sc, v->sched.node.key - turn);
	if (unlikely((s64)(now - measured) > (s64)MEASURE_NS))
		measure(v->domain, measured, now);
}

/* That many ns, or as virtual ones if that is more. */
static u64 charged(const struct vcpu *v, u64 ns)
{
	return ns * MAX(READ_ONCE(v->domain->sched.charge), SCHED_ONE) / SCHED_ONE;
}

static void fair_enqueue(struct sched_cpu *sc, struct vcpu *v, enum sched_why why)
{
	struct sched_vcpu *s = &v->sched;
	u64 back = why == SCHED_MOVED ? charged(v, CARRY_NS) : HEAD_START_NS;

	if (why == SCHED_WOKEN || why == SCHED_MOVED) {
		catch_up(sc);
		s->vtime = MAX(s->vtime, sc->vtime - MIN(sc->vtime, back));
	}
	if (why == SCHED_MOVED)
		s->vtime = MIN(s->vtime, sc->vtime + 2 * back);
	if (why != SCHED_PREEMPTED) {
		s->turn = 0;
		s->node.key = s->vtime;
	}
	heap_insert(&sc->queue, &s->node, s->node.key);
	sc->queued++;
}

static void fair_dequeue(struct sched_cpu *sc, struct vcpu *v)
{
	heap_remove(&sc->queue, &v->sched.node);
	sc->queued--;
}

static struct vcpu *fair_pick(struct sched_cpu *sc)
{
	struct vcpu *v;

	if (!sc->queue.first)
		return NULL;
	v = vcpu_of(sc->queue.first);
	fair_dequeue(sc, v);
	advance(sc, v->sched.node.key);
	return v;
}

static bool fair_beats(const struct sched_cpu *sc, const struct vcpu *v, bool moved)
{
	s64 lead = (s64)(sc->current->sched.node.key - v->sched.node.key);

	return lead > (s64)(moved ? charged(v, MOVE_NS) : LEAD_NS);
}

/* As far ahead of, or behind, the new processor's time as of the old one's. */
static void fair_rebase(struct vcpu *v, const struct sched_cpu *from, struct sched_cpu *to)
{
	s64 ahead = (s64)(v->sched.vtime - from->vtime);

	catch_up(to);
	v->sched.vtime = (u64)MAX((s64)to->vtime + ahead, 0);
}

static bool movable(const struct vcpu *v, const struct sched_cpu *to, bool any)
{
	return sched_may_run(v, to) && (any || cpumask_test(to->cpu, &v->soft_affinity)) &&
	       sched_at_rest(v);
}

static struct vcpu *search(struct heap_node *n, const struct sched_cpu *to, bool any, int depth)
{
	struct vcpu *left, *right;

	if (!n || !depth)
		return NULL;
	if (movable(vcpu_of(n), to, any))
		return vcpu_of(n);
	left = search(n->left, to, any, depth - 1);
	right = search(n->right, to, any, depth - 1);
	return !left || (right && right->sched.node.key < left->sched.node.key) ? right : left;
}

static struct vcpu *fair_spare(const struct sched_cpu *from, const struct sched_cpu *to, bool any)
{
	return search(from->queue.first, to, any, SPARE_DEPTH);
}

const struct sched_policy sched_fair = {
	.name = "fair",
	.enqueue = fair_enqueue,
	.pick = fair_pick,
	.dequeue = fair_dequeue,
	.account = fair_account,
	.allowance = fair_allowance,
	.beats = fair_beats,
	.rebase = fair_rebase,
	.spare = fair_spare,
};
