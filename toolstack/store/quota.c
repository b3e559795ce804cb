/* SPDX-License-Identifier: MIT */
/* What one domain may use, and who is told when it wants more. */

#include <string.h>
#include <time.h>

#include "../lib/util.h"
#include "store.h"

const char *const quota_names[QUOTAS] = {
	[QUOTA_NODES] = "nodes",
	[QUOTA_NODE_SIZE] = "node-size",
	[QUOTA_PERMS] = "permissions",
	[QUOTA_WATCHES] = "watches",
	[QUOTA_TRANSACTIONS] = "transactions",
	[QUOTA_TX_NODES] = "transaction-nodes",
	[QUOTA_OUTSTANDING] = "outstanding",
	[QUOTA_MEMORY] = "memory-kib",
};

void quota_defaults(struct store *s)
{
	static const unsigned long defaults[QUOTAS] = {
		[QUOTA_NODES] = 4096,       [QUOTA_NODE_SIZE] = 2048,  [QUOTA_PERMS] = 8,
		[QUOTA_WATCHES] = 1024,     [QUOTA_TRANSACTIONS] = 32, [QUOTA_TX_NODES] = 1024,
		[QUOTA_OUTSTANDING] = 2048, [QUOTA_MEMORY] = 4096,
	};

	memcpy(s->quota, defaults, sizeof(defaults));
}

bool quota_allows(struct store *s, struct domain *d, enum quota q, unsigned long use)
{
	struct timespec now;
	char name[64];

	if (d->id == 0 || use <= s->quota[q])
		return true;
	d->hits[q]++;
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* A line in ten seconds for each domain and quota: a guest can't flood the log. */
	if (d->said[q] && (uint64_t)now.tv_sec < d->said[q] + 10)
		return false;
	log_line("domain %u (%s) is over its quota of %lu %s: refused%s; 'control quota %s NUMBER'"
		 " changes it for all (%u refusals since the last such line)",
		 d->id, domain_name(s, d->id, name), s->quota[q], quota_names[q],
		 q == QUOTA_OUTSTANDING ? " and cut off" : "", quota_names[q], d->hits[q]);
	d->said[q] = (uint64_t)now.tv_sec + 1;
	d->hits[q] = 0;
	return false;
}
