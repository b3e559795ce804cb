/* SPDX-License-Identifier: MIT */
/* One-shot timers: a 4-ary heap a processor, in nanoseconds since start. */

#include "core/timer.h"

#include "core/arch.h"
#include "lib/string.h"
#include "mm/page.h"

#define TIMER_SLACK                                                                                \
	64 /* room beyond what was reserved: the scheduler's and the machine's own few */
#define TIMERS_PER_RUN 32 /* then the processor looks at its other work first */

struct timer_queue {
	spinlock_t lock;
	u32 count, room;       /* [lock] */
	struct timer **heap;   /* [lock] the earliest first */
	u64 programmed;        /* [lock] no interrupt is needed before this; ~0: none at all */
	struct timer *running; /* [lock to set] its fn runs now */
};

static struct timer_queue *queues[MAX_CPUS]; /* [I once the processor is up] */
static spinlock_t reserve_lock = SPINLOCK_INIT;
static u32 reserved = TIMER_SLACK; /* [reserve_lock] */

static void place(struct timer_queue *q, u32 i, struct timer *t)
{
	q->heap[i] = t;
	t->index = i + 1;
}

static void sift_up(struct timer_queue *q, u32 i, struct timer *t)
{
	while (i) {
		u32 parent = (i - 1) / 4;

		if (q->heap[parent]->expires <= t->expires)
			break;
		place(q, i, q->heap[parent]);
		i = parent;
	}
	place(q, i, t);
}

static void sift_down(struct timer_queue *q, u32 i, struct timer *t)
{
	for (;;) {
		u32 c, first = 4 * i + 1, end = MIN(first + 4, q->count), min = first;

		if (first >= q->count)
			break;
		for (c = first + 1; c < end; c++)
			if (q->heap[c]->expires < q->heap[min]->expires)
				min = c;
		if (q->heap[min]->expires >= t->expires)
			break;
		place(q, i, q->heap[min]);
		i = min;
	}
	place(q, i, t);
}

/* t->expires changed, or t is new at position i. */
static void sift(struct timer_queue *q, u32 i, struct timer *t)
{
	if (i && q->heap[(i - 1) / 4]->expires > t->expires)
		sift_up(q, i, t);
	else
		sift_down(q, i, t);
}

static void heap_remove(struct timer_queue *q, struct timer *t)
{
	u32 i = t->index - 1;
	struct timer *last = q->heap[--q->count];

	t->index = 0;
	if (last != t)
		sift(q, i, last);
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
	u32 i = t->index;

	t->expires = expires;
	if (!i) {
		BUG_ON(q->count >= q->room);
		i = ++q->count;
	}
	sift(q, i - 1, t);
	if (q->heap[0]->expires < q->programmed) {
		q->programmed = q->heap[0]->expires;
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

		if (t->index)
			heap_remove(q, t);
		spin_unlock(&q->lock);
		if (!elsewhere)
			return;
		spin_wait(); /* it may arm itself again: look again */
	}
}

void timer_migrate(struct timer *t, u32 cpu)
{
	bool armed = READ_ONCE(t->index) != 0;
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
	while (q->count && q->heap[0]->expires <= now && left--) {
		struct timer *t = q->heap[0];

		heap_remove(q, t);
		q->running = t;
		spin_unlock(&q->lock);
		t->fn(t->data);
		spin_lock(&q->lock);
		q->running = NULL;
	}
	q->programmed = q->count ? q->heap[0]->expires : ~0UL;
	if (q->count)
		timer_program(q->programmed);
	spin_unlock(&q->lock);
}

static int queue_grow(struct timer_queue *q, u32 room)
{
	struct timer **heap, **old;

	if (q->room >= room)
		return 0;
	room = ALIGN_UP(room, (u32)(PAGE_SIZE / sizeof(*heap)));
	heap = xzalloc_array(struct timer *, room);
	if (!heap)
		return -ENOMEM;
	spin_lock(&q->lock);
	old = q->heap;
	if (old)
		memcpy(heap, old, q->count * sizeof(*heap));
	q->heap = heap;
	q->room = room;
	spin_unlock(&q->lock);
	xfree(old);
	return 0;
}

int timers_reserve(int n)
{
	u32 cpu;
	int err = 0;

	spin_lock(&reserve_lock);
	for (cpu = 0; cpu < MAX_CPUS && !err && n > 0; cpu++)
		if (queues[cpu])
			err = queue_grow(queues[cpu], reserved + n);
	if (!err)
		reserved += n;
	spin_unlock(&reserve_lock);
	return err;
}

/* Boot, or a processor coming up: its queue, with room for all timers there are. */
void timers_init_cpu(u32 cpu)
{
	struct timer_queue *q = xzalloc(struct timer_queue);

	if (!q)
		panic("no memory for the timers of processor %u", cpu);
	q->programmed = ~0UL;
	spin_lock(&reserve_lock);
	if (queue_grow(q, reserved))
		panic("no memory for the timers of processor %u", cpu);
	queues[cpu] = q;
	spin_unlock(&reserve_lock);
}
