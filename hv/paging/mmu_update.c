/* SPDX-License-Identifier: MIT */
/* Hypercalls that write page-table entries: mmu_update, update_va_mapping. */
#include "core/arch.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"
#include "paging/tables.h"
#include "paging/walk.h"

#define BATCH 16 /* requests read at once */

/* ---- whose frames ---- */

int foreign_get(struct vcpu *v, u16 domid, struct domain **d)
{
	*d = v->domain;
	if (domid == DOMID_SELF || domid == v->domain->id)
		return 0;
	if (!v->domain->privileged)
		return err_here(-EPERM);
	*d = dom_io;
	if (domid == DOMID_IO)
		return 0;
	*d = domid < DOMID_FIRST_RESERVED ? domain_get(domid) : NULL;
	if (!*d)
		return err_here(-ESRCH);
	/* Either's tables may name the other's frames from now on. */
	WRITE_ONCE((*d)->mapped_elsewhere, true);
	WRITE_ONCE(v->domain->mapped_elsewhere, true);
	return 0;
}

void foreign_put(struct vcpu *v, struct domain *d)
{
	if (d != v->domain && d != dom_io)
		domain_put(d);
}

/* ---- mmu_update ---- */

/*
 * The frame that requests write to now. It stays held from one request to the next, since most
 * batches stay in one table: an L1 is locked, an ordinary page (a table that the guest has not
 * begun to use) counted as writable. Upper tables are looked up each time.
 */
struct target {
	struct page_info *pg; /* NULL: nothing is held */
	u64 mfn;
	u8 level; /* 0: an ordinary page; 2: an upper table, not held */
};

static void target_release(struct target *t)
{
	if (!t->pg)
		return;
	if (t->level == 1)
		table_unlock(t->pg);
	else if (!t->level)
		put_page_and_type(t->pg);
	t->pg = NULL;
	t->mfn = INVALID_MFN;
}

static noinline_fn int target_take(struct target *t, const struct domain *d, u64 mfn)
{
	struct page_info *pg = mfn_to_page(mfn);
	u64 type;

	target_release(t);
	if (unlikely(mfn >= max_mfn))
		return err_here(-EINVAL);
	type = table_lock(pg, d);
	t->level = !type ? 0 : type == PGT_l1_table ? 1 : 2;
	if (t->level == 0 && !plain_frame(d, mfn, true))
		return err_here(-EINVAL);
	if (t->level == 2)
		table_unlock(pg);
	t->pg = pg;
	t->mfn = mfn;
	return 0;
}

static int update_machphys(const struct domain *pg_owner, u64 mfn, u64 val)
{
	if (!mfn_valid(mfn) || !get_page(mfn_to_page(mfn), pg_owner))
		return err_here(-EINVAL);
	set_m2p(mfn & mfn_mask, val);
	put_page(mfn_to_page(mfn));
	return 0;
}

/* All but the plain update of an L1. */
static noinline_fn int update_other(struct vcpu *v, struct target *t, struct domain *pt_owner,
				    struct domain *pg_owner, const struct mmu_update *req)
{
	unsigned cmd = req->ptr & 3, i = (req->ptr & ~PAGE_MASK) / sizeof(u64);
	u64 *entry;
	int rc;

	if (cmd == MMU_MACHPHYS_UPDATE) {
		target_release(t);
		return update_machphys(pg_owner, req->ptr >> PAGE_SHIFT, req->val);
	}
	if (req->ptr & 4)
		return err_here(-EINVAL);
	entry = (u64 *)page_to_virt(t->pg) + i;
	switch (t->level) {
	case 0:
		WRITE_ONCE(*entry, req->val);
		return 0;
	case 1:
		return l1e_update(pt_owner, pg_owner, entry, 0, req->val,
				  cmd == MMU_PT_UPDATE_PRESERVE_AD ? L1E_KEEP_AD : L1E_SET);
	}
	rc = drop_pending(v);
	return rc ? rc :
		    update_upper_entry(v, pt_owner, t->pg, i, req->val,
				       cmd == MMU_PT_UPDATE_PRESERVE_AD);
}

