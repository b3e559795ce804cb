/* SPDX-License-Identifier: MIT */
/*
 * Random steps. They are biased towards what a kernel would do, or nothing would ever succeed:
 * every frame has a role, which it mostly is used for.
 */
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <xen/grant_table.h>

#include "core/arch.h"
#include "core/grant.h"
#include "core/hypercall.h"
#include "paging/paging.h"
#include "paging/tables.h"
#include "x86/cpu.h"

struct outcome outcomes[STEP_KINDS];
const char *const step_names[STEP_KINDS] = {
	"mmu_update",
	"pin",
	"unpin",
	"new_baseptr",
	"new_user_baseptr",
	"set_ldt",
	"clear_page",
	"copy_page",
	"other mmuext_op",
	"update_va_mapping",
	"..._otherdomain",
	"emulated write",
	"guest's own write",
	"grant map",
	"grant unmap",
	"exchange",
	"give up a frame",
	"get a frame",
	"set_gdt",
	"death",
};

static struct m_caller who;
static struct vcpu *vcpu;

static void count(enum step_kind k, bool ok)
{
	if (ok)
		outcomes[k].ok++;
	else
		outcomes[k].refused++;
}

struct doing doing;

/* Noted before the call is made. */
static void about_to(enum step_kind k, u64 a, u64 b, u64 c, u64 d)
{
	doing = (struct doing){ k, who.d, who.v, { a, b, c, d } };
}

bool unruly;

/* The model is asked only while it is in force. */
#define AGREE(k, what, engine, model)                                                              \
	do {                                                                                       \
		long engine_ = (engine), model_ = unruly ? engine_ : (long)(model);                \
                                                                                                   \
		if (engine_ != model_)                                                             \
			fail("d%uv%u %s: %s is %ld, model %ld", who.d, who.v, step_names[k], what, \
			     engine_, model_);                                                     \
	} while (0)

/* ---- choices ---- */

static unsigned below(unsigned n)
{
	return random64() % n;
}

/* Levels of tables, descriptors, or 0: data. */
static unsigned role(u64 mfn)
{
	static const u8 roles[16] = { 4, 1, 0, 3, 0, 2, 1, 0, 4, 0, T_DESC, 3, 0, 2, 1, 0 };

	return roles[mfn % 16];
}

static u64 any_frame(void)
{
	return once_in(4) ? FIRST_DEVICE + below(4) :
	       once_in(3) ? FRAMES + below(3) :
	       once_in(4) ? random64() & 0xffffffffff :
			    below(FRAMES);
}

/* A frame of domain d with that role, if chance finds one. */
static u64 frame_with(u8 d, unsigned wanted)
{
	u64 mfn = 0;

	for (int tries = 0; tries < 60; tries++) {
		mfn = FIRST_RAM + below(FRAMES - FIRST_RAM);
		if (M.f[mfn].owner == d && role(mfn) == wanted)
			break;
	}
	return once_in(40) ? any_frame() : mfn;
}

static u64 own_frame(u8 d)
{
	u64 mfn = 0;

	for (int tries = 0; tries < 30; tries++) {
		mfn = FIRST_RAM + below(FRAMES - FIRST_RAM);
		if (M.f[mfn].owner == d)
			break;
	}
	return mfn;
}

static u8 some_domain(void)
{
	u8 d;

	do
		d = below(DOMS);
	while (!M.d[d].exists || M.d[d].dying);
	return d;
}

static u64 random_flags(void)
{
	u64 e = random64() & (PTE_US | PTE_A | PTE_D | PTE_AVAIL);

	if (!once_in(20))
		e |= PTE_P;
	if (once_in(4))
		e |= PTE_NX;
	if (once_in(12))
		e |= PTE_G;
	if (once_in(30))
		e |= BIT(below(12)) | BIT(52 + below(11));
	return e;
}

