/* SPDX-License-Identifier: MIT */
/* Domains and virtual processors. */
#ifndef CORE_DOMAIN_H
#define CORE_DOMAIN_H

#include <xen/xen.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#include "core/arch_state.h"
#include "core/timer.h"
#include "lib/base.h"
#include "lib/bitmap.h"
#include "lib/list.h"
#include "lib/nospec.h"
#include "lib/spinlock.h"
#include "mm/page.h"

struct exchange;
struct grant_table;
struct evtchn_fifo;
struct evtchn;

#define SCHED_WEIGHT 256 /* of a domain nobody said another for */
#define SCHED_ONE 1024   /* 1 in fixed point */

#define MAX_VCPUS 128   /* of one domain */
#define MAX_DOMID 32752 /* DOMID_FIRST_RESERVED */
#define SHUTDOWN_none 0xff

/* Why a vCPU does not run: any bit set = not runnable. [a] */
#define VPF_blocked BIT(0) /* SCHEDOP_block: until an event is pending */
#define VPF_polling BIT(1) /* SCHEDOP_poll */
#define VPF_down BIT(2)    /* not brought up yet, or VCPUOP_down */
#define VPF_paused BIT(3)  /* vcpu->pause_count or domain->pause_count is not zero */
#define VPF_dead BIT(4)    /* its domain was killed or is shut down */
#define VPF_capped BIT(5)  /* its domain has used up what its cap allows for now */

struct sched_pool;

/* What a domain is to the scheduler (docs/scheduler.md). Written at most once a period, but for a cap. */
struct sched_domain {
	struct sched_pool *pool; /* [placement lock to set] whose processors it runs on */
	u32 weight;   /* [placement lock to set] its share; SCHED_WEIGHT is the standard one */
	u32 cap;      /* [placement lock to set] % of one processor it gets at most; 0: all */
	u32 active;   /* [who wins `measured`] vCPUs that compete, * SCHED_ONE */
	u32 charge;   /* [same] virtual ns a ns of a vCPU, * SCHED_ONE */
	u64 measured; /* [a] ns: when `active` was found last */
	spinlock_t cap_lock; /* with a cap only */
	s64 tokens;          /* [cap_lock] ns it may still run; below 0: owes */
	u64 tokens_at;       /* [cap_lock] ns: when that was so */
	struct timer refill; /* [cap_lock] until vCPUs with VPF_capped go on */
	cpumask_t near;      /* [placement lock] processors of domain.nodes */
};

/* What a vCPU is to the policy. [S] */
struct sched_vcpu {
	struct heap_node
		node;  /* in its processor's queue, by virtual time at its turn's beginning */
	u64 vtime;     /* virtual ns it has run: ns at the standard weight */
	u64 accounted; /* ns: until when, of one that runs */
	u64 turn;      /* ns used of its turn */
	u64 used;      /* ns run in all */
	u64 used_before, waited_before; /* [who measures] ns at the last measurement */
};

/*
 * Field legend:  I  fixed once created          a  atomic
 *                o  only the processor that runs it (or whoever holds it descheduled)
 *                E  domain->event_lock           P  domain->page_lock
 *                S  scheduler lock of the processor
 */
struct vcpu {
	struct domain *domain;       /* [I] */
	u32 id;                      /* [I] index in domain->vcpu[] */
	u32 processor;               /* [S] where it runs or last ran */
	struct vcpu_info *vcpu_info; /* [o to move, a contents] shared with the guest; never NULL */
	u32 pause_flags;             /* [a] VPF_* */
	u32 pause_count;  /* [S] VPF_paused while not zero; domain_pause() counts here too */
	bool running;     /* [a] on a processor now: its state is there, not here */
	bool initialised; /* [E] VCPUOP_initialise was accepted */

	bool loaded; /* [a] a processor, `processor`, has some of its state */
	bool pinned; /* [placement lock] by SCHEDOP_pin_override */

	struct sched_vcpu sched;
	struct vcpu *leaving; /* [S] next that its processor is to send away, or itself */
	cpumask_t affinity, soft_affinity; /* [placement lock] where it may, and should, run */
	cpumask_t allowed;                 /* [S to set] affinity, or where it is pinned */

