/* SPDX-License-Identifier: MIT */
/* lib/unpack on data that the libraries' own encoders made: whole, cut, damaged, without memory. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <lzma.h>
#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

#include "images.h"
#include "lib/unpack/unpack.h"

/* lib/unpack/shims.c; its C library part goes by other names on the host (meson.build) */
void *shim_malloc(size_t size);
void *shim_calloc(size_t n, size_t size);
void shim_free(void *p);

enum kind { GZIP, XZ_CRC32, XZ_CRC64, XZ_SHA256, XZ_BCJ, LZMA, ZSTD, ZSTD_SIZED, KINDS };

#define PLAIN_SIZE 40000
#define ARENA_SIZE (8UL << 20)
#define GUARD 64

static u8 *plain, *packed, *arena, *out;
static u64 packed_size;

static u64 pack_lzma(enum kind kind, u8 *dst, u64 room)
{
	lzma_options_lzma o;
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_filter f[3] = { { LZMA_FILTER_X86, NULL },
			     { LZMA_FILTER_LZMA2, &o },
			     { LZMA_VLI_UNKNOWN, NULL } };
	lzma_check check = kind == XZ_CRC64  ? LZMA_CHECK_CRC64 :
			   kind == XZ_SHA256 ? LZMA_CHECK_SHA256 :
					       LZMA_CHECK_CRC32;

	lzma_lzma_preset(&o, 1);
	cr_assert_eq(kind == LZMA ? lzma_alone_encoder(&s, &o) :
				    lzma_stream_encoder(&s, f + (kind != XZ_BCJ), check),
		     LZMA_OK);
	s.next_in = plain;
	s.avail_in = PLAIN_SIZE;
	s.next_out = dst;
	s.avail_out = room;
	cr_assert_eq(lzma_code(&s, LZMA_FINISH), LZMA_STREAM_END);
	lzma_end(&s);
	return s.total_out;
}

static u64 pack_gzip(u8 *dst, u64 room)
{
	z_stream s = {
		.next_in = plain, .avail_in = PLAIN_SIZE, .next_out = dst, .avail_out = room
	};

	cr_assert_eq(deflateInit2(&s, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	cr_assert_eq(deflate(&s, Z_FINISH), Z_STREAM_END);
	deflateEnd(&s);
	return s.total_out;
}

static u64 pack_zstd(enum kind kind, u8 *dst, u64 room)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t n;

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, kind == ZSTD_SIZED);
	n = ZSTD_compress2(c, dst, room, plain, PLAIN_SIZE);
	cr_assert(!ZSTD_isError(n));
	ZSTD_freeCCtx(c);
	return n;
}

/* An ELF magic, then words of which some repeat and some do not, and calls for the x86 filter */
static void make_plain(void)
{
	srand(4);
	for (u64 i = 0; i < PLAIN_SIZE; i += 4) {
		u32 v = rand() % 3 ? i >> 9 : rand() % 5 ? 0x00e80000u + rand() % 4 : (u32)rand();

		memcpy(plain + i, &v, 4);
	}
	memcpy(plain, "\177ELF", 4);
}

static void prepare(enum kind kind)
{
	plain = malloc(PLAIN_SIZE);
	packed = malloc(2 * PLAIN_SIZE);
	out = malloc(PLAIN_SIZE + GUARD);
	arena = aligned_alloc(16, ARENA_SIZE);
	make_plain();
	switch (kind) {
	case GZIP:
		packed_size = pack_gzip(packed, 2 * PLAIN_SIZE);
		break;
	case ZSTD:
	case ZSTD_SIZED:
		packed_size = pack_zstd(kind, packed, 2 * PLAIN_SIZE);
		break;
	default:
		packed_size = pack_lzma(kind, packed, 2 * PLAIN_SIZE);
	}
	unpack_arena(arena, ARENA_SIZE);
}

static const char *try_unpack(const u8 *in, u64 in_len, u64 out_max, u64 *len)
{
	const char *err;

	memset(out, 0xaa, PLAIN_SIZE + GUARD);
	err = unpack(in, in_len, out, out_max, len);
	for (u64 i = out_max; i < PLAIN_SIZE + GUARD; i++)
		cr_assert_eq(out[i], 0xaa, "wrote beyond the output");
	return err;
}

/* Every byte of headers and trailers, every n-th of what lies between */
static u64 step(u64 at, u64 n)
{
	return at > 64 && at + 64 < packed_size ? n : 1;
}

static bool is_plain(u64 len)
{
	return len == PLAIN_SIZE && !memcmp(out, plain, len);
}

static struct criterion_test_params all_kinds(void)
{
	static enum kind kinds[KINDS];

	for (unsigned i = 0; i < KINDS; i++)
		kinds[i] = i;
	return cr_make_param_array(enum kind, kinds, KINDS);
}

