/* SPDX-License-Identifier: MIT */
/* Lies about memory: page tables, memory_op, grants. */
#include "liar.h"

/* ---- mmu_update, update_va_mapping, mmuext_op ---- */
static void mmu_update(void)
{
	struct mmu_update *u = AS(struct mmu_update);

	u->ptr = plain_pte_ma;
	u->val = plain_mfn << 12 | PTE_KERN;
	a[0] = A(u), a[1] = 1, a[2] = A(list), a[3] = DOMID_SELF;
}

static void mmu_machphys(void)
{
	mmu_update();
	AS(struct mmu_update)->ptr = plain_mfn << 12 | MMU_MACHPHYS_UPDATE;
	AS(struct mmu_update)->val = M2P[plain_mfn];
}

static void va_mapping(void)
{
	a[0] = A(plain), a[1] = plain_mfn << 12 | PTE_KERN, a[2] = UVMF_INVLPG, a[3] = DOMID_SELF;
}

static void mmuext_frame(void)
{
	AS(struct mmuext_op)->arg1.mfn = plain_mfn;
	AS(struct mmuext_op)->arg2.src_mfn = mfn_of(readonly);
}

static void mmuext_va(void)
{
	*(u64 *)list = 1;
	AS(struct mmuext_op)->arg1.linear_addr = A(plain);
	AS(struct mmuext_op)->arg2.vcpumask = list;
}

static void mmuext_ldt(void)
{
	AS(struct mmuext_op)->arg1.linear_addr = A(readonly);
	AS(struct mmuext_op)->arg2.nr_ents = 0;
}

#define MMUEXT_FIELDS                                                                              \
	ARG_PTR(0, IN, struct mmuext_op, "ops"), ARG(1, SIZE, "count"),                            \
		ARG_PTR(2, OUT | MAY, u32, "done"), ARG(3, DOM, "foreigndom")
#define PIN_ROW(op_)                                                                               \
	ROW(mmuext_op, op_, MMUEXT, 0, mmuext_frame, MMUEXT_FIELDS,                                \
	    F(struct mmuext_op, arg1.mfn, MFN))
#define FLUSH_ROW(op_)                                                                             \
	ROW(mmuext_op, op_, MMUEXT, 0, mmuext_va, ARG_PTR(0, IN, struct mmuext_op, "ops"),         \
	    ARG(1, SIZE, "count"), F(struct mmuext_op, arg1.linear_addr, CANON | MAY))
#define MULTI_ROW(op_)                                                                             \
	ROW(mmuext_op, op_, MMUEXT, 0, mmuext_va, ARG_PTR(0, IN, struct mmuext_op, "ops"),         \
	    F(struct mmuext_op, arg1.linear_addr,                                                  \
	      CANON | MAY), /* read as far as there are vCPUs: one byte will do */                 \
	    { 5, 8, offsetof(struct mmuext_op, arg2.vcpumask), IN, 1, "arg2.vcpumask" })

/* ---- memory_op ---- */
static void reservation(void)
{
	struct xen_memory_reservation *r = AS(struct xen_memory_reservation);

	r->extent_start = (xen_pfn_t *)list;
	r->nr_extents = 1;
	r->domid = DOMID_SELF;
	*(u64 *)list = plain_mfn; /* mapped writable: cannot be given away */
}

static void populate(void)
{
	reservation();
	*(u64 *)list = 1UL << 45; /* no such pfn */
}

static void domain_arg(void)
{
	AS(struct xen_memory_domain)->domid = DOMID_SELF;
}

static void exchange(void)
{
	struct xen_memory_exchange *x = AS(struct xen_memory_exchange);

	x->in.extent_start = (xen_pfn_t *)list;
	x->out.extent_start = (xen_pfn_t *)(list + 64);
	x->in.nr_extents = x->out.nr_extents = 1;
	x->in.domid = x->out.domid = DOMID_SELF;
	*(u64 *)list = plain_mfn;
	*(u64 *)(list + 64) = M2P[plain_mfn];
}

static void mfn_list(void)
{
	AS(struct xen_machphys_mfn_list)->max_extents = 4;
	AS(struct xen_machphys_mfn_list)->extent_start = (xen_pfn_t *)list;
}

static void memory_map(void)
{
	AS(struct xen_memory_map)->nr_entries = 40;
	AS(struct xen_memory_map)->buffer = list;
}

