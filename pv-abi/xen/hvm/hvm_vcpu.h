/* SPDX-License-Identifier: MIT */
/* First state of a hardware-assisted vCPU: VCPUOP_initialise. */

#ifndef PV_ABI_XEN_HVM_HVM_VCPU_H
#define PV_ABI_XEN_HVM_HVM_VCPU_H

#include "../xen.h"

/*
 * Attributes (_ar): bits 3:0 type, 4 S, 6:5 DPL, 7 P, 8 AVL, 9 L, 10 D/B, 11 G, 15:12 zero; as
 * bits 40 to 55 of a descriptor, without the limit.
 */
struct vcpu_hvm_x86_32 {
	uint32_t eax;
	uint32_t ecx;
	uint32_t edx;
	uint32_t ebx;
	uint32_t esp;
	uint32_t ebp;
	uint32_t esi;
	uint32_t edi;
	uint32_t eip;
	uint32_t eflags;
	uint32_t cr0;
	uint32_t cr3;
	uint32_t cr4;
	uint32_t pad1;
	uint64_t efer;			/* NXE; LME and LMA for compatibility mode */
	uint32_t cs_base;
	uint32_t ds_base;
	uint32_t ss_base;
	uint32_t es_base;
	uint32_t tr_base;
	uint32_t cs_limit;
	uint32_t ds_limit;
	uint32_t ss_limit;
	uint32_t es_limit;
	uint32_t tr_limit;
	uint16_t cs_ar;
	uint16_t ds_ar;
	uint16_t ss_ar;
	uint16_t es_ar;
	uint16_t tr_ar;
	uint16_t pad2[3];
};
typedef struct vcpu_hvm_x86_32 xen_vcpu_hvm_x86_32_t;
PV_ABI_SIZE(struct vcpu_hvm_x86_32, 120);
PV_ABI_AT(struct vcpu_hvm_x86_32, eax, 0);
PV_ABI_AT(struct vcpu_hvm_x86_32, ecx, 4);
PV_ABI_AT(struct vcpu_hvm_x86_32, edx, 8);
PV_ABI_AT(struct vcpu_hvm_x86_32, ebx, 12);
PV_ABI_AT(struct vcpu_hvm_x86_32, esp, 16);
PV_ABI_AT(struct vcpu_hvm_x86_32, ebp, 20);
PV_ABI_AT(struct vcpu_hvm_x86_32, esi, 24);
PV_ABI_AT(struct vcpu_hvm_x86_32, edi, 28);
PV_ABI_AT(struct vcpu_hvm_x86_32, eip, 32);
PV_ABI_AT(struct vcpu_hvm_x86_32, eflags, 36);
PV_ABI_AT(struct vcpu_hvm_x86_32, cr0, 40);
PV_ABI_AT(struct vcpu_hvm_x86_32, cr3, 44);
PV_ABI_AT(struct vcpu_hvm_x86_32, cr4, 48);
PV_ABI_AT(struct vcpu_hvm_x86_32, pad1, 52);
PV_ABI_AT(struct vcpu_hvm_x86_32, efer, 56);
PV_ABI_AT(struct vcpu_hvm_x86_32, cs_base, 64);
PV_ABI_AT(struct vcpu_hvm_x86_32, ds_base, 68);
PV_ABI_AT(struct vcpu_hvm_x86_32, ss_base, 72);
PV_ABI_AT(struct vcpu_hvm_x86_32, es_base, 76);
PV_ABI_AT(struct vcpu_hvm_x86_32, tr_base, 80);
PV_ABI_AT(struct vcpu_hvm_x86_32, cs_limit, 84);
PV_ABI_AT(struct vcpu_hvm_x86_32, ds_limit, 88);
PV_ABI_AT(struct vcpu_hvm_x86_32, ss_limit, 92);
PV_ABI_AT(struct vcpu_hvm_x86_32, es_limit, 96);
PV_ABI_AT(struct vcpu_hvm_x86_32, tr_limit, 100);
PV_ABI_AT(struct vcpu_hvm_x86_32, cs_ar, 104);
PV_ABI_AT(struct vcpu_hvm_x86_32, ds_ar, 106);
PV_ABI_AT(struct vcpu_hvm_x86_32, ss_ar, 108);
PV_ABI_AT(struct vcpu_hvm_x86_32, es_ar, 110);
PV_ABI_AT(struct vcpu_hvm_x86_32, tr_ar, 112);
PV_ABI_AT(struct vcpu_hvm_x86_32, pad2, 114);

/* 64-bit mode; segments are flat. */
struct vcpu_hvm_x86_64 {
	uint64_t rax;
	uint64_t rcx;
	uint64_t rdx;
	uint64_t rbx;
	uint64_t rsp;
	uint64_t rbp;
	uint64_t rsi;
	uint64_t rdi;
	uint64_t rip;
	uint64_t rflags;
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t efer;
};
typedef struct vcpu_hvm_x86_64 xen_vcpu_hvm_x86_64_t;
PV_ABI_SIZE(struct vcpu_hvm_x86_64, 112);
PV_ABI_AT(struct vcpu_hvm_x86_64, rax, 0);
PV_ABI_AT(struct vcpu_hvm_x86_64, rcx, 8);
PV_ABI_AT(struct vcpu_hvm_x86_64, rdx, 16);
PV_ABI_AT(struct vcpu_hvm_x86_64, rbx, 24);
PV_ABI_AT(struct vcpu_hvm_x86_64, rsp, 32);
PV_ABI_AT(struct vcpu_hvm_x86_64, rbp, 40);
PV_ABI_AT(struct vcpu_hvm_x86_64, rsi, 48);
PV_ABI_AT(struct vcpu_hvm_x86_64, rdi, 56);
PV_ABI_AT(struct vcpu_hvm_x86_64, rip, 64);
PV_ABI_AT(struct vcpu_hvm_x86_64, rflags, 72);
PV_ABI_AT(struct vcpu_hvm_x86_64, cr0, 80);
PV_ABI_AT(struct vcpu_hvm_x86_64, cr3, 88);
PV_ABI_AT(struct vcpu_hvm_x86_64, cr4, 96);
PV_ABI_AT(struct vcpu_hvm_x86_64, efer, 104);

#define VCPU_HVM_MODE_32B	0
#define VCPU_HVM_MODE_64B	1
struct vcpu_hvm_context {
	uint32_t mode;			/* VCPU_HVM_MODE_* */
	uint32_t pad;
	union {
		xen_vcpu_hvm_x86_32_t x86_32;
		xen_vcpu_hvm_x86_64_t x86_64;
	} cpu_regs;
};
typedef struct vcpu_hvm_context vcpu_hvm_context_t;
PV_ABI_SIZE(struct vcpu_hvm_context, 128);
PV_ABI_AT(struct vcpu_hvm_context, mode, 0);
PV_ABI_AT(struct vcpu_hvm_context, pad, 4);
PV_ABI_AT(struct vcpu_hvm_context, cpu_regs, 8);
PV_ABI_AT(struct vcpu_hvm_context, cpu_regs.x86_32, 8);
PV_ABI_AT(struct vcpu_hvm_context, cpu_regs.x86_64, 8);

#endif /* PV_ABI_XEN_HVM_HVM_VCPU_H */
