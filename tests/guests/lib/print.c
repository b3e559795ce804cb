/* SPDX-License-Identifier: MIT */
/* Console output and the lines of the test protocol. */
#include <xen/io/console.h>
#include <stdarg.h>

#include "guest.h"

unsigned passed, failed;
static volatile struct xencons_interface *ring; /* of our own console, once it is used */

struct out {
	char *at, *end;
};

static void put(struct out *o, char c)
{
	if (o->at < o->end)
		*o->at++ = c;
}

static void put_num(struct out *o, u64 v, unsigned base, bool negative, unsigned width, char fill)
{
	char digits[24];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
	} while (v /= base);
	if (negative)
		put(o, '-');
	while (width > n)
		put(o, fill), width--;
	while (n)
		put(o, digits[--n]);
}

/* %s %c %d %u %x with l and a width, and %%: enough here. */
static void expand(struct out *o, const char *fmt, va_list ap)
{
	for (; *fmt; fmt++) {
		unsigned width = 0;
		bool is_long = false;
		char fill = ' ';

		if (*fmt != '%') {
			put(o, *fmt);
			continue;
		}
		fmt++;
		if (*fmt == '0')
			fill = '0';
		while (*fmt >= '0' && *fmt <= '9')
			width = width * 10 + (unsigned)(*fmt++ - '0');
		while (*fmt == 'l')
			is_long = true, fmt++;
		if (*fmt == 's') {
			for (const char *s = va_arg(ap, const char *); *s; s++)
				put(o, *s);
		} else if (*fmt == 'c') {
			put(o, (char)va_arg(ap, int));
		} else if (*fmt == 'd') {
			i64 v = is_long ? va_arg(ap, i64) : va_arg(ap, int);

			put_num(o, v < 0 ? -(u64)v : (u64)v, 10, v < 0, width, fill);
		} else if (*fmt == 'u' || *fmt == 'x') {
			u64 v = is_long ? va_arg(ap, u64) : va_arg(ap, unsigned);

			put_num(o, v, *fmt == 'x' ? 16 : 10, false, width, fill);
		} else {
			put(o, *fmt);
		}
	}
}

int vformat(char *to, size_t size, const char *fmt, va_list ap)
{
	struct out o = { to, to + size - 1 };

	expand(&o, fmt, ap);
	*o.at = 0;
	return (int)(o.at - to);
}

int format(char *to, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vformat(to, size, fmt, ap);
	va_end(ap);
	return n;
}

void console_own(void)
{
	ring = va_of_mfn(si->console.domU.mfn);
}

void console_flush(void)
{
	struct evtchn_send s = { si->console.domU.evtchn };

	if (ring)
		evtchn_op(EVTCHNOP_send, &s);
}

/* Who reads is told when it is full, and at the end: it would run while something is measured. */
static void ring_write(const char *s, const char *end)
{
	for (; s < end; s++) {
		while (ring->out_prod - ring->out_cons == sizeof(ring->out)) {
			console_flush();
			sched_op(SCHEDOP_yield, NULL);
		}
		ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = *s;
		barrier();
		ring->out_prod++;
	}
}

static void console(char *buf, struct out *o)
{
	*o->at++ = '\n';
	if (ring)
		ring_write(buf, o->at);
	else
		HC(console_io, CONSOLEIO_write, o->at - buf, buf, 0);
}

void say(const char *fmt, ...)
{
	char buf[320];
	struct out o = { buf, buf + sizeof(buf) - 2 };
	va_list ap;

	va_start(ap, fmt);
	expand(&o, fmt, ap);
	va_end(ap);
	console(buf, &o);
}

static void head(struct out *o, const char *verdict, const char *what)
{
	for (const char *parts[] = { "GUEST ", guest_name, ": ", verdict, " ", what, ": ", NULL },
			**p = parts;
	     *p; p++)
		for (const char *s = *p; *s; s++)
			put(o, *s);
}

bool report(bool ok, const char *what, const char *fmt, ...)
{
	char buf[320];
	struct out o = { buf, buf + sizeof(buf) - 2 };
	va_list ap;

	if (ok)
		__atomic_fetch_add(&passed, 1, __ATOMIC_RELAXED);
	else
		__atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);
	/* Other domains' output is rationed: they tell only what failed, unless asked for all. */
	if (ok && !privileged && !arg("verbose"))
		return true;
	head(&o, ok ? "PASS" : "FAIL", what);
	va_start(ap, fmt);
	expand(&o, fmt, ap);
	va_end(ap);
	console(buf, &o);
	return ok;
}

void skip(const char *what, const char *why)
{
	say("GUEST %s: SKIP %s: %s", guest_name, what, why);
}

bool check_rc(const char *what, long rc, long expected)
{
	if (rc == expected)
		return report(true, what, "rc %ld", rc);
	return report(false, what, "rc %ld, not %ld", rc, expected);
}

int str_cmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

size_t str_len(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}
