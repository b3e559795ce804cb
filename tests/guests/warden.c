/* SPDX-License-Identifier: MIT */
/*
 * The privileged domain of a boot of test guests only: waits, then switches the machine off. The
 * hypervisor does so earlier, when the last test domain has ended (its option testdom=poweroff).
 * Argument seconds=<n>; audit: five times a second it presses the debug keys that audit all
 * domains' references and show how much memory is free.
 */
#include <xen/sysctl.h>

#include "guest.h"

static void press(const char *keys)
{
	struct xen_sysctl op = { XEN_SYSCTL_debug_keys, XEN_SYSCTL_INTERFACE_VERSION, { { 0 } } };

	op.u.debug_keys.keys = keys;
	op.u.debug_keys.nr_keys = (u32)str_len(keys);
	HC(sysctl, &op, 0, 0, 0);
}

void test_main(void)
{
	const bool audit = arg("audit");
	u64 end = now() + arg_num("seconds", 60) * 1000 * MS;
	struct evtchn_bind_virq b = { .virq = VIRQ_TIMER };

	check_rc("timer", evtchn_op(EVTCHNOP_bind_virq, &b), 0);
	port_unmask(b.port);
	while (now() < end) {
		HC(set_timer_op, now() + 200 * MS, 0, 0, 0);
		sched_op(SCHEDOP_block, NULL);
		if (audit)
			press("Am");
	}
	report(true, "warden", "time is up");
}
