/* SPDX-License-Identifier: MIT */
/*
 * What one of everything costs: a guest that does nothing but make a call, or take a trap, many times over and
 * read the TSC before and after. Where the TSC counts instructions (see run) the figures are exact: what the
 * machine executes for one operation, this loop's own share (row "loop") taken away.
 * Prints "BENCH <row> <hundredths of a count> [<operations a run>]". As an ordinary domain, which `pavise bench`
 * makes, it can't make others: what needs them it names as "BENCH-LEFT-OUT <row>".
 */
#include <xen/sysctl.h>

#include "guest.h"

#define RUNS 3

void ud_entry(void), fault_entry(void), user_fault_entry(void), upcall_entry(void),
	quick_syscall(void);
void user_loop(u64 n);
extern u8 user_begin[], user_end[], faulter_begin[], faulter_end[];
extern volatile struct shared_info *bench_shared;
void fix_fault(void);

static u8 page[4096] __attribute__((section(".bss.page"), aligned(4096)));
static u8 other_page[4096] __attribute__((section(".bss.page"), aligned(4096)));
static u64 entry_at, entry_val, *entry; /* of `page`: machine address, value, place */
static u32 port;
static u16 me;

static u64 loop_cost;

/* ---- rows ---- */
static void loop(u64 n)
{
	while (n--)
		barrier();
}

static void null_call(u64 n)
{
	while (n--)
		version_op(XENVER_version, NULL);
}

static void refused(u64 n)
{
	while (n--)
		sched_op(99, NULL);
}

static void copy16(u64 n)
{
	static xen_extraversion_t text;

	while (n--)
		version_op(XENVER_extraversion, &text);
}

static void multicall16(u64 n)
{
	static struct multicall_entry list[16];

	for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
		list[i].op = __HYPERVISOR_xen_version;
	while (n--)
		HC(multicall, list, ARRAY_SIZE(list), 0, 0);
}

static void mmu_update_flags(u64 n)
{
	while (n--)
		mmu_update1(entry_at, entry_val ^ (n & 1) << 5, DOMID_SELF);
}

static void mmu_update_32(u64 n)
{
	static struct mmu_update list[32];

	for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
		list[i] = (struct mmu_update){ entry_at, entry_val ^ (u64)(i & 1) << 5 };
	while (n--)
		HC(mmu_update, list, ARRAY_SIZE(list), 0, DOMID_SELF);
}

static void unmap_map(u64 n)
{
	while (n--) {
		mmu_update1(entry_at, 0, DOMID_SELF);
		mmu_update1(entry_at, entry_val, DOMID_SELF);
	}
}

static void va_mapping(u64 n)
{
	while (n--)
		HC(update_va_mapping, page, entry_val ^ (n & 1) << 5, UVMF_INVLPG, 0);
}

static void pte_write(u64 n)
{
	while (n--)
		*(volatile u64 *)entry = entry_val ^ (n & 1) << 5;
}

static void tlb_flush(u64 n)
{
	while (n--)
		mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
}

static void invlpg(u64 n)
{
	while (n--)
		mmuext(MMUEXT_INVLPG_LOCAL, A(page), 0);
}

static void new_root(u64 n)
{
	u64 mfn = mfn_of((void *)si->pt_base);

	while (n--)
		mmuext(MMUEXT_NEW_BASEPTR, mfn, 0);
}

static void unpin_pin(u64 n)
{
	while (n--) {
		mmuext(MMUEXT_UNPIN_TABLE, user_l4_mfn, 0);
		mmuext(MMUEXT_PIN_L4_TABLE, user_l4_mfn, 0);
	}
}

/* A root that nothing else holds, with eight L1 below it: all of it validated and undone each time. */
#define FRESH_L1 8
static u64 *fresh[3 + FRESH_L1]; /* L4, L3, L2, L1s */

static void pin_fresh(u64 n)
{
	u64 root = mfn_of(fresh[0]);

	while (n--) {
		if (mmuext(MMUEXT_PIN_L4_TABLE, root, 0) || mmuext(MMUEXT_UNPIN_TABLE, root, 0))
			die("pin of a fresh table");
	}
}

static void segment_base(u64 n)
{
	while (n--)
		HC(set_segment_base, SEGBASE_FS, 4096 + n, 0, 0);
}

static void stack_switch(u64 n)
{
	while (n--)
		HC(stack_switch, FLAT_KERNEL_SS, stacks + GUEST_STACK / 2, 0, 0);
}

static void fpu_pair(u64 n)
{
	while (n--) {
		HC(fpu_taskswitch, 1, 0, 0, 0);
		HC(fpu_taskswitch, 0, 0, 0, 0);
	}
}

static void set_timer(u64 n)
{
	while (n--)
		HC(set_timer_op, 1UL << 62, 0, 0, 0);
}

static void yield(u64 n)
{
	while (n--)
		sched_op(SCHEDOP_yield, NULL);
}

static void undefined(u64 n)
{
	while (n--)
		__asm__ volatile("ud2" ::: "memory");
}

void fix_fault(void)
{
	HC(update_va_mapping, page, entry_val, UVMF_INVLPG, 0);
}

