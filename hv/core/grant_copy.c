/* SPDX-License-Identifier: MIT */
/* GNTTABOP_copy: bytes from one granted or own page to another. */

#include "core/arch.h"
#include "core/grant_table.h"
#include "core/guest_access.h"
#include "lib/log.h"
#include "lib/string.h"

/* One end of a copy, kept for the next one if that names the same page: most batches do. */
struct side {
	struct grant_use use; /* by frame: owner is the caller, not held, ref means nothing */
	u16 domid;
	bool by_ref;
	bool held;
};

static inline void release(struct side *s)
{
	if (!s->held)
		return;
	s->held = false;
	if (s->by_ref) {
		grant_end(&s->use, 1);
		domain_put(s->use.owner);
	} else {
		put_page_uses(mfn_to_page(s->use.mfn), !s->use.readonly, 1);
	}
}

static int hold_own(struct side *s, const struct gnttab_copy_ptr *p, struct vcpu *v)
{
	if (unlikely(p->domid != DOMID_SELF))
		return err_here(GNTST_permission_denied);
	s->use.mfn = p->u.gmfn;
	s->held = p->u.gmfn < max_mfn &&
		  get_page_uses(mfn_to_page(p->u.gmfn), v->domain, !s->use.readonly, 1);
	return likely(s->held) ? GNTST_okay : err_here(GNTST_bad_page);
}

static int hold_granted(struct side *s, const struct gnttab_copy_ptr *p, struct vcpu *v)
{
	int st;

	s->use.owner = domain_get_for(v, p->domid);
	if (unlikely(!s->use.owner))
		return err_here(GNTST_bad_domain);
	s->use.ref = p->u.ref;
	st = grant_begin(&s->use, v->domain->id, 1);
	s->held = st == GNTST_okay;
	if (unlikely(!s->held))
		domain_put(s->use.owner);
	return st;
}

static inline int hold(struct side *s, const struct gnttab_copy_ptr *p, bool by_ref, struct vcpu *v)
{
	if (s->held) {
		if (s->by_ref == by_ref && s->domid == p->domid &&
		    (by_ref ? s->use.ref == p->u.ref : s->use.mfn == p->u.gmfn))
			return GNTST_okay;
		release(s);
	}
	s->by_ref = by_ref;
	s->domid = p->domid;
	return by_ref ? hold_granted(s, p, v) : hold_own(s, p, v);
}

static inline int copy_one(const struct gnttab_copy *op, struct side *src, struct side *dst,
			   struct vcpu *v)
{
	int st;

	if (unlikely(op->source.offset + (u32)op->len > PAGE_SIZE ||
		     op->dest.offset + (u32)op->len > PAGE_SIZE))
		return err_here(GNTST_bad_copy_arg);
	st = hold(src, &op->source, op->flags & GNTCOPY_source_gref, v);
	if (likely(st == GNTST_okay))
		st = hold(dst, &op->dest, op->flags & GNTCOPY_dest_gref, v);
	if (likely(st == GNTST_okay)) /* both may be the same page */
		memmove(mfn_to_virt(dst->use.mfn) + op->dest.offset,
			mfn_to_virt(src->use.mfn) + op->source.offset, op->len);
	return st;
}

long grant_copy(u64 uop, u32 count, struct vcpu *v)
{
	/* What is written back: the end, from len on. */
	const size_t back = offsetof(struct gnttab_copy, len);
	struct side src = { .use.readonly = true }, dst = { 0 };
	struct gnttab_copy op;
	long ret = 0;

	for (; count; count--, uop += sizeof(op)) {
		if (unlikely(read_guest(&op, uop))) {
			ret = err_here(-EFAULT);
			break;
		}
		op.status = copy_one(&op, &src, &dst, v);
		if (unlikely(copy_to_guest(uop + back, &op.len, sizeof(op) - back))) {
			ret = err_here(-EFAULT);
			break;
		}
		if (count > 1 && preempt_needed()) {
			ret = grant_restart(v, GNTTABOP_copy, uop + sizeof(op), count - 1);
			break;
		}
	}
	release(&src);
	release(&dst);
	return ret;
}
