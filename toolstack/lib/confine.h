/* SPDX-License-Identifier: MIT */
/* A process that can ask its kernel for little. */

#ifndef TOOLSTACK_CONFINE_H
#define TOOLSTACK_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

#define CONFINE_MAX 64

/* From here on only these system calls (n <= CONFINE_MAX); another one ends the process. False: errno. */
bool confine_calls(const uint16_t *allowed, unsigned int n);
/*
 * Runs look(arg) in a child, for what a guest's owner made: without a descriptor, with a bound of processor
 * time, and with calls only about its own memory and its end. What it leaves in shared memory can be
 * read then. NULL, or what went wrong: "cause; remedy".
 */
const char *confined(void (*look)(void *arg), void *arg);

#endif /* TOOLSTACK_CONFINE_H */
