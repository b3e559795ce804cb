/* SPDX-License-Identifier: MIT */
/* memory_op: pages a domain takes and gives back, and what it may know of memory. */

#include <xen/memory.h>

#include "core/memory.h"

#include "core/arch.h"
#include "core/grant.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"

/*
 * A command as the guest gives it, has the operation alone; one that was interrupted says in the
 * bits above with which page of which extent it goes on.
 */
#define CMD_BITS 6
#define PAGE_BITS 10
#define EXTENT_SHIFT (CMD_BITS + PAGE_BITS)
#define E820_ENTRY_SIZE 20
#define E820_ENTRIES_MAX 128
#define ACQUIRE_MAX 64
#define PAGES_PER_STEP 64 /* given up between two preemption points */

struct e820_raw {
	u64 start, size;
	u32 type;
} __attribute__((packed));
_Static_assert(sizeof(struct e820_raw) == E820_ENTRY_SIZE, "as firmware writes them");

bool memflags_of(u32 mem_flags, u32 *memflags)
{
	u32 bits = XENMEMF_get_address_bits(mem_flags), node = XENMEMF_get_node(mem_flags);
	bool exact = mem_flags & XENMEMF_exact_node_request;

	if (mem_flags & XENMEMF_populate_on_demand || (bits && bits <= PAGE_SHIFT) ||
	    (exact && node >= nr_nodes))
		return false;
	*memflags = MEMF_bits(bits > 63 ? 0 : bits); /* the allocator clears what was used */
	if (node < nr_nodes)
		*memflags |= MEMF_node(node) | (exact ? MEMF_exact_node : 0);
	return true;
}

/* Drop the domain's own reference on a page of it. 0 or -EINVAL: not its, or not its to give. */
int give_up_page(struct domain *d, u64 mfn)
{
	struct page_info *pg = mfn_valid(mfn) ? mfn_to_page(mfn) : NULL;
	int err = -EINVAL;

	if (!pg || !get_page(pg, d))
		return err_here(-EINVAL);
	if (!(READ_ONCE(pg->count_info) & PGC_extra) &&
	    __atomic_fetch_and(&pg->count_info, ~PGC_allocated, __ATOMIC_ACQ_REL) & PGC_allocated) {
		set_m2p(mfn, INVALID_M2P_ENTRY);
		put_page(pg);
		err = 0;
	}
	put_page(pg);
	return err_here(err);
}

static void give_up_extent(struct domain *d, u64 mfn, u32 order)
{
	u64 i;

	for (i = 0; i < 1UL << order; i++)
		give_up_page(d, mfn + i);
}

/*
 * ---- increase, decrease, populate ----
 * Each does one extent, from page *page of it: 0; -ERESTART: a preemption point was reached, go on
 * from *page; anything else stops the call.
 */

static int take_extent(struct domain *d, const struct xen_memory_reservation *r, u64 i,
		       bool populate)
{
	u64 pfn = INVALID_M2P_ENTRY, mfn;
	struct page_info *pg;
	u32 memflags;

	if (!memflags_of(r->mem_flags, &memflags))
		return -EINVAL;
	if (populate && read_guest_at(&pfn, r->extent_start.va, i))
		return -EFAULT;
	if (r->extent_order > HEAP_CLEAR_ORDER && heap_prepare(d, r->extent_order, memflags))
		return -ERESTART;
	pg = alloc_domheap_pages(d, r->extent_order, memflags, pfn);
	if (!pg)
		return -ENOMEM;
	mfn = page_to_mfn(pg);
	if (r->extent_start.va && write_guest_at(r->extent_start.va, i, &mfn)) {
		give_up_extent(d, mfn, r->extent_order);
		return -EFAULT;
	}
	return 0;
}

static int decrease(struct domain *d, const struct xen_memory_reservation *r, u64 i, u32 *page)
{
	u32 done;
	u64 mfn;

	if (read_guest_at(&mfn, r->extent_start.va, i))
		return -EFAULT;
	for (done = 0; *page < 1u << r->extent_order; ++*page, done++) {
		if (done >= PAGES_PER_STEP && preempt_needed())
			return -ERESTART;
		if (give_up_page(d, mfn + *page))
			return -EINVAL;
	}
	*page = 0;
	return 0;
}

