/* SPDX-License-Identifier: MIT */
/* What holds page tables and descriptor pages in place: roots, pins, GDT and LDT. */
#include "core/arch.h"
#include "lib/log.h"
#include "lib/string.h"
#include "paging/l1.h"
#include "paging/tables.h"
#include "x86/context.h"
#include "x86/layout.h"

extern u64 hv_l4_template[16], hv_l4_restricted[16]; /* slots 256-271: x86/ (or a test) */

/*
 * Where the processor needs two roots a guest (X86_XPTI), a complete L4 has a second, restricted
 * one: a page of the heap with the same entries of the guest's and next to nothing of ours. Slot
 * 271 of the L4, which is not present then, says where; 0, not yet complete: there is none.
 */
#define RESTRICTED_ROOT HV_SLOT_LAST

int init_guest_l4(u64 *l4)
{
	struct page_info *pg;
	u64 *root;

	memcpy(l4 + HV_SLOT_FIRST, hv_l4_template, sizeof(hv_l4_template));
	if (likely(!hv_l4_restricted[0]))
		return 0;
	l4[RESTRICTED_ROOT] = 0;
	pg = alloc_heap_pages(0, MEMF_any);
	if (!pg)
		return err_here(-ENOMEM);
	root = page_to_virt(pg);
	memcpy(root, l4, PAGE_SIZE);
	memcpy(root + HV_SLOT_FIRST, hv_l4_restricted, sizeof(hv_l4_restricted));
	l4[RESTRICTED_ROOT] = virt_to_maddr(root);
	return 0;
}

void drop_guest_l4(u64 *l4)
{
	if (unlikely(hv_l4_restricted[0]) && l4[RESTRICTED_ROOT])
		free_page(maddr_to_virt(l4[RESTRICTED_ROOT]));
	memset(l4 + HV_SLOT_FIRST, 0, sizeof(hv_l4_template));
}

void l4_entry_changed(const u64 *l4, unsigned i)
{
	u64 *root = maddr_to_virt(l4[RESTRICTED_ROOT]);

	if (unlikely(hv_l4_restricted[0]))
		WRITE_ONCE(root[i], READ_ONCE(l4[i]));
}

/* ---- references on tables ---- */

/* Hold frame mfn of d as a table of `type`. 0, -EINVAL, -ERESTART (nothing held). */
static always_inline_fn int table_get(const struct domain *d, u64 mfn, u64 type)
{
	struct page_info *pg = mfn_to_page(mfn);
	int rc;

	/* What is no RAM has count 0. */
	if (unlikely(mfn >= max_mfn || !get_pages(pg, d, 1)))
		return err_here(-EINVAL);
	if (likely(type_get_fast(pg, type)))
		return 0;
	rc = get_page_type_preemptible(pg, type);
	if (rc)
		put_page(pg);
	return rc;
}

int drop_pending_slow(struct vcpu *v)
{
	struct page_info *pg = mfn_to_page(v->arch.dropping - 1);

	if (put_page_type_preemptible(pg))
		return -ERESTART;
	v->arch.dropping = 0;
	put_page(pg);
	return 0;
}

int drop_table(struct vcpu *v, struct page_info *pg)
{
	if (likely(put_types_fast(pg, 1))) {
		put_pages(pg, 1);
		return 0;
	}
	v->arch.dropping = page_to_mfn(pg) + 1;
	return drop_pending_slow(v);
}

/* ---- roots ---- */

/* A processor leaves a table before that may lose our entries. */
static always_inline_fn void load_root_of(struct vcpu *v, bool user)
{
	if (user)
		note_user_root(v);
	else
		load_guest_root(v);
}

static always_inline_fn int set_root(struct vcpu *v, u64 mfn, u64 *root, bool user)
{
	u64 old = *root;
	int rc = drop_pending(v);

	if (rc)
		return rc;
	if (!mfn && !user) /* also where there is none yet */
		return err_here(-EINVAL);
	if (mfn != old) {
		rc = mfn ? table_get(v->domain, mfn, PGT_l4_table) : 0;
		if (rc)
			return rc;
		*root = mfn;
	}
	load_root_of(v, user);
	/* It is done even if the old one goes slowly: drop_pending() sees to that. */
	if (old && mfn != old)
		drop_table(v, mfn_to_page(old));
	return 0;
}

static noinline_fn int set_guest_table_slowly(struct vcpu *v, u64 mfn)
{
	return set_root(v, mfn, &v->arch.guest_table, false);
}

