/* SPDX-License-Identifier: MIT */
/*
 * Frames: one struct page_info (32 bytes) for every machine frame, who owns it, how often it is
 * referenced and as what. The rules are in docs/page-types.md; the engine is mm/type.c.
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include "lib/base.h"
#include "lib/spinlock.h"

struct domain;

/*
 * Fields:   a  atomic    o  whoever owns the frame's state: the heap (heap lock) while free,
 *                           the domain (page_lock) while allocated to one
 */
struct page_info {
	_Alignas(16) u64 count_info; /* [a] PGC_* and the general reference count */
	u64 type_info; /* [a] PGT_* and the type reference count; count_both() wants it here */
	union {
		struct {
			u32 next, prev; /* [o] frame number + 1 of the neighbours; 0 = none */
		} list;
	};
	/* [o] domain id, or DOMID_XEN for the hypervisor itself; valid while count > 0 */
	u32 owner;
	union {
		u32 tlb_stamp; /* type count 0: TLB clock when the last type reference went */
		u32 progress;  /* tables: entries held (if partial), notes of the validator */
		u32 order;     /* free: order of the block this frame heads */
	} u;
};
_Static_assert(sizeof(struct page_info) == 32, "32 bytes a frame is what we promise");

/* count_info */
#define PGC_allocated BIT(63) /* the owner's own reference: gone when it gives the frame up */
#define PGC_heap BIT(62)      /* hypervisor memory: no guest may ever reference it */
#define PGC_free BIT(61)      /* on a free list */
/* belongs to a domain but does not count against its limit (shared info) */
#define PGC_extra BIT(59)
#define PGC_dirty BIT(58) /* heap only: cleared before a domain gets it */
#define PGC_stale BIT(57) /* heap only: TLBs may still map it for the domain that had it */
#define PGC_count_mask 0xffffffffUL
/* Both counts saturate here: references beyond are refused. */
#define PG_COUNT_MAX 0xfffffff0UL

/* type_info: the type in bits 60-63 */
#define PGT_none (0UL << 60)
#define PGT_l1_table (1UL << 60)
#define PGT_l2_table (2UL << 60)
#define PGT_l3_table (3UL << 60)
#define PGT_l4_table (4UL << 60)
#define PGT_seg_desc (5UL << 60)
#define PGT_writable (7UL << 60)
#define PGT_type_mask (15UL << 60)
#define PGT_pinned BIT(59)    /* the guest pinned it: one extra type reference */
#define PGT_validated BIT(58) /* contents checked: every reference it makes is counted */
#define PGT_partial BIT(57)   /* validation or its undoing stopped half way (holds one reference) */
/*
 * The table lock: entries of a validated table may be changed. While it is set nobody but the holder
 * changes bits 56-63 (counts may move; who would drop the last type reference, pin or unpin waits),
 * so that the holder needs no other reference on the table and unlocks with a plain store of the
 * top byte.
 */
#define PGT_locked BIT(56)
#define PGT_undoing BIT(55) /* PGT_partial: stopped while being undone (engine only) */
/* PGT_partial: holds a type and a general reference itself (engine only) */
#define PGT_orphan BIT(54)
#define PGT_count_mask 0xffffffffUL

/*
 * Provided by the machine (x86/ or the unit tests): where physical memory and its tables are seen.
 */
extern u64 directmap_base; /* virtual address of machine address 0 [I after boot] */
/* [mfn], mapped for every frame below max_mfn [I after boot] */
extern struct page_info *frame_table;
extern u64 *m2p_table; /* machine-to-physical, writable alias; INVALID_M2P_ENTRY = none */
extern u64 max_mfn;    /* first frame number beyond memory [I after boot] */
/* Bits of frame numbers and addresses below max_mfn: what a guest names is cut to them as it is used (lib/nospec.h). */
extern u64 mfn_mask, maddr_mask;
extern bool has_cmpxchg16b; /* this processor can count_both() [I after boot] */
#define INVALID_M2P_ENTRY (~0UL)
#define INVALID_MFN (~0UL)

static inline void *maddr_to_virt(u64 maddr)
{
	return (void *)(directmap_base + maddr);
}
static inline u64 virt_to_maddr(const void *va) /* direct-map addresses only */
{
	return (u64)va - directmap_base;
}
static inline void *mfn_to_virt(u64 mfn)
{
	return maddr_to_virt((mfn & mfn_mask) << PAGE_SHIFT);
}
static inline u64 virt_to_mfn(const void *va)
{
	return virt_to_maddr(va) >> PAGE_SHIFT;
}
/* Of a number that no guest chose: as an entry that was checked holds it. */
static inline struct page_info *known_page(u64 mfn)
{
	return (struct page_info *)((u64)frame_table + mfn * sizeof(struct page_info));
}
/* Any number may be asked; mfn_valid(mfn) before what comes of a guest's is used. */
static inline struct page_info *mfn_to_page(u64 mfn)
{
	return known_page(mfn & mfn_mask);
}
static inline u64 page_to_mfn(const struct page_info *pg)
{
	return (u64)(pg - frame_table);
}
static inline void *page_to_virt(const struct page_info *pg)
{
	return maddr_to_virt(page_to_mfn(pg) << PAGE_SHIFT);
}

