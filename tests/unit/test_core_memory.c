/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <xen/memory.h>

#include "host_core.h"

static xen_pfn_t list[1024], out_list[1024];

static struct xen_memory_reservation res(u16 domid, u64 n, u32 order)
{
	return (struct xen_memory_reservation){
		.extent_start.va = (u64)list, .nr_extents = n, .extent_order = order, .domid = domid
	};
}

Test(core_memory, populate_and_decrease)
{
	struct xen_memory_reservation r = res(DOMID_SELF, 4, 1);
	u64 mfns[4], i;

	machine_up();
	for (i = 0; i < 4; i++)
		list[i] = 100 + 2 * i;
	expect_ret(MEMORY(populate_physmap, &r, u0), 4);
	expect(domu->tot_pages, 8);
	for (i = 0; i < 4; i++) {
		mfns[i] = list[i];
		expect(get_m2p(mfns[i] + 1), 101 + 2 * i);
		expect(mfns[i] & 1, 0);
	}
	expect_ret(MEMORY(decrease_reservation, &r, u0), 4);
	expect(domu->tot_pages, 0);
	expect(get_m2p(mfns[0]), INVALID_M2P_ENTRY);
	expect_ret(MEMORY(decrease_reservation, &r, u0), 0); /* gone */
	r.mem_flags = XENMEMF_address_bits(22);
	expect_ret(MEMORY(increase_reservation, &r, u0), 4);
	for (i = 0; i < 4; i++)
		cr_assert(list[i] < 1024);
	r.extent_start.va = 0;
	r.mem_flags = 0;
	expect_ret(MEMORY(increase_reservation, &r, u0), 4);
	expect(domu->tot_pages, 16);
}

Test(core_memory, reservation_refusals)
{
	struct xen_memory_reservation r = res(DOMID_SELF, 1000, 0);
	u64 i;

	machine_up();
	expect_ret(MEMORY(increase_reservation, &r, u0), 600); /* its limit */
	r.nr_extents = 1;
	r.domid = domv->id;
	expect_ret(MEMORY(increase_reservation, &r, u0), 0);
	expect_ret(MEMORY(increase_reservation, &r, v0), 1);
	r.domid = 999;
	expect_ret(MEMORY(increase_reservation, &r, v0), 0);
	r = res(DOMID_SELF, 1, 10);
	expect_ret(MEMORY(increase_reservation, &r, v0), 0);
	r = res(DOMID_SELF, ~0UL, 0);
	expect_ret(MEMORY(increase_reservation, &r, v0), 0);
	r = res(DOMID_SELF, 1, 0);
	r.mem_flags = XENMEMF_populate_on_demand;
	expect_ret(MEMORY(populate_physmap, &r, v0), 0);
	r.mem_flags = XENMEMF_address_bits(12);
	expect_ret(MEMORY(populate_physmap, &r, v0), 0);
	r.mem_flags = XENMEMF_exact_node(3);
	expect_ret(MEMORY(populate_physmap, &r, v0), 0);
	r.mem_flags = 0;
	r.extent_start.va = 1;
	expect_ret(MEMORY(populate_physmap, &r, v0), 0);
	i = dom0->tot_pages;
	expect_ret(MEMORY(increase_reservation, &r, v0), 0);
	expect(dom0->tot_pages, i); /* the page went back */
	expect_ret(MEMORY(decrease_reservation, &r, v0), 0);
	r.extent_start.va = (u64)list;
	list[0] = dom0->shared_info_mfn;
	expect_ret(MEMORY(decrease_reservation, &r, v0), 0);
	list[0] = ~0UL;
	expect_ret(MEMORY(decrease_reservation, &r, v0), 0);
	expect_ret(MEMORY(decrease_reservation, 0, v0), 0);
}

Test(core_memory, reservation_goes_on)
{
	struct xen_memory_reservation r = res(DOMID_SELF, 5, 0);
	unsigned rounds = 0;
	long ret;

	machine_up();
	host_preempt = true;
	ret = MEMORY(increase_reservation, &r, u0);
	while (ret == -ERESTART) {
		rounds++;
		expect(host_restart_args[0] & 63, XENMEM_increase_reservation);
		ret = CALL2(do_memory_op, host_restart_args[0], host_restart_args[1], u0);
	}
	expect(ret, 5);
	expect(rounds, 4);
	expect(domu->tot_pages, 5);
}

