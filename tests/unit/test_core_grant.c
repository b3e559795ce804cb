/* SPDX-License-Identifier: MIT */
#include "core/grant_table.h"
#include "host_core.h"

static struct grant_entry_v1 *table; /* domu's */
static u64 frame;                    /* a page of domu */

static void grants_up(void)
{
	static u64 frames[2];
	struct gnttab_setup_table op = { .dom = DOMID_SELF,
					 .nr_frames = 2,
					 .frame_list.va = (u64)frames };

	machine_up();
	expect_ret(GRANT(setup_table, &op, 1, u0), 0);
	expect(op.status, GNTST_okay);
	cr_assert(frames[0] && frames[1]);
	table = mfn_to_virt(frames[0]);
	frame = give_pages(domu, 0);
}

static void grant(u32 ref, u16 to, u16 flags, u64 mfn)
{
	table[ref].domid = to;
	table[ref].frame = mfn;
	table[ref].flags = GTF_permit_access | flags;
}

static struct gnttab_map_grant_ref map(struct vcpu *v, u32 ref, u32 flags)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = 0x1000, .flags = flags, .ref = ref, .dom = domu->id
	};

	expect_ret(GRANT(map_grant_ref, &op, 1, v), 0);
	return op;
}

static int unmap(struct vcpu *v, u32 handle, u64 host, u64 dev)
{
	struct gnttab_unmap_grant_ref op = { .host_addr = host,
					     .dev_bus_addr = dev,
					     .handle = handle };

	expect_ret(GRANT(unmap_grant_ref, &op, 1, v), 0);
	return op.status;
}

static void expect_unused(u32 ref)
{
	expect(table[ref].flags & (GTF_reading | GTF_writing), 0);
	expect(domu->grant_table->active[0][ref].readers, 0);
	expect(domu->grant_table->active[0][ref].writers, 0);
	expect(mfn_to_page(frame)->type_info & PGT_count_mask, 0);
	expect(mfn_to_page(frame)->count_info & PGC_count_mask, 1);
	expect(domu->refcount, 1);
}

Test(core_grant, map_and_unmap)
{
	struct gnttab_map_grant_ref a, b, c;
	u32 flushes;

	grants_up();
	grant(8, 0, 0, frame);
	a = map(v0, 8, GNTMAP_host_map | GNTMAP_device_map);
	expect(a.status, GNTST_okay);
	expect(a.dev_bus_addr, frame << PAGE_SHIFT);
	expect(pte_mfn_there, frame);
	expect(table[8].flags & (GTF_reading | GTF_writing), GTF_reading | GTF_writing);
	b = map(v0, 8, GNTMAP_device_map | GNTMAP_readonly);
	expect(b.status, GNTST_okay);
	/* the guest changes its entry: the mapping stays what it was */
	grant(8, 99, 0, frame + 1);
	c = map(v0, 8, GNTMAP_device_map | GNTMAP_readonly);
	expect(c.status, GNTST_okay);
	expect(c.dev_bus_addr, frame << PAGE_SHIFT);
	expect(unmap(v0, c.handle, 0, c.dev_bus_addr), GNTST_okay);
	expect(unmap(v0, b.handle, 0, 0x123000), GNTST_bad_dev_addr);
	expect(unmap(v0, b.handle, 0, b.dev_bus_addr), GNTST_okay);
	expect(unmap(v0, a.handle, 0x2000, 0), GNTST_bad_virt_addr);
	flushes = host_flushes;
	expect(unmap(v0, a.handle, 0x1000, 0), GNTST_okay);
	expect(host_flushes, flushes + 1);
	expect(unmap(v0, a.handle, 0, 0), GNTST_okay); /* nothing asked for */
	expect(unmap(v0, a.handle, 0, a.dev_bus_addr), GNTST_okay);
	expect(unmap(v0, a.handle, 0, a.dev_bus_addr), GNTST_bad_handle);
	expect(unmap(v0, 0xffffffff, 0x1000, 0), GNTST_bad_handle);
	expect_unused(8);
	grant_dump();
}

