/* SPDX-License-Identifier: MIT */
/* GNTTABOP_copy: bytes from one granted or own page to another. */

#include "core/arch.h"
#include "core/grant_table.h"
#include "core/guest_access.h"
#include "lib/log.h"
#include "lib/string.h"

/* One end of a copy: a frame of one's own (use.act is NULL), or by its entry. */
struct side {
	struct grant_use use;
	u32 ref;
	u16 domid;
	bool held;
};

static always_inline_fn void release(struct side *s, struct vcpu *v)
{
	put_page_uses(s->use.pg, !s->use.readonly, 1);
	if (s->use.act) {
		entry_end(&s->use);
		owner_put(v->domain, s->use.owner);
	}
}

static always_inline_fn int hold_own(struct grant_use *u, const struct gnttab_copy_ptr *p,
				     struct vcpu *v)
{
	if (unlikely(p->domid != DOMID_SELF))
		return err_here(GNTST_permission_denied);
	u->owner = v->domain;
	u->act = NULL;
	u->sha = NULL;
	u->mfn = p->u.gmfn;
	u->pg = mfn_to_page(u->mfn);
	if (unlikely(u->mfn >= max_mfn || !get_page_uses(u->pg, v->domain, !u->readonly, 1)))
		return err_here(GNTST_bad_page);
	return GNTST_okay;
}

static always_inline_fn int hold_granted(struct grant_use *u, const struct gnttab_copy_ptr *p,
					 struct vcpu *v)
{
	int st;

	u->owner = owner_get(v, p->domid);
	if (unlikely(!u->owner))
		return err_here(GNTST_bad_domain);
	st = grant_begin(u, p->u.ref, v->domain->id, 1);
	if (unlikely(st != GNTST_okay))
		owner_put(v->domain, u->owner);
	return st;
}

static always_inline_fn int hold(struct side *s, const struct gnttab_copy_ptr *p, bool by_ref,
				 struct vcpu *v)
{
	return by_ref ? hold_granted(&s->use, p, v) : hold_own(&s->use, p, v);
}

static always_inline_fn bool in_range(const struct gnttab_copy *op)
{
	return op->source.offset + (u32)op->len <= PAGE_SIZE &&
	       op->dest.offset + (u32)op->len <= PAGE_SIZE;
}

static always_inline_fn void copy_bytes(const struct gnttab_copy *op, const struct side *src,
					const struct side *dst)
{
	void *to = mfn_to_virt(dst->use.mfn);
	const void *from = mfn_to_virt(src->use.mfn);

	if (likely(op->len == PAGE_SIZE)) {
		memcpy_page(to, from);
		return;
	}
	to += op->dest.offset;
	from += op->source.offset;
	if (likely(dst->use.mfn != src->use.mfn)) {
		memcpy(to, from, op->len);
	} else {
		preempt_charge(op->len / 100); /* byte by byte, perhaps */
		memmove(to, from, op->len);
	}
}

static always_inline_fn int copy_single(const struct gnttab_copy *op, struct vcpu *v)
{
	struct side src, dst;
	int st;

	if (unlikely(!in_range(op)))
		return err_here(GNTST_bad_copy_arg);
	src.use.readonly = true;
	dst.use.readonly = false;
	st = hold(&src, &op->source, op->flags & GNTCOPY_source_gref, v);
	if (unlikely(st != GNTST_okay))
		return st;
	st = hold(&dst, &op->dest, op->flags & GNTCOPY_dest_gref, v);
	if (likely(st == GNTST_okay)) {
		copy_bytes(op, &src, &dst);
		release(&dst, v);
	}
	release(&src, v);
	return st;
}

/* ---- several: a side is kept for the next one if that names the same page; most do ---- */

static void drop(struct side *s, struct vcpu *v)
{
	if (s->held)
		release(s, v);
	s->held = false;
}

static int keep(struct side *s, const struct gnttab_copy_ptr *p, bool by_ref, struct vcpu *v)
{
	int st;

	if (s->held && !s->use.act == !by_ref && s->domid == p->domid &&
	    (by_ref ? s->ref == p->u.ref : s->use.mfn == p->u.gmfn))
		return GNTST_okay;
	drop(s, v);
	s->domid = p->domid;
	s->ref = p->u.ref;
	st = hold(s, p, by_ref, v);
	s->held = st == GNTST_okay;
	return st;
}

static int copy_next(const struct gnttab_copy *op, struct side *src, struct side *dst,
		     struct vcpu *v)
{
	int st;

	if (unlikely(!in_range(op)))
		return err_here(GNTST_bad_copy_arg);
	st = keep(src, &op->source, op->flags & GNTCOPY_source_gref, v);
	if (likely(st == GNTST_okay))
		st = keep(dst, &op->dest, op->flags & GNTCOPY_dest_gref, v);
	if (likely(st == GNTST_okay))
		copy_bytes(op, src, dst);
	return st;
}

/* What is written back: the end, from len on. */
static always_inline_fn int write_back(u64 uop, const struct gnttab_copy *op)
{
	const size_t back = offsetof(struct gnttab_copy, len);

	return copy_to_guest(uop + back, &op->len, sizeof(*op) - back);
}

static noinline_fn long copy_several(u64 uop, u32 count, struct vcpu *v)
{
	struct side src = { .use.readonly = true }, dst = { .held = false };
	struct gnttab_copy op;
	long ret = 0;

	for (; count; count--, uop += sizeof(op)) {
		if (unlikely(read_guest(&op, uop))) {
			ret = err_here(-EFAULT);
			break;
		}
		preempt_charge(PREEMPT_PAGES(1));
		op.status = copy_next(&op, &src, &dst, v);
		if (unlikely(write_back(uop, &op))) {
			ret = err_here(-EFAULT);
			break;
		}
		if (count > 1 && preempt_needed()) {
			ret = grant_restart(v, GNTTABOP_copy, uop + sizeof(op), count - 1);
			break;
		}
	}
	drop(&src, v);
	drop(&dst, v);
	return ret;
}

long grant_copy(u64 cmd, u64 uop, u64 count, u64 a4, u64 a5, struct vcpu *v)
{
	struct gnttab_copy op;

	if (unlikely((u32)count != 1))
		return copy_several(uop, count, v);
	preempt_charge(PREEMPT_PAGES(1));
	if (unlikely(read_guest(&op, uop)))
		return err_here(-EFAULT);
	op.status = copy_single(&op, v);
	return err_here(write_back(uop, &op));
}
