/* SPDX-License-Identifier: MIT */
/* Functions of modules. */

#ifndef TOOLSTACK_LATE_H
#define TOOLSTACK_LATE_H

/*
 * What few runs need lies in modules, with the libraries that it stands on: to load these costs a command
 * more instructions than all that it does. NULL: it was said why.
 */
void *late(const char *module, const char *function);

#endif /* TOOLSTACK_LATE_H */
