/* SPDX-License-Identifier: MIT */
/* GNTTABOP_copy: bytes from one granted or own page to another. */

#include "core/arch.h"
#include "core/grant_table.h"
#include "core/guest_access.h"
#include "lib/log.h"
#include "lib/string.h"

/* One end of a copy, kept for the next one if that names the same page: most batches do. */
struct side {
	struct grant_use use; /* by frame: owner is the caller, ref means nothing */
	u64 gmfn;
	u16 domid;
	bool by_ref;
	bool held;
};

static void release(struct side *s)
{
	struct page_info *pg = mfn_to_page(s->use.mfn);

	if (!s->held)
		return;
	s->held = false;
	if (s->by_ref) {
		grant_end(&s->use);
	} else {
		if (!s->use.readonly)
			put_page_type(pg);
		put_page(pg);
	}
	domain_put(s->use.owner);
}

static int hold_own(struct side *s)
{
	struct page_info *pg = mfn_to_page(s->gmfn);

	s->use.mfn = s->gmfn;
	if (!mfn_valid(s->gmfn) || !get_page(pg, s->use.owner))
		return err_here(GNTST_bad_page);
	if (s->use.readonly || !get_page_type(pg, PGT_writable))
		return GNTST_okay;
	put_page(pg);
	return err_here(GNTST_bad_page);
}

static bool same(const struct side *s, const struct gnttab_copy_ptr *p, bool by_ref)
{
	return s->held && s->by_ref == by_ref && s->domid == p->domid &&
	       (by_ref ? s->use.ref == p->u.ref : s->gmfn == p->u.gmfn);
}

static int hold(struct side *s, const struct gnttab_copy_ptr *p, bool by_ref, struct vcpu *v)
{
	int st;

	if (same(s, p, by_ref))
		return GNTST_okay;
	release(s);
	if (!by_ref && p->domid != DOMID_SELF)
		return err_here(GNTST_permission_denied);
	s->use.owner = domain_get_for(v, p->domid);
	if (!s->use.owner)
		return err_here(GNTST_bad_domain);
	s->by_ref = by_ref;
	s->domid = p->domid;
	s->use.ref = by_ref ? p->u.ref : 0;
	s->gmfn = by_ref ? 0 : p->u.gmfn;
	st = by_ref ? grant_begin(&s->use, v->domain->id) : hold_own(s);
	s->held = st == GNTST_okay;
	if (!s->held)
		domain_put(s->use.owner);
	return st;
}

static int copy_one(const struct gnttab_copy *op, struct side *src, struct side *dst,
		    struct vcpu *v)
{
	int st;

	if (op->source.offset + (u32)op->len > PAGE_SIZE ||
	    op->dest.offset + (u32)op->len > PAGE_SIZE)
		return err_here(GNTST_bad_copy_arg);
	st = hold(src, &op->source, op->flags & GNTCOPY_source_gref, v);
	if (st == GNTST_okay)
		st = hold(dst, &op->dest, op->flags & GNTCOPY_dest_gref, v);
	if (st == GNTST_okay) /* both may be the same page */
		memmove(mfn_to_virt(dst->use.mfn) + op->dest.offset,
			mfn_to_virt(src->use.mfn) + op->source.offset, op->len);
	return st;
}

long grant_copy(u64 uop, u32 count, struct vcpu *v)
{
	struct side src = { .use.readonly = true }, dst = { 0 };
	struct gnttab_copy op;
	long ret = 0;
	u32 i;

	for (i = 0; i < count && !ret; i++) {
		if (i && preempt_needed())
			break;
		if (read_guest_at(&op, uop, i)) {
			ret = err_here(-EFAULT);
			break;
		}
		op.status = copy_one(&op, &src, &dst, v);
		if (write_guest_at(uop, i, &op))
			ret = err_here(-EFAULT);
	}
	release(&src);
	release(&dst);
	if (!ret && i < count)
		return grant_restart(v, GNTTABOP_copy, uop, count, i, sizeof(op));
	return ret;
}
