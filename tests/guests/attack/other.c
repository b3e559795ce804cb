/* SPDX-License-Identifier: MIT */
/* Attacks on calls: batches, ranges, events, the console; and those that may end the domain. */
#include "attack.h"

static void multicalls(void)
{
	static struct multicall_entry e[256];

	e[0].op = __HYPERVISOR_multicall;
	e[0].args[0] = A(e), e[0].args[1] = 1;
	HC(multicall, e, 1, 0, 0);
	report((long)e[0].result < 0, "a multicall in a multicall", "%ld", (long)e[0].result);
	for (unsigned i = 0; i < 256; i++)
		e[i].op = __HYPERVISOR_sched_op, e[i].args[0] = SCHEDOP_yield, e[i].args[1] = 0;
	check_rc("256 yields", HC(multicall, e, 256, 0, 0), 0);
	for (unsigned i = 0; i < 256; i++)
		e[i].op = __HYPERVISOR_xen_version | (u64)i << 32; /* upper halves */
	HC(multicall, e, 256, 0, 0);
	report(true, "upper halves of numbers", "%ld", (long)e[1].result);
	/* The list over the hypervisor's border, and over its own results. */
	report(HC(multicall, 0xffff7ffffffffff0, 2, 0, 0) < 0, "a list into the hypervisor",
	       "refused");
	report(HC(multicall, ~0UL - 16, 1000, 0, 0) < 0, "a list that wraps", "refused");
}

/*
 * The longest lists there are: each must come back, with the rest of the machine alive meanwhile.
 */
static void batches(void)
{
	static struct mmu_update u[4096];
	static struct mmuext_op x[1024];
	static u64 pfns[2048];
	struct xen_memory_reservation r = { .extent_start = pfns,
					    .nr_extents = 2048,
					    .domid = DOMID_SELF };
	u8 *page = page_alloc();
	u64 t = now();
	u32 done = 0;
	long rc;

	for (unsigned i = 0; i < ARRAY_SIZE(u); i++) {
		u[i].ptr = ma_of(pte_of(page));
		u[i].val = mfn_of(page) << 12 | (i & 1 ? PTE_KERN : PTE_RO);
	}
	check_rc("4096 updates", HC(mmu_update, u, ARRAY_SIZE(u), &done, DOMID_SELF), 0);
	report(done == ARRAY_SIZE(u), "all done", "%u", done);
	for (unsigned i = 0; i < ARRAY_SIZE(x); i++)
		x[i].cmd = MMUEXT_TLB_FLUSH_ALL;
	check_rc("1024 flushes", HC(mmuext_op, x, ARRAY_SIZE(x), &done, DOMID_SELF), 0);
	rc = memory_op(XENMEM_increase_reservation, &r);
	report(rc >= 0, "2048 pages more", "%ld given", rc);
	r.nr_extents = (u64)rc;
	check_rc("given back", memory_op(XENMEM_decrease_reservation, &r), rc);
	r.nr_extents = 1;
	r.extent_order = 30;
	check_rc("an extent of 2^30 pages", memory_op(XENMEM_increase_reservation, &r), 0);
	r.extent_order = 0;
	r.nr_extents = 1UL << 60;
	rc = memory_op(XENMEM_decrease_reservation, &r);
	report(rc <= 0, "2^60 extents", "%ld", rc);
	report(true, "batches", "%lu ms", (now() - t) / MS);
	page_free(page);
}

static void big_table(void)
{
	u64 *l2 = page_alloc(), *l1[8];

	for (unsigned k = 0; k < 8; k++) {
		l1[k] = page_alloc();
		for (unsigned i = 0; i < 512; i++)
			l1[k][i] = mfn_of(window) << 12 | PTE_RO;
		make_ro(l1[k]);
	}
	for (unsigned i = 0; i < 512; i++)
		l2[i] = mfn_of(l1[i & 7]) << 12 | PTE_KERN;
	make_ro(l2);
	check_rc("pin an L2 of 512 tables", mmuext(MMUEXT_PIN_L2_TABLE, mfn_of(l2), 0), 0);
	check_rc("pin it twice is refused", mmuext(MMUEXT_PIN_L2_TABLE, mfn_of(l2), 0),
		 -XEN_EINVAL);
	check_rc("unpin", mmuext(MMUEXT_UNPIN_TABLE, mfn_of(l2), 0), 0);
	check_rc("unpin twice is refused", mmuext(MMUEXT_UNPIN_TABLE, mfn_of(l2), 0), -XEN_EINVAL);
	check_rc("L2 free", make_rw(l2), 0);
	for (unsigned k = 0; k < 8; k++)
		check_rc("L1 free", make_rw(l1[k]), 0);
}

