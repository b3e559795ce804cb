/* SPDX-License-Identifier: MIT */
/*
 * The way to a guest's memory by the guest's own addresses; x86/uaccess.h has the same in line, for
 * hot paths of x86/, paging/ and pv/ alone. Every access states its length; an
 * address in our range, a wrapped one or an unmapped one is -EFAULT, never a fault of ours. What
 * was copied in is checked and used; the original is not looked at again.
 */
#ifndef CORE_GUEST_ACCESS_H
#define CORE_GUEST_ACCESS_H

#include <xen/xen.h>

#include "lib/base.h"

/* Address space of the current vCPU. 0, or -EFAULT (bytes already copied stay copied). */
must_check int copy_from_guest(void *dst, u64 va, size_t len);
must_check int copy_to_guest(u64 va, const void *src, size_t len);
must_check int clear_guest(u64 va, size_t len);
/* One word by the short way: its value, or -EFAULT. */
must_check s64 read_guest_u32(u64 va);

/* Typed: the length cannot disagree with the type. idx counts elements; overflow is -EFAULT. */
static inline u64 guest_index(u64 va, u64 idx, size_t size)
{
	u64 off, at;

	if (__builtin_mul_overflow(idx, size, &off) || __builtin_add_overflow(va, off, &at))
		return ~0UL; /* faults */
	return at;
}
/* copy_from_guest() of what is read often, without a loop. */
must_check int copy_24_from_guest(void *dst, u64 va);
must_check int copy_32_from_guest(void *dst, u64 va);
must_check int copy_40_from_guest(void *dst, u64 va);
#define read_guest(dst, va)                                                                        \
	(sizeof(*(dst)) == 24 ? copy_24_from_guest((dst), (va)) :                                  \
	 sizeof(*(dst)) == 32 ? copy_32_from_guest((dst), (va)) :                                  \
	 sizeof(*(dst)) == 40 ? copy_40_from_guest((dst), (va)) :                                  \
				copy_from_guest((dst), (va), sizeof(*(dst))))
#define read_guest_at(dst, va, idx)                                                                \
	copy_from_guest((dst), guest_index((va), (idx), sizeof(*(dst))), sizeof(*(dst)))
#define write_guest(va, src) copy_to_guest((va), (src), sizeof(*(src)))
#define write_guest_at(va, idx, src)                                                               \
	copy_to_guest(guest_index((va), (idx), sizeof(*(src))), (src), sizeof(*(src)))

#endif
