/* SPDX-License-Identifier: MIT */
/* Honest: a domain's life by domctl, from nothing to nothing, and what sysctl says meanwhile. */
#include <xen/sysctl.h>

#include "honest.h"

#define PAGES 32

static struct xen_domctl op;
static struct xen_sysctl sys;
static struct xen_cpuid_leaf leaves[128];
static struct vcpu_guest_context context;
static u16 id;

static long domctl(u32 cmd)
{
	op.cmd = cmd;
	op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op.domain = id;
	return HC(domctl, &op, 0, 0, 0);
}

static long sysctl(u32 cmd)
{
	sys.cmd = cmd;
	sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return HC(sysctl, &sys, 0, 0, 0);
}

static u64 free_pages(void)
{
	mem_fill(&sys, 0, sizeof(sys));
	check_rc("physinfo", sysctl(XEN_SYSCTL_physinfo), 0);
	return sys.u.physinfo.free_pages - sys.u.physinfo.outstanding_pages;
}

static void machine(void)
{
	static struct xen_domctl_getdomaininfo list[4];
	static u8 map[8];
	static struct xen_sysctl_cputopo topo[8];
	static struct xen_sysctl_meminfo mem;
	u32 cpus;

	free_pages();
	cpus = sys.u.physinfo.nr_cpus;
	report(cpus && sys.u.physinfo.cpu_khz &&
		       sys.u.physinfo.capabilities & XEN_SYSCTL_PHYSCAP_pv &&
		       sys.u.physinfo.total_pages > sys.u.physinfo.free_pages &&
		       sys.u.physinfo.hw_cap[0],
	       "physinfo says", "%u cpus, %u kHz, %lu of %lu pages", cpus, sys.u.physinfo.cpu_khz,
	       sys.u.physinfo.free_pages, sys.u.physinfo.total_pages);
	mem_fill(&sys, 0, sizeof(sys));
	sys.u.getdomaininfolist.max_domains = 4;
	sys.u.getdomaininfolist.buffer = list;
	check_rc("getdomaininfolist", sysctl(XEN_SYSCTL_getdomaininfolist), 0);
	report(sys.u.getdomaininfolist.num_domains >= 1 && !list[0].domain &&
		       list[0].tot_pages == si->nr_pages && list[0].flags & XEN_DOMINF_running &&
		       list[0].cpu_time,
	       "is about us", "%u domains, d%u flags %x, %lu pages",
	       sys.u.getdomaininfolist.num_domains, list[0].domain, list[0].flags,
	       list[0].tot_pages);
	mem_fill(&sys, 0, sizeof(sys));
	check_rc("cputopoinfo of nobody", sysctl(XEN_SYSCTL_cputopoinfo), 0);
	check(sys.u.cputopoinfo.num_cpus == cpus, "says how many");
	sys.u.cputopoinfo.cputopo = topo;
	check_rc("cputopoinfo", sysctl(XEN_SYSCTL_cputopoinfo), 0);
	mem_fill(&sys, 0, sizeof(sys));
	sys.u.numainfo.num_nodes = 1;
	sys.u.numainfo.meminfo = &mem;
	check_rc("numainfo", sysctl(XEN_SYSCTL_numainfo), 0);
	check(sys.u.numainfo.num_nodes == 1 && mem.memsize > mem.memfree, "one node");
	mem_fill(&sys, 0, sizeof(sys));
	sys.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	sys.u.cpupool_op.cpumap.bitmap = map;
	sys.u.cpupool_op.cpumap.nr_bits = 64;
	check_rc("cpupool info", sysctl(XEN_SYSCTL_cpupool_op), 0);
	check(map[0] & 1 && sys.u.cpupool_op.n_dom >= 1, "has all");
	sys.u.cpupool_op.cpupool_id = 1;
	check_rc("no other pool", sysctl(XEN_SYSCTL_cpupool_op), -XEN_ENOENT);
	sys.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
	sys.u.cpupool_op.sched_id = XEN_SCHEDULER_CREDIT2;
	check_rc("cpupool create", sysctl(XEN_SYSCTL_cpupool_op), 0);
	sys.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN;
	check_rc("to a pool without processors", sysctl(XEN_SYSCTL_cpupool_op), -XEN_EINVAL);
	sys.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_DESTROY;
	check_rc("cpupool destroy", sysctl(XEN_SYSCTL_cpupool_op), 0);
	mem_fill(&sys, 0, sizeof(sys));
	sys.u.availheap.node = -1;
	check_rc("availheap", sysctl(XEN_SYSCTL_availheap), 0);
	check(sys.u.availheap.avail_bytes > 0, "something is free");
	check_rc("sched_id", sysctl(XEN_SYSCTL_sched_id), 0);
	check(sys.u.sched_id.sched_id == XEN_SCHEDULER_CREDIT2, "with weight and cap");
	mem_fill(&sys, 0, sizeof(sys));
	sys.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
	sys.u.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
	check_rc("scheduler_op", sysctl(XEN_SYSCTL_scheduler_op), 0);
	check_rc("another sysctl", sysctl(2), -XEN_ENOSYS);
}

