/* SPDX-License-Identifier: MIT */
/* Linux's bzImage: where the compressed kernel lies inside it. The image is untrusted. */
#ifndef LIB_BZIMAGE_H
#define LIB_BZIMAGE_H

#include "lib/base.h"

struct bzimage {
	const u8 *payload; /* compressed ELF kernel, inside the image */
	u64 payload_size;  /* bytes, a size word that the build appended cut off */
	u32 unpacked_size; /* what the build says it unpacks to; a hint, checked by nobody */
};

/* Does it begin like a bzImage? */
bool bzimage_is(const void *image, u64 size);

/* Bytes up to its end, the firmware's signature included; `size` where there is nothing behind it, or no bzImage. */
u64 bzimage_end(const void *image, u64 size);

/* NULL, or one sentence that says why it cannot be used. Any size may be given. */
const char *bzimage_parse(const void *image, u64 size, struct bzimage *b);

#endif
