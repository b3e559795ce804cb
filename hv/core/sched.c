/* SPDX-License-Identifier: MIT */
/*
 * Which vCPU runs on a processor: run queues, sleeping and waking, accounting.
 *
 * A vCPU is in exactly one of three places: current on its processor, in that processor's run
 * queue, or asleep with a bit in pause_flags. Bits are cleared before the processor's lock is taken
 * and tested under it, so a wake-up that races with schedule() either keeps the vCPU running or
 * queues it.
 */

#include "core/sched.h"

#include "core/arch.h"
#include "core/event.h"
#include "core/guest_access.h"
#include "lib/log.h"

struct sched_cpu *sched_cpus[MAX_CPUS];
const struct sched_policy *const sched_policy = &sched_fair;

static void slice_over(void *data)
{
	struct sched_cpu *sc = data;

	cpu_work(sc->cpu, WORK_RESCHED);
}

void sched_init_cpu(u32 cpu, struct vcpu *idle)
{
	struct sched_cpu *sc = xzalloc(struct sched_cpu);

	if (!sc)
		panic("no memory for the run queue of processor %u", cpu);
	sc->cpu = cpu;
	sc->current = sc->idle = idle;
	sc->look = cpu;
	timer_init(&sc->slice, slice_over, sc, cpu);
	idle->processor = cpu;
	idle->running = true;
	idle->runstate.state = RUNSTATE_running;
	idle->runstate.state_entry_time = now_ns();
	sched_cpus[cpu] = sc;
}

bool is_idle(const struct vcpu *v)
{
	return v->domain == dom_idle;
}

struct sched_cpu *sched_lock(struct vcpu *v)
{
	for (;;) {
		u32 cpu = READ_ONCE(v->processor);
		struct sched_cpu *sc = sched_cpus[cpu];

		spin_lock(&sc->lock);
		if (likely(v->processor == cpu))
			return sc;
		spin_unlock(&sc->lock);
	}
}

/* ---- accounting ---- */

static int runstate_of(u32 pause_flags)
{
	if (pause_flags & ~(u32)(VPF_blocked | VPF_polling | VPF_capped))
		return RUNSTATE_offline;
	return pause_flags & ~(u32)VPF_capped ? RUNSTATE_blocked : RUNSTATE_runnable;
}

static void runstate_change(struct vcpu *v, int state, u64 now)
{
	struct vcpu_runstate_info *r = &v->runstate;

	if (now > r->state_entry_time) {
		r->time[r->state] += now - r->state_entry_time;
		r->state_entry_time = now;
	}
	r->state = state;
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *info)
{
	struct sched_cpu *sc = sched_lock(v);
	u64 now = now_ns();

	*info = v->runstate;
	spin_unlock(&sc->lock);
	if (now > info->state_entry_time)
		info->time[info->state] += now - info->state_entry_time;
}

u64 vcpu_runtime_ns(struct vcpu *v)
{
	struct vcpu_runstate_info info;

	vcpu_runstate_get(v, &info);
	return info.time[RUNSTATE_running];
}

/* A failed copy is no error: the guest may unmap the area whenever it likes. */
void vcpu_runstate_update(struct vcpu *v)
{
	bool marks = v->domain->vm_assist & BIT(VMASST_TYPE_runstate_update_flag);
	u64 at = v->runstate_guest, entry_at;
	struct vcpu_runstate_info info;

	if (likely(!at))
		return;
	info = v->runstate;
	entry_at = guest_index(at, 1, offsetof(struct vcpu_runstate_info, state_entry_time));
	if (marks) { /* as changing; then all, then the real time: a reader waits or reads again */
		info.state_entry_time |= XEN_RUNSTATE_UPDATE;
		if (write_guest(entry_at, &info.state_entry_time))
			return;
	}
	if (write_guest(at, &info) || !marks)
		return;
	barrier();
	info.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
	if (write_guest(entry_at, &info.state_entry_time))
		return;
}

/* ---- sleeping and waking ---- */

