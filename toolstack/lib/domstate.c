/* SPDX-License-Identifier: MIT */
/* Whether a domain runs: one control call, by the stable libraries. */

#include "domstate.h"

#include <errno.h>
#include <string.h>
#include <xen/xen.h>
#include <xencall.h>

#include "util.h"

#define DOMCTL_VERSION 0x15
#define DOMCTL_GETDOMAININFO 5
#define DOMINF_DYING 1u
#define DOMINF_SHUTDOWN 4u

/* The part of the control ABI that is needed here. */
struct domctl {
	uint32_t cmd;
	uint32_t interface_version;
	uint16_t domain;
	uint16_t pad[3];
	struct {
		uint16_t domain;
		uint16_t pad;
		uint32_t flags;
		uint8_t rest[120];
	} info;
};

_Static_assert(sizeof(struct domctl) == 144, "ABI");

static xencall_handle *calls;
static struct domctl *domctl; /* memory that the hypervisor can reach */

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
	memset(domctl, 0, sizeof(*domctl));
	domctl->cmd = DOMCTL_GETDOMAININFO;
	domctl->interface_version = DOMCTL_VERSION;
	domctl->domain = domid;
	/* The call answers for the next domain there is, if this one is not. */
	if (xencall1(calls, __HYPERVISOR_domctl, (uint64_t)(uintptr_t)domctl) < 0 ||
	    domctl->info.domain != domid)
		return 0;
	if (domctl->info.flags & DOMINF_DYING)
		return 0;
	return domctl->info.flags & DOMINF_SHUTDOWN ? 1 : 2;
}
