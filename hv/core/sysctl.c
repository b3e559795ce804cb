/* SPDX-License-Identifier: MIT */
/* sysctl: what the privileged domain asks of the machine. */
#include "core/arch.h"
#include "core/console.h"
#include "core/control.h"
#include "core/guest_access.h"
#include "lib/log.h"
#include "lib/string.h"

#define READ_AT_ONCE 8192 /* bytes of one call: bounds how long it takes */
#define MAX_KEYS 64

/* [one caller at a time by nature: worst case a line is shown again] log position */
static u64 cleared;

static int read_console(struct control_call *c)
{
	struct xen_sysctl_readconsole *op = &c->op.sysctl.u.readconsole;
	char buf[128];
	u32 done = 0, max = MIN(op->count, (u32)READ_AT_ONCE);
	u64 from = op->incremental ? op->index : READ_ONCE(cleared);

	while (done < max) {
		size_t n = console_log_read(buf, MIN(max - done, (u32)sizeof(buf)), &from);

		if (!n)
			break;
		if (copy_to_guest(guest_index(op->buffer.va, done, 1), buf, n))
			return err_here(-EFAULT);
		done += n;
	}
	if (op->clear)
		WRITE_ONCE(cleared, from);
	op->index = (u32)from;
	op->count = done;
	return 0;
}

static int debug_keys(struct control_call *c)
{
	const struct xen_sysctl_debug_keys *op = &c->op.sysctl.u.debug_keys;
	char keys[MAX_KEYS];

	if (op->nr_keys > MAX_KEYS)
		return err_here(-E2BIG);
	if (copy_from_guest(keys, op->keys.va, op->nr_keys))
		return err_here(-EFAULT);
	for (u32 i = 0; i < op->nr_keys; i++)
		debug_key(keys[i]);
	return 0;
}

/* ---- the machine ---- */

static int physinfo(struct control_call *c)
{
	struct xen_sysctl_physinfo *op = &c->op.sysctl.u.physinfo;

	*op = (struct xen_sysctl_physinfo){
		.threads_per_core = 1,
		.cores_per_socket =
			MAX(nr_cpus / nr_nodes, 1U), /* as if all of a node were equally near */
		.nr_cpus = nr_cpus,
		.max_cpu_id = nr_cpus - 1,
		.nr_nodes = nr_nodes,
		.max_node_id = nr_nodes - 1,
		.cpu_khz = arch_cpu_khz(),
		.capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1,
		.total_pages = heap_total_pages(),
		.free_pages = heap_free_pages(),
		.outstanding_pages = heap_claimed_pages(),
		.max_mfn = max_mfn - 1,
	};
	for (u32 i = 0; i < ARRAY_SIZE(op->hw_cap); i++)
		arch_feature_word(true, i, &op->hw_cap[i]);
	return 0;
}

static int sched_id(struct control_call *c)
{
	/* The one with our parameters, weight and cap. */
	c->op.sysctl.u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
	return 0;
}

static int cpu_info(struct control_call *c)
{
	struct xen_sysctl_getcpuinfo *op = &c->op.sysctl.u.getcpuinfo;
	struct xen_sysctl_cpuinfo info;

	op->nr_cpus = MIN(op->max_cpus, nr_cpus);
	for (u32 i = 0; i < op->nr_cpus; i++) {
		info.idletime = sched_idle_ns(i);
		if (write_guest_at(op->info.va, i, &info))
			return err_here(-EFAULT);
	}
	return 0;
}

static int avail_heap(struct control_call *c)
{
	struct xen_sysctl_availheap *op = &c->op.sysctl.u.availheap;

	u64 total, free = heap_free_pages();

	if (op->node < -1 || op->node >= (int)nr_nodes)
		return err_here(-EINVAL);
	if (op->min_bitwidth || op->max_bitwidth)
		return err_here(-EOPNOTSUPP);
	if (op->node >= 0)
		heap_node_pages(op->node, &total, &free);
	op->avail_bytes = free << PAGE_SHIFT;
	return 0;
}

static int cpu_topology(struct control_call *c)
{
	struct xen_sysctl_cputopoinfo *op = &c->op.sysctl.u.cputopoinfo;
	u32 n = op->cputopo.va ? MIN(op->num_cpus, nr_cpus) : 0;

	for (u32 i = 0; i < n; i++) {
		struct xen_sysctl_cputopo t = { i, cpu_node(i), cpu_node(i) };

		if (write_guest_at(op->cputopo.va, i, &t))
			return err_here(-EFAULT);
	}
	op->num_cpus = nr_cpus;
	return 0;
}

static int numa_info(struct control_call *c)
{
	struct xen_sysctl_numainfo *op = &c->op.sysctl.u.numainfo;
	u32 n = op->meminfo.va || op->distance.va ? MIN(op->num_nodes, nr_nodes) : 0;
	u32 row[MAX_NODES];

	for (u32 i = 0; i < n; i++) {
		struct xen_sysctl_meminfo mem;

		heap_node_pages(i, &mem.memsize, &mem.memfree);
		mem.memsize <<= PAGE_SHIFT;
		mem.memfree <<= PAGE_SHIFT;
		if (op->meminfo.va && write_guest_at(op->meminfo.va, i, &mem))
			return err_here(-EFAULT);
		for (u32 j = 0; j < n; j++)
			row[j] = node_distance(i, j);
		if (op->distance.va &&
		    copy_to_guest(guest_index(op->distance.va, i * n, sizeof(*row)), row,
				  n * sizeof(*row)))
			return err_here(-EFAULT);
	}
	op->num_nodes = n ? n : nr_nodes;
	return 0;
}

