/* SPDX-License-Identifier: MIT */
/* domctl: domains as the privileged domain makes, watches and ends them. */
#include "core/arch.h"
#include "core/control.h"
#include "core/evtchn.h"
#include "core/grant_table.h"
#include "core/guest_access.h"
#include "lib/log.h"
#include "lib/string.h"

#define FRAMES_MAX 1024 /* of one getpageframeinfo3 */
#define LEAVES_MAX 256  /* of one set_cpu_policy */
#define TSC_MODE_EMULATE 1
#define TSC_MODE_NATIVE 2

/* ---- life ---- */

static int check_config(const struct xen_domctl_createdomain *o)
{
	if (!o->max_vcpus || o->max_vcpus > MAX_VCPUS || o->flags >= 2 * XEN_DOMCTL_CDF_MAX ||
	    o->iommu_opts >= 2 * XEN_DOMCTL_IOMMU_MAX || !XEN_DOMCTL_GRANT_version(o->grant_opts) ||
	    XEN_DOMCTL_GRANT_version(o->grant_opts) > 2 ||
	    o->grant_opts & ~XEN_DOMCTL_GRANT_version_mask ||
	    o->max_grant_frames > GRANT_MAX_FRAMES || o->max_maptrack_frames > MAPTRACK_MAX_PAGES ||
	    o->arch.emulation_flags)
		return err_here(-EINVAL);
	/* hardware assist, a device given, tracing: none of these yet */
	if (o->flags || o->iommu_opts || o->vmtrace_size || o->arch.misc_flags)
		return err_here(-EOPNOTSUPP);
	return 0;
}

static int create(struct control_call *c)
{
	const struct xen_domctl_createdomain *o = &c->op.domctl.u.createdomain;
	u16 id = c->op.domctl.domain;
	struct domain *d;
	int rc = check_config(o);

	if (rc)
		return rc;
	if (id && id < DOMID_FIRST_RESERVED && domain_of_owner(id))
		return err_here(-EEXIST);
	d = domain_create(id && id < DOMID_FIRST_RESERVED ? id : -1, false, o->max_vcpus, 0,
			  "guest");
	if (!d)
		return err_here(-ENOMEM);
	memcpy(d->handle, o->handle, sizeof(d->handle));
	d->max_evtchns =
		MIN(d->max_evtchns, ALIGN_UP((u64)o->max_evtchn_port + 1, PORTS_PER_BUCKET));
	grant_set_limits(d, o->max_grant_frames, o->max_maptrack_frames);
	d->control_pauses = 1;
	domain_pause(d);
	c->op.domctl.domain = d->id;
	if (o->cpupool_id)
		rc = sched_pool_move(d, o->cpupool_id);
	if (rc) {
		spin_lock(&d->control_lock); /* it has no vCPU that the holder might wait for */
		(void)domain_destroy(d);
		spin_unlock(&d->control_lock);
	}
	return rc;
}

static int destroy(struct control_call *c)
{
	return domain_destroy(c->d);
}

static int pause(struct control_call *c)
{
	if (!c->d->control_pauses++)
		domain_pause(c->d);
	return 0;
}

static int unpause(struct control_call *c)
{
	if (!c->d->control_pauses)
		return err_here(-EINVAL);
	if (!--c->d->control_pauses)
		domain_unpause(c->d);
	return 0;
}

static int resume(struct control_call *c)
{
	return domain_resume(c->d);
}

/* Of the first one from that number on, as published. */
static int get_info(struct control_call *c)
{
	struct domain *d = domain_from(c->op.domctl.domain);

	if (!d)
		return err_here(-ESRCH);
	control_domain_info(d, &c->op.domctl.u.getdomaininfo);
	c->op.domctl.domain = d->id;
	domain_put(d);
	return 0;
}

/* ---- what a domain is given before it runs, and later ---- */

static int max_mem(struct control_call *c)
{
	u64 pages = c->op.domctl.u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

	spin_lock(&c->d->page_lock);
	c->d->max_pages = MIN(pages, (u64)~0U);
	spin_unlock(&c->d->page_lock);
	return 0;
}

