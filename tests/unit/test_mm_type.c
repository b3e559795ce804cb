/* SPDX-License-Identifier: MIT */
/*
 * The type engine, with simple validators: entries are frame | 1 (present) | 2 (writable), tables
 * of every level have ENTRIES of them. Threads stand for processors, each with a TLB that goes
 * stale unless it is flushed.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "mm/refs.h"
#include "test_mm.h"

#define FRAMES 1024UL
#define ENTRIES 12
#define d1 (&mm_dom[0])
#define d2 (&mm_dom[1])

/* ---- preemption: by the n-th question, or at random ---- */

static _Thread_local int questions_left = -1; /* -1: never */
static _Thread_local u64 chance;              /* not 0: state of a random sequence */

static bool stop_here(void)
{
	if (chance)
		return mm_random(&chance) % 5 == 0;
	return questions_left >= 0 && questions_left-- == 0;
}

/* ---- processors and their TLBs ---- */

#define CPUS 4
static struct cpu {
	u32 stamp;
	bool request, online;
	u8 writable[FRAMES]; /* the TLB has a writable mapping of the frame */
} cpus[CPUS];
static u32 clock_now = 1, nr_retype_flushes;
static _Thread_local struct cpu *me;

static void flush_me(u32 now)
{
	memset(me->writable, 0, sizeof(me->writable));
	__atomic_store_n(&me->stamp, now, __ATOMIC_SEQ_CST);
}

static void serve(void)
{
	if (me && __atomic_exchange_n(&me->request, false, __ATOMIC_SEQ_CST))
		flush_me(__atomic_load_n(&clock_now, __ATOMIC_SEQ_CST));
}

void spin_wait(void)
{
	static _Thread_local unsigned turns;

	serve();
	/* On a busy host a processor given up comes back after milliseconds. */
	if (++turns % 64)
		__builtin_ia32_pause();
	else
		sched_yield();
}

u32 tlb_clock(void)
{
	return __atomic_load_n(&clock_now, __ATOMIC_SEQ_CST);
}

void tlb_flush_for_retype(struct domain *d, u32 stamp)
{
	u32 now = __atomic_add_fetch(&clock_now, 1, __ATOMIC_SEQ_CST);

	(void)d;
	__atomic_fetch_add(&nr_retype_flushes, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < CPUS; i++) {
		struct cpu *c = &cpus[i];

		if (!__atomic_load_n(&c->online, __ATOMIC_SEQ_CST) ||
		    (s32)(__atomic_load_n(&c->stamp, __ATOMIC_SEQ_CST) - (stamp + 1)) >= 0)
			continue;
		if (c == me) {
			flush_me(now);
			continue;
		}
		__atomic_store_n(&c->request, true, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&c->online, __ATOMIC_SEQ_CST) &&
		       (s32)(__atomic_load_n(&c->stamp, __ATOMIC_SEQ_CST) - (stamp + 1)) < 0)
			spin_wait();
	}
}

static void expect_no_stale(const struct page_info *pg)
{
	for (int i = 0; i < CPUS; i++)
		if (cpus[i].online && READ_ONCE(cpus[i].writable[page_to_mfn(pg)]))
			panic("processor %d can still write frame %lu, a table", i,
			      page_to_mfn(pg));
}

/* ---- validators ---- */

#define BAD BIT(8) /* an entry that no table may have */

static struct page_info *entry_page(u64 e)
{
	return mfn_to_page(e >> PAGE_SHIFT);
}

static u64 entry_type(u64 type, u64 e)
{
	if (type == PGT_l1_table)
		return e & 2 ? PGT_writable : PGT_none;
	return type - PGT_l1_table;
}

static int entry_get(u64 type, u64 e, bool preemptible)
{
	struct page_info *pg = entry_page(e);
	u64 want = entry_type(type, e);
	int rc = 0;

	if ((e & BAD) || !get_page(pg, d1))
		return -EINVAL;
	if (want != PGT_none)
		rc = preemptible ? get_page_type_preemptible(pg, want) : get_page_type(pg, want);
	if (rc)
		put_page(pg);
	return rc;
}

