/* SPDX-License-Identifier: MIT */
/* Honest: page tables by call. */
#include "honest.h"

static u8 *page;
static u64 pte, pte_ma;

static void update_kinds(void)
{
	u64 mfn = mfn_of(page), pfn = M2P[mfn];
	struct mmu_update two[2] = { { pte_ma, pte & ~PTE_RW }, { pte_ma, pte } };
	u32 done = 99;

	check_rc("mmu_update read-only", mmu_update1(pte_ma, pte & ~PTE_RW, DOMID_SELF), 0);
	mmuext(MMUEXT_INVLPG_LOCAL, A(page), 0);
	expect_fault("write to a read-only page", 14, 3, *(volatile u8 *)page = 1);
	check(this_cpu()->last_cr2 == A(page), "CR2 of it");
	check_rc("mmu_update list", HC(mmu_update, two, 2, &done, DOMID_SELF), 0);
	check(done == 2, "mmu_update done count");
	check_rc("mmu_update none", HC(mmu_update, two, 0, &done, DOMID_SELF), 0);
	check(done == 0, "mmu_update done count of none");
	check_rc("mmu_update not present", mmu_update1(pte_ma, 0, DOMID_SELF), 0);
	mmuext(MMUEXT_INVLPG_LOCAL, A(page), 0);
	expect_fault("read of an absent page", 14, 0, (void)*(volatile u8 *)(page + 5));
	check(this_cpu()->last_cr2 == A(page) + 5, "CR2 is exact");
	check_rc("mmu_update present", mmu_update1(pte_ma, pte, DOMID_SELF), 0);
	*(volatile u8 *)page = 7;
	check_rc(
		"preserve A/D",
		mmu_update1(pte_ma | MMU_PT_UPDATE_PRESERVE_AD, pte & ~(PTE_A | PTE_D), DOMID_SELF),
		0);
	check((*pte_of(page) & (PTE_A | PTE_D)) == (PTE_A | PTE_D), "A and D were kept");
	check_rc("no translate", mmu_update1(pte_ma | MMU_PT_UPDATE_NO_TRANSLATE, pte, DOMID_SELF),
		 0);
	check_rc("machphys update",
		 mmu_update1(mfn << 12 | MMU_MACHPHYS_UPDATE, pfn + 1, DOMID_SELF), 0);
	check(M2P[mfn] == pfn + 1, "machphys took it");
	check_rc("machphys back", mmu_update1(mfn << 12 | MMU_MACHPHYS_UPDATE, pfn, DOMID_SELF), 0);
	check(M2P[mfn] == pfn, "machphys restored");
}

static void va_mapping(void)
{
	static const u64 flags[] = { UVMF_NONE, UVMF_TLB_FLUSH | UVMF_LOCAL,
				     UVMF_TLB_FLUSH | UVMF_ALL, UVMF_INVLPG | UVMF_LOCAL,
				     UVMF_INVLPG | UVMF_ALL };
	static u64 vcpus = 1;
	char what[40];

	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		format(what, sizeof(what), "update_va_mapping flags %lx", flags[i]);
		check_rc(what, HC(update_va_mapping, page, pte & ~PTE_RW, flags[i], 0), 0);
	}
	expect_fault("and it works", 14, 3, *(volatile u8 *)page = 1);
	check_rc("update_va_mapping mask",
		 HC(update_va_mapping, page, pte, UVMF_INVLPG | A(&vcpus), 0), 0);
	*(volatile u8 *)page = 2;
	if (privileged)
		check_rc("update_va_mapping_otherdomain",
			 HC(update_va_mapping_otherdomain, page, pte, UVMF_INVLPG, DOMID_SELF), 0);
	check(*pte_of(page) == pte, "the entry reads back");
}

static void software_bits(void)
{
	u64 odd = pte | 7UL << 9 | 1UL << 58 | PTE_NX;
	u8 saved = *page;

	check_rc("software bits", set_va(page, odd), 0);
	report(*pte_of(page) == odd, "software bits stay", "%lx %lx", *pte_of(page), odd);
	*page = 0xc3;
	expect_fault("NX is honoured", 14, -1, ((void (*)(void))page)());
	report((this_cpu()->last.err & 0x11) == 0x11, "fetch error code", "%lx",
	       this_cpu()->last.err);
	*page = saved;
	check_rc("plain again", set_va(page, pte), 0);
}

