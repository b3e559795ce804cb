/* SPDX-License-Identifier: MIT */
/* Unpacks kernels. Input is a guest owner's: runs in the confined child only. */

#include "unpack.h"

#include <limits.h>
#include <lz4.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "../lib/util.h"

#define CUT "the kernel's packed data are cut short; copy it again"
#define DAMAGED "the kernel's packed data are damaged; copy it again"
#define LARGER "the kernel unpacks to more than it says; copy it again"

/* A place in the input, big-endian words; past its end it stays broken. */
struct reader {
	const unsigned char *at;
	size_t left;
	bool cut;
};

static const unsigned char *take(struct reader *r, size_t n)
{
	const unsigned char *at = r->at;

	if (r->cut || n > r->left) {
		r->cut = true;
		return NULL;
	}
	r->at += n;
	r->left -= n;
	return at;
}

static uint32_t take_word(struct reader *r, unsigned int bytes)
{
	const unsigned char *p = take(r, bytes);
	uint32_t v = 0;

	for (unsigned int i = 0; p && i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

static const char *gunzip(const unsigned char *in, size_t size, unsigned char *out, size_t room,
			  size_t *len)
{
	z_stream z = { .next_in = (unsigned char *)in, .next_out = out };
	int result;

	if (size > UINT_MAX || room > UINT_MAX)
		return "a kernel of 4 GiB or more can't be unpacked; take a smaller one";
	z.avail_in = (unsigned int)size;
	z.avail_out = (unsigned int)room;
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return "out of memory while the kernel was unpacked; free some";
	result = inflate(&z, Z_FINISH);
	*len = z.total_out;
	inflateEnd(&z);
	if (result == Z_BUF_ERROR)
		return z.avail_out ? CUT : LARGER;
	return result == Z_STREAM_END ? NULL : DAMAGED;
}

/* The dictionary's size is the packed data's to say: bounded. */
#define LZMA_MEMORY (512ul << 20)

static const char *unlzma(const unsigned char *in, size_t size, unsigned char *out, size_t room,
			  size_t *len)
{
	lzma_stream s = LZMA_STREAM_INIT;
	bool xz = *in == 0xfd;
	lzma_ret result =
		xz ? lzma_stream_decoder(&s, LZMA_MEMORY, 0) : lzma_alone_decoder(&s, LZMA_MEMORY);

	s.next_in = in;
	s.avail_in = size;
	s.next_out = out;
	s.avail_out = room;
	while (result == LZMA_OK)
		result = lzma_code(&s, LZMA_FINISH);
	*len = s.total_out;
	lzma_end(&s);
	if (result == LZMA_BUF_ERROR)
		return s.avail_out ? CUT : LARGER;
	if (result == LZMA_MEM_ERROR || result == LZMA_MEMLIMIT_ERROR)
		return "out of memory while the kernel was unpacked; free some";
	return result == LZMA_STREAM_END ? NULL : DAMAGED;
}

static const char *unzstd(const unsigned char *in, size_t size, unsigned char *out, size_t room,
			  size_t *len)
{
	*len = ZSTD_decompress(out, room, in, size);
	return ZSTD_isError(*len) ? DAMAGED : NULL;
}

/* The form of `lz4 -l`: blocks of at most 8 MiB, each behind its length. */
static const char *unlz4(const unsigned char *in, size_t size, unsigned char *out, size_t room,
			 size_t *len)
{
	struct reader r = { in + 4, size - 4, false };

	*len = 0;
	while (r.left >= 4) {
		uint32_t packed = __builtin_bswap32(take_word(&r, 4));
		const unsigned char *p = take(&r, packed);
		size_t left = room - *len;
		int n;

		if (!p || packed > INT_MAX)
			return CUT;
		n = LZ4_decompress_safe((const char *)p, (char *)out + *len, (int)packed,
					left > INT_MAX ? INT_MAX : (int)left);
		if (n < 0)
			return DAMAGED;
		*len += (size_t)n;
	}
	return NULL;
}

/* Flags of lzop's header. */
enum {
	LZOP_ADLER_PLAIN = 0x1,
	LZOP_ADLER_PACKED = 0x2,
	LZOP_CRC_PLAIN = 0x100,
	LZOP_CRC_PACKED = 0x200,
	LZOP_FILTER = 0x800,
};

/* Over the header of an lzop file; its flags. */
static uint32_t lzop_header(struct reader *r)
{
	uint32_t version, flags;

	take(r, 9); /* magic */
	version = take_word(r, 2);
	take(r, version >= 0x940 ? 4 : 2); /* the library's version, the version needed */
	take(r, version >= 0x940 ? 2 : 1); /* method, level */
	flags = take_word(r, 4);
	take(r, flags & LZOP_FILTER ? 4 : 0);
	take(r, version >= 0x940 ? 12 : 8); /* mode, time */
	take(r, take_word(r, 1));           /* name */
	take(r, 4);                         /* checksum */
	return flags;
}

static const char *unlzo(const unsigned char *in, size_t size, unsigned char *out, size_t room,
			 size_t *len)
{
	struct reader r = { in, size, false };
	uint32_t flags = lzop_header(&r), plain;

	*len = 0;
	while ((plain = take_word(&r, 4)) != 0) {
		uint32_t packed = take_word(&r, 4);
		const unsigned char *p;
		lzo_uint n = plain;

		take(&r, 4 * (!!(flags & LZOP_ADLER_PLAIN) + !!(flags & LZOP_CRC_PLAIN)));
		if (packed < plain)
			take(&r, 4 * (!!(flags & LZOP_ADLER_PACKED) + !!(flags & LZOP_CRC_PACKED)));
		p = take(&r, packed);
		if (!p)
			return CUT;
		if (plain > room - *len)
			return LARGER;
		if (packed == plain)
			memcpy(out + *len, p, plain);
		else if (packed > plain || lzo1x_decompress_safe(p, packed, out + *len, &n, NULL) ||
			 n != plain)
			return DAMAGED;
		*len += plain;
	}
	return r.cut ? CUT : NULL;
}

static const struct packing {
	const char *name, *magic;
	size_t magic_len;
	const char *(*unpack)(const unsigned char *in, size_t size, unsigned char *out, size_t room,
			      size_t *len);
} packings[] = {
	{ "gzip", "\x1f\x8b", 2, gunzip },
	{ "xz", "\xfd\x37zXZ", 6, unlzma },
	{ "zstd", "\x28\xb5\x2f\xfd", 4, unzstd },
	{ "lz4", "\x02\x21\x4c\x18", 4, unlz4 },
	{ "lzo", "\x89LZO", 5, unlzo },
	{ "lzma", "\x5d\0\0", 3, unlzma },
};

static const struct packing *find(const unsigned char *in, size_t size)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(packings); i++) {
		if (size > 16 && !memcmp(in, packings[i].magic, packings[i].magic_len))
			return &packings[i];
	}
	return NULL;
}

const char *unpack_name(const unsigned char *in, size_t size)
{
	const struct packing *p = find(in, size);

	return p ? p->name : NULL;
}

const char *unpack_image(const unsigned char *in, size_t size, unsigned char *out, size_t room,
			 size_t *len)
{
	const struct packing *p = find(in, size);

	if (!p)
		return "the kernel is packed by none of gzip, xz, lzma, zstd, lzo and lz4; take "
		       "another one";
	return p->unpack(in, size, out, room, len);
}
