/* SPDX-License-Identifier: MIT */
/* grant_table_op: letting another domain map or copy a page, and using what was granted. */

#ifndef PV_ABI_XEN_GRANT_TABLE_H
#define PV_ABI_XEN_GRANT_TABLE_H

#include "xen.h"

typedef uint32_t grant_ref_t;		/* index into the granting domain's table */
typedef uint32_t grant_handle_t;	/* a mapping, in the domain that mapped */

/*
 * The table. Its owner writes entries, the hypervisor only the bits marked H.
 *
 * To grant:	write domid and frame, then (a store later) flags.
 * To revoke:	compare-and-swap flags to 0, provided neither GTF_reading nor GTF_writing is set.
 *		While one is set the page is in use and the grant cannot be taken back.
 * To make read-only: compare-and-swap in GTF_readonly, provided GTF_writing is clear.
 * A transfer that is committed must be waited for: until GTF_transfer_completed.
 */
struct grant_entry_v1 {
	uint16_t flags;			/* GTF_* */
	domid_t domid;			/* who may use it */
	uint32_t frame;			/* the page; after a transfer the new one (H) */
};
typedef struct grant_entry_v1 grant_entry_v1_t;
PV_ABI_SIZE(struct grant_entry_v1, 8);
PV_ABI_AT(struct grant_entry_v1, flags, 0);
PV_ABI_AT(struct grant_entry_v1, domid, 2);
PV_ABI_AT(struct grant_entry_v1, frame, 4);

/* Entries that the domain's builder fills; the rest starts as 0. */
#define GNTTAB_NR_RESERVED_ENTRIES	8
#define GNTTAB_RESERVED_CONSOLE		0
#define GNTTAB_RESERVED_XENSTORE	1

#define GTF_invalid		(0U << 0)	/* nothing is granted */
#define GTF_permit_access	(1U << 0)	/* map or copy */
#define GTF_accept_transfer	(2U << 0)	/* give a page to the table's owner */
#define GTF_transitive		(3U << 0)	/* copy through another domain's grant (v2) */
#define GTF_type_mask		(3U << 0)

/* With GTF_permit_access and GTF_transitive. */
#define _GTF_readonly		(2)
#define GTF_readonly		(1U << _GTF_readonly)
#define _GTF_reading		(3)
#define GTF_reading		(1U << _GTF_reading)	/* H: mapped or pinned */
#define _GTF_writing		(4)
#define GTF_writing		(1U << _GTF_writing)	/* H: the same, writable */
#define _GTF_PWT		(5)
#define GTF_PWT			(1U << _GTF_PWT)	/* cache attributes of mappings */
#define _GTF_PCD		(6)
#define GTF_PCD			(1U << _GTF_PCD)
#define _GTF_PAT		(7)
#define GTF_PAT			(1U << _GTF_PAT)
#define _GTF_sub_page		(8)
#define GTF_sub_page		(1U << _GTF_sub_page)	/* copy a part only (v2) */

/* With GTF_accept_transfer. */
#define _GTF_transfer_committed	(2)
#define GTF_transfer_committed	(1U << _GTF_transfer_committed)	/* H: hands off */
#define _GTF_transfer_completed	(3)
#define GTF_transfer_completed	(1U << _GTF_transfer_completed)	/* H: frame is the new page */

/* Version 2: wider frames, parts of pages, grants of grants, H bits in an array of their own. */
struct grant_entry_header {
	uint16_t flags;
	domid_t domid;
};
typedef struct grant_entry_header grant_entry_header_t;
PV_ABI_SIZE(struct grant_entry_header, 4);
PV_ABI_AT(struct grant_entry_header, flags, 0);
PV_ABI_AT(struct grant_entry_header, domid, 2);