/* New tables below the root: an L3, L2, L1 chain made, used and taken down. */
static void new_tables(void)
{
	u64 *l3 = page_alloc(), *l2 = page_alloc(), *l1 = page_alloc();
	u8 *at = (u8 *)0x20000000000; /* L4 slot 4 */
	u64 l4e = ma_of(pte_at(at, 4));

	l1[0] = mfn_of(page) << 12 | PTE_KERN;
	l2[0] = mfn_of(l1) << 12 | PTE_KERN;
	l3[0] = mfn_of(l2) << 12 | PTE_KERN;
	make_ro(l1), make_ro(l2), make_ro(l3);
	*page = 0x5a;
	check_rc("link an L3", mmu_update1(l4e, mfn_of(l3) << 12 | PTE_KERN, DOMID_SELF), 0);
	check(*(volatile u8 *)at == 0x5a, "read through new tables");
	check_rc("add to the new L1",
		 mmu_update1(ma_of(l1) + 8, mfn_of(page) << 12 | PTE_RO, DOMID_SELF), 0);
	check(at[4096] == 0x5a, "a second address for a page");
	check_rc("drop an L1 by its L2", mmu_update1(ma_of(l2), 0, DOMID_SELF), 0);
	mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
	expect_fault("it is gone", 14, 0, (void)*(volatile u8 *)at);
	check_rc("the L1 becomes writable", make_rw(l1), 0);
	check_rc("unlink the L3", mmu_update1(l4e, 0, DOMID_SELF), 0);
	check_rc("the L2 becomes writable", make_rw(l2), 0);
	check_rc("the L3 becomes writable", make_rw(l3), 0);
	page_free(l1), page_free(l2), page_free(l3);
}

/* As a privileged kernel maps firmware tables and devices. */
static void machine_frames(void)
{
	u64 keep = *pte_of(window);
	long rc;
	u8 *at;

	if (!privileged)
		return;
	at = map_mfn(0xf0, PTE_RO, &rc); /* 0xf0000: BIOS */
	report(at != NULL, "map a BIOS page", "rc %ld", rc);
	if (at)
		unmap_mfn(at);
	rc = HC(mmu_update, &((struct mmu_update){ ma_of(pte_of(window)), 0xf0UL << 12 | PTE_RO }),
		1, 0, DOMID_IO);
	check_rc("the same by DOMID_IO", rc, 0);
	mmu_update1(ma_of(pte_of(window)), keep, DOMID_SELF);
}

void test_mmu_update(void)
{
	page = page_alloc();
	pte = *pte_of(page) | PTE_KERN;
	pte_ma = ma_of(pte_of(page));
	set_va(page, pte);
	update_kinds();
	va_mapping();
	software_bits();
	new_tables();
	machine_frames();
}

static void pins(void)
{
	u64 *l1 = page_alloc(), *l2 = page_alloc(), *l3 = page_alloc(), *l4 = page_alloc();
	u64 *t[] = { l1, l2, l3, l4 };
	char what[32];

	for (unsigned i = 1; i < 4; i++)
		t[i][0] = mfn_of(t[i - 1]) << 12 | PTE_KERN;
	for (unsigned i = 0; i < 4; i++)
		make_ro(t[i]);
	for (unsigned i = 0; i < 4; i++) {
		format(what, sizeof(what), "pin L%u", i + 1);
		check_rc(what, mmuext(MMUEXT_PIN_L1_TABLE + i, mfn_of(t[i]), 0), 0);
	}
	report(make_rw(l1) < 0, "a pinned table stays read-only", "%s", "");
	for (int i = 3; i >= 0; i--) {
		format(what, sizeof(what), "unpin L%u", i + 1);
		check_rc(what, mmuext(MMUEXT_UNPIN_TABLE, mfn_of(t[i]), 0), 0);
		check_rc("writable after it", make_rw(t[i]), 0);
		page_free(t[i]);
	}
}

