/* SPDX-License-Identifier: MIT */
/* Writes the fuzzers' first inputs: seed <directory for elf> <directory for bzimage>. */
#include <stdio.h>

#include "images.h"

static int save(const char *dir, const char *name, const void *p, u64 size)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	return !f || fwrite(p, 1, size, f) != size || fclose(f);
}

int main(int argc, char **argv)
{
	static const u8 xz[48] = "\xfd"
				 "7zXZ\0\0\1....\2\1\3\0\x21\1\x16";
	static const u8 zstd[32] = "\x28\xb5\x2f\xfd\xe4";
	struct image k = make_kernel(), b = make_bzimage(xz, sizeof(xz), 1000, true);

	if (argc != 3)
		return 2;
	return save(argv[1], "kernel", k.p, k.size) || save(argv[2], "bzimage", b.p, b.size) ||
	       save(argv[2], "xz", xz, sizeof(xz)) || save(argv[2], "zstd", zstd, sizeof(zstd));
}