union grant_entry_v2 {
	grant_entry_header_t hdr;
	struct {
		grant_entry_header_t hdr;
		uint32_t pad0;
		uint64_t frame;
	} full_page;
	struct {
		grant_entry_header_t hdr;
		uint16_t page_off;
		uint16_t length;
		uint64_t frame;
	} sub_page;
	struct {
		grant_entry_header_t hdr;
		domid_t trans_domid;
		uint16_t pad0;
		grant_ref_t gref;
	} transitive;
	uint32_t __spacer[4];
};
typedef union grant_entry_v2 grant_entry_v2_t;
PV_ABI_SIZE(union grant_entry_v2, 16);
PV_ABI_AT(union grant_entry_v2, hdr, 0);
PV_ABI_AT(union grant_entry_v2, full_page, 0);
PV_ABI_AT(union grant_entry_v2, full_page.hdr, 0);
PV_ABI_AT(union grant_entry_v2, full_page.pad0, 4);
PV_ABI_AT(union grant_entry_v2, full_page.frame, 8);
PV_ABI_AT(union grant_entry_v2, sub_page, 0);
PV_ABI_AT(union grant_entry_v2, sub_page.hdr, 0);
PV_ABI_AT(union grant_entry_v2, sub_page.page_off, 4);
PV_ABI_AT(union grant_entry_v2, sub_page.length, 6);
PV_ABI_AT(union grant_entry_v2, sub_page.frame, 8);
PV_ABI_AT(union grant_entry_v2, transitive, 0);
PV_ABI_AT(union grant_entry_v2, transitive.hdr, 0);
PV_ABI_AT(union grant_entry_v2, transitive.trans_domid, 4);
PV_ABI_AT(union grant_entry_v2, transitive.pad0, 6);
PV_ABI_AT(union grant_entry_v2, transitive.gref, 8);
PV_ABI_AT(union grant_entry_v2, __spacer, 0);

typedef uint16_t grant_status_t;	/* GTF_reading, GTF_writing of one entry (v2) */

/*
 * grant_table_op(cmd, args, count): args is an array of count structures of the command.
 * By:	any domain for its own table and mappings; the privileged domain where a dom is given
 * Ret:	0 when every element has been tried: failures are in the elements' status
 * Err:	-EINVAL	count is negative, or not 1 where the command takes one
 *	-ENOSYS	unknown command
 *	-EOPNOTSUPP	a command this kind of guest or machine does not have
 */

/* status of an element. A positive value never occurs. */
#define GNTST_okay		(0)
#define GNTST_general_error	(-1)
#define GNTST_bad_domain	(-2)	/* no such domain, or it is dying */
#define GNTST_bad_gntref	(-3)	/* no such grant, or not for the caller */
#define GNTST_bad_handle	(-4)	/* no such mapping */
#define GNTST_bad_virt_addr	(-5)	/* cannot be mapped at host_addr, or is not mapped there */
#define GNTST_bad_dev_addr	(-6)	/* not the device address of the mapping */
#define GNTST_no_device_space	(-7)	/* the IOMMU is full */
#define GNTST_permission_denied	(-8)	/* read-only grant, or not the privileged domain */
#define GNTST_bad_page		(-9)	/* not a page that can be used so */
#define GNTST_bad_copy_arg	(-10)	/* crosses the end of a page */
#define GNTST_address_too_big	(-11)	/* frame too high for the receiver */
#define GNTST_eagain		(-12)	/* paged out: try again */
#define GNTST_no_space		(-13)	/* no handle left */

#define GNTTABOP_error_msgs { \
	"okay", \
	"general error", \
	"no such domain", \
	"bad grant reference", \
	"bad mapping handle", \
	"bad virtual address", \
	"bad device address", \
	"no space in the IOMMU", \
	"permission denied", \
	"bad page", \
	"copy crosses a page", \
	"frame number too big", \
	"try again", \
	"no space", \
}

/*
 * GNTTABOP_map_grant_ref: map a granted page. flags says for whom and where:
 * device_map gives dev_bus_addr; host_map maps at host_addr, a virtual address, or with
 * contains_pte the machine address of an L1 entry. Undo by GNTTABOP_unmap_grant_ref only.
 * Status: bad_domain, bad_gntref, permission_denied, bad_virt_addr, no_device_space, no_space,
 *	general_error (grant changed while it was read, or too many mappings)
 */
