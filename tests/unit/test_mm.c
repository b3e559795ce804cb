/* SPDX-License-Identifier: MIT */
/* Heap, small objects, frames of domains. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "test_mm.h"

struct domain mm_dom[2] = {
	{ .id = 1, .max_pages = 1UL << 20, .shutdown_code = SHUTDOWN_none },
	{ .id = 2, .max_pages = 1UL << 20, .shutdown_code = SHUTDOWN_none },
};

struct domain *domain_of_owner(u16 id)
{
	return id == 1 || id == 2 ? &mm_dom[id - 1] : NULL;
}

void mm_machine(u64 frames)
{
	host_machine(frames);
	heap_add(16, frames);
}

#define FRAMES 4096UL
#define d1 (&mm_dom[0])
#define d2 (&mm_dom[1])

/* ---- heap ---- */

/* Everything merges again: the largest block there was can be had. */
static void expect_whole(void)
{
	struct page_info *pg;

	cr_assert_eq(heap_free_pages(), FRAMES - 16);
	pg = alloc_heap_pages(11, 0);
	cr_assert_not_null(pg);
	cr_assert_eq(page_to_mfn(pg), FRAMES / 2);
	free_heap_pages(pg, 11);
}

Test(heap, whole)
{
	mm_machine(FRAMES);
	cr_assert_eq(heap_total_pages(), FRAMES - 16);
	expect_whole();
	cr_assert_null(alloc_heap_pages(12, 0));
	cr_assert_null(alloc_heap_pages(MAX_ORDER + 1, 0));
}

Test(heap, state_of_frames)
{
	struct page_info *pg;

	mm_machine(FRAMES);
	pg = alloc_heap_pages(2, MEMF_zero);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(pg[i].count_info, PGC_heap | 1);
		cr_assert_eq(pg[i].type_info, 0);
		cr_assert_eq(pg[i].owner, DOMID_XEN);
		cr_assert(!get_page(&pg[i], d1));
	}
	free_heap_pages(pg, 2);
	cr_assert(!get_page(pg, d1));
}

Test(heap, address_bits)
{
	struct page_info *pg;
	u64 n = 0, low = 0;

	mm_machine(FRAMES);
	while ((pg = alloc_heap_pages(0, MEMF_bits(20)))) {
		cr_assert_lt(page_to_mfn(pg), 256);
		n++;
	}
	cr_assert_eq(n, 256 - 16);
	cr_assert_null(alloc_heap_pages(0, MEMF_bits(12)));
	cr_assert_null(alloc_heap_pages(0, MEMF_bits(1)));
	/* Without a limit the low half comes last. */
	for (n = 0; n < FRAMES / 2; n++)
		low += page_to_mfn(alloc_heap_pages(0, MEMF_bits(52))) < FRAMES / 2;
	cr_assert_eq(low, 0);
}

Test(heap, low_first)
{
	mm_machine(FRAMES);
	cr_assert_eq(page_to_mfn(alloc_heap_pages(0, MEMF_low)), 16);
	cr_assert_eq(page_to_mfn(alloc_heap_pages(0, 0)), FRAMES - 1);
}

/* The domain gives up a page of its own. */
static bool give_back(u64 mfn)
{
	struct page_info *pg = mfn_to_page(mfn);

	if (!get_page(pg, d1))
		return false;
	__atomic_fetch_and(&pg->count_info, ~PGC_allocated, __ATOMIC_ACQ_REL);
	put_page(pg);
	put_page(pg);
	return true;
}

Test(heap, pieces)
{
	host_machine(FRAMES);
	heap_add(17, 100);
	heap_add(300, 301);
	heap_add(7, 7);
	heap_add(1000, 3001);
	cr_assert_eq(heap_free_pages(), 83 + 1 + 2001);
	cr_assert(mfn_valid(99) && mfn_valid(300) && mfn_valid(3000) && mfn_valid(1000));
	cr_assert(!mfn_valid(100) && !mfn_valid(16) && !mfn_valid(301) && !mfn_valid(3001));
	cr_assert(!mfn_valid(~0UL) && !mfn_valid(FRAMES));
	frame_table[5].count_info = PGC_heap | PGC_allocated | 1; /* in use since start */
	cr_assert(mfn_valid(5));
	for (u64 n = heap_free_pages(); n; n--)
		cr_assert(mfn_valid(page_to_mfn(alloc_heap_pages(0, 0))));
	cr_assert_null(alloc_heap_pages(0, 0));
}

