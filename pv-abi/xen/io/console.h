/* SPDX-License-Identifier: MIT */
/* The console ring: a page shared by a guest and its console daemon. */

#ifndef PV_ABI_XEN_IO_CONSOLE_H
#define PV_ABI_XEN_IO_CONSOLE_H

#include "../abi.h"

typedef uint32_t XENCONS_RING_IDX;

/* Indices run free; this is the place in the buffer. */
#define MASK_XENCONS_IDX(idx, ring) ((idx) & (sizeof(ring) - 1))

/* Each side writes its own indices only, and sends an event when it has moved one. */
struct xencons_interface {
	char in[1024];			/* to the guest */
	char out[2048];			/* from the guest */
	XENCONS_RING_IDX in_cons;	/* guest writes */
	XENCONS_RING_IDX in_prod;	/* daemon writes */
	XENCONS_RING_IDX out_cons;	/* daemon writes */
	XENCONS_RING_IDX out_prod;	/* guest writes */
};
PV_ABI_SIZE(struct xencons_interface, 3088);
PV_ABI_AT(struct xencons_interface, in, 0);
PV_ABI_AT(struct xencons_interface, out, 1024);
PV_ABI_AT(struct xencons_interface, in_cons, 3072);
PV_ABI_AT(struct xencons_interface, in_prod, 3076);
PV_ABI_AT(struct xencons_interface, out_cons, 3080);
PV_ABI_AT(struct xencons_interface, out_prod, 3084);

#endif /* PV_ABI_XEN_IO_CONSOLE_H */
