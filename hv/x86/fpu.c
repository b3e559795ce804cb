/* SPDX-License-Identifier: MIT */
/*
 * FPU and extended state. Switched eagerly with the vCPU; the hypervisor itself never touches it.
 */
#include "lib/log.h"
#include "lib/string.h"
#include "x86/context.h"

#define XCR0_X87 BIT(0)
#define XCR0_SSE BIT(1)
#define XCR0_AVX BIT(2)
#define XCR0_AVX512 (BIT(5) | BIT(6) | BIT(7))

u64 host_xcr0;
static u32 xsave_size = 512;

/* An instruction that saves or loads all components that are enabled. */
#define STATE_OP(insn, v)                                                                          \
	__asm__ volatile(insn " (%0)" : : "r"((v)->arch.xsave), "a"(~0u), "d"(~0u) : "memory")

static inline void xsetbv(u32 reg, u64 v)
{
	__asm__ volatile("xsetbv" : : "c"(reg), "a"((u32)v), "d"((u32)(v >> 32)));
}

/* Once: which components guests may use, and how large their state is. */
static void fpu_init(void)
{
	u32 a = cpuid(0xd, 0).a;

	host_xcr0 = XCR0_X87 | XCR0_SSE | (a & XCR0_AVX);
	if ((a & XCR0_AVX512) == XCR0_AVX512 && (a & XCR0_AVX))
		host_xcr0 |= XCR0_AVX512;
	xsetbv(0, host_xcr0);
	xsave_size = cpuid(0xd, 0).b;
	log_debug("FPU: XCR0 %lx, %u bytes a vCPU\n", host_xcr0, xsave_size);
}

static void fpu_cpu_init(struct cpu *c)
{
	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
	if (!cpu_has(X86_XSAVE))
		return;
	write_cr4(read_cr4() | CR4_OSXSAVE);
	if (!host_xcr0)
		fpu_init();
	xsetbv(0, host_xcr0);
}
CPU_INIT(fpu_cpu_init);

/* Initial state: FCW 0x37f, MXCSR 0x1f80, everything else in its initial configuration. */
int fpu_alloc(struct vcpu *v)
{
	u8 *raw = xzalloc_bytes(xsave_size + 64 > PAGE_SIZE ? xsave_size : xsave_size + 64);

	if (!raw)
		return -ENOMEM;
	v->arch.xsave_alloc = raw;
	v->arch.xsave = (void *)ALIGN_UP((u64)raw, 64);
	*(u16 *)v->arch.xsave = 0x37f;
	*(u32 *)((u8 *)v->arch.xsave + 24) = 0x1f80;
	v->arch.xcr0 = XCR0_X87;
	return 0;
}

void fpu_free(struct vcpu *v)
{
	xfree(v->arch.xsave_alloc);
	v->arch.xsave_alloc = v->arch.xsave = NULL;
}

/*
 * x87 and SSE state in FXSAVE layout, from a guest: reserved MXCSR bits would fault when it is
 * loaded.
 */
void fpu_set_legacy(struct vcpu *v, const void *fxsave)
{
	u8 *area = v->arch.xsave;

	memcpy(area, fxsave, 416);
	*(u32 *)(area + 24) &= 0xffbf;
	if (host_xcr0)
		*(u64 *)(area + 512) |= XCR0_X87 | XCR0_SSE;
}

/* All enabled components are saved with XCR0 at our own mask, so that a guest that cleared a bit
 * keeps what lies in that component. */
void fpu_save(struct vcpu *v)
{
	clts();
	if (host_xcr0 && v->arch.xcr0 != host_xcr0)
		xsetbv(0, host_xcr0);
	if (!host_xcr0)
		STATE_OP("fxsave64", v);
	else if (cpu_has(X86_XSAVEOPT))
		STATE_OP("xsaveopt64", v);
	else
		STATE_OP("xsave64", v);
}

void fpu_load(struct vcpu *v)
{
	clts();
	if (host_xcr0) {
		xsetbv(0, host_xcr0);
		STATE_OP("xrstor64", v);
		if (v->arch.xcr0 != host_xcr0)
			xsetbv(0, v->arch.xcr0);
	} else {
		STATE_OP("fxrstor64", v);
	}
	if (v->arch.flags & VCPU_GUEST_TS)
		write_cr0(read_cr0() | CR0_TS);
}

bool fpu_set_xcr0(struct vcpu *v, u64 xcr0)
{
	u64 avx512 = xcr0 & XCR0_AVX512;

	if (!(xcr0 & XCR0_X87) || (xcr0 & ~host_xcr0) || ((xcr0 & XCR0_AVX) && !(xcr0 & XCR0_SSE)))
		return false;
	if (avx512 && (avx512 != XCR0_AVX512 || !(xcr0 & XCR0_AVX)))
		return false;
	v->arch.xcr0 = xcr0;
	xsetbv(0, xcr0);
	return true;
}