/* What l1e_put_fast() left. Returns 0, for tail calls. */
static noinline_fn long l1e_put_rest(u64 e)
{
	l1e_put(e);
	return 0;
}

/* What the fast form would not do. */
static noinline_fn int update_l1(const struct domain *pt_owner, const struct domain *pg_owner,
				 const struct mmu_update *req, struct page_info *held)
{
	if (held)
		put_page(held);
	return l1e_update(pt_owner, pg_owner, maddr_to_virt(req->ptr), 0, req->val, L1E_SET);
}

/* Carry out requests from *req on; it moves behind the last that is done. 0 or what stopped it. */
static always_inline_fn int update_batch(struct vcpu *v, struct target *t, struct domain *pt_owner,
					 struct domain *pg_owner, const struct mmu_update **req,
					 const struct mmu_update *end)
{
	const struct mmu_update *at = *req;
	int rc = 0;

	for (; at < end; at++) {
		u64 ptr = at->ptr, mfn = ptr >> PAGE_SHIFT, cur;
		struct page_info *held;

		if (mfn != t->mfn && (ptr & 3) != MMU_MACHPHYS_UPDATE) {
			rc = target_take(t, pt_owner, mfn);
			if (unlikely(rc))
				break;
		}
		if (likely(t->level == 1 && !(ptr & 7))) {
			if (likely(l1e_set_fast(pg_owner, maddr_to_virt(ptr & maddr_mask), at->val,
						NULL, &cur, &held))) {
				if (unlikely(!l1e_put_fast(&cur)))
					l1e_put_rest(cur);
				continue;
			}
			rc = update_l1(pt_owner, pg_owner, at, held);
			if (unlikely(rc))
				break;
			continue;
		}
		rc = update_other(v, t, pt_owner, pg_owner, at);
		if (unlikely(rc))
			break;
		/*
		 * What an upper table let go of is free before the next request, which may name it.
		 */
		if (t->level == 2 && unlikely(v->arch.dropping || preempt_needed())) {
			at++;
			rc = -ERESTART;
			break;
		}
	}
	*req = at;
	return rc;
}

static int update_list(struct vcpu *v, struct domain *pt_owner, struct domain *pg_owner, u64 reqs,
		       u32 count, u32 *done)
{
	struct target t = { .mfn = INVALID_MFN };
	struct mmu_update req[BATCH];
	const struct mmu_update *at;
	int rc = 0;

	while (*done < count && !rc) {
		u32 n = MIN(count - *done, BATCH);

		at = req;
		if (n > 1)
			preempt_charge(n / 2);
		if (unlikely(*done && preempt_needed()))
			rc = -ERESTART;
		else if (unlikely(copy_from_guest(req, reqs + *done * sizeof(*req),
						  n * sizeof(*req))))
			rc = -EFAULT;
		else
			rc = update_batch(v, &t, pt_owner, pg_owner, &at, req + n);
		*done += at - req;
	}
	target_release(&t);
	return rc;
}

/* Both owners named by `foreigndom`; held. 0, -EPERM, -ESRCH, -EINVAL. */
static int owners_get(struct vcpu *v, u32 foreign, struct domain **pt_owner,
		      struct domain **pg_owner)
{
	int rc;

	*pt_owner = v->domain;
	if (foreign >> 16) {
		rc = foreign_get(v, (foreign >> 16) - 1, pt_owner);
		if (!rc && *pt_owner == dom_io)
			rc = -EINVAL;
		if (rc)
			return rc == -ESRCH ? err_here(-EINVAL) : rc;
	}
	rc = foreign_get(v, (u16)foreign, pg_owner);
	if (rc)
		foreign_put(v, *pt_owner);
	return rc;
}

