/* SPDX-License-Identifier: MIT */
/* What each domain was made from, for who makes it again or shows it. */

#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/daemon.h"

void record_path(char path[96], const char *folder, const uuid_t uuid)
{
	char text[UUID_STR_LEN];

	uuid_unparse_lower(uuid, text);
	snprintf(path, 96, "%s/%s.xml", folder, text);
}

bool record_save(const struct domain_config *c, struct failure *f)
{
	char path[96], new_path[104];
	FILE *out;
	bool good;

	record_path(path, RECORDS, c->uuid);
	snprintf(new_path, sizeof(new_path), "%s.new", path);
	make_parents(path);
	out = fopen(new_path, "we");
	good = out && config_print_xml(c, out);
	if (out)
		good = !fclose(out) && good;
	if (good && !rename(new_path, path))
		return true;
	fail(f, FAIL_REFUSED, "what the domain is made from can't be noted in %s: %s; make room",
	     path, strerror(errno));
	unlink(new_path);
	return false;
}

bool record_read(struct domain_config *c, const char *folder, const uuid_t uuid)
{
	struct config_report r = { 0 };
	char path[96];
	bool good;

	record_path(path, folder, uuid);
	good = config_read(c, &r, path);
	config_report_free(&r);
	return good;
}

void record_remove(const uuid_t uuid)
{
	char path[96];

	record_path(path, RECORDS, uuid);
	unlink(path);
}
