/* SPDX-License-Identifier: MIT */
/*
 * Switching a processor between vCPUs.
 *
 * Registers move between the stack top and vcpu->arch.regs on every switch. The rest (roots, segment bases,
 * FPU, debug registers, descriptor tables) stays in the processor while it idles, since the same vCPU comes
 * back most of the time: cpu->loaded says whose it is, and whoever needs it elsewhere calls vcpu_sync().
 */
#include "x86/context.h"
#include "core/event.h"
#include "lib/log.h"
#include "lib/string.h"
#include "x86/desc.h"
#include "x86/irq.h"
#include "x86/setup.h"

static void save_segments(struct vcpu *v)
{
	struct arch_vcpu *a = &v->arch;
	u64 active = read_base(v, MSR_GS_BASE), other = read_base(v, MSR_KERNEL_GS_BASE);
	bool kernel = a->flags & VCPU_KERNEL_MODE;

	__asm__ volatile("mov %%ds, %0" : "=m"(a->ds));
	__asm__ volatile("mov %%es, %0" : "=m"(a->es));
	__asm__ volatile("mov %%fs, %0" : "=m"(a->fs));
	__asm__ volatile("mov %%gs, %0" : "=m"(a->gs));
	a->fs_base = read_base(v, MSR_FS_BASE);
	a->gs_base_kernel = kernel ? active : other;
	a->gs_base_user = kernel ? other : active;
}

/* A selector whose descriptor vanished (the guest changed its tables) becomes null. */
#define LOAD_SEG(seg, sel)                                                                         \
	__asm__ volatile(                                                                          \
		"1: mov %k0, %%" #seg "\n2:\n"                                                     \
		".subsection 1; 3: xor %k0, %k0; jmp 1b; .previous\n"                              \
		".pushsection .ex_table, \"a\"; .balign 4; .long 1b - ., 3b - .; .popsection"      \
		: "+r"(sel)                                                                        \
		:                                                                                  \
		: "memory")

static void load_segments(struct vcpu *v)
{
	struct arch_vcpu *a = &v->arch;
	bool kernel = a->flags & VCPU_KERNEL_MODE;
	u32 ds = a->ds, es = a->es, fs = a->fs, gs = a->gs;

	LOAD_SEG(ds, ds);
	LOAD_SEG(es, es);
	LOAD_SEG(fs, fs);
	LOAD_SEG(gs, gs);
	write_base(v, MSR_FS_BASE, a->fs_base);
	write_base(v, MSR_GS_BASE, kernel ? a->gs_base_kernel : a->gs_base_user);
	write_base(v, MSR_KERNEL_GS_BASE, kernel ? a->gs_base_user : a->gs_base_kernel);
}

void load_debug(const struct vcpu *v)
{
	const u64 *dr = v->arch.debugreg;

	__asm__ volatile("mov %0, %%db0" : : "r"(dr[0]));
	__asm__ volatile("mov %0, %%db1" : : "r"(dr[1]));
	__asm__ volatile("mov %0, %%db2" : : "r"(dr[2]));
	__asm__ volatile("mov %0, %%db3" : : "r"(dr[3]));
	__asm__ volatile("mov %0, %%db6" : : "r"(dr[6]));
	__asm__ volatile("mov %0, %%db7" : : "r"(dr[7] & 0xff ? dr[7] : DR7_RESET));
}

void load_cr4(const struct vcpu *v)
{
	u64 cr4 = read_cr4(), want = (cr4 & ~CR4_FSGSBASE) | (v->arch.cr4 & CR4_FSGSBASE);

	if (cr4 != want)
		write_cr4(want);
}

/* The privileged domain's kernel reaches ports by the bitmap of the TSS. */
static void load_iomap(const struct vcpu *v)
{
	u32 both = VCPU_IOPORTS | VCPU_KERNEL_MODE;

	cpu_info()->tss->iomap_base =
		(v->arch.flags & both) == both ? TSS_IOMAP_GUEST : TSS_IOMAP_NONE;
}

static void load_mode_root(const struct vcpu *v)
{
	if (v->arch.flags & VCPU_KERNEL_MODE)
		load_kernel_root(v);
	else
		load_user_root(v);
}

static void unload(struct cpu *c)
{
	struct vcpu *v = c->loaded;

	if (!v)
		return;
	save_segments(v);
	fpu_save(v);
	if (v->arch.debugreg[7] & 0xff)
		__asm__ volatile("mov %0, %%db7" : : "r"(DR7_RESET));
	load_root(image_maddr(idle_l4), 0);
	cpumask_clear(c->id, &v->domain->dirty_cpus);
	/* Pairs with vcpu_sync() and sched_movable(): the state is in memory before we say so. */
	__atomic_store_n(&v->loaded, false, __ATOMIC_RELEASE);
	__atomic_store_n(&c->loaded, NULL, __ATOMIC_RELEASE);
}

/*
 * Without another vCPU to follow, so that nothing else takes its descriptor tables out of the window: their frames
 * may become somebody else's as soon as it says that it is unloaded, and what has Meltdown reads windows.
 */
static void unload_for_good(struct cpu *c)
{
	if (c->loaded)
		desc_load_window(c->idle);
	unload(c);
	c->predictor = NULL; /* the next domain may have the place of one that dies */
}

/* Calls without a return fill the return predictor; each is followed by what must not be run ahead. */
static void stuff_rsb(void)
{
	u64 n = 16;

	__asm__ volatile("1: call 2f; int3; 2: call 3f; int3; 3: dec %0; jnz 1b\n"
			 "add $32 * 8, %%rsp"
			 : "+r"(n)
			 :
			 : "memory", "cc");
}