#define GNTTABOP_map_grant_ref		0
#define _GNTMAP_device_map		(0)
#define GNTMAP_device_map		(1 << _GNTMAP_device_map)
#define _GNTMAP_host_map		(1)
#define GNTMAP_host_map			(1 << _GNTMAP_host_map)
#define _GNTMAP_readonly		(2)
#define GNTMAP_readonly			(1 << _GNTMAP_readonly)
#define _GNTMAP_application_map		(3)
#define GNTMAP_application_map		(1 << _GNTMAP_application_map) /* user mode too */
#define _GNTMAP_contains_pte		(4)
#define GNTMAP_contains_pte		(1 << _GNTMAP_contains_pte)
/* Bits 16 and up go to the available bits of the entry (XENFEAT_gnttab_map_avail_bits). */
#define _GNTMAP_guest_avail0		(16)
#define GNTMAP_guest_avail_mask		((uint32_t)~0 << _GNTMAP_guest_avail0)
struct gnttab_map_grant_ref {
	uint64_t host_addr;		/* IN */
	uint32_t flags;			/* IN GNTMAP_* */
	grant_ref_t ref;		/* IN */
	domid_t dom;			/* IN who granted */
	int16_t status;			/* OUT GNTST_* */
	grant_handle_t handle;		/* OUT */
	uint64_t dev_bus_addr;		/* OUT */
};
typedef struct gnttab_map_grant_ref gnttab_map_grant_ref_t;
PV_ABI_SIZE(struct gnttab_map_grant_ref, 32);
PV_ABI_AT(struct gnttab_map_grant_ref, host_addr, 0);
PV_ABI_AT(struct gnttab_map_grant_ref, flags, 8);
PV_ABI_AT(struct gnttab_map_grant_ref, ref, 12);
PV_ABI_AT(struct gnttab_map_grant_ref, dom, 16);
PV_ABI_AT(struct gnttab_map_grant_ref, status, 18);
PV_ABI_AT(struct gnttab_map_grant_ref, handle, 20);
PV_ABI_AT(struct gnttab_map_grant_ref, dev_bus_addr, 24);

/*
 * GNTTABOP_unmap_grant_ref: end a mapping, or the part of it whose address is not 0. When the
 * call returns no processor and no device can reach the page any more.
 * Status: bad_handle, bad_virt_addr, bad_dev_addr, general_error
 */
#define GNTTABOP_unmap_grant_ref	1
struct gnttab_unmap_grant_ref {
	uint64_t host_addr;		/* IN */
	uint64_t dev_bus_addr;		/* IN */
	grant_handle_t handle;		/* IN */
	int16_t status;			/* OUT GNTST_* */
	uint16_t _pad0;
};
typedef struct gnttab_unmap_grant_ref gnttab_unmap_grant_ref_t;
PV_ABI_SIZE(struct gnttab_unmap_grant_ref, 24);
PV_ABI_AT(struct gnttab_unmap_grant_ref, host_addr, 0);
PV_ABI_AT(struct gnttab_unmap_grant_ref, dev_bus_addr, 8);
PV_ABI_AT(struct gnttab_unmap_grant_ref, handle, 16);
PV_ABI_AT(struct gnttab_unmap_grant_ref, status, 20);

/*
 * GNTTABOP_setup_table: let the table have nr_frames pages at least, and say which they are.
 * count 1. Err: -EINVAL more frames than the domain may have, in status general_error
 * Status: bad_domain, permission_denied, general_error
 */
#define GNTTABOP_setup_table		2
struct gnttab_setup_table {
	domid_t dom;			/* IN, DOMID_SELF too */
	uint16_t _pad0;
	uint32_t nr_frames;		/* IN */
	int16_t status;			/* OUT GNTST_* */
	uint16_t _pad1[3];
	GUEST_PTR(xen_pfn_t) frame_list; /* OUT nr_frames frames */
};
typedef struct gnttab_setup_table gnttab_setup_table_t;
PV_ABI_SIZE(struct gnttab_setup_table, 24);
PV_ABI_AT(struct gnttab_setup_table, dom, 0);
PV_ABI_AT(struct gnttab_setup_table, nr_frames, 4);
PV_ABI_AT(struct gnttab_setup_table, status, 8);
PV_ABI_AT(struct gnttab_setup_table, frame_list, 16);

/* GNTTABOP_dump_table: print a table to the hypervisor's log. By the privileged domain. */
#define GNTTABOP_dump_table		3
struct gnttab_dump_table {
	domid_t dom;			/* IN */
	int16_t status;			/* OUT GNTST_* */
};
typedef struct gnttab_dump_table gnttab_dump_table_t;
PV_ABI_SIZE(struct gnttab_dump_table, 4);
PV_ABI_AT(struct gnttab_dump_table, dom, 0);
PV_ABI_AT(struct gnttab_dump_table, status, 2);

/*
 * GNTTABOP_transfer: give a page away, to a domain that granted GTF_accept_transfer. PV only.
 * The page is gone even when the call fails, unless the status is bad_page.
 * Status: bad_page, bad_domain, bad_gntref, address_too_big, general_error
 */