Test(core_grant, refusals)
{
	struct gnttab_map_grant_ref op = { .flags = GNTMAP_host_map, .dom = 555 };
	struct vcpu *v;
	u32 i;

	grants_up();
	expect_ret(GRANT(map_grant_ref, &op, 1, v0), 0);
	expect(op.status, GNTST_bad_domain);
	expect(map(v0, 8, GNTMAP_host_map).status, GNTST_bad_gntref); /* nothing granted */
	grant(8, domv->id, 0, frame);
	expect(map(v0, 8, GNTMAP_host_map).status, GNTST_bad_gntref);    /* to somebody else */
	expect(map(v0, 1024, GNTMAP_host_map).status, GNTST_bad_gntref); /* beyond the table */
	expect(map(v0, 0xffffffff, GNTMAP_host_map).status, GNTST_bad_gntref);
	expect(map(v0, 8, 0).status, GNTST_general_error);
	grant(8, 0, GTF_readonly, frame);
	expect(map(v0, 8, GNTMAP_host_map).status, GNTST_permission_denied);
	grant(8, 0, GTF_sub_page, frame);
	expect(map(v0, 8, GNTMAP_host_map).status, GNTST_bad_gntref);
	grant(8, 0, 0, give_pages(domv, 0)); /* not its page */
	expect(map(v0, 8, GNTMAP_host_map).status, GNTST_bad_page);
	grant(8, 0, 0, 0xffffffff);
	expect(map(v0, 8, GNTMAP_host_map).status, GNTST_bad_page);
	mfn_to_page(frame)->type_info = PGT_l1_table | 1;
	grant(8, 0, 0, frame);
	expect(map(v0, 8, GNTMAP_host_map).status, GNTST_bad_page);
	mfn_to_page(frame)->type_info = 0;
	grant_map_status = GNTST_bad_virt_addr;
	expect(map(v0, 8, GNTMAP_host_map).status, GNTST_bad_virt_addr);
	grant_map_status = GNTST_okay;
	heap_is_empty = true;
	for_each_vcpu(dom0, v, i)
		v->free_mapping = 0;
	grant_map_status = GNTST_bad_virt_addr; /* not asked for: an entry could not be undone */
	expect(map(v0, 8, GNTMAP_host_map).status, GNTST_no_space);
	grant_map_status = GNTST_okay;
	heap_is_empty = false;
	grant(8, 0, 0, frame);
	expect_unused(8);
	domu->grant_table->active[0][8].readers = 0xffff;
	expect(map(v0, 8, GNTMAP_host_map | GNTMAP_readonly).status, GNTST_no_space);
}

Test(core_grant, another_may_not_join)
{
	struct gnttab_map_grant_ref a;

	grants_up();
	grant(9, 0, 0, frame);
	a = map(v0, 9, GNTMAP_device_map | GNTMAP_readonly);
	expect(a.status, GNTST_okay);
	grant(9, domv->id, 0, frame);
	expect(map(w0, 9, GNTMAP_device_map | GNTMAP_readonly).status, GNTST_bad_gntref);
	domu->grant_table->active[0][9].readers = 0xffff;
	expect(map(v0, 9, GNTMAP_device_map | GNTMAP_readonly).status, GNTST_no_space);
	/* read-only in use: more takes a fresh look at the entry */
	expect(map(v0, 9, GNTMAP_device_map).status, GNTST_bad_gntref);
}

Test(core_grant, batches)
{
	enum { N = 40 };
	static struct gnttab_map_grant_ref m[N];
	static struct gnttab_unmap_grant_ref u[N];
	u32 i, flushes;

	grants_up();
	for (i = 0; i < N; i++) {
		grant(i, 0, 0, frame);
		m[i] = (struct gnttab_map_grant_ref){
			.host_addr = 0x1000, .flags = GNTMAP_host_map, .ref = i, .dom = domu->id
		};
	}
	expect_ret(GRANT(map_grant_ref, m, N, v0), 0);
	for (i = 0; i < N; i++) {
		expect(m[i].status, GNTST_okay);
		u[i] = (struct gnttab_unmap_grant_ref){ .host_addr = 0x1000,
							.handle = m[i].handle };
	}
	flushes = host_flushes;
	/* the stub knows one entry: put it back before each */
	for (i = 0; i < N; i++) {
		pte_at = 0x1000;
		pte_mfn_there = frame;
		expect_ret(GRANT(unmap_grant_ref, &u[i], 1, v0), 0);
		expect(u[i].status, GNTST_okay);
	}
	expect(host_flushes, flushes + N);
	for (i = 0; i < N; i++)
		m[i].flags = GNTMAP_device_map;
	expect_ret(GRANT(map_grant_ref, m, N, v0), 0);
	for (i = 0; i < N; i++)
		u[i] = (struct gnttab_unmap_grant_ref){ .dev_bus_addr = m[i].dev_bus_addr,
							.handle = m[i].handle };
	flushes = host_flushes;
	host_preempt = true;
	expect_ret(GRANT(unmap_grant_ref, u, N, v0), -ERESTART);
	expect(host_restart_args[1], &u[16]);
	expect(host_restart_args[2], N - 16);
	host_preempt = false;
	expect_ret(CALL3(do_grant_table_op, host_restart_args[0], host_restart_args[1],
			 host_restart_args[2], v0),
		   0);
	expect(host_flushes, flushes + 3);
	for (i = 0; i < N; i++)
		expect_unused(i);
	host_preempt = true;
	expect_ret(GRANT(map_grant_ref, m, N, v0), -ERESTART);
	expect(host_restart_args[2], N - 1);
	expect_ret(GRANT(map_grant_ref, 0, 1, v0), -EFAULT);
	expect_ret(GRANT(unmap_grant_ref, 0, 1, v0), -EFAULT);
	expect_ret(GRANT(map_grant_ref, m, 0x80000000, v0), -EINVAL);
}

