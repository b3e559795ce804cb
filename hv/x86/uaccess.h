/* SPDX-License-Identifier: MIT */
/* Single accesses to guest memory that may fault; addresses were range checked by the caller. */
#ifndef X86_UACCESS_H
#define X86_UACCESS_H

#include "lib/base.h"
#include "x86/layout.h"
#include "x86/patch.h"

/*
 * With SMAP, guest (user) pages are reachable only between these two; and nothing is read by an address until its check
 * is done, which the processor would otherwise run ahead of. One instruction, unless both are wanted.
 */
static inline void uaccess_begin(void)
{
	__asm__ volatile(
		ALTERNATIVE_STR(
			ALTERNATIVE_STR(ALTERNATIVE_STR("nopw 1(%%rax, %%rax)", "stac", "%c[smap]"),
					"lfence", "%c[fence]"),
			"stac; lfence", "%c[both]")
		:
		: [smap] "i"(X86_USE_SMAP), [fence] "i"(X86_FENCE), [both] "i"(X86_FENCE_SMAP)
		: "memory");
}
static inline void uaccess_end(void)
{
	ALTERNATIVE("nopl (%%rax)", "clac", X86_USE_SMAP);
}

static inline bool get_guest_u64(u64 *v, u64 va)
{
	__asm__ volatile goto(
		"1: mov %1, %0\n"
		".pushsection .ex_table, \"a\"; .balign 4; .long 1b - ., %l[fault] - .; .popsection"
		: "=r"(*v)
		: "m"(*(const u64 *)va)
		: "memory"
		: fault);
	return true;
fault:
	return false;
}

static inline bool put_guest_u64(u64 v, u64 va)
{
	__asm__ volatile goto(
		"1: movq %0, %1\n"
		".pushsection .ex_table, \"a\"; .balign 4; .long 1b - ., %l[fault] - .; .popsection"
		:
		: "er"(v), "m"(*(const u64 *)va)
		: "memory"
		: fault);
	return true;
fault:
	return false;
}

/* Above the 32 bits come zeros. */
static inline bool get_guest_u32(u64 *v, u64 va)
{
	__asm__ volatile goto(
		"1: mov %1, %k0\n"
		".pushsection .ex_table, \"a\"; .balign 4; .long 1b - ., %l[fault] - .; .popsection"
		: "=r"(*v)
		: "m"(*(const u32 *)va)
		: "memory"
		: fault);
	return true;
fault:
	return false;
}

/* May `bytes`, a few, be accessed at va? Our range is one block, with addresses that are not
 * canonical below it, which fault; beyond the top of memory lies its bottom, which is the
 * guest's. */
static inline bool guest_range_ok(u64 va, u64 bytes)
{
	return likely(va - (HV_VIRT_START - bytes) >= HV_VIRT_END - HV_VIRT_START + bytes);
}

/* copy_from_guest() of n words, a small constant, in line. false: fault. */
static inline __attribute__((always_inline)) bool read_guest_words(u64 *to, u64 va, unsigned n)
{
	if (!guest_range_ok(va, 8 * n))
		return false;
	uaccess_begin();
#pragma GCC unroll 5
	for (unsigned i = 0; i < n; i++) {
		u64 word; /* straight into to[i] the compiler (gcc 12) would crash */

		if (unlikely(!get_guest_u64(&word, va + 8 * i))) {
			uaccess_end();
			return false;
		}
		to[i] = word;
	}
	uaccess_end();
	return true;
}

/* copy_to_guest() of n words, a small constant, in line. false: fault. */
static inline __attribute__((always_inline)) bool write_guest_words(u64 va, const u64 *from,
								    unsigned n)
{
	if (!guest_range_ok(va, 8 * n))
		return false;
	uaccess_begin();
	for (unsigned i = 0; i < n; i++) {
		if (unlikely(!put_guest_u64(from[i], va + 8 * i))) {
			uaccess_end();
			return false;
		}
	}
	uaccess_end();
	return true;
}

/* Up to max bytes of code at va into buf; returns how many there are before an unreadable page. */
size_t fetch_guest_code(u8 *buf, u64 va, size_t max);

#endif
