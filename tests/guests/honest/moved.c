/* SPDX-License-Identifier: MIT */
/*
 * Honest: writes to page tables through an address that leads to one table and then, after a flush, to another. The
 * hypervisor remembers where the last one went.
 */
#include "honest.h"

static volatile u64 *via; /* the address */
static u64 *tables[2];
static u64 last; /* what was written last: absent entries that name nothing, each another */
static u64 this_vcpu = 1;

static u64 leads_to(unsigned n)
{
	return mfn_of(tables[n]) << 12 | PTE_RO;
}

static long lead_to(unsigned n)
{
	return mmu_update1(ma_of(pte_of((void *)via)), leads_to(n), DOMID_SELF);
}

/* A write through the address arrives in table n, and not in the other. */
static bool arrives_in(unsigned n)
{
	u64 other = tables[!n][0];

	last += 1UL << 52;
	return !FAULTS(*via = last) && (tables[n][0] & ~PTE_G) == last && tables[!n][0] == other;
}

static long by_operation(u32 cmd, u64 arg)
{
	return lead_to(1) ?: mmuext(cmd, arg, A(&this_vcpu));
}

static long by_flags(u32 flags, u64 whom)
{
	return HC(update_va_mapping, via, leads_to(1), flags | whom, 0);
}

static long by_cr3(void)
{
	long rc = lead_to(1);

	__asm__ volatile("mov %0, %%cr3" ::"r"(ma_of((void *)si->pt_base)) : "memory");
	return rc;
}

#define MOVED(how)                                                                                 \
	do {                                                                                       \
		lead_to(0);                                                                        \
		mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0);                                                \
		report(arrives_in(0), "before " #how, "%lx", last);                                \
		check_rc(#how, how, 0);                                                            \
		report(arrives_in(1), "after " #how, "%lx", last);                                 \
	} while (0)

static volatile u32 stage;
static volatile bool arrived[2];

static void wait_for(u32 n)
{
	for (u64 end = now() + 2000 * MS; stage != n && now() < end;)
		sched_op(SCHEDOP_yield, NULL);
}

/* Another processor writes; what it knows of the address is flushed from here. */
static void writer(void)
{
	arrived[0] = arrives_in(0);
	stage = 1;
	while (stage != 2)
		;
	arrived[1] = arrives_in(1);
}

static void moved_from_afar(const char *name, long (*flush)(void))
{
	arrived[0] = arrived[1] = false;
	stage = 0;
	lead_to(0);
	mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0);
	check_rc("another processor", cpu_start(1, writer), 0);
	wait_for(1);
	check_rc(name, flush(), 0);
	stage = 2;
	check(cpu_wait(1, 2, 2000 * MS) && arrived[0] && arrived[1], name);
}

static long page_of_all(void)
{
	return by_flags(UVMF_INVLPG, UVMF_ALL);
}

static long all_of_all(void)
{
	return by_operation(MMUEXT_TLB_FLUSH_ALL, 0);
}

void test_moved(void)
{
	u64 keep = *pte_of(window);

	via = (void *)window;
	for (unsigned i = 0; i < 2; i++) {
		tables[i] = page_alloc();
		make_ro(tables[i]);
		check_rc("a table", mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(tables[i]), 0), 0);
	}
	MOVED(by_operation(MMUEXT_TLB_FLUSH_LOCAL, 0));
	MOVED(by_operation(MMUEXT_INVLPG_LOCAL, A(via)));
	MOVED(by_operation(MMUEXT_TLB_FLUSH_MULTI, 0));
	MOVED(by_operation(MMUEXT_INVLPG_MULTI, A(via)));
	MOVED(by_operation(MMUEXT_TLB_FLUSH_ALL, 0));
	MOVED(by_operation(MMUEXT_INVLPG_ALL, A(via)));
	MOVED(by_operation(MMUEXT_NEW_BASEPTR, mfn_of((void *)si->pt_base)));
	MOVED(by_flags(UVMF_TLB_FLUSH, UVMF_LOCAL));
	MOVED(by_flags(UVMF_TLB_FLUSH, UVMF_ALL));
	MOVED(by_flags(UVMF_INVLPG, UVMF_LOCAL));
	MOVED(by_flags(UVMF_INVLPG, UVMF_ALL));
	MOVED(by_flags(UVMF_INVLPG, A(&this_vcpu)));
	MOVED(by_cr3());
	if (have_cpu(1)) {
		moved_from_afar("a page flushed by another", page_of_all);
		moved_from_afar("all flushed by another", all_of_all);
	} else {
		skip("flushes by another", "the domain has one processor");
	}

	/* What is no table any more is only read-only, whatever is remembered. */
	for (unsigned i = 0; i < 2; i++)
		mmuext(MMUEXT_UNPIN_TABLE, mfn_of(tables[i]), 0);
	expect_fault("a table no longer", 14, 3, *via = 0);
	check((tables[1][0] & ~PTE_G) == last, "nothing was written");
	set_va(window, keep);
	for (unsigned i = 0; i < 2; i++) {
		make_rw(tables[i]);
		page_free(tables[i]);
	}
}