/* The call goes on later with what is left: *done so far is kept where the guest reads it. */
static long update_restart(struct vcpu *v, u64 reqs, u32 left, u64 done_ptr, u64 foreign)
{
	u64 args[4] = { reqs, left | MMU_UPDATE_PREEMPTED, done_ptr, foreign };

	return hypercall_restart(v, __HYPERVISOR_mmu_update, 4, args);
}

static noinline_fn long update_any(u64 reqs, u32 count, u64 done_ptr, u32 foreign, struct vcpu *v)
{
	struct domain *pt_owner = v->domain, *pg_owner = v->domain;
	u32 n = count & ~MMU_UPDATE_PREEMPTED, before = 0, done = 0;
	int rc;

	if (unlikely(drop_pending(v)))
		return hypercall_restart(v, __HYPERVISOR_mmu_update, 4,
					 (u64[]){ reqs, count, done_ptr, foreign });
	if (unlikely(count & MMU_UPDATE_PREEMPTED) && done_ptr && read_guest(&before, done_ptr))
		return err_here(-EFAULT);
	if (unlikely(foreign != DOMID_SELF)) {
		rc = owners_get(v, foreign, &pt_owner, &pg_owner);
		if (rc)
			return rc;
	}
	rc = update_list(v, pt_owner, pg_owner, reqs, n, &done);
	if (unlikely(foreign != DOMID_SELF)) {
		foreign_put(v, pt_owner);
		foreign_put(v, pg_owner);
	}
	before += done;
	if (done_ptr && write_guest(done_ptr, &before))
		return err_here(-EFAULT);
	if (unlikely(rc == -ERESTART))
		return update_restart(v, reqs + done * sizeof(struct mmu_update), n - done,
				      done_ptr, foreign);
	return rc;
}

/* The fast form stopped with this locked and that held: a device's frame, mostly. */
static noinline_fn long update_again(u64 ptr, u64 val, struct page_info *table,
				     struct page_info *held, struct vcpu *v)
{
	struct mmu_update req = { ptr, val };
	int rc = update_l1(v->domain, v->domain, &req, held);

	table_unlock(table);
	return rc;
}

/* Documented in xen/xen.h. One entry of an L1 of one's own is what most calls are about. */
long do_mmu_update(u64 reqs, u64 count, u64 done_ptr, u64 foreign, u64 a5, struct vcpu *v)
{
	struct page_info *table, *held;
	struct mmu_update req;
	u64 cur;

	if (unlikely((u32)count != 1 || (u32)foreign != DOMID_SELF || done_ptr) ||
	    unlikely(!read_guest_words((u64 *)&req, reqs, sizeof(req) / sizeof(u64))))
		return update_any(reqs, count, done_ptr, foreign, v);
	if (unlikely((req.ptr & 7) || req.ptr >> PAGE_SHIFT >= max_mfn))
		return update_any(reqs, count, done_ptr, foreign, v);
	req.ptr &= maddr_mask;
	table = known_page(req.ptr >> PAGE_SHIFT);
	if (unlikely(!l1_lock_fast(table, v->domain)))
		return update_any(reqs, count, done_ptr, foreign, v);
	if (unlikely(!l1e_set_fast(v->domain, maddr_to_virt(req.ptr), req.val, NULL, &cur, &held)))
		return update_again(req.ptr, req.val, table, held, v);
	table_unlock(table);
	l1e_forget(&cur);
	return likely(l1e_put_fast(&cur)) ? 0 : l1e_put_rest(cur);
}

/* ---- update_va_mapping ---- */

int flush_vcpus(const struct domain *d, bool all, u64 bitmap, const u64 *va)
{
	u64 bits[BITMAP_WORDS(MAX_VCPUS)] = { 0 };
	cpumask_t mask = { { 0 } };
	unsigned i;

	if (!all && copy_from_guest(bits, bitmap, DIV_ROUND_UP(d->max_vcpus, 8)))
		return err_here(-EFAULT);
	for_each_set_bit(i, bits, d->max_vcpus) {
		const struct vcpu *v = d->vcpu[i];
		u32 cpu = v ? READ_ONCE(v->processor) : 0;

		/* One that moves meanwhile loads its root there, which flushes. */
		if (v && cpumask_test(cpu, &d->dirty_cpus))
			bit_set(mask.bits, cpu);
	}
	if (va)
		tlb_flush_va_mask(all ? &d->dirty_cpus : &mask, *va);
	else
		tlb_flush_mask(all ? &d->dirty_cpus : &mask);
	return 0;
}

