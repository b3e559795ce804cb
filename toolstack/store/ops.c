/* SPDX-License-Identifier: MIT */
/* The operations: one table, a handler each. A handler answers, or returns an errno. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"
#include "journal.h"
#include "store.h"

struct request {
	struct conn *c;
	struct store *s;
	struct transaction *tx; /* or NULL */
	struct node **root;     /* of the version it is about */
	char path[PATH_BYTES];  /* PATH operations: its first string */
	uint16_t relative;
	const char *rest; /* what follows the path, or all */
	size_t rest_len;
};

#define OP_PATH 1       /* begins with a path */
#define OP_SPECIAL 2    /* which may be @introduceDomain or @releaseDomain */
#define OP_PRIVILEGED 4 /* domain 0 only */

struct op {
	const char *name;
	int (*handler)(struct request *r);
	unsigned int flags;
};

static int acknowledge(struct request *r)
{
	send_answer(r->c, r->c->head.type, "OK", 3);
	return 0;
}

/* The string at *at of the rest, or NULL if none is left; steps over it. */
static const char *next_string(struct request *r)
{
	const char *s = r->rest;
	const char *end = memchr(s, '\0', r->rest_len);

	if (!end)
		return NULL;
	r->rest_len -= (size_t)(end - s) + 1;
	r->rest = end + 1;
	return s;
}

static bool next_number(struct request *r, unsigned long max, unsigned long *value)
{
	const char *s = next_string(r);
	char *end;

	if (!s || *s < '0' || *s > '9')
		return false;
	errno = 0;
	*value = strtoul(s, &end, 10);
	return !*end && !errno && *value <= max;
}

static struct domain *next_domain(struct request *r)
{
	unsigned long id;

	return next_number(r, DOMID_FIRST_RESERVED - 1, &id) ? domain_find(r->s, (uint16_t)id) :
							       NULL;
}

static bool saw(struct request *r, const char *path, unsigned int what)
{
	return !r->tx || tx_saw(r->tx, path, what);
}

/* The node, if there is one and the client has that access: 0, or an errno. */
static int find(struct request *r, unsigned int access, unsigned int what, struct node **n)
{
	if (!saw(r, r->path, SAW_LIFE | what))
		return ENOSPC;
	*n = tree_find(*r->root, r->path);
	if (*n)
		return (access_of(r->c, (*n)->acl) & access) == access ? 0 : EACCES;
	/* Whether it is there is known to those who may read what it would be in. */
	return access_of(r->c, tree_deepest(*r->root, r->path)->acl) & ACCESS_READ ? ENOENT :
										     EACCES;
}

static int do_read(struct request *r)
{
	struct node *n;
	int error = find(r, ACCESS_READ, SAW_VALUE, &n);

	if (error)
		return error;
	send_answer(r->c, XS_READ, n->value ? n->value->bytes : "", n->value ? n->value->len : 0);
	return 0;
}

struct list {
	char *bytes;
	size_t at;
};

static void list_child(struct node *n, void *arg)
{
	struct list *l = arg;

	memcpy(l->bytes + l->at, n->name, n->name_len);
	l->at += n->name_len;
	l->bytes[l->at++] = '\0';
}

static char *list_children(const struct node *n)
{
	struct list l = { .bytes = xmalloc(n->list_bytes + 1ul) };

	node_children(n, list_child, &l);
	return l.bytes;
}

static int do_directory(struct request *r)
{
	struct node *n;
	int error = find(r, ACCESS_READ, SAW_LIST, &n);
	char *list;

	if (error)
		return error;
	if (n->list_bytes > XENSTORE_PAYLOAD_MAX)
		return E2BIG;
	list = list_children(n);
	send_answer(r->c, XS_DIRECTORY, list, n->list_bytes);
	free(list);
	return 0;
}

/* The list's generation, as many whole names from an offset on as fit, a zero more at the end. */
static int do_directory_part(struct request *r)
{
	char out[XENSTORE_PAYLOAD_MAX], *list;
	unsigned long offset;
	struct node *n;
	int error = find(r, ACCESS_READ, SAW_LIST, &n);
	size_t at, take;

	if (error)
		return error;
	if (!next_number(r, UINT32_MAX, &offset))
		return EINVAL;
	at = (size_t)snprintf(out, sizeof(out), "%llu", (unsigned long long)n->list_gen) + 1;
	if (offset > n->list_bytes)
		offset = n->list_bytes;
	take = n->list_bytes - offset;
	list = list_children(n);
	if (take > sizeof(out) - at - 1) {
		take = sizeof(out) - at - 1;
		while (take && list[offset + take - 1])
			take--;
	}
	memcpy(out + at, list + offset, take);
	free(list);
	at += take;
	if (offset + take == n->list_bytes)
		out[at++] = '\0';
	send_answer(r->c, XS_DIRECTORY_PART, out, at);
	return 0;
}

