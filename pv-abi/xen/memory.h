/* SPDX-License-Identifier: MIT */
/* memory_op: pages a domain has, where they are, and what it may know of the machine's memory. */

#ifndef PV_ABI_XEN_MEMORY_H
#define PV_ABI_XEN_MEMORY_H

#include "xen.h"
#include "physdev.h"

/*
 * memory_op(cmd, arg)
 * By:	any domain for itself (DOMID_SELF), the privileged domain for any, unless said otherwise
 * Err (all that name a domain): -ESRCH no such domain
 *
 * Words: a PFN numbers the domain's own pages from 0; an MFN is a machine frame; a GMFN is
 * what the domain puts into page tables: for a PV domain an MFN, else a PFN.
 */

/*
 * XENMEM_increase_reservation, _decrease_reservation, _populate_physmap: take or give extents
 * of 2^extent_order pages.
 * Arg:	struct xen_memory_reservation
 * Ret:	extents done. Fewer than asked, 0 for instance, means the rest was refused: no memory, at
 *	the domain's limit, no such domain, not permitted, a bad pointer, a page in use. There
 *	is no negative result.
 */
#define XENMEM_increase_reservation		0	/* OUT MFNs; no PFN is given to them */
#define XENMEM_decrease_reservation		1	/* IN GMFNs */
#define XENMEM_populate_physmap			6	/* IN PFNs, OUT GMFNs */

#define XENMEMF_address_bits(x)		(x)		/* below 2^x; 0 no limit */
#define XENMEMF_get_address_bits(x)	((x) & 0xffu)
#define XENMEMF_node(x)			(((x) + 1) << 8)	/* near NUMA node x */
#define XENMEMF_get_node(x)		((((x) >> 8) - 1) & 0xffu)
#define XENMEMF_populate_on_demand	(1 << 16)	/* when first touched (not PV) */
#define XENMEMF_exact_node_request	(1 << 17)	/* on that node or not at all */
#define XENMEMF_exact_node(n)		(XENMEMF_node(n) | XENMEMF_exact_node_request)
#define XENMEMF_vnode			(1 << 18)	/* the node is the domain's own */
struct xen_memory_reservation {
	GUEST_PTR(xen_pfn_t) extent_start; /* INOUT first frame of each extent */
	xen_ulong_t nr_extents;		/* IN */
	uint32_t extent_order;		/* IN */
	uint32_t mem_flags;		/* IN XENMEMF_* */
	domid_t domid;			/* IN */
	uint16_t _pad0[3];
};
typedef struct xen_memory_reservation xen_memory_reservation_t;
PV_ABI_SIZE(struct xen_memory_reservation, 32);
PV_ABI_AT(struct xen_memory_reservation, extent_start, 0);
PV_ABI_AT(struct xen_memory_reservation, nr_extents, 8);
PV_ABI_AT(struct xen_memory_reservation, extent_order, 16);
PV_ABI_AT(struct xen_memory_reservation, mem_flags, 20);
PV_ABI_AT(struct xen_memory_reservation, domid, 24);

/* XENMEM_maximum_ram_page. By: any domain. Arg: NULL. Ret: the highest MFN of RAM. */
#define XENMEM_maximum_ram_page			2

/* XENMEM_current_, _maximum_reservation. Arg: struct xen_memory_domain. Ret: pages. */
#define XENMEM_current_reservation		3
#define XENMEM_maximum_reservation		4
struct xen_memory_domain {
	domid_t domid;			/* IN */
};
PV_ABI_SIZE(struct xen_memory_domain, 2);
PV_ABI_AT(struct xen_memory_domain, domid, 0);

/*
 * XENMEM_machphys_mfn_list: frames that hold the machine-to-physical map, 2 MiB each.
 * By:	the privileged domain
 * Arg:	struct xen_machphys_mfn_list
 */
