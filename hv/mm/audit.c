/* SPDX-License-Identifier: MIT */
/*
 * The audit: count again, from what is seen, the references that a domain's frames must carry.
 *
 * Seen are entries of its tables, pins, roots, descriptor tables, vcpu_info frames, allocation.
 * Grants, mappings by others and FIFO rings are held elsewhere: general counts and counts of
 * writable frames may be higher than what is found, unless the caller knows that there are none
 * (exact). Counts of tables and descriptor pages must agree.
 */
#include "core/arch.h"
#include "lib/log.h"
#include "mm/internal.h"
#include "x86/layout.h"

#define ENTRY_PRESENT BIT(0)
#define ENTRY_WRITABLE BIT(1)
#define ENTRY_FRAME 0x000ffffffffff000UL
#define PROGRESS_ENTRIES 0x3ffu
#define MAX_REPORTED 32

struct counts {
	u32 general, type;
};

struct audit {
	struct domain *d;
	struct counts *counts; /* of frames first .. end - 1 */
	u64 first, end;
	unsigned wrong;
	bool exact;
};

static u64 type_of(const struct page_info *pg)
{
	return READ_ONCE(pg->type_info) & PGT_type_mask;
}

static bool is_table(u64 type)
{
	return type >= PGT_l1_table && type <= PGT_l4_table;
}

static void report(struct audit *a, const struct page_info *pg, const char *what, u64 expected)
{
	if (a->wrong++ < MAX_REPORTED)
		log_err("audit of d%u: frame %lx: %s (%lu); count %lx type %lx\n", a->d->id,
			page_to_mfn(pg), what, expected, pg->count_info, pg->type_info);
}

/* ---- what holds references ---- */

/* A general reference, and one of `type` unless that is PGT_none. */
static void found(struct audit *a, u64 mfn, u64 type)
{
	const struct page_info *pg = mfn_to_page(mfn);

	if (mfn < a->first || mfn >= a->end || pg->owner != a->d->id)
		return;
	a->counts[mfn - a->first].general++;
	if (type == PGT_none)
		return;
	a->counts[mfn - a->first].type++;
	if (type_of(pg) != type)
		report(a, pg, "referenced as type", type >> 60);
}

/* The type that an entry of a table of `type` wants of its frame. */
static u64 entry_type(u64 type, u64 e)
{
	if (type == PGT_l1_table)
		return e & ENTRY_WRITABLE ? PGT_writable : PGT_none;
	return type - PGT_l1_table;
}

/* How many entries of a table hold theirs. */
static unsigned entries_held(const struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info);

	if (!(x & PGT_count_mask))
		return 0;
	if (x & PGT_validated)
		return 512;
	return pg->u.progress & PROGRESS_ENTRIES;
}

static void count_entries(struct audit *a, const struct page_info *pg)
{
	const u64 *table = page_to_virt(pg);
	u64 type = type_of(pg);
	unsigned n = entries_held(pg);

	for (unsigned i = 0; i < n; i++) {
		u64 e = READ_ONCE(table[i]);

		if (!(e & ENTRY_PRESENT) ||
		    (type == PGT_l4_table && i >= HV_SLOT_FIRST && i <= HV_SLOT_LAST))
			continue;
		found(a, (e & ENTRY_FRAME) >> PAGE_SHIFT, entry_type(type, e));
	}
}

static void count_page(struct audit *a, const struct page_info *pg)
{
	u64 mfn = page_to_mfn(pg), x = READ_ONCE(pg->type_info);

	if (pg->count_info & PGC_allocated)
		found(a, mfn, PGT_none);
	if (x & PGT_pinned)
		found(a, mfn, type_of(pg));
	if ((x & PGT_partial) && (x & PGT_orphan))
		found(a, mfn, type_of(pg));
	if (is_table(type_of(pg)))
		count_entries(a, pg);
}