static void flushes(void)
{
	static const struct {
		u32 cmd;
		const char *name;
	} ops[] = {
		{ MMUEXT_TLB_FLUSH_LOCAL, "TLB_FLUSH_LOCAL" },
		{ MMUEXT_INVLPG_LOCAL, "INVLPG_LOCAL" },
		{ MMUEXT_TLB_FLUSH_MULTI, "TLB_FLUSH_MULTI" },
		{ MMUEXT_INVLPG_MULTI, "INVLPG_MULTI" },
		{ MMUEXT_TLB_FLUSH_ALL, "TLB_FLUSH_ALL" },
		{ MMUEXT_INVLPG_ALL, "INVLPG_ALL" },
	};
	static u64 mask = 1;
	u64 entry = mfn_of(page) << 12 | PTE_KERN;

	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
		*(volatile u8 *)page = 1;
		mmu_update1(ma_of(pte_of(page)), entry & ~PTE_RW, DOMID_SELF);
		check_rc(ops[i].name, mmuext(ops[i].cmd, A(page), A(&mask)), 0);
		expect_fault(ops[i].name, 14, 3, *(volatile u8 *)page = 1);
		set_va(page, entry);
	}
}

static void base_pointers(void)
{
	u64 l4 = mfn_of((void *)si->pt_base), *other = page_alloc(), cr3;

	check_rc("NEW_BASEPTR same", mmuext(MMUEXT_NEW_BASEPTR, l4, 0), 0);
	mem_copy(other, (void *)si->pt_base, PAGE);
	for (unsigned i = 256; i < 272; i++)
		other[i] = 0; /* the hypervisor fills its slots */
	make_ro(other);
	check_rc("NEW_BASEPTR another", mmuext(MMUEXT_NEW_BASEPTR, mfn_of(other), 0), 0);
	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	report(cr3 >> 12 == mfn_of(other), "CR3 shows it", "%lx", cr3);
	check(M2P[l4] == M2P[l4] && other[256], "hypervisor slots are there");
	check_rc("NEW_BASEPTR back", mmuext(MMUEXT_NEW_BASEPTR, l4, 0), 0);
	check_rc("the other is a page again", make_rw(other), 0);
	page_free(other);
	user_setup();
	check_rc("NEW_USER_BASEPTR none", mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0), 0);
	check_rc("NEW_USER_BASEPTR", mmuext(MMUEXT_NEW_USER_BASEPTR, user_l4_mfn, 0), 0);
	__asm__ volatile("mov %0, %%cr3" ::"r"(l4 << 12) : "memory");
	report(true, "mov to CR3", "%lx", l4);
}

static void pages(void)
{
	u8 *a = page_alloc(), *b = page_alloc();
	struct mmuext_op two[2] = { { .cmd = MMUEXT_TLB_FLUSH_LOCAL },
				    { .cmd = MMUEXT_TLB_FLUSH_LOCAL } };
	u32 done = 9;
	long rc;

	mem_fill(a, 0x77, PAGE);
	check_rc("COPY_PAGE", mmuext(MMUEXT_COPY_PAGE, mfn_of(b), mfn_of(a)), 0);
	check(mem_same(a, b, PAGE), "it is a copy");
	check_rc("CLEAR_PAGE", mmuext(MMUEXT_CLEAR_PAGE, mfn_of(b), 0), 0);
	check(!b[0] && !b[4095], "it is clear");
	rc = mmuext(MMUEXT_FLUSH_CACHE, 0, 0);
	report(rc == 0 || (!privileged && rc == -XEN_EACCES), "FLUSH_CACHE", "rc %ld", rc);
	rc = mmuext(MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0);
	report(rc == 0 || (!privileged && rc < 0), "FLUSH_CACHE_GLOBAL", "rc %ld", rc);
	check_rc("SET_LDT none", mmuext(MMUEXT_SET_LDT, 0, 0), 0);
	check_rc("a list of operations", HC(mmuext_op, two, 2, &done, DOMID_SELF), 0);
	check(done == 2, "mmuext_op done count");
	page_free(a), page_free(b);
}