/* The border lies within what would be one block; free memory merges up to it and no further. */
Test(heap, nodes)
{
	u64 total, free, n = 0;
	struct page_info *pg;

	host_machine(FRAMES);
	nr_nodes = 2;
	heap_node_range(0, 2600, 0);
	heap_node_range(2600, FRAMES, 1);
	heap_add(16, FRAMES);
	heap_node_pages(1, &total, &free);
	cr_assert(total == FRAMES - 2600 && free == total);
	cr_assert_lt(page_to_mfn(alloc_heap_pages(0, MEMF_node(0))), 2600);
	cr_assert_null(alloc_heap_pages(11, MEMF_node(1) | MEMF_exact_node));
	cr_assert_eq(page_to_mfn(alloc_heap_pages(10, MEMF_node(1))), 3072);
	d1->nodes = BIT(0);
	while ((pg = alloc_domheap_pages(d1, 0, 0, INVALID_M2P_ENTRY)) && page_to_mfn(pg) < 2600)
		n++;
	cr_assert_eq(n, 2600 - 16 - 1);
	cr_assert(pg && page_to_mfn(pg) >= 2600); /* others', now that its own has none */
	heap_node_pages(0, &total, &free);
	cr_assert(total == 2600 - 16 && free == 0);
	cr_assert_null(
		alloc_domheap_pages(d1, 0, MEMF_node(0) | MEMF_exact_node, INVALID_M2P_ENTRY));
	for (u64 mfn = 17; mfn < 2600; mfn++)
		cr_assert(!(frame_table[mfn].count_info & PGC_free));
	for (u64 mfn = 2048; mfn < 2599; mfn++) /* the one above is the hypervisor's */
		cr_assert(give_back(mfn));
	pg = alloc_heap_pages(9, MEMF_node(0) | MEMF_exact_node);
	cr_assert(pg && page_to_mfn(pg) == 2048);
	heap_node_pages(0, &total, &free);
	cr_assert_eq(free, 2599 - 2560);
}

/* Memory that was in use at start (boot modules) comes with its marks. */
Test(heap, late_piece)
{
	struct page_info *pg;

	host_machine(FRAMES);
	heap_add(1024, 2048);
	for (u64 mfn = 512; mfn < 1024; mfn++)
		frame_table[mfn] = (struct page_info){ .count_info = PGC_heap | PGC_allocated | 1,
						       .owner = DOMID_XEN };
	memset(mfn_to_virt(512), 0xaa, 512 * PAGE_SIZE);
	heap_add(512, 1024);
	cr_assert_eq(heap_free_pages(), 1536);
	pg = alloc_domheap_pages(d1, 9, MEMF_bits(22), INVALID_M2P_ENTRY);
	cr_assert_eq(page_to_mfn(pg), 512);
	for (u64 i = 0; i < 512 * PAGE_SIZE; i++)
		cr_assert_eq(((u8 *)mfn_to_virt(512))[i], 0);
}

Test(heap, random)
{
	static struct {
		struct page_info *pg;
		unsigned order;
	} held[300];
	u64 seed = 88172645463325252UL, used = 0;
	static u8 taken[FRAMES];

	mm_machine(FRAMES);
	for (int step = 0; step < 200000; step++) {
		unsigned k = mm_random(&seed) % ARRAY_SIZE(held), order = mm_random(&seed) % 6;

		if (held[k].pg) {
			memset(&taken[page_to_mfn(held[k].pg)], 0, 1UL << held[k].order);
			free_heap_pages(held[k].pg, held[k].order);
			used -= 1UL << held[k].order;
			held[k].pg = NULL;
		} else {
			held[k].pg = alloc_heap_pages(order, step & 1 ? MEMF_low : 0);
			held[k].order = order;
			if (!held[k].pg)
				continue;
			used += 1UL << order;
			cr_assert_eq(page_to_mfn(held[k].pg) & ((1UL << order) - 1), 0);
			for (u64 i = 0; i < 1UL << order; i++) {
				cr_assert(!taken[page_to_mfn(held[k].pg) + i]);
				taken[page_to_mfn(held[k].pg) + i] = 1;
			}
		}
		cr_assert_eq(heap_free_pages(), FRAMES - 16 - used);
	}
	for (unsigned k = 0; k < ARRAY_SIZE(held); k++)
		if (held[k].pg)
			free_heap_pages(held[k].pg, held[k].order);
	expect_whole();
}

Test(heap, double_free, .signal = SIGABRT)
{
	struct page_info *pg;

	mm_machine(FRAMES);
	pg = alloc_heap_pages(0, 0);
	free_heap_pages(pg, 0);
	free_heap_pages(pg, 0);
}

/* ---- small objects ---- */

static bool all_zero(const u8 *p, size_t n)
{
	while (n--)
		if (*p++)
			return false;
	return true;
}

