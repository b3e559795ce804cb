/* SPDX-License-Identifier: MIT */
/* The lying guest: making the lies, issuing the calls, looking at what happened. */
#include "liar.h"

#define STRUCT_AT 1024
#define LIST_AT 2560
#define STRUCT_MAX 1400 /* what a structure may change; a vcpu_guest_context is never written */
#define LIST_MAX 1024

u64 a[5];
u8 *mem, *list, *plain, *own_table, *unmapped, *readonly, *page_end;
u64 plain_mfn, plain_pte_ma;

static u8 *arena; /* guard page, argument page, guard page, unmapped page */
static u64 foreign, table_mfn, root_mfn, max_mfn, gdt_mfn;
static unsigned cells, bad;

static u8 pattern(unsigned i)
{
	return (u8)(i * 37 + (i >> 8) + 11);
}

static void arena_reset(void)
{
	for (unsigned i = 0; i < 3 * PAGE; i++)
		arena[i] = pattern(i);
	mem_fill(mem, 0, STRUCT_MAX);
	mem_fill(list, 0, LIST_MAX);
	mem_fill(a, 0, sizeof(a));
}

static bool arena_intact(void)
{
	for (unsigned i = 0; i < 3 * PAGE; i++) {
		unsigned at = i - PAGE;

		if (i >= PAGE && at >= STRUCT_AT && at < STRUCT_AT + STRUCT_MAX)
			continue;
		if (i >= PAGE && at >= LIST_AT && at < LIST_AT + LIST_MAX)
			continue;
		if (arena[i] != pattern(i))
			return false;
	}
	return true;
}

static u64 image_sum(void)
{
	u64 s = 0;

	for (const u64 *p = (const u64 *)(GUEST_BASE + GUEST_LOAD), *end = p + 4096; p < end; p++)
		s = (s << 7 | s >> 57) ^ *p;
	return s;
}

static void honest(const struct row *r)
{
	arena_reset();
	a[0] = (u64)(i64)r->sub;
	if (r->style == OP || r->style == GRANT)
		a[1] = A(mem);
	if (r->style == VCPU_OP)
		a[2] = A(mem);
	if (r->style == GRANT)
		a[2] = 1;
	if (r->style == MMUEXT) {
		a[0] = A(mem), a[1] = 1, a[2] = A(list + 512), a[3] = DOMID_SELF;
		AS(struct mmuext_op)->cmd = (u32)r->sub;
	}
	if (r->style == PLAT) {
		a[0] = A(mem);
		AS(struct xen_platform_op)->cmd = (u32)r->sub;
		AS(struct xen_platform_op)->interface_version = XENPF_INTERFACE_VERSION;
	}
	if (r->fill)
		r->fill();
}

static void put(const struct field *f, u64 v)
{
	if (f->where < 5)
		a[f->where] = v;
	else
		mem_copy((f->where == 5 ? mem : list) + f->off, &v, f->size);
}

static bool refused(const struct row *r, long rc)
{
	if (rc < 0)
		return rc > -134;
	if ((r->flags & COUNTS) && rc == 0)
		return true;
	if (r->flags & HAS_STATUS) {
		i16 status;

		mem_copy(&status, mem + (r->flags >> 8), 2);
		return rc == 0 && status < 0;
	}
	return false;
}

/* A pointer lie keeps what an honest caller would have put there, as far as that page exists. */
static void move_struct(const struct field *f, u64 to, unsigned room)
{
	u64 honest_at = f->where < 5 ? a[f->where] : 0;

	if (honest_at == A(mem) || honest_at == A(list))
		mem_copy((void *)to, (void *)honest_at, room);
}

static void cell(const struct row *r, const struct field *f, const char *what, u64 lie)
{
	u64 short_lie = f->size < 8 ? lie & ((1UL << 8 * f->size) - 1) : lie;
	bool ok, may = (f->kind & MAY) || (oracle && (r->flags & LENIENT));
	long rc;

	if (short_lie != lie && !short_lie)
		return; /* does not fit, and what is left of it is no lie */
	honest(r);
	if (what[0] == 'r') {
		make_rw(readonly);
		move_struct(f, lie, 256);
		make_ro(readonly);
	}
	if (what[0] == 'e') /* page end: all but the last byte are there */
		move_struct(f, lie, (unsigned)(A(page_end) - lie));
	put(f, lie);
	rc = hcall(r->call, a[0], a[1], a[2], a[3], a[4]);
	cells++;
	if (rc >= 0)
		set_va(plain, plain_mfn << 12 | PTE_KERN);
	if (what[0] == 'e') /* our own doing */
		for (unsigned i = (unsigned)(lie - A(arena)); i < 3 * PAGE; i++)
			arena[i] = pattern(i);
	ok = may || refused(r, rc);
	if (ok && ((f->kind & 0x3f) == SIZE || arena_intact()))
		return;
	bad++;
	report(false, r->name, "%s = %s (%lx): rc %ld%s", f->name, what, lie, rc,
	       ok ? ", memory changed" : ", not refused");
}

