/* SPDX-License-Identifier: MIT */
/* lib/bzimage.c: good ones, each kind of bad one, cut and damaged ones. */
#include <criterion/criterion.h>

#include "images.h"
#include "lib/bzimage.h"

static struct bzimage b;

static struct image make(void)
{
	return make_bzimage("\xfd"
			    "7zXZ payload",
			    13, 0x12345678, true);
}

Test(bzimage, payload_and_trailer)
{
	struct image m = make();

	cr_assert(bzimage_is(m.p, m.size));
	cr_assert_null(bzimage_parse(m.p, m.size, &b));
	cr_assert_eq(b.payload, m.p + 3 * 512 + 16);
	cr_assert_eq(b.payload_size, 13);
	cr_assert_eq(b.unpacked_size, 0x12345678);
	free(m.p);
}

Test(bzimage, gzip_keeps_its_own_trailer)
{
	struct image m = make_bzimage("\x1f\x8b\x08......\x78\x56\x34\x12", 13, 0, false);

	cr_assert_null(bzimage_parse(m.p, m.size, &b));
	cr_assert_eq(b.payload_size, 13);
	cr_assert_eq(b.unpacked_size, 0x12345678);
	free(m.p);
}

Test(bzimage, setup_sects_0_means_4)
{
	struct image m = make();

	m.p[0x1f1] = 0;
	m.p[0x248] = 0; /* 5 sectors: beyond the end */
	cr_assert_not_null(bzimage_parse(m.p, m.size, &b));
	free(m.p);
}

#define BAD(name, part, ...)                                                                       \
	Test(bzimage_bad, name)                                                                    \
	{                                                                                          \
		struct image m = make();                                                           \
		const char *err;                                                                   \
		__VA_ARGS__;                                                                       \
		err = bzimage_parse(m.p, m.size, &b);                                              \
		cr_assert(err &&strstr(err, part), "%s", err);                                     \
		free(m.p);                                                                         \
	}

BAD(magic, "not a bzImage", m.p[0x202] = 'h')
BAD(boot_flag, "not a bzImage", m.p[0x1fe] = 0)
BAD(empty, "not a bzImage", m.size = 0)
BAD(header, "inside its header", m.size = 0x24f)
BAD(old, "too old", m.p[0x206] = 7)
BAD(bits32, "32-bit", m.p[0x236] = 0)
BAD(payload_offset, "cut short", m.p[0x24b] = 0xff)
BAD(payload_length, "cut short", m.p[0x24f] = 0xff)
BAD(sectors, "cut short", m.p[0x1f1] = 255)
BAD(no_payload, "no payload", m.p[0x24c] = 7)

Test(bzimage, cut_at_every_length)
{
	struct image m = make();

	for (u64 size = 0; size < m.size; size++) {
		u8 *cut = malloc(size ? size : 1);

		memcpy(cut, m.p, size);
		cr_assert_not_null(bzimage_parse(cut, size, &b));
		free(cut);
	}
	free(m.p);
}

Test(bzimage, every_byte_damaged)
{
	struct image m = make();

	for (u64 at = 0; at < 0x3a0; at++)
		for (unsigned v = 0; v < 256; v++) {
			u8 old = m.p[at];

			m.p[at] = v;
			if (!bzimage_parse(m.p, m.size, &b))
				cr_assert(b.payload >= m.p &&
					  b.payload + b.payload_size <= m.p + m.size);
			m.p[at] = old;
		}
	free(m.p);
}

Test(bzimage, what_is_appended_to_a_kernel)
{
	struct image m = make();
	static const u32 certificate[2] = { 20, 0x00020200 };
	u64 end = ALIGN_UP(m.size, 16), size = end + 24 + 100;
	u32 rest = (u32)(end - 3 * 512) / 16;
	u8 *p = calloc(1, size);

	memcpy(p, m.p, m.size);
	memcpy(p + 0x1f4, &rest, sizeof(rest));
	cr_assert_eq(bzimage_end(p, end), end);
	cr_assert_eq(bzimage_end(p, end - 1), end - 1);
	cr_assert_eq(bzimage_end(p, end + 4), end);
	cr_assert_eq(bzimage_end(p, size), end);
	memcpy(p + end, certificate, sizeof(certificate));
	cr_assert_eq(bzimage_end(p, size), end + 24);
	cr_assert_eq(bzimage_end(p, end + 8), end + 8); /* the signature is cut */
	p[0x202] = 0;
	cr_assert_eq(bzimage_end(p, size), size);
	free(p);
	free(m.p);
}
