/* SPDX-License-Identifier: MIT */
/* The reference model: see model.h. */
#include "model.h"

#include <string.h>
#include <xen/grant_table.h>
#include <xen/xen.h>

#define P 0x001UL
#define RW 0x002UL
#define US 0x004UL
#define CACHE 0x098UL /* PWT, PCD, PAT */
#define AD 0x060UL
#define PSE 0x080UL
#define G 0x100UL
#define ADDR 0x000ffffffffff000UL
#define NOT_RAM (1UL << 24) /* frames from here on do not exist: 36 bits of physical address */

struct model M;
static struct model before;

const u16 slot_index[SLOTS] = { 0, 1, 2, 130, 255, 256, 271, 511 };
/* Present, and naming frames of the hypervisor: a guest must never get them validated elsewhere. */
const u64 hv_entry[SLOTS] = { [5] = 1UL << 12 | P | AD, [6] = 2UL << 12 | P | RW | AD };

int slot_of(unsigned index)
{
	for (int s = 0; s < SLOTS; s++)
		if (slot_index[s] == index)
			return s;
	return -1;
}

static u64 frame_of(u64 e)
{
	return (e & ADDR) >> 12;
}

/* ---- requests are transactions ---- */

static void begin(void)
{
	before = M;
}

static int end(int rc)
{
	if (rc) {
		for (u64 i = 0; i < FRAMES; i++)
			memcpy(before.f[i].e, M.f[i].e, sizeof(M.f[i].e)); /* made safe already */
		M = before;
	}
	return rc;
}

/* ---- references ---- */

static bool is_ram(u64 mfn)
{
	return mfn < FRAMES && !M.f[mfn].device;
}

static bool get(u64 mfn, u8 d)
{
	if (!is_ram(mfn) || M.f[mfn].owner != d || d >= DOMS)
		return false;
	M.f[mfn].refs++;
	return true;
}

static void put(u64 mfn)
{
	struct m_frame *f = &M.f[mfn];

	if (--f->refs)
		return;
	M.d[f->owner].pages--;
	f->owner = NOBODY;
	f->m2p = ~0UL;
}

static int validate(u64 mfn);
static void drop_entries(u64 mfn);

static int get_type(u64 mfn, u8 type)
{
	struct m_frame *f = &M.f[mfn];

	if (f->types) {
		f->types++;
		return f->type == type ? 0 : -EINVAL;
	}
	if (f->type && f->type != type && M.nr_retyped < ARRAY_SIZE(M.retyped))
		M.retyped[M.nr_retyped++] = (struct m_retype){ mfn, f->idle, f->owner };
	f->type = type;
	f->types = 1;
	return validate(mfn);
}

static void put_type(u64 mfn)
{
	if (--M.f[mfn].types)
		return;
	M.f[mfn].idle = M.now;
	drop_entries(mfn);
}

static int get_both(u64 mfn, u8 d, u8 type)
{
	return get(mfn, d) ? get_type(mfn, type) : -EINVAL;
}

static void put_both(u64 mfn)
{
	put_type(mfn);
	put(mfn);
}

/* ---- what entries are acceptable ---- */

static bool device_allowed(u64 mfn, bool write)
{
	return mfn != FIRST_DEVICE + 2 && !(write && mfn == FIRST_DEVICE + 1);
}

/* An L1 entry of domain d that names a frame of `from`, becoming what may be installed. */
static int l1_get(u8 d, u8 from, u64 *e)
{
	u64 mfn = frame_of(*e);

	*e = (*e | US) & ~G;
	if (get(mfn, from)) {
		if (!M.d[d].privileged)
			*e &= ~CACHE;
		return *e & RW ? get_type(mfn, T_WRITABLE) : 0;
	}
	if (is_ram(mfn) || mfn >= NOT_RAM)
		return -EINVAL;
	if (!M.d[d].privileged || (from != d && from != DEVICES))
		return -EPERM;
	if (!device_allowed(mfn, true))
		*e &= ~RW;
	return device_allowed(mfn, false) ? 0 : -EPERM;
}

