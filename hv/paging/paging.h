/* SPDX-License-Identifier: MIT */
/* Page tables: entries, and what direct paging offers to the floors above. */
#ifndef PAGING_PAGING_H
#define PAGING_PAGING_H

#include "core/domain.h"
#include "mm/page.h"
#include "x86/iomem.h"

#define PTE_P BIT(0)
#define PTE_RW BIT(1)
#define PTE_US BIT(2)
#define PTE_PWT BIT(3)
#define PTE_PCD BIT(4)
#define PTE_A BIT(5)
#define PTE_D BIT(6)
#define PTE_PSE BIT(7) /* PAT in an L1 entry */
#define PTE_G BIT(8)
#define PTE_AVAIL (7UL << 9)
#define PTE_NX BIT(63)
#define PTE_ADDR 0x000ffffffffff000UL

/*
 * A processor with L1TF lets ring 3 read by an entry that is not present what it names, if that is cached: all address
 * bits there are; 0: it has not, or nothing is done about it. (x86/features.c) [I after boot]
 */
extern u64 l1tf_bits;
/* May an entry, not present, for that reason not be a guest's? */
static inline bool names_memory(u64 e)
{
	u64 maddr = e & PTE_ADDR & l1tf_bits;

	return maddr && maddr < max_mfn << PAGE_SHIFT;
}

static inline u64 pte_mfn(u64 pte)
{
	return (pte & PTE_ADDR) >> PAGE_SHIFT;
}
static inline unsigned pt_index(u64 va, unsigned level) /* level 1-4 */
{
	return va >> (12 + 9 * (level - 1)) & 511;
}

/*
 * Fill slots 256-271 of a guest's L4, all of whose own entries are valid; make its restricted root
 * where there are such. 0, or -ENOMEM: drop_guest_l4() it too.
 */
int init_guest_l4(u64 *l4);
/*
 * The L4 is one no longer: clear what init_guest_l4() filled, free the restricted root. No
 * processor is on it.
 */
void drop_guest_l4(u64 *l4);
/* Entry i, of the guest's own, of a complete L4 has changed. */
void l4_entry_changed(const u64 *l4, unsigned i);

/*
 * Make `mfn` the kernel or user root of v: takes a typed reference on the new, loads its CR3 values, into the processor
 * too if v runs here, and then drops the old one, perhaps by parts (drop_pending()). mfn 0: no user root. Caller: v itself,
 * in its kernel mode, or whoever holds it descheduled. 0, -EINVAL, -ERESTART.
 */
int set_guest_table(struct vcpu *v, u64 mfn);
int set_user_table(struct vcpu *v, u64 mfn);
/* Drop both (death, VCPU reset). 0, -ERESTART. */
int drop_guest_tables(struct vcpu *v);

/*
 * Take / drop the references a GDT makes: frames[] of n frames. All or nothing. (pv/descriptor.c
 * uses them)
 */
int set_gdt_frames(struct vcpu *v, const u64 *frames, unsigned entries);
void drop_gdt_frames(struct vcpu *v);
/* MMUEXT_SET_LDT. (base is a guest virtual address) */
int set_ldt(struct vcpu *v, u64 base, u32 entries);
void drop_ldt(struct vcpu *v);
/*
 * May a guest have this segment descriptor? true: it was made safe in place (ring 3, accessed).
 * Pure.
 */
static inline bool check_descriptor(u64 *desc)
{
	const u64 accessed = BIT(40), s = BIT(44), dpl = 3UL << 45, p = BIT(47);

	if (!(*desc & p))
		return true; /* cannot be loaded */
	if (!(*desc & s))
		return false;    /* gates, LDT and TSS are ours alone */
	*desc |= dpl | accessed; /* so that the processor never has to write into the page */
	return true;
}
/*
 * Called when v's GDT or LDT frames changed and v runs here: rewrite its processor's window. (x86/)
 */
void load_descriptor_window(struct vcpu *v);

/*
 * Make a frame of d a table (PGT_l1_table - PGT_l4_table) for as long as it is pinned, in the name
 * of v (NULL: the domain builder, which is never preempted). 0, -EINVAL, -ERESTART: call again.
 */
int pin_page_table(struct vcpu *v, struct domain *d, u64 mfn, u64 type);
/* 0, -EINVAL: not d's, or not pinned; -ERESTART: call drop_pending(), then it is done. */
int unpin_page_table(struct vcpu *v, struct domain *d, u64 mfn);
/* d is dying and its vCPUs hold no tables any more: give back every pin. 0, -ERESTART. */
int relinquish_page_tables(struct domain *d);

/*
 * v's kernel faulted on writing to va, which a present entry maps: if that is a validated L1 table
 * of its own, do what the instruction at its RIP would. true: done, RIP advanced; false: nothing
 * has changed. The first knows the most common instructions alone; where the second refuses, the
 * fault is the guest's. Either may fault itself, which changes CR2. regs: those in this processor's
 * struct cpu_info.
 */
bool ptwr_move(struct vcpu *v, u64 va, cpu_user_regs_t *regs);
bool ptwr_emulate(struct vcpu *v, u64 va, cpu_user_regs_t *regs);

/* Walk v's current tables (kernel root or, in user mode, user root) for va: the L1 entry, or 0. */
u64 guest_walk_l1e(struct vcpu *v, u64 va);

#endif