static int entry_put(u64 type, u64 e, bool preemptible)
{
	struct page_info *pg = entry_page(e);

	if (entry_type(type, e) != PGT_none) {
		if (!preemptible)
			put_page_type(pg);
		else if (put_page_type_preemptible(pg))
			return -ERESTART;
	}
	put_page(pg);
	return 0;
}

static int fake_devalidate(struct page_info *pg, u64 type, bool preemptible)
{
	u64 *table = page_to_virt(pg);
	unsigned i = MIN(pg->u.progress, ENTRIES);

	while (i--) {
		if (!(table[i] & 1))
			continue;
		if (entry_put(type, table[i], preemptible)) {
			pg->u.progress = i + 1;
			return -ERESTART;
		}
		pg->u.progress = i;
		if (preemptible && stop_here())
			return -ERESTART;
	}
	pg->u.progress = 0;
	return 0;
}

static int fake_validate(struct page_info *pg, u64 type, bool preemptible)
{
	u64 *table = page_to_virt(pg);

	if (type == PGT_seg_desc)
		return table[0] & BAD ? -EINVAL : 0;
	expect_no_stale(pg);
	for (unsigned i = pg->u.progress; i < ENTRIES; i++) {
		int rc;

		if (!(table[i] & 1))
			continue;
		pg->u.progress = i;
		if (preemptible && stop_here())
			return -ERESTART;
		rc = entry_get(type, table[i], preemptible);
		if (rc == -ERESTART)
			return rc;
		if (rc) {
			fake_devalidate(pg, type, false);
			return rc;
		}
	}
	return 0;
}

const struct type_ops page_type_ops = { fake_validate, fake_devalidate };

/* ---- a tree of tables ---- */

static struct page_info *page(void)
{
	struct page_info *pg = alloc_domheap_pages(d1, 0, MEMF_zero, INVALID_M2P_ENTRY);

	cr_assert_not_null(pg);
	return pg;
}

static void set_entry(struct page_info *table, unsigned i, const struct page_info *to, u64 flags)
{
	((u64 *)page_to_virt(table))[i] = page_to_mfn(to) << PAGE_SHIFT | flags;
}

#define NR_TREE 11
/* 0: L4, 1-2: L3, 3-5: L2, 6-8: L1, 9-10: data. Shared in many ways. */
static struct page_info *tree[NR_TREE];

static void make_tree(void)
{
	static const u8 links[][3] = {
		{ 0, 1, 1 }, { 0, 2, 1 },  { 0, 1, 1 }, { 1, 3, 1 },  { 1, 4, 1 },
		{ 2, 4, 1 }, { 2, 5, 1 },  { 3, 6, 1 }, { 4, 6, 1 },  { 4, 7, 1 },
		{ 5, 8, 1 }, { 5, 8, 1 },  { 6, 9, 3 }, { 6, 10, 1 }, { 7, 9, 3 },
		{ 7, 6, 1 }, { 8, 10, 3 }, { 8, 0, 1 }, { 8, 8, 1 },
	};

	for (int i = 0; i < NR_TREE; i++)
		tree[i] = page();
	for (unsigned i = 0; i < ARRAY_SIZE(links); i++) {
		u64 *table = page_to_virt(tree[links[i][0]]);
		unsigned at = 1;

		while (table[at])
			at += 2;
		set_entry(tree[links[i][0]], at, tree[links[i][1]], links[i][2]);
	}
}

static void expect_no_types(void)
{
	for (int i = 0; i < NR_TREE; i++) {
		cr_assert_eq(tree[i]->type_info & ~PGT_type_mask, 0, "frame %d", i);
		cr_assert_eq(tree[i]->count_info, PGC_allocated | 1, "frame %d", i);
	}
}

static void expect_audit(void)
{
	unsigned wrong = audit_domain_pages(d1, true);

	cr_assert_eq(wrong, 0, "%s", host_log);
}

static void setup(void)
{
	mm_machine(FRAMES);
	for (int i = 0; i < CPUS; i++)
		cpus[i] = (struct cpu){ 0 };
	cpus[0].online = true;
	me = &cpus[0];
	make_tree();
}