static int max_vcpus(struct control_call *c)
{
	struct domain *d = c->d;

	if (c->op.domctl.u.max_vcpus.max != d->max_vcpus)
		return err_here(-EINVAL);
	for (u32 i = 0; i < d->max_vcpus; i++) {
		if (d->vcpu[i])
			continue;
		if (!vcpu_create(d, i, (d->id + i) % nr_cpus))
			return err_here(-ENOMEM);
		preempt_charge(PREEMPT_PAGES(2));
		if (preempt_needed())
			return -ERESTART;
	}
	return 0;
}

static int set_handle(struct control_call *c)
{
	memcpy(c->d->handle, c->op.domctl.u.setdomainhandle.handle, sizeof(c->d->handle));
	return 0;
}

static int set_time_offset(struct control_call *c)
{
	c->d->time_offset_sec = c->op.domctl.u.settimeoffset.time_offset_seconds;
	domain_wallclock_update(c->d);
	return 0;
}

static int set_address_size(struct control_call *c)
{
	return c->op.domctl.u.address_size.size == 64 ? 0 : err_here(-EINVAL);
}

static int get_address_size(struct control_call *c)
{
	c->op.domctl.u.address_size.size = 64;
	return 0;
}

/* RDTSC is the machine's for everybody: what the default mode means, since nothing migrates yet. */
static int set_tsc(struct control_call *c)
{
	u32 mode = c->op.domctl.u.tsc_info.tsc_mode;

	if (mode == TSC_MODE_EMULATE)
		return err_here(-EOPNOTSUPP);
	if (mode > TSC_MODE_NATIVE)
		return err_here(-EINVAL);
	c->d->tsc_mode = mode;
	return 0;
}

static int get_tsc(struct control_call *c)
{
	c->op.domctl.u.tsc_info = (struct xen_domctl_tsc_info){
		.tsc_mode = c->d->tsc_mode,
		.gtsc_khz = arch_cpu_khz(),
		.elapsed_nsec = now_ns(),
	};
	return 0;
}

static int hypercall_page(struct control_call *c)
{
	return arch_hypercall_page(c->d, c->op.domctl.u.hypercall_init.gmfn);
}

/* ---- vCPUs ---- */

static int set_context(struct control_call *c)
{
	const struct xen_domctl_vcpucontext *o = &c->op.domctl.u.vcpucontext;
	struct vcpu *v = domain_vcpu(c->d, o->vcpu);
	u64 flags;
	int rc;

	if (!v)
		return err_here(-ESRCH);
	rc = vcpu_initialise(v, o->ctxt.va, &flags);
	if (!rc && !v->id) /* the builder may have cleared the page that has it */
		domain_wallclock_update(c->d);
	if (!rc && flags & VGCF_online)
		vcpu_wake(v, VPF_down);
	return rc;
}

static int get_context(struct control_call *c)
{
	const struct xen_domctl_vcpucontext *o = &c->op.domctl.u.vcpucontext;
	struct vcpu *v = domain_vcpu(c->d, o->vcpu);
	struct vcpu_guest_context *ctx;
	int rc;

	if (!v)
		return err_here(-ESRCH);
	if (!v->initialised)
		return err_here(-ENODATA);
	ctx = xzalloc_bytes(sizeof(*ctx));
	if (!ctx)
		return err_here(-ENOMEM);
	vcpu_pause(v);
	arch_vcpu_context(v, ctx);
	vcpu_unpause(v);
	rc = write_guest(o->ctxt.va, ctx) ? -EFAULT : 0;
	xfree(ctx);
	return err_here(rc);
}

static int vcpu_info(struct control_call *c)
{
	struct xen_domctl_getvcpuinfo *o = &c->op.domctl.u.getvcpuinfo;
	struct vcpu *v = domain_vcpu(c->d, o->vcpu);
	u32 flags;

	if (!v)
		return err_here(o->vcpu < c->d->max_vcpus ? -ESRCH : -EINVAL);
	flags = READ_ONCE(v->pause_flags);
	o->online = !(flags & VPF_down);
	o->blocked = !!(flags & (VPF_blocked | VPF_polling));
	o->running = READ_ONCE(v->running);
	o->cpu_time = vcpu_runtime_ns(v);
	o->cpu = READ_ONCE(v->processor);
	return 0;
}

