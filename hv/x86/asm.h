/* SPDX-License-Identifier: MIT */
/* Instructions the compiler has no words for. */
#ifndef X86_ASM_H
#define X86_ASM_H

#include "lib/base.h"

#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_PG BIT(31)
#define CR4_TSD BIT(2)
#define CR4_DE BIT(3)
#define CR4_PAE BIT(5)
#define CR4_MCE BIT(6)
#define CR4_PGE BIT(7)
#define CR4_OSFXSR BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_FSGSBASE BIT(16)
#define CR4_OSXSAVE BIT(18)
#define CR4_SMEP BIT(20)
#define CR4_SMAP BIT(21)

#define RFLAGS_MBS BIT(1)
#define RFLAGS_TF BIT(8)
#define RFLAGS_IF BIT(9)
#define RFLAGS_DF BIT(10)
#define RFLAGS_IOPL (3UL << 12)
#define RFLAGS_NT BIT(14)
#define RFLAGS_RF BIT(16)
#define RFLAGS_VM BIT(17)
#define RFLAGS_AC BIT(18)
#define RFLAGS_USER_BITS 0x250dd5UL /* what a guest may choose: CF PF AF ZF SF TF DF OF RF AC ID */

/* What is in the debug registers that nobody has written. */
#define DR6_RESET 0xffff0ff0UL
#define DR7_RESET 0x400UL

#define MSR_APIC_BASE 0x1b
#define MSR_TSC 0x10
#define MSR_SPEC_CTRL 0x48
#define SPEC_CTRL_IBRS BIT(0)
#define MSR_PRED_CMD 0x49 /* 1: IBPB */
#define MSR_SYSENTER_CS 0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176
#define MSR_MISC_ENABLE 0x1a0
#define MSR_PAT 0x277
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC_BASE 0x800
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_FMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX 0xc0000103
#define MSR_AMD_DE_CFG 0xc0011029
#define DE_CFG_LFENCE_WAITS BIT(1)
#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)
#define EFER_NX BIT(11)
#define EFER_AUTO_IBRS BIT(21)

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}
static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
/* For numbers that the processor may not have: false instead of a fault. */
static inline bool rdmsr_safe(u32 msr, u64 *v)
{
	u32 lo = 0, hi = 0;
	u32 bad;

	__asm__ volatile(
		"1: rdmsr; xor %2, %2; 2:\n"
		".pushsection .ex_table, \"a\"; .balign 4; .long 1b - ., 3f - .; .popsection\n"
		".subsection 1; 3: mov $1, %2; jmp 2b; .previous"
		: "+a"(lo), "+d"(hi), "=&r"(bad)
		: "c"(msr));
	*v = (u64)hi << 32 | lo;
	return !bad;
}
/* Where the processor, or who plays it, refuses, nothing is written. */
static inline void wrmsr_safe(u32 msr, u64 v)
{
	__asm__ volatile(
		"1: wrmsr; 2:\n"
		".pushsection .ex_table, \"a\"; .balign 4; .long 1b - ., 2b - .; .popsection"
		:
		: "c"(msr), "a"((u32)v), "d"((u32)(v >> 32))
		: "memory");
}
#define READ_CR(n)                                                                                 \
	static inline u64 read_cr##n(void)                                                         \
	{                                                                                          \
		u64 v;                                                                             \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v));                                  \
		return v;                                                                          \
	}                                                                                          \
	static inline void write_cr##n(u64 v)                                                      \
	{                                                                                          \
		__asm__ volatile("mov %0, %%cr" #n : : "r"(v) : "memory");                         \
	}
READ_CR(0)
READ_CR(2)
READ_CR(3)
READ_CR(4)
#undef READ_CR
/* What LGDT and LIDT take. */
struct table_register {
	u16 limit;
	u64 base;
} __attribute__((packed));
static inline void clts(void)
{
	__asm__ volatile("clts" ::: "memory");
}
static inline void invlpg(u64 va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}
struct cpuid_leaf {
	u32 a, b, c, d;
};
static inline struct cpuid_leaf cpuid(u32 leaf, u32 sub)
{
	struct cpuid_leaf l;

	__asm__ volatile("cpuid"
			 : "=a"(l.a), "=b"(l.b), "=c"(l.c), "=d"(l.d)
			 : "a"(leaf), "c"(sub));
	return l;
}
static inline u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}
static inline u64 rdtsc_ordered(void)
{
	u32 lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (u64)hi << 32 | lo;
}
static inline void cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}
#define PORT_IO(sfx, type)                                                                         \
	static inline void out##sfx(u16 port, type v)                                              \
	{                                                                                          \
		__asm__ volatile("out" #sfx " %0, %1" : : "a"(v), "Nd"(port) : "memory");          \
	}                                                                                          \
	static inline type in##sfx(u16 port)                                                       \
	{                                                                                          \
		type v;                                                                            \
		__asm__ volatile("in" #sfx " %1, %0" : "=a"(v) : "Nd"(port) : "memory");           \
		return v;                                                                          \
	}
PORT_IO(b, u8)
PORT_IO(w, u16)
PORT_IO(l, u32)
#undef PORT_IO

#endif
