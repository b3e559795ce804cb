/* SPDX-License-Identifier: MIT */
/* mmuext_op: pins, roots, flushes, the LDT, and clearing and copying frames. */
#include "core/arch.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"
#include "lib/string.h"
#include "paging/l1.h"
#include "paging/tables.h"
#include "x86/context.h"
#include "x86/uaccess.h"

static int pin(struct vcpu *v, struct domain *owner, const struct mmuext_op *op)
{
	/* MMUEXT_PIN_L1_TABLE is 0, and the types of the tables count on from 1. */
	u64 type = (u64)(op->cmd - MMUEXT_PIN_L1_TABLE + 1) << 60;

	return drop_pending(v) ?: pin_page_table(v, owner, op->arg1.mfn, type);
}

static int unpin(struct vcpu *v, struct domain *owner, const struct mmuext_op *op)
{
	int rc = drop_pending(v);

	if (rc)
		return rc;
	rc = unpin_page_table(v, owner, op->arg1.mfn);
	/* Done, and what is left of it goes on by itself: not to be issued again. */
	return rc == -ERESTART ? 0 : rc;
}

/* TLB_FLUSH_MULTI, INVLPG_MULTI, TLB_FLUSH_ALL, INVLPG_ALL */
static int flush_others(const struct domain *d, const struct mmuext_op *op)
{
	bool all = op->cmd == MMUEXT_TLB_FLUSH_ALL || op->cmd == MMUEXT_INVLPG_ALL;
	bool one = op->cmd == MMUEXT_INVLPG_MULTI || op->cmd == MMUEXT_INVLPG_ALL;
	u64 va = op->arg1.linear_addr;

	return flush_vcpus(d, all, op->arg2.vcpumask.va, one ? &va : NULL);
}

/*
 * Another processor's caches hold nothing that the snooping of this one's write-back would not
 * find.
 */
static int flush_cache(const struct vcpu *v)
{
	if (!v->domain->privileged)
		return err_here(-EACCES);
	__asm__ volatile("wbinvd" ::: "memory");
	return 0;
}

static int load_ldt(struct vcpu *v, const struct mmuext_op *op)
{
	int rc;

	if (!op->arg2.nr_ents && !v->arch.ldt_entries)
		return 0;
	rc = set_ldt(v, op->arg2.nr_ents ? op->arg1.linear_addr : 0, op->arg2.nr_ents);
	if (!rc)
		load_descriptor_window(v);
	return rc;
}

static int clear_or_copy(const struct domain *owner, const struct mmuext_op *op)
{
	struct page_info *to = plain_frame(owner, op->arg1.mfn, true), *from = NULL;
	int rc = -EINVAL;

	preempt_charge(PREEMPT_PAGES(1));
	if (!to)
		return err_here(rc);
	if (op->cmd == MMUEXT_CLEAR_PAGE) {
		memset(page_to_virt(to), 0, PAGE_SIZE);
		rc = 0;
	} else {
		from = plain_frame(owner, op->arg2.src_mfn, false);
		if (from) {
			memcpy(page_to_virt(to), page_to_virt(from), PAGE_SIZE);
			put_page_uses(from, false, 1);
			rc = 0;
		}
	}
	put_page_uses(to, true, 1);
	return rc;
}

/* May the operation be made on another domain's frames? */
static bool foreign_makes_sense(u32 cmd)
{
	return cmd <= MMUEXT_UNPIN_TABLE || cmd == MMUEXT_CLEAR_PAGE || cmd == MMUEXT_COPY_PAGE;
}

static always_inline_fn int do_one(struct vcpu *v, struct domain *owner, const struct mmuext_op *op)
{
	if (unlikely(owner != v->domain) && !foreign_makes_sense(op->cmd))
		return op->cmd <= MMUEXT_UNMARK_SUPER ? err_here(-EPERM) : err_here(-ENOSYS);
	switch (op->cmd) {
	case MMUEXT_PIN_L1_TABLE:
	case MMUEXT_PIN_L2_TABLE:
	case MMUEXT_PIN_L3_TABLE:
	case MMUEXT_PIN_L4_TABLE:
		return pin(v, owner, op);
	case MMUEXT_UNPIN_TABLE:
		return unpin(v, owner, op);
	case MMUEXT_NEW_BASEPTR:
		return set_guest_table(v, op->arg1.mfn);
	case MMUEXT_NEW_USER_BASEPTR:
		return set_user_table(v, op->arg1.mfn);
	case MMUEXT_TLB_FLUSH_LOCAL:
		tlb_flush_local();
		return 0;
	case MMUEXT_INVLPG_LOCAL:
		tlb_flush_va_local(op->arg1.linear_addr);
		return 0;
	case MMUEXT_TLB_FLUSH_MULTI:
	case MMUEXT_TLB_FLUSH_ALL:
	case MMUEXT_INVLPG_MULTI:
	case MMUEXT_INVLPG_ALL:
		return flush_others(owner, op);
	case MMUEXT_FLUSH_CACHE:
	case MMUEXT_FLUSH_CACHE_GLOBAL:
		return flush_cache(v);
	case MMUEXT_SET_LDT:
		return load_ldt(v, op);
	case MMUEXT_CLEAR_PAGE:
	case MMUEXT_COPY_PAGE:
		return clear_or_copy(owner, op);
	case MMUEXT_MARK_SUPER:
	case MMUEXT_UNMARK_SUPER:
		return err_here(-EOPNOTSUPP);
	}
	return err_here(-ENOSYS);
}

