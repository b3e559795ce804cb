/* SPDX-License-Identifier: MIT */
/* libFuzzer: any bytes to elf_parse_kernel(); what it accepts is loaded. */
#include "lib/elf.h"

static volatile u64 sum;

struct state {
	const struct kernel_image *k;
	u64 next;
};

static void put(void *ctx, u64 pa, const void *src, u64 len)
{
	struct state *s = ctx;

	if (pa != s->next || !len || len > s->k->pa_end - pa)
		__builtin_trap();
	s->next += len;
	for (u64 i = 0; src && i < len; i++)
		sum += ((const u8 *)src)[i];
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct kernel_image k;
	struct state s = { .k = &k };

	if (elf_parse_kernel(data, size, &k))
		return 0;
	s.next = k.pa_start;
	elf_load_segments(&k, put, &s);
	if (s.next != k.pa_end || k.entry - k.virt_base - k.pa_start >= k.pa_end - k.pa_start)
		__builtin_trap();
	return 0;
}
