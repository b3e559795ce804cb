/* SPDX-License-Identifier: MIT */
/* Honest: memory_op and grant tables. */
#include "honest.h"

static u64 *p2m;
static u64 spare; /* a pfn outside what is mapped at start */

static long reserve(u32 cmd, u64 *frames, u64 n, u32 order)
{
	struct xen_memory_reservation r = {
		.extent_start = frames, .nr_extents = n, .extent_order = order, .domid = DOMID_SELF
	};

	return memory_op(cmd, &r);
}

static void reservations(void)
{
	struct xen_memory_domain d = { DOMID_SELF };
	long now_pages = memory_op(XENMEM_current_reservation, &d),
	     max = memory_op(XENMEM_maximum_reservation, &d);
	u64 frame = p2m[spare];

	report(now_pages == (long)si->nr_pages, "current_reservation", "%ld", now_pages);
	report(max >= now_pages, "maximum_reservation", "%ld", max);
	report(memory_op(XENMEM_maximum_ram_page, NULL) > (long)si->nr_pages, "maximum_ram_page",
	       "%ld", memory_op(XENMEM_maximum_ram_page, NULL));
	sh->arch.max_pfn = si->nr_pages; /* what it tells for a guest like us */
	report(memory_op(XENMEM_maximum_gpfn, &d) >= (long)si->nr_pages - 1, "maximum_gpfn", "%ld",
	       memory_op(XENMEM_maximum_gpfn, &d));
	check_rc("decrease_reservation", reserve(XENMEM_decrease_reservation, &frame, 1, 0), 1);
	check(memory_op(XENMEM_current_reservation, &d) == now_pages - 1, "one page less");
	frame = spare;
	check_rc("populate_physmap", reserve(XENMEM_populate_physmap, &frame, 1, 0), 1);
	check(memory_op(XENMEM_current_reservation, &d) == now_pages, "as many as before");
	p2m[spare] = frame;
	report(M2P[frame] == spare, "M2P of the new page", "%lx: %lx", frame, M2P[frame]);
	frame = 0;
	check_rc("decrease for increase", reserve(XENMEM_decrease_reservation, &p2m[spare], 1, 0),
		 1);
	check_rc("increase_reservation", reserve(XENMEM_increase_reservation, &frame, 1, 0), 1);
	check(frame != 0, "it says which frame");
	mmu_update1(frame << 12 | MMU_MACHPHYS_UPDATE, spare, DOMID_SELF);
	p2m[spare] = frame;
}

static void new_page_is_clean(void)
{
	u8 *at;
	bool clean = true;
	long rc;

	at = map_mfn(p2m[spare], PTE_KERN, &rc);
	if (!report(at != NULL, "a new page can be mapped", "rc %ld", rc))
		return;
	for (unsigned i = 0; i < PAGE; i++)
		clean &= !at[i];
	check(clean || oracle,
	      "a new page is zero"); /* Xen leaves a privileged domain's as they were */
	at[0] = 1;
	unmap_mfn(at);
}

static void exchange(void)
{
	u64 in[2] = { p2m[spare], p2m[spare - 1] }, out[2] = { spare, spare - 1 };
	struct xen_memory_exchange x = {
		.in = { .extent_start = in, .nr_extents = 2, .domid = DOMID_SELF },
		.out = { .extent_start = out, .nr_extents = 2, .domid = DOMID_SELF },
	};
	long rc;

	check_rc("exchange two", memory_op(XENMEM_exchange, &x), 0);
	check(x.nr_exchanged == 2, "both");
	p2m[spare] = out[0];
	p2m[spare - 1] = out[1];
	report(M2P[out[0]] == spare && M2P[out[1]] == spare - 1, "M2P after exchange", "%lx %lx",
	       M2P[out[0]], M2P[out[1]]);
	/* Two pages for one extent of two, below 4 GiB, as a driver does for a DMA buffer. */
	in[0] = p2m[spare & ~1UL];
	in[1] = p2m[spare | 1];
	out[0] = spare & ~1UL;
	x.out.nr_extents = 1;
	x.out.extent_order = 1;
	x.out.mem_flags = XENMEMF_address_bits(32);
	x.nr_exchanged = 0;
	rc = memory_op(XENMEM_exchange, &x);
	report(privileged ? rc == 0 : rc <= 0, "exchange for a contiguous extent", "rc %ld", rc);
	if (rc)
		return;
	p2m[spare & ~1UL] = out[0];
	p2m[spare | 1] = out[0] + 1;
	report(!(out[0] & 1) && M2P[out[0] + 1] == (spare | 1), "aligned and entered", "%lx",
	       out[0]);
}