static noinline_fn int set_user_table_slowly(struct vcpu *v, u64 mfn)
{
	return set_root(v, mfn, &v->arch.user_table, true);
}

/* A table that is in use as one, instead of one that stays in use: true. false: nothing has changed. */
static always_inline_fn bool set_root_fast(struct vcpu *v, u64 mfn, u64 *root, bool user)
{
	struct page_info *pg = mfn_to_page(mfn), *was;
	u64 old = *root;

	if (unlikely(v->arch.dropping) || unlikely(!mfn) || unlikely(!old) ||
	    unlikely(mfn >= max_mfn))
		return false;
	if (mfn == old) {
		load_root_of(v, user);
		return true;
	}
	if (unlikely(!get_pages(pg, v->domain, 1)))
		return false;
	if (unlikely(!type_get_fast(pg, PGT_l4_table))) {
		put_page(pg);
		return false;
	}
	*root = mfn;
	load_root_of(v, user);
	was = mfn_to_page(old);
	if (likely(put_types_fast(was, 1)))
		put_pages(was, 1);
	else
		drop_table(v, was);
	return true;
}

int set_guest_table(struct vcpu *v, u64 mfn)
{
	if (likely(set_root_fast(v, mfn, &v->arch.guest_table, false)))
		return 0;
	return set_guest_table_slowly(v, mfn);
}

int set_user_table(struct vcpu *v, u64 mfn)
{
	if (likely(set_root_fast(v, mfn, &v->arch.user_table, true)))
		return 0;
	return set_user_table_slowly(v, mfn);
}

int drop_guest_tables(struct vcpu *v)
{
	u64 *const roots[] = { &v->arch.user_table, &v->arch.guest_table };

	if (drop_pending(v))
		return -ERESTART;
	v->arch.kernel_cr3 = v->arch.user_cr3 = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(roots); i++) {
		u64 mfn = *roots[i];

		*roots[i] = 0;
		if (mfn && drop_table(v, mfn_to_page(mfn)))
			return -ERESTART;
	}
	return 0;
}

/* ---- pins ---- */

/*
 * Pin and count in one step where the type is there already. 1 done, 0 not so, -EINVAL pinned
 * already.
 */
