/* SPDX-License-Identifier: MIT */
/* A processor's own data: found by its stack, since GS is the guest's. */
#ifndef X86_CPU_H
#define X86_CPU_H

#include "core/arch.h"
#include "x86/layout.h"

struct tss {
	u32 reserved0;
	u64 rsp0, rsp1, rsp2;
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, iomap_base;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "SDM vol. 3, 8.7");
#define TSS_IOMAP_GUEST 0x1000 /* offset of the privileged domain's port bitmap: its kernel mode */
#define TSS_IOMAP_NONE 0xffff  /* beyond the limit: every port access traps */

/*
 * In regs.error_code, which is of no more use then: SYSRET may take the guest to RIP, which was checked. It enters its
 * kernel, with RCX and R11 in the frame on its stack, or returns from a hypercall, which loses them.
 */
#define FRAME_SYSRET BIT(30)

/*
 * The last page-table write that was emulated (paging/ptwr.c): which table its page is. A TLB with one entry, of the current
 * vCPU's kernel root: forgotten where this processor's own forgets that root. It may be as stale as a TLB, so nothing is
 * believed of the table that its type doesn't say.
 */
struct write_tlb {
	struct page_info *table; /* NULL: nothing is known */
	u64 *entries;            /* of the table, in the direct map */
	u64 va;                  /* of the page */
};

/*
 * Top of every stack. `regs` comes first so that the processor and the entry code push into it; what follows
 * is written only by its own processor, but for `work`.
 */
struct cpu_info {
	cpu_user_regs_t regs; /* the guest's registers while it is interrupted */
	struct vcpu *current;
	u32 id;   /* processor number */
	u32 work; /* [a] WORK_*: checked on every way out */
	struct cpu *cpu;
	struct tss *tss;
	u64 scratch;
	struct write_tlb write_tlb;
	u64 hypercalls[64]; /* how many there were of each: counted for whoever looks */
};
/* RSP0 (end of what the processor pushes) must be 16-byte aligned: it would round it down otherwise. */
_Static_assert(sizeof(struct cpu_info) % 16 == 8, "alignment of the hardware frame");

/*
 * With X86_XPTI, all that the processor writes on the way in and reads on the way out: its window has this page, and
 * every restricted root the windows. So no register stays here but those of `frame` and of the frames in `ist`.
 * Else not used. Written by its own processor.
 */
struct entry_page {
	u64 root_cr3; /* the whole address space of the current mode: in force in the hypervisor */
	u64 exit_cr3; /* the restricted one: in force in the guest */
	u64 scratch;
	u64 pad[13];
	struct entry_ist {
		u64 stack; /* top of the stack that the vector goes on with */
		u64 cr3;   /* what it found */
		u64 pad[6];
		u64 regs[8]; /* RSI and RDI (0 after use), error code, what the processor pushes */
	} ist[4];
	u64 room[427]; /* below `frame`: error code and registers of an entry, an IRET that faults */
	struct {
		u64 rip, cs, rflags, rsp, ss;
	} frame;
};
_Static_assert(sizeof(struct entry_page) == 4096, "one page");

/* The rest, one a processor. Written by itself only, except fields marked [a]. */
struct cpu {
	u32 id, apic_id, acpi_id, node;
	bool online; /* [a] */
	struct cpu_info *info;
	struct tss *tss;
	struct entry_page *entry;
	struct vcpu *idle;
	struct vcpu *loaded; /* whose CR3, segments, FPU, debug registers it has [a to read] */
	const struct domain *predictor; /* whose branches it has learned; compared alone */
	u32 preempt_budget; /* hundreds of instructions since a long call last gave way */
	/* What others write, in a line of its own. */
	u32 flush_request cacheline_aligned; /* [a] mailbox: FLUSH_*; see x86/flush.c */
	u32 tlb_stamp;                       /* [a] TLB clock at its last full flush */
	u64 flush_va;                        /* [a] */
	u64 irqs cacheline_aligned;
	u64 tsc_offset;
	u64 *gdt_pte;            /* L1 entries of its window: GDT pages 0-15, then LDT 16-31 */
	u64 *gdt_page;           /* page 14, ours */
	u8 gdt_pages, ldt_pages; /* of the window: how many a guest's may be in */
	u8 *stub;                /* writable view of its stub page */
	u16 ldt_sel;
	u32 nmi_count;
	u32 early_mc_bank;
	u64 early_mc; /* status of that bank as it was at the start; 0: none told of an error */
};

extern struct cpu *cpus[MAX_CPUS]; /* [I once online] */

static inline struct cpu_info *cpu_info(void)
{
	u64 sp;

	__asm__("mov %%rsp, %0" : "=r"(sp));
	return (struct cpu_info *)((sp | (STACK_SIZE - 1)) + 1 - sizeof(struct cpu_info));
}
static inline struct cpu *this_cpu(void)
{
	return cpu_info()->cpu;
}
static inline struct vcpu *current(void)
{
	return cpu_info()->current;
}
static inline cpu_user_regs_t *guest_regs(void)
{
	return &cpu_info()->regs;
}

/* Processor features found at start (x86/features.c), raw CPUID words of the boot processor, less what a
 * work-round or the command line took away. */
