/* SPDX-License-Identifier: MIT */
/* The store: what its files share. docs/store.md says how it hangs together. */

#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <xen/xen.h>
#include <xen/io/xs_wire.h>

#include "tree.h"

/* All state belongs to the one thread; nothing is locked. */

#define TOKEN_MAX 1000   /* of a watch */
#define OUT_HIGH 0x10000 /* more than this queued: no further request is taken */
#define EVENT_BUCKETS 32

enum quota {
	QUOTA_NODES,     /* nodes a domain owns */
	QUOTA_NODE_SIZE, /* bytes of one node's value */
	QUOTA_PERMS,     /* entries of one node's permissions */
	QUOTA_WATCHES,
	QUOTA_TRANSACTIONS, /* open at once */
	QUOTA_TX_NODES,     /* nodes one transaction touches */
	QUOTA_OUTSTANDING,  /* answers and events not yet taken */
	QUOTA_MEMORY,       /* KiB of all of it */
	QUOTAS
};

struct store;
struct conn;
struct journal;

/* A domain the store has heard of. */
struct domain {
	LIST_ENTRY(domain) link;
	uint16_t id;
	uint32_t life; /* unique: tells it from an earlier one of the same number */
	bool introduced;
	bool shut_down;        /* @releaseDomain has been said for that */
	struct domain *target; /* has this one's rights, too */
	uint64_t gfn;          /* of the ring's page */
	uint32_t port;         /* the domain's end */
	struct conn *conn;     /* NULL: not introduced, or its ring was cut off */
	long nodes, memory;    /* used of the quotas */
	unsigned int watches;
	uint32_t hits[QUOTAS]; /* refusals since the last line in the log */
	uint64_t said[QUOTAS]; /* when that line was, seconds */
};

struct message {
	TAILQ_ENTRY(message) link;
	LIST_ENTRY(message) same; /* events not begun to be sent, by content */
	bool event;
	uint32_t len, sent;
	char bytes[];
};

struct watch {
	TAILQ_ENTRY(watch) at; /* of its path */
	TAILQ_ENTRY(watch) of; /* of its connection */
	struct watch_path *path;
	struct conn *conn;
	uint16_t relative; /* leading bytes of event paths that its client doesn't see */
	char token[];
};

/* One step of what a transaction did, done again on the current tree when it ends. */
enum change_kind { CHANGE_WRITE = 1, CHANGE_MKDIR, CHANGE_RM, CHANGE_PERMS };

struct change {
	TAILQ_ENTRY(change) link;
	enum change_kind kind;
	struct blob *value; /* WRITE */
	struct acl *acl; /* PERMS: the new; WRITE and MKDIR: of nodes made, or NULL: the parent's */
	struct domain *maker; /* owner of nodes made, or NULL: the parent's owner */
	/* what apply found, for the events */
	struct node *removed;
	struct acl *before;
	bool done_nothing;
	char path[];
};

/* What a transaction saw or touched of a node. */
#define SAW_LIFE 1
#define SAW_VALUE 2
#define SAW_LIST 4

struct account {
	SLIST_ENTRY(account) link;
	struct domain *domain;
	long nodes, memory;
};

struct transaction {
	TAILQ_ENTRY(transaction) link;
	TAILQ_ENTRY(transaction) age; /* of all, oldest first */
	struct conn *conn;
	uint32_t id;
	bool doomed;       /* its snapshot is lost: ends with EAGAIN */
	struct node *base; /* the tree when it began */
	struct node *root; /* and with its changes */
	void *saw;         /* tsearch(3) of struct access */
	unsigned int touched;
	long memory; /* of what it saw, changed: on its connection's domain's account */
	TAILQ_HEAD(, change) changes;
	SLIST_HEAD(, account) accounts;
};

/* How bytes come and go. */
struct conn_ops {
	/*
	 * Takes the next request if it is all there: 1, with c->in; 0: when there is news of it;
	 * 2: a part of it came, and there may be more; -1: cut off.
	 */
	int (*receive)(struct conn *c);
	/* The request is in the journal: it need not come again. */
	void (*consumed)(struct conn *c);
	/* Sends of the queue what goes at once. -1: cut off. */
	int (*send)(struct conn *c);
	void (*close)(struct conn *c);
};

