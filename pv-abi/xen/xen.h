/* SPDX-License-Identifier: MIT */
/* Hypercall numbers, and the structures and constants that all hypercalls share. */

/*
 * The rules of pv-abi/, for this header and all beside it.
 *
 * What it is. The published Xen 4.17 guest ABI for 64-bit x86 guests, as Pavise speaks it, under
 * the published names, so that a guest kernel written against it needs no other header. It is
 * the newest form of that interface (__XEN_LATEST_INTERFACE_VERSION__ 0x00040e00); the renames
 * which older interface versions select by macro are not offered.
 *
 * Self-contained. A header here includes <stdint.h>, <stddef.h> and its neighbours, nothing else.
 * Each compiles alone, as C11, C17 and C++17, hosted and freestanding. Constants without a type
 * can be used from assembly.
 *
 * Growth. A structure never changes its size, a member never its place. What is new gets a new
 * number. Padding, reserved members and undefined flags are zero on input, zero on output, and
 * a call that finds them otherwise is refused with -EINVAL where the text says so.
 *
 * Numbers never move, never depend on configuration and are never used again. A number that is
 * out of use stays in the list, marked RETIRED. A call that this hypervisor does not have
 * answers -ENOSYS, or -EOPNOTSUPP where the text says so, at its number; never success.
 *
 * Layout. Members have fixed widths and natural alignment; sizes and places are asserted under
 * each structure, and tests/abi/ compares all of them with the published headers.
 *
 * How a call is described:
 *	By:	who may call; anyone else gets -EPERM
 *	Arg:	the arguments in order, or the structure the last one points to
 *	Ret:	the result when it is not simply 0
 *	Err:	each error and its cause. Left out, because they hold everywhere:
 *		-EFAULT	a pointer given cannot be read or written by the guest
 *		-ENOSYS	the number of the call or of its sub-operation is unknown
 *	IN, OUT, INOUT: direction of a member, seen from the hypervisor
 */

#ifndef PV_ABI_XEN_XEN_H
#define PV_ABI_XEN_XEN_H

#include "abi.h"
#include "arch-x86.h"

/*
 * Hypercall numbers: RAX of a SYSCALL from guest kernel mode. Registers: see arch-x86.h.
 * Where the arguments are described:
 */
#define __HYPERVISOR_set_trap_table			0	/* arch-x86.h */
#define __HYPERVISOR_mmu_update				1	/* below */
#define __HYPERVISOR_set_gdt				2	/* arch-x86.h */
#define __HYPERVISOR_stack_switch			3	/* arch-x86.h */
#define __HYPERVISOR_set_callbacks			4	/* arch-x86.h */
#define __HYPERVISOR_fpu_taskswitch			5	/* arch-x86.h */
#define __HYPERVISOR_sched_op_compat			6	/* RETIRED: sched_op is 29 */
#define __HYPERVISOR_platform_op			7	/* platform.h */
#define __HYPERVISOR_set_debugreg			8	/* arch-x86.h */
#define __HYPERVISOR_get_debugreg			9	/* arch-x86.h */
#define __HYPERVISOR_update_descriptor			10	/* arch-x86.h */
/*	11 RETIRED */
#define __HYPERVISOR_memory_op				12	/* memory.h */
#define __HYPERVISOR_multicall				13	/* below */
#define __HYPERVISOR_update_va_mapping			14	/* below */
#define __HYPERVISOR_set_timer_op			15	/* below */
#define __HYPERVISOR_event_channel_op_compat		16	/* RETIRED: the op is 32 */
#define __HYPERVISOR_xen_version			17	/* version.h */
#define __HYPERVISOR_console_io				18	/* below */
#define __HYPERVISOR_physdev_op_compat			19	/* RETIRED: the op is 33 */
#define __HYPERVISOR_grant_table_op			20	/* grant_table.h */
#define __HYPERVISOR_vm_assist				21	/* below */
#define __HYPERVISOR_update_va_mapping_otherdomain	22	/* below */
#define __HYPERVISOR_iret				23	/* arch-x86.h */
#define __HYPERVISOR_vcpu_op				24	/* vcpu.h */
#define __HYPERVISOR_set_segment_base			25	/* arch-x86.h */
#define __HYPERVISOR_mmuext_op				26	/* below */
#define __HYPERVISOR_xsm_op				27	/* -ENOSYS: no such policy module */
#define __HYPERVISOR_nmi_op				28	/* nmi.h */
#define __HYPERVISOR_sched_op				29	/* sched.h */
#define __HYPERVISOR_callback_op			30	/* callback.h */
#define __HYPERVISOR_xenoprof_op			31	/* -ENOSYS: no profiler */
#define __HYPERVISOR_event_channel_op			32	/* event_channel.h */
#define __HYPERVISOR_physdev_op				33	/* physdev.h */
#define __HYPERVISOR_hvm_op				34	/* hvm/hvm_op.h */
#define __HYPERVISOR_sysctl				35	/* control interface */
#define __HYPERVISOR_domctl				36	/* control interface */
#define __HYPERVISOR_kexec_op				37	/* -ENOSYS: no kexec */
#define __HYPERVISOR_tmem_op				38	/* RETIRED */
#define __HYPERVISOR_argo_op				39	/* -ENOSYS */
#define __HYPERVISOR_xenpmu_op				40	/* pmu.h */
#define __HYPERVISOR_dm_op				41	/* control interface */
#define __HYPERVISOR_hypfs_op				42	/* -ENOSYS */