static void l1_put(u64 e)
{
	u64 mfn = frame_of(e);

	if (!(e & P) || !is_ram(mfn))
		return;
	if (e & RW)
		put_type(mfn);
	put(mfn);
}

static int upper_get(u8 d, u8 type, u64 *e)
{
	*e |= US;
	return *e & PSE ? -EINVAL : get_both(frame_of(*e), d, type - 1);
}

/* Code and data for ring 3 only; what is present is accessed; nothing else. */
static int make_descriptor_safe(u64 *e)
{
	if (!*e)
		return 0;
	if ((*e >> 47 & 1) && !(*e >> 44 & 1))
		return -EINVAL;
	*e |= 3UL << 45;
	if (*e >> 47 & 1)
		*e |= 1UL << 40;
	return 0;
}

static int validate(u64 mfn)
{
	struct m_frame *f = &M.f[mfn];

	if (f->type == T_WRITABLE)
		return 0;
	for (int s = 0; s < SLOTS; s++) {
		u64 e = f->e[s];
		int rc = 0;

		if (f->type == T_DESC)
			rc = make_descriptor_safe(&e);
		else if (!(e & P) || (f->type == T_L4 && hv_slot(s)))
			continue;
		else if (f->type == T_L1)
			rc = l1_get(f->owner, f->owner, &e);
		else
			rc = upper_get(f->owner, f->type, &e);
		if (rc)
			return -EINVAL;
		f->e[s] = e;
	}
	for (int s = 0; s < SLOTS && f->type == T_L4; s++)
		if (hv_slot(s))
			f->e[s] = hv_entry[s];
	return 0;
}

/* It is no table any more. */
static void drop_entries(u64 mfn)
{
	struct m_frame *f = &M.f[mfn];

	if (f->type < T_L1 || f->type > T_L4)
		return;
	for (int s = 0; s < SLOTS; s++) {
		if (f->type == T_L4 && hv_slot(s))
			f->e[s] = 0;
		else if (f->type == T_L1)
			l1_put(f->e[s]);
		else if (f->e[s] & P)
			put_both(frame_of(f->e[s]));
	}
}

/* ---- changing an entry of a table ---- */

static int l1_flags(u8 d, u8 from, u64 cur, u64 *new)
{
	u64 mfn = frame_of(cur);

	*new = (*new | US) & ~G;
	if (!((cur ^ *new) & (RW | CACHE)))
		return 0;
	if (!is_ram(mfn))
		return l1_get(d, from, new);
	if (!M.d[d].privileged)
		*new &= ~CACHE;
	/* A mapping of somebody else's frame never gains rights. */
	if ((*new & ~cur & RW) && (M.f[mfn].owner != from || get_type(mfn, T_WRITABLE)))
		return -EINVAL;
	if (cur & ~*new & RW)
		put_type(mfn);
	return 0;
}

static int l1_write(u8 d, u8 from, u64 *entry, u64 new, bool keep_ad)
{
	u64 cur = *entry;
	bool same = cur & new & P && !((cur ^ new) & ADDR);
	int rc = 0;

	if (same)
		rc = l1_flags(d, from, cur, &new);
	else if (new & P)
		rc = l1_get(d, from, &new);
	if (rc)
		return rc;
	*entry = new | (keep_ad ? cur & AD : 0);
	if (!same)
		l1_put(cur);
	return 0;
}

static int upper_write(u8 d, u64 table, int s, u64 new, bool keep_ad)
{
	u64 *entry = &M.f[table].e[s], cur = *entry;
	u8 type = M.f[table].type;
	bool same = cur & new & P && !((cur ^ new) & ADDR);

	if (type == T_L4 && hv_slot(s))
		return -EINVAL;
	if (same && (new & PSE))
		return -EINVAL;
	if (same)
		new |= US;
	else if ((new & P) && upper_get(d, type, &new))
		return -EINVAL;
	*entry = new | (keep_ad ? cur & AD : 0);
	if (!same && (cur & P))
		put_both(frame_of(cur));
	return 0;
}

