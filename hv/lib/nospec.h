/* SPDX-License-Identifier: MIT */
/*
 * Numbers that a guest chose, used as an index: the processor may run ahead of the check that refuses them, and what it
 * loads by them then can be found out (Spectre variant 1). So after the check they go through one of these, which a
 * processor cannot guess at.
 */
#ifndef LIB_NOSPEC_H
#define LIB_NOSPEC_H

#include "lib/base.h"

/* i if it is below n, else 0. Without a branch. */
static always_inline_fn u64 array_index_nospec(u64 i, u64 n)
{
	u64 mask;

	__asm__ volatile("cmp %[n], %[i]; sbb %[mask], %[mask]"
			 : [mask] "=r"(mask)
			 : [i] "r"(i), [n] "rme"(n)
			 : "cc");
	return i & mask;
}

/* i modulo n, a power of two: for tables with as many entries. */
static always_inline_fn u64 pow2_index_nospec(u64 i, u64 n)
{
	__asm__("" : "+r"(i)); /* else the compiler remembers the check */
	return i & (n - 1);
}

/* The check and the mask in one: is *i below n? */
static always_inline_fn bool index_below_nospec(u64 *i, u64 n)
{
	u64 at = *i, mask;

	__asm__ volatile goto(
		"cmp %[n], %[at]; jae %l[beyond]; sbb %[mask], %[mask]; and %[mask], %[at]"
		: [at] "+r"(at), [mask] "=&r"(mask)
		: [n] "rme"(n)
		: "cc"
		: beyond);
	*i = at;
	return true;
beyond:
	return false;
}

#endif