/* Numbers left to the architecture. 48 is the machine-check call of x86 (-ENOSYS), 49 is
 * used inside the hypervisor and refused, 55 is Pavise's own: see ../pavise.h. */
#define __HYPERVISOR_arch_0				48
#define __HYPERVISOR_arch_1				49
#define __HYPERVISOR_arch_2				50
#define __HYPERVISOR_arch_3				51
#define __HYPERVISOR_arch_4				52
#define __HYPERVISOR_arch_5				53
#define __HYPERVISOR_arch_6				54
#define __HYPERVISOR_arch_7				55

/*
 * Virtual interrupts, for EVTCHNOP_bind_virq.
 * V: one per vCPU, bound once and for good to that vCPU.
 * G: one per domain, first bound to vCPU 0, may be moved by EVTCHNOP_bind_vcpu.
 * P: delivered to the privileged domain only.
 */
#define VIRQ_TIMER		0	/* V   the timer asked for has expired */
#define VIRQ_DEBUG		1	/* V   please print your state */
#define VIRQ_CONSOLE		2	/* G P input waits for CONSOLEIO_read */
#define VIRQ_DOM_EXC		3	/* G P a domain has stopped or died: look which */
#define VIRQ_TBUF		4	/* G P trace records wait */
/*	5 RETIRED */
#define VIRQ_DEBUGGER		6	/* G P a domain has stopped for its debugger */
#define VIRQ_XENOPROF		7	/* V   RETIRED */
#define VIRQ_CON_RING		8	/* G P the hypervisor's log has grown */
#define VIRQ_PCPU_STATE		9	/* G P a processor came or went */
#define VIRQ_MEM_EVENT		10	/* G P a memory event */
#define VIRQ_ARGO		11	/* G   a message of argo_op */
#define VIRQ_ENOMEM		12	/* G P free memory runs low */
#define VIRQ_XENPMU		13	/* V   performance counter interrupt */
#define VIRQ_ARCH_0		16	/* G P machine check */
#define VIRQ_ARCH_1		17
#define VIRQ_ARCH_2		18
#define VIRQ_ARCH_3		19
#define VIRQ_ARCH_4		20
#define VIRQ_ARCH_5		21
#define VIRQ_ARCH_6		22
#define VIRQ_ARCH_7		23
#define NR_VIRQS		24

