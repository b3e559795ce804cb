/* SPDX-License-Identifier: MIT */
/* Whether domains run: control calls, by the stable libraries. */

#include "domstate.h"

#include <errno.h>
#include <string.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xencall.h>

#include "util.h"

#define BATCH 256

static xencall_handle *calls;
/* memory that the hypervisor can reach */
static struct xen_domctl *domctl;
static struct xen_sysctl *sysctl;
static struct xen_domctl_getdomaininfo *infos; /* [BATCH] */

void domain_state_open(void)
{
	calls = xencall_open(NULL, 0);
	if (!calls)
		die("can't open /dev/xen/privcmd: %s; this runs in the privileged domain only",
		    strerror(errno));
	domctl = xencall_alloc_buffer(calls, sizeof(*domctl));
	sysctl = xencall_alloc_buffer(calls, sizeof(*sysctl));
	infos = xencall_alloc_buffer(calls, BATCH * sizeof(*infos));
	if (!domctl || !sysctl || !infos)
		die("out of memory");
}

static int state_of(const struct xen_domctl_getdomaininfo *d)
{
	if (d->flags & XEN_DOMINF_dying)
		return 0;
	return d->flags & XEN_DOMINF_shutdown ? 1 : 2;
}

int domain_state(uint16_t domid)
{
	memset(domctl, 0, sizeof(*domctl));
	domctl->cmd = XEN_DOMCTL_getdomaininfo;
	domctl->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	domctl->domain = domid;
	/* The call answers for the next domain there is, if this one is not. */
	if (xencall1(calls, __HYPERVISOR_domctl, (uint64_t)(uintptr_t)domctl) < 0 ||
	    domctl->u.getdomaininfo.domain != domid)
		return 0;
	return state_of(&domctl->u.getdomaininfo);
}

bool domain_states(uint8_t state[DOMID_FIRST_RESERVED])
{
	uint32_t got = BATCH;
	uint16_t first = 0;

	memset(state, 0, DOMID_FIRST_RESERVED);
	while (got == BATCH) {
		*sysctl = (struct xen_sysctl){
			.cmd = XEN_SYSCTL_getdomaininfolist,
			.interface_version = XEN_SYSCTL_INTERFACE_VERSION,
			.u.getdomaininfolist = { .first_domain = first,
						 .max_domains = BATCH,
						 .buffer = infos },
		};
		if (xencall1(calls, __HYPERVISOR_sysctl, (uint64_t)(uintptr_t)sysctl) < 0)
			return false;
		got = sysctl->u.getdomaininfolist.num_domains;
		for (uint32_t i = 0; i < got; i++)
			state[infos[i].domain] = (uint8_t)state_of(&infos[i]);
		if (got)
			first = (uint16_t)(infos[got - 1].domain + 1);
	}
	return true;
}
