/* SPDX-License-Identifier: MIT */
/* nmi_op: the older way to register for NMIs, and the reasons an NMI can have. */

#ifndef PV_ABI_XEN_NMI_H
#define PV_ABI_XEN_NMI_H

#include "xen.h"

/* arch_shared_info.nmi_reason of the privileged domain. */
#define _XEN_NMIREASON_io_error		0	/* I/O check, port 0x61 bit 6 */
#define XEN_NMIREASON_io_error		(1UL << _XEN_NMIREASON_io_error)
#define _XEN_NMIREASON_pci_serr		1	/* PCI SERR, port 0x61 bit 7 */
#define XEN_NMIREASON_pci_serr		(1UL << _XEN_NMIREASON_pci_serr)
#define _XEN_NMIREASON_unknown		2	/* neither */
#define XEN_NMIREASON_unknown		(1UL << _XEN_NMIREASON_unknown)

/*
 * nmi_op(XENNMI_register_callback, arg): same as CALLBACKOP_register with CALLBACKTYPE_nmi.
 * By:	any PV domain
 * Arg:	struct xennmi_callback
 * Err:	-EINVAL	address not canonical
 */
#define XENNMI_register_callback	0
struct xennmi_callback {
	uint64_t handler_address;	/* IN */
	uint64_t pad;
};
typedef struct xennmi_callback xennmi_callback_t;
PV_ABI_SIZE(struct xennmi_callback, 16);
PV_ABI_AT(struct xennmi_callback, handler_address, 0);
PV_ABI_AT(struct xennmi_callback, pad, 8);

/* nmi_op(XENNMI_unregister_callback, NULL): by any PV domain; no errors. */
#define XENNMI_unregister_callback	1

#endif /* PV_ABI_XEN_NMI_H */
