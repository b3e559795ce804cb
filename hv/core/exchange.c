/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange: some of a domain's frames against others of the same number, contiguous or low.
 *
 * It goes by chunks: as many pages as the longer of an input and an output extent has. A chunk is
 * taken over whole or left as it was; between two the call may be interrupted, and nr_exchanged in
 * the guest's memory says how far it got, which is checked again like everything else when it comes
 * back. Freeing the pages of a chunk is left for later, since that is half of its cost: before the
 * next chunk, at the end, or, when the guest does not come back, in its next exchange or death.
 */

#include <xen/memory.h>

#include "core/arch.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "core/memory.h"
#include "lib/log.h"

#define CHUNK_PAGES (1u << MEMORY_MAX_ORDER)

struct chunk {
	struct domain *d;
	u32 in_extents, out_extents; /* in a chunk */
	u32 in_order, out_order;
	u32 memflags;
	u32 stolen;              /* pages taken from the domain so far */
	u32 got;                 /* extents allocated so far */
	u64 in[CHUNK_PAGES];     /* mfn of each page */
	u64 in_pfn[CHUNK_PAGES]; /* what the machine-to-physical map said of those stolen */
	u64 out[CHUNK_PAGES];    /* pfn, then mfn of each extent */
};

static bool shape_ok(const struct xen_memory_exchange *e)
{
	u64 limit = ~0UL >> (2 * MEMORY_MAX_ORDER);

	return e->in.nr_extents <= limit && e->out.nr_extents <= limit &&
	       e->in.nr_extents << e->in.extent_order == e->out.nr_extents << e->out.extent_order &&
	       e->in.domid == e->out.domid && e->nr_exchanged <= e->in.nr_extents &&
	       e->in.extent_start.va && e->out.extent_start.va;
}

/* Read a chunk's frame numbers, before anything is changed. first: input extents done before. */
static int chunk_read(struct chunk *c, const struct xen_memory_exchange *e, u64 first)
{
	u64 out_first = (first << c->in_order) >> c->out_order, mfn;
	u32 i, k;

	c->stolen = c->got = 0;
	if (copy_from_guest(c->in, guest_index(e->in.extent_start.va, first, sizeof(u64)),
			    c->in_extents * sizeof(u64)))
		return err_here(-EFAULT);
	/* From the last one back: an extent's pages stand where it or later ones stood. */
	for (i = c->in_extents; i--;) {
		mfn = c->in[i];
		for (k = 0; k < 1u << c->in_order; k++)
			c->in[(i << c->in_order) + k] = mfn + k;
	}
	if (copy_from_guest(c->out, guest_index(e->out.extent_start.va, out_first, sizeof(u64)),
			    c->out_extents * sizeof(u64)))
		return err_here(-EFAULT);
	return 0;
}

static int chunk_take(struct chunk *c)
{
	u32 pages = c->in_extents << c->in_order, k;
	struct page_info *block;

	for (; c->stolen < pages; c->stolen++) {
		u64 mfn = c->in[c->stolen];

		if (!mfn_valid(mfn))
			return err_here(-EINVAL);
		c->in_pfn[c->stolen] = get_m2p(mfn); /* stealing makes it invalid */
		if (steal_page(c->d, mfn_to_page(mfn)))
			return err_here(-EINVAL);
	}
	/* What was prepared, in one piece; without that, extent by extent. */
	block = c->in_order > c->out_order ? alloc_domheap_pages(c->d, c->in_order, c->memflags) :
					     NULL;
	for (; c->got < c->out_extents; c->got++) {
		struct page_info *pg = block ? block + (c->got << c->out_order) :
					       alloc_domheap_pages(c->d, c->out_order, c->memflags);
		u64 pfn = c->out[c->got];

		if (!pg)
			return err_here(-ENOMEM);
		c->out[c->got] = page_to_mfn(pg);
		for (k = 0; k < 1u << c->out_order; k++)
			set_m2p(page_to_mfn(pg) + k, pfn + k);
	}
	return 0;
}

/*
 * Put everything back. A page that the domain's limit keeps out (another vCPU was quicker) is lost
 * to it.
 */