/* Call again for as long as it asks for that. */
static long finish(long ret, struct vcpu *v, unsigned *rounds)
{
	for (*rounds = 0; ret == -ERESTART; ++*rounds) {
		cr_assert(*rounds < 100, "no progress");
		ret = CALL2(do_memory_op, host_restart_args[0], host_restart_args[1], v);
	}
	return ret;
}

/* 2 MiB are more than may be done in one go. */
Test(core_memory, large_extents)
{
	struct xen_memory_reservation r = res(DOMID_SELF, 2, 9);
	unsigned rounds;
	u64 i;

	machine_up();
	dom0->max_pages = 4096;
	r.nr_extents = 6; /* all there is has been used */
	expect_ret(MEMORY(increase_reservation, &r, v0), 6);
	for (i = 0; i < 6; i++)
		memset(mfn_to_virt(list[i]), 0x5a, 512 * PAGE_SIZE);
	expect_ret(MEMORY(decrease_reservation, &r, v0), 6);
	r.nr_extents = 2;
	host_preempt = true;
	list[0] = list[1] = 1024;
	expect_ret(finish(MEMORY(populate_physmap, &r, v0), v0, &rounds), 2);
	cr_assert(rounds >= 16, "%u", rounds);
	for (i = 0; i < 512 * PAGE_SIZE; i += 8)
		cr_assert(!*(u64 *)(mfn_to_virt(list[1]) + i));
	expect(dom0->tot_pages, 1024);
	expect(get_m2p(list[1] + 511), 1024 + 511);
	expect_ret(finish(MEMORY(decrease_reservation, &r, v0), v0, &rounds), 2);
	expect(rounds, 15);
	expect(dom0->tot_pages, 0);
	host_preempt = false;
	expect_ret(MEMORY(populate_physmap, &r, v0), 2);
}

static struct xen_memory_exchange exch(u64 in, u32 in_order, u64 out, u32 out_order)
{
	struct xen_memory_exchange e = { .in = res(DOMID_SELF, in, in_order),
					 .out = res(DOMID_SELF, out, out_order) };

	e.out.extent_start.va = (u64)out_list;
	return e;
}

Test(core_memory, exchange_for_a_contiguous_low_extent)
{
	struct xen_memory_exchange e = exch(16, 0, 1, 4);
	u64 i, mfn;

	machine_up();
	for (i = 0; i < 16; i++) {
		list[i] = give_pages(domu, 0);
		set_m2p(list[i], 200 + i);
	}
	out_list[0] = 200;
	e.out.mem_flags = XENMEMF_address_bits(21);
	expect_ret(MEMORY(exchange, &e, u0), 0);
	expect(e.nr_exchanged, 16);
	expect(domu->tot_pages, 16);
	mfn = out_list[0];
	cr_assert(mfn < 512 && mfn % 16 == 0);
	for (i = 0; i < 16; i++) {
		expect(get_m2p(mfn + i), 200 + i);
		expect(get_m2p(list[i]), INVALID_M2P_ENTRY);
		expect(mfn_to_page(list[i])->count_info & PGC_count_mask, 0);
	}
	/* and back */
	list[0] = mfn;
	for (i = 0; i < 16; i++)
		out_list[i] = 200 + i;
	e = exch(1, 4, 16, 0);
	expect_ret(MEMORY(exchange, &e, u0), 0);
	expect(e.nr_exchanged, 1);
	expect(get_m2p(out_list[7]), 207);
}

Test(core_memory, exchange_of_large_extents)
{
	struct xen_memory_exchange e = exch(512, 0, 1, 9);
	unsigned rounds;
	u64 i;

	machine_up();
	for (i = 0; i < 512; i++)
		list[i] = give_pages(domu, 0);
	out_list[0] = 4096;
	host_preempt = true;
	expect_ret(finish(MEMORY(exchange, &e, u0), u0, &rounds), 0);
	expect(get_m2p(out_list[0] + 300), 4396);
	list[0] = out_list[0];
	for (i = 0; i < 512; i++)
		out_list[i] = 8192 + i;
	e = exch(1, 9, 512, 0);
	expect_ret(finish(MEMORY(exchange, &e, u0), u0, &rounds), 0);
	expect(get_m2p(out_list[300]), 8492);
	expect(domu->tot_pages, 512);
	expect(audit_domain_pages(domu, true), 0);
}