void test_mmuext(void)
{
	page = page_alloc();
	pins();
	flushes();
	base_pointers();
	pages();
}

/*
 * ---- plain writes to a live L1, emulated. The hypervisor may add the global bit to what it
 * stores. ----
 */

#define OP(code, name, before, after)                                                              \
	do {                                                                                       \
		u64 was_ = (before), e_ = (after);                                                 \
		mmu_update1(at, was_, DOMID_SELF);                                                 \
		if (FAULTS(code))                                                                  \
			report(false, name, "fault %lu %lx", this_cpu()->last.vec,                 \
			       this_cpu()->last.err);                                              \
		else                                                                               \
			report((*e & ~PTE_G) == e_, name, "%lx", *e);                              \
		mmuext(MMUEXT_INVLPG_LOCAL, A(window), 0);                                         \
	} while (0)

void test_emulated_ptes(void)
{
	volatile u64 *e = pte_of(window);
	u64 at = ma_of((void *)e), keep = *e, v = (mfn_of(window) << 12) | PTE_KERN;
	volatile u64 reg;
	bool carry = false;

	OP(*e = v & ~PTE_RW, "mov 8 bytes", v, v & ~PTE_RW);
	OP(__asm__ volatile("movl %1, %0"
			    : "+m"(*(volatile u32 *)e)
			    : "r"((u32)(v & ~PTE_RW))),
	   "mov 4 bytes", v, v & ~PTE_RW);
	OP(__asm__ volatile("movb %1, %0"
			    : "+m"(*(volatile u8 *)e)
			    : "q"((u8)0x65)),
	   "mov 1 byte", v, v & ~PTE_RW);
	OP(__asm__ volatile("movq $0, %0" : "+m"(*e)), "mov immediate 0", v, 0);
	reg = 0;
	OP(__asm__ volatile("xchg %0, %1" : "+r"(reg), "+m"(*e)), "xchg", v, 0);
	report((reg & ~PTE_G) == v, "xchg returns the old entry", "%lx", reg);
	OP(__asm__ volatile("lock andb $0xfd, %0"
			    : "+m"(*(volatile u8 *)e)),
	   "lock and byte", v, v & ~PTE_RW);
	OP(__asm__ volatile("lock andq %1, %0"
			    : "+m"(*e)
			    : "r"(~PTE_RW)),
	   "lock and 8", v, v & ~PTE_RW);
	OP(__asm__ volatile("lock orb $2, %0"
			    : "+m"(*(volatile u8 *)e)),
	   "lock or byte", v & ~PTE_RW, v);
	OP(__asm__ volatile("lock orq %1, %0"
			    : "+m"(*e)
			    : "r"(1UL << 58)),
	   "lock or 8", v, v | 1UL << 58);
	OP(__asm__ volatile("lock btrq $5, %0; setc %1"
			    : "+m"(*e), "=q"(carry)),
	   "lock btr", v, v & ~PTE_A);
	check(carry, "btr sets the carry");
	OP(__asm__ volatile("lock btsq $5, %0; setc %1"
			    : "+m"(*e), "=q"(carry)),
	   "lock bts", v & ~PTE_A, v);
	check(!carry, "bts clears the carry");
	OP(reg = *e; __asm__ volatile("lock cmpxchg %2, %1"
				      : "+a"(reg), "+m"(*e)
				      : "r"(v & ~PTE_RW)),
		     "cmpxchg equal", v, v & ~PTE_RW);
	reg = 0;
	OP(__asm__ volatile("lock cmpxchg %2, %1"
			    : "+a"(reg), "+m"(*e)
			    : "r"(0UL)),
	   "cmpxchg unequal", v, v);
	report((reg & ~PTE_G) == v, "cmpxchg loads the old entry", "%lx", reg);
	mmu_update1(at, keep, DOMID_SELF);
	expect_fault("a bad entry is the guest's fault", 14, 3, *e = (1UL << 50) | 0x67);
	check(*e == keep, "and changes nothing");
	expect_fault("a write to an L4 is not emulated", 14, 3,
		     *(volatile u64 *)pte_at(window, 4) = 0);
}