/* What the flags of update_vamapping ask, or nothing. 0, -EFAULT, -ENOSYS. */
static noinline_fn int flush_as_asked(struct domain *d, u64 va, u64 flags)
{
	u64 type = flags & UVMF_FLUSHTYPE_MASK, whom = flags & ~UVMF_FLUSHTYPE_MASK;

	if (type != UVMF_TLB_FLUSH && type != UVMF_INVLPG)
		return type ? err_here(-ENOSYS) : 0;
	if (whom != UVMF_LOCAL)
		return flush_vcpus(d, whom == UVMF_ALL, whom, type == UVMF_INVLPG ? &va : NULL);
	if (type == UVMF_INVLPG)
		tlb_flush_va_local(va);
	else
		tlb_flush_local();
	return 0;
}

/* The entry of `table`, which is locked and given back. */
static always_inline_fn long update_va_locked(struct vcpu *v, const struct domain *pg_owner,
					      struct page_info *table, u64 va, u64 val, u64 flags)
{
	u64 *entry = (u64 *)page_to_virt(table) + pt_index(va, 1);
	int rc = l1e_update(v->domain, pg_owner, entry, 0, val, L1E_SET);

	table_unlock(table);
	return rc ?: flush_as_asked(v->domain, va, flags);
}

static noinline_fn long update_va(struct vcpu *v, const struct domain *pg_owner, u64 va, u64 val,
				  u64 flags)
{
	struct page_info *table;

	if (!walk_and_lock(v, va, &table))
		return err_here(-EINVAL);
	return update_va_locked(v, pg_owner, table, va, val, flags);
}

/* The fast form stopped with this locked and that held. */
static noinline_fn long update_va_again(u64 va, u64 val, u64 flags, struct vcpu *v,
					struct page_info *table, struct page_info *held)
{
	if (held)
		put_page(held);
	return update_va_locked(v, v->domain, table, va, val, flags);
}

static noinline_fn long put_rest_and_flush(u64 e, u64 va, u64 flags, struct vcpu *v)
{
	l1e_put(e);
	return flush_as_asked(v->domain, va, flags);
}

/* Documented in xen/xen.h. The fast form of update_va(). */
long do_update_va_mapping(u64 va, u64 val, u64 flags, u64 a4, u64 a5, struct vcpu *v)
{
	struct page_info *table, *held;
	u64 *entry = walk_l1(v->arch.guest_table, va, &table), cur;

	if (unlikely(!entry))
		return err_here(-EINVAL);
	if (unlikely(!l1_lock_fast(table, v->domain)))
		return update_va(v, v->domain, va, val, flags);
	if (unlikely(!l1e_set_fast(v->domain, entry, val, NULL, &cur, &held)))
		return update_va_again(va, val, flags, v, table, held);
	table_unlock(table);
	l1e_forget(&cur);
	if (unlikely(!l1e_put_fast(&cur)))
		return put_rest_and_flush(cur, va, flags, v);
	if (flags == (UVMF_INVLPG | UVMF_LOCAL)) {
		tlb_flush_va_local(va);
		return 0;
	}
	return flags ? flush_as_asked(v->domain, va, flags) : 0;
}

long do_update_va_mapping_otherdomain(u64 va, u64 val, u64 flags, u64 domid, u64 a5, struct vcpu *v)
{
	struct domain *pg_owner;
	long rc = foreign_get(v, domid, &pg_owner);

	if (rc)
		return rc;
	rc = update_va(v, pg_owner, va, val, flags);
	foreign_put(v, pg_owner);
	return rc;
}
