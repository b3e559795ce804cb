/* SPDX-License-Identifier: MIT */
/* The host stands in for the machine. All weak: see host.h. */
#include "host.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/console.h"
#include "core/event.h"
#include "core/grant.h"
#include "core/guest_access.h"
#include "lib/log.h"

WEAK u32 host_cpu;
WEAK struct vcpu *host_current;
WEAK u64 host_time;
WEAK bool host_preempt;
WEAK char host_log[512];
WEAK unsigned host_log_count;
WEAK u32 host_work[MAX_CPUS];
WEAK u64 host_deadline[MAX_CPUS];
WEAK u32 host_flushes;
WEAK u32 host_restarted;
WEAK u64 host_restart_args[6];

/* ---- lib ---- */
WEAK void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("panic: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort(); /* a test that expects it says .signal = SIGABRT */
}

static void take_message(const char *fmt, va_list ap)
{
	vsnprintf(host_log, sizeof(host_log), fmt, ap);
	host_log_count++;
	if (getenv("UNIT_VERBOSE"))
		fputs(host_log, stderr);
}

WEAK void log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	take_message(fmt, ap);
	va_end(ap);
}

WEAK void guest_log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	take_message(fmt, ap);
	va_end(ap);
}

WEAK void spin_wait(void)
{
	sched_yield();
}

/* ---- mm globals ---- */
WEAK u64 directmap_base;
WEAK struct page_info *frame_table;
WEAK u64 *m2p_table;
WEAK u64 max_mfn, mfn_mask, maddr_mask;
WEAK bool has_cmpxchg16b = true;

WEAK void host_machine(u64 frames)
{
	if (max_mfn) {
		free((void *)directmap_base);
		free(frame_table);
		free(m2p_table);
	}
	directmap_base = (u64)aligned_alloc(PAGE_SIZE, frames * PAGE_SIZE);
	frame_table = calloc(frames, sizeof(*frame_table));
	m2p_table = malloc(frames * sizeof(*m2p_table));
	if (!directmap_base || !frame_table || !m2p_table)
		panic("no memory for a machine of %lu frames", frames);
	memset((void *)directmap_base, 0, frames * PAGE_SIZE);
	memset(m2p_table, 0xff, frames * sizeof(*m2p_table));
	set_max_mfn(frames);
}

static int refuse_type(struct page_info *pg, u64 type, bool preemptible)
{
	(void)pg;
	(void)type;
	(void)preemptible;
	return -EINVAL;
}

/* Tests of the type engine bring validators of their own, or link paging/. */
WEAK const struct type_ops page_type_ops = { refuse_type, refuse_type };

/* ---- processors ---- */
WEAK cpumask_t cpu_online_map = { { 1 } };
WEAK u32 nr_cpus = 1;

u32 host_node[4];

WEAK u32 cpu_node(u32 cpu)
{
	return host_node[cpu];
}

WEAK u32 node_distance(u32 a, u32 b)
{
	return a == b ? 10 : 21;
}

WEAK u32 smp_processor_id(void)
{
	return host_cpu;
}

WEAK struct vcpu *current_vcpu(void)
{
	return host_current;
}

WEAK void cpu_work(u32 cpu, u32 bits)
{
	__atomic_fetch_or(&host_work[cpu], bits, __ATOMIC_RELAXED);
}

WEAK bool preempt_needed(void)
{
	return host_preempt;
}

WEAK void preempt_charge(u32 n)
{
	(void)n;
}

/* ---- time ---- */
WEAK u64 now_ns(void)
{
	return host_time;
}

WEAK void timer_program(u64 deadline_ns)
{
	host_deadline[host_cpu] = deadline_ns;
}

WEAK void vcpu_time_update(struct vcpu *v)
{
	(void)v;
}

WEAK void domain_wallclock_update(struct domain *d)
{
	(void)d;
}

/* ---- TLBs: there are none to be stale; what was asked is counted ---- */
WEAK u32 tlb_clock(void)
{
	return host_flushes;
}

WEAK void tlb_flush_for_retype(struct domain *d, u32 stamp)
{
	(void)d;
	(void)stamp;
	host_flushes++;
}

WEAK void tlb_flush_mask(const cpumask_t *mask)
{
	(void)mask;
	host_flushes++;
}

WEAK void tlb_flush_va_mask(const cpumask_t *mask, u64 va)
{
	(void)mask;
	(void)va;
	host_flushes++;
}

WEAK void tlb_flush_local(void)
{
	host_flushes++;
}

WEAK void tlb_flush_va_local(u64 va)
{
	(void)va;
	host_flushes++;
}

/* ---- vCPUs and domains ---- */
WEAK void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
	(void)prev;
	host_current = next;
}

