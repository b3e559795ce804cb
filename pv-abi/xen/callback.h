/* SPDX-License-Identifier: MIT */
/* callback_op: where the hypervisor enters a PV kernel. */

#ifndef PV_ABI_XEN_CALLBACK_H
#define PV_ABI_XEN_CALLBACK_H

#include "xen.h"

/*
 * callback_op(cmd, arg): register or remove an entry point of this vCPU.
 * By:	any PV domain. Hardware-assisted guests have HVM_PARAM_CALLBACK_IRQ instead.
 */

#define CALLBACKTYPE_event		0	/* events pend; entered masked */
#define CALLBACKTYPE_failsafe		1	/* segment registers could not be reloaded */
#define CALLBACKTYPE_syscall		2	/* SYSCALL in 64-bit user mode */
#define CALLBACKTYPE_sysenter_deprecated 3	/* RETIRED */
#define CALLBACKTYPE_nmi		4	/* NMI; entered masked */
#define CALLBACKTYPE_sysenter		5	/* SYSENTER in user mode */
/*	6 RETIRED */
#define CALLBACKTYPE_syscall32		7	/* SYSCALL in 32-bit user mode */

/* Enter with evtchn_upcall_mask set. Events and NMIs always do. */
#define _CALLBACKF_mask_events		0
#define CALLBACKF_mask_events		(1U << _CALLBACKF_mask_events)

/*
 * CALLBACKOP_register
 * Arg:	struct callback_register
 * Err:	-EINVAL	address not canonical
 *	-ENOSYS	unknown type
 */
#define CALLBACKOP_register		0
struct callback_register {
	uint16_t type;			/* IN CALLBACKTYPE_* */
	uint16_t flags;			/* IN CALLBACKF_* */
	uint32_t _pad0;
	xen_callback_t address;		/* IN */
};
typedef struct callback_register callback_register_t;
PV_ABI_SIZE(struct callback_register, 16);
PV_ABI_AT(struct callback_register, type, 0);
PV_ABI_AT(struct callback_register, flags, 2);
PV_ABI_AT(struct callback_register, address, 8);

/*
 * CALLBACKOP_unregister
 * Arg:	struct callback_unregister
 * Err:	-EINVAL	any type but CALLBACKTYPE_nmi: a kernel cannot do without them
 *	-ENOSYS	unknown type
 */
#define CALLBACKOP_unregister		1
struct callback_unregister {
	uint16_t type;			/* IN CALLBACKTYPE_* */
	uint16_t _unused;
};
typedef struct callback_unregister callback_unregister_t;
PV_ABI_SIZE(struct callback_unregister, 4);
PV_ABI_AT(struct callback_unregister, type, 0);
PV_ABI_AT(struct callback_unregister, _unused, 2);

#endif /* PV_ABI_XEN_CALLBACK_H */
