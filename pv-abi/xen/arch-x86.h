/* SPDX-License-Identifier: MIT */
/* What is particular to 64-bit x86: registers, descriptors, traps, return to user mode. */

#ifndef PV_ABI_XEN_ARCH_X86_H
#define PV_ABI_XEN_ARCH_X86_H

#include "abi.h"

/*
 * Calling. In guest kernel mode: SYSCALL, number in RAX, arguments in RDI, RSI, RDX, R10, R8.
 * Result in RAX, negative for an error (errno.h). SYSCALL itself destroys RCX and R11; every
 * other register is kept, the argument registers too unless the call was interrupted and
 * resumed. A resumed call has RIP set back by the two bytes of the SYSCALL instruction.
 *
 * A kernel may instead call into a hypercall page (XEN_ELFNOTE_HYPERCALL_PAGE): 32 bytes for
 * each number. Slot 23, iret, is jumped to.
 */

/* Selectors of flat segments which every GDT contains, from page FIRST_RESERVED_GDT_PAGE on. */
#define FLAT_RING3_CS32		0xe023
#define FLAT_RING3_CS64		0xe033
#define FLAT_RING3_DS32		0xe02b
#define FLAT_RING3_DS64		0x0000
#define FLAT_RING3_SS32		0xe02b
#define FLAT_RING3_SS64		0xe02b

#define FLAT_KERNEL_DS64	FLAT_RING3_DS64
#define FLAT_KERNEL_DS32	FLAT_RING3_DS32
#define FLAT_KERNEL_DS		FLAT_KERNEL_DS64
#define FLAT_KERNEL_CS64	FLAT_RING3_CS64
#define FLAT_KERNEL_CS32	FLAT_RING3_CS32
#define FLAT_KERNEL_CS		FLAT_KERNEL_CS64
#define FLAT_KERNEL_SS64	FLAT_RING3_SS64
#define FLAT_KERNEL_SS32	FLAT_RING3_SS32
#define FLAT_KERNEL_SS		FLAT_KERNEL_SS64

#define FLAT_USER_DS64		FLAT_RING3_DS64
#define FLAT_USER_DS32		FLAT_RING3_DS32
#define FLAT_USER_DS		FLAT_USER_DS64
#define FLAT_USER_CS64		FLAT_RING3_CS64
#define FLAT_USER_CS32		FLAT_RING3_CS32
#define FLAT_USER_CS		FLAT_USER_CS64
#define FLAT_USER_SS64		FLAT_RING3_SS64
#define FLAT_USER_SS32		FLAT_RING3_SS32
#define FLAT_USER_SS		FLAT_USER_SS64

/* The hypervisor's part of every address space: L4 slots 256 to 271. The machine-to-physical
 * map, an array of uint64_t that the guest may read, starts it. */
#define __HYPERVISOR_VIRT_START	0xFFFF800000000000
#define __HYPERVISOR_VIRT_END	0xFFFF880000000000
#define __MACH2PHYS_VIRT_START	0xFFFF800000000000
#define __MACH2PHYS_VIRT_END	0xFFFF804000000000

#ifndef HYPERVISOR_VIRT_START
#define HYPERVISOR_VIRT_START	xen_mk_ulong(__HYPERVISOR_VIRT_START)
#define HYPERVISOR_VIRT_END	xen_mk_ulong(__HYPERVISOR_VIRT_END)
#endif
#define MACH2PHYS_VIRT_START	xen_mk_ulong(__MACH2PHYS_VIRT_START)
#define MACH2PHYS_VIRT_END	xen_mk_ulong(__MACH2PHYS_VIRT_END)
#define MACH2PHYS_NR_ENTRIES	((MACH2PHYS_VIRT_END - MACH2PHYS_VIRT_START) >> 3)

/* vCPUs that have a vcpu_info in shared_info. Others must register one before they start. */
#define XEN_LEGACY_MAX_VCPUS	32

