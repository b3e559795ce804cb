/* SPDX-License-Identifier: MIT */
/* Honest: descriptor tables. */
#include "honest.h"

#define DATA_DESC 0x00cff3000000ffffUL /* flat, writable, level 3 */
#define DATA_LEVEL0 0x00cf93000000ffffUL
#define ABSENT_DESC 0x00cf73000000ffffUL
#define SMALL_DESC 0x0040f30000000fffUL /* 4 KiB from 0 */

static bool load_es(u16 sel)
{
	bool faulted = FAULTS(__asm__ volatile("mov %0, %%es" ::"r"((u32)sel)));

	__asm__ volatile("mov %0, %%es" ::"r"(0));
	return faulted;
}

void test_descriptors(void)
{
	u64 *gdt = page_alloc(), *ldt = page_alloc(), frame = mfn_of(gdt);
	u32 access = 0;

	gdt[1] = DATA_DESC;
	gdt[2] = ABSENT_DESC;
	check(make_ro(gdt) == 0, "a GDT page is made read-only");
	check_rc("set_gdt", HC(set_gdt, &frame, 512, 0, 0), 0);
	check(!load_es(0x0b), "a selector of the new GDT");
	fault_was("#NP of an absent one", load_es(0x13), 11, 0x10);
	fault_was("#GP beyond its end", load_es(0x3003), 13, 0x3000);
	check(!load_es(FLAT_RING3_DS32), "the hypervisor's flat selectors");
	check_rc("update_descriptor", HC(update_descriptor, ma_of(gdt) + 24, DATA_DESC, 0, 0), 0);
	check(gdt[3] == DATA_DESC, "it is written");
	check(!load_es(0x1b), "and works");
	check_rc("update_descriptor of level 0",
		 HC(update_descriptor, ma_of(gdt) + 32, DATA_LEVEL0, 0, 0), 0);
	__asm__ volatile("lar %1, %0" : "+r"(access) : "r"(0x23));
	report((access & 0x6000) == 0x6000, "its level is raised to 3", "%x, entry %lx", access,
	       gdt[4]);
	check(make_rw(gdt) < 0, "a GDT in use stays read-only");
	__asm__ volatile("mov %0, %%ds" ::"r"(0x0b));
	sched_op(SCHEDOP_yield, NULL);
	{
		u16 ds;

		__asm__ volatile("mov %%ds, %0" : "=r"(ds));
		report(ds == 0x0b, "DS over a yield", "%x", ds);
		__asm__ volatile("mov %0, %%ds" ::"r"(0));
	}

	ldt[0] = DATA_DESC;
	ldt[1] = SMALL_DESC;
	check_rc("an LDT page is made read-only", make_ro(ldt), 0);
	check_rc("SET_LDT", mmuext(MMUEXT_SET_LDT, A(ldt), 512), 0);
	check(!load_es(0x07), "a selector of the LDT");
	check(!load_es(0x0f), "another");
	check_rc("update_descriptor in the LDT",
		 HC(update_descriptor, ma_of(ldt) + 16, DATA_DESC, 0, 0), 0);
	check(!load_es(0x17), "it works too");
	check_rc("SET_LDT none", mmuext(MMUEXT_SET_LDT, 0, 0), 0);
	fault_was("no LDT any more", load_es(0x07), 13, 0x04);
	check_rc("LDT page writable again", make_rw(ldt), 0);
	check_rc("set_gdt of none", HC(set_gdt, &frame, 0, 0, 0), 0);
	check_rc("GDT page writable again", make_rw(gdt), 0);
	page_free(gdt), page_free(ldt);
}
