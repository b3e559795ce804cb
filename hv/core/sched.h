/* SPDX-License-Identifier: MIT */
/* Between the scheduler's mechanism (sched.c) and its policy (a table of functions). */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include "core/domain.h"

#define SCHED_SLICE_NS 10000000UL

/* One a processor; all fields [lock]. */
struct sched_cpu {
	spinlock_t lock;
	u32 cpu;
	struct vcpu *current; /* who runs, or is about to: changed before the registers are */
	struct vcpu *idle;
	struct list_head runq[2]; /* of the policy: linked by vcpu.runq */
	u32 queued;               /* vCPUs in runq */
	bool yielded;             /* current asked to let others go first */
	struct timer slice;       /* armed only while somebody waits */
	u64 switches;
};

enum sched_why { SCHED_WOKEN, SCHED_PREEMPTED, SCHED_YIELDED };

/* A policy orders the vCPUs of one processor. Everything is called with its lock held. */
struct sched_policy {
	const char *name;
	/* v becomes queued; counts sc->queued itself */
	void (*enqueue)(struct sched_cpu *sc, struct vcpu *v, enum sched_why why);
	/* the next to run, taken off the queue; NULL: none */
	struct vcpu *(*pick)(struct sched_cpu *sc);
	/* v, which is queued, goes to sleep */
	void (*dequeue)(struct sched_cpu *sc, struct vcpu *v);
	/* v ran for ns */
	void (*account)(struct vcpu *v, u64 ns);
	/* shall v, just queued, take the processor from who runs there? */
	bool (*preempts)(const struct sched_cpu *sc, const struct vcpu *v);
};

extern const struct sched_policy sched_rr;

#endif