static long reservation_op(u64 op, u64 arg, struct vcpu *v)
{
	u64 i, start = op >> EXTENT_SHIFT;
	u32 cmd = op & (BIT(CMD_BITS) - 1), page = op >> CMD_BITS & (BIT(PAGE_BITS) - 1);
	struct xen_memory_reservation r;
	struct domain *d;
	int rc = 0;

	if (read_guest(&r, arg) || r.nr_extents > ~0UL >> (EXTENT_SHIFT + 1) ||
	    start >= r.nr_extents || r.extent_order > MEMORY_MAX_ORDER)
		return (long)start;
	if (domain_get_allowed(v, r.domid, &d))
		return (long)start;
	for (i = start; i < r.nr_extents; i++) {
		preempt_charge(BIT(r.extent_order) / 4); /* a frame has many records */
		if (i != start && preempt_needed())
			rc = -ERESTART;
		else if (cmd == XENMEM_decrease_reservation)
			rc = decrease(d, &r, i, &page);
		else
			rc = take_extent(d, &r, i, cmd == XENMEM_populate_physmap);
		if (rc)
			break;
	}
	domain_put(d);
	if (rc != -ERESTART)
		return (long)i;
	op = cmd | (u64)page << CMD_BITS | i << EXTENT_SHIFT;
	return hypercall_restart(v, __HYPERVISOR_memory_op, 2, (u64[]){ op, arg });
}

static long claim_pages(u64 arg, struct vcpu *v)
{
	struct xen_memory_reservation r;
	struct domain *d;
	long rc;

	if (!v->domain->privileged)
		return err_here(-EPERM);
	if (read_guest(&r, arg))
		return err_here(-EFAULT);
	if (r.extent_start.va || r.extent_order || r.mem_flags)
		return err_here(-EINVAL);
	d = domain_get_for(v, r.domid);
	if (!d)
		return err_here(-ESRCH);
	rc = heap_claim(d, r.nr_extents);
	domain_put(d);
	return err_here(rc);
}

/* ---- questions ---- */

static long ask_domain(u32 cmd, u64 arg, struct vcpu *v)
{
	struct xen_memory_domain op;
	struct domain *d;
	long ret;

	if (read_guest(&op, arg))
		return err_here(-EFAULT);
	ret = domain_get_allowed(v, op.domid, &d);
	if (ret)
		return ret;
	if (cmd == XENMEM_current_reservation)
		ret = (long)d->tot_pages;
	else if (cmd == XENMEM_maximum_reservation)
		ret = (long)d->max_pages;
	else /* the guest's own word, which it may change at any time */
		ret = (long)MAX(READ_ONCE(d->shared_info->arch.max_pfn), 1UL) - 1;
	domain_put(d);
	return err_here(ret);
}

static long machphys_mapping(u64 arg)
{
	struct xen_machphys_mapping m = {
		.v_start = MACH2PHYS_VIRT_START,
		.v_end = MACH2PHYS_VIRT_START + ALIGN_UP(max_mfn * sizeof(u64), PAGE_SIZE),
		.max_mfn = max_mfn - 1,
	};

	return write_guest(arg, &m) ? err_here(-EFAULT) : 0;
}

static long memory_map(u64 arg, struct domain *d)
{
	struct e820_raw e[E820_ENTRIES_MAX];
	struct xen_memory_map map;
	u32 n;

	if (read_guest(&map, arg))
		return err_here(-EFAULT);
	spin_lock(&d->page_lock);
	n = d->nr_e820;
	if (n)
		__builtin_memcpy(e, d->e820, n * sizeof(e[0]));
	spin_unlock(&d->page_lock);
	if (!n)
		return err_here(-ENOSYS);
	map.nr_entries = MIN(map.nr_entries, n);
	if (copy_to_guest(map.buffer.va, e, map.nr_entries * sizeof(e[0])) ||
	    write_guest(arg, &map))
		return err_here(-EFAULT);
	return 0;
}

static long set_memory_map(u64 arg, struct vcpu *v)
{
	struct xen_foreign_memory_map op;
	struct domain *d;
	u8 *map, *old;
	size_t size;

	if (!v->domain->privileged)
		return err_here(-EPERM);
	if (read_guest(&op, arg))
		return err_here(-EFAULT);
	if (op.map.nr_entries > E820_ENTRIES_MAX)
		return err_here(-EINVAL);
	d = domain_get_for(v, op.domid);
	if (!d)
		return err_here(-ESRCH);
	size = op.map.nr_entries * E820_ENTRY_SIZE;
	map = xzalloc_bytes(MAX(size, 1UL));
	if (!map || copy_from_guest(map, op.map.buffer.va, size)) {
		xfree(map);
		domain_put(d);
		return err_here(map ? -EFAULT : -ENOMEM);
	}
	spin_lock(&d->page_lock);
	old = d->e820;
	d->e820 = map;
	d->nr_e820 = op.map.nr_entries;
	spin_unlock(&d->page_lock);
	xfree(old);
	domain_put(d);
	return 0;
}

