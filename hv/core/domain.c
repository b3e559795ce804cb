/* SPDX-License-Identifier: MIT */
/*
 * Domains and vCPUs: the table of them, creation, death, teardown.
 *
 * A domain stays in the table until its last reference is dropped. The first reference is its own;
 * the one who tears it down drops it, once nothing belongs to the domain any more.
 */

#include "core/domain.h"

#include "core/arch.h"
#include "core/event.h"
#include "core/grant.h"
#include "core/memory.h"
#include "lib/log.h"
#include "lib/string.h"

#define RELINQUISH_BATCH 32 /* pages between two looks at other work */
#define REAP_PERIOD_NS 1000000UL
#define BURIED (~0U) /* relinquish_stage: its own reference is given back */

struct domain *hardware_domain, *dom_xen, *dom_io, *dom_idle;
struct vcpu_info dummy_vcpu_info;

static spinlock_t list_lock = SPINLOCK_INIT;
static struct list_head domains = LIST_INIT(domains); /* [list_lock] ordinary ones, by number */
static struct domain *by_id[MAX_DOMID]; /* [list_lock to change] looking needs no lock */
static struct timer reap_timer;         /* the next step, where there is more to do */

/* ---- the table ---- */

static struct domain *find(u16 id)
{
	return id < MAX_DOMID ? READ_ONCE(by_id[array_index_nospec(id, MAX_DOMID)]) : NULL;
}

