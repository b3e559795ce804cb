/* SPDX-License-Identifier: MIT */
/*
 * After every step: count again, from the tables up, every reference that somebody can be seen to
 * hold, and compare that with the frame table, and both with the model.
 */
#include "check.h"

#include <string.h>

#include "paging/paging.h"

struct grant_held grants[GRANTS];
static u32 general[FRAMES], typed[FRAMES];
static u64
	was_given[FRAMES]; /* flush time before which the frame was taken from a domain; 0: never */
static u8 owner_before[FRAMES]; /* id + 1; 0: nobody's */

static void found(u64 mfn, bool type)
{
	if (mfn >= FRAMES)
		fail("a reference on frame %lx, which does not exist", mfn);
	general[mfn]++;
	typed[mfn] += type;
}

/* How many of its entries hold references. */
static unsigned entries_held(const struct page_info *pg)
{
	if (!(pg->type_info & PGT_count_mask))
		return 0;
	if (pg->type_info & PGT_validated)
		return 512;
	return pg->u.progress & 0x3ff;
}

static void count_table(const struct page_info *pg)
{
	const u64 *e = page_to_virt(pg);
	u64 type = pg->type_info & PGT_type_mask;
	unsigned n = type >= PGT_l1_table && type <= PGT_l4_table ? entries_held(pg) : 0;

	for (unsigned i = 0; i < n; i++) {
		if (!(e[i] & PTE_P) || (type == PGT_l4_table && i >= 256 && i <= 271))
			continue;
		if (type != PGT_l1_table)
			found(pte_mfn(e[i]), true);
		else if (pte_mfn(e[i]) < FRAMES && !M.f[pte_mfn(e[i])].device)
			found(pte_mfn(e[i]), e[i] & PTE_RW);
	}
}

static void count_vcpu(const struct vcpu *v)
{
	const struct arch_vcpu *a = &v->arch;

	if (a->guest_table)
		found(a->guest_table, true);
	if (a->user_table)
		found(a->user_table, true);
	if (a->dropping)
		found(a->dropping - 1, true);
	for (unsigned i = 0; i < ARRAY_SIZE(a->gdt_frames); i++)
		if (a->gdt_frames[i])
			found(a->gdt_frames[i], true);
	for (unsigned i = 0; i < ARRAY_SIZE(a->ldt_frames); i++)
		if (a->ldt_frames[i])
			found(a->ldt_frames[i], true);
}

static void count_domain(const struct domain *d)
{
	for (u32 v = 0; v < VCPUS; v++)
		count_vcpu(d->vcpu[v]);
	/* A teardown that stopped on its way through the list holds the frame it came to. */
	if (d->relinquish_page)
		found(d->relinquish_page - 1, false);
}

static void recount(void)
{
	memset(general, 0, sizeof(general));
	memset(typed, 0, sizeof(typed));
	for (u64 i = 0; i < FRAMES; i++) {
		const struct page_info *pg = mfn_to_page(i);

		if (pg->count_info & (PGC_allocated | PGC_heap))
			found(i, pg->count_info & PGC_extra);
		if (!(pg->count_info & PGC_count_mask))
			continue;
		if (pg->type_info & PGT_pinned)
			found(i, true);
		if ((pg->type_info & PGT_partial) && (pg->type_info & PGT_orphan))
			found(i, true);
		count_table(pg);
	}
	for (u16 d = 0; d < DOMS; d++)
		if (domain_at[d])
			count_domain(domain_at[d]);
	for (int g = 0; g < GRANTS; g++)
		if (grants[g].used)
			found(grants[g].mfn, !grants[g].readonly);
}

/* What the engine says against what was counted. */
static void check_counts(u64 mfn, bool strict)
{
	const struct page_info *pg = mfn_to_page(mfn);
	u64 x = pg->type_info;

	if ((pg->count_info & PGC_count_mask) != general[mfn])
		fail("frame %lx: count %lx, but %u references", mfn, pg->count_info, general[mfn]);
	if (!general[mfn])
		return; /* free: its type_info is the heap's */
	if ((x & PGT_count_mask) != typed[mfn])
		fail("frame %lx: type %lx, but %u type references", mfn, x, typed[mfn]);
	if (x & PGT_locked)
		fail("frame %lx: still locked, type %lx", mfn, x);
	if (!typed[mfn] && (x & (PGT_validated | PGT_partial | PGT_pinned)))
		fail("frame %lx: type %lx without a reference", mfn, x);
	if (typed[mfn] && !!(x & PGT_validated) == !!(x & PGT_partial))
		fail("frame %lx: type %lx is neither whole nor partial", mfn, x);
	if (strict && (x & PGT_partial))
		fail("frame %lx: type %lx is partial between calls", mfn, x);
}

/* Against the model. */
static void check_frame(u64 mfn)
{
	const struct page_info *pg = mfn_to_page(mfn);
	const struct m_frame *f = &M.f[mfn];
	const u64 *table = page_to_virt(pg);

	if (f->device) {
		if (pg->count_info || pg->type_info)
			fail("frame %lx, which is no RAM, has counts", mfn);
		return;
	}
	if (f->refs != (pg->count_info & PGC_count_mask))
		fail("frame %lx: count %lx, model %u", mfn, pg->count_info, f->refs);
	if (f->owner == NOBODY || f->owner == THE_HYPERVISOR)
		return;
	if (f->extra != !!(pg->count_info & PGC_extra) || pg->owner != f->owner ||
	    f->allocated != !!(pg->count_info & PGC_allocated))
		fail("frame %lx: count %lx owner %u, model owner %u, %s", mfn, pg->count_info,
		     pg->owner, f->owner, f->allocated ? "allocated" : "given up");
	if (f->types != (pg->type_info & PGT_count_mask) ||
	    (f->types && f->type != pg->type_info >> 60) ||
	    f->pinned != !!(pg->type_info & PGT_pinned))
		fail("frame %lx: type %lx, model %u times type %u, pinned %u", mfn, pg->type_info,
		     f->types, f->type, f->pinned);
	for (int s = 0; s < SLOTS; s++)
		if (table[slot_index[s]] != f->e[s])
			fail("frame %lx entry %u: %lx, model %lx (type %u)", mfn, slot_index[s],
			     table[slot_index[s]], f->e[s], f->type);
	if (get_m2p(mfn) != f->m2p)
		fail("frame %lx: m2p %lx, model %lx", mfn, get_m2p(mfn), f->m2p);
}