	struct vcpu_runstate_info runstate; /* [S] */
	u64 runstate_guest; /* [a] guest virtual address registered for a copy, or 0 */
	u64 time_guest;     /* [a] guest virtual address of the secondary time area, or 0 */
	spinlock_t mapping_lock;
	u32 free_mapping; /* [mapping_lock] first of its free grant handles, + 1 (core/grant_map.c) */
	u64 vcpu_info_mfn; /* [E] frame registered by the guest (typed reference), or INVALID_MFN */

	struct timer singleshot; /* [its queue's lock] VCPUOP_set_singleshot_timer, set_timer_op */
	struct timer periodic;   /* [its queue's lock] */
	struct timer poll_timer; /* [its queue's lock] */
	u64 periodic_period;     /* [a] ns, 0 = off */
	u32 poll_port;           /* [o] >0: the one port polled; 0: none; -1: several */
	u32 virq_to_evtchn[NR_VIRQS];  /* [E] 0 = unbound */
	struct evtchn_fifo_vcpu *fifo; /* [E] */

	struct arch_vcpu arch;
};

struct domain {
	u16 id;           /* [I] */
	bool privileged;  /* [I] the control domain */
	bool dying;       /* [a] being torn down: no new references to or from it */
	bool shut_down;   /* [a] SCHEDOP_shutdown; code below */
	bool auto_reap;   /* [a] nobody but the reaper tears it down once it has stopped */
	u8 shutdown_code; /* [a] SHUTDOWN_*, or SHUTDOWN_none */
	u32 max_vcpus;    /* [I] */
	struct vcpu *vcpu[MAX_VCPUS]; /* [I once set] NULL beyond those allocated */
	u32 refcount;                 /* [a] domain_get / domain_put */
	u32 pause_count;              /* [a] */
	const char *dead;             /* [a] sentence that says why it was killed; first one wins */

	struct shared_info *shared_info; /* [I] */
	u64 shared_info_mfn;             /* [I] */

	spinlock_t page_lock;
	u32 page_list;              /* [P] first frame number + 1, linked by page_info.list */
	struct exchange *exchanges; /* [P] exchanges its vCPUs began, that wait to go on */
	u64 tot_pages, max_pages;   /* [P] */
	u64 claimed_pages;          /* [heap lock] set aside for it */
	u64 nodes;            /* [a] bit n: its memory comes from node n rather than from others */
	u32 extra_pages;      /* [P] PGC_extra pages */
	cpumask_t dirty_cpus; /* [a] processors whose TLB may hold its entries */
	/* [a] tables of another domain have named its frames, grants apart */
	bool mapped_elsewhere;
	/* [a] TLB clock since which no processor can have kept entries of its frames */
	u64 flushed_since;

	spinlock_t event_lock;                  /* allocation, binding, closing of ports */
	struct evtchn **evtchn;                 /* [E to grow] buckets of ports */
	u32 nr_evtchns;                         /* [E to grow] ports there are room for now */
	u32 max_evtchns;                        /* [I] ports it may have, port 0 included */
	struct evtchn *evtchn_free;             /* [E] queue of free ports; NULL = empty */
	struct evtchn *evtchn_free_tail;        /* [E] its last one */
	u32 active_evtchns;                     /* [E] ports that are not free */
	u32 evtchn_cursor;                      /* [E] where closing all of them goes on */
	struct evtchn_fifo *fifo;               /* [E] NULL: 2-level */
	u64 poll_mask[BITMAP_WORDS(MAX_VCPUS)]; /* [a] vCPUs in SCHEDOP_poll */

	struct grant_table *grant_table; /* [I] */
	struct sched_domain sched;

	u64 vm_assist;        /* [a] VMASST_TYPE_* bits */
	s64 time_offset_sec;  /* [o] guest wall clock against ours */
	struct list_head all; /* [domain list lock] */
	/* Never waited for, only tried: its holder may wait for vCPUs. */
	spinlock_t control_lock;
	u32 control_pauses; /* [control_lock] XEN_DOMCTL_pausedomain: one of pause_count while not 0 */
	u32 tsc_mode;       /* [control_lock] as XEN_DOMCTL_settscinfo said */
	u32 relinquish_stage; /* [control_lock] */
	u32 relinquish_page;  /* [control_lock] frame + 1 reached, held; 0 = at the start */
	spinlock_t watchdog_lock;
	struct timer watchdog[2]; /* SCHEDOP_watchdog */
	u8 watchdog_used;         /* [watchdog_lock] bit n: watchdog[n] was handed out */
	u8 *e820;                 /* [P] XENMEM_set_memory_map: entries of 20 bytes, or NULL */
	u32 nr_e820;              /* [P] */
	u8 handle[16];            /* [control_lock] UUID */
	const char *name;         /* [I] for messages: "Domain-0", a test guest's file name */