/*
 * set_gdt(frames, entries): replace this vCPU's GDT.
 * By:	any PV domain
 * Arg:	frames: IN array of machine frames, 512 entries each; entries: how many in all
 * Err:	-EINVAL	more than FIRST_RESERVED_GDT_ENTRY entries; a frame that is not the domain's,
 *		is mapped writable, or holds a descriptor that is not acceptable
 * Entries from FIRST_RESERVED_GDT_ENTRY on are the hypervisor's.
 */
#define FIRST_RESERVED_GDT_PAGE		14
#define FIRST_RESERVED_GDT_BYTE		(FIRST_RESERVED_GDT_PAGE * 4096)
#define FIRST_RESERVED_GDT_ENTRY	(FIRST_RESERVED_GDT_BYTE / 8)

/*
 * update_descriptor(maddr, desc): write one GDT or LDT entry.
 * By:	any PV domain
 * Arg:	maddr: machine address of the entry; desc: the eight bytes
 * Err:	-EINVAL	maddr not a multiple of 8 or not in a frame of the domain, the frame in use
 *		as something else, or desc not acceptable: only code, data and absent ones are.
 *		The privilege level of an accepted one is raised to 3
 */

/*
 * stack_switch(ss, sp): stack on which user mode enters the kernel.
 * By:	any PV domain, for this vCPU
 * Err:	none. The privilege level of ss is raised to 3
 */

/*
 * set_callbacks(event, failsafe, syscall): three entry points at once, as callback_op.
 * By:	any PV domain, for this vCPU
 * Err:	none: an address that is not canonical is left unregistered
 */

/*
 * fpu_taskswitch(set): CR0.TS becomes set, without changing anything else.
 * By:	any PV domain, for this vCPU
 * Err:	none
 */

/*
 * set_debugreg(reg, value)
 * By:	any PV domain, for this vCPU
 * Err:	-EPERM	an address in DR0 to DR3, or bits in DR7, that would reach the hypervisor
 *	-EINVAL	bits 63:32 set in DR4 to DR7
 *	-ENODEV	reg beyond 7, or 4 or 5 while CR4.DE is set
 * get_debugreg(reg)
 * By:	any PV domain, for this vCPU
 * Ret:	the value
 * Err:	-EINVAL	reg beyond 7: cannot be told from a value
 */

/*
 * set_segment_base(which, base)
 * By:	any PV domain, for this vCPU
 * Err:	-EINVAL	no such which, or base not canonical
 */
#define SEGBASE_FS		0
#define SEGBASE_GS_USER		1	/* the one that user mode sees */
#define SEGBASE_GS_KERNEL	2	/* the one in force now */
#define SEGBASE_GS_USER_SEL	3	/* load user GS with the selector base[15:0] */

/*
 * iret(): leave kernel mode, or restore it, from struct iret_context at RSP.
 * By:	any PV domain, for this vCPU
 * Does not return. CS with privilege level 3 means user mode: page tables and GS base become
 * the user's. 0 to 2 mean kernel mode; in all cases the processor runs at level 3. RFLAGS.IF
 * clear becomes evtchn_upcall_mask set and the reverse; pending events are delivered before
 * the first instruction. With VGCF_in_syscall in flags, RCX and R11 are not restored.
 * A frame that cannot be read, or user mode without a user L4, ends the domain.
 */
#define _VGCF_in_syscall	8
#define VGCF_in_syscall		(1 << _VGCF_in_syscall)
#define VGCF_IN_SYSCALL		VGCF_in_syscall

#define XEN_HVM_DEBUGCONS_IOPORT 0xe9	/* a byte written here goes to the hypervisor's log */

/* Forced emulation: CPUID after this prefix shows the guest's view at any privilege level. */
#ifdef __ASSEMBLY__
#define XEN_EMULATE_PREFIX	.byte 0x0f, 0x0b, 0x78, 0x65, 0x6e;
#define XEN_CPUID		XEN_EMULATE_PREFIX cpuid
#else
#define XEN_EMULATE_PREFIX	".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; "
#define XEN_CPUID		XEN_EMULATE_PREFIX "cpuid"
#endif