/* v may run, and is neither running nor waiting to. */
static bool sleeps_ready(const struct sched_cpu *sc, const struct vcpu *v)
{
	return !READ_ONCE(v->pause_flags) && sc->current != v && !heap_holds(&v->sched.node) &&
	       !v->leaving;
}

void sched_leave(struct sched_cpu *sc, struct vcpu *v)
{
	v->leaving = sc->leaving ? sc->leaving : v;
	sc->leaving = v;
}

bool sched_kick_for(struct sched_cpu *sc, const struct vcpu *v, u64 now)
{
	if (sc->current == sc->idle || sched_policy->beats(sc, v, false))
		return true;
	if (!timer_armed(&sc->slice))
		timer_set(&sc->slice,
			  now + SCHED_SLICE_NS - MIN(sc->current->sched.turn, SCHED_SLICE_NS));
	return false;
}

/* v must not run here; or should not, and its state alone keeps it. */
static bool misplaced(const struct sched_cpu *sc, const struct vcpu *v)
{
	return !sched_may_run(v, sc) || (!cpumask_test(sc->cpu, &v->soft_affinity) &&
					 READ_ONCE(v->loaded) && sched_idles(sc));
}

/* Queue v if it may run and does not; true: its processor should reschedule. */
static bool wake_locked(struct sched_cpu *sc, struct vcpu *v)
{
	u64 now;

	if (!sleeps_ready(sc, v))
		return false;
	now = now_ns();
	runstate_change(v, RUNSTATE_runnable, now);
	if (unlikely(misplaced(sc, v))) {
		sched_leave(sc, v);
		return true;
	}
	if (sc->current != sc->idle)
		sched_policy->account(sc, sc->current, now);
	sched_policy->enqueue(sc, v, SCHED_WOKEN);
	return sched_kick_for(sc, v, now);
}

/* v has a pause bit now: take it off the queue; true: it runs and its processor must reschedule. */
static bool sleep_locked(struct sched_cpu *sc, struct vcpu *v)
{
	if (sc->current == v)
		return true;
	if (heap_holds(&v->sched.node))
		sched_policy->dequeue(sc, v);
	runstate_change(v, runstate_of(READ_ONCE(v->pause_flags)), now_ns());
	return false;
}

static void unlock_and_kick(struct sched_cpu *sc, bool kick)
{
	spin_unlock(&sc->lock);
	if (kick)
		cpu_work(sc->cpu, WORK_RESCHED);
}

void sched_wake_unlock(struct sched_cpu *sc, struct vcpu *v)
{
	if (sleeps_ready(sc, v))
		sc = sched_place(sc, v);
	unlock_and_kick(sc, wake_locked(sc, v));
}

void sched_allow(struct vcpu *v, const cpumask_t *allowed)
{
	struct sched_cpu *sc = sched_lock(v);
	bool waits = heap_holds(&v->sched.node), goes;

	v->allowed = *allowed;
	goes = (waits || sc->current == v) && !sched_may_run(v, sc);
	if (goes && waits) {
		sched_policy->dequeue(sc, v);
		sched_leave(sc, v);
	}
	unlock_and_kick(sc, goes);
}

bool vcpu_descheduled(struct vcpu *v)
{
	struct sched_cpu *sc = sched_lock(v);
	bool is = !__atomic_load_n(&v->running, __ATOMIC_ACQUIRE) && !v->leaving;

	spin_unlock(&sc->lock);
	return is;
}

void vcpu_wake(struct vcpu *v, u32 vpf_bits)
{
	u32 old = __atomic_fetch_and(&v->pause_flags, ~vpf_bits, __ATOMIC_SEQ_CST);
	struct sched_cpu *sc;

	if (!(old & vpf_bits) || old & ~vpf_bits)
		return;
	sc = sched_lock(v);
	sched_wake_unlock(sc, v);
}

void vcpu_sleep(struct vcpu *v, u32 vpf_bits)
{
	struct sched_cpu *sc;

	__atomic_fetch_or(&v->pause_flags, vpf_bits, __ATOMIC_SEQ_CST);
	sc = sched_lock(v);
	unlock_and_kick(sc, sleep_locked(sc, v));
}