Test(core_grant, many_handles)
{
	u32 i;

	grants_up();
	grant(1, 0, 0, frame);
	for (i = 0; i < 1000; i++)
		expect(map(v0, 1, GNTMAP_device_map).handle, i);
	for (i = 0; i < 1000; i++)
		expect(unmap(v0, 999 - i, 0, frame << PAGE_SHIFT), GNTST_okay);
	expect_unused(1);
	expect(map(v0, 1, GNTMAP_device_map).handle, 0);
}

/* Those made ahead serve all vCPUs before there are more; so none of them is missing afterwards. */
Test(core_grant, handles_made_ahead)
{
	struct grant_table *gt;
	u64 before;
	u32 i;

	grants_up();
	gt = dom0->grant_table;
	cr_assert(vcpu_create(dom0, 2, 0) && vcpu_create(dom0, 3, 1));
	grant_make_ahead(dom0, 6 * MAPPINGS_PER_PAGE);
	expect(gt->maptrack_pages, 6);
	grant(1, 0, 0, frame);
	before = heap_free_pages();
	for (i = 0; i < 6 * MAPPINGS_PER_PAGE; i++)
		expect(map(i % 3 ? v1 : v0, 1, GNTMAP_device_map).status, GNTST_okay);
	expect(heap_free_pages(), before);
	expect(map(v0, 1, GNTMAP_device_map).status, GNTST_okay);
	expect(gt->maptrack_pages, 7);
}

/* Each vCPU has handles of its own, whoever gives them back, and others' when there are no more. */
Test(core_grant, handles_of_vcpus)
{
	u32 i, own, other;

	grants_up();
	grant(1, 0, 0, frame);
	own = map(v0, 1, GNTMAP_device_map).handle;
	other = map(v1, 1, GNTMAP_device_map).handle;
	expect(own / MAPPINGS_PER_PAGE, 0);
	expect(other / MAPPINGS_PER_PAGE, 1);
	expect(unmap(v0, other, 0, frame << PAGE_SHIFT), GNTST_okay);
	expect(unmap(v1, own, 0, frame << PAGE_SHIFT), GNTST_okay);
	expect(map(v0, 1, GNTMAP_device_map).handle, own);
	expect(map(v1, 1, GNTMAP_device_map).handle, other);
	heap_is_empty = true;
	for (i = 2; i < 2 * MAPPINGS_PER_PAGE; i++)
		expect(map(v0, 1, GNTMAP_device_map).status, GNTST_okay);
	expect(map(v0, 1, GNTMAP_device_map).status, GNTST_no_space);
	expect(map(v1, 1, GNTMAP_device_map).status, GNTST_no_space);
	heap_is_empty = false;
	for (i = 0; i < 2 * MAPPINGS_PER_PAGE; i++)
		expect(unmap(v0, i, 0, frame << PAGE_SHIFT), GNTST_okay);
	expect_unused(1);
}

Test(core_grant, replace)
{
	struct gnttab_unmap_and_replace op = { .host_addr = 0x1000, .new_addr = 0x5000 };

	grants_up();
	grant(3, 0, 0, frame);
	op.handle = map(v0, 3, GNTMAP_host_map).handle;
	expect_ret(GRANT(unmap_and_replace, &op, 1, v0), 0);
	expect(op.status, GNTST_okay);
	expect(pte_at, 0x5000);
	expect_unused(3);
}

