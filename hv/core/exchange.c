/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange: some of a domain's frames against others of the same number, contiguous or low.
 *
 * It goes by chunks: as many pages as the longer of an input and an output extent has. First the new
 * extents are allocated, then a chunk is swapped in one go or left as it was, then the old pages are
 * freed. Between these, and every few pages of the first and the last, the call may be interrupted:
 * what it has in hand waits with the caller's domain, and
 * nr_exchanged in the guest's memory says how far it got, which is checked again like everything
 * else when it comes back.
 */

#include <xen/memory.h>

#include "core/arch.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "core/memory.h"
#include "lib/log.h"

#define CHUNK_PAGES (1u << MEMORY_MAX_ORDER)
#define STEP_PAGES 16 /* allocated or freed between two preemption points */
/* For preempt_charge(): what a page takes to allocate or free, and to swap. */
#define PAGE_CHARGE 2
#define SWAP_CHARGE 1

/*
 * What a call has in hand: new extents or old pages, never both. Where it stops, with an error too,
 * it leaves that to the next call of the domain or to its death. There are no more of these than
 * processors, since who begins takes one that waits.
 */
struct exchange {
	struct exchange *next; /* [P of the caller's domain, while it waits] */
	u32 in_order, out_order;
	u32 memflags;
	u32 got;  /* extents out[0 .. got - 1] are allocated, nobody's yet */
	u32 left; /* pages in[0 .. left - 1] were the domain's, and are to be freed */
	u64 in[CHUNK_PAGES], out[CHUNK_PAGES]; /* frame numbers */
	u64 pfn[CHUNK_PAGES];                  /* wanted for out[] */
};

static u32 chunk_order(const struct exchange *x)
{
	return MAX(x->in_order, x->out_order);
}

/* ---- what is in hand ---- */

static void push(struct domain *d, struct exchange *x)
{
	spin_lock(&d->page_lock);
	x->next = d->exchanges;
	d->exchanges = x;
	spin_unlock(&d->page_lock);
}

static struct exchange *pop(struct domain *d)
{
	struct exchange *x;

	spin_lock(&d->page_lock);
	x = d->exchanges;
	if (x)
		d->exchanges = x->next;
	spin_unlock(&d->page_lock);
	return x;
}

/* Free all of it: 0, or -ERESTART. */
static int drop(struct exchange *x)
{
	for (u32 n = 1; x->left || x->got; n++) {
		if (x->left)
			free_heap_pages(mfn_to_page(x->in[--x->left]), 0);
		else
			free_heap_pages(mfn_to_page(x->out[--x->got]), x->out_order);
		preempt_charge(PAGE_CHARGE);
		if (!(n % STEP_PAGES) && preempt_needed())
			return -ERESTART;
	}
	return 0;
}

int exchange_destroy_domain(struct domain *d)
{
	struct exchange *x;

	while ((x = pop(d))) {
		if (drop(x)) {
			push(d, x);
			return -ERESTART;
		}
		xfree(x);
	}
	return 0;
}

/* ---- a chunk ---- */

/* Allocate what it takes. 0, -ENOMEM, -ERESTART: there may be work, and there was some. */
static int chunk_allocate(struct exchange *x)
{
	u32 order = chunk_order(x), all = 1u << (order - x->out_order), had = x->got, n = 0;
	struct page_info *pg;

	while (x->got < all) {
		if (x->out_order > HEAP_CLEAR_ORDER &&
		    heap_prepare(NULL, x->out_order, x->memflags))
			return -ERESTART;
		pg = alloc_heap_pages(x->out_order, x->memflags | MEMF_scrub);
		if (!pg)
			return err_here(-ENOMEM);
		x->out[x->got++] = page_to_mfn(pg);
		n += 1u << x->out_order;
		preempt_charge(PAGE_CHARGE);
		if (n >= STEP_PAGES && preempt_needed())
			return -ERESTART;
		n %= STEP_PAGES;
	}
	preempt_charge(SWAP_CHARGE << order); /* what comes now may want a new start */
	return had < all && preempt_needed() ? -ERESTART : 0;
}

/* Read a chunk's frame numbers, before anything is changed. first: input extents done before. */
static int chunk_read(struct exchange *x, const struct xen_memory_exchange *e)
{
	u64 in = e->nr_exchanged, out = (in << x->in_order) >> x->out_order, mfn;
	u32 order = chunk_order(x), i, k;

	if (copy_from_guest(x->in, guest_index(e->in.extent_start.va, in, sizeof(u64)),
			    sizeof(u64) << (order - x->in_order)) ||
	    copy_from_guest(x->pfn, guest_index(e->out.extent_start.va, out, sizeof(u64)),
			    sizeof(u64) << (order - x->out_order)))
		return err_here(-EFAULT);
	/* From the last one back: an extent's pages stand where it or later ones stood. */
	for (i = 1u << (order - x->in_order); i--;) {
		mfn = x->in[i];
		for (k = 0; k < 1u << x->in_order; k++)
			x->in[(i << x->in_order) + k] = mfn + k;
	}
	return 0;
}

