/* SPDX-License-Identifier: MIT */
/* Unpacks kernels: gzip, xz, lzma, zstd, lzo, lz4, each by its own library. */

#ifndef LIBPAVISE_UNPACK_H
#define LIBPAVISE_UNPACK_H

#include <stddef.h>

/*
 * Unpacks what is known by its first bytes to out, never beyond out + room. NULL and *len, or one
 * sentence. What follows the packed data is ignored, but for zstd. Input of any kind and size.
 */
const char *unpack_image(const unsigned char *in, size_t size, unsigned char *out, size_t room,
			 size_t *len);
/* Is it packed in a way that we know? */
const char *unpack_name(const unsigned char *in, size_t size);

#endif /* LIBPAVISE_UNPACK_H */
