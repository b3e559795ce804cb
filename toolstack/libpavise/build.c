/* SPDX-License-Identifier: MIT */
/*
 * Fills a PV domain. Only pages that get something are mapped; the others are clear as the
 * hypervisor gave them. Before the tables are pinned, none of its pages is mapped any more:
 * the hypervisor then checks them as if the guest had made them.
 */

#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>

#include "../lib/util.h"
#include "layout.h"

#define PTE_GUEST 0x67ul    /* present, writable, user, accessed, dirty */
#define PTE_READONLY 0x65ul /* the same, not writable */
#define BIG_ORDER 9
#define RANGES_MAX (ELF_MAX_LOAD + 4)

/* Pages of the domain that are mapped here. */
struct range {
	unsigned char *at;
	u64 pfn, pages;
};

struct site {
	struct pavise *p;
	const struct build *b;
	struct layout l;
	u64 *mfns; /* [pfn] */
	struct range ranges[RANGES_MAX];
	unsigned int nr_ranges;
	struct failure *f;
};

/* ---- memory ---- */

/* Extents of 2^order pages from pfn on; how many pages came. */
static u64 populate_some(struct site *s, u64 pfn, u64 extents, unsigned int order)
{
	u64 *frames = s->p->array;
	struct xen_memory_reservation r = { .extent_start = frames,
					    .nr_extents = extents,
					    .extent_order = order,
					    .domid = s->b->domid };
	long done;

	for (u64 i = 0; i < extents; i++)
		frames[i] = pfn + (i << order);
	done = memory_call(s->p, XENMEM_populate_physmap, &r, sizeof(r));
	for (long i = 0; i < done; i++) {
		for (u64 j = 0; j < 1ul << order; j++)
			s->mfns[pfn + ((u64)i << order) + j] = frames[i] + j;
	}
	return done > 0 ? (u64)done << order : 0;
}

static bool populate(struct site *s)
{
	unsigned int order = BIG_ORDER;
	u64 have = 0;

	while (have < s->b->nr_pages) {
		u64 left = (s->b->nr_pages - have) >> order, got = 0;

		if (left)
			got = populate_some(s, have, MIN(left, (u64)CALL_ARRAY_BYTES / 8), order);
		have += got;
		if (got)
			continue;
		if (!order)
			return fail(s->f, FAIL_MEMORY,
				    "%lu of %lu KiB are free for the domain; give it less, or end"
				    " another one",
				    have * 4, s->b->nr_pages * 4);
		order = 0; /* few long extents are left, or few pages */
	}
	return true;
}

/* Sets memory aside, or with 0 pages gives back what is left of that. */
static bool claim(struct site *s, u64 pages)
{
	struct xen_memory_reservation r = { .nr_extents = pages, .domid = s->b->domid };
	long rc = memory_call(s->p, XENMEM_claim_pages, &r, sizeof(r));

	if (!rc)
		return true;
	return fail(s->f, FAIL_MEMORY,
		    "%lu KiB are not free (%s); give the domain less, or end another one",
		    pages * 4, strerror((int)-rc));
}

/* What the guest will be told of its memory: one piece, as large as it may become. */
static bool set_memory_map(struct site *s)
{
	struct e820 {
		uint64_t address, size;
		uint32_t type;
	} __attribute__((packed)) *map = s->p->array;
	struct xen_foreign_memory_map m = { .domid = s->b->domid,
					    .map = { .nr_entries = 1, .buffer = map } };
	long rc;

	*map = (struct e820){ 0, s->b->max_pages * PAGE_SIZE, 1 };
	rc = memory_call(s->p, XENMEM_set_memory_map, &m, sizeof(m));
	return !rc || fail(s->f, FAIL_REFUSED, "the hypervisor refuses the map of memory: %s",
			   strerror((int)-rc));
}

/* ---- its pages, mapped here ---- */

static bool map_range(struct site *s, u64 pfn, u64 pages)
{
	struct range *r = &s->ranges[s->nr_ranges];

	if (!pages)
		return true;
	if (s->nr_ranges == RANGES_MAX || pfn + pages > s->b->nr_pages)
		return fail(s->f, FAIL_MEMORY,
			    "the kernel does not fit into the memory given; raise memory");
	r->at = xenforeignmemory_map(s->p->memory, s->b->domid, PROT_READ | PROT_WRITE, pages,
				     s->mfns + pfn, NULL);
	if (!r->at)
		return fail(s->f, FAIL_REFUSED, "the domain's memory can't be mapped: %s",
			    strerror(errno));
	r->pfn = pfn;
	r->pages = pages;
	s->nr_ranges++;
	return true;
}

static void unmap_ranges(struct site *s)
{
	while (s->nr_ranges) {
		struct range *r = &s->ranges[--s->nr_ranges];

		xenforeignmemory_unmap(s->p->memory, r->at, r->pages);
	}
}