static void check_vcpu(const struct vcpu *v, const struct m_vcpu *m)
{
	const struct arch_vcpu *a = &v->arch;

	if (a->guest_table != m->root[0] || a->user_table != m->root[1])
		fail("d%uv%u: roots %lx %lx, model %lx %lx", v->domain->id, v->id, a->guest_table,
		     a->user_table, m->root[0], m->root[1]);
	if (memcmp(a->gdt_frames, m->gdt, sizeof(m->gdt)) ||
	    memcmp(a->ldt_frames, m->ldt, sizeof(m->ldt)) || a->ldt_entries != m->ldt_entries)
		fail("d%uv%u: descriptor tables differ", v->domain->id, v->id);
}

/* A frame that changed type, or hands, was in nobody's TLB any more. */
static void check_flushes(void)
{
	for (unsigned i = 0; i < M.nr_retyped; i++)
		for (u32 cpu = 0; cpu < CPUS; cpu++)
			if (domain_at[M.retyped[i].owner] &&
			    cpumask_test(cpu, &domain_at[M.retyped[i].owner]->dirty_cpus) &&
			    flushed_at[cpu] <= M.retyped[i].idle)
				fail("frame %lx changed its type, processor %u not flushed",
				     M.retyped[i].mfn, cpu);
	M.nr_retyped = 0;
}

void check_given(u64 mfn)
{
	for (u32 cpu = 0; cpu < CPUS; cpu++)
		if (was_given[mfn] && flushed_at[cpu] <= was_given[mfn])
			fail("frame %lx has a new owner, processor %u not flushed", mfn, cpu);
}

static void check_untouched(void)
{
	for (u64 i = 0; i < FRAMES; i++)
		for (unsigned e = 0; e < 512; e++)
			if (slot_of(e) < 0 && ((u64 *)mfn_to_virt(i))[e] && M.f[i].owner != NOBODY)
				fail("frame %lx entry %u: %lx, where nobody wrote", i, e,
				     ((u64 *)mfn_to_virt(i))[e]);
}

void check_adopt(void)
{
	for (u64 i = FIRST_RAM; i < FRAMES; i++) {
		const struct page_info *pg = mfn_to_page(i);
		struct m_frame *f = &M.f[i];
		u8 owner = pg->owner == DOMID_XEN ? THE_HYPERVISOR : pg->owner;

		*f = (struct m_frame){ .owner = pg->count_info & PGC_count_mask ? owner : NOBODY,
				       .m2p = ~0UL };
		if (f->owner == NOBODY)
			continue;
		f->types = pg->type_info & PGT_count_mask;
		f->type = pg->type_info >> 60;
		f->pinned = pg->type_info & PGT_pinned;
		f->extra = pg->count_info & PGC_extra;
		for (int s = 0; s < SLOTS; s++)
			f->e[s] = ((u64 *)page_to_virt(pg))[slot_index[s]];
	}
	for (u16 d = 0; d < DOMS; d++)
		for (u32 v = 0; domain_at[d] && v < VCPUS; v++) {
			const struct arch_vcpu *a = &domain_at[d]->vcpu[v]->arch;

			M.d[d].pages = domain_at[d]->tot_pages;
			M.d[d].v[v] = (struct m_vcpu){ .root = { a->guest_table, a->user_table } };
		}
}

void check_engines_audit(void)
{
	for (u16 d = 0; d < DOMS; d++)
		if (heap_free_pages() && domain_at[d] && !domain_at[d]->dying &&
		    audit_domain_pages(domain_at[d], false))
			fail("d%u: audit_domain_pages() finds differences", d);
}

void check_audit(bool strict)
{
	recount();
	for (u64 i = FIRST_RAM; i < FRAMES; i++)
		check_counts(i, strict);
}

void check_all(u64 step)
{
	u64 nobodys = 0;

	check_audit(true);
	for (u64 i = 0; i < FRAMES; i++) {
		check_frame(i);
		nobodys += M.f[i].owner == NOBODY;
		if (owner_before[i] && M.f[i].owner + 1 != owner_before[i])
			was_given[i] = M.now;
		owner_before[i] = M.f[i].owner < DOMS ? M.f[i].owner + 1 : 0;
	}
	if (heap_free_pages() != nobodys - FIRST_RAM)
		fail("%lu frames free, model %lu", heap_free_pages(), nobodys - FIRST_RAM);
	for (u16 d = 0; d < DOMS; d++) {
		if (!domain_at[d])
			continue;
		if (domain_at[d]->tot_pages != M.d[d].pages)
			fail("d%u: %lu frames, model %lu", d, domain_at[d]->tot_pages,
			     M.d[d].pages);
		for (u32 v = 0; v < VCPUS; v++)
			check_vcpu(domain_at[d]->vcpu[v], &M.d[d].v[v]);
	}
	check_flushes();
	if (step % 1024 == 0)
		check_untouched();
}
