/* SPDX-License-Identifier: MIT */
/* The journal: records, and how a new file takes the place of a grown one. */

#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../lib/util.h"

/*
 * File: MAGIC and the boot's identity, then records: length of the entries, their CRC-32, the entries. The length is
 * stored last, so a killed store leaves a record whose length is 0; behind the last record
 * there are zeros only, seen to when the file is opened.
 */
#define MAGIC "PVSTORE1"
#define HEAD 48 /* bytes before the first record */
#define GROW (1u << 20)
#define COMPACT_MIN (4u << 20)
#define SLICE 256 /* nodes written in one turn */

enum entry {
	ENTRY_CHANGE = 'C', /* kind, path, value, permissions, maker */
	ENTRY_DOMAIN = 'D', /* all of it */
	ENTRY_GONE = 'G',   /* it is released; or no more */
	ENTRY_SPECIAL = 'S',
	ENTRY_WATCH = 'W',
	ENTRY_UNWATCH = 'U',
	ENTRY_TX = 'T',
	ENTRY_TX_END = 'E',
	ENTRY_RESET = 'V', /* watches and transactions */
	ENTRY_RING = 'P',  /* positions */
	ENTRY_IN = 'I',    /* taken from the ring; with bytes: a part of a message */
	ENTRY_OUT = 'O',   /* queued for the ring */
};

struct buffer {
	unsigned char *bytes;
	size_t len, size;
};

struct journal {
	char *path;
	int fd;
	unsigned char *map;
	size_t mapped, end;
	struct buffer record; /* being put together */
	/* the new file, while one is being written */
	int new_fd; /* or -1 */
	char *new_path;
	struct node *tree; /* the version it describes */
	char walk[PATH_BYTES];
	size_t since; /* records of the old file from here on are to follow */
	size_t new_len;
	size_t compact_at;
};

static void put(struct buffer *b, const void *bytes, size_t len)
{
	if (b->len + len > b->size) {
		b->size = (b->len + len) * 2;
		b->bytes = xrealloc(b->bytes, b->size);
	}
	if (len)
		memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
}

static void put8(struct buffer *b, uint8_t v)
{
	put(b, &v, sizeof(v));
}

static void put16(struct buffer *b, uint16_t v)
{
	put(b, &v, sizeof(v));
}

static void put32(struct buffer *b, uint32_t v)
{
	put(b, &v, sizeof(v));
}

static void put64(struct buffer *b, uint64_t v)
{
	put(b, &v, sizeof(v));
}

static void put_bytes(struct buffer *b, const void *bytes, size_t len)
{
	put32(b, (uint32_t)len);
	put(b, bytes, len);
}

static void put_string(struct buffer *b, const char *s)
{
	put_bytes(b, s, strlen(s));
}

static void put_acl(struct buffer *b, const struct acl *acl)
{
	put_bytes(b, acl ? acl->e : NULL, acl ? acl->n * sizeof(acl->e[0]) : 0);
}

/* -- entries */

static void put_change(struct buffer *b, enum change_kind kind, const char *path,
		       const struct blob *value, const struct acl *acl, const struct domain *maker)
{
	put8(b, ENTRY_CHANGE);
	put8(b, (uint8_t)kind);
	put_string(b, path);
	put_bytes(b, value ? value->bytes : "", value ? value->len : 0);
	put_acl(b, acl);
	put16(b, maker ? maker->id : 0);
}

static void put_domain(struct buffer *b, const struct domain *d)
{
	put8(b, ENTRY_DOMAIN);
	put16(b, d->id);
	put32(b, d->life);
	put8(b, (uint8_t)(d->introduced | d->shut_down << 1 | (d->conn != NULL) << 2));
	put16(b, d->target ? d->target->id : d->id);
	put64(b, d->gfn);
	put32(b, d->port);
}

static void put_watch(struct buffer *b, const struct watch *w, bool add)
{
	put8(b, add ? ENTRY_WATCH : ENTRY_UNWATCH);
	put16(b, w->conn->domain->id);
	put16(b, w->relative);
	put_string(b, watch_path_of(w));
	put_string(b, w->token);
}