static void event_abuse(void)
{
	u32 other, ports = 0;
	struct evtchn_alloc_unbound un = { DOMID_SELF, DOMID_SELF, 0 };
	struct evtchn_reset reset = { DOMID_SELF };
	long rc;

	while (!(rc = evtchn_op(EVTCHNOP_alloc_unbound, &un)) && ports < 5000)
		ports++;
	report(rc == -XEN_ENOSPC || ports == 5000, "all ports taken", "%u, rc %ld", ports, rc);
	check_rc("reset of all", evtchn_op(EVTCHNOP_reset, &reset), 0);
	other = 0;
	report(loop_ports(&other) != 0, "ports work again", "%u", other);
	/* Garbage in the shared bits harms only ourselves. */
	for (unsigned i = 0; i < 64; i++)
		sh->evtchn_pending[i] = sh->evtchn_mask[i] = ~0UL;
	this_cpu()->vi->evtchn_pending_sel = ~0UL;
	evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ other });
	for (unsigned i = 0; i < 64; i++)
		sh->evtchn_pending[i] = 0;
	this_cpu()->vi->evtchn_pending_sel = 0;
	this_cpu()->vi->evtchn_upcall_pending = 0;
	evtchn_op(EVTCHNOP_reset, &reset);
}

/* FIFO: the control block is the array, links go in circles, everything is linked to itself. */
static void fifo_abuse(void)
{
	u32 *page = page_alloc(), port, other;
	struct evtchn_init_control in = { .control_gfn = mfn_of(page) };
	struct evtchn_expand_array ex = { .array_gfn = mfn_of(page) };
	struct evtchn_reset reset = { DOMID_SELF };
	long rc = evtchn_op(EVTCHNOP_init_control, &in);

	if (rc) {
		skip("FIFO abuse", "no FIFO");
		return;
	}
	report(true, "the array is the control block", "rc %ld",
	       evtchn_op(EVTCHNOP_expand_array, &ex));
	in.vcpu = 1;
	report(true, "the same page for another vCPU", "rc %ld",
	       evtchn_op(EVTCHNOP_init_control, &in));
	port = loop_ports(&other);
	for (u32 garbage = 0; garbage < 6; garbage++) {
		static const u32 v[] = { 0xffffffff, 0x3fffffff, 0x20000000,
					 0x10000000, 0xb0000001, 0 };

		for (unsigned i = 0; i < 1024; i++)
			page[i] = v[garbage] == 0x20000000 ? v[garbage] | i : v[garbage];
		evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ other });
		evtchn_op(EVTCHNOP_unmask, &(struct evtchn_unmask){ port });
		evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ port });
	}
	this_cpu()->vi->evtchn_upcall_pending = 0;
	check_rc("reset", evtchn_op(EVTCHNOP_reset, &reset), 0);
	check_rc("the page is ours again", make_ro(page), 0);
	make_rw(page);
}

static void console_flood(void)
{
	char line[120];
	u64 t = now();

	mem_fill(line, '#', sizeof(line));
	line[119] = '\n';
	for (unsigned i = 0; i < 300 && now() - t < 3000 * MS; i++)
		HC(console_io, CONSOLEIO_write, sizeof(line), line, 0);
	report(true, "console flood", "%lu ms", (now() - t) / MS);
	mem_fill(line, 0x1b, sizeof(line)); /* control characters, no line end */
	for (unsigned i = 0; i < 20; i++)
		HC(console_io, CONSOLEIO_write, sizeof(line), line, 0);
	HC(console_io, CONSOLEIO_write, 1, "\n", 0);
}

