/* SPDX-License-Identifier: MIT */
/*
 * Grant tables: the tables themselves, using an entry, and the small calls. The model is in
 * grant_table.h.
 */

#include "core/grant_table.h"

#include "core/arch.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"

#define CLAIM_TRIES 5 /* a guest that keeps changing the entry meanwhile is refused */

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
	for (i = 0; i < gt->maptrack_pages; i++)
		xfree(gt->maptrack[i]);
	xfree(gt->maptrack);
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

static int grow(struct domain *d, u32 frames)
{
	struct grant_table *gt = d->grant_table;
	int err = d->dying ? -EINVAL : 0;

	spin_lock(&gt->lock);
	while (!err && gt->nr_frames < frames)
		err = add_frame(d, gt);
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

/* [gt->lock] Both views of an entry, or false. */
static inline bool find_entry(struct grant_table *gt, u32 ref, struct grant_active **act,
			      struct grant_entry_v1 **sha)
{
	u32 frame = ref / ENTRIES_PER_FRAME, i = ref % ENTRIES_PER_FRAME;

	if (unlikely(frame >= gt->nr_frames))
		return false;
	*act = &gt->active[frame][i];
	*sha = &gt->shared[frame][i];
	return true;
}

/* ---- using an entry ---- */

/*
 * Tell the guest that its entry is in use, if it permits that: flags and domid in one atomic step.
 */
static inline int claim(struct grant_entry_v1 *sha, u16 domid, bool readonly)
{
	const u32 wanted = GTF_permit_access | (u32)domid << 16,
		  looked_at = 0xffff0000u | GTF_type_mask | GTF_sub_page;
	u32 *word = (u32 *)sha, w = READ_ONCE(*word);
	int tries;

	for (tries = 0; tries < CLAIM_TRIES; tries++) {
		if (unlikely((w & looked_at) != wanted))
			return err_here(GNTST_bad_gntref);
		if (unlikely(!readonly && w & GTF_readonly))
			return err_here(GNTST_permission_denied);
		if (likely(__atomic_compare_exchange_n(
			    word, &w, w | GTF_reading | (readonly ? 0 : GTF_writing), false,
			    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)))
			return GNTST_okay;
	}
	return err_here(GNTST_general_error);
}

static inline void unclaim(struct grant_entry_v1 *sha, const struct grant_active *act)
{
	u16 clear;

	if (act->writers)
		return;
	clear = act->readers ? GTF_writing : GTF_writing | GTF_reading;
	__atomic_fetch_and(&sha->flags, (u16)~clear, __ATOMIC_SEQ_CST);
}

/* [lock of the owner's table] */
static inline int begin_locked(struct grant_table *gt, struct grant_use *u, u16 domid, u32 refs)
{
	struct grant_entry_v1 *sha;
	struct grant_active *act;
	u16 *uses;
	bool first;
	int st;

	if (unlikely(!find_entry(gt, u->ref, &act, &sha)))
		return err_here(GNTST_bad_gntref);
	first = !act->readers && !act->writers;
	uses = u->readonly ? &act->readers : &act->writers;
	if (first || (!u->readonly && !act->writers)) {
		if (!first && act->domid != domid)
			return err_here(GNTST_bad_gntref);
		st = claim(sha, domid, u->readonly);
		if (unlikely(st != GNTST_okay))
			return st;
	} else if (act->domid != domid) {
		return err_here(GNTST_bad_gntref);
	} else if (*uses == 0xffff) {
		return err_here(GNTST_no_space);
	}
	/* While in use it stays the same frame, whatever the guest writes into its entry. */
	u->mfn = first ? READ_ONCE(sha->frame) : act->mfn;
	if (unlikely(u->mfn >= max_mfn ||
		     !get_page_uses(mfn_to_page(u->mfn), u->owner, !u->readonly, refs))) {
		unclaim(sha, act);
		return err_here(GNTST_bad_page);
	}
	act->mfn = u->mfn;
	act->domid = domid;
	++*uses;
	return GNTST_okay;
}

int grant_begin(struct grant_use *u, u16 domid, u32 refs)
{
	struct grant_table *gt = u->owner->grant_table;
	int st;

	if (unlikely(!gt))
		return err_here(GNTST_bad_domain);
	spin_lock(&gt->lock);
	st = begin_locked(gt, u, domid, refs);
	spin_unlock(&gt->lock);
	return st;
}

void grant_end(const struct grant_use *u, u32 refs)
{
	struct grant_table *gt = u->owner->grant_table;
	struct grant_entry_v1 *sha;
	struct grant_active *act;

	put_page_uses(mfn_to_page(u->mfn), !u->readonly, refs);
	spin_lock(&gt->lock);
	if (likely(find_entry(gt, u->ref, &act, &sha))) {
		u->readonly ? act->readers-- : act->writers--;
		unclaim(sha, act);
	}
	spin_unlock(&gt->lock);
}

/* ---- the small calls; each fills in a status ---- */

/* The domain that an operation names: the caller's own, or any for the privileged domain. Held. */
static int target(struct vcpu *v, u16 domid, struct domain **d)
{
	*d = domain_get_for(v, domid);
	if (!*d || !(*d)->grant_table) {
		if (*d)
			domain_put(*d);
		return err_here(GNTST_bad_domain);
	}
	if (*d == v->domain || v->domain->privileged)
		return GNTST_okay;
	domain_put(*d);
	return err_here(GNTST_permission_denied);
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
	else if (grow(d, op->nr_frames))
		op->status = GNTST_general_error;
	else
		err = give_frame_list(d, op->frame_list.va, op->nr_frames);
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
	int st = target(v, op->dom, &d);

	if (st != GNTST_okay)
		return err_here(st == GNTST_bad_domain ? -ESRCH : -EPERM);
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

static int swap_locked(struct grant_table *gt, const struct gnttab_swap_grant_ref *op)
{
	struct grant_entry_v1 *a, *b, tmp;
	struct grant_active *act_a, *act_b;

	if (!find_entry(gt, op->ref_a, &act_a, &a) || !find_entry(gt, op->ref_b, &act_b, &b))
		return err_here(GNTST_bad_gntref);
	if (act_a->readers || act_a->writers || act_b->readers || act_b->writers)
		return err_here(GNTST_eagain);
	tmp = *a;
	*a = *b;
	*b = tmp;
	return GNTST_okay;
}

static int swap_grant_ref(void *arg, struct vcpu *v)
{
	struct gnttab_swap_grant_ref *op = arg;
	struct grant_table *gt = v->domain->grant_table;

	spin_lock(&gt->lock);
	op->status = swap_locked(gt, op);
	spin_unlock(&gt->lock);
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

static noinline_fn long do_small(const struct small_op *s, u32 cmd, u64 uop, u32 count,
				 struct vcpu *v)
{
	u64 buf[4];
	u32 i, n = cmd == GNTTABOP_swap_grant_ref ? count : 1;
	int err;

	if (s->one && count != 1)
		return err_here(-EINVAL);
	for (i = 0; i < n; i++) {
		u64 at = guest_index(uop, i, s->size);

		if (i && preempt_needed())
			return grant_restart(v, cmd, at, count - i);
		if (copy_from_guest(buf, at, s->size))
			return err_here(-EFAULT);
		err = s->fn(buf, v);
		if (err)
			return err;
		if (copy_to_guest(at, buf, s->size))
			return err_here(-EFAULT);
	}
	return 0;
}

long do_grant_table_op(u64 cmd, u64 uop, u64 count, u64 a4, u64 a5, struct vcpu *v)
{
	u32 op = cmd, n = count;

	if (n > 0x7fffffff)
		return err_here(-EINVAL);
	switch (op) {
	case GNTTABOP_map_grant_ref:
		return grant_map(uop, n, v);
	case GNTTABOP_unmap_grant_ref:
	case GNTTABOP_unmap_and_replace:
		return grant_unmap(op, uop, n, v);
	case GNTTABOP_copy:
		return grant_copy(uop, n, v);
	case GNTTABOP_transfer:
	case GNTTABOP_cache_flush:
		return err_here(-EOPNOTSUPP);
	default:
		if (op >= ARRAY_SIZE(small_ops) || !small_ops[op].fn)
			return err_here(-ENOSYS);
		return do_small(&small_ops[op], op, uop, n, v);
	}
}

/* ---- debug key g ---- */

static void dump_table(struct domain *d, struct grant_table *gt)
{
	struct grant_entry_v1 *sha;
	struct grant_active *act;
	u32 ref;

	log_info("d%u: %u frames of grants, %u mappings\n", d->id, gt->nr_frames, gt->mappings);
	if (!spin_trylock(&gt->lock))
		return;
	for (ref = 0; find_entry(gt, ref, &act, &sha); ref++)
		if (act->readers || act->writers)
			log_info("  %u: frame %lx by d%u, %u read, %u write\n", ref, act->mfn,
				 act->domid, act->readers, act->writers);
	spin_unlock(&gt->lock);
}

void grant_dump(void)
{
	struct domain *d;

	for (d = domain_first(); d; d = domain_next(d))
		if (d->grant_table)
			dump_table(d, d->grant_table);
}