/* An entry for a table of domain d with a role, naming frames of `from`. */
static u64 entry_for(u8 d, u8 from, unsigned level)
{
	u64 e = random_flags(), mfn;

	if (once_in(8))
		return once_in(3) ? random64() << 30 ^ random64() : 0;
	if (level >= 2 && level <= 4) {
		e |= PTE_RW;
		mfn = frame_with(d, level - 1);
	} else if (level == T_DESC) {
		return once_in(30) ? random64() << 20 :
		       once_in(3)  ? 0x00cf9a000000ffff :
				     0x00cff2000000ffff;
	} else {
		mfn = once_in(30)  ? any_frame() :
		      from >= DOMS ? FIRST_DEVICE + below(4) :
				     own_frame(from);
		if (mfn < FRAMES && role(mfn) ? once_in(25) : !once_in(3))
			e |= PTE_RW;
	}
	return e | (mfn << PAGE_SHIFT & PTE_ADDR);
}

static unsigned entry_offset(void)
{
	return slot_index[below(SLOTS)] * sizeof(u64);
}

/* A virtual address that is mapped below the root, if chance finds one. */
static u64 random_va(u64 root)
{
	u64 va = 0, mfn = root;

	for (int level = 4; level; level--) {
		int s = below(SLOTS);

		for (int i = 0; i < SLOTS && mfn && mfn < FRAMES && !(M.f[mfn].e[s] & PTE_P); i++)
			s = (s + 1) % SLOTS;
		if (level == 4 && hv_slot(s) && !once_in(10))
			s = 0;
		va |= (u64)slot_index[s] << (12 + 9 * (level - 1));
		mfn = mfn && mfn < FRAMES ? pte_mfn(M.f[mfn].e[s]) : 0;
	}
	return once_in(30) ? va ^ random64() << 48 : va;
}

static u64 foreign_domid(bool often)
{
	if (!once_in(often ? 3 : 25))
		return DOMID_SELF;
	return once_in(3) ? DOMID_IO : once_in(8) ? 1000 : below(DOMS);
}

static u8 domain_named(u64 domid)
{
	return domid == DOMID_SELF ? who.d :
	       domid == DOMID_IO   ? DEVICES :
	       domid < DOMS        ? domid :
				     who.d;
}

/* ---- hypercalls ---- */

#define UNSAID 0x1badbadu /* what is in the count of requests done before it is written */

static void check_done(enum step_kind k, bool asked, bool forged, long rc, u32 done, u32 m_done)
{
	if (forged && asked) /* it goes on counting where the guest says that it was */
		done -= done == UNSAID && !m_done ? 0 : UNSAID;
	if (asked ? !rc || m_done || done != UNSAID : done != UNSAID)
		AGREE(k, "count of what was done", done, m_done);
}

/* How often a guest issues a call again that asks for it. */
static unsigned patience(void)
{
	return unruly && !once_in(4) ? 1 : 0;
}

static void mmu_update_step(void)
{
	struct mmu_update req[12];
	u32 n = 1 + below(once_in(4) ? 12 : 3), done = UNSAID, m_done = 0;
	u64 done_ptr = once_in(2) ? (u64)&done : 0, forged = once_in(30) ? 0x80000000 : 0;
	u64 foreign = foreign_domid(M.d[who.d].privileged && once_in(2)),
	    tables = once_in(20) ? foreign_domid(true) : DOMID_SELF;
	u8 d = domain_named(tables), from = domain_named(foreign);
	u64 mfn = own_frame(d);
	long rc;

	if (d >= DOMS)
		d = who.d;
	for (u32 i = 0; i < n; i++) {
		if (once_in(3))
			mfn = once_in(30) ? any_frame() : own_frame(d);
		req[i].ptr = mfn << PAGE_SHIFT | entry_offset();
		req[i].val =
			entry_for(d, from, mfn < FRAMES ? role(mfn) ? role(mfn) : 1 + below(2) : 1);
		if (once_in(10))
			req[i].ptr |= MMU_PT_UPDATE_PRESERVE_AD;
		else if (once_in(20))
			req[i].ptr |= MMU_MACHPHYS_UPDATE;
		else if (once_in(60))
			req[i].ptr |= 1 + below(7);
	}
	if (tables != DOMID_SELF)
		foreign |= (tables + 1) << 16;
	about_to(STEP_MMU_UPDATE, req[0].ptr, req[0].val, n, foreign);
	rc = hypercall(vcpu, __HYPERVISOR_mmu_update, (u64)req, n | forged, done_ptr, foreign,
		       patience());
	AGREE(STEP_MMU_UPDATE, "result", rc, m_mmu_update(who, req, n, foreign, &m_done));
	check_done(STEP_MMU_UPDATE, done_ptr, forged, rc, done, m_done);
	count(STEP_MMU_UPDATE, !rc);
}