static void lies_pointer(const struct row *r, const struct field *f, bool out)
{
	if (!(f->kind & NULLOK))
		cell(r, f, "null", 0);
	cell(r, f, "unmapped", A(unmapped));
	cell(r, f, "M2P", 0xffff800000000000);
	cell(r, f, "hypervisor", 0xffff810000100000);
	cell(r, f, "hypervisor end - 1", 0xffff87ffffffffff);
	cell(r, f, "not canonical", 0x8000000000000000);
	cell(r, f, "hole", 0x00007ffffffffffc);
	cell(r, f, "below the hypervisor", 0xffff7fffffffffff);
	cell(r, f, "wraps", ~0UL);
	cell(r, f, "end of page", A(page_end) - (f->span > 1 ? f->span - 1 : 0));
	if (out)
		cell(r, f, "read-only", A(readonly));
}

static void lies_frame(const struct row *r, const struct field *f)
{
	if (foreign)
		cell(r, f, "foreign", foreign);
	cell(r, f, "local APIC", 0xfee00);
	cell(r, f, "beyond memory", max_mfn + 0x1000);
	cell(r, f, "far beyond", 1UL << 39);
	cell(r, f, "2^40", 1UL << 40);
	cell(r, f, "2^52", 1UL << 52);
	cell(r, f, "all ones", ~0UL);
}

static void lies_pte(const struct row *r, const struct field *f)
{
	if (foreign)
		cell(r, f, "foreign writable", foreign << 12 | PTE_KERN);
	if (foreign)
		cell(r, f, "foreign readable", foreign << 12 | PTE_RO);
	cell(r, f, "local APIC", 0xfee00UL << 12 | PTE_KERN);
	cell(r, f, "own L1 writable", table_mfn << 12 | PTE_KERN);
	cell(r, f, "own L4 writable", root_mfn << 12 | PTE_KERN);
	cell(r, f, "address bit 51", 1UL << 51 | PTE_KERN);
	if (!privileged) /* the privileged domain may map what is not RAM */
		cell(r, f, "beyond memory", (max_mfn + 0x100000) << 12 | PTE_KERN);
	if (!privileged)
		cell(r, f, "BIOS", 0xf0UL << 12 | PTE_RO);
}

static void lies_list(const struct row *r, const struct field *f, const u64 *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char what[24];

		format(what, sizeof(what), "#%u", i);
		cell(r, f, what, v[i]);
	}
}
#define LIES(...)                                                                                  \
	lies_list(r, f, (const u64[]){ __VA_ARGS__ }, ARRAY_SIZE(((const u64[]){ __VA_ARGS__ })))

static void lies_domain(const struct row *r, const struct field *f)
{
	LIES(DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID, 0x7fff, 0x8000, 0xffff, 0x1234);
	if (!privileged)
		cell(r, f, "privileged domain", 0);
}

static void lies(const struct row *r, const struct field *f)
{
	u64 root_ma = root_mfn << 12;

	switch (f->kind & 0x3f) {
	case IN:
		lies_pointer(r, f, false);
		break;
	case OUT:
		lies_pointer(r, f, true);
		break;
	case DOM:
		lies_domain(r, f);
		break;
	case MFN:
		lies_frame(r, f);
		break;
	case PTMA:
		LIES(0, foreign << 12, 0xfee00000, (max_mfn + 0x1000) << 12, ~7UL,
		     root_ma + 256 * 8, root_ma + 271 * 8);
		break;
	case PTE1:
		lies_pte(r, f);
		break;
	case MADDR:
		LIES(foreign << 12, 0xfee00000, (max_mfn + 0x1000) << 12, ~7UL, plain_pte_ma,
		     root_ma, gdt_mfn << 12 | 4);
		break;
	case DESC: /* call, interrupt and trap gates, TSS, LDT, reserved; of level 0 and 3 */
		if (!oracle) /* it checks the gate's target instead */
			LIES(0x0000ec0000000000, 0x00008c0000000000);
		LIES(0x0000ee0000000000, 0x0000ef0000000000, 0x0000e90000000067, 0x0000eb0000000067,
		     0x0000e20000000067, 0x0000e50000000000, 0x0000e10000000000, 0x0000e30000000000,
		     0x0000e80000000000);
		break;
	case VA:
		LIES(0xffff800000000000, 0xffff810000100000, 0xffff87fffffff000, 0x8000000000000000,
		     0x30000000000, 0xffff7ffffffff000);
		break;
	case PORT:
		LIES(0, 4000, 4096, 131071, 131072, 0x7fffffff, 0xffffffff);
		break;
	case VCPU:
		LIES(128, 129, 4000, 0x7fffffff, 0x80000000, 0xffffffff);
		break;
	case NUM:
		LIES(0x7fff, 0x7fffffff, 0x80000000, 0xffffffff);
		break;
	case CMD:
		LIES(0x3f, 0x7fff, 0x7fffffff, 0xffffffff);
		break;
	case SIZE:
		LIES(0x7fffffff, 0xffffffff, 0x20000001);
		break;
	case REF:
		LIES(0, 400, 0x10000, 0x7fffffff, 0xffffffff);
		break;
	case HANDLE:
		LIES(100, 0x10000, 0x7fffffff, 0xffffffff);
		break;
	case HOSTVA:
		LIES(0, 0xffff800000000000, 0xffff810000100000, 0x8000000000000000,
		     A(unmapped) + (1UL << 40), ~0UL);
		break;
	case CANON:
		LIES(0x8000000000000000, 0x0000800000000000, 0x7fff000000000000);
		break;
	case ZERO:
		LIES(1, 0x8000, 0xffff);
		break;
	case BREAK:
		LIES(0xffff800000000000, 0xffff810000100000, 0xffff87fffffffff8);
		break;
	case TIME:
		LIES(1, ~0UL, 1UL << 63, 0x7fffffffffffffff);
		break;
	}
}