static inline void set_max_mfn(u64 mfn)
{
	max_mfn = mfn;
	mfn_mask = ~0UL >> __builtin_clzl(mfn - 1);
	maddr_mask = (mfn_mask + 1) * PAGE_SIZE - 1;
}

/* Is there RAM with a page_info behind this frame number? Any value may be asked. (frame.c) */
bool mfn_valid(u64 mfn);

/* ---- heap (mm/heap.c): binary buddies over all RAM, one lock -------------------------------- */

#define MAX_ORDER 18 /* 1 GiB */

/* Give [start, end) frames to the heap. Boot only, each frame once. */
void heap_add(u64 start_mfn, u64 end_mfn);

/*
 * Memory is of nodes, each near some processors. Before heap_add(), disjoint, at most 64: these
 * frames are of that node; what is of none is taken for node 0's.
 */
#define MAX_NODES 32
#define ALL_NODES (~0UL)
extern u32 nr_nodes; /* at least 1; numbered from 0 [I after boot] */
void heap_node_range(u64 start_mfn, u64 end_mfn, u32 node);
void heap_node_pages(u32 node, u64 *total, u64 *free);

/* Flags for allocations */
#define MEMF_any 0u
#define MEMF_bits(n) ((u32)(n)) /* machine address below 2^n; 0 = anywhere */
#define MEMF_bits_mask 0xffu
#define MEMF_zero BIT(8)   /* contents cleared */
#define MEMF_scrub BIT(10) /* cleared if anybody used them since start */
/* prefer low addresses (otherwise from the top, so that low memory stays) */
#define MEMF_low BIT(9)
#define MEMF_exact_node BIT(11)                    /* of the node named and no other */
#define MEMF_node(n) (((u32)(n) + 1) << 16)        /* rather of that node */
#define MEMF_get_node(flags) (((flags) >> 16) - 1) /* ~0: none is named */

/* The smallest block with this many bytes; more than MAX_ORDER: there is none. */
static inline unsigned order_of(u64 bytes)
{
	unsigned order = 0;

	while (order <= MAX_ORDER && PAGE_SIZE << order < bytes)
		order++;
	return order;
}
/* 2^order frames for the hypervisor (owner DOMID_XEN, PGC_heap); NULL when there are none. */
struct page_info *alloc_heap_pages(unsigned order, u32 memflags);
void free_heap_pages(struct page_info *pg, unsigned order);
/* One zeroed page by address. */
void *alloc_page_zeroed(void);
void free_page(void *va);

/*
 * 2^order frames for a domain, of its nodes as long as they have any: each counted once
 * (PGC_allocated | 1), owner set, on its page list, type none, m2p gpfn and what follows it
 * (INVALID_M2P_ENTRY: invalid); contents cleared with MEMF_zero, and without it if anybody used the
 * frame since start. NULL: no memory, the domain's limit (max_pages), or it is dying. The domain can
 * give them up, and they become another's, before the caller sees them: it touches them only if it
 * holds a reference or the domain does not run.
 */
struct page_info *alloc_domheap_pages(struct domain *d, unsigned order, u32 memflags, u64 gpfn);
/*
 * Clear ahead what alloc_domheap_pages() (d is NULL: alloc_heap_pages()) would take now, and would
 * have to clear without a preemption point: for orders above HEAP_CLEAR_ORDER. 0: ask for it;
 * -ERESTART: a preemption point was reached, what is cleared stays so.
 */
#define HEAP_CLEAR_ORDER 6
#define HEAP_CLEAR_PAGES (1u << HEAP_CLEAR_ORDER)
int heap_prepare(const struct domain *d, unsigned order, u32 memflags);
/* Called by put_page() when the last reference goes. Not for anybody else. */
void free_domheap_page(struct page_info *pg);
/*
 * Give an existing heap page to a domain as an extra page the guest may map: shared_info, grant
 * table frames (PGC_extra). writable=false: the guest may only ever map it read-only.
 */
void share_page_with_domain(struct page_info *pg, struct domain *d, bool writable);
/* Take it back; it stays hypervisor memory until the last guest reference goes, then is freed. */
void unshare_page(struct page_info *pg);

/*
 * Exchange n frames of d, old[], for as many that came from alloc_heap_pages(new_order), MEMF_scrub,
 * and start at new[]: all, or none with -EINVAL: one is not d's, or referenced by somebody, or d is
 * dying. Afterwards the old ones are to be freed by free_heap_pages(0), the new ones are like from
 * alloc_domheap_pages(). The caller holds no reference.
 */
int swap_pages(struct domain *d, const u64 *old, const u64 *new, unsigned new_order, u32 n);
/*
 * Call fn for each page on a dying domain's list, held meanwhile, `batch` of them at most, going on where the last
 * walk stopped. fn answers 0; more: stop behind this page; less: stop, and come to it again. 0: at the end, and the
 * next walk begins anew; -ERESTART. For whoever tears the domain down.
 */
int walk_dying_pages(struct domain *d, int (*fn)(struct domain *, struct page_info *), u32 batch);

