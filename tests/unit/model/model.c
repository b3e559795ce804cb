/* SPDX-License-Identifier: MIT */
/* The reference model, frames and entries: see model.h. */
#include "model_internal.h"

#include <string.h>

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

u64 frame_of(u64 e)
{
	return (e & ADDR) >> 12;
}

/* ---- requests are transactions ---- */

void begin(void)
{
	before = M;
}

int end(int rc)
{
	if (rc) {
		for (u64 i = 0; i < FRAMES; i++)
			memcpy(before.f[i].e, M.f[i].e, sizeof(M.f[i].e)); /* made safe already */
		M = before;
	}
	return rc;
}

/* ---- references ---- */

bool is_ram(u64 mfn)
{
	return mfn < FRAMES && !M.f[mfn].device;
}

bool get(u64 mfn, u8 d)
{
	if (!is_ram(mfn) || M.f[mfn].owner != d || d >= DOMS)
		return false;
	M.f[mfn].refs++;
	return true;
}

void put(u64 mfn)
{
	struct m_frame *f = &M.f[mfn];

	if (--f->refs)
		return;
	if (f->owner < DOMS)
		M.d[f->owner].pages--;
	f->owner = NOBODY;
	f->m2p = ~0UL;
}

static int validate(u64 mfn);
static void drop_entries(u64 mfn);

int get_type(u64 mfn, u8 type)
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

void put_type(u64 mfn)
{
	if (--M.f[mfn].types)
		return;
	M.f[mfn].idle = M.now;
	drop_entries(mfn);
}

int get_both(u64 mfn, u8 d, u8 type)
{
	return get(mfn, d) ? get_type(mfn, type) : -EINVAL;
}

void put_both(u64 mfn)
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

void l1_put(u64 e)
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
	if (!(*e >> 47 & 1))
		return 0;
	if (!(*e >> 44 & 1))
		return -EINVAL;
	*e |= 3UL << 45 | 1UL << 40;
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
	if ((*new & ~cur &RW) && (M.f[mfn].owner != from || get_type(mfn, T_WRITABLE)))
		return -EINVAL;
	if (cur & ~*new &RW)
		put_type(mfn);
	return 0;
}

int l1_write(u8 d, u8 from, u64 *entry, u64 new, bool keep_ad)
{
	u64 cur = *entry;
	bool same = cur & new &P && !((cur ^ new) & ADDR);
	int rc = 0;

	if (same)
		rc = l1_flags(d, from, cur, &new);
	else if (new &P)
		rc = l1_get(d, from, &new);
	if (rc)
		return rc;
	*entry = new | (keep_ad ? cur & AD : 0);
	if (!same)
		l1_put(cur);
	return 0;
}

int upper_write(u8 d, u64 table, int s, u64 new, bool keep_ad)
{
	u64 *entry = &M.f[table].e[s], cur = *entry;
	u8 type = M.f[table].type;
	bool same = cur & new &P && !((cur ^ new) & ADDR);

	if (type == T_L4 && hv_slot(s))
		return -EINVAL;
	if (same && (new &PSE))
		return -EINVAL;
	if (same)
		new |= US;
	else if ((new &P) && upper_get(d, type, &new))
		return -EINVAL;
	*entry = new | (keep_ad ? cur & AD : 0);
	if (!same && (cur & P))
		put_both(frame_of(cur));
	return 0;
}

bool is_table(u64 mfn, u8 d)
{
	return mfn < FRAMES && M.f[mfn].owner == d && M.f[mfn].types && M.f[mfn].type >= T_L1 &&
	       M.f[mfn].type <= T_L4;
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
	if (!is_ram(mfn) || M.f[mfn].owner != d || !M.f[mfn].allocated || M.f[mfn].extra)
		return -EINVAL;
	M.f[mfn].allocated = false;
	M.f[mfn].m2p = ~0UL;
	put(mfn);
	return 0;
}

int m_swap(u8 d, u64 old, u64 new)
{
	if (!is_ram(old) || M.f[old].owner != d || !M.f[old].allocated || M.f[old].refs != 1 ||
	    M.f[old].extra || M.d[d].dying)
		return -EINVAL;
	M.f[old] = (struct m_frame){ .owner = NOBODY, .m2p = ~0UL };
	M.f[new] = (struct m_frame){ .owner = d, .allocated = true, .refs = 1, .m2p = ~0UL };
	return 0;
}

void m_share(u8 d, u64 mfn)
{
	M.f[mfn] = (struct m_frame){ .owner = d,
				     .allocated = true,
				     .extra = true,
				     .refs = 1,
				     .types = 1,
				     .type = T_WRITABLE,
				     .m2p = ~0UL };
}

void m_unshare(u64 mfn)
{
	M.f[mfn].owner = THE_HYPERVISOR;
	M.f[mfn].allocated = M.f[mfn].extra = false;
	put_both(mfn);
}

void m_create(u8 d, bool privileged, u64 max_pages)
{
	M.d[d] = (struct m_dom){ .exists = true, .privileged = privileged, .max_pages = max_pages };
}

/*
 * Its mappings of grants are released before. Frames that others map stay its own until they let
 * go.
 */
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
		if (M.f[i].owner == d && M.f[i].allocated && !M.f[i].extra) {
			M.f[i].allocated = false;
			put(i);
		}
}