/* A page that is mapped; the newest range has it. */
static void *page_at(const struct site *s, u64 pfn)
{
	for (unsigned int i = s->nr_ranges; i--;) {
		const struct range *r = &s->ranges[i];

		if (pfn - r->pfn < r->pages)
			return r->at + (pfn - r->pfn) * PAGE_SIZE;
	}
	abort(); /* what is written is planned, and all that is planned is mapped */
}

/* ---- contents ---- */

static bool load_kernel(struct site *s)
{
	const struct kernel_image *k = &s->b->image->kernel;

	for (unsigned int i = 0; i < k->nr_load; i++) {
		const struct elf_load *l = &k->load[i];
		u64 first = l->pa / PAGE_SIZE;

		if (!l->file_size)
			continue;
		if (!map_range(s, first, DIV_ROUND_UP(l->pa + l->file_size, PAGE_SIZE) - first))
			return false;
		memcpy((unsigned char *)page_at(s, first) + l->pa % PAGE_SIZE,
		       k->image + l->file_offset, l->file_size);
	}
	return true;
}

static bool load_ramdisk(struct site *s)
{
	if (!s->b->ramdisk)
		return true;
	if (!map_range(s, s->l.initrd_pfn, s->l.initrd_pages))
		return false;
	memcpy(page_at(s, s->l.initrd_pfn), s->b->ramdisk->bytes, s->b->ramdisk->size);
	return true;
}

static void set_entry(void *ctx, u64 table, unsigned int index, u64 pfn, bool writable)
{
	struct site *s = ctx;
	u64 *t = page_at(s, table);

	t[index] = s->mfns[pfn] << PAGE_SHIFT | (writable ? PTE_GUEST : PTE_READONLY);
}

static void fill_start_info(struct site *s)
{
	struct start_info *si = page_at(s, s->l.start_info_pfn);
	const struct kernel_image *k = &s->b->image->kernel;
	const struct layout *l = &s->l;

	memset(si, 0, PAGE_SIZE);
	memcpy(si->magic, "xen-3.0-x86_64", sizeof("xen-3.0-x86_64"));
	si->nr_pages = l->nr_pages;
	si->store_mfn = s->b->store_mfn;
	si->store_evtchn = s->b->store_port;
	si->console.domU.mfn = s->b->console_mfn;
	si->console.domU.evtchn = s->b->console_port;
	si->pt_base = k->virt_base + l->pt_pfn * PAGE_SIZE;
	si->nr_pt_frames = l->nr_pt;
	si->mfn_list = k->virt_base + l->p2m_pfn * PAGE_SIZE;
	if (k->has_init_p2m) {
		si->mfn_list = k->init_p2m;
		si->first_p2m_pfn = l->p2m_pfn;
		si->nr_p2m_frames = l->nr_p2m;
	}
	if (s->b->ramdisk) {
		si->mod_start = k->virt_base + l->initrd_pfn * PAGE_SIZE;
		si->mod_len = s->b->ramdisk->size;
		if (k->mod_start_pfn) {
			si->mod_start = l->initrd_pfn;
			si->flags |= SIF_MOD_START_PFN;
		}
	}
	if (s->b->cmdline)
		strncpy((char *)si->cmd_line, s->b->cmdline, sizeof(si->cmd_line) - 1);
}

/* The page that the hypervisor shares with it: no vCPU takes events before it says so. */
static bool fill_shared_info(struct site *s)
{
	struct xen_domctl *d = domctl_new(s->p, s->b->domid);
	struct start_info *si = page_at(s, s->l.start_info_pfn);
	struct shared_info *shared;
	xen_pfn_t frame;
	int rc = domctl_call(s->p, XEN_DOMCTL_getdomaininfo);

	if (rc || d->domain != s->b->domid)
		return fail(s->f, FAIL_REFUSED, "the new domain can't be looked at: %s",
			    strerror(-rc));
	frame = d->u.getdomaininfo.shared_info_frame;
	si->shared_info = frame << PAGE_SHIFT;
	shared = xenforeignmemory_map(s->p->memory, s->b->domid, PROT_READ | PROT_WRITE, 1, &frame,
				      NULL);
	if (!shared)
		return fail(s->f, FAIL_REFUSED, "the domain's shared page can't be mapped: %s",
			    strerror(errno));
	for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
		shared->vcpu_info[i].evtchn_upcall_mask = 1;
	/* Where its list of frames is, for a core of a guest that never came to say so. */
	shared->arch.max_pfn = s->l.nr_pages;
	shared->arch.p2m_vaddr = si->mfn_list;
	shared->arch.p2m_cr3 = xen_pfn_to_cr3(s->mfns[s->l.pt_pfn]);
	xenforeignmemory_unmap(s->p->memory, shared, 1);
	return true;
}