	char console_line[128]; /* [console lock] partial line of a guest's output */
	u32 console_len;
	u64 log_budget; /* [console lock] rate limit of messages about it */

	struct arch_domain arch;
};

/* ---- life (core/domain.c) ---- */
/* Boot: the idle domain, dom_xen and dom_io; before anything else here. */
void domains_init(void);
/* The idle vCPU of a processor, for sched_init_cpu(). Panics without memory: boot only. */
struct vcpu *idle_vcpu_create(u32 cpu);
/*
 * Create a domain with room for max_vcpus, no memory, no vCPU running. NULL: no memory.
 * id: a free id, or -1 for the next free one.
 */
struct domain *domain_create(int id, bool privileged, u32 max_vcpus, u64 max_pages,
			     const char *name);
/* Allocate vCPU `id`, down, on processor `cpu`. NULL: no memory, no such id, or it exists. */
struct vcpu *vcpu_create(struct domain *d, u32 id, u32 cpu);
/* Look up and hold; NULL if there is none or it is dying. DOMID_SELF is the caller's business. */
struct domain *domain_get(u16 id);
void domain_hold(struct domain *d);
void domain_put(struct domain *d);
/* The domain a `domid` argument names for vCPU v: DOMID_SELF = its own. Held; NULL if none. */
struct domain *domain_get_for(struct vcpu *v, u16 domid);
/* The same, where v may act on it: its own, or any for the privileged domain. 0, -ESRCH, -EPERM. */
int domain_get_allowed(struct vcpu *v, u16 domid, struct domain **d);

extern struct domain *hardware_domain; /* the privileged domain, or NULL before it is built [I] */
/* Owners of frames that belong to no ordinary domain: DOMID_XEN, DOMID_IO. */
extern struct domain *dom_xen, *dom_io, *dom_idle;

/*
 * The guest broke the contract: stop it for good and say why, once. Returns; the vCPUs never run
 * again. The privileged domain's death is the machine's.
 */
void domain_kill(struct domain *d, const char *why);
#define vcpu_kill(v, why) domain_kill((v)->domain, why)
/*
 * SHUTDOWN_*: what SCHEDOP_shutdown asks. For the privileged domain: machine power-off or reboot.
 */
void domain_shutdown(struct domain *d, u8 reason);
/*
 * Begin or go on with tearing a domain down: 0 done, -ERESTART call again. All its vCPUs are off
 * processors.
 */
int domain_relinquish(struct domain *d);
/*
 * XEN_DOMCTL_destroydomain, [control_lock]: tear it down to the end, or to where others still have
 * pages of it mapped; the reaper does the rest. 0, -ERESTART.
 */
int domain_destroy(struct domain *d);
/* XEN_DOMCTL_resumedomain, [control_lock]: run on after a shutdown. 0, -EINVAL it was killed. */
int domain_resume(struct domain *d);
/*
 * Where the vcpu_info of a vCPU lies that has none yet (beyond XEN_LEGACY_MAX_VCPUS, or torn down).
 */
extern struct vcpu_info dummy_vcpu_info;

void domain_pause(struct domain *d); /* waits until no vCPU of it runs; not for one's own domain */
void domain_unpause(struct domain *d);
void vcpu_pause(struct vcpu *v); /* waits; not for oneself */
void vcpu_unpause(struct vcpu *v);

/* Any number may be asked: NULL when there is no such vCPU. */
static inline struct vcpu *domain_vcpu(const struct domain *d, u32 id)
{
	u64 i = id;

	return index_below_nospec(&i, d->max_vcpus) ? d->vcpu[i] : NULL;
}
#define for_each_vcpu(d, v, i)                                                                     \
	for ((i) = 0; (i) < (d)->max_vcpus; (i)++)                                                 \
		if (((v) = (d)->vcpu[i]) == NULL)                                                  \
			continue;                                                                  \
		else
