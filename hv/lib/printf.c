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
	bool minus, zero, alt, plus, space;
	int width;
	int precision; /* -1: none given */
	int bytes;     /* width of an integer argument */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_n(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

/* prefix, zeros and text, padded to the field's width */
static void put_field(struct out *o, const struct spec *s, const char *prefix, int zeros,
		      const char *text, int len)
{
	int fill = s->width - (int)strlen(prefix) - zeros - len;

	if (!s->minus)
		put_n(o, ' ', fill);
	for (; *prefix; prefix++)
		put(o, *prefix);
	put_n(o, '0', zeros);
	for (int i = 0; i < len; i++)
		put(o, text[i]);
	if (s->minus)
		put_n(o, ' ', fill);
}

static void put_number(struct out *o, const struct spec *s, u64 v, unsigned base, bool upper,
		       const char *sign)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	const char *prefix = s->alt && base == 16 && v ? (upper ? "0X" : "0x") : sign;
	char tmp[20];
	int n = 0, zeros;

	for (u64 rest = v; rest; rest /= base)
		tmp[sizeof(tmp) - ++n] = digits[rest % base];
	if (!n && s->precision) /* a zero with precision 0 is no digit at all */
		tmp[sizeof(tmp) - ++n] = '0';
	zeros = MAX(s->precision - n, 0);
	if (s->zero && !s->minus && s->precision < 0)
		zeros = MAX(s->width - (int)strlen(prefix) - n, 0);
	put_field(o, s, prefix, zeros, tmp + sizeof(tmp) - n, n);
}

static void put_signed(struct out *o, const struct spec *s, s64 v)
{
	const char *sign = v < 0 ? "-" : s->plus ? "+" : s->space ? " " : "";

	put_number(o, s, v < 0 ? -(u64)v : (u64)v, 10, false, sign);
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	if (!text)
		text = "(null)";
	put_field(o, s, "", 0, text, s->precision < 0 ? strlen(text) : strnlen(text, s->precision));
}

static bool parse_flag(struct spec *s, char c)
{
	switch (c) {
	case '-':
		s->minus = true;
		return true;
	case '0':
		s->zero = true;
		return true;
	case '#':
		s->alt = true;
		return true;
	case '+':
		s->plus = true;
		return true;
	case ' ':
		s->space = true;
		return true;
	default:
		return false;
	}
}

static int parse_int(const char **fmt)
{
	int n = 0;

	while (**fmt >= '0' && **fmt <= '9' && n < 10000)
		n = n * 10 + *(*fmt)++ - '0';
	return n;
}

static int parse_size(const char **fmt)
{
	char c = **fmt;

	if (c != 'h' && c != 'l' && c != 'z')
		return 4;
	(*fmt)++;
	if (c == 'h' && **fmt == 'h')
		return (*fmt)++, 1;
	if (c == 'l' && **fmt == 'l')
		(*fmt)++;
	return c == 'h' ? 2 : 8;
}

/* Up to the conversion character; width and precision may be arguments. */
static struct spec parse_spec(const char **fmt, va_list *ap)
{
	struct spec s = { .precision = -1 };

	while (parse_flag(&s, **fmt))
		(*fmt)++;
	if (**fmt == '*') {
		(*fmt)++;
		s.width = va_arg(*ap, int);
		if (s.width < 0) {
			s.minus = true;
			s.width = s.width < -10000 ? 10000 : -s.width;
		}
	} else {
		s.width = parse_int(fmt);
	}
	if (**fmt == '.') {
		(*fmt)++;
		if (**fmt == '*') {
			(*fmt)++;
			s.precision = va_arg(*ap, int);
		} else {
			s.precision = parse_int(fmt);
		}
	}
	s.bytes = parse_size(fmt);
	return s;
}

static u64 get_unsigned(const struct spec *s, va_list *ap)
{
	u64 v = s->bytes == 8 ? va_arg(*ap, u64) : va_arg(*ap, u32);

	return s->bytes == 1 ? (u8)v : s->bytes == 2 ? (u16)v : v;
}

static s64 get_signed(const struct spec *s, va_list *ap)
{
	s64 v = s->bytes == 8 ? va_arg(*ap, s64) : va_arg(*ap, s32);

	return s->bytes == 1 ? (s8)v : s->bytes == 2 ? (s16)v : v;
}

static void convert(struct out *o, char c, struct spec *s, va_list *ap)
{
	char one;

	switch (c) {
	case 'd':
	case 'i':
		put_signed(o, s, get_signed(s, ap));
		break;
	case 'u':
		put_number(o, s, get_unsigned(s, ap), 10, false, "");
		break;
	case 'x':
	case 'X':
		put_number(o, s, get_unsigned(s, ap), 16, c == 'X', "");
		break;
	case 'p':
		s->alt = true;
		put_number(o, s, (u64)va_arg(*ap, void *), 16, false, "");
		break;
	case 's':
		put_string(o, s, va_arg(*ap, const char *));
		break;
	case 'c':
		one = va_arg(*ap, int);
		put_field(o, s, "", 0, &one, 1);
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
	struct spec s;
	va_list ap;

	va_copy(ap, args);
	while (*fmt) {
		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		fmt++;
		s = parse_spec(&fmt, &ap);
		if (!*fmt)
			break;
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
