/* SPDX-License-Identifier: MIT */
/* core/control.c, domctl.c, sysctl.c: a domain's life, who may do what, claims. */
#include <string.h>

#include <xen/memory.h>
#include <xen/sysctl.h>

#include "core/grant_table.h"
#include "core/sched.h"
#include "host_core.h"

static struct xen_domctl op;
static struct xen_sysctl sys;

static long domctl(u32 cmd, struct vcpu *v)
{
	op.cmd = cmd;
	op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	return do_domctl((u64)&op, 0, 0, 0, 0, v);
}

static long sysctl(u32 cmd)
{
	sys.cmd = cmd;
	sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return do_sysctl((u64)&sys, 0, 0, 0, 0, v0);
}

static void honest_config(void)
{
	memset(&op, 0, sizeof(op));
	op.u.createdomain.max_vcpus = 2;
	op.u.createdomain.max_evtchn_port = 127;
	op.u.createdomain.max_grant_frames = 2;
	op.u.createdomain.max_maptrack_frames = -1;
	op.u.createdomain.grant_opts = 1;
}

static struct domain *make(void)
{
	honest_config();
	expect_ret(domctl(XEN_DOMCTL_createdomain, v0), 0);
	op.u.max_vcpus.max = 2;
	expect_ret(domctl(XEN_DOMCTL_max_vcpus, v0), 0);
	op.u.max_mem.max_memkb = 64 * 4;
	expect_ret(domctl(XEN_DOMCTL_max_mem, v0), 0);
	return domain_of_owner(op.domain);
}

Test(core_control, who_and_which)
{
	machine_up();
	op.domain = domu->id;
	expect_ret(domctl(XEN_DOMCTL_pausedomain, u0), -EPERM);
	expect_ret(do_domctl(0, 0, 0, 0, 0, v0), -EFAULT);
	expect_ret(domctl(0, v0), -ENOSYS);
	expect_ret(domctl(6, v0), -ENOSYS);
	expect_ret(domctl(~0U, v0), -ENOSYS);
	op.interface_version = 0x14;
	expect_ret(do_domctl((u64)&op, 0, 0, 0, 0, v0), -EACCES);
	op.domain = 99;
	expect_ret(domctl(XEN_DOMCTL_pausedomain, v0), -ESRCH);
	expect_ret(domctl(XEN_DOMCTL_destroydomain, v0), -ESRCH);
	op.domain = DOMID_SELF;
	expect_ret(domctl(XEN_DOMCTL_pausedomain, v0), -EINVAL);
	op.domain = 0;
	expect_ret(domctl(XEN_DOMCTL_destroydomain, v0), -EINVAL);
	/* Another operation on the same domain is under way on another processor: asked again. */
	op.domain = domu->id;
	spin_lock(&domu->control_lock);
	expect_ret(domctl(XEN_DOMCTL_pausedomain, v0), -ERESTART);
	spin_unlock(&domu->control_lock);
	expect_ret(domctl(XEN_DOMCTL_pausedomain, v0), 0);
	expect(domu->pause_count, 1);
	expect_ret(domctl(XEN_DOMCTL_pausedomain, v0), 0);
	expect(domu->pause_count, 1);
	expect_ret(domctl(XEN_DOMCTL_unpausedomain, v0), 0);
	expect_ret(domctl(XEN_DOMCTL_unpausedomain, v0), 0);
	expect(domu->pause_count, 0);
	expect_ret(domctl(XEN_DOMCTL_unpausedomain, v0), -EINVAL);
}

