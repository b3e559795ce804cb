/* SPDX-License-Identifier: MIT */
/* Mapping and unmapping what others granted; handles. */

#include "core/arch.h"
#include "core/grant_table.h"
#include "core/guest_access.h"
#include "lib/log.h"

#define UNMAP_BATCH 16   /* mappings taken down for one flush */
#define RELEASE_BATCH 64 /* handles looked at between two preemption points of a dying domain */
#define MAPPED (GNTMAP_host_map | GNTMAP_device_map)

/* ---- handles ---- */

/* [maptrack_lock] NULL: no such handle, whatever number it is. */
static inline struct grant_mapping *mapping_of(struct grant_table *gt, u32 handle)
{
	if (handle / MAPPINGS_PER_PAGE >= gt->maptrack_pages)
		return NULL;
	return &gt->maptrack[handle / MAPPINGS_PER_PAGE][handle % MAPPINGS_PER_PAGE];
}

/* [maptrack_lock] */
static inline void handle_free(struct grant_table *gt, u32 handle)
{
	*mapping_of(gt, handle) = (struct grant_mapping){ .ref = gt->maptrack_free };
	gt->maptrack_free = handle + 1;
}

/* [maptrack_lock] */
static bool add_maptrack_page(struct grant_table *gt)
{
	u32 i, first = gt->maptrack_pages * MAPPINGS_PER_PAGE;
	struct grant_mapping *page;

	if (!gt->maptrack)
		gt->maptrack = xzalloc_array(struct grant_mapping *, MAPTRACK_MAX_PAGES);
	if (!gt->maptrack || gt->maptrack_pages >= gt->max_maptrack_pages)
		return false;
	page = xzalloc_array(struct grant_mapping, MAPPINGS_PER_PAGE);
	if (!page)
		return false;
	gt->maptrack[gt->maptrack_pages++] = page;
	for (i = MAPPINGS_PER_PAGE; i-- > 0;)
		handle_free(gt, first + i);
	return true;
}

/*
 * A handle for a mapping that is about to be made: it cannot be taken before the caller takes
 * MAPPING_BUSY off its flags. NULL: there is none left.
 */
static inline struct grant_mapping *handle_alloc(struct grant_table *gt, const struct grant_use *u,
						 u16 flags, u32 *handle)
{
	struct grant_mapping *m = NULL;

	spin_lock(&gt->maptrack_lock);
	if (likely(gt->maptrack_free) || add_maptrack_page(gt)) {
		*handle = gt->maptrack_free - 1;
		m = mapping_of(gt, *handle);
		gt->maptrack_free = m->ref;
		*m = (struct grant_mapping){ .owner = u->owner,
					     .ref = u->ref,
					     .flags = flags | MAPPING_BUSY };
		gt->mappings++;
	}
	spin_unlock(&gt->maptrack_lock);
	return m;
}

/* Set what is in force, or give the handle back if nothing is. */
static inline void handle_update(struct grant_table *gt, u32 handle, u16 flags)
{
	spin_lock(&gt->maptrack_lock);
	if (unlikely(flags & MAPPED)) {
		mapping_of(gt, handle)->flags = flags;
	} else {
		handle_free(gt, handle);
		gt->mappings--;
	}
	spin_unlock(&gt->maptrack_lock);
}

/*
 * Take a mapping for taking it down: nobody else can until handle_update(). Its flags, and the use;
 * 0: there is no such mapping.
 */
static inline u16 handle_take(struct grant_table *gt, u32 handle, struct grant_use *u)
{
	struct grant_mapping *m;
	u16 flags = 0;

	spin_lock(&gt->maptrack_lock);
	m = mapping_of(gt, handle);
	if (likely(m) && likely((m->flags & MAPPED) && !(m->flags & MAPPING_BUSY))) {
		flags = m->flags;
		u->owner = m->owner;
		u->ref = m->ref;
		m->flags = flags | MAPPING_BUSY;
	}
	spin_unlock(&gt->maptrack_lock);
	return flags;
}

