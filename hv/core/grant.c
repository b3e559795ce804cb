/* SPDX-License-Identifier: MIT */
/* Grant tables: the tables themselves, and the small calls. The model is in grant_table.h. */

#include "core/grant_table.h"

#include "core/arch.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"

int grant_init_domain(struct domain *d)
{
	d->grant_table = xzalloc(struct grant_table);
	if (!d->grant_table)
		return -ENOMEM;
	grant_set_limits(d, -1, -1);
	return 0;
}

void grant_set_limits(struct domain *d, s32 frames, s32 maptrack_pages)
{
	d->grant_table->max_frames = frames < 0 ? GRANT_MAX_FRAMES : frames;
	d->grant_table->max_maptrack_pages =
		maptrack_pages < 0 ? MAPTRACK_MAX_PAGES : maptrack_pages;
}

void grant_destroy_domain(struct domain *d)
{
	struct grant_table *gt = d->grant_table;
	u32 i;

	for (i = 0; i < gt->nr_frames; i++) {
		unshare_page(mfn_to_page(virt_to_mfn(gt->shared[i])));
		xfree(gt->active[i]);
	}
	xfree(gt->maptrack); /* its pages went in grant_release_mappings() */
	xfree(gt);
	d->grant_table = NULL;
}

/* ---- the table's frames ---- */

/* [gt->lock] */
static int add_frame(struct domain *d, struct grant_table *gt)
{
	struct grant_active *active = xzalloc_array(struct grant_active, ENTRIES_PER_FRAME);
	struct page_info *pg = active ? alloc_heap_pages(0, MEMF_zero) : NULL;

	if (!pg) {
		xfree(active);
		return err_here(-ENOMEM);
	}
	share_page_with_domain(pg, d, true);
	gt->shared[gt->nr_frames] = page_to_virt(pg);
	gt->active[gt->nr_frames] = active;
	__atomic_store_n(&gt->nr_frames, gt->nr_frames + 1, __ATOMIC_RELEASE);
	return 0;
}

/* 0; -ENOMEM; -EINVAL: it is dying; -ERESTART: at least one came, and a preemption point. */
static int grow(struct domain *d, u32 frames)
{
	struct grant_table *gt = d->grant_table;
	int err = d->dying ? -EINVAL : 0;

	spin_lock(&gt->lock);
	while (!err && gt->nr_frames < frames) {
		err = add_frame(d, gt);
		preempt_charge(PREEMPT_PAGES(2));
		if (!err && preempt_needed())
			err = -ERESTART;
	}
	spin_unlock(&gt->lock);
	return err;
}

int grant_table_frame(struct domain *d, u32 idx, u64 *mfn)
{
	int err;

	if (!d->grant_table || idx >= d->grant_table->max_frames)
		return err_here(-EINVAL);
	err = grow(d, idx + 1);
	if (!err)
		*mfn = virt_to_mfn(d->grant_table->shared[idx]);
	return err;
}

/* ---- the small calls; each fills in a status ---- */

/* The domain that an operation names, held where the status it answers with is GNTST_okay. */
static int target(struct vcpu *v, u16 domid, struct domain **d)
{
	int err = domain_get_allowed(v, domid, d);

	return !err ? GNTST_okay : err == -ESRCH ? GNTST_bad_domain : GNTST_permission_denied;
}

static int give_frame_list(const struct domain *d, u64 list, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		u64 mfn = virt_to_mfn(d->grant_table->shared[i]);

		if (write_guest_at(list, i, &mfn))
			return err_here(-EFAULT);
	}
	return 0;
}

static int setup_table(void *arg, struct vcpu *v)
{
	struct gnttab_setup_table *op = arg;
	struct domain *d;
	int err = 0;

	op->status = target(v, op->dom, &d);
	if (op->status != GNTST_okay)
		return 0;
	if (op->nr_frames > d->grant_table->max_frames)
		op->status = GNTST_general_error;
	else
		err = grow(d, op->nr_frames);
	if (err && err != -ERESTART) {
		op->status = GNTST_general_error;
		err = 0;
	} else if (op->status == GNTST_okay && !err) {
		err = give_frame_list(d, op->frame_list.va, op->nr_frames);
	}
	domain_put(d);
	return err;
}

static int query_size(void *arg, struct vcpu *v)
{
	struct gnttab_query_size *op = arg;
	struct domain *d;

	op->status = target(v, op->dom, &d);
	if (op->status != GNTST_okay)
		return 0;
	op->nr_frames = d->grant_table->nr_frames;
	op->max_nr_frames = d->grant_table->max_frames;
	domain_put(d);
	return 0;
}

/* Who asks for version 2 learns that there is none as from a hypervisor that never heard of it. */
static int set_version(void *arg, struct vcpu *v)
{
	struct gnttab_set_version *op = arg;

	if (op->version == 1)
		return 0;
	return err_here(op->version == 2 ? -ENOSYS : -EINVAL);
}

static int get_version(void *arg, struct vcpu *v)
{
	struct gnttab_get_version *op = arg;
	struct domain *d;
	int err = domain_get_allowed(v, op->dom, &d);

	if (err)
		return err;
	op->version = 1;
	domain_put(d);
	return 0;
}

static int get_status_frames(void *arg, struct vcpu *v)
{
	struct gnttab_get_status_frames *op = arg;

	op->status = GNTST_general_error; /* version 1 has none */
	return 0;
}

