/* SPDX-License-Identifier: MIT */
/* libFuzzer: any bytes as a boot module: bzImage header, format, size hints. No decoder runs. */
#include "lib/bzimage.h"
#include "lib/unpack/unpack.h"

static volatile u64 sum;

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct bzimage b;

	sum += unpack_size_hint(data, size) + unpack_arena_size(data, size);
	if (bzimage_parse(data, size, &b))
		return 0;
	if (b.payload < data || b.payload + b.payload_size > data + size)
		__builtin_trap();
	for (u64 i = 0; i < b.payload_size; i++)
		sum += b.payload[i];
	sum += unpack_size_hint(b.payload, b.payload_size) +
	       unpack_arena_size(b.payload, b.payload_size);
	return 0;
}
