/* SPDX-License-Identifier: MIT */
/* Honest: privileged instructions that the hypervisor carries out, and those that it does not. */
#include "honest.h"

/* A kernel sets up its FPU by these, and goes without XSAVE where they do not fit each other. */
static void xsave_sizes(u32 leaf_1_ecx)
{
	u32 all[4], compacted[4];
	bool xsavec;

	if (!(leaf_1_ecx >> 26 & 1))
		return;
	cpuid_pv(0xd, 0, all);
	cpuid_pv(0xd, 1, compacted);
	xsavec = compacted[0] >> 1 & 1;
	report(all[1] >= 576 && all[1] <= all[2], "XSAVE size", "%u of %u", all[1], all[2]);
	report(xsavec ? compacted[1] >= 576 && compacted[1] <= all[1] : !compacted[1],
	       "XSAVEC size", "%u of %u", compacted[1], all[1]);
}

static void cpuids(void)
{
	u32 r[4], hidden;

	cpuid_pv(0x40000000, 0, r);
	report(r[1] == 0x566e6558 && r[2] == 0x65584d4d && r[3] == 0x4d4d566e && r[0] >= 0x40000002,
	       "cpuid signature", "%x %x %x %x", r[0], r[1], r[2], r[3]);
	cpuid_pv(0x40000001, 0, r);
	report(r[0] == (4 << 16 | 17), "cpuid version", "%x", r[0]);
	cpuid_pv(1, 0, r);
	hidden =
		r[3] & (1 << 1 | 1 << 3 | 1 << 12 | 1 << 13 | 1 << 17); /* VME PSE MTRR PGE PSE36 */
	report(!(hidden & ~(privileged ? 1 << 12 : 0)), "cpuid 1 edx hides", "%x", hidden);
	hidden = r[2] & (1 << 3 | 1 << 5 | 1 << 17 | 1 << 24); /* MONITOR VMX PCID TSC_DEADLINE */
	report(!hidden, "cpuid 1 ecx hides", "%x", hidden);
	report(r[2] >> 31 & 1, "cpuid hypervisor bit", "%x", r[2]);
	report((r[2] >> 26 & 1) == (r[2] >> 27 & 1), "XSAVE means OSXSAVE", "%x", r[2]);
	xsave_sizes(r[2]);
	cpuid_pv(7, 0, r);
	hidden = r[1] & (1 << 7 | 1 << 20 | 1 << 10); /* SMEP SMAP INVPCID */
	report(!hidden && !(r[2] & (1 << 2 | 1 << 3 | 1 << 16)), "cpuid 7 hides", "%x %x", hidden,
	       r[2]);
	cpuid_pv(0x80000001, 0, r);
	report(!(r[3] & 1 << 26) && !(r[2] & 1 << 2), "cpuid hides 1 GiB pages and SVM", "%x %x",
	       r[3], r[2]);
	report((r[3] >> 29 & 1) && (r[3] >> 20 & 1) && (r[3] >> 11 & 1), "cpuid LM, NX, SYSCALL",
	       "%x", r[3]);
}

static void msrs(void)
{
	volatile u64 v = 0;

	report(!FAULTS(v = rdmsr(0xc0000080)) && (v & 0x501) == 0x501, "EFER", "%lx", v);
	report(!FAULTS(wrmsr(0xc0000080, v)), "EFER written back", "%lx", v);
	report(!FAULTS(v = rdmsr(0x277)) && v == 0x0000050100070406, "PAT", "%lx", v);
	/* Refusing it is allowed: the value never changes. */
	report(!FAULTS(wrmsr(0x277, v)) || this_cpu()->last.vec == 13, "PAT written back", "%lx",
	       v);
	report(FAULTS(wrmsr(0x277, 0)) && rdmsr(0x277) == v, "another PAT", "%lx", rdmsr(0x277));
	report(!FAULTS(v = rdmsr(0x1b)), "APIC_BASE", "%lx", v);
	check(v >> 8 & 1, "vCPU 0 is the boot processor");
	/* On Intel's alone; without fast strings Linux believes half of what CPUID says of them. */
	report(FAULTS(v = rdmsr(0x1a0)) || v & 1, "fast strings", "%lx", v);
	expect_fault("unknown MSR read", 13, 0, rdmsr(0x12345678));
	expect_fault("unknown MSR write", 13, 0, wrmsr(0x12345678, 0));
	expect_fault("FS_BASE not canonical", 13, 0, wrmsr(0xc0000100, 1UL << 63));
}

