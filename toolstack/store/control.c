/* SPDX-License-Identifier: MIT */
/* What the administrator says and asks: xenstore-control. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"
#include "journal.h"
#include "store.h"

struct arguments {
	unsigned int n;
	const char *word[4];
};

static int answer(struct conn *c, const char *text)
{
	send_answer(c, XS_CONTROL, text, strlen(text) + 1);
	return 0;
}

static int control_log(struct conn *c, const struct arguments *a)
{
	if (a->n != 2 || (strcmp(a->word[1], "on") && strcmp(a->word[1], "off")))
		return EINVAL;
	c->store->trace = !strcmp(a->word[1], "on");
	return answer(c, "OK");
}

static int control_print(struct conn *c, const struct arguments *a)
{
	if (a->n != 2)
		return EINVAL;
	log_line("%s", a->word[1]);
	return answer(c, "OK");
}

static int quota_list(struct conn *c)
{
	char out[512];
	size_t at = 0;

	for (unsigned int q = 0; q < QUOTAS; q++)
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%-18s %lu\n", quota_names[q],
				       c->store->quota[q]);
	return answer(c, out);
}

static int quota_of_domain(struct conn *c, unsigned long id)
{
	struct domain *d = id < DOMID_FIRST_RESERVED ? domain_find(c->store, (uint16_t)id) : NULL;
	char out[256], name[64];

	if (!d)
		return ENOENT;
	snprintf(out, sizeof(out),
		 "domain %u (%s)\nnodes %ld\nwatches %u\ntransactions %u\noutstanding %u\n"
		 "memory-kib %ld\n",
		 d->id, domain_name(c->store, d->id, name), d->nodes, d->watches,
		 d->conn ? d->conn->n_transactions : 0, d->conn ? d->conn->out_messages : 0,
		 d->memory / 1024);
	return answer(c, out);
}

/* quota | quota DOMAIN | quota NAME NUMBER */
static int control_quota(struct conn *c, const struct arguments *a)
{
	unsigned long value;
	char *end;

	if (a->n == 1)
		return quota_list(c);
	value = strtoul(a->word[a->n - 1], &end, 10);
	if (*end || end == a->word[a->n - 1])
		return EINVAL;
	if (a->n == 2)
		return quota_of_domain(c, value);
	for (unsigned int q = 0; q < QUOTAS; q++) {
		if (!strcmp(a->word[1], quota_names[q])) {
			c->store->quota[q] = value;
			return answer(c, "OK");
		}
	}
	return EINVAL;
}

static int control_stats(struct conn *c, const struct arguments *a)
{
	struct store *s = c->store;
	unsigned long conns = 0, transactions = 0;
	struct transaction *tx;
	struct conn *each;
	char out[512];

	(void)a;
	TAILQ_FOREACH(each, &s->conns, link)
	conns++;
	TAILQ_FOREACH(tx, &s->transactions, age)
	transactions++;
	snprintf(
		out, sizeof(out),
		"requests %lu\nconflicts %lu\nconnections %lu\ntransactions %lu\nwatched-paths %u\n"
		"nodes-of-all-versions %zu\ncut-off %lu\njournal-bytes %zu\n",
		s->requests, s->conflicts, conns, transactions, s->watch_paths, tree_nodes_alive(),
		s->cut_off, journal_size(s));
	return answer(c, out);
}

struct search {
	const char *name;
	char out[XENSTORE_PAYLOAD_MAX / 2]; /* numbers, a space behind each */
	size_t at;
};

static void look(struct node *domain, void *arg)
{
	struct node *n = tree_find(domain, "/name");
	struct search *s = arg;

	if (n && n->value && n->value->len == strlen(s->name) &&
	    !memcmp(n->value->bytes, s->name, n->value->len) &&
	    s->at + domain->name_len + 2 <= sizeof(s->out)) {
		memcpy(s->out + s->at, domain->name, domain->name_len);
		s->at += domain->name_len;
		s->out[s->at++] = ' ';
	}
}

static int control_find(struct conn *c, const struct arguments *a)
{
	struct search s = { .name = a->word[1] };
	struct node *domains = tree_find(c->store->root, "/local/domain");

	if (a->n != 2)
		return EINVAL;
	if (domains)
		node_children(domains, look, &s);
	return answer(c, s.out);
}

static int control_help(struct conn *c, const struct arguments *a);

static const struct {
	const char *name;
	int (*handler)(struct conn *c, const struct arguments *a);
	const char *help;
} commands[] = {
	{ "find", control_find, "find NAME: the domains called so" },
	{ "help", control_help, "help" },
	{ "log", control_log, "log on|off: each request" },
	{ "print", control_print, "print TEXT: to the log" },
	{ "quota", control_quota, "quota [DOMAIN | NAME NUMBER]" },
	{ "stats", control_stats, "stats" },
};

static int control_help(struct conn *c, const struct arguments *a)
{
	char out[512] = "";

	(void)a;
	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++) {
		strcat(out, commands[i].help);
		strcat(out, "\n");
	}
	return answer(c, out);
}

int control(struct conn *c, uint32_t len)
{
	struct arguments a = { 0 };
	const char *at = c->in, *end = c->in + len;

	while (at < end && a.n < ARRAY_SIZE(a.word)) {
		const char *zero = memchr(at, '\0', (size_t)(end - at));

		if (!zero)
			return EINVAL;
		a.word[a.n++] = at;
		at = zero + 1;
	}
	if (!a.n || at < end)
		return EINVAL;
	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(a.word[0], commands[i].name))
			return commands[i].handler(c, &a);
	}
	return EINVAL;
}