#define XENMEM_machphys_mfn_list		5
struct xen_machphys_mfn_list {
	uint32_t max_extents;		/* IN size of the array */
	uint32_t _pad0;
	GUEST_PTR(xen_pfn_t) extent_start; /* OUT; 0 stands for a hole */
	uint32_t nr_extents;		/* OUT filled */
	uint32_t _pad1;
};
typedef struct xen_machphys_mfn_list xen_machphys_mfn_list_t;
PV_ABI_SIZE(struct xen_machphys_mfn_list, 24);
PV_ABI_AT(struct xen_machphys_mfn_list, max_extents, 0);
PV_ABI_AT(struct xen_machphys_mfn_list, extent_start, 8);
PV_ABI_AT(struct xen_machphys_mfn_list, nr_extents, 16);

/*
 * XENMEM_add_to_physmap: make a page appear at a PFN. Not for PV.
 * By:	a hardware-assisted domain for itself, the privileged domain or a device model for it
 * Arg:	struct xen_add_to_physmap
 * Err:	-EACCES	a PV domain
 *	-EINVAL	no such page in the space
 *	-ENOSYS	no such space
 */
#define XENMEM_add_to_physmap			7
#define XENMAPSPACE_shared_info			0
#define XENMAPSPACE_grant_table			1	/* or'ed flag: the status array */
#define XENMAPSPACE_gmfn			2	/* move: a GMFN of the same domain */
#define XENMAPSPACE_gmfn_range			3	/* size of them; not in the batch */
#define XENMAPSPACE_gmfn_foreign		4	/* another domain's; in the batch only */
#define XENMAPSPACE_dev_mmio			5	/* not on this architecture */
#define XENMAPIDX_grant_table_status		0x80000000
struct xen_add_to_physmap {
	domid_t domid;			/* IN */
	uint16_t size;			/* IN pages of gmfn_range */
	uint32_t space;			/* IN XENMAPSPACE_* */
	xen_ulong_t idx;		/* IN */
	xen_pfn_t gpfn;			/* IN */
};
typedef struct xen_add_to_physmap xen_add_to_physmap_t;
PV_ABI_SIZE(struct xen_add_to_physmap, 24);
PV_ABI_AT(struct xen_add_to_physmap, domid, 0);
PV_ABI_AT(struct xen_add_to_physmap, size, 2);
PV_ABI_AT(struct xen_add_to_physmap, space, 4);
PV_ABI_AT(struct xen_add_to_physmap, idx, 8);
PV_ABI_AT(struct xen_add_to_physmap, gpfn, 16);

/*	8 RETIRED: translate_gpfn_list */

/*
 * XENMEM_memory_map: the domain's own map of pseudo-physical memory, in E820 form.
 * By:	any domain
 * Arg:	struct xen_memory_map
 * Err:	-ENOSYS	none was set: one piece of RAM from 0 is to be assumed
 */
#define XENMEM_memory_map			9
struct xen_memory_map {
	uint32_t nr_entries;		/* INOUT room in entries, entries stored */
	uint32_t _pad0;
	GUEST_PTR(void) buffer;		/* OUT entries of 20 bytes: address, size, type */
};
typedef struct xen_memory_map xen_memory_map_t;
PV_ABI_SIZE(struct xen_memory_map, 16);
PV_ABI_AT(struct xen_memory_map, nr_entries, 0);
PV_ABI_AT(struct xen_memory_map, buffer, 8);

/*
 * XENMEM_machine_memory_map: the firmware's map of the machine.
 * By:	the privileged domain
 * Arg:	struct xen_memory_map; buffer NULL asks for the number of entries
 * Err:	-EINVAL	too little room
 */
#define XENMEM_machine_memory_map		10

/*
 * XENMEM_exchange: give extents, get as much memory in other extents, usually fewer and longer
 * ones, or below a given address. PV only.
 * Arg:	struct xen_memory_exchange
 * Err:	-EINVAL	sizes or domains differ, nr_exchanged too large, a frame not the domain's
 *	-EPERM	order beyond what the domain may have
 *	-EACCES	not a PV domain
 *	-ENOMEM	not so long, or not so low
 */