static enum step_kind kind_of(u32 cmd)
{
	switch (cmd) {
	case MMUEXT_PIN_L1_TABLE ... MMUEXT_PIN_L4_TABLE:
		return STEP_PIN;
	case MMUEXT_UNPIN_TABLE:
		return STEP_UNPIN;
	case MMUEXT_NEW_BASEPTR:
		return STEP_ROOT;
	case MMUEXT_NEW_USER_BASEPTR:
		return STEP_USER_ROOT;
	case MMUEXT_SET_LDT:
		return STEP_SET_LDT;
	case MMUEXT_CLEAR_PAGE:
		return STEP_CLEAR;
	case MMUEXT_COPY_PAGE:
		return STEP_COPY;
	default:
		return STEP_OTHER_MMUEXT;
	}
}

static void random_operation(struct mmuext_op *op, u8 d)
{
	static const u8 common[] = { 0, 1, 2, 3, 3, 4, 4, 4, 5, 5, 15, 15, 13, 16, 17 };
	static const u64 all = 3;

	*op = (struct mmuext_op){ .cmd = once_in(15) ? below(24) : common[below(sizeof(common))] };
	switch (op->cmd) {
	case MMUEXT_PIN_L1_TABLE ... MMUEXT_PIN_L4_TABLE:
		op->arg1.mfn = frame_with(d, op->cmd + 1);
		break;
	case MMUEXT_NEW_BASEPTR:
	case MMUEXT_NEW_USER_BASEPTR:
		op->arg1.mfn =
			once_in(op->cmd == MMUEXT_NEW_BASEPTR ? 50 : 3) ? 0 : frame_with(d, 4);
		break;
	case MMUEXT_UNPIN_TABLE:
		for (int tries = 0; tries < 20; tries++) {
			op->arg1.mfn = own_frame(d);
			if (M.f[op->arg1.mfn].pinned)
				break;
		}
		break;
	case MMUEXT_SET_LDT:
		op->arg1.linear_addr =
			random_va(M.d[who.d].v[who.v].root[0]) | (once_in(20) ? 8 : 0);
		op->arg2.nr_ents = once_in(5) ? 0 : once_in(20) ? below(9000) : 1 + below(1024);
		break;
	case MMUEXT_CLEAR_PAGE:
	case MMUEXT_COPY_PAGE:
		op->arg1.mfn = once_in(10) ? any_frame() : own_frame(d);
		op->arg2.src_mfn = once_in(10) ? any_frame() : own_frame(d);
		break;
	case MMUEXT_TLB_FLUSH_MULTI:
	case MMUEXT_INVLPG_MULTI:
		op->arg2.vcpumask.va = (u64)&all;
		break;
	case MMUEXT_FLUSH_CACHE:
	case MMUEXT_FLUSH_CACHE_GLOBAL: /* where it is allowed, the host would fault */
		op->cmd = M.d[who.d].privileged ? MMUEXT_MARK_SUPER : op->cmd;
		break;
	}
}