/* Its last reference may be going at this moment: then it is gone already. [list_lock] */
static bool hold_if_alive(struct domain *d)
{
	u32 n = READ_ONCE(d->refcount);

	while (n)
		if (__atomic_compare_exchange_n(&d->refcount, &n, n + 1, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

struct domain *domain_get(u16 id)
{
	struct domain *d;

	spin_lock(&list_lock);
	d = find(id);
	if (d && (READ_ONCE(d->dying) || !hold_if_alive(d)))
		d = NULL;
	spin_unlock(&list_lock);
	return d;
}

struct domain *domain_of_owner(u16 id)
{
	if (id >= DOMID_FIRST_RESERVED)
		return id == DOMID_XEN ? dom_xen : id == DOMID_IO ? dom_io : NULL;
	return find(id);
}

void domain_hold(struct domain *d)
{
	__atomic_fetch_add(&d->refcount, 1, __ATOMIC_RELAXED);
}

struct domain *domain_get_for(struct vcpu *v, u16 domid)
{
	if (domid != DOMID_SELF && domid != v->domain->id)
		return domain_get(domid);
	domain_hold(v->domain);
	return v->domain;
}

int domain_get_allowed(struct vcpu *v, u16 domid, struct domain **d)
{
	*d = domain_get_for(v, domid);
	if (!*d)
		return err_here(-ESRCH);
	if (*d == v->domain || v->domain->privileged)
		return 0;
	domain_put(*d);
	return err_here(-EPERM);
}

/* The first one from `pos` on with a number from id on that lives, held. [list_lock] */
static struct domain *first_from(struct list_head *pos, u16 id)
{
	for (; pos != &domains; pos = pos->next) {
		struct domain *d = list_entry(pos, struct domain, all);

		if (d->id >= id && hold_if_alive(d))
			return d;
	}
	return NULL;
}

struct domain *domain_from(u16 id)
{
	struct domain *d;

	spin_lock(&list_lock);
	d = find(id);
	d = first_from(d ? &d->all : domains.next, id);
	spin_unlock(&list_lock);
	return d;
}

struct domain *domain_next(struct domain *d)
{
	struct domain *next;

	spin_lock(&list_lock);
	next = first_from(d ? d->all.next : domains.next, 0);
	spin_unlock(&list_lock);
	if (d)
		domain_put(d);
	return next;
}

/* Give it an id that is free (from 1 on), or the one it asks for; into the table. */
static int table_insert(struct domain *d, int id)
{
	static u16 last; /* [list_lock] numbers are used again as late as possible */
	struct list_head *pos = domains.prev;
	int err = -EEXIST, tries;

	spin_lock(&list_lock);
	for (tries = 1; id < 0 && tries < MAX_DOMID; tries++) {
		last = last % (MAX_DOMID - 1) + 1;
		if (!find(last))
			id = last;
	}
	if (id >= 0 && id < MAX_DOMID && !find(id)) {
		d->id = id;
		__atomic_store_n(&by_id[id], d, __ATOMIC_RELEASE);
		while (pos != &domains && list_entry(pos, struct domain, all)->id > id)
			pos = pos->prev;
		list_add(&d->all, pos);
		err = 0;
	}
	spin_unlock(&list_lock);
	return err;
}

static void table_remove(struct domain *d)
{
	spin_lock(&list_lock);
	if (find(d->id) == d) {
		WRITE_ONCE(by_id[d->id], NULL);
		list_del(&d->all);
	}
	spin_unlock(&list_lock);
}

/* ---- creation ---- */

static struct domain *alloc_domain(u16 id, const char *name, u32 max_vcpus)
{
	struct domain *d = xzalloc(struct domain);

	if (!d)
		return NULL;
	d->id = id;
	d->name = name;
	d->max_vcpus = max_vcpus;
	d->refcount = 1;
	d->shutdown_code = SHUTDOWN_none;
	d->shared_info_mfn = INVALID_MFN;
	list_init(&d->all);
	return d;
}

static struct vcpu *alloc_vcpu(struct domain *d, u32 id, u32 cpu)
{
	struct vcpu *v = xzalloc(struct vcpu);

	if (!v)
		return NULL;
	v->domain = d;
	v->id = id;
	v->processor = cpu;
	v->vcpu_info = &dummy_vcpu_info;
	v->vcpu_info_mfn = INVALID_MFN;
	memset(&v->affinity, 0xff, sizeof(v->affinity));
	v->soft_affinity = v->allowed = v->affinity;
	return v;
}

struct vcpu *idle_vcpu_create(u32 cpu)
{
	struct vcpu *v = alloc_vcpu(dom_idle, cpu, cpu);

	if (!v)
		panic("no memory for the idle vCPU of processor %u", cpu);
	return v;
}

static int share_info_page(struct domain *d)
{
	struct page_info *pg = alloc_heap_pages(0, MEMF_zero);

	if (!pg)
		return -ENOMEM;
	share_page_with_domain(pg, d, true);
	d->shared_info_mfn = page_to_mfn(pg);
	d->shared_info = page_to_virt(pg);
	return 0;
}

static void watchdog_expired(void *data)
{
	struct domain *d = data;

	guest_warn("d%u: its watchdog was not answered\n", d->id);
	domain_shutdown(d, SHUTDOWN_watchdog);
}

/*
 * What is left of a domain when nobody holds it any more. It stays in the table until the end:
 * frames name their owner by its number. Also undoes a creation that failed half way.
 */
static void free_domain(struct domain *d)
{
	struct vcpu *v;
	u32 i;

	for_each_vcpu(d, v, i) {
		arch_vcpu_destroy(v);
		xfree(v);
	}
	if (d->max_evtchns)
		evtchn_free_domain(d);
	if (d->grant_table)
		grant_destroy_domain(d);
	if (d->shared_info)
		unshare_page(mfn_to_page(d->shared_info_mfn));
	sched_domain_free(d);
	table_remove(d);
	xfree(d->e820);
	xfree(d);
	send_global_virq(VIRQ_DOM_EXC);
}

struct domain *domain_create(int id, bool privileged, u32 max_vcpus, u64 max_pages,
			     const char *name)
{
	struct domain *d;

	if (!max_vcpus || max_vcpus > MAX_VCPUS)
		return NULL;
	d = alloc_domain(0, name, max_vcpus);
	if (!d)
		return NULL;
	d->privileged = privileged;
	d->max_pages = max_pages;
	sched_domain_init(d);
	timer_init(&d->watchdog[0], watchdog_expired, d, 0);
	timer_init(&d->watchdog[1], watchdog_expired, d, 0);
	d->refcount = 0; /* in the table, but nobody gets hold of it before it is whole */
	if (table_insert(d, id) || share_info_page(d) || evtchn_init_domain(d) ||
	    grant_init_domain(d)) {
		free_domain(d);
		return NULL;
	}
	__atomic_store_n(&d->refcount, 1, __ATOMIC_RELEASE);
	if (privileged)
		hardware_domain = d;
	return d;
}

static void poll_timeout(void *data)
{
	struct vcpu *v = data;

	if (bit_test_and_clear(v->domain->poll_mask, v->id))
		vcpu_wake(v, VPF_polling);
}

static void singleshot_expired(void *data)
{
	send_vcpu_virq(data, VIRQ_TIMER);
}

static void periodic_expired(void *data)
{
	struct vcpu *v = data;
	u64 now = now_ns(), next = v->periodic.expires + v->periodic_period;

	send_vcpu_virq(v, VIRQ_TIMER);
	if (v->periodic_period) /* ticks that were missed are not made up for */
		timer_set(&v->periodic, next > now ? next : now + v->periodic_period);
}

struct vcpu *vcpu_create(struct domain *d, u32 id, u32 cpu)
{
	struct vcpu *v;

	if (id >= d->max_vcpus || d->vcpu[id])
		return NULL;
	v = alloc_vcpu(d, id, cpu);
	if (!v)
		return NULL;
	if (id < XEN_LEGACY_MAX_VCPUS)
		v->vcpu_info = &d->shared_info->vcpu_info[id];
	v->soft_affinity = d->sched.near;
	v->pause_flags = VPF_down | (d->pause_count ? VPF_paused : 0);
	v->pause_count = d->pause_count;
	v->runstate.state = RUNSTATE_offline;
	v->runstate.state_entry_time = now_ns();
	timer_init(&v->singleshot, singleshot_expired, v, cpu);
	timer_init(&v->periodic, periodic_expired, v, cpu);
	timer_init(&v->poll_timer, poll_timeout, v, cpu);
	if (arch_vcpu_create(v)) {
		arch_vcpu_destroy(v);
		xfree(v);
		return NULL;
	}
	/* pairs with for_each_vcpu() on other processors: what it finds is complete */
	__atomic_store_n(&d->vcpu[id], v, __ATOMIC_RELEASE);
	return v;
}

/* ---- death ---- */

static void stop_vcpus(struct domain *d)
{
	struct vcpu *v;
	u32 i;

	for_each_vcpu(d, v, i)
		vcpu_sleep(v, VPF_dead);
}

static void stopped(struct domain *d)
{
	stop_vcpus(d);
	send_global_virq(VIRQ_DOM_EXC);
	if (d->auto_reap)
		domain_reap();
}

void domain_kill(struct domain *d, const char *why)
{
	const char *nothing = NULL;

	if (!__atomic_compare_exchange_n(&d->dead, &nothing, why, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return;
	log_warn("d%u (%s) killed: %s\n", d->id, d->name, why);
	if (d->privileged)
		machine_dead(why);
	d->shutdown_code = SHUTDOWN_crash;
	__atomic_store_n(&d->shut_down, true, __ATOMIC_RELEASE);
	stopped(d);
}

static noreturn_fn void machine_shutdown(u8 reason)
{
	switch (reason) {
	case SHUTDOWN_poweroff:
		log_info("Domain-0 has shut down: powering off\n");
		machine_power_off();
	case SHUTDOWN_reboot:
		log_info("Domain-0 asks for a reboot\n");
		machine_reboot();
	case SHUTDOWN_watchdog:
		log_err("Domain-0 did not answer its watchdog: rebooting\n");
		machine_reboot();
	default:
		arch_dump_registers();
		machine_dead(reason == SHUTDOWN_crash ?
				     "Domain-0 crashed" :
				     "Domain-0 stopped in a way that only others can");
	}
}

void domain_shutdown(struct domain *d, u8 reason)
{
	if (d->shutdown_code != SHUTDOWN_none)
		reason = d->shutdown_code; /* SCHEDOP_shutdown_code said it before */
	if (d->privileged)
		machine_shutdown(reason);
	if (__atomic_exchange_n(&d->shut_down, true, __ATOMIC_ACQ_REL))
		return;
	d->shutdown_code = reason;
	log_info("d%u (%s) has shut down, reason %u\n", d->id, d->name, reason);
	stopped(d);
}

/* ---- teardown ---- */

static int relinquish_vcpus(struct domain *d)
{
	struct vcpu *v;
	u32 i;

	spin_lock(&d->page_lock); /* who allocates for it tests this under the lock */
	d->dying = true;
	spin_unlock(&d->page_lock);
	stop_vcpus(d);
	/* All of them first: one that still runs may arm another's timers. */
	for_each_vcpu(d, v, i)
		if (!vcpu_descheduled(v))
			return -ERESTART;
	for_each_vcpu(d, v, i) {
		timer_stop(&v->singleshot);
		timer_stop(&v->periodic);
		timer_stop(&v->poll_timer);
		v->runstate_guest = v->time_guest = 0;
		v->vcpu_info = &dummy_vcpu_info;
	}
	timer_stop(&d->watchdog[0]);
	timer_stop(&d->watchdog[1]);
	timer_stop(&d->sched.refill);
	return 0;
}

/* Only after the ports are closed: until then somebody may be setting bits in there. */
static int relinquish_vcpu_infos(struct domain *d)
{
	struct vcpu *v;
	u32 i;

	for_each_vcpu(d, v, i)
		if (v->vcpu_info_mfn != INVALID_MFN) {
			put_page_and_type(mfn_to_page(v->vcpu_info_mfn));
			v->vcpu_info_mfn = INVALID_MFN;
		}
	return 0;
}

/* Drop the reference the allocation itself holds. */
static int relinquish_page(struct domain *d, struct page_info *pg)
{
	if (__atomic_fetch_and(&pg->count_info, ~PGC_allocated, __ATOMIC_ACQ_REL) & PGC_allocated)
		put_page(pg);
	return 0;
}

static int relinquish_pages(struct domain *d)
{
	return walk_dying_pages(d, relinquish_page, RELINQUISH_BATCH);
}

/* Who still maps something of it learns that it is time to let go. */
static int relinquish_tell(struct domain *d)
{
	heap_claim(d, 0);
	send_global_virq(VIRQ_DOM_EXC);
	return 0;
}

int domain_relinquish(struct domain *d)
{
	static int (*const stages[])(struct domain *) = {
		relinquish_vcpus,        evtchn_destroy_domain,  relinquish_vcpu_infos,
		grant_release_mappings,  arch_domain_relinquish, relinquish_pages,
		exchange_destroy_domain, relinquish_tell,
	};

	while (d->relinquish_stage < ARRAY_SIZE(stages)) {
		int err = stages[d->relinquish_stage](d);

		if (err)
			return err;
		d->relinquish_stage++;
		if (preempt_needed())
			return -ERESTART;
	}
	return 0;
}

void domain_put(struct domain *d)
{
	if (__atomic_sub_fetch(&d->refcount, 1, __ATOMIC_ACQ_REL))
		return;
	log_info("d%u (%s) is gone\n", d->id, d->name);
	free_domain(d);
}

/*
 * Take d down a step further; at its end drop the domain's own reference, once, unless others still
 * have pages of it mapped. Who frees the last page asks for another try; his use of d ends with the
 * lock. 0, -ERESTART: there is more to do. [control_lock]
 */
static int take_down(struct domain *d)
{
	bool pages;

	if (d->relinquish_stage == BURIED)
		return 0;
	if (domain_relinquish(d))
		return -ERESTART;
	spin_lock(&d->page_lock);
	pages = d->tot_pages;
	spin_unlock(&d->page_lock);
	if (!pages) {
		d->relinquish_stage = BURIED;
		domain_put(d);
	}
	return 0;
}

int domain_destroy(struct domain *d)
{
	int rc = take_down(d);

	if (rc && !timer_armed(&reap_timer)) /* should the caller never come back */
		timer_set(&reap_timer, now_ns() + REAP_PERIOD_NS);
	return rc;
}

int domain_resume(struct domain *d)
{
	struct vcpu *v;
	u32 i;

	if (READ_ONCE(d->dead))
		return err_here(-EINVAL);
	d->shutdown_code = SHUTDOWN_none;
	if (!__atomic_exchange_n(&d->shut_down, false, __ATOMIC_ACQ_REL))
		return 0;
	for_each_vcpu(d, v, i)
		vcpu_wake(v, VPF_dead);
	return 0;
}

/* Who has the control lock goes on himself, or asks for us. True: there is more to do. */
static bool reap_one(struct domain *d)
{
	int rc;

	if (!READ_ONCE(d->dying) && !(d->auto_reap && READ_ONCE(d->shut_down)))
		return false;
	if (!spin_trylock(&d->control_lock))
		return false;
	rc = take_down(d);
	spin_unlock(&d->control_lock);
	return rc;
}

/* A step now and then in a guest's time; one after the other where the processor idles. */
static void reap(void *unused)
{
	bool again = false;
	struct domain *d;

	for (d = domain_first(); d; d = domain_next(d)) {
		if (!reap_one(d))
			continue;
		again = true;
		if (d->relinquish_stage) /* it did not only wait for its vCPUs: a step is done */
			break;
	}
	if (d) /* the loop ended early, and holds the one it had come to */
		domain_put(d);
	if (again)
		timer_set(&reap_timer, now_ns() + (is_idle(current_vcpu()) ? 0 : REAP_PERIOD_NS));
}

/* There may be something to do for it. */
void domain_reap(void)
{
	if (!timer_armed(&reap_timer))
		timer_set(&reap_timer, now_ns());
}

void domains_init(void)
{
	timer_init(&reap_timer, reap, NULL, 0);
	dom_idle = alloc_domain(DOMID_IDLE, "idle", 0);
	dom_xen = alloc_domain(DOMID_XEN, "hypervisor", 0);
	dom_io = alloc_domain(DOMID_IO, "devices", 0);
	if (!dom_idle || !dom_xen || !dom_io)
		panic("no memory for the first domains");
	/* nothing is ever pending for a vCPU that has this one */
	dummy_vcpu_info.evtchn_upcall_mask = 1;
}