#define XENMEM_exchange				11
struct xen_memory_exchange {
	struct xen_memory_reservation in;	/* IN GMFNs given */
	struct xen_memory_reservation out;	/* IN PFNs, OUT GMFNs got */
	xen_ulong_t nr_exchanged;		/* INOUT 0; extents of in that were exchanged */
};
typedef struct xen_memory_exchange xen_memory_exchange_t;
PV_ABI_SIZE(struct xen_memory_exchange, 72);
PV_ABI_AT(struct xen_memory_exchange, in, 0);
PV_ABI_AT(struct xen_memory_exchange, out, 32);
PV_ABI_AT(struct xen_memory_exchange, nr_exchanged, 64);

/* XENMEM_machphys_mapping: where the map is. By any domain. Arg: OUT xen_machphys_mapping. */
#define XENMEM_machphys_mapping			12
struct xen_machphys_mapping {
	xen_ulong_t v_start, v_end;	/* OUT virtual addresses */
	xen_ulong_t max_mfn;		/* OUT highest MFN that has an entry */
};
typedef struct xen_machphys_mapping xen_machphys_mapping_t;
PV_ABI_SIZE(struct xen_machphys_mapping, 24);
PV_ABI_AT(struct xen_machphys_mapping, v_start, 0);
PV_ABI_AT(struct xen_machphys_mapping, v_end, 8);
PV_ABI_AT(struct xen_machphys_mapping, max_mfn, 16);

/*
 * XENMEM_set_memory_map: what XENMEM_memory_map shall tell.
 * Arg:	struct xen_foreign_memory_map
 * Err:	-EINVAL	too many entries
 *	-ENOMEM
 */
#define XENMEM_set_memory_map			13
struct xen_foreign_memory_map {
	domid_t domid;			/* IN */
	uint16_t _pad0[3];
	struct xen_memory_map map;	/* IN */
};
typedef struct xen_foreign_memory_map xen_foreign_memory_map_t;
PV_ABI_SIZE(struct xen_foreign_memory_map, 24);
PV_ABI_AT(struct xen_foreign_memory_map, domid, 0);
PV_ABI_AT(struct xen_foreign_memory_map, map, 8);

/* XENMEM_maximum_gpfn. Arg: struct xen_memory_domain. Ret: the highest PFN in use. */
#define XENMEM_maximum_gpfn			14

/*
 * XENMEM_remove_from_physmap: unmap a PFN. Not for PV.
 * Arg:	struct xen_remove_from_physmap
 * Err:	-ENOENT	nothing is there
 */
#define XENMEM_remove_from_physmap		15
struct xen_remove_from_physmap {
	domid_t domid;			/* IN */
	uint16_t _pad0[3];
	xen_pfn_t gpfn;			/* IN */
};
typedef struct xen_remove_from_physmap xen_remove_from_physmap_t;
PV_ABI_SIZE(struct xen_remove_from_physmap, 16);
PV_ABI_AT(struct xen_remove_from_physmap, domid, 0);
PV_ABI_AT(struct xen_remove_from_physmap, gpfn, 8);

/*
 * XENMEM_set_pod_target, _get_pod_target: pages behind populate-on-demand. Not for PV.
 * By:	the privileged domain
 * Arg:	struct xen_pod_target
 * Err:	-EINVAL	a PV domain, or a target beyond what is there
 *	-ENOMEM
 */