/*
 * Set memory aside, so that d will have n frames in all; nobody else gets it, and what d takes comes
 * off. 0 drops the claim. -EINVAL: d has more already, may not have so many, or has a claim; -ENOMEM.
 */
int heap_claim(struct domain *d, u64 n);
u64 heap_claimed_pages(void);
u64 heap_free_pages(void);
u64 heap_total_pages(void);

/*
 * Small objects of the hypervisor (mm/slab.c): zeroed, 16-byte aligned, at most one page; bigger:
 * pages.
 */
void *xzalloc_bytes(size_t size);
void *xalloc_pages(size_t size, u32 memflags); /* whole pages, cleared as memflags say */
void xfree(void *p);
#define xzalloc(type) ((type *)xzalloc_bytes(sizeof(type)))
#define xzalloc_array(type, n) ((type *)xzalloc_bytes(sizeof(type) * (n)))

/* ---- references (mm/type.c) ------------------------------------------------------------------ */

/* Take a general reference if the frame belongs to d and is not being freed. */
must_check bool get_page(struct page_info *pg, const struct domain *d);
/* Drop one; the last frees the frame (scrubbed, back to the heap, the domain's count goes down). */
void put_page(struct page_info *pg);

/*
 * Take a type reference; the caller holds a general one.
 *   0          the frame has the type (validated, where the type is a table)
 *   -EINVAL    it has another type, or its contents are not acceptable as that type
 *   -ERESTART  a preemption point was reached; nothing is lost: ask again
 * A type changes only at type count 0, and after every processor that might still hold a stale
 * writable mapping has flushed (tlb_stamp against the TLB clock).
 */
must_check int get_page_type(struct page_info *pg, u64 type);
int get_page_type_preemptible(struct page_info *pg, u64 type);
void put_page_type(struct page_info *pg);
/*
 * 0, or -ERESTART: the caller still holds the reference, and must come back to give it up (at
 * teardown at the latest). After -ERESTART of get_page_type_preemptible() the caller holds nothing:
 * the frame stays PGT_partial and keeps one type and one general reference of its own. Whoever asks
 * for the type again goes on; teardown, which finds such frames on the domain's list, undoes them
 * by put_page_partial().
 */
int put_page_type_preemptible(struct page_info *pg);
/*
 * Undo a validation that nobody goes on with, holding no type reference. 0: none is left;
 * -ERESTART.
 */
int put_page_partial(struct page_info *pg);

must_check int get_page_and_type(struct page_info *pg, const struct domain *d, u64 type);
void put_page_and_type(struct page_info *pg);

/*
 * PGT_locked serializes changes of entries in one validated table. Short; no other such lock inside.
 * Lock a frame if it is a validated table of d: its type. 0: it is none.
 */
u64 table_lock(struct page_info *pg, const struct domain *d);
static always_inline_fn void table_unlock(struct page_info *pg)
{
	/* Nobody else changes the top byte while it holds the lock. */
	u8 *top = (u8 *)&pg->type_info + 7;

	barrier();
	*top &= (u8) ~(PGT_locked >> 56);
	barrier();
}

/*
 * What the engine asks the validators of paging/: check every entry of a table and take the
 * references it makes / give them back. May stop at a preemption point with -ERESTART after storing
 * pg->u.progress. -EINVAL: everything taken so far has been given back by the validator itself.
 * Bits 0-9 of u.progress count the entries, from the first, whose references are held; the others
 * are the validator's. The engine sets it to 0 before a fresh validation and the count, which is 0
 * in a complete table, to 512 before it begins to undo one; validate counts up, devalidate down.
 * One that was interrupted goes on in its own direction, but a half validated table may be
 * devalidated from where it is. An entry whose own table stopped half way (-ERESTART) counts as
 * held if put did, as not held if get did. PGT_seg_desc is validated too, and never devalidated.
 * Segment descriptors hold no references.
 */
struct type_ops {
	int (*validate)(struct page_info *pg, u64 type, bool preemptible);
	int (*devalidate)(struct page_info *pg, u64 type, bool preemptible);
};
extern const struct type_ops page_type_ops; /* the one hook: defined in paging/direct.c */

/*
 * The domain a frame's owner field names, dying or not, without holding it: for who knows that it
 * lives, as it does while frames are its. NULL: there is none. (core/domain.c)
 */
struct domain *domain_of_owner(u16 id);
/* The last page of a dying domain is free: others may have had it mapped till now. (core/domain.c) */
void domain_reap(void);

/* ---- machine to physical --------------------------------------------------------------------- */
static inline void set_m2p(u64 mfn, u64 gpfn)
{
	WRITE_ONCE(m2p_table[mfn], gpfn);
}
static inline u64 get_m2p(u64 mfn)
{
	return READ_ONCE(m2p_table[mfn]);
}

/*
 * ---- audit ------------------------------------------------------------------------------------
 */
/*
 * Recount from the tables up every reference a paused domain's frames carry and compare with what
 * the frame table says; exact: none of them is granted, mapped by others or registered for events.
 * Logs each difference; returns how many there were.
 */
unsigned audit_domain_pages(struct domain *d, bool exact);

#endif
