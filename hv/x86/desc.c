/* SPDX-License-Identifier: MIT */
/* A processor's window: descriptor tables, TSS, entry stubs, stack; and the one IDT. */
#include "lib/log.h"
#include "lib/string.h"
#include "mm/page.h"
#include "paging/paging.h"
#include "x86/asm.h"
#include "x86/setup.h"

#define GDT_INDEX(sel) (((sel)-GDT_OUR_FIRST) / 8)
/* Our GDT page. Accessed bits are set: guests' views of it are read-only. */
static const u64 gdt_template[] = {
	[GDT_INDEX(HV_CS)] = 0x00af9b000000ffff,      [GDT_INDEX(HV_DS)] = 0x00cf93000000ffff,
	[GDT_INDEX(GUEST_CS32)] = 0x00cffb000000ffff, [GDT_INDEX(GUEST_DS)] = 0x00cff3000000ffff,
	[GDT_INDEX(GUEST_CS64)] = 0x00affb000000ffff,
};
#define DESC_TSS 0x89UL
#define DESC_LDT 0x82UL
#define GDT_LIMIT (GDT_OUR_FIRST + PAGE_SIZE - 1)

#define TSS_BITMAP_PAGES 2
#define TSS_LIMIT                                                                                  \
	(TSS_IOMAP_GUEST + TSS_BITMAP_PAGES * PAGE_SIZE) /* one byte of ones beyond the bitmap */
#define SYSCALL_FLAGS_CLEARED                                                                      \
	(RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_IOPL | RFLAGS_RF)

struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, zero;
};
static struct gate idt[256] __attribute__((section(".data.ro_after_init"), aligned(4096)));

u8 *port_bitmap;
static u64 ones_maddr;  /* what follows the bitmap: all ones */
static u64 zeros_maddr; /* descriptor table pages nobody has given us */

void pv_syscall_entry(void);
void pv_cstar_entry(void);
void pv_sysenter_entry(void);
void xpti_syscall(void);
void xpti_cstar(void);
void xpti_sysenter(void);

void idt_set_gate(unsigned vec, const void *handler, unsigned dpl, unsigned ist)
{
	u64 at = (u64)handler;

	idt[vec] = (struct gate){ .offset_low = (u16)at,
				  .selector = HV_CS,
				  .ist = (u8)ist,
				  .type = (u8)(0x8e | dpl << 5),
				  .offset_mid = (u16)(at >> 16),
				  .offset_high = at >> 32 };
}

const void *idt_page(void)
{
	return idt;
}

/* What ends the ordinary stack of a processor. */
static struct cpu_info *percpu_info(u32 id)
{
	return (struct cpu_info *)(percpu_base(id) + PERCPU_STACK + STACK_SIZE) - 1;
}

