/* SPDX-License-Identifier: MIT */
/* What the files of the scheduler share: docs/scheduler.md. */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include "core/domain.h"

#define SCHED_SLICE_NS 10000000UL

/* A set of processors with domains of its own. */
struct sched_pool {
	bool used;   /* [placement lock to set] */
	u32 leaving; /* [placement lock] 1 + that of its processors that is not in cpus; 0: none */
	u32 domains; /* [a] how many live in it, zombies included */
	u64 vtime;   /* [a, at most once a slice] about that of the processor furthest ahead */
	cpumask_t cpus; /* [placement lock to set] */
};
#define SCHED_POOLS 64
extern struct sched_pool sched_pools[SCHED_POOLS]; /* by number */

/* One a processor; all fields [lock], but that others look at `current`, `queued` and `pool`. */
struct sched_cpu {
	spinlock_t lock;
	u32 cpu;
	struct sched_pool *pool; /* NULL: it is not up yet */
	struct vcpu *current;    /* who runs, or is about to: changed before the registers are */
	struct vcpu *idle;
	struct heap queue;    /* of the policy: by vcpu.sched.node */
	u32 queued;           /* vCPUs in it */
	u32 look;             /* processor that was looked at last for balance */
	u64 vtime;            /* of the policy: virtual time, does not run backwards */
	u64 balance_at;       /* ns: when to look whether another should have one of the queue */
	struct vcpu *leaving; /* vCPUs to be sent to where they may run, by vcpu.leaving */
	bool yielded;         /* current asked to let others go first */
	struct timer slice;   /* armed only while somebody waits, or for a cap */
	u64 switches;
};

/* MOVED: to balance processors, with what it is owed. */
enum sched_why { SCHED_WOKEN, SCHED_PREEMPTED, SCHED_YIELDED, SCHED_MOVED };

/* A policy orders the vCPUs of one processor. Everything is called with its lock held. */
struct sched_policy {
	const char *name;
	/* v becomes queued; counts sc->queued itself */
	void (*enqueue)(struct sched_cpu *sc, struct vcpu *v, enum sched_why why);
	/* the next to run, taken off the queue; NULL: none */
	struct vcpu *(*pick)(struct sched_cpu *sc);
	/* v, which is queued, goes to sleep or away */
	void (*dequeue)(struct sched_cpu *sc, struct vcpu *v);
	/* v has run until now, or begins to */
	void (*account)(struct sched_cpu *sc, struct vcpu *v, u64 now);
	/* ns v may run from now on; 0: not now, it has VPF_capped until it may */
	u64 (*allowance)(struct vcpu *v, u64 now);
	/* should v run instead of who runs there; moved: so much that it is worth a move there? */
	bool (*beats)(const struct sched_cpu *sc, const struct vcpu *v, bool moved);
	/* v, which sleeps, wakes up on another processor; both locks */
	void (*rebase)(struct vcpu *v, const struct sched_cpu *from, struct sched_cpu *to);
	/* who of from's queue may go to another and wants it most; any: against its soft affinity */
	struct vcpu *(*spare)(const struct sched_cpu *from, const struct sched_cpu *to, bool any);
};

extern const struct sched_policy sched_fair;
extern const struct sched_policy *const sched_policy;
extern struct sched_cpu *sched_cpus[MAX_CPUS]; /* [I once the processor is up] */

/* ---- sched.c ---- */
struct sched_cpu *sched_lock(struct vcpu *v); /* the lock of its processor */
/* Queue v, if it may run and is not queued, where that is best. Drops the lock of its processor. */
void sched_wake_unlock(struct sched_cpu *sc, struct vcpu *v);
/* After an enqueue: shall the processor reschedule now? If not, its slice ends some time. */
bool sched_kick_for(struct sched_cpu *sc, const struct vcpu *v, u64 now);
/* v, which is neither queued nor asleep, may not run there: it goes when its processor reschedules. */
void sched_leave(struct sched_cpu *sc, struct vcpu *v);
/* v may run elsewhere than before. */
void sched_allow(struct vcpu *v, const cpumask_t *allowed);

/* ---- sched_place.c ---- */
/* Where v had best wake up: the lock of that processor, instead of sc's. */
struct sched_cpu *sched_place(struct sched_cpu *sc, struct vcpu *v);
/* sc has nothing to do: take one that waits elsewhere. */
bool sched_pull(struct sched_cpu *sc);
/* Others wait at sc: does another processor treat its own too well? Takes the lock. */
void sched_push(struct sched_cpu *sc, u64 now);

static inline bool sched_idles(const struct sched_cpu *sc)
{
	return READ_ONCE(sc->current) == sc->idle && !READ_ONCE(sc->queued);
}

static inline bool sched_may_run(const struct vcpu *v, const struct sched_cpu *sc)
{
	return READ_ONCE(sc->pool) == READ_ONCE(v->domain->sched.pool) &&
	       cpumask_test(sc->cpu, &v->allowed);
}

/* No processor has anything of it in its registers, and none is about to. */
static inline bool sched_at_rest(const struct vcpu *v)
{
	return !__atomic_load_n(&v->running, __ATOMIC_ACQUIRE) &&
	       !__atomic_load_n(&v->loaded, __ATOMIC_ACQUIRE);
}

#endif