/* vcpu_guest_context.flags */
#define VGCF_I387_VALID			(1 << 0)	/* fpu_ctxt counts */
#define VGCF_IN_KERNEL			(1 << 2)	/* the vCPU is in kernel mode */
#define _VGCF_i387_valid		0
#define VGCF_i387_valid			(1 << _VGCF_i387_valid)
#define _VGCF_in_kernel			2
#define VGCF_in_kernel			(1 << _VGCF_in_kernel)
#define _VGCF_failsafe_disables_events	3
#define VGCF_failsafe_disables_events	(1 << _VGCF_failsafe_disables_events)
#define _VGCF_syscall_disables_events	4
#define VGCF_syscall_disables_events	(1 << _VGCF_syscall_disables_events)
#define _VGCF_online			5
#define VGCF_online			(1 << _VGCF_online)

#define XEN_HAVE_PV_GUEST_ENTRY	1
#define XEN_HAVE_PV_UPCALL_MASK	1

#ifndef __ASSEMBLY__

typedef uint64_t xen_pfn_t;
typedef uint64_t xen_ulong_t;
typedef uint64_t xen_callback_t;
typedef uint64_t tsc_timestamp_t;
#define PRI_xen_pfn	"lx"
#define PRIu_xen_pfn	"lu"
#define PRI_xen_ulong	"lx"

#ifndef machine_to_phys_mapping
#define machine_to_phys_mapping	((uint64_t *)HYPERVISOR_VIRT_START)
#endif

#define xen_pfn_to_cr3(pfn)	((uint64_t)(pfn) << 12)
#define xen_cr3_to_pfn(cr3)	((uint64_t)(cr3) >> 12)

/* What the iret hypercall finds at RSP. */
struct iret_context {
	uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};
PV_ABI_SIZE(struct iret_context, 72);
PV_ABI_AT(struct iret_context, rax, 0);
PV_ABI_AT(struct iret_context, r11, 8);
PV_ABI_AT(struct iret_context, rcx, 16);
PV_ABI_AT(struct iret_context, flags, 24);
PV_ABI_AT(struct iret_context, rip, 32);
PV_ABI_AT(struct iret_context, cs, 40);
PV_ABI_AT(struct iret_context, rflags, 48);
PV_ABI_AT(struct iret_context, rsp, 56);
PV_ABI_AT(struct iret_context, ss, 64);

