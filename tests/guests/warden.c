/* SPDX-License-Identifier: MIT */
/*
 * The privileged domain of a boot of test guests only: waits, then switches the machine off. The
 * hypervisor does so earlier, when the last test domain has ended (its option testdom=poweroff).
 * Argument seconds=<n>.
 */
#include "guest.h"

void test_main(void)
{
	u64 end = now() + arg_num("seconds", 60) * 1000 * MS;
	struct evtchn_bind_virq b = { .virq = VIRQ_TIMER };

	check_rc("timer", evtchn_op(EVTCHNOP_bind_virq, &b), 0);
	port_unmask(b.port);
	while (now() < end) {
		HC(set_timer_op, now() + 200 * MS, 0, 0, 0);
		sched_op(SCHEDOP_block, NULL);
	}
	report(true, "warden", "time is up");
}
