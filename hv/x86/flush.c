/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes across processors, without a lock.
 *
 * The TLB clock ticks before a full flush, unless no frame was stamped with its value: then nobody
 * would see the difference. A processor stores the value that it read before flushing in tlb_stamp:
 * whatever was in its TLB when the clock stood below that is gone. Whoever wants others to flush
 * ticks, sets bits in the mailboxes, kicks their processors and waits for the stamps to reach his
 * tick; he serves his own mailbox meanwhile, and so does everybody who waits for anything
 * (spin_wait()).
 *
 * One address: the mailbox has room for one. Who finds it taken asks for everything instead. The
 * address is cleared only after it was flushed, so "my address has gone" means "done".
 *
 * Stamps are 32 bits and compared by difference. That is sound as long as no processor's stamp lags
 * 2^31 behind: every 2^30 ticks all processors are told to flush. A stamp of a frame may be as old
 * as it likes: one that seems to lie ahead only causes a flush too many.
 *
 * Guest entries are never global (paging/ refuses the bit), ours never change but by invlpg of
 * their address.
 */
#include "x86/flush.h"

#include "lib/spinlock.h"
#include "paging/paging.h"
#include "x86/asm.h"
#include "x86/irq.h"
#include "x86/setup.h"
#include "x86/watchdog.h"

#define FLUSH_ALL BIT(0)
#define FLUSH_VA BIT(1)
#define FLUSH_GLOBAL BIT(2) /* with FLUSH_ALL: our own entries too */
#define CLOCK_LAP (1u << 30)

/* Stamps are its lower half. */
static u64 clock cacheline_aligned;
/* The value of the clock that a frame was given last; an older one, by a race, costs a flush. */
static u32 noted;

/* Bits of processors that do not exist are never set. */
#define for_each_present_cpu(cpu, mask) for_each_set_bit(cpu, (mask)->bits, nr_cpus)

static u32 clock_now(void)
{
	return (u32)__atomic_load_n(&clock, __ATOMIC_SEQ_CST);
}

u32 tlb_clock(void)
{
	u32 now = clock_now();

	if (READ_ONCE(noted) != now)
		WRITE_ONCE(noted, now);
	return now;
}

static void ask(struct cpu *c, u32 what)
{
	/* Pairs with the exchange in flush_serve(): what was written before is seen by who serves.
	 */
	if (!__atomic_fetch_or(&c->flush_request, what, __ATOMIC_SEQ_CST))
		send_ipi(c->id, VEC_FLUSH);
}

/* Once in a lap everybody flushes, so that no stamp is older than one. */
static noinline_fn u32 lap(u32 now)
{
	u32 cpu;

	for_each_present_cpu(cpu, &cpu_online_map) ask(cpus[cpu], FLUSH_ALL);
	return now;
}

static u32 tick(void)
{
	u32 now = (u32)__atomic_add_fetch(&clock, 1, __ATOMIC_SEQ_CST);

	return likely(now & (CLOCK_LAP - 1)) ? now : lap(now);
}

/* Forget everything: of global entries, which are only ours, where they are meant too. */
static void flush_hardware(bool global)
{
	u64 cr4;

	cpu_info()->write_tlb.table = NULL;
	if (!global) {
		write_cr3(read_cr3());
		return;
	}
	cr4 = read_cr4(); /* they go when they are switched off, and every other with them */
	write_cr4(cr4 & ~CR4_PGE);
	write_cr4(cr4);
}

void tlb_flush_local(void)
{
	u32 now = clock_now();

	if (unlikely(READ_ONCE(noted) == now))
		now = tick();

	flush_hardware(false);
	__atomic_store_n(&this_cpu()->tlb_stamp, now, __ATOMIC_RELEASE);
}

void tlb_flush_va_local(u64 va)
{
	cpu_info()->write_tlb.table = NULL;
	invlpg(va);
}

void flush_serve(void)
{
	struct cpu *c = this_cpu();
	u32 req = __atomic_exchange_n(&c->flush_request, 0, __ATOMIC_SEQ_CST);
	u64 va = __atomic_load_n(&c->flush_va, __ATOMIC_SEQ_CST);

	if (req & FLUSH_ALL) {
		u32 now = clock_now();

		flush_hardware(req & FLUSH_GLOBAL);
		if (va)
			tlb_flush_va_local(va);
		__atomic_store_n(&c->tlb_stamp, now, __ATOMIC_RELEASE);
	} else if (va) {
		tlb_flush_va_local(va);
	}
	if (va)
		__atomic_store_n(&c->flush_va, 0, __ATOMIC_RELEASE);
}

void spin_wait(void)
{
	cpu_relax();
	if (unlikely(READ_ONCE(this_cpu()->flush_request)))
		flush_serve();
	if (unlikely(watchdog_on))
		watchdog_wait();
}

/* Has its full flush of tick `since` or a later one happened? */
static bool flushed(const struct cpu *c, u32 since)
{
	return (s32)(__atomic_load_n(&c->tlb_stamp, __ATOMIC_ACQUIRE) - since) >= 0;
}