/* A guest's registers. */
struct cpu_user_regs {
	uint64_t r15;
	uint64_t r14;
	uint64_t r13;
	uint64_t r12;
	uint64_t rbp;
	uint64_t rbx;
	uint64_t r11;
	uint64_t r10;
	uint64_t r9;
	uint64_t r8;
	uint64_t rax;
	uint64_t rcx;
	uint64_t rdx;
	uint64_t rsi;
	uint64_t rdi;
	uint32_t error_code;		/* the hypervisor's */
	uint32_t entry_vector;		/* the hypervisor's */
	uint64_t rip;
	uint16_t cs, _pad0[1];
	uint8_t saved_upcall_mask;
	uint8_t _pad1[3];
	uint64_t rflags;		/* IF is the opposite of saved_upcall_mask */
	uint64_t rsp;
	uint16_t ss, _pad2[3];
	uint16_t es, _pad3[3];
	uint16_t ds, _pad4[3];
	uint16_t fs, _pad5[3];
	uint16_t gs, _pad6[3];
};
typedef struct cpu_user_regs cpu_user_regs_t;
PV_ABI_SIZE(struct cpu_user_regs, 200);
PV_ABI_AT(struct cpu_user_regs, r15, 0);
PV_ABI_AT(struct cpu_user_regs, r14, 8);
PV_ABI_AT(struct cpu_user_regs, r13, 16);
PV_ABI_AT(struct cpu_user_regs, r12, 24);
PV_ABI_AT(struct cpu_user_regs, rbp, 32);
PV_ABI_AT(struct cpu_user_regs, rbx, 40);
PV_ABI_AT(struct cpu_user_regs, r11, 48);
PV_ABI_AT(struct cpu_user_regs, r10, 56);
PV_ABI_AT(struct cpu_user_regs, r9, 64);
PV_ABI_AT(struct cpu_user_regs, r8, 72);
PV_ABI_AT(struct cpu_user_regs, rax, 80);
PV_ABI_AT(struct cpu_user_regs, rcx, 88);
PV_ABI_AT(struct cpu_user_regs, rdx, 96);
PV_ABI_AT(struct cpu_user_regs, rsi, 104);
PV_ABI_AT(struct cpu_user_regs, rdi, 112);
PV_ABI_AT(struct cpu_user_regs, error_code, 120);
PV_ABI_AT(struct cpu_user_regs, entry_vector, 124);
PV_ABI_AT(struct cpu_user_regs, rip, 128);
PV_ABI_AT(struct cpu_user_regs, cs, 136);
PV_ABI_AT(struct cpu_user_regs, saved_upcall_mask, 140);
PV_ABI_AT(struct cpu_user_regs, rflags, 144);
PV_ABI_AT(struct cpu_user_regs, rsp, 152);
PV_ABI_AT(struct cpu_user_regs, ss, 160);
PV_ABI_AT(struct cpu_user_regs, es, 168);
PV_ABI_AT(struct cpu_user_regs, ds, 176);
PV_ABI_AT(struct cpu_user_regs, fs, 184);
PV_ABI_AT(struct cpu_user_regs, gs, 192);

/*
 * set_trap_table(traps): handlers of exceptions and software interrupts, for this vCPU.
 * By:	any PV domain
 * Arg:	traps: IN array that an entry with address 0 ends, or NULL to remove all handlers
 * Err:	-EINVAL	an address that is not canonical; entries before it are in force
 * The privilege level of cs is raised to 3. Until a handler for #GP is set, an RDMSR that would
 * fault reads as 0 instead.
 */
struct trap_info {
	uint8_t vector;
	uint8_t flags;			/* bits 1:0 level that may INT; bit 2 enter masked */
	uint16_t cs;
	uint32_t _pad0;
	uint64_t address;
};
typedef struct trap_info trap_info_t;
PV_ABI_SIZE(struct trap_info, 16);
PV_ABI_AT(struct trap_info, vector, 0);
PV_ABI_AT(struct trap_info, flags, 1);
PV_ABI_AT(struct trap_info, cs, 2);
PV_ABI_AT(struct trap_info, address, 8);
#define TI_GET_DPL(_ti)		((_ti)->flags & 3)
#define TI_GET_IF(_ti)		((_ti)->flags & 4)
#define TI_SET_DPL(_ti, _dpl)	((_ti)->flags |= (_dpl))
#define TI_SET_IF(_ti, _if)	((_ti)->flags |= ((!!(_if)) << 2))