Test(slab, random)
{
	static struct {
		u8 *p;
		size_t size;
		u8 fill;
	} held[500];
	u64 seed = 1234567, before;

	mm_machine(FRAMES);
	before = heap_free_pages();
	for (int step = 0; step < 100000; step++) {
		unsigned k = mm_random(&seed) % ARRAY_SIZE(held);

		if (held[k].p) {
			for (size_t i = 0; i < held[k].size; i++)
				cr_assert_eq(held[k].p[i], held[k].fill);
			xfree(held[k].p);
			held[k].p = NULL;
			continue;
		}
		held[k].size = mm_random(&seed) % (k % 20 ? 2048 : 20000);
		held[k].fill = step;
		held[k].p = xzalloc_bytes(held[k].size);
		cr_assert_not_null(held[k].p);
		cr_assert_eq((u64)held[k].p % 16, 0);
		cr_assert(all_zero(held[k].p, held[k].size));
		memset(held[k].p, held[k].fill, held[k].size);
	}
	for (unsigned k = 0; k < ARRAY_SIZE(held); k++)
		xfree(held[k].p);
	cr_assert_eq(heap_free_pages(), before);
}

Test(slab, too_much)
{
	mm_machine(FRAMES);
	cr_assert_null(xzalloc_bytes(~0UL));
	cr_assert_null(xzalloc_bytes((PAGE_SIZE << MAX_ORDER) + 1));
	cr_assert_null(xzalloc_bytes(FRAMES * PAGE_SIZE));
	xfree(NULL);
	while (xzalloc_bytes(2000))
		;
	cr_assert_null(xzalloc_bytes(2000));
	cr_assert_null(alloc_page_zeroed());
}

/* ---- frames of domains ---- */

static u64 list_length(const struct domain *d)
{
	u64 n = 0;

	for (u32 link = d->page_list; link; link = mfn_to_page(link - 1)->list.next, n++)
		cr_assert_eq(mfn_to_page(link - 1)->owner, d->id);
	return n;
}

static void give_up(struct page_info *pg)
{
	if (__atomic_fetch_and(&pg->count_info, ~PGC_allocated, __ATOMIC_ACQ_REL) & PGC_allocated)
		put_page(pg);
}

Test(frames, life)
{
	struct page_info *pg;

	mm_machine(FRAMES);
	pg = alloc_domheap_pages(d1, 0, 0, 5);
	cr_assert_eq(pg->count_info, PGC_allocated | 1);
	cr_assert_eq(get_m2p(page_to_mfn(pg)), 5);
	cr_assert_eq(pg->type_info, PGT_none);
	cr_assert_eq(d1->tot_pages, 1);
	cr_assert(get_page(pg, d1));
	cr_assert(!get_page(pg, d2));
	cr_assert_eq(pg->count_info, PGC_allocated | 2);
	give_up(pg);
	give_up(pg);
	cr_assert_eq(d1->tot_pages, 1);
	put_page(pg);
	cr_assert_eq(d1->tot_pages, 0);
	cr_assert_eq(get_m2p(page_to_mfn(pg)), INVALID_M2P_ENTRY);
	cr_assert_eq(heap_free_pages(), FRAMES - 16);
	cr_assert(!get_page(pg, d1));
}

/* What a domain wrote nobody else reads, and what its TLBs hold is flushed before: once for all. */
Test(frames, nothing_leaks)
{
	struct page_info *pg;
	u32 before;

	mm_machine(FRAMES);
	for (u64 i = 0; i < FRAMES - 16; i++)
		memset(page_to_virt(alloc_domheap_pages(d1, 0, 0, INVALID_M2P_ENTRY)), 0x55,
		       PAGE_SIZE);
	cr_assert_null(alloc_domheap_pages(d1, 0, 0, INVALID_M2P_ENTRY));
	while (d1->page_list)
		give_up(mfn_to_page(d1->page_list - 1));
	cr_assert_eq(heap_free_pages(), FRAMES - 16);
	before = host_flushes;
	while ((pg = alloc_domheap_pages(d2, 0, 0, INVALID_M2P_ENTRY)))
		cr_assert(all_zero(page_to_virt(pg), PAGE_SIZE));
	cr_assert_eq(d2->tot_pages, FRAMES - 16);
	cr_assert_eq(host_flushes, before + 1);
	give_up(mfn_to_page(d2->page_list - 1));
	cr_assert_not_null(alloc_heap_pages(0, 0));
	cr_assert_eq(host_flushes, before + 2);
}