/* A system descriptor takes two entries. */
static void set_system_desc(u64 *gdt, unsigned selector, u64 base, u32 limit, u64 type)
{
	u64 *e = gdt + GDT_INDEX(selector);

	e[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | type << 40 | (u64)(limit >> 16) << 48 |
	       (base >> 24 & 0xff) << 56;
	e[1] = base >> 32;
}

static void fill_gdt(u64 *gdt, const struct cpu *c)
{
	memcpy(gdt, gdt_template, sizeof(gdt_template));
	set_system_desc(gdt, HV_TSS, percpu_base(c->id) + PERCPU_TSS, TSS_LIMIT, DESC_TSS);
	/* LSL reads the processor's number out of the limit. */
	gdt[GDT_INDEX(HV_PERCPU_SEL)] = 0x0040f10000000000UL | c->id;
}

/* Where the processor pushes: on the stack, or, where roots are split, in the entry page. */
static void fill_tss(struct cpu *c)
{
	static const u16 tops[] = { [IST_DF - 1] = STACK_IST_DF,
				    [IST_NMI - 1] = STACK_IST_NMI,
				    [IST_MCE - 1] = STACK_IST_MCE,
				    [IST_DB - 1] = STACK_IST_DB };
	u64 stack = percpu_base(c->id) + PERCPU_STACK;
	bool split = cpu_has(X86_XPTI);

	c->tss->rsp0 = split ? (u64)(c->entry + 1) : (u64)&c->info->regs.es;
	for (unsigned i = 0; i < ARRAY_SIZE(tops); i++) {
		c->entry->ist[i].stack = stack + tops[i];
		c->tss->ist[i] = split ? (u64)&c->entry->ist[i + 1] : stack + tops[i];
	}
	c->tss->iomap_base = TSS_IOMAP_NONE;
}

/* Bytes of code with one RIP-relative operand, from where they run in the window. */
static u8 *emit(u8 *at, const char *op, unsigned n, u64 runs_at, u64 target)
{
	u32 rel = (u32)(target - (runs_at + n + 4));

	memcpy(at, op, n);
	memcpy(at + n, &rel, 4);
	return at + n + 4;
}

/*
 * SYSCALL leaves RSP the guest's and nothing to find ours by: code of the processor's own does.
 *	mov %rsp, slot(%rip); lea slot(%rip), %rsp; jmp entry
 * slot is regs.rsp or, where roots are split, its double in the entry page.
 */
static void build_stub(const struct cpu *c, unsigned off, void (*entry)(void))
{
	u64 slot = cpu_has(X86_XPTI) ? (u64)&c->entry->frame.rsp : (u64)&c->info->regs.rsp;
	u64 va = percpu_base(c->id) + PERCPU_STUB;
	u8 *p = c->stub + off;

	p = emit(p, "\x48\x89\x25", 3, va + (u64)(p - c->stub), slot);
	p = emit(p, "\x48\x8d\x25", 3, va + (u64)(p - c->stub), slot);
	emit(p, "\xe9", 1, va + (u64)(p - c->stub), (u64)entry);
}
#define STUB_SYSCALL 0
#define STUB_CSTAR 32

/* Shared by all windows. */
static void shared_pages(void)
{
	if (ones_maddr)
		return;
	zeros_maddr = boot_alloc(1);
	port_bitmap = maddr_to_virt(boot_alloc(TSS_BITMAP_PAGES));
	memset(port_bitmap, 0xff, TSS_BITMAP_PAGES * PAGE_SIZE);
	ones_maddr = boot_alloc(1);
	memset(maddr_to_virt(ones_maddr), 0xff, PAGE_SIZE);
}

static void map_window(struct cpu *c, u64 *l1)
{
	u64 tss = boot_alloc(1), gdt = boot_alloc(1), stub = boot_alloc(1), entry = boot_alloc(1);
	u64 bitmap = virt_to_maddr(port_bitmap), *t = l1 + (PERCPU_TSS >> PAGE_SHIFT);

	/* GDT and LDT entries change with the vCPU: never global. The processor sets no accessed
	 * bit in ours. */
	for (unsigned i = 0; i < 14; i++)
		l1[i] = zeros_maddr | PTE_RO;
	l1[14] = gdt | PTE_DATA;
	t[0] = tss | PTE_DATA | pte_global;
	t[1] = bitmap | PTE_RO | pte_global;
	t[2] = (bitmap + PAGE_SIZE) | PTE_RO | pte_global;
	t[3] = ones_maddr | PTE_RO | pte_global;
	l1[PERCPU_STUB >> PAGE_SHIFT] = stub | PTE_TEXT | pte_global;
	l1[PERCPU_ENTRY >> PAGE_SHIFT] = entry | PTE_DATA | pte_global;
	map_pages(percpu_base(c->id) + PERCPU_STACK, boot_alloc(1 << STACK_ORDER), STACK_SIZE,
		  PTE_DATA | pte_global, 1);
	c->gdt_pte = l1;
	c->gdt_page = maddr_to_virt(gdt);
	c->tss = (struct tss *)(percpu_base(c->id) + PERCPU_TSS);
	c->entry = (struct entry_page *)(percpu_base(c->id) + PERCPU_ENTRY);
	c->stub = maddr_to_virt(stub);
}

void percpu_create(struct cpu *c)
{
	u64 l1 = boot_alloc(1), *l2e;

	shared_pages();
	map_window(c, maddr_to_virt(l1));
	l2e = hv_table_entry(percpu_base(c->id), 2);
	WRITE_ONCE(*l2e, l1 | PTE_P | PTE_RW | PTE_A);

	c->info = percpu_info(c->id);
	fill_gdt(c->gdt_page, c);
	fill_tss(c);
	memset(c->stub, 0xcc, PAGE_SIZE);
	build_stub(c, STUB_SYSCALL, cpu_has(X86_XPTI) ? xpti_syscall : pv_syscall_entry);
	build_stub(c, STUB_CSTAR, cpu_has(X86_XPTI) ? xpti_cstar : pv_cstar_entry);
	c->info->cpu = c;
	c->info->id = c->id;
	c->info->tss = c->tss;
	c->entry->root_cr3 = image_maddr(idle_l4);
}

/* ---- a vCPU's own tables ---- */

static void set_window_page(u64 *l1, u64 va, u64 mfn)
{
	u64 *e = l1 + pt_index(va, 1),
	    new = mfn ? mfn << PAGE_SHIFT | PTE_DATA : zeros_maddr | PTE_RO;

	if (*e == new)
		return;
	WRITE_ONCE(*e, new);
	invlpg(va);
}

/* n pages of frames instead of *is: what neither had is zeros already. */
static void set_window(u64 *l1, u64 va, const u64 *frames, u32 n, u8 *is)
{
	for (u32 i = 0; i < MAX(n, (u32)*is); i++)
		set_window_page(l1, va + i * PAGE_SIZE, i < n ? frames[i] : 0);
	*is = n;
}

void desc_load_window(const struct vcpu *v)
{
	struct cpu *c = this_cpu();
	u64 base = percpu_base(c->id);
	const struct arch_vcpu *a = &v->arch;

	set_window(c->gdt_pte, base + PERCPU_GDT, a->gdt_frames, DIV_ROUND_UP(a->gdt_entries, 512),
		   &c->gdt_pages);
	set_window(c->gdt_pte, base + PERCPU_LDT, a->ldt_frames, DIV_ROUND_UP(a->ldt_entries, 512),
		   &c->ldt_pages);
	if (a->ldt_entries) {
		set_system_desc(c->gdt_page, HV_LDT, base + PERCPU_LDT, a->ldt_entries * 8 - 1,
				DESC_LDT);
		__asm__ volatile("lldt %w0" : : "r"(HV_LDT));
		c->ldt_sel = HV_LDT;
	} else if (c->ldt_sel) {
		__asm__ volatile("lldt %w0" : : "r"(0));
		c->ldt_sel = 0;
	}
}

void load_descriptor_window(struct vcpu *v)
{
	if (this_cpu()->loaded == v || current() == v)
		desc_load_window(v);
}

/* ---- loading ---- */

void idt_load(void)
{
	struct table_register idtr = { sizeof(idt) - 1, (u64)idt };

	__asm__ volatile("lidt %0" : : "m"(idtr));
}

void percpu_load(struct cpu *c)
{
	u64 base = percpu_base(c->id);
	struct table_register gdtr = { GDT_LIMIT, base + PERCPU_GDT };

	/* CS stays: the first GDT has it at the same selector. */
	__asm__ volatile("lgdt %0" : : "m"(gdtr));
	__asm__ volatile("mov %0, %%ss; mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs"
			 :
			 : "r"(0));
	/* The busy bit of a processor that comes here again. */
	set_system_desc(c->gdt_page, HV_TSS, base + PERCPU_TSS, TSS_LIMIT, DESC_TSS);
	__asm__ volatile("lldt %w0" : : "r"(0));
	__asm__ volatile("ltr %w0" : : "r"(HV_TSS));
	idt_load();

	wrmsr(MSR_STAR, (u64)GUEST_CS32 << 48 | (u64)HV_CS << 32);
	wrmsr(MSR_LSTAR, base + PERCPU_STUB + STUB_SYSCALL);
	wrmsr(MSR_CSTAR, base + PERCPU_STUB + STUB_CSTAR);
	wrmsr(MSR_FMASK, SYSCALL_FLAGS_CLEARED);
	if (cpu_vendor == VENDOR_INTEL) {
		wrmsr(MSR_SYSENTER_CS, HV_CS);
		wrmsr(MSR_SYSENTER_ESP, c->tss->rsp0);
		wrmsr(MSR_SYSENTER_EIP,
		      (u64)(cpu_has(X86_XPTI) ? xpti_sysenter : pv_sysenter_entry));
	}
}

/* AMD's LFENCE holds back what comes after it only where it was told to. */
static void make_lfence_wait(void)
{
	u64 cfg;

	if (cpu_vendor != VENDOR_INTEL && rdmsr_safe(MSR_AMD_DE_CFG, &cfg) &&
	    !(cfg & DE_CFG_LFENCE_WAITS))
		wrmsr_safe(MSR_AMD_DE_CFG, cfg | DE_CFG_LFENCE_WAITS);
}

void cpu_init_registers(struct cpu *c)
{
	u64 efer = rdmsr(MSR_EFER) | EFER_SCE | EFER_NX;

	write_cr4(hv_cr4);
	write_cr0(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE | CR0_AM);
	if (cpu_has(X86_USE_IBRS) && cpu_has(X86_AUTO_IBRS))
		efer |= EFER_AUTO_IBRS;
	else if (cpu_has(X86_USE_IBRS))
		wrmsr(MSR_SPEC_CTRL, SPEC_CTRL_IBRS);
	wrmsr(MSR_EFER, efer);
	wrmsr(MSR_PAT, 0x0000050100070406);
	percpu_load(c);
	/* It may fault, which takes the IDT. */
	if (cpu_has(X86_FENCE))
		make_lfence_wait();
}