/* Everything a PV vCPU starts with: VCPUOP_initialise. */
struct vcpu_guest_context {
	struct {
		char x[512];
	} fpu_ctxt;			/* as FXSAVE writes it */
	uint64_t flags;			/* VGCF_* */
	struct cpu_user_regs user_regs;
	struct trap_info trap_ctxt[256];
	uint64_t ldt_base, ldt_ents;	/* linear address, entries */
	uint64_t gdt_frames[16], gdt_ents; /* machine frames, entries */
	uint64_t kernel_ss, kernel_sp;	/* as stack_switch */
	uint64_t ctrlreg[8];		/* [1] user L4 and [3] kernel L4 in CR3 form; [4] CR4 */
	uint64_t debugreg[8];
	uint64_t event_callback_eip;
	uint64_t failsafe_callback_eip;
	uint64_t syscall_callback_eip;
	uint64_t vm_assist;		/* bit n: VMASST_TYPE n */
	uint64_t fs_base;
	uint64_t gs_base_kernel;
	uint64_t gs_base_user;
};
typedef struct vcpu_guest_context vcpu_guest_context_t;
PV_ABI_SIZE(struct vcpu_guest_context, 5168);
PV_ABI_AT(struct vcpu_guest_context, fpu_ctxt, 0);
PV_ABI_AT(struct vcpu_guest_context, fpu_ctxt.x, 0);
PV_ABI_AT(struct vcpu_guest_context, flags, 512);
PV_ABI_AT(struct vcpu_guest_context, user_regs, 520);
PV_ABI_AT(struct vcpu_guest_context, trap_ctxt, 720);
PV_ABI_AT(struct vcpu_guest_context, ldt_base, 4816);
PV_ABI_AT(struct vcpu_guest_context, ldt_ents, 4824);
PV_ABI_AT(struct vcpu_guest_context, gdt_frames, 4832);
PV_ABI_AT(struct vcpu_guest_context, gdt_ents, 4960);
PV_ABI_AT(struct vcpu_guest_context, kernel_ss, 4968);
PV_ABI_AT(struct vcpu_guest_context, kernel_sp, 4976);
PV_ABI_AT(struct vcpu_guest_context, ctrlreg, 4984);
PV_ABI_AT(struct vcpu_guest_context, debugreg, 5048);
PV_ABI_AT(struct vcpu_guest_context, event_callback_eip, 5112);
PV_ABI_AT(struct vcpu_guest_context, failsafe_callback_eip, 5120);
PV_ABI_AT(struct vcpu_guest_context, syscall_callback_eip, 5128);
PV_ABI_AT(struct vcpu_guest_context, vm_assist, 5136);
PV_ABI_AT(struct vcpu_guest_context, fs_base, 5144);
PV_ABI_AT(struct vcpu_guest_context, gs_base_kernel, 5152);
PV_ABI_AT(struct vcpu_guest_context, gs_base_user, 5160);

/* Where the guest keeps its p2m list, for tools; and why an NMI came. */
struct arch_shared_info {
	uint64_t max_pfn;		/* entries of the p2m list */
	xen_pfn_t pfn_to_mfn_frame_list_list; /* root of the tree of lists; ~0 when there is none */
	uint64_t nmi_reason;		/* XEN_NMIREASON_* */
	uint64_t p2m_cr3;		/* L4 in CR3 form in which p2m_vaddr is valid, or 0 */
	uint64_t p2m_vaddr;		/* the p2m list, one uint64_t a page */
	uint64_t p2m_generation;	/* odd while the list's mapping changes */
};
typedef struct arch_shared_info arch_shared_info_t;
PV_ABI_SIZE(struct arch_shared_info, 48);
PV_ABI_AT(struct arch_shared_info, max_pfn, 0);
PV_ABI_AT(struct arch_shared_info, pfn_to_mfn_frame_list_list, 8);
PV_ABI_AT(struct arch_shared_info, nmi_reason, 16);
PV_ABI_AT(struct arch_shared_info, p2m_cr3, 24);
PV_ABI_AT(struct arch_shared_info, p2m_vaddr, 32);
PV_ABI_AT(struct arch_shared_info, p2m_generation, 40);

struct arch_vcpu_info {
	uint64_t cr2;			/* address of the last page fault */
	uint64_t pad;
};
typedef struct arch_vcpu_info arch_vcpu_info_t;
PV_ABI_SIZE(struct arch_vcpu_info, 16);
PV_ABI_AT(struct arch_vcpu_info, cr2, 0);
PV_ABI_AT(struct arch_vcpu_info, pad, 8);

/* CPUID and MSR values of a domain, as the control interface carries them. */
#define XEN_CPUID_NO_SUBLEAF 0xffffffffu
struct xen_cpuid_leaf {
	uint32_t leaf, subleaf;
	uint32_t a, b, c, d;
};
typedef struct xen_cpuid_leaf xen_cpuid_leaf_t;
PV_ABI_SIZE(struct xen_cpuid_leaf, 24);
PV_ABI_AT(struct xen_cpuid_leaf, leaf, 0);
PV_ABI_AT(struct xen_cpuid_leaf, subleaf, 4);
PV_ABI_AT(struct xen_cpuid_leaf, a, 8);
PV_ABI_AT(struct xen_cpuid_leaf, b, 12);
PV_ABI_AT(struct xen_cpuid_leaf, c, 16);
PV_ABI_AT(struct xen_cpuid_leaf, d, 20);

