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
static struct grant_mapping *mapping_of(struct grant_table *gt, u32 handle)
{
	if (handle / MAPPINGS_PER_PAGE >= gt->maptrack_pages)
		return NULL;
	return &gt->maptrack[handle / MAPPINGS_PER_PAGE][handle % MAPPINGS_PER_PAGE];
}

/* [maptrack_lock] */
static void handle_free(struct grant_table *gt, u32 handle)
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
	if (!gt->maptrack || gt->maptrack_pages == MAPTRACK_MAX_PAGES)
		return false;
	page = xzalloc_array(struct grant_mapping, MAPPINGS_PER_PAGE);
	if (!page)
		return false;
	gt->maptrack[gt->maptrack_pages++] = page;
	for (i = MAPPINGS_PER_PAGE; i-- > 0;)
		handle_free(gt, first + i);
	return true;
}

/* A handle for a use that has begun; it is busy until its flags are set. */
static bool handle_alloc(struct grant_table *gt, const struct grant_use *u, u32 *handle)
{
	struct grant_mapping *m;
	bool ok = true;

	spin_lock(&gt->maptrack_lock);
	if (!gt->maptrack_free)
		ok = add_maptrack_page(gt);
	if (ok) {
		*handle = gt->maptrack_free - 1;
		m = mapping_of(gt, *handle);
		gt->maptrack_free = m->ref;
		*m = (struct grant_mapping){ .owner = u->owner,
					     .ref = u->ref,
					     .flags = MAPPING_BUSY };
		gt->mappings++;
	}
	spin_unlock(&gt->maptrack_lock);
	return ok;
}

/* Set what is in force, or give the handle back if nothing is. */
static void handle_update(struct grant_table *gt, u32 handle, u16 flags)
{
	spin_lock(&gt->maptrack_lock);
	if (flags & MAPPED) {
		mapping_of(gt, handle)->flags = flags;
	} else {
		handle_free(gt, handle);
		gt->mappings--;
	}
	spin_unlock(&gt->maptrack_lock);
}

/* Take a mapping for taking it down: nobody else can until handle_update(). */
static bool handle_take(struct grant_table *gt, u32 handle, struct grant_mapping *copy)
{
	struct grant_mapping *m;
	bool ok;

	spin_lock(&gt->maptrack_lock);
	m = mapping_of(gt, handle);
	ok = m && m->flags & MAPPED && !(m->flags & MAPPING_BUSY);
	if (ok) {
		*copy = *m;
		m->flags |= MAPPING_BUSY;
	}
	spin_unlock(&gt->maptrack_lock);
	return ok;
}

/* While a mapping exists its entry stays in use for the same frame. */
static u64 mapped_mfn(const struct grant_mapping *m)
{
	const struct grant_table *gt = m->owner->grant_table;

	return gt->active[m->ref / ENTRIES_PER_FRAME][m->ref % ENTRIES_PER_FRAME].mfn;
}

/* ---- map ---- */

static int map_begun(struct gnttab_map_grant_ref *op, const struct grant_use *u, struct vcpu *v)
{
	const u16 keep = MAPPED | GNTMAP_readonly | GNTMAP_contains_pte;
	struct grant_table *gt = v->domain->grant_table;
	int st = GNTST_okay;

	if (!handle_alloc(gt, u, &op->handle))
		return err_here(GNTST_no_space);
	if (op->flags & GNTMAP_host_map)
		st = arch_grant_map(v, op->host_addr, op->flags & GNTMAP_contains_pte, u->mfn,
				    u->readonly, (u64)(op->flags >> _GNTMAP_guest_avail0 & 7) << 9);
	handle_update(gt, op->handle, st == GNTST_okay ? op->flags & keep : 0);
	op->dev_bus_addr = op->flags & GNTMAP_device_map ? u->mfn << PAGE_SHIFT : 0;
	return st;
}

static int map_one(struct gnttab_map_grant_ref *op, struct vcpu *v)
{
	struct grant_use u = { .ref = op->ref, .readonly = op->flags & GNTMAP_readonly };
	int st;

	if (!(op->flags & MAPPED))
		return err_here(GNTST_general_error);
	u.owner = domain_get_for(v, op->dom);
	if (!u.owner)
		return err_here(GNTST_bad_domain);
	st = grant_begin(&u, v->domain->id);
	if (st == GNTST_okay) {
		st = map_begun(op, &u, v);
		if (st == GNTST_okay)
			return st; /* the handle keeps the use, and the owner held */
		grant_end(&u);
	}
	domain_put(u.owner);
	return st;
}