/* As a pin does it: the references are accounted by PGT_pinned. */
static int pin(struct page_info *pg, u64 type)
{
	int rc;

	if (!get_page(pg, d1))
		return -EINVAL;
	rc = get_page_type_preemptible(pg, type);
	if (rc)
		put_page(pg);
	else
		__atomic_fetch_or(&pg->type_info, PGT_pinned, __ATOMIC_ACQ_REL);
	return rc;
}

static int unpin(struct page_info *pg)
{
	__atomic_fetch_and(&pg->type_info, ~PGT_pinned, __ATOMIC_ACQ_REL);
	if (put_page_type_preemptible(pg)) {
		__atomic_fetch_or(&pg->type_info, PGT_pinned, __ATOMIC_ACQ_REL);
		return -ERESTART;
	}
	put_page(pg);
	return 0;
}

TestSuite(type, .init = setup);

/* ---- one processor ---- */

Test(type, tree)
{
	cr_assert_eq(pin(tree[0], PGT_l4_table), 0);
	expect_audit();
	cr_assert_eq(tree[9]->type_info, PGT_writable | PGT_validated | 2);
	cr_assert_eq(tree[4]->type_info, PGT_l2_table | PGT_validated | 2); /* of L3s 1 and 2 */
	cr_assert_eq(get_page_type(tree[8], PGT_writable), -EINVAL);
	cr_assert_eq(get_page_type(tree[9], PGT_l1_table), -EINVAL);
	cr_assert_eq(unpin(tree[0]), 0);
	expect_no_types();
	expect_audit();
}

Test(type, refused)
{
	set_entry(tree[5], 9, tree[8], 1 | BAD);
	cr_assert_eq(pin(tree[0], PGT_l4_table), -EINVAL);
	expect_no_types();
	set_entry(tree[5], 9, mfn_to_page(FRAMES - 500), 1); /* free */
	cr_assert_eq(pin(tree[0], PGT_l4_table), -EINVAL);
	expect_no_types();
	set_entry(tree[5], 9, tree[0], 1); /* the L4 as an L1 */
	cr_assert_eq(pin(tree[0], PGT_l4_table), -EINVAL);
	expect_no_types();
	/* What stopped before finding it is refused just so. */
	questions_left = 6;
	cr_assert_eq(pin(tree[0], PGT_l4_table), -ERESTART);
	cr_assert_eq(pin(tree[0], PGT_l4_table), -EINVAL);
	for (int i = 1; i < NR_TREE; i++)
		while (put_page_partial(tree[i]))
			;
	expect_no_types();
	expect_audit();
}

/* Steps after which a validation of the whole tree was asked to stop. */
#define MAX_STEPS 60

Test(type, stops_everywhere)
{
	bool went_through = false;

	for (int up = 0; up < MAX_STEPS && !went_through; up++) {
		int rc;

		questions_left = up;
		rc = pin(tree[0], PGT_l4_table);
		went_through = !rc;
		expect_audit();
		/*
		 * It stops again and again, as early as it gets anywhere: each level asks once
		 * before.
		 */
		while (rc) {
			cr_assert_eq(rc, -ERESTART);
			questions_left = 4;
			rc = pin(tree[0], PGT_l4_table);
			expect_audit();
		}
		cr_assert_eq(tree[0]->type_info, PGT_l4_table | PGT_validated | PGT_pinned | 1);
		questions_left = up;
		rc = unpin(tree[0]);
		expect_audit();
		while (rc) {
			questions_left = 0;
			rc = unpin(tree[0]);
			expect_audit();
		}
		expect_no_types();
	}
	cr_assert(went_through);
}

/* A validation that nobody goes on with is undone at teardown, itself at every step. */
Test(type, abandoned)
{
	for (int up = 0; up < 10; up++) {
		questions_left = up;
		cr_assert_eq(pin(tree[0], PGT_l4_table), -ERESTART);
		for (int i = 0; i < NR_TREE; i++) {
			do {
				expect_audit();
				questions_left = 0;
			} while (put_page_partial(tree[i]));
		}
		questions_left = -1;
		for (int i = 0; i < NR_TREE; i++)
			cr_assert_eq(put_page_partial(tree[i]), 0);
		expect_no_types();
	}
}