static void mmuext_step(void)
{
	struct mmuext_op op[4];
	u32 n = once_in(3) ? 1 + below(4) : 1, done = UNSAID, m_done = 0;
	u64 done_ptr = once_in(2) ? (u64)&done : 0, forged = once_in(30) ? 0x80000000 : 0;
	u64 foreign = foreign_domid(false);
	u8 d = domain_named(foreign);
	long rc;

	for (u32 i = 0; i < n; i++)
		random_operation(&op[i], d < DOMS ? d : who.d);
	if (n == 2 && once_in(3)) { /* a switch between processes */
		op[0] = (struct mmuext_op){ .cmd = MMUEXT_NEW_BASEPTR,
					    .arg1.mfn = frame_with(who.d, 4) };
		op[1] = (struct mmuext_op){ .cmd = MMUEXT_NEW_USER_BASEPTR,
					    .arg1.mfn = once_in(9) ? 0 : frame_with(who.d, 4) };
	}
	about_to(kind_of(op[0].cmd), op[0].arg1.mfn, op[0].cmd, n, foreign);
	rc = hypercall(vcpu, __HYPERVISOR_mmuext_op, (u64)op, n | forged, done_ptr, foreign,
		       patience());
	AGREE(kind_of(op[0].cmd), "result", rc, m_mmuext(who, op, n, foreign, &m_done));
	check_done(kind_of(op[0].cmd), done_ptr, forged, rc, done, m_done);
	for (u32 i = 0; i < m_done; i++)
		count(kind_of(op[i].cmd), true);
	if (m_done < n && !unruly)
		count(kind_of(op[m_done].cmd), false);
}

static void update_va_step(void)
{
	static const u64 flags[] = { 0, UVMF_INVLPG, UVMF_INVLPG | UVMF_ALL, UVMF_TLB_FLUSH,
				     UVMF_TLB_FLUSH | UVMF_ALL };
	bool other = once_in(5);
	u64 foreign = other ? foreign_domid(true) : DOMID_SELF,
	    va = random_va(M.d[who.d].v[who.v].root[0]);
	u64 val = entry_for(who.d, domain_named(foreign), 1),
	    how = once_in(40) ? 3 : flags[below(ARRAY_SIZE(flags))];
	enum step_kind k = other ? STEP_OTHERDOMAIN : STEP_UPDATE_VA;
	long rc;

	about_to(k, va, val, how, foreign);
	rc = hypercall(vcpu,
		       other ? __HYPERVISOR_update_va_mapping_otherdomain :
			       __HYPERVISOR_update_va_mapping,
		       va, val, how, foreign, patience());
	AGREE(k, "result", rc, m_update_va(who, va, val, how, foreign));
	count(k, !rc);
}

static void gdt_step(void)
{
	u64 frames[14] = { 0 };
	unsigned entries = once_in(4) ? 0 : once_in(30) ? 15 * 512 : 1 + below(3 * 512);
	int rc;

	for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
		frames[i] = frame_with(who.d, T_DESC);
	about_to(STEP_GDT, frames[0], frames[1], frames[2], entries);
	rc = set_gdt_frames(vcpu, frames, entries);
	AGREE(STEP_GDT, "result", rc, m_set_gdt(who, frames, entries));
	count(STEP_GDT, !rc);
}

/* ---- what the guest's own instructions do ---- */

/* op with the register operand RCX, the memory operand at RDI. Returns its length. */
static unsigned assemble(const struct m_write *w)
{
	static const u8 opcode[W_OPS] = { 0x88, 0x86, 0x20, 0x08, 0x30, 0xaa, 0xb2, 0xb0, 0xc0 };
	bool two = w->op >= W_BTS;
	unsigned n = 0, mod = below(3);

	memset(guest_code, 0xcc, sizeof(guest_code));
	if (w->size == 2)
		guest_code[n++] = 0x66;
	if (w->op >= W_AND && once_in(2))
		guest_code[n++] = 0xf0;
	if (w->size == 8)
		guest_code[n++] = 0x48;
	if (two)
		guest_code[n++] = 0x0f;
	guest_code[n++] = opcode[w->op] | (w->size > 1);
	guest_code[n++] = 0x0f | mod << 6; /* [rdi + displacement], rcx */
	return n + (mod == 2 ? 4 : mod);
}

