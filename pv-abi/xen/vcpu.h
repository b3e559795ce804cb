/* SPDX-License-Identifier: MIT */
/* vcpu_op: starting, stopping and asking about the domain's own vCPUs. */

#ifndef PV_ABI_XEN_VCPU_H
#define PV_ABI_XEN_VCPU_H

#include "xen.h"

/*
 * vcpu_op(cmd, vcpuid, arg): by any domain, for its own vCPUs.
 * Err (all): -ENOENT	no such vCPU. Guests count their vCPUs by this.
 */

/*
 * VCPUOP_initialise: give a vCPU its first state. It does not run yet.
 * Arg:	PV: struct vcpu_guest_context; hardware-assisted: struct vcpu_hvm_context
 * Err:	-EEXIST	initialised already
 *	-EINVAL	the state is not acceptable (tables, selectors, control registers), or the
 *		vCPU has no vcpu_info
 *	-ENOMEM
 */
#define VCPUOP_initialise			0

/* VCPUOP_up: let it run. Arg: NULL. Err: -EINVAL not initialised. */
#define VCPUOP_up				1

/*
 * VCPUOP_down: stop it. Arg: NULL. For another vCPU than the caller it may run a little longer.
 * Its page tables and GDT stay in use. The last one going down powers the domain off.
 */
#define VCPUOP_down				2

/* VCPUOP_is_up. Arg: NULL. Ret: 1 or 0. */
#define VCPUOP_is_up				3

/* VCPUOP_get_runstate_info. Arg: OUT struct vcpu_runstate_info. */
#define VCPUOP_get_runstate_info		4

#define RUNSTATE_running	0	/* on a processor */
#define RUNSTATE_runnable	1	/* waits for a processor */
#define RUNSTATE_blocked	2	/* waits for an event */
#define RUNSTATE_offline	3	/* down, paused, or not started */

/* In state_entry_time of a registered area, while it is written: VMASST_TYPE_runstate_... */
#define XEN_RUNSTATE_UPDATE	(xen_mk_ullong(1) << 63)
struct vcpu_runstate_info {
	int32_t state;			/* RUNSTATE_* */
	uint32_t _pad0;
	uint64_t state_entry_time;	/* system time, ns */
	uint64_t time[4];		/* ns spent in each state */
};
typedef struct vcpu_runstate_info vcpu_runstate_info_t;
PV_ABI_SIZE(struct vcpu_runstate_info, 48);
PV_ABI_AT(struct vcpu_runstate_info, state, 0);
PV_ABI_AT(struct vcpu_runstate_info, state_entry_time, 8);
PV_ABI_AT(struct vcpu_runstate_info, time, 16);

/*
 * VCPUOP_register_runstate_memory_area: a copy of the above in the guest's memory, written
 * whenever the vCPU is given a processor. A second call replaces the first.
 * Arg:	struct vcpu_register_runstate_memory_area
 * The address is a virtual one; while it is not mapped, writes are left out.
 */
#define VCPUOP_register_runstate_memory_area	5
struct vcpu_register_runstate_memory_area {
	union {
		GUEST_PTR(vcpu_runstate_info_t) h;
		GUEST_PTR(struct vcpu_runstate_info) v;
		uint64_t p;
	} addr;				/* IN */
};
typedef struct vcpu_register_runstate_memory_area vcpu_register_runstate_memory_area_t;
PV_ABI_SIZE(struct vcpu_register_runstate_memory_area, 8);
PV_ABI_AT(struct vcpu_register_runstate_memory_area, addr, 0);
PV_ABI_AT(struct vcpu_register_runstate_memory_area, addr.h, 0);
PV_ABI_AT(struct vcpu_register_runstate_memory_area, addr.v, 0);
PV_ABI_AT(struct vcpu_register_runstate_memory_area, addr.p, 0);

/*
 * VCPUOP_set_periodic_timer: VIRQ_TIMER every period_ns.
 * Arg:	struct vcpu_set_periodic_timer
 * Err:	-EINVAL	less than a millisecond, or too long
 */
#define VCPUOP_set_periodic_timer		6
struct vcpu_set_periodic_timer {
	uint64_t period_ns;		/* IN */
};
typedef struct vcpu_set_periodic_timer vcpu_set_periodic_timer_t;
PV_ABI_SIZE(struct vcpu_set_periodic_timer, 8);
PV_ABI_AT(struct vcpu_set_periodic_timer, period_ns, 0);

/* VCPUOP_stop_periodic_timer. Arg: NULL. No errors, also when it is not running. */
#define VCPUOP_stop_periodic_timer		7