#define XENMEM_set_pod_target			16
#define XENMEM_get_pod_target			17
struct xen_pod_target {
	uint64_t target_pages;		/* IN of set */
	uint64_t tot_pages;		/* OUT */
	uint64_t pod_cache_pages;	/* OUT */
	uint64_t pod_entries;		/* OUT */
	domid_t domid;			/* IN */
	uint16_t _pad0[3];
};
typedef struct xen_pod_target xen_pod_target_t;
PV_ABI_SIZE(struct xen_pod_target, 40);
PV_ABI_AT(struct xen_pod_target, target_pages, 0);
PV_ABI_AT(struct xen_pod_target, tot_pages, 8);
PV_ABI_AT(struct xen_pod_target, pod_cache_pages, 16);
PV_ABI_AT(struct xen_pod_target, pod_entries, 24);
PV_ABI_AT(struct xen_pod_target, domid, 32);

/* Memory sharing, paging and access control: numbers only; Pavise has none of them. */
#define XENMEM_get_sharing_freed_pages		18	/* Ret: 0 */
#define XENMEM_get_sharing_shared_pages		19	/* Ret: 0 */
#define XENMEM_paging_op			20	/* Err: -EOPNOTSUPP */
#define XENMEM_paging_op_nominate		0
#define XENMEM_paging_op_evict			1
#define XENMEM_paging_op_prep			2
#define XENMEM_access_op			21	/* Err: -EOPNOTSUPP */
#define XENMEM_access_op_set_access		0
#define XENMEM_access_op_get_access		1
/*	XENMEM_access_op 2, 3 RETIRED: enable_emulate, disable_emulate */
#define XENMEM_access_op_set_access_multi	4
#define XENMEM_sharing_op			22	/* Err: -EOPNOTSUPP */
#define XENMEM_sharing_op_nominate_gfn		0
#define XENMEM_sharing_op_nominate_gref		1
#define XENMEM_sharing_op_share			2
#define XENMEM_sharing_op_debug_gfn		3
#define XENMEM_sharing_op_debug_mfn		4
#define XENMEM_sharing_op_debug_gref		5
#define XENMEM_sharing_op_add_physmap		6
#define XENMEM_sharing_op_audit			7
#define XENMEM_sharing_op_range_share		8
#define XENMEM_sharing_op_fork			9
#define XENMEM_sharing_op_fork_reset		10

/*
 * XENMEM_add_to_physmap_batch: as XENMEM_add_to_physmap, for a list.
 * Arg:	struct xen_add_to_physmap_batch
 * Err:	as there, and the errs of the entries; -ESRCH also for foreign_domid
 */
#define XENMEM_add_to_physmap_batch		23
union xen_add_to_physmap_batch_extra {
	domid_t foreign_domid;		/* IN with gmfn_foreign */
	uint16_t res0;			/* IN otherwise: 0 */
};
PV_ABI_SIZE(union xen_add_to_physmap_batch_extra, 2);
PV_ABI_AT(union xen_add_to_physmap_batch_extra, foreign_domid, 0);
PV_ABI_AT(union xen_add_to_physmap_batch_extra, res0, 0);
struct xen_add_to_physmap_batch {
	domid_t domid;			/* IN */
	uint16_t space;			/* IN XENMAPSPACE_* */
	uint16_t size;			/* IN length of the lists */
	union xen_add_to_physmap_batch_extra u;
	GUEST_PTR(xen_ulong_t) idxs;	/* IN */
	GUEST_PTR(xen_pfn_t) gpfns;	/* IN */
	GUEST_PTR(int32_t) errs;	/* OUT */
};
typedef struct xen_add_to_physmap_batch xen_add_to_physmap_batch_t;
PV_ABI_SIZE(struct xen_add_to_physmap_batch, 32);
PV_ABI_AT(struct xen_add_to_physmap_batch, domid, 0);
PV_ABI_AT(struct xen_add_to_physmap_batch, space, 2);
PV_ABI_AT(struct xen_add_to_physmap_batch, size, 4);
PV_ABI_AT(struct xen_add_to_physmap_batch, u, 6);
PV_ABI_AT(struct xen_add_to_physmap_batch, idxs, 8);
PV_ABI_AT(struct xen_add_to_physmap_batch, gpfns, 16);
PV_ABI_AT(struct xen_add_to_physmap_batch, errs, 24);