static bool is_table(u64 mfn, u8 d)
{
	const struct m_frame *f = &M.f[mfn];

	return mfn < FRAMES && f->owner == d && f->types && f->type >= T_L1 && f->type <= T_L4;
}

/* ---- whose frames; -ESRCH, -EPERM ---- */

static int who(u8 caller, u16 domid, u8 *d)
{
	*d = caller;
	if (domid == DOMID_SELF || domid == caller)
		return 0;
	if (!M.d[caller].privileged)
		return -EPERM;
	*d = domid == DOMID_IO ? DEVICES : domid;
	return *d == DEVICES || (domid < DOMS && M.d[*d].exists && !M.d[*d].dying) ? 0 : -ESRCH;
}

/* ---- mmu_update ---- */

static int request(u8 tables_of, u8 frames_of, const struct mmu_update *r)
{
	u64 mfn = r->ptr >> 12;
	unsigned cmd = r->ptr & 3;
	int s = slot_of((r->ptr & 0xfff) / 8), rc;

	if (cmd == MMU_MACHPHYS_UPDATE) {
		if (!get(mfn, frames_of))
			return -EINVAL;
		M.f[mfn].m2p = r->val;
		put(mfn);
		return 0;
	}
	if (cmd != MMU_NORMAL_PT_UPDATE && cmd != MMU_PT_UPDATE_PRESERVE_AD)
		return -ENOSYS;
	if (r->ptr & 4)
		return -EINVAL;
	if (is_table(mfn, tables_of) && M.f[mfn].type == T_L1)
		return l1_write(tables_of, frames_of, &M.f[mfn].e[s], r->val, cmd);
	if (is_table(mfn, tables_of))
		return upper_write(tables_of, mfn, s, r->val, cmd);
	rc = get_both(mfn, tables_of, T_WRITABLE);
	if (rc)
		return rc;
	M.f[mfn].e[s] = r->val;
	put_both(mfn);
	return 0;
}

int m_mmu_update(struct m_caller c, const struct mmu_update *req, u32 n, u32 foreign, u32 *done)
{
	u8 tables_of = c.d, frames_of;
	int rc = foreign >> 16 ? who(c.d, (foreign >> 16) - 1, &tables_of) : 0;

	*done = 0;
	if (rc == -ESRCH || tables_of == DEVICES)
		return -EINVAL;
	rc = rc ?: who(c.d, foreign, &frames_of);
	for (; !rc && *done < n; *done += !rc) {
		begin();
		rc = end(request(tables_of, frames_of, req + *done));
	}
	return rc;
}

/* ---- the current tables ---- */

u64 *m_walk(u64 root, u64 va)
{
	u64 mfn = root;

	for (int level = 4; root; level--) {
		int s = slot_of(va >> (12 + 9 * (level - 1)) & 511);

		if (s < 0 || (level == 4 && hv_slot(s)))
			return NULL;
		if (level == 1)
			return &M.f[mfn].e[s];
		if (!(M.f[mfn].e[s] & P))
			return NULL;
		mfn = frame_of(M.f[mfn].e[s]);
	}
	return NULL;
}

int m_update_va(struct m_caller c, u64 va, u64 val, u64 flags, u32 foreign)
{
	u64 *entry;
	u8 from;
	int rc = who(c.d, foreign, &from);

	if (rc)
		return rc;
	entry = m_walk(M.d[c.d].v[c.v].root[0], va);
	if (!entry)
		return -EINVAL;
	begin();
	rc = end(l1_write(c.d, from, entry, val, false));
	return rc ?: (flags & 3) == 3 ? -ENOSYS : 0;
}