const struct attack other_attacks[] = {
	{ "multicalls", multicalls },
	{ "batches", batches },
	{ "big-table", big_table },
	{ "event-abuse", event_abuse },
	{ "fifo-abuse", fifo_abuse },
	{ "console-flood", console_flood },
	{ 0 },
};

/* ---- alone ---- */
static void iret_to(u64 rip, u16 cs, u64 rsp, u16 ss, u64 flags)
{
	struct iret_context c = { .rip = rip, .cs = cs, .rflags = flags, .rsp = rsp, .ss = ss };

	user_setup();
	if (FAULTS(raw_iret(&c)))
		say("iret: vector %lx error %lx rip %lx", this_cpu()->last.vec,
		    this_cpu()->last.err, this_cpu()->last.rip);
}

static void user_to(u64 rip, u16 cs, u16 ss, u64 flags)
{
	struct frame f = user_frame(false);
	static const u8 code[] = { 0x0f, 0x05, 0xf4 };

	user_load(code, code + 3);
	f.rip = rip, f.cs_mask = cs, f.ss = ss, f.rflags = flags;
	user_run(&f);
	say("user: vector %lx error %lx rip %lx rflags %lx", this_cpu()->last.vec,
	    this_cpu()->last.err, this_cpu()->last.rip, this_cpu()->last.rflags);
}

static void a_rip_kernel(void)
{
	iret_to(1UL << 63, 0xe030, A(stacks) + 8192, FLAT_KERNEL_SS, 0x202);
}
static void a_rip_user(void)
{
	user_to(1UL << 63, FLAT_USER_CS64, FLAT_USER_SS, 0x202);
}
static void a_rip_edge(void)
{
	user_to(0x800000000000, FLAT_USER_CS64, FLAT_USER_SS, 0x202);
}
static void a_rip_hypervisor(void)
{
	iret_to(0xffff810000100000, 0xe030, A(stacks) + 8192, FLAT_KERNEL_SS, 0x202);
}
static void a_cs_hypervisor(void)
{
	user_to(USER_CODE, 0xe008 | 3, FLAT_USER_SS, 0x202);
}
static void a_cs_null(void)
{
	user_to(USER_CODE, 3, FLAT_USER_SS, 0x202);
}
static void a_cs_tss(void)
{
	user_to(USER_CODE, 0xe043, FLAT_USER_SS, 0x202);
}
static void a_cs_data(void)
{
	user_to(USER_CODE, 0xe02b, FLAT_USER_SS, 0x202);
}
static void a_ss_hypervisor(void)
{
	user_to(USER_CODE, FLAT_USER_CS64, 0xe013, 0x202);
}
static void a_ss_code(void)
{
	user_to(USER_CODE, FLAT_USER_CS64, 0xe033, 0x202);
}
static void a_ss_ldt(void)
{
	user_to(USER_CODE, FLAT_USER_CS64, 0x0007, 0x202);
}
static void a_flags_all(void)
{
	user_to(USER_CODE, FLAT_USER_CS64, FLAT_USER_SS, ~0UL);
}
static void a_flags_nt_vm(void)
{
	user_to(USER_CODE, FLAT_USER_CS64, FLAT_USER_SS, 0x24002);
}
static void a_flags_tf(void)
{
	user_to(USER_CODE, FLAT_USER_CS64, FLAT_USER_SS, 0x302);
}
static void a_compat_high(void)
{
	user_to(0xffffffff, FLAT_USER_CS32, FLAT_USER_SS, 0x202);
}