/* The largest there is, both ways: the hypervisor divides it, we see nothing of that. */
static void exchange_large(void)
{
	static u64 frames[512], block;
	struct xen_memory_exchange x = {
		.in = { .extent_start = frames, .nr_extents = 512, .domid = DOMID_SELF },
		.out = { .extent_start = &block,
			 .nr_extents = 1,
			 .extent_order = 9,
			 .domid = DOMID_SELF },
	};
	struct xen_memory_exchange back = { .in = x.out, .out = x.in };
	u64 first = si->nr_pages + 512;
	bool entered = true;
	long rc;

	for (unsigned i = 0; i < 512; i++)
		frames[i] = first + i;
	rc = reserve(XENMEM_populate_physmap, frames, 512, 0);
	if (rc != 512) {
		reserve(XENMEM_decrease_reservation, frames, rc, 0);
		skip("exchange of 2 MiB", "no room");
		return;
	}
	block = first;
	rc = memory_op(XENMEM_exchange, &x);
	report(privileged ? rc == 0 : rc <= 0, "exchange for 2 MiB", "rc %ld", rc);
	if (!rc) {
		report(M2P[block + 511] == first + 511 && !(block % 512), "2 MiB entered", "%lx",
		       block);
		for (unsigned i = 0; i < 512; i++)
			frames[i] = first + i;
		check_rc("2 MiB exchanged for pages", memory_op(XENMEM_exchange, &back), 0);
	}
	for (unsigned i = 0; i < 512; i++)
		entered &= M2P[frames[i]] == first + i;
	check(entered, "pages entered");
	check_rc("given up again", reserve(XENMEM_decrease_reservation, frames, 512, 0), 512);
}

static void maps(void)
{
	static u8 buf[128 * 20];
	struct xen_memory_map m = { .nr_entries = 128, .buffer = buf };
	struct xen_machphys_mapping mm = { 0 };
	static u64 frames[16];
	struct xen_machphys_mfn_list list = { .max_extents = 16, .extent_start = frames };
	long rc;

	rc = memory_op(XENMEM_memory_map, &m);
	report(rc == 0 || rc == -XEN_ENOSYS, "memory_map", "rc %ld, %u entries", rc, m.nr_entries);
	m.nr_entries = 128;
	rc = memory_op(XENMEM_machine_memory_map, &m);
	report(privileged ? !rc && m.nr_entries : rc == -XEN_EPERM, "machine_memory_map",
	       "rc %ld, %u entries", rc, m.nr_entries);
	check_rc("machphys_mapping", memory_op(XENMEM_machphys_mapping, &mm), 0);
	report(mm.v_start == MACH2PHYS_VIRT_START && mm.max_mfn > si->nr_pages, "where the M2P is",
	       "%lx %lx %lx", mm.v_start, mm.v_end, mm.max_mfn);
	rc = memory_op(XENMEM_machphys_mfn_list, &list);
	report(privileged ? rc <= 0 : rc < 0, "machphys_mfn_list", "rc %ld", rc);
}

