/* SPDX-License-Identifier: MIT */
/* Attacks on page tables, descriptor tables and their types (classes 1 to 4). */
#include "attack.h"

static void refused(const char *what, long rc)
{
	report(rc < 0, what, "rc %ld", rc);
}

/*
 * XSA-148, 182: single bits of every level. What is accepted must read back as written and change
 * nothing else.
 */
static void single_bits(void)
{
	u8 *at = (u8 *)0x28000000000; /* a branch of its own: L4 slot 5 */
	u64 *t[3] = { page_alloc(), page_alloc(), page_alloc() };
	unsigned accepted, wrong;

	t[0][0] = mfn_of(page_alloc()) << 12 | PTE_KERN;
	t[1][0] = mfn_of(t[0]) << 12 | PTE_KERN;
	t[2][0] = mfn_of(t[1]) << 12 | PTE_KERN;
	make_ro(t[0]), make_ro(t[1]), make_ro(t[2]);
	check_rc("a branch for it",
		 mmu_update1(ma_of(pte_at(at, 4)), mfn_of(t[2]) << 12 | PTE_KERN, DOMID_SELF), 0);

	for (unsigned level = 1; level <= 4; level++) {
		u64 *e = pte_at(at, level), keep = *e, map = 0;

		accepted = wrong = 0;
		for (unsigned bit = 1; bit < 64; bit++) {
			u64 v = keep ^ 1UL << bit;

			if (bit == 1 ||
			    bit == 2) /* refusing is not asked for; the kernel may need them */
				continue;
			if (level > 1 && bit >= 12 && bit < 46)
				continue; /* another table: test_wrong_levels */
			if (level == 1 && bit >= 12 && bit < 46 && privileged)
				continue; /* what is no RAM is the privileged domain's to map */
			if (mmu_update1(ma_of(e), v, DOMID_SELF))
				continue;
			accepted++;
			map |= 1UL << bit;
			/*
			 * Cache attributes may be dropped: an ordinary domain's RAM is write-
			 * back.
			 */
			if ((*e ^ v) & ~(PTE_A | PTE_D | PTE_G | (level == 1 ? 0x98 : 0))) {
				wrong++;
				say("level %u bit %u: wrote %lx, reads %lx", level, bit, v, *e);
			}
			if (mmu_update1(ma_of(e), keep, DOMID_SELF))
				die("cannot restore level %u bit %u", level, bit);
		}
		report(!wrong, "bits read back", "level %u: accepted %u (%lx), wrong %u", level,
		       accepted, map, wrong);
		if (level > 1)
			report(!(map >> 7 & 1), "no large pages", "level %u", level);
		report(!(map & 0x000f000000000000), "no address bits beyond the processor's",
		       "level %u: %lx", level, map);
	}
	mmu_update1(ma_of(pte_at(at, 4)), 0, DOMID_SELF);
	mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0);
	for (unsigned i = 0; i < 3; i++)
		check_rc("its tables are plain again", make_rw(t[i]), 0);
}

static bool absent_refused;

/* Once more, and all ways agree. */
static void absent(const char *way, u64 level, bool was_refused)
{
	report(was_refused == absent_refused, "an absent entry that names memory",
	       "%s, level %lu: %s", way, level, was_refused ? "refused" : "accepted");
}

/* The table as one of `level`: pinned, or refused; then plain again. */
static void absent_pinned(u64 *table, u64 bad, u32 level)
{
	long rc;

	table[9] = bad;
	make_ro(table);
	rc = mmuext(MMUEXT_PIN_L1_TABLE + level - 1, mfn_of(table), 0);
	absent("in a table that is pinned", level, rc < 0);
	if (!rc)
		mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table), 0);
	check_rc("plain again", make_rw(table), 0);
	table[9] = 0;
}

/*
 * L1TF: an entry that is not present, and names memory. With l1tf= refused by every way, else all are of one kind.
 * Kernels write the address inverted: that is nobody's memory.
 */