/* Does the change in the transaction, or at once. */
static int change(struct request *r, struct change *ch)
{
	if (!r->tx) {
		/* Before the events that it causes. */
		acknowledge(r);
		change_now(r->s, ch);
		return 0;
	}
	if (!change_apply(r->s, &r->tx->root, r->tx, ch) || ch->done_nothing) {
		change_free(ch);
	} else {
		TAILQ_INSERT_TAIL(&r->tx->changes, ch, link);
		tx_charge(r->tx, (long)(sizeof(*ch) + strlen(ch->path) +
					(ch->value ? ch->value->len : 0)));
	}
	return acknowledge(r);
}

/* How many nodes of the path are missing; *first: the end of the first of them. */
static unsigned int missing(struct request *r, char **first)
{
	unsigned int n = 1;
	char *at = r->path + 1, *end;

	*first = NULL;
	for (;; at = end + 1) {
		end = strchrnul(at, '/');
		if (!*end)
			break;
		*end = '\0';
		if (!*first && !tree_find(*r->root, r->path))
			*first = end;
		*end = '/';
		n += *first != NULL;
	}
	if (!*first)
		*first = end;
	return n;
}

/* What a new node builds on: one that is there, and one in it that is not yet. */
static bool saw_gap(struct request *r, char *end)
{
	char kept = *end, *slash;
	bool fits;

	if (!r->tx)
		return true;
	*end = '\0';
	fits = saw(r, r->path, SAW_LIFE);
	slash = strrchr(r->path, '/');
	*slash = '\0';
	fits = fits && saw(r, slash == r->path ? "/" : r->path, SAW_LIFE);
	*slash = '/';
	*end = kept;
	return fits;
}

/* May the client make the node and what is missing above it? */
static int may_make(struct request *r)
{
	struct domain *d = r->c->domain;
	const struct account *a = r->tx ? tx_account_of(r->tx, d) : NULL;
	char *first;
	unsigned long n = missing(r, &first);
	struct node *above = tree_deepest(*r->root, r->path);

	if (!saw_gap(r, first))
		return ENOSPC;
	if (!(access_of(r->c, above->acl) & ACCESS_WRITE))
		return EACCES;
	n += (unsigned long)(d->nodes + (a ? a->nodes : 0));
	return quota_allows(r->s, d, QUOTA_NODES, n) ? 0 : ENOSPC;
}

static int may_write(struct request *r, size_t bytes, bool *there)
{
	struct domain *d = r->c->domain;
	const struct account *a = r->tx ? tx_account_of(r->tx, d) : NULL;
	long memory = d->memory + (a ? a->memory : 0);
	struct node *n;

	if (!saw(r, r->path, SAW_LIFE))
		return ENOSPC;
	n = tree_find(*r->root, r->path);
	*there = n != NULL;
	if (!quota_allows(r->s, d, QUOTA_NODE_SIZE, bytes) ||
	    !quota_allows(r->s, d, QUOTA_MEMORY, ((unsigned long)memory + bytes) / 1024))
		return ENOSPC;
	if (n)
		return access_of(r->c, n->acl) & ACCESS_WRITE ? 0 : EACCES;
	return may_make(r);
}

static int make_or_write(struct request *r, enum change_kind kind)
{
	struct change *ch;
	bool there;
	int error = may_write(r, r->rest_len, &there);

	if (error)
		return error;
	if (kind == CHANGE_MKDIR && there)
		return acknowledge(r);
	ch = change_new(kind, r->path);
	ch->maker = conn_privileged(r->c) ? NULL : r->c->domain;
	if (kind == CHANGE_WRITE)
		ch->value = blob_new(r->rest, r->rest_len);
	return change(r, ch);
}

static int do_write(struct request *r)
{
	return make_or_write(r, CHANGE_WRITE);
}

static int do_mkdir(struct request *r)
{
	return make_or_write(r, CHANGE_MKDIR);
}

static int do_rm(struct request *r)
{
	struct node *n;
	char *slash;
	int error;

	if (!r->path[1])
		return EINVAL;
	error = find(r, ACCESS_WRITE, 0, &n);
	if (error == ENOENT) {
		/* Already gone is fine, as long as it could have been there. */
		slash = strrchr(r->path, '/');
		*slash = '\0';
		n = tree_find(*r->root, r->path);
		return n ? acknowledge(r) : ENOENT;
	}
	return error ? error : change(r, change_new(CHANGE_RM, r->path));
}