/* The rest of the use. While a mapping exists its entry stays in use for the same frame. */
static inline void fill_use(struct grant_use *u, u16 flags)
{
	const struct grant_table *gt = u->owner->grant_table;

	u->readonly = flags & GNTMAP_readonly;
	u->mfn = gt->active[u->ref / ENTRIES_PER_FRAME][u->ref % ENTRIES_PER_FRAME].mfn;
}

/* ---- map ---- */

/*
 * The handle comes before the entry: an entry that is there can be taken down in the name of another
 * handle of the same frame, and must not be left without a use in exchange.
 */
static inline int map_one(struct gnttab_map_grant_ref *op, struct vcpu *v)
{
	const u16 keep = op->flags & (MAPPED | GNTMAP_readonly | GNTMAP_contains_pte);
	struct grant_use u = { .ref = op->ref, .readonly = op->flags & GNTMAP_readonly };
	u32 refs = op->flags & GNTMAP_host_map ? 2 : 1; /* the entry has its own */
	struct grant_table *gt = v->domain->grant_table;
	struct grant_mapping *m;
	int st;

	if (unlikely(!(op->flags & MAPPED)))
		return err_here(GNTST_general_error);
	u.owner = domain_get_for(v, op->dom);
	if (unlikely(!u.owner))
		return err_here(GNTST_bad_domain);
	st = grant_begin(&u, v->domain->id, refs);
	if (unlikely(st != GNTST_okay))
		goto put;
	m = handle_alloc(gt, &u, keep, &op->handle);
	if (unlikely(!m)) {
		st = err_here(GNTST_no_space);
		goto end;
	}
	if (likely(op->flags & GNTMAP_host_map)) {
		st = arch_grant_map(v, op->host_addr, op->flags & GNTMAP_contains_pte, u.mfn,
				    u.readonly, (u64)(op->flags >> _GNTMAP_guest_avail0 & 7) << 9);
		if (unlikely(st != GNTST_okay)) {
			handle_update(gt, op->handle, 0);
			goto end;
		}
	}
	op->dev_bus_addr = op->flags & GNTMAP_device_map ? u.mfn << PAGE_SHIFT : 0;
	/* The handle keeps the use, and the owner held. */
	__atomic_store_n(&m->flags, keep, __ATOMIC_RELEASE);
	return GNTST_okay;
end:
	grant_end(&u, refs);
put:
	domain_put(u.owner);
	return st;
}

long grant_map(u64 uop, u32 count, struct vcpu *v)
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

/* ---- unmap ---- */

/* unmap_grant_ref and unmap_and_replace differ in what the second address means. */
_Static_assert(offsetof(struct gnttab_unmap_grant_ref, dev_bus_addr) ==
		       offsetof(struct gnttab_unmap_and_replace, new_addr),
	       "read as one");
_Static_assert(offsetof(struct gnttab_unmap_grant_ref, status) ==
		       offsetof(struct gnttab_unmap_and_replace, status),
	       "read as one");

struct unmap_item {
	struct gnttab_unmap_grant_ref op;
	struct grant_use use;
	u16 flags; /* of the mapping as it was; 0: nothing was taken */
	u16 left;  /* of these, what stays in force */
	bool refs; /* of an entry that is gone, ours to drop */
};

