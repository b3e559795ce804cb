/* SPDX-License-Identifier: MIT */
/* The control interface: one dispatcher for domctl and sysctl, and what the operations of both use. */
#include "core/control.h"

#include "core/arch.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "core/sched.h"
#include "lib/log.h"
#include "lib/string.h"

/* In the second argument of a call that goes on, above `done`: no caller puts it there by chance. */
#define GOES_ON 0x70617669UL

/* Every version of the interface that there is: another release is another row. */
static const struct control_interface {
	u32 call, version, size;
	const struct control_op *ops;
	u32 nr_ops;
} interfaces[] = {
	{ __HYPERVISOR_domctl, XEN_DOMCTL_INTERFACE_VERSION, sizeof(struct xen_domctl), domctl_ops,
	  DOMCTL_OPS },
	{ __HYPERVISOR_sysctl, XEN_SYSCTL_INTERFACE_VERSION, sizeof(struct xen_sysctl), sysctl_ops,
	  SYSCTL_OPS },
};

static const struct control_interface *find_interface(u32 call, u32 version)
{
	for (unsigned i = 0; i < ARRAY_SIZE(interfaces); i++)
		if (interfaces[i].call == call && interfaces[i].version == version)
			return &interfaces[i];
	return NULL;
}

/* Whom the call names, held; dying too, where the operation is for those. */
static struct domain *named_domain(const struct control_call *c, u8 flags)
{
	u16 id = c->op.domctl.domain;
	struct domain *d = flags & CONTROL_DYING ? domain_from(id) : domain_get_for(c->v, id);

	if (!d || d->id == id || !(flags & CONTROL_DYING))
		return d;
	domain_put(d);
	return NULL;
}

static int call_domain(const struct control_op *op, struct control_call *c)
{
	int rc = -EINVAL;

	c->d = named_domain(c, op->flags);
	if (!c->d && op->flags & CONTROL_DYING && c->done)
		return 0; /* the reaper was faster */
	if (!c->d)
		return -ESRCH;
	if (op->flags & CONTROL_DYING)
		c->done = 1;
	if (!(op->flags & CONTROL_OTHER) || c->d != c->v->domain) {
		rc = -ERESTART; /* nobody waits for the lock: its holder may wait for vCPUs */
		if (spin_trylock(&c->d->control_lock)) {
			/* it may have begun to die before we had the lock */
			rc = READ_ONCE(c->d->dying) && !(op->flags & CONTROL_DYING) ? -ESRCH :
										      op->fn(c);
			spin_unlock(&c->d->control_lock);
		}
	}
	domain_put(c->d);
	return rc;
}

static long do_control(u32 call, u64 arg, u64 progress, u64 next, struct vcpu *v)
{
	struct control_call c = { .v = v };
	const struct control_interface *i;
	const struct control_op *op;
	u64 cmd;
	int rc;

	if (read_guest(&c.op.head, arg))
		return err_here(-EFAULT);
	i = find_interface(call, c.op.head.version);
	if (!i)
		return err_here(-EACCES);
	cmd = c.op.head.cmd;
	if (!index_below_nospec(&cmd, i->nr_ops) || !i->ops[cmd].fn)
		return err_here(-ENOSYS);
	op = &i->ops[cmd];
	if (!v->domain->privileged)
		return err_here(-EPERM);
	/* The first words are read already: they are not looked at again. */
	if (copy_from_guest((u8 *)&c.op + sizeof(c.op.head), arg + sizeof(c.op.head),
			    i->size - sizeof(c.op.head)))
		return err_here(-EFAULT);
	/* Where the answer goes can be written: asked before anything is done. */
	if ((op->flags & CONTROL_OUT) && copy_to_guest(arg, &c.op, i->size))
		return err_here(-EFAULT);
	if (progress >> 32 == GOES_ON) {
		c.done = (u32)progress;
		c.next = (u32)next;
	}
	rc = call == __HYPERVISOR_domctl && !(op->flags & CONTROL_FREE) ? call_domain(op, &c) :
									  op->fn(&c);
	if (rc == -ERESTART)
		return hypercall_restart(v, call, 3,
					 (u64[]){ arg, GOES_ON << 32 | c.done, c.next });
	if (!rc && (op->flags & CONTROL_OUT) && copy_to_guest(arg, &c.op, i->size))
		rc = -EFAULT;
	return err_here(rc);
}

