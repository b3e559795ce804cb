/* SPDX-License-Identifier: MIT */
/*
 * The host's side of core/arch.h and of the mm globals, for unit tests. Every definition in host.c
 * is weak: a test, or the hypervisor file that owns the symbol, may define it again.
 */
#ifndef TESTS_UNIT_HOST_H
#define TESTS_UNIT_HOST_H

#include "core/arch.h"

/* ---- what a test sets ---- */
/* A test or a fuzzer may have its own. */
#define WEAK __attribute__((weak))

extern u32 host_cpu;              /* smp_processor_id() */
extern struct vcpu *host_current; /* current_vcpu() */
extern u64 host_time;             /* now_ns() */
extern u32 host_node[4];          /* of each processor */
extern bool host_preempt;         /* preempt_needed() */

/* ---- what a test looks at ---- */
extern char host_log[512];          /* the newest message, level apart */
extern unsigned host_log_count;     /* messages so far */
extern u32 host_work[MAX_CPUS];     /* bits given to cpu_work() */
extern u64 host_deadline[MAX_CPUS]; /* newest timer_program(), by host_cpu */
extern u32 host_flushes;         /* TLB flushes asked for, of any kind; also moves the TLB clock */
extern u32 host_restarted;       /* hypercall_restart() calls */
extern u64 host_restart_args[6]; /* arguments of the newest */

/* Memory of `frames` frames from machine address 0, a frame table and a machine-to-physical table,
 * all zero (M2P: no entry). May be called again: the old one is freed. */
void host_machine(u64 frames);

#endif
