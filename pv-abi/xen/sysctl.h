/* SPDX-License-Identifier: MIT */
/* sysctl: what the privileged domain asks of the machine. The operations we have; the rest is -ENOSYS. */

#ifndef PV_ABI_XEN_SYSCTL_H
#define PV_ABI_XEN_SYSCTL_H

#include "domctl.h"

/*
 * sysctl(op): by the privileged domain only.
 * Arg:	IN OUT struct xen_sysctl
 * Err (all): -EPERM	not the privileged domain
 *	-EACCES	interface_version is another
 *	-ENOSYS	an operation we don't have
 *	-EFAULT
 */
#define XEN_SYSCTL_INTERFACE_VERSION		0x00000015

/*
 * XEN_SYSCTL_readconsole: the hypervisor's log. May give less than there is: ask again from the
 * index it ended at, until it gives nothing.
 */
#define XEN_SYSCTL_readconsole			1

struct xen_sysctl_readconsole {
	uint8_t clear;			/* IN: forget what was read */
	uint8_t incremental;		/* IN: begin at index, not at the oldest */
	uint8_t pad0, pad1;
	uint32_t index;			/* IN if incremental; OUT: where it ended */
	GUEST_PTR(char) buffer;		/* IN: filled */
	uint32_t count;			/* IN: bytes of buffer; OUT: bytes filled */
	uint32_t _pad;
};
PV_ABI_SIZE(struct xen_sysctl_readconsole, 24);
PV_ABI_AT(struct xen_sysctl_readconsole, index, 4);
PV_ABI_AT(struct xen_sysctl_readconsole, buffer, 8);
PV_ABI_AT(struct xen_sysctl_readconsole, count, 16);

/* XEN_SYSCTL_debug_keys: as if these had been pressed on the console. Err: -E2BIG more than 64. */
#define XEN_SYSCTL_debug_keys			7

struct xen_sysctl_debug_keys {
	GUEST_PTR(const char) keys;	/* IN */
	uint32_t nr_keys;		/* IN */
	uint32_t _pad;
};
PV_ABI_SIZE(struct xen_sysctl_debug_keys, 16);
PV_ABI_AT(struct xen_sysctl_debug_keys, nr_keys, 8);

/* XEN_SYSCTL_physinfo: the machine. hw_cap: words of the host's CPUID feature set. */
#define XEN_SYSCTL_physinfo			3
#define _XEN_SYSCTL_PHYSCAP_hvm			0
#define XEN_SYSCTL_PHYSCAP_hvm			(1U << _XEN_SYSCTL_PHYSCAP_hvm)
#define _XEN_SYSCTL_PHYSCAP_pv			1
#define XEN_SYSCTL_PHYSCAP_pv			(1U << _XEN_SYSCTL_PHYSCAP_pv)
#define _XEN_SYSCTL_PHYSCAP_directio		2
#define XEN_SYSCTL_PHYSCAP_directio		(1U << _XEN_SYSCTL_PHYSCAP_directio)
#define _XEN_SYSCTL_PHYSCAP_hap			3
#define XEN_SYSCTL_PHYSCAP_hap			(1U << _XEN_SYSCTL_PHYSCAP_hap)
#define _XEN_SYSCTL_PHYSCAP_shadow		4
#define XEN_SYSCTL_PHYSCAP_shadow		(1U << _XEN_SYSCTL_PHYSCAP_shadow)
#define _XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share	5
#define XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share	(1U << _XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share)
#define XEN_SYSCTL_PHYSCAP_vmtrace		(1U << 6)
#define XEN_SYSCTL_PHYSCAP_vpmu			(1U << 7)
#define XEN_SYSCTL_PHYSCAP_gnttab_v1		(1U << 8)
#define XEN_SYSCTL_PHYSCAP_gnttab_v2		(1U << 9)
#define XEN_SYSCTL_PHYSCAP_MAX			XEN_SYSCTL_PHYSCAP_gnttab_v2
struct xen_sysctl_physinfo {
	uint32_t threads_per_core;	/* OUT all of it */
	uint32_t cores_per_socket;
	uint32_t nr_cpus;
	uint32_t max_cpu_id;
	uint32_t nr_nodes;
	uint32_t max_node_id;
	uint32_t cpu_khz;
	uint32_t capabilities;		/* XEN_SYSCTL_PHYSCAP_* */
	uint32_t arch_capabilities;
	uint32_t pad;
	uint64_t total_pages;
	uint64_t free_pages;
	uint64_t scrub_pages;		/* free, but still to be cleared */
	uint64_t outstanding_pages;	/* free, but claimed */
	uint64_t max_mfn;
	uint32_t hw_cap[8];
};
PV_ABI_SIZE(struct xen_sysctl_physinfo, 112);
PV_ABI_AT(struct xen_sysctl_physinfo, total_pages, 40);
PV_ABI_AT(struct xen_sysctl_physinfo, hw_cap, 80);

