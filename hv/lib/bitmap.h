/* SPDX-License-Identifier: MIT */
/* Bit sets in arrays of u64, and sets of processors. */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include "lib/base.h"

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline bool bit_test(const u64 *map, unsigned bit)
{
	return READ_ONCE(map[bit / 64]) >> (bit % 64) & 1;
}

static inline void bit_set(u64 *map, unsigned bit)
{
	map[bit / 64] |= 1UL << (bit % 64);
}

/* Atomic forms; both return the old bit. */
static inline bool bit_test_and_set(u64 *map, unsigned bit)
{
	u64 m = 1UL << (bit % 64);

	return __atomic_fetch_or(&map[bit / 64], m, __ATOMIC_ACQ_REL) & m;
}

static inline bool bit_test_and_clear(u64 *map, unsigned bit)
{
	u64 m = 1UL << (bit % 64);

	return __atomic_fetch_and(&map[bit / 64], ~m, __ATOMIC_ACQ_REL) & m;
}

/* First set bit at or after `from`, or `bits` when there is none. */
static inline unsigned bitmap_next_set(const u64 *map, unsigned bits, unsigned from)
{
	for (; from < bits; from = (from | 63) + 1) {
		u64 word = READ_ONCE(map[from / 64]) >> (from % 64);

		if (word)
			return MIN(from + (unsigned)__builtin_ctzl(word), bits);
	}
	return bits;
}

#define MAX_CPUS 512
typedef struct cpumask {
	u64 bits[BITMAP_WORDS(MAX_CPUS)];
} cpumask_t;

static inline void cpumask_set(unsigned cpu, cpumask_t *m)
{
	if (!bit_test(m->bits, cpu))
		bit_test_and_set(m->bits, cpu);
}

static inline void cpumask_clear(unsigned cpu, cpumask_t *m)
{
	if (bit_test(m->bits, cpu))
		bit_test_and_clear(m->bits, cpu);
}

static inline bool cpumask_test(unsigned cpu, const cpumask_t *m)
{
	return bit_test(m->bits, cpu);
}

#define for_each_set_bit(i, map, bits)                                                             \
	for ((i) = bitmap_next_set(map, bits, 0); (i) < (bits);                                    \
	     (i) = bitmap_next_set(map, bits, (i) + 1))

#endif
