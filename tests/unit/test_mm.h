/* SPDX-License-Identifier: MIT */
/* What the tests of mm/ share: a machine with a heap and domains 1 and 2. */
#ifndef TESTS_UNIT_TEST_MM_H
#define TESTS_UNIT_TEST_MM_H

#include "host.h"

extern struct domain mm_dom[2];
/* `frames` frames, all but the first 16 in the heap. */
void mm_machine(u64 frames);

static inline u64 mm_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
