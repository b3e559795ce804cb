/* SPDX-License-Identifier: MIT */
/*
 * Direct paging: the validators. A table becomes one when every present entry in it is acceptable
 * and holds its references, and it stays so because every later change goes through l1e_update() or
 * update_upper_entry().
 *
 * A processor may still hold, in its TLB or its paging-structure caches, what an entry said before
 * it was cleared or replaced. That is the guest's own affair as long as the frames keep their
 * types. A frame that becomes something else, or somebody else's, passes type count 0 first, where
 * the engine stamps it with the TLB clock; and the next type is given only after
 * tlb_flush_for_retype() has flushed every processor that the owner's tables were loaded on. So
 * entries of upper levels need no flush of their own here.
 */
#include "core/arch.h"
#include "lib/log.h"
#include "lib/string.h"
#include "paging/l1.h"
#include "paging/tables.h"
#include "x86/layout.h"

extern u32 phys_addr_bits; /* x86/features.c */

/*
 * Bits of a physical address that this processor does not have, all of an entry's address field
 * counted.
 */
static bool address_ok(u64 e)
{
	return pte_mfn(e) >> (phys_addr_bits - PAGE_SHIFT) == 0;
}

/* A frame that is no RAM, or none that pg_owner may use so. No references are taken. */
u64 l1e_get_device(const struct domain *d, const struct domain *pg_owner, u64 e)
{
	u64 mfn = pte_mfn(e);

	if (!address_ok(e) || mfn_valid(mfn))
		return (u64)err_here(-EINVAL);
	if (!d->privileged || (pg_owner != d && pg_owner != dom_io))
		return (u64)err_here(-EPERM);
	if (iomem_allowed(mfn, e & PTE_RW))
		return e;
	/* Drivers map what may only be read with the right to write, and don't use it. */
	return iomem_allowed(mfn, false) ? e & ~PTE_RW : (u64)err_here(-EPERM);
}

int refuse_absent(const struct domain *d, u64 e)
{
	guest_warn("d%u: page-table entry %lx is not present and names memory: refused, since this "
		   "processor would let it be read (L1TF)\n",
		   d->id, e);
	return err_here(-EINVAL);
}

/* ---- looking for entries ---- */

/*
 * Most tables are nearly empty, and processes come and go with a dozen of them: empty lines are
 * passed over.
 */
#define LINE 16

static always_inline_fn bool line_present(const u64 *entries)
{
	u64 any = 0;

#pragma GCC unroll 16
	for (unsigned i = 0; i < LINE; i++)
		any |= entries[i];
	return any & PTE_P;
}

/*
 * The first present entry from e on, or end, which begins a line. In a line that has one it is
 * looked for without counting: the table is busy, so nobody takes it away.
 */
static always_inline_fn u64 *next_present(u64 *e, u64 *end)
{
	for (; (u64)e % (LINE * sizeof(*e)); e++)
		if (*e & PTE_P)
			return e;
	while (e < end && !line_present(e))
		e += LINE;
	if (e < end)
		while (!(*e & PTE_P))
			e++;
	return e;
}

/* What a table takes, for preempt_charge(): by its slots, and by entries that are present. */
#define TABLE_CHARGE 10
#define VALIDATE_CHARGE(n) ((n) / 2)
#define DEVALIDATE_CHARGE(n) ((n)*3 / 4)

/*
 * page_info.u.progress of a table: while it is partial, how many entries, from the first, hold
 * their references (of an upper table the last of them may be half given back); with FAILED an
 * unacceptable entry was found, and validation only undoes. Of an upper table, always: which groups
 * of entries may have a present one, so that undoing looks at no others. Of a valid table it
 * changes under its lock.
 */
#define PROGRESS_N 0x3ffu
#define PROGRESS_FAILED BIT(15)
#define GROUP 32
/* Its bit, for the group that e lies in: a table begins at a page. */
#define GROUP_BIT(e) (((u64)(e) / (GROUP * sizeof(u64)) | 16) % 32)
#define PROGRESS_GROUPS (0xffffu << 16)