static void create(void)
{
	struct xen_domctl_createdomain *c = &op.u.createdomain;

	mem_fill(&op, 0, sizeof(op));
	c->max_vcpus = 2;
	c->max_evtchn_port = 1023;
	c->max_grant_frames = c->max_maptrack_frames = -1;
	c->grant_opts = 1;
	c->flags = XEN_DOMCTL_CDF_hvm;
	check_rc("createdomain HVM", domctl(XEN_DOMCTL_createdomain), -XEN_EOPNOTSUPP);
	c->flags = 0;
	c->handle[0] = 0xab;
	check_rc("createdomain", domctl(XEN_DOMCTL_createdomain), 0);
	id = op.domain;
	check_rc("createdomain of the same number", domctl(XEN_DOMCTL_createdomain), -XEN_EEXIST);
	op.u.max_vcpus.max = 1;
	check_rc("max_vcpus of another number", domctl(XEN_DOMCTL_max_vcpus), -XEN_EINVAL);
	op.u.max_vcpus.max = 2;
	check_rc("max_vcpus", domctl(XEN_DOMCTL_max_vcpus), 0);
	op.u.max_mem.max_memkb = PAGES * 4;
	check_rc("max_mem", domctl(XEN_DOMCTL_max_mem), 0);
}

static void memory(u64 free_before)
{
	static u64 pfns[PAGES];
	struct xen_memory_reservation r = { .extent_start = pfns,
					    .nr_extents = PAGES,
					    .domid = id };
	struct xen_memory_reservation claim = { .nr_extents = PAGES, .domid = id };
	void *va;
	long rc;

	check_rc("claim_pages", memory_op(XENMEM_claim_pages, &claim), 0);
	check_rc("claim_pages twice", memory_op(XENMEM_claim_pages, &claim), -XEN_EINVAL);
	for (unsigned i = 0; i < PAGES; i++)
		pfns[i] = i;
	check_rc("populate_physmap for it", memory_op(XENMEM_populate_physmap, &r), PAGES);
	report(M2P[pfns[3]] == 3 && !is_mine(pfns[3]), "has its frames", "frame %lx", pfns[3]);
	report(free_before - free_pages() >= PAGES, "they are gone", "%lu",
	       free_before - free_pages());
	va = map_mfn(pfns[0], PTE_KERN, &rc);
	report(!va, "not mapped without its name", "rc %ld", rc);
	check_rc("mapped in its name",
		 mmu_update1(ma_of(pte_of(WINDOW(2))), pfns[0] << 12 | PTE_KERN, id), 0);
	*(volatile u64 *)WINDOW(2) = 1;
	unmap_mfn(WINDOW(2));
	op.u.hypercall_init.gmfn = pfns[1];
	check_rc("hypercall_init", domctl(XEN_DOMCTL_hypercall_init), 0);
	op.u.getpageframeinfo3.num = 2;
	op.u.getpageframeinfo3.array = pfns + 4;
	pfns[5] = mfn_of(&op);
	check_rc("getpageframeinfo3", domctl(XEN_DOMCTL_getpageframeinfo3), 0);
	report(pfns[4] == XEN_DOMCTL_PFINFO_NOTAB && pfns[5] == XEN_DOMCTL_PFINFO_XTAB,
	       "its and ours", "%lx %lx", pfns[4], pfns[5]);
}