/*
 * VCPUOP_set_singleshot_timer: VIRQ_TIMER at timeout_abs_ns; replaces the one before.
 * Arg:	struct vcpu_set_singleshot_timer
 * Err:	-EINVAL	not the calling vCPU
 *	-ETIME	VCPU_SSHOTTMR_future is set and the time has passed
 */
#define VCPUOP_set_singleshot_timer		8
#define _VCPU_SSHOTTMR_future	(0)
#define VCPU_SSHOTTMR_future	(1U << _VCPU_SSHOTTMR_future)
struct vcpu_set_singleshot_timer {
	uint64_t timeout_abs_ns;	/* IN system time */
	uint32_t flags;			/* IN VCPU_SSHOTTMR_* */
	uint32_t _pad0;
};
typedef struct vcpu_set_singleshot_timer vcpu_set_singleshot_timer_t;
PV_ABI_SIZE(struct vcpu_set_singleshot_timer, 16);
PV_ABI_AT(struct vcpu_set_singleshot_timer, timeout_abs_ns, 0);
PV_ABI_AT(struct vcpu_set_singleshot_timer, flags, 8);

/* VCPUOP_stop_singleshot_timer. Arg: NULL. Err: -EINVAL not the calling vCPU. */
#define VCPUOP_stop_singleshot_timer		9

/*
 * VCPUOP_register_vcpu_info: move the vcpu_info, with what is pending, to the guest's memory.
 * Arg:	struct vcpu_register_vcpu_info
 * Err:	-EINVAL	moved before; the vCPU runs and is not the caller; offset crosses the page's
 *		end or is not aligned; not a writable frame of the domain
 *	-ENOMEM
 */
#define VCPUOP_register_vcpu_info		10
struct vcpu_register_vcpu_info {
	uint64_t mfn;			/* IN */
	uint32_t offset;		/* IN */
	uint32_t rsvd;			/* IN zero */
};
typedef struct vcpu_register_vcpu_info vcpu_register_vcpu_info_t;
PV_ABI_SIZE(struct vcpu_register_vcpu_info, 16);
PV_ABI_AT(struct vcpu_register_vcpu_info, mfn, 0);
PV_ABI_AT(struct vcpu_register_vcpu_info, offset, 8);
PV_ABI_AT(struct vcpu_register_vcpu_info, rsvd, 12);

/* VCPUOP_send_nmi: make an NMI pending. Arg: NULL. No errors, also when one is pending. */
#define VCPUOP_send_nmi				11

/*
 * VCPUOP_get_physid: the processor behind a pinned vCPU.
 * By:	the privileged domain
 * Arg:	struct vcpu_get_physid
 * Err:	-EINVAL	not the privileged domain, or the vCPU is not pinned
 */
#define VCPUOP_get_physid			12
struct vcpu_get_physid {
	uint64_t phys_id;		/* OUT APIC number in bits 31:0, ACPI number above */
};
typedef struct vcpu_get_physid vcpu_get_physid_t;
PV_ABI_SIZE(struct vcpu_get_physid, 8);
PV_ABI_AT(struct vcpu_get_physid, phys_id, 0);
#define xen_vcpu_physid_to_x86_apicid(physid) ((uint32_t)(physid))
#define xen_vcpu_physid_to_x86_acpiid(physid) ((uint32_t)((physid) >> 32))

/*
 * VCPUOP_register_vcpu_time_memory_area: a second copy of vcpu_info.time, which the kernel may
 * show to user mode. A second call replaces the first.
 * Arg:	struct vcpu_register_time_memory_area; addresses as for the runstate area
 */
#define VCPUOP_register_vcpu_time_memory_area	13
struct vcpu_register_time_memory_area {
	union {
		GUEST_PTR(vcpu_time_info_t) h;
		GUEST_PTR(struct vcpu_time_info) v;
		uint64_t p;
	} addr;				/* IN */
};
typedef struct vcpu_register_time_memory_area vcpu_register_time_memory_area_t;
PV_ABI_SIZE(struct vcpu_register_time_memory_area, 8);
PV_ABI_AT(struct vcpu_register_time_memory_area, addr, 0);
PV_ABI_AT(struct vcpu_register_time_memory_area, addr.h, 0);
PV_ABI_AT(struct vcpu_register_time_memory_area, addr.v, 0);
PV_ABI_AT(struct vcpu_register_time_memory_area, addr.p, 0);

#endif /* PV_ABI_XEN_VCPU_H */