/* XEN_SYSCTL_sched_id: the scheduler, XEN_SCHEDULER_*. */
#define XEN_SYSCTL_sched_id			4
struct xen_sysctl_sched_id {
	uint32_t sched_id;		/* OUT */
};
PV_ABI_SIZE(struct xen_sysctl_sched_id, 4);

/* XEN_SYSCTL_getdomaininfolist: domains by number, from first_domain on, dying ones too. */
#define XEN_SYSCTL_getdomaininfolist		6
struct xen_sysctl_getdomaininfolist {
	domid_t first_domain;		/* IN */
	uint16_t _pad0;
	uint32_t max_domains;		/* IN */
	GUEST_PTR(xen_domctl_getdomaininfo_t) buffer; /* IN filled */
	uint32_t num_domains;		/* OUT */
	uint32_t _pad1;
};
PV_ABI_SIZE(struct xen_sysctl_getdomaininfolist, 24);
PV_ABI_AT(struct xen_sysctl_getdomaininfolist, max_domains, 4);
PV_ABI_AT(struct xen_sysctl_getdomaininfolist, buffer, 8);
PV_ABI_AT(struct xen_sysctl_getdomaininfolist, num_domains, 16);

/* XEN_SYSCTL_getcpuinfo: how long each processor has been idle. */
#define XEN_SYSCTL_getcpuinfo			8
struct xen_sysctl_cpuinfo {
	uint64_t idletime;		/* ns */
};
typedef struct xen_sysctl_cpuinfo xen_sysctl_cpuinfo_t;
PV_ABI_SIZE(struct xen_sysctl_cpuinfo, 8);
struct xen_sysctl_getcpuinfo {
	uint32_t max_cpus;		/* IN */
	uint32_t _pad0;
	GUEST_PTR(xen_sysctl_cpuinfo_t) info; /* IN filled */
	uint32_t nr_cpus;		/* OUT */
	uint32_t _pad1;
};
PV_ABI_SIZE(struct xen_sysctl_getcpuinfo, 24);
PV_ABI_AT(struct xen_sysctl_getcpuinfo, info, 8);
PV_ABI_AT(struct xen_sysctl_getcpuinfo, nr_cpus, 16);

/* XEN_SYSCTL_availheap: free memory. Err: -EOPNOTSUPP below some address width; -EINVAL node. */
#define XEN_SYSCTL_availheap			9
struct xen_sysctl_availheap {
	uint32_t min_bitwidth;		/* IN 0 */
	uint32_t max_bitwidth;		/* IN 0 */
	int32_t node;			/* IN -1: all */
	uint32_t _pad0;
	uint64_t avail_bytes;		/* OUT */
};
PV_ABI_SIZE(struct xen_sysctl_availheap, 24);
PV_ABI_AT(struct xen_sysctl_availheap, node, 8);
PV_ABI_AT(struct xen_sysctl_availheap, avail_bytes, 16);

/*
 * XEN_SYSCTL_cputopoinfo, _numainfo: processors and nodes. NULL asks how many; what is written, and
 * how many there are, comes back.
 */
#define XEN_SYSCTL_cputopoinfo			16
#define XEN_INVALID_CORE_ID			(~0U)
#define XEN_INVALID_SOCKET_ID			(~0U)
#define XEN_INVALID_NODE_ID			(~0U)
struct xen_sysctl_cputopo {
	uint32_t core;
	uint32_t socket;
	uint32_t node;
};
typedef struct xen_sysctl_cputopo xen_sysctl_cputopo_t;
PV_ABI_SIZE(struct xen_sysctl_cputopo, 12);
PV_ABI_AT(struct xen_sysctl_cputopo, socket, 4);
PV_ABI_AT(struct xen_sysctl_cputopo, node, 8);
struct xen_sysctl_cputopoinfo {
	uint32_t num_cpus;		/* INOUT */
	uint32_t _pad0;
	GUEST_PTR(xen_sysctl_cputopo_t) cputopo; /* IN filled */
};
PV_ABI_SIZE(struct xen_sysctl_cputopoinfo, 16);
PV_ABI_AT(struct xen_sysctl_cputopoinfo, cputopo, 8);