/* While one gives up the last reference another asks for the type: both get what they want. */
Test(type, revived)
{
	for (int down = 0; down < 12; down++) {
		int rc;

		questions_left = -1;
		cr_assert_eq(pin(tree[1], PGT_l3_table), 0);
		questions_left = down;
		if (!unpin(tree[1]))
			break;
		cr_assert_eq(get_page_type(tree[1], PGT_writable), -EINVAL);
		questions_left = 0;
		while ((rc = get_page_and_type(tree[1], d1, PGT_l3_table)))
			cr_assert_eq(rc, -ERESTART);
		cr_assert_eq(tree[1]->type_info & ~PGT_pinned, PGT_l3_table | PGT_validated | 2);
		questions_left = -1;
		cr_assert_eq(unpin(tree[1]), 0);
		cr_assert_eq(tree[1]->type_info, PGT_l3_table | PGT_validated | 1);
		put_page_and_type(tree[1]);
		expect_no_types();
	}
}

/* The same, but what is asked for stops, or is refused. */
Test(type, revived_in_vain)
{
	for (int stop = 0; stop < 8; stop++) {
		int rc;

		questions_left = -1;
		cr_assert_eq(pin(tree[1], PGT_l3_table), 0);
		questions_left = 0;
		cr_assert_eq(unpin(tree[1]), -ERESTART);
		cr_assert(get_page(tree[1], d1));
		questions_left = stop;
		rc = get_page_type_preemptible(tree[1], PGT_l3_table);
		put_page(tree[1]);
		if (rc) {
			expect_audit();
			if (stop & 1)
				while (put_page_partial(tree[1]))
					;
			questions_left = 0;
			while (unpin(tree[1]))
				questions_left = 0;
			questions_left = -1;
			for (int i = 0; i < NR_TREE; i++)
				while (put_page_partial(tree[i]))
					;
		} else {
			put_page_type(tree[1]);
			questions_left = -1;
			cr_assert_eq(unpin(tree[1]), 0);
		}
		expect_no_types();
		expect_audit();
	}
	questions_left = -1;
	cr_assert_eq(pin(tree[1], PGT_l3_table), 0);
	questions_left = 0;
	cr_assert_eq(unpin(tree[1]), -ERESTART);
	questions_left = -1;
	set_entry(tree[1], 11, tree[0], 1 | BAD); /* only a broken hypervisor lets that happen */
	cr_assert_eq(get_page_and_type(tree[1], d1, PGT_l3_table), -EINVAL);
	cr_assert_eq(unpin(tree[1]), 0);
	expect_no_types();
}

Test(type, flushes)
{
	struct page_info *pg = page();
	u32 before = nr_retype_flushes;

	cr_assert_eq(get_page_type(pg, PGT_writable), 0);
	put_page_type(pg);
	cr_assert_eq(get_page_type(pg, PGT_writable), 0);
	put_page_type(pg);
	cr_assert_eq(nr_retype_flushes, before);
	cr_assert_eq(get_page_type(pg, PGT_l1_table), 0);
	cr_assert_eq(nr_retype_flushes, ++before);
	put_page_type(pg);
	cr_assert_eq(get_page_type(pg, PGT_l1_table), 0);
	put_page_type(pg);
	cr_assert_eq(nr_retype_flushes, before);
	cr_assert_eq(get_page_type(pg, PGT_seg_desc), 0);
	put_page_type(pg);
	cr_assert_eq(get_page_type(pg, PGT_writable), 0);
	cr_assert_eq(pg->type_info, PGT_writable | PGT_validated | 1);
	put_page_type(pg);
	cr_assert_eq(nr_retype_flushes, before + 2);
}

Test(type, descriptors)
{
	struct page_info *pg = page();

	cr_assert_eq(get_page_type(pg, PGT_seg_desc), 0);
	put_page_type(pg);
	*(u64 *)page_to_virt(pg) = BAD;
	cr_assert_eq(get_page_type(pg, PGT_seg_desc), -EINVAL);
	cr_assert_eq(get_page_type(pg, PGT_writable), 0);
	put_page_type(pg);
}