Test(core_grant, mapping_domain_dies)
{
	struct domain *d;
	struct vcpu *v;
	u32 i;

	grants_up();
	d = domain_create(-1, false, 1, 10, "short-lived");
	d->auto_reap = true;
	v = vcpu_create(d, 0, 0);
	for (i = 0; i < 100; i++) {
		grant(i, d->id, 0, frame);
		expect(map(v, i, GNTMAP_device_map).status, GNTST_okay);
	}
	expect(domu->refcount, 101);
	domain_kill(d, "enough");
	reap_all();
	for (i = 0; i < 100; i++)
		expect_unused(i);
}

Test(core_grant, granting_domain_dies_first)
{
	struct gnttab_map_grant_ref a;
	u16 id;

	grants_up();
	domu->auto_reap = true;
	id = domu->id;
	grant(5, 0, 0, frame);
	a = map(v0, 5, GNTMAP_host_map);
	domain_kill(domu, "enough");
	reap_all();
	cr_assert(domain_of_owner(id) == domu && domu->dying);
	expect(domu->tot_pages, 1);
	expect(map(v0, 5, GNTMAP_host_map).status, GNTST_bad_domain);
	expect(unmap(v0, a.handle, 0x1000, 0), GNTST_okay);
	reap_all();
	cr_assert(!domain_of_owner(id));
}

static struct gnttab_copy copy_op(u32 ref, u64 own, bool write)
{
	struct gnttab_copy op = { .len = 100,
				  .flags = write ? GNTCOPY_dest_gref : GNTCOPY_source_gref };
	struct gnttab_copy_ptr *theirs = write ? &op.dest : &op.source,
			       *mine = write ? &op.source : &op.dest;

	theirs->u.ref = ref;
	theirs->domid = domu->id;
	theirs->offset = 10;
	mine->u.gmfn = own;
	mine->domid = DOMID_SELF;
	mine->offset = 20;
	return op;
}

static int copied(struct gnttab_copy op)
{
	expect_ret(GRANT(copy, &op, 1, v0), 0);
	return op.status;
}

Test(core_grant, copy)
{
	struct gnttab_copy op, ops[3];
	u64 own;
	char *theirs, *mine;

	grants_up();
	own = give_pages(dom0, 0);
	theirs = mfn_to_virt(frame);
	mine = mfn_to_virt(own);
	grant(2, 0, GTF_readonly, frame);
	theirs[10] = 'a';
	theirs[109] = 'b';
	theirs[110] = 'c';
	expect(copied(copy_op(2, own, false)), GNTST_okay);
	cr_assert(mine[20] == 'a' && mine[119] == 'b' && mine[120] == 0);
	expect(copied(copy_op(2, own, true)), GNTST_permission_denied);
	grant(2, 0, 0, frame);
	mine[20] = 'x';
	expect(copied(copy_op(2, own, true)), GNTST_okay);
	expect(theirs[10], 'x');
	expect_unused(2);
	op = copy_op(2, own, false);
	op.len = PAGE_SIZE;
	op.source.offset = op.dest.offset = 0;
	expect(copied(op), GNTST_okay);
	cr_assert(mine[10] == 'x' && mine[PAGE_SIZE - 1] == theirs[PAGE_SIZE - 1]);
	cr_assert(mine[109] == 'b' && mine[20] == theirs[20]);
	op = copy_op(2, own, false);
	op.len = 4090;
	expect(copied(op), GNTST_bad_copy_arg);
	op = copy_op(2, own, false);
	op.dest.offset = 0xffff;
	expect(copied(op), GNTST_bad_copy_arg);
	expect(copied(copy_op(2, frame, false)), GNTST_bad_page); /* not its own */
	expect(copied(copy_op(2, ~0UL, false)), GNTST_bad_page);
	mfn_to_page(own)->type_info = PGT_l1_table | 1;
	expect(copied(copy_op(2, own, false)), GNTST_bad_page);
	mfn_to_page(own)->type_info = 0;
	op = copy_op(2, own, false);
	op.dest.domid = domu->id;
	expect(copied(op), GNTST_permission_denied);
	op = copy_op(2, own, false);
	op.source.domid = 444;
	expect(copied(op), GNTST_bad_domain);
	expect_unused(2);
	/* one after the other on the same pages, and stopped in between */
	ops[0] = ops[1] = ops[2] = copy_op(2, own, false);
	expect_ret(GRANT(copy, ops, 3, v0), 0);
	host_preempt = true;
	expect_ret(GRANT(copy, ops, 3, v0), -ERESTART);
	expect(host_restart_args[2], 2);
	expect_ret(GRANT(copy, 0, 1, v0), -EFAULT);
	expect_unused(2);
	expect(mfn_to_page(own)->count_info & PGC_count_mask, 1);
	expect(dom0->refcount, 1);
}