/* An address whose entry allows writing, or not; 0: none found. */
static u64 va_for_writing(bool allowed, u64 *mfn)
{
	struct m_vcpu *v = &M.d[who.d].v[who.v];

	for (int tries = 0; tries < 30; tries++) {
		u64 va = random_va(v->root[v->user]), *e = m_walk(v->root[v->user], va);

		*mfn = e ? pte_mfn(*e) : 0;
		if (e && (*e & PTE_P) && !!(*e & PTE_RW) == allowed && *mfn < FRAMES &&
		    *mfn >= FIRST_RAM &&
		    (allowed || (M.f[*mfn].types && M.f[*mfn].type == T_L1) || once_in(30)))
			return va;
	}
	return 0;
}

/* Hypercalls come from the guest's kernel alone. */
static void set_mode(bool user)
{
	vcpu->arch.flags = user ? 0 : VCPU_KERNEL_MODE;
	M.d[who.d].v[who.v].user = user;
}

/* Of each vCPU, that of the next domain by this number included. */
static struct cpu_info processors[DOMS][VCPUS];

/*
 * Where to write, the frame that is there, and whether the processor only believes that it is: it is never made to
 * forget, so that may have been true of a domain that is long gone.
 */
static u64 va_for_emulation(struct write_tlb *t, u64 *mfn, bool *believed)
{
	u64 va;

	if (once_in(4))
		t->table = NULL;
	va = t->table && once_in(2) ? t->va : va_for_writing(false, mfn);
	*believed = t->table && va == t->va;
	if (*believed)
		*mfn = page_to_mfn(t->table);
	return va;
}

static void emulated_write_step(void)
{
	struct cpu_info *cpu = &processors[who.d][who.v];
	cpu_user_regs_t *regs = &cpu->regs;
	u64 mfn, va, val = entry_for(who.d, who.d, 1);
	struct m_write w = { .op = below(W_OPS), .size = 8, .src = val, .rax = val };
	bool ok, believed;
	unsigned len;

	set_mode(false);
	va = va_for_emulation(&cpu->write_tlb, &mfn, &believed);
	if (!va)
		return;
	va |= entry_offset();
	if (once_in(3)) {
		w.size = w.op >= W_BTS && w.op <= W_BTR ? 2U << below(3) : 1U << below(4);
		va += below(8) & ~(once_in(20) ? 0 : w.size - 1);
	}
	if ((w.op == W_BTS || w.op == W_BTR) && !once_in(4))
		w.src = (u64[]){ 1, 5, 6, 63, 62 }[below(5)];
	else if (w.op == W_AND && !once_in(4))
		w.src = ~(u64[]){ PTE_RW, PTE_A, PTE_D, PTE_P, PTE_NX }[below(5)];
	else if ((w.op == W_OR || w.op == W_XOR) && !once_in(4))
		w.src = (u64[]){ PTE_RW, PTE_A, PTE_D, PTE_P, PTE_NX }[below(5)];
	if (w.op == W_CMPXCHG && !once_in(3))
		w.rax = M.f[mfn].e[slot_of((va & 0xfff) / 8)] >> (va & 7) * 8;
	len = assemble(&w);
	*regs = (cpu_user_regs_t){ .rip = (u64)guest_code, .rflags = 2 };
	regs->rcx = w.src;
	regs->rax = w.rax;
	about_to(STEP_PTWR, va, w.op, w.size, w.src);
	ok = ptwr_move(vcpu, va, regs) || ptwr_emulate(vcpu, va, regs);
	AGREE(STEP_PTWR, "emulated", ok, m_ptwr(who, va, believed ? mfn : 0, &w));
	if (unruly)
		return;
	if (regs->rcx != w.src || regs->rax != w.rax ||
	    regs->rip != (u64)guest_code + (ok ? len : 0))
		fail("emulated write (op %u size %u): RCX %lx RAX %lx RIP %lx, model %lx %lx", w.op,
		     w.size, regs->rcx, regs->rax, regs->rip, w.src, w.rax);
	count(STEP_PTWR, ok);
}

