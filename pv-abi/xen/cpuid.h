/* SPDX-License-Identifier: MIT */
/* CPUID leaves by which a guest recognises its hypervisor. */

#ifndef PV_ABI_XEN_CPUID_H
#define PV_ABI_XEN_CPUID_H

#include "abi.h"

/*
 * The leaves start at 0x40000000, or at a later multiple of 0x100 when another interface is
 * offered first: look for the signature. A PV guest reads them with XEN_CPUID (arch-x86.h).
 */
#define XEN_CPUID_FIRST_LEAF	0x40000000
#define XEN_CPUID_LEAF(i)	(XEN_CPUID_FIRST_LEAF + (i))

/* Leaf 0: EAX the last leaf; EBX, ECX, EDX the signature "XenVMMXenVMM". */
#define XEN_CPUID_SIGNATURE_EBX	0x566e6558
#define XEN_CPUID_SIGNATURE_ECX	0x65584d4d
#define XEN_CPUID_SIGNATURE_EDX	0x4d4d566e

/* Leaf 1: EAX the version, major in bits 31:16, minor in 15:0. The rest is 0. */

/* Leaf 2: EAX pages of the hypercall page (1); EBX its MSR; ECX features; EDX 0. */
#define _XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD	0
#define XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD	(1u << 0)

/*
 * Leaf 3, time.
 * Sub-leaf 0: EAX bit 0 RDTSC is emulated, bit 1 the host's TSC is reliable, bit 2 RDTSCP may
 *	be used; EBX the TSC mode (0 default, 1 always emulated, 2 never); ECX the guest's TSC
 *	frequency in kHz; EDX how often the guest has migrated.
 * Sub-leaf 1: EBX:EAX what to add to the TSC; ECX, EDX multiplier and shift to ns.
 * Sub-leaf 2: EAX the host's TSC frequency in kHz.
 */

/* Leaf 4, hardware-assisted guests: EAX the flags below; EBX vCPU number; ECX domain number. */
#define XEN_HVM_CPUID_APIC_ACCESS_VIRT	(1u << 0)	/* APIC registers without exits */
#define XEN_HVM_CPUID_X2APIC_VIRT	(1u << 1)	/* the same for x2APIC */
#define XEN_HVM_CPUID_IOMMU_MAPPINGS	(1u << 2)	/* devices reach foreign mappings */
#define XEN_HVM_CPUID_VCPU_ID_PRESENT	(1u << 3)	/* EBX counts */
#define XEN_HVM_CPUID_DOMID_PRESENT	(1u << 4)	/* ECX counts */
#define XEN_HVM_CPUID_EXT_DEST_ID	(1u << 5)	/* 15-bit interrupt destinations */
#define XEN_HVM_CPUID_UPCALL_VECTOR	(1u << 6)	/* per-vCPU vectors serve PIRQs too */

/* Leaf 5, PV guests: EAX last sub-leaf (0); EBX bits 7:0 width of a machine address. */
#define XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK	(0xffu << 0)

#define XEN_CPUID_MAX_NUM_LEAVES	5

#endif /* PV_ABI_XEN_CPUID_H */
