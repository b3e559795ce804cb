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

#define BATCH 4 /* operations read at once */

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

static int new_root(struct vcpu *v, const struct mmuext_op *op, bool user)
{
	int rc = set_guest_table(v, op->arg1.mfn, user);

	if (likely(!rc))
		load_guest_root(v);
	return rc;
}

/* TLB_FLUSH_MULTI, INVLPG_MULTI, TLB_FLUSH_ALL, INVLPG_ALL */
static int flush_others(struct domain *d, const struct mmuext_op *op)
{
	bool all = op->cmd == MMUEXT_TLB_FLUSH_ALL || op->cmd == MMUEXT_INVLPG_ALL;
	const cpumask_t *mask = &d->dirty_cpus;
	cpumask_t some;

	if (!all) {
		if (vcpus_of_bitmap(d, op->arg2.vcpumask.va, &some))
			return -EFAULT;
		mask = &some;
	}
	if (op->cmd == MMUEXT_INVLPG_MULTI || op->cmd == MMUEXT_INVLPG_ALL)
		tlb_flush_va_mask(mask, op->arg1.linear_addr);
	else
		tlb_flush_mask(mask);
	return 0;
}

/* Another processor's caches hold nothing that the snooping of this one's write-back would not find. */
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

/* Hold a frame of owner, as writable memory if it is to be written. NULL: not so. */
static struct page_info *plain_frame(const struct domain *owner, u64 mfn, bool write)
{
	struct page_info *pg = mfn_to_page(mfn);

	if (mfn >= max_mfn || !l1_get_page(pg, owner))
		return NULL;
	if (!write || l1_get_writable(pg))
		return pg;
	put_page(pg);
	return NULL;
}

static void plain_frame_put(struct page_info *pg, bool write)
{
	if (write)
		l1_put_writable(pg);
	l1_put_page(pg);
}

static int clear_or_copy(const struct domain *owner, const struct mmuext_op *op)
{
	struct page_info *to = plain_frame(owner, op->arg1.mfn, true), *from = NULL;
	int rc = -EINVAL;

	if (!to)
		return err_here(rc);
	if (op->cmd == MMUEXT_CLEAR_PAGE) {
		memset(page_to_virt(to), 0, PAGE_SIZE);
		rc = 0;
	} else {
		from = plain_frame(owner, op->arg2.src_mfn, false);
		if (from) {
			memcpy(page_to_virt(to), page_to_virt(from), PAGE_SIZE);
			plain_frame_put(from, false);
			rc = 0;
		}
	}
	plain_frame_put(to, true);
	return rc;
}

/* May the operation be made on another domain's frames? */
static bool foreign_makes_sense(u32 cmd)
{
	return cmd <= MMUEXT_UNPIN_TABLE || cmd == MMUEXT_CLEAR_PAGE || cmd == MMUEXT_COPY_PAGE;
}

static int do_one(struct vcpu *v, struct domain *owner, const struct mmuext_op *op)
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
		return new_root(v, op, false);
	case MMUEXT_NEW_USER_BASEPTR:
		return new_root(v, op, true);
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
static int do_list(struct vcpu *v, struct domain *owner, u64 ops, u32 count, u32 *done)
{
	struct mmuext_op op[BATCH];

	while (*done < count) {
		u32 n = MIN(count - *done, BATCH);

		if (unlikely(copy_from_guest(op, ops + *done * sizeof(*op), n * sizeof(*op))))
			return err_here(-EFAULT);
		for (u32 i = 0; i < n; i++, ++*done) {
			int rc;

			if (unlikely(*done && preempt_needed()))
				return -ERESTART;
			rc = do_one(v, owner, &op[i]);
			if (unlikely(rc))
				return rc;
			/* What the operation gave up must be free before the next one: it may name it. */
			if (unlikely(v->arch.dropping)) {
				++*done;
				return -ERESTART;
			}
		}
	}
	return 0;
}

/* Documented in xen/xen.h. */
long do_mmuext_op(u64 ops, u64 count, u64 done_ptr, u64 foreign, u64 a5, struct vcpu *v)
{
	u32 n = count, before = 0, done = 0;
	struct domain *owner = v->domain;
	int rc;

	(void)a5;
	if (unlikely(drop_pending(v)))
		return hypercall_restart(v, __HYPERVISOR_mmuext_op, 4,
					 (u64[]){ ops, count, done_ptr, foreign });
	if (unlikely(n & MMU_UPDATE_PREEMPTED)) {
		n &= ~MMU_UPDATE_PREEMPTED;
		if (done_ptr && read_guest(&before, done_ptr))
			return err_here(-EFAULT);
	}
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
		u64 args[4] = { ops + done * sizeof(struct mmuext_op), (n - done) | MMU_UPDATE_PREEMPTED,
				done_ptr, foreign };

		return hypercall_restart(v, __HYPERVISOR_mmuext_op, 4, args);
	}
	return rc;
}
