/* SPDX-License-Identifier: MIT */
/* The reference model, calls: see model.h. */
#include "model_internal.h"

#include <xen/grant_table.h>
#include <xen/xen.h>

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
	bool keep_ad = (r->ptr & 3) == MMU_PT_UPDATE_PRESERVE_AD;
	int s = slot_of((r->ptr & 0xfff) / 8), rc;

	if ((r->ptr & 3) == MMU_MACHPHYS_UPDATE) {
		if (!get(mfn, frames_of))
			return -EINVAL;
		M.f[mfn].m2p = r->val;
		put(mfn);
		return 0;
	}
	if (r->ptr & 4)
		return -EINVAL;
	if (is_table(mfn, tables_of) && M.f[mfn].type == T_L1)
		return l1_write(tables_of, frames_of, &M.f[mfn].e[s], r->val, keep_ad);
	if (is_table(mfn, tables_of))
		return upper_write(tables_of, mfn, s, r->val, keep_ad);
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
	case W_MOV:
		return src & mask;
	case W_XCHG:
		w->src = (src & ~mask) | old;
		return src & mask;
	case W_AND:
		return old & src;
	case W_OR:
		return (old | src) & mask;
	case W_XOR:
		return (old ^ src) & mask;
	case W_BTS:
		return old | bit;
	case W_BTR:
		return old & ~bit;
	case W_XADD:
		w->src = (src & ~mask) | old;
		return (old + src) & mask;
	default:
		if ((w->rax & mask) == old)
			return src & mask;
		w->rax = (w->rax & ~mask) | old;
		return old;
	}
}

/* Writing where a table of one's own is mapped read-only, or was when the processor looked. */
bool m_ptwr(struct m_caller c, u64 va, u64 seen, struct m_write *w)
{
	u64 *map = current_entry(c, va), mfn = seen, *entry, old, new, mask;
	unsigned shift = (va & 7) * 8;
	struct m_write done = *w;

	if (!seen) {
		if (!map || (*map & (P | RW)) != P)
			return false;
		mfn = frame_of(*map);
	}
	if (!is_table(mfn, c.d) || M.f[mfn].type != T_L1 || va % w->size)
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

int set_root(struct m_caller c, u64 mfn, bool user)
{
	u64 *root = &M.d[c.d].v[c.v].root[user], old = *root;

	if (!mfn && !user)
		return -EINVAL;
	if (mfn == old)
		return 0;
	if (mfn && get_both(mfn, c.d, T_L4))
		return -EINVAL;
	*root = mfn;
	if (old)
		put_both(old);
	return 0;
}

int set_descriptor_frames(u8 d, u64 *frames, unsigned room, const u64 *new, unsigned n)
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
	return end(DIV_ROUND_UP(entries, 512) > 14 ?
			   -EINVAL :
			   set_descriptor_frames(c.d, M.d[c.d].v[c.v].gdt, 14, frames,
						 DIV_ROUND_UP(entries, 512)));
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
		if (op->cmd == MMUEXT_COPY_PAGE &&
		    (!is_ram(op->arg2.src_mfn) || M.f[op->arg2.src_mfn].owner != d))
			return -EINVAL;
		for (int s = 0; s < SLOTS; s++)
			M.f[mfn].e[s] =
				op->cmd == MMUEXT_COPY_PAGE ? M.f[op->arg2.src_mfn].e[s] : 0;
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
	return entry && (*entry & P) && frame_of(*entry) == mfn && !(*entry & RW) == readonly;
}

int m_grant_unmap(struct m_caller c, u64 addr, bool pte, u64 mfn, bool readonly, u64 new_addr)
{
	u64 *entry = grant_entry(c, addr, pte),
	    *from = new_addr ? grant_entry(c, new_addr, false) : NULL, cur;

	if (!maps(entry, mfn, readonly) || (new_addr && (pte || !from || from == entry)))
		return GNTST_bad_virt_addr;
	cur = *entry;
	*entry = from ? *from : 0;
	if (from)
		*from = 0;
	l1_put(cur);
	return GNTST_okay;
}
