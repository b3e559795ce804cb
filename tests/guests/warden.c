/* SPDX-License-Identifier: MIT */
/*
 * The privileged domain of a boot of test guests only: waits, then switches the machine off.
 * Argument seconds=<n>; audit: five times a second it presses the debug keys that audit all
 * domains' references and show how much memory is free; move: 200 times a second it says where a
 * vCPU of the first domains has to run.
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

/* A domain that has ended, or has no such vCPU, and processors that there are not: refused. */
static void move(u32 n)
{
	u8 where[8] = { 1 + n * 7 % 15 };
	struct xen_domctl op = { XEN_DOMCTL_setvcpuaffinity,
				 XEN_DOMCTL_INTERFACE_VERSION,
				 (domid_t)(1 + n % 2),
				 { 0 },
				 { { 0 } } };

	op.u.vcpuaffinity.vcpu = n / 2 % 5;
	op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
	op.u.vcpuaffinity.cpumap_hard.bitmap = where;
	op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
	HC(domctl, &op, 0, 0, 0);
}

void test_main(void)
{
	const bool audit = arg("audit"), moves = arg("move");
	u64 period = moves ? 5 * MS : 200 * MS;
	u64 end = now() + arg_num("seconds", 60) * 1000 * MS;
	struct evtchn_bind_virq b = { .virq = VIRQ_TIMER };

	check_rc("timer", evtchn_op(EVTCHNOP_bind_virq, &b), 0);
	port_unmask(b.port);
	for (u32 n = 1; now() < end; n++) {
		events_off(); /* a timer that is over before we block must still be pending then */
		HC(set_timer_op, now() + period, 0, 0, 0);
		sched_op(SCHEDOP_block, NULL);
		if (moves)
			move(n);
		if (audit && !(n % (200 * MS / period)))
			press("Am");
	}
	report(true, "warden", "time is up");
}
