/* SPDX-License-Identifier: MIT */
/*
 * A guest that is one of many: says on its console ring that it is up, sends back what it is told
 * there, and wakes up `every` milliseconds (default 1000) in between. Ends when it is destroyed.
 */
#include <xen/io/console.h>

#include "guest.h"

static volatile struct xencons_interface *ring;

/* What does not fit is lost: nobody waits for it. */
static void tell(const char *text)
{
	struct evtchn_send s = { si->console.domU.evtchn };

	while (*text && ring->out_prod - ring->out_cons < sizeof(ring->out)) {
		ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = *text++;
		barrier();
		ring->out_prod++;
	}
	evtchn_op(EVTCHNOP_send, &s);
}

static void listen(void)
{
	char said[65];
	unsigned n = 0;

	while (n + 1 < sizeof(said) && ring->in_cons != ring->in_prod) {
		barrier();
		said[n++] = ring->in[MASK_XENCONS_IDX(ring->in_cons, ring->in)];
		barrier();
		ring->in_cons++;
	}
	said[n] = 0;
	if (n)
		tell(said);
}

void test_main(void)
{
	struct evtchn_bind_virq b = { .virq = VIRQ_TIMER };
	u64 every = arg_num("every", 1000) * MS;
	char up[64];

	ring = va_of_mfn(si->console.domU.mfn);
	check_rc("timer", evtchn_op(EVTCHNOP_bind_virq, &b), 0);
	port_unmask(b.port);
	port_unmask(si->console.domU.evtchn);
	format(up, sizeof(up), "%s is up\r\n", guest_name);
	tell(up);
	for (;;) {
		listen();
		events_off(); /* what comes before we block must still be pending then */
		if (ring->in_cons != ring->in_prod)
			continue;
		HC(set_timer_op, now() + every, 0, 0, 0);
		sched_op(SCHEDOP_block, NULL);
	}
}