/* Domain numbers from here on name no ordinary domain. */
#define DOMID_FIRST_RESERVED	xen_mk_uint(0x7FF0)
#define DOMID_SELF		xen_mk_uint(0x7FF0)	/* whoever calls */
#define DOMID_IO		xen_mk_uint(0x7FF1)	/* owner of what is not RAM */
#define DOMID_XEN		xen_mk_uint(0x7FF2)	/* owner of what the hypervisor shares */
#define DOMID_COW		xen_mk_uint(0x7FF3)	/* owner of pages shared copy-on-write */
#define DOMID_INVALID		xen_mk_uint(0x7FF4)	/* owner unknown */
#define DOMID_IDLE		xen_mk_uint(0x7FFF)	/* the idle domain */
#define DOMID_MASK		xen_mk_uint(0x7FFF)	/* what fits a domain number */

/*
 * mmu_update(reqs, count, done, foreigndom): write page-table entries, checked.
 * By:	any PV domain for itself; for another domain: its privileged controller
 * Arg:	reqs: IN array of struct mmu_update
 *	count: requests
 *	done: OUT uint32_t, how many were carried out, or NULL
 *	foreigndom: bits 15:0 the domain that owns the frames being mapped (DOMID_SELF; DOMID_IO
 *	to map only what is not RAM; DOMID_XEN for shared hypervisor frames); bits 31:16 the
 *	domain that owns the page tables, plus one, 0 meaning the caller
 * Err:	-ESRCH	no such frame owner
 *	-EINVAL	no such table owner; ptr is not in a frame of the table owner; the entry has
 *		forbidden bits (PSE, reserved), or names a frame the owner does not hold, or
 *		would make a table or a descriptor page writable
 *	-EPERM	caller may not act for that owner
 *	-ENOSYS	ptr[1:0] names no command
 *	-ENOMEM	no memory for a table's accounting
 * A long list is interrupted and resumed by itself. Requests before the failing one stand.
 */
#define MMU_NORMAL_PT_UPDATE		0	/* *ptr = val; ptr is a machine address */
#define MMU_MACHPHYS_UPDATE		1	/* machine-to-physical entry of ptr's frame = val */
#define MMU_PT_UPDATE_PRESERVE_AD	2	/* like 0, keeping the accessed and dirty bits */
#define MMU_PT_UPDATE_NO_TRANSLATE	3	/* like 0, val is never translated */

/*
 * mmuext_op(ops, count, done, foreigndom): everything else about address spaces.
 * By:	as mmu_update
 * Arg:	ops: IN array of struct mmuext_op; count; done: OUT uint32_t or NULL;
 *	foreigndom: owner of the frames (DOMID_SELF for oneself)
 * Err:	-ESRCH	no such owner
 *	-EPERM	a foreign owner given where only oneself makes sense (5-13, 15, 18)
 *	-ENOSYS	unknown cmd
 *	further ones at each command
 */
/* arg1.mfn becomes a table of that level, validated now and kept so.
 * -EINVAL: not the owner's frame, in use as another type, pinned already, or an entry in it
 * (or below it) is not acceptable. */
#define MMUEXT_PIN_L1_TABLE		0
#define MMUEXT_PIN_L2_TABLE		1
#define MMUEXT_PIN_L3_TABLE		2
#define MMUEXT_PIN_L4_TABLE		3
/* Give back a pin. -EINVAL: arg1.mfn not the owner's, or not pinned. */
#define MMUEXT_UNPIN_TABLE		4
/* arg1.mfn is the L4 of kernel mode from now on; flushes. -EINVAL: cannot be an L4. */
#define MMUEXT_NEW_BASEPTR		5
#define MMUEXT_TLB_FLUSH_LOCAL		6	/* flush this processor */
#define MMUEXT_INVLPG_LOCAL		7	/* flush arg1.linear_addr here */
/* arg2.vcpumask points to a bitmap of vCPUs. Bits of vCPUs that do not exist are ignored. */
#define MMUEXT_TLB_FLUSH_MULTI		8
#define MMUEXT_INVLPG_MULTI		9	/* and arg1.linear_addr */
#define MMUEXT_TLB_FLUSH_ALL		10	/* flush wherever the domain has run */
#define MMUEXT_INVLPG_ALL		11
/* Write back and flush caches, here or everywhere (18).
 * -EACCES: the domain has no device that could see the difference. */
