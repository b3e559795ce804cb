/* SPDX-License-Identifier: MIT */
/*
 * Ticket locks.
 *
 * The hypervisor runs with interrupts off (docs/locking.md), so a lock never meets its own
 * processor's interrupt handler. A processor that waits must go on answering TLB flush requests,
 * or two that wait for each other would never finish: spin_wait() does that.
 */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H

#include "lib/base.h"

struct spinlock {
	u16 owner;
	u16 next;
};
typedef struct spinlock spinlock_t;
#define SPINLOCK_INIT                                                                              \
	{                                                                                          \
		0, 0                                                                               \
	}

/* One turn of a waiting loop: pause, and serve TLB flush requests to this processor. (x86/flush.c) */
void spin_wait(void);

/* Out of line, so that nobody keeps registers for the case that he must wait. */
static noinline_fn __attribute__((unused)) void spin_lock_wait(spinlock_t *l, u16 ticket)
{
	do
		spin_wait();
	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket);
}

static inline void spin_lock(spinlock_t *l)
{
	u16 ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_ACQUIRE);

	if (unlikely(l->owner != ticket))
		spin_lock_wait(l, ticket);
	barrier(); /* nothing of what it guards is read before; x86 loads in program order */
}

/* By the holder alone, so one addition to memory will do: x86 does not let it pass what comes before. */
static inline void spin_unlock(spinlock_t *l)
{
	barrier();
	l->owner++;
	barrier();
}

static inline bool spin_trylock(spinlock_t *l)
{
	spinlock_t old = { l->owner, l->owner }, want = { l->owner, (u16)(l->owner + 1) };

	return __atomic_compare_exchange((u32 *)l, (u32 *)&old, (u32 *)&want, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Two of a kind, which may be one: in the order of their addresses. */
static inline void lock_two(spinlock_t *a, spinlock_t *b)
{
	spin_lock(MIN(a, b));
	if (a != b)
		spin_lock(MAX(a, b));
}

static inline void unlock_two(spinlock_t *a, spinlock_t *b)
{
	spin_unlock(a);
	if (a != b)
		spin_unlock(b);
}

#endif