struct xen_msr_entry {
	uint32_t idx;
	uint32_t flags;			/* zero */
	uint64_t val;
};
typedef struct xen_msr_entry xen_msr_entry_t;
PV_ABI_SIZE(struct xen_msr_entry, 16);
PV_ABI_AT(struct xen_msr_entry, idx, 0);
PV_ABI_AT(struct xen_msr_entry, flags, 4);
PV_ABI_AT(struct xen_msr_entry, val, 8);

/* The architecture's part of domain creation (control interface). */
#define _XEN_X86_EMU_LAPIC	0
#define XEN_X86_EMU_LAPIC	(1U << _XEN_X86_EMU_LAPIC)
#define _XEN_X86_EMU_HPET	1
#define XEN_X86_EMU_HPET	(1U << _XEN_X86_EMU_HPET)
#define _XEN_X86_EMU_PM		2
#define XEN_X86_EMU_PM		(1U << _XEN_X86_EMU_PM)
#define _XEN_X86_EMU_RTC	3
#define XEN_X86_EMU_RTC		(1U << _XEN_X86_EMU_RTC)
#define _XEN_X86_EMU_IOAPIC	4
#define XEN_X86_EMU_IOAPIC	(1U << _XEN_X86_EMU_IOAPIC)
#define _XEN_X86_EMU_PIC	5
#define XEN_X86_EMU_PIC		(1U << _XEN_X86_EMU_PIC)
#define _XEN_X86_EMU_VGA	6
#define XEN_X86_EMU_VGA		(1U << _XEN_X86_EMU_VGA)
#define _XEN_X86_EMU_IOMMU	7
#define XEN_X86_EMU_IOMMU	(1U << _XEN_X86_EMU_IOMMU)
#define _XEN_X86_EMU_PIT	8
#define XEN_X86_EMU_PIT		(1U << _XEN_X86_EMU_PIT)
#define _XEN_X86_EMU_USE_PIRQ	9
#define XEN_X86_EMU_USE_PIRQ	(1U << _XEN_X86_EMU_USE_PIRQ)
#define _XEN_X86_EMU_VPCI	10
#define XEN_X86_EMU_VPCI	(1U << _XEN_X86_EMU_VPCI)
#define XEN_X86_EMU_ALL		(XEN_X86_EMU_LAPIC | XEN_X86_EMU_HPET | XEN_X86_EMU_PM | \
				 XEN_X86_EMU_RTC | XEN_X86_EMU_IOAPIC | XEN_X86_EMU_PIC | \
				 XEN_X86_EMU_VGA | XEN_X86_EMU_IOMMU | XEN_X86_EMU_PIT | \
				 XEN_X86_EMU_USE_PIRQ | XEN_X86_EMU_VPCI)
/* An MSR that nobody handles reads as 0 and drops writes, instead of faulting. */
#define XEN_X86_MSR_RELAXED	(1u << 0)
#define XEN_X86_MISC_FLAGS_MAX	XEN_X86_MSR_RELAXED
struct xen_arch_domainconfig {
	uint32_t emulation_flags;	/* IN XEN_X86_EMU_* */
	uint32_t misc_flags;		/* IN XEN_X86_MSR_* */
};
PV_ABI_SIZE(struct xen_arch_domainconfig, 8);
PV_ABI_AT(struct xen_arch_domainconfig, emulation_flags, 0);
PV_ABI_AT(struct xen_arch_domainconfig, misc_flags, 4);

#endif /* !__ASSEMBLY__ */

#endif /* PV_ABI_XEN_ARCH_X86_H */
