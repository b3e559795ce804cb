/* SPDX-License-Identifier: MIT */
/* sched_op: giving the processor away, and stopping. */

#ifndef PV_ABI_XEN_SCHED_H
#define PV_ABI_XEN_SCHED_H

#include "event_channel.h"

/* sched_op(cmd, arg): by any domain, for itself, unless said otherwise. */

/* SCHEDOP_yield: let others run. Arg: NULL. No errors. */
#define SCHEDOP_yield			0

/*
 * SCHEDOP_block: clear evtchn_upcall_mask and, unless an event is pending, sleep until one is.
 * Arg:	NULL. No errors.
 */
#define SCHEDOP_block			1

/*
 * SCHEDOP_shutdown: stop all vCPUs of the domain and tell the toolstack why.
 * Arg:	struct sched_shutdown; for SHUTDOWN_suspend, a PV guest passes the machine frame of its
 *	start_info as the third argument of the call
 * Ret:	does not return, but after SHUTDOWN_suspend: 0 resumed elsewhere, 1 suspend taken back
 * Err:	-EINVAL	reason beyond SHUTDOWN_MAX
 */
#define SCHEDOP_shutdown		2

/*
 * SCHEDOP_poll: sleep until one of the ports is pending (masked or not), or until timeout.
 * Arg:	struct sched_poll
 * Err:	-EINVAL	more than 128 ports, or a port that does not exist
 */
#define SCHEDOP_poll			3

/*
 * SCHEDOP_remote_shutdown: as SCHEDOP_shutdown, for another domain.
 * By:	the privileged domain, or the domain's device model
 * Arg:	struct sched_remote_shutdown
 * Err:	-ESRCH	no such domain
 *	-EINVAL	reason beyond SHUTDOWN_MAX
 */
#define SCHEDOP_remote_shutdown		4

/*
 * SCHEDOP_shutdown_code: keep the reason; a later shutdown reports it.
 * Arg:	struct sched_shutdown
 * Err:	-EINVAL	reason beyond SHUTDOWN_MAX
 */
#define SCHEDOP_shutdown_code		5

/*
 * SCHEDOP_watchdog: stop the domain (SHUTDOWN_watchdog) unless it calls again in time.
 * Arg:	struct sched_watchdog: id 0 a new timer; id and timeout 0 ends it; both set restarts it
 * Ret:	the id of a new timer
 * Err:	-EINVAL	no such id, or id and timeout both 0
 *	-ENOSPC	both timers of the domain are in use
 */
#define SCHEDOP_watchdog		6

/*
 * SCHEDOP_pin_override: keep this vCPU on one processor for a while.
 * By:	the privileged domain
 * Arg:	struct sched_pin_override
 * Err:	-EINVAL	no such processor, or none free for the vCPU
 *	-EBUSY	already overridden
 */
#define SCHEDOP_pin_override		7

struct sched_shutdown {
	uint32_t reason;		/* IN SHUTDOWN_* */
};
typedef struct sched_shutdown sched_shutdown_t;
PV_ABI_SIZE(struct sched_shutdown, 4);
PV_ABI_AT(struct sched_shutdown, reason, 0);

struct sched_poll {
	GUEST_PTR(evtchn_port_t) ports;	/* IN */
	uint32_t nr_ports;		/* IN */
	uint32_t _pad0;
	uint64_t timeout;		/* IN absolute system time in ns; 0: no timeout */
};
typedef struct sched_poll sched_poll_t;
PV_ABI_SIZE(struct sched_poll, 24);
PV_ABI_AT(struct sched_poll, ports, 0);
PV_ABI_AT(struct sched_poll, nr_ports, 8);
PV_ABI_AT(struct sched_poll, timeout, 16);

struct sched_remote_shutdown {
	domid_t domain_id;		/* IN */
	uint16_t _pad0;
	uint32_t reason;		/* IN SHUTDOWN_* */
};
typedef struct sched_remote_shutdown sched_remote_shutdown_t;
PV_ABI_SIZE(struct sched_remote_shutdown, 8);
PV_ABI_AT(struct sched_remote_shutdown, domain_id, 0);
PV_ABI_AT(struct sched_remote_shutdown, reason, 4);

struct sched_watchdog {
	uint32_t id;			/* IN */
	uint32_t timeout;		/* IN seconds */
};
typedef struct sched_watchdog sched_watchdog_t;
PV_ABI_SIZE(struct sched_watchdog, 8);
PV_ABI_AT(struct sched_watchdog, id, 0);
PV_ABI_AT(struct sched_watchdog, timeout, 4);

struct sched_pin_override {
	int32_t pcpu;			/* IN; negative takes the override back */
};
typedef struct sched_pin_override sched_pin_override_t;
PV_ABI_SIZE(struct sched_pin_override, 4);
PV_ABI_AT(struct sched_pin_override, pcpu, 0);

#define SHUTDOWN_poweroff	0	/* finished: destroy */
#define SHUTDOWN_reboot		1	/* destroy and start again */
#define SHUTDOWN_suspend	2	/* save */
#define SHUTDOWN_crash		3	/* something went wrong inside */
#define SHUTDOWN_watchdog	4	/* the watchdog was not answered */
#define SHUTDOWN_soft_reset	5	/* forget what the hypervisor knows, keep the rest */
#define SHUTDOWN_MAX		5

#endif /* PV_ABI_XEN_SCHED_H */