static void foreign_map(void)
{
	AS(struct xen_foreign_memory_map)->domid = DOMID_SELF;
	AS(struct xen_foreign_memory_map)->map.buffer = list;
}

static void to_physmap(void)
{
	AS(struct xen_add_to_physmap)->domid = DOMID_SELF;
}

static void to_physmap_batch(void)
{
	struct xen_add_to_physmap_batch *b = AS(struct xen_add_to_physmap_batch);

	b->domid = DOMID_SELF;
	b->size = 1;
	b->idxs = (xen_ulong_t *)list;
	b->gpfns = (xen_pfn_t *)(list + 64);
	b->errs = (int32_t *)(list + 128);
}

static void from_physmap(void)
{
	AS(struct xen_remove_from_physmap)->domid = DOMID_SELF;
	AS(struct xen_remove_from_physmap)->gpfn = 1UL << 40;
}

static void resource(void)
{
	struct xen_mem_acquire_resource *r = AS(struct xen_mem_acquire_resource);

	r->domid = DOMID_SELF;
	r->type = XENMEM_resource_grant_table;
	r->nr_frames = 1;
	r->frame_list = (xen_pfn_t *)list;
}

static void claim(void)
{
	AS(struct xen_memory_reservation)->domid = DOMID_SELF;
}

#define RES struct xen_memory_reservation
#define RES_FIELDS                                                                                 \
	ARG_PTR(1, IN, RES, "arg"), F(RES, extent_start, OUT), F(RES, extent_order, NUM),          \
		F(RES, domid, DOM)

/* ---- grants: references and handles that do not exist ---- */
static void map(void)
{
	struct gnttab_map_grant_ref *m = AS(struct gnttab_map_grant_ref);

	m->host_addr = A(WINDOW(1));
	m->flags = GNTMAP_host_map;
	m->ref = 300;
	m->dom = (domid_t)arg_num("peer", 0);
}

static void unmap(void)
{
	AS(struct gnttab_unmap_grant_ref)->host_addr = A(WINDOW(1));
	AS(struct gnttab_unmap_grant_ref)->handle = 50;
}

static void setup_table(void)
{
	AS(struct gnttab_setup_table)->dom = DOMID_SELF;
	AS(struct gnttab_setup_table)->nr_frames = 1;
	AS(struct gnttab_setup_table)->frame_list = (xen_pfn_t *)list;
}

static void copy(void)
{
	struct gnttab_copy *c = AS(struct gnttab_copy);

	c->source.u.gmfn = mfn_of(readonly);
	c->source.domid = DOMID_SELF;
	c->dest.u.gmfn = plain_mfn;
	c->dest.domid = DOMID_SELF;
	c->len = 8;
}

static void copy_ref(void)
{
	copy();
	AS(struct gnttab_copy)->source.u.ref = 300;
	AS(struct gnttab_copy)->flags = GNTCOPY_source_gref;
}

static void dom_first(void)
{
	AS(struct gnttab_query_size)->dom = DOMID_SELF;
}

static void transfer(void)
{
	AS(struct gnttab_transfer)->mfn = plain_mfn;
	AS(struct gnttab_transfer)->domid = (domid_t)arg_num("peer", 0);
	AS(struct gnttab_transfer)->ref = 300;
}

#define GMAP struct gnttab_map_grant_ref
#define GCOPY struct gnttab_copy
#define GPTR(type_) ARG_PTR(1, OUT, type_, "args")
/*
 * A count beyond what exists runs into a page that does not: refused, or every element done has a
 * status.
 */
#define GCOUNT ARG(2, SIZE | MAY, "count")