static void page_fault(u64 n)
{
	while (n--) {
		HC(update_va_mapping, page, 0, UVMF_INVLPG, 0);
		*(volatile u8 *)page = 1;
	}
}

static void forced_cpuid(u64 n)
{
	u32 r[4];

	while (n--)
		cpuid_pv(1, 0, r);
}

static void read_cr0(u64 n)
{
	u64 v;

	while (n--)
		__asm__ volatile("mov %%cr0, %0" : "=r"(v));
}

static void send(u64 n)
{
	struct evtchn_send s = { port };

	while (n--) {
		evtchn_op(EVTCHNOP_send, &s);
		sh->evtchn_pending[0] = 0;
		sh->vcpu_info[0].evtchn_pending_sel = 0;
	}
}

static void send_upcall(u64 n)
{
	struct evtchn_send s = { port };

	while (n--)
		evtchn_op(EVTCHNOP_send, &s);
}

static void user_syscall(u64 n)
{
	user_loop(n);
}

static void grant_map(u64 n)
{
	while (n--) {
		struct gnttab_map_grant_ref m = {
			.host_addr = A(other_page), .flags = GNTMAP_host_map, .ref = 8, .dom = me
		};
		struct gnttab_unmap_grant_ref u = { .host_addr = A(other_page) };

		gnttab_op(GNTTABOP_map_grant_ref, &m, 1);
		if (m.status)
			die("grant map: %d", m.status);
		u.handle = m.handle;
		gnttab_op(GNTTABOP_unmap_grant_ref, &u, 1);
	}
}

static void grant_copy(u64 n)
{
	static u8 target[4096] __attribute__((section(".bss.page"), aligned(4096)));
	struct gnttab_copy c = { .source = { .u.ref = 8, .domid = me },
				 .dest = { .u.gmfn = mfn_of(target), .domid = DOMID_SELF },
				 .len = 4096,
				 .flags = GNTCOPY_source_gref };

	while (n--) {
		gnttab_op(GNTTABOP_copy, &c, 1);
		if (c.status)
			die("grant copy: %d", c.status);
	}
}

/* ---- the runner ---- */

/* For plugins/events.c. */
static void mark(void)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x24, 0x76, 0x65, 0x6e, 0x74");
}

/* What who serves our console sends would be looked at by each way out; one left halfway would not be sent again. */
static void nothing_pending(void)
{
	for (unsigned i = 0; i < 64; i++)
		sh->evtchn_pending[i] = 0;
	sh->vcpu_info[0].evtchn_pending_sel = 0;
	sh->vcpu_info[0].evtchn_upcall_pending = 0;
}

/* The best of some runs, after one that warms up. Hundredths of a count for one operation. */
static void measure(const char *row, u64 n, void (*fn)(u64))
{
	u64 best = ~0UL;

	fn(n / 10 + 1);
	for (unsigned i = 0; i < RUNS; i++) {
		u64 t;

		nothing_pending();
		mark();
		t = rdtsc();
		fn(n);
		t = (rdtsc() - t) * 100 / n;
		mark();
		if (t < best)
			best = t;
	}
	if (!loop_cost)
		loop_cost = best;
	else
		best -= best < loop_cost ? best : loop_cost;
	say("BENCH %s %lu %lu", row, best, n);
}

/* Every n-th entry of each L1 is present. */
static void measure_fresh(const char *row, unsigned every)
{
	for (unsigned i = 0; i < ARRAY_SIZE(fresh); i++)
		fresh[i] = fresh[i] ?: page_alloc();
	fresh[0][0] = mfn_of(fresh[1]) << 12 | PTE_KERN;
	fresh[1][0] = mfn_of(fresh[2]) << 12 | PTE_KERN;
	for (unsigned i = 0; i < FRESH_L1; i++) {
		fresh[2][i] = mfn_of(fresh[3 + i]) << 12 | PTE_KERN;
		for (unsigned j = 0; j < 512; j++)
			fresh[3 + i][j] = j % every ? 0 : mfn_of(page) << 12 | PTE_KERN;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(fresh); i++)
		make_ro(fresh[i]);
	measure(row, 20, pin_fresh);
	for (unsigned i = 0; i < ARRAY_SIZE(fresh); i++)
		make_rw(fresh[i]);
}

static void own_entries(void)
{
	trap_table[0] =
		(struct trap_info){ .vector = 6, .cs = FLAT_KERNEL_CS, .address = A(ud_entry) };
	trap_table[1] =
		(struct trap_info){ .vector = 14, .cs = FLAT_KERNEL_CS, .address = A(fault_entry) };
	trap_table[2] = (struct trap_info){ .address = 0 };
	if (HC(set_trap_table, trap_table, 0, 0, 0) ||
	    HC(set_callbacks, upcall_entry, failsafe_entry, quick_syscall, 0))
		die("traps");
	bench_shared = sh;
}

static void events(void)
{
	port = loop_ports(&(u32){ 0 });
	if (!port)
		die("no ports");
	measure("event_send_masked", 1000, send);
	for (unsigned i = 0; i < 64; i++)
		sh->evtchn_mask[i] = 0;
	sh->vcpu_info[0].evtchn_upcall_pending = 0;
	events_on();
	measure("event_send_upcall", 1000, send_upcall);
	events_off();
}

