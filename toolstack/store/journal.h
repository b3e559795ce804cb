/* SPDX-License-Identifier: MIT */
/* The journal: what a store that was killed goes on from. */

#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "store.h"

/*
 * A file, mapped. What a request changes, its answer, the events it causes for rings, and where
 * its ring then stands are one record; a record is there as a whole or not at all. It is
 * written before the ring's index moves and before anything is sent. Connections over sockets
 * end with the process, so nothing of theirs is kept.
 *
 * Memory of the process is gone after SIGKILL, the mapped file's pages are not. Nothing is ever
 * synced to a disk: what the store describes ends with the machine's uptime, too.
 */

/* Opens or makes it, and restores what it holds: false, and it is logged, without one. */
bool journal_open(struct store *s, const char *path);
void journal_close(struct store *s);
/* Makes a record of all that was told since the last. */
void journal_commit(struct store *s);
/* Writes a slice of a new, shorter file when the old has grown. */
void journal_compact(struct store *s);
bool journal_compacting(const struct store *s);
size_t journal_size(const struct store *s);

void journal_change(struct store *s, const struct change *ch);
void journal_domain(struct store *s, const struct domain *d);
void journal_domain_gone(struct store *s, const struct domain *d, bool gone);
void journal_special(struct store *s, int which);
/* Of rings' connections; the others' are not kept. */
void journal_watch(struct store *s, const struct watch *w, bool add);
void journal_tx(struct conn *c, uint32_t id, bool open);
void journal_reset(struct conn *c);
void journal_ring(struct conn *c);
void journal_in(struct conn *c);
void journal_ring_in(struct conn *c, uint32_t req_cons, const void *bytes, size_t len);
void journal_out(struct conn *c, const void *bytes, size_t len);

#endif /* STORE_JOURNAL_H */