#define MMUEXT_FLUSH_CACHE		12
/* LDT at arg1.linear_addr with arg2.nr_ents entries; its pages become descriptor pages on use.
 * -EINVAL: address not page-aligned, or more than 8192 entries. */
#define MMUEXT_SET_LDT			13
/*	14 RETIRED */
/* arg1.mfn is the L4 of user mode from now on; 0 means none. -EINVAL: cannot be an L4. */
#define MMUEXT_NEW_USER_BASEPTR		15
/* Zero a frame; copy arg2.src_mfn to arg1.mfn. -EINVAL: frame not the owner's, or the target
 * is in use as another type than plain memory. */
#define MMUEXT_CLEAR_PAGE		16
#define MMUEXT_COPY_PAGE		17
#define MMUEXT_FLUSH_CACHE_GLOBAL	18
#define MMUEXT_MARK_SUPER		19	/* RETIRED: -EOPNOTSUPP */
#define MMUEXT_UNMARK_SUPER		20	/* RETIRED: -EOPNOTSUPP */

/*
 * update_va_mapping(va, val, flags): replace the L1 entry that maps va in the current tables.
 * update_va_mapping_otherdomain(va, val, flags, domid): same, for a frame of domain domid.
 * By:	any PV domain; otherdomain: its privileged controller
 * Arg:	flags: one of NONE, TLB_FLUSH, INVLPG; or-ed with LOCAL, ALL, or (MULTI) with the
 *	address of a vCPU bitmap
 * Err:	-EINVAL	no L1 table maps va, va is the hypervisor's, or val as for mmu_update
 *	-ESRCH	no such domain
 */
#define UVMF_NONE		(xen_mk_ulong(0) << 0)
#define UVMF_TLB_FLUSH		(xen_mk_ulong(1) << 0)
#define UVMF_INVLPG		(xen_mk_ulong(2) << 0)
#define UVMF_FLUSHTYPE_MASK	(xen_mk_ulong(3) << 0)
#define UVMF_MULTI		(xen_mk_ulong(0) << 2)
#define UVMF_LOCAL		(xen_mk_ulong(0) << 2)
#define UVMF_ALL		(xen_mk_ulong(1) << 2)

/*
 * set_timer_op(timeout): raise VIRQ_TIMER on this vCPU when system time reaches timeout.
 * By:	any domain
 * Arg:	timeout: absolute system time in ns; 0 stops the timer
 * Err:	none. A time that has passed raises the interrupt at once.
 */

/*
 * console_io(cmd, count, buffer): the machine's console.
 * By:	the privileged domain. CONSOLEIO_write from another domain is copied to the hypervisor's
 *	log, printable characters only and rate-limited, when the operator allows it (guest_loglvl)
 * Ret:	write: 0; read: characters delivered
 * Err:	-E2BIG	count exceeds 2^31 - 1
 */
#define CONSOLEIO_write		0	/* IN buffer, count bytes */
#define CONSOLEIO_read		1	/* OUT buffer, at most count bytes; does not wait */

/*
 * vm_assist(cmd, type): switch a behaviour on or off for the domain.
 * By:	any domain, for itself
 * Err:	-EINVAL	a type that a domain of this kind does not have
 */
#define VMASST_CMD_enable		0
#define VMASST_CMD_disable		1

