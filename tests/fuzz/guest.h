/* SPDX-License-Identifier: MIT */
/* What fuzzers of hypercalls share: a guest's memory, and numbers from the input that mostly make sense. */
#ifndef TESTS_FUZZ_GUEST_H
#define TESTS_FUZZ_GUEST_H

#include <string.h>

#include "core/grant_table.h"
#include "core/guest_access.h"
#include "host_core.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define ARENA_SIZE 0x4000UL
#define LIST_AT 0x2000UL /* of the arena: extents, frame lists */
#define HEAP_SLACK 32    /* slabs that stay with one object at most */

static u8 arena[ARENA_SIZE] __attribute__((aligned(4096)));
static const u8 *input, *input_end;
static struct domain *doms[2];

/* ---- a guest's memory is the arena ---- */

static inline bool outside(u64 va, size_t len)
{
	return va < (u64)arena || len > ARENA_SIZE || va - (u64)arena > ARENA_SIZE - len;
}

int copy_from_guest(void *dst, u64 va, size_t len)
{
	if (outside(va, len))
		return -EFAULT;
	memcpy(dst, (void *)va, len);
	return 0;
}

int copy_to_guest(u64 va, const void *src, size_t len)
{
	if (outside(va, len))
		return -EFAULT;
	memcpy((void *)va, src, len);
	return 0;
}

int clear_guest(u64 va, size_t len)
{
	if (outside(va, len))
		return -EFAULT;
	memset((void *)va, 0, len);
	return 0;
}

/* ---- entries of grants in its page tables: each has its reference, which the tables drop at its end ---- */

static struct grant_pte {
	struct domain *d;
	u64 at, mfn;
	bool readonly;
} grant_ptes[64];

static inline struct grant_pte *grant_pte(struct domain *d, u64 at)
{
	for (unsigned i = 0; i < ARRAY_SIZE(grant_ptes); i++)
		if (grant_ptes[i].d == d && (!d || grant_ptes[i].at == at))
			return &grant_ptes[i];
	return NULL;
}

int arch_grant_map(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags)
{
	struct grant_pte *e = grant_pte(NULL, 0);

	if (!e || grant_pte(v->domain, host_addr))
		return GNTST_general_error;
	*e = (struct grant_pte){ v->domain, host_addr, mfn, flags & GNTMAP_readonly };
	return GNTST_okay;
}

int arch_grant_unmap(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags)
{
	struct grant_pte *e = grant_pte(v->domain, host_addr);

	if (!e || e->mfn != mfn || e->readonly != !!(flags & GNTMAP_readonly))
		return GNTST_bad_virt_addr;
	e->d = NULL;
	return GNTST_okay;
}

int arch_grant_replace(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags, u64 new_addr)
{
	(void)new_addr; /* what is there comes here, and nothing of that is counted */
	return arch_grant_unmap(v, host_addr, mfn, flags);
}

int arch_domain_relinquish(struct domain *d)
{
	for (unsigned i = 0; i < ARRAY_SIZE(grant_ptes); i++) {
		if (grant_ptes[i].d != d)
			continue;
		put_page_uses(mfn_to_page(grant_ptes[i].mfn), !grant_ptes[i].readonly, 1);
		grant_ptes[i].d = NULL;
	}
	return 0;
}

/* ---- what the input says ---- */

static inline u8 byte(void)
{
	return input < input_end ? *input++ : 0;
}

static inline u64 any(void)
{
	u64 x = 0;

	for (int i = 0; i < 8; i++)
		x = x << 8 | byte();
	return x;
}

/* Mostly small, sometimes at an edge, sometimes anything. */
static inline u64 number(u64 usual)
{
	u8 b = byte();

	if (b < 0xe0)
		return b % usual;
	if (b < 0xf0)
		return ~0UL >> (b & 15);
	return b < 0xf8 ? usual + (b & 7) : any();
}

static inline u64 domid(void)
{
	u8 b = byte();

	switch (b % 8) {
	case 0:
	case 1:
	case 2:
		return DOMID_SELF;
	case 3:
	case 4:
		return doms[0]->id;
	case 5:
	case 6:
		return doms[1]->id;
	default:
		return b & 8 ? 0 : any();
	}
}

static inline struct page_info *page_of(const struct domain *d, unsigned n)
{
	u32 link = d->page_list;

	for (; link && n; n--)
		link = mfn_to_page(link - 1)->list.next;
	return link ? mfn_to_page(link - 1) : NULL;
}

static inline u64 frame(void)
{
	u8 b = byte();
	struct domain *d = doms[b >> 7];
	struct page_info *pg = page_of(d, b & 15);

	if ((b & 0x70) == 0x70)
		return b & 1 ? any() : d->shared_info_mfn;
	if ((b & 0x70) == 0x60 && d->grant_table->shared[0])
		return virt_to_mfn(d->grant_table->shared[0]);
	return pg ? page_to_mfn(pg) : b;
}

/* A few frames into the list. */
static inline void write_list(void)
{
	u64 *list = (u64 *)(arena + LIST_AT);
	u8 at = byte() & 63, n = byte() & 15;

	for (; n--; at++)
		list[at & 63] = frame();
}

#endif