static void guest_write_step(void)
{
	u64 mfn, val;
	unsigned s = below(SLOTS);

	if (!va_for_writing(true, &mfn) || M.f[mfn].owner >= DOMS)
		return;
	val = entry_for(M.f[mfn].owner, M.f[mfn].owner, role(mfn) ? role(mfn) : 1);
	((u64 *)mfn_to_virt(mfn))[slot_index[s]] = M.f[mfn].e[s] = val;
	count(STEP_GUEST_WRITE, true);
}

/* ---- grants: what a grant table does around the two functions ---- */

static u64 grant_place(bool *pte)
{
	*pte = once_in(3);
	if (!*pte)
		return random_va(M.d[who.d].v[who.v].root[0]);
	return frame_with(who.d, 1) << PAGE_SHIFT | entry_offset() | (once_in(30) ? 4 : 0);
}

static u32 grant_flags(const struct grant_held *g)
{
	return GNTMAP_host_map | (g->pte ? GNTMAP_contains_pte : 0) |
	       (g->readonly ? GNTMAP_readonly : 0);
}

/* refs: the grant table's, and an entry's that is gone. */
static void grant_release(struct grant_held *g, u32 refs)
{
	put_page_uses(mfn_to_page(g->mfn), !g->readonly, refs);
	if (!unruly)
		m_grant_release(g->mfn, g->readonly);
	g->used = false;
}

static void grant_unmap(struct grant_held *g)
{
	u64 addr = once_in(15) ? grant_place(&(bool){ false }) : g->addr;
	u64 new_addr = once_in(8) ? random_va(M.d[who.d].v[who.v].root[0]) : 0;
	int st;

	about_to(STEP_GRANT_UNMAP, addr, g->pte, g->mfn, new_addr);
	st = new_addr ? arch_grant_replace(vcpu, addr, g->mfn, grant_flags(g), new_addr) :
			arch_grant_unmap(vcpu, addr, g->mfn, grant_flags(g));
	AGREE(STEP_GRANT_UNMAP, "status", st,
	      m_grant_unmap(who, addr, g->pte, g->mfn, g->readonly, new_addr));
	count(STEP_GRANT_UNMAP, st == GNTST_okay);
	if (st == GNTST_okay) {
		tlb_flush_mask(&domain_at[who.d]->dirty_cpus);
		grant_release(g, 2);
	}
}

static void grant_map_step(void)
{
	struct grant_held *g = &grants[below(GRANTS)];
	u8 owner = some_domain();
	u64 avail = once_in(4) ? PTE_AVAIL & random64() : 0;
	int st;

	if (g->used)
		return;
	*g = (struct grant_held){ .readonly = once_in(2),
				  .mapper = who.d,
				  .mfn = frame_with(owner, 0) };
	if (g->mfn < FIRST_RAM || g->mfn >= FRAMES)
		return;
	g->addr = grant_place(&g->pte);
	st = get_page_uses(mfn_to_page(g->mfn), domain_at[owner], !g->readonly, 2) ? 0 : -EINVAL;
	AGREE(STEP_GRANT_MAP, "the grant table's reference", st,
	      m_grant_hold(owner, g->mfn, g->readonly));
	if (st)
		return;
	g->used = true;
	about_to(STEP_GRANT_MAP, g->addr, g->pte, g->mfn, g->readonly);
	st = arch_grant_map(vcpu, g->addr, g->mfn,
			    grant_flags(g) | avail >> 9 << _GNTMAP_guest_avail0);
	AGREE(STEP_GRANT_MAP, "status", st,
	      m_grant_map(who, g->addr, g->pte, g->mfn, g->readonly, avail));
	count(STEP_GRANT_MAP, st == GNTST_okay);
	if (st != GNTST_okay)
		grant_release(g, 2);
	else if (once_in(2)) /* later it mostly has been overwritten */
		grant_unmap(g);
}

static void grant_unmap_step(void)
{
	for (int tries = 0; tries < GRANTS; tries++) {
		struct grant_held *g = &grants[below(GRANTS)];

		if (g->used && g->mapper == who.d) {
			grant_unmap(g);
			return;
		}
	}
}

/* ---- frames come and go ---- */

