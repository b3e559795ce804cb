/* SPDX-License-Identifier: MIT */
/* The two-level event ABI: bits in shared_info, summarized in vcpu_info. */

#include "core/arch.h"
#include "core/event.h"
#include "core/evtchn.h"

void evtchn_2l_unmask(struct domain *d, struct evtchn *chn)
{
	struct shared_info *s = d->shared_info;

	if (bit_test_and_clear(s->evtchn_mask, chn->port) && bit_test(s->evtchn_pending, chn->port))
		evtchn_2l_tell(d->vcpu[READ_ONCE(chn->vcpu)], chn->port);
}

bool evtchn_2l_is_pending(const struct domain *d, u32 port)
{
	return bit_test(d->shared_info->evtchn_pending, port);
}

bool evtchn_2l_is_masked(const struct domain *d, u32 port)
{
	return bit_test(d->shared_info->evtchn_mask, port);
}

void evtchn_2l_clear_pending(struct domain *d, u32 port)
{
	bit_test_and_clear(d->shared_info->evtchn_pending, port);
}
