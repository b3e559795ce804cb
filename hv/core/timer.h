/* SPDX-License-Identifier: MIT */
/* One-shot timers: a heap a processor, in nanoseconds since start. */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "lib/heap.h"

#define NS_PER_S 1000000000UL

/* Owner: whoever embeds it. All fields [timer lock of the processor in `cpu`]. */
struct timer {
	u64 expires; /* ns since start */
	void (*fn)(void *data);
	void *data;
	u32 cpu;
	struct heap_node node; /* armed: its key is not after `expires` */
};

/* Armed at this moment; for who does not hold what arms it, a hint. */
static inline bool timer_armed(const struct timer *t)
{
	return heap_holds(&t->node);
}

/* Boot, or a processor coming up: its queue. Panics without memory. */
void timers_init_cpu(u32 cpu);
void timer_init(struct timer *t, void (*fn)(void *), void *data, u32 cpu);
/* Arm or move. Runs fn on t->cpu, on its way out or in its idle loop, at or after `expires`. */
void timer_set(struct timer *t, u64 expires);
/* After it returns fn neither runs nor will run, unless called from fn itself. */
void timer_stop(struct timer *t);
/* It expires on that processor from now on; not yet when its fn runs at this moment. */
void timer_migrate(struct timer *t, u32 cpu);
/* The timer interrupt of this processor (or work found late): run what is due, program the next. */
void timers_run(u32 cpu);

#endif