/* SYSCALL as the last two bytes below the hole: the return address is not canonical. */
static void a_sysret_edge(void)
{
	u64 *l3 = page_alloc(), *l2 = page_alloc(), *l1 = page_alloc();
	u8 *code = page_alloc();
	struct frame f = user_frame(false);

	user_setup();
	code[4094] = 0x0f, code[4095] = 0x05;
	l1[511] = mfn_of(code) << 12 | PTE_KERN;
	l2[511] = mfn_of(l1) << 12 | PTE_KERN;
	l3[511] = mfn_of(l2) << 12 | PTE_KERN;
	make_ro(l1), make_ro(l2), make_ro(l3);
	check_rc("last page below the hole",
		 mmu_update1(ma_of(&user_l4[255]), mfn_of(l3) << 12 | PTE_KERN, DOMID_SELF), 0);
	f.rip = 0x7ffffffffffe;
	user_run(&f);
	say("syscall at the edge: vector %lx rip %lx", this_cpu()->last.vec, this_cpu()->last.rip);
	if (this_cpu()->last.vec == VEC_SYSCALL) { /* and return there */
		f = this_cpu()->last;
		user_run(&f);
		say("return to the edge: vector %lx error %lx rip %lx", this_cpu()->last.vec,
		    this_cpu()->last.err, this_cpu()->last.rip);
	}
}

static void a_multicall_iret(void)
{
	static struct multicall_entry e[3];

	e[0].op = __HYPERVISOR_iret;
	e[1].op = __HYPERVISOR_xen_version;
	e[1].args[0] = XENVER_pagesize;
	HC(multicall, e, 2, 0, 0);
	report(true, "iret in a multicall", "%ld %ld", (long)e[0].result, (long)e[1].result);
}

static void a_callback_hypervisor(void)
{
	HC(set_callbacks, 0xffff810000100000, 0xffff810000100000, 0xffff810000100000, 0);
	user_to(USER_CODE, FLAT_USER_CS64, FLAT_USER_SS, 0x202);
}

static void a_handler_hypervisor(void)
{
	struct trap_info t[2] = {
		{ .vector = 6, .cs = FLAT_KERNEL_CS, .address = 0xffff810000100000 }
	};

	HC(set_trap_table, t, 0, 0, 0);
	(void)FAULTS(__asm__ volatile("ud2"));
}

static void a_handler_cs(void)
{
	struct trap_info t[2] = { { .vector = 6, .cs = 0xe008, .address = A(trap_stubs) } };

	HC(set_trap_table, t, 0, 0, 0);
	(void)FAULTS(__asm__ volatile("ud2"));
}

/* The stack just below the hypervisor: a frame of it would reach in. */
static void a_stack_below(void)
{
	__asm__ volatile("mov %0, %%rsp; ud2" ::"r"(0xffff880000000010) : "memory");
}

/* DS selects a descriptor that goes away: the reload on the way back to us fails. */
static void a_failsafe(void)
{
	u64 *gdt = page_alloc(), f = mfn_of(gdt), zero = 0;

	gdt[1] = 0x00cff3000000ffff;
	make_ro(gdt);
	HC(set_gdt, &f, 512, 0, 0);
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs" ::"r"(0x0b));
	HC(set_gdt, &zero, 0, 0, 0);
	for (unsigned i = 0; i < 5; i++) {
		HC(set_timer_op, now() + MS, 0, 0, 0);
		sched_op(SCHEDOP_yield, NULL);
	}
	say("segments gone: vector %lx traps %lu", this_cpu()->last.vec, this_cpu()->traps);
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs" ::"r"(0));
}

const struct attack alone[] = {
	{ "rip-kernel", a_rip_kernel },
	{ "rip-user", a_rip_user },
	{ "rip-edge", a_rip_edge },
	{ "rip-hypervisor", a_rip_hypervisor },
	{ "cs-hypervisor", a_cs_hypervisor },
	{ "cs-null", a_cs_null },
	{ "cs-tss", a_cs_tss },
	{ "cs-data", a_cs_data },
	{ "ss-hypervisor", a_ss_hypervisor },
	{ "ss-code", a_ss_code },
	{ "ss-ldt", a_ss_ldt },
	{ "flags-all", a_flags_all },
	{ "flags-nt-vm", a_flags_nt_vm },
	{ "flags-tf", a_flags_tf },
	{ "compat-high", a_compat_high },
	{ "sysret-edge", a_sysret_edge },
	{ "multicall-iret", a_multicall_iret },
	{ "callback-hypervisor", a_callback_hypervisor },
	{ "handler-hypervisor", a_handler_hypervisor },
	{ "handler-cs", a_handler_cs },
	{ "stack-below", a_stack_below },
	{ "failsafe", a_failsafe },
	{ 0 },
};