Test(type, saturation)
{
	struct page_info *pg = page();

	cr_assert_eq(get_page_type(pg, PGT_writable), 0);
	pg->type_info |= 0xfffffff0;
	cr_assert_eq(get_page_type(pg, PGT_writable), -EINVAL);
	put_page_type(pg);
	pg->type_info = PGT_writable;
	pg->count_info |= 0xfffffff0;
	cr_assert(!get_page(pg, d1));
	pg->count_info = PGC_allocated | 1;
}

/* References for an entry that may be written through: both words at once, or where that can't be. */
static void expect_uses(bool at_once)
{
	struct page_info *pg = tree[9];
	u64 most = PGC_allocated | PG_COUNT_MAX, free = PGC_allocated | 1;

	has_cmpxchg16b = at_once;
	cr_assert(get_page_uses(pg, d1, true, 2), "the first give it its type");
	cr_assert(get_page_uses(pg, d1, true, 2));
	cr_assert_eq(pg->count_info, free + 4);
	cr_assert_eq(pg->type_info, PGT_writable | PGT_validated | 4);
	cr_assert(!get_page_uses(pg, d2, true, 1), "somebody else's");
	pg->count_info = most - 1;
	cr_assert(!get_page_uses(pg, d1, true, 2), "no room for two");
	pg->count_info = PGC_heap | (free + 4);
	cr_assert(!get_page_uses(pg, d1, true, 1));
	pg->count_info = free + 4;
	pg->type_info = PGT_writable | PGT_validated | PG_COUNT_MAX;
	cr_assert(!get_page_uses(pg, d1, true, 1));
	cr_assert_eq(pg->count_info, free + 4);
	pg->type_info = PGT_writable | PGT_validated | 4;
	put_page_uses(pg, true, 1);
	cr_assert_eq(pg->count_info, free + 3);
	cr_assert_eq(pg->type_info, PGT_writable | PGT_validated | 3);
	put_page_uses(pg, true, 3);
	cr_assert_eq(pg->count_info, free);
	cr_assert_eq(pg->type_info, PGT_writable);
	cr_assert_eq(get_page_type(pg, PGT_l1_table), 0);
	cr_assert(!get_page_uses(pg, d1, true, 1), "a table");
	put_page_type(pg);
	cr_assert_eq(pg->count_info, free);
}

Test(type, uses)
{
	expect_uses(true);
	expect_uses(false);
}

Test(type, lock)
{
	cr_assert(!table_lock(tree[6], d1));
	cr_assert_eq(get_page_type(tree[9], PGT_writable), 0);
	cr_assert(!table_lock(tree[9], d1));
	cr_assert_eq(pin(tree[6], PGT_l1_table), 0);
	cr_assert(!table_lock(tree[6], d2));
	cr_assert_eq(table_lock(tree[6], d1), PGT_l1_table);
	cr_assert(tree[6]->type_info & PGT_locked);
	cr_assert_eq(get_page_type(tree[6], PGT_l1_table), 0);
	put_page_type(tree[6]);
	table_unlock(tree[6]);
	cr_assert_eq(tree[6]->type_info, PGT_l1_table | PGT_validated | PGT_pinned | 1);
	cr_assert_eq(unpin(tree[6]), 0);
}

Test(type, put_too_often, .signal = SIGABRT)
{
	put_page_type(tree[0]);
}

