/* SPDX-License-Identifier: MIT */
/*
 * The machine under the tests of core/: beyond host.c, processors that switch, and what x86/ and
 * paging/ answer.
 */
#include "host_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/event.h"
#include "core/grant.h"

#include <xen/grant_table.h>

struct domain *dom0, *domu, *domv;
struct vcpu *v0, *v1, *u0, *u1, *w0, *on_cpu[TEST_CPUS];
char host_console[65536];
size_t host_console_len;
u64 pte_at, pte_mfn_there;
int grant_map_status = GNTST_okay;
int pirq_bind_result;
int context_result;
unsigned relinquish_restarts;
bool heap_is_empty;

/* The linker sends the floors above mm/ through these. */
#define WRAP(type, name, params, ...)                                                              \
	type __real_##name params;                                                                 \
	type __wrap_##name params;                                                                 \
	type __wrap_##name params                                                                  \
	{                                                                                          \
		return heap_is_empty ? NULL : __real_##name(__VA_ARGS__);                          \
	}
WRAP(struct page_info *, alloc_heap_pages, (unsigned order, u32 memflags), order, memflags)
WRAP(struct page_info *, alloc_domheap_pages,
     (struct domain * d, unsigned order, u32 memflags, u64 gpfn), d, order, memflags, gpfn)
WRAP(void *, alloc_page_zeroed, (void), )
WRAP(void *, xzalloc_bytes, (size_t size), size)

struct vcpu *current_vcpu(void)
{
	return on_cpu[host_cpu];
}

static struct vcpu *loaded[TEST_CPUS]; /* as x86/context.c: an idle processor keeps what it has */

static void load(u32 cpu, struct vcpu *v)
{
	if (loaded[cpu])
		loaded[cpu]->loaded = false;
	loaded[cpu] = v;
	if (v)
		v->loaded = true;
}

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
	cr_assert(on_cpu[host_cpu] == prev);
	on_cpu[host_cpu] = next;
	if (is_idle(next) || loaded[host_cpu] == next)
		return;
	cr_assert(!next->loaded, "its state is on another processor");
	load(host_cpu, next);
}

void vcpu_sync(struct vcpu *v)
{
	if (v->loaded && on_cpu[v->processor] != v)
		load(v->processor, NULL);
}

void run_cpu(u32 cpu)
{
	u32 work = __atomic_exchange_n(&host_work[cpu], 0, __ATOMIC_RELAXED), was = host_cpu;

	host_cpu = cpu;
	if (work & WORK_TIMER)
		timers_run(cpu);
	if (work & WORK_RESCHED)
		schedule(on_cpu[cpu]);
	host_cpu = was;
}

static unsigned turns; /* of spin_wait(), since all had run */

void run_all(void)
{
	unsigned rounds = 0;
	u32 cpu;

	turns = 0;
	while (host_work[0] | host_work[1] | host_work[2] | host_work[3]) {
		cr_assert(++rounds < 10000, "work without end");
		for (cpu = 0; cpu < nr_cpus; cpu++)
			run_cpu(cpu);
	}
}

/* Time passes, for the reaper too. */
void reap_all(void)
{
	unsigned i;

	for (i = 0; i < 100; i++) {
		run_all();
		host_time += 1000000;
		timers_run(0);
	}
}

/* Somebody waits: the other processors go on. */
void spin_wait(void)
{
	u32 cpu;

	cr_assert(++turns < 100000, "waits for ever");
	for (cpu = 0; cpu < nr_cpus; cpu++)
		if (cpu != host_cpu)
			run_cpu(cpu);
}

void machine_of(u32 cpus)
{
	u32 cpu;

	host_machine(4096);
	heap_add(16, max_mfn);
	nr_cpus = cpus;
	host_time = 1000000000;
	domains_init();
	for (cpu = 0; cpu < cpus; cpu++) {
		timers_init_cpu(cpu);
		on_cpu[cpu] = idle_vcpu_create(cpu);
		sched_init_cpu(cpu, on_cpu[cpu]);
		sched_cpu_online(cpu);
	}
}

