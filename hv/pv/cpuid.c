/* SPDX-License-Identifier: MIT */
/*
 * CPUID as a PV guest sees it: what the processor has, less what only ring 0 could use and what
 * would mislead a kernel in ring 3. Lists name what is let through; everything new stays hidden
 * until somebody thought.
 */
#include <pavise.h>
#include <xen/cpuid.h>
#include <xen/version.h>

#include "core/arch.h"
#include "pv/pv.h"
#include "x86/time.h"

#define B(n) (1u << (n))

/* Leaf 1 EDX: FPU DE TSC MSR PAE MCE CX8 APIC SEP MCA CMOV PAT CLFSH MMX FXSR SSE SSE2; not VME PSE
 * MTRR PGE PSE36 DS ACPI. */
#define L1_EDX                                                                                     \
	(B(0) | B(2) | B(4) | B(5) | B(6) | B(7) | B(8) | B(9) | B(11) | B(14) | B(15) | B(16) |   \
	 B(19) | B(23) | B(24) | B(25) | B(26))
/* Leaf 1 ECX: SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND. */
#define L1_ECX                                                                                     \
	(B(0) | B(1) | B(9) | B(12) | B(13) | B(19) | B(20) | B(22) | B(23) | B(25) | B(26) |      \
	 B(28) | B(29) | B(30))
#define L1_ECX_OSXSAVE B(27)
#define L1_ECX_HYPERVISOR B(31)
/*
 * Leaf 7 EBX: FSGSBASE BMI1 AVX2 BMI2 ERMS RDSEED ADX CLFLUSHOPT CLWB SHA; not SMEP INVPCID SMAP
 * and their like.
 */
#define L7_EBX (B(0) | B(3) | B(5) | B(8) | B(9) | B(18) | B(19) | B(23) | B(24) | B(29))
#define L7_EBX_AVX512 (B(16) | B(17) | B(21) | B(28) | B(30) | B(31))
/* ECX: AVX512VBMI VBMI2 GFNI VAES VPCLMUL VNNI BITALG VPOPCNTDQ RDPID */
#define L7_ECX (B(8) | B(9) | B(10) | B(22))
#define L7_ECX_AVX512 (B(1) | B(6) | B(11) | B(12) | B(14))
#define L7_EDX (B(4)) /* FSRM */
/* 0x80000001 EDX: as leaf 1 where AMD repeats it, and SYSCALL NX MMXEXT RDTSCP LM; not PAGE1GB. */
#define E1_EDX (B(11) | B(20) | B(22) | B(27) | B(29))
#define E1_EDX_REPEATED 0x0183f3ffu
/* ECX: LAHF ABM SSE4A MISALIGNSSE PREFETCH XOP FMA4 TBM */
#define E1_ECX (B(0) | B(5) | B(6) | B(7) | B(8) | B(11) | B(16) | B(21))

static bool has_avx512(void)
{
	return (host_xcr0 & 0xe0) == 0xe0;
}

/* The following say whether a guest sees the leaf at all. */
static bool leaf1(const struct vcpu *v, struct cpuid_leaf *l)
{
	/* CLFLUSH size; one logical processor; its id */
	l->b = (l->b & 0xff00) | 1u << 16 | v->id << 24;
	l->c &= L1_ECX;
	if (!(host_xcr0 & 4))
		l->c &= ~(B(12) | B(28) | B(29));
	if (!host_xcr0)
		l->c &= ~B(26);
	if (v->arch.cr4 & CR4_OSXSAVE)
		l->c |= L1_ECX_OSXSAVE;
	l->c |= L1_ECX_HYPERVISOR;
	l->d &= L1_EDX;
	return true;
}

static bool leaf7(u32 sub, struct cpuid_leaf *l)
{
	l->a = 0;
	l->b &= L7_EBX | (has_avx512() ? L7_EBX_AVX512 : 0);
	if (!(host_xcr0 & 4))
		l->b &= ~B(5);
	l->c &= L7_ECX | (has_avx512() ? L7_ECX_AVX512 : 0);
	l->d &= L7_EDX;
	return !sub;
}

/* Bytes that XSAVEC writes for these components, one behind the other. */
static u32 compacted_size(u64 xcr0)
{
	u32 size = 576;

	for (u32 i = 2; i < 63; i++) {
		struct cpuid_leaf part; /* a: its size, c: bit 1: it begins at a multiple of 64 */

		if (!(xcr0 >> i & 1))
			continue;
		part = cpuid(0xd, i);
		size = (part.c & B(1) ? ALIGN_UP(size, 64) : size) + part.a;
	}
	return size;
}

