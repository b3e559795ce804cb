/* SPDX-License-Identifier: MIT */
/* domctl: what the privileged domain does to a domain. The operations we have; the rest is -ENOSYS. */

#ifndef PV_ABI_XEN_DOMCTL_H
#define PV_ABI_XEN_DOMCTL_H

#include "arch-x86.h"
#include "xen.h"

/*
 * domctl(op): by the privileged domain only.
 * Arg:	INOUT struct xen_domctl; cmd chooses the member of u, domain whom it is about
 * Err (all): -EPERM	not the privileged domain
 *	-EACCES	interface_version is another
 *	-ENOSYS	an operation we don't have
 *	-ESRCH	no such domain, or (but for destroydomain) it is being destroyed
 *	-EFAULT
 *	further ones at each operation
 * An operation that takes long is issued again by itself.
 */
#define XEN_DOMCTL_INTERFACE_VERSION		0x00000015

/*
 * XEN_DOMCTL_createdomain: a domain that is paused and has neither memory nor vCPUs. domain, INOUT:
 * the number wanted, or 0 or one that is no number of a domain for the next free one.
 * Err:	-EEXIST	the number is taken
 *	-EINVAL	flags, options or limits that make no sense; a pool without processors
 *	-EOPNOTSUPP	a kind of domain that we don't have
 *	-ENOENT	no such pool
 *	-ENOMEM
 */
#define XEN_DOMCTL_createdomain			1
#define _XEN_DOMCTL_CDF_hvm			0
#define XEN_DOMCTL_CDF_hvm			(1U << _XEN_DOMCTL_CDF_hvm)
#define _XEN_DOMCTL_CDF_hap			1
#define XEN_DOMCTL_CDF_hap			(1U << _XEN_DOMCTL_CDF_hap)
#define _XEN_DOMCTL_CDF_s3_integrity		2
#define XEN_DOMCTL_CDF_s3_integrity		(1U << _XEN_DOMCTL_CDF_s3_integrity)
#define _XEN_DOMCTL_CDF_oos_off			3
#define XEN_DOMCTL_CDF_oos_off			(1U << _XEN_DOMCTL_CDF_oos_off)
#define _XEN_DOMCTL_CDF_xs_domain		4
#define XEN_DOMCTL_CDF_xs_domain		(1U << _XEN_DOMCTL_CDF_xs_domain)
#define _XEN_DOMCTL_CDF_iommu			5
#define XEN_DOMCTL_CDF_iommu			(1U << _XEN_DOMCTL_CDF_iommu)
#define _XEN_DOMCTL_CDF_nested_virt		6
#define XEN_DOMCTL_CDF_nested_virt		(1U << _XEN_DOMCTL_CDF_nested_virt)
#define XEN_DOMCTL_CDF_vpmu			(1U << 7)
#define XEN_DOMCTL_CDF_MAX			XEN_DOMCTL_CDF_vpmu
#define _XEN_DOMCTL_IOMMU_no_sharept		0
#define XEN_DOMCTL_IOMMU_no_sharept		(1U << _XEN_DOMCTL_IOMMU_no_sharept)
#define XEN_DOMCTL_IOMMU_MAX			XEN_DOMCTL_IOMMU_no_sharept
#define XEN_DOMCTL_GRANT_version_mask		0xf
#define XEN_DOMCTL_GRANT_version(v)		((v) & XEN_DOMCTL_GRANT_version_mask)
struct xen_domctl_createdomain {
	uint32_t ssidref;		/* IN kept, without meaning */
	xen_domain_handle_t handle;	/* IN UUID */
	uint32_t flags;			/* IN XEN_DOMCTL_CDF_* */
	uint32_t iommu_opts;		/* IN XEN_DOMCTL_IOMMU_* */
	uint32_t max_vcpus;		/* IN */
	uint32_t max_evtchn_port;	/* IN highest port number */
	int32_t max_grant_frames;	/* IN pages of its grant table, < 0: as many as there can be */
	int32_t max_maptrack_frames;	/* IN pages of grants it maps, < 0: likewise */
	uint32_t grant_opts;		/* IN highest version of the grant table */
	uint32_t vmtrace_size;		/* IN bytes of trace for each vCPU */
	uint32_t cpupool_id;		/* IN */
	struct xen_arch_domainconfig arch; /* IN */
};
PV_ABI_SIZE(struct xen_domctl_createdomain, 64);
PV_ABI_AT(struct xen_domctl_createdomain, flags, 20);
PV_ABI_AT(struct xen_domctl_createdomain, max_vcpus, 28);
PV_ABI_AT(struct xen_domctl_createdomain, max_grant_frames, 36);
PV_ABI_AT(struct xen_domctl_createdomain, cpupool_id, 52);
PV_ABI_AT(struct xen_domctl_createdomain, arch, 56);