Test(frames, limits)
{
	mm_machine(FRAMES);
	d1->max_pages = 10;
	cr_assert_null(alloc_domheap_pages(d1, 4, 0, INVALID_M2P_ENTRY));
	cr_assert_not_null(alloc_domheap_pages(d1, 3, 0, INVALID_M2P_ENTRY));
	cr_assert_null(alloc_domheap_pages(d1, 2, 0, INVALID_M2P_ENTRY));
	cr_assert_not_null(alloc_domheap_pages(d1, 1, 0, INVALID_M2P_ENTRY));
	cr_assert_null(alloc_domheap_pages(d1, 0, 0, INVALID_M2P_ENTRY));
	d2->dying = true;
	cr_assert_null(alloc_domheap_pages(d2, 0, 0, INVALID_M2P_ENTRY));
	cr_assert_eq(list_length(d1), 10);
}

Test(frames, swap)
{
	u64 old[8], fresh[2];
	struct page_info *used;
	u32 flushes;

	mm_machine(FRAMES);
	for (int i = 0; i < 8; i++)
		old[i] = page_to_mfn(alloc_domheap_pages(d1, 0, 0, INVALID_M2P_ENTRY));
	for (int i = 0; i < 2; i++)
		fresh[i] = page_to_mfn(alloc_heap_pages(2, MEMF_scrub));
	flushes = host_flushes;
	cr_assert_eq(swap_pages(d2, old, fresh, 2, 8), -EINVAL);
	used = mfn_to_page(old[7]);
	cr_assert(get_page(used, d1));
	cr_assert_eq(swap_pages(d1, old, fresh, 2, 8), -EINVAL);
	put_page(used);
	old[7] = old[0]; /* twice the same */
	cr_assert_eq(swap_pages(d1, old, fresh, 2, 8), -EINVAL);
	old[7] = fresh[0];
	cr_assert_eq(swap_pages(d1, old, fresh, 2, 8), -EINVAL);
	old[7] = ~0UL;
	cr_assert_eq(swap_pages(d1, old, fresh, 2, 8), -EINVAL);
	old[7] = page_to_mfn(used);
	d1->dying = true;
	cr_assert_eq(swap_pages(d1, old, fresh, 2, 8), -EINVAL);
	d1->dying = false;
	for (int i = 0; i < 8; i++)
		cr_assert_eq(mfn_to_page(old[i])->count_info, PGC_allocated | 1);
	cr_assert_eq(host_flushes, flushes, "what failed has flushed");
	cr_assert_eq(audit_domain_pages(d1, true), 0);

	cr_assert_eq(swap_pages(d1, old, fresh, 2, 8), 0);
	cr_assert(!get_page(used, d1));
	cr_assert(get_page(mfn_to_page(fresh[1] + 3), d1));
	cr_assert_eq(list_length(d1), 8);
	cr_assert_eq(audit_domain_pages(d1, false), 0);
	cr_assert_eq(audit_domain_pages(d1, true), 1); /* the reference taken above */
	for (int i = 0; i < 8; i++)
		free_heap_pages(mfn_to_page(old[i]), 0);
	cr_assert_eq(heap_free_pages(), FRAMES - 16 - 8);
	while (host_flushes == flushes)
		cr_assert_not_null(alloc_heap_pages(0, 0)); /* at the latest when they come again */
}

Test(frames, share)
{
	struct page_info *pg, *ro;

	mm_machine(FRAMES);
	pg = alloc_heap_pages(0, MEMF_zero);
	ro = alloc_heap_pages(0, MEMF_zero);
	cr_assert(!get_page(pg, d1));
	share_page_with_domain(pg, d1, true);
	share_page_with_domain(ro, d1, false);
	cr_assert_eq(d1->extra_pages, 2);
	cr_assert_eq(d1->tot_pages, 0);
	cr_assert_eq(get_page_and_type(ro, d1, PGT_writable), -EINVAL);
	cr_assert_eq(get_page_and_type(pg, d1, PGT_l1_table), -EINVAL);
	cr_assert_eq(get_page_and_type(pg, d1, PGT_writable), 0);
	cr_assert_eq(swap_pages(d1, (u64[]){ page_to_mfn(pg) }, (u64[]){ page_to_mfn(ro) }, 0, 1),
		     -EINVAL);
	unshare_page(pg);
	unshare_page(ro);
	cr_assert_eq(d1->extra_pages, 0);
	cr_assert(!get_page(pg, d1));
	cr_assert_eq(heap_free_pages(), FRAMES - 16 - 1);
	put_page_and_type(pg);
	cr_assert_eq(heap_free_pages(), FRAMES - 16);
}

Test(frames, underflow, .signal = SIGABRT)
{
	struct page_info *pg;

	mm_machine(FRAMES);
	pg = alloc_domheap_pages(d1, 0, 0, INVALID_M2P_ENTRY);
	give_up(pg);
	put_page(pg);
}
