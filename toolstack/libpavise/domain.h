/* SPDX-License-Identifier: MIT */
/* Domains: making, finding, watching and ending them. */

#ifndef LIBPAVISE_DOMAIN_H
#define LIBPAVISE_DOMAIN_H

#include <time.h>

#include "../config/config.h"
#include "link.h"
#include "storeclient.h"

#define PHASES_MAX 12
#define CPUS_MAX 4096
#define DOMAIN_SLACK_KIB 1024 /* its limit is beyond what it may have, as tools expect */

/* How long each part of a creation took. */
struct phases {
	struct {
		const char *name;
		uint64_t ns;
	} list[PHASES_MAX];
	unsigned int n;
	struct timespec last;
};

struct create_options {
	bool paused;  /* and stays so */
	bool dry_run; /* looks at everything, makes nothing */
};

/*
 * Makes and starts what the configuration says; *domid is its number. False: nothing of it is
 * left, no domain, no page, no node.
 */
bool domain_create(struct pavise *p, struct store_client *s, const struct domain_config *c,
		   const struct create_options *o, struct phases *phases, uint16_t *domid,
		   struct failure *f);
/* Ends it at once, and removes what the store has of it. */
bool domain_destroy(struct pavise *p, struct store_client *s, uint16_t domid, struct failure *f);

/*
 * Before it is made again: removes what the store and the devices still have of one that is gone, if
 * who ended it was killed at that.
 */
void domain_sweep(struct pavise *p, struct store_client *s, const struct domain_config *c);

/* There is one that the store calls so; dying: it may be at its end. */
bool domain_named(struct pavise *p, struct store_client *s, const char *name, bool dying,
		  uint16_t *domid);
/* By number, or by the name that the store has. */
bool domain_find(struct pavise *p, struct store_client *s, const char *text, uint16_t *domid,
		 struct failure *f);
/* To be freed; NULL: it has none. */
char *domain_name(struct store_client *s, uint16_t domid);
/* False: there is no such domain. */
bool domain_info(struct pavise *p, uint16_t domid, struct xen_domctl_getdomaininfo *info);
/* All of them, by number; to be freed. */
struct xen_domctl_getdomaininfo *domain_list(struct pavise *p, unsigned int *n, struct failure *f);

/* A command that takes a domain only: XEN_DOMCTL_pausedomain. what: "pause". */
bool domain_command(struct pavise *p, uint16_t domid, uint32_t command, const char *what,
		    struct failure *f);
/* Asks its kernel by control/shutdown: "poweroff", "reboot". */
bool domain_ask(struct store_client *s, uint16_t domid, const char *request, struct failure *f);
/* What it should have; the limit too. The guest's balloon follows. */
bool domain_set_memory(struct pavise *p, struct store_client *s, uint16_t domid, uint64_t kib,
		       struct failure *f);

/* The limit of what it may ever have. */
bool domain_set_max_memory(struct pavise *p, struct store_client *s, uint16_t domid, uint64_t kib,
			   struct failure *f);
/* Where a vCPU may run: "0-3,^2", "all". */
bool domain_pin(struct pavise *p, uint16_t domid, unsigned int vcpu, const char *cpus,
		struct failure *f);

#define SHARE_CAP_MAX 12800 /* 128 vCPUs */
#define SHARE_CAP_AS_BEFORE 0xffff
/* Its share of the processors. False: it has gone, or there is a failure. */
bool domain_share(struct pavise *p, uint16_t domid, unsigned int *weight, unsigned int *cap,
		  struct failure *f);
/*
 * weight: 1 to 65535, 0: as before; cap: percent of one processor up to SHARE_CAP_MAX, 0: none,
 * SHARE_CAP_AS_BEFORE.
 */
bool domain_set_share(struct pavise *p, uint16_t domid, unsigned int weight, unsigned int cap,
		      struct failure *f);
/* The same of one that was made before; it keeps it when it is made again. */
bool domain_change_share(struct pavise *p, uint16_t domid, unsigned int weight, unsigned int cap,
			 struct failure *f);
/* How many of its vCPUs are to be online: its kernel follows. */
bool domain_set_vcpus(struct pavise *p, struct store_client *s, uint16_t domid, unsigned int n,
		      struct failure *f);
bool domain_rename(struct pavise *p, struct store_client *s, uint16_t domid, const char *name,
		   struct failure *f);

/*
 * Leaves one that has ended to be looked at: under that name, with a UUID of its own and without
 * its devices, so that its successor can have all three.
 */
bool domain_preserve(struct pavise *p, struct store_client *s, uint16_t domid, const char *name,
		     struct failure *f);

enum domain_wait { WAIT_SHUTDOWN, WAIT_GONE };
/* A domain that is gone has shut down, too. */
bool domain_wait(struct pavise *p, struct store_client *s, uint16_t domid, enum domain_wait what,
		 int seconds, struct failure *f);

#endif /* LIBPAVISE_DOMAIN_H */
