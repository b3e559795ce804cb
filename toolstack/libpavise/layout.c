/* SPDX-License-Identifier: MIT */
/* Where a PV domain's first things go. No hypervisor in sight: the tests run it as it is. */

#include "layout.h"

#include <string.h>

#define FIRST_PAD (512ul << 10)     /* at least so much is mapped behind the stack */
#define BOOTSTRAP_ALIGN (4ul << 20) /* to such an end */
#define LEVELS 4

static bool plan_end(u64 start, u64 bytes, u64 *last)
{
	return bytes && !__builtin_add_overflow(start, bytes - 1, last) &&
	       (start >> 47) == (*last >> 47); /* does not run over the canonical hole */
}

/* Tables for `pages` from va on, with the L4; 0: there are no such addresses. */
static u64 tables_for(u64 va, u64 pages)
{
	u64 last, n = 1;

	if (!plan_end(va, pages * PAGE_SIZE, &last))
		return 0;
	for (unsigned int shift = 21; shift <= 39; shift += 9)
		n += (last >> shift) - (va >> shift) + 1;
	return n;
}

/* The tables map themselves, so their number is looked for. False: no room in the addresses. */
static bool plan_tables(struct layout *l, u64 virt_base)
{
	for (l->nr_pt = 4;;) {
		u64 bytes = (l->pt_pfn + l->nr_pt + 1) * PAGE_SIZE + FIRST_PAD, need;
		u64 end = virt_base + bytes + BOOTSTRAP_ALIGN - 1;

		/* Modulo 2^64, as the last megabytes of the addresses may be meant. */
		l->va_pages = ((end & ~(BOOTSTRAP_ALIGN - 1)) - virt_base) / PAGE_SIZE;
		need = tables_for(virt_base, l->va_pages);
		if (!need || need <= l->nr_pt)
			return need;
		l->nr_pt = need;
	}
}

bool layout_plan(struct layout *l, const struct kernel_image *k, u64 nr_pages, u64 initrd_size,
		 struct failure *f)
{
	u64 pfn = k->pa_end / PAGE_SIZE, end;

	*l = (struct layout){ .nr_pages = nr_pages,
			      .initrd_pages = initrd_size / PAGE_SIZE + !!(initrd_size % PAGE_SIZE),
			      .list_pages = DIV_ROUND_UP(nr_pages * 8, PAGE_SIZE) };
	l->nr_p2m = l->list_pages;
	/* Behind these bounds nothing overflows below. */
	if (pfn > nr_pages || l->initrd_pages > nr_pages || nr_pages > 1ul << 40)
		goto too_little;
	if (!k->mod_start_pfn) {
		l->initrd_pfn = pfn;
		pfn += l->initrd_pages;
	}
	if (!k->has_init_p2m) {
		l->p2m_pfn = pfn;
		pfn += l->nr_p2m;
	}
	l->start_info_pfn = pfn++;
	l->store_pfn = pfn++;
	l->console_pfn = pfn++;
	l->pt_pfn = pfn;
	if (!plan_tables(l, k->virt_base))
		return fail(f, FAIL_IMAGE,
			    "the kernel asks for addresses that don't exist; take another one");
	l->stack_pfn = l->pt_pfn + l->nr_pt;
	end = l->va_pages;
	if (k->has_init_p2m) {
		u64 tables = tables_for(k->init_p2m, l->list_pages);

		if (!tables)
			return fail(f, FAIL_IMAGE,
				    "the kernel asks for its list of frames at addresses that don't"
				    " exist; take another one");
		l->p2m_pfn = end;
		l->nr_p2m += tables - 1; /* the L4 is there already */
		end += l->nr_p2m;
	}
	if (k->mod_start_pfn) {
		l->initrd_pfn = end;
		end += l->initrd_pages;
	}
	if (end <= nr_pages)
		return true;
too_little:
	return fail(f, FAIL_MEMORY,
		    "%lu KiB are too little for the kernel, its ramdisk and tables; raise memory",
		    nr_pages * 4);
}

/* The tables made so far on the way to the addresses filled last; one for each level. */
struct walk {
	layout_set_fn *set;
	void *ctx;
	struct {
		u64 va;  /* that it begins at */
		u64 pfn; /* of the table */
	} open[LEVELS + 1];
	u64 next, end; /* PFNs for tables */
};

static u64 span_of(unsigned int level) /* log2 of what a table of that level maps */
{
	return 12 + 9 * level;
}

static unsigned int index_of(u64 va, unsigned int level)
{
	return va >> span_of(level - 1) & 511;
}

/* Fills the entry for va, which never goes down from one call to the next. */
static bool walk_fill(struct walk *w, u64 va, u64 pfn, bool writable)
{
	for (unsigned int level = LEVELS - 1; level; level--) {
		u64 begin = va >> span_of(level) << span_of(level);

		if (w->open[level].pfn && w->open[level].va == begin)
			continue;
		if (w->next == w->end)
			return false;
		w->set(w->ctx, w->open[level + 1].pfn, index_of(va, level + 1), w->next, true);
		w->open[level].va = begin;
		w->open[level].pfn = w->next++;
	}
	w->set(w->ctx, w->open[1].pfn, index_of(va, 1), pfn, writable);
	return true;
}

/* Two ranges that share a table below the L4 would need one walk over both. */
static bool apart(const struct layout *l, const struct kernel_image *k)
{
	u64 first = k->virt_base >> span_of(LEVELS - 1), list = k->init_p2m >> span_of(LEVELS - 1);
	u64 last = (k->virt_base + l->va_pages * PAGE_SIZE - 1) >> span_of(LEVELS - 1);
	u64 end = (k->init_p2m + l->list_pages * PAGE_SIZE - 1) >> span_of(LEVELS - 1);

	return end < first || list > last;
}

bool layout_tables(const struct layout *l, const struct kernel_image *k, layout_set_fn *set,
		   void *ctx)
{
	struct walk w = { .set = set, .ctx = ctx };

	w.open[LEVELS].pfn = l->pt_pfn;
	w.next = l->pt_pfn + 1;
	w.end = l->pt_pfn + l->nr_pt;
	for (u64 pfn = 0; pfn < l->va_pages; pfn++) {
		bool table = pfn >= l->pt_pfn && pfn < l->pt_pfn + l->nr_pt;

		if (!walk_fill(&w, k->virt_base + pfn * PAGE_SIZE, pfn, !table))
			return false;
	}
	if (!k->has_init_p2m)
		return true;
	if (!apart(l, k))
		return false;
	memset(w.open, 0, LEVELS * sizeof(w.open[0]));
	w.next = l->p2m_pfn + l->list_pages;
	w.end = l->p2m_pfn + l->nr_p2m;
	for (u64 i = 0; i < l->list_pages; i++) {
		if (!walk_fill(&w, k->init_p2m + i * PAGE_SIZE, l->p2m_pfn + i, true))
			return false;
	}
	return true;
}
