/* SPDX-License-Identifier: MIT */
/*
 * The heap: binary buddies over the frame table.
 *
 * Invariants, under heap_lock:
 *  - a free block of order o starts at a multiple of 2^o; its first frame has PGC_free and u.order
 *    = o, and is linked in its zone's lists[o]; the others have neither;
 *  - a block lies in one zone of one node; two buddies of one order and zone are never both free,
 *    but for MAX_ORDER;
 *  - every free frame has general count 0; PGC_dirty if anybody used it since start; PGC_stale if a
 *    TLB may still map it for the guest that had it: type_info then holds the flush epoch in which
 *    it was freed.
 *
 * Zones divide a node's memory by the highest bit of the frame number, so that "below 2^n" is a
 * range of zones.
 */
#include "core/arch.h"
#include "lib/string.h"
#include "mm/internal.h"

#define NR_ZONES 33 /* frame numbers of 32 bits */
#define MAX_NODE_RANGES 64
#define MAX_RANGES 320 /* those of the machine's map, modules between them */

static spinlock_t heap_lock = SPINLOCK_INIT;
static struct zone {
	u32 lists[MAX_ORDER + 1]; /* first frame number + 1 of free blocks */
	u32 orders;               /* bit o: lists[o] is not empty */
} zones[MAX_NODES][NR_ZONES];     /* [heap_lock] */
static u64 free_frames;           /* [heap_lock] */
static u64 total_frames;          /* [heap_lock] */
static u64 claimed_frames;        /* [heap_lock] the sum of the domains' claims */
static u64 node_free[MAX_NODES], node_total[MAX_NODES]; /* [heap_lock] frames */

/* A frame freed in epoch e is in no TLB any more once flush e is done. [heap_lock] */
static u64 flush_epoch = 1, flush_done;

static struct range {
	u64 start, end;
} ranges[MAX_RANGES]; /* [I after boot] what heap_add() was given, in frames */
static unsigned nr_ranges;

u32 nr_nodes = 1;
static struct node_range {
	u64 start, end;
	u32 node;
} node_ranges[MAX_NODE_RANGES]; /* [I after boot] */
static unsigned nr_node_ranges;

/* ---- blocks; heap_lock held ---- */

static u32 node_of(u64 mfn)
{
	for (unsigned i = 0; i < nr_node_ranges; i++)
		if (mfn >= node_ranges[i].start && mfn < node_ranges[i].end)
			return node_ranges[i].node;
	return 0;
}

static unsigned zone_number(u64 last)
{
	return last ? 64 - __builtin_clzl(last) : 0;
}

static struct zone *zone_of(u64 mfn, unsigned order)
{
	return &zones[node_of(mfn)][zone_number(mfn | ((1UL << order) - 1))];
}

static void link_block(u64 mfn, unsigned order)
{
	struct zone *zone = zone_of(mfn, order);
	struct page_info *pg = mfn_to_page(mfn);

	pg->count_info |= PGC_free;
	pg->u.order = order;
	frame_push(&zone->lists[order], pg);
	zone->orders |= 1U << order;
}

static void unlink_block(u64 mfn, unsigned order)
{
	struct zone *zone = zone_of(mfn, order);
	struct page_info *pg = mfn_to_page(mfn);

	pg->count_info &= ~PGC_free;
	frame_unlink(&zone->lists[order], pg);
	if (!zone->lists[order])
		zone->orders &= ~(1U << order);
}

/* Link a block, merged with its buddy as often as that is free too. */
static void insert_block(u64 mfn, unsigned order)
{
	free_frames += 1UL << order;
	node_free[node_of(mfn)] += 1UL << order;
	for (; order < MAX_ORDER; order++) {
		u64 buddy = mfn ^ (1UL << order);
		struct page_info *pg = mfn_to_page(buddy);

		if (buddy >= max_mfn || !(pg->count_info & PGC_free) || pg->u.order != order ||
		    zone_of(buddy, order) != zone_of(mfn, order))
			break;
		unlink_block(buddy, order);
		mfn &= ~(1UL << order);
	}
	link_block(mfn, order);
}

/* Cut a block of `order` out of a free one; from its top unless low memory is wanted. */
static u64 split_block(u64 mfn, unsigned from, unsigned order, bool low)
{
	unlink_block(mfn, from);
	while (from > order) {
		u64 half = mfn + (1UL << --from);

		link_block(low ? half : mfn, from);
		if (!low)
			mfn = half;
	}
	free_frames -= 1UL << order;
	node_free[node_of(mfn)] -= 1UL << order;
	return mfn;
}

static struct page_info *find_block(u32 node, unsigned order, u32 memflags, unsigned lowest)
{
	unsigned bits = memflags & MEMF_bits_mask, n = zone_number(max_mfn - 1) + 1;
	bool low = memflags & MEMF_low;

	if (bits && bits < PAGE_SHIFT + n)
		n = bits > PAGE_SHIFT ? bits - PAGE_SHIFT + 1 : 0;
	for (unsigned i = lowest; i < n; i++) {
		const struct zone *zone = &zones[node][low ? i : n - 1 - (i - lowest)];
		u32 have = zone->orders >> order;

		if (have) {
			unsigned from = order + __builtin_ctz(have);

			return mfn_to_page(split_block(zone->lists[from] - 1, from, order, low));
		}
	}
	return NULL;
}

