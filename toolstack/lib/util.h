/* SPDX-License-Identifier: MIT */
/* What all programs of the toolstack use: memory, lines for the log, a hash. */

#ifndef TOOLSTACK_UTIL_H
#define TOOLSTACK_UTIL_H

#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Memory, or the end: a daemon that can't go on comes back from its journal. */
void *xmalloc(size_t bytes);
void *xzalloc(size_t bytes);
void *xrealloc(void *p, size_t bytes);
char *xstrdup(const char *s);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line to standard error, begun with the program's name. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* As log_line(), and ends the program with code 1. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* FNV-1a, keyed, finished so that the high bits depend on all; to go on: hash_step(). */
static inline uint64_t hash_step(uint64_t h, unsigned char c)
{
	return (h ^ c) * 0x100000001b3u;
}

static inline uint64_t hash_end(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static inline uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t h = seed ^ 0xcbf29ce484222325u;

	while (len--)
		h = hash_step(h, *p++);
	return hash_end(h);
}

#endif /* TOOLSTACK_UTIL_H */