/*
 * XEN_DOMCTL_destroydomain: end it and give back all it has. What others still map of it stays,
 * with the domain, dying, until they unmap it.
 * Err:	-EINVAL	the privileged domain itself
 */
#define XEN_DOMCTL_destroydomain		2

/* XEN_DOMCTL_pausedomain, _unpausedomain: count. Err: -EINVAL the caller itself; not paused. */
#define XEN_DOMCTL_pausedomain			3
#define XEN_DOMCTL_unpausedomain		4

/*
 * XEN_DOMCTL_getdomaininfo: of the first domain from that number on, which comes back; dying ones
 * too. (XEN_SYSCTL_getdomaininfolist: of many.)
 */
#define XEN_DOMCTL_getdomaininfo		5
#define _XEN_DOMINF_dying			0
#define XEN_DOMINF_dying			(1U << _XEN_DOMINF_dying)
#define _XEN_DOMINF_hvm_guest			1
#define XEN_DOMINF_hvm_guest			(1U << _XEN_DOMINF_hvm_guest)
#define _XEN_DOMINF_shutdown			2
#define XEN_DOMINF_shutdown			(1U << _XEN_DOMINF_shutdown)
#define _XEN_DOMINF_paused			3
#define XEN_DOMINF_paused			(1U << _XEN_DOMINF_paused)
#define _XEN_DOMINF_blocked			4
#define XEN_DOMINF_blocked			(1U << _XEN_DOMINF_blocked)
#define _XEN_DOMINF_running			5
#define XEN_DOMINF_running			(1U << _XEN_DOMINF_running)
#define _XEN_DOMINF_debugged			6
#define XEN_DOMINF_debugged			(1U << _XEN_DOMINF_debugged)
#define _XEN_DOMINF_xs_domain			7
#define XEN_DOMINF_xs_domain			(1U << _XEN_DOMINF_xs_domain)
#define _XEN_DOMINF_hap				8
#define XEN_DOMINF_hap				(1U << _XEN_DOMINF_hap)
#define XEN_DOMINF_shutdownmask			255	/* SHUTDOWN_*, with XEN_DOMINF_shutdown */
#define XEN_DOMINF_shutdownshift		16
#define XEN_INVALID_MAX_VCPU_ID			(~0U)
struct xen_domctl_getdomaininfo {
	domid_t domain;			/* OUT all of it */
	uint16_t pad1;
	uint32_t flags;			/* XEN_DOMINF_* */
	uint64_t tot_pages;
	uint64_t max_pages;
	uint64_t outstanding_pages;	/* claimed, not yet taken */
	uint64_t shr_pages;
	uint64_t paged_pages;
	uint64_t shared_info_frame;
	uint64_t cpu_time;		/* ns */
	uint32_t nr_online_vcpus;
	uint32_t max_vcpu_id;		/* XEN_INVALID_MAX_VCPU_ID: it has none */
	uint32_t ssidref;
	xen_domain_handle_t handle;
	uint32_t cpupool;
	uint8_t gpaddr_bits;
	uint8_t pad2[7];
	struct xen_arch_domainconfig arch_config;
};
typedef struct xen_domctl_getdomaininfo xen_domctl_getdomaininfo_t;
PV_ABI_SIZE(struct xen_domctl_getdomaininfo, 112);
PV_ABI_AT(struct xen_domctl_getdomaininfo, flags, 4);
PV_ABI_AT(struct xen_domctl_getdomaininfo, cpu_time, 56);
PV_ABI_AT(struct xen_domctl_getdomaininfo, handle, 76);
PV_ABI_AT(struct xen_domctl_getdomaininfo, gpaddr_bits, 96);
PV_ABI_AT(struct xen_domctl_getdomaininfo, arch_config, 104);