static void absent_entries(void)
{
	u8 *at = WINDOW(5), *branch = (u8 *)0x30000000000; /* L4 slot 6 */
	volatile u64 *pte = pte_of(at);
	u64 *t[3] = { page_alloc(), page_alloc(), page_alloc() }, *fresh = page_alloc(), was;
	u64 keep = *pte, frame = mfn_of(fresh) << 12, bad = frame | PTE_RW | PTE_US,
	    far = bad ^ PTE_ADDR;

	absent_refused = arg("l1tf") || mmu_update1(ma_of((void *)pte), bad, DOMID_SELF) < 0;
	set_va(at, 0);
	absent("mmu_update", 1, mmu_update1(ma_of((void *)pte), bad, DOMID_SELF) < 0);
	absent("mmu_update, A and D kept", 1,
	       mmu_update1(ma_of((void *)pte) | MMU_PT_UPDATE_PRESERVE_AD, bad, DOMID_SELF) < 0);
	absent("update_va_mapping", 1, set_va(at, bad) < 0);
	set_va(at, 0);
	absent("MOV", 1, FAULTS(*pte = bad));
	set_va(at, 0);
	absent("XCHG", 1,
	       FAULTS(was = bad; __asm__ volatile("xchg %0, %1"
						  : "+r"(was), "+m"(*pte))));
	set_va(at, 0);
	absent("MOV of half", 1, FAULTS(*(volatile u32 *)pte = (u32)bad));
	set_va(at, frame | PTE_KERN);
	absent("present no more", 1,
	       FAULTS(__asm__ volatile("lock andb $0xfe, %0"
				       : "+m"(*(volatile u8 *)pte))));
	check_rc("inverted, by mmu_update", mmu_update1(ma_of((void *)pte), far, DOMID_SELF), 0);
	report(!FAULTS(*pte = far), "inverted", "by MOV");
	report(!FAULTS(*pte = 0), "zero", "by MOV");
	set_va(at, keep);

	for (unsigned level = 1; level <= 4; level++)
		absent_pinned(fresh, bad, level);
	t[1][0] = mfn_of(t[0]) << 12 | PTE_KERN;
	t[2][0] = mfn_of(t[1]) << 12 | PTE_KERN;
	make_ro(t[0]), make_ro(t[1]), make_ro(t[2]);
	check_rc("a branch for it",
		 mmu_update1(ma_of(pte_at(branch, 4)), mfn_of(t[2]) << 12 | PTE_KERN, DOMID_SELF),
		 0);
	for (unsigned level = 2; level <= 4; level++) {
		u64 *e = pte_at(branch, level) + 1;

		absent("mmu_update", level, mmu_update1(ma_of(e), bad, DOMID_SELF) < 0);
		check_rc("inverted, by mmu_update", mmu_update1(ma_of(e), far, DOMID_SELF), 0);
		mmu_update1(ma_of(e), 0, DOMID_SELF);
	}
	mmu_update1(ma_of(pte_at(branch, 4)), 0, DOMID_SELF);
	mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0);
	for (unsigned i = 0; i < 3; i++) {
		check_rc("its tables are plain again", make_rw(t[i]), 0);
		page_free(t[i]);
	}
	page_free(fresh);
}

