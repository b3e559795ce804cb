/* SPDX-License-Identifier: MIT */
/*
 * A reference model of direct paging, written from the invariants alone: slow, without locks,
 * without preemption, with transactions instead of undoing. The engine must agree with it in every
 * answer, every count and every entry.
 *
 * The invariants:
 *  - a frame is referenced by its owner (allocated), by every present entry of a table that names
 *    it, and by whoever else was given a reference (roots, pins, descriptor tables, grants);
 *  - entries of an L2-L4 and those L1 entries that allow writing are references as a type, too, and
 *    so are roots, pins, descriptor tables and writable grants;
 *  - a frame with type references has one type, and what it contains is acceptable for that type;
 *  - a frame whose last reference goes belongs to nobody;
 *  - a refused request changes nothing, except that entries may have been made safe in place.
 */
#ifndef MODEL_H
#define MODEL_H

#include "lib/base.h"

#define FRAMES 96
#define FIRST_DEVICE 4 /* frames 4-7 are no RAM: writable, read-only, forbidden, writable */
#define FIRST_RAM 8
#define DOMS 6
#define VCPUS 2
#define GRANTS 24

/* Whose: a domain, or */
#define NOBODY 255
#define THE_HYPERVISOR 254
#define DEVICES 253 /* DOMID_IO */

/*
 * Entries of a table that are ever used; the others stay 0. The hypervisor's slots of an L4 are
 * among them.
 */
#define SLOTS 8
extern const u16 slot_index[SLOTS];
extern const u64 hv_entry[SLOTS]; /* what an L4 has in those, 0 elsewhere */
int slot_of(unsigned index);      /* -1: none of them */
static inline bool hv_slot(int s)
{
	return s == 5 || s == 6;
}

enum { T_NONE, T_L1, T_L2, T_L3, T_L4, T_DESC, T_WRITABLE = 7 };

struct m_frame {
	u64 e[SLOTS];
	u64 m2p;
	u64 idle; /* time when its last type reference went */
	u32 refs, types;
	u8 owner; /* NOBODY: free */
	u8 type;  /* of its type references, or the last it had */
	bool device, allocated, pinned;
	bool extra; /* shared by the hypervisor, held as writable: shared info, grant tables */
};

struct m_vcpu {
	u64 root[2]; /* kernel, user */
	u64 gdt[14], ldt[16];
	u64 ldt_entries;
	bool user;
};

struct m_dom {
	bool exists, privileged, dying;
	u64 pages, max_pages;
	struct m_vcpu v[VCPUS];
};

struct model {
	struct m_frame f[FRAMES];
	struct m_dom d[DOMS];
	u64 now; /* set by who drives it */
	/* Frames that changed their type: the driver checks that their past was flushed. */
	struct m_retype {
		u64 mfn, idle;
		u8 owner;
	} retyped[64];
	unsigned nr_retyped;
};
extern struct model M;

/* A caller: vCPU v of domain d. */
struct m_caller {
	u8 d, v;
};

struct m_write { /* an instruction that writes to memory */
	enum { W_MOV, W_XCHG, W_AND, W_OR, W_XOR, W_BTS, W_BTR, W_CMPXCHG, W_XADD, W_OPS } op;
	unsigned size; /* bytes */
	u64 src;       /* IN register or immediate; OUT register */
	u64 rax;       /* IN, OUT */
};

/* All of the following answer as the call would: 0 or -E*; m_ptwr: done; grants: GNTST_*. */
struct mmu_update;
struct mmuext_op;
int m_mmu_update(struct m_caller c, const struct mmu_update *req, u32 n, u32 foreign, u32 *done);
int m_mmuext(struct m_caller c, const struct mmuext_op *op, u32 n, u32 foreign, u32 *done);
int m_update_va(struct m_caller c, u64 va, u64 val, u64 flags, u32 foreign);
/* seen: the frame that the processor has found at va before, and not forgotten; or 0. */
bool m_ptwr(struct m_caller c, u64 va, u64 seen, struct m_write *w);
int m_set_gdt(struct m_caller c, const u64 *frames, unsigned entries);

int m_grant_hold(u8 owner, u64 mfn, bool readonly); /* what a grant table takes for a mapping */
void m_grant_release(u64 mfn, bool readonly);
int m_grant_map(struct m_caller c, u64 addr, bool pte, u64 mfn, bool readonly, u64 avail);
int m_grant_unmap(struct m_caller c, u64 addr, bool pte, u64 mfn, bool readonly, u64 new_addr);

bool m_may_alloc(u8 d);
void m_alloc(u8 d, u64 mfn);
int m_give_up(u8 d, u64 mfn);
int m_swap(u8 d, u64 old, u64 new);
void m_share(u8 d, u64 mfn);
void m_unshare(u64 mfn); /* whoever maps it keeps it alive */
void m_create(u8 d, bool privileged, u64 max_pages);
void m_kill(u8 d);

/* The L1 entry that maps va below a root, or NULL. */
u64 *m_walk(u64 root, u64 va);

#endif
