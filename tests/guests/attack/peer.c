/* SPDX-License-Identifier: MIT */
/*
 * Two domains: one grants, the other takes more than it was given. They start together; the thief
 * tries until the grants are there. References: 16 writable, 17 read-only, 18 for somebody else,
 * 19 ended.
 */
#include "attack.h"

#define PATTERN 0x5a
static u16 peer;

static i32 map(u32 ref, u32 flags, void *at, u32 *handle)
{
	struct gnttab_map_grant_ref m = {
		.host_addr = A(at), .flags = flags, .ref = ref, .dom = peer
	};
	long rc = gnttab_op(GNTTABOP_map_grant_ref, &m, 1);

	*handle = m.handle;
	return rc ? (i32)rc : m.status;
}

static i32 unmap(u32 handle, u64 at)
{
	struct gnttab_unmap_grant_ref u = { .host_addr = at, .handle = handle };
	long rc = gnttab_op(GNTTABOP_unmap_grant_ref, &u, 1);

	return rc ? (i32)rc : u.status;
}

static bool untouched(const u8 *page)
{
	for (unsigned i = 0; i < PAGE; i++)
		if (page[i] != PATTERN)
			return false;
	return true;
}

void peer_victim(void)
{
	u8 *rw = page_alloc(), *ro = page_alloc(), *els = page_alloc(), *secret = page_alloc();
	struct evtchn_alloc_unbound un = { DOMID_SELF, 0, 0 };
	u64 end;

	peer = (u16)arg_num("peer", 1);
	if (grants_init())
		die("no grant table");
	mem_fill(rw, PATTERN, PAGE), mem_fill(ro, PATTERN, PAGE), mem_fill(els, PATTERN, PAGE);
	mem_fill(secret, PATTERN, PAGE);
	un.remote_dom = peer;
	check_rc("a port for the peer", evtchn_op(EVTCHNOP_alloc_unbound, &un), 0);
	grant_page(17, peer, ro, true);
	grant_page(18, 0x1234, els, false);
	grant_page(16, peer, rw, false);
	/* The thief writes 0xee to the first byte of the writable page when it has finished. */
	for (end = now() + 60000 * MS; ((volatile u8 *)rw)[0] != 0xee && now() < end;)
		sched_op(SCHEDOP_yield, NULL);
	check(((volatile u8 *)rw)[0] == 0xee, "the peer has finished");
	check(untouched(ro), "the read-only page is untouched");
	check(untouched(els), "the page of others is untouched");
	check(untouched(secret), "a page never granted is untouched");
	for (end = now() + 2000 * MS; grant_end(16) && now() < end;)
		sched_op(SCHEDOP_yield, NULL);
	report(!(grants[16].flags & (GTF_reading | GTF_writing)), "no use is left", "%x",
	       grants[16].flags);
	report(!(grants[17].flags & (GTF_reading | GTF_writing)), "nor of the read-only one", "%x",
	       grants[17].flags);
}