static u64 *current_entry(struct m_caller c, u64 va)
{
	struct m_vcpu *v = &M.d[c.d].v[c.v];

	return m_walk(v->root[v->user], va);
}

static u64 execute(struct m_write *w, u64 old)
{
	u64 mask = w->size == 8 ? ~0UL : (1UL << 8 * w->size) - 1, src = w->src, bit;

	bit = 1UL << (src & (8 * w->size - 1));
	switch (w->op) {
	case W_MOV: return src & mask;
	case W_XCHG: w->src = (src & ~mask) | old; return src & mask;
	case W_AND: return old & src;
	case W_OR: return (old | src) & mask;
	case W_XOR: return (old ^ src) & mask;
	case W_BTS: return old | bit;
	case W_BTR: return old & ~bit;
	case W_XADD: w->src = (src & ~mask) | old; return (old + src) & mask;
	default:
		if ((w->rax & mask) == old)
			return src & mask;
		w->rax = (w->rax & ~mask) | old;
		return old;
	}
}

/* Writing where a table of one's own is mapped read-only. */
bool m_ptwr(struct m_caller c, u64 va, struct m_write *w)
{
	u64 *map = current_entry(c, va), mfn = map ? frame_of(*map) : 0, *entry, old, new, mask;
	unsigned shift = (va & 7) * 8;
	struct m_write done = *w;

	if (!map || (*map & (P | RW)) != P || !is_table(mfn, c.d) || M.f[mfn].type != T_L1 || va % w->size)
		return false;
	entry = &M.f[mfn].e[slot_of((va & 0xfff) / 8)];
	mask = (w->size == 8 ? ~0UL : (1UL << 8 * w->size) - 1) << shift;
	old = *entry;
	new = execute(&done, (old & mask) >> shift);
	/* A 32-bit result clears the upper half of a register. */
	if (w->size == 4 && (w->op == W_XCHG || w->op == W_XADD))
		done.src = (u32)done.src;
	if (w->size == 4 && w->op == W_CMPXCHG && (u32)w->rax != (u32)(old >> shift))
		done.rax = (u32)done.rax;
	begin();
	if (end(l1_write(c.d, c.d, entry, (old & ~mask) | new << shift, false)))
		return false;
	*w = done;
	return true;
}

/* ---- mmuext_op ---- */

static int set_root(struct m_caller c, u64 mfn, bool user)
{
	u64 *root = &M.d[c.d].v[c.v].root[user], old = *root;

	if (mfn == old)
		return 0;
	if ((mfn || !user) && get_both(mfn, c.d, T_L4))
		return -EINVAL;
	*root = mfn;
	if (old)
		put_both(old);
	return 0;
}

static int set_descriptor_frames(u8 d, u64 *frames, unsigned room, const u64 *new, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (get_both(new[i], d, T_DESC))
			return -EINVAL;
	for (unsigned i = 0; i < room; i++) {
		if (frames[i])
			put_both(frames[i]);
		frames[i] = i < n ? new[i] : 0;
	}
	return 0;
}

static int set_ldt(struct m_caller c, u64 base, u64 entries)
{
	struct m_vcpu *v = &M.d[c.d].v[c.v];
	unsigned n = DIV_ROUND_UP(entries, 512);
	u64 new[16];
	int rc;

	if (!entries)
		base = 0;
	if (n > 16 || base & 0xfff)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		u64 *e = current_entry(c, base + i * 4096);

		if (!e || !(*e & P))
			return -EINVAL;
		new[i] = frame_of(*e);
	}
	rc = set_descriptor_frames(c.d, v->ldt, 16, new, n);
	if (!rc)
		v->ldt_entries = entries;
	return rc;
}

int m_set_gdt(struct m_caller c, const u64 *frames, unsigned entries)
{
	begin();
	return end(DIV_ROUND_UP(entries, 512) > 14 ? -EINVAL :
		   set_descriptor_frames(c.d, M.d[c.d].v[c.v].gdt, 14, frames, DIV_ROUND_UP(entries, 512)));
}

