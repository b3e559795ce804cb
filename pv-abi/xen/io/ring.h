/* SPDX-License-Identifier: MIT */
/* Rings of requests and responses in one shared page, under the names front ends know. */

#ifndef PV_ABI_XEN_IO_RING_H
#define PV_ABI_XEN_IO_RING_H

#include "../abi.h"

/*
 * Two parties share a ring. The front end writes requests and reads responses, the back end
 * the other way; a response takes the place of a request, so with no more requests under way
 * than RING_SIZE nothing is overwritten. Indices run free and are reduced when used.
 *
 *	DEFINE_RING_TYPES(disk, struct disk_req, struct disk_rsp);
 *
 * makes disk_sring_t, the shared page; disk_front_ring_t and disk_back_ring_t, what each
 * party keeps for itself. A party trusts nothing but its own: sizes and indices in the shared
 * page are checked by the *_OVERFLOW macros, entries are taken by RING_COPY_*.
 *
 * Order: an index is stored with release after the entries, and loaded with acquire before
 * them. The *_CHECK macros have a full fence between one's own index and the other's event.
 */

typedef uint32_t RING_IDX;

#define xen_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)

#define XEN_PAGE_SHIFT	12

/* The greatest power of two not above n, for n > 0. */
#define __RD32(n)	(1u << (31 - __builtin_clz(n)))