static int cpupool(struct control_call *c)
{
	struct xen_sysctl_cpupool_op *op = &c->op.sysctl.u.cpupool_op;
	cpumask_t cpus;
	struct domain *d;
	int rc;

	switch (op->op) {
	case XEN_SYSCTL_CPUPOOL_OP_CREATE:
		if (op->sched_id != XEN_SCHEDULER_CREDIT2)
			return err_here(-EINVAL);
		return sched_pool_create(&op->cpupool_id);
	case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
		return sched_pool_destroy(op->cpupool_id);
	case XEN_SYSCTL_CPUPOOL_OP_INFO:
		rc = sched_pool_info(op->cpupool_id, &cpus, &op->n_dom);
		if (rc < 0)
			return err_here(rc);
		op->cpupool_id = rc;
		op->sched_id = XEN_SCHEDULER_CREDIT2;
		return control_put_bitmap(&op->cpumap, cpus.bits, nr_cpus);
	case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
	case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
		return sched_pool_cpu(op->cpupool_id, op->cpu,
				      op->op == XEN_SYSCTL_CPUPOOL_OP_ADDCPU, &c->next);
	case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
		d = domain_get(op->domid);
		if (!d)
			return err_here(-ESRCH);
		rc = sched_pool_move(d, op->cpupool_id);
		domain_put(d);
		return rc;
	case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
		sched_free_cpus(&cpus);
		return control_put_bitmap(&op->cpumap, cpus.bits, nr_cpus);
	default:
		return err_here(-EINVAL);
	}
}

/* Of a pool there is nothing to set: nobody runs longer than others like. */
static int scheduler(struct control_call *c)
{
	struct xen_sysctl_scheduler_op *op = &c->op.sysctl.u.scheduler_op;
	u32 *ratelimit = &op->u.sched_credit2.ratelimit_us, n;
	cpumask_t cpus;

	if (op->sched_id != XEN_SCHEDULER_CREDIT2 || op->cmd > XEN_SYSCTL_SCHEDOP_getinfo)
		return err_here(-EINVAL);
	if (sched_pool_info(op->cpupool_id, &cpus, &n) != (int)op->cpupool_id)
		return err_here(-ENOENT);
	if (op->cmd == XEN_SYSCTL_SCHEDOP_putinfo)
		return *ratelimit ? err_here(-EOPNOTSUPP) : 0;
	*ratelimit = 0;
	return 0;
}

/* ---- domains ---- */

static int domain_list(struct control_call *c)
{
	struct xen_sysctl_getdomaininfolist *op = &c->op.sysctl.u.getdomaininfolist;
	u32 from = c->done ? c->next : op->first_domain;
	struct xen_domctl_getdomaininfo info;
	struct domain *d;

	for (d = domain_from(from); d && c->done < op->max_domains; d = domain_next(d)) {
		control_domain_info(d, &info);
		c->next = d->id + 1u;
		if (write_guest_at(op->buffer.va, c->done, &info)) {
			domain_put(d);
			return err_here(-EFAULT);
		}
		c->done++;
		if (preempt_needed()) {
			domain_put(d);
			return -ERESTART;
		}
	}
	if (d)
		domain_put(d);
	op->num_domains = c->done;
	return 0;
}

/* ---- CPUID ---- */

static int feature_set(struct control_call *c)
{
	struct xen_sysctl_cpu_featureset *op = &c->op.sysctl.u.cpu_featureset;
	bool machine = op->index <= XEN_SYSCTL_cpu_featureset_host;
	u32 n, word;

	if (op->index > XEN_SYSCTL_cpu_featureset_hvm_max)
		return err_here(-EINVAL);
	if (op->index == XEN_SYSCTL_cpu_featureset_hvm ||
	    op->index == XEN_SYSCTL_cpu_featureset_hvm_max)
		return err_here(-EOPNOTSUPP);
	for (n = 0; arch_feature_word(machine, n, &word); n++) {
		if (!op->features.va)
			continue;
		if (n >= op->nr_features)
			return err_here(-ENOBUFS);
		if (write_guest_at(op->features.va, n, &word))
			return err_here(-EFAULT);
	}
	op->nr_features = n;
	return 0;
}

static int cpu_policy(struct control_call *c)
{
	struct xen_sysctl_cpu_policy *op = &c->op.sysctl.u.cpu_policy;

	if (op->_rsvd || op->index > XEN_SYSCTL_cpu_policy_hvm_default)
		return err_here(-EINVAL);
	if (op->index == XEN_SYSCTL_cpu_policy_hvm_max ||
	    op->index == XEN_SYSCTL_cpu_policy_hvm_default)
		return err_here(-EOPNOTSUPP);
	return control_put_policy(NULL, op->index <= XEN_SYSCTL_cpu_policy_host, &op->leaves,
				  &op->nr_leaves, &op->nr_msrs);
}

/* clang-format off */
#define OP(name, fn, flags) [XEN_SYSCTL_##name] = { fn, flags }
const struct control_op sysctl_ops[SYSCTL_OPS] = {
	OP(readconsole, read_console, CONTROL_OUT),
	OP(physinfo, physinfo, CONTROL_OUT),
	OP(sched_id, sched_id, CONTROL_OUT),
	OP(getdomaininfolist, domain_list, CONTROL_OUT),
	OP(debug_keys, debug_keys, 0),
	OP(getcpuinfo, cpu_info, CONTROL_OUT),
	OP(availheap, avail_heap, CONTROL_OUT),
	OP(cputopoinfo, cpu_topology, CONTROL_OUT),
	OP(numainfo, numa_info, CONTROL_OUT),
	OP(cpupool_op, cpupool, CONTROL_OUT),
	OP(scheduler_op, scheduler, CONTROL_OUT),
	OP(get_cpu_featureset, feature_set, CONTROL_OUT),
	OP(get_cpu_policy, cpu_policy, CONTROL_OUT),
};
/* clang-format on */
