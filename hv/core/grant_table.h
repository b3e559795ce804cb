/* SPDX-License-Identifier: MIT */
/*
 * Grants, inside: what we believe about them, which is never in the guest's entries.
 *
 * On the granting side every entry has a struct grant_active: how often it is in use, by whom, for
 * which frame. The frame is read from the guest's entry once, when the entry goes into use; the
 * flags GTF_reading and GTF_writing tell the guest, we never look at them. On the mapping side
 * every handle has a struct grant_mapping. One handle is one use.
 *
 * vCPUs that use grants at the same time write to nothing in common, unless they use the same
 * grants: every entry has its own lock, and every vCPU its own list of free handles.
 */
#ifndef CORE_GRANT_TABLE_H
#define CORE_GRANT_TABLE_H

#include <xen/grant_table.h>

#include "core/grant.h"
#include "core/hypercall.h"
#include "lib/log.h"
#include "mm/refs.h"

#define ENTRIES_PER_FRAME (PAGE_SIZE / sizeof(struct grant_entry_v1))

struct grant_active {
	u32 mfn;         /* [lock] while in use; fixed for who has a use */
	spinlock_t lock; /* one entry and its use */
	union {
		u32 uses; /* [lock] GRANT_READER, GRANT_WRITER for each */
		struct {
			u16 readers, writers;
		};
	};
	u16 domid; /* [lock] while in use: by whom */
	u16 pad;
};
#define GRANT_READER 1u
#define GRANT_WRITER 0x10000u
_Static_assert(sizeof(struct grant_active) == 16, "a frame of entries has two pages of these");

#define MAPPING_BUSY 0x8000 /* somebody is taking it down, and he alone changes it */
struct grant_mapping {
	struct domain *owner; /* held while in use, unless it maps its own */
	u32 ref;              /* of a free one: the next free handle + 1 */
	u16 flags;            /* [a] GNTMAP_* that are in force; none: free, or not made yet */
	u16 vcpu;             /* [I] whose list it returns to */
};
_Static_assert(sizeof(struct grant_mapping) == 16, "256 in a page");
#define MAPPINGS_PER_PAGE ((u32)(PAGE_SIZE / sizeof(struct grant_mapping)))

struct grant_table {
	spinlock_t lock;                                 /* growing */
	u32 nr_frames;                                   /* [lock to grow, a] */
	u32 max_frames, max_maptrack_pages;              /* [I once it runs] */
	struct grant_entry_v1 *shared[GRANT_MAX_FRAMES]; /* [I once set] guest-writable memory */
	struct grant_active *active[GRANT_MAX_FRAMES];   /* [I once set] */
	u32 maptrack_pages;                              /* [lock to grow, a] */
	u32 pages_ahead;                                 /* [I once it runs] of these */
	u32 release_cursor;                              /* [teardown only] */
	/* [lock to grow] MAPTRACK_MAX_PAGES; from the first use on */
	struct grant_mapping **maptrack;
};

/* A use of an entry: what must be given back. */
struct grant_use {
	struct domain *owner; /* held, unless it is the user himself */
	struct grant_active *act;
	struct grant_entry_v1 *sha;
	struct page_info *pg; /* of mfn */
	u64 mfn;
	bool readonly;
};

/* Both views of an entry, or false. */
static always_inline_fn bool find_entry(struct grant_table *gt, u32 ref, struct grant_active **act,
					struct grant_entry_v1 **sha)
{
	u32 frame = ref / ENTRIES_PER_FRAME, i = ref % ENTRIES_PER_FRAME;

	if (unlikely(frame >= __atomic_load_n(&gt->nr_frames, __ATOMIC_ACQUIRE)))
		return false;
	frame = pow2_index_nospec(frame, GRANT_MAX_FRAMES); /* where there is none: NULL */
	*act = &gt->active[frame][i];
	*sha = &gt->shared[frame][i];
	return true;
}

/* Whose grant v wants to use. NULL: there is none such. */
static always_inline_fn struct domain *owner_get(struct vcpu *v, u16 domid)
{
	struct domain *d = v->domain;

	return likely(domid == d->id || domid == DOMID_SELF) ? d : domain_get(domid);
}

static always_inline_fn void owner_put(const struct domain *user, struct domain *owner)
{
	if (unlikely(owner != user))
		domain_put(owner);
}