static u64 get_frame(u8 d)
{
	struct page_info *pg =
		alloc_domheap_pages(domain_at[d], 0, once_in(2) ? MEMF_zero : 0, INVALID_M2P_ENTRY);

	AGREE(STEP_ALLOC, "a frame", !!pg, m_may_alloc(d));
	count(STEP_ALLOC, pg);
	if (!pg)
		return 0;
	if (!unruly) {
		check_given(page_to_mfn(pg));
		m_alloc(d, page_to_mfn(pg));
	}
	return page_to_mfn(pg);
}

/* As core/memory.c does. */
static void give_up_step(void)
{
	u64 mfn = own_frame(who.d);
	struct page_info *pg = mfn_to_page(mfn);
	int rc = -EINVAL;

	about_to(STEP_GIVE_UP, mfn, 0, 0, 0);
	if (mfn >= FIRST_RAM && get_page(pg, domain_at[who.d])) {
		if (!(pg->count_info & PGC_extra) &&
		    __atomic_fetch_and(&pg->count_info, ~PGC_allocated, __ATOMIC_ACQ_REL) &
			    PGC_allocated) {
			set_m2p(mfn, INVALID_M2P_ENTRY);
			put_page(pg);
			rc = 0;
		}
		put_page(pg);
	}
	AGREE(STEP_GIVE_UP, "result", rc, m_give_up(who.d, mfn));
	count(STEP_GIVE_UP, !rc);
}

/* One frame against another. */
static void exchange_step(void)
{
	u64 mfn = own_frame(who.d), other;
	struct page_info *pg = alloc_heap_pages(0, MEMF_scrub);
	int rc;

	if (!pg)
		return;
	other = page_to_mfn(pg);
	if (mfn >= FIRST_RAM) {
		about_to(STEP_EXCHANGE, mfn, other, 0, 0);
		if (!unruly)
			check_given(other);
		rc = swap_pages(domain_at[who.d], &mfn, &other, 0, 1);
		AGREE(STEP_EXCHANGE, "swapping", rc, m_swap(who.d, mfn, other));
		count(STEP_EXCHANGE, !rc);
		if (!rc)
			pg = mfn_to_page(mfn);
	}
	free_heap_pages(pg, 0);
}

/* ---- life and death ---- */

static u64 extra_frame[DOMS];  /* its shared info; 0: there was no memory */
static bool dying_still[DOMS]; /* in unruly times death takes its time */

static void share(u16 id)
{
	struct page_info *pg = alloc_heap_pages(0, MEMF_zero);

	extra_frame[id] = pg ? page_to_mfn(pg) : 0;
	if (!pg)
		return;
	share_page_with_domain(pg, domain_at[id], true);
	if (!unruly)
		m_share(id, page_to_mfn(pg));
}

/* Nothing is its own any more: forget it. What was shared with it lives on while others map it. */
static void bury(u16 id)
{
	struct page_info *pg = mfn_to_page(extra_frame[id]);

	if (dying_still[id] || domain_at[id]->tot_pages)
		return;
	if (extra_frame[id]) {
		unshare_page(pg);
		if (!unruly)
			m_unshare(extra_frame[id]);
	}
	M.d[id].exists = false;
	machine_domain_free(id);
}

static void birth(bool privileged)
{
	u64 frames = 23 + below(8);

	for (u16 id = 0; id < DOMS; id++) {
		if (M.d[id].exists && M.d[id].dying)
			bury(id);
		if (M.d[id].exists)
			continue;
		machine_domain_create(id, privileged, frames);
		m_create(id, privileged, frames);
		share(id);
		for (u64 i = 0; i < frames; i++)
			get_frame(id);
		return;
	}
}

static int drop_vcpus(struct domain *d)
{
	for (u32 i = 0; i < VCPUS; i++) {
		int rc;

		drop_gdt_frames(d->vcpu[i]);
		drop_ldt(d->vcpu[i]);
		rc = drop_guest_tables(d->vcpu[i]);
		if (rc)
			return rc;
	}
	return relinquish_page_tables(d);
}