/* Iterate all, by number: drops d (NULL: the beginning) and holds what it returns; NULL: no more. */
struct domain *domain_next(struct domain *d);
#define domain_first() domain_next(NULL)
/* The first from a number on, held, dying or not; NULL: none. */
struct domain *domain_from(u16 id);

/* ---- scheduling (core/sched.c) ---- */
/* Boot: its queue. Panics without memory. */
void sched_init_cpu(u32 cpu, struct vcpu *idle);
/* Once it can run vCPUs: to cpu_online_map and pool 0. */
void sched_cpu_online(u32 cpu);
/* A domain begins, in pool 0, with the standard weight and no cap; and is gone. */
void sched_domain_init(struct domain *d);
void sched_domain_free(struct domain *d);
/* weight 1-65535, cap in % of a processor (0: none). 0, -EINVAL. */
int domain_set_share(struct domain *d, u32 weight, u32 cap);
/*
 * Where v may run: online processors of its domain's pool must be among them. It moves soon, not
 * before the return. 0, -EINVAL.
 */
int vcpu_set_affinity(struct vcpu *v, const cpumask_t *mask);
/* Where v runs rather, as long as that is not worse. */
void vcpu_set_soft_affinity(struct vcpu *v, const cpumask_t *mask);
/*
 * Nodes that its memory rather comes from from now on, and its vCPUs rather run near: that becomes
 * their soft affinity. 0, -EINVAL there are none such.
 */
int domain_set_nodes(struct domain *d, u64 nodes);
/* SCHEDOP_pin_override: on that processor alone; below 0: as before. 0, -EINVAL, -EBUSY. */
int vcpu_pin(struct vcpu *v, s32 cpu);
/* Clear VPF bits and, when none is left, queue it and kick its processor. */
void vcpu_wake(struct vcpu *v, u32 vpf_bits);
/* Set VPF bits; if it runs, its processor is asked to reschedule (does not wait). */
void vcpu_sleep(struct vcpu *v, u32 vpf_bits);
/* Called by the exit path when WORK_RESCHED is set: choose, account, arch_context_switch(). */
void schedule(struct vcpu *current);
/* Idle vCPU of a processor: domain DOMID_IDLE. */
bool is_idle(const struct vcpu *v);
/*
 * An event became pending for v: unblock it, and interrupt its processor if it runs unmasked
 * elsewhere.
 */
void vcpu_notify_event(struct vcpu *v);
u64 vcpu_runtime_ns(struct vcpu *v);
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *info); /* as of now */
/* Write the copy a guest registered; v is current and its address space is loaded. */
void vcpu_runstate_update(struct vcpu *v);
/*
 * CPU pools, for the control interface. Pool 0 has everything at first and stays. 0, -ENOENT no
 * such pool, and:
 */
#define SCHED_POOL_ANY ~0U
int sched_pool_create(u32 *id); /* that one, or any: -EEXIST, -ENOSPC */
int sched_pool_destroy(u32 id); /* -EBUSY it has processors or domains, or is pool 0 */
/*
 * Take a processor in, or out: -EINVAL no such one; -EBUSY another's, pool 0 has no other, a domain needs it, or another one leaves;
 * -ERESTART: call again with *next as it is now (0 at first).
 */
int sched_pool_cpu(u32 id, u32 cpu, bool add, u32 *next);
int sched_pool_move(struct domain *d, u32 id); /* -EINVAL a vCPU may run nowhere in it */
/* The first from that number on: its number, processors, and how many domains. */
int sched_pool_info(u32 id, cpumask_t *cpus, u32 *domains);
/* Those that are in no pool. */
void sched_free_cpus(cpumask_t *cpus);
void vcpu_yield(struct vcpu *v);
u64 sched_idle_ns(u32 cpu); /* how long that processor has been idle since start */
/* Take a context from the caller's memory (VCPUOP_initialise); *flags: VGCF_*. (core/vcpu_op.c) */
int vcpu_initialise(struct vcpu *v, u64 arg, u64 *flags);
/* Neither on a processor nor on its way to another one; for who stopped it for good. */
bool vcpu_descheduled(struct vcpu *v);
void sched_dump(void);

#endif