#define VMASST_TYPE_4gb_segments	0	/* 32-bit only */
#define VMASST_TYPE_4gb_segments_notify	1	/* 32-bit only */
/* Plain writes to read-only mapped L1 tables are emulated. Higher levels are not. */
#define VMASST_TYPE_writable_pagetables	2
#define VMASST_TYPE_pae_extended_cr3	3	/* 32-bit only */
/* The virtual IOPL comes from iret, is shown in frames, and the kernel counts as ring 0. */
#define VMASST_TYPE_architectural_iopl	4
/* XEN_RUNSTATE_UPDATE is set in the registered runstate area while it is written. */
#define VMASST_TYPE_runstate_update_flag 5
/* The machine-to-physical map does not appear in L4 tables used for user mode. */
#define VMASST_TYPE_m2p_strict		32

#ifndef __ASSEMBLY__

typedef uint16_t domid_t;

/* One request of mmu_update. */
struct mmu_update {
	uint64_t ptr;		/* IN machine address of the entry; command in bits 1:0 */
	uint64_t val;		/* IN new contents */
};
typedef struct mmu_update mmu_update_t;
PV_ABI_SIZE(struct mmu_update, 16);
PV_ABI_AT(struct mmu_update, ptr, 0);
PV_ABI_AT(struct mmu_update, val, 8);

/* One operation of mmuext_op. Which members count is said at each command. */
struct mmuext_op {
	uint32_t cmd;			/* IN MMUEXT_* */
	uint32_t _pad0;
	union {
		xen_pfn_t mfn;
		uint64_t linear_addr;
	} arg1;				/* IN */
	union {
		uint32_t nr_ents;
		GUEST_PTR(const void) vcpumask;
		xen_pfn_t src_mfn;
	} arg2;				/* IN */
};
typedef struct mmuext_op mmuext_op_t;
PV_ABI_SIZE(struct mmuext_op, 24);
PV_ABI_AT(struct mmuext_op, cmd, 0);
PV_ABI_AT(struct mmuext_op, arg1, 8);
PV_ABI_AT(struct mmuext_op, arg1.mfn, 8);
PV_ABI_AT(struct mmuext_op, arg1.linear_addr, 8);
PV_ABI_AT(struct mmuext_op, arg2, 16);
PV_ABI_AT(struct mmuext_op, arg2.nr_ents, 16);
PV_ABI_AT(struct mmuext_op, arg2.vcpumask, 16);
PV_ABI_AT(struct mmuext_op, arg2.src_mfn, 16);

/*
 * multicall(calls, nr_calls): several hypercalls in one.
 * By:	any domain; each entry is checked as the call itself would be
 * Arg:	calls: array of struct multicall_entry
 * Ret:	0 when every entry has been tried: failures are in the entries' result
 * Err:	-EINVAL	a multicall among the entries
 * A long list is interrupted and resumed by itself. An unknown op yields -ENOSYS in its entry.
 */
struct multicall_entry {
	xen_ulong_t op;			/* IN __HYPERVISOR_* */
	xen_ulong_t result;		/* OUT as RAX of the call */
	xen_ulong_t args[6];		/* IN */
};
typedef struct multicall_entry multicall_entry_t;
PV_ABI_SIZE(struct multicall_entry, 64);
PV_ABI_AT(struct multicall_entry, op, 0);
PV_ABI_AT(struct multicall_entry, result, 8);
PV_ABI_AT(struct multicall_entry, args, 16);

/*
 * Time, written by the hypervisor, read by the guest. version is odd while it is being
 * written: read, and read again if version was odd or has changed.
 *
 *	delta  = rdtsc - tsc_timestamp, shifted left by tsc_shift (right when negative)
 *	now_ns = system_time + (delta * tsc_to_system_mul >> 32)
 */
struct vcpu_time_info {
	uint32_t version;
	uint32_t pad0;
	uint64_t tsc_timestamp;		/* TSC when system_time was taken */
	uint64_t system_time;		/* ns since the hypervisor started */
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags;			/* XEN_PVCLOCK_* */
	uint8_t pad1[2];
};
typedef struct vcpu_time_info vcpu_time_info_t;
PV_ABI_SIZE(struct vcpu_time_info, 32);
PV_ABI_AT(struct vcpu_time_info, version, 0);
PV_ABI_AT(struct vcpu_time_info, pad0, 4);
PV_ABI_AT(struct vcpu_time_info, tsc_timestamp, 8);
PV_ABI_AT(struct vcpu_time_info, system_time, 16);
PV_ABI_AT(struct vcpu_time_info, tsc_to_system_mul, 24);
PV_ABI_AT(struct vcpu_time_info, tsc_shift, 28);
PV_ABI_AT(struct vcpu_time_info, flags, 29);
PV_ABI_AT(struct vcpu_time_info, pad1, 30);