static int operation(struct m_caller c, u8 d, const struct mmuext_op *op)
{
	u64 mfn = op->arg1.mfn;

	switch (op->cmd) {
	case MMUEXT_PIN_L1_TABLE ... MMUEXT_PIN_L4_TABLE:
		if (get_both(mfn, d, op->cmd - MMUEXT_PIN_L1_TABLE + T_L1) || M.f[mfn].pinned)
			return -EINVAL;
		M.f[mfn].pinned = true;
		return 0;
	case MMUEXT_UNPIN_TABLE:
		if (!is_table(mfn, d) || !M.f[mfn].pinned)
			return -EINVAL;
		M.f[mfn].pinned = false;
		put_both(mfn);
		return 0;
	case MMUEXT_CLEAR_PAGE:
	case MMUEXT_COPY_PAGE:
		if (get_both(mfn, d, T_WRITABLE))
			return -EINVAL;
		if (op->cmd == MMUEXT_COPY_PAGE && (!is_ram(op->arg2.src_mfn) || M.f[op->arg2.src_mfn].owner != d))
			return -EINVAL;
		for (int s = 0; s < SLOTS; s++)
			M.f[mfn].e[s] = op->cmd == MMUEXT_COPY_PAGE ? M.f[op->arg2.src_mfn].e[s] : 0;
		put_both(mfn);
		return 0;
	}
	if (op->cmd > MMUEXT_UNMARK_SUPER)
		return -ENOSYS;
	if (d != c.d)
		return -EPERM; /* what follows makes sense for oneself alone */
	switch (op->cmd) {
	case MMUEXT_NEW_BASEPTR:
		return set_root(c, mfn, false);
	case MMUEXT_NEW_USER_BASEPTR:
		return set_root(c, mfn, true);
	case MMUEXT_SET_LDT:
		return set_ldt(c, mfn, op->arg2.nr_ents);
	case MMUEXT_FLUSH_CACHE:
	case MMUEXT_FLUSH_CACHE_GLOBAL:
		return M.d[d].privileged ? 0 : -EACCES;
	case MMUEXT_MARK_SUPER:
	case MMUEXT_UNMARK_SUPER:
		return -EOPNOTSUPP;
	}
	return op->cmd <= MMUEXT_INVLPG_ALL ? 0 : -ENOSYS;
}

int m_mmuext(struct m_caller c, const struct mmuext_op *op, u32 n, u32 foreign, u32 *done)
{
	u8 d;
	int rc = who(c.d, foreign, &d);

	for (*done = 0; !rc && *done < n; *done += !rc) {
		begin();
		rc = end(operation(c, d, op + *done));
	}
	return rc;
}

/* ---- grants ---- */

int m_grant_hold(u8 owner, u64 mfn, bool readonly)
{
	begin();
	return end(!get(mfn, owner) ? -EINVAL : readonly ? 0 : get_type(mfn, T_WRITABLE));
}

void m_grant_release(u64 mfn, bool readonly)
{
	if (!readonly)
		put_type(mfn);
	put(mfn);
}

static u64 *grant_entry(struct m_caller c, u64 addr, bool pte)
{
	if (!pte)
		return m_walk(M.d[c.d].v[c.v].root[0], addr);
	if ((addr & 7) || !is_table(addr >> 12, c.d) || M.f[addr >> 12].type != T_L1)
		return NULL;
	return &M.f[addr >> 12].e[slot_of((addr & 0xfff) / 8)];
}

int m_grant_map(struct m_caller c, u64 addr, bool pte, u64 mfn, bool readonly, u64 avail)
{
	u64 *entry = grant_entry(c, addr, pte), cur;

	if (!entry)
		return GNTST_bad_virt_addr;
	cur = *entry;
	*entry = mfn << 12 | P | US | AD | avail | (readonly ? 0 : RW);
	M.f[mfn].refs++;
	if (!readonly)
		M.f[mfn].types++; /* the grant table holds one already */
	l1_put(cur);
	return GNTST_okay;
}

