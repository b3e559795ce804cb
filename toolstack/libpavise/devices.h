/* SPDX-License-Identifier: MIT */
/* A domain's disks and networks, served by the kernel's own back ends; plugged in by us, no scripts. */

#ifndef LIBPAVISE_DEVICES_H
#define LIBPAVISE_DEVICES_H

#include <sys/types.h>

#include "../config/config.h"
#include "link.h"
#include "storeclient.h"

/* Those of one domain that is being made. Every nic has its address. */
struct devices {
	const struct domain_config *c;
	struct disk_link *disks; /* [c->n_disks] */
};

/*
 * Sees that the images, block devices and bridges are there and can be had. devices_close() in any
 * case. False: f->line is the line of the configuration.
 */
bool devices_open(struct devices *d, const struct domain_config *c, struct failure *f);
void devices_close(struct devices *d);
/*
 * Sees that nobody writes to a disk that another domain has; what a domain left that is no more goes.
 */
bool devices_alone(const struct devices *d, struct pavise *p, struct store_client *s,
		   struct failure *f);
/* Gives each file a loop device. devices_detach() unless the nodes came to the store. */
bool devices_attach(struct devices *d, struct failure *f);
void devices_detach(struct devices *d);
/* The nodes of both ends, in the transaction that is open. 0 or -errno. */
int devices_enter(const struct devices *d, struct store_client *s, uint16_t domid);
/* Waits until the back ends are there, and plugs the networks in. */
bool devices_connect(const struct devices *d, struct store_client *s, uint16_t domid,
		     struct failure *f);

/* Takes away the back ends of a domain that ends, by what the store has of them. */
void devices_remove(struct store_client *s, uint16_t domid);

/* The number of xvda and the like, as the front ends know it. */
uint32_t disk_number(const char *vdev);

#endif /* LIBPAVISE_DEVICES_H */
