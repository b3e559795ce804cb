/* SPDX-License-Identifier: MIT */
/* What went wrong, as one line for a person and a number for a program. */

#ifndef LIBPAVISE_FAILURE_H
#define LIBPAVISE_FAILURE_H

#include <stdbool.h>

/* Classes of causes, which are exit codes; those below 20 are in config/config.h. */
enum failure_class {
	FAIL_NONE = 0,
	FAIL_USAGE = 2,
	FAIL_UNSUPPORTED = 15,
	FAIL_IMAGE_FILE = 17,
	FAIL_IMAGE = 18,
	FAIL_REACH = 20,     /* no hypervisor, or no store */
	FAIL_MEMORY = 21,    /* too little is free, or too little was given */
	FAIL_TAKEN = 22,     /* a name, a number or a UUID */
	FAIL_NO_DOMAIN = 23, /* none of that name or number */
	FAIL_REFUSED = 24,   /* the hypervisor or the store did not do it */
	FAIL_TIME = 25,      /* it did not happen in time */
	FAIL_FILE = 26,      /* what was to be written can't be */
};

struct failure {
	enum failure_class code;
	int line; /* of the configuration; 0: it is not about one */
	char text[512];
};

/* Notes "cause; remedy", unless something is noted already: the first cause counts. Always false. */
bool fail(struct failure *f, enum failure_class code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, about that line of the configuration. */
bool fail_at(struct failure *f, int line, enum failure_class code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif /* LIBPAVISE_FAILURE_H */