struct conn {
	TAILQ_ENTRY(conn) link;
	TAILQ_ENTRY(conn) ready_link;
	TAILQ_ENTRY(conn) dirty_link;
	bool ready, dirty, dead;
	bool waits; /* not taking requests until its queue is shorter */
	const struct conn_ops *ops;
	struct store *store;
	struct domain *domain; /* whose rights it has */
	bool ring;             /* restored after a restart */
	const char *why;       /* it is to be cut off: a sentence */
	/* the request under way */
	struct xsd_sockmsg head;
	char *in; /* XENSTORE_PAYLOAD_MAX bytes and a zero */
	/* answers and events */
	TAILQ_HEAD(, message) out;
	unsigned int out_messages;
	size_t out_bytes;
	LIST_HEAD(, message) events[EVENT_BUCKETS];
	TAILQ_HEAD(watch_list, watch) watches;
	TAILQ_HEAD(, transaction) transactions;
	unsigned int n_transactions;
	uint32_t next_tx;
};

/* What of the machine the store needs; NULL members where there is none. */
struct host {
	/* Maps a domain's ring page and binds its port: NULL and errno, or the page. */
	struct xenstore_domain_interface *(*attach)(struct domain *d, uint32_t *local_port);
	void (*detach)(struct domain *d, struct xenstore_domain_interface *page,
		       uint32_t local_port);
	void (*notify)(uint32_t local_port);
	/* 0: it doesn't exist or dies; 1: it has shut down; 2: it runs. */
	int (*domain_state)(uint16_t domid);
	/* The same of all there can be. False: not to be had now. */
	bool (*domain_states)(uint8_t state[DOMID_FIRST_RESERVED]);
};

struct store {
	struct node *root;
	uint64_t gen;           /* of the last change */
	struct acl *special[2]; /* of @introduceDomain, @releaseDomain */
	LIST_HEAD(, domain) domains;
	struct domain *by_id[DOMID_FIRST_RESERVED];
	uint32_t next_life;
	struct domain *dom0;
	TAILQ_HEAD(, conn) conns, ready, dirty;
	unsigned int n_ready;
	TAILQ_HEAD(, transaction) transactions; /* oldest first */
	struct watch_path **watch_table;
	unsigned int watch_slots, watch_paths;
	unsigned long quota[QUOTAS];
	const struct host *host;
	struct journal *journal; /* or NULL */
	bool trace;
	bool restoring;         /* the journal is being read: nothing is sent or logged in it */
	char sweep[PATH_BYTES]; /* where the search for dead domains' nodes stands; "": idle */
	size_t nodes_limit;     /* of all versions, beyond: the oldest snapshot is given up */
	uint64_t requests, conflicts, cut_off;
};

/* -- path.c */

/* The canonical absolute path of a request's: false and EINVAL. relative: bytes put before it. */
bool path_canonical(const struct conn *c, const char *path, size_t len, char out[PATH_BYTES],
		    uint16_t *relative);
/* 0, 1: @introduceDomain, @releaseDomain; -1: another. */
int path_special(const char *path);

/* -- perms.c */

/* What a connection may do with a node of these permissions. */
unsigned int access_of(const struct conn *c, const struct acl *acl);
bool conn_privileged(const struct conn *c);
/* From and to the wire's words ("n0", "r5"): NULL and EINVAL; bytes written. */
struct acl *acl_parse(struct store *s, const char *words, size_t len);
size_t acl_print(struct store *s, const struct acl *acl, char *out, size_t size);
/* The owner, or NULL if it is gone. */
struct domain *acl_owner(struct store *s, const struct acl *acl);
/* As another's, with another owner: domains own what they make. */
struct acl *acl_for_maker(const struct acl *acl, const struct domain *maker);

/* -- domain.c */

struct domain *domain_find(struct store *s, uint16_t id);
/* Finds it or hears of it; NULL if there is no such domain. */
struct domain *domain_hear(struct store *s, uint16_t id);
struct domain *domain_by_life(struct store *s, uint16_t id, uint32_t life);
/* It is new or was known: 0, or an errno. */
int domain_introduce(struct store *s, uint16_t id, uint64_t gfn, uint32_t port);
/* Ends its connection; gone: it no longer exists. */
void domain_release(struct store *s, struct domain *d, bool gone);
/* Looks which domains have died or shut down, and says so. */
void domains_check(struct store *s);
/* The name the toolstack gave it, or "". */
const char *domain_name(struct store *s, uint16_t id, char out[64]);
/* Searches a slice of the tree for nodes of dead domains; true: there is more to do. */
bool domains_sweep(struct store *s);

/* -- quota.c */

/* Counts a use against a limit: false, and it is logged, if a domain is over it. */
bool quota_allows(struct store *s, struct domain *d, enum quota q, unsigned long use);
extern const char *const quota_names[QUOTAS];
void quota_defaults(struct store *s);

/* -- watch.c */