/* Put back what an accepted lie may have changed, and see that we are alive. */
static void restore(const struct row *r)
{
	struct evtchn_reset reset = { DOMID_SELF };
	u64 frames = 0;

	traps_init();
	HC(set_gdt, &frames, 0, 0, 0);
	HC(fpu_taskswitch, 0, 0, 0, 0);
	HC(set_debugreg, 7, 0, 0, 0);
	HC(set_timer_op, 0, 0, 0, 0);
	for (u64 i = 0; i < 4; i++)
		HC(set_debugreg, i, 0, 0, 0);
	if (r->call == __HYPERVISOR_event_channel_op)
		evtchn_op(EVTCHNOP_reset, &reset);
	if (version_op(XENVER_version, NULL) < 0 || !FAULTS(__asm__ volatile("ud2")) ||
	    this_cpu()->last.vec != 6)
		die("%s left us crippled", r->name);
}

static void absent(const struct row *r)
{
	long rc;

	if (oracle)
		return; /* may well be there */
	honest(r);
	a[r->call == __HYPERVISOR_platform_op ? 0 : 1] = A(mem);
	if (r->call == __HYPERVISOR_platform_op) {
		AS(struct xen_platform_op)->cmd = (u32)r->sub;
		AS(struct xen_platform_op)->interface_version = XENPF_INTERFACE_VERSION;
	}
	rc = hcall(r->call, a[0], a[1], a[2], a[3], a[4]);
	cells++;
	if (rc == -XEN_ENOSYS || rc == -XEN_EOPNOTSUPP || rc == -XEN_EPERM || rc == -XEN_EACCES)
		return;
	bad++;
	report(false, r->name, "not offered, but rc %ld", rc);
}

static void table(const struct row *r, const char *only)
{
	u64 sum = image_sum();
	size_t len = 0;

	while (only && only[len] && only[len] != ' ')
		len++;
	for (; r->name; r++) {
		unsigned before = cells, bad_before = bad;

		if (only && !mem_same(r->name, only, len))
			continue;
		if (r->flags & ABSENT)
			absent(r);
		for (const struct field *f = r->f; f->kind && !(r->flags & ABSENT); f++)
			lies(r, f);
		restore(r);
		if (image_sum() != sum)
			die("%s changed our image", r->name);
		if (bad == bad_before)
			report(true, r->name, "%u lies", cells - before);
	}
}

static void kill_cell(const char *name)
{
	for (const struct kill *k = kills; k->name; k++) {
		size_t n = str_len(k->name);

		if (!mem_same(k->name, name, n) || (name[n] && name[n] != ' '))
			continue;
		say("GUEST %s: EXPECT-KILL %s", guest_name, k->name);
		k->fn();
		report(false, k->name, "still alive");
		return;
	}
	report(false, name, "no such cell");
}

static void setup(void)
{
	u64 *table = page_alloc();
	u8 *gdt = page_alloc();

	arena = page_alloc(); /* pages of the pool are consecutive */
	for (unsigned i = 1; i < 3; i++)
		if (page_alloc() != arena + i * PAGE)
			die("pool is not consecutive");
	unmapped = page_alloc();
	readonly = page_alloc();
	plain = page_alloc();
	page_end = arena + 3 * PAGE;
	if (unmapped != page_end)
		die("pool is not consecutive");
	mem = arena + PAGE + STRUCT_AT;
	list = arena + PAGE + LIST_AT;
	plain_mfn = mfn_of(plain);
	plain_pte_ma = ma_of(pte_of(plain));
	root_mfn = mfn_of((void *)si->pt_base);
	table_mfn = (*pte_at(plain, 2) & PTE_ADDR) >> 12;
	own_table = (u8 *)table;
	gdt_mfn = mfn_of(gdt);
	foreign = foreign_mfn();
	max_mfn = (u64)memory_op(XENMEM_maximum_ram_page, NULL);
	make_ro(readonly);
	set_va(unmapped, 0);
}

void test_main(void)
{
	const char *only = arg("only"), *kill = arg("kill");

	setup();
	if (kill) {
		kill_cell(kill);
		return;
	}
	if (arg("list")) {
		for (const struct kill *k = kills; k->name; k++)
			say("KILL-CELL %s", k->name);
		return;
	}
	table(memory_rows, only);
	table(cpu_rows, only);
	table(event_rows, only);
	table(misc_rows, only);
	table(platform_rows, only);
	table(control_rows, only);
	say("GUEST %s: CELLS %u", guest_name, cells);
}