/*
 * XEN_DOMCTL_setvcpuaffinity, _getvcpuaffinity: where a vCPU may run (hard), should (soft). Set:
 * the maps come back as they are in force.
 * Err:	-EINVAL	flags, no processor of its pool in the map
 *	-ESRCH	no such vCPU
 */
#define XEN_DOMCTL_setvcpuaffinity		9
#define XEN_DOMCTL_getvcpuaffinity		25
#define _XEN_VCPUAFFINITY_HARD			0
#define XEN_VCPUAFFINITY_HARD			(1U << _XEN_VCPUAFFINITY_HARD)
#define _XEN_VCPUAFFINITY_SOFT			1
#define XEN_VCPUAFFINITY_SOFT			(1U << _XEN_VCPUAFFINITY_SOFT)
#define _XEN_VCPUAFFINITY_FORCE			2
#define XEN_VCPUAFFINITY_FORCE			(1U << _XEN_VCPUAFFINITY_FORCE)
struct xen_domctl_vcpuaffinity {
	uint32_t vcpu;			/* IN */
	uint32_t flags;			/* IN XEN_VCPUAFFINITY_* */
	struct xenctl_bitmap cpumap_hard; /* INOUT */
	struct xenctl_bitmap cpumap_soft; /* INOUT */
};
PV_ABI_SIZE(struct xen_domctl_vcpuaffinity, 40);
PV_ABI_AT(struct xen_domctl_vcpuaffinity, cpumap_hard, 8);
PV_ABI_AT(struct xen_domctl_vcpuaffinity, cpumap_soft, 24);

/* XEN_DOMCTL_shadow_op: -EOPNOTSUPP, there is no shadow paging yet. */
#define XEN_DOMCTL_shadow_op			10

/* XEN_DOMCTL_max_mem: the limit, which may be below what it has now. */
#define XEN_DOMCTL_max_mem			11
struct xen_domctl_max_mem {
	uint64_t max_memkb;		/* IN */
};
PV_ABI_SIZE(struct xen_domctl_max_mem, 8);

/*
 * XEN_DOMCTL_setvcpucontext, _getvcpucontext: registers, tables and callbacks of a vCPU. Set takes
 * what VCPUOP_initialise takes; with VGCF_online the vCPU is brought up too.
 * Err:	-ESRCH	no such vCPU
 *	-EINVAL	not acceptable; get: the caller itself
 *	-EEXIST	set: it has one already
 *	-ENODATA	get: it has none yet
 *	-ENOMEM
 */
#define XEN_DOMCTL_setvcpucontext		12
#define XEN_DOMCTL_getvcpucontext		13
struct xen_domctl_vcpucontext {
	uint32_t vcpu;			/* IN */
	uint32_t _pad0;
	GUEST_PTR(vcpu_guest_context_t) ctxt; /* IN; get: filled */
};
PV_ABI_SIZE(struct xen_domctl_vcpucontext, 16);
PV_ABI_AT(struct xen_domctl_vcpucontext, ctxt, 8);