Test(core_control, configuration)
{
	struct xen_domctl_createdomain *c = &op.u.createdomain;
	static const struct {
		u32 offset, value;
		int rc;
	} wrong[] = {
#define WRONG(member, value, rc) { offsetof(struct xen_domctl_createdomain, member), value, rc }
		WRONG(max_vcpus, 0, -EINVAL),           WRONG(max_vcpus, MAX_VCPUS + 1, -EINVAL),
		WRONG(cpupool_id, 1, -ENOENT),          WRONG(flags, 0x100, -EINVAL),
		WRONG(flags, 1, -EOPNOTSUPP),           WRONG(iommu_opts, 2, -EINVAL),
		WRONG(iommu_opts, 1, -EOPNOTSUPP),      WRONG(grant_opts, 0, -EINVAL),
		WRONG(grant_opts, 3, -EINVAL),          WRONG(grant_opts, 0x11, -EINVAL),
		WRONG(max_grant_frames, 65, -EINVAL),   WRONG(max_maptrack_frames, 1025, -EINVAL),
		WRONG(vmtrace_size, 1, -EOPNOTSUPP),    WRONG(arch.emulation_flags, 1, -EINVAL),
		WRONG(arch.misc_flags, 1, -EOPNOTSUPP),
	};

	machine_up();
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		honest_config();
		memcpy((u8 *)c + wrong[i].offset, &wrong[i].value, 4);
		cr_expect_eq(domctl(XEN_DOMCTL_createdomain, v0), wrong[i].rc, "configuration %u",
			     i);
	}
	honest_config();
	op.domain = domu->id;
	expect_ret(domctl(XEN_DOMCTL_createdomain, v0), -EEXIST);
	op.domain = 77;
	expect_ret(domctl(XEN_DOMCTL_createdomain, v0), 0);
	expect(op.domain, 77);
	expect(domain_of_owner(77)->max_evtchns, 128);
	expect(domain_of_owner(77)->grant_table->max_frames, 2);
	expect(domain_of_owner(77)->grant_table->max_maptrack_pages, MAPTRACK_MAX_PAGES);
	honest_config();
	heap_is_empty = true;
	expect_ret(domctl(XEN_DOMCTL_createdomain, v0), -ENOMEM);
	heap_is_empty = false;
}

/* Everything comes back, also what was claimed; and who holds a page keeps the domain for so long. */
Test(core_control, life)
{
	static struct vcpu_guest_context ctx;
	u64 before, pages;
	struct page_info *pg;
	struct domain *d;

	machine_up();
	before = heap_free_pages();
	d = make();
	expect(d->pause_count, 1);
	expect(d->vcpu[1]->pause_flags, VPF_down | VPF_paused);
	pg = mfn_to_page(give_pages(d, 3));
	cr_assert(get_page(pg, d));
	expect_ret(heap_claim(d, 20), 0);
	op.u.vcpucontext.vcpu = 0;
	op.u.vcpucontext.ctxt.va = (u64)&ctx;
	expect_ret(domctl(XEN_DOMCTL_getvcpucontext, v0), -ENODATA);
	context_result = -ERESTART;
	expect_ret(domctl(XEN_DOMCTL_setvcpucontext, v0), -ERESTART);
	context_result = 0;
	ctx.flags = VGCF_online;
	expect_ret(domctl(XEN_DOMCTL_setvcpucontext, v0), 0);
	expect(d->vcpu[0]->pause_flags, VPF_paused);
	expect_ret(domctl(XEN_DOMCTL_setvcpucontext, v0), -EEXIST);
	expect_ret(domctl(XEN_DOMCTL_getvcpucontext, v0), 0);
	expect_ret(domctl(XEN_DOMCTL_unpausedomain, v0), 0);
	run_all();
	expect_ret(domctl(XEN_DOMCTL_getdomaininfo, v0), 0);
	expect(op.u.getdomaininfo.tot_pages, 8);
	expect(op.u.getdomaininfo.outstanding_pages, 12);
	expect(op.u.getdomaininfo.nr_online_vcpus, 1);
	op.domain = d->id;
	while (domctl(XEN_DOMCTL_destroydomain, v0) == -ERESTART)
		run_all();
	/* Dying, and seen so, as long as somebody has a page of it. */
	expect_ret(domctl(XEN_DOMCTL_pausedomain, v0), -ESRCH);
	expect_ret(domctl(XEN_DOMCTL_getdomaininfo, v0), 0);
	expect(op.u.getdomaininfo.flags & XEN_DOMINF_dying, XEN_DOMINF_dying);
	pages = op.u.getdomaininfo.tot_pages;
	expect(pages, 1);
	put_page(pg);
	host_time += 1000000;
	timers_run(0);
	run_all();
	expect_ret(domctl(XEN_DOMCTL_getdomaininfo, v0), -ESRCH);
	expect(heap_claimed_pages(), 0);
	expect(heap_free_pages(), before);
}