static void put_ring(struct buffer *b, const struct conn *c)
{
	struct ring_position p;
	struct message *m;

	ring_positions(c, &p);
	put8(b, ENTRY_RING);
	put16(b, c->domain->id);
	put32(b, p.req_cons);
	put32(b, p.rsp_prod);
	if (p.have) {
		put8(b, ENTRY_IN);
		put16(b, c->domain->id);
		put32(b, p.req_cons);
		put_bytes(b, p.fragment, p.have);
	}
	TAILQ_FOREACH(m, &c->out, link)
	{
		put8(b, ENTRY_OUT);
		put16(b, c->domain->id);
		put_bytes(b, m->bytes + m->sent, m->len - m->sent);
	}
}

/* Where entries go, or NULL. */
static struct buffer *record_of(const struct store *s)
{
	return s->journal ? &s->journal->record : NULL;
}

static struct buffer *record_for(const struct conn *c)
{
	return c->ring ? record_of(c->store) : NULL;
}

void journal_change(struct store *s, const struct change *ch)
{
	if (record_of(s))
		put_change(record_of(s), ch->kind, ch->path, ch->value, ch->acl, ch->maker);
}

void journal_domain(struct store *s, const struct domain *d)
{
	if (record_of(s))
		put_domain(record_of(s), d);
}

void journal_domain_gone(struct store *s, const struct domain *d, bool gone)
{
	if (!record_of(s))
		return;
	put8(record_of(s), ENTRY_GONE);
	put16(record_of(s), d->id);
	put8(record_of(s), gone);
}

static void put_special(struct buffer *b, int which, const struct acl *acl)
{
	put8(b, ENTRY_SPECIAL);
	put8(b, (uint8_t)which);
	put_acl(b, acl);
}

void journal_special(struct store *s, int which)
{
	if (record_of(s))
		put_special(record_of(s), which, s->special[which]);
}

void journal_watch(struct store *s, const struct watch *w, bool add)
{
	(void)s;
	if (record_for(w->conn))
		put_watch(record_for(w->conn), w, add);
}

static void put_tx(struct buffer *b, uint16_t domid, uint32_t id, bool open)
{
	put8(b, open ? ENTRY_TX : ENTRY_TX_END);
	put16(b, domid);
	put32(b, id);
}

void journal_tx(struct conn *c, uint32_t id, bool open)
{
	if (record_for(c))
		put_tx(record_for(c), c->domain->id, id, open);
}

void journal_reset(struct conn *c)
{
	if (!record_for(c))
		return;
	put8(record_for(c), ENTRY_RESET);
	put16(record_for(c), c->domain->id);
}

void journal_ring(struct conn *c)
{
	if (record_for(c))
		put_ring(record_for(c), c);
}

void journal_ring_in(struct conn *c, uint32_t req_cons, const void *bytes, size_t len)
{
	struct buffer *b = record_for(c);

	if (!b)
		return;
	put8(b, ENTRY_IN);
	put16(b, c->domain->id);
	put32(b, req_cons);
	put_bytes(b, bytes, len);
}

void journal_in(struct conn *c)
{
	struct ring_position p;

	if (!record_for(c))
		return;
	ring_positions(c, &p);
	journal_ring_in(c, p.next_cons, "", 0);
}

void journal_out(struct conn *c, const void *bytes, size_t len)
{
	struct buffer *b = record_for(c);

	if (!b)
		return;
	put8(b, ENTRY_OUT);
	put16(b, c->domain->id);
	put_bytes(b, bytes, len);
}

/* -- the file */

static bool map(struct journal *j, size_t size)
{
	void *p;

	/* Room is taken now: a full file system is an error here and not a signal later. */
	errno = posix_fallocate(j->fd, 0, (off_t)size);
	if (errno)
		return false;
	p = j->map ? mremap(j->map, j->mapped, size, MREMAP_MAYMOVE) :
		     mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, j->fd, 0);
	if (p == MAP_FAILED)
		return false;
	j->map = p;
	j->mapped = size;
	return true;
}