static void others(void)
{
	struct xen_foreign_memory_map f = { .domid = DOMID_SELF, .map = { .nr_entries = 0 } };
	struct xen_mem_acquire_resource acq = { .domid = 0, .type = XENMEM_resource_grant_table };
	struct xen_add_to_physmap add = { .domid = DOMID_SELF };
	struct xen_remove_from_physmap rem = { .domid = DOMID_SELF, .gpfn = 1UL << 40 };
	struct xen_vnuma_topology_info v = { .domid = DOMID_SELF };
	long rc;

	rc = memory_op(XENMEM_set_memory_map, &f);
	report(rc <= 0, "set_memory_map", "rc %ld", rc);
	rc = memory_op(XENMEM_acquire_resource, &acq);
	report(rc <= 0, "acquire_resource size", "rc %ld, %u frames", rc, acq.nr_frames);
	add.space = XENMAPSPACE_shared_info;
	add.gpfn = spare;
	rc = memory_op(XENMEM_add_to_physmap, &add);
	report(rc < 0, "add_to_physmap is not for us", "rc %ld", rc);
	rc = memory_op(XENMEM_remove_from_physmap, &rem);
	report(rc < 0, "remove_from_physmap", "rc %ld", rc);
	rc = memory_op(XENMEM_get_vnumainfo, &v);
	report(rc < 0, "get_vnumainfo", "rc %ld", rc);
	rc = memory_op(XENMEM_paging_op, &v);
	report(rc < 0, "paging_op", "rc %ld", rc);
	rc = memory_op(63, &v);
	check_rc("unknown memory_op", rc, -XEN_ENOSYS);
}

void test_memory(void)
{
	p2m = (u64 *)si->mfn_list;
	spare = si->nr_pages - 2;
	reservations();
	new_page_is_clean();
	exchange();
	exchange_large();
	maps();
	others();
}

/* ---- grants ---- */
static void map_own(u16 me)
{
	u8 *page = page_alloc(), *at = WINDOW(1);
	u64 keep = *pte_of(at);
	struct gnttab_map_grant_ref m = {
		.host_addr = A(at), .flags = GNTMAP_host_map, .ref = 9, .dom = me
	};
	struct gnttab_unmap_grant_ref u = { .host_addr = A(at) };

	grant_page(9, me, page, false);
	*page = 0x31;
	check_rc("map_grant_ref", gnttab_op(GNTTABOP_map_grant_ref, &m, 1), 0);
	if (!report(m.status == 0, "map status", "%d", m.status))
		return;
	check(*(volatile u8 *)at == 0x31, "read through the mapping");
	*(volatile u8 *)at = 0x32;
	check(*page == 0x32, "write through the mapping");
	report((grants[9].flags & (GTF_reading | GTF_writing)) == (GTF_reading | GTF_writing),
	       "entry shows the use", "%x", grants[9].flags);
	u.handle = m.handle;
	check_rc("unmap_grant_ref", gnttab_op(GNTTABOP_unmap_grant_ref, &u, 1), 0);
	report(u.status == 0, "unmap status", "%d", u.status);
	check(!grant_end(9), "the grant can be ended");
	expect_fault("nothing is mapped there", 14, -1, *(volatile u8 *)at = 1);

	grant_page(9, me, page, true);
	m.host_addr = ma_of(pte_of(at));
	m.flags = GNTMAP_host_map | GNTMAP_readonly | GNTMAP_contains_pte;
	check_rc("map by entry, read-only", gnttab_op(GNTTABOP_map_grant_ref, &m, 1), 0);
	report(m.status == 0, "its status", "%d", m.status);
	check(*(volatile u8 *)at == 0x32, "read-only mapping reads");
	expect_fault("and does not write", 14, 3, *(volatile u8 *)at = 1);
	u.handle = m.handle;
	u.host_addr = m.host_addr;
	check_rc("unmap by entry", gnttab_op(GNTTABOP_unmap_grant_ref, &u, 1), 0);
	report(u.status == 0, "its status too", "%d", u.status);
	m.flags = GNTMAP_host_map | GNTMAP_contains_pte;
	gnttab_op(GNTTABOP_map_grant_ref, &m, 1);
	report(m.status < 0, "a read-only grant is not mapped writable", "%d", m.status);
	grant_end(9);
	check_rc("restore", set_va(at, keep), 0);
	page_free(page);
}