/* n entries hold their references. */
static int stop(struct page_info *pg, unsigned n)
{
	pg->u.progress = (pg->u.progress & ~PROGRESS_N) | n;
	return -ERESTART;
}

/* Down from e, above table: e, or where the next group of `groups` ends, or table. */
static always_inline_fn const u64 *skip_groups(const u64 *e, const u64 *table, u32 groups)
{
	u32 below = groups & ((2u << GROUP_BIT(e - 1)) - 1);
	const u64 *end = table + ((__builtin_clz(below | BIT(15)) ^ 31) - 15UL) * GROUP;

	return end < e ? end : e;
}

/*
 * Down from e: where a present entry ends, or table. A group that is not in `groups` is left out
 * only from its end: e lies inside one if validation or undoing stopped at an entry of it, and that
 * has set the group's bit.
 */
static always_inline_fn const u64 *last_present(const u64 *e, const u64 *table, u32 groups)
{
	for (; (u64)e % (LINE * sizeof(*e)); e--)
		if (e[-1] & PTE_P)
			return e;
	for (; e > table; e -= LINE) {
		if (groups != PROGRESS_GROUPS)
			e = skip_groups(e, table, groups);
		if (e == table || line_present(e - LINE))
			break;
	}
	if (e > table)
		while (!(e[-1] & PTE_P))
			e--;
	return e;
}

/* ---- L1 ---- */

/*
 * An L1 may stop after so many present entries. What they take is counted here but for what the
 * question counts. (The model, whose tables are nearly empty, has its own number.)
 */
#ifndef L1_STEP
#define L1_STEP 64
#endif

static int devalidate_l1(struct page_info *pg, bool preemptible)
{
	const u64 *table = page_to_virt(pg), *e = table + (pg->u.progress & PROGRESS_N);
	unsigned left = L1_STEP;

	while ((e = last_present(e, table, PROGRESS_GROUPS)) > table) {
		struct page_info *mapped = l1e_page(*--e);

		if (likely(mapped))
			put_page_uses(mapped, *e & PTE_RW, 1);
		if (likely(--left))
			continue;
		left = L1_STEP;
		preempt_charge(L1_STEP / 2);
		if (preemptible && preempt_needed())
			return stop(pg, e - table);
	}
	pg->u.progress = 0;
	preempt_charge(TABLE_CHARGE + DEVALIDATE_CHARGE(L1_STEP - left));
	return 0;
}

static int validate_l1(struct page_info *pg, struct domain *d, bool preemptible)
{
	u64 *table = page_to_virt(pg), *end = table + 512,
	    *e = table + (pg->u.progress & PROGRESS_N);
	unsigned left = L1_STEP;

	for (; (e = next_present(e, end)) < end; e++) {
		u64 want = l1e_get(d, d, *e);

		if (L1E_IS_ERROR(want)) {
			stop(pg, e - table);
			return err_here(-EINVAL); /* whatever is wrong with the entry */
		}
		*e = want;
		if (likely(--left))
			continue;
		left = L1_STEP;
		preempt_charge(L1_STEP / 3);
		/* 512 entries are those of a complete table only. */
		if (preemptible && e < end - 1 && preempt_needed())
			return stop(pg, e + 1 - table);
	}
	pg->u.progress = 0;
	preempt_charge(TABLE_CHARGE + VALIDATE_CHARGE(L1_STEP - left));
	return 0;
}

/* ---- L2, L3, L4 ---- */

static u64 child_type(u64 type)
{
	return type - PGT_l1_table; /* l1 < l2 < l3 < l4, one apart */
}

/*
 * The table that an entry names, held; NULL: it names none that d may use. *e becomes what may be
 * installed.
 */
static always_inline_fn struct page_info *child_hold(const struct domain *d, u64 *e)
{
	struct page_info *child = mfn_to_page(pte_mfn(*e));

	*e |= PTE_US;
	if (unlikely((*e & PTE_PSE) || pte_mfn(*e) >= max_mfn || !get_pages(child, d, 1)))
		return NULL;
	return child;
}