/* The audit must see what is wrong. */
Test(type, audit_finds)
{
	static struct vcpu v;
	u64 x;

	d1->vcpu[0] = &v;
	d1->max_vcpus = 1;
	v.vcpu_info_mfn = INVALID_MFN;
	cr_assert_eq(pin(tree[0], PGT_l4_table), 0);
	expect_audit();
	v.arch.guest_table = page_to_mfn(tree[0]);
	cr_assert_eq(audit_domain_pages(d1, false), 2);
	v.arch.guest_table = 0;
	v.arch.user_table = v.arch.dropping = 0;
	v.arch.gdt_frames[3] = page_to_mfn(tree[9]);
	cr_assert_gt(audit_domain_pages(d1, false), 0);
	v.arch.gdt_frames[3] = 0;
	v.vcpu_info_mfn = page_to_mfn(tree[10]);
	v.arch.ldt_frames[1] = page_to_mfn(tree[10]);
	cr_assert_gt(audit_domain_pages(d1, false), 0);
	v.arch.ldt_frames[1] = 0;
	v.vcpu_info_mfn = INVALID_MFN;
	for (int bit = 0; bit < 64; bit++) {
		x = tree[4]->type_info;
		tree[4]->type_info ^= BIT(bit);
		cr_assert_gt(audit_domain_pages(d1, false) +
				     (bit == 54 || bit == 55 || (bit >= 32 && bit < 54)),
			     0, "type bit %d", bit);
		tree[4]->type_info = x;
	}
	tree[4]->count_info++;
	cr_assert_eq(audit_domain_pages(d1, false), 0);
	cr_assert_eq(audit_domain_pages(d1, true), 1);
	tree[4]->count_info -= 2;
	cr_assert_eq(audit_domain_pages(d1, false), 1);
	tree[4]->count_info++;
	tree[3]->owner = 2;
	cr_assert_gt(audit_domain_pages(d1, false), 0);
	tree[3]->owner = 1;
	d1->tot_pages++;
	cr_assert_eq(audit_domain_pages(d1, false), 1);
	d1->tot_pages--;
	expect_audit();
}

/* ---- many processors ---- */

/* On a busy host steps take long: then as many as there is time for. */
#define STEPS 60000
#define SECONDS 60

static time_t race_end;

static bool goes_on(int step, int steps)
{
	return step < steps && (step % 64 || time(NULL) < race_end);
}

#define NR_DATA 6

static void use_writable(struct page_info *pg)
{
	if (get_page_and_type(pg, d1, PGT_writable))
		return;
	if ((pg->type_info & (PGT_type_mask | PGT_validated)) != (PGT_writable | PGT_validated))
		panic("held writable, and is %lx", pg->type_info);
	WRITE_ONCE(me->writable[page_to_mfn(pg)], 1); /* stays there until a flush */
	if (mm_random(&chance) % 4 == 0)
		serve();
	put_page_and_type(pg);
}

static void use_table(struct page_info *pg, u64 type)
{
	int rc;

	if (!get_page(pg, d1))
		return;
	rc = mm_random(&chance) % 4 ? get_page_type_preemptible(pg, type) : get_page_type(pg, type);
	if (rc) {
		put_page(pg);
		return;
	}
	if ((pg->type_info & (PGT_type_mask | PGT_validated)) != (type | PGT_validated))
		panic("held as a table, and is %lx", pg->type_info);
	expect_no_stale(pg);
	if (table_lock(pg, d1)) {
		spin_wait();
		table_unlock(pg);
	}
	if (mm_random(&chance) % 3 == 0) {
		put_page_type(pg);
	} else {
		while (put_page_type_preemptible(pg))
			spin_wait();
	}
	put_page(pg);
}

static void *processor(void *arg)
{
	static const u64 types[NR_TREE] = {
		PGT_l4_table, PGT_l3_table, PGT_l3_table, PGT_l2_table, PGT_l2_table, PGT_l2_table,
		PGT_l1_table, PGT_l1_table, PGT_l1_table, PGT_seg_desc, PGT_seg_desc,
	};

	me = arg;
	chance = 0x9e3779b97f4a7c15 * (u64)(me - cpus + 1);
	for (int step = 0; goes_on(step, STEPS); step++) {
		unsigned i = mm_random(&chance) % NR_TREE;

		serve();
		if (mm_random(&chance) % 3 == 0)
			use_writable(tree[i]);
		else if (mm_random(&chance) % 8 == 0)
			while (put_page_partial(tree[i]))
				spin_wait();
		else if (i < 9)
			use_table(tree[i], types[i]);
		else if (!get_page_and_type(tree[i], d1, types[i]))
			put_page_and_type(tree[i]);
		if (mm_random(&chance) % 16 == 0 && table_lock(tree[i], d1)) {
			expect_no_stale(tree[i]);
			table_unlock(tree[i]);
		}
	}
	flush_me(tlb_clock());
	__atomic_store_n(&me->online, false, __ATOMIC_SEQ_CST);
	return NULL;
}

