/* SPDX-License-Identifier: MIT */
/* Memory and lines for the log. */

#include "util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(const char *format, va_list args)
{
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	exit(1);
}

void log_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

static void *check(void *p)
{
	if (!p)
		die("out of memory");
	return p;
}

void *xmalloc(size_t bytes)
{
	return check(malloc(bytes));
}

void *xzalloc(size_t bytes)
{
	return check(calloc(1, bytes));
}

void *xrealloc(void *p, size_t bytes)
{
	return check(realloc(p, bytes));
}

char *xstrdup(const char *s)
{
	return check(strdup(s));
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *s;

	va_start(args, format);
	if (vasprintf(&s, format, args) < 0)
		s = NULL;
	va_end(args);
	return check(s);
}