static void count_vcpu(struct audit *a, const struct vcpu *v)
{
	if (v->arch.guest_table)
		found(a, v->arch.guest_table, PGT_l4_table);
	if (v->arch.user_table)
		found(a, v->arch.user_table, PGT_l4_table);
	if (v->arch.dropping)
		found(a, v->arch.dropping - 1, type_of(mfn_to_page(v->arch.dropping - 1)));
	for (unsigned i = 0; i < ARRAY_SIZE(v->arch.gdt_frames); i++)
		if (v->arch.gdt_frames[i])
			found(a, v->arch.gdt_frames[i], PGT_seg_desc);
	for (unsigned i = 0; i < ARRAY_SIZE(v->arch.ldt_frames); i++)
		if (v->arch.ldt_frames[i])
			found(a, v->arch.ldt_frames[i], PGT_seg_desc);
	if (v->vcpu_info_mfn != INVALID_MFN)
		found(a, v->vcpu_info_mfn, PGT_writable);
}

/* ---- comparing ---- */

static void check_flags(struct audit *a, const struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info), count = x & PGT_count_mask;

	if (pg->owner != a->d->id)
		report(a, pg, "on the list, owned by", pg->owner);
	if (pg->count_info & (PGC_heap | PGC_free | PGC_extra))
		report(a, pg, "a flag that a domain's frame never has", 0);
	if (count && !(x & (PGT_validated | PGT_partial)))
		report(a, pg, "busy, and nobody works on it", 0);
	if (!count && (x & (PGT_validated | PGT_partial | PGT_pinned)))
		report(a, pg, "flags without a count", 0);
	if ((x & PGT_validated) && (x & PGT_partial))
		report(a, pg, "validated and partial", 0);
	if ((x & PGT_pinned) && !is_table(x & PGT_type_mask))
		report(a, pg, "pinned, and no table", 0);
	if (x & PGT_locked)
		report(a, pg, "locked", 0);
	if (count > (pg->count_info & PGC_count_mask))
		report(a, pg, "more type references than references", 0);
}

static void compare(struct audit *a, const struct page_info *pg)
{
	const struct counts *c = &a->counts[page_to_mfn(pg) - a->first];
	u64 general = pg->count_info & PGC_count_mask, type = pg->type_info & PGT_count_mask;
	/* A table may be on its way down in the name of the privileged domain's vCPU. */
	bool table = is_table(type_of(pg)) && !(pg->type_info & PGT_undoing);
	bool exact = a->exact || table || type_of(pg) == PGT_seg_desc;

	check_flags(a, pg);
	if (general < c->general || (a->exact && general != c->general))
		report(a, pg, "references found", c->general);
	if (type < c->type || (exact && type != c->type))
		report(a, pg, "type references found", c->type);
}

/* ---- the domain ---- */

static void for_each_page(struct audit *a, void (*fn)(struct audit *, const struct page_info *))
{
	for (u32 link = a->d->page_list; link; link = mfn_to_page(link - 1)->list.next)
		fn(a, mfn_to_page(link - 1));
}

static void find_bounds(struct audit *a, const struct page_info *pg)
{
	u64 mfn = page_to_mfn(pg);

	a->first = MIN(a->first, mfn);
	a->end = MAX(a->end, mfn + 1);
}

static void check_list(struct audit *a)
{
	u64 n = 0;

	for (u32 link = a->d->page_list, prev = 0; link;
	     prev = link, link = mfn_to_page(link - 1)->list.next) {
		if (mfn_to_page(link - 1)->list.prev != prev)
			report(a, mfn_to_page(link - 1), "list broken before", prev);
		if (++n > a->d->tot_pages)
			break;
	}
	if (n != a->d->tot_pages) {
		log_err("audit of d%u: %lu frames counted, %lu on the list\n", a->d->id,
			a->d->tot_pages, n);
		a->wrong++;
	}
}

unsigned audit_domain_pages(struct domain *d, bool exact)
{
	struct audit a = { .d = d, .first = ~0UL, .exact = exact };
	struct vcpu *v;
	u32 i;

	spin_lock(&d->page_lock);
	check_list(&a);
	for_each_page(&a, find_bounds);
	if (a.wrong || !d->page_list)
		goto out;
	a.counts = xalloc_pages((a.end - a.first) * sizeof(*a.counts), MEMF_zero);
	if (!a.counts) {
		log_err("audit of d%u: no memory to count in\n", d->id);
		a.wrong++;
		goto out;
	}
	for_each_page(&a, count_page);
	for_each_vcpu(d, v, i)
		count_vcpu(&a, v);
	for_each_page(&a, compare);
	xfree(a.counts);
out:
	spin_unlock(&d->page_lock);
	return a.wrong;
}