/*
 * From one of these nodes; of several the highest first, unless low memory is wanted. No zone below
 * `lowest`.
 */
static struct page_info *find_in_nodes(u64 nodes, unsigned order, u32 memflags, unsigned lowest)
{
	struct page_info *pg = NULL;

	nodes &= BIT(nr_nodes) - 1;
	while (nodes && !pg) {
		u32 node = memflags & MEMF_low ? __builtin_ctzl(nodes) : 63 - __builtin_clzl(nodes);

		pg = find_block(node, order, memflags, lowest);
		nodes &= ~BIT(node);
	}
	return pg;
}

/* From these nodes if there is some, else from any. */
static struct page_info *find_anywhere(u64 nodes, unsigned order, u32 memflags, unsigned lowest)
{
	struct page_info *pg = find_in_nodes(nodes, order, memflags, lowest);

	if (!pg && !(memflags & MEMF_exact_node))
		pg = find_in_nodes(~nodes, order, memflags, lowest);
	return pg;
}

/* ---- frames on their way in and out ---- */

/* Make sure that no TLB maps frames freed in `epoch` or before. */
static void flush_stale(u64 epoch)
{
	u64 now;

	spin_lock(&heap_lock);
	now = epoch > flush_done ? flush_epoch++ : 0;
	spin_unlock(&heap_lock);
	if (!now)
		return;
	tlb_flush_mask(&cpu_online_map);
	spin_lock(&heap_lock);
	flush_done = MAX(flush_done, now);
	spin_unlock(&heap_lock);
}

/* A block off the lists, in no TLB any more; its marks are what they were. */
static struct page_info *take_block(const struct domain *d, unsigned order, u32 memflags)
{
	u64 nodes = d ? READ_ONCE(d->nodes) : ALL_NODES, stale = 0;
	struct page_info *pg = NULL;

	if (order > MAX_ORDER)
		return NULL;
	if (MEMF_get_node(memflags) < nr_nodes)
		nodes = BIT(MEMF_get_node(memflags));
	spin_lock(&heap_lock);
	/* What devices of 32 bits reach is not taken for its node's sake: others have memory as well. */
	if (nr_nodes > 1 && !(memflags & (MEMF_bits_mask | MEMF_low | MEMF_exact_node)))
		pg = find_anywhere(nodes, order, memflags, zone_number(1UL << (32 - PAGE_SHIFT)));
	if (!pg)
		pg = find_anywhere(nodes, order, memflags, 0);
	spin_unlock(&heap_lock);
	if (!pg)
		return NULL;
	for (u64 i = 0; i < 1UL << order; i++)
		if (pg[i].count_info & PGC_stale)
			stale = MAX(stale, pg[i].type_info);
	if (stale)
		flush_stale(stale);
	return pg;
}

int heap_prepare(const struct domain *d, unsigned order, u32 memflags)
{
	struct page_info *pg = take_block(d, order, memflags);
	unsigned cleared = 0;
	int rc = 0;

	for (u64 i = 0; pg && !rc && i < 1UL << order; i++) {
		if (!(pg[i].count_info & PGC_dirty))
			continue;
		memset(page_to_virt(&pg[i]), 0, PAGE_SIZE);
		pg[i].count_info &= ~PGC_dirty;
		preempt_charge(PREEMPT_PAGES(1));
		if (!(++cleared % HEAP_CLEAR_PAGES) && preempt_needed())
			rc = -ERESTART;
	}
	if (pg) {
		spin_lock(&heap_lock);
		insert_block(page_to_mfn(pg), order);
		spin_unlock(&heap_lock);
	}
	return rc;
}

struct page_info *heap_take(const struct domain *d, unsigned order, u32 memflags)
{
	struct page_info *pg = take_block(d, order, memflags);

	for (u64 i = 0; pg && i < 1UL << order; i++) {
		if ((memflags & MEMF_zero) ||
		    ((memflags & MEMF_scrub) && (pg[i].count_info & PGC_dirty))) {
			memset(page_to_virt(&pg[i]), 0, PAGE_SIZE);
			preempt_charge(PREEMPT_PAGES(1));
		}
		pg[i].type_info = 0;
		WRITE_ONCE(pg[i].count_info, 0);
	}
	return pg;
}

void heap_give(struct page_info *pg, unsigned order, bool stale)
{
	spin_lock(&heap_lock);
	for (u64 i = 0; i < 1UL << order; i++) {
		pg[i].type_info = stale ? flush_epoch : 0;
		WRITE_ONCE(pg[i].count_info, PGC_dirty | (stale ? PGC_stale : 0));
	}
	insert_block(page_to_mfn(pg), order);
	spin_unlock(&heap_lock);
}

/* ---- the machine's memory ---- */