void vcpu_yield(struct vcpu *v)
{
	struct sched_cpu *sc = sched_lock(v);
	bool others = sc->queued && sc->current == v;

	if (others)
		sc->yielded = true;
	unlock_and_kick(sc, others);
}

static void pause_nowait(struct vcpu *v)
{
	struct sched_cpu *sc = sched_lock(v);
	bool kick = false;

	if (v->pause_count++ == 0) {
		__atomic_fetch_or(&v->pause_flags, VPF_paused, __ATOMIC_SEQ_CST);
		kick = sleep_locked(sc, v);
	}
	unlock_and_kick(sc, kick);
}

static void wait_stopped(const struct vcpu *v)
{
	while (__atomic_load_n(&v->running, __ATOMIC_ACQUIRE))
		spin_wait();
}

/* Not with a lock held that the vCPU's processor might wait for. */
void vcpu_pause(struct vcpu *v)
{
	pause_nowait(v);
	wait_stopped(v);
}

void vcpu_unpause(struct vcpu *v)
{
	struct sched_cpu *sc = sched_lock(v);

	if (--v->pause_count == 0)
		__atomic_fetch_and(&v->pause_flags, ~(u32)VPF_paused, __ATOMIC_SEQ_CST);
	sched_wake_unlock(sc, v);
}

u64 sched_idle_ns(u32 cpu)
{
	return vcpu_runtime_ns(sched_cpus[cpu]->idle);
}

/* The vCPU that this processor interrupted is not waited for: it does not execute while we do. */
void domain_pause(struct domain *d)
{
	const struct vcpu *mine = current_vcpu();
	struct vcpu *v;
	u32 i;

	__atomic_fetch_add(&d->pause_count, 1, __ATOMIC_SEQ_CST);
	for_each_vcpu(d, v, i)
		pause_nowait(v);
	for_each_vcpu(d, v, i)
		if (v != mine)
			wait_stopped(v);
}

void domain_unpause(struct domain *d)
{
	struct vcpu *v;
	u32 i;

	__atomic_fetch_sub(&d->pause_count, 1, __ATOMIC_SEQ_CST);
	for_each_vcpu(d, v, i)
		vcpu_unpause(v);
}

/*
 * The caller made the event visible with an atomic operation; SCHEDOP_block sets its bit and looks
 * for events afterwards. So one of the two sees the other.
 */
void vcpu_notify_event(struct vcpu *v)
{
	u32 flags = READ_ONCE(v->pause_flags);

	if (likely(!(flags & (VPF_blocked | VPF_polling)))) {
		if (READ_ONCE(v->running))
			vcpu_kick(v);
	} else if (flags & VPF_blocked) {
		vcpu_wake(v, VPF_blocked);
	} else if (vcpu_event_pending(v) && bit_test_and_clear(v->domain->poll_mask, v->id)) {
		/* an upcall ends the poll too: what is polled for may depend on its being handled */
		vcpu_wake(v, VPF_polling);
	}
}

/* ---- switching ---- */

/* The first of the queue that may run here and now, and for how many ns; or NULL. */
static struct vcpu *pick(struct sched_cpu *sc, u64 now, u64 *slice)
{
	struct vcpu *v;

	while ((v = sched_policy->pick(sc))) {
		if (unlikely(!sched_may_run(v, sc)))
			sched_leave(sc, v);
		else if ((*slice = sched_policy->allowance(v, now)))
			break;
	}
	return v;
}

/* prev may go on: next is who had better. */
static struct vcpu *choose_with(struct sched_cpu *sc, struct vcpu *prev, u64 now, u64 *slice)
{
	struct vcpu *next = sc->yielded ? pick(sc, now, slice) : NULL;

	sched_policy->enqueue(sc, prev, sc->yielded ? SCHED_YIELDED : SCHED_PREEMPTED);
	return next ? next : pick(sc, now, slice);
}

static struct vcpu *choose(struct sched_cpu *sc, struct vcpu *prev, u64 now, u64 *slice)
{
	struct vcpu *next = NULL;
	bool stays = false;

