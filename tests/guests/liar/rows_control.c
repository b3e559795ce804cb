/* SPDX-License-Identifier: MIT */
/* Lies to domctl and sysctl. What the privileged liar lies about is a domain that it makes for that. */
#include <xen/sysctl.h>

#include "liar.h"

#define CTL(type_) AS(struct xen_##type_)

static void begin(u32 cmd, u16 domain)
{
	CTL(domctl)->cmd = cmd;
	CTL(domctl)->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	CTL(domctl)->domain = domain;
	a[0] = A(mem);
}

static void new_domain(void)
{
	begin(XEN_DOMCTL_createdomain, 0);
	CTL(domctl)->u.createdomain.max_vcpus = 1;
	CTL(domctl)->u.createdomain.max_evtchn_port = 127;
	CTL(domctl)->u.createdomain.max_grant_frames = 1;
	CTL(domctl)->u.createdomain.grant_opts = 1;
}

/* Its number; made when first needed, with a vCPU and no memory. */
static u16 victim(void)
{
	static struct xen_domctl op;
	static u16 id;
	static bool asked;

	if (asked)
		return id;
	asked = true;
	mem_fill(&op, 0, sizeof(op));
	new_domain();
	mem_copy(&op, mem, sizeof(op));
	if (!privileged || HC(domctl, &op, 0, 0, 0))
		return 0;
	id = op.domain;
	op.cmd = XEN_DOMCTL_max_vcpus;
	op.u.max_vcpus.max = 1;
	if (HC(domctl, &op, 0, 0, 0))
		die("no vCPU for the domain to lie about");
	mem_fill(mem, 0, sizeof(op));
	return id;
}

static void about(u32 cmd)
{
	u16 id = victim();

	begin(cmd, id);
}

static void machine(u32 cmd)
{
	CTL(sysctl)->cmd = cmd;
	CTL(sysctl)->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	a[0] = A(mem);
}

/* clang-format off */
#define DOM_FILL(cmd) static void fill_##cmd(void) { about(XEN_DOMCTL_##cmd); }
#define SYS_FILL(cmd) static void fill_sys_##cmd(void) { machine(XEN_SYSCTL_##cmd); }
DOM_FILL(destroydomain) DOM_FILL(pausedomain) DOM_FILL(unpausedomain) DOM_FILL(getdomaininfo)
DOM_FILL(shadow_op) DOM_FILL(max_mem) DOM_FILL(getvcpuinfo) DOM_FILL(setdomainhandle)
DOM_FILL(hypercall_init) DOM_FILL(settimeoffset) DOM_FILL(resumedomain) DOM_FILL(sendtrigger)
DOM_FILL(get_address_size) DOM_FILL(gettscinfo) DOM_FILL(settscinfo)
SYS_FILL(readconsole) SYS_FILL(physinfo) SYS_FILL(sched_id) SYS_FILL(debug_keys) SYS_FILL(availheap)
	/* clang-format on */

	static void affinity(u32 cmd)
{
	struct xen_domctl_vcpuaffinity *o = &CTL(domctl)->u.vcpuaffinity;

	about(cmd);
	o->flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
	o->cpumap_hard.nr_bits = o->cpumap_soft.nr_bits = 64;
	o->cpumap_hard.bitmap = o->cpumap_soft.bitmap = list;
	list[0] = 1;
}

static void fill_setvcpuaffinity(void)
{
	affinity(XEN_DOMCTL_setvcpuaffinity);
}

static void fill_getvcpuaffinity(void)
{
	affinity(XEN_DOMCTL_getvcpuaffinity);
}

static void fill_setvcpucontext(void)
{
	about(XEN_DOMCTL_setvcpucontext);
	CTL(domctl)->u.vcpucontext.ctxt = (void *)list;
}

static void fill_getvcpucontext(void)
{
	about(XEN_DOMCTL_getvcpucontext);
	CTL(domctl)->u.vcpucontext.ctxt = (void *)list;
}

static void fill_max_vcpus(void)
{
	about(XEN_DOMCTL_max_vcpus);
	CTL(domctl)->u.max_vcpus.max = 1;
}

static void fill_set_address_size(void)
{
	about(XEN_DOMCTL_set_address_size);
	CTL(domctl)->u.address_size.size = 64;
}

static void fill_getpageframeinfo3(void)
{
	about(XEN_DOMCTL_getpageframeinfo3);
	CTL(domctl)->u.getpageframeinfo3.num = 2;
	CTL(domctl)->u.getpageframeinfo3.array = (void *)list;
}

static void nodes(u32 cmd)
{
	about(cmd);
	CTL(domctl)->u.nodeaffinity.nodemap.bitmap = list;
	CTL(domctl)->u.nodeaffinity.nodemap.nr_bits = 64;
	list[0] = 1;
}