static int swap_locked(struct grant_active *act_a, struct grant_active *act_b,
		       struct grant_entry_v1 *a, struct grant_entry_v1 *b)
{
	struct grant_entry_v1 tmp = *a;

	if (act_a->readers || act_a->writers || act_b->readers || act_b->writers)
		return err_here(GNTST_eagain);
	*a = *b;
	*b = tmp;
	return GNTST_okay;
}

static int swap_grant_ref(void *arg, struct vcpu *v)
{
	struct gnttab_swap_grant_ref *op = arg;
	struct grant_table *gt = v->domain->grant_table;
	struct grant_active *act_a, *act_b;
	struct grant_entry_v1 *a, *b;

	if (!find_entry(gt, op->ref_a, &act_a, &a) || !find_entry(gt, op->ref_b, &act_b, &b)) {
		op->status = err_here(GNTST_bad_gntref);
		return 0;
	}
	lock_two(&act_a->lock, &act_b->lock);
	op->status = swap_locked(act_a, act_b, a, b);
	unlock_two(&act_a->lock, &act_b->lock);
	return 0;
}

/* ---- the call ---- */

long grant_restart(struct vcpu *v, u32 cmd, u64 uop, u32 count)
{
	return hypercall_restart(v, __HYPERVISOR_grant_table_op, 3, (u64[]){ cmd, uop, count });
}

static const struct small_op {
	int (*fn)(void *op, struct vcpu *v);
	u8 size;
	bool one; /* exactly one element, as published */
} small_ops[] = {
	[GNTTABOP_setup_table] = { setup_table, sizeof(struct gnttab_setup_table), true },
	[GNTTABOP_query_size] = { query_size, sizeof(struct gnttab_query_size), true },
	[GNTTABOP_set_version] = { set_version, sizeof(struct gnttab_set_version), false },
	[GNTTABOP_get_version] = { get_version, sizeof(struct gnttab_get_version), false },
	[GNTTABOP_get_status_frames] = { get_status_frames, sizeof(struct gnttab_get_status_frames),
					 true },
	[GNTTABOP_swap_grant_ref] = { swap_grant_ref, sizeof(struct gnttab_swap_grant_ref), false },
};

static long do_small(u64 cmd, u64 uop, u64 count, u64 a4, u64 a5, struct vcpu *v)
{
	const struct small_op *s = &small_ops[(u32)cmd];
	u32 i, n = s->fn == swap_grant_ref ? count : 1;
	u64 buf[4];
	int err;

	if (s->one && (u32)count != 1)
		return err_here(-EINVAL);
	for (i = 0; i < n; i++) {
		u64 at = guest_index(uop, i, s->size);

		if (i && preempt_needed())
			return grant_restart(v, cmd, at, (u32)count - i);
		if (copy_from_guest(buf, at, s->size))
			return err_here(-EFAULT);
		err = s->fn(buf, v);
		if (err == -ERESTART)
			return grant_restart(v, cmd, at, (u32)count - i);
		if (err)
			return err;
		if (copy_to_guest(at, buf, s->size))
			return err_here(-EFAULT);
	}
	return 0;
}

static long unsupported(u64 cmd, u64 uop, u64 count, u64 a4, u64 a5, struct vcpu *v)
{
	return err_here(-EOPNOTSUPP);
}

static long unknown(u64 cmd, u64 uop, u64 count, u64 a4, u64 a5, struct vcpu *v)
{
	return err_here(-ENOSYS);
}

static hypercall_fn *const ops[16] = {
	[0 ... 15] = unknown,
	[GNTTABOP_map_grant_ref] = grant_map,
	[GNTTABOP_unmap_grant_ref] = grant_unmap,
	[GNTTABOP_unmap_and_replace] = grant_unmap,
	[GNTTABOP_copy] = grant_copy,
	[GNTTABOP_setup_table] = do_small,
	[GNTTABOP_query_size] = do_small,
	[GNTTABOP_set_version] = do_small,
	[GNTTABOP_get_version] = do_small,
	[GNTTABOP_get_status_frames] = do_small,
	[GNTTABOP_swap_grant_ref] = do_small,
	[GNTTABOP_transfer] = unsupported,
	[GNTTABOP_cache_flush] = unsupported,
};

long do_grant_table_op(u64 cmd, u64 uop, u64 count, u64 a4, u64 a5, struct vcpu *v)
{
	if (unlikely((s32)count < 0))
		return err_here(-EINVAL);
	if (unlikely((u32)cmd >= ARRAY_SIZE(ops)))
		return err_here(-ENOSYS);
	return ops[pow2_index_nospec((u32)cmd, ARRAY_SIZE(ops))](cmd, uop, count, a4, a5, v);
}

/* ---- debug key g ---- */

static void dump_table(struct domain *d, struct grant_table *gt)
{
	struct grant_entry_v1 *sha;
	struct grant_active *act;
	u32 ref;

	log_info("d%u: %u frames of grants, %u pages of handles\n", d->id, gt->nr_frames,
		 gt->maptrack_pages);
	for (ref = 0; find_entry(gt, ref, &act, &sha); ref++)
		if (act->readers || act->writers)
			log_info("  %u: frame %x by d%u, %u read, %u write\n", ref, act->mfn,
				 act->domid, act->readers, act->writers);
}

void grant_dump(void)
{
	struct domain *d;

	for (d = domain_first(); d; d = domain_next(d))
		if (d->grant_table)
			dump_table(d, d->grant_table);
}