static int trigger(struct control_call *c)
{
	const struct xen_domctl_sendtrigger *o = &c->op.domctl.u.sendtrigger;
	struct vcpu *v = domain_vcpu(c->d, o->vcpu);

	if (!v)
		return err_here(-ESRCH);
	if (o->trigger != XEN_DOMCTL_SENDTRIGGER_NMI)
		return err_here(o->trigger > XEN_DOMCTL_SENDTRIGGER_SLEEP ? -EINVAL : -EOPNOTSUPP);
	arch_vcpu_nmi(v);
	return 0;
}

/* Sets what the flags name, or does not; tells what it is then. */
static int affinity(struct control_call *c)
{
	struct xen_domctl_vcpuaffinity *o = &c->op.domctl.u.vcpuaffinity;
	bool set = c->op.domctl.cmd == XEN_DOMCTL_setvcpuaffinity;
	bool hard = o->flags & XEN_VCPUAFFINITY_HARD, soft = o->flags & XEN_VCPUAFFINITY_SOFT;
	struct vcpu *v = domain_vcpu(c->d, o->vcpu);
	cpumask_t new_hard, new_soft;
	int rc = 0;

	if (!v)
		return err_here(-ESRCH);
	if ((!hard && !soft) || o->flags > 7)
		return err_here(-EINVAL);
	if (set && ((hard && control_get_bitmap(new_hard.bits, MAX_CPUS, &o->cpumap_hard)) ||
		    (soft && control_get_bitmap(new_soft.bits, MAX_CPUS, &o->cpumap_soft))))
		return err_here(-EFAULT);
	if (set && hard)
		rc = vcpu_set_affinity(v, &new_hard);
	if (set && soft && !rc)
		vcpu_set_soft_affinity(v, &new_soft);
	if (hard && !rc)
		rc = control_put_bitmap(&o->cpumap_hard, v->affinity.bits, nr_cpus);
	if (soft && !rc)
		rc = control_put_bitmap(&o->cpumap_soft, v->soft_affinity.bits, nr_cpus);
	return rc;
}

static int share(struct control_call *c)
{
	struct xen_domctl_scheduler_op *o = &c->op.domctl.u.scheduler_op;
	struct xen_domctl_sched_credit2 *s = &o->u.credit2;
	const struct sched_domain *is = &c->d->sched;

	if (o->sched_id != XEN_SCHEDULER_CREDIT2 || o->cmd > XEN_DOMCTL_SCHEDOP_getinfo)
		return err_here(-EINVAL);
	if (o->cmd == XEN_DOMCTL_SCHEDOP_putinfo)
		return domain_set_share(c->d, s->weight ? s->weight : is->weight,
					s->cap != 0xffff ? s->cap : is->cap);
	s->weight = is->weight;
	s->cap = is->cap;
	return 0;
}

static int set_nodes(struct control_call *c)
{
	u64 nodes;

	if (control_get_bitmap(&nodes, 64, &c->op.domctl.u.nodeaffinity.nodemap))
		return err_here(-EFAULT);
	return domain_set_nodes(c->d, nodes);
}

static int get_nodes(struct control_call *c)
{
	return control_put_bitmap(&c->op.domctl.u.nodeaffinity.nodemap, &c->d->nodes, nr_nodes);
}

/* ---- frames ---- */

static u64 frame_use(const struct domain *d, u64 mfn)
{
	struct page_info *pg = mfn_to_page(mfn);
	u64 type, use = XEN_DOMCTL_PFINFO_NOTAB;

	if (!mfn_valid(mfn) || !get_page(pg, d))
		return XEN_DOMCTL_PFINFO_XTAB;
	type = READ_ONCE(pg->type_info);
	if (type & PGT_count_mask && type >> 60 >= 1 && type >> 60 <= 4) /* a table of that level */
		use = type >> 60 << XEN_DOMCTL_PFINFO_LTAB_SHIFT |
		      (type & PGT_pinned ? XEN_DOMCTL_PFINFO_LPINTAB : 0);
	put_page(pg);
	return use;
}

