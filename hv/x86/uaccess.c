/* SPDX-License-Identifier: MIT */
/* Copies to and from the current guest's address space: core/guest_access.h. */
#include "core/guest_access.h"
#include "lib/string.h"
#include "x86/layout.h"
#include "x86/patch.h"
#include "x86/uaccess.h"

static inline bool range_ok(u64 va, size_t len)
{
	return va <= ~len && guest_range_ok(va, len);
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

static noinline_fn int copy_any(void *dst, const void *src, u64 va, size_t len)
{
	size_t left;

	if (unlikely(!range_ok(va, len)))
		return -EFAULT;
	uaccess_begin();
	left = copy_faulting(dst, src, len);
	uaccess_end();
	return left ? -EFAULT : 0;
}

s64 read_guest_u32(u64 va)
{
	u64 value;

	if (unlikely(!guest_range_ok(va, sizeof(u32))))
		return -EFAULT;
	uaccess_begin();
	if (unlikely(!get_guest_u32(&value, va)))
		goto fault;
	uaccess_end();
	return value;
fault:
	uaccess_end();
	return -EFAULT;
}

int copy_from_guest(void *dst, u64 va, size_t len)
{
	s64 half;

	if (len == 16)
		return read_guest_words(dst, va, 2) ? 0 : -EFAULT;
	if (len != 4)
		return copy_any(dst, (const void *)va, va, len);
	half = read_guest_u32(va);
	if (unlikely(half < 0))
		return -EFAULT;
	*(u32 *)dst = half;
	return 0;
}

int copy_24_from_guest(void *dst, u64 va)
{
	return read_guest_words(dst, va, 3) ? 0 : -EFAULT;
}

int copy_32_from_guest(void *dst, u64 va)
{
	return read_guest_words(dst, va, 4) ? 0 : -EFAULT;
}

int copy_40_from_guest(void *dst, u64 va)
{
	return read_guest_words(dst, va, 5) ? 0 : -EFAULT;
}

int copy_to_guest(u64 va, const void *src, size_t len)
{
	bool ok;

	switch (len) {
	case 8:
		ok = write_guest_words(va, src, 1);
		break;
	case 16:
		ok = write_guest_words(va, src, 2);
		break;
	default:
		return copy_any((void *)va, src, va, len);
	}
	return likely(ok) ? 0 : -EFAULT;
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

	/* Within one page two words will do. */
	if (likely(max <= 16 && va % PAGE_SIZE <= PAGE_SIZE - 16)) {
		u64 word[2];

		if (!read_guest_words(word, va, 2))
			return 0;
		memcpy(buf, word, max);
		return max;
	}
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
