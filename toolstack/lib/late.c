/* SPDX-License-Identifier: MIT */
/* Functions of modules. */

#include "late.h"

#include <dlfcn.h>

#include "util.h"

void *late(const char *module, const char *function)
{
	void *handle = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	void *found = handle ? dlsym(handle, function) : NULL;

	if (!found)
		log_line("%s; install pavise again, whole", dlerror());
	return found;
}