ParameterizedTestParameters(unpack, whole)
{
	return all_kinds();
}
ParameterizedTest(enum kind *kind, unpack, whole)
{
	static const enum unpack_format formats[] = {
		[GZIP] = UNPACK_GZIP,    [XZ_CRC32] = UNPACK_XZ,     [XZ_CRC64] = UNPACK_XZ,
		[XZ_SHA256] = UNPACK_XZ, [XZ_BCJ] = UNPACK_XZ,       [LZMA] = UNPACK_LZMA,
		[ZSTD] = UNPACK_ZSTD,    [ZSTD_SIZED] = UNPACK_ZSTD,
	};
	bool knows_size = *kind != LZMA && *kind != ZSTD;
	const char *err;
	u64 len;

	prepare(*kind);
	cr_assert_eq(unpack_detect(packed, packed_size), formats[*kind]);
	cr_assert_eq(unpack_size_hint(packed, packed_size), knows_size ? PLAIN_SIZE : 0);
	err = try_unpack(packed, packed_size, PLAIN_SIZE, &len);
	cr_assert_null(err, "%s", err);
	cr_assert(is_plain(len));
	cr_assert_null(try_unpack(packed, packed_size, PLAIN_SIZE + 7, &len),
		       "more room than needed");
	cr_assert(is_plain(len));
	cr_assert_not_null(try_unpack(packed, packed_size, PLAIN_SIZE - 1, &len), "less room");
	cr_assert_not_null(try_unpack(packed, packed_size, 0, &len), "no room");
	/* as much arena as it says it takes is enough */
	unpack_arena(arena, unpack_arena_size(packed, packed_size));
	cr_assert_leq(unpack_arena_size(packed, packed_size), ARENA_SIZE);
	cr_assert_null(try_unpack(packed, packed_size, PLAIN_SIZE, &len));
	cr_assert(is_plain(len));
}

ParameterizedTestParameters(unpack, cut_at_every_length)
{
	return all_kinds();
}
ParameterizedTest(enum kind *kind, unpack, cut_at_every_length)
{
	u64 len;

	prepare(*kind);
	for (u64 size = 0; size < packed_size; size += step(size, 7)) {
		u8 *cut = malloc(size ? size : 1);
		const char *err;

		memcpy(cut, packed, size);
		unpack_size_hint(cut, size);
		unpack_arena_size(cut, size);
		err = try_unpack(cut, size, PLAIN_SIZE, &len);
		cr_assert(err || (*kind == LZMA && is_plain(len)), "size %lu", size);
		free(cut);
	}
}

ParameterizedTestParameters(unpack, damaged_at_every_offset)
{
	return all_kinds();
}
ParameterizedTest(enum kind *kind, unpack, damaged_at_every_offset)
{
	u64 len;

	prepare(*kind);
	for (u64 at = 0; at < packed_size; at += step(at, 5)) {
		u8 old = packed[at];

		packed[at] ^= at < 64 ? 0xff : 1u << at % 8;
		unpack_size_hint(packed, packed_size);
		if (unpack_arena_size(packed, packed_size) > ARENA_SIZE)
			unpack_arena(arena, ARENA_SIZE);
		/* accepted: then nothing was lost; .lzma has no checksum to find out */
		if (!try_unpack(packed, packed_size, PLAIN_SIZE, &len) && *kind != LZMA)
			cr_assert(is_plain(len), "offset %lu", at);
		packed[at] = old;
	}
}

ParameterizedTestParameters(unpack, too_little_arena)
{
	return all_kinds();
}
ParameterizedTest(enum kind *kind, unpack, too_little_arena)
{
	const char *err;
	u64 len;

	prepare(*kind);
	for (u64 size = 0; size < 40000; size += 500) {
		unpack_arena(arena, size);
		memset(arena + size, 0x77, GUARD);
		err = try_unpack(packed, packed_size, PLAIN_SIZE, &len);
		cr_assert(err ? strstr(err, "memory") != NULL : is_plain(len), "%s", err);
		for (unsigned i = 0; i < GUARD; i++)
			cr_assert_eq(arena[size + i], 0x77);
	}
}

Test(unpack, unpacked_or_unknown)
{
	u64 len;

	prepare(GZIP);
	cr_assert_null(try_unpack(plain, PLAIN_SIZE, PLAIN_SIZE, &len));
	cr_assert(is_plain(len));
	cr_assert_eq(unpack_size_hint(plain, PLAIN_SIZE), PLAIN_SIZE);
	cr_assert_eq(unpack_arena_size(plain, PLAIN_SIZE), 0);
	cr_assert_not_null(try_unpack(plain, PLAIN_SIZE, PLAIN_SIZE - 1, &len));
	cr_assert_not_null(try_unpack(plain + 4, PLAIN_SIZE - 4, PLAIN_SIZE, &len));
	cr_assert_eq(unpack_size_hint(plain + 4, 100), 0);
}

