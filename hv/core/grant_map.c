/* SPDX-License-Identifier: MIT */
/* Mapping and unmapping what others granted; handles. */

#include "core/arch.h"
#include "core/grant_table.h"
#include "core/guest_access.h"
#include "lib/log.h"

#define UNMAP_BATCH 16 /* mappings taken down for one flush */
/* Between two preemption points of a dying domain: handles looked at, and what one in use counts. */
#define RELEASE_BATCH 1024
#define RELEASE_CHARGE 16
#define MAPPED (GNTMAP_host_map | GNTMAP_device_map)

/* ---- handles: every vCPU has its list of free ones ---- */

/* NULL: no such handle, whatever number it is. */
static always_inline_fn struct grant_mapping *mapping_of(struct grant_table *gt, u32 handle)
{
	u64 page = handle / MAPPINGS_PER_PAGE;

	if (unlikely(!index_below_nospec(&page,
					 __atomic_load_n(&gt->maptrack_pages, __ATOMIC_ACQUIRE))))
		return NULL;
	return &gt->maptrack[page][handle % MAPPINGS_PER_PAGE];
}

static always_inline_fn void handle_free(struct domain *d, struct grant_mapping *m, u32 handle)
{
	struct vcpu *v = d->vcpu[m->vcpu];

	WRITE_ONCE(m->flags, 0);
	spin_lock(&v->mapping_lock);
	m->ref = v->free_mapping;
	v->free_mapping = handle + 1;
	spin_unlock(&v->mapping_lock);
}

/* The first of v's list, or NULL. */
static always_inline_fn struct grant_mapping *handle_pop(struct vcpu *v, u32 *handle)
{
	struct grant_table *gt = v->domain->grant_table;
	struct grant_mapping *m = NULL;

	spin_lock(&v->mapping_lock);
	*handle = v->free_mapping - 1;
	if (likely(v->free_mapping)) {
		m = &gt->maptrack[*handle / MAPPINGS_PER_PAGE][*handle % MAPPINGS_PER_PAGE];
		v->free_mapping = m->ref;
	}
	spin_unlock(&v->mapping_lock);
	return m;
}

/* A page of handles for v. false: there may be no more. */
static bool add_maptrack_page(struct grant_table *gt, struct vcpu *v)
{
	u32 i, n;
	struct grant_mapping *page = NULL;

	spin_lock(&gt->lock);
	n = gt->maptrack_pages;
	if (!gt->maptrack)
		gt->maptrack = xzalloc_array(struct grant_mapping *, MAPTRACK_MAX_PAGES);
	if (gt->maptrack && n < gt->max_maptrack_pages)
		page = xzalloc_array(struct grant_mapping, MAPPINGS_PER_PAGE);
	if (page) {
		gt->maptrack[n] = page;
		__atomic_store_n(&gt->maptrack_pages, n + 1, __ATOMIC_RELEASE);
	}
	spin_unlock(&gt->lock);
	for (i = MAPPINGS_PER_PAGE; page && i-- > 0;) {
		page[i].vcpu = v->id;
		handle_free(v->domain, &page[i], n * MAPPINGS_PER_PAGE + i);
	}
	return page;
}

void grant_make_ahead(struct domain *d, u32 mappings)
{
	struct grant_table *gt = d->grant_table;
	u32 pages = MAX(mappings / MAPPINGS_PER_PAGE, d->max_vcpus);

	while (gt->pages_ahead < pages &&
	       add_maptrack_page(gt, d->vcpu[gt->pages_ahead % d->max_vcpus]))
		gt->pages_ahead++;
}

/*
 * v's list is empty. The others' are looked through first where there is room ahead, which it would be a
 * waste to add to; else only when there can be no more pages.
 */
