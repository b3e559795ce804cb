/* SPDX-License-Identifier: MIT */
/*
 * Memory and strings: the freestanding subset of <string.h>. On the host the C library provides it.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
/* n bytes at p, the least significant first. */
static inline uint64_t get_le(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}
/* The number that *s begins with, decimal or behind 0x; *s goes behind it. 0: perhaps none was there. */
uint64_t parse_number(const char **s);
char *strstr(const char *s, const char *needle);

/* A whole page, of at least 8-byte alignment; both may be the same. */
static inline void memcpy_page(void *dst, const void *src)
{
	size_t words = 512;

	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words) : : "memory");
}

#endif
