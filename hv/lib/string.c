/* SPDX-License-Identifier: MIT */
/*
 * Memory and strings without the C library.
 *
 * Copies of up to 32 bytes are a few overlapping loads and stores; longer ones are REP MOVSQ, which
 * is as fast as anything else general registers offer, and one counted instruction per 8 bytes
 * where instructions are counted. All loads of an edge come before its stores, so the forward copy
 * is also right for overlapping areas whenever dst lies below src.
 */
#include "lib/string.h"

#include "lib/base.h"

/* The compiler must not turn the loops below into calls of the functions that they define. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

typedef u16 any16 __attribute__((may_alias, aligned(1)));
typedef u32 any32 __attribute__((may_alias, aligned(1)));
typedef u64 any64 __attribute__((may_alias, aligned(1)));
#define AT(type, p, off) (*(type *)((p) + (off)))

/* Two accesses of half the size class, which overlap unless n is the whole of it. */
#define COPY_EDGES(type, d, s, n)                                                                  \
	do {                                                                                       \
		type head_ = AT(const type, s, 0), tail_ = AT(const type, s, (n) - sizeof(type));  \
		AT(type, d, 0) = head_;                                                            \
		AT(type, d, (n) - sizeof(type)) = tail_;                                           \
	} while (0)

static inline void copy_small(u8 *d, const u8 *s, size_t n)
{
	if (n >= 16) {
		u64 a = AT(const any64, s, 0), b = AT(const any64, s, 8);
		u64 c = AT(const any64, s, n - 16), e = AT(const any64, s, n - 8);

		AT(any64, d, 0) = a;
		AT(any64, d, 8) = b;
		AT(any64, d, n - 16) = c;
		AT(any64, d, n - 8) = e;
	} else if (n >= 8) {
		COPY_EDGES(any64, d, s, n);
	} else if (n >= 4) {
		COPY_EDGES(any32, d, s, n);
	} else if (n >= 2) {
		COPY_EDGES(any16, d, s, n);
	} else if (n) {
		*d = *s;
	}
}

static inline void copy_forward(u8 *d, const u8 *s, size_t n)
{
	u8 *last = d + n - 8;
	u64 tail = AT(const any64, s, n - 8);
	size_t words = (n - 1) / 8; /* the last 1 to 8 bytes are the tail's */

	__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words) : : "memory");
	AT(any64, last, 0) = tail;
}

void *memcpy(void *dst, const void *src, size_t n)
{
	if (n <= 32)
		copy_small(dst, src, n);
	else
		copy_forward(dst, src, n);
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;
	u64 head;

	if (n <= 32 || (size_t)(d - s) >= n)
		return memcpy(dst, src, n);
	head = AT(const any64, s, 0);
	for (; n > 8; n -= 8)
		AT(any64, d, n - 8) = AT(const any64, s, n - 8);
	AT(any64, d, 0) = head;
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	u64 fill = (u8)c * 0x0101010101010101UL;
	u8 *d = dst;

	if (n >= 8) {
		size_t words = (n - 1) / 8;

		AT(any64, d, n - 8) = fill;
		if (n > 64)
			__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(fill) : "memory");
		else
			for (; words; words--, d += 8)
				AT(any64, d, 0) = fill;
	} else if (n >= 4) {
		AT(any32, d, 0) = fill;
		AT(any32, d, n - 4) = fill;
	} else {
		while (n--)
			d[n] = c;
	}
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n >= 8; n -= 8, x += 8, y += 8)
		if (AT(const any64, x, 0) != AT(const any64, y, 0))
			break;
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	for (const u8 *p = s; n--; p++)
		if (*p == (u8)c)
			return (void *)p;
	return NULL;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)s;
}

char *strstr(const char *s, const char *needle)
{
	size_t n = strlen(needle);

	for (; strncmp(s, needle, n); s++)
		if (!*s)
			return NULL;
	return (char *)s;
}

u64 parse_number(const char **s)
{
	static const char digits[] = "0123456789abcdef";
	u64 n = 0, base = 10;
	const char *d;

	if (!strncmp(*s, "0x", 2) && (*s)[2] && strchr(digits, (*s)[2] | ' ')) {
		base = 16;
		*s += 2;
	}
	for (; **s && (d = strchr(digits, **s | ' ')) && (u64)(d - digits) < base; (*s)++)
		n = n * base + (u64)(d - digits);
	return n;
}
