/* SPDX-License-Identifier: MIT */
/*
 * Grants, inside: what we believe about them, which is never in the guest's entries.
 *
 * On the granting side every entry has a struct grant_active: how often it is in use, by whom, for
 * which frame. The frame is read from the guest's entry once, when the entry goes into use; the
 * flags GTF_reading and GTF_writing tell the guest, we never look at them. On the mapping side
 * every handle has a struct grant_mapping. One handle is one use.
 *
 * Locks: lock of the granting domain's table for entries and their use; maptrack_lock of the
 * mapping domain's for handles. Neither is taken inside the other.
 */
#ifndef CORE_GRANT_TABLE_H
#define CORE_GRANT_TABLE_H

#include <xen/grant_table.h>

#include "core/grant.h"

#define ENTRIES_PER_FRAME (PAGE_SIZE / sizeof(struct grant_entry_v1))

struct grant_active {
	u64 mfn;              /* while in use */
	u16 readers, writers; /* uses, read-only and writable */
	u16 domid;            /* while in use: by whom */
	u16 pad;
};

/*
 * flags: GNTMAP_* of the mapping that are still in force; none: the handle is free, ref is the next
 * free one
 */
#define MAPPING_BUSY 0x8000 /* somebody is making it or taking it down, and he alone changes it */
struct grant_mapping {
	struct domain *owner; /* held while in use */
	u32 ref;
	u16 flags;
	u16 pad;
};
_Static_assert(sizeof(struct grant_mapping) == 16, "256 in a page");
#define MAPPINGS_PER_PAGE ((u32)(PAGE_SIZE / sizeof(struct grant_mapping)))

struct grant_table {
	spinlock_t lock;
	u32 nr_frames;                                   /* [lock to grow, a] */
	u32 max_frames, max_maptrack_pages;              /* [I once it runs] */
	struct grant_entry_v1 *shared[GRANT_MAX_FRAMES]; /* [I once set] guest-writable memory */
	struct grant_active *active[GRANT_MAX_FRAMES];   /* [lock contents] */

	spinlock_t maptrack_lock;
	u32 maptrack_pages; /* [maptrack_lock] */
	u32 maptrack_free;  /* [maptrack_lock] first free handle + 1 */
	u32 mappings;       /* [maptrack_lock] in use */
	u32 release_cursor; /* [teardown only] */
	/* [maptrack_lock] MAPTRACK_MAX_PAGES; from the first use on */
	struct grant_mapping **maptrack;
};

/* A use of a grant, or of a frame of one's own: what must be given back. */
struct grant_use {
	struct domain *owner; /* held */
	u32 ref;
	bool readonly;
	u64 mfn;
};

/*
 * Begin to use entry `ref` of u->owner for domain `domid`: fills u->mfn, takes `refs` references on
 * the frame, as writable too unless u->readonly. GNTST_*. The end gives back as many as it is told.
 */
int grant_begin(struct grant_use *u, u16 domid, u32 refs);
void grant_end(const struct grant_use *u, u32 refs);

/* grant_copy.c: GNTTABOP_copy. */
long grant_copy(u64 uop, u32 count, struct vcpu *v);
/* grant_map.c */
long grant_map(u64 uop, u32 count, struct vcpu *v);
long grant_unmap(u32 cmd, u64 uop, u32 count, struct vcpu *v);

/* Stop: the guest calls again for the `count` operations from uop on. */
long grant_restart(struct vcpu *v, u32 cmd, u64 uop, u32 count);

#endif