static int do_get_perms(struct request *r)
{
	int special = path_special(r->path);
	char out[XENSTORE_PAYLOAD_MAX];
	struct acl *acl;
	struct node *n;
	int error;

	if (special >= 0) {
		acl = r->s->special[special];
		if (!(access_of(r->c, acl) & ACCESS_READ))
			return EACCES;
	} else {
		error = find(r, ACCESS_READ, 0, &n);
		if (error)
			return error;
		acl = n->acl;
	}
	send_answer(r->c, XS_GET_PERMS, out, acl_print(r->s, acl, out, sizeof(out)));
	return 0;
}

static int set_special_perms(struct request *r, int special, struct acl *acl)
{
	if (!conn_privileged(r->c)) {
		acl_put(acl);
		return EACCES;
	}
	acl_put(r->s->special[special]);
	r->s->special[special] = acl;
	journal_special(r->s, special);
	return acknowledge(r);
}

static int do_set_perms(struct request *r)
{
	int special = path_special(r->path), error;
	struct acl *acl = acl_parse(r->s, r->rest, r->rest_len);
	struct change *ch;
	struct node *n;

	if (!acl)
		return EINVAL;
	if (special >= 0)
		return set_special_perms(r, special, acl);
	error = find(r, ACCESS_OWNER, 0, &n);
	if (!error && !conn_privileged(r->c)) {
		if (!quota_allows(r->s, r->c->domain, QUOTA_PERMS, acl->n))
			error = ENOSPC;
		else if (acl->e[0].domid != n->acl->e[0].domid ||
			 acl->e[0].life != n->acl->e[0].life)
			error = EPERM; /* what it owns it can't give to others' account */
	}
	if (error) {
		acl_put(acl);
		return error;
	}
	ch = change_new(CHANGE_PERMS, r->path);
	ch->acl = acl;
	return change(r, ch);
}

static int do_watch(struct request *r)
{
	const char *token = next_string(r);
	struct watch *w;
	int error;

	if (!token)
		return EINVAL;
	error = watch_add(r->c, r->path, r->relative, token);
	if (error)
		return error;
	acknowledge(r);
	/* One event at once: the client looks at what is there. */
	w = TAILQ_LAST(&r->c->watches, watch_list);
	watch_event(w, r->path);
	return 0;
}

static int do_unwatch(struct request *r)
{
	const char *token = next_string(r);
	int error = token ? watch_remove(r->c, r->path, token) : EINVAL;

	return error ? error : acknowledge(r);
}

static int do_reset_watches(struct request *r)
{
	journal_reset(r->c);
	watches_reset(r->c);
	while (!TAILQ_EMPTY(&r->c->transactions))
		tx_abort(TAILQ_FIRST(&r->c->transactions));
	return acknowledge(r);
}

static int do_transaction_start(struct request *r)
{
	char out[16];
	uint32_t id;
	int error;

	if (r->tx)
		return EBUSY;
	error = tx_start(r->c, &id);
	if (error)
		return error;
	send_answer(r->c, XS_TRANSACTION_START, out,
		    (size_t)snprintf(out, sizeof(out), "%u", id) + 1);
	return 0;
}

static int do_transaction_end(struct request *r)
{
	const char *what = next_string(r);
	int error;

	if (!what || (strcmp(what, "T") && strcmp(what, "F")))
		return EINVAL;
	if (!r->tx)
		return ENOENT;
	error = tx_end(r->tx, what[0] == 'T');
	return error ? error : acknowledge(r);
}

static int do_introduce(struct request *r)
{
	unsigned long id, gfn, port;
	int error;

	if (!next_number(r, DOMID_FIRST_RESERVED - 1, &id) || !next_number(r, ~0ul, &gfn) ||
	    !next_number(r, UINT32_MAX, &port))
		return EINVAL;
	if (!port)
		return EINVAL;
	error = domain_introduce(r->s, (uint16_t)id, gfn, (uint32_t)port);
	return error ? error : acknowledge(r);
}

static int do_release(struct request *r)
{
	struct domain *d = next_domain(r);

	if (!d || !d->introduced)
		return ENOENT;
	if (d == r->s->dom0)
		return EINVAL;
	domain_release(r->s, d, false);
	return acknowledge(r);
}

static int do_resume(struct request *r)
{
	struct domain *d = next_domain(r);

	if (!d || !d->introduced)
		return ENOENT;
	d->shut_down = false;
	journal_domain(r->s, d);
	return acknowledge(r);
}

