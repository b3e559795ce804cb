/* SPDX-License-Identifier: MIT */
/* One-shot timers: a heap a processor, in nanoseconds since start. */

#include "core/timer.h"

#include "core/arch.h"
#include "mm/page.h"

#define TIMERS_PER_RUN 32 /* then the processor looks at its other work first */

struct timer_queue {
	spinlock_t lock;
	struct heap heap;      /* [lock] armed timers by expiry, or by one before it */
	u64 programmed;        /* [lock] no interrupt is needed before this; ~0: none at all */
	struct timer *running; /* [lock to set] its fn runs now */
} cacheline_aligned;

static struct timer_queue *queues[MAX_CPUS]; /* [I once the processor is up] */

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
 * its tick. [q->lock]
 */
static inline void program(struct timer_queue *q, u32 cpu)
{
	if (q->heap.first->key >= q->programmed)
		return;
	q->programmed = q->heap.first->key;
	if (cpu == smp_processor_id())
		timer_program(q->programmed);
	else
		cpu_work(cpu, WORK_TIMER);
}

void timer_set(struct timer *t, u64 expires)
{
	struct timer_queue *q = queue_lock(t);
	bool stays = timer_armed(t) && t->node.key <= expires;

	if (timer_armed(t) && !stays)
		heap_remove(&q->heap, &t->node);
	t->expires = expires;
	if (!stays)
		heap_insert(&q->heap, &t->node, expires);
	program(q, t->cpu);
	spin_unlock(&q->lock);
}

void timer_stop(struct timer *t)
{
	for (;;) {
		struct timer_queue *q = queue_lock(t);
		bool elsewhere = q->running == t && t->cpu != smp_processor_id();

		if (timer_armed(t))
			heap_remove(&q->heap, &t->node);
		spin_unlock(&q->lock);
		if (!elsewhere)
			return;
		spin_wait(); /* it may arm itself again: look again */
	}
}

void timer_migrate(struct timer *t, u32 cpu)
{
	struct timer_queue *to = queues[cpu], *from;
	u32 old;

	for (;;) {
		old = READ_ONCE(t->cpu);
		from = queues[old];
		if (old == cpu)
			return;
		lock_two(&from->lock, &to->lock);
		if (likely(t->cpu == old))
			break;
		unlock_two(&from->lock, &to->lock);
	}
	if (from->running != t) { /* else it may arm itself there: another time */
		t->cpu = cpu;
		if (timer_armed(t)) {
			heap_remove(&from->heap, &t->node);
			heap_insert(&to->heap, &t->node, t->expires);
			program(to, cpu);
		}
	}
	unlock_two(&from->lock, &to->lock);
}

void timers_run(u32 cpu)
{
	struct timer_queue *q = queues[cpu];
	u64 now = now_ns();
	int left = TIMERS_PER_RUN;

	spin_lock(&q->lock);
	q->programmed = 0; /* we program at the end: nobody else need */
	while (q->heap.first && q->heap.first->key <= now && left--) {
		struct timer *t = container_of(q->heap.first, struct timer, node);

		heap_remove(&q->heap, &t->node);
		if (t->expires != t->node.key) { /* it was moved */
			heap_insert(&q->heap, &t->node, t->expires);
			continue;
		}
		q->running = t;
		spin_unlock(&q->lock);
		t->fn(t->data);
		spin_lock(&q->lock);
		q->running = NULL;
	}
	q->programmed = q->heap.first ? q->heap.first->key : ~0UL;
	if (q->heap.first)
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