/* What d's code meets in the branch predictors is its own, or nobody's. */
static void clean_predictors(struct cpu *c, const struct domain *d)
{
	if (c->predictor == d)
		return;
	c->predictor = d;
	if (cpu_has(X86_IBPB_SWITCH))
		wrmsr(MSR_PRED_CMD, 1);
	if (cpu_has(X86_RSB_STUFF))
		stuff_rsb();
}

static void load(struct cpu *c, struct vcpu *v)
{
	struct arch_vcpu *a = &v->arch;

	cpumask_set(c->id, &v->domain->dirty_cpus);
	clean_predictors(c, v->domain);
	load_mode_root(v);
	desc_load_window(v);
	load_cr4(v); /* before bases: by which means */
	load_segments(v);
	if (a->debugreg[7] & 0xff)
		load_debug(v);
	fpu_load(v);
	if (cpu_has(X86_RDTSCP) || cpu_has(X86_RDPID))
		wrmsr(MSR_TSC_AUX, a->tsc_aux);
	v->loaded = true;
	c->loaded = v;
}

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
	struct cpu_info *info = cpu_info();
	struct cpu *c = info->cpu;

	if (!is_idle(prev))
		memcpy(&prev->arch.regs, &info->regs, offsetof(cpu_user_regs_t, es));
	info->current = next;
	if (is_idle(next)) {
		if (c->loaded && c->loaded->domain->dying)
			unload_for_good(c);
	} else {
		if (c->loaded != next) {
			unload(c);
			load(c, next);
		}
		memcpy(&info->regs, &next->arch.regs, offsetof(cpu_user_regs_t, es));
		load_iomap(next);
	}
}

void arch_kernel_view_begin(const struct vcpu *v)
{
	if (!(v->arch.flags & VCPU_KERNEL_MODE))
		load_kernel_root(v);
}

void arch_kernel_view_end(const struct vcpu *v)
{
	if (!(v->arch.flags & VCPU_KERNEL_MODE))
		load_user_root(v);
}

/* This processor idles and somebody needs what it still has loaded: WORK_UNLOAD. */
void context_unload_idle(void)
{
	if (is_idle(current()))
		unload_for_good(this_cpu());
}

void vcpu_sync(struct vcpu *v)
{
	struct cpu *c = cpus[v->processor];

	if (__atomic_load_n(&c->loaded, __ATOMIC_ACQUIRE) != v)
		return;
	if (c == this_cpu()) {
		if (current() != v)
			unload_for_good(c);
		return;
	}
	cpu_work(c->id, WORK_UNLOAD);
	while (__atomic_load_n(&c->loaded, __ATOMIC_ACQUIRE) == v && !READ_ONCE(v->running))
		spin_wait();
}

/* paging/ keeps the restricted root of an L4 in the last slot of ours, which is not present. */
static u64 restricted_cr3(u64 mfn)
{
	return mfn ? ((const u64 *)mfn_to_virt(mfn))[HV_SLOT_LAST] : 0;
}

void load_guest_root(struct vcpu *v)
{
	v->arch.kernel_cr3 = make_cr3(v->arch.guest_table);
	if (patched_in(X86_XPTI))
		v->arch.kernel_exit_cr3 = restricted_cr3(v->arch.guest_table);
	if (current() == v)
		load_kernel_root(v);
}

/* A vCPU without a user table cannot enter user mode: user_cr3 is 0. */
void note_user_root(struct vcpu *v)
{
	v->arch.user_cr3 = make_cr3(v->arch.user_table);
	if (patched_in(X86_XPTI))
		v->arch.user_exit_cr3 = restricted_cr3(v->arch.user_table);
}

void vcpu_set_iopl(struct vcpu *v, unsigned iopl)
{
	v->arch.iopl = iopl;
	if (v->domain->privileged && iopl)
		v->arch.flags |= VCPU_IOPORTS;
	else
		v->arch.flags &= ~VCPU_IOPORTS;
	if (current() == v)
		load_iomap(v);
}

u32 smp_processor_id(void)
{
	return cpu_info()->id;
}

struct vcpu *current_vcpu(void)
{
	return current();
}

void cpu_work(u32 cpu, u32 bits)
{
	struct cpu_info *self = cpu_info(), *info = cpus[cpu]->info;
	u32 old = __atomic_fetch_or(&info->work, bits, __ATOMIC_ACQ_REL);

	if (info != self && (old & bits) != bits)
		send_ipi(cpu, VEC_KICK);
}

void vcpu_kick(struct vcpu *v)
{
	u32 cpu = READ_ONCE(v->processor);

	if (cpu != cpu_info()->id && vcpu_event_pending(v))
		cpu_work(cpu, WORK_EVENT);
}

/*
 * Interrupts are off, so one that waits cannot be seen: after so many hundreds of instructions, by a rough count,
 * a long call yields anyway, which costs one re-issue.
 */
#define PREEMPT_BUDGET 400
#define PREEMPT_STEP 13 /* what is thought to lie between two questions */

static bool budget_spent(struct cpu *c, u32 n)
{
	c->preempt_budget += n;
	if (likely(c->preempt_budget < PREEMPT_BUDGET))
		return false;
	c->preempt_budget = 0;
	return true;
}

void preempt_charge(u32 n)
{
	struct cpu_info *info = cpu_info();

	if (unlikely(budget_spent(info->cpu, n)))
		__atomic_fetch_or(&info->work, WORK_YIELD, __ATOMIC_RELAXED);
}

bool preempt_needed(void)
{
	struct cpu_info *info = cpu_info();

	return READ_ONCE(info->work) || budget_spent(info->cpu, PREEMPT_STEP);
}