static int do_set_target(struct request *r)
{
	struct domain *d = next_domain(r), *target = next_domain(r);

	if (!d || !target || !d->introduced || !target->introduced)
		return ENOENT;
	d->target = target;
	journal_domain(r->s, d);
	return acknowledge(r);
}

static int do_get_domain_path(struct request *r)
{
	unsigned long id;
	char out[64];

	if (!next_number(r, UINT16_MAX, &id))
		return EINVAL;
	send_answer(r->c, XS_GET_DOMAIN_PATH, out,
		    (size_t)snprintf(out, sizeof(out), "/local/domain/%lu", id) + 1);
	return 0;
}

static int do_is_introduced(struct request *r)
{
	struct domain *d = next_domain(r);

	send_answer(r->c, XS_IS_DOMAIN_INTRODUCED,
		    d && (d->introduced || d == r->s->dom0) ? "T" : "F", 2);
	return 0;
}

static int do_control(struct request *r)
{
	return control(r->c, r->c->head.len);
}

static const struct op ops[XS_TYPE_COUNT] = {
	[XS_CONTROL] = { "control", do_control, OP_PRIVILEGED },
	[XS_DIRECTORY] = { "directory", do_directory, OP_PATH },
	[XS_READ] = { "read", do_read, OP_PATH },
	[XS_GET_PERMS] = { "get-perms", do_get_perms, OP_PATH | OP_SPECIAL },
	[XS_WATCH] = { "watch", do_watch, OP_PATH | OP_SPECIAL },
	[XS_UNWATCH] = { "unwatch", do_unwatch, OP_PATH | OP_SPECIAL },
	[XS_TRANSACTION_START] = { "transaction-start", do_transaction_start, 0 },
	[XS_TRANSACTION_END] = { "transaction-end", do_transaction_end, 0 },
	[XS_INTRODUCE] = { "introduce", do_introduce, OP_PRIVILEGED },
	[XS_RELEASE] = { "release", do_release, OP_PRIVILEGED },
	[XS_GET_DOMAIN_PATH] = { "get-domain-path", do_get_domain_path, 0 },
	[XS_WRITE] = { "write", do_write, OP_PATH },
	[XS_MKDIR] = { "mkdir", do_mkdir, OP_PATH },
	[XS_RM] = { "rm", do_rm, OP_PATH },
	[XS_SET_PERMS] = { "set-perms", do_set_perms, OP_PATH | OP_SPECIAL },
	[XS_IS_DOMAIN_INTRODUCED] = { "is-introduced", do_is_introduced, 0 },
	[XS_RESUME] = { "resume", do_resume, OP_PRIVILEGED },
	[XS_SET_TARGET] = { "set-target", do_set_target, OP_PRIVILEGED },
	[XS_RESET_WATCHES] = { "reset-watches", do_reset_watches, 0 },
	[XS_DIRECTORY_PART] = { "directory-part", do_directory_part, OP_PATH },
};

const char *op_name(uint32_t type)
{
	return type < XS_TYPE_COUNT && ops[type].name ? ops[type].name : "unknown";
}

static int decode(struct request *r, const struct op *op)
{
	struct conn *c = r->c;
	const char *path;

	if ((op->flags & OP_PRIVILEGED) && !conn_privileged(c))
		return EACCES;
	if (c->head.tx_id) {
		r->tx = tx_find(c, c->head.tx_id);
		if (!r->tx)
			return ENOENT;
		r->root = &r->tx->root;
	}
	if (!(op->flags & OP_PATH))
		return 0;
	path = next_string(r);
	if (!path || !path_canonical(c, path, strlen(path), r->path, &r->relative))
		return EINVAL;
	return r->path[0] == '@' && !(op->flags & OP_SPECIAL) ? EINVAL : 0;
}

void serve(struct conn *c)
{
	struct request r = { .c = c, .s = c->store, .root = &c->store->root };
	const struct op *op = c->head.type < XS_TYPE_COUNT ? &ops[c->head.type] : NULL;
	int error = ENOSYS;

	r.rest = c->in;
	r.rest_len = c->head.len;
	if (c->store->trace)
		log_line("trace: domain %u %s %.*s tx %u", c->domain->id, op_name(c->head.type),
			 (int)strnlen(c->in, c->head.len), c->in, c->head.tx_id);
	if (op && op->handler) {
		error = decode(&r, op);
		if (!error)
			error = op->handler(&r);
	}
	if (error)
		send_error(c, error);
	c->store->requests++;
}
