/* SPDX-License-Identifier: MIT */
/*
 * Calls that would take long: what they are about is dear at each entry. tests/guests/longest-run
 * counts how long the hypervisor goes on without giving way.
 */
#include "attack.h"

#define N 512

static u64 *table; /* an L1 of N frames, from the end of our memory, which nothing maps */

static u64 frame(unsigned i)
{
	return ((const volatile u64 *)si->mfn_list)[si->nr_pages - 1 - i];
}

/* Frames whose last type is L1, so that each must be flushed before something maps it writable. */
static void were_tables(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++) {
		long rc = mmuext(MMUEXT_PIN_L1_TABLE, frame(i), 0);

		if (rc || mmuext(MMUEXT_UNPIN_TABLE, frame(i), 0))
			die("frame %u from the end is no empty one: %ld", i, rc);
	}
}

/* The table anew, of N frames; not in use as one. */
static void fill(unsigned first)
{
	make_rw(table);
	for (unsigned i = 0; i < N; i++)
		table[i] = frame(first + i) << 12 | PTE_KERN;
	make_ro(table);
}

static void dear_table(void)
{
	were_tables(0, N);
	fill(0);
	check_rc("pin", mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0), 0);
	check_rc("unpin", mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table), 0), 0);
	were_tables(0, N);
	make_rw(table);
	table[N - 1] = foreign_mfn() << 12 | PTE_KERN;
	make_ro(table);
	check_rc("pin with a bad last entry", mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0),
		 -XEN_EINVAL);
}

static void dear_vcpu(void)
{
	static struct vcpu_guest_context ctx;
	u64 *l2 = page_alloc(), *l3 = page_alloc(), *l4 = page_alloc();
	const u32 id = GUEST_CPUS; /* is never started */

	if (vcpu_op(VCPUOP_is_up, id, NULL) < 0) {
		skip("a vCPU that is dear to start", "no vCPU for it");
		return;
	}
	were_tables(0, N);
	fill(0);
	l2[0] = mfn_of(table) << 12 | PTE_KERN;
	l3[0] = mfn_of(l2) << 12 | PTE_KERN;
	l4[0] = mfn_of(l3) << 12 | PTE_KERN;
	make_ro(l2), make_ro(l3), make_ro(l4);
	ctx.ctrlreg[3] = xen_pfn_to_cr3(mfn_of(l4));
	for (unsigned i = 0; i < 14; i++) { /* descriptors that all have to be mended */
		u64 *gdt = page_alloc();

		for (unsigned k = 0; k < N; k++)
			gdt[k] = 0x00af9a000000ffff;
		make_ro(gdt);
		ctx.gdt_frames[i] = mfn_of(gdt);
	}
	ctx.gdt_ents = 14 * 512;
	ctx.user_regs.rip = ctx.event_callback_eip = A(dear_vcpu);
	ctx.failsafe_callback_eip = ctx.syscall_callback_eip = A(dear_vcpu);
	check_rc("initialise", vcpu_op(VCPUOP_initialise, id, &ctx), 0);
	table = page_alloc(); /* that one is in use from now on */
}

/* What a table maps and we gave up is freed when the entry goes. */
static void dear_free(unsigned first, bool by_updates)
{
	static struct mmu_update u[N];
	static u64 frames[N];
	struct xen_memory_reservation r = { .extent_start = frames,
					    .nr_extents = N,
					    .domid = DOMID_SELF };

	fill(first);
	for (unsigned i = 0; i < N; i++) {
		frames[i] = frame(first + i);
		u[i].ptr = (mfn_of(table) << 12) + i * sizeof(u64);
	}
	check_rc("pin", mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0), 0);
	check_rc("give up", memory_op(XENMEM_decrease_reservation, &r), N);
	if (by_updates)
		check_rc("clear", HC(mmu_update, u, N, 0, DOMID_SELF), 0);
	check_rc("unpin", mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table), 0), 0);
}

static void dear_tables(void)
{
	table = page_alloc();
	dear_table();
	dear_vcpu();
	dear_free(N, false);
	dear_free(2 * N, true);
}

const struct attack long_attacks[] = {
	{ "dear-tables", dear_tables },
	{ 0 },
};