static void segment_bases(const char *how)
{
	u64 gs = rdmsr(0xc0000101);

	report(!FAULTS(wrmsr(0xc0000100, 0x1234000)) && rdmsr(0xc0000100) == 0x1234000, "FS_BASE",
	       "%s: %lx", how, rdmsr(0xc0000100));
	report(!FAULTS(wrmsr(0xc0000102, 0x5678000)) && rdmsr(0xc0000102) == 0x5678000,
	       "KERNEL_GS_BASE", "%s: %lx", how, rdmsr(0xc0000102));
	report(HC(set_segment_base, SEGBASE_GS_USER, 0x9abc000, 0, 0) == 0 &&
		       rdmsr(0xc0000102) == 0x9abc000,
	       "the user's GS base", "%s: %lx", how, rdmsr(0xc0000102));
	report(!FAULTS(wrmsr(0xc0000101, gs)) && rdmsr(0xc0000101) == gs, "GS_BASE", "%s: %lx", how,
	       rdmsr(0xc0000101));
}

/* With and without the instructions for them, which the hypervisor uses as long as this vCPU may. */
static void fsgsbase(void)
{
	volatile u64 base = 0;
	u64 cr4;
	u32 r[4];

	segment_bases("without FSGSBASE");
	expect_fault("RDFSBASE switched off", 6, -1, __asm__ volatile("rdfsbase %0" : "=r"(base)));
	cpuid_pv(7, 0, r);
	if (r[1] & 1) {
		__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
		__asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | 1 << 16));
		segment_bases("with FSGSBASE");
		report(!FAULTS(__asm__ volatile("rdfsbase %0"
						: "=r"(base))) &&
			       base == 0x1234000,
		       "RDFSBASE", "%lx", base);
		__asm__ volatile("mov %0, %%cr4" ::"r"(cr4));
		report(rdmsr(0xc0000102) == 0x9abc000, "KERNEL_GS_BASE stays", "%lx",
		       rdmsr(0xc0000102));
	}
	wrmsr(0xc0000100, 0);
	wrmsr(0xc0000102, 0);
}

static void control_registers(void)
{
	u64 cr0, cr2, cr3, cr4, v;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	report((cr0 & 0x80000001) == 0x80000001, "CR0", "%lx", cr0);
	__asm__ volatile("mov %0, %%cr0" ::"r"(cr0 | 8));
	__asm__ volatile("mov %%cr0, %0" : "=r"(v));
	check(v == (cr0 | 8), "CR0.TS by mov");
	__asm__ volatile("mov %0, %%cr0" ::"r"(cr0));
	expect_fault("other CR0 bits", 13, 0,
		     __asm__ volatile("mov %0, %%cr0" ::"r"(cr0 ^ 1UL << 16)));
	__asm__ volatile("mov %0, %%cr2" ::"r"(0x987654UL));
	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	report(cr2 == 0x987654, "CR2", "%lx", cr2);
	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	report(cr3 >> 12 == mfn_of((void *)si->pt_base), "CR3", "%lx", cr3);
	expect_fault("CR3 with a foreign frame", 13, 0,
		     __asm__ volatile("mov %0, %%cr3" ::"r"(foreign_mfn() << 12)));
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	report(!FAULTS(__asm__ volatile("mov %0, %%cr4" ::"r"(cr4))), "CR4 written back", "%lx",
	       cr4);
	expect_fault("CR8", 13, 0, __asm__ volatile("mov %%cr8, %0" : "=r"(v)));
}