/* XEN_DOMCTL_getvcpuinfo. Err: -EINVAL beyond max_vcpus; -ESRCH no such vCPU. */
#define XEN_DOMCTL_getvcpuinfo			14
struct xen_domctl_getvcpuinfo {
	uint32_t vcpu;			/* IN */
	uint8_t online;			/* OUT brought up */
	uint8_t blocked;		/* OUT waits for an event */
	uint8_t running;		/* OUT */
	uint8_t _pad0;
	uint64_t cpu_time;		/* OUT ns */
	uint32_t cpu;			/* OUT where */
	uint32_t _pad1;
};
PV_ABI_SIZE(struct xen_domctl_getvcpuinfo, 24);
PV_ABI_AT(struct xen_domctl_getvcpuinfo, online, 4);
PV_ABI_AT(struct xen_domctl_getvcpuinfo, cpu_time, 8);
PV_ABI_AT(struct xen_domctl_getvcpuinfo, cpu, 16);

/* XEN_DOMCTL_max_vcpus: allocate them. Err: -EINVAL not what createdomain said; -ENOMEM. */
#define XEN_DOMCTL_max_vcpus			15
struct xen_domctl_max_vcpus {
	uint32_t max;			/* IN */
};
PV_ABI_SIZE(struct xen_domctl_max_vcpus, 4);

/*
 * XEN_DOMCTL_scheduler_op: its share of the processors.
 * Err:	-EINVAL	another scheduler, a command for single vCPUs, or a cap that no domain can use
 */
#define XEN_DOMCTL_scheduler_op			16
#define XEN_SCHEDULER_CREDIT			5
#define XEN_SCHEDULER_CREDIT2			6
#define XEN_SCHEDULER_ARINC653			7
#define XEN_SCHEDULER_RTDS			8
#define XEN_SCHEDULER_NULL			9
#define XEN_DOMCTL_SCHEDOP_putinfo		0
#define XEN_DOMCTL_SCHEDOP_getinfo		1
#define XEN_DOMCTL_SCHEDOP_putvcpuinfo		2
#define XEN_DOMCTL_SCHEDOP_getvcpuinfo		3
struct xen_domctl_sched_credit2 {
	uint16_t weight;		/* putinfo: 0 as before */
	uint16_t cap;			/* % of one processor, 0 none; putinfo: 0xffff as before */
};
PV_ABI_SIZE(struct xen_domctl_sched_credit2, 4);
PV_ABI_AT(struct xen_domctl_sched_credit2, cap, 2);
struct xen_domctl_scheduler_op {
	uint32_t sched_id;		/* IN XEN_SCHEDULER_CREDIT2 */
	uint32_t cmd;			/* IN XEN_DOMCTL_SCHEDOP_* */
	union {
		struct xen_domctl_sched_credit2 credit2; /* putinfo: IN; getinfo: OUT */
		uint64_t _pad0[2];
	} u;
};
PV_ABI_SIZE(struct xen_domctl_scheduler_op, 24);
PV_ABI_AT(struct xen_domctl_scheduler_op, u, 8);

/* XEN_DOMCTL_setdomainhandle: its UUID. */
#define XEN_DOMCTL_setdomainhandle		17
struct xen_domctl_setdomainhandle {
	xen_domain_handle_t handle;	/* IN */
};
PV_ABI_SIZE(struct xen_domctl_setdomainhandle, 16);

/* XEN_DOMCTL_hypercall_init: make a frame of its own memory a page of call stubs. Err: -EINVAL. */
#define XEN_DOMCTL_hypercall_init		22
struct xen_domctl_hypercall_init {
	uint64_t gmfn;			/* IN */
};
PV_ABI_SIZE(struct xen_domctl_hypercall_init, 8);

/* XEN_DOMCTL_settimeoffset: its wall clock against ours. */
#define XEN_DOMCTL_settimeoffset		24
struct xen_domctl_settimeoffset {
	int64_t time_offset_seconds;	/* IN */
};
PV_ABI_SIZE(struct xen_domctl_settimeoffset, 8);