static always_inline_fn int pin_fast(struct page_info *pg, u64 type)
{
	u64 x = READ_ONCE(pg->type_info);

	if ((x & (PGT_type_mask | PGT_validated | PGT_locked)) != (type | PGT_validated) ||
	    !count_has_room(x, 1))
		return 0;
	if (unlikely(x & PGT_pinned))
		return -EINVAL;
	return __atomic_compare_exchange_n(&pg->type_info, &x, (x | PGT_pinned) + 1, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Unpin and uncount in one step where others use the table too. */
static always_inline_fn bool unpin_fast(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info);

	return likely((x & (PGT_pinned | PGT_locked)) == PGT_pinned && (u32)x > 1) &&
	       __atomic_compare_exchange_n(&pg->type_info, &x, (x & ~PGT_pinned) - 1, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Set or clear the bit, whoever else changes the word; false: it is so already. */
static bool change_pinned(struct page_info *pg, bool pinned)
{
	u64 x = READ_ONCE(pg->type_info);

	do {
		while (unlikely(x & PGT_locked)) {
			spin_wait();
			x = READ_ONCE(pg->type_info);
		}
		if (!(x & PGT_pinned) != pinned)
			return false;
	} while (unlikely(!__atomic_compare_exchange_n(&pg->type_info, &x, x ^ PGT_pinned, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)));
	return true;
}

/* With a general reference, which the pin takes over. */
static noinline_fn int pin_slowly(struct vcpu *v, struct page_info *pg, u64 type)
{
	int rc = get_page_type_preemptible(pg, type);

	if (!rc) {
		if (change_pinned(pg, true))
			return 0;
		rc = err_here(-EINVAL);
		if (v) {
			drop_table(v, pg);
			return rc;
		}
		put_page_type(pg);
	}
	put_page(pg);
	return rc;
}

int pin_page_table(struct vcpu *v, struct domain *d, u64 mfn, u64 type)
{
	struct page_info *pg = mfn_to_page(mfn);
	int rc;

	if (unlikely(mfn >= max_mfn || !get_pages(pg, d, 1)))
		return err_here(-EINVAL);
	rc = pin_fast(pg, type);
	if (likely(rc > 0))
		return 0;
	if (!rc)
		return pin_slowly(v, pg, type);
	put_page(pg);
	return err_here(rc);
}

/* With a general reference, which goes. */
static noinline_fn int unpin_slowly(struct vcpu *v, struct page_info *pg)
{
	int rc = change_pinned(pg, false) ? drop_table(v, pg) : err_here(-EINVAL);

	put_page(pg);
	return rc;
}

int unpin_page_table(struct vcpu *v, struct domain *d, u64 mfn)
{
	struct page_info *pg = mfn_to_page(mfn);

	if (unlikely(mfn >= max_mfn || !get_pages(pg, d, 1)))
		return err_here(-EINVAL);
	if (unlikely(!unpin_fast(pg)))
		return unpin_slowly(v, pg);
	/* Ours and the pin's. */
	put_pages(pg, 1);
	put_pages(pg, 1);
	return 0;
}

#define RELINQUISH_BATCH 128 /* frames looked at between two preemption points */

/*
 * One frame of a dying domain gives up its pin, or what a validation that stopped for good still
 * holds.
 */
static int relinquish_frame(struct domain *d, struct page_info *pg)
{
	int rc = 0;

	if (!(READ_ONCE(pg->type_info) & (PGT_pinned | PGT_partial)))
		return 0;
	if (change_pinned(pg, false)) {
		rc = put_page_type_preemptible(pg);
		if (rc)
			change_pinned(pg, true); /* so that the next step finds it again */
		else
			put_page(pg);
	} else if (READ_ONCE(pg->type_info) & PGT_partial) {
		rc = put_page_partial(pg);
	}
	return rc ?: preempt_needed();
}

int relinquish_page_tables(struct domain *d)
{
	return walk_dying_pages(d, relinquish_frame, RELINQUISH_BATCH);
}

/* ---- descriptor tables ---- */

static void put_descriptor_frames(u64 *frames, unsigned n)
{
	for (; n--; frames++)
		if (*frames) {
			put_page_and_type(mfn_to_page(*frames));
			*frames = 0;
		}
}

/* Take a reference on each of n frames, or on none. */
static int get_descriptor_frames(const struct domain *d, u64 *frames, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!mfn_valid(frames[i]) ||
		    get_page_and_type(mfn_to_page(frames[i]), d, PGT_seg_desc)) {
			put_descriptor_frames(frames, i);
			return err_here(-EINVAL);
		}
	return 0;
}

int set_gdt_frames(struct vcpu *v, const u64 *frames, unsigned entries)
{
	u64 new[ARRAY_SIZE(v->arch.gdt_frames)] = { 0 };
	unsigned n = DIV_ROUND_UP(entries, 512);

	if (n > ARRAY_SIZE(new))
		return err_here(-EINVAL);
	memcpy(new, frames, n * sizeof(u64));
	if (get_descriptor_frames(v->domain, new, n))
		return -EINVAL;
	drop_gdt_frames(v);
	memcpy(v->arch.gdt_frames, new, sizeof(new));
	v->arch.gdt_entries = entries;
	return 0;
}

void drop_gdt_frames(struct vcpu *v)
{
	put_descriptor_frames(v->arch.gdt_frames, ARRAY_SIZE(v->arch.gdt_frames));
	v->arch.gdt_entries = 0;
}

int set_ldt(struct vcpu *v, u64 base, u32 entries)
{
	u64 new[ARRAY_SIZE(v->arch.ldt_frames)] = { 0 };
	unsigned n = DIV_ROUND_UP(entries, 512);

	if (entries > ARRAY_SIZE(new) * 512 || (base & ~PAGE_MASK))
		return err_here(-EINVAL);
	for (unsigned i = 0; i < n; i++) {
		u64 e = guest_walk_l1e(v, base + i * PAGE_SIZE);

		if (!(e & PTE_P))
			return err_here(-EINVAL);
		new[i] = pte_mfn(e);
	}
	if (get_descriptor_frames(v->domain, new, n))
		return -EINVAL;
	drop_ldt(v);
	memcpy(v->arch.ldt_frames, new, sizeof(new));
	v->arch.ldt_base = base;
	v->arch.ldt_entries = entries;
	return 0;
}

void drop_ldt(struct vcpu *v)
{
	put_descriptor_frames(v->arch.ldt_frames, DIV_ROUND_UP(v->arch.ldt_entries, 512));
	v->arch.ldt_entries = 0;
	v->arch.ldt_base = 0;
}
