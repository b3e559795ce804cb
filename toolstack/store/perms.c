/* SPDX-License-Identifier: MIT */
/* Permissions of nodes. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"
#include "store.h"

bool conn_privileged(const struct conn *c)
{
	return c->domain->id == 0;
}

static bool is(const struct acl_entry *e, const struct domain *d)
{
	return e->domid == d->id && e->life == d->life;
}

static unsigned int access_of_domain(const struct domain *d, const struct acl *acl)
{
	if (is(&acl->e[0], d))
		return ACCESS_ALL;
	for (unsigned int i = 1; i < acl->n; i++) {
		if (is(&acl->e[i], d))
			return acl->e[i].access;
	}
	return acl->e[0].access;
}

unsigned int access_of(const struct conn *c, const struct acl *acl)
{
	unsigned int access;

	if (conn_privileged(c))
		return ACCESS_ALL;
	access = access_of_domain(c->domain, acl);
	if (c->domain->target)
		access |= access_of_domain(c->domain->target, acl);
	return access;
}

/* One word: a letter and a domain. */
static bool parse_entry(struct store *s, const char *word, struct acl_entry *e)
{
	static const char letters[] = "nrwb"; /* in the order of the bits */
	const char *letter = strchr(letters, word[0]);
	struct domain *d;
	unsigned long id;
	char *end;

	if (!word[0] || !letter || word[1] < '0' || word[1] > '9')
		return false;
	id = strtoul(word + 1, &end, 10);
	if (*end || id >= DOMID_FIRST_RESERVED)
		return false;
	d = domain_hear(s, (uint16_t)id);
	e->domid = (uint16_t)id;
	e->life = d ? d->life : 0; /* of no domain: it gives no rights */
	e->access = (uint16_t)(letter - letters);
	return true;
}

struct acl *acl_parse(struct store *s, const char *words, size_t len)
{
	unsigned int n = 0;
	struct acl *acl;

	errno = EINVAL;
	if (!len || words[len - 1])
		return NULL;
	for (size_t i = 0; i < len; i++)
		n += !words[i];
	acl = acl_new(n);
	for (unsigned int i = 0; i < n; i++, words += strlen(words) + 1) {
		if (!parse_entry(s, words, &acl->e[i])) {
			acl_put(acl);
			errno = EINVAL;
			return NULL;
		}
	}
	return acl;
}

size_t acl_print(struct store *s, const struct acl *acl, char *out, size_t size)
{
	size_t at = 0;

	for (unsigned int i = 0; i < acl->n; i++) {
		const struct acl_entry *e = &acl->e[i];
		bool alive = domain_by_life(s, e->domid, e->life);

		if (!alive && i)
			continue;
		if (at + 16 > size)
			break;
		at += (size_t)snprintf(out + at, size - at, "%c%u", "nrwb"[e->access & 3],
				       alive ? e->domid : 0) +
		      1;
	}
	return at;
}

struct domain *acl_owner(struct store *s, const struct acl *acl)
{
	return domain_by_life(s, acl->e[0].domid, acl->e[0].life);
}

struct acl *acl_for_maker(const struct acl *acl, const struct domain *maker)
{
	struct acl *new = acl_new(acl->n);

	memcpy(new->e, acl->e, acl->n * sizeof(acl->e[0]));
	new->e[0].domid = maker->id;
	new->e[0].life = maker->life;
	return new;
}
