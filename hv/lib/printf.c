/* SPDX-License-Identifier: MIT */
/* Formatted output into a buffer. */
#include "lib/printf.h"

#include "lib/string.h"

struct out {
	char *buf;
	size_t size; /* bytes in buf */
	size_t len;  /* bytes the whole text has so far */
};

struct spec {
	bool zero, alt, wide;
	int width;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

/* Prefix and text, right-aligned: zeros stand behind the prefix, spaces before it. */
static void put_field(struct out *o, const struct spec *s, const char *prefix, const char *text,
		      size_t len)
{
	int fill = s->width - (int)(strlen(prefix) + len);

	for (; fill > 0 && !s->zero; fill--)
		put(o, ' ');
	for (; *prefix; prefix++)
		put(o, *prefix);
	for (; fill > 0; fill--)
		put(o, '0');
	while (len--)
		put(o, *text++);
}

static void put_number(struct out *o, const struct spec *s, u64 v, unsigned base,
		       const char *prefix)
{
	char tmp[20];
	unsigned n = 0;

	do
		tmp[sizeof(tmp) - ++n] = "0123456789abcdef"[v % base];
	while (v /= base);
	put_field(o, s, prefix, tmp + sizeof(tmp) - n, n);
}

static void convert(struct out *o, char c, struct spec *s, va_list *ap)
{
	const char *text;
	s64 number;
	char one;

	switch (c) {
	case 'd':
		number = s->wide ? va_arg(*ap, s64) : va_arg(*ap, s32);
		put_number(o, s, number < 0 ? -(u64)number : (u64)number, 10,
			   number < 0 ? "-" : "");
		break;
	case 'u':
	case 'x':
		number = s->wide ? va_arg(*ap, u64) : va_arg(*ap, u32);
		put_number(o, s, number, c == 'u' ? 10 : 16,
			   c == 'x' && s->alt && number ? "0x" : "");
		break;
	case 's':
		text = va_arg(*ap, const char *) ?: "(null)";
		s->zero = false;
		put_field(o, s, "", text, strlen(text));
		break;
	case 'c':
		one = va_arg(*ap, int);
		put_field(o, s, "", &one, 1);
		break;
	default: /* "%%", and what we don't know shows as it is */
		if (c != '%')
			put(o, '%');
		put(o, c);
	}
}

int hv_vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out o = { buf, size, 0 };
	va_list ap;

	va_copy(ap, args);
	while (*fmt) {
		struct spec s = { 0 };

		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		for (fmt++; *fmt == '0' || *fmt == '#'; fmt++) {
			s.zero |= *fmt == '0';
			s.alt |= *fmt == '#';
		}
		for (; *fmt >= '0' && *fmt <= '9' && s.width < 1000; fmt++)
			s.width = s.width * 10 + *fmt - '0';
		for (; *fmt == 'l'; fmt++)
			s.wide = true;
		if (*fmt)
			convert(&o, *fmt++, &s, &ap);
	}
	va_end(ap);
	if (size)
		buf[MIN(o.len, size - 1)] = '\0';
	return (int)o.len;
}

int hv_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = hv_vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
