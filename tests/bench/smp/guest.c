/* SPDX-License-Identifier: MIT */
/*
 * The primitives of ../bench.c on several processors at once, each with root, tables, pages, ports and grants of its
 * own: whatever the hypervisor writes on two of them then, it need not have in common. Nobody counts here: the
 * emulator's plugin looks on (../plugins/writes.c), from one call of row_edge() to the next.
 * Prints "ROW <name>" for each, in order.
 */
#include "guest.h"

#define WARM_UP 40
#define ROUNDS 100
#define OWN_VA 0x80000000000UL /* slot 16: OWN(n) are pages of one's own */
#define OWN(n) ((u8 *)OWN_VA + (n)*PAGE)
#define PORTS_APART 512 /* a line of pending bits */
#define REFS_APART 16

/* What one processor has for itself. A page's page_info has 32 bytes, so pages come in pairs. */
static struct place {
	u64 *l4, *l3, *l2, *l1, *user_l4, *fresh[4];
	u8 *page, *other, *target;
	u64 entry_val;
	u32 port, other_end, ref;
} places[GUEST_CPUS];
static volatile struct {
	u32 times;
} __attribute__((aligned(64))) met[GUEST_CPUS];
static u32 ncpus;

static struct place *here(void)
{
	return &places[this_cpu()->id];
}

/* ---- rows: once ---- */

static void null_call(struct place *p)
{
	(void)p;
	version_op(XENVER_version, NULL);
}

static void copy16(struct place *p)
{
	version_op(XENVER_extraversion, p->target);
}

static void multicall(struct place *p)
{
	struct multicall_entry *list = (void *)p->target;

	for (unsigned i = 0; i < 16; i++)
		list[i] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version };
	HC(multicall, list, 16, 0, 0);
}

static void mmu_update_1(struct place *p)
{
	mmu_update1(ma_of(p->l1), p->entry_val & ~PTE_A, DOMID_SELF);
	mmu_update1(ma_of(p->l1), p->entry_val, DOMID_SELF);
}

static void mmu_update_32(struct place *p)
{
	struct mmu_update *list = (void *)p->target;

	for (unsigned i = 0; i < 32; i++)
		list[i] = (struct mmu_update){ ma_of(p->l1), p->entry_val ^ (u64)(i & 1) << 5 };
	HC(mmu_update, list, 32, 0, DOMID_SELF);
}

static void unmap_map(struct place *p)
{
	mmu_update1(ma_of(p->l1), 0, DOMID_SELF);
	mmu_update1(ma_of(p->l1), p->entry_val, DOMID_SELF);
}

static void va_mapping(struct place *p)
{
	HC(update_va_mapping, OWN(0), p->entry_val & ~PTE_A, UVMF_INVLPG, 0);
	HC(update_va_mapping, OWN(0), p->entry_val, UVMF_INVLPG, 0);
}

static void pte_write(struct place *p)
{
	*(volatile u64 *)p->l1 = p->entry_val & ~PTE_A;
	*(volatile u64 *)p->l1 = p->entry_val;
}

static void tlb_flush(struct place *p)
{
	(void)p;
	mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
}

static void invlpg(struct place *p)
{
	(void)p;
	mmuext(MMUEXT_INVLPG_LOCAL, A(OWN(0)), 0);
}

static void new_root(struct place *p)
{
	mmuext(MMUEXT_NEW_BASEPTR, mfn_of(p->l4), 0);
}

static void page_fault(struct place *p)
{
	(void)p;
	HC(update_va_mapping, OWN(0), 0, UVMF_INVLPG, 0);
	*(volatile u8 *)OWN(0) = 1;
}

static void segment_base(struct place *p)
{
	(void)p;
	HC(set_segment_base, SEGBASE_FS, 4096, 0, 0);
}

static void stack_switch(struct place *p)
{
	(void)p;
	HC(stack_switch, FLAT_KERNEL_SS, stacks + this_cpu()->id * GUEST_STACK + GUEST_STACK / 2, 0,
	   0);
}

static void fpu_pair(struct place *p)
{
	(void)p;
	HC(fpu_taskswitch, 1, 0, 0, 0);
	HC(fpu_taskswitch, 0, 0, 0, 0);
}