/* A writable mapping of any table or descriptor page, by each of the ways there are. */
static void writable_tables(void)
{
	u8 *at = WINDOW(3);
	volatile u64 *pte = pte_of(at);
	u64 keep = *pte, frame;
	char what[48];
	u64 *gdt = page_alloc();

	for (unsigned level = 1; level <= 5; level++) {
		if (level < 5) {
			frame = A(pte_at(at, level)) & ~4095UL;
		} else {
			u64 gf = mfn_of(gdt);

			make_ro(gdt);
			HC(set_gdt, &gf, 512, 0, 0);
			frame = A(gdt);
		}
		frame = mfn_of((void *)frame) << 12;
		format(what, sizeof(what), level < 5 ? "writable L%u" : "writable GDT page", level);
		refused(what, set_va(at, frame | PTE_KERN));
		refused(what, mmu_update1(ma_of((void *)pte), frame | PTE_KERN, DOMID_SELF));
		refused(what, mmu_update1(ma_of((void *)pte) | MMU_PT_UPDATE_PRESERVE_AD,
					  frame | PTE_KERN, DOMID_SELF));
		report(FAULTS(*pte = frame | PTE_KERN) && this_cpu()->last.vec == 14, what,
		       "by a write");
		/* Read-only first, then only the flag. */
		check_rc("read-only is fine", set_va(at, frame | PTE_RO), 0);
		refused(what, mmu_update1(ma_of((void *)pte), *pte | PTE_RW, DOMID_SELF));
		report(FAULTS(__asm__ volatile("lock orb $2, %0"
					       : "+m"(*(volatile u8 *)pte))),
		       what, "by lock or");
		report(FAULTS(__asm__ volatile("lock btsq $1, %0" : "+m"(*pte))), what, "by bts");
		if (level > 1) /* a write to an L1 by any address is a page table write */
			report(FAULTS(*(volatile u8 *)at = 1), what, "the mapping does not write");
		set_va(at, keep);
	}
	frame = 0;
	HC(set_gdt, &frame, 0, 0, 0);
	check_rc("the GDT page is plain again", make_rw(gdt), 0);
	page_free(gdt);
}

/* XSA-182: an L4 that maps itself. Read-only may be allowed; writable never. */
static void recursive(void)
{
	u64 *root = (u64 *)si->pt_base, e = mfn_of(root) << 12;
	u64 slot = ma_of(&root[300]);
	long rc = mmu_update1(slot, e | PTE_RO, DOMID_SELF);

	report(true, "a recursive entry, read-only", "rc %ld", rc);
	refused("a recursive entry, writable", mmu_update1(slot, e | PTE_KERN, DOMID_SELF));
	if (!rc) {
		refused("flipped to writable", mmu_update1(slot, root[300] | PTE_RW, DOMID_SELF));
		check_rc("taken out", mmu_update1(slot, 0, DOMID_SELF), 0);
	}
	mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0);
}

static void hypervisor_slots(void)
{
	u64 *root = (u64 *)si->pt_base, *l3 = page_alloc(), *other = page_alloc(), rc;

	make_ro(l3);
	for (unsigned i = 256; i < 272; i += 5)
		refused("an entry of the hypervisor's",
			mmu_update1(ma_of(&root[i]), mfn_of(l3) << 12 | PTE_KERN, DOMID_SELF));
	refused("removing one", mmu_update1(ma_of(&root[256]), 0, DOMID_SELF));
	/* A new root with something of ours in those slots: it must have no effect. */
	mem_copy(other, root, PAGE);
	for (unsigned i = 256; i < 272; i++)
		other[i] = mfn_of(l3) << 12 | PTE_KERN;
	make_ro(other);
	rc = (u64)mmuext(MMUEXT_NEW_BASEPTR, mfn_of(other), 0);
	if (!rc) {
		unsigned ours = 0;

		for (unsigned i = 256; i < 272; i++)
			ours += (other[i] & PTE_ADDR) >> 12 == mfn_of(l3);
		report(!ours, "slots of a new root", "%u still ours", ours);
		mmuext(MMUEXT_NEW_BASEPTR, mfn_of(root), 0);
	} else {
		report(true, "slots of a new root", "refused %ld", (long)rc);
	}
	check_rc("it is a page again", make_rw(other), 0);
	check_rc("so is the L3", make_rw(l3), 0);
	page_free(l3), page_free(other);
}