static bool leaf_xsave(const struct vcpu *v, u32 sub, struct cpuid_leaf *l)
{
	if (sub == 0) {
		l->a = (u32)host_xcr0;
		l->d = host_xcr0 >> 32;
		l->c = 576; /* the largest area: the end of the last component we let through */
		for (u32 i = 2; i < 63; i++) {
			struct cpuid_leaf part; /* a: its size, b: where */

			if (!(host_xcr0 >> i & 1))
				continue;
			part = cpuid(0xd, i);
			l->c = MAX(l->c, part.a + part.b);
		}
		if (current() != v)
			l->b = l->c;
	} else if (sub == 1) {
		l->a &= 7; /* XSAVEOPT, XSAVEC, XGETBV 1; not XSAVES */
		l->b = l->a & B(1) ? compacted_size(current() == v ? v->arch.xcr0 : host_xcr0) : 0;
		l->c = l->d = 0;
	} else if (sub > 62 || !(host_xcr0 >> sub & 1)) {
		return false;
	}
	return host_xcr0;
}

static bool leaf_extended(u32 leaf, struct cpuid_leaf *l)
{
	switch (leaf) {
	case 0x80000001:
		l->b = 0;
		l->c &= E1_ECX;
		if (!(host_xcr0 & 4))
			l->c &= ~(B(11) | B(16));
		l->d &= E1_EDX | (cpu_vendor == VENDOR_INTEL ? 0 : E1_EDX_REPEATED & L1_EDX);
		return true;
	case 0x80000002 ... 0x80000006:
		return true;
	case 0x80000007:
		*l = (struct cpuid_leaf){ .d = l->d & B(8) };
		return true;
	case 0x80000008:
		*l = (struct cpuid_leaf){ .a = l->a, .b = l->b & B(0) }; /* CLZERO */
		return true;
	case 0x80000000:
		l->a = MIN(l->a, 0x8000001cu);
		return true;
	}
	return false;
}

/* The published hypervisor leaves. */
static void leaf_hypervisor(u32 leaf, u32 sub, struct cpuid_leaf *l)
{
	switch (leaf - 0x40000000) {
	case 0:
		*l = (struct cpuid_leaf){ 0x40000005, XEN_CPUID_SIGNATURE_EBX,
					  XEN_CPUID_SIGNATURE_ECX, XEN_CPUID_SIGNATURE_EDX };
		break;
	case 1:
		l->a = 4u << 16 | 17;
		break;
	case 2:
		l->a = 1;          /* pages of hypercall stubs */
		l->b = 0x40000000; /* the MSR that asks for them */
		l->c = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
		break;
	case 3:
		if (sub == 0) {
			l->a = cpu_has(X86_INVARIANT_TSC) || cpu_has(X86_TSC_SYNCED) ? 6 : 0;
			l->b = 2; /* never emulated */
			l->c = tsc_khz;
		} else if (sub == 2) {
			l->a = tsc_khz;
		}
		break;
	case 5:
		l->b = phys_addr_bits;
		break;
	case 0x100: /* our own; its leaf 1 is zeros: nothing to use */
		*l = (struct cpuid_leaf){ PAVISE_CPUID_LEAF(PAVISE_CPUID_MAX_NUM_LEAVES),
					  PAVISE_CPUID_SIGNATURE_EBX, PAVISE_CPUID_SIGNATURE_ECX,
					  PAVISE_CPUID_SIGNATURE_EDX };
		break;
	}
}

static bool leaf_of_processor(const struct vcpu *v, u32 leaf, u32 sub, struct cpuid_leaf *l)
{
	*l = cpuid(leaf, sub);
	switch (leaf) {
	case 0:
		l->a = MIN(l->a, 0xdu);
		return true;
	case 1:
		return leaf1(v, l);
	case 2:
	case 4:
		return true;
	case 7:
		return leaf7(sub, l);
	case 0xd:
		return leaf_xsave(v, sub, l);
	}
	return leaf_extended(leaf, l);
}

void pv_cpuid(const struct vcpu *v, u32 leaf, u32 sub, struct cpuid_leaf *l)
{
	bool ours = leaf >= 0x40000000 && leaf < 0x40000200;

	if (ours || !leaf_of_processor(v, leaf, sub, l))
		*l = (struct cpuid_leaf){ 0 };
	if (ours)
		leaf_hypervisor(leaf, sub, l);
	if (unlikely(v->domain->arch.cpuid_less))
		pv_cpuid_take_away(v->domain, leaf, sub, l);
}
