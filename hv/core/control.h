/* SPDX-License-Identifier: MIT */
/* The control interface, domctl and sysctl: what its files share. The design is in docs/control.md. */
#ifndef CORE_CONTROL_H
#define CORE_CONTROL_H

#include <xen/sysctl.h>

#include "core/domain.h"

/* One call while it is carried out. */
struct control_call {
	struct vcpu *v;   /* who calls */
	struct domain *d; /* domctl: whom it is about, held; NULL: nobody (CONTROL_FREE) */
	u32 done, next;   /* where a call that was interrupted goes on; 0 at first */
	union {
		struct {
			u32 cmd, version;
		} head;
		struct xen_domctl domctl;
		struct xen_sysctl sysctl;
	} op;
};

#define CONTROL_OUT BIT(0)   /* the structure goes back to the caller */
#define CONTROL_FREE BIT(1)  /* on no domain, or on one that it finds itself */
#define CONTROL_DYING BIT(2) /* on dying domains too */
#define CONTROL_OTHER BIT(3) /* not about the caller's own domain: -EINVAL */

/*
 * A row of an interface's table. fn: 0, -E*, or -ERESTART: to be issued again, with `done` and `next` as they are
 * now. What it does to a domain it does under that domain's control_lock.
 */
struct control_op {
	int (*fn)(struct control_call *c);
	u8 flags;
};

#define DOMCTL_OPS (XEN_DOMCTL_set_cpu_policy + 1)
#define SYSCTL_OPS (XEN_SYSCTL_get_cpu_policy + 1)
extern const struct control_op domctl_ops[DOMCTL_OPS], sysctl_ops[SYSCTL_OPS];

/* What XEN_DOMCTL_getdomaininfo says of d, which is held. (control.c) */
void control_domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);
/* n bits (at most MAX_CPUS) to a bitmap of the caller's; those beyond become 0. 0, -EFAULT. */
int control_put_bitmap(const struct xenctl_bitmap *to, const u64 *bits, u32 n);
/* At most n bits of a bitmap of the caller's; those it does not have become 0. 0, -EFAULT. */
int control_get_bitmap(u64 *bits, u32 n, const struct xenctl_bitmap *from);
/*
 * Leaves of a CPUID policy (d NULL: a new domain's, or the machine's) to *leaves, at most *nr; no MSRs. NULL: how
 * many there are. 0, -EFAULT, -ENOBUFS.
 */
int control_put_policy(const struct domain *d, bool machine, const guest_ptr_t *leaves,
		       u32 *nr_leaves, u32 *nr_msrs);

#endif
