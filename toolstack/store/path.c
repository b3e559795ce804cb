/* SPDX-License-Identifier: MIT */
/* Paths of requests. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store.h"

static const char *const special_paths[] = { "@introduceDomain", "@releaseDomain" };

int path_special(const char *path)
{
	for (int i = 0; i < 2; i++) {
		if (!strcmp(path, special_paths[i]))
			return i;
	}
	return -1;
}

static bool well_formed(const char *path, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)path[i];

		if (!isalnum(c) && !strchr("-/_@", c))
			return false;
		if (!c || (c == '/' && i + 1 < len && path[i + 1] == '/'))
			return false;
	}
	return len == 1 || path[len - 1] != '/';
}

bool path_canonical(const struct conn *c, const char *path, size_t len, char out[PATH_BYTES],
		    uint16_t *relative)
{
	int base = 0;

	*relative = 0;
	errno = EINVAL;
	if (len == 0 || !well_formed(path, len))
		return false;
	if (path[0] != '/' && path[0] != '@') {
		if (len > XENSTORE_REL_PATH_MAX)
			return false;
		base = snprintf(out, PATH_BYTES, "/local/domain/%u/", c->domain->id);
		*relative = (uint16_t)base;
	} else if (len > XENSTORE_ABS_PATH_MAX) {
		return false;
	}
	memcpy(out + base, path, len);
	out[(size_t)base + len] = '\0';
	return path[0] != '@' || path_special(out) >= 0;
}