const struct row memory_rows[] = {

	ROW(mmu_update, MMU_NORMAL_PT_UPDATE, RAW, 0, mmu_update,
	    ARG_PTR(0, IN, struct mmu_update, "reqs"), ARG(1, SIZE, "count"),
	    ARG_PTR(2, OUT | MAY, u32, "done"), ARG(3, DOM | MAY, "foreigndom"),
	    F(struct mmu_update, ptr, PTMA), F(struct mmu_update, val, PTE1)),
	ROW(mmu_update, MMU_MACHPHYS_UPDATE, RAW, 0, mmu_machphys,
	    ARG_PTR(0, IN, struct mmu_update, "reqs"), F(struct mmu_update, ptr, MFN)),
	ROW(mmu_update, MMU_PT_UPDATE_PRESERVE_AD, RAW, 0, mmu_update,
	    F(struct mmu_update, val, PTE1)),
	ROW(mmu_update, MMU_PT_UPDATE_NO_TRANSLATE, RAW, 0, mmu_update,
	    F(struct mmu_update, val, PTE1)),
	ROW(update_va_mapping, 0, RAW, 0, va_mapping, ARG(0, VA, "va"), ARG(1, PTE1, "val")),

	ROW(update_va_mapping_otherdomain, 0, RAW, PRIV, va_mapping, ARG(0, VA, "va"),
	    ARG(1, PTE1, "val"), ARG(3, DOM | MAY, "domid")),
	PIN_ROW(MMUEXT_PIN_L1_TABLE),
	PIN_ROW(MMUEXT_PIN_L2_TABLE),
	PIN_ROW(MMUEXT_PIN_L3_TABLE),

	PIN_ROW(MMUEXT_PIN_L4_TABLE),
	PIN_ROW(MMUEXT_UNPIN_TABLE),
	PIN_ROW(MMUEXT_NEW_BASEPTR),
	FLUSH_ROW(MMUEXT_TLB_FLUSH_LOCAL),
	FLUSH_ROW(MMUEXT_INVLPG_LOCAL),
	MULTI_ROW(MMUEXT_TLB_FLUSH_MULTI),
	MULTI_ROW(MMUEXT_INVLPG_MULTI),
	FLUSH_ROW(MMUEXT_TLB_FLUSH_ALL),

	FLUSH_ROW(MMUEXT_INVLPG_ALL),
	FLUSH_ROW(MMUEXT_FLUSH_CACHE),
	ROW(mmuext_op, MMUEXT_SET_LDT, MMUEXT, 0, mmuext_ldt, MMUEXT_FIELDS,
	    F(struct mmuext_op, arg2.nr_ents, NUM),
	    F(struct mmuext_op, arg1.linear_addr, CANON | MAY)),
	PIN_ROW(MMUEXT_NEW_USER_BASEPTR),

	PIN_ROW(MMUEXT_CLEAR_PAGE),
	ROW(mmuext_op, MMUEXT_COPY_PAGE, MMUEXT, 0, mmuext_frame,
	    F(struct mmuext_op, arg1.mfn, MFN), F(struct mmuext_op, arg2.src_mfn, MFN)),
	FLUSH_ROW(MMUEXT_FLUSH_CACHE_GLOBAL),

	ROW(mmuext_op, MMUEXT_MARK_SUPER, MMUEXT, 0, mmuext_frame,
	    F(struct mmuext_op, arg1.mfn, MFN)),
	ROW(mmuext_op, MMUEXT_UNMARK_SUPER, MMUEXT, 0, mmuext_frame,
	    F(struct mmuext_op, arg1.mfn, MFN)),

	ROW(mmuext_op, 14, MMUEXT, 0, mmuext_frame, F(struct mmuext_op, arg1.mfn, MFN),
	    F(struct mmuext_op, cmd, CMD)),

	ROW(memory_op, XENMEM_increase_reservation, OP, COUNTS, reservation,
	    ARG_PTR(1, IN, RES, "arg"), F(RES, extent_order, NUM), F(RES, domid, DOM),
	    F(RES, nr_extents, SIZE | MAY)),
	ROW(memory_op, XENMEM_decrease_reservation, OP, COUNTS, reservation, RES_FIELDS),
	ROW(memory_op, XENMEM_populate_physmap, OP, COUNTS, populate, RES_FIELDS),
	ROW(memory_op, XENMEM_maximum_ram_page, OP, 0, NULL, ARG(1, CANON | MAY, "arg")),
	ROW(memory_op, XENMEM_current_reservation, OP, 0, domain_arg, ARG_PTR(1, IN, u16, "arg"),
	    F(struct xen_memory_domain, domid, DOM)),
	ROW(memory_op, XENMEM_maximum_reservation, OP, 0, domain_arg, ARG_PTR(1, IN, u16, "arg"),
	    F(struct xen_memory_domain, domid, DOM)),
	ROW(memory_op, XENMEM_maximum_gpfn, OP, 0, domain_arg, ARG_PTR(1, IN, u16, "arg"),
	    F(struct xen_memory_domain, domid, DOM)),
	ROW(memory_op, XENMEM_machphys_mfn_list, OP, PRIV, mfn_list,
	    ARG_PTR(1, OUT, struct xen_machphys_mfn_list, "arg"),
	    F(struct xen_machphys_mfn_list, extent_start, OUT)),
	ROW(memory_op, XENMEM_machphys_compat_mfn_list, OP, PRIV, mfn_list,
	    ARG_PTR(1, OUT, struct xen_machphys_mfn_list, "arg")),
	ROW(memory_op, XENMEM_memory_map, OP, 0, memory_map,
	    ARG_PTR(1, OUT, struct xen_memory_map, "arg")),
	ROW(memory_op, XENMEM_machine_memory_map, OP, PRIV, memory_map,
	    ARG_PTR(1, OUT, struct xen_memory_map, "arg"),
	    F(struct xen_memory_map, buffer, OUT | NULLOK)),
	ROW(memory_op, XENMEM_exchange, OP, 0, exchange,
	    ARG_PTR(1, OUT, struct xen_memory_exchange, "arg"),
	    F(struct xen_memory_exchange, in.extent_start, IN),
	    F(struct xen_memory_exchange, in.nr_extents, SIZE),
	    F(struct xen_memory_exchange, in.extent_order, NUM),
	    F(struct xen_memory_exchange, in.domid, DOM),
	    F(struct xen_memory_exchange, out.nr_extents, SIZE),
	    F(struct xen_memory_exchange, out.extent_order, NUM),
	    F(struct xen_memory_exchange, out.domid, DOM),
	    F(struct xen_memory_exchange, nr_exchanged, SIZE)),
	ROW(memory_op, XENMEM_machphys_mapping, OP, 0, NULL,
	    ARG_PTR(1, OUT, struct xen_machphys_mapping, "arg")),
	ROW(memory_op, XENMEM_set_memory_map, OP, 0, foreign_map,
	    ARG_PTR(1, IN, struct xen_foreign_memory_map, "arg"),
	    F(struct xen_foreign_memory_map, domid, DOM),
	    F(struct xen_foreign_memory_map, map.nr_entries, SIZE)),
	ROW(memory_op, XENMEM_add_to_physmap, OP, 0, to_physmap,
	    ARG_PTR(1, IN, struct xen_add_to_physmap, "arg"),
	    F(struct xen_add_to_physmap, domid, DOM), F(struct xen_add_to_physmap, space, NUM)),
	ROW(memory_op, XENMEM_add_to_physmap_batch, OP, 0, to_physmap_batch,
	    ARG_PTR(1, IN, struct xen_add_to_physmap_batch, "arg"),
	    F(struct xen_add_to_physmap_batch, domid, DOM)),
	ROW(memory_op, XENMEM_remove_from_physmap, OP, 0, from_physmap,
	    ARG_PTR(1, IN, struct xen_remove_from_physmap, "arg"),
	    F(struct xen_remove_from_physmap, domid, DOM),
	    F(struct xen_remove_from_physmap, gpfn, MFN)),
	ROW(memory_op, XENMEM_acquire_resource, OP, PRIV, resource,
	    ARG_PTR(1, IN, struct xen_mem_acquire_resource, "arg"),
	    F(struct xen_mem_acquire_resource, domid, DOM),
	    F(struct xen_mem_acquire_resource, type, NUM),
	    F(struct xen_mem_acquire_resource, id, NUM),
	    F(struct xen_mem_acquire_resource, pad, ZERO),
	    F(struct xen_mem_acquire_resource, frame, MFN),
	    F(struct xen_mem_acquire_resource, frame_list, OUT | NULLOK)),
	ROW(memory_op, XENMEM_claim_pages, OP, PRIV, claim, ARG_PTR(1, IN, RES, "arg"),
	    F(RES, domid, DOM), F(RES, extent_order, ZERO), F(RES, mem_flags, ZERO)),
	ROW(memory_op, XENMEM_get_vnumainfo, OP, 0, domain_arg,
	    ARG_PTR(1, OUT, struct xen_vnuma_topology_info, "arg")),
	ROW(memory_op, XENMEM_reserved_device_memory_map, OP, PRIV, NULL,
	    ARG_PTR(1, OUT, struct xen_reserved_device_memory_map, "arg")),
	NONE(memory_op, XENMEM_set_pod_target),
	NONE(memory_op, XENMEM_get_pod_target),
	NONE(memory_op, XENMEM_paging_op),
	NONE(memory_op, XENMEM_access_op),
	NONE(memory_op, XENMEM_sharing_op),
	ROW(memory_op, XENMEM_get_sharing_freed_pages, OP, 0, NULL, ARG(1, CANON | MAY, "arg")),
	ROW(memory_op, XENMEM_get_sharing_shared_pages, OP, 0, NULL, ARG(1, CANON | MAY, "arg")),
	ROW(memory_op, 8, RAW, 0, NULL, ARG(0, CMD, "cmd")),

	ROW(grant_table_op, GNTTABOP_map_grant_ref, GRANT, STATUS(18), map, GPTR(GMAP), GCOUNT,
	    F(GMAP, host_addr, HOSTVA), F(GMAP, ref, REF), F(GMAP, dom, DOM), F(GMAP, flags, NUM)),
	ROW(grant_table_op, GNTTABOP_unmap_grant_ref, GRANT, STATUS(20), unmap,
	    GPTR(struct gnttab_unmap_grant_ref), GCOUNT,
	    F(struct gnttab_unmap_grant_ref, handle, HANDLE),
	    F(struct gnttab_unmap_grant_ref, host_addr, HOSTVA)),

	ROW(grant_table_op, GNTTABOP_setup_table, GRANT, STATUS(8), setup_table,
	    GPTR(struct gnttab_setup_table), ARG(2, SIZE, "count"),
	    F(struct gnttab_setup_table, dom, DOM), F(struct gnttab_setup_table, nr_frames, SIZE),
	    F(struct gnttab_setup_table, frame_list, OUT)),
	ROW(grant_table_op, GNTTABOP_dump_table, GRANT, PRIV | STATUS(2), dom_first, GPTR(u32)),
	ROW(grant_table_op, GNTTABOP_transfer, GRANT, STATUS(16), transfer,
	    GPTR(struct gnttab_transfer), GCOUNT, F(struct gnttab_transfer, mfn, MFN),
	    F(struct gnttab_transfer, domid, DOM), F(struct gnttab_transfer, ref, REF)),
	ROW(grant_table_op, GNTTABOP_copy, GRANT, STATUS(offsetof(GCOPY, status)), copy,
	    GPTR(GCOPY), GCOUNT, F(GCOPY, source.u.gmfn, MFN), F(GCOPY, dest.u.gmfn, MFN),
	    F(GCOPY, source.domid, DOM), F(GCOPY, dest.domid, DOM), F(GCOPY, source.offset, NUM),
	    F(GCOPY, dest.offset, NUM), F(GCOPY, len, NUM)),
	ROW(grant_table_op, GNTTABOP_copy, GRANT, STATUS(offsetof(GCOPY, status)), copy_ref,
	    F(GCOPY, source.u.ref, REF), F(GCOPY, source.domid, DOM)),
	ROW(grant_table_op, GNTTABOP_query_size, GRANT, STATUS(12), dom_first,
	    GPTR(struct gnttab_query_size), ARG(2, SIZE, "count"),
	    F(struct gnttab_query_size, dom, DOM)),
	ROW(grant_table_op, GNTTABOP_unmap_and_replace, GRANT, STATUS(20), unmap,
	    GPTR(struct gnttab_unmap_and_replace),
	    F(struct gnttab_unmap_and_replace, handle, HANDLE)),
	ROW(grant_table_op, GNTTABOP_set_version, GRANT, 0, NULL, GPTR(u32),
	    F(struct gnttab_set_version, version, NUM)),
	ROW(grant_table_op, GNTTABOP_get_status_frames, GRANT, STATUS(6), dom_first,
	    GPTR(struct gnttab_get_status_frames), F(struct gnttab_get_status_frames, dom, DOM)),

	ROW(grant_table_op, GNTTABOP_get_version, GRANT, 0, dom_first,
	    GPTR(struct gnttab_get_version), F(struct gnttab_get_version, dom, DOM)),
	ROW(grant_table_op, GNTTABOP_swap_grant_ref, GRANT, STATUS(8), NULL,
	    GPTR(struct gnttab_swap_grant_ref), F(struct gnttab_swap_grant_ref, ref_a, NUM),
	    F(struct gnttab_swap_grant_ref, ref_b, NUM)),
	NONE(grant_table_op, GNTTABOP_cache_flush),

	ROW(grant_table_op, 99, GRANT, 0, dom_first, ARG(0, CMD, "cmd")),
	{ 0 },
};