/* Make it a table of the level below `type`, which may take long. Not 0: the hold is gone. */
static noinline_fn int child_validate(struct page_info *child, u64 type, bool preemptible)
{
	int rc;

	if (!child)
		return err_here(-EINVAL);
	rc = preemptible ? get_page_type_preemptible(child, child_type(type)) :
			   get_page_type(child, child_type(type));
	if (rc)
		put_page(child);
	return rc;
}

/*
 * Take the references of a present entry wanted in a table of `type` (PGT_l2_table - PGT_l4_table)
 * of d; *e becomes what may be installed. 0; -EINVAL: not acceptable; -ERESTART: nothing is held.
 */
static int upper_entry_get(const struct domain *d, u64 type, u64 *e)
{
	struct page_info *child = child_hold(d, e);

	return likely(child && type_get_fast(child, child_type(type))) ?
		       0 :
		       child_validate(child, type, true);
}

/*
 * What an entry holds on a table that goes out of use. -ERESTART: half, so it is to be asked again.
 */
static noinline_fn int child_drop(struct page_info *child, bool preemptible)
{
	if (!preemptible)
		put_page_type(child);
	else if (put_page_type_preemptible(child))
		return -ERESTART;
	put_page(child);
	return 0;
}

/* In an L4 the slots of the hypervisor, one line, are no entries of the guest's. */
static bool guest_slot(u64 type, const u64 *e)
{
	_Static_assert(HV_SLOT_FIRST % LINE == 0 && HV_SLOT_LAST - HV_SLOT_FIRST + 1 == LINE, "");
	return (u64)e % PAGE_SIZE / (LINE * sizeof(*e)) != HV_SLOT_FIRST / LINE ||
	       type != PGT_l4_table;
}

static int devalidate_upper(struct page_info *pg, u64 type, bool preemptible)
{
	u64 *table = page_to_virt(pg);
	const u64 *e = table + (pg->u.progress & PROGRESS_N);
	u32 groups = pg->u.progress & PROGRESS_GROUPS;
	unsigned present = 0;

	/* The guest gets the frame back without our entries, which only a complete L4 has. */
	if (type == PGT_l4_table && e == table + 512)
		drop_guest_l4(table);
	for (; (e = last_present(e, table, groups)) > table; e--, present++) {
		struct page_info *child = known_page(pte_mfn(e[-1]));

		if (unlikely(!guest_slot(type, e - 1)))
			continue;
		if (likely(put_types_fast(child, 1))) {
			put_pages(child, 1);
			continue;
		}
		if (child_drop(child, preemptible))
			return stop(pg, e - table);
		if (preemptible && preempt_needed())
			return stop(pg, e - 1 - table);
	}
	pg->u.progress = 0;
	preempt_charge(TABLE_CHARGE + DEVALIDATE_CHARGE(present));
	return 0;
}

static int validate_upper(struct page_info *pg, struct domain *d, u64 type, bool preemptible)
{
	u64 *table = page_to_virt(pg), *end = table + 512,
	    *e = table + (pg->u.progress & PROGRESS_N);
	u32 groups = pg->u.progress & PROGRESS_GROUPS;
	unsigned present = 0;
	int rc = 0;

	for (; (e = next_present(e, end)) < end; e++, present++) {
		struct page_info *child;
		u64 want = *e;

		if (!guest_slot(type, e))
			continue;
		groups |= 1u << GROUP_BIT(e);
		child = child_hold(d, &want);
		if (likely(child && type_get_fast(child, child_type(type)))) {
			*e = want;
			continue;
		}
		rc = child_validate(child, type, preemptible);
		if (rc)
			break;
		*e = want;
		/* 512 entries are those of a complete table only. */
		if (preemptible && e < end - 1 && preempt_needed()) {
			rc = -ERESTART;
			e++;
			break;
		}
	}
	if (!rc && type == PGT_l4_table)
		rc = init_guest_l4(table);
	pg->u.progress = groups | (rc ? e - table : 0);
	if (!rc)
		preempt_charge(TABLE_CHARGE + VALIDATE_CHARGE(present));
	return rc;
}