#define GNTTABOP_transfer		4
struct gnttab_transfer {
	xen_pfn_t mfn;			/* IN */
	domid_t domid;			/* IN */
	uint16_t _pad0;
	grant_ref_t ref;		/* IN */
	int16_t status;			/* OUT GNTST_* */
	uint16_t _pad1[3];
};
typedef struct gnttab_transfer gnttab_transfer_t;
PV_ABI_SIZE(struct gnttab_transfer, 24);
PV_ABI_AT(struct gnttab_transfer, mfn, 0);
PV_ABI_AT(struct gnttab_transfer, domid, 8);
PV_ABI_AT(struct gnttab_transfer, ref, 12);
PV_ABI_AT(struct gnttab_transfer, status, 16);

/*
 * GNTTABOP_copy: copy len bytes between two pages, each a grant or a frame of the caller.
 * Status: bad_domain, bad_gntref, permission_denied, bad_page, bad_copy_arg, general_error
 */
#define GNTTABOP_copy			5
#define _GNTCOPY_source_gref		(0)
#define GNTCOPY_source_gref		(1 << _GNTCOPY_source_gref)
#define _GNTCOPY_dest_gref		(1)
#define GNTCOPY_dest_gref		(1 << _GNTCOPY_dest_gref)
struct gnttab_copy_ptr {
	union {
		grant_ref_t ref;
		xen_pfn_t gmfn;
	} u;				/* IN */
	domid_t domid;			/* IN; DOMID_SELF with a frame */
	uint16_t offset;		/* IN */
	uint32_t _pad0;
};
PV_ABI_SIZE(struct gnttab_copy_ptr, 16);
PV_ABI_AT(struct gnttab_copy_ptr, u, 0);
PV_ABI_AT(struct gnttab_copy_ptr, u.ref, 0);
PV_ABI_AT(struct gnttab_copy_ptr, u.gmfn, 0);
PV_ABI_AT(struct gnttab_copy_ptr, domid, 8);
PV_ABI_AT(struct gnttab_copy_ptr, offset, 10);
struct gnttab_copy {
	struct gnttab_copy_ptr source, dest;
	uint16_t len;			/* IN */
	uint16_t flags;			/* IN GNTCOPY_* */
	int16_t status;			/* OUT GNTST_* */
	uint16_t _pad0;
};
typedef struct gnttab_copy gnttab_copy_t;
PV_ABI_SIZE(struct gnttab_copy, 40);
PV_ABI_AT(struct gnttab_copy, source, 0);
PV_ABI_AT(struct gnttab_copy, dest, 16);
PV_ABI_AT(struct gnttab_copy, len, 32);
PV_ABI_AT(struct gnttab_copy, flags, 34);
PV_ABI_AT(struct gnttab_copy, status, 36);

/*
 * GNTTABOP_query_size: pages of the table now, and at most. count 1.
 * Status: bad_domain, permission_denied
 */
#define GNTTABOP_query_size		6
struct gnttab_query_size {
	domid_t dom;			/* IN, DOMID_SELF too */
	uint16_t _pad0;
	uint32_t nr_frames;		/* OUT */
	uint32_t max_nr_frames;		/* OUT */
	int16_t status;			/* OUT GNTST_* */
	uint16_t _pad1;
};
typedef struct gnttab_query_size gnttab_query_size_t;
PV_ABI_SIZE(struct gnttab_query_size, 16);
PV_ABI_AT(struct gnttab_query_size, dom, 0);
PV_ABI_AT(struct gnttab_query_size, nr_frames, 4);
PV_ABI_AT(struct gnttab_query_size, max_nr_frames, 8);
PV_ABI_AT(struct gnttab_query_size, status, 12);

/*
 * GNTTABOP_unmap_and_replace: as unmap, and host_addr gets the mapping that new_addr has;
 * new_addr becomes unmapped. PV only.
 * Status: bad_handle, bad_virt_addr, general_error
 */
#define GNTTABOP_unmap_and_replace	7
struct gnttab_unmap_and_replace {
	uint64_t host_addr;		/* IN */
	uint64_t new_addr;		/* IN */
	grant_handle_t handle;		/* IN */
	int16_t status;			/* OUT GNTST_* */
	uint16_t _pad0;
};
typedef struct gnttab_unmap_and_replace gnttab_unmap_and_replace_t;
PV_ABI_SIZE(struct gnttab_unmap_and_replace, 24);
PV_ABI_AT(struct gnttab_unmap_and_replace, host_addr, 0);
PV_ABI_AT(struct gnttab_unmap_and_replace, new_addr, 8);
PV_ABI_AT(struct gnttab_unmap_and_replace, handle, 16);
PV_ABI_AT(struct gnttab_unmap_and_replace, status, 20);

