/* SPDX-License-Identifier: MIT */
/*
 * Building a PV domain: its memory, page tables, start_info and first registers, as the published
 * start-of-day contract says (docs/abi.md). The tables are written raw and then handed to the type
 * engine, which checks and counts them like any a guest made.
 */
#include <xen/elfnote.h>
#include <xen/features.h>

#include "core/arch.h"
#include "lib/elf.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "paging/paging.h"
#include "pv/pv.h"

#define PTE_GUEST (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define PTE_GUEST_RO (PTE_P | PTE_US | PTE_A | PTE_D)
#define SIF_FIRST_PAD (512UL << 10)
#define BOOTSTRAP_ALIGN (4UL << 20)

/*
 * Where things go. Page numbers are pseudo-physical; virtual = virt_base + (pfn << 12) up to
 * va_pages.
 */
struct plan {
	struct domain *d;
	struct kernel_image k;
	u64 nr_pages;
	u64 *mfns; /* [pfn], temporary */
	u64 start_info_pfn, store_pfn, console_pfn;
	u64 pt_pfn, nr_pt; /* bootstrap tables */
	u64 list_pages;    /* of the p2m list itself */
	u64 stack_pfn;
	u64 va_pages;        /* pages mapped at virt_base */
	u64 p2m_pfn, nr_p2m; /* the p2m list's frames and their tables (INIT_P2M) */
	u64 initrd_pfn, initrd_pages;
	u64 next_pt; /* next table page to hand out */
	u64 l4;      /* pfn */
};

static void *pfn_ptr(const struct plan *p, u64 pfn)
{
	return mfn_to_virt(p->mfns[pfn]);
}

/* ---- memory ---- */

static int allocate_memory(struct plan *p)
{
	u64 got = 0;
	unsigned order = MAX_ORDER;

	while (got < p->nr_pages) {
		struct page_info *pg;

		while (order && (1UL << order) > p->nr_pages - got)
			order--;
		pg = alloc_domheap_pages(p->d, order, 0, got);
		if (!pg) {
			if (!order)
				return -ENOMEM;
			order--;
			continue;
		}
		for (u64 i = 0; i < 1UL << order; i++)
			p->mfns[got++] = page_to_mfn(pg) + i;
	}
	return 0;
}

static void put_bytes(void *ctx, u64 pa, const void *src, u64 len)
{
	struct plan *p = ctx;

	if (!src) /* memory is clear as it is handed out */
		return;
	while (len) {
		u64 n = MIN(len, PAGE_SIZE - (pa & ~PAGE_MASK));

		memcpy((u8 *)pfn_ptr(p, pa >> PAGE_SHIFT) + (pa & ~PAGE_MASK), src, n);
		src = (const u8 *)src + n;
		pa += n;
		len -= n;
	}
}

/* ---- layout ---- */

static u64 tables_for(u64 va_start, u64 pages)
{
	u64 end = va_start + (pages << PAGE_SHIFT) - 1, n = 1;

	for (unsigned shift = 21; shift <= 39; shift += 9)
		n += (end >> shift) - (va_start >> shift) + 1;
	return n;
}

static void plan_layout(struct plan *p, const struct pv_image *img)
{
	u64 pfn = DIV_ROUND_UP(p->k.pa_end, PAGE_SIZE), vbase = p->k.virt_base;

	p->list_pages = p->nr_p2m = DIV_ROUND_UP(p->nr_pages * 8, PAGE_SIZE);
	p->initrd_pages = img->initrd ? DIV_ROUND_UP(img->initrd_size, PAGE_SIZE) : 0;
	if (!p->k.mod_start_pfn) {
		p->initrd_pfn = pfn;
		pfn += p->initrd_pages;
	}
	if (!p->k.has_init_p2m) {
		p->p2m_pfn = pfn;
		pfn += p->nr_p2m;
	}
	p->start_info_pfn = pfn++;
	if (!p->d->privileged) {
		p->store_pfn = pfn++;
		p->console_pfn = pfn++;
	}
	p->pt_pfn = pfn;
	for (p->nr_pt = 4;;) {
		u64 bytes = ((pfn + p->nr_pt + 1) << PAGE_SHIFT) + SIF_FIRST_PAD, need;

		p->va_pages = (ALIGN_UP(vbase + bytes, BOOTSTRAP_ALIGN) - vbase) >> PAGE_SHIFT;
		need = tables_for(vbase, p->va_pages);
		if (need <= p->nr_pt)
			break;
		p->nr_pt = need;
	}
	p->stack_pfn = pfn + p->nr_pt;
	pfn = p->va_pages;
	if (p->k.has_init_p2m) {
		p->p2m_pfn = pfn;
		p->nr_p2m += tables_for(p->k.init_p2m, p->list_pages) - 1; /* the L4 is shared */
		pfn += p->nr_p2m;
	}
	if (p->k.mod_start_pfn)
		p->initrd_pfn = pfn;
}

