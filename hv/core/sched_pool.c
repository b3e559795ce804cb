/* SPDX-License-Identifier: MIT */
/*
 * What the operator says: shares, affinity, pools. One lock over all of it, so that every vCPU has,
 * at any time, a processor of its domain's pool that it may run on.
 */

#include "core/arch.h"
#include "core/sched.h"
#include "lib/log.h"
#include "lib/string.h"

static spinlock_t placement_lock;
static struct sched_pool pool_none; /* whose processors nobody uses */
struct sched_pool sched_pools[SCHED_POOLS] = { { .used = true } };

/* Is there a processor of the pool's in the mask? [placement_lock] */
static bool can_run(const cpumask_t *mask, const struct sched_pool *pool)
{
	u64 both = 0;

	for (u32 i = 0; i < ARRAY_SIZE(mask->bits); i++)
		both |= mask->bits[i] & pool->cpus.bits[i];
	return both;
}

/* ---- nodes ---- */

/* Those with most memory free, as many as it takes to have a processor for each vCPU. */
static u64 home_nodes(u32 vcpus)
{
	u32 cpus[MAX_NODES] = { 0 }, best;
	u64 nodes = 0, total, free, most;

	for (u32 i = 0; i < nr_cpus; i++)
		cpus[cpu_node(i)]++;
	do {
		best = nr_nodes;
		most = 0;
		for (u32 i = 0; i < nr_nodes; i++) {
			heap_node_pages(i, &total, &free);
			if (cpus[i] && !(nodes & BIT(i)) && free > most) {
				best = i;
				most = free;
			}
		}
		if (best == nr_nodes)
			return ALL_NODES;
		nodes |= BIT(best);
		vcpus -= MIN(vcpus, cpus[best]);
	} while (vcpus);
	return nodes;
}

int domain_set_nodes(struct domain *d, u64 nodes)
{
	u64 all = BIT(nr_nodes) - 1;
	cpumask_t *near = &d->sched.near;
	struct vcpu *v;
	u32 i;

	if (!(nodes & all))
		return err_here(-EINVAL);
	spin_lock(&placement_lock);
	WRITE_ONCE(d->nodes, nodes);
	memset(near, (nodes & all) == all ? 0xff : 0, sizeof(*near));
	for (i = 0; i < nr_cpus; i++)
		if (nodes & BIT(cpu_node(i)))
			cpumask_set(i, near);
	if (bitmap_next_set(near->bits, nr_cpus, 0) == nr_cpus) /* nodes of memory only */
		memset(near, 0xff, sizeof(*near));
	for_each_vcpu(d, v, i)
		v->soft_affinity = *near;
	spin_unlock(&placement_lock);
	return 0;
}

/* ---- shares ---- */

static void refill(void *data)
{
	struct domain *d = data;
	struct vcpu *v;
	u32 i;

	for_each_vcpu(d, v, i)
		vcpu_wake(v, VPF_capped);
}

void sched_domain_init(struct domain *d)
{
	d->sched = (struct sched_domain){
		.pool = &sched_pools[0],
		.weight = SCHED_WEIGHT,
		.active = SCHED_ONE,
		.charge = SCHED_ONE,
		.measured = now_ns(),
	};
	timer_init(&d->sched.refill, refill, d, 0);
	__atomic_fetch_add(&sched_pools[0].domains, 1, __ATOMIC_RELAXED);
	(void)domain_set_nodes(d, nr_nodes > 1 && !d->privileged ? home_nodes(d->max_vcpus) :
								   ALL_NODES);
}

void sched_domain_free(struct domain *d)
{
	__atomic_fetch_sub(&d->sched.pool->domains, 1, __ATOMIC_RELAXED);
}

int domain_set_share(struct domain *d, u32 weight, u32 cap)
{
	struct sched_domain *s = &d->sched;

	if (!weight || weight > 65535 || cap > 100 * MAX_VCPUS)
		return err_here(-EINVAL);
	spin_lock(&placement_lock);
	WRITE_ONCE(s->charge, MAX(1U, s->active * SCHED_WEIGHT / weight));
	s->weight = weight;
	spin_lock(&s->cap_lock);
	s->cap = cap;
	s->tokens = 0;
	s->tokens_at = now_ns();
	spin_unlock(&s->cap_lock);
	spin_unlock(&placement_lock);
	refill(d);
	return 0;
}

/* ---- affinity ---- */

int vcpu_set_affinity(struct vcpu *v, const cpumask_t *mask)
{
	int rc = 0;

	spin_lock(&placement_lock);
	if (!can_run(mask, v->domain->sched.pool)) {
		rc = err_here(-EINVAL);
	} else {
		v->affinity = *mask;
		if (!v->pinned)
			sched_allow(v, mask);
	}
	spin_unlock(&placement_lock);
	return rc;
}

void vcpu_set_soft_affinity(struct vcpu *v, const cpumask_t *mask)
{
	spin_lock(&placement_lock);
	v->soft_affinity = *mask;
	spin_unlock(&placement_lock);
}

int vcpu_pin(struct vcpu *v, s32 cpu)
{
	cpumask_t one = { 0 };
	int rc = 0;

	if (cpu >= MAX_CPUS)
		return err_here(-EINVAL);
	if (cpu >= 0)
		cpumask_set((u32)cpu, &one);
	spin_lock(&placement_lock);
	if (cpu >= 0 && v->pinned)
		rc = err_here(-EBUSY);
	else if (cpu >= 0 && !can_run(&one, v->domain->sched.pool))
		rc = err_here(-EINVAL);
	else {
		v->pinned = cpu >= 0;
		sched_allow(v, v->pinned ? &one : &v->affinity);
	}
	spin_unlock(&placement_lock);
	return rc;
}