Test(core_memory, exchange_goes_on)
{
	struct xen_memory_exchange e = exch(8, 0, 4, 1);
	unsigned rounds = 0;
	long ret;
	u64 i;

	machine_up();
	for (i = 0; i < 8; i++)
		list[i] = give_pages(domu, 0);
	for (i = 0; i < 4; i++)
		out_list[i] = 2 * i;
	host_preempt = true;
	ret = MEMORY(exchange, &e, u0);
	while (ret == -ERESTART) {
		rounds++;
		expect(e.nr_exchanged, 2 * (rounds - 1)); /* the next extent is there already */
		ret = CALL2(do_memory_op, host_restart_args[0], host_restart_args[1], u0);
	}
	expect(ret, 0);
	expect(rounds, 4);
	for (i = 0; i < 4; i++)
		expect(get_m2p(out_list[i] + 1), 2 * i + 1);
}

/* Between two preemption points there is no more than the swap of a chunk. */
Test(core_memory, exchange_is_divided)
{
	struct xen_memory_exchange e = exch(1, 9, 512, 0);
	u64 i, before, now, start;
	long ret;

	machine_up();
	list[0] = give_pages(domu, 9);
	for (i = 0; i < 512; i++)
		out_list[i] = i;
	host_preempt = true;
	start = before = heap_free_pages();
	ret = MEMORY(exchange, &e, u0);
	for (i = 1; ret == -ERESTART; i++) {
		now = heap_free_pages();
		cr_assert((now > before ? now - before : before - now) <=
			  16 + 4); /* and what holds it */
		expect(domu->tot_pages, 512);
		before = now;
		ret = CALL2(do_memory_op, host_restart_args[0], host_restart_args[1], u0);
	}
	expect(ret, 0);
	expect(e.nr_exchanged, 1);
	cr_assert(i >= 16, "%lu", i);
	expect(heap_free_pages(), start);
}

/* What an interrupted call has in hand: taken by the next one, whatever it wants, or freed by death. */
Test(core_memory, exchange_abandoned)
{
	struct xen_memory_exchange e = exch(256, 0, 1, 8), other = exch(2, 0, 1, 1);
	u64 before, i;

	machine_up();
	for (i = 0; i < 256; i++)
		list[i] = give_pages(domu, 0);
	before = heap_free_pages();
	host_preempt = true;
	expect_ret(MEMORY(exchange, &e, u0), -ERESTART);
	expect(e.nr_exchanged, 0);
	cr_assert(heap_free_pages() < before);
	host_preempt = false;
	expect_ret(MEMORY(exchange, &other, u1), 0);
	expect(heap_free_pages(), before);
	expect(domu->tot_pages, 256);
	list[0] = out_list[0];
	list[1] = out_list[0] + 1;
	host_preempt = true;
	for (i = 0; !e.nr_exchanged && i < 10; i++)
		expect_ret(MEMORY(exchange, &e, u0), -ERESTART);
	expect(e.nr_exchanged, 256); /* the old ones are in hand */
	expect(domu->tot_pages, 256);
	host_preempt = false;
	domu->auto_reap = true;
	domain_kill(domu, "its time has come");
	reap_all();
	cr_assert(heap_free_pages() >= before + 256);
}

/* For another domain, which dies meanwhile. */
Test(core_memory, exchange_for_one_that_dies)
{
	struct xen_memory_exchange e = exch(256, 0, 1, 8);
	u64 before, i;
	unsigned rounds;

	machine_up();
	e.in.domid = e.out.domid = domu->id;
	for (i = 0; i < 256; i++)
		list[i] = give_pages(domu, 0);
	host_preempt = true;
	before = heap_free_pages();
	expect_ret(MEMORY(exchange, &e, v0), -ERESTART);
	expect(domu->tot_pages, 256);
	domu->dying = true; /* death has begun: nothing may become its any more */
	expect_ret(finish(MEMORY(exchange, &e, v0), v0, &rounds), -ESRCH);
	expect(e.nr_exchanged, 0);
	expect(heap_free_pages(), before);
	expect(domu->tot_pages, 256);
	domu->dying = false;
	expect_ret(MEMORY(exchange, &e, v0), -ERESTART);
	host_preempt = false;
	domu->auto_reap = true;
	domain_kill(domu, "its time has come");
	reap_all();
	expect_ret(MEMORY(exchange, &e, v0), -ESRCH);
	cr_assert(heap_free_pages() >= before + 256);
	cr_assert_null(dom0->exchanges);
}

