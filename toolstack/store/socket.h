/* SPDX-License-Identifier: MIT */
/* Clients over the UNIX socket. */

#ifndef STORE_SOCKET_H
#define STORE_SOCKET_H

#include "store.h"

/* A client on a connected, non-blocking socket, which closes with it. */
struct conn *socket_conn(struct store *s, int fd);
/* There may be bytes to receive. */
void socket_readable(struct conn *c);

#endif /* STORE_SOCKET_H */