#define XEN_SYSCTL_numainfo			17
#define XEN_INVALID_MEM_SZ			(~0U)
#define XEN_INVALID_NODE_DIST			(~0U)
struct xen_sysctl_meminfo {
	uint64_t memsize;		/* bytes */
	uint64_t memfree;
};
typedef struct xen_sysctl_meminfo xen_sysctl_meminfo_t;
PV_ABI_SIZE(struct xen_sysctl_meminfo, 16);
PV_ABI_AT(struct xen_sysctl_meminfo, memfree, 8);
struct xen_sysctl_numainfo {
	uint32_t num_nodes;		/* INOUT */
	uint32_t _pad0;
	GUEST_PTR(xen_sysctl_meminfo_t) meminfo; /* IN filled */
	GUEST_PTR(uint32_t) distance;	/* IN filled, or NULL */
};
PV_ABI_SIZE(struct xen_sysctl_numainfo, 24);
PV_ABI_AT(struct xen_sysctl_numainfo, meminfo, 8);
PV_ABI_AT(struct xen_sysctl_numainfo, distance, 16);

/*
 * XEN_SYSCTL_cpupool_op: sets of processors, with domains that run on them alone. Pool 0 is there always.
 * Err:	-ENOENT	no such pool, or none from there on (INFO); no processor without a pool (ADDCPU of any)
 *	-EEXIST	CREATE: there is one
 *	-ENOSPC	CREATE: 64 pools, numbers below 64
 *	-EBUSY	DESTROY: not empty, or pool 0; ADDCPU, RMCPU: the processor is another's, or a domain needs it
 *	-EINVAL	no such operation, scheduler or processor; MOVEDOMAIN: a vCPU may run on none of its processors
 *	-ESRCH	MOVEDOMAIN: no such domain
 */
#define XEN_SYSCTL_cpupool_op			18
#define XEN_SYSCTL_CPUPOOL_OP_CREATE		1
#define XEN_SYSCTL_CPUPOOL_OP_DESTROY		2
#define XEN_SYSCTL_CPUPOOL_OP_INFO		3
#define XEN_SYSCTL_CPUPOOL_OP_ADDCPU		4
#define XEN_SYSCTL_CPUPOOL_OP_RMCPU		5
#define XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN	6
#define XEN_SYSCTL_CPUPOOL_OP_FREEINFO		7
#define XEN_SYSCTL_CPUPOOL_PAR_ANY		0xFFFFFFFF
struct xen_sysctl_cpupool_op {
	uint32_t op;			/* IN XEN_SYSCTL_CPUPOOL_OP_* */
	uint32_t cpupool_id;		/* IN; INFO: OUT the next one from there on; CREATE: IN _ANY, OUT */
	uint32_t sched_id;		/* CREATE: IN; INFO: OUT; XEN_SCHEDULER_CREDIT2 */
	uint32_t domid;			/* MOVEDOMAIN: IN */
	uint32_t cpu;			/* ADDCPU, RMCPU: IN */
	uint32_t n_dom;			/* INFO: OUT domains in it */
	struct xenctl_bitmap cpumap;	/* INFO, FREEINFO: IN filled */
};
PV_ABI_SIZE(struct xen_sysctl_cpupool_op, 40);
PV_ABI_AT(struct xen_sysctl_cpupool_op, cpupool_id, 4);
PV_ABI_AT(struct xen_sysctl_cpupool_op, n_dom, 20);
PV_ABI_AT(struct xen_sysctl_cpupool_op, cpumap, 24);

/*
 * XEN_SYSCTL_scheduler_op: what holds for a whole pool.
 * Err:	-EINVAL	another scheduler, or no such command
 *	-ENOENT	no such pool
 *	-EOPNOTSUPP	a rate limit
 */
#define XEN_SYSCTL_scheduler_op			19
#define XEN_SYSCTL_SCHEDOP_putinfo		0
#define XEN_SYSCTL_SCHEDOP_getinfo		1
struct xen_sysctl_credit2_schedule {
	uint32_t ratelimit_us;		/* 0: none */
};
PV_ABI_SIZE(struct xen_sysctl_credit2_schedule, 4);
struct xen_sysctl_scheduler_op {
	uint32_t cpupool_id;		/* IN */
	uint32_t sched_id;		/* IN XEN_SCHEDULER_CREDIT2 */
	uint32_t cmd;			/* IN XEN_SYSCTL_SCHEDOP_* */
	uint32_t _pad0;
	union {
		struct xen_sysctl_credit2_schedule sched_credit2; /* putinfo: IN; getinfo: OUT */
		uint64_t _pad1[2];
	} u;
};
PV_ABI_SIZE(struct xen_sysctl_scheduler_op, 32);
PV_ABI_AT(struct xen_sysctl_scheduler_op, cmd, 8);
PV_ABI_AT(struct xen_sysctl_scheduler_op, u, 16);

