/* SPDX-License-Identifier: MIT */
/* Lets tests/unit/host_core.c be linked to a fuzzer: assertions without a test framework. */
#ifndef FUZZ_CRITERION_H
#define FUZZ_CRITERION_H

#define cr_assert(cond, ...)                                                                       \
	do {                                                                                       \
		if (!(cond))                                                                       \
			__builtin_trap();                                                          \
	} while (0)

#endif