Test(core_memory, exchange_undone)
{
	struct xen_memory_exchange e = exch(4, 0, 2, 1);
	u64 i;

	machine_up();
	for (i = 0; i < 4; i++) {
		list[i] = give_pages(domu, 0);
		set_m2p(list[i], 50 + i);
	}
	/* the second chunk has a page in use */
	cr_assert(get_page(mfn_to_page(list[3]), domu));
	expect_ret(MEMORY(exchange, &e, u0), -EINVAL);
	expect(e.nr_exchanged, 2);
	expect(get_m2p(list[2]), 52);
	expect(domu->tot_pages, 4);
	put_page(mfn_to_page(list[3]));
	e.out.mem_flags = XENMEMF_address_bits(16); /* so low there is nothing */
	expect_ret(MEMORY(exchange, &e, u0), -ENOMEM);
	expect(get_m2p(list[3]), 53);
	expect(domu->tot_pages, 4);
	list[3] = 0xffffffffff;
	e.out.mem_flags = 0;
	expect_ret(MEMORY(exchange, &e, u0), -EINVAL);
	expect(get_m2p(list[2]), 52);
}

Test(core_memory, exchange_refusals)
{
	struct xen_memory_exchange e = exch(1, 10, 1, 10);

	machine_up();
	expect_ret(MEMORY(exchange, 0, u0), -EFAULT);
	expect_ret(MEMORY(exchange, &e, u0), -EPERM);
	e = exch(4, 0, 1, 1);
	expect_ret(MEMORY(exchange, &e, u0), -EINVAL);
	e = exch(4, 0, 2, 1);
	e.out.domid = 0;
	expect_ret(MEMORY(exchange, &e, u0), -EINVAL);
	e.in.domid = 0;
	expect_ret(MEMORY(exchange, &e, u0), -EPERM);
	e.in.domid = e.out.domid = 888;
	expect_ret(MEMORY(exchange, &e, u0), -ESRCH);
	e = exch(4, 0, 2, 1);
	e.nr_exchanged = 5;
	expect_ret(MEMORY(exchange, &e, u0), -EINVAL);
	e.nr_exchanged = 1; /* no whole chunk */
	expect_ret(MEMORY(exchange, &e, u0), -EINVAL);
	e = exch(4, 0, 2, 1);
	e.in.extent_start.va = 8;
	expect_ret(MEMORY(exchange, &e, u0), -EFAULT);
	e = exch(4, 0, 2, 1);
	e.out.extent_start.va = 8;
	expect_ret(MEMORY(exchange, &e, u0), -EFAULT);
	e = exch(4, 0, 2, 1);
	heap_is_empty = true;
	expect_ret(MEMORY(exchange, &e, u0), -ENOMEM);
}

Test(core_memory, questions)
{
	struct xen_memory_domain q = { .domid = DOMID_SELF };
	struct xen_machphys_mapping m;

	machine_up();
	expect_ret(MEMORY(maximum_ram_page, 0, u0), 4095);
	give_pages(domu, 1);
	expect_ret(MEMORY(current_reservation, &q, u0), 2);
	expect_ret(MEMORY(maximum_reservation, &q, u0), 600);
	domu->shared_info->arch.max_pfn = 512;
	expect_ret(MEMORY(maximum_gpfn, &q, u0), 511);
	q.domid = 0;
	expect_ret(MEMORY(current_reservation, &q, u0), -EPERM);
	q.domid = 444;
	expect_ret(MEMORY(current_reservation, &q, v0), -ESRCH);
	expect_ret(MEMORY(current_reservation, 0, v0), -EFAULT);
	expect_ret(MEMORY(machphys_mapping, &m, u0), 0);
	expect(m.v_start, 0xffff800000000000);
	expect(m.max_mfn, 4095);
	expect_ret(MEMORY(machphys_mapping, 0, u0), -EFAULT);
	expect_ret(MEMORY(machphys_mfn_list, 0, u0), -ENOSYS);
	expect_ret(MEMORY(get_vnumainfo, 0, v0), -EOPNOTSUPP);
	expect_ret(MEMORY(add_to_physmap, 0, v0), -EACCES);
	expect_ret(MEMORY(get_sharing_freed_pages, 0, v0), 0);
}