static bool plan_fits(const struct plan *p)
{
	u64 end = MAX(p->va_pages, p->p2m_pfn + p->nr_p2m);

	return MAX(end, p->initrd_pfn + p->initrd_pages) <= p->nr_pages;
}

/* ---- page tables ---- */

/* The entry of level `level` for va, making tables on the way. */
static u64 *walk_make(struct plan *p, u64 va, unsigned level)
{
	u64 *t = pfn_ptr(p, p->l4);

	for (unsigned l = 4; l > level; l--) {
		u64 *e = &t[pt_index(va, l)];

		if (!(*e & PTE_P))
			*e = p->mfns[p->next_pt++] << PAGE_SHIFT | PTE_GUEST;
		t = mfn_to_virt(pte_mfn(*e));
	}
	return &t[pt_index(va, level)];
}

static bool is_table_pfn(const struct plan *p, u64 pfn)
{
	return pfn >= p->pt_pfn && pfn < p->pt_pfn + p->nr_pt;
}

static void map_bootstrap(struct plan *p)
{
	p->l4 = p->next_pt = p->pt_pfn;
	p->next_pt++;
	for (u64 pfn = 0; pfn < p->va_pages; pfn++)
		*walk_make(p, p->k.virt_base + (pfn << PAGE_SHIFT), 1) =
			p->mfns[pfn] << PAGE_SHIFT |
			(is_table_pfn(p, pfn) ? PTE_GUEST_RO : PTE_GUEST);
}

/* The p2m list: where the kernel wants it, its own tables behind it. */
static void make_p2m(struct plan *p)
{
	if (p->k.has_init_p2m) {
		p->next_pt = p->p2m_pfn + p->list_pages;
		for (u64 i = 0; i < p->list_pages; i++)
			*walk_make(p, p->k.init_p2m + (i << PAGE_SHIFT), 1) =
				p->mfns[p->p2m_pfn + i] << PAGE_SHIFT | PTE_GUEST;
	}
	for (u64 i = 0; i < p->list_pages; i++)
		memcpy(pfn_ptr(p, p->p2m_pfn + i), p->mfns + i * 512,
		       MIN(512UL, p->nr_pages - i * 512) * 8);
}

/* ---- start of day ---- */

static void fill_start_info(struct plan *p, const struct pv_image *img)
{
	struct start_info *si = pfn_ptr(p, p->start_info_pfn);
	struct domain *d = p->d;

	hv_snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
	si->nr_pages = p->nr_pages;
	si->shared_info = d->shared_info_mfn << PAGE_SHIFT;
	if (d->privileged) {
		si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
	} else {
		si->store_mfn = p->mfns[p->store_pfn];
		si->console.domU.mfn = p->mfns[p->console_pfn];
	}
	si->pt_base = p->k.virt_base + (p->pt_pfn << PAGE_SHIFT);
	si->nr_pt_frames = p->nr_pt;
	si->mfn_list = p->k.virt_base + (p->p2m_pfn << PAGE_SHIFT);
	if (p->k.has_init_p2m) {
		si->mfn_list = p->k.init_p2m;
		si->first_p2m_pfn = p->p2m_pfn;
		si->nr_p2m_frames = p->nr_p2m;
	}
	if (img->initrd) {
		si->mod_start = p->initrd_pfn;
		if (p->k.mod_start_pfn)
			si->flags |= SIF_MOD_START_PFN;
		else
			si->mod_start = p->k.virt_base + (p->initrd_pfn << PAGE_SHIFT);
		si->mod_len = img->initrd_size;
	}
	hv_snprintf((char *)si->cmd_line, sizeof(si->cmd_line), "%s",
		    img->cmdline ? img->cmdline : "");
}

