/* SPDX-License-Identifier: MIT */
/* The way to the hypervisor: calls, foreign memory, and which version of the interface it speaks. */

#ifndef LIBPAVISE_LINK_H
#define LIBPAVISE_LINK_H

#include <stdint.h>
#include <xen/memory.h>
#include <xen/sysctl.h>
#include <xencall.h>
#include <xenforeignmemory.h>

#include "failure.h"

/* One release of the control interface. Another release is another row of the table in link.c. */
struct interface {
	const char *release;
	uint32_t domctl, sysctl;
};

#define CALL_ARRAY_BYTES (64u << 10)

/* One thread uses it. The structures lie in memory that the hypervisor can reach at any time. */
struct pavise {
	xencall_handle *calls;
	xenforeignmemory_handle *memory;
	const struct interface *interface;
	struct xen_domctl *domctl;
	struct xen_sysctl *sysctl;
	void *argument; /* of other calls: a page */
	void *array;    /* that an argument points to: CALL_ARRAY_BYTES */
};

/* Opens it. pavise_close() in any case. */
bool pavise_open(struct pavise *p, struct failure *f);
void pavise_close(struct pavise *p);

/* The structure, cleared, for the next call. */
struct xen_domctl *domctl_new(struct pavise *p, uint16_t domid);
struct xen_sysctl *sysctl_new(struct pavise *p);
/* Any number there is, or -errno. */
int domctl_call(struct pavise *p, uint32_t command);
int sysctl_call(struct pavise *p, uint32_t command);
/* p->argument is copied from and to arg. */
long memory_call(struct pavise *p, unsigned int command, void *arg, size_t bytes);
int call2(struct pavise *p, unsigned int call, unsigned int command, void *arg, size_t bytes);

#endif /* LIBPAVISE_LINK_H */