static void wrong_levels(void)
{
	u64 *t = page_alloc(), *l2 = page_alloc(), *page = page_alloc();
	u64 root_entry = *pte_at(t, 4);

	refused("pin a page that is mapped writable", mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(t), 0));
	t[7] = other_frame() << 12 | PTE_KERN;
	make_ro(t);
	refused("pin an L1 with a foreign frame", mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(t), 0));
	refused("pin our L1 as an L2",
		mmuext(MMUEXT_PIN_L2_TABLE, (*pte_at(t, 2) & PTE_ADDR) >> 12, 0));
	refused("pin our L4 as an L1", mmuext(MMUEXT_PIN_L1_TABLE, mfn_of((void *)si->pt_base), 0));
	refused("unpin what is not pinned", mmuext(MMUEXT_UNPIN_TABLE, mfn_of(page), 0));
	refused("base pointer to an L1",
		mmuext(MMUEXT_NEW_BASEPTR, (*pte_at(t, 2) & PTE_ADDR) >> 12, 0));
	refused("base pointer 0", mmuext(MMUEXT_NEW_BASEPTR, 0, 0));
	refused("user base pointer to an L3",
		mmuext(MMUEXT_NEW_USER_BASEPTR, (root_entry & PTE_ADDR) >> 12, 0));
	check_rc("t is plain", make_rw(t), 0);
	mem_fill(t, 0, PAGE);
	l2[0] = mfn_of(page) << 12 | PTE_KERN; /* page is mapped writable: no L1 */
	make_ro(l2);
	refused("pin an L2 over a writable page", mmuext(MMUEXT_PIN_L2_TABLE, mfn_of(l2), 0));
	make_rw(l2);
	l2[0] = mfn_of(l2) << 12 | PTE_RO; /* itself */
	make_ro(l2);
	report(true, "pin an L2 over itself", "rc %ld", mmuext(MMUEXT_PIN_L2_TABLE, mfn_of(l2), 0));
	mmuext(MMUEXT_UNPIN_TABLE, mfn_of(l2), 0);
	check_rc("l2 is plain", make_rw(l2), 0);
	l2[0] = 1UL << 7 | PTE_KERN; /* PSE */
	make_ro(l2);
	refused("pin an L2 with a large page", mmuext(MMUEXT_PIN_L2_TABLE, mfn_of(l2), 0));
	make_rw(l2);
	page_free(t), page_free(l2), page_free(page);
}

/* No frame of the machine that is not ours can be mapped, writable or not. */
static void frame_sweep(void)
{
	u8 *at = WINDOW(3);
	u64 keep = *pte_of(at), tried = 0, mapped = 0,
	    max = (u64)memory_op(XENMEM_maximum_ram_page, NULL);
	u64 first = 0;

	for (u64 mfn = privileged ? 0x100 : 0; mfn < max; mfn += mfn < 0x2000 ? 1 : 61) {
		if (is_mine(mfn))
			continue;
		tried++;
		if (!set_va(at, mfn << 12 | PTE_KERN) || !set_va(at, mfn << 12 | PTE_RO)) {
			if (!mapped++)
				first = mfn;
			set_va(at, keep);
		}
	}
	/* Reserved holes of firmware are the privileged domain's. */
	report(!mapped || privileged, "frames that are not ours",
	       "%lu tried, %lu mapped, first %lx", tried, mapped, first);
	set_va(at, keep);
}

/* ---- a second processor writes through a stale mapping while the page becomes a table ---- */
static volatile u64 *volatile shared_table;
static volatile u32 stop_writer, writes;
static u64 bad_entry;

static void writer(void)
{
	while (!stop_writer) {
		volatile u64 *t = shared_table;

		if (!t)
			continue;
		if (!FAULTS({
			    t[9] = bad_entry;
			    t[9] = 0;
		    }))
			writes++;
	}
}