Test(core_grant, small_calls)
{
	struct gnttab_query_size qs = { .dom = DOMID_SELF };
	struct gnttab_set_version sv = { .version = 1 };
	struct gnttab_get_version gv = { .dom = DOMID_SELF };
	struct gnttab_get_status_frames sf = { .dom = DOMID_SELF };
	struct gnttab_setup_table st = { .dom = DOMID_SELF, .nr_frames = 65 };
	struct gnttab_swap_grant_ref swap[2] = { { .ref_a = 1, .ref_b = 2 },
						 { .ref_a = 1, .ref_b = 99999 } };
	struct gnttab_map_grant_ref a;
	u64 mfn;

	grants_up();
	expect_ret(GRANT(query_size, &qs, 1, u0), 0);
	cr_assert(qs.nr_frames == 2 && qs.max_nr_frames == 64 && qs.status == GNTST_okay);
	expect_ret(GRANT(query_size, &qs, 2, u0), -EINVAL);
	qs.dom = 0;
	expect_ret(GRANT(query_size, &qs, 1, u0), 0);
	expect(qs.status, GNTST_permission_denied);
	qs.dom = 777;
	expect_ret(GRANT(query_size, &qs, 1, u0), 0);
	expect(qs.status, GNTST_bad_domain);
	expect_ret(GRANT(set_version, &sv, 1, u0), 0);
	sv.version = 2;
	expect_ret(GRANT(set_version, &sv, 1, u0), -ENOSYS);
	sv.version = 3;
	expect_ret(GRANT(set_version, &sv, 1, u0), -EINVAL);
	expect_ret(GRANT(get_version, &gv, 1, u0), 0);
	expect(gv.version, 1);
	gv.dom = 0;
	expect_ret(GRANT(get_version, &gv, 1, u0), -EPERM);
	gv.dom = 777;
	expect_ret(GRANT(get_version, &gv, 1, u0), -ESRCH);
	expect_ret(GRANT(get_status_frames, &sf, 1, u0), 0);
	expect(sf.status, GNTST_general_error);
	expect_ret(GRANT(setup_table, &st, 1, u0), 0);
	expect(st.status, GNTST_general_error);
	st.nr_frames = 2;
	expect_ret(GRANT(setup_table, &st, 1, u0), -EFAULT);
	st.dom = 0;
	expect_ret(GRANT(setup_table, &st, 1, u0), 0);
	expect(st.status, GNTST_permission_denied);
	expect_ret(GRANT(setup_table, 0, 1, u0), -EFAULT);
	st.dom = domv->id;
	heap_is_empty = true;
	expect_ret(GRANT(setup_table, &st, 1, v0), 0);
	expect(st.status, GNTST_general_error);
	heap_is_empty = false;
	expect_ret(GRANT(transfer, &sf, 1, u0), -EOPNOTSUPP);
	expect_ret(GRANT(cache_flush, &sf, 1, u0), -EOPNOTSUPP);
	expect_ret(GRANT(dump_table, &sf, 1, u0), -ENOSYS);
	expect_ret(CALL3(do_grant_table_op, 77, &sf, 1, u0), -ENOSYS);
	grant(1, 7, 0, frame);
	grant(2, 0, 0, frame);
	expect_ret(GRANT(swap_grant_ref, swap, 2, u0), 0);
	expect(swap[0].status, GNTST_okay);
	expect(swap[1].status, GNTST_bad_gntref);
	expect(table[2].domid, 7);
	swap[1].ref_b = 1; /* with itself */
	expect_ret(GRANT(swap_grant_ref, &swap[1], 1, u0), 0);
	expect(swap[1].status, GNTST_okay);
	expect(table[1].domid, 0);
	a = map(v0, 1, GNTMAP_device_map);
	expect(a.status, GNTST_okay);
	expect_ret(GRANT(swap_grant_ref, swap, 1, u0), 0);
	expect(swap[0].status, GNTST_eagain);
	host_preempt = true;
	expect_ret(GRANT(swap_grant_ref, swap, 2, u0), -ERESTART);
	/* a frame at a time, and no question once all are there */
	expect(domu->grant_table->nr_frames, 2);
	for (int i = 3; i <= 4; i++) {
		expect_ret(grant_table_frame(domu, 3, &mfn), -ERESTART);
		expect(domu->grant_table->nr_frames, i);
	}
	expect_ret(grant_table_frame(domu, 3, &mfn), 0);
	expect_ret(grant_table_frame(domu, 64, &mfn), -EINVAL);
}