void machine_up(void)
{
	machine_of(2);
	dom0 = domain_create(0, true, 4, 1024, "Domain-0");
	domu = domain_create(-1, false, 2, 600, "one");
	domv = domain_create(-1, false, 2, 64, "two");
	cr_assert(dom0 && domu && domv);
	v0 = vcpu_create(dom0, 0, 0);
	v1 = vcpu_create(dom0, 1, 1);
	u0 = vcpu_create(domu, 0, 0);
	u1 = vcpu_create(domu, 1, 1);
	w0 = vcpu_create(domv, 0, 0);
	cr_assert(v0 && v1 && u0 && u1 && w0);
	put_on_cpu(v0);
}

int pool_cpu(u32 id, u32 cpu, bool add)
{
	u32 next = 0;
	int rc;

	do
		rc = sched_pool_cpu(id, cpu, add, &next);
	while (rc == -ERESTART);
	return rc;
}

void put_on_cpu(struct vcpu *v)
{
	struct vcpu *other = on_cpu[v->processor];

	if (other && other != v && !is_idle(other))
		vcpu_sleep(other, VPF_blocked);
	v->initialised = true;
	vcpu_wake(v, VPF_down);
	run_all();
	cr_assert(on_cpu[v->processor] == v, "v%u of d%u does not run", v->id, v->domain->id);
	host_cpu = v->processor;
}

u64 give_pages(struct domain *d, unsigned order)
{
	struct page_info *pg = alloc_domheap_pages(d, order, MEMF_zero, INVALID_M2P_ENTRY);

	cr_assert(pg);
	return page_to_mfn(pg);
}

/* ---- answers of the floors above ---- */

WEAK int arch_grant_map(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags)
{
	(void)v, (void)flags;
	if (grant_map_status != GNTST_okay)
		return grant_map_status;
	pte_at = host_addr;
	pte_mfn_there = mfn;
	return GNTST_okay;
}

WEAK int arch_grant_unmap(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags)
{
	(void)v, (void)flags;
	if (host_addr != pte_at || mfn != pte_mfn_there)
		return GNTST_bad_virt_addr;
	pte_at = pte_mfn_there = 0;
	return GNTST_okay;
}

WEAK int arch_grant_replace(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags, u64 new_addr)
{
	int st = arch_grant_unmap(v, host_addr, mfn, flags);

	return st == GNTST_okay ? arch_grant_map(v, new_addr, mfn, flags) : st;
}

int arch_pirq_bind(struct domain *d, u32 pirq, u32 port, bool will_share)
{
	(void)d, (void)pirq, (void)port, (void)will_share;
	return pirq_bind_result;
}

void arch_pirq_set_cpu(struct domain *d, u32 pirq, u32 cpu)
{
	(void)d, (void)pirq, (void)cpu;
}

int arch_vcpu_initialise(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
	(void)v, (void)ctx;
	return context_result;
}

WEAK int arch_domain_relinquish(struct domain *d)
{
	(void)d;
	if (!relinquish_restarts)
		return 0;
	relinquish_restarts--;
	return -ERESTART;
}

void console_hw_write(const char *s, size_t n)
{
	size_t room = sizeof(host_console) - 1 - host_console_len;

	n = MIN(n, room);
	memcpy(host_console + host_console_len, s, n);
	host_console_len += n;
	host_console[host_console_len] = 0;
	if (getenv("UNIT_VERBOSE"))
		fwrite(s, 1, n, stderr);
}

int arch_hypercall_page(struct domain *d, u64 mfn)
{
	return mfn_valid(mfn) && mfn_to_page(mfn)->owner == d->id ? 0 : -EINVAL;
}

noreturn_fn void machine_dead(const char *why)
{
	(void)why;
	exit(73);
}

const char *machine_cmdline(void)
{
	return "console=com1 dom0_mem=512M";
}

bool arch_memory_map(unsigned i, u64 *start, u64 *size, u32 *type)
{
	static const u64 map[][3] = { { 0, 0x9f000, 1 },
				      { 0x100000, 0xf00000, 1 },
				      { 0xfec00000, 0x1000, 2 } };

	if (i >= ARRAY_SIZE(map))
		return false;
	*start = map[i][0];
	*size = map[i][1];
	*type = map[i][2];
	return true;
}

u64 cpu_physid(u32 cpu)
{
	return cpu | (u64)cpu << 32;
}

void arch_dump_registers(void)
{
	console_hw_write("registers\n", 10);
}

void arch_kernel_view_begin(const struct vcpu *v)
{
	(void)v;
}

void arch_kernel_view_end(const struct vcpu *v)
{
	(void)v;
}