static void fill_vcpu(struct plan *p)
{
	struct vcpu *v = p->d->vcpu[0];
	cpu_user_regs_t *r = &v->arch.regs;

	*r = (cpu_user_regs_t){
		.rip = p->k.entry,
		.rsp = p->k.virt_base + ((p->stack_pfn + 1) << PAGE_SHIFT),
		.rsi = p->k.virt_base + (p->start_info_pfn << PAGE_SHIFT),
		.cs = GUEST_CS64,
		.ss = GUEST_DS,
		.rflags = RFLAGS_IF | RFLAGS_MBS,
	};
	v->arch.kernel_sp = r->rsp;
	v->arch.kernel_ss = GUEST_DS;
	v->arch.flags = VCPU_KERNEL_MODE;
	v->vcpu_info->evtchn_upcall_mask = 1;
	v->initialised = true;
	domain_wallclock_update(p->d);
}

static const char *check_kernel(const struct plan *p)
{
	if (p->k.required_features &
	    ~(BIT(XENFEAT_pae_pgdir_above_4gb) | BIT(XENFEAT_auto_translated_physmap) |
	      BIT(XENFEAT_writable_page_tables) | BIT(XENFEAT_dom0)))
		return "the kernel requires a feature that is not offered to PV guests; use one "
		       "built with CONFIG_XEN_PV";
	if (p->k.has_init_p2m && in_hv_range(p->k.init_p2m))
		return "the kernel wants its p2m list in the hypervisor's address range";
	if (p->k.required_features & BIT(XENFEAT_auto_translated_physmap))
		return "the kernel runs only translated (PVH); use one built with CONFIG_XEN_PV";
	return NULL;
}

static int adopt_tables(struct plan *p)
{
	struct vcpu *v = p->d->vcpu[0];
	u64 mfn = p->mfns[p->l4];
	int rc;

	do
		rc = pin_page_table(NULL, p->d, mfn, PGT_l4_table);
	while (rc == -ERESTART);
	return rc ?: set_guest_table(v, mfn);
}

static int build(struct plan *p, const struct pv_image *img)
{
	int rc = allocate_memory(p);

	if (rc) {
		log_err("%s: not enough free memory for %lu MiB; give it less\n", p->d->name,
			p->nr_pages >> 8);
		return rc;
	}
	elf_load_segments(&p->k, put_bytes, p);
	put_bytes(p, p->initrd_pfn << PAGE_SHIFT, img->initrd, img->initrd ? img->initrd_size : 0);
	map_bootstrap(p);
	make_p2m(p);
	if (p->k.hypercall_page)
		pv_fill_hypercall_page(
			pfn_ptr(p, (p->k.hypercall_page - p->k.virt_base) >> PAGE_SHIFT));
	fill_start_info(p, img);
	rc = adopt_tables(p);
	if (rc) {
		log_err("%s: its first page tables were refused (error %d)\n", p->d->name, rc);
		return rc;
	}
	fill_vcpu(p);
	log_info("%s: %s %s, %lu MiB, entry %lx, tables %lu at pfn %lx, p2m at %lx\n", p->d->name,
		 p->k.guest_os, p->k.guest_version, p->nr_pages >> 8, p->k.entry, p->nr_pt,
		 p->pt_pfn, p->p2m_pfn);
	return 0;
}

int pv_build_domain(struct domain *d, const struct pv_image *img)
{
	struct plan *p = xzalloc(struct plan);
	const char *why;
	int rc = -EINVAL;

	if (!p)
		return -ENOMEM;
	p->d = d;
	p->nr_pages = img->nr_pages;
	why = elf_parse_kernel(img->elf, img->elf_size, &p->k);
	if (!why)
		why = check_kernel(p);
	if (!why) {
		plan_layout(p, img);
		if (!plan_fits(p))
			why = "too little memory for the kernel, its initramfs and its page "
			      "tables; "
			      "raise dom0_mem= or the machine's memory";
	}
	if (why) {
		log_err("%s: %s\n", d->name, why);
		goto out;
	}
	p->mfns = xzalloc_array(u64, p->nr_pages);
	rc = p->mfns ? build(p, img) : -ENOMEM;
out:
	xfree(p->mfns);
	xfree(p);
	return rc;
}