static long machine_memory_map(u64 arg, struct vcpu *v)
{
	struct xen_memory_map map;
	struct e820_raw e;
	u64 start, size;
	u32 n, type;

	if (!v->domain->privileged)
		return err_here(-EPERM);
	if (read_guest(&map, arg))
		return err_here(-EFAULT);
	for (n = 0; arch_memory_map(n, &start, &size, &type); n++) {
		e = (struct e820_raw){ start, size, type };
		if (!map.buffer.va)
			continue;
		if (n >= map.nr_entries)
			return err_here(-EINVAL);
		if (write_guest_at(map.buffer.va, n, &e))
			return err_here(-EFAULT);
	}
	map.nr_entries = n;
	return write_guest(arg, &map) ? err_here(-EFAULT) : 0;
}

/* ---- resources ---- */

static long give_grant_frames(struct domain *d, const struct xen_mem_acquire_resource *op)
{
	u64 mfn;
	u32 i;
	int err;

	for (i = 0; i < op->nr_frames; i++) {
		err = grant_table_frame(d, op->frame + i, &mfn);
		if (err)
			return err_here(err);
		if (write_guest_at(op->frame_list.va, i, &mfn))
			return err_here(-EFAULT);
	}
	return 0;
}

static long acquire_resource(u64 arg, struct vcpu *v)
{
	struct xen_mem_acquire_resource op;
	struct domain *d;
	long ret;

	if (read_guest(&op, arg))
		return err_here(-EFAULT);
	if (op.pad || op.nr_frames > ACQUIRE_MAX || op.frame >= GRANT_MAX_FRAMES)
		return err_here(-EINVAL);
	if (op.type != XENMEM_resource_grant_table)
		return err_here(-EOPNOTSUPP);
	ret = domain_get_allowed(v, op.domid, &d);
	if (ret)
		return ret;
	if (op.id != XENMEM_resource_grant_table_id_shared) {
		ret = -EINVAL; /* no status array: version 1 */
	} else if (!op.frame_list.va) {
		op.nr_frames = GRANT_MAX_FRAMES;
		ret = write_guest(arg, &op) ? -EFAULT : 0;
	} else {
		ret = give_grant_frames(d, &op);
	}
	domain_put(d);
	if (ret == -ERESTART)
		return hypercall_restart(v, __HYPERVISOR_memory_op, 2,
					 (u64[]){ XENMEM_acquire_resource, arg });
	return err_here(ret);
}

/* ---- the call ---- */

long do_memory_op(u64 op, u64 arg, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	u32 cmd = op & (BIT(CMD_BITS) - 1);

	switch (cmd) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return reservation_op(op, arg, v);
	case XENMEM_exchange:
		return memory_exchange(op, arg, v);
	case XENMEM_claim_pages:
		return claim_pages(arg, v);
	case XENMEM_maximum_ram_page:
		return (long)max_mfn - 1;
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
	case XENMEM_maximum_gpfn:
		return ask_domain(cmd, arg, v);
	case XENMEM_machphys_mapping:
		return machphys_mapping(arg);
	case XENMEM_memory_map:
		return memory_map(arg, v->domain);
	case XENMEM_set_memory_map:
		return set_memory_map(arg, v);
	case XENMEM_machine_memory_map:
		return machine_memory_map(arg, v);
	case XENMEM_acquire_resource:
		return acquire_resource(arg, v);
	case XENMEM_add_to_physmap:
	case XENMEM_add_to_physmap_batch:
	case XENMEM_remove_from_physmap:
		return err_here(-EACCES); /* a PV domain has no physmap of ours */
	case XENMEM_get_sharing_freed_pages:
	case XENMEM_get_sharing_shared_pages:
		return 0; /* none are shared */
	case XENMEM_get_vnumainfo:
	case XENMEM_paging_op:
	case XENMEM_access_op:
	case XENMEM_sharing_op:
		return err_here(-EOPNOTSUPP);
	default:
		return err_here(-ENOSYS);
	}
}