#define CLAIM_TRIES 5 /* a guest that keeps changing the entry meanwhile is refused */

/*
 * Tell the guest that its entry is in use, if it permits that: flags and domid in one atomic step.
 */
static always_inline_fn int claim(struct grant_entry_v1 *sha, u16 domid, bool readonly)
{
	const u32 wanted = GTF_permit_access | (u32)domid << 16,
		  looked_at = 0xffff0000u | GTF_type_mask | GTF_sub_page,
		  in_use = GTF_reading | (readonly ? 0 : GTF_writing);
	u32 *word = (u32 *)sha, w = READ_ONCE(*word);
	int tries;

	for (tries = 0; tries < CLAIM_TRIES; tries++) {
		if (unlikely((w & looked_at) != wanted))
			return err_here(GNTST_bad_gntref);
		if (unlikely(!readonly && w & GTF_readonly))
			return err_here(GNTST_permission_denied);
		if (likely(__atomic_compare_exchange_n(word, &w, w | in_use, false,
						       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)))
			return GNTST_okay;
	}
	return err_here(GNTST_general_error);
}

/* [act->lock] A use is over, or was not to be. */
static always_inline_fn void unclaim(struct grant_entry_v1 *sha, const struct grant_active *act)
{
	if (likely(!act->uses))
		__atomic_fetch_and(&sha->flags, (u16) ~(GTF_writing | GTF_reading),
				   __ATOMIC_SEQ_CST);
	else if (!act->writers)
		__atomic_fetch_and(&sha->flags, (u16)~GTF_writing, __ATOMIC_SEQ_CST);
}

/* [act->lock] */
static always_inline_fn int begin_locked(struct grant_use *u, u16 domid, u32 refs)
{
	struct grant_active *act = u->act;
	bool first = !act->uses;
	int st;

	if (likely(first) || (!u->readonly && !act->writers)) {
		if (!first && act->domid != domid)
			return err_here(GNTST_bad_gntref);
		st = claim(u->sha, domid, u->readonly);
		if (unlikely(st != GNTST_okay))
			return st;
	} else if (act->domid != domid) {
		return err_here(GNTST_bad_gntref);
	} else if ((u->readonly ? act->readers : act->writers) == 0xffff) {
		return err_here(GNTST_no_space);
	}
	/* While in use it stays the same frame, whatever the guest writes into its entry. */
	u->mfn = first ? READ_ONCE(u->sha->frame) : act->mfn;
	u->pg = mfn_to_page(u->mfn);
	if (unlikely(u->mfn >= max_mfn || !get_page_uses(u->pg, u->owner, !u->readonly, refs))) {
		unclaim(u->sha, act);
		return err_here(GNTST_bad_page);
	}
	act->mfn = u->mfn;
	act->domid = domid;
	act->uses += u->readonly ? GRANT_READER : GRANT_WRITER;
	return GNTST_okay;
}

/*
 * Begin to use entry `ref` of u->owner for domain `domid`, read-only if u->readonly: fills the rest of
 * *u, takes `refs` references on the frame, as writable too unless read-only. GNTST_*. The end gives
 * back as many as it is told.
 */
static always_inline_fn int grant_begin(struct grant_use *u, u32 ref, u16 domid, u32 refs)
{
	int st;

	if (unlikely(!find_entry(u->owner->grant_table, ref, &u->act, &u->sha)))
		return err_here(GNTST_bad_gntref);
	spin_lock(&u->act->lock);
	st = begin_locked(u, domid, refs);
	spin_unlock(&u->act->lock);
	return st;
}

static always_inline_fn void entry_end(const struct grant_use *u)
{
	spin_lock(&u->act->lock);
	u->act->uses -= u->readonly ? GRANT_READER : GRANT_WRITER;
	unclaim(u->sha, u->act);
	spin_unlock(&u->act->lock);
}

/* The references go first: who sees his entry out of use may use the frame as anything. */
static always_inline_fn void grant_end(const struct grant_use *u, u32 refs)
{
	put_page_uses(u->pg, !u->readonly, refs);
	entry_end(u);
}

/* The calls of their files, with the arguments of the hypercall. */
hypercall_fn grant_copy, grant_map, grant_unmap;

/* Stop: the guest calls again for the `count` operations from uop on. */
long grant_restart(struct vcpu *v, u32 cmd, u64 uop, u32 count);

#endif
