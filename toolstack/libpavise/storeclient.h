/* SPDX-License-Identifier: MIT */
/* A client of the store, over its socket. */

#ifndef LIBPAVISE_STORECLIENT_H
#define LIBPAVISE_STORECLIENT_H

#include <stdint.h>

#include "failure.h"

struct store_client {
	int fd;
	uint32_t transaction; /* of the following requests; 0: none */
	bool event;           /* one came while an answer was waited for */
	bool broken;          /* a request found the connection ended; until it is opened anew */
};

/* path: NULL, where it usually is ($XENSTORED_PATH, /run/xenstored/socket). */
bool store_open(struct store_client *s, const char *path, struct failure *f);
void store_close(struct store_client *s);
/* Once more where it usually is, for a few seconds: a store that was killed comes back. */
bool store_reopen(struct store_client *s);

/* The value, zero-terminated, to be freed; NULL: there is none, errno says why. */
char *store_read(struct store_client *s, const char *path);
/* The names of its children, each with its zero, then an empty one; to be freed. NULL: errno. */
char *store_directory(struct store_client *s, const char *path);
/* 0 or -errno; -EPIPE: the store is gone. */
int store_write(struct store_client *s, const char *path, const char *value);
int store_remove(struct store_client *s, const char *path);
/* perms: as on the wire, one string: "n0" or "n0 r5". */
int store_set_perms(struct store_client *s, const char *path, const char *perms);
/* The numbers of the domains called so, a space behind each; to be freed. NULL: this store can't say. */
char *store_find(struct store_client *s, const char *name);
int store_introduce(struct store_client *s, uint16_t domid, uint64_t mfn, uint32_t port);
int store_release(struct store_client *s, uint16_t domid);
/* store_end() with commit: -EAGAIN, do it all again. */
int store_begin(struct store_client *s);
int store_end(struct store_client *s, bool commit);
/* change(s, ctx), in a transaction, as often as it takes. What it, or the transaction, gave. */
int store_transact(struct store_client *s, int (*change)(struct store_client *s, void *ctx),
		   void *ctx);
/* From now on store_wait() sees changes of path. */
int store_watch(struct store_client *s, const char *path);
/* Waits for an event since the last call, at most until timeout milliseconds are over (-1: for ever). -ETIMEDOUT. */
int store_wait(struct store_client *s, int timeout);

/* Writes many nodes; after the first failure no more. */
struct store_writer {
	struct store_client *s;
	int rc;        /* 0 or -errno of the first failure */
	char base[96]; /* what names are below; "" names it itself */
};
void writer_move(struct store_writer *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void writer_put(struct store_writer *w, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* An empty node with those permissions, which nodes made below it inherit. */
void writer_make(struct store_writer *w, const char *name, const char *perms);

#endif /* LIBPAVISE_STORECLIENT_H */