#define XEN_PVCLOCK_TSC_STABLE_BIT	(1 << 0)	/* now_ns is monotonic across vCPUs */
#define XEN_PVCLOCK_GUEST_STOPPED	(1 << 1)	/* the guest was paused by its host */

/*
 * Per-vCPU state shared between guest and hypervisor; 64 bytes, never across a page boundary.
 * First in shared_info, later where VCPUOP_register_vcpu_info puts it.
 */
struct vcpu_info {
	uint8_t evtchn_upcall_pending;	/* set by the hypervisor, cleared by the guest first */
	uint8_t evtchn_upcall_mask;	/* set by either on entry; the guest's interrupt flag */
	uint8_t _pad0[6];
	xen_ulong_t evtchn_pending_sel;	/* bit n: word n of evtchn_pending has work (2-level) */
	struct arch_vcpu_info arch;
	vcpu_time_info_t time;
};
typedef struct vcpu_info vcpu_info_t;
PV_ABI_SIZE(struct vcpu_info, 64);
PV_ABI_AT(struct vcpu_info, evtchn_upcall_pending, 0);
PV_ABI_AT(struct vcpu_info, evtchn_upcall_mask, 1);
PV_ABI_AT(struct vcpu_info, evtchn_pending_sel, 8);
PV_ABI_AT(struct vcpu_info, arch, 16);
PV_ABI_AT(struct vcpu_info, time, 32);

/* The page whose machine address is start_info.shared_info. */
struct shared_info {
	struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];

	/* Two-level event channels: one bit per port; event_channel.h says how they work. */
	xen_ulong_t evtchn_pending[64];
	xen_ulong_t evtchn_mask[64];

	/* Wall-clock time at system time 0; wc_version is used as vcpu_time_info.version. */
	uint32_t wc_version;
	uint32_t wc_sec;
	uint32_t wc_nsec;
	uint32_t wc_sec_hi;

	struct arch_shared_info arch;
};
typedef struct shared_info shared_info_t;
PV_ABI_SIZE(struct shared_info, 3136);
PV_ABI_AT(struct shared_info, vcpu_info, 0);
PV_ABI_AT(struct shared_info, evtchn_pending, 2048);
PV_ABI_AT(struct shared_info, evtchn_mask, 2560);
PV_ABI_AT(struct shared_info, wc_version, 3072);
PV_ABI_AT(struct shared_info, wc_sec, 3076);
PV_ABI_AT(struct shared_info, wc_nsec, 3080);
PV_ABI_AT(struct shared_info, wc_sec_hi, 3084);
PV_ABI_AT(struct shared_info, arch, 3088);
#define xen_wc_sec_hi wc_sec_hi

/*
 * Start of day of a PV domain. RSI holds the virtual address of this structure.
 *
 * From the kernel's base upwards, each on a page of its own, all one contiguous range of
 * pseudo-physical memory: kernel; initial ramdisk (unless SIF_MOD_START_PFN); p2m list (unless
 * the kernel asked for it elsewhere); start_info; store ring and console ring (not for the
 * privileged domain); page tables (mapped read-only); boot stack. At least 512 KiB follow, and
 * the end is a multiple of 4 MiB.
 */