static bool fill_pages(struct site *s)
{
	const struct kernel_image *k = &s->b->image->kernel;
	const struct layout *l = &s->l;

	if (!load_kernel(s) || !load_ramdisk(s) || !map_range(s, l->p2m_pfn, l->nr_p2m) ||
	    !map_range(s, l->start_info_pfn, l->pt_pfn + l->nr_pt - l->start_info_pfn))
		return false;
	if (!layout_tables(l, k, set_entry, s))
		return fail(s->f, FAIL_IMAGE,
			    "the kernel asks for its list of frames among its own addresses; take"
			    " another one");
	for (u64 i = 0; i < l->list_pages; i++)
		memcpy(page_at(s, l->p2m_pfn + i), s->mfns + i * 512,
		       MIN(512ul, l->nr_pages - i * 512) * 8);
	fill_start_info(s);
	return fill_shared_info(s);
}

/* ---- what only calls can do ---- */

/* The rings are granted to us from the start, so that daemons need no right to map all. */
static bool seed_grants(struct site *s)
{
	struct grant_entry_v1 *table = NULL;
	xenforeignmemory_resource_handle *r = xenforeignmemory_map_resource(
		s->p->memory, s->b->domid, XENMEM_resource_grant_table,
		XENMEM_resource_grant_table_id_shared, 0, 1, (void **)&table,
		PROT_READ | PROT_WRITE, 0);

	if (!r)
		return fail(s->f, FAIL_REFUSED, "the domain's grant table can't be mapped: %s",
			    strerror(errno));
	table[GNTTAB_RESERVED_CONSOLE] =
		(struct grant_entry_v1){ .flags = GTF_permit_access,
					 .frame = (uint32_t)s->b->console_mfn };
	table[GNTTAB_RESERVED_XENSTORE] =
		(struct grant_entry_v1){ .flags = GTF_permit_access,
					 .frame = (uint32_t)s->b->store_mfn };
	xenforeignmemory_unmap_resource(s->p->memory, r);
	return true;
}

static bool fill_hypercall_page(struct site *s)
{
	const struct kernel_image *k = &s->b->image->kernel;
	int rc;

	if (!k->hypercall_page)
		return true;
	domctl_new(s->p, s->b->domid)->u.hypercall_init.gmfn =
		s->mfns[(k->hypercall_page - k->virt_base) / PAGE_SIZE];
	rc = domctl_call(s->p, XEN_DOMCTL_hypercall_init);
	return !rc ||
	       fail(s->f, FAIL_IMAGE, "the kernel's hypercall page is refused: %s", strerror(-rc));
}

static bool pin_tables(struct site *s)
{
	struct mmuext_op *op = s->p->argument;

	*op = (struct mmuext_op){ .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = s->mfns[s->l.pt_pfn] };
	if (xencall4(s->p->calls, __HYPERVISOR_mmuext_op, (uint64_t)(uintptr_t)op, 1, 0,
		     s->b->domid) < 0)
		return fail(s->f, FAIL_IMAGE,
			    "the hypervisor refuses the tables made for the kernel: %s; its notes"
			    " ask for what it can't have",
			    strerror(errno));
	return true;
}

static bool set_context(struct site *s)
{
	const struct kernel_image *k = &s->b->image->kernel;
	struct vcpu_guest_context *c = s->p->array;
	struct xen_domctl *d = domctl_new(s->p, s->b->domid);
	int rc;

	*c = (struct vcpu_guest_context){
		.flags = VGCF_IN_KERNEL | VGCF_online,
		.kernel_ss = FLAT_KERNEL_SS,
		.kernel_sp = k->virt_base + (s->l.stack_pfn + 1) * PAGE_SIZE,
		.ctrlreg[3] = xen_pfn_to_cr3(s->mfns[s->l.pt_pfn]),
	};
	c->user_regs = (struct cpu_user_regs){
		.rip = k->entry,
		.rsp = c->kernel_sp,
		.rsi = k->virt_base + s->l.start_info_pfn * PAGE_SIZE,
		.cs = FLAT_KERNEL_CS,
		.ss = FLAT_KERNEL_SS,
		.rflags = 0x200,
	};
	d->u.vcpucontext.ctxt = c;
	rc = domctl_call(s->p, XEN_DOMCTL_setvcpucontext);
	return !rc || fail(s->f, FAIL_IMAGE, "the hypervisor refuses the kernel's start: %s",
			   strerror(-rc));
}

bool build_domain(struct pavise *p, struct build *b, struct failure *f)
{
	struct site s = { .p = p, .b = b, .f = f };
	bool good = layout_plan(&s.l, &b->image->kernel, b->nr_pages,
				b->ramdisk ? b->ramdisk->size : 0, f);

	if (!good)
		return false;
	s.mfns = xmalloc(b->nr_pages * sizeof(*s.mfns));
	good = claim(&s, b->nr_pages) && populate(&s) && claim(&s, 0) && set_memory_map(&s);
	if (good) {
		b->store_mfn = s.mfns[s.l.store_pfn];
		b->console_mfn = s.mfns[s.l.console_pfn];
		good = fill_pages(&s);
		unmap_ranges(&s);
	}
	good = good && fill_hypercall_page(&s) && seed_grants(&s) && pin_tables(&s) &&
	       set_context(&s);
	free(s.mfns);
	return good;
}