static void ports(void)
{
	struct physdev_set_iopl io = { 1 };
	static u8 buf[4];
	u8 *volatile p = buf;
	volatile u64 n = 2;
	volatile u8 v = 0;

	check_rc("set_iopl", physdev_op(PHYSDEVOP_set_iopl, &io), 0);
	check(!FAULTS(__asm__ volatile("cli; sti")), "cli and sti with IOPL");
	if (!privileged) {
		/* #GP, or as if nothing answered: both are in use. */
		report(FAULTS(__asm__ volatile("inb $0x71, %%al"
					       : "=a"(v))) ||
			       v == 0xff,
		       "no ports for an ordinary domain", "%x", v);
		(void)FAULTS(__asm__ volatile("outw %%ax, %%dx" ::"a"(0), "d"(0xcf8)));
	} else {
		check(!FAULTS(__asm__ volatile("outb %%al, $0x70; inb $0x71, %%al"
					       : "=a"(v)
					       : "a"(0xa))),
		      "in and out");
		check(!FAULTS(__asm__ volatile("outb %%al, %%dx; inb %%dx, %%al"
					       : "+a"(v)
					       : "d"(0x80))),
		      "in and out by DX");
		check(!FAULTS(__asm__ volatile("inl %%dx, %%eax" : "=a"(v) : "d"(0xcf8))), "inl");
		check(!FAULTS(__asm__ volatile("inw %%dx, %%ax" : "=a"(v) : "d"(0x1f0))), "inw");
		if (FAULTS(__asm__ volatile("rep insb" : "+D"(p), "+c"(n) : "d"(0x71) : "memory")))
			report(false, "rep insb", "fault %lu", this_cpu()->last.vec);
		else
			report(p == buf + 2 && !n, "rep insb", "%lu left", n);
		p = buf;
		check(!FAULTS(__asm__ volatile("outsb"
					       : "+S"(p)
					       : "d"(0x80))) &&
			      p == buf + 1,
		      "outsb");
	}
	io.iopl = 0;
	check_rc("set_iopl 0", physdev_op(PHYSDEVOP_set_iopl, &io), 0);
}

static void others(void)
{
	u32 r[4], lo, hi;
	u64 t;

	check(!FAULTS(__asm__ volatile("wbinvd")), "wbinvd");
	t = rdtsc();
	check(rdtsc() > t, "rdtsc");
	cpuid_pv(1, 0, r);
	if (r[2] >> 27 & 1) {
		__asm__ volatile("mov %%cr4, %0" : "=r"(t));
		check(!FAULTS(__asm__ volatile("mov %0, %%cr4" ::"r"(t | 1 << 18))), "CR4.OSXSAVE");
		__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
		report(lo & 1, "xgetbv", "%x", lo);
		check(!FAULTS(__asm__ volatile("xsetbv" ::"a"(lo), "d"(hi), "c"(0))),
		      "xsetbv the same");
		check(!FAULTS(__asm__ volatile("xsetbv" ::"a"(1), "d"(0), "c"(0))),
		      "xsetbv x87 only");
		__asm__ volatile("xgetbv" : "=a"(lo) : "c"(0) : "rdx");
		report(lo == 1, "xgetbv sees it", "%x", lo);
		__asm__ volatile("xsetbv" ::"a"(3), "d"(0), "c"(0));
		expect_fault("xsetbv without x87", 13, 0,
			     __asm__ volatile("xsetbv" ::"a"(2), "d"(0), "c"(0)));
		expect_fault("xsetbv of another register", 13, 0,
			     __asm__ volatile("xsetbv" ::"a"(3), "d"(0), "c"(1)));
	} else {
		skip("xsetbv", "no XSAVE");
	}
	expect_fault("invlpg", 13, 0, __asm__ volatile("invlpg (%0)" ::"r"(window)));
	expect_fault("swapgs", 13, 0, __asm__ volatile("swapgs"));
	expect_fault("lgdt", 13, 0, __asm__ volatile("lgdt (%0)" ::"r"(window)));
	expect_fault("rdpmc", 13, 0, __asm__ volatile("rdpmc" ::"c"(0) : "rax", "rdx"));
}

void test_privileged(void)
{
	cpuids();
	msrs();
	fsgsbase();
	control_registers();
	ports();
	others();
}