static noinline_fn struct grant_mapping *handle_find(struct vcpu *v, u32 *handle)
{
	struct grant_table *gt = v->domain->grant_table;
	struct grant_mapping *m = NULL;
	struct vcpu *other;
	u32 i;

	if (!gt->pages_ahead && add_maptrack_page(gt, v))
		m = handle_pop(v, handle);
	for_each_vcpu(v->domain, other, i)
		if (!m)
			m = handle_pop(other, handle);
	if (!m && add_maptrack_page(gt, v))
		m = handle_pop(v, handle);
	return m;
}

/* A handle for a mapping that is about to be made: it is none until it has flags. NULL: none left. */
static always_inline_fn struct grant_mapping *handle_alloc(struct vcpu *v, u32 *handle)
{
	struct grant_mapping *m = handle_pop(v, handle);

	return likely(m) ? m : handle_find(v, handle);
}

/*
 * Take a mapping for taking it down: nobody else can until its flags are set anew. Its flags; 0:
 * there is no such mapping.
 */
static always_inline_fn u16 handle_take(struct grant_mapping *m)
{
	u16 flags = READ_ONCE(m->flags);

	return likely((flags & MAPPED) && !(flags & MAPPING_BUSY)) &&
			       likely(__atomic_compare_exchange_n(
				       &m->flags, &flags, flags | MAPPING_BUSY, false,
				       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) ?
		       flags :
		       0;
}

/* The use. While a mapping exists its entry stays in use for the same frame. */
static always_inline_fn struct grant_use use_of(const struct grant_mapping *m, u16 flags)
{
	const struct grant_table *gt = m->owner->grant_table;
	u32 frame = m->ref / ENTRIES_PER_FRAME, i = m->ref % ENTRIES_PER_FRAME;
	u64 mfn = gt->active[frame][i].mfn;

	return (struct grant_use){
		.owner = m->owner,
		.act = &gt->active[frame][i],
		.sha = &gt->shared[frame][i],
		.pg = known_page(mfn),
		.mfn = mfn,
		.readonly = flags & GNTMAP_readonly,
	};
}

/* ---- map ---- */

/*
 * The handle comes before the entry: an entry that is there can be taken down in the name of another
 * handle of the same frame, and must not be left without a use in exchange.
 */
static always_inline_fn int map_one(struct gnttab_map_grant_ref *op, struct vcpu *v)
{
	const u16 keep = op->flags & (MAPPED | GNTMAP_readonly | GNTMAP_contains_pte);
	struct grant_use u = { .readonly = op->flags & GNTMAP_readonly };
	struct grant_mapping *m;
	int st;

	if (unlikely(!(op->flags & MAPPED)))
		return err_here(GNTST_general_error);
	u.owner = owner_get(v, op->dom);
	if (unlikely(!u.owner))
		return err_here(GNTST_bad_domain);
	st = grant_begin(&u, op->ref, v->domain->id, 2); /* an entry has its own reference */
	if (unlikely(st != GNTST_okay))
		goto put;
	m = handle_alloc(v, &op->handle);
	if (unlikely(!m)) {
		st = err_here(GNTST_no_space);
		goto end;
	}
	if (likely(op->flags & GNTMAP_host_map)) {
		st = arch_grant_map(v, op->host_addr, u.mfn, op->flags);
		if (unlikely(st != GNTST_okay)) {
			handle_free(v->domain, m, op->handle);
			goto end;
		}
	} else {
		put_page_uses(u.pg, !u.readonly, 1);
	}
	op->dev_bus_addr = op->flags & GNTMAP_device_map ? u.mfn << PAGE_SHIFT : 0;
	/* The handle keeps the use, and the owner held. */
	m->owner = u.owner;
	m->ref = op->ref;
	__atomic_store_n(&m->flags, keep, __ATOMIC_RELEASE);
	return GNTST_okay;
end:
	grant_end(&u, 2);
put:
	owner_put(v->domain, u.owner);
	return st;
}

static always_inline_fn long map_each(u64 uop, u32 count, struct vcpu *v)
{
	/* What is written back: the second half, from dom on. */
	const size_t back = offsetof(struct gnttab_map_grant_ref, dom);
	struct gnttab_map_grant_ref op;

	for (; count; count--, uop += sizeof(op)) {
		if (unlikely(read_guest(&op, uop)))
			return err_here(-EFAULT);
		op.status = map_one(&op, v);
		if (unlikely(copy_to_guest(uop + back, &op.dom, sizeof(op) - back)))
			return err_here(-EFAULT);
		if (count > 1 && preempt_needed())
			return grant_restart(v, GNTTABOP_map_grant_ref, uop + sizeof(op),
					     count - 1);
	}
	return 0;
}

long grant_map(u64 cmd, u64 uop, u64 count, u64 a4, u64 a5, struct vcpu *v)
{
	/* A single one without all that goes round. */
	return likely((u32)count == 1) ? map_each(uop, 1, v) : map_each(uop, count, v);
}

/* ---- unmap ---- */

/* unmap_grant_ref and unmap_and_replace differ in what the second address means. */
_Static_assert(offsetof(struct gnttab_unmap_grant_ref, dev_bus_addr) ==
		       offsetof(struct gnttab_unmap_and_replace, new_addr),
	       "read as one");
_Static_assert(offsetof(struct gnttab_unmap_grant_ref, status) ==
		       offsetof(struct gnttab_unmap_and_replace, status),
	       "read as one");

struct unmap_item {
	struct grant_mapping *m;
	struct grant_use use;
	u32 handle;
	u32 flags, left; /* of the mapping: as they were, 0: there was none; what stays in force */
	int status;
};

/* The entry goes; everything that it and the use hold stays until the TLBs are flushed. */
static always_inline_fn int unmap_entry(struct unmap_item *it,
					const struct gnttab_unmap_grant_ref *op, bool replace,
					struct vcpu *v)
{
	const u64 dev_addr = replace ? 0 : op->dev_bus_addr,
		  new_addr = replace ? op->dev_bus_addr : 0;
	int st;

	it->handle = op->handle;
	it->m = mapping_of(v->domain->grant_table, op->handle);
	it->flags = it->left = likely(it->m) ? handle_take(it->m) : 0;
	if (unlikely(!it->flags))
		return err_here(GNTST_bad_handle);
	it->use = use_of(it->m, it->flags);
	if (unlikely(dev_addr && it->flags & GNTMAP_device_map) &&
	    dev_addr != it->use.mfn << PAGE_SHIFT)
		return err_here(GNTST_bad_dev_addr);
	if (likely(op->host_addr && it->flags & GNTMAP_host_map)) {
		st = likely(!new_addr) ?
			     arch_grant_unmap(v, op->host_addr, it->use.mfn, it->flags) :
			     arch_grant_replace(v, op->host_addr, it->use.mfn, it->flags, new_addr);
		if (unlikely(st != GNTST_okay))
			return st;
		it->left &= ~GNTMAP_host_map;
	}
	if (dev_addr)
		it->left &= ~GNTMAP_device_map;
	return GNTST_okay;
}

/* Read one and take its entry down. false: it cannot be read. */
static always_inline_fn bool unmap_begin(struct unmap_item *it, u64 uop, bool replace,
					 struct vcpu *v)
{
	struct gnttab_unmap_grant_ref op;

	if (unlikely(read_guest(&op, uop)))
		return false;
	it->status = unmap_entry(it, &op, replace, v);
	return true;
}

static always_inline_fn void unmap_release(const struct unmap_item *it, struct domain *d)
{
	const struct grant_use *u = &it->use;
	bool entry_gone = (it->flags ^ it->left) & GNTMAP_host_map; /* its reference is ours */

	if (unlikely(!it->flags))
		return;
	if (unlikely(it->left & MAPPED)) {
		if (entry_gone)
			put_page_uses(u->pg, !u->readonly, 1);
		__atomic_store_n(&it->m->flags, it->left, __ATOMIC_RELEASE);
		return;
	}
	if (likely(entry_gone))
		grant_end(u, 2);
	else
		grant_end(u, 1);
	owner_put(d, u->owner);
	handle_free(d, it->m, it->handle);
}

/* After the flush. 0, -EFAULT. */
static always_inline_fn int unmap_finish(const struct unmap_item *it, u64 uop, struct domain *d)
{
	/* The end of the operation, handle and status. */
	u64 back = (u64)(u16)it->status << 32 | it->handle;

	unmap_release(it, d);
	return write_guest(uop + offsetof(struct gnttab_unmap_grant_ref, handle), &back);
}

static always_inline_fn int unmap_single(bool replace, u64 uop, struct vcpu *v)
{
	struct unmap_item it;

	if (unlikely(!unmap_begin(&it, uop, replace, v)))
		return -EFAULT;
	if (likely(it.flags != it.left))
		tlb_flush_mask(&v->domain->dirty_cpus);
	return unmap_finish(&it, uop, v->domain);
}

/* Up to UNMAP_BATCH of them. 0 or -EFAULT; what was taken is finished in any case. */
static int unmap_batch(bool replace, u64 uop, u32 n, struct vcpu *v)
{
	struct unmap_item items[UNMAP_BATCH], *it, *end = items + n;
	u64 at = uop;
	u32 gone = 0;
	int err = 0;

	for (it = items; it < end; it++, at += sizeof(struct gnttab_unmap_grant_ref)) {
		if (unlikely(!unmap_begin(it, at, replace, v))) {
			err = -EFAULT;
			end = it;
			break;
		}
		gone |= it->flags ^ it->left;
	}
	if (likely(gone))
		tlb_flush_mask(&v->domain->dirty_cpus);
	for (it = items, at = uop; it < end; it++, at += sizeof(struct gnttab_unmap_grant_ref))
		if (unlikely(unmap_finish(it, at, v->domain)))
			err = -EFAULT;
	return err;
}

long grant_unmap(u64 cmd, u64 uop, u64 count, u64 a4, u64 a5, struct vcpu *v)
{
	const bool replace = (u32)cmd == GNTTABOP_unmap_and_replace;
	u32 n, left = count;

	if (likely(left == 1))
		return err_here(unmap_single(replace, uop, v));
	while (left) {
		n = MIN(left, (u32)UNMAP_BATCH);
		preempt_charge(5 * n);
		if (unlikely(unmap_batch(replace, uop, n, v)))
			return err_here(-EFAULT);
		left -= n;
		uop += n * sizeof(struct gnttab_unmap_grant_ref);
		if (left && preempt_needed())
			return grant_restart(v, cmd, uop, left);
	}
	return 0;
}

/* ---- death of the mapping domain ---- */

/* It runs no more; its page tables go after this, and nothing of it is in a TLB by then. */
int grant_release_mappings(struct domain *d)
{
	struct grant_table *gt = d->grant_table;
	int left = RELEASE_BATCH;
	struct grant_mapping *m;
	struct grant_use u;
	u16 flags;

	if (!gt->release_cursor)
		tlb_flush_mask(&d->dirty_cpus);
	for (; (m = mapping_of(gt, gt->release_cursor)); gt->release_cursor++) {
		if (left <= 0)
			return -ERESTART;
		flags = handle_take(m);
		left -= flags ? RELEASE_CHARGE : 1;
		if (!flags)
			continue;
		u = use_of(m, flags);
		grant_end(&u, 1); /* the entries in its tables drop their own */
		owner_put(d, u.owner);
		handle_free(d, m, gt->release_cursor);
	}
	while (gt->maptrack_pages) {
		if (preempt_needed())
			return -ERESTART;
		xfree(gt->maptrack[--gt->maptrack_pages]);
	}
	return 0;
}