#define MAX_GUEST_CMDLINE 1024
struct start_info {
	/* Valid at start and after resume. */
	char magic[32];			/* "xen-3.0-x86_64" */
	uint64_t nr_pages;		/* pages of the domain */
	uint64_t shared_info;		/* machine address of struct shared_info */
	uint32_t flags;			/* SIF_* */
	uint32_t _pad0;
	xen_pfn_t store_mfn;		/* machine frame of the store ring */
	uint32_t store_evtchn;		/* its port */
	uint32_t _pad1;
	union {
		struct {
			xen_pfn_t mfn;		/* machine frame of the console ring */
			uint32_t evtchn;	/* its port */
			uint32_t _pad2;
		} domU;
		struct {
			uint32_t info_off;	/* struct dom0_vga_console_info, from here */
			uint32_t info_size;
		} dom0;
	} console;
	/* Valid at start only. */
	uint64_t pt_base;		/* virtual address of the L4 */
	uint64_t nr_pt_frames;		/* frames of page tables from there */
	uint64_t mfn_list;		/* virtual address of the p2m list */
	uint64_t mod_start;		/* virtual address (or PFN) of the ramdisk */
	uint64_t mod_len;		/* its bytes */
	int8_t cmd_line[MAX_GUEST_CMDLINE];
	uint64_t first_p2m_pfn;		/* frames of a p2m list placed elsewhere, ... */
	uint64_t nr_p2m_frames;		/* ... with the page tables that map it */
};
typedef struct start_info start_info_t;
PV_ABI_SIZE(struct start_info, 1168);
PV_ABI_AT(struct start_info, magic, 0);
PV_ABI_AT(struct start_info, nr_pages, 32);
PV_ABI_AT(struct start_info, shared_info, 40);
PV_ABI_AT(struct start_info, flags, 48);
PV_ABI_AT(struct start_info, store_mfn, 56);
PV_ABI_AT(struct start_info, store_evtchn, 64);
PV_ABI_AT(struct start_info, console, 72);
PV_ABI_AT(struct start_info, console.domU, 72);
PV_ABI_AT(struct start_info, console.domU.mfn, 72);
PV_ABI_AT(struct start_info, console.domU.evtchn, 80);
PV_ABI_AT(struct start_info, console.dom0, 72);
PV_ABI_AT(struct start_info, console.dom0.info_off, 72);
PV_ABI_AT(struct start_info, console.dom0.info_size, 76);
PV_ABI_AT(struct start_info, pt_base, 88);
PV_ABI_AT(struct start_info, nr_pt_frames, 96);
PV_ABI_AT(struct start_info, mfn_list, 104);
PV_ABI_AT(struct start_info, mod_start, 112);
PV_ABI_AT(struct start_info, mod_len, 120);
PV_ABI_AT(struct start_info, cmd_line, 128);
PV_ABI_AT(struct start_info, first_p2m_pfn, 1152);
PV_ABI_AT(struct start_info, nr_p2m_frames, 1160);

#endif /* !__ASSEMBLY__ */

#define SIF_PRIVILEGED		(1 << 0)	/* the domain is privileged */
#define SIF_INITDOMAIN		(1 << 1)	/* it is the first domain */
#define SIF_MULTIBOOT_MOD	(1 << 2)	/* mod_start is an array of modules */
#define SIF_MOD_START_PFN	(1 << 3)	/* mod_start is a page frame number */
#define SIF_VIRT_P2M_4TOOLS	(1 << 4)	/* tools follow arch_shared_info.p2m_vaddr */
#define SIF_PM_MASK		(0xFF << 8)	/* power management hints */

#define XEN_VGATYPE_TEXT_MODE_3	0x03
#define XEN_VGATYPE_VESA_LFB	0x23
#define XEN_VGATYPE_EFI_LFB	0x70

#ifndef __ASSEMBLY__

/* One module of SIF_MULTIBOOT_MOD. Addresses count from the list; mod_start 0 ends it. */
struct xen_multiboot_mod_list {
	uint32_t mod_start;		/* first byte */
	uint32_t mod_end;		/* last byte */
	uint32_t cmdline;		/* zero-terminated */
	uint32_t pad;
};
PV_ABI_SIZE(struct xen_multiboot_mod_list, 16);
PV_ABI_AT(struct xen_multiboot_mod_list, mod_start, 0);
PV_ABI_AT(struct xen_multiboot_mod_list, mod_end, 4);
PV_ABI_AT(struct xen_multiboot_mod_list, cmdline, 8);
PV_ABI_AT(struct xen_multiboot_mod_list, pad, 12);

