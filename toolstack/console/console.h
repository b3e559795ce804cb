/* SPDX-License-Identifier: MIT */
/* How 'pavise console' reaches the console daemon. */

#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

/*
 * A client says a domain's number and a line's end; from then on what it sends is typed. It gets the
 * scroll-back, then what the guest writes. The daemon hangs up when the domain is gone, or isn't there.
 */
#define CONSOLE_SOCKET "/run/pavise/console"

#endif /* CONSOLE_CONSOLE_H */