/* XEN_DOMCTL_resumedomain: one that has shut down runs on. Err: -EINVAL it has crashed. */
#define XEN_DOMCTL_resumedomain			27

/* XEN_DOMCTL_sendtrigger. Err: -ESRCH no such vCPU; -EOPNOTSUPP any but the NMI. */
#define XEN_DOMCTL_sendtrigger			28
#define XEN_DOMCTL_SENDTRIGGER_NMI		0
#define XEN_DOMCTL_SENDTRIGGER_RESET		1
#define XEN_DOMCTL_SENDTRIGGER_INIT		2
#define XEN_DOMCTL_SENDTRIGGER_POWER		3
#define XEN_DOMCTL_SENDTRIGGER_SLEEP		4
struct xen_domctl_sendtrigger {
	uint32_t trigger;		/* IN */
	uint32_t vcpu;			/* IN */
};
PV_ABI_SIZE(struct xen_domctl_sendtrigger, 8);
PV_ABI_AT(struct xen_domctl_sendtrigger, vcpu, 4);

/* XEN_DOMCTL_set_address_size, _get_address_size: bits of its kernel. Err: -EINVAL not 64. */
#define XEN_DOMCTL_set_address_size		35
#define XEN_DOMCTL_get_address_size		36
struct xen_domctl_address_size {
	uint32_t size;			/* IN or OUT */
};
PV_ABI_SIZE(struct xen_domctl_address_size, 4);

/*
 * XEN_DOMCTL_gettscinfo, _settscinfo.
 * Err:	-EOPNOTSUPP	set: a mode in which RDTSC is emulated
 *	-EINVAL	no such mode
 */
#define XEN_DOMCTL_gettscinfo			59
#define XEN_DOMCTL_settscinfo			60
struct xen_domctl_tsc_info {
	uint32_t tsc_mode;		/* INOUT 0 default, 1 emulated, 2 the machine's */
	uint32_t gtsc_khz;		/* INOUT */
	uint32_t incarnation;		/* INOUT */
	uint32_t pad;
	uint64_t elapsed_nsec;		/* INOUT */
};
PV_ABI_SIZE(struct xen_domctl_tsc_info, 24);
PV_ABI_AT(struct xen_domctl_tsc_info, gtsc_khz, 4);
PV_ABI_AT(struct xen_domctl_tsc_info, elapsed_nsec, 16);

/* XEN_DOMCTL_getpageframeinfo3: what frames are used as. Err: -E2BIG more than 1024. */
#define XEN_DOMCTL_getpageframeinfo3		61
#define XEN_DOMCTL_PFINFO_LTAB_SHIFT		28
#define XEN_DOMCTL_PFINFO_NOTAB			(0x0U << 28)
#define XEN_DOMCTL_PFINFO_L1TAB			(0x1U << 28)
#define XEN_DOMCTL_PFINFO_L2TAB			(0x2U << 28)
#define XEN_DOMCTL_PFINFO_L3TAB			(0x3U << 28)
#define XEN_DOMCTL_PFINFO_L4TAB			(0x4U << 28)
#define XEN_DOMCTL_PFINFO_LTABTYPE_MASK		(0x7U << 28)
#define XEN_DOMCTL_PFINFO_LPINTAB		(0x1U << 31)
#define XEN_DOMCTL_PFINFO_XTAB			(0xfU << 28)	/* not a page of its */
#define XEN_DOMCTL_PFINFO_XALLOC		(0xeU << 28)
#define XEN_DOMCTL_PFINFO_BROKEN		(0xdU << 28)
#define XEN_DOMCTL_PFINFO_LTAB_MASK		(0xfU << 28)
struct xen_domctl_getpageframeinfo3 {
	uint64_t num;			/* IN */
	GUEST_PTR(xen_pfn_t) array;	/* INOUT frames; XEN_DOMCTL_PFINFO_* */
};
PV_ABI_SIZE(struct xen_domctl_getpageframeinfo3, 16);
PV_ABI_AT(struct xen_domctl_getpageframeinfo3, array, 8);

