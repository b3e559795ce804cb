/* SPDX-License-Identifier: MIT */
/* Feature bits: XENVER_get_features reports them, a kernel's ELF notes ask for them. */

#ifndef PV_ABI_XEN_FEATURES_H
#define PV_ABI_XEN_FEATURES_H

/* The number is the bit. In brackets: what Pavise reports to a 64-bit PV guest. */
#define XENFEAT_writable_page_tables		0	/* [0] tables may be mapped writable */
#define XENFEAT_writable_descriptor_tables	1	/* [0] so may GDT and LDT */
#define XENFEAT_auto_translated_physmap		2	/* [0] frame numbers are translated */
#define XENFEAT_supervisor_mode_kernel		3	/* [0] the kernel runs in ring 0 */
#define XENFEAT_pae_pgdir_above_4gb		4	/* [1] a root may lie above 4 GiB */
#define XENFEAT_mmu_pt_update_preserve_ad	5	/* [1] MMU_PT_UPDATE_PRESERVE_AD */
#define XENFEAT_highmem_assist			6	/* [1] MMUEXT_CLEAR_PAGE, COPY_PAGE */
#define XENFEAT_gnttab_map_avail_bits		7	/* [1] GNTMAP_guest_avail_mask */
#define XENFEAT_hvm_callback_vector		8	/* [0] callback by vector (HVM: 1) */
#define XENFEAT_hvm_safe_pvclock		9	/* [0] the PV clock is safe (HVM: 1) */
#define XENFEAT_hvm_pirqs			10	/* [0] PIRQs in HVM guests */
#define XENFEAT_dom0				11	/* [1 for the privileged domain] */
/*	12 RETIRED: grant_map_identity */
#define XENFEAT_memory_op_vnode_supported	13	/* [1] XENMEMF_vnode */
#define XENFEAT_ARM_SMCCC_supported		14	/* [0] not this architecture */
#define XENFEAT_linux_rsdp_unrestricted		15	/* [0] ACPI root anywhere (a PVH note) */
#define XENFEAT_not_direct_mapped		16	/* [1] frame numbers are not machine's */
#define XENFEAT_direct_mapped			17	/* [0] they are */

#define XENFEAT_NR_SUBMAPS			1	/* words of 32 bits */

#endif /* PV_ABI_XEN_FEATURES_H */