/* Documented in xen/domctl.h. */
long do_domctl(u64 arg, u64 progress, u64 next, u64 a4, u64 a5, struct vcpu *v)
{
	return do_control(__HYPERVISOR_domctl, arg, progress, next, v);
}

/* Documented in xen/sysctl.h. */
long do_sysctl(u64 arg, u64 progress, u64 next, u64 a4, u64 a5, struct vcpu *v)
{
	return do_control(__HYPERVISOR_sysctl, arg, progress, next, v);
}

/* ---- what the operations share ---- */

void control_domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	u32 blocked = XEN_DOMINF_blocked, i;
	struct vcpu *v;

	*info = (struct xen_domctl_getdomaininfo){
		.domain = d->id,
		.flags = (d->dying ? XEN_DOMINF_dying : 0) |
			 (d->shut_down ? XEN_DOMINF_shutdown : 0) |
			 (d->control_pauses ? XEN_DOMINF_paused : 0),
		.tot_pages = READ_ONCE(d->tot_pages),
		.max_pages = READ_ONCE(d->max_pages),
		.outstanding_pages = READ_ONCE(d->claimed_pages),
		.shared_info_frame = d->shared_info_mfn,
		.max_vcpu_id = XEN_INVALID_MAX_VCPU_ID,
		.cpupool = d->sched.pool - sched_pools,
	};
	if (d->shut_down)
		info->flags |= (u32)d->shutdown_code << XEN_DOMINF_shutdownshift;
	memcpy(info->handle, d->handle, sizeof(info->handle));
	for_each_vcpu(d, v, i) {
		info->max_vcpu_id = i;
		info->cpu_time += vcpu_runtime_ns(v);
		if (READ_ONCE(v->pause_flags) & VPF_down)
			continue;
		info->nr_online_vcpus++;
		if (!(v->pause_flags & (VPF_blocked | VPF_polling)))
			blocked = 0;
		if (READ_ONCE(v->running))
			info->flags |= XEN_DOMINF_running;
	}
	if (info->nr_online_vcpus)
		info->flags |= blocked;
}

int control_put_bitmap(const struct xenctl_bitmap *to, const u64 *bits, u32 n)
{
	u32 room = DIV_ROUND_UP((u64)to->nr_bits, 8), have = MIN(room, DIV_ROUND_UP(n, 8));
	cpumask_t map = { 0 };

	memcpy(&map, bits, BITMAP_WORDS(n) * sizeof(u64));
	if (n % 64)
		map.bits[n / 64] &= BIT(n % 64) - 1;
	if (copy_to_guest(to->bitmap.va, &map, have) ||
	    clear_guest(to->bitmap.va + have, MIN(room - have, (u32)PAGE_SIZE)))
		return err_here(-EFAULT);
	return 0;
}

int control_get_bitmap(u64 *bits, u32 n, const struct xenctl_bitmap *from)
{
	memset(bits, 0, BITMAP_WORDS(n) * sizeof(u64));
	n = MIN(n, from->nr_bits);
	if (copy_from_guest(bits, from->bitmap.va, DIV_ROUND_UP(n, 8)))
		return err_here(-EFAULT);
	if (n % 64)
		bits[n / 64] &= BIT(n % 64) - 1;
	return 0;
}

int control_put_policy(const struct domain *d, bool machine, const guest_ptr_t *leaves,
		       u32 *nr_leaves, u32 *nr_msrs)
{
	struct xen_cpuid_leaf leaf;
	u32 n;

	for (n = 0; arch_cpuid_leaf(d, machine, n, &leaf); n++) {
		if (!leaves->va)
			continue;
		if (n >= *nr_leaves)
			return err_here(-ENOBUFS);
		if (write_guest_at(leaves->va, n, &leaf))
			return err_here(-EFAULT);
	}
	*nr_leaves = n;
	*nr_msrs = 0;
	return 0;
}