static void vcpus(void)
{
	static u8 hard[8], soft[8];

	mem_fill(&op, 0, sizeof(op));
	check_rc("getvcpuinfo", domctl(XEN_DOMCTL_getvcpuinfo), 0);
	check(!op.u.getvcpuinfo.online && !op.u.getvcpuinfo.running, "is down");
	op.u.getvcpuinfo.vcpu = 2;
	check_rc("getvcpuinfo beyond", domctl(XEN_DOMCTL_getvcpuinfo), -XEN_EINVAL);
	op.u.vcpucontext.vcpu = 0;
	op.u.vcpucontext.ctxt = &context;
	check_rc("getvcpucontext", domctl(XEN_DOMCTL_getvcpucontext), -XEN_ENODATA);
	check_rc("setvcpucontext without tables", domctl(XEN_DOMCTL_setvcpucontext), -XEN_EINVAL);
	mem_fill(&op, 0, sizeof(op));
	hard[0] = 0;
	op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
	op.u.vcpuaffinity.cpumap_hard.bitmap = hard;
	op.u.vcpuaffinity.cpumap_soft.bitmap = soft;
	op.u.vcpuaffinity.cpumap_hard.nr_bits = op.u.vcpuaffinity.cpumap_soft.nr_bits = 64;
	check_rc("setvcpuaffinity nowhere", domctl(XEN_DOMCTL_setvcpuaffinity), -XEN_EINVAL);
	hard[0] = 1;
	check_rc("setvcpuaffinity", domctl(XEN_DOMCTL_setvcpuaffinity), 0);
	hard[0] = 0;
	check_rc("getvcpuaffinity", domctl(XEN_DOMCTL_getvcpuaffinity), 0);
	check(hard[0] == 1 && !soft[0], "as it was set");
	op.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_POWER;
	op.u.sendtrigger.vcpu = 0;
	check_rc("sendtrigger power", domctl(XEN_DOMCTL_sendtrigger), -XEN_EOPNOTSUPP);
	op.u.nodeaffinity.nodemap.bitmap = hard;
	op.u.nodeaffinity.nodemap.nr_bits = 8;
	check_rc("setnodeaffinity", domctl(XEN_DOMCTL_setnodeaffinity), 0);
	check_rc("getnodeaffinity", domctl(XEN_DOMCTL_getnodeaffinity), 0);
	check_rc("shadow_op", domctl(XEN_DOMCTL_shadow_op), -XEN_EOPNOTSUPP);
	mem_fill(&op, 0, sizeof(op));
	check_rc("scheduler_op of another", domctl(XEN_DOMCTL_scheduler_op), -XEN_EINVAL);
	op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
	op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	op.u.scheduler_op.u.credit2.weight = 1000;
	op.u.scheduler_op.u.credit2.cap = 50;
	check_rc("its share", domctl(XEN_DOMCTL_scheduler_op), 0);
	op.u.scheduler_op.u.credit2.weight = op.u.scheduler_op.u.credit2.cap = 0;
	op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	check_rc("its share asked for", domctl(XEN_DOMCTL_scheduler_op), 0);
	check(op.u.scheduler_op.u.credit2.weight == 1000 && op.u.scheduler_op.u.credit2.cap == 50,
	      "as it was set");
}

static void settings(void)
{
	mem_fill(&op, 0, sizeof(op));
	op.u.setdomainhandle.handle[15] = 7;
	check_rc("setdomainhandle", domctl(XEN_DOMCTL_setdomainhandle), 0);
	op.u.settimeoffset.time_offset_seconds = -3600;
	check_rc("settimeoffset", domctl(XEN_DOMCTL_settimeoffset), 0);
	check_rc("get_address_size", domctl(XEN_DOMCTL_get_address_size), 0);
	check(op.u.address_size.size == 64, "64 bits");
	op.u.address_size.size = 32;
	check_rc("set_address_size 32", domctl(XEN_DOMCTL_set_address_size), -XEN_EINVAL);
	op.u.tsc_info.tsc_mode = 1;
	check_rc("settscinfo emulated", domctl(XEN_DOMCTL_settscinfo), -XEN_EOPNOTSUPP);
	op.u.tsc_info.tsc_mode = 2;
	check_rc("settscinfo", domctl(XEN_DOMCTL_settscinfo), 0);
	check_rc("gettscinfo", domctl(XEN_DOMCTL_gettscinfo), 0);
	report(op.u.tsc_info.tsc_mode == 2 && op.u.tsc_info.gtsc_khz, "mode and frequency", "%u %u",
	       op.u.tsc_info.tsc_mode, op.u.tsc_info.gtsc_khz);
}

