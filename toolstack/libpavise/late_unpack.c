/* SPDX-License-Identifier: MIT */
/* Stands for unpack.c, which is a module: five libraries that a kernel in ELF does not need. */

#include "../lib/late.h"
#include "unpack.h"

/* Kept: the first to ask is not confined yet, who unpacks is. */
static const char *(*name)(const unsigned char *in, size_t size);
static const char *(*unpack)(const unsigned char *in, size_t size, unsigned char *out, size_t room,
			     size_t *len);

const char *unpack_name(const unsigned char *in, size_t size)
{
	if (!name) {
		name = late("pavise-unpack.so", "unpack_name");
		unpack = late("pavise-unpack.so", "unpack_image");
	}
	return name && unpack ? name(in, size) : NULL;
}

const char *unpack_image(const unsigned char *in, size_t size, unsigned char *out, size_t room,
			 size_t *len)
{
	return unpack ? unpack(in, size, out, room, len) : "its packing is not known here";
}