	if (prev != sc->idle) {
		sched_policy->account(sc, prev, now);
		stays = !READ_ONCE(prev->pause_flags);
		if (stays && unlikely(!sched_may_run(prev, sc))) {
			sched_leave(sc, prev);
			stays = false;
		}
	}
	if (stays && !sc->queued) {
		*slice = sched_policy->allowance(prev, now);
		if (likely(*slice))
			return prev;
	} else if (stays) {
		next = choose_with(sc, prev, now, slice);
	} else {
		next = pick(sc, now, slice);
	}
	if (!next && sched_pull(sc))
		next = pick(sc, now, slice);
	return next ? next : sc->idle;
}

/* Keep the books of a switch; under the lock. */
static void switch_books(struct sched_cpu *sc, struct vcpu *prev, struct vcpu *next, u64 now)
{
	runstate_change(prev, runstate_of(READ_ONCE(prev->pause_flags)), now);
	runstate_change(next, RUNSTATE_running, now);
	next->sched.accounted = now;
	sc->current = next;
	sc->switches++;
	/* a full barrier: who makes an event pending looks at this, next looks for events later */
	__atomic_store_n(&next->running, true, __ATOMIC_SEQ_CST);
}

/* Its timers come along, so that to set them needs no other processor. */
static void take_timers(struct vcpu *v, u32 cpu)
{
	timer_migrate(&v->singleshot, cpu);
	timer_migrate(&v->periodic, cpu);
	timer_migrate(&v->poll_timer, cpu);
}

/* No state of theirs stays here: then they wake up where they may run. */
static noinline_fn void send_away(struct sched_cpu *sc)
{
	struct vcpu *v, *next;

	spin_lock(&sc->lock);
	v = sc->leaving;
	sc->leaving = NULL;
	spin_unlock(&sc->lock);
	for (; v; v = next) {
		next = v->leaving == v ? NULL : v->leaving;
		vcpu_sync(v);
		spin_lock(&sc->lock);
		v->leaving = NULL;
		sched_wake_unlock(sc, v);
	}
}

void schedule(struct vcpu *prev)
{
	struct sched_cpu *sc = sched_cpus[smp_processor_id()];
	u64 now = now_ns(), slice = 0;
	struct vcpu *next;
	bool balance;

	spin_lock(&sc->lock);
	next = choose(sc, prev, now, &slice);
	sc->yielded = false;
	if (next != prev)
		switch_books(sc, prev, next, now);
	if (next != sc->idle && (sc->queued || unlikely(next->domain->sched.cap)))
		timer_set(&sc->slice, now + slice);
	balance = sc->queued && now >= sc->balance_at;
	spin_unlock(&sc->lock);
	if (next != prev) {
		arch_context_switch(prev, next);
		/* pairs with wait_stopped() and sched_at_rest(): it is out of this processor */
		__atomic_store_n(&prev->running, false, __ATOMIC_RELEASE);
		if (next != sc->idle) {
			if (unlikely(next->singleshot.cpu != sc->cpu))
				take_timers(next, sc->cpu);
			arch_kernel_view_begin(next);
			vcpu_runstate_update(next);
			vcpu_time_update(next);
			arch_kernel_view_end(next);
		}
	}
	if (unlikely(balance)) /* only now prev is one that may be moved */
		sched_push(sc, now);
	if (unlikely(READ_ONCE(sc->leaving)))
		send_away(sc);
}

/* Debug key r. */
void sched_dump(void)
{
	struct sched_cpu *sc;
	u32 cpu;

	log_info("policy: %s\n", sched_policy->name);
	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		sc = sched_cpus[cpu];
		if (!sc)
			continue;
		spin_lock(&sc->lock);
		log_info("processor %u of node %u: d%uv%u, %lu switches; %u wait\n", cpu,
			 cpu_node(cpu), sc->current->domain->id, sc->current->id, sc->switches,
			 sc->queued);
		spin_unlock(&sc->lock);
	}
}