static void set_timer(struct place *p)
{
	(void)p;
	HC(set_timer_op, 1UL << 62, 0, 0, 0);
}

static void yield(struct place *p)
{
	(void)p;
	sched_op(SCHEDOP_yield, NULL);
}

static void undefined(struct place *p)
{
	(void)p;
	__asm__ volatile("ud2" ::: "memory");
}

static void forced_cpuid(struct place *p)
{
	u32 r[4];

	(void)p;
	cpuid_pv(1, 0, r);
}

static void read_cr0(struct place *p)
{
	u64 v;

	(void)p;
	__asm__ volatile("mov %%cr0, %0" : "=r"(v));
}

static void send_masked(struct place *p)
{
	struct evtchn_send s = { p->port };

	events_off();
	evtchn_op(EVTCHNOP_send, &s);
	port_clear(p->other_end);
	this_cpu()->vi->evtchn_upcall_pending = 0;
	this_cpu()->vi->evtchn_pending_sel = 0;
}

static void send_upcall(struct place *p)
{
	struct evtchn_send s = { p->port };

	events_on();
	evtchn_op(EVTCHNOP_send, &s);
	events_off();
}

static void user_syscall(struct place *p)
{
	struct frame f = user_frame(false);

	(void)p;
	user_run(&f);
}

static void unpin_pin(struct place *p)
{
	mmuext(MMUEXT_UNPIN_TABLE, mfn_of(p->user_l4), 0);
	mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(p->user_l4), 0);
}

static void pin_fresh(struct place *p)
{
	if (mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(p->fresh[0]), 0) ||
	    mmuext(MMUEXT_UNPIN_TABLE, mfn_of(p->fresh[0]), 0))
		die("pin of a fresh table");
}

static void grant_map(struct place *p)
{
	struct gnttab_map_grant_ref m = { .host_addr = A(OWN(1)),
					  .flags = GNTMAP_host_map,
					  .ref = p->ref };
	struct gnttab_unmap_grant_ref u = { .host_addr = A(OWN(1)) };

	gnttab_op(GNTTABOP_map_grant_ref, &m, 1);
	if (m.status)
		die("grant map: %d", m.status);
	u.handle = m.handle;
	gnttab_op(GNTTABOP_unmap_grant_ref, &u, 1);
}

static void grant_copy(struct place *p)
{
	struct gnttab_copy c = { .source = { .u.ref = p->ref },
				 .dest = { .u.gmfn = mfn_of(p->target), .domid = DOMID_SELF },
				 .len = 4096,
				 .flags = GNTCOPY_source_gref };

	gnttab_op(GNTTABOP_copy, &c, 1);
	if (c.status)
		die("grant copy: %d", c.status);
}

#define ROW(fn)                                                                                    \
	{                                                                                          \
#fn, fn                                                                            \
	}
static const struct {
	const char *name;
	void (*fn)(struct place *p);
} rows[] = {
	ROW(null_call),     ROW(copy16),       ROW(multicall),    ROW(mmu_update_1),
	ROW(mmu_update_32), ROW(unmap_map),    ROW(va_mapping),   ROW(pte_write),
	ROW(tlb_flush),     ROW(invlpg),       ROW(new_root),     ROW(page_fault),
	ROW(segment_base),  ROW(stack_switch), ROW(fpu_pair),     ROW(set_timer),
	ROW(yield),         ROW(undefined),    ROW(forced_cpuid), ROW(read_cr0),
	ROW(send_masked),   ROW(send_upcall),  ROW(user_syscall), ROW(unpin_pin),
	ROW(pin_fresh),     ROW(grant_map),    ROW(grant_copy),
};

/* ---- the places ---- */

static bool on_trap(struct frame *f)
{
	if (f->vec == 6 && !(FRAME_CS(f) & 3)) {
		f->rip += 2;
		return true;
	}
	if (f->vec == 14 && this_cpu()->vi->arch.cr2 == A(OWN(0))) {
		HC(update_va_mapping, OWN(0), here()->entry_val, UVMF_INVLPG, 0);
		return true;
	}
	return false;
}

static u64 *table(u64 *below)
{
	u64 *t = page_alloc();

	if (below)
		t[0] = mfn_of(below) << 12 | PTE_KERN;
	return t;
}

