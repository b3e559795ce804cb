/* SPDX-License-Identifier: MIT */
/* Formatted output into a buffer. */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include <stdarg.h>

#include "lib/base.h"

/*
 * Format into buf, always terminated when size > 0; returns the length the whole text would have.
 * %c %s %d %u %x %%, with the flags 0 and #, a width, and l. Anything else shows as it is.
 * (Named with a prefix so that hosts keep their own.)
 */
int hv_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) printf_fn(3, 0);
int hv_snprintf(char *buf, size_t size, const char *fmt, ...) printf_fn(3, 4);

#endif