/* Carry out `count` operations; *done counts them. 0 or the error of the one that failed. */
static always_inline_fn int do_list(struct vcpu *v, struct domain *owner, u64 at, u32 count,
				    u32 *done)
{
	for (u32 i = 0; i < count; at += sizeof(struct mmuext_op)) {
		struct mmuext_op op;
		int rc;

		if (unlikely(!read_guest_words((u64 *)&op, at, sizeof(op) / sizeof(u64))))
			return err_here(-EFAULT);
		rc = do_one(v, owner, &op);
		if (unlikely(rc))
			return rc;
		*done = ++i;
		/* What the operation gave up must be free before the next one: it may name it. */
		if (unlikely(v->arch.dropping || (i < count && preempt_needed())))
			return -ERESTART;
	}
	return 0;
}

static noinline_fn long do_any(u64 ops, u32 count, u64 done_ptr, u32 foreign, struct vcpu *v)
{
	u32 n = count & ~MMU_UPDATE_PREEMPTED, before = 0, done = 0;
	struct domain *owner = v->domain;
	int rc;

	if (unlikely(drop_pending(v)))
		return hypercall_restart(v, __HYPERVISOR_mmuext_op, 4,
					 (u64[]){ ops, count, done_ptr, foreign });
	if (unlikely(count & MMU_UPDATE_PREEMPTED) && done_ptr && read_guest(&before, done_ptr))
		return err_here(-EFAULT);
	if (unlikely((u16)foreign != DOMID_SELF)) {
		rc = foreign_get(v, foreign, &owner);
		if (rc)
			return rc;
	}
	rc = do_list(v, owner, ops, n, &done);
	foreign_put(v, owner);
	before += done;
	if (done_ptr && write_guest(done_ptr, &before))
		return err_here(-EFAULT);
	if (unlikely(rc == -ERESTART)) {
		u64 args[4] = { ops + done * sizeof(struct mmuext_op),
				(n - done) | MMU_UPDATE_PREEMPTED, done_ptr, foreign };

		return hypercall_restart(v, __HYPERVISOR_mmuext_op, 4, args);
	}
	return rc;
}

/*
 * do_mmuext_op() of one operation on a frame of v's own: what a process begins and ends with, or
 * any other.
 */
static noinline_fn long pin_or_unpin(u64 ops, u32 cmd, u64 mfn, u64 foreign, struct vcpu *v)
{
	int rc;

	if (cmd == MMUEXT_UNPIN_TABLE) {
		rc = unpin_page_table(v, v->domain, mfn);
		/* It is done, and only what it gave up is still to be taken down. */
		return unlikely(v->arch.dropping) ?
			       do_any(ops, MMU_UPDATE_PREEMPTED, 0, foreign, v) :
			       rc;
	}
	if (cmd <= MMUEXT_PIN_L4_TABLE) {
		rc = pin_page_table(v, v->domain, mfn, (u64)(cmd - MMUEXT_PIN_L1_TABLE + 1) << 60);
		if (likely(rc != -ERESTART && !v->arch.dropping))
			return rc;
	}
	return do_any(ops, 1, 0, foreign, v);
}

/*
 * do_mmuext_op() of two operations on v's own: both roots, when another process runs, or any others. What failed
 * fails again in do_any(), and a root that was set is the same once more.
 */
static noinline_fn long new_roots(u64 ops, struct vcpu *v)
{
	u64 kernel[2], user[2]; /* cmd and padding, arg1 */

	if (likely(read_guest_words(kernel, ops, ARRAY_SIZE(kernel)) &&
		   read_guest_words(user, ops + sizeof(struct mmuext_op), ARRAY_SIZE(user))) &&
	    likely((u32)kernel[0] == MMUEXT_NEW_BASEPTR &&
		   (u32)user[0] == MMUEXT_NEW_USER_BASEPTR) &&
	    likely(!set_guest_table(v, kernel[1]) && !set_user_table(v, user[1]) &&
		   !v->arch.dropping))
		return 0;
	return do_any(ops, 2, 0, DOMID_SELF, v);
}

/*
 * Documented in xen/xen.h. What a context switch or a fault asks for comes alone, and is answered
 * here.
 */
long do_mmuext_op(u64 ops, u64 count, u64 done_ptr, u64 foreign, u64 a5, struct vcpu *v)
{
	u64 word[2]; /* cmd and padding, arg1 */

	if (unlikely((u16)foreign != DOMID_SELF || done_ptr || v->arch.dropping))
		return do_any(ops, count, done_ptr, foreign, v);
	if ((u32)count == 2)
		return new_roots(ops, v);
	if (unlikely((u32)count != 1 || !read_guest_words(word, ops, ARRAY_SIZE(word))))
		return do_any(ops, count, done_ptr, foreign, v);
	switch ((u32)word[0]) {
	case MMUEXT_INVLPG_LOCAL:
		tlb_flush_va_local(word[1]);
		return 0;
	case MMUEXT_TLB_FLUSH_LOCAL:
		tlb_flush_local();
		return 0;
	case MMUEXT_NEW_BASEPTR:
		if (unlikely(set_guest_table(v, word[1]) || v->arch.dropping))
			break;
		return 0;
	default:
		return pin_or_unpin(ops, word[0], word[1], foreign, v);
	}
	return do_any(ops, count, done_ptr, foreign, v);
}