static int chunk_swap(struct exchange *x, struct domain *d, struct xen_memory_exchange *e)
{
	u64 out_first = (e->nr_exchanged << x->in_order) >> x->out_order;
	u32 order = chunk_order(x), i, k;
	int err = chunk_read(x, e);

	if (err)
		return err;
	for (i = 0; i < x->got; i++) /* before d can give them up, and they become another's */
		for (k = 0; k < 1u << x->out_order; k++)
			set_m2p(x->out[i] + k, x->pfn[i] + k);
	if (swap_pages(d, x->in, x->out, x->out_order, 1u << order)) {
		for (i = 0; i < x->got; i++)
			for (k = 0; k < 1u << x->out_order; k++)
				set_m2p(x->out[i] + k, INVALID_M2P_ENTRY);
		return err_here(-EINVAL);
	}
	e->nr_exchanged += 1u << (order - x->in_order);
	if (copy_to_guest(guest_index(e->out.extent_start.va, out_first, sizeof(u64)), x->out,
			  x->got * sizeof(u64)))
		err = -EFAULT;
	x->got = 0;
	x->left = 1u << order;
	preempt_charge(SWAP_CHARGE << order);
	return err_here(err);
}

/* ---- the call ---- */

static bool shape_ok(const struct xen_memory_exchange *e)
{
	u64 limit = ~0UL >> (2 * MEMORY_MAX_ORDER);

	return e->in.nr_extents <= limit && e->out.nr_extents <= limit &&
	       e->in.nr_extents << e->in.extent_order == e->out.nr_extents << e->out.extent_order &&
	       e->in.domid == e->out.domid && e->nr_exchanged <= e->in.nr_extents &&
	       e->in.extent_start.va && e->out.extent_start.va;
}

/* Give what is in hand the shape of this call. 0, -EINVAL, or -ERESTART. */
static int shape(struct exchange *x, const struct xen_memory_exchange *e)
{
	u32 memflags, in_order = e->in.extent_order, out_order = e->out.extent_order;
	u64 chunk = 1u << (MAX(in_order, out_order) - in_order);

	/* whole chunks only, at the end as where an interrupted call goes on */
	if (!memflags_of(e->out.mem_flags, &memflags) || e->in.nr_extents % chunk ||
	    e->nr_exchanged % chunk)
		return err_here(-EINVAL);
	if ((x->left || x->in_order != in_order || x->out_order != out_order ||
	     x->memflags != memflags) &&
	    drop(x))
		return -ERESTART;
	x->in_order = in_order;
	x->out_order = out_order;
	x->memflags = memflags;
	return 0;
}

/* 0: all done, -ERESTART, else the error that stopped it; e->nr_exchanged is right in any case. */
static int exchange(struct exchange *x, struct domain *d, struct xen_memory_exchange *e)
{
	int err = shape(x, e);

	while (!err && e->nr_exchanged < e->in.nr_extents) {
		err = chunk_allocate(x);
		if (!err)
			err = chunk_swap(x, d, e);
		if (!err)
			err = drop(x);
	}
	return err;
}

static int exchange_for(struct vcpu *v, struct domain *d, struct xen_memory_exchange *e)
{
	struct exchange *x = pop(v->domain) ?: xzalloc(struct exchange);
	int err;

	if (!x)
		return err_here(-ENOMEM);
	err = exchange(x, d, e);
	if (err == -ERESTART || drop(x))
		push(v->domain, x);
	else
		xfree(x);
	return err;
}

long memory_exchange(u64 op, u64 arg, struct vcpu *v)
{
	struct xen_memory_exchange e;
	struct domain *d;
	int err;

	if (read_guest(&e, arg))
		return err_here(-EFAULT);
	if (e.in.extent_order > MEMORY_MAX_ORDER || e.out.extent_order > MEMORY_MAX_ORDER)
		return err_here(-EPERM);
	if (!shape_ok(&e))
		return err_here(-EINVAL);
	err = domain_get_allowed(v, e.in.domid, &d);
	if (!err) {
		err = exchange_for(v, d, &e);
		domain_put(d);
	} else if (exchange_destroy_domain(v->domain)) {
		err = -ERESTART; /* it may have died since this was begun */
	}
	if (copy_to_guest(arg + offsetof(struct xen_memory_exchange, nr_exchanged), &e.nr_exchanged,
			  sizeof(e.nr_exchanged)))
		return err_here(-EFAULT);
	if (err == -ERESTART)
		return hypercall_restart(v, __HYPERVISOR_memory_op, 2, (u64[]){ op, arg });
	return err_here(err);
}
