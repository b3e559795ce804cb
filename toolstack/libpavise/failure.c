/* SPDX-License-Identifier: MIT */
/* What went wrong: the first cause is kept. */

#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

static bool note(struct failure *f, int line, enum failure_class code, const char *format,
		 va_list args)
{
	if (f->code)
		return false;
	f->code = code;
	f->line = line;
	vsnprintf(f->text, sizeof(f->text), format, args);
	return false;
}

bool fail(struct failure *f, enum failure_class code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note(f, 0, code, format, args);
	va_end(args);
	return false;
}

bool fail_at(struct failure *f, int line, enum failure_class code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note(f, line, code, format, args);
	va_end(args);
	return false;
}