static bool must_ask(u32 cpu)
{
	return cpus[cpu] != this_cpu() && cpumask_test(cpu, &cpu_online_map);
}

static void flush_and_wait(const cpumask_t *mask, u32 what)
{
	cpumask_t asked = *mask; /* it may change meanwhile */
	u32 now = tick(), cpu;

	for_each_present_cpu(cpu, &asked)
	{
		if (must_ask(cpu))
			ask(cpus[cpu], what);
		else
			cpumask_clear(cpu, &asked);
	}
	if (cpumask_test(this_cpu()->id, mask)) {
		flush_hardware(what & FLUSH_GLOBAL);
		__atomic_store_n(&this_cpu()->tlb_stamp, now, __ATOMIC_RELEASE);
	}
	for_each_present_cpu(cpu, &asked) while (!flushed(cpus[cpu], now)) spin_wait();
}

static noinline_fn bool only_here_of_many(const cpumask_t *mask)
{
	u32 own = this_cpu()->id, i;
	u64 others = 0;

	for (i = 0; i < BITMAP_WORDS(nr_cpus); i++)
		others |= READ_ONCE(mask->bits[i]) & ~(i == own / 64 ? BIT(own % 64) : 0);
	return !others;
}

/* Does it name no other processor? */
static always_inline_fn bool only_here(const cpumask_t *mask)
{
	return likely(nr_cpus <= 64) ? !(READ_ONCE(mask->bits[0]) & ~BIT(this_cpu()->id)) :
				       only_here_of_many(mask);
}

void tlb_flush_mask(const cpumask_t *mask)
{
	if (only_here(mask)) {
		if (cpumask_test(this_cpu()->id, mask))
			tlb_flush_local();
		return;
	}
	flush_and_wait(mask, FLUSH_ALL);
}

void tlb_flush_global(void)
{
	flush_and_wait(&cpu_online_map, FLUSH_ALL | FLUSH_GLOBAL);
}

void tlb_flush_va_mask(const cpumask_t *mask, u64 va)
{
	cpumask_t one = *mask, all = { { 0 } }; /* copies: the mask may change meanwhile */
	u64 free;
	u32 cpu;

	va &= PAGE_MASK;
	if (!va) { /* 0 is what an empty mailbox holds */
		tlb_flush_mask(mask);
		return;
	}
	for_each_present_cpu(cpu, &one)
	{
		if (!must_ask(cpu)) {
			cpumask_clear(cpu, &one);
			continue;
		}
		free = 0;
		if (__atomic_compare_exchange_n(&cpus[cpu]->flush_va, &free, va, false,
						__ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
			ask(cpus[cpu], FLUSH_VA);
		} else {
			cpumask_clear(cpu, &one);
			cpumask_set(cpu, &all);
		}
	}
	if (cpumask_test(this_cpu()->id, mask))
		tlb_flush_va_local(va);
	for_each_present_cpu(cpu, &one) while (
		__atomic_load_n(&cpus[cpu]->flush_va, __ATOMIC_ACQUIRE) == va) spin_wait();
	tlb_flush_mask(&all);
}

/*
 * Flush those processors that may have kept entries of d's frames and have not flushed since tick
 * `since`; note in d when the others did. `now` is the clock, read before: a frame that loses its
 * last mapping from now on, be it on a processor that we don't look at, has no older stamp, so
 * nothing beyond `now` is noted.
 */
static noinline_fn void flush_stale(struct domain *d, u32 since, u64 now)
{
	/* A frame that others may map too: they drop their entries without a flush. */
	const cpumask_t *where = READ_ONCE(d->mapped_elsewhere) ? &cpu_online_map : &d->dirty_cpus;
	cpumask_t need = { { 0 } };
	u32 least = (u32)now, cpu;

	for_each_present_cpu(cpu, where)
	{
		u32 stamp = __atomic_load_n(&cpus[cpu]->tlb_stamp, __ATOMIC_ACQUIRE);

		if (!cpumask_test(cpu, &cpu_online_map))
			continue;
		if ((s32)(stamp - since) < 0)
			bit_set(need.bits, cpu);
		else if ((s32)(stamp - least) < 0)
			least = stamp;
	}
	preempt_charge(1 + nr_cpus / 6);
	tlb_flush_mask(&need);
	WRITE_ONCE(d->flushed_since, now - ((u32)now - least));
}

/*
 * A stamp equal to the frame's may be a flush that came before the last reference went: it does not
 * count. Nor does a note in d that is so old that stamps can't be compared with it.
 */
void tlb_flush_for_retype(struct domain *d, u32 stamp)
{
	u64 now = __atomic_load_n(&clock, __ATOMIC_SEQ_CST), all = READ_ONCE(d->flushed_since);

	if (unlikely(now - all >= CLOCK_LAP || (s32)((u32)all - (stamp + 1)) < 0))
		flush_stale(d, stamp + 1, now);
}