static bool maps(const u64 *entry, u64 mfn, bool readonly)
{
	return entry && (*entry & P) && frame_of(*entry) == mfn && !(readonly && (*entry & RW));
}

int m_grant_unmap(struct m_caller c, u64 addr, bool pte, u64 mfn, bool readonly, u64 new_addr)
{
	u64 *entry = grant_entry(c, addr, pte), *from = new_addr ? grant_entry(c, new_addr, false) : NULL, cur;

	if (!maps(entry, mfn, readonly) || (new_addr && (pte || !from || from == entry)))
		return GNTST_bad_virt_addr;
	cur = *entry;
	*entry = from ? *from : 0;
	if (from)
		*from = 0;
	l1_put(cur);
	return GNTST_okay;
}

/* ---- frames come and go ---- */

bool m_may_alloc(u8 d)
{
	bool any = false;

	for (u64 i = FIRST_RAM; i < FRAMES; i++)
		any |= M.f[i].owner == NOBODY;
	return any && M.d[d].pages < M.d[d].max_pages && !M.d[d].dying;
}

void m_alloc(u8 d, u64 mfn)
{
	M.f[mfn] = (struct m_frame){ .owner = d, .allocated = true, .refs = 1, .m2p = ~0UL };
	M.d[d].pages++;
}

int m_give_up(u8 d, u64 mfn)
{
	if (!is_ram(mfn) || M.f[mfn].owner != d || !M.f[mfn].allocated)
		return -EINVAL;
	M.f[mfn].allocated = false;
	M.f[mfn].m2p = ~0UL;
	put(mfn);
	return 0;
}

int m_steal(u8 d, u64 mfn)
{
	if (!is_ram(mfn) || M.f[mfn].owner != d || !M.f[mfn].allocated)
		return -EINVAL;
	if (M.f[mfn].refs != 1)
		return -EBUSY;
	M.f[mfn].owner = THE_HYPERVISOR;
	M.f[mfn].allocated = false;
	M.f[mfn].m2p = ~0UL;
	M.d[d].pages--;
	return 0;
}

int m_assign(u8 d, u64 mfn)
{
	if (M.d[d].dying)
		return -EINVAL;
	if (M.d[d].pages >= M.d[d].max_pages)
		return -ENOMEM;
	M.f[mfn].owner = d;
	M.f[mfn].allocated = true;
	M.f[mfn].refs = 1;
	M.f[mfn].type = T_NONE;
	M.d[d].pages++;
	return 0;
}

void m_free_stolen(u64 mfn)
{
	M.f[mfn].owner = NOBODY;
	M.f[mfn].refs = 0;
}

void m_create(u8 d, bool privileged, u64 max_pages)
{
	M.d[d] = (struct m_dom){ .exists = true, .privileged = privileged, .max_pages = max_pages };
}

/* Its mappings of grants are released before. Frames that others map stay its own until they let go. */
void m_kill(u8 d)
{
	M.d[d].dying = true;
	for (u8 v = 0; v < VCPUS; v++) {
		struct m_caller c = { d, v };
		struct m_vcpu *vcpu = &M.d[d].v[v];

		set_descriptor_frames(d, vcpu->gdt, 14, NULL, 0);
		set_descriptor_frames(d, vcpu->ldt, 16, NULL, 0);
		vcpu->ldt_entries = 0;
		set_root(c, 0, true);
		if (vcpu->root[0])
			put_both(vcpu->root[0]);
		vcpu->root[0] = 0;
	}
	for (u64 i = 0; i < FRAMES; i++)
		if (M.f[i].owner == d && M.f[i].pinned) {
			M.f[i].pinned = false;
			put_both(i);
		}
	for (u64 i = 0; i < FRAMES; i++)
		if (M.f[i].owner == d && M.f[i].allocated) {
			M.f[i].allocated = false;
			put(i);
		}
}
