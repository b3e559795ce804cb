/* SPDX-License-Identifier: MIT */
/* lib/bitmap, lib/list and lib/nospec, against the obvious. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bitmap.h"
#include "lib/list.h"
#include "lib/nospec.h"
#include "lib/spinlock.h"

static unsigned slow_next(const u64 *map, unsigned bits, unsigned from)
{
	for (; from < bits; from++)
		if (bit_test(map, from))
			return from;
	return bits;
}

Test(bitmap, searches)
{
	srand(2);
	for (unsigned bits = 0; bits <= 200; bits += 1 + (bits > 70) * 6) {
		/* exactly as many words as needed: the sanitizer watches the end */
		u64 *map = malloc(BITMAP_WORDS(bits) * 8 + 1);

		for (int round = 0; round < 40; round++) {
			for (unsigned w = 0; w < BITMAP_WORDS(bits); w++)
				map[w] = round % 4 ? (u64)rand() << (rand() % 40) & rand() :
						     -(round & 4UL);
			for (unsigned from = 0; from < bits + 3; from++)
				cr_assert_eq(bitmap_next_set(map, bits, from),
					     from > bits ? bits : slow_next(map, bits, from));
		}
		free(map);
	}
}

Test(bitmap, single_bits)
{
	u64 map[2] = { 0, 0 };
	unsigned i, seen = 0;
	cpumask_t m = { { 0 } };

	bit_set(map, 70);
	cr_assert(bit_test(map, 70) && !bit_test(map, 6));
	cr_assert(bit_test_and_set(map, 70));
	cr_assert(!bit_test_and_set(map, 3));
	cr_assert(bit_test_and_clear(map, 3));
	cr_assert(!bit_test_and_clear(map, 3));
	cr_assert(bit_test_and_clear(map, 70));
	cr_assert_eq(bitmap_next_set(map, 128, 0), 128);

	cpumask_set(5, &m);
	cpumask_set(5, &m);
	cpumask_set(511, &m);
	for_each_set_bit(i, m.bits, MAX_CPUS)
		seen += i;
	cr_assert_eq(seen, 516);
	cpumask_clear(5, &m);
	cpumask_clear(5, &m);
	cr_assert(!cpumask_test(5, &m) && cpumask_test(511, &m));
}

struct item {
	int n;
	struct list_head list;
};

Test(list, order_and_removal)
{
	struct list_head head = LIST_INIT(head);
	struct item a = { .n = 1 }, b = { .n = 2 }, c = { .n = 3 }, *it;
	int sum = 0;

	cr_assert(list_empty(&head));
	list_add_tail(&b.list, &head);
	list_add_tail(&c.list, &head);
	list_add(&a.list, &head);
	list_for_each(it, &head, list)
		sum = sum * 10 + it->n;
	cr_assert_eq(sum, 123);
	list_del(&b.list);
	list_del(&b.list); /* twice is harmless */
	cr_assert_eq(list_first(&head, struct item, list)->n, 1);
	list_del(&a.list);
	list_del(&c.list);
	cr_assert(list_empty(&head));
}

Test(spinlock, tickets)
{
	spinlock_t l = SPINLOCK_INIT;

	for (int i = 0; i < 70000; i++) { /* the counters wrap */
		spin_lock(&l);
		cr_assert(!spin_trylock(&l));
		spin_unlock(&l);
	}
	cr_assert(spin_trylock(&l) && !spin_trylock(&l));
	spin_unlock(&l);
}

Test(nospec, indices)
{
	static const u64 edge[] = {
		0, 1, 2, 63, 64, 127, 128, 1UL << 31, 1UL << 32, 1UL << 63, ~0UL
	};

	for (unsigned a = 0; a < sizeof(edge) / sizeof(*edge); a++)
		for (unsigned b = 0; b < sizeof(edge) / sizeof(*edge); b++) {
			u64 i = edge[a], n = edge[b], at = i;

			cr_assert_eq(array_index_nospec(i, n), i < n ? i : 0);
			cr_assert_eq(index_below_nospec(&at, n), i < n);
			cr_assert_eq(at, i);
			cr_assert(!n || n & (n - 1) || pow2_index_nospec(i, n) == i % n);
		}
}