Test(unpack, old_zstd_frames_are_refused)
{
	u64 len;

	prepare(ZSTD);
	for (u8 magic = 0x25; magic <= 0x27; magic++) {
		memcpy(packed + packed_size,
		       (u8[]){ magic, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0 }, 12);
		cr_assert_not_null(try_unpack(packed, packed_size + 12, PLAIN_SIZE + 1, &len));
	}
}

Test(unpack, arena)
{
	u8 *a, *b;

	prepare(GZIP);
	unpack_arena(arena, 64);
	a = arena_alloc(1);
	b = arena_alloc(17);
	cr_assert(a == arena && b == arena + 16);
	cr_assert_null(arena_alloc(17));
	cr_assert_null(arena_alloc(~0UL));
	cr_assert_null(arena_alloc(~0UL - 8));
	arena_free(a); /* not the last: stays */
	cr_assert_null(arena_alloc(17));
	arena_free(b);
	arena_free(b);
	arena_free(NULL);
	cr_assert_null(arena_alloc(49));
	cr_assert(arena_alloc(48) == arena + 16);
	arena_reset();
	cr_assert(arena_alloc(64) == arena);
	unpack_arena(arena, 60);
	cr_assert_null(arena_alloc(57), "rounded up it does not fit");
	unpack_arena(arena, 64);
	arena[3] = 9;
	a = shim_calloc(2, 8);
	cr_assert(a == arena && a[3] == 0);
	shim_free(a);
	cr_assert_null(shim_calloc(1UL << 32, 1UL << 32));
	cr_assert_eq(shim_malloc(64), arena);
}

Test(unpack, xz_block_header_ends_with_the_data)
{
	static const u8 head[32] = "\xfd"
				   "7zXZ\0\0\1....\xff\1\4\16..............\x21\1";
	u8 *p = malloc(32);

	memcpy(p, head, 32); /* the dictionary's size would be byte 32 */
	cr_assert_eq(unpack_arena_size(p, 32), 512 << 10);
	free(p);
}

Test(unpack, checksums)
{
	cr_assert_eq(crc32(0, (const u8 *)"123456789", 9), 0xcbf43926);
	cr_assert_eq(crc32(0, NULL, 0), 0);
	cr_assert_eq(adler32(1, (const u8 *)"Wikipedia", 9), 0x11e60398);
	cr_assert_eq(adler32(0, NULL, 0), 1);
	cr_assert_eq(lzma_crc64((const u8 *)"123456789", 9, 0), 0x995dc9bbdf1939faUL);
}

/* ---- kernels ---- */
static void check_kernel(const void *module, u64 size)
{
	struct kernel_file f;
	const void *elf;
	const char *err = kernel_open(module, size, &f);
	u64 len;

	cr_assert_null(err, "%s", err);
	cr_assert_eq(f.unpacked_size, PLAIN_SIZE);
	err = kernel_unpack(&f, out, PLAIN_SIZE, &elf, &len);
	cr_assert_null(err, "%s", err);
	cr_assert(len == PLAIN_SIZE && !memcmp(elf, plain, len));
	cr_assert(f.format != UNPACK_ELF || elf == f.data);
}

ParameterizedTestParameters(unpack, kernel)
{
	return all_kinds();
}
ParameterizedTest(enum kind *kind, unpack, kernel)
{
	struct image m;

	prepare(*kind);
	m = make_bzimage(packed, packed_size, PLAIN_SIZE, *kind != GZIP);
	check_kernel(m.p, m.size);
	check_kernel(plain, PLAIN_SIZE);
	if (*kind != LZMA && *kind != ZSTD)
		check_kernel(packed, packed_size);
	free(m.p);
}

Test(unpack, kernel_refused)
{
	struct kernel_file f;
	struct image m;
	const void *elf;
	u64 len;

	prepare(GZIP);
	cr_assert(strstr(kernel_open("text", 4, &f), "neither"));
	m = make_bzimage("whatever it is", 14, 1, true);
	cr_assert(strstr(kernel_open(m.p, m.size, &f), "packed by none"));
	m.p[0x206] = 0;
	cr_assert(strstr(kernel_open(m.p, m.size, &f), "too old"));
	memcpy(plain, "text", 4); /* well packed, but no kernel inside */
	packed_size = pack_gzip(packed, 2 * PLAIN_SIZE);
	cr_assert_null(kernel_open(packed, packed_size, &f));
	cr_assert(strstr(kernel_unpack(&f, out, PLAIN_SIZE, &elf, &len), "not an ELF"));
	free(m.p);
}
