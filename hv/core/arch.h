/* SPDX-License-Identifier: MIT */
/*
 * What core/ and mm/ need from the processor. x86/ (and pv/ for the parts named so) defines it for the
 * machine, tests/unit/host.c once more for the host; the linker chooses.
 */
#ifndef CORE_ARCH_H
#define CORE_ARCH_H

#include "core/domain.h"
#include "lib/bitmap.h"

/* ---- processors ---- */
u32 smp_processor_id(void);
struct vcpu *current_vcpu(void);
extern cpumask_t cpu_online_map; /* [a] */
extern u32 nr_cpus;              /* processors found; ids are 0..nr_cpus-1 */
u32 cpu_node(u32 cpu);           /* the node that it is of, below nr_nodes */
u32 node_distance(u32 a, u32 b); /* 10: none; twice as much: twice as slow, about */

/* Work asked of a processor, done on its way out to a guest or in its idle loop. Atomic, any processor. */
#define WORK_RESCHED BIT(0) /* call schedule() */
#define WORK_TIMER BIT(1)   /* call timers_run() */
#define WORK_EVENT BIT(3)   /* leave and re-enter: an event may be pending */
#define WORK_UNLOAD BIT(4)  /* the idle processor gives up the vCPU state it still has loaded */
#define WORK_YIELD BIT(5)   /* nothing but to leave the hypervisor for once: it has run long */
void cpu_work(u32 cpu, u32 bits); /* sets them; interrupts the processor if it is another */
/* v, which runs, has an event pending: if it does so elsewhere and would take it, have it leave and look. */
void vcpu_kick(struct vcpu *v);
/* Has this processor something better to do than go on with a long call? (work set, or an event pending
 * that the current vCPU would take) */
bool preempt_needed(void);
/*
 * Something longer than what lies between two such questions was done: about 100 * n instructions. When that
 * adds up, WORK_YIELD is set, so that whoever looks at the work stops. What lies between two points: 100,000.
 */
void preempt_charge(u32 n);
#define PREEMPT_PAGES(n) (6 * (n)) /* for clearing or copying n pages */

/* ---- time ---- */
u64 now_ns(void);                    /* since start, the same on all processors, never backwards */
void timer_program(u64 deadline_ns); /* this processor's next timer interrupt; ~0 = none */
void vcpu_time_update(struct vcpu *v); /* publish time to vcpu_info.time and the secondary area */
void domain_wallclock_update(struct domain *d);
void wallclock_set(u64 utc_ns, u64 at_ns); /* it was utc_ns (since 1970) when now_ns() said at_ns */

/* ---- TLBs ----
 * The TLB clock counts flushes. A frame whose type count reached 0 at stamp s may be retyped once every
 * processor in the owner's dirty_cpus has flushed since s. */
u32 tlb_clock(void);
void tlb_flush_for_retype(struct domain *d, u32 stamp); /* flushes those that have not, waits */
void tlb_flush_mask(const cpumask_t *mask);             /* all of each TLB, waits */
void tlb_flush_va_mask(const cpumask_t *mask, u64 va);  /* one page, waits */
void tlb_flush_local(void);
void tlb_flush_va_local(u64 va);

/* ---- running vCPUs ---- */
/* Save prev's state from this processor and load next's. Either may be idle (nothing to load/save). The exit
 * path resumes whoever is current then. */
void arch_context_switch(struct vcpu *prev, struct vcpu *next);
/* Make sure that no processor has any of v's state loaded (v->loaded). v is descheduled. */
void vcpu_sync(struct vcpu *v);
/* What a vCPU registered by addresses of its kernel is reachable between these two; it runs here. */
void arch_kernel_view_begin(const struct vcpu *v);
void arch_kernel_view_end(const struct vcpu *v);
int arch_vcpu_create(struct vcpu *v); /* 0, -ENOMEM */
void arch_vcpu_destroy(struct vcpu *v);
/* Give back what the architecture holds: page tables' pins, base pointers, descriptor tables; preemptible. */
int arch_domain_relinquish(struct domain *d);
/* VCPUOP_initialise: check and take a guest-supplied context (already copied). 0 or an error. (pv/) */
int arch_vcpu_initialise(struct vcpu *v, const struct vcpu_guest_context *ctx);
/* The same back, of a vCPU that is paused. */
void arch_vcpu_context(struct vcpu *v, struct vcpu_guest_context *ctx);
/* VCPUOP_down / up reset nothing; VCPUOP_send_nmi */
void arch_vcpu_nmi(struct vcpu *v);

/* The running call must be issued again by the guest with these arguments: rewinds RIP, sets the argument
 * registers (or the multicall entry), and makes the call return. Returns the value the handler must return. */
long hypercall_restart(struct vcpu *v, u32 nr, unsigned nargs, const u64 *args);

/* ---- what a domain is (control interface) ---- */
/* Make frame mfn of d a page of hypercall stubs. 0, -EINVAL: not its, or in other use. */
int arch_hypercall_page(struct domain *d, u64 mfn);
/* Leaf i of the CPUID policy of d, of a new domain (NULL), or of the machine; false beyond the last. */
bool arch_cpuid_leaf(const struct domain *d, bool machine, u32 i, struct xen_cpuid_leaf *leaf);
/* Take away from d what this leaf of its policy has not. false: no leaf of a policy. */
bool arch_cpuid_restrict(struct domain *d, const struct xen_cpuid_leaf *leaf);
/* Word i of the published feature set, of a PV guest or of the machine; false (and 0) beyond the last. */
bool arch_feature_word(bool machine, u32 i, u32 *word);

/* ---- machine ---- */
u32 arch_cpu_khz(void);
noreturn_fn void machine_power_off(void);
noreturn_fn void machine_reboot(void);
noreturn_fn void machine_halt(void);
/* The privileged domain died: say why, then reboot or halt as the operator asked (noreboot). */
noreturn_fn void machine_dead(const char *why);
const char *machine_cmdline(void); /* the hypervisor's own command line */
/* Entry i of the machine's memory map (E820 types); false beyond the last. */
bool arch_memory_map(unsigned i, u64 *start, u64 *size, u32 *type);
u64 cpu_physid(u32 cpu);        /* APIC id, ACPI id << 32: VCPUOP_get_physid */
void arch_dump_registers(void); /* debug key d: this processor's guest and control registers */
void console_hw_write(const char *s, size_t n); /* serial, polled; any context */

#endif