/*
 * XENMEM_claim_pages: set memory aside for a domain, without choosing pages. A new claim
 * replaces the old one, nr_extents 0 drops it, and pages got later are taken from it.
 * By:	the privileged domain
 * Arg:	struct xen_memory_reservation; extent_start NULL, extent_order and mem_flags 0
 * Err:	-EINVAL	one of them is not, or fewer pages than the domain has
 *	-ENOMEM	not that much free
 */
#define XENMEM_claim_pages			24

/* XENMEM_machphys_compat_mfn_list: as 5, for the map of 32-bit guests. */
#define XENMEM_machphys_compat_mfn_list		25

/*
 * XENMEM_get_vnumainfo: the domain's virtual NUMA topology.
 * Arg:	struct xen_vnuma_topology_info
 * Err:	-EOPNOTSUPP	it has none
 *	-ENOBUFS	an array is too small; the numbers needed are stored
 */
#define XENMEM_get_vnumainfo			26
struct xen_vmemrange {
	uint64_t start, end;		/* addresses */
	uint32_t flags;			/* 0 */
	uint32_t nid;			/* node */
};
typedef struct xen_vmemrange xen_vmemrange_t;
PV_ABI_SIZE(struct xen_vmemrange, 24);
PV_ABI_AT(struct xen_vmemrange, start, 0);
PV_ABI_AT(struct xen_vmemrange, end, 8);
PV_ABI_AT(struct xen_vmemrange, flags, 16);
PV_ABI_AT(struct xen_vmemrange, nid, 20);
struct xen_vnuma_topology_info {
	domid_t domid;			/* IN */
	uint16_t pad;
	uint32_t nr_vnodes;		/* INOUT */
	uint32_t nr_vcpus;		/* INOUT */
	uint32_t nr_vmemranges;		/* INOUT */
	union {
		GUEST_PTR(uint32_t) h;
		uint64_t pad;
	} vdistance;			/* OUT nr_vnodes^2 */
	union {
		GUEST_PTR(uint32_t) h;
		uint64_t pad;
	} vcpu_to_vnode;		/* OUT nr_vcpus */
	union {
		GUEST_PTR(xen_vmemrange_t) h;
		uint64_t pad;
	} vmemrange;			/* OUT nr_vmemranges */
};
typedef struct xen_vnuma_topology_info xen_vnuma_topology_info_t;
PV_ABI_SIZE(struct xen_vnuma_topology_info, 40);
PV_ABI_AT(struct xen_vnuma_topology_info, domid, 0);
PV_ABI_AT(struct xen_vnuma_topology_info, pad, 2);
PV_ABI_AT(struct xen_vnuma_topology_info, nr_vnodes, 4);
PV_ABI_AT(struct xen_vnuma_topology_info, nr_vcpus, 8);
PV_ABI_AT(struct xen_vnuma_topology_info, nr_vmemranges, 12);
PV_ABI_AT(struct xen_vnuma_topology_info, vdistance, 16);
PV_ABI_AT(struct xen_vnuma_topology_info, vdistance.h, 16);
PV_ABI_AT(struct xen_vnuma_topology_info, vdistance.pad, 16);
PV_ABI_AT(struct xen_vnuma_topology_info, vcpu_to_vnode, 24);
PV_ABI_AT(struct xen_vnuma_topology_info, vcpu_to_vnode.h, 24);
PV_ABI_AT(struct xen_vnuma_topology_info, vcpu_to_vnode.pad, 24);
PV_ABI_AT(struct xen_vnuma_topology_info, vmemrange, 32);
PV_ABI_AT(struct xen_vnuma_topology_info, vmemrange.h, 32);
PV_ABI_AT(struct xen_vnuma_topology_info, vmemrange.pad, 32);

/*
 * XENMEM_reserved_device_memory_map: regions that devices need mapped one to one.
 * By:	the privileged domain
 * Arg:	struct xen_reserved_device_memory_map
 * Err:	-ENOBUFS	too little room; nr_entries says how much is needed
 */