/* Entries in a ring whose shared part has the given size in bytes. */
#define __CONST_RING_SIZE(name, bytes) \
	__RD32((uint32_t)(((bytes) - offsetof(struct name##_sring, ring)) / \
			  sizeof(union name##_sring_entry)))
#define __RING_SIZE(s, bytes) \
	__RD32((uint32_t)(((bytes) - ((uintptr_t)(s)->ring - (uintptr_t)(s))) / \
			  sizeof((s)->ring[0])))

#define DEFINE_RING_TYPES(name, req_t, rsp_t)					\
union name##_sring_entry {							\
	req_t req;								\
	rsp_t rsp;								\
};										\
struct name##_sring {								\
	RING_IDX req_prod;	/* front writes: requests put in */		\
	RING_IDX req_event;	/* back writes: wake me at this request */	\
	RING_IDX rsp_prod;	/* back writes: responses put in */		\
	RING_IDX rsp_event;	/* front writes: wake me at this response */	\
	uint8_t __pad[48];	/* zero */					\
	union name##_sring_entry ring[1];					\
};										\
PV_ABI_AT(struct name##_sring, req_prod, 0);					\
PV_ABI_AT(struct name##_sring, req_event, 4);					\
PV_ABI_AT(struct name##_sring, rsp_prod, 8);					\
PV_ABI_AT(struct name##_sring, rsp_event, 12);					\
PV_ABI_AT(struct name##_sring, ring, 64);					\
struct name##_front_ring {							\
	RING_IDX req_prod_pvt;	/* requests written, announced or not */	\
	RING_IDX rsp_cons;	/* responses taken */				\
	unsigned int nr_ents;							\
	struct name##_sring *sring;						\
};										\
struct name##_back_ring {							\
	RING_IDX rsp_prod_pvt;	/* responses written, announced or not */	\
	RING_IDX req_cons;	/* requests taken */				\
	unsigned int nr_ents;							\
	struct name##_sring *sring;						\
};										\
typedef struct name##_sring name##_sring_t;					\
typedef struct name##_front_ring name##_front_ring_t;				\
typedef struct name##_back_ring name##_back_ring_t

/* The front end makes the shared page empty before the back end sees it. */
#define SHARED_RING_INIT(s) do {						\
	(s)->req_prod = (s)->rsp_prod = 0;					\
	(s)->req_event = (s)->rsp_event = 1;					\
	for (unsigned int pad_ = 0; pad_ < sizeof((s)->__pad); pad_++)		\
		(s)->__pad[pad_] = 0;						\
} while (0)

/* Take part from index i on: 0 for a new ring, the old index after a restart. */
#define FRONT_RING_ATTACH(r, s, i, bytes) do {					\
	(r)->req_prod_pvt = (i);						\
	(r)->rsp_cons = (i);							\
	(r)->nr_ents = __RING_SIZE(s, bytes);					\
	(r)->sring = (s);							\
} while (0)
#define BACK_RING_ATTACH(r, s, i, bytes) do {					\
	(r)->rsp_prod_pvt = (i);						\
	(r)->req_cons = (i);							\
	(r)->nr_ents = __RING_SIZE(s, bytes);					\
	(r)->sring = (s);							\
} while (0)
#define FRONT_RING_INIT(r, s, bytes)	FRONT_RING_ATTACH(r, s, 0, bytes)
#define BACK_RING_INIT(r, s, bytes)	BACK_RING_ATTACH(r, s, 0, bytes)
#define XEN_FRONT_RING_INIT(r, s, bytes) do {					\
	SHARED_RING_INIT(s);							\
	FRONT_RING_INIT(r, s, bytes);						\
} while (0)

#define RING_SIZE(r)		((r)->nr_ents)
#define RING_FREE_REQUESTS(r)	(RING_SIZE(r) - ((r)->req_prod_pvt - (r)->rsp_cons))
#define RING_FULL(r)		(RING_FREE_REQUESTS(r) == 0)

static inline RING_IDX xen_ring_load(const RING_IDX *idx)
{
	return __atomic_load_n(idx, __ATOMIC_ACQUIRE);
}

static inline void xen_ring_store(RING_IDX *idx, RING_IDX value)
{
	__atomic_store_n(idx, value, __ATOMIC_RELEASE);
}

static inline RING_IDX xen_ring_min(RING_IDX a, RING_IDX b)
{
	return a < b ? a : b;
}

/* One's own index moves from old to now: does the other party wait for one between them? */
static inline int xen_ring_push(RING_IDX *prod, RING_IDX now, const RING_IDX *event)
{
	RING_IDX old = __atomic_load_n(prod, __ATOMIC_RELAXED);

	xen_ring_store(prod, now);
	xen_mb(); /* pairs with the fence in RING_FINAL_CHECK_* of the other party */
	return now - __atomic_load_n(event, __ATOMIC_RELAXED) < now - old;
}

/* Copy an entry out of shared memory, reading every byte exactly once. */
static inline void xen_ring_copy(void *to, const volatile void *from, size_t bytes)
{
	typedef uint32_t __attribute__((may_alias)) word_t;
	unsigned char *d = (unsigned char *)to;
	const volatile unsigned char *s = (const volatile unsigned char *)from;

	if ((((uintptr_t)to | (uintptr_t)from) & (sizeof(word_t) - 1)) == 0) {
		for (; bytes >= sizeof(word_t); bytes -= sizeof(word_t)) {
			*(word_t *)(void *)d = *(const volatile word_t *)(const volatile void *)s;
			d += sizeof(word_t);
			s += sizeof(word_t);
		}
	}
	while (bytes-- > 0)
		*d++ = *s++;
}

/* How many entries wait. Of requests, never more than this party has room to answer. */
#define XEN_RING_NR_UNCONSUMED_RESPONSES(r) \
	(xen_ring_load(&(r)->sring->rsp_prod) - (r)->rsp_cons)
#define XEN_RING_NR_UNCONSUMED_REQUESTS(r) \
	xen_ring_min(xen_ring_load(&(r)->sring->req_prod) - (r)->req_cons, \
		     RING_SIZE(r) - ((r)->req_cons - (r)->rsp_prod_pvt))
#define RING_HAS_UNCONSUMED_RESPONSES(r)	(!!XEN_RING_NR_UNCONSUMED_RESPONSES(r))
#define RING_HAS_UNCONSUMED_REQUESTS(r)		(!!XEN_RING_NR_UNCONSUMED_REQUESTS(r))

/* For writing an entry. What the other party wrote is read by RING_COPY_*. */
#define RING_GET_REQUEST(r, idx)	(&(r)->sring->ring[(idx) & (RING_SIZE(r) - 1)].req)
#define RING_GET_RESPONSE(r, idx)	(&(r)->sring->ring[(idx) & (RING_SIZE(r) - 1)].rsp)
#define RING_COPY_REQUEST(r, idx, dest) \
	xen_ring_copy(dest, RING_GET_REQUEST(r, idx), sizeof(*(dest)))
#define RING_COPY_RESPONSE(r, idx, dest) \
	xen_ring_copy(dest, RING_GET_RESPONSE(r, idx), sizeof(*(dest)))

/* Does taking request cons, or do so many requests or responses, go beyond the ring? */
#define RING_REQUEST_CONS_OVERFLOW(r, cons)	(((cons) - (r)->rsp_prod_pvt) >= RING_SIZE(r))
#define RING_REQUEST_PROD_OVERFLOW(r, prod)	(((prod) - (r)->rsp_prod_pvt) > RING_SIZE(r))
#define RING_RESPONSE_PROD_OVERFLOW(r, prod)	(((prod) - (r)->rsp_cons) > RING_SIZE(r))

#define RING_PUSH_REQUESTS(r)	xen_ring_store(&(r)->sring->req_prod, (r)->req_prod_pvt)
#define RING_PUSH_RESPONSES(r)	xen_ring_store(&(r)->sring->rsp_prod, (r)->rsp_prod_pvt)

/* Announce what was written; notify becomes true when an event must be sent. */
#define RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(r, notify) \
	((notify) = xen_ring_push(&(r)->sring->req_prod, (r)->req_prod_pvt, \
				  &(r)->sring->req_event))
#define RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(r, notify) \
	((notify) = xen_ring_push(&(r)->sring->rsp_prod, (r)->rsp_prod_pvt, \
				  &(r)->sring->rsp_event))

/* Before sleeping: ask for an event at the next entry; work becomes true if one came meanwhile. */
#define RING_FINAL_CHECK_FOR_REQUESTS(r, work) do {				\
	(work) = RING_HAS_UNCONSUMED_REQUESTS(r);				\
	if (work)								\
		break;								\
	xen_ring_store(&(r)->sring->req_event, (r)->req_cons + 1);		\
	xen_mb(); /* pairs with xen_ring_push */				\
	(work) = RING_HAS_UNCONSUMED_REQUESTS(r);				\
} while (0)
#define RING_FINAL_CHECK_FOR_RESPONSES(r, work) do {				\
	(work) = RING_HAS_UNCONSUMED_RESPONSES(r);				\
	if (work)								\
		break;								\
	xen_ring_store(&(r)->sring->rsp_event, (r)->rsp_cons + 1);		\
	xen_mb(); /* pairs with xen_ring_push */				\
	(work) = RING_HAS_UNCONSUMED_RESPONSES(r);				\
} while (0)

#endif /* PV_ABI_XEN_IO_RING_H */
