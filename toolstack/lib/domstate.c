/* SPDX-License-Identifier: MIT */
/* Whether a domain runs: one control call, by the stable libraries. */

#include "domstate.h"

#include <errno.h>
#include <string.h>
#include <xen/domctl.h>
#include <xencall.h>

#include "util.h"

static xencall_handle *calls;
static struct xen_domctl *domctl; /* memory that the hypervisor can reach */

void domain_state_open(void)
{
	calls = xencall_open(NULL, 0);
	if (!calls)
		die("can't open /dev/xen/privcmd: %s; this runs in the privileged domain only",
		    strerror(errno));
	domctl = xencall_alloc_buffer(calls, sizeof(*domctl));
	if (!domctl)
		die("out of memory");
}

int domain_state(uint16_t domid)
{
	uint32_t flags;

	memset(domctl, 0, sizeof(*domctl));
	domctl->cmd = XEN_DOMCTL_getdomaininfo;
	domctl->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	domctl->domain = domid;
	/* The call answers for the next domain there is, if this one is not. */
	if (xencall1(calls, __HYPERVISOR_domctl, (uint64_t)(uintptr_t)domctl) < 0 ||
	    domctl->u.getdomaininfo.domain != domid)
		return 0;
	flags = domctl->u.getdomaininfo.flags;
	if (flags & XEN_DOMINF_dying)
		return 0;
	return flags & XEN_DOMINF_shutdown ? 1 : 2;
}