static void fill_setnodeaffinity(void)
{
	nodes(XEN_DOMCTL_setnodeaffinity);
}

static void fill_getnodeaffinity(void)
{
	nodes(XEN_DOMCTL_getnodeaffinity);
}

static void fill_get_cpu_policy(void)
{
	about(XEN_DOMCTL_get_cpu_policy);
	CTL(domctl)->u.cpu_policy.nr_leaves = 200;
}

static void fill_set_cpu_policy(void)
{
	about(XEN_DOMCTL_set_cpu_policy);
	CTL(domctl)->u.cpu_policy.nr_leaves = 1;
	CTL(domctl)->u.cpu_policy.leaves = (void *)list;
	*(u32 *)list = 0x40000000; /* the one that is never looked at */
	*(u32 *)(list + 4) = XEN_CPUID_NO_SUBLEAF;
}

static void fill_sys_getdomaininfolist(void)
{
	machine(XEN_SYSCTL_getdomaininfolist);
	CTL(sysctl)->u.getdomaininfolist.max_domains = 1;
	CTL(sysctl)->u.getdomaininfolist.buffer = (void *)list;
}

static void fill_sys_getcpuinfo(void)
{
	machine(XEN_SYSCTL_getcpuinfo);
	CTL(sysctl)->u.getcpuinfo.max_cpus = 1;
	CTL(sysctl)->u.getcpuinfo.info = (void *)list;
}

static void fill_sys_cputopoinfo(void)
{
	machine(XEN_SYSCTL_cputopoinfo);
	CTL(sysctl)->u.cputopoinfo.num_cpus = 1;
	CTL(sysctl)->u.cputopoinfo.cputopo = (void *)list;
}

static void fill_sys_numainfo(void)
{
	machine(XEN_SYSCTL_numainfo);
	CTL(sysctl)->u.numainfo.num_nodes = 1;
	CTL(sysctl)->u.numainfo.meminfo = (void *)list;
	CTL(sysctl)->u.numainfo.distance = (void *)list;
}

static void fill_scheduler_op(void)
{
	about(XEN_DOMCTL_scheduler_op);
	CTL(domctl)->u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
	CTL(domctl)->u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
}

static void fill_sys_scheduler_op(void)
{
	machine(XEN_SYSCTL_scheduler_op);
	CTL(sysctl)->u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
	CTL(sysctl)->u.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
}

static void fill_sys_cpupool_op(void)
{
	machine(XEN_SYSCTL_cpupool_op);
	CTL(sysctl)->u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	CTL(sysctl)->u.cpupool_op.cpumap.bitmap = list;
	CTL(sysctl)->u.cpupool_op.cpumap.nr_bits = 64;
}

static void fill_sys_get_cpu_featureset(void)
{
	machine(XEN_SYSCTL_get_cpu_featureset);
	CTL(sysctl)->u.cpu_featureset.index = XEN_SYSCTL_cpu_featureset_pv;
	CTL(sysctl)->u.cpu_featureset.nr_features = 64;
}

static void fill_sys_get_cpu_policy(void)
{
	machine(XEN_SYSCTL_get_cpu_policy);
	CTL(sysctl)->u.cpu_policy.index = XEN_SYSCTL_cpu_policy_pv_default;
	CTL(sysctl)->u.cpu_policy.nr_leaves = 200;
}

#define DOP(kind) ARG_PTR(0, kind, struct xen_domctl, "op")
#define SOP(kind) ARG_PTR(0, kind, struct xen_sysctl, "op")
#define DF(member, kind) F(struct xen_domctl, member, kind)
#define SF(member, kind) F(struct xen_sysctl, member, kind)
#define DOMCTL_FIELDS(kind) DOP(kind), DF(cmd, CMD), DF(interface_version, NUM), DF(domain, DOM)