static void steal(u8 *at, u64 at_pte)
{
	u32 h, h2, bad;

	report(map(17, GNTMAP_host_map, at, &bad) < 0, "a read-only grant, writable", "refused");
	report(map(18, GNTMAP_host_map | GNTMAP_readonly, at, &bad) < 0,
	       "a grant for somebody else", "refused");
	report(map(19, GNTMAP_host_map, at, &bad) < 0, "no grant", "refused");
	report(map(100000, GNTMAP_host_map, at, &bad) < 0, "a reference beyond the table",
	       "refused");
	report(map(17, GNTMAP_readonly, at, &bad) < 0, "a map of nothing", "refused");
	check_rc("the read-only grant", map(17, GNTMAP_host_map | GNTMAP_readonly, at, &h), 0);
	report(FAULTS(*(volatile u8 *)at = 1), "a write to it", "vector %lu", this_cpu()->last.vec);
	report(mmu_update1(at_pte, *pte_of(at) | PTE_RW, DOMID_SELF) < 0,
	       "made writable by mmu_update", "refused");
	report(FAULTS(*(volatile u64 *)pte_of(at) |= PTE_RW), "made writable by a write",
	       "refused");
	report(set_va(WINDOW(5), *pte_of(at) | PTE_RW) < 0, "its frame mapped elsewhere",
	       "refused");
	report(mmuext(MMUEXT_PIN_L1_TABLE, (*pte_of(at) & PTE_ADDR) >> 12, 0) < 0,
	       "its frame pinned", "refused");
	report(unmap(h, A(WINDOW(6))) < 0, "unmapped at another address", "refused");
	report(unmap(h + 1000, A(at)) < 0, "an unknown handle", "refused");
	check_rc("unmapped", unmap(h, A(at)), 0);
	report(unmap(h, A(at)) < 0, "unmapped twice", "refused");
	report(FAULTS(*(volatile u8 *)at), "it is gone", "vector %lu", this_cpu()->last.vec);
	/* Read-only use must not give back the writable one's count. */
	check_rc("mapped writable", map(16, GNTMAP_host_map, at, &h), 0);
	check_rc("and read-only beside", map(16, GNTMAP_host_map | GNTMAP_readonly, WINDOW(5), &h2),
		 0);
	report(unmap(h2, A(at)) < 0, "one handle, the other's address", "refused");
	report(unmap(h, A(WINDOW(5))) < 0, "the other handle, the read-only address", "refused");
	check_rc("the read-only one unmapped", unmap(h2, A(WINDOW(5))), 0);
	*(volatile u8 *)(at + 8) = PATTERN;
	check_rc("the other still there, unmapped", unmap(h, A(at)), 0);
}

static void copy_wrong(u8 *mine)
{
	struct gnttab_copy c = { .source = { .u.gmfn = mfn_of(mine), .domid = DOMID_SELF },
				 .dest = { .u.ref = 17, .domid = peer },
				 .len = 64,
				 .flags = GNTCOPY_dest_gref };

	gnttab_op(GNTTABOP_copy, &c, 1);
	report(c.status < 0, "copy to a read-only grant", "%d", c.status);
	c.dest.u.ref = 16;
	c.dest.offset = 4090;
	gnttab_op(GNTTABOP_copy, &c, 1);
	report(c.status < 0, "copy over the page's end", "%d", c.status);
	c.dest.offset = 0;
	c.dest.u.gmfn = foreign_mfn();
	c.flags = 0;
	gnttab_op(GNTTABOP_copy, &c, 1);
	report(c.status < 0, "copy to a foreign frame", "%d", c.status);
}

void peer_thief(void)
{
	u8 *at = WINDOW(4), *mine = page_alloc();
	u64 end = now() + 30000 * MS, pte = ma_of(pte_of(at));
	struct evtchn_bind_interdomain in = { .remote_dom = 0 };
	u32 h, bound = 0;

	peer = (u16)arg_num("peer", 1);
	in.remote_dom = peer;
	while (map(16, GNTMAP_host_map, at, &h) && now() < end)
		sched_op(SCHEDOP_yield, NULL);
	if (!report(*(volatile u8 *)(at + 8) == PATTERN, "the writable grant", "mapped"))
		return;
	check_rc("unmap", unmap(h, A(at)), 0);
	steal(at, pte);
	copy_wrong(mine);
	for (u32 p = 1; p < 64; p++) {
		in.remote_port = p;
		bound += !evtchn_op(EVTCHNOP_bind_interdomain, &in);
	}
	report(bound == 1, "ports of the peer", "%u bound, one was for us", bound);
	for (u32 p = 0; p < 64; p++)
		evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ p });
	/* Finished: say so, then leave a mapping behind for the hypervisor to take down. */
	check_rc("last map", map(16, GNTMAP_host_map, at, &h), 0);
	*(volatile u8 *)at = 0xee;
}
