/* SPDX-License-Identifier: MIT */
/*
 * What a processor holds of one vCPU must not be there for the next: several domains on one
 * processor, each vCPU with values of its own in everything that is switched with it, looked at after
 * each time the processor was given away. Argument: self= (domain number).
 */
#include "attack.h"

#define HOW_LONG (1500 * MS)
#define WATCHED 0x70001 /* DR7: breakpoint 0 on reads and writes of two bytes */

static volatile u16 watched[GUEST_CPUS * 32]; /* at the same addresses in every domain */
static volatile unsigned wrong;

static void set_fpu(u64 v)
{
	u32 mxcsr = 0x1f80 | (v & 3) << 13;
	u16 cw = 0x33f | (v & 3) << 10;

	__asm__ volatile("movq %0, %%xmm0; movq %0, %%xmm15; ldmxcsr %1; fldcw %2" ::"r"(v),
			 "m"(mxcsr), "m"(cw));
}

static bool fpu_is(u64 v)
{
	u64 lo, hi;
	u32 mxcsr;
	u16 cw;

	__asm__ volatile("movq %%xmm0, %0; movq %%xmm15, %1; stmxcsr %2; fnstcw %3"
			 : "=r"(lo), "=r"(hi), "=m"(mxcsr), "=m"(cw));
	return lo == v && hi == v && (mxcsr >> 13 & 3) == (v & 3) && (cw >> 10 & 3) == (v & 3);
}

static u32 xcr0(void)
{
	u32 lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo;
}

static bool has(u32 leaf, unsigned reg, unsigned bit)
{
	u32 r[4];

	cpuid_pv(leaf, 0, r);
	return r[reg] >> bit & 1;
}

static u32 tsc_aux(void)
{
	u32 lo, hi, aux;

	__asm__ volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(aux));
	return aux;
}

/* A port that every PC has something at: ones to who may not reach it. */
static bool port_open(void)
{
	u8 v = 0xff;

	(void)FAULTS(__asm__ volatile("inb $0x64, %0" : "=a"(v)));
	return v != 0xff;
}

static void differs(bool is_so, const char *what)
{
	if (is_so)
		return;
	if (!wrong++)
		report(false, "state of a vCPU", "vCPU %u: %s", this_cpu()->id, what);
}

static void hold_state(void)
{
	u32 id = this_cpu()->id, v = (u32)arg_num("self", 1) * 16 + id;
	const bool odd = v & 1, xsave = has(1, 2, 27), rdtscp = has(0x80000001, 3, 27);
	u64 *ldt = page_alloc(), end = now() + HOW_LONG;

	events_off();
	physdev_op(PHYSDEVOP_set_iopl, &(struct physdev_set_iopl){ 1 });
	ldt[1] = 0x00cff3000000ffff;
	make_ro(ldt);
	HC(set_debugreg, 0, &watched[id * 32], 0, 0);
	HC(set_debugreg, 7, odd ? WATCHED : 0, 0, 0);
	mmuext(MMUEXT_SET_LDT, odd ? A(ldt) : 0, odd ? 512 : 0);
	if (xsave)
		__asm__ volatile("xsetbv" ::"a"(odd ? 3 : 1), "d"(0), "c"(0));
	if (rdtscp)
		wrmsr(0xc0000103, v);
	HC(set_segment_base, SEGBASE_FS, 0x1000 * v, 0, 0);
	HC(set_segment_base, SEGBASE_GS_USER, 0x100000 * v, 0, 0);
	set_fpu(v);
	for (unsigned i = 0; now() < end && !wrong; i++) {
		if (i % 4)
			sched_op(SCHEDOP_yield, NULL);
		else
			sched_op(SCHEDOP_poll, &(struct sched_poll){ .timeout = now() + 50000 });
		differs(fpu_is(v), "floating point");
		differs(FAULTS(watched[id * 32] = 1) == odd, "breakpoint");
		differs(FAULTS(__asm__ volatile("mov %0, %%es" ::"r"(0xf))) == !odd, "LDT");
		differs(!xsave || xcr0() == (odd ? 3 : 1), "XCR0");
		differs(!rdtscp || tsc_aux() == v, "TSC_AUX");
		differs(rdmsr(0xc0000100) == 0x1000 * v, "FS base");
		differs(rdmsr(0xc0000102) == 0x100000 * v, "user GS base");
		differs(port_open() == privileged, "I/O bitmap");
	}
	__asm__ volatile("mov %0, %%es" ::"r"(0));
}

void state_main(void)
{
	u64 end = now() + HOW_LONG + 20000 * MS;
	u32 n = 0;

	for (u32 id = 1; id < GUEST_CPUS && have_cpu(id); id++, n++)
		check_rc("a vCPU with state", cpu_start(id, hold_state), 0);
	hold_state();
	for (u32 id = 1; id <= n; id++)
		check(cpu_wait(id, 2, 20000 * MS), "it ran to the end");
	while (privileged && now() < end) /* the others end first, beside one that never waits */
		sched_op(SCHEDOP_yield, NULL);
	report(!wrong, "state of vCPUs", "%u vCPUs, %u differences", n + 1, wrong);
}
