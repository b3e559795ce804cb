/* SPDX-License-Identifier: MIT */
/* lib/string.c against the C library; ours goes by other names here. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define memcpy hv_memcpy
#define memmove hv_memmove
#define memset hv_memset
#define memcmp hv_memcmp
#define memchr hv_memchr
#define strlen hv_strlen
#define strnlen hv_strnlen
#define strcmp hv_strcmp
#define strncmp hv_strncmp
#define strchr hv_strchr
#define strstr hv_strstr
#undef LIB_STRING_H
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strstr

#define MAX_LEN 300
#define GUARD 16

static u8 pattern[4096];

static void fill(void)
{
	srand(1);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = rand();
}

Test(string, memcpy_every_length_and_alignment, .init = fill)
{
	u8 dst[MAX_LEN + 2 * GUARD + 8], want[sizeof(dst)];

	for (size_t n = 0; n <= MAX_LEN; n++)
		for (size_t a = 0; a < 64; a++) {
			size_t d = GUARD + a / 8, s = a % 8;

			memset(dst, 0xee, sizeof(dst));
			memset(want, 0xee, sizeof(want));
			memcpy(want + d, pattern + s, n);
			cr_assert_eq(hv_memcpy(dst + d, pattern + s, n), dst + d);
			cr_assert(!memcmp(dst, want, sizeof(dst)), "n=%zu d=%zu s=%zu", n, d, s);
		}
}

Test(string, memmove_every_overlap, .init = fill)
{
	u8 buf[512], want[512];

	for (size_t n = 0; n <= 150; n++)
		for (int delta = -160; delta <= 160; delta++) {
			memcpy(buf, pattern, sizeof(buf));
			memcpy(want, pattern, sizeof(want));
			memmove(want + 180 + delta, want + 180, n);
			cr_assert_eq(hv_memmove(buf + 180 + delta, buf + 180, n),
				     buf + 180 + delta);
			cr_assert(!memcmp(buf, want, sizeof(buf)), "n=%zu delta=%d", n, delta);
		}
}

Test(string, memset_every_length)
{
	u8 buf[MAX_LEN + 40], want[sizeof(buf)];

	for (size_t n = 0; n <= MAX_LEN; n++)
		for (size_t a = 0; a < 8; a++) {
			memset(buf, 0x11, sizeof(buf));
			memset(want, 0x11, sizeof(want));
			memset(want + 16 + a, 0xa5, n);
			cr_assert_eq(hv_memset(buf + 16 + a, 0x7a5, n), buf + 16 + a);
			cr_assert(!memcmp(buf, want, sizeof(buf)), "n=%zu", n);
		}
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

Test(string, memcmp_and_memchr, .init = fill)
{
	u8 a[64], b[64];

	for (size_t n = 0; n <= 64; n++) {
		memcpy(a, pattern, 64);
		memcpy(b, pattern, 64);
		cr_assert_eq(hv_memcmp(a, b, n), 0);
		for (size_t i = 0; i < 64; i++) {
			b[i] ^= 0x80;
			cr_assert_eq(sign(hv_memcmp(a, b, n)), sign(memcmp(a, b, n)), "%zu %zu", n,
				     i);
			b[i] ^= 0x80;
		}
		cr_assert_eq(hv_memchr(pattern, 0x42, n), memchr(pattern, 0x42, n));
	}
}

Test(string, strings)
{
	static const char *const s[] = { "",   "a",   "ab",   "abc",   "b",
					 "ba", "aab", "\xff", "a\xff", "abcabd" };

	for (size_t i = 0; i < ARRAY_SIZE(s); i++) {
		cr_assert_eq(hv_strlen(s[i]), strlen(s[i]));
		for (size_t n = 0; n < 5; n++)
			cr_assert_eq(hv_strnlen(s[i], n), strnlen(s[i], n));
		cr_assert_eq(hv_strchr(s[i], 'b'), strchr(s[i], 'b'));
		cr_assert_eq(hv_strchr(s[i], '\xff'), strchr(s[i], '\xff'));
		cr_assert_eq(hv_strchr(s[i], 0), strchr(s[i], 0));
		for (size_t j = 0; j < ARRAY_SIZE(s); j++) {
			cr_assert_eq(sign(hv_strcmp(s[i], s[j])), sign(strcmp(s[i], s[j])));
			cr_assert_eq(hv_strstr(s[i], s[j]), strstr(s[i], s[j]), "%s %s", s[i],
				     s[j]);
			for (size_t n = 0; n < 4; n++)
				cr_assert_eq(sign(hv_strncmp(s[i], s[j], n)),
					     sign(strncmp(s[i], s[j], n)));
		}
	}
}

Test(string, numbers)
{
	static const struct {
		const char *text;
		u64 value;
		const char *rest;
	} cases[] = { { "115200,8n1", 115200, ",8n1" },
		      { "0x3F8", 0x3f8, "" },
		      { "12ab", 12, "ab" },
		      { "-1", 0, "-1" },
		      { "", 0, "" },
		      { "0x", 0, "x" },
		      { "0xg", 0, "xg" } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *s = cases[i].text;

		cr_assert_eq(parse_number(&s), cases[i].value, "%s", cases[i].text);
		cr_assert_str_eq(s, cases[i].rest);
	}
}