long grant_map(u64 uop, u32 count, struct vcpu *v)
{
	struct gnttab_map_grant_ref op;
	u32 i;

	for (i = 0; i < count; i++) {
		if (i && preempt_needed())
			return grant_restart(v, GNTTABOP_map_grant_ref, uop, count, i, sizeof(op));
		if (read_guest_at(&op, uop, i))
			return err_here(-EFAULT);
		op.status = map_one(&op, v);
		if (write_guest_at(uop, i, &op))
			return err_here(-EFAULT);
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
	struct grant_mapping m; /* as it was */
	u64 mfn;
	u16 left; /* flags that stay in force */
	bool taken;
};

/* The entry goes; everything the use holds stays until the TLBs are flushed. */
static int unmap_entry(struct unmap_item *it, bool replace, struct vcpu *v)
{
	const u64 dev_addr = replace ? 0 : it->op.dev_bus_addr,
		  new_addr = replace ? it->op.dev_bus_addr : 0;
	int st;

	if (!handle_take(v->domain->grant_table, it->op.handle, &it->m))
		return err_here(GNTST_bad_handle);
	it->taken = true;
	it->mfn = mapped_mfn(&it->m);
	it->left = it->m.flags;
	if (dev_addr && it->left & GNTMAP_device_map) {
		if (dev_addr != it->mfn << PAGE_SHIFT)
			return err_here(GNTST_bad_dev_addr);
		it->left &= ~GNTMAP_device_map;
	}
	if (it->op.host_addr && it->left & GNTMAP_host_map) {
		st = arch_grant_unmap(v, it->op.host_addr, it->left & GNTMAP_contains_pte, it->mfn,
				      it->left & GNTMAP_readonly, new_addr);
		if (st != GNTST_okay) {
			it->left = it->m.flags;
			return st;
		}
		it->left &= ~GNTMAP_host_map;
	}
	return GNTST_okay;
}

static void end_use(const struct grant_mapping *m, u64 mfn)
{
	grant_end(&(struct grant_use){ m->owner, m->ref, m->flags & GNTMAP_readonly, mfn });
	domain_put(m->owner);
}

static void unmap_finish(struct unmap_item *it, struct grant_table *gt)
{
	if (!it->taken)
		return;
	if (!(it->left & MAPPED))
		end_use(&it->m, it->mfn);
	handle_update(gt, it->op.handle, it->left);
}

/* Up to UNMAP_BATCH of them. 0 or -EFAULT; what was taken is finished in any case. */
static int unmap_batch(bool replace, u64 uop, u32 n, struct vcpu *v)
{
	struct unmap_item items[UNMAP_BATCH];
	bool flush = false;
	u32 i, got;
	int err = 0;

	for (got = 0; got < n && !err; got++) {
		struct unmap_item *it = &items[got];

		it->taken = false;
		err = read_guest_at(&it->op, uop, got);
		if (!err)
			it->op.status = unmap_entry(it, replace, v);
		flush |= it->taken && it->left != it->m.flags;
	}
	if (flush)
		tlb_flush_mask(&v->domain->dirty_cpus);
	for (i = 0; i < got; i++) {
		unmap_finish(&items[i], v->domain->grant_table);
		if (!err)
			err = write_guest_at(uop, i, &items[i].op);
	}
	return err;
}

long grant_unmap(u32 cmd, u64 uop, u32 count, struct vcpu *v)
{
	const size_t size = sizeof(struct gnttab_unmap_grant_ref);
	u32 done, n;

	for (done = 0; done < count; done += n) {
		if (done && preempt_needed())
			return grant_restart(v, cmd, uop, count, done, size);
		n = MIN(count - done, (u32)UNMAP_BATCH);
		if (unmap_batch(cmd == GNTTABOP_unmap_and_replace, guest_index(uop, done, size), n,
				v))
			return err_here(-EFAULT);
	}
	return 0;
}

/* ---- death of the mapping domain ---- */

/* It runs no more; its page tables go after this, and nothing of it is in a TLB by then. */
int grant_release_mappings(struct domain *d)
{
	struct grant_table *gt = d->grant_table;
	int left = RELEASE_BATCH;
	struct grant_mapping m;

	if (!gt->release_cursor)
		tlb_flush_mask(&d->dirty_cpus);
	for (; gt->mappings && gt->release_cursor < gt->maptrack_pages * MAPPINGS_PER_PAGE;
	     gt->release_cursor++) {
		if (!left--)
			return -ERESTART;
		if (!handle_take(gt, gt->release_cursor, &m))
			continue;
		end_use(&m, mapped_mfn(&m));
		handle_update(gt, gt->release_cursor, 0);
	}
	return 0;
}