const struct row control_rows[] = {
	ROW(domctl, XEN_DOMCTL_createdomain, RAW, PRIV, new_domain, DOP(OUT),
	    DF(interface_version, NUM), DF(u.createdomain.flags, NUM),
	    DF(u.createdomain.iommu_opts, NUM), DF(u.createdomain.max_vcpus, NUM),
	    DF(u.createdomain.grant_opts, NUM), DF(u.createdomain.cpupool_id, NUM),
	    DF(u.createdomain.vmtrace_size, NUM), DF(u.createdomain.arch.emulation_flags, NUM)),
	ROW(domctl, XEN_DOMCTL_pausedomain, RAW, PRIV, fill_pausedomain, DOMCTL_FIELDS(IN)),
	ROW(domctl, XEN_DOMCTL_unpausedomain, RAW, PRIV, fill_unpausedomain, DOMCTL_FIELDS(IN)),
	ROW(domctl, XEN_DOMCTL_getdomaininfo, RAW, PRIV, fill_getdomaininfo, DOMCTL_FIELDS(OUT)),
	ROW(domctl, XEN_DOMCTL_setvcpuaffinity, RAW, PRIV, fill_setvcpuaffinity, DOMCTL_FIELDS(IN),
	    DF(u.vcpuaffinity.vcpu, VCPU), DF(u.vcpuaffinity.flags, NUM),
	    DF(u.vcpuaffinity.cpumap_hard.bitmap, OUT), DF(u.vcpuaffinity.cpumap_soft.bitmap, OUT)),
	ROW(domctl, XEN_DOMCTL_getvcpuaffinity, RAW, PRIV, fill_getvcpuaffinity, DOMCTL_FIELDS(IN),
	    DF(u.vcpuaffinity.vcpu, VCPU), DF(u.vcpuaffinity.flags, NUM),
	    DF(u.vcpuaffinity.cpumap_hard.bitmap, OUT), DF(u.vcpuaffinity.cpumap_soft.bitmap, OUT)),
	ROW(domctl, XEN_DOMCTL_shadow_op, RAW, PRIV, fill_shadow_op, DOMCTL_FIELDS(IN)),
	ROW(domctl, XEN_DOMCTL_max_mem, RAW, PRIV, fill_max_mem, DOMCTL_FIELDS(IN)),
	ROW(domctl, XEN_DOMCTL_setvcpucontext, RAW, PRIV, fill_setvcpucontext, DOMCTL_FIELDS(IN),
	    DF(u.vcpucontext.vcpu, VCPU), DF(u.vcpucontext.ctxt, IN)),
	ROW(domctl, XEN_DOMCTL_getvcpucontext, RAW, PRIV, fill_getvcpucontext, DOMCTL_FIELDS(IN),
	    DF(u.vcpucontext.vcpu, VCPU), DF(u.vcpucontext.ctxt, OUT)),
	ROW(domctl, XEN_DOMCTL_getvcpuinfo, RAW, PRIV, fill_getvcpuinfo, DOMCTL_FIELDS(OUT),
	    DF(u.getvcpuinfo.vcpu, VCPU)),
	ROW(domctl, XEN_DOMCTL_max_vcpus, RAW, PRIV, fill_max_vcpus, DOMCTL_FIELDS(IN),
	    DF(u.max_vcpus.max, NUM)),
	ROW(domctl, XEN_DOMCTL_scheduler_op, RAW, PRIV, fill_scheduler_op, DOMCTL_FIELDS(OUT),
	    DF(u.scheduler_op.sched_id, NUM), DF(u.scheduler_op.cmd, NUM)),
	ROW(domctl, XEN_DOMCTL_setdomainhandle, RAW, PRIV, fill_setdomainhandle, DOMCTL_FIELDS(IN)),
	ROW(domctl, XEN_DOMCTL_hypercall_init, RAW, PRIV, fill_hypercall_init, DOMCTL_FIELDS(IN),
	    DF(u.hypercall_init.gmfn, MFN)),
	ROW(domctl, XEN_DOMCTL_settimeoffset, RAW, PRIV, fill_settimeoffset, DOMCTL_FIELDS(IN),
	    DF(u.settimeoffset.time_offset_seconds, TIME | MAY)),
	ROW(domctl, XEN_DOMCTL_resumedomain, RAW, PRIV, fill_resumedomain, DOMCTL_FIELDS(IN)),
	ROW(domctl, XEN_DOMCTL_sendtrigger, RAW, PRIV, fill_sendtrigger, DOMCTL_FIELDS(IN),
	    DF(u.sendtrigger.trigger, NUM), DF(u.sendtrigger.vcpu, VCPU)),
	ROW(domctl, XEN_DOMCTL_set_address_size, RAW, PRIV, fill_set_address_size,
	    DOMCTL_FIELDS(IN), DF(u.address_size.size, NUM)),
	ROW(domctl, XEN_DOMCTL_get_address_size, RAW, PRIV, fill_get_address_size,
	    DOMCTL_FIELDS(OUT)),
	ROW(domctl, XEN_DOMCTL_gettscinfo, RAW, PRIV, fill_gettscinfo, DOMCTL_FIELDS(OUT)),
	ROW(domctl, XEN_DOMCTL_settscinfo, RAW, PRIV, fill_settscinfo, DOMCTL_FIELDS(IN),
	    DF(u.tsc_info.tsc_mode, NUM)),
	ROW(domctl, XEN_DOMCTL_getpageframeinfo3, RAW, PRIV, fill_getpageframeinfo3,
	    DOMCTL_FIELDS(IN), DF(u.getpageframeinfo3.num, SIZE),
	    DF(u.getpageframeinfo3.array, OUT)),
	ROW(domctl, XEN_DOMCTL_setnodeaffinity, RAW, PRIV, fill_setnodeaffinity, DOMCTL_FIELDS(IN),
	    DF(u.nodeaffinity.nodemap.bitmap, IN)),
	ROW(domctl, XEN_DOMCTL_getnodeaffinity, RAW, PRIV, fill_getnodeaffinity, DOMCTL_FIELDS(IN),
	    DF(u.nodeaffinity.nodemap.bitmap, OUT)),
	ROW(domctl, XEN_DOMCTL_get_cpu_policy, RAW, PRIV, fill_get_cpu_policy, DOMCTL_FIELDS(OUT),
	    DF(u.cpu_policy.leaves, OUT | NULLOK)),
	ROW(domctl, XEN_DOMCTL_set_cpu_policy, RAW, PRIV, fill_set_cpu_policy, DOMCTL_FIELDS(IN),
	    DF(u.cpu_policy.nr_leaves, NUM), DF(u.cpu_policy.nr_msrs, NUM),
	    DF(u.cpu_policy.leaves, IN)),
	/* The last one: an accepted lie would have ended whom the others are about. */
	ROW(domctl, XEN_DOMCTL_destroydomain, RAW, PRIV, fill_destroydomain, DOMCTL_FIELDS(IN)),

	ROW(sysctl, XEN_SYSCTL_readconsole, RAW, PRIV, fill_sys_readconsole, SOP(OUT),
	    SF(cmd, CMD)),
	ROW(sysctl, XEN_SYSCTL_physinfo, RAW, PRIV, fill_sys_physinfo, SOP(OUT)),
	ROW(sysctl, XEN_SYSCTL_sched_id, RAW, PRIV, fill_sys_sched_id, SOP(OUT)),
	ROW(sysctl, XEN_SYSCTL_getdomaininfolist, RAW, PRIV, fill_sys_getdomaininfolist, SOP(OUT),
	    SF(u.getdomaininfolist.first_domain, DOM | MAY), SF(u.getdomaininfolist.buffer, OUT)),
	ROW(sysctl, XEN_SYSCTL_debug_keys, RAW, PRIV, fill_sys_debug_keys, SOP(IN),
	    SF(interface_version, NUM)),
	ROW(sysctl, XEN_SYSCTL_getcpuinfo, RAW, PRIV, fill_sys_getcpuinfo, SOP(OUT),
	    SF(u.getcpuinfo.info, OUT)),
	ROW(sysctl, XEN_SYSCTL_availheap, RAW, PRIV, fill_sys_availheap, SOP(OUT),
	    SF(u.availheap.max_bitwidth, NUM), SF(u.availheap.min_bitwidth, NUM)),
	ROW(sysctl, XEN_SYSCTL_cputopoinfo, RAW, PRIV, fill_sys_cputopoinfo, SOP(OUT),
	    SF(u.cputopoinfo.cputopo, OUT | NULLOK)),
	ROW(sysctl, XEN_SYSCTL_numainfo, RAW, PRIV, fill_sys_numainfo, SOP(OUT),
	    SF(u.numainfo.meminfo, OUT | NULLOK), SF(u.numainfo.distance, OUT | MAY)),
	ROW(sysctl, XEN_SYSCTL_cpupool_op, RAW, PRIV, fill_sys_cpupool_op, SOP(OUT),
	    SF(u.cpupool_op.op, NUM), SF(u.cpupool_op.cpupool_id, NUM),
	    SF(u.cpupool_op.cpumap.bitmap, OUT)),
	ROW(sysctl, XEN_SYSCTL_scheduler_op, RAW, PRIV, fill_sys_scheduler_op, SOP(OUT),
	    SF(u.scheduler_op.sched_id, NUM), SF(u.scheduler_op.cmd, NUM),
	    SF(u.scheduler_op.cpupool_id, NUM)),
	ROW(sysctl, XEN_SYSCTL_get_cpu_featureset, RAW, PRIV, fill_sys_get_cpu_featureset, SOP(OUT),
	    SF(u.cpu_featureset.index, NUM), SF(u.cpu_featureset.features, OUT | NULLOK)),
	ROW(sysctl, XEN_SYSCTL_get_cpu_policy, RAW, PRIV, fill_sys_get_cpu_policy, SOP(OUT),
	    SF(u.cpu_policy.index, NUM), SF(u.cpu_policy._rsvd, ZERO),
	    SF(u.cpu_policy.leaves, OUT | NULLOK)),

	{ .name = NULL },
};