Test(type, stress, .timeout = 600)
{
	pthread_t threads[CPUS];

	race_end = time(NULL) + SECONDS;
	for (int i = 0; i < CPUS; i++)
		cpus[i].online = true;
	for (int i = 0; i < CPUS; i++)
		pthread_create(&threads[i], NULL, processor, &cpus[i]);
	for (int i = 0; i < CPUS; i++)
		pthread_join(threads[i], NULL);
	me = NULL;
	for (int i = 0; i < NR_TREE; i++)
		while (put_page_partial(tree[i]))
			;
	expect_audit();
	expect_no_types();
	cr_assert_gt(nr_retype_flushes, 0);
}

/* General references against freeing and reuse: nobody gets a frame of somebody else. */
static struct page_info *volatile hot[NR_DATA];

static struct page_info *replaced(struct domain *d, struct page_info *pg)
{
	struct page_info *other = alloc_heap_pages(0, 0);
	u64 old = page_to_mfn(pg), new = page_to_mfn(other);

	if (swap_pages(d, &old, &new, 0, 1)) {
		free_heap_pages(other, 0);
		return pg;
	}
	free_heap_pages(pg, 0);
	return other;
}

static void *allocator(void *arg)
{
	struct domain *d = arg;
	u64 seed = 77 + d->id;

	for (int step = 0; goes_on(step, STEPS); step++) {
		struct page_info *pg = alloc_domheap_pages(d, 0, MEMF_low, INVALID_M2P_ENTRY);

		if (!pg)
			panic("no memory");
		hot[mm_random(&seed) % NR_DATA] = pg;
		if (READ_ONCE(pg->owner) != d->id)
			panic("lost a frame");
		if (step & 1)
			pg = replaced(d, pg);
		__atomic_fetch_and(&pg->count_info, ~PGC_allocated, __ATOMIC_ACQ_REL);
		put_page(pg);
	}
	return NULL;
}

static void *referrer(void *arg)
{
	struct domain *d = arg;
	u64 seed = 99 + d->id;

	for (int step = 0; goes_on(step, 4 * STEPS); step++) {
		struct page_info *pg = hot[mm_random(&seed) % NR_DATA];

		if (!pg || !get_page(pg, d))
			continue;
		if (READ_ONCE(pg->owner) != d->id ||
		    READ_ONCE(pg->count_info) & (PGC_heap | PGC_free))
			panic("got a frame of somebody else");
		put_page(pg);
	}
	return NULL;
}

static u32 asked, owner_done;

static void *stranger(void *unused)
{
	for (; !__atomic_load_n(&owner_done, __ATOMIC_RELAXED);
	     __atomic_fetch_add(&asked, 1, __ATOMIC_RELAXED))
		cr_assert(!get_page_uses(tree[9], d2, true, 1));
	return unused;
}

/* Asking for a frame of somebody else's is not felt by him. */
Test(type, stranger)
{
	struct page_info *pg = tree[9];
	pthread_t thread;

	has_cmpxchg16b = true;
	pthread_create(&thread, NULL, stranger, NULL);
	for (int i = 0; i < 200000 || __atomic_load_n(&asked, __ATOMIC_RELAXED) < 1000000; i++) {
		cr_assert(get_page_uses(pg, d1, true, 1));
		put_page_uses(pg, true, 1);
		cr_assert(!get_page_type(pg, PGT_seg_desc));
		put_page_type(pg);
	}
	__atomic_store_n(&owner_done, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

Test(type, reuse, .timeout = 600)
{
	pthread_t threads[4];
	u64 before = heap_free_pages();

	me = NULL;
	race_end = time(NULL) + SECONDS;
	pthread_create(&threads[0], NULL, allocator, d1);
	pthread_create(&threads[1], NULL, allocator, d2);
	pthread_create(&threads[2], NULL, referrer, d1);
	pthread_create(&threads[3], NULL, referrer, d2);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(d1->tot_pages, NR_TREE);
	cr_assert_eq(d2->tot_pages, 0);
	cr_assert_eq(heap_free_pages(), before);
}