static void stale_tlb(void)
{
	u64 *t = page_alloc();
	unsigned pinned = 0, changed = 0;

	if (!have_cpu(1)) {
		skip("stale TLB", "needs two processors");
		return;
	}
	bad_entry = other_frame() << 12 | PTE_KERN;
	stop_writer = 0;
	if (cpu_start(1, writer)) {
		skip("stale TLB", "the second processor does not start");
		return;
	}
	for (unsigned i = 0; i < 300; i++) {
		u64 before = writes;

		shared_table = t;
		for (u64 end = now() + MS; writes == before && now() < end;)
			barrier();
		/* No flush asked for: the hypervisor has to see to it before the type changes. */
		HC(update_va_mapping, t, mfn_of(t) << 12 | PTE_RO, UVMF_NONE, 0);
		if (!mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(t), 0)) {
			pinned++;
			for (unsigned k = 0; k < 2000; k++)
				changed += ((volatile u64 *)t)[9] != 0;
			mmuext(MMUEXT_UNPIN_TABLE, mfn_of(t), 0);
		}
		shared_table = NULL;
		make_rw(t);
		t[9] = 0;
	}
	stop_writer = 1;
	cpu_wait(1, 2, 1000 * MS);
	report(!changed, "stale TLB", "%u times pinned, %u writes seen after", pinned, changed);
	check_rc("page again", make_rw(t), 0);
	page_free(t);
}

static void descriptors(void)
{
	static const u64 bad[] = { 0x0000ee0000000000, 0x0000e90000000067, 0x0000e20000000000,
				   0x0000ef0000000000, 0x0000ec000000ffff | 0xe008UL << 16 };
	u64 *gdt = page_alloc(), *plain = page_alloc(), f;

	f = mfn_of(plain);
	refused("a GDT page mapped writable", HC(set_gdt, &f, 512, 0, 0));
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		make_rw(gdt);
		gdt[5] = bad[i];
		make_ro(gdt);
		f = mfn_of(gdt);
		refused("a GDT with a system descriptor", HC(set_gdt, &f, 512, 0, 0));
	}
	/* Level 0 code and data are raised to level 3, or refused. */
	make_rw(gdt);
	gdt[5] = 0x00af9b000000ffff;
	make_ro(gdt);
	if (!HC(set_gdt, &f, 512, 0, 0)) {
		report((gdt[5] >> 45 & 3) == 3, "level 0 code", "became %lx", gdt[5]);
		f = 0;
		HC(set_gdt, &f, 0, 0, 0);
	} else {
		report(true, "level 0 code", "refused");
	}
	/* An LDT is looked at when it is used: a gate in it must not work. */
	make_rw(gdt);
	gdt[5] = 0x0000ec000000e008UL | 0xe008UL << 16;
	make_ro(gdt);
	mmuext(MMUEXT_SET_LDT, A(gdt), 512);
	report(FAULTS(__asm__ volatile("mov %0, %%es" ::"r"(5 * 8 | 7))), "a gate in the LDT",
	       "vector %lu", this_cpu()->last.vec);
	mmuext(MMUEXT_SET_LDT, 0, 0);
	/* An LDT at the hypervisor's addresses. */
	mmuext(MMUEXT_SET_LDT, 0xffff810000100000, 512);
	report(FAULTS(__asm__ volatile("mov %0, %%es" ::"r"(0x17))), "an LDT in the hypervisor",
	       "vector %lu", this_cpu()->last.vec);
	mmuext(MMUEXT_SET_LDT, 0, 0);
	make_rw(gdt);
	page_free(gdt), page_free(plain);
}

const struct attack table_attacks[] = {
	{ "single-bits", single_bits },           { "absent-entries", absent_entries },
	{ "writable-tables", writable_tables },   { "recursive-l4", recursive },
	{ "hypervisor-slots", hypervisor_slots }, { "wrong-levels", wrong_levels },
	{ "frame-sweep", frame_sweep },           { "stale-tlb", stale_tlb },
	{ "descriptors", descriptors },           { 0 },
};