Test(core_control, shut_down_and_resumed)
{
	machine_up();
	put_on_cpu(u1);
	op.domain = domu->id;
	domain_shutdown(domu, SHUTDOWN_suspend);
	run_all();
	expect_ret(domctl(XEN_DOMCTL_getdomaininfo, v0), 0);
	expect(op.u.getdomaininfo.flags >> XEN_DOMINF_shutdownshift, SHUTDOWN_suspend);
	expect(op.u.getdomaininfo.flags & XEN_DOMINF_shutdown, XEN_DOMINF_shutdown);
	expect_ret(domctl(XEN_DOMCTL_resumedomain, v0), 0);
	run_all();
	cr_assert(on_cpu[1] == u1 && !domu->shut_down);
	domain_kill(domu, "test");
	expect_ret(domctl(XEN_DOMCTL_resumedomain, v0), -EINVAL);
}

Test(core_control, claims)
{
	struct xen_memory_reservation r = { .nr_extents = 40 };
	u64 all;

	machine_up();
	r.domid = domu->id;
	expect_ret(MEMORY(claim_pages, 0, v0), -EFAULT);
	expect_ret(MEMORY(claim_pages, &r, u0), -EPERM);
	r.extent_order = 1;
	expect_ret(MEMORY(claim_pages, &r, v0), -EINVAL);
	r.extent_order = 0;
	expect_ret(MEMORY(claim_pages, &r, v0), 0);
	expect_ret(MEMORY(claim_pages, &r, v0), -EINVAL);
	expect(heap_claimed_pages(), 40);
	give_pages(domu, 3);
	expect(heap_claimed_pages(), 32);
	/* Nobody else gets what is set aside, whose claim it is does. */
	all = heap_free_pages();
	domv->max_pages = ~0U;
	while (alloc_domheap_pages(domv, 0, 0, INVALID_M2P_ENTRY))
		;
	expect(heap_free_pages(), 32);
	cr_assert(all > 32 && alloc_domheap_pages(domu, 0, 0, INVALID_M2P_ENTRY));
	r.nr_extents = 0;
	expect_ret(MEMORY(claim_pages, &r, v0), 0);
	cr_assert(alloc_domheap_pages(domv, 0, 0, INVALID_M2P_ENTRY));
	r.nr_extents = 500;
	expect_ret(MEMORY(claim_pages, &r, v0), -ENOMEM);
	r.nr_extents = 601; /* more than it may have */
	expect_ret(MEMORY(claim_pages, &r, v0), -EINVAL);
}