/*
 * XEN_SYSCTL_get_cpu_featureset: feature words of CPUID, in the published order. NULL asks how many.
 * Err:	-EINVAL	no such set
 *	-EOPNOTSUPP	a set of a kind of guest that we don't have
 *	-ENOBUFS	more than there is room for
 */
#define XEN_SYSCTL_get_cpu_featureset		26
#define XEN_SYSCTL_cpu_featureset_raw		0
#define XEN_SYSCTL_cpu_featureset_host		1
#define XEN_SYSCTL_cpu_featureset_pv		2
#define XEN_SYSCTL_cpu_featureset_hvm		3
#define XEN_SYSCTL_cpu_featureset_pv_max	4
#define XEN_SYSCTL_cpu_featureset_hvm_max	5
struct xen_sysctl_cpu_featureset {
	uint32_t index;			/* IN XEN_SYSCTL_cpu_featureset_* */
	uint32_t nr_features;		/* INOUT */
	GUEST_PTR(uint32_t) features;	/* IN filled */
};
PV_ABI_SIZE(struct xen_sysctl_cpu_featureset, 16);
PV_ABI_AT(struct xen_sysctl_cpu_featureset, nr_features, 4);
PV_ABI_AT(struct xen_sysctl_cpu_featureset, features, 8);

/*
 * XEN_SYSCTL_get_cpu_policy: leaves and MSRs of a kind of domain; as XEN_DOMCTL_get_cpu_policy.
 * Err:	-EINVAL	no such policy; _rsvd not 0
 *	-EOPNOTSUPP	of a kind of guest that we don't have
 *	-ENOBUFS
 */
#define XEN_SYSCTL_get_cpu_policy		29
#define XEN_SYSCTL_cpu_policy_raw		0
#define XEN_SYSCTL_cpu_policy_host		1
#define XEN_SYSCTL_cpu_policy_pv_max		2
#define XEN_SYSCTL_cpu_policy_hvm_max		3
#define XEN_SYSCTL_cpu_policy_pv_default	4
#define XEN_SYSCTL_cpu_policy_hvm_default	5
struct xen_sysctl_cpu_policy {
	uint32_t index;			/* IN XEN_SYSCTL_cpu_policy_* */
	uint32_t nr_leaves;		/* INOUT */
	uint32_t nr_msrs;		/* INOUT */
	uint32_t _rsvd;			/* IN zero */
	GUEST_PTR(xen_cpuid_leaf_t) leaves; /* IN filled */
	GUEST_PTR(xen_msr_entry_t) msrs; /* IN filled */
};
typedef struct xen_sysctl_cpu_policy xen_sysctl_cpu_policy_t;
PV_ABI_SIZE(struct xen_sysctl_cpu_policy, 32);
PV_ABI_AT(struct xen_sysctl_cpu_policy, nr_leaves, 4);
PV_ABI_AT(struct xen_sysctl_cpu_policy, _rsvd, 12);
PV_ABI_AT(struct xen_sysctl_cpu_policy, leaves, 16);
PV_ABI_AT(struct xen_sysctl_cpu_policy, msrs, 24);

struct xen_sysctl {
	uint32_t cmd;			/* IN: XEN_SYSCTL_* */
	uint32_t interface_version;	/* IN */
	union {
		struct xen_sysctl_readconsole readconsole;
		struct xen_sysctl_physinfo physinfo;
		struct xen_sysctl_sched_id sched_id;
		struct xen_sysctl_getdomaininfolist getdomaininfolist;
		struct xen_sysctl_debug_keys debug_keys;
		struct xen_sysctl_getcpuinfo getcpuinfo;
		struct xen_sysctl_availheap availheap;
		struct xen_sysctl_cputopoinfo cputopoinfo;
		struct xen_sysctl_numainfo numainfo;
		struct xen_sysctl_cpupool_op cpupool_op;
		struct xen_sysctl_scheduler_op scheduler_op;
		struct xen_sysctl_cpu_featureset cpu_featureset;
		struct xen_sysctl_cpu_policy cpu_policy;
		uint8_t pad[128];
	} u;
};
PV_ABI_SIZE(struct xen_sysctl, 136);
PV_ABI_AT(struct xen_sysctl, u, 8);

#endif