static void chunk_undo(struct chunk *c)
{
	u32 i, k;

	for (i = 0; i < c->got; i++)
		for (k = 0; k < 1u << c->out_order; k++)
			give_up_page(c->d, c->out[i] + k);
	for (i = 0; i < c->stolen; i++)
		if (assign_page(c->d, mfn_to_page(c->in[i])))
			free_heap_pages(mfn_to_page(c->in[i]), 0);
		else
			set_m2p(c->in[i], c->in_pfn[i]);
}

static int chunk_commit(struct chunk *c, const struct xen_memory_exchange *e, u64 first)
{
	u64 out_first = (first << c->in_order) >> c->out_order;
	u32 i;

	spin_lock(&c->d->page_lock);
	for (i = 0; i < c->stolen; i++) {
		mfn_to_page(c->in[i])->list.next = c->d->exchanged;
		c->d->exchanged = c->in[i] + 1;
	}
	spin_unlock(&c->d->page_lock);
	return copy_to_guest(guest_index(e->out.extent_start.va, out_first, sizeof(u64)), c->out,
			     c->out_extents * sizeof(u64)) ?
		       err_here(-EFAULT) :
		       0;
}

int exchange_free_rest(struct domain *d)
{
	for (u32 done = 0;; done++) {
		u32 link;

		if (done >= PAGES_PER_STEP && preempt_needed())
			return -ERESTART;
		spin_lock(&d->page_lock);
		link = d->exchanged;
		if (link)
			d->exchanged = mfn_to_page(link - 1)->list.next;
		spin_unlock(&d->page_lock);
		if (!link)
			return 0;
		free_heap_pages(mfn_to_page(link - 1), 0);
	}
}

/*
 * 0: all done, -ERESTART: interrupted, else the error that stopped it; e->nr_exchanged is right in
 * any case.
 */
static int exchange_chunks(struct chunk *c, struct xen_memory_exchange *e)
{
	u32 order = MAX(c->in_order, c->out_order);
	bool first = true;
	int err;

	for (; e->nr_exchanged < e->in.nr_extents;
	     e->nr_exchanged += c->in_extents, first = false) {
		preempt_charge(BIT(order)); /* a frame has many records, and comes and goes */
		if ((!first && preempt_needed()) || exchange_free_rest(c->d))
			return -ERESTART;
		if (order > HEAP_CLEAR_ORDER && heap_prepare(order, c->memflags))
			return -ERESTART;
		err = chunk_read(c, e, e->nr_exchanged);
		if (err)
			return err;
		err = chunk_take(c);
		if (err) {
			chunk_undo(c);
			return err;
		}
		err = chunk_commit(c, e, e->nr_exchanged);
		if (err) {
			e->nr_exchanged += c->in_extents;
			return err;
		}
	}
	return exchange_free_rest(c->d);
}

static int exchange_for(struct domain *d, struct xen_memory_exchange *e)
{
	u32 order = MAX(e->in.extent_order, e->out.extent_order);
	struct chunk *c = xzalloc(struct chunk);
	int err = -EINVAL;

	if (!c)
		return err_here(-ENOMEM);
	c->d = d;
	c->in_order = e->in.extent_order;
	c->out_order = e->out.extent_order;
	c->in_extents = 1u << (order - c->in_order);
	c->out_extents = 1u << (order - c->out_order);
	/* whole chunks only, at the end as where an interrupted call goes on */
	if (memflags_of(e->out.mem_flags, &c->memflags) && !(e->in.nr_extents % c->in_extents) &&
	    !(e->nr_exchanged % c->in_extents))
		err = exchange_chunks(c, e);
	xfree(c);
	return err_here(err);
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
	d = domain_get_for(v, e.in.domid);
	if (!d)
		return err_here(-ESRCH);
	err = d == v->domain || v->domain->privileged ? exchange_for(d, &e) : -EPERM;
	domain_put(d);
	if (copy_to_guest(arg + offsetof(struct xen_memory_exchange, nr_exchanged), &e.nr_exchanged,
			  sizeof(e.nr_exchanged)))
		return err_here(-EFAULT);
	if (err == -ERESTART)
		return hypercall_restart(v, __HYPERVISOR_memory_op, 2, (u64[]){ op, arg });
	return err_here(err);
}