static void memory(void)
{
	entry = pte_of(page);
	entry_at = ma_of(entry);
	entry_val = *entry | PTE_A | PTE_D;
	measure("mmu_update_1", 1000, mmu_update_flags);
	measure("mmu_update_32", 100, mmu_update_32);
	measure("unmap_map", 1000, unmap_map);
	measure("update_va_mapping", 1000, va_mapping);
	measure("pte_write_emulated", 500, pte_write);
	measure("tlb_flush", 1000, tlb_flush);
	measure("invlpg", 1000, invlpg);
	measure("new_root", 1000, new_root);
	measure("page_fault_fix", 500, page_fault);
}

/* A handler such as stock kernels have: it masks events. */
static void user_faults(void)
{
	trap_table[0] = (struct trap_info){
		.vector = 14, .flags = 4, .cs = FLAT_KERNEL_CS, .address = A(user_fault_entry)
	};
	trap_table[1] = (struct trap_info){ .address = 0 };
	if (HC(set_trap_table, trap_table, 0, 0, 0))
		die("traps");
	user_load(faulter_begin, faulter_end);
	measure("user_fault_iret", 1000, user_syscall);
}

/* ---- when there are many ---- */

static volatile bool yielding;

static void yield_back(void)
{
	while (yielding)
		sched_op(SCHEDOP_yield, NULL);
}

/* Both vCPUs yield in turn: two calls and two switches an operation. */
static void measure_switch(const char *row)
{
	yielding = true;
	if (cpu_start(1, yield_back) || !cpu_wait(1, 1, 1000 * MS))
		die("no second vCPU");
	measure(row, 500, yield);
	yielding = false;
	if (!cpu_wait(1, 2, 1000 * MS))
		die("it does not end");
}

static u64 free_pages(void)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo,
				 .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

	return HC(sysctl, &op, 0, 0, 0) ? 0 : op.u.physinfo.free_pages;
}

/* A domain with a vCPU, which never runs. */
static bool one_more(void)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_createdomain,
				 .interface_version = XEN_DOMCTL_INTERFACE_VERSION };

	op.u.createdomain.max_vcpus = op.u.createdomain.grant_opts = 1;
	op.u.createdomain.max_evtchn_port = 127;
	op.u.createdomain.max_grant_frames = 4;
	if (HC(domctl, &op, 0, 0, 0))
		return false;
	op.cmd = XEN_DOMCTL_max_vcpus;
	op.u.max_vcpus.max = 1;
	return !HC(domctl, &op, 0, 0, 0);
}

/* A switch, an event and a timer while n domains exist; and what memory one takes. */
static void among(unsigned n)
{
	static unsigned there;
	char row[32];
	u64 before = free_pages();
	unsigned more = n - there;

	for (; there < n; there++)
		if (!one_more())
			die("domain %u is refused", there);
	format(row, sizeof(row), "switch_twice_of_%u", n);
	measure_switch(row);
	events_on();
	format(row, sizeof(row), "event_of_%u", n);
	measure(row, 1000, send_upcall);
	events_off();
	format(row, sizeof(row), "timer_of_%u", n);
	measure(row, 1000, set_timer);
	say("BENCH domain_bytes_of_%u %lu", n, (before - free_pages()) * PAGE * 100 / more);
}

static void left_out(unsigned n)
{
	static const char *const rows[] = { "switch_twice", "event", "timer", "domain_bytes" };

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		say("BENCH-LEFT-OUT %s_of_%u", rows[i], n);
}

void test_main(void)
{
	own_entries();
	measure("loop", 10000, loop);
	measure("null_call", 2000, null_call);
	measure("call_refused", 2000, refused);
	measure("call_copy16", 2000, copy16);
	measure("multicall_16", 300, multicall16);
	memory();
	measure("segment_base", 1000, segment_base);
	measure("stack_switch", 1000, stack_switch);
	measure("fpu_ts_pair", 1000, fpu_pair);
	measure("set_timer", 1000, set_timer);
	measure("yield", 1000, yield);
	measure("ud_and_iret", 1000, undefined);
	measure("cpuid_forced", 500, forced_cpuid);
	measure("read_cr0", 500, read_cr0);
	events();
	user_setup();
	user_load(user_begin, user_end);
	measure("user_syscall_iret", 1000, user_syscall);
	user_faults();
	measure("unpin_pin_root", 200, unpin_pin);
	measure_fresh("pin_unpin_8_sparse", 64);
	measure_fresh("pin_unpin_8_full", 1);
	if (grants_init())
		die("no grant table");
	me = own_domid();
	grant_page(8, me, page, false);
	measure("grant_map_unmap", 500, grant_map);
	measure("grant_copy_4k", 500, grant_copy);
	if (!have_cpu(1))
		return;
	if (!privileged)
		measure_switch("switch_twice");
	for (unsigned n = 10; n <= 1000; n *= 10)
		(privileged ? among : left_out)(n);
}
