/* SPDX-License-Identifier: MIT */
/* Tells the service manager that a daemon serves. */

#ifndef TOOLSTACK_NOTIFY_H
#define TOOLSTACK_NOTIFY_H

/* Says READY=1 at $NOTIFY_SOCKET, if there is one. */
void notify_ready(void);

#endif /* TOOLSTACK_NOTIFY_H */