/* ---- pools ---- */

/* [placement_lock] */
static struct sched_pool *find(u32 id)
{
	return id < SCHED_POOLS && sched_pools[id].used ? &sched_pools[id] : NULL;
}

/* Who runs or waits there may have to go. [placement_lock] */
static void give_cpu(struct sched_cpu *sc, struct sched_pool *to)
{
	spin_lock(&sc->lock);
	cpumask_clear(sc->cpu, &sc->pool->cpus);
	cpumask_set(sc->cpu, &to->cpus);
	sc->pool = to;
	spin_unlock(&sc->lock);
	cpu_work(sc->cpu, WORK_RESCHED);
}

void sched_cpu_online(u32 cpu)
{
	cpumask_set(cpu, &cpu_online_map);
	spin_lock(&placement_lock);
	sched_cpus[cpu]->pool = &pool_none; /* online before, it ran nobody */
	give_cpu(sched_cpus[cpu], &sched_pools[0]);
	spin_unlock(&placement_lock);
}

int sched_pool_create(u32 *id)
{
	u32 n = *id == SCHED_POOL_ANY ? 0 : *id;
	int rc = 0;

	spin_lock(&placement_lock);
	while (*id == SCHED_POOL_ANY && n < SCHED_POOLS && sched_pools[n].used)
		n++;
	if (n >= SCHED_POOLS)
		rc = err_here(-ENOSPC);
	else if (sched_pools[n].used)
		rc = err_here(-EEXIST);
	else
		sched_pools[n].used = true;
	spin_unlock(&placement_lock);
	*id = n;
	return rc;
}

int sched_pool_destroy(u32 id)
{
	struct sched_pool *p;
	int rc = 0;

	spin_lock(&placement_lock);
	p = find(id);
	if (!p)
		rc = err_here(-ENOENT);
	else if (p == sched_pools || can_run(&p->cpus, p) || READ_ONCE(p->domains) || p->leaving)
		rc = err_here(-EBUSY);
	else
		p->used = false;
	spin_unlock(&placement_lock);
	return rc;
}

/* Pinned or not, now and later. */
static bool domain_can_run(struct domain *d, const struct sched_pool *pool)
{
	bool can = can_run(&pool->cpus, pool);
	struct vcpu *v;
	u32 i;

	for_each_vcpu(d, v, i)
		can &= can_run(&v->allowed, pool) && can_run(&v->affinity, pool);
	return can;
}

/*
 * Can all domains of the pool do with pool->cpus? From that number on. Those that were asked stay so: whoever places
 * one of them between two steps is held to the same. [placement_lock]
 */
static int all_can_run(const struct sched_pool *pool, u32 *next)
{
	/* new domains begin in pool 0 */
	int rc = pool == sched_pools && !can_run(&pool->cpus, pool) ? err_here(-EBUSY) : 0;
	struct domain *d = rc ? NULL : domain_from((u16)*next);

	for (; d && !rc; d = domain_next(d)) {
		if (d->sched.pool == pool && !domain_can_run(d, pool))
			rc = err_here(-EBUSY);
		*next = d->id + 1u;
		preempt_charge(1 + d->max_vcpus);
		if (!rc && preempt_needed())
			rc = -ERESTART;
	}
	if (d)
		domain_put(d);
	return rc;
}

int sched_pool_cpu(u32 id, u32 cpu, bool add, u32 *next)
{
	struct sched_pool *p;
	struct sched_cpu *sc;
	int rc = 0;

	if (cpu >= nr_cpus || !cpumask_test(cpu, &cpu_online_map))
		return err_here(-EINVAL);
	sc = sched_cpus[cpu];
	spin_lock(&placement_lock);
	p = find(id);
	if (!p || sc->pool != (add ? &pool_none : p) ||
	    /* from the beginning again, too: who had begun may never have come back */
	    (!add && p->leaving != cpu + 1 && (p->leaving || *next))) {
		rc = err_here(p ? -EBUSY : -ENOENT);
	} else if (add) {
		give_cpu(sc, p);
	} else {
		cpumask_clear(cpu, &p->cpus); /* who runs there stays until it is decided */
		rc = all_can_run(p, next);
		p->leaving = rc == -ERESTART ? cpu + 1 : 0;
		if (!p->leaving)
			give_cpu(sc, rc ? p : &pool_none);
	}
	spin_unlock(&placement_lock);
	return rc;
}

int sched_pool_move(struct domain *d, u32 id)
{
	struct sched_pool *p;
	struct vcpu *v;
	int rc = 0;
	u32 i;

	spin_lock(&placement_lock);
	p = find(id);
	if (!p || !domain_can_run(d, p)) {
		rc = err_here(p ? -EINVAL : -ENOENT);
	} else {
		__atomic_fetch_sub(&d->sched.pool->domains, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&p->domains, 1, __ATOMIC_RELAXED);
		WRITE_ONCE(d->sched.pool, p);
		for_each_vcpu(d, v, i)
			sched_allow(v, &v->allowed);
	}
	spin_unlock(&placement_lock);
	return rc;
}

int sched_pool_info(u32 id, cpumask_t *cpus, u32 *domains)
{
	while (id < SCHED_POOLS && !READ_ONCE(sched_pools[id].used))
		id++;
	if (id >= SCHED_POOLS)
		return -ENOENT;
	*cpus = sched_pools[id].cpus;
	*domains = READ_ONCE(sched_pools[id].domains);
	return (int)id;
}

void sched_free_cpus(cpumask_t *cpus)
{
	*cpus = pool_none.cpus;
}