/* As core/domain.c does: the allocation's own references. */
static void drop_allocation(struct domain *d)
{
	for (u64 mfn = FIRST_RAM; mfn < FRAMES; mfn++) {
		struct page_info *pg = mfn_to_page(mfn);

		if ((pg->count_info & PGC_extra) || !get_page(pg, d))
			continue;
		if (__atomic_fetch_and(&pg->count_info, ~PGC_allocated, __ATOMIC_ACQ_REL) &
		    PGC_allocated)
			put_page(pg);
		put_page(pg);
	}
}

/* Goes on with a death: true if there is more to do. */
static bool die_on(u8 id)
{
	if (!dying_still[id])
		return false;
	if (drop_vcpus(domain_at[id]))
		return true;
	drop_allocation(domain_at[id]);
	return dying_still[id] = false;
}

static void death(u8 id)
{
	struct domain *d = domain_at[id];

	about_to(STEP_DEATH, id, 0, 0, 0);
	d->dying = true;
	tlb_flush_mask(&d->dirty_cpus);
	for (int g = 0; g < GRANTS; g++)
		if (grants[g].used && grants[g].mapper == id)
			grant_release(&grants[g], 1);
	dying_still[id] = true;
	M.d[id].dying = true;
	if (!unruly)
		while (die_on(id))
			;
	if (!unruly)
		m_kill(id);
	count(STEP_DEATH, true);
}

static unsigned alive(void)
{
	unsigned n = 0;

	for (u16 d = 0; d < DOMS; d++)
		n += M.d[d].exists && !M.d[d].dying;
	return n;
}

static bool have_privileged(void)
{
	for (u16 d = 0; d < DOMS; d++)
		if (M.d[d].exists && !M.d[d].dying && M.d[d].privileged)
			return true;
	return false;
}

/* ---- */

static void (*const ways[])(void) = {
	mmu_update_step,  mmu_update_step,     mmu_update_step,     mmu_update_step,
	mmuext_step,      mmuext_step,         mmuext_step,         update_va_step,
	update_va_step,   emulated_write_step, emulated_write_step, guest_write_step,
	guest_write_step, grant_map_step,      grant_unmap_step,    gdt_step,
};

void step(void)
{
	static const unsigned odds[] = { 0, 0, 64, 8, 2 };

	M.now = flush_time;
	preempt_odds = odds[below(ARRAY_SIZE(odds))];
	if (alive() < 3)
		birth(!have_privileged());
	if (!alive())
		return;
	who = (struct m_caller){ some_domain(), below(VCPUS) };
	about_to(STEP_KINDS, 0, 0, 0, 0);
	vcpu = domain_at[who.d]->vcpu[who.v];
	if (once_in(4000)) {
		death(who.d);
		return;
	}
	if (unruly) {
		preempt_odds = 1 + below(3);
		check_adopt();
		for (u16 d = 0; d < DOMS; d++)
			if (once_in(4))
				die_on(d);
	}
	if (once_in(60))
		once_in(2) ? exchange_step() : give_up_step();
	else if (once_in(50))
		get_frame(who.d);
	else
		unruly &&once_in(2) ? mmuext_step() : ways[below(ARRAY_SIZE(ways))]();
	set_mode(false);
	if (!unruly && vcpu->arch.dropping)
		fail("a call is done, and frame %lx half dropped", vcpu->arch.dropping - 1);
}

void finish(void)
{
	preempt_odds = 2;
	for (u16 d = 0; d < DOMS; d++)
		if (M.d[d].exists && !M.d[d].dying)
			death(d);
	for (u16 d = 0; d < DOMS; d++)
		while (die_on(d))
			;
	for (u16 d = 0; d < DOMS; d++) {
		if (M.d[d].exists)
			bury(d);
		if (domain_at[d])
			fail("d%u is dead, and has %lu frames", d, domain_at[d]->tot_pages);
	}
	if (heap_free_pages() != FRAMES - FIRST_RAM)
		fail("everybody is dead, and %lu of %u frames are free", heap_free_pages(),
		     FRAMES - FIRST_RAM);
	check_adopt();
}
