/* SPDX-License-Identifier: MIT */
/* What went wrong: the first cause is kept. */

#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

bool fail(struct failure *f, enum failure_class code, const char *format, ...)
{
	va_list args;

	if (f->code)
		return false;
	f->code = code;
	va_start(args, format);
	vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
	return false;
}
