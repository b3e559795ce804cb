/* SPDX-License-Identifier: MIT */
/* Parameters of a hardware-assisted domain: HVMOP_set_param, HVMOP_get_param. */

#ifndef PV_ABI_XEN_HVM_PARAMS_H
#define PV_ABI_XEN_HVM_PARAMS_H

#include "hvm_op.h"

/*
 * By:	T set by the toolstack only. G the guest may set it too. Everything else the guest may
 *	read, except where N.
 */

/* G. How vCPU 0 learns of events: type in bits 63:56; 0 in all bits: not at all. */
#define HVM_PARAM_CALLBACK_IRQ			0
#define HVM_PARAM_CALLBACK_IRQ_TYPE_MASK	xen_mk_ullong(0xFF00000000000000)
#define HVM_PARAM_CALLBACK_TYPE_GSI		0	/* bits 55:0 */
/* Segment in bits 47:32, bus in 31:16, device and function in 15:8, line in 1:0. */
#define HVM_PARAM_CALLBACK_TYPE_PCI_INTX	1
#define HVM_PARAM_CALLBACK_TYPE_VECTOR		2	/* bits 7:0, on every vCPU */

#define HVM_PARAM_STORE_PFN		1	/* T store ring */
#define HVM_PARAM_STORE_EVTCHN		2	/* T its port */
/*	3 RETIRED */
#define HVM_PARAM_PAE_ENABLED		4	/* RETIRED */
#define HVM_PARAM_IOREQ_PFN		5	/* T N I/O request page */
#define HVM_PARAM_BUFIOREQ_PFN		6	/* T N buffered I/O request page */
/*	7, 8 RETIRED */

/* T. Interfaces of another hypervisor to offer: bits. */
#define HVM_PARAM_VIRIDIAN		9
#define _HVMPV_base_freq		0	/* the base, with frequencies */
#define HVMPV_base_freq			(1 << _HVMPV_base_freq)
#define _HVMPV_no_freq			1	/* the base without them */
#define HVMPV_no_freq			(1 << _HVMPV_no_freq)
#define _HVMPV_time_ref_count		2
#define HVMPV_time_ref_count		(1 << _HVMPV_time_ref_count)
#define _HVMPV_reference_tsc		3
#define HVMPV_reference_tsc		(1 << _HVMPV_reference_tsc)
#define _HVMPV_hcall_remote_tlb_flush	4
#define HVMPV_hcall_remote_tlb_flush	(1 << _HVMPV_hcall_remote_tlb_flush)
#define _HVMPV_apic_assist		5
#define HVMPV_apic_assist		(1 << _HVMPV_apic_assist)
#define _HVMPV_crash_ctl		6
#define HVMPV_crash_ctl			(1 << _HVMPV_crash_ctl)
#define _HVMPV_synic			7
#define HVMPV_synic			(1 << _HVMPV_synic)
#define _HVMPV_stimer			8
#define HVMPV_stimer			(1 << _HVMPV_stimer)
#define _HVMPV_hcall_ipi		9
#define HVMPV_hcall_ipi			(1 << _HVMPV_hcall_ipi)
#define _HVMPV_ex_processor_masks	10
#define HVMPV_ex_processor_masks	(1 << _HVMPV_ex_processor_masks)
#define _HVMPV_no_vp_limit		11
#define HVMPV_no_vp_limit		(1 << _HVMPV_no_vp_limit)
#define _HVMPV_cpu_hotplug		12
#define HVMPV_cpu_hotplug		(1 << _HVMPV_cpu_hotplug)
#define HVMPV_feature_mask		((1 << (_HVMPV_cpu_hotplug + 1)) - 1)

/* T. What becomes of timer ticks while the vCPU does not run. */
#define HVM_PARAM_TIMER_MODE		10
#define HVMPTM_delay_for_missed_ticks	0	/* time stops, ticks come later */
#define HVMPTM_no_delay_for_missed_ticks 1	/* time goes on, ticks come later */
#define HVMPTM_no_missed_ticks_pending	2	/* time goes on, ticks are lost */
#define HVMPTM_one_missed_tick_pending	3	/* time goes on, one tick comes */

#define HVM_PARAM_HPET_ENABLED		11	/* T */
#define HVM_PARAM_IDENT_PT		12	/* T N tables for real mode without paging */
#define HVM_PARAM_DM_DOMAIN		13	/* RETIRED */
#define HVM_PARAM_ACPI_S_STATE		14	/* T 0 or 3 */
#define HVM_PARAM_VM86_TSS		15	/* T N for real mode */
#define HVM_PARAM_VPT_ALIGN		16	/* T periodic timers fire together */
#define HVM_PARAM_CONSOLE_PFN		17	/* T console ring */
#define HVM_PARAM_CONSOLE_EVTCHN	18	/* T its port */
#define HVM_PARAM_ACPI_IOPORTS_LOCATION	19	/* T 0: ACPI ports at 0x1f40; 1: at 0xb000 */
#define HVM_PARAM_MEMORY_EVENT_CR0	20	/* RETIRED */
#define HVM_PARAM_MEMORY_EVENT_CR3	21	/* RETIRED */
#define HVM_PARAM_MEMORY_EVENT_CR4	22	/* RETIRED */
#define HVM_PARAM_MEMORY_EVENT_INT3	23	/* RETIRED */
#define HVM_PARAM_NESTEDHVM		24	/* RETIRED */
#define HVM_PARAM_MEMORY_EVENT_SINGLE_STEP 25	/* RETIRED */
#define HVM_PARAM_BUFIOREQ_EVTCHN	26	/* RETIRED */
#define HVM_PARAM_PAGING_RING_PFN	27	/* T N */
#define HVM_PARAM_MONITOR_RING_PFN	28	/* T N */
#define HVM_PARAM_SHARING_RING_PFN	29	/* T N */
#define HVM_PARAM_MEMORY_EVENT_MSR	30	/* RETIRED */
#define HVM_PARAM_TRIPLE_FAULT_REASON	31	/* T SHUTDOWN_* */
#define HVM_PARAM_IOREQ_SERVER_PFN	32	/* T N pages for I/O servers */
#define HVM_PARAM_NR_IOREQ_SERVER_PAGES	33	/* T N */
#define HVM_PARAM_VM_GENERATION_ID_ADDR	34	/* T */

#define HVM_PARAM_ALTP2M		35	/* T */
#define XEN_ALTP2M_disabled		0
#define XEN_ALTP2M_mixed		1
#define XEN_ALTP2M_external		2
#define XEN_ALTP2M_limited		3

#define HVM_PARAM_X87_FIP_WIDTH		36	/* T 8, 4, or 0 for either */
#define HVM_PARAM_VM86_TSS_SIZED	37	/* T N address in bits 31:0, size above */

#define HVM_PARAM_MCA_CAP		38	/* T */
#define XEN_HVM_MCA_CAP_LMCE		(xen_mk_ullong(1) << 0)
#define XEN_HVM_MCA_CAP_MASK		XEN_HVM_MCA_CAP_LMCE

#define HVM_NR_PARAMS			39

#endif /* PV_ABI_XEN_HVM_PARAMS_H */
