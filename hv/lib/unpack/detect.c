/* SPDX-License-Identifier: MIT */
/* What packed data say about themselves: their format, and the memory that unpacking them takes. */
#include "lib/elf.h"
#include "lib/string.h"
#include "lib/unpack/unpack.h"

/* .lzma has no magic: usual properties, a dictionary of 2^n, the range coder's leading zero. */
static __init bool is_lzma(const u8 *p, u64 len)
{
	u64 dict;

	if (len < 18 || p[0] != 0x5d || p[13])
		return false;
	dict = get_le(p + 1, 4);
	return dict >= 4096 && !(dict & (dict - 1));
}

__init enum unpack_format unpack_detect(const void *in, u64 len)
{
	if (elf_is(in, len))
		return UNPACK_ELF;
	if (len >= 18 && !memcmp(in, "\x1f\x8b\x08", 3))
		return UNPACK_GZIP;
	if (len >= 32 && !memcmp(in,
				 "\xfd"
				 "7zXZ\0",
				 6))
		return UNPACK_XZ;
	if (len >= 9 && !memcmp(in, "\x28\xb5\x2f\xfd", 4))
		return UNPACK_ZSTD;
	return is_lzma(in, len) ? UNPACK_LZMA : UNPACK_NONE;
}

/* xz's numbers: 7 bits a byte, lowest first. False at the end of the data or of 63 bits. */
static __init bool get_vli(const u8 *p, u64 end, u64 *at, u64 *v)
{
	*v = 0;
	for (unsigned shift = 0; shift < 63 && *at < end; shift += 7) {
		u8 b = p[(*at)++];

		*v |= (u64)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return true;
	}
	return false;
}

/* Sum of the blocks' sizes in the index, which the footer finds. len >= 32 and a multiple of 4. */
static __init u64 xz_size(const u8 *p, u64 len)
{
	u64 end = len - 12, size = (get_le(p + end + 4, 4) + 1) * 4, at, n, total = 0, packed, v;

	if (len % 4 || memcmp(p + len - 2, "YZ", 2) || size > end || p[end - size])
		return 0;
	at = end - size + 1;
	if (!get_vli(p, end, &at, &n))
		return 0;
	while (n--) {
		if (!get_vli(p, end, &at, &packed) || !get_vli(p, end, &at, &v))
			return 0;
		total += v;
	}
	return total;
}

/* The frame header (RFC 8878, 3.1.1.1): the content size follows window and dictionary fields. */
static __init u64 zstd_size(const u8 *p, u64 len)
{
	unsigned flag = p[4] >> 6, single = p[4] >> 5 & 1, dict = p[4] & 3;
	unsigned bytes = flag ? 1u << flag : single;
	u64 at = 5 + !single + (dict == 3 ? 4 : dict);

	if (!bytes || at + bytes > len)
		return 0;
	return get_le(p + at, bytes) + (bytes == 2 ? 256 : 0);
}

__init u64 unpack_size_hint(const void *in, u64 len)
{
	const u8 *p = in;
	u64 size;

	switch (unpack_detect(in, len)) {
	case UNPACK_ELF:
		return len;
	case UNPACK_GZIP:
		return get_le(p + len - 4, 4);
	case UNPACK_XZ:
		return xz_size(p, len);
	case UNPACK_ZSTD:
		return zstd_size(p, len);
	case UNPACK_LZMA:
		size = get_le(p + 5, 8);
		return size == ~0UL ? 0 : size;
	default:
		return 0;
	}
}

/* Dictionary of the first block, from its LZMA2 filter's one byte of properties. 0 = not found */
static __init u64 xz_dictionary(const u8 *p, u64 len)
{
	u64 at = 14, end = MIN(12 + (p[12] + 1) * 4UL, len), id, size, skip;
	u8 flags = p[13];

	if ((flags & 0x40 && !get_vli(p, end, &at, &skip)) ||
	    (flags & 0x80 && !get_vli(p, end, &at, &skip)))
		return 0;
	for (unsigned i = 0; i <= (flags & 3u); i++, at += size) {
		if (!get_vli(p, end, &at, &id) || !get_vli(p, end, &at, &size) || size > end - at)
			return 0;
		if (id == 0x21 && size == 1 && p[at] < 40)
			return (2UL | (p[at] & 1)) << (p[at] / 2 + 11);
	}
	return 0;
}

__init u64 unpack_arena_size(const void *in, u64 len)
{
	u64 dict = 0;

	switch (unpack_detect(in, len)) {
	case UNPACK_ELF:
	case UNPACK_NONE:
		return 0;
	case UNPACK_XZ:
		dict = xz_dictionary(in, len);
		break;
	case UNPACK_LZMA:
		dict = get_le((const u8 *)in + 1, 4);
		break;
	default:
		break;
	}
	return ALIGN_UP(dict, PAGE_SIZE) + (512UL << 10);
}
