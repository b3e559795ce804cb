/* SPDX-License-Identifier: MIT */
/* The store's view of the hypervisor. */

#ifndef STORE_HOST_XEN_H
#define STORE_HOST_XEN_H

#include "store.h"

#define XC_PAGE_SIZE 4096

/* Opens what it needs, or ends the program with a sentence; *fd: readable when there are events. */
const struct host *host_xen_open(int *fd);
/* Domain 0's kernel reaches the store by a ring of its own. */
void host_xen_introduce_dom0(struct store *s);
/* Serves one event. */
void host_xen_event(struct store *s);

#endif /* STORE_HOST_XEN_H */