#define XENMEM_reserved_device_memory_map	27
struct xen_reserved_device_memory {
	xen_pfn_t start_pfn;
	xen_ulong_t nr_pages;
};
typedef struct xen_reserved_device_memory xen_reserved_device_memory_t;
PV_ABI_SIZE(struct xen_reserved_device_memory, 16);
PV_ABI_AT(struct xen_reserved_device_memory, start_pfn, 0);
PV_ABI_AT(struct xen_reserved_device_memory, nr_pages, 8);
#define XENMEM_RDM_ALL				1	/* of all devices */
struct xen_reserved_device_memory_map {
	uint32_t flags;			/* IN */
	uint32_t nr_entries;		/* INOUT */
	GUEST_PTR(xen_reserved_device_memory_t) buffer; /* OUT */
	union {
		physdev_pci_device_t pci;
	} dev;				/* IN unless XENMEM_RDM_ALL */
	uint32_t _pad0;
};
typedef struct xen_reserved_device_memory_map xen_reserved_device_memory_map_t;
PV_ABI_SIZE(struct xen_reserved_device_memory_map, 24);
PV_ABI_AT(struct xen_reserved_device_memory_map, flags, 0);
PV_ABI_AT(struct xen_reserved_device_memory_map, nr_entries, 4);
PV_ABI_AT(struct xen_reserved_device_memory_map, buffer, 8);
PV_ABI_AT(struct xen_reserved_device_memory_map, dev, 16);
PV_ABI_AT(struct xen_reserved_device_memory_map, dev.pci, 16);

/*
 * XENMEM_acquire_resource: frames that belong to a domain but not to its memory, for mapping.
 * By:	the privileged domain, or the domain's device model; never for oneself
 * Arg:	struct xen_mem_acquire_resource; nr_frames 0 and frame_list NULL ask for the size
 * Err:	-EOPNOTSUPP	no such type
 *	-EINVAL	pad not 0, no such id, frames beyond the resource
 *	-ENOENT	no such server
 *	-EIO	only some frames could be mapped (hardware-assisted callers): unmap them all
 */
#define XENMEM_acquire_resource			28
#define XENMEM_resource_ioreq_server		0
#define XENMEM_resource_grant_table		1
#define XENMEM_resource_vmtrace_buf		2
#define XENMEM_resource_grant_table_id_shared	0
#define XENMEM_resource_grant_table_id_status	1
#define XENMEM_resource_ioreq_server_frame_bufioreq	0
#define XENMEM_resource_ioreq_server_frame_ioreq(n)	(1 + (n))
struct xen_mem_acquire_resource {
	domid_t domid;			/* IN */
	uint16_t type;			/* IN XENMEM_resource_* */
	uint32_t id;			/* IN server number, or which part of the grant table */
	uint32_t nr_frames;		/* INOUT */
	uint32_t pad;			/* IN 0 */
	uint64_t frame;			/* IN the first */
	GUEST_PTR(xen_pfn_t) frame_list; /* PV: OUT MFNs; else IN PFNs to map at */
};
typedef struct xen_mem_acquire_resource xen_mem_acquire_resource_t;
PV_ABI_SIZE(struct xen_mem_acquire_resource, 32);
PV_ABI_AT(struct xen_mem_acquire_resource, domid, 0);
PV_ABI_AT(struct xen_mem_acquire_resource, type, 2);
PV_ABI_AT(struct xen_mem_acquire_resource, id, 4);
PV_ABI_AT(struct xen_mem_acquire_resource, nr_frames, 8);
PV_ABI_AT(struct xen_mem_acquire_resource, pad, 12);
PV_ABI_AT(struct xen_mem_acquire_resource, frame, 16);
PV_ABI_AT(struct xen_mem_acquire_resource, frame_list, 24);

#endif /* PV_ABI_XEN_MEMORY_H */