static void own_tables(struct place *p)
{
	p->page = page_alloc();
	p->other = page_alloc();
	p->target = page_alloc();
	p->l1 = page_alloc();
	p->l1[0] = p->entry_val = mfn_of(p->page) << 12 | PTE_KERN;
	p->l2 = table(p->l1);
	p->l3 = table(p->l2);
	p->l4 = page_alloc();
	mem_copy(p->l4, (void *)si->pt_base, PAGE);
	for (unsigned i = 256; i < 272; i++)
		p->l4[i] = 0; /* the hypervisor's */
	p->l4[OWN_VA >> 39] = mfn_of(p->l3) << 12 | PTE_KERN;
	p->user_l4 = page_alloc();
	mem_copy(p->user_l4, user_l4, PAGE);
	for (unsigned i = 256; i < 272; i++)
		p->user_l4[i] = 0;
	p->fresh[3] = page_alloc();
	for (unsigned i = 0; i < 512; i += 64)
		p->fresh[3][i] = mfn_of(p->page) << 12 | PTE_KERN;
	for (int i = 2; i >= 0; i--)
		p->fresh[i] = table(p->fresh[i + 1]);
	if (make_ro(p->l1) || make_ro(p->l2) || make_ro(p->l3) || make_ro(p->l4) ||
	    make_ro(p->user_l4))
		die("tables");
	for (unsigned i = 0; i < ARRAY_SIZE(p->fresh); i++)
		if (make_ro(p->fresh[i]))
			die("fresh tables");
	if (mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(p->l4), 0) ||
	    mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(p->user_l4), 0))
		die("roots");
}

static void own_port(struct place *p, u32 id)
{
	struct evtchn_bind_vcpu b = { .vcpu = id };

	do
		p->port = loop_ports(&p->other_end);
	while (p->port && p->other_end < (id + 1) * PORTS_APART);
	b.port = p->other_end;
	if (!p->port || evtchn_op(EVTCHNOP_bind_vcpu, &b))
		die("ports");
	port_unmask(p->other_end);
}

static void place_setup(u32 id)
{
	struct place *p = &places[id];

	/* No page_info in a line with another place's. */
	if (mfn_of(p->page = page_alloc()) & 1)
		page_alloc();
	own_tables(p);
	own_port(p, id);
	p->ref = (id + 1) * REFS_APART;
	grant_page(p->ref, 0, p->page, false);
	page_alloc();
}

/* ---- all at once ---- */

/* No atomic operation in common: it would be taken for the hypervisor's (../plugins/writes.c). */
static void meet(void)
{
	u32 id = this_cpu()->id, times = ++met[id].times;

	for (u32 i = 0; i < ncpus; i++)
		while (met[i].times < times)
			__asm__ volatile("pause");
}

void row_edge(void);
__attribute__((noinline)) void row_edge(void)
{
	__asm__ volatile("" ::: "memory");
}

static void run_rows(void)
{
	struct place *p = here();
	u32 id = this_cpu()->id;

	this_cpu()->hook = on_trap;
	if (mmuext(MMUEXT_NEW_BASEPTR, mfn_of(p->l4), 0) ||
	    mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(p->user_l4), 0))
		die("own root");
	for (unsigned r = 0; r < ARRAY_SIZE(rows); r++) {
		if (!id)
			say("ROW %s", rows[r].name);
		for (unsigned i = 0; i < WARM_UP; i++)
			rows[r].fn(p);
		meet();
		if (!id)
			row_edge();
		meet();
		for (unsigned i = 0; i < ROUNDS; i++)
			rows[r].fn(p);
		meet();
		if (!id)
			row_edge();
		meet();
	}
}

void test_main(void)
{
	static const u8 code[] = { 0x0f, 0x05 }; /* syscall */

	ncpus = (u32)arg_num("cpus", GUEST_CPUS);
	traps_init();
	events_init();
	user_load(code, code + sizeof(code));
	if (grants_init())
		die("no grant table");
	for (u32 i = 0; i < ncpus; i++)
		place_setup(i);
	for (u32 i = 1; i < ncpus; i++)
		if (cpu_start(i, run_rows))
			die("cpu %u", i);
	run_rows();
}