/*
 * XEN_DOMCTL_setnodeaffinity, _getnodeaffinity: nodes that its memory rather comes from, and whose
 * processors become its vCPUs' soft affinity. Err: -EINVAL none such is in the map.
 */
#define XEN_DOMCTL_setnodeaffinity		68
#define XEN_DOMCTL_getnodeaffinity		69
struct xen_domctl_nodeaffinity {
	struct xenctl_bitmap nodemap;	/* INOUT */
};
PV_ABI_SIZE(struct xen_domctl_nodeaffinity, 16);

/*
 * XEN_DOMCTL_get_cpu_policy, _set_cpu_policy: its CPUID leaves and MSRs. NULL asks how many there
 * are at most. Set may take away, before it has run.
 * Err:	-ENOBUFS	get: more than there is room for
 *	-EINVAL	set: of a leaf that is no part of it, adds a feature, changes something else
 *	-EEXIST	set: vCPU 0 has its context already
 */
#define XEN_DOMCTL_get_cpu_policy		82
#define XEN_DOMCTL_set_cpu_policy		83
#define XEN_CPUID_INPUT_UNUSED			0xFFFFFFFF
struct xen_domctl_cpu_policy {
	uint32_t nr_leaves;		/* INOUT */
	uint32_t nr_msrs;		/* INOUT */
	GUEST_PTR(xen_cpuid_leaf_t) leaves; /* INOUT */
	GUEST_PTR(xen_msr_entry_t) msrs; /* INOUT */
	uint32_t err_leaf, err_subleaf, err_msr; /* OUT */
	uint32_t _pad0;
};
typedef struct xen_domctl_cpu_policy xen_domctl_cpu_policy_t;
PV_ABI_SIZE(struct xen_domctl_cpu_policy, 40);
PV_ABI_AT(struct xen_domctl_cpu_policy, leaves, 8);
PV_ABI_AT(struct xen_domctl_cpu_policy, msrs, 16);
PV_ABI_AT(struct xen_domctl_cpu_policy, err_leaf, 24);

struct xen_domctl {
	uint32_t cmd;			/* IN XEN_DOMCTL_* */
	uint32_t interface_version;	/* IN */
	domid_t domain;			/* IN; createdomain, getdomaininfo: INOUT */
	uint16_t _pad[3];
	union {
		struct xen_domctl_createdomain createdomain;
		struct xen_domctl_getdomaininfo getdomaininfo;
		struct xen_domctl_getpageframeinfo3 getpageframeinfo3;
		struct xen_domctl_nodeaffinity nodeaffinity;
		struct xen_domctl_vcpuaffinity vcpuaffinity;
		struct xen_domctl_max_mem max_mem;
		struct xen_domctl_vcpucontext vcpucontext;
		struct xen_domctl_getvcpuinfo getvcpuinfo;
		struct xen_domctl_max_vcpus max_vcpus;
		struct xen_domctl_scheduler_op scheduler_op;
		struct xen_domctl_setdomainhandle setdomainhandle;
		struct xen_domctl_hypercall_init hypercall_init;
		struct xen_domctl_settimeoffset settimeoffset;
		struct xen_domctl_tsc_info tsc_info;
		struct xen_domctl_address_size address_size;
		struct xen_domctl_sendtrigger sendtrigger;
		struct xen_domctl_cpu_policy cpu_policy;
		uint8_t pad[128];
	} u;
};
typedef struct xen_domctl xen_domctl_t;
PV_ABI_SIZE(struct xen_domctl, 144);
PV_ABI_AT(struct xen_domctl, domain, 8);
PV_ABI_AT(struct xen_domctl, u, 16);

#endif
