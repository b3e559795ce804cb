/* SPDX-License-Identifier: MIT */
/* Event channels: what the rest of the hypervisor may ask. The calls are in event_channel.c. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "core/domain.h"

int evtchn_init_domain(struct domain *d); /* 0, -ENOMEM */
/* Memory for so many ports ahead; before d runs. Where it is short, it is asked for again in time. */
void evtchn_make_ahead(struct domain *d, u32 ports);
int evtchn_destroy_domain(struct domain *d); /* closes all; preemptible: 0, -ERESTART */
void evtchn_free_domain(struct domain *d);   /* memory; nobody refers to it any more */

/*
 * Raise a VIRQ: of a vCPU (VIRQ_TIMER, VIRQ_DEBUG, ...), or of the privileged domain (VIRQ_CONSOLE,
 * ...).
 */
void send_vcpu_virq(struct vcpu *v, u32 virq);
void send_global_virq(u32 virq);

/* A machine interrupt bound to a port of d arrived: the processor of the port's vCPU; -1: it is not. */
s32 send_pirq_event(struct domain *d, u32 port);
/* EVTCHNOP_bind_pirq and its undoing reach x86/ through these two (arch): */
int arch_pirq_bind(struct domain *d, u32 pirq, u32 port, bool will_share); /* 0 or an error */
void arch_pirq_unbind(struct domain *d, u32 pirq);
void arch_pirq_unmasked(struct domain *d, u32 pirq); /* the guest unmasked its port */
/* EVTCHNOP_bind_vcpu: arrive there from now on */
void arch_pirq_set_cpu(struct domain *d, u32 pirq, u32 cpu);

/* Is an event pending for v that it would take now? (pending and not masked) */
static inline bool vcpu_event_pending(const struct vcpu *v)
{
	return READ_ONCE(v->vcpu_info->evtchn_upcall_pending) &&
	       !READ_ONCE(v->vcpu_info->evtchn_upcall_mask);
}

/* For SCHEDOP_poll: 1: this port of d is pending, 0: it is not, -EINVAL: there is no such port. */
int evtchn_port_pending(struct domain *d, u32 port);
/* A debug key prints every port of every domain. */
void evtchn_dump(void);

/* The registered vcpu_info moved: carry pending state over (VCPUOP_register_vcpu_info). */
void evtchn_vcpu_info_moved(struct vcpu *v);

#endif