/* 0 or an errno. */
int watch_add(struct conn *c, const char *path, uint16_t relative, const char *token);
int watch_remove(struct conn *c, const char *path, const char *token);
void watches_reset(struct conn *c);
/* Sends the events of a path that was written, made or removed. */
void watch_fire(struct store *s, const char *path, const struct change *change);
void watch_event(struct watch *w, const char *path);
/* Of a special path. */
void watch_fire_special(struct store *s, int which);
void watches_each(struct store *s, void (*each)(struct watch *w, void *arg), void *arg);
const char *watch_path_of(const struct watch *w);

/* -- change.c */

struct change *change_new(enum change_kind kind, const char *path);
void change_free(struct change *ch);
/*
 * Changes a tree. Sizes and rights have been checked; it can't fail but for a parent that is
 * not there (false). What it costs goes to the transaction's accounts or, without one, to the
 * domains themselves.
 */
bool change_apply(struct store *s, struct node **root, struct transaction *tx, struct change *ch);
/* Applies to the current tree, tells the journal, fires watches. Consumes ch. */
void change_now(struct store *s, struct change *ch);

/* -- transaction.c */

struct transaction *tx_find(struct conn *c, uint32_t id);
int tx_start(struct conn *c, uint32_t *id);
struct transaction *tx_restore(struct conn *c, uint32_t id);
/* Ends it: 0, EAGAIN, ENOSPC. */
int tx_end(struct transaction *tx, bool commit);
void tx_abort(struct transaction *tx);
/* Remembers what it saw: false if that is too much. */
bool tx_saw(struct transaction *tx, const char *path, unsigned int what);
/* Memory that lasts as long as it. */
void tx_charge(struct transaction *tx, long memory);
/* Its snapshot is given up. */
void tx_doom(struct transaction *tx);
void tx_account(struct transaction *tx, struct domain *d, long nodes, long memory);
/* What a transaction has used so far, beside the domain's own. */
const struct account *tx_account_of(const struct transaction *tx, const struct domain *d);

/* -- ops.c */

/* Serves the request in c->in. */
void serve(struct conn *c);
const char *op_name(uint32_t type);

/* -- control.c */

/* Serves XS_CONTROL: 0 or an errno, with its answer sent. */
int control(struct conn *c, uint32_t len);

/* -- conn.c */

struct conn *conn_new(struct store *s, const struct conn_ops *ops, struct domain *d, size_t bytes);
void conn_free(struct conn *c);
/* Takes part in the next round. */
void conn_ready(struct conn *c);
/* One request, if there is one. */
void conn_turn(struct conn *c);
void conn_cut(struct conn *c, const char *why);
void send_answer(struct conn *c, uint32_t type, const void *bytes, size_t len);
void send_error(struct conn *c, int error);
void send_event(struct conn *c, const char *path, const char *token);
/* Into the queue as it is: a restart does it. */
void conn_queue(struct conn *c, const void *bytes, size_t len, bool event);
/* The queue is to be looked at. */
void conn_dirty(struct conn *c);
void conn_drop_out(struct conn *c);
/* Takes sent bytes from the front of the queue. */
void conn_sent(struct conn *c, size_t bytes);

/* -- store.c */

/* Empty, with the nodes that every client expects. */
void store_init(struct store *s, const struct host *host);
void store_free(struct store *s);
/* The root alone: what a journal builds on. */
void store_reset_tree(struct store *s);
/* One round: each ready connection one request; then a slice of the background's work. */
void store_round(struct store *s);
bool store_busy(const struct store *s);
/* Sends what is queued, ends what is dead. */
void store_flush(struct store *s);

/* -- ring.c */

/* A connection over a domain's ring; page and port are the host's. reset: begin anew. */
struct conn *ring_attach(struct store *s, struct domain *d, struct xenstore_domain_interface *page,
			 uint32_t port);
/* After a restart: where it stood, by the journal; then bytes taken from it (none: a whole request). */
struct conn *ring_restore(struct store *s, struct domain *d, uint32_t req_cons, uint32_t rsp_prod);
void ring_restore_in(struct conn *c, uint32_t req_cons, const void *bytes, size_t len);

struct ring_position {
	uint32_t req_cons, next_cons, rsp_prod;
	const char *fragment; /* of a message, taken out of the ring */
	uint32_t have;
};
void ring_positions(const struct conn *c, struct ring_position *p);
/* A restarted store's ring gets its page; -1: they don't agree. */
int ring_resume(struct conn *c, struct xenstore_domain_interface *page, uint32_t port);
uint32_t ring_port(const struct conn *c);
extern const struct conn_ops ring_ops;

#endif /* STORE_H */