WEAK int arch_vcpu_create(struct vcpu *v)
{
	(void)v;
	return 0;
}

WEAK void arch_vcpu_destroy(struct vcpu *v)
{
	(void)v;
}

WEAK void vcpu_kick(struct vcpu *v)
{
	if (v->processor != smp_processor_id() && vcpu_event_pending(v))
		cpu_work(v->processor, WORK_EVENT);
}

WEAK void domain_reap(void)
{
}

WEAK int arch_domain_relinquish(struct domain *d)
{
	(void)d;
	return 0;
}

WEAK int arch_vcpu_initialise(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
	(void)v;
	(void)ctx;
	return 0;
}

WEAK void arch_vcpu_context(struct vcpu *v, struct vcpu_guest_context *ctx)
{
	ctx->user_regs = v->arch.regs;
}

/* A policy of two leaves, of which a domain may lose the first one's features. */
WEAK bool arch_cpuid_leaf(const struct domain *d, bool machine, u32 i, struct xen_cpuid_leaf *leaf)
{
	*leaf = (struct xen_cpuid_leaf){ .leaf = i, .subleaf = machine, .d = ~0U };
	if (d && !i)
		leaf->d = ~d->arch.cpuid_off[0];
	return i < 2;
}

WEAK bool arch_cpuid_restrict(struct domain *d, const struct xen_cpuid_leaf *leaf)
{
	d->arch.cpuid_off[0] = ~leaf->d;
	return !leaf->leaf;
}

WEAK bool arch_feature_word(bool machine, u32 i, u32 *word)
{
	*word = i < 3 ? i + machine : 0;
	return i < 3;
}

WEAK u32 arch_cpu_khz(void)
{
	return 1000000;
}

WEAK void arch_vcpu_nmi(struct vcpu *v)
{
	v->arch.nmi_pending = true;
}

WEAK long hypercall_restart(struct vcpu *v, u32 nr, unsigned nargs, const u64 *args)
{
	(void)v;
	(void)nr;
	host_restarted++;
	memcpy(host_restart_args, args, nargs * sizeof(*args));
	return -ERESTART;
}

WEAK void domain_kill(struct domain *d, const char *why)
{
	const char *none = NULL;

	__atomic_compare_exchange_n(&d->dead, &none, why, false, __ATOMIC_ACQ_REL,
				    __ATOMIC_RELAXED);
}

WEAK int arch_pirq_bind(struct domain *d, u32 pirq, u32 port, bool will_share)
{
	(void)d;
	(void)pirq;
	(void)port;
	(void)will_share;
	return -EINVAL;
}

WEAK void arch_pirq_unbind(struct domain *d, u32 pirq)
{
	(void)d;
	(void)pirq;
}

WEAK void arch_pirq_unmasked(struct domain *d, u32 pirq)
{
	(void)d;
	(void)pirq;
}

/* ---- a guest's memory: the test's own; page 0 and what no program can have is -EFAULT ---- */
static bool guest_range_bad(u64 va, size_t len)
{
	return va < PAGE_SIZE || va >= 1UL << 47 || len > (1UL << 47) - va;
}

WEAK int copy_from_guest(void *dst, u64 va, size_t len)
{
	if (guest_range_bad(va, len))
		return -EFAULT;
	memcpy(dst, (void *)va, len);
	return 0;
}

int copy_24_from_guest(void *dst, u64 va)
{
	return copy_from_guest(dst, va, 24);
}

int copy_32_from_guest(void *dst, u64 va)
{
	return copy_from_guest(dst, va, 32);
}

int copy_40_from_guest(void *dst, u64 va)
{
	return copy_from_guest(dst, va, 40);
}

WEAK s64 read_guest_u32(u64 va)
{
	u32 value;

	return copy_from_guest(&value, va, sizeof(value)) ? -EFAULT : (s64)value;
}

WEAK int copy_to_guest(u64 va, const void *src, size_t len)
{
	if (guest_range_bad(va, len))
		return -EFAULT;
	memcpy((void *)va, src, len);
	return 0;
}

WEAK int clear_guest(u64 va, size_t len)
{
	if (guest_range_bad(va, len))
		return -EFAULT;
	memset((void *)va, 0, len);
	return 0;
}

/* ---- machine ---- */
WEAK void machine_power_off(void)
{
	exit(70);
}

WEAK void machine_reboot(void)
{
	exit(71);
}

WEAK void machine_halt(void)
{
	exit(72);
}

WEAK void console_hw_write(const char *s, size_t n)
{
	if (getenv("UNIT_VERBOSE"))
		fwrite(s, 1, n, stderr);
}