static void policy(void)
{
	struct xen_domctl_cpu_policy *p = &op.u.cpu_policy;
	u32 n, i;

	mem_fill(&op, 0, sizeof(op));
	check_rc("get_cpu_policy of nothing", domctl(XEN_DOMCTL_get_cpu_policy), 0);
	n = p->nr_leaves;
	p->leaves = leaves;
	p->nr_leaves = 3;
	check_rc("get_cpu_policy without room", domctl(XEN_DOMCTL_get_cpu_policy), -XEN_ENOBUFS);
	p->nr_leaves = ARRAY_SIZE(leaves);
	check_rc("get_cpu_policy", domctl(XEN_DOMCTL_get_cpu_policy), 0);
	report(p->nr_leaves == n && n > 20 && leaves[0].a, "as many as it said", "%u", n);
	check_rc("set_cpu_policy to the same", domctl(XEN_DOMCTL_set_cpu_policy), 0);
	for (i = 0; i < n && leaves[i].leaf != 1; i++)
		;
	leaves[i].d &= ~(1u << 26); /* SSE2 */
	check_rc("set_cpu_policy to less", domctl(XEN_DOMCTL_set_cpu_policy), 0);
	leaves[i].d |= 1u << 26;
	p->nr_leaves = ARRAY_SIZE(leaves);
	check_rc("get_cpu_policy again", domctl(XEN_DOMCTL_get_cpu_policy), 0);
	report(!(leaves[i].d >> 26 & 1), "less it is", "%x", leaves[i].d);
	leaves[i].c |= 1u << 5; /* VMX */
	check_rc("set_cpu_policy to more", domctl(XEN_DOMCTL_set_cpu_policy), -XEN_EINVAL);
	mem_fill(&sys, 0, sizeof(sys));
	sys.u.cpu_policy.index = XEN_SYSCTL_cpu_policy_pv_default;
	sys.u.cpu_policy.leaves = leaves;
	sys.u.cpu_policy.nr_leaves = ARRAY_SIZE(leaves);
	check_rc("policy of new domains", sysctl(XEN_SYSCTL_get_cpu_policy), 0);
	report(sys.u.cpu_policy.nr_leaves == n && leaves[i].d >> 26 & 1, "has it", "%x",
	       leaves[i].d);
	sys.u.cpu_policy.index = XEN_SYSCTL_cpu_policy_hvm_max;
	check_rc("policy of HVM", sysctl(XEN_SYSCTL_get_cpu_policy), -XEN_EOPNOTSUPP);
	mem_fill(&sys, 0, sizeof(sys));
	sys.u.cpu_featureset.index = XEN_SYSCTL_cpu_featureset_host;
	sys.u.cpu_featureset.nr_features = 64;
	sys.u.cpu_featureset.features = (u32 *)leaves;
	check_rc("get_cpu_featureset", sysctl(XEN_SYSCTL_get_cpu_featureset), 0);
	report(*(u32 *)leaves >> 26 & 1, "of the machine", "%x", *(u32 *)leaves);
}

static void life(void)
{
	struct xen_domctl_getdomaininfo *info = &op.u.getdomaininfo;

	check_rc("pausedomain", domctl(XEN_DOMCTL_pausedomain), 0);
	check_rc("unpausedomain", domctl(XEN_DOMCTL_unpausedomain), 0);
	check_rc("getdomaininfo", domctl(XEN_DOMCTL_getdomaininfo), 0);
	report(op.domain == id && info->flags == XEN_DOMINF_paused && info->tot_pages == PAGES &&
		       info->max_vcpu_id == 1 && info->handle[15] == 7,
	       "says so", "flags %x, %lu pages", info->flags, info->tot_pages);
	check_rc("resumedomain that runs", domctl(XEN_DOMCTL_resumedomain), 0);
	check_rc("unpausedomain", domctl(XEN_DOMCTL_unpausedomain), 0);
	check_rc("unpausedomain once more", domctl(XEN_DOMCTL_unpausedomain), -XEN_EINVAL);
	check_rc("destroydomain", domctl(XEN_DOMCTL_destroydomain), 0);
	check_rc("destroydomain of none", domctl(XEN_DOMCTL_destroydomain), -XEN_ESRCH);
	check_rc("getdomaininfo of none", domctl(XEN_DOMCTL_getdomaininfo), -XEN_ESRCH);
	id = 0;
	check_rc("destroydomain of ourselves", domctl(XEN_DOMCTL_destroydomain), -XEN_EINVAL);
	check_rc("pausedomain of ourselves", domctl(XEN_DOMCTL_pausedomain), -XEN_EINVAL);
	check_rc("another domctl", domctl(6), -XEN_ENOSYS);
	op.interface_version = 1;
	check_rc("another version", HC(domctl, &op, 0, 0, 0), -XEN_EACCES);
}

/* Twice: what the first domain left in the hypervisor's pools, the second one uses. */
void test_control(void)
{
	if (!privileged) {
		check_rc("domctl is not for us", domctl(XEN_DOMCTL_getdomaininfo), -XEN_EPERM);
		check_rc("nor is sysctl", sysctl(XEN_SYSCTL_physinfo), -XEN_EPERM);
		return;
	}
	if (!oracle)
		machine();
	for (unsigned round = 0; round < 2 && !oracle; round++) {
		u64 before = free_pages(), after;

		create();
		memory(before);
		vcpus();
		settings();
		policy();
		life();
		after = free_pages();
		report(!round || before == after, "every page is back", "%lu of %lu", after,
		       before);
	}
}
