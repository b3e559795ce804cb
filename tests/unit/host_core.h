/* SPDX-License-Identifier: MIT */
/* A machine of two processors with the privileged domain and two others, for the tests of core/. */
#ifndef TESTS_UNIT_HOST_CORE_H
#define TESTS_UNIT_HOST_CORE_H

#include <criterion/criterion.h>

#include "core/hypercall.h"
#include "host.h"

#define TEST_CPUS 4 /* at most */

extern struct domain *dom0, *domu, *domv;
extern struct vcpu *v0, *v1;           /* of dom0, on processors 0 and 1 */
extern struct vcpu *u0, *u1;           /* of domu */
extern struct vcpu *w0;                /* of domv, on processor 0 */
extern struct vcpu *on_cpu[TEST_CPUS]; /* who runs */
extern char host_console[65536];       /* what went to the serial line */
extern size_t host_console_len;
extern u64 pte_at; /* entry that arch_grant_map() made, and its frame */
extern u64 pte_mfn_there;
extern int grant_map_status; /* what arch_grant_map / unmap answer */
extern int pirq_bind_result;
extern int context_result;           /* arch_vcpu_initialise() */
extern unsigned relinquish_restarts; /* arch_domain_relinquish() says so many times -ERESTART */
extern bool heap_is_empty;           /* the heap gives nothing */

/* So many processors, all idle, and no domain. */
void machine_of(u32 cpus);
/* Two processors. Domains and vCPUs exist; all vCPUs are down but v0, which runs on processor 0. */
void machine_up(void);
/* What the exit path and the idle loop do with work asked of a processor. */
void run_cpu(u32 cpu);
/* Until nobody has work left. */
void run_all(void);
/* sched_pool_cpu() until it is done. */
int pool_cpu(u32 id, u32 cpu, bool add);
void reap_all(void); /* and lets time pass, until the dead are gone */
/* Let a vCPU run on its processor, as if nobody else were there. */
void put_on_cpu(struct vcpu *v);
/* n pages for d; the first one's frame number. */
u64 give_pages(struct domain *d, unsigned order);

#define CALL2(fn, a, b, v) fn((u64)(a), (u64)(b), 0, 0, 0, v)
#define CALL3(fn, a, b, c, v) fn((u64)(a), (u64)(b), (u64)(c), 0, 0, v)
#define EVTCHN(cmd, op, v) CALL2(do_event_channel_op, EVTCHNOP_##cmd, op, v)
#define SCHED(cmd, op, v) CALL2(do_sched_op, SCHEDOP_##cmd, op, v)
#define VCPU(cmd, id, op, v) CALL3(do_vcpu_op, VCPUOP_##cmd, id, op, v)
#define MEMORY(cmd, op, v) CALL2(do_memory_op, XENMEM_##cmd, op, v)
#define GRANT(cmd, op, n, v) CALL3(do_grant_table_op, GNTTABOP_##cmd, op, n, v)
#define expect(what, value)                                                                        \
	cr_assert_eq((long)(what), (long)(value), "%s is %ld, not %ld", #what, (long)(what),       \
		     (long)(value))
/* Calls with side effects: evaluated once. */
#define expect_ret(call, value)                                                                    \
	do {                                                                                       \
		long ret_ = (call);                                                                \
		cr_assert_eq(ret_, (long)(value), "%s gives %ld, not %ld", #call, ret_,            \
			     (long)(value));                                                       \
	} while (0)

#endif
