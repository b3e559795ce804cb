/* SPDX-License-Identifier: MIT */
/* What each domain was made from: a file of XML, as long as the domain is there. */

#ifndef LIBPAVISE_RECORD_H
#define LIBPAVISE_RECORD_H

#include "../config/config.h"
#include "failure.h"

/* UUID.xml in the first: domains there are; in the second: such as are to be made again. */
#define RECORDS "/run/pavise/domains"
#define RESTARTS "/run/pavise/restarts"

/* The path of a domain's file in that folder. */
void record_path(char path[96], const char *folder, const uuid_t uuid);
/* Writes it, whole or not at all. Its paths have to be absolute, its UUID is known. */
bool record_save(const struct domain_config *c, struct failure *f);
/* False: there is none, or it can't be read. config_free() in any case. */
bool record_read(struct domain_config *c, const char *folder, const uuid_t uuid);
void record_remove(const uuid_t uuid);

#endif /* LIBPAVISE_RECORD_H */