/* The privileged domain's screen, at start_info.console.dom0.info_off. */
struct dom0_vga_console_info {
	uint8_t video_type;		/* XEN_VGATYPE_* */
	uint8_t _pad0[3];
	union {
		struct {
			uint16_t font_height;	/* pixels */
			uint16_t cursor_x, cursor_y;
			uint16_t rows, columns;
		} text_mode_3;
		struct {
			uint16_t width, height;
			uint16_t bytes_per_line;
			uint16_t bits_per_pixel;
			uint32_t lfb_base;	/* physical address, low half */
			uint32_t lfb_size;	/* in units of 64 KiB */
			uint8_t red_pos, red_size;
			uint8_t green_pos, green_size;
			uint8_t blue_pos, blue_size;
			uint8_t rsvd_pos, rsvd_size;
			uint32_t gbl_caps;	/* VBE capabilities */
			uint16_t mode_attrs;	/* VBE mode attributes */
			uint16_t pad;
			uint32_t ext_lfb_base;	/* physical address, high half */
		} vesa_lfb;
	} u;
};
typedef struct dom0_vga_console_info dom0_vga_console_info_t;
PV_ABI_SIZE(struct dom0_vga_console_info, 40);
PV_ABI_AT(struct dom0_vga_console_info, video_type, 0);
PV_ABI_AT(struct dom0_vga_console_info, u, 4);
PV_ABI_AT(struct dom0_vga_console_info, u.text_mode_3, 4);
PV_ABI_AT(struct dom0_vga_console_info, u.text_mode_3.font_height, 4);
PV_ABI_AT(struct dom0_vga_console_info, u.text_mode_3.cursor_x, 6);
PV_ABI_AT(struct dom0_vga_console_info, u.text_mode_3.cursor_y, 8);
PV_ABI_AT(struct dom0_vga_console_info, u.text_mode_3.rows, 10);
PV_ABI_AT(struct dom0_vga_console_info, u.text_mode_3.columns, 12);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb, 4);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.width, 4);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.height, 6);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.bytes_per_line, 8);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.bits_per_pixel, 10);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.lfb_base, 12);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.lfb_size, 16);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.red_pos, 20);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.red_size, 21);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.green_pos, 22);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.green_size, 23);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.blue_pos, 24);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.blue_size, 25);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.rsvd_pos, 26);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.rsvd_size, 27);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.gbl_caps, 28);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.mode_attrs, 32);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.pad, 34);
PV_ABI_AT(struct dom0_vga_console_info, u.vesa_lfb.ext_lfb_base, 36);
#define xen_vga_console_info dom0_vga_console_info
#define xen_vga_console_info_t dom0_vga_console_info_t

typedef uint8_t xen_domain_handle_t[16];

typedef struct {
	uint8_t a[16];			/* big-endian, as text prints it */
} xen_uuid_t;
PV_ABI_SIZE(xen_uuid_t, 16);
PV_ABI_AT(xen_uuid_t, a, 0);

/* A bitmap handed over by the control interface: nr_bits bits at bitmap. */
struct xenctl_bitmap {
	GUEST_PTR(uint8_t) bitmap;
	uint32_t nr_bits;
	uint32_t _pad0;
};
typedef struct xenctl_bitmap xenctl_bitmap_t;
PV_ABI_SIZE(struct xenctl_bitmap, 16);
PV_ABI_AT(struct xenctl_bitmap, bitmap, 0);
PV_ABI_AT(struct xenctl_bitmap, nr_bits, 8);

#endif /* !__ASSEMBLY__ */

#endif /* PV_ABI_XEN_XEN_H */