/* Entry i of a table of `type`, which is locked. */
static void install_upper(struct page_info *pg, u64 type, unsigned i, u64 cur, u64 new,
			  bool keep_ad)
{
	u64 *table = page_to_virt(pg);

	if (new &PTE_P)
		pg->u.progress |= 1u << GROUP_BIT(table + i);
	l1e_install(table + i, cur, new, keep_ad ? L1E_KEEP_AD : L1E_SET);
	if (type == PGT_l4_table)
		l4_entry_changed(table, i);
}

int update_upper_entry(struct vcpu *v, struct domain *d, struct page_info *pg, unsigned i, u64 new,
		       bool keep_ad)
{
	u64 *table = page_to_virt(pg), type = table_lock(pg, d), again, cur;
	int rc = -EINVAL;

	if (!type)
		return err_here(rc);
	cur = READ_ONCE(table[i]);
	if (type == PGT_l1_table || !guest_slot(type, table + i) || (new &PTE_P &&new &PTE_PSE))
		goto unlock;
	if ((cur & new &PTE_P) && !((cur ^ new) & PTE_ADDR)) {
		install_upper(pg, type, i, cur, new | PTE_US, keep_ad);
		rc = 0;
		goto unlock;
	}
	if (!(new &PTE_P) && names_memory(new)) {
		rc = refuse_absent(d, new);
		goto unlock;
	}
	table_unlock(pg);

	/* Validating what `new` names may take long: not under the lock. */
	rc = new &PTE_P ? upper_entry_get(d, type, &new) : 0;
	if (rc)
		return rc;
	again = table_lock(pg, d);
	if (again == type) {
		cur = READ_ONCE(table[i]);
		install_upper(pg, type, i, cur, new, keep_ad);
		table_unlock(pg);
		return cur & PTE_P ? drop_table(v, mfn_to_page(pte_mfn(cur))) : 0;
	}
	/* It has become something else meanwhile. */
	if (new &PTE_P)
		drop_table(v, mfn_to_page(pte_mfn(new)));
	if (!again)
		return err_here(-EINVAL);
	rc = -EINVAL;
unlock:
	table_unlock(pg);
	return err_here(rc);
}

/* ---- descriptor pages ---- */

static int validate_descriptors(struct page_info *pg)
{
	u64 *desc = page_to_virt(pg);

	preempt_charge(60);
	/* 14 pages of a GDT come without a preemption point between them: each instruction counts. */
#pragma GCC unroll 8
	for (unsigned i = 0; i < 512; i++)
		if (!check_descriptor(&desc[i]))
			return err_here(-EINVAL);
	return 0;
}

/* ---- the engine's hook ---- */

static int devalidate(struct page_info *pg, u64 type, bool preemptible)
{
	return type == PGT_l1_table ? devalidate_l1(pg, preemptible) :
				      devalidate_upper(pg, type, preemptible);
}

/* Every absent entry of a table that is to be validated. */
static noinline_fn int check_absent(const struct domain *d, const u64 *table, u64 type)
{
	preempt_charge(35);
	for (unsigned i = 0; i < 512; i++)
		if (table[i] && !(table[i] & PTE_P) && names_memory(table[i]) &&
		    guest_slot(type, table + i))
			return refuse_absent(d, table[i]);
	return 0;
}

static int validate_table(struct page_info *pg, struct domain *d, u64 type, bool preemptible)
{
	int rc;

	if (unlikely(l1tf_bits) && !pg->u.progress) {
		rc = check_absent(d, page_to_virt(pg), type);
		if (rc)
			return rc;
	}
	if (!(pg->u.progress & PROGRESS_FAILED)) {
		rc = type == PGT_l1_table ? validate_l1(pg, d, preemptible) :
					    validate_upper(pg, d, type, preemptible);
		if (!rc || rc == -ERESTART)
			return rc;
		pg->u.progress |= PROGRESS_FAILED;
	}
	return devalidate(pg, type, preemptible) ?: err_here(-EINVAL);
}

static int validate(struct page_info *pg, u64 type, bool preemptible)
{
	struct domain *d = domain_of_owner(pg->owner);

	if (!d)
		return err_here(-EINVAL);
	return type == PGT_seg_desc ? validate_descriptors(pg) :
				      validate_table(pg, d, type, preemptible);
}

const struct type_ops page_type_ops = { validate, devalidate };