static void stop_compacting(struct journal *j)
{
	if (j->new_fd < 0)
		return;
	close(j->new_fd);
	unlink(j->new_path);
	node_put(j->tree);
	j->new_fd = -1;
	j->tree = NULL;
}

static void free_journal(struct journal *j)
{
	stop_compacting(j);
	if (j->map)
		munmap(j->map, j->mapped);
	if (j->fd >= 0)
		close(j->fd);
	free(j->record.bytes);
	free(j->path);
	free(j->new_path);
	free(j);
}

/* A journal that is behind the truth is worse than none. */
static void give_up(struct store *s, const char *what)
{
	log_line("%s: %s: %s; the store goes on, but a restart will begin empty: make room, then "
		 "restart the guests and it",
		 s->journal->path, what, strerror(errno));
	unlink(s->journal->path);
	free_journal(s->journal);
	s->journal = NULL;
}

void journal_commit(struct store *s)
{
	struct journal *j = s->journal;
	uint32_t len, crc;

	if (!j || !j->record.len)
		return;
	if (j->end + j->record.len + 12 > j->mapped &&
	    !map(j, (j->end + j->record.len + 12 + 2 * GROW) & ~(size_t)(GROW - 1))) {
		give_up(s, "can't grow");
		return;
	}
	len = (uint32_t)j->record.len;
	crc = (uint32_t)crc32_z(0, j->record.bytes, len);
	memcpy(j->map + j->end + 8, j->record.bytes, len);
	memcpy(j->map + j->end + 4, &crc, 4);
	/* The record is there from here on. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	memcpy(j->map + j->end, &len, 4);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	j->end += 8 + len;
	j->record.len = 0;
}

static bool write_all(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool write_record(struct journal *j, struct buffer *b)
{
	uint32_t head[2] = { (uint32_t)b->len, (uint32_t)crc32_z(0, b->bytes, b->len) };
	bool good = !b->len ||
		    (write_all(j->new_fd, head, 8) && write_all(j->new_fd, b->bytes, b->len));

	if (b->len)
		j->new_len += 8 + b->len;
	free(b->bytes);
	return good;
}

/* All but the tree, as of now. */
static bool write_state(struct store *s, struct journal *j)
{
	struct buffer b = { 0 };
	struct transaction *tx;
	struct domain *d;
	struct watch *w;

	/* Twice: a target may come later in the list. */
	for (int i = 0; i < 2; i++) {
		LIST_FOREACH(d, &s->domains, link)
		put_domain(&b, d);
	}
	for (int i = 0; i < 2; i++)
		put_special(&b, i, s->special[i]);
	LIST_FOREACH(d, &s->domains, link)
	{
		if (!d->conn)
			continue;
		put_ring(&b, d->conn);
		TAILQ_FOREACH(w, &d->conn->watches, of)
		put_watch(&b, w, true);
		TAILQ_FOREACH(tx, &d->conn->transactions, link)
		put_tx(&b, d->id, tx->id, true);
	}
	return write_record(j, &b);
}

static void put_node(struct buffer *b, const char *path, const struct node *n)
{
	if (!path[1])
		put_change(b, CHANGE_PERMS, path, NULL, n->acl, NULL);
	put_change(b, CHANGE_WRITE, path, n->value, n->acl, NULL);
}

/* Domains end with the machine's uptime, and so does what a journal says of them. */
static void head_of_boot(char head[HEAD])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(head, 0, HEAD);
	memcpy(head, MAGIC, strlen(MAGIC));
	if (fd < 0)
		return;
	if (read(fd, head + strlen(MAGIC), 36) < 0)
		log_line("no boot_id: a journal of an earlier boot would not be told");
	close(fd);
}

