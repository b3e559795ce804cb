/* SPDX-License-Identifier: MIT */
/* hvm_op: what a hardware-assisted guest asks of its host. */

#ifndef PV_ABI_XEN_HVM_HVM_OP_H
#define PV_ABI_XEN_HVM_HVM_OP_H

#include "../xen.h"
#include "../event_channel.h"

/*
 * hvm_op(cmd, arg)
 * By:	a hardware-assisted domain for itself; the privileged domain or a device model for it
 * Err (all that name a domain): -ESRCH no such domain; -EINVAL it is a PV domain
 */

/*
 * HVMOP_set_param, _get_param: HVM_PARAM_* of params.h.
 * Arg:	struct xen_hvm_param
 * Err:	-EINVAL	no such parameter, or no such value
 *	-EPERM	not a parameter the guest itself may set or read
 *	-EEXIST	(set) one that is set once
 */
#define HVMOP_set_param			0
#define HVMOP_get_param			1
struct xen_hvm_param {
	domid_t domid;			/* IN */
	uint16_t pad;
	uint32_t index;			/* IN HVM_PARAM_* */
	uint64_t value;			/* IN of set, OUT of get */
};
typedef struct xen_hvm_param xen_hvm_param_t;
PV_ABI_SIZE(struct xen_hvm_param, 16);
PV_ABI_AT(struct xen_hvm_param, domid, 0);
PV_ABI_AT(struct xen_hvm_param, pad, 2);
PV_ABI_AT(struct xen_hvm_param, index, 4);
PV_ABI_AT(struct xen_hvm_param, value, 8);

/*	2 to 4 RETIRED: set_pci_intx_level, set_isa_irq_level, set_pci_link_route */

/* HVMOP_flush_tlbs: of all the caller's vCPUs. Arg: NULL. Err: -EINVAL arg is not NULL. */
#define HVMOP_flush_tlbs		5

/*	6 to 8 RETIRED: track_dirty_vram, modified_memory, set_mem_type */

typedef enum {
	HVMMEM_ram_rw = 0,		/* memory */
	HVMMEM_ram_ro = 1,		/* memory, writes are dropped */
	HVMMEM_mmio_dm = 2,		/* the device model's */
	HVMMEM_unused = 3,
	HVMMEM_ioreq_server = 4,	/* memory, writes go to an I/O server that asked for it */
} hvmmem_type_t;

/* HVMOP_pagetable_dying: a hint for shadow paging. Arg: struct xen_hvm_pagetable_dying. */
#define HVMOP_pagetable_dying		9
struct xen_hvm_pagetable_dying {
	domid_t domid;			/* IN DOMID_SELF */
	uint16_t pad[3];
	uint64_t gpa;			/* IN address of the root */
};
typedef struct xen_hvm_pagetable_dying xen_hvm_pagetable_dying_t;
PV_ABI_SIZE(struct xen_hvm_pagetable_dying, 16);
PV_ABI_AT(struct xen_hvm_pagetable_dying, domid, 0);
PV_ABI_AT(struct xen_hvm_pagetable_dying, pad, 2);
PV_ABI_AT(struct xen_hvm_pagetable_dying, gpa, 8);

/* HVMOP_get_time: system time. By any domain. Arg: struct xen_hvm_get_time. */
#define HVMOP_get_time			10
struct xen_hvm_get_time {
	uint64_t now;			/* OUT ns */
};
typedef struct xen_hvm_get_time xen_hvm_get_time_t;
PV_ABI_SIZE(struct xen_hvm_get_time, 8);
PV_ABI_AT(struct xen_hvm_get_time, now, 0);

#define HVMOP_xentrace			11	/* Err: -ENOSYS, no trace buffer */
#define HVMOP_set_mem_access		12	/* RETIRED */
#define HVMOP_get_mem_access		13	/* RETIRED */
/*	14 RETIRED: inject_trap */

/*
 * HVMOP_get_mem_type: what kind of memory a page is.
 * Arg:	struct xen_hvm_get_mem_type
 * Err:	-EINVAL	nothing is there
 */
#define HVMOP_get_mem_type		15
struct xen_hvm_get_mem_type {
	domid_t domid;			/* IN */
	uint16_t mem_type;		/* OUT HVMMEM_* */
	uint16_t pad[2];
	uint64_t pfn;			/* IN */
};
typedef struct xen_hvm_get_mem_type xen_hvm_get_mem_type_t;
PV_ABI_SIZE(struct xen_hvm_get_mem_type, 16);
PV_ABI_AT(struct xen_hvm_get_mem_type, domid, 0);
PV_ABI_AT(struct xen_hvm_get_mem_type, mem_type, 2);
PV_ABI_AT(struct xen_hvm_get_mem_type, pad, 4);
PV_ABI_AT(struct xen_hvm_get_mem_type, pfn, 8);

/*	16 to 22 RETIRED: inject_msi, I/O servers (dm_op has them) */

/*
 * HVMOP_set_evtchn_upcall_vector: deliver a vCPU's events by its local APIC, as this vector.
 * Arg:	struct xen_hvm_evtchn_upcall_vector
 * Err:	-EINVAL	vector below 16
 *	-ENOENT	no such vCPU
 */
#define HVMOP_set_evtchn_upcall_vector	23
struct xen_hvm_evtchn_upcall_vector {
	uint32_t vcpu;			/* IN */
	uint8_t vector;			/* IN */
	uint8_t _pad0[3];
};
typedef struct xen_hvm_evtchn_upcall_vector xen_hvm_evtchn_upcall_vector_t;
PV_ABI_SIZE(struct xen_hvm_evtchn_upcall_vector, 8);
PV_ABI_AT(struct xen_hvm_evtchn_upcall_vector, vcpu, 0);
PV_ABI_AT(struct xen_hvm_evtchn_upcall_vector, vector, 4);

#define HVMOP_guest_request_vm_event	24	/* Err: -EOPNOTSUPP */
#define HVMOP_altp2m			25	/* Err: -EOPNOTSUPP */

#endif /* PV_ABI_XEN_HVM_HVM_OP_H */
