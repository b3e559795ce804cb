/* SPDX-License-Identifier: MIT */
/* Searching and counting in bit sets, a word at a time. */
#include "lib/bitmap.h"

/* First bit at or after `from` that is set once each word has been XORed with `flip`. */
static unsigned next_bit(const u64 *map, unsigned bits, unsigned from, u64 flip)
{
	u64 word;

	if (from >= bits)
		return bits;
	word = (READ_ONCE(map[from / 64]) ^ flip) & ~0UL << (from % 64);
	from &= ~63u;
	while (!word) {
		from += 64;
		if (from >= bits)
			return bits;
		word = READ_ONCE(map[from / 64]) ^ flip;
	}
	from += __builtin_ctzl(word);
	return MIN(from, bits);
}

unsigned bitmap_next_set(const u64 *map, unsigned bits, unsigned from)
{
	return next_bit(map, bits, from, 0);
}

unsigned bitmap_next_clear(const u64 *map, unsigned bits, unsigned from)
{
	return next_bit(map, bits, from, ~0UL);
}

/* Without POPCNT, which not every processor has. */
static unsigned weight64(u64 w)
{
	w -= w >> 1 & 0x5555555555555555UL;
	w = (w & 0x3333333333333333UL) + (w >> 2 & 0x3333333333333333UL);
	w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0fUL;
	return w * 0x0101010101010101UL >> 56;
}

unsigned bitmap_weight(const u64 *map, unsigned bits)
{
	unsigned n = 0, i;

	for (i = 0; i < bits / 64; i++)
		n += weight64(READ_ONCE(map[i]));
	if (bits % 64)
		n += weight64(READ_ONCE(map[i]) & ~(~0UL << bits % 64));
	return n;
}
