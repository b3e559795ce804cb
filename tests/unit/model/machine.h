/* SPDX-License-Identifier: MIT */
/*
 * The machine under the engine: memory, domains, processors with TLBs that can be asked when they
 * were flushed.
 */
#ifndef MODEL_MACHINE_H
#define MODEL_MACHINE_H

#include "core/domain.h"
#include "model.h"

#define CPUS 2

extern struct domain
	*domain_at[DOMS];     /* by id; NULL: none. Dead ones stay until nothing is theirs. */
extern u64 flush_time;        /* counts whole flushes */
extern u64 flushed_at[CPUS];  /* when each processor was last flushed whole */
extern unsigned preempt_odds; /* preempt_needed() says yes once in so many questions; 0: never */
extern u8 guest_code[16];     /* what the guest executes; RIP points here */

u64 random64(void);
static inline bool once_in(unsigned n)
{
	return n && random64() % n == 0;
}
void random_seed(u64 seed);

void machine_init(void);
struct domain *machine_domain_create(u16 id, bool privileged, u64 max_pages);
void machine_domain_free(u16 id);

/*
 * Issue a hypercall, and again for as long as it asks for that. at_most: give up after so many
 * (0: never).
 */
long hypercall(struct vcpu *v, u32 nr, u64 a1, u64 a2, u64 a3, u64 a4, unsigned at_most);
extern u64 calls_again, calls_abandoned;
#define ABANDONED (-10000L)

/* A message with seed and step, then the end. */
noreturn_fn void fail(const char *fmt, ...) printf_fn(1, 2);

#endif