static int frame_info(struct control_call *c)
{
	const struct xen_domctl_getpageframeinfo3 *o = &c->op.domctl.u.getpageframeinfo3;
	u64 mfn;

	if (o->num > FRAMES_MAX)
		return err_here(-E2BIG);
	for (u64 i = 0; i < o->num; i++) {
		if (read_guest_at(&mfn, o->array.va, i))
			return err_here(-EFAULT);
		mfn = frame_use(c->d, mfn);
		if (write_guest_at(o->array.va, i, &mfn))
			return err_here(-EFAULT);
	}
	return 0;
}

/* ---- CPUID ---- */

static int get_policy(struct control_call *c)
{
	struct xen_domctl_cpu_policy *o = &c->op.domctl.u.cpu_policy;

	return control_put_policy(c->d, false, &o->leaves, &o->nr_leaves, &o->nr_msrs);
}

static int set_policy(struct control_call *c)
{
	struct xen_domctl_cpu_policy *o = &c->op.domctl.u.cpu_policy;
	struct xen_cpuid_leaf leaf;

	if (o->nr_leaves > LEAVES_MAX || o->nr_msrs)
		return err_here(-EINVAL);
	if (c->d->vcpu[0] && c->d->vcpu[0]->initialised)
		return err_here(-EEXIST);
	for (u32 i = 0; i < o->nr_leaves; i++) {
		if (read_guest_at(&leaf, o->leaves.va, i))
			return err_here(-EFAULT);
		if (!arch_cpuid_restrict(c->d, &leaf)) {
			o->err_leaf = leaf.leaf;
			o->err_subleaf = leaf.subleaf;
			return err_here(-EINVAL);
		}
	}
	return 0;
}

static int unsupported(struct control_call *c)
{
	return err_here(-EOPNOTSUPP);
}

/* clang-format off */
#define OP(name, fn, flags) [XEN_DOMCTL_##name] = { fn, flags }
const struct control_op domctl_ops[DOMCTL_OPS] = {
	OP(createdomain, create, CONTROL_FREE | CONTROL_OUT),
	OP(destroydomain, destroy, CONTROL_OTHER | CONTROL_DYING),
	OP(pausedomain, pause, CONTROL_OTHER),
	OP(unpausedomain, unpause, CONTROL_OTHER),
	OP(getdomaininfo, get_info, CONTROL_FREE | CONTROL_OUT),
	OP(setvcpuaffinity, affinity, 0),
	OP(getvcpuaffinity, affinity, 0),
	OP(shadow_op, unsupported, 0),
	OP(max_mem, max_mem, 0),
	OP(setvcpucontext, set_context, CONTROL_OTHER),
	OP(getvcpucontext, get_context, CONTROL_OTHER),
	OP(getvcpuinfo, vcpu_info, CONTROL_OUT),
	OP(max_vcpus, max_vcpus, CONTROL_OTHER),
	OP(scheduler_op, share, CONTROL_OUT),
	OP(setdomainhandle, set_handle, 0),
	OP(hypercall_init, hypercall_page, CONTROL_OTHER),
	OP(settimeoffset, set_time_offset, CONTROL_OTHER),
	OP(resumedomain, resume, CONTROL_OTHER),
	OP(sendtrigger, trigger, 0),
	OP(set_address_size, set_address_size, 0),
	OP(get_address_size, get_address_size, CONTROL_OUT),
	OP(gettscinfo, get_tsc, CONTROL_OUT),
	OP(settscinfo, set_tsc, CONTROL_OTHER),
	OP(getpageframeinfo3, frame_info, 0),
	OP(setnodeaffinity, set_nodes, 0),
	OP(getnodeaffinity, get_nodes, 0),
	OP(get_cpu_policy, get_policy, CONTROL_OUT),
	OP(set_cpu_policy, set_policy, CONTROL_OTHER),
};
/* clang-format on */
