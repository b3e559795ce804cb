/* SPDX-License-Identifier: MIT */
/* sysctl: what the privileged domain asks of the machine. The operations we have; the rest is -ENOSYS. */

#ifndef PV_ABI_XEN_SYSCTL_H
#define PV_ABI_XEN_SYSCTL_H

#include "xen.h"

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

struct xen_sysctl {
	uint32_t cmd;			/* IN: XEN_SYSCTL_* */
	uint32_t interface_version;	/* IN */
	union {
		struct xen_sysctl_readconsole readconsole;
		struct xen_sysctl_debug_keys debug_keys;
		uint8_t pad[128];
	} u;
};
PV_ABI_SIZE(struct xen_sysctl, 136);
PV_ABI_AT(struct xen_sysctl, u, 8);

#endif