/* The entry goes; everything that it and the use hold stays until the TLBs are flushed. */
static inline int unmap_entry(struct unmap_item *it, bool replace, struct vcpu *v)
{
	const u64 dev_addr = replace ? 0 : it->op.dev_bus_addr,
		  new_addr = replace ? it->op.dev_bus_addr : 0;
	u16 flags = handle_take(v->domain->grant_table, it->op.handle, &it->use), left = flags;
	int st;

	it->flags = it->left = flags;
	it->refs = false;
	if (unlikely(!flags))
		return err_here(GNTST_bad_handle);
	fill_use(&it->use, flags);
	if (unlikely(dev_addr && flags & GNTMAP_device_map)) {
		if (dev_addr != it->use.mfn << PAGE_SHIFT)
			return err_here(GNTST_bad_dev_addr);
		left &= ~GNTMAP_device_map;
	}
	if (likely(it->op.host_addr && flags & GNTMAP_host_map)) {
		st = arch_grant_unmap(v, it->op.host_addr, flags & GNTMAP_contains_pte, it->use.mfn,
				      flags & GNTMAP_readonly, new_addr);
		if (unlikely(st != GNTST_okay))
			return st;
		it->refs = true;
		left &= ~GNTMAP_host_map;
	}
	it->left = left;
	return GNTST_okay;
}

static inline void unmap_finish(const struct unmap_item *it, struct grant_table *gt)
{
	if (unlikely(!it->flags))
		return;
	if (likely(!(it->left & MAPPED))) {
		grant_end(&it->use, 1 + it->refs);
		domain_put(it->use.owner);
	} else if (it->refs) {
		put_page_uses(mfn_to_page(it->use.mfn), !it->use.readonly, 1);
	}
	handle_update(gt, it->op.handle, it->left);
}

/* Up to UNMAP_BATCH of them. 0 or -EFAULT; what was taken is finished in any case. */
static inline __attribute__((always_inline)) int unmap_batch(bool replace, u64 uop, u32 n,
							     struct vcpu *v)
{
	/* What is written back: the end, from handle on. */
	const size_t back = offsetof(struct gnttab_unmap_grant_ref, handle);
	struct unmap_item items[UNMAP_BATCH], *it, *end = items + n;
	u64 at = uop;
	u16 gone = 0;
	int err = 0;

	for (it = items; it < end; it++, at += sizeof(it->op)) {
		if (unlikely(read_guest(&it->op, at))) {
			err = err_here(-EFAULT);
			end = it;
			break;
		}
		it->op.status = unmap_entry(it, replace, v);
		gone |= it->flags ^ it->left;
	}
	if (likely(gone))
		tlb_flush_mask(&v->domain->dirty_cpus);
	for (it = items, at = uop + back; it < end; it++, at += sizeof(it->op)) {
		unmap_finish(it, v->domain->grant_table);
		if (unlikely(copy_to_guest(at, &it->op.handle, sizeof(it->op) - back)))
			err = err_here(-EFAULT);
	}
	return err;
}

long grant_unmap(u32 cmd, u64 uop, u32 count, struct vcpu *v)
{
	const bool replace = cmd == GNTTABOP_unmap_and_replace;
	u32 n;

	for (;;) {
		n = MIN(count, (u32)UNMAP_BATCH);
		if (unlikely(unmap_batch(replace, uop, n, v)))
			return err_here(-EFAULT);
		count -= n;
		if (likely(!count))
			return 0;
		uop += n * sizeof(struct gnttab_unmap_grant_ref);
		if (preempt_needed())
			return grant_restart(v, cmd, uop, count);
	}
}

/* ---- death of the mapping domain ---- */

/* It runs no more; its page tables go after this, and nothing of it is in a TLB by then. */
int grant_release_mappings(struct domain *d)
{
	struct grant_table *gt = d->grant_table;
	int left = RELEASE_BATCH;
	struct grant_use u;
	u16 flags;

	if (!gt->release_cursor)
		tlb_flush_mask(&d->dirty_cpus);
	for (; gt->mappings && gt->release_cursor < gt->maptrack_pages * MAPPINGS_PER_PAGE;
	     gt->release_cursor++) {
		if (!left--)
			return -ERESTART;
		flags = handle_take(gt, gt->release_cursor, &u);
		if (!flags)
			continue;
		fill_use(&u, flags);
		grant_end(&u, 1); /* the entries in its tables drop their own */
		domain_put(u.owner);
		handle_update(gt, gt->release_cursor, 0);
	}
	return 0;
}