enum cpuid_word {
	FEAT_1_EDX,
	FEAT_1_ECX,
	FEAT_7_EBX,
	FEAT_7_ECX,
	FEAT_7_EDX,
	FEAT_E1_EDX,
	FEAT_E1_ECX,
	FEAT_D1_EAX,
	FEAT_E7_EDX,
	FEAT_E8_EBX,
	FEAT_E21_EAX,
	FEAT_SYNTH,
	FEAT_WORDS
};
extern u32 cpu_feature_words[FEAT_WORDS];
#define FEATURE(word, bit) ((word)*32 + (bit))
#define X86_PSE FEATURE(FEAT_1_EDX, 3)
#define X86_TSC FEATURE(FEAT_1_EDX, 4)
#define X86_MSR FEATURE(FEAT_1_EDX, 5)
#define X86_MCE FEATURE(FEAT_1_EDX, 7)
#define X86_APIC FEATURE(FEAT_1_EDX, 9)
#define X86_PGE FEATURE(FEAT_1_EDX, 13)
#define X86_MCA FEATURE(FEAT_1_EDX, 14)
#define X86_PAT FEATURE(FEAT_1_EDX, 16)
#define X86_CLFLUSH FEATURE(FEAT_1_EDX, 19)
#define X86_FXSR FEATURE(FEAT_1_EDX, 24)
#define X86_SSE2 FEATURE(FEAT_1_EDX, 26)
#define X86_CX16 FEATURE(FEAT_1_ECX, 13)
#define X86_X2APIC FEATURE(FEAT_1_ECX, 21)
#define X86_TSC_DEADLINE FEATURE(FEAT_1_ECX, 24)
#define X86_XSAVE FEATURE(FEAT_1_ECX, 26)
#define X86_HYPERVISOR FEATURE(FEAT_1_ECX, 31)
#define X86_FSGSBASE FEATURE(FEAT_7_EBX, 0)
#define X86_SMEP FEATURE(FEAT_7_EBX, 7)
#define X86_SMAP FEATURE(FEAT_7_EBX, 20)
#define X86_RDPID FEATURE(FEAT_7_ECX, 22)
#define X86_MD_CLEAR FEATURE(FEAT_7_EDX, 10)
#define X86_IBRS_IBPB FEATURE(FEAT_7_EDX, 26)
#define X86_ARCH_CAPS FEATURE(FEAT_7_EDX, 29)
#define X86_SYSCALL FEATURE(FEAT_E1_EDX, 11)
#define X86_PAGE1GB FEATURE(FEAT_E1_EDX, 26)
#define X86_RDTSCP FEATURE(FEAT_E1_EDX, 27)
#define X86_XSAVEOPT FEATURE(FEAT_D1_EAX, 0)
#define X86_INVARIANT_TSC FEATURE(FEAT_E7_EDX, 8)
#define X86_IBPB FEATURE(FEAT_E8_EBX, 12)
#define X86_AUTO_IBRS FEATURE(FEAT_E21_EAX, 8)
/* Synthetic: decided by us, patched in or out */
#define X86_XPTI FEATURE(FEAT_SYNTH, 0) /* two roots a guest (Meltdown) */
#define X86_USE_SMAP FEATURE(FEAT_SYNTH, 1)
#define X86_VERW FEATURE(FEAT_SYNTH, 2) /* clear buffers on the way out (MDS) */
#define X86_IBPB_SWITCH FEATURE(FEAT_SYNTH, 3)
#define X86_RSB_STUFF FEATURE(FEAT_SYNTH, 4)
#define X86_TCG FEATURE(FEAT_SYNTH, 5) /* QEMU's software emulation underneath */
#define X86_RETPOLINE                                                                              \
	FEATURE(FEAT_SYNTH, 6) /* no indirect branch that a guest trained (Spectre variant 2) */
#define X86_USE_FSGSBASE FEATURE(FEAT_SYNTH, 7)
#define X86_TSC_SYNCED FEATURE(FEAT_SYNTH, 8)  /* the warp test found none */
#define X86_USE_IBRS FEATURE(FEAT_SYNTH, 9)    /* the same by the processor, set once */
#define X86_FENCE FEATURE(FEAT_SYNTH, 10)      /* before a guest's pointer is used (variant 1) */
#define X86_FENCE_SMAP FEATURE(FEAT_SYNTH, 11) /* with X86_USE_SMAP */
static inline bool cpu_has(unsigned feature)
{
	return cpu_feature_words[feature / 32] >> (feature % 32) & 1;
}
enum cpu_vendor { VENDOR_INTEL, VENDOR_AMD, VENDOR_HYGON, VENDOR_OTHER };
extern enum cpu_vendor cpu_vendor;
extern u32 cpu_family, cpu_model, cpu_stepping, phys_addr_bits;

/* Run on every processor as it comes up, boot processor included, in link order. They take no lock. */
typedef void cpu_init_fn(struct cpu *c);
#define CPU_INIT(fn_)                                                                              \
	static cpu_init_fn *const cpu_init_##fn_ __attribute__((used, section(".cpu_init"))) = fn_

/* Command line options register themselves: name up to "=", parsed before anything else runs.
 * fn returns 0, or -EINVAL for a value that it cannot take (reported). */
struct boot_option {
	const char *name;
	int (*fn)(const char *value); /* value "" when there was no "=" */
};
#define BOOT_OPTION(name_, fn_)                                                                    \
	static const struct boot_option boot_option_##fn_                                          \
		__attribute__((used, section(".boot_options"), aligned(8))) = { name_, fn_ }

#endif
