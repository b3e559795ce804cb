/* SPDX-License-Identifier: MIT */
/*
 * What the decoder libraries need from a C library; and small replacements for parts of them that
 * would pull in much for nothing: a symbol defined here keeps the archive member that also defines
 * it out of the link.
 */
#include "lib/string.h"
#include "lib/unpack/unpack.h"

/*
 * ---- C library ----
 * The libraries fall back to these only where they were given no allocator; we always give one.
 */
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void free(void *p);
void __stack_chk_fail(void);

__init void *malloc(size_t size)
{
	return arena_alloc(size);
}

__init void *calloc(size_t n, size_t size)
{
	void *p = size && n > SIZE_MAX / size ? NULL : arena_alloc(n * size);

	return p ? memset(p, 0, n * size) : NULL;
}

__init void free(void *p)
{
	arena_free(p);
}

noreturn_fn __init void __stack_chk_fail(void)
{
	panic("a decoder overran its stack while unpacking the kernel");
}

/*
 * ---- checksums ----
 * gzip's CRC-32 is xz's. Adler-32 belongs to zlib's own format and CRC-64 to xz files that were not
 * made for a kernel: correct, but short rather than fast.
 */
u32 lzma_crc32(const u8 *buf, size_t size, u32 crc);
unsigned long crc32(unsigned long crc, const u8 *buf, unsigned len);
unsigned long adler32(unsigned long adler, const u8 *buf, unsigned len);
u64 lzma_crc64(const u8 *buf, size_t size, u64 crc);

__init unsigned long crc32(unsigned long crc, const u8 *buf, unsigned len)
{
	return buf ? lzma_crc32(buf, len, crc) : 0;
}

__init unsigned long adler32(unsigned long adler, const u8 *buf, unsigned len)
{
	u32 a = adler & 0xffff, b = adler >> 16;

	if (!buf)
		return 1;
	while (len--) {
		a = (a + *buf++) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

__init u64 lzma_crc64(const u8 *buf, size_t size, u64 crc)
{
	static u64 table[256] __initdata;

	for (unsigned i = 0; !table[255] && i < 256; i++) {
		u64 v = i;

		for (unsigned bit = 0; bit < 8; bit++)
			v = v >> 1 ^ (v & 1 ? 0xc96c5795d7870f42UL : 0);
		table[i] = v;
	}
	crc = ~crc;
	while (size--)
		crc = table[(u8)(crc ^ *buf++)] ^ crc >> 8;
	return ~crc;
}

/*
 * ---- left out ----
 * Formats of zstd before version 0.8. The first thing the library asks about such a frame is its
 * size, and that is answered by an error, so that it goes no further.
 */
#define NEVER_CALLED(name)                                                                         \
	noreturn_fn void name(void);                                                               \
	noreturn_fn __init void name(void)                                                         \
	{                                                                                          \
		panic("unpacking reached a decoder that was left out");                            \
	}

/* Hooks that zstd only declares: undefined they were calls to 0, out of our addresses' reach. */
unsigned long long ZSTD_trace_decompress_begin(const void *ctx);

__init unsigned long long ZSTD_trace_decompress_begin(const void *ctx)
{
	return 0; /* this one is not to be traced */
}

NEVER_CALLED(ZSTD_trace_decompress_end)

#define OLD_ZSTD(v)                                                                                \
	void ZSTDv##v##_findFrameSizeInfoLegacy(const void *src, size_t len, size_t *packed,       \
						unsigned long long *bound);                        \
	__init void ZSTDv##v##_findFrameSizeInfoLegacy(const void *src, size_t len,                \
						       size_t *packed, unsigned long long *bound)  \
	{                                                                                          \
		(void)src;                                                                         \
		(void)len;                                                                         \
		*packed = (size_t)-1; /* an error code */                                          \
		*bound = -2ULL;       /* ZSTD_CONTENTSIZE_ERROR */                                 \
	}                                                                                          \
	NEVER_CALLED(ZSTDv##v##_getFrameParams)                                                    \
	NEVER_CALLED(ZSTDv##v##_createDCtx)                                                        \
	NEVER_CALLED(ZSTDv##v##_freeDCtx)                                                          \
	NEVER_CALLED(ZSTDv##v##_decompress_usingDict)                                              \
	NEVER_CALLED(ZBUFFv##v##_createDCtx)                                                       \
	NEVER_CALLED(ZBUFFv##v##_freeDCtx)                                                         \
	NEVER_CALLED(ZBUFFv##v##_decompressInitDictionary)                                         \
	NEVER_CALLED(ZBUFFv##v##_decompressContinue)

OLD_ZSTD(05)
OLD_ZSTD(06)
OLD_ZSTD(07)