static bool start_compacting(struct store *s)
{
	char head[HEAD];
	struct journal *j = s->journal;
	struct buffer b = { 0 };

	j->new_fd = open(j->new_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (j->new_fd < 0)
		return false;
	j->tree = node_get(s->root);
	strcpy(j->walk, "/");
	j->since = j->end;
	j->new_len = HEAD;
	head_of_boot(head);
	put_node(&b, "/", s->root);
	return write_all(j->new_fd, head, HEAD) && write_state(s, j) && write_record(j, &b);
}

/* Puts the new file in the old one's place. */
static bool finish_compacting(struct journal *j)
{
	size_t rest = j->map ? j->end - j->since : 0;

	if ((rest && !write_all(j->new_fd, j->map + j->since, rest)) ||
	    rename(j->new_path, j->path))
		return false;
	if (j->map)
		munmap(j->map, j->mapped);
	if (j->fd >= 0)
		close(j->fd);
	j->fd = j->new_fd;
	j->new_fd = -1;
	node_put(j->tree);
	j->tree = NULL;
	j->map = NULL;
	j->end = j->new_len + rest;
	j->compact_at = j->end * 2 > COMPACT_MIN ? j->end * 2 : COMPACT_MIN;
	return map(j, (j->end + 2 * GROW) & ~(size_t)(GROW - 1));
}

void journal_compact(struct store *s)
{
	struct journal *j = s->journal;
	struct buffer b = { 0 };
	bool more = true, good = true;

	if (!j || (j->new_fd < 0 && j->end < j->compact_at))
		return;
	if (j->new_fd < 0) {
		good = start_compacting(s);
	} else {
		for (unsigned int i = 0; i < SLICE && more; i++) {
			more = tree_next(j->tree, j->walk);
			if (more)
				put_node(&b, j->walk, tree_find(j->tree, j->walk));
		}
		good = write_record(j, &b) && (more || finish_compacting(j));
	}
	if (good)
		return;
	if (!j->map) {
		give_up(s, "can't map it");
		return;
	}
	log_line("%s: %s; the journal stays long", j->new_path, strerror(errno));
	stop_compacting(j);
	j->compact_at = j->end * 2;
}

bool journal_compacting(const struct store *s)
{
	return s->journal && s->journal->new_fd >= 0;
}

size_t journal_size(const struct store *s)
{
	return s->journal ? s->journal->end : 0;
}

void journal_close(struct store *s)
{
	if (s->journal)
		free_journal(s->journal);
	s->journal = NULL;
}

/* -- reading it back */

struct cursor {
	const unsigned char *at, *end;
	bool bad;
};

static void take(struct cursor *c, void *out, size_t len)
{
	if (c->bad || (size_t)(c->end - c->at) < len) {
		c->bad = true;
		memset(out, 0, len);
		return;
	}
	memcpy(out, c->at, len);
	c->at += len;
}

static uint32_t take_n(struct cursor *c, size_t bytes)
{
	uint32_t v = 0;

	take(c, &v, bytes);
	return v;
}

static const void *take_bytes(struct cursor *c, size_t *len)
{
	const void *bytes = c->at + 4;

	*len = take_n(c, 4);
	if (c->bad || (size_t)(c->end - c->at) < *len) {
		c->bad = true;
		*len = 0;
		return "";
	}
	c->at += *len;
	return bytes;
}

static void take_string(struct cursor *c, char *out, size_t size)
{
	size_t len;
	const char *s = take_bytes(c, &len);

	c->bad |= len >= size;
	if (len >= size)
		len = 0;
	memcpy(out, s, len);
	out[len] = '\0';
}

static struct acl *take_acl(struct cursor *c)
{
	struct acl *acl;
	size_t len;
	const void *e = take_bytes(c, &len);

	if (!len || c->bad || len % sizeof(acl->e[0]))
		return NULL;
	acl = acl_new((unsigned int)(len / sizeof(acl->e[0])));
	memcpy(acl->e, e, len);
	return acl;
}

/* What takes part in all entries: the domain; a ring's connection of it. */
static struct domain *take_domain(struct store *s, struct cursor *c)
{
	struct domain *d = domain_find(s, (uint16_t)take_n(c, 2));

	c->bad |= !d;
	return d;
}

static struct conn *take_conn(struct store *s, struct cursor *c)
{
	struct domain *d = take_domain(s, c);

	c->bad |= !d || !d->conn;
	return d ? d->conn : NULL;
}

static void read_change(struct store *s, struct cursor *c)
{
	enum change_kind kind = (enum change_kind)take_n(c, 1);
	char path[PATH_BYTES];
	struct change *ch;
	const void *value;
	uint16_t maker;
	size_t len;

	take_string(c, path, sizeof(path));
	value = take_bytes(c, &len);
	ch = change_new(kind, path);
	ch->value = blob_new(value, len);
	ch->acl = take_acl(c);
	maker = (uint16_t)take_n(c, 2);
	ch->maker = maker ? domain_find(s, maker) : NULL;
	c->bad |= path[0] != '/' || (kind == CHANGE_PERMS && !ch->acl);
	if (!c->bad && !change_apply(s, &s->root, NULL, ch))
		c->bad = true;
	change_free(ch);
}

static void read_domain(struct store *s, struct cursor *c)
{
	uint16_t id = (uint16_t)take_n(c, 2), target;
	struct domain *d = domain_find(s, id);
	uint32_t life = take_n(c, 4), flags = take_n(c, 1);

	if (!d && id < DOMID_FIRST_RESERVED) {
		d = xzalloc(sizeof(*d));
		d->id = id;
		s->by_id[id] = d;
		LIST_INSERT_HEAD(&s->domains, d, link);
	}
	target = (uint16_t)take_n(c, 2);
	c->bad |= !d;
	if (c->bad)
		return;
	d->life = life;
	if (life > s->next_life)
		s->next_life = life;
	d->introduced = flags & 1;
	d->shut_down = flags & 2;
	d->target = target == id ? NULL : domain_find(s, target);
	take(c, &d->gfn, 8);
	d->port = take_n(c, 4);
	if (!(flags & 4) && d->conn)
		conn_free(d->conn);
}

static void read_ring(struct store *s, struct cursor *c, enum entry kind)
{
	struct conn *conn;
	struct domain *d;
	const void *bytes;
	uint32_t cons;
	size_t len;

	if (kind == ENTRY_RING) {
		d = take_domain(s, c);
		cons = take_n(c, 4);
		len = take_n(c, 4);
		if (!c->bad)
			ring_restore(s, d, cons, (uint32_t)len);
		return;
	}
	conn = take_conn(s, c);
	cons = kind == ENTRY_IN ? take_n(c, 4) : 0;
	bytes = take_bytes(c, &len);
	if (c->bad)
		return;
	if (kind == ENTRY_IN)
		ring_restore_in(conn, cons, bytes, len);
	else
		conn_queue(conn, bytes, len, false);
}

static void read_watch(struct store *s, struct cursor *c, enum entry kind)
{
	char path[PATH_BYTES], token[TOKEN_MAX + 1];
	struct conn *conn = take_conn(s, c);
	uint16_t relative = (uint16_t)take_n(c, 2);

	take_string(c, path, sizeof(path));
	take_string(c, token, sizeof(token));
	if (c->bad)
		return;
	if (kind == ENTRY_WATCH)
		watch_add(conn, path, relative, token);
	else
		watch_remove(conn, path, token);
}

static void read_tx(struct store *s, struct cursor *c, enum entry kind)
{
	struct conn *conn = take_conn(s, c);
	uint32_t id = take_n(c, 4);
	struct transaction *tx;

	if (c->bad)
		return;
	tx = tx_find(conn, id);
	if (kind == ENTRY_TX && !tx)
		tx_restore(conn, id);
	else if (kind == ENTRY_TX_END && tx)
		tx_abort(tx);
}

static void read_reset(struct store *s, struct cursor *c)
{
	struct conn *conn = take_conn(s, c);

	if (c->bad)
		return;
	watches_reset(conn);
	while (!TAILQ_EMPTY(&conn->transactions))
		tx_abort(TAILQ_FIRST(&conn->transactions));
}

static void read_gone(struct store *s, struct cursor *c)
{
	struct domain *d = take_domain(s, c);
	bool gone = take_n(c, 1);

	if (c->bad || d == s->dom0)
		c->bad = true;
	else
		domain_release(s, d, gone);
}

static void read_special(struct store *s, struct cursor *c)
{
	unsigned int which = take_n(c, 1);
	struct acl *acl = take_acl(c);

	c->bad |= which > 1 || !acl;
	if (c->bad) {
		acl_put(acl);
		return;
	}
	acl_put(s->special[which]);
	s->special[which] = acl;
}

static bool read_entries(struct store *s, struct cursor *c)
{
	while (!c->bad && c->at < c->end) {
		enum entry kind = (enum entry)take_n(c, 1);

		switch (kind) {
		case ENTRY_CHANGE:
			read_change(s, c);
			break;
		case ENTRY_DOMAIN:
			read_domain(s, c);
			break;
		case ENTRY_GONE:
			read_gone(s, c);
			break;
		case ENTRY_SPECIAL:
			read_special(s, c);
			break;
		case ENTRY_WATCH:
		case ENTRY_UNWATCH:
			read_watch(s, c, kind);
			break;
		case ENTRY_TX:
		case ENTRY_TX_END:
			read_tx(s, c, kind);
			break;
		case ENTRY_RESET:
			read_reset(s, c);
			break;
		case ENTRY_RING:
		case ENTRY_IN:
		case ENTRY_OUT:
			read_ring(s, c, kind);
			break;
		default:
			c->bad = true;
		}
	}
	return !c->bad;
}

/* Restores all whole records and cuts off what is behind them. */
static void read_back(struct store *s, struct journal *j)
{
	unsigned long records = 0;
	struct conn *c;

	s->restoring = true;
	store_reset_tree(s);
	j->end = HEAD;
	while (j->end + 8 <= j->mapped) {
		struct cursor cur;
		uint32_t head[2];

		memcpy(head, j->map + j->end, 8);
		if (!head[0] || head[0] > j->mapped - j->end - 8)
			break;
		cur = (struct cursor){ .at = j->map + j->end + 8 };
		cur.end = cur.at + head[0];
		if ((uint32_t)crc32_z(0, cur.at, head[0]) != head[1])
			break;
		if (!read_entries(s, &cur))
			die("%s: the record at byte %zu makes no sense; move the file away to "
			    "begin with "
			    "an empty store",
			    j->path, j->end);
		j->end += 8 + head[0];
		records++;
	}
	memset(j->map + j->end, 0, j->mapped - j->end);
	s->restoring = false;
	/* Transactions that were open see the tree as it is now, and will have to be done again. */
	TAILQ_FOREACH(c, &s->conns, link)
	{
		struct transaction *tx;

		TAILQ_FOREACH(tx, &c->transactions, link)
		tx_doom(tx);
	}
	strcpy(s->sweep, "/");
	log_line("%s: restored from %lu records", j->path, records);
}

bool journal_open(struct store *s, const char *path)
{
	struct journal *j = xzalloc(sizeof(*j));
	struct stat st;
	char head[HEAD];

	j->path = xstrdup(path);
	j->new_path = xasprintf("%s.new", path);
	j->new_fd = -1;
	j->fd = open(path, O_RDWR | O_CLOEXEC);
	if (j->fd >= 0 && !fstat(j->fd, &st) && (size_t)st.st_size > HEAD) {
		j->mapped = 0;
		if (!map(j, (size_t)st.st_size))
			die("%s: %s; without it the store would forget its guests", path,
			    strerror(errno));
		head_of_boot(head);
		if (memcmp(j->map, MAGIC, strlen(MAGIC)))
			die("%s is not a journal of this store; move it away to begin with an "
			    "empty one",
			    path);
		if (memcmp(j->map, head, HEAD))
			log_line("%s is of an earlier boot: the store begins empty", path);
		else
			read_back(s, j);
		j->compact_at = j->end;
	} else if (j->fd < 0 && errno != ENOENT) {
		die("%s: %s", path, strerror(errno));
	}
	/* Whole from the first moment on, and short. */
	s->journal = j;
	do {
		journal_compact(s);
	} while (s->journal && j->new_fd >= 0);
	if (!s->journal)
		return false;
	if (!j->map) {
		give_up(s, "can't be made");
		return false;
	}
	return true;
}
