/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: the control interface, called by the privileged domain with structures of any content. A step's bytes choose
 * the operation, known or not, and word for word what its structure holds. At the end every processor is put back, all
 * domains are destroyed, and nothing may be left.
 */
#include "core/control.h"

#include "core/sched.h"
#include "guest.h"

static u64 heap_before;

static long call(hypercall_fn *fn, u64 progress)
{
	u64 a[3] = { (u64)arena, progress, 0 };
	unsigned again = 0;
	long ret;

	do {
		host_preempt = byte() & 1;
		ret = fn(a[0], a[1], a[2], 0, 0, v0);
		if (ret == -ERESTART)
			memcpy(a, host_restart_args, sizeof(a));
		cr_assert(++again < 10000);
		run_all();
	} while (ret == -ERESTART);
	host_preempt = false;
	/* An answer is 0 or an error that is published. */
	cr_assert(ret <= 0 && ret > -1000);
	return ret;
}

/* 8 bytes of a structure. */
static u64 word(void)
{
	switch (byte() & 7) {
	case 0:
		return 0;
	case 1:
		return number(16);
	case 2:
		return (number(8) & ~0U) | number(8) << 32;
	case 3:
		return (u64)arena + LIST_AT + (byte() & 63) * 8;
	case 4:
		return frame();
	case 5:
		return domid();
	case 6: /* to the end of the memory, and past it */
		return (u64)arena + ARENA_SIZE - (byte() & 63) * 8;
	default:
		return any();
	}
}

static void words(size_t at, size_t end)
{
	u8 n = byte() & 31;

	memset(arena, 0, LIST_AT);
	for (; n-- && at + 8 <= end; at += 8) {
		u64 x = word();

		memcpy(arena + at, &x, 8);
	}
}

static u32 version(u32 right)
{
	return byte() ? right : any();
}

static u64 progress(void)
{
	return byte() & 15 ? 0 : 0x70617669UL << 32 | byte(); /* as of a call that goes on */
}

static void domctl(u32 cmd)
{
	struct xen_domctl *op = (struct xen_domctl *)arena;

	words(offsetof(struct xen_domctl, u), sizeof(*op));
	op->cmd = cmd;
	op->interface_version = version(XEN_DOMCTL_INTERFACE_VERSION);
	op->domain = domid();
	call(do_domctl, progress());
}

static void sysctl(u32 cmd)
{
	struct xen_sysctl *op = (struct xen_sysctl *)arena;

	words(offsetof(struct xen_sysctl, u), sizeof(*op));
	op->cmd = cmd;
	op->interface_version = version(XEN_SYSCTL_INTERFACE_VERSION);
	for (size_t i = 0; cmd == XEN_SYSCTL_debug_keys && i < ARENA_SIZE; i++)
		if (arena[i] == 'R') /* reboots the machine, as it should */
			arena[i] = 0;
	call(do_sysctl, progress());
}

/* A domain with vCPUs and memory, which most operations need before they do anything. NULL: there is no room. */
static struct domain *make(void)
{
	struct xen_domctl *op = (struct xen_domctl *)arena;
	struct domain *d;

	memset(arena, 0, sizeof(*op));
	op->cmd = XEN_DOMCTL_createdomain;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->u.createdomain.max_vcpus = 2;
	op->u.createdomain.max_evtchn_port = 127;
	op->u.createdomain.max_grant_frames = 2;
	op->u.createdomain.grant_opts = 1;
	if (call(do_domctl, 0))
		return NULL;
	d = domain_of_owner(op->domain);
	op->cmd = XEN_DOMCTL_max_vcpus;
	op->u.max_vcpus.max = 2;
	call(do_domctl, 0);
	d->max_pages = 64;
	for (int n = 0; n < 4; n++)
		alloc_domheap_pages(d, 0, MEMF_zero, INVALID_M2P_ENTRY);
	return d;
}

/* The two that operations are mostly about; those that are gone are made again. */
static void two_domains(void)
{
	static u16 ids[2];

	for (int i = 0; i < 2; i++) {
		doms[i] = ids[i] ? domain_of_owner(ids[i]) : NULL;
		if (!doms[i])
			doms[i] = make();
		if (!doms[i]) { /* too many others */
			input = input_end;
			doms[i] = dom0;
		}
		ids[i] = doms[i]->id;
	}
}

/* The caller goes on, wherever it may run now. */
static void next_turn(void)
{
	for (unsigned i = 0; on_cpu[v0->processor] != v0; i++) {
		/* With a cap of 1 % it pays for what went by at once: a hundred times as long. */
		cr_assert(i < 1000000, "the caller does not run again");
		host_time += 10000000;
		timers_run(0);
		timers_run(1);
		run_all();
	}
	host_cpu = v0->processor;
}

static void step(void)
{
	u8 b = byte();

	switch (b & 7) {
	case 0:
		write_list();
		break;
	case 1:
		host_time += number(256) << 20 & 0xffffffff;
		timers_run(0);
		timers_run(1);
		run_all();
		break;
	case 2:
	case 3:
		b = byte();
		sysctl(b < 255 ? b % (SYSCTL_OPS + 1) : any());
		break;
	default:
		b = byte();
		domctl(b < 255 ? b % (DOMCTL_OPS + 1) : any());
	}
	next_turn();
	two_domains();
}

/* Processors and the caller as at the start; whatever was done, that must be possible. */
static void machine_back(void)
{
	cpumask_t all, free;
	struct domain *d;
	u32 n;

	memset(&all, 0xff, sizeof(all));
	for (u32 i = 0; i < 2; i++)
		cr_assert(!vcpu_set_affinity(dom0->vcpu[i], &all));
	cr_assert(!domain_set_share(dom0, SCHED_WEIGHT, 0));
	for (u32 round = 0; round < 2; round++) {
		for (int p; (p = sched_pool_info(1, &free, &n)) > 0;) {
			for (u32 cpu = 0; cpu < nr_cpus; cpu++)
				if (!pool_cpu(p, cpu, false))
					pool_cpu(0, cpu, true);
			for (d = domain_first(); d; d = domain_next(d))
				sched_pool_move(d, 0);
			run_all();
			if (sched_pool_destroy(p))
				break;
		}
	}
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		pool_cpu(0, cpu, true);
	run_all();
	cr_assert(sched_pool_info(1, &free, &n) < 0, "a pool stays");
	sched_free_cpus(&free);
	cr_assert(!free.bits[0], "a processor is in no pool");
	next_turn();
}

static void destroy_all(void)
{
	struct xen_domctl *op = (struct xen_domctl *)arena;
	struct domain *d;

	while ((d = domain_from(1))) {
		u16 id = d->id;

		cr_assert(!audit_domain_pages(d, false));
		domain_put(d);
		memset(arena, 0, sizeof(*op));
		op->cmd = XEN_DOMCTL_destroydomain;
		op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
		op->domain = id;
		call(do_domctl, 0);
		reap_all();
		next_turn();
		cr_assert(!domain_of_owner(id));
	}
	cr_assert(heap_free_pages() + HEAP_SLACK >= heap_before);
	cr_assert(!heap_claimed_pages());
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (!hardware_domain) {
		machine_up();
		destroy_all();
		heap_before = heap_free_pages();
	}
	host_console_len = 0;
	memset(arena, 0, sizeof(arena));
	input = data;
	input_end = data; /* bytes are for the steps only */
	two_domains();
	input_end = data + size;
	while (input < input_end)
		step();
	machine_back();
	destroy_all();
	return 0;
}
