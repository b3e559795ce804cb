/* SPDX-License-Identifier: MIT */
/* lib/printf.c against the C library's. */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/printf.h"

/* Formats are made up while running, or hold what the host's compiler objects to. */
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-overflow"

#define SAME(...)                                                                                  \
	do {                                                                                       \
		char got_[256], want_[256];                                                        \
		int n_ = hv_snprintf(got_, sizeof(got_), __VA_ARGS__);                             \
		int m_ = snprintf(want_, sizeof(want_), __VA_ARGS__);                              \
		cr_assert_str_eq(got_, want_);                                                     \
		cr_assert_eq(n_, m_);                                                              \
	} while (0)

Test(printf, integers_in_every_form)
{
	static const char *const flags[] = { "", "0", "#", "0#" };
	static const char *const widths[] = { "", "1", "7", "20" };
	static const char *const sizes[] = { "", "l", "ll" };
	static const long values[] = { 0,      1,       -1,      9,        255,     256,
				       -32769, INT_MAX, INT_MIN, LONG_MAX, LONG_MIN };
	char fmt[64];

	for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
			for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
				for (const char *c = "dux"; *c; c++)
					for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
						snprintf(fmt, sizeof(fmt), "<%%%s%s%s%c>", flags[f],
							 widths[w], sizes[s], *c);
						SAME(fmt, values[v]);
					}
}

Test(printf, text)
{
	SAME("plain");
	SAME("");
	SAME("100%%");
	SAME("%s|%10s|%2s|", "abc", "abc", "abc");
	SAME("%c%c%5c.", 'a', 'b', 'c');
	SAME("%s %d %s %lx %u", "a", -1, "b", 0xdeadbeefcafeUL, 7u);
}

Test(printf, own_ways)
{
	char buf[64];

	hv_snprintf(buf, sizeof(buf), "%s", (char *)NULL);
	cr_assert_str_eq(buf, "(null)");
	hv_snprintf(buf, sizeof(buf), "%k|%");
	cr_assert_str_eq(buf, "%k|");
	hv_snprintf(buf, sizeof(buf), "%-5d", 1);
	cr_assert_str_eq(buf, "%-5d");
	cr_assert_eq(hv_snprintf(buf, sizeof(buf), "%1000d", 1), 1000);
	cr_assert_eq(buf[63], 0);
}

Test(printf, never_beyond_the_buffer)
{
	char buf[16];

	for (size_t size = 0; size <= 12; size++) {
		memset(buf, 'Z', sizeof(buf));
		cr_assert_eq(hv_snprintf(buf, size, "%s%d", "hello", 12345), 10);
		for (size_t i = size; i < sizeof(buf); i++)
			cr_assert_eq(buf[i], 'Z');
		if (size) {
			cr_assert_eq(strlen(buf), MIN(size - 1, 10UL));
			cr_assert(!strncmp(buf, "hello12345", size - 1));
		}
	}
	cr_assert_eq(hv_snprintf(NULL, 0, "%1000d", 1), 1000);
}
