/* SPDX-License-Identifier: MIT */
/* What holds page tables and descriptor pages in place: roots, pins, GDT and LDT. */
#include "core/arch.h"
#include "lib/log.h"
#include "lib/string.h"
#include "paging/l1.h"
#include "paging/tables.h"
#include "x86/context.h"
#include "x86/layout.h"

extern u64 hv_l4_template[16]; /* entries of slots 256-271: x86/ (or a test) */

/*
 * Where the processor needs two roots a guest (X86_XPTI), the second, which leaves out all but the
 * trampoline, is made here and found by page_info.u.shadow_mfn.
 */
void init_guest_l4(u64 *l4, struct domain *d)
{
	(void)d;
	memcpy(l4 + HV_SLOT_FIRST, hv_l4_template, sizeof(hv_l4_template));
}

/* ---- references on tables ---- */

/* Hold frame mfn of d as a table of `type`. 0, -EINVAL, -ERESTART (nothing held). */
static always_inline_fn int table_get(const struct domain *d, u64 mfn, u64 type)
{
	struct page_info *pg = mfn_to_page(mfn);
	int rc;

	/* What is no RAM has count 0. */
	if (unlikely(mfn >= max_mfn || !l1_get_page(pg, d)))
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
	if (likely(type_put_fast(pg))) {
		l1_put_page(pg);
		return 0;
	}
	v->arch.dropping = page_to_mfn(pg) + 1;
	return drop_pending_slow(v);
}

/* ---- roots ---- */

int set_guest_table(struct vcpu *v, u64 mfn, bool user)
{
	u64 *root = user ? &v->arch.user_table : &v->arch.guest_table, old = *root;
	int rc = drop_pending(v);

	if (rc || mfn == old)
		return rc;
	if (mfn || !user) {
		if (unlikely(!mfn))
			return err_here(-EINVAL);
		rc = table_get(v->domain, mfn, PGT_l4_table);
		if (rc)
			return rc;
	}
	*root = mfn;
	/* A processor leaves a table before that may lose our entries. */
	load_guest_root(v);
	/* It is done even if the old one goes slowly: drop_pending() sees to that. */
	if (old)
		drop_table(v, mfn_to_page(old));
	return 0;
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

/* Pin and count in one step where the type is there already. 1 done, 0 not so, -EINVAL pinned already. */
static int pin_fast(struct page_info *pg, u64 type)
{
	u64 x = READ_ONCE(pg->type_info);

	do {
		if ((x & (PGT_type_mask | PGT_validated | PGT_locked)) != (type | PGT_validated) ||
		    (u32)x - 1 >= COUNT_ROOM)
			return 0;
		if (x & PGT_pinned)
			return -EINVAL;
	} while (unlikely(!__atomic_compare_exchange_n(&pg->type_info, &x, (x | PGT_pinned) + 1, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)));
	return 1;
}

/* The caller's type reference becomes the pin's; false: there is one. */
static bool set_pinned(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info);

	do {
		while (x & PGT_locked) {
			spin_wait();
			x = READ_ONCE(pg->type_info);
		}
		if (x & PGT_pinned)
			return false;
	} while (!__atomic_compare_exchange_n(&pg->type_info, &x, x | PGT_pinned, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return true;
}

/* The pin's references become the caller's; false: not pinned. */
static bool clear_pinned(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info);

	do {
		while (unlikely(x & PGT_locked)) {
			spin_wait();
			x = READ_ONCE(pg->type_info);
		}
		if (!(x & PGT_pinned))
			return false;
	} while (unlikely(!__atomic_compare_exchange_n(&pg->type_info, &x, x & ~PGT_pinned, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)));
	return true;
}

int pin_page_table(struct vcpu *v, struct domain *d, u64 mfn, u64 type)
{
	struct page_info *pg = mfn_to_page(mfn);
	int rc;

	if (unlikely(mfn >= max_mfn || !l1_get_page(pg, d)))
		return err_here(-EINVAL);
	rc = pin_fast(pg, type);
	if (likely(rc > 0))
		return 0;
	if (!rc) {
		rc = get_page_type_preemptible(pg, type);
		if (!rc) {
			if (set_pinned(pg))
				return 0;
			if (v)
				drop_table(v, pg);
			else
				put_page_and_type(pg);
			return err_here(-EINVAL);
		}
	}
	put_page(pg);
	return rc;
}

int unpin_page_table(struct vcpu *v, struct domain *d, u64 mfn)
{
	struct page_info *pg = mfn_to_page(mfn);
	int rc = 0;

	if (unlikely(mfn >= max_mfn || !l1_get_page(pg, d)))
		return err_here(-EINVAL);
	if (clear_pinned(pg))
		rc = drop_table(v, pg);
	else
		rc = err_here(-EINVAL);
	l1_put_page(pg);
	return rc;
}

/* Frames looked at between two questions whether to go on. */
#define RELINQUISH_STEP 1024

/* One frame of a dying domain gives up its pin, or what a validation that stopped for good still holds. */
static int relinquish_frame(struct domain *d, struct page_info *pg)
{
	int rc = 0;

	if (!get_page(pg, d))
		return 0;
	if (clear_pinned(pg)) {
		rc = put_page_type_preemptible(pg);
		if (rc)
			set_pinned(pg); /* so that the next step finds it again */
		else
			put_page(pg);
	} else if (READ_ONCE(pg->type_info) & PGT_partial) {
		rc = put_page_partial(pg);
	}
	put_page(pg);
	return rc;
}

int relinquish_page_tables(struct domain *d)
{
	for (; d->pt_cursor < max_mfn; d->pt_cursor++) {
		struct page_info *pg = mfn_to_page(d->pt_cursor);

		if ((READ_ONCE(pg->type_info) & (PGT_pinned | PGT_partial)) && pg->owner == d->id &&
		    relinquish_frame(d, pg))
			return -ERESTART;
		if (d->pt_cursor % RELINQUISH_STEP == RELINQUISH_STEP - 1 && preempt_needed()) {
			d->pt_cursor++;
			return -ERESTART;
		}
	}
	return 0;
}

/* ---- descriptor tables ---- */

#define DESC_ACCESSED BIT(40)
#define DESC_S BIT(44)
#define DESC_DPL (3UL << 45)
#define DESC_P BIT(47)

bool check_descriptor(u64 *desc)
{
	if (!*desc)
		return true;
	/* Gates, LDT and TSS are ours alone; what is not present cannot be loaded. */
	if ((*desc & DESC_P) && !(*desc & DESC_S))
		return false;
	*desc |= DESC_DPL;
	/* The processor never has to write into a descriptor page. */
	if (*desc & DESC_P)
		*desc |= DESC_ACCESSED;
	return true;
}

static int get_descriptor_frame(const struct domain *d, u64 mfn)
{
	return mfn_valid(mfn) ? get_page_and_type(mfn_to_page(mfn), d, PGT_seg_desc) : -EINVAL;
}

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
		if (get_descriptor_frame(d, frames[i])) {
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

	if (n > ARRAY_SIZE(new) || (base & ~PAGE_MASK))
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