Test(core_control, lists)
{
	static struct xen_domctl_getdomaininfo info[8];
	u64 nodes = 0;

	machine_up();
	sys.u.getdomaininfolist.max_domains = 8;
	sys.u.getdomaininfolist.buffer.va = (u64)info;
	expect_ret(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
	expect(sys.u.getdomaininfolist.num_domains, 3);
	cr_assert(info[0].domain == 0 && info[1].domain == domu->id && info[2].domain == domv->id);
	sys.u.getdomaininfolist.first_domain = domu->id + 1;
	sys.u.getdomaininfolist.max_domains = 1;
	expect_ret(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
	expect(sys.u.getdomaininfolist.num_domains, 1);
	expect(info[0].domain, domv->id);
	/* Gone on with from where it was interrupted. */
	sys.u.getdomaininfolist.first_domain = 0;
	sys.u.getdomaininfolist.max_domains = 8;
	expect_ret(do_sysctl((u64)&sys, 0x70617669UL << 32 | 2, domv->id, 0, 0, v0), 0);
	expect(sys.u.getdomaininfolist.num_domains, 3);
	expect(info[2].domain, domv->id);
	sys.u.getdomaininfolist.buffer.va = 8;
	expect_ret(sysctl(XEN_SYSCTL_getdomaininfolist), -EFAULT);
	op.domain = domu->id;
	op.u.nodeaffinity.nodemap = (struct xenctl_bitmap){ { (u64)&nodes }, 64, 0 };
	expect_ret(domctl(XEN_DOMCTL_setnodeaffinity, v0), -EINVAL);
	expect_ret(domctl(XEN_DOMCTL_getnodeaffinity, v0), 0);
	expect(nodes, 1);
	expect_ret(domctl(XEN_DOMCTL_setnodeaffinity, v0), 0);
}

Test(core_control, nodes)
{
	struct xen_sysctl_cputopo topo[4];
	struct xen_sysctl_meminfo mem[2];
	u32 distance[4];
	u64 nodes = 0;
	struct domain *d;

	nr_nodes = 2;
	host_node[1] = 1;
	heap_node_range(0, 1500, 0);
	heap_node_range(1500, 4096, 1);
	machine_up();
	expect_ret(sysctl(XEN_SYSCTL_physinfo), 0);
	cr_assert(sys.u.physinfo.nr_nodes == 2 && sys.u.physinfo.max_node_id == 1);
	memset(&sys.u, 0, sizeof(sys.u));
	expect_ret(sysctl(XEN_SYSCTL_numainfo), 0);
	expect(sys.u.numainfo.num_nodes, 2);
	sys.u.numainfo.num_nodes = 9;
	sys.u.numainfo.meminfo.va = (u64)mem;
	sys.u.numainfo.distance.va = (u64)distance;
	expect_ret(sysctl(XEN_SYSCTL_numainfo), 0);
	expect(sys.u.numainfo.num_nodes, 2);
	cr_assert(mem[0].memsize == (1500 - 16) * PAGE_SIZE && mem[1].memsize == 2596 * PAGE_SIZE);
	expect(mem[0].memfree + mem[1].memfree, heap_free_pages() * PAGE_SIZE);
	cr_assert(distance[0] == 10 && distance[1] == 21 && distance[2] == 21 && distance[3] == 10);
	memset(&sys.u, 0, sizeof(sys.u));
	sys.u.cputopoinfo.num_cpus = 4;
	sys.u.cputopoinfo.cputopo.va = (u64)topo;
	expect_ret(sysctl(XEN_SYSCTL_cputopoinfo), 0);
	cr_assert(topo[0].node == 0 && topo[1].node == 1);
	memset(&sys.u, 0, sizeof(sys.u));
	sys.u.availheap.node = 1;
	expect_ret(sysctl(XEN_SYSCTL_availheap), 0);
	expect(sys.u.availheap.avail_bytes, mem[1].memfree);
	sys.u.availheap.node = 2;
	expect_ret(sysctl(XEN_SYSCTL_availheap), -EINVAL);
	/* At home where most is free; with more vCPUs than processors there, everywhere. */
	d = domain_create(-1, false, 1, 100, "near");
	expect(d->nodes, 2);
	expect(vcpu_create(d, 0, 0)->soft_affinity.bits[0], 2);
	cr_assert(give_pages(d, 0) >= 1500);
	expect(domu->nodes, 3);
	expect(dom0->nodes, ALL_NODES);
	op.domain = d->id;
	op.u.nodeaffinity.nodemap = (struct xenctl_bitmap){ { (u64)&nodes }, 64, 0 };
	expect_ret(domctl(XEN_DOMCTL_getnodeaffinity, v0), 0);
	expect(nodes, 2);
	nodes = 4; /* there is none such */
	expect_ret(domctl(XEN_DOMCTL_setnodeaffinity, v0), -EINVAL);
	nodes = 1;
	expect_ret(domctl(XEN_DOMCTL_setnodeaffinity, v0), 0);
	expect(d->vcpu[0]->soft_affinity.bits[0], 1);
	cr_assert(give_pages(d, 0) < 1500);
}

Test(core_control, affinity)
{
	u64 hard = 2, soft = 0;
	struct domain *d;

	machine_up();
	d = make();
	op.u.vcpuaffinity.vcpu = 0;
	op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
	op.u.vcpuaffinity.cpumap_hard = (struct xenctl_bitmap){ { (u64)&hard }, 64, 0 };
	op.u.vcpuaffinity.cpumap_soft = (struct xenctl_bitmap){ { (u64)&soft }, 64, 0 };
	expect_ret(domctl(XEN_DOMCTL_setvcpuaffinity, v0), 0);
	expect(d->vcpu[0]->allowed.bits[0], 2);
	hard = 1;
	expect_ret(domctl(XEN_DOMCTL_setvcpuaffinity, v0), 0);
	expect(d->vcpu[0]->allowed.bits[0], 1);
	hard = 4; /* there is no such processor */
	expect_ret(domctl(XEN_DOMCTL_setvcpuaffinity, v0), -EINVAL);
	op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
	expect_ret(domctl(XEN_DOMCTL_getvcpuaffinity, v0), 0);
	expect(hard, 1);
	expect(soft, 3);
	op.u.vcpuaffinity.flags = 8;
	expect_ret(domctl(XEN_DOMCTL_getvcpuaffinity, v0), -EINVAL);
	op.u.vcpuaffinity.vcpu = 2;
	expect_ret(domctl(XEN_DOMCTL_getvcpuaffinity, v0), -ESRCH);
}

Test(core_control, share)
{
	struct xen_domctl_scheduler_op *o = &op.u.scheduler_op;

	machine_up();
	op.domain = domu->id;
	o->sched_id = XEN_SCHEDULER_CREDIT;
	o->cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	expect_ret(domctl(XEN_DOMCTL_scheduler_op, v0), -EINVAL);
	o->sched_id = XEN_SCHEDULER_CREDIT2;
	expect_ret(domctl(XEN_DOMCTL_scheduler_op, v0), 0);
	cr_assert(o->u.credit2.weight == 256 && !o->u.credit2.cap);
	o->cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	o->u.credit2.weight = 512;
	o->u.credit2.cap = 0xffff;
	expect_ret(domctl(XEN_DOMCTL_scheduler_op, v0), 0);
	o->u.credit2.weight = 0;
	o->u.credit2.cap = 50;
	expect_ret(domctl(XEN_DOMCTL_scheduler_op, v0), 0);
	cr_assert(domu->sched.weight == 512 && domu->sched.cap == 50);
	o->u.credit2.cap = 100 * MAX_VCPUS + 1;
	expect_ret(domctl(XEN_DOMCTL_scheduler_op, v0), -EINVAL);
	o->cmd = XEN_DOMCTL_SCHEDOP_getvcpuinfo;
	expect_ret(domctl(XEN_DOMCTL_scheduler_op, v0), -EINVAL);

	sys.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
	sys.u.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
	expect_ret(sysctl(XEN_SYSCTL_scheduler_op), 0);
	sys.u.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_putinfo;
	expect_ret(sysctl(XEN_SYSCTL_scheduler_op), 0);
	sys.u.scheduler_op.u.sched_credit2.ratelimit_us = 1000;
	expect_ret(sysctl(XEN_SYSCTL_scheduler_op), -EOPNOTSUPP);
	sys.u.scheduler_op.cpupool_id = 1;
	expect_ret(sysctl(XEN_SYSCTL_scheduler_op), -ENOENT);
	sys.u.scheduler_op.cmd = 2;
	expect_ret(sysctl(XEN_SYSCTL_scheduler_op), -EINVAL);
}

static long pool_op(u32 what, u32 pool, u32 cpu)
{
	sys.u.cpupool_op.op = what;
	sys.u.cpupool_op.cpupool_id = pool;
	sys.u.cpupool_op.cpu = cpu;
	return sysctl(XEN_SYSCTL_cpupool_op);
}

Test(core_control, pools)
{
	struct xen_sysctl_cpupool_op *o = &sys.u.cpupool_op;
	u64 map = 0;

	machine_up();
	o->cpumap = (struct xenctl_bitmap){ { (u64)&map }, 64, 0 };
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_INFO, 0, 0), 0);
	cr_assert(map == 3 && o->n_dom == 3 && o->sched_id == XEN_SCHEDULER_CREDIT2);
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_INFO, 1, 0), -ENOENT);
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_CREATE, 7, 0), 0);
	o->sched_id = XEN_SCHEDULER_NULL;
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_CREATE, 8, 0), -EINVAL);
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_INFO, 1, 0), 0);
	cr_assert(o->cpupool_id == 7 && !map);
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 0, 1), 0);
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_FREEINFO, 0, 0), 0);
	expect(map, 2);
	o->domid = domu->id;
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, 7, 0), -EINVAL);
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 7, 1), 0);
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, 7, 0), 0);
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, SCHED_POOLS, 0), -ENOENT);
	op.domain = domu->id;
	expect_ret(domctl(XEN_DOMCTL_getdomaininfo, v0), 0);
	expect(op.u.getdomaininfo.cpupool, 7);
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 7, XEN_SYSCTL_CPUPOOL_PAR_ANY), -EINVAL);
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_DESTROY, 7, 0), -EBUSY);
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_FREEINFO + 1, 0, 0), -EINVAL);
	o->domid = 99;
	expect_ret(pool_op(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, 7, 0), -ESRCH);
	honest_config();
	op.u.createdomain.cpupool_id = 8;
	expect_ret(domctl(XEN_DOMCTL_createdomain, v0), -ENOENT);
	cr_assert(!domain_from(domv->id + 1), "no domain is left of one that cannot be");
	op.u.createdomain.cpupool_id = 7;
	expect_ret(domctl(XEN_DOMCTL_createdomain, v0), 0);
	cr_assert(domain_of_owner(op.domain)->sched.pool == &sched_pools[7]);
}