/*
 * GNTTABOP_set_version: format of the caller's own table, 1 or 2. count 1.
 * Err:	-EINVAL	another version
 *	-ENOSYS	version 2 where the hypervisor offers 1 only
 *	-EBUSY	a grant is in use
 *	-ENOMEM
 * version is set to the one in force.
 */
#define GNTTABOP_set_version		8
struct gnttab_set_version {
	uint32_t version;		/* INOUT */
};
typedef struct gnttab_set_version gnttab_set_version_t;
PV_ABI_SIZE(struct gnttab_set_version, 4);
PV_ABI_AT(struct gnttab_set_version, version, 0);

/*
 * GNTTABOP_get_status_frames: pages of the status array. count 1. Version 2 only.
 * Status: bad_domain, permission_denied, general_error (more frames than there are)
 */
#define GNTTABOP_get_status_frames	9
struct gnttab_get_status_frames {
	uint32_t nr_frames;		/* IN */
	domid_t dom;			/* IN, DOMID_SELF too */
	int16_t status;			/* OUT GNTST_* */
	GUEST_PTR(uint64_t) frame_list;	/* OUT nr_frames frames */
};
typedef struct gnttab_get_status_frames gnttab_get_status_frames_t;
PV_ABI_SIZE(struct gnttab_get_status_frames, 16);
PV_ABI_AT(struct gnttab_get_status_frames, nr_frames, 0);
PV_ABI_AT(struct gnttab_get_status_frames, dom, 4);
PV_ABI_AT(struct gnttab_get_status_frames, status, 6);
PV_ABI_AT(struct gnttab_get_status_frames, frame_list, 8);

/*
 * GNTTABOP_get_version: format of a domain's table. count 1.
 * Err:	-ESRCH	no such domain
 *	-EPERM	not the privileged domain, and not oneself
 */
#define GNTTABOP_get_version		10
struct gnttab_get_version {
	domid_t dom;			/* IN, DOMID_SELF too */
	uint16_t pad;
	uint32_t version;		/* OUT */
};
typedef struct gnttab_get_version gnttab_get_version_t;
PV_ABI_SIZE(struct gnttab_get_version, 8);
PV_ABI_AT(struct gnttab_get_version, dom, 0);
PV_ABI_AT(struct gnttab_get_version, pad, 2);
PV_ABI_AT(struct gnttab_get_version, version, 4);

/*
 * GNTTABOP_swap_grant_ref: exchange two entries of one's own table.
 * Status: bad_gntref, eagain (one of them is in use)
 */
#define GNTTABOP_swap_grant_ref		11
struct gnttab_swap_grant_ref {
	grant_ref_t ref_a;		/* IN */
	grant_ref_t ref_b;		/* IN */
	int16_t status;			/* OUT GNTST_* */
	uint16_t _pad0;
};
typedef struct gnttab_swap_grant_ref gnttab_swap_grant_ref_t;
PV_ABI_SIZE(struct gnttab_swap_grant_ref, 12);
PV_ABI_AT(struct gnttab_swap_grant_ref, ref_a, 0);
PV_ABI_AT(struct gnttab_swap_grant_ref, ref_b, 4);
PV_ABI_AT(struct gnttab_swap_grant_ref, status, 8);

/* GNTTABOP_cache_flush: caches are coherent here. Err: -EOPNOTSUPP always. */
#define GNTTABOP_cache_flush		12
#define GNTTAB_CACHE_CLEAN		(1u << 0)
#define GNTTAB_CACHE_INVAL		(1u << 1)
#define GNTTAB_CACHE_SOURCE_GREF	(1u << 31)
struct gnttab_cache_flush {
	union {
		uint64_t dev_bus_addr;
		grant_ref_t ref;
	} a;				/* IN */
	uint16_t offset;		/* IN */
	uint16_t length;		/* IN */
	uint32_t op;			/* IN GNTTAB_CACHE_* */
};
typedef struct gnttab_cache_flush gnttab_cache_flush_t;
PV_ABI_SIZE(struct gnttab_cache_flush, 16);
PV_ABI_AT(struct gnttab_cache_flush, a, 0);
PV_ABI_AT(struct gnttab_cache_flush, a.dev_bus_addr, 0);
PV_ABI_AT(struct gnttab_cache_flush, a.ref, 0);
PV_ABI_AT(struct gnttab_cache_flush, offset, 8);
PV_ABI_AT(struct gnttab_cache_flush, length, 10);
PV_ABI_AT(struct gnttab_cache_flush, op, 12);

#endif /* PV_ABI_XEN_GRANT_TABLE_H */