static void ranges_add(u64 start, u64 end)
{
	for (unsigned i = 0; i < nr_ranges; i++) {
		if (ranges[i].end == start || ranges[i].start == end) {
			ranges[i].start = MIN(ranges[i].start, start);
			ranges[i].end = MAX(ranges[i].end, end);
			return;
		}
	}
	if (nr_ranges == MAX_RANGES)
		panic("memory comes in more than %u pieces", MAX_RANGES);
	ranges[nr_ranges++] = (struct range){ start, end };
}

bool heap_covers(u64 mfn)
{
	for (unsigned i = 0; i < nr_ranges; i++)
		if (mfn >= ranges[i].start && mfn < ranges[i].end)
			return true;
	return false;
}

/* Frames that somebody used until now (boot modules) are marked so, all of them. */
static void forget_use(struct page_info *pg, u64 n)
{
	if (!pg->count_info)
		return;
	for (u64 i = 0; i < n; i++) {
		pg[i].count_info = PGC_dirty;
		pg[i].type_info = 0;
	}
}

void heap_node_range(u64 start_mfn, u64 end_mfn, u32 node)
{
	if (start_mfn < end_mfn)
		node_ranges[nr_node_ranges++] = (struct node_range){ start_mfn, end_mfn, node };
}

/* Where above mfn another node may begin; at most `end`. */
static u64 node_border(u64 mfn, u64 end)
{
	for (unsigned i = 0; i < nr_node_ranges; i++) {
		if (node_ranges[i].start > mfn)
			end = MIN(end, node_ranges[i].start);
		if (node_ranges[i].end > mfn)
			end = MIN(end, node_ranges[i].end);
	}
	return end;
}

void heap_add(u64 start_mfn, u64 end_mfn)
{
	u64 mfn = start_mfn;

	if (start_mfn >= end_mfn)
		return;
	ranges_add(start_mfn, end_mfn);
	while (mfn < end_mfn) {
		unsigned order = mfn ? MIN(__builtin_ctzl(mfn), MAX_ORDER) : 0;

		while (mfn + (1UL << order) > node_border(mfn, end_mfn))
			order--;
		forget_use(mfn_to_page(mfn), 1UL << order);
		spin_lock(&heap_lock);
		total_frames += 1UL << order;
		node_total[node_of(mfn)] += 1UL << order;
		insert_block(mfn, order);
		spin_unlock(&heap_lock);
		mfn += 1UL << order;
	}
}

/* ---- claims ---- */

int heap_claim(struct domain *d, u64 n)
{
	u64 have = READ_ONCE(d->tot_pages);
	int rc = 0;

	spin_lock(&heap_lock);
	if (!n) {
		claimed_frames -= d->claimed_pages;
		d->claimed_pages = 0;
	} else if (d->claimed_pages || n < have || n > d->max_pages) {
		rc = -EINVAL;
	} else if (n - have > free_frames - MIN(free_frames, claimed_frames)) {
		rc = -ENOMEM;
	} else {
		d->claimed_pages = n - have;
		claimed_frames += n - have;
	}
	spin_unlock(&heap_lock);
	return rc;
}

bool heap_may_take(const struct domain *d, u64 n)
{
	bool may;

	if (likely(!READ_ONCE(claimed_frames)))
		return true;
	spin_lock(&heap_lock);
	may = n + claimed_frames - d->claimed_pages <= free_frames;
	spin_unlock(&heap_lock);
	return may;
}

void heap_claim_used(struct domain *d, u64 n)
{
	if (likely(!READ_ONCE(d->claimed_pages)))
		return;
	spin_lock(&heap_lock);
	n = MIN(n, d->claimed_pages);
	d->claimed_pages -= n;
	claimed_frames -= n;
	spin_unlock(&heap_lock);
}

u64 heap_claimed_pages(void)
{
	return READ_ONCE(claimed_frames);
}

u64 heap_free_pages(void)
{
	return READ_ONCE(free_frames);
}

u64 heap_total_pages(void)
{
	return READ_ONCE(total_frames);
}

void heap_node_pages(u32 node, u64 *total, u64 *free)
{
	*total = READ_ONCE(node_total[node]);
	*free = READ_ONCE(node_free[node]);
}

/* ---- memory of the hypervisor ---- */

struct page_info *alloc_heap_pages(unsigned order, u32 memflags)
{
	struct page_info *pg = heap_take(NULL, order, memflags);

	for (u64 i = 0; pg && i < 1UL << order; i++) {
		pg[i].owner = DOMID_XEN;
		WRITE_ONCE(pg[i].count_info, PGC_heap | 1);
	}
	return pg;
}

void free_heap_pages(struct page_info *pg, unsigned order)
{
	bool stale = false;

	for (u64 i = 0; i < 1UL << order; i++) {
		BUG_ON(!(pg[i].count_info & PGC_heap));
		stale |= pg[i].count_info & PGC_stale;
	}
	heap_give(pg, order, stale);
}

void *alloc_page_zeroed(void)
{
	struct page_info *pg = alloc_heap_pages(0, MEMF_zero);

	return pg ? page_to_virt(pg) : NULL;
}

void free_page(void *va)
{
	if (va)
		free_heap_pages(mfn_to_page(virt_to_mfn(va)), 0);
}
