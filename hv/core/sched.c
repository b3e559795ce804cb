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

static struct sched_cpu *sched_cpus[MAX_CPUS]; /* [I once the processor is up] */
static const struct sched_policy *const policy = &sched_rr;

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
	list_init(&sc->runq[0]);
	list_init(&sc->runq[1]);
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

static struct sched_cpu *sched_lock(struct vcpu *v)
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
	if (pause_flags & ~(u32)(VPF_blocked | VPF_polling))
		return RUNSTATE_offline;
	return pause_flags ? RUNSTATE_blocked : RUNSTATE_runnable;
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

/* Queue v if it may run and does not; true: its processor should reschedule. */
static bool wake_locked(struct sched_cpu *sc, struct vcpu *v)
{
	u64 now;

	if (READ_ONCE(v->pause_flags) || sc->current == v || !list_empty(&v->runq))
		return false;
	now = now_ns();
	runstate_change(v, RUNSTATE_runnable, now);
	policy->enqueue(sc, v, SCHED_WOKEN);
	if (sc->current == sc->idle || policy->preempts(sc, v))
		return true;
	if (!timer_armed(&sc->slice))
		timer_set(&sc->slice, MAX(now, sc->current->slice_start + SCHED_SLICE_NS));
	return false;
}

/* v has a pause bit now: take it off the queue; true: it runs and its processor must reschedule. */
static bool sleep_locked(struct sched_cpu *sc, struct vcpu *v)
{
	if (sc->current == v)
		return true;
	if (!list_empty(&v->runq))
		policy->dequeue(sc, v);
	runstate_change(v, runstate_of(READ_ONCE(v->pause_flags)), now_ns());
	return false;
}

static void unlock_and_kick(struct sched_cpu *sc, bool kick)
{
	spin_unlock(&sc->lock);
	if (kick)
		cpu_work(sc->cpu, WORK_RESCHED);
}

void vcpu_wake(struct vcpu *v, u32 vpf_bits)
{
	u32 old = __atomic_fetch_and(&v->pause_flags, ~vpf_bits, __ATOMIC_SEQ_CST);
	struct sched_cpu *sc;

	if (!(old & vpf_bits) || old & ~vpf_bits)
		return;
	sc = sched_lock(v);
	unlock_and_kick(sc, wake_locked(sc, v));
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
	bool kick = false;

	if (--v->pause_count == 0) {
		__atomic_fetch_and(&v->pause_flags, ~(u32)VPF_paused, __ATOMIC_SEQ_CST);
		kick = wake_locked(sc, v);
	}
	unlock_and_kick(sc, kick);
}

int vcpu_set_affinity(struct vcpu *v, const cpumask_t *mask)
{
	u32 cpu = 0;
	struct sched_cpu *sc;

	while (cpu < nr_cpus && !(cpumask_test(cpu, mask) && cpumask_test(cpu, &cpu_online_map)))
		cpu++;
	if (cpu == nr_cpus)
		return err_here(-EINVAL);
	if (!cpumask_test(v->processor, mask)) {
		if (v->initialised) /* only one that has never run can be moved yet */
			return err_here(-EOPNOTSUPP);
		timer_migrate(&v->singleshot, cpu);
		timer_migrate(&v->periodic, cpu);
		timer_migrate(&v->poll_timer, cpu);
		sc = sched_lock(v);
		v->processor = cpu;
		spin_unlock(&sc->lock);
	}
	v->affinity = *mask;
	return 0;
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

/* Decide who is next and keep the books; under the lock. */
static struct vcpu *choose(struct sched_cpu *sc, struct vcpu *prev, u64 now)
{
	u32 flags = READ_ONCE(prev->pause_flags);
	enum sched_why why = sc->yielded ? SCHED_YIELDED : SCHED_PREEMPTED;
	struct vcpu *next;

	sc->yielded = false;
	if (prev != sc->idle) {
		policy->account(prev, now - MIN(now, prev->slice_start));
		prev->slice_start = now;
		if (!flags && !sc->queued)
			return prev;
		if (!flags)
			policy->enqueue(sc, prev, why);
	}
	next = policy->pick(sc);
	if (!next)
		next = sc->idle;
	if (next == prev)
		return prev;
	runstate_change(prev, runstate_of(flags), now);
	runstate_change(next, RUNSTATE_running, now);
	next->slice_start = now;
	sc->current = next;
	sc->switches++;
	/* a full barrier: who makes an event pending looks at this, next looks for events later */
	__atomic_store_n(&next->running, true, __ATOMIC_SEQ_CST);
	return next;
}

void schedule(struct vcpu *prev)
{
	struct sched_cpu *sc = sched_cpus[smp_processor_id()];
	u64 now = now_ns();
	struct vcpu *next;

	spin_lock(&sc->lock);
	next = choose(sc, prev, now);
	if (sc->queued && next != sc->idle)
		timer_set(&sc->slice, now + SCHED_SLICE_NS);
	spin_unlock(&sc->lock);
	if (next == prev)
		return;
	arch_context_switch(prev, next);
	/* pairs with wait_stopped(): its state is out of this processor */
	__atomic_store_n(&prev->running, false, __ATOMIC_RELEASE);
	if (next != sc->idle) {
		arch_kernel_view_begin(next);
		vcpu_runstate_update(next);
		vcpu_time_update(next);
		arch_kernel_view_end(next);
	}
}

/* Debug key r. */
void sched_dump(void)
{
	struct sched_cpu *sc;
	struct vcpu *v;
	u32 cpu, q;

	log_info("policy: %s\n", policy->name);
	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		sc = sched_cpus[cpu];
		if (!sc)
			continue;
		spin_lock(&sc->lock);
		log_info("processor %u: d%uv%u, %lu switches; %u wait:", cpu,
			 sc->current->domain->id, sc->current->id, sc->switches, sc->queued);
		for (q = 0; q < 2; q++)
			list_for_each(v, &sc->runq[q], runq)
				log_info(" d%uv%u", v->domain->id, v->id);
		log_info("\n");
		spin_unlock(&sc->lock);
	}
}
