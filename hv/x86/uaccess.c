/* SPDX-License-Identifier: MIT */
/* Copies to and from the current guest's address space: core/guest_access.h. */
#include "core/guest_access.h"
#include "lib/string.h"
#include "x86/layout.h"
#include "x86/patch.h"
#include "x86/uaccess.h"

/* Our range is one block of 2^43 bytes; below it lie addresses that are not canonical, which fault. */
static inline bool range_ok(u64 va, size_t len)
{
	u64 last = va + len;

	return va >> 43 != HV_VIRT_START >> 43 && last >= va && last >> 43 != HV_VIRT_START >> 43;
}

/* Bulk copy; returns the bytes that were not copied. Either side may be the guest's. */
static size_t copy_faulting(void *dst, const void *src, size_t len)
{
	size_t words = len / 8, rest = len % 8;

	__asm__ volatile("1: rep movsq; mov %3, %2\n"
			 "2: rep movsb; jmp 4f\n"
			 "3: lea (%3, %2, 8), %2\n" /* words left, and the rest */
			 "4:\n"
			 ".pushsection .ex_table, \"a\"; .balign 4\n"
			 ".long 1b - ., 3b - ., 2b - ., 4b - .; .popsection"
			 : "+D"(dst), "+S"(src), "+c"(words)
			 : "r"(rest)
			 : "memory");
	return words;
}

int copy_from_guest(void *dst, u64 va, size_t len)
{
	u64 *to = dst;
	size_t left;

	if (unlikely(!range_ok(va, len)))
		return -EFAULT;
	uaccess_begin();
	if (likely(len <= 64)) {
		for (; len >= 8; len -= 8, va += 8)
			if (unlikely(!get_guest_u64(to++, va)))
				goto fault;
	}
	left = len ? copy_faulting(to, (const void *)va, len) : 0;
	uaccess_end();
	return left ? -EFAULT : 0;
fault:
	uaccess_end();
	return -EFAULT;
}

int copy_to_guest(u64 va, const void *src, size_t len)
{
	const u64 *from = src;
	size_t left;

	if (unlikely(!range_ok(va, len)))
		return -EFAULT;
	uaccess_begin();
	if (likely(len <= 128)) {
		for (; len >= 8; len -= 8, va += 8)
			if (unlikely(!put_guest_u64(*from++, va)))
				goto fault;
	}
	left = len ? copy_faulting((void *)va, from, len) : 0;
	uaccess_end();
	return left ? -EFAULT : 0;
fault:
	uaccess_end();
	return -EFAULT;
}

int clear_guest(u64 va, size_t len)
{
	static const u64 zero[8];

	for (; len > sizeof(zero); va += sizeof(zero), len -= sizeof(zero))
		if (copy_to_guest(va, zero, sizeof(zero)))
			return -EFAULT;
	return copy_to_guest(va, zero, len);
}

size_t fetch_guest_code(u8 *buf, u64 va, size_t max)
{
	size_t left;

	if (!range_ok(va, max))
		return 0;
	uaccess_begin();
	left = copy_faulting(buf, (const void *)va, max);
	uaccess_end();
	/* A fault in the middle of a word leaves up to 7 good bytes uncopied: take them singly. */
	for (size_t done = max - left; left; left--, done++)
		if (copy_from_guest(buf + done, va + done, 1))
			return done;
	return max;
}