static void replace(u16 me)
{
	u8 *page = page_alloc(), *at = WINDOW(1), *with = WINDOW(2);
	u64 keep = *pte_of(at), keep2 = *pte_of(with);
	struct gnttab_map_grant_ref m = {
		.host_addr = A(at), .flags = GNTMAP_host_map, .ref = 9, .dom = me
	};
	struct gnttab_unmap_and_replace r = { .host_addr = A(at), .new_addr = A(with) };

	grant_page(9, me, page, false);
	gnttab_op(GNTTABOP_map_grant_ref, &m, 1);
	r.handle = m.handle;
	check_rc("unmap_and_replace", gnttab_op(GNTTABOP_unmap_and_replace, &r, 1), 0);
	report(r.status == 0 && (*pte_of(at) & PTE_ADDR) == (keep2 & PTE_ADDR) && !*pte_of(with),
	       "the other's entry moved here", "%d", r.status);
	set_va(at, keep), set_va(with, keep2);
	grant_end(9);
	page_free(page);
}

static void copies(u16 me)
{
	u8 *a = page_alloc(), *b = page_alloc();
	struct gnttab_copy c[2] = {
		{ .source = { .u.ref = 10, .domid = me, .offset = 8 },
		  .dest = { .u.gmfn = mfn_of(b), .domid = DOMID_SELF, .offset = 100 },
		  .len = 50,
		  .flags = GNTCOPY_source_gref },
		{ .source = { .u.gmfn = mfn_of(a), .domid = DOMID_SELF, .offset = 8 },
		  .dest = { .u.ref = 11, .domid = me, .offset = 200 },
		  .len = 50,
		  .flags = GNTCOPY_dest_gref },
	};

	for (unsigned i = 0; i < 100; i++)
		a[i] = (u8)i;
	grant_page(10, me, a, true);
	grant_page(11, me, b, false);
	check_rc("copy both ways", gnttab_op(GNTTABOP_copy, c, 2), 0);
	report(!c[0].status && !c[1].status, "copy status", "%d %d", c[0].status, c[1].status);
	check(mem_same(a + 8, b + 100, 50) && mem_same(a + 8, b + 200, 50) && !b[99] && !b[150],
	      "copied exactly");
	check(!grant_end(10) && !grant_end(11), "nothing stays in use");
	page_free(a), page_free(b);
}

void test_grants(void)
{
	struct gnttab_query_size q = { .dom = DOMID_SELF };
	struct gnttab_get_version v = { .dom = DOMID_SELF };
	struct gnttab_set_version sv = { 1 };
	struct gnttab_swap_grant_ref s = { .ref_a = 20, .ref_b = 21 };
	u16 me = own_domid();
	long rc;

	check_rc("setup_table", grants_init(), 0);
	check_rc("query_size", gnttab_op(GNTTABOP_query_size, &q, 1), 0);
	report(!q.status && q.nr_frames >= 1 && q.max_nr_frames >= q.nr_frames, "its answer",
	       "%d %u %u", q.status, q.nr_frames, q.max_nr_frames);
	check_rc("get_version", gnttab_op(GNTTABOP_get_version, &v, 1), 0);
	report(v.version == 1, "version 1", "%u", v.version);
	rc = gnttab_op(GNTTABOP_set_version, &sv, 1);
	report(rc == 0 && sv.version == 1, "set_version 1", "rc %ld", rc);
	if (!grants)
		return;
	map_own(me);
	replace(me);
	copies(me);
	grants[20].frame = 20;
	grants[21].frame = 21;
	rc = gnttab_op(GNTTABOP_swap_grant_ref, &s, 1);
	report(rc == -XEN_EOPNOTSUPP || rc == -XEN_ENOSYS ||
		       (!rc && !s.status && grants[20].frame == 21),
	       "swap_grant_ref", "rc %ld status %d", rc, s.status);
}
