/* SPDX-License-Identifier: MIT */
/* One-shot timers: a heap a processor, in nanoseconds since start. */

#include "core/timer.h"

#include "core/arch.h"
#include "mm/page.h"

#define TIMERS_PER_RUN 32 /* then the processor looks at its other work first */

struct timer_queue {
	spinlock_t lock;
	struct timer *first;   /* [lock] the earliest: root of the heap */
	u64 programmed;        /* [lock] no interrupt is needed before this; ~0: none at all */
	struct timer *running; /* [lock to set] its fn runs now */
};

static struct timer_queue *queues[MAX_CPUS]; /* [I once the processor is up] */

/*
 * A leftist heap: no timer's key comes before that of the one above it, and the way down to the
 * right is the shortest to an empty place (its length is the rank), so at most a logarithm of how
 * many there are. No memory is needed for one more. The key is when the timer expires, or earlier:
 * one that is moved to a later time keeps its place until it comes to the top.
 */
static u32 rank(const struct timer *t)
{
	return t ? t->rank : 0;
}

/* What is below t changed. True: so did its rank. */
static bool settle(struct timer *t)
{
	u32 was = t->rank;

	if (rank(t->left) < rank(t->right)) {
		struct timer *left = t->left;

		t->left = t->right;
		t->right = left;
	}
	t->rank = rank(t->right) + 1;
	return t->rank != was;
}

/* Two heaps to one; not deeper than both ways to the right are long. */
static struct timer *merge(struct timer *a, struct timer *b)
{
	struct timer *first = a && (!b || a->key <= b->key) ? a : b;

	if (!a || !b)
		return first;
	first->right = merge(first->right, first == a ? b : a);
	first->right->up = first;
	settle(first);
	return first;
}

static void heap_insert(struct timer_queue *q, struct timer *t)
{
	struct timer *up = NULL, *below = q->first;

	while (below && below->key <= t->expires) {
		up = below;
		below = up->right;
	}
	t->key = t->expires;
	t->rank = 1;
	t->up = up;
	t->left = below;
	t->right = NULL;
	if (below)
		below->up = t;
	*(up ? &up->right : &q->first) = t;
	while (up && settle(up))
		up = up->up;
}

static void heap_remove(struct timer_queue *q, struct timer *t)
{
	struct timer *below = merge(t->left, t->right), *up = t->up;

	if (below)
		below->up = up;
	*(!up ? &q->first : up->left == t ? &up->left : &up->right) = below;
	while (up && settle(up))
		up = up->up;
	t->rank = 0;
}

static struct timer_queue *queue_lock(struct timer *t)
{
	for (;;) {
		u32 cpu = READ_ONCE(t->cpu);
		struct timer_queue *q = queues[cpu];

		spin_lock(&q->lock);
		if (likely(t->cpu == cpu))
			return q;
		spin_unlock(&q->lock);
	}
}

void timer_init(struct timer *t, void (*fn)(void *), void *data, u32 cpu)
{
	*t = (struct timer){ .fn = fn, .data = data, .cpu = cpu };
}

/*
 * The hardware is told only when the head came earlier. One that went later leaves an interrupt
 * that finds nothing due: rarer, and cheaper, than programming the hardware each time a guest moves
 * its tick.
 */
void timer_set(struct timer *t, u64 expires)
{
	struct timer_queue *q = queue_lock(t);
	bool stays = timer_armed(t) && t->key <= expires;

	if (timer_armed(t) && !stays)
		heap_remove(q, t);
	t->expires = expires;
	if (!stays)
		heap_insert(q, t);
	if (q->first->key < q->programmed) {
		q->programmed = q->first->key;
		if (t->cpu == smp_processor_id())
			timer_program(q->programmed);
		else
			cpu_work(t->cpu, WORK_TIMER);
	}
	spin_unlock(&q->lock);
}

void timer_stop(struct timer *t)
{
	for (;;) {
		struct timer_queue *q = queue_lock(t);
		bool elsewhere = q->running == t && t->cpu != smp_processor_id();

		if (timer_armed(t))
			heap_remove(q, t);
		spin_unlock(&q->lock);
		if (!elsewhere)
			return;
		spin_wait(); /* it may arm itself again: look again */
	}
}

void timer_migrate(struct timer *t, u32 cpu)
{
	bool armed = timer_armed(t);
	struct timer_queue *q;

	if (t->cpu == cpu)
		return;
	timer_stop(t);
	q = queue_lock(t);
	t->cpu = cpu;
	spin_unlock(&q->lock);
	if (armed)
		timer_set(t, t->expires);
}

void timers_run(u32 cpu)
{
	struct timer_queue *q = queues[cpu];
	u64 now = now_ns();
	int left = TIMERS_PER_RUN;

	spin_lock(&q->lock);
	q->programmed = 0; /* we program at the end: nobody else need */
	while (q->first && q->first->key <= now && left--) {
		struct timer *t = q->first;

		heap_remove(q, t);
		if (t->expires != t->key) { /* it was moved */
			heap_insert(q, t);
			continue;
		}
		q->running = t;
		spin_unlock(&q->lock);
		t->fn(t->data);
		spin_lock(&q->lock);
		q->running = NULL;
	}
	q->programmed = q->first ? q->first->key : ~0UL;
	if (q->first)
		timer_program(q->programmed);
	spin_unlock(&q->lock);
}

void timers_init_cpu(u32 cpu)
{
	struct timer_queue *q = xzalloc(struct timer_queue);

	if (!q)
		panic("no memory for the timers of processor %u", cpu);
	q->programmed = ~0UL;
	queues[cpu] = q;
}
