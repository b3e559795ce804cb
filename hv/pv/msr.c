/* SPDX-License-Identifier: MIT */
/* MSRs as a PV guest sees them: a list; what is not on it is #GP. */
#include "lib/log.h"
#include "lib/string.h"
#include "pv/pv.h"

#define MSR_PLATFORM_ID 0x17
#define MSR_UCODE_REV 0x8b
#define MSR_PLATFORM_INFO 0xce
#define MSR_ARCH_CAPABILITIES 0x10a
#define MSR_MISC_FEATURES 0x140
#define MSR_MCG_CAP 0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_K8_SYSCFG 0xc0010010
#define MSR_K7_HWCR 0xc0010015
#define MSR_K8_NB_CFG 0xc001001f
#define MSR_K8_INT_PENDING 0xc0010055
#define MSR_XEN_HYPERCALL_PAGE 0x40000000
#define MISC_ENABLE_FAST_STRINGS BIT(0)

bool pv_rdmsr(struct vcpu *v, u32 msr, u64 *value)
{
	*value = 0;
	switch (msr) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE: /* as the guest's kernel would see them: it is in kernel mode */
		*value = read_base(v, msr);
		return true;
	case MSR_EFER:
		*value = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;
		return true;
	case MSR_PAT:
		*value = 0x0000050100070406UL;
		return true;
	case MSR_APIC_BASE:
		*value = 0xfee00000 | BIT(11) | (v->id == 0 ? BIT(8) : 0);
		return true;
	case MSR_TSC:
		*value = rdtsc();
		return true;
	case MSR_TSC_AUX:
		*value = v->arch.tsc_aux;
		return cpu_has(X86_RDTSCP);
	case MSR_UCODE_REV:
	case MSR_PLATFORM_ID:
	case MSR_K8_SYSCFG:
	case MSR_K8_NB_CFG:
		return rdmsr_safe(msr, value);
	case MSR_MISC_ENABLE:
		if (!rdmsr_safe(msr, value))
			return false;
		/* Linux 6.1 hides ERMS when this is off, but not FSRM: then its memmove() of a few bytes runs on and on. */
		*value |= MISC_ENABLE_FAST_STRINGS;
		return true;
	case MSR_PLATFORM_INFO:
	case MSR_ARCH_CAPABILITIES:
	case MSR_MISC_FEATURES:
		return cpu_vendor == VENDOR_INTEL;
	case MSR_MCG_CAP:
	case MSR_MCG_STATUS:
		return true;
	case MSR_K7_HWCR:
	case MSR_K8_INT_PENDING:
	case MSR_AMD_DE_CFG:
		return cpu_vendor != VENDOR_INTEL;
	}
	guest_debug("d%uv%u: RDMSR %x: #GP\n", v->domain->id, v->id, msr);
	return false;
}

/*
 * A guest that asks for the page of hypercall stubs by MSR (older kernels). In each 32-byte slot:
 * mov $n, %eax; syscall; ret. Slot 23 is jumped to with the frame on the stack: syscall alone, RAX
 * is in the frame.
 */
void pv_fill_hypercall_page(u8 *page)
{
	memset(page, 0xcc, PAGE_SIZE);
	for (u32 i = 0; i < PAGE_SIZE / 32; i++) {
		u8 *p = page + 32 * i;

		if (i == 23) {
			/* push %rcx; push %r11; push %rax; mov $23, %eax; syscall */
			static const u8 iret[] = { 0x51, 0x41, 0x53, 0x50, 0xb8, 23,
						   0,    0,    0,    0x0f, 0x05 };

			memcpy(p, iret, sizeof(iret));
		} else {
			/* push %rcx; push %r11; mov $n, %eax; syscall; pop %r11; pop %rcx; ret */
			static const u8 call[] = { 0x51, 0x41, 0x53, 0xb8, 0,    0,    0,
						   0,    0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3 };

			memcpy(p, call, sizeof(call));
			memcpy(p + 4, &i, 4);
		}
	}
}

bool pv_wrmsr(struct vcpu *v, u32 msr, u64 value)
{
	u64 old;

	switch (msr) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
		if (!canonical(value))
			return false;
		write_base(v, msr, value);
		return true;
	case MSR_TSC_AUX:
		if (!cpu_has(X86_RDTSCP) || value >> 32)
			return false;
		v->arch.tsc_aux = value;
		wrmsr(MSR_TSC_AUX, value);
		return true;
	case MSR_XEN_HYPERCALL_PAGE:
		return !(value & ~PAGE_MASK) &&
		       !arch_hypercall_page(v->domain, value >> PAGE_SHIFT);
	case MSR_UCODE_REV: /* written before it is read back: no effect */
		return value == 0;
	}
	/* A write that would change nothing is harmless. */
	if (pv_rdmsr(v, msr, &old) && old == value)
		return true;
	guest_debug("d%uv%u: WRMSR %x, %lx: #GP\n", v->domain->id, v->id, msr, value);
	return false;
}