static u64 u64_at(const u8 *p)
{
	u64 x;

	memcpy(&x, p, sizeof(x));
	return x;
}

Test(core_memory, maps)
{
	static u8 buf[20 * 8 + 8];
	struct xen_memory_map map = { .nr_entries = 8, .buffer.va = (u64)buf };
	struct xen_foreign_memory_map set = { .domid = 0 };

	machine_up();
	expect_ret(MEMORY(machine_memory_map, &map, u0), -EPERM);
	expect_ret(MEMORY(machine_memory_map, &map, v0), 0);
	expect(map.nr_entries, 3);
	expect(u64_at(buf + 20), 0x100000);
	expect((u32)u64_at(buf + 56), 2);
	map.nr_entries = 2;
	expect_ret(MEMORY(machine_memory_map, &map, v0), -EINVAL);
	map.buffer.va = 0;
	expect_ret(MEMORY(machine_memory_map, &map, v0), 0);
	expect(map.nr_entries, 3);
	map.buffer.va = 1;
	expect_ret(MEMORY(machine_memory_map, &map, v0), -EFAULT);
	expect_ret(MEMORY(machine_memory_map, 0, v0), -EFAULT);
	map = (struct xen_memory_map){ .nr_entries = 8, .buffer.va = (u64)buf };
	expect_ret(MEMORY(memory_map, &map, u0), -ENOSYS);
	expect_ret(MEMORY(memory_map, 0, u0), -EFAULT);
	set.domid = domu->id;
	set.map = map;
	set.map.nr_entries = 2;
	expect_ret(MEMORY(set_memory_map, &set, u0), -EPERM);
	expect_ret(MEMORY(set_memory_map, 0, v0), -EFAULT);
	expect_ret(MEMORY(set_memory_map, &set, v0), 0);
	expect_ret(MEMORY(set_memory_map, &set, v0), 0);
	memset(buf, 0, 20);
	expect_ret(MEMORY(memory_map, &map, u0), 0);
	expect(map.nr_entries, 2);
	expect(u64_at(buf + 8), 0x9f000);
	map.buffer.va = 1;
	expect_ret(MEMORY(memory_map, &map, u0), -EFAULT);
	set.map.buffer.va = 3;
	expect_ret(MEMORY(set_memory_map, &set, v0), -EFAULT);
	set.map.nr_entries = 129;
	expect_ret(MEMORY(set_memory_map, &set, v0), -EINVAL);
	set.map.nr_entries = 1;
	set.domid = 444;
	expect_ret(MEMORY(set_memory_map, &set, v0), -ESRCH);
}

Test(core_memory, acquire_resource)
{
	struct xen_mem_acquire_resource op = { .domid = domu ? 0 : 1,
					       .type = XENMEM_resource_grant_table };
	u64 frames[4];

	machine_up();
	op.domid = domu->id;
	expect_ret(MEMORY(acquire_resource, &op, v0), 0);
	expect(op.nr_frames, 64);
	op.nr_frames = 3;
	op.frame = 1;
	op.frame_list.va = (u64)frames;
	expect_ret(MEMORY(acquire_resource, &op, v0), 0);
	cr_assert(mfn_to_page(frames[2])->count_info & PGC_extra);
	expect_ret(MEMORY(acquire_resource, &op, w0), -EPERM);
	op.frame = 62;
	expect_ret(MEMORY(acquire_resource, &op, v0), -EINVAL);
	op.frame = 0;
	op.frame_list.va = 5;
	expect_ret(MEMORY(acquire_resource, &op, v0), -EFAULT);
	op.id = 1;
	expect_ret(MEMORY(acquire_resource, &op, v0), -EINVAL);
	op.type = XENMEM_resource_ioreq_server;
	expect_ret(MEMORY(acquire_resource, &op, v0), -EOPNOTSUPP);
	op.pad = 1;
	expect_ret(MEMORY(acquire_resource, &op, v0), -EINVAL);
	op = (struct xen_mem_acquire_resource){ .domid = 444, .type = XENMEM_resource_grant_table };
	expect_ret(MEMORY(acquire_resource, &op, v0), -ESRCH);
	expect_ret(MEMORY(acquire_resource, 0, v0), -EFAULT);
}
