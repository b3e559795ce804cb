/* SPDX-License-Identifier: MIT */
/* A guest's kernel: unpacked and understood by a confined child, checked again by us. */

#ifndef LIBPAVISE_IMAGE_H
#define LIBPAVISE_IMAGE_H

#include <stddef.h>

#include "failure.h"
#include "lib/elf.h"

/* One file in memory, which nobody writes to. */
struct file_map {
	const unsigned char *bytes;
	size_t size;
};

struct guest_image {
	struct kernel_image kernel; /* kernel.image: where the ELF file is in our memory */
	struct file_map file;
	unsigned char *unpacked; /* by the child, or NULL */
	size_t room;             /* bytes mapped there */
	char packing[8];         /* "xz"; "" none */
};

/* Maps a whole file for reading; what: "kernel". */
bool file_map(struct file_map *m, const char *what, const char *path, struct failure *f);
void file_unmap(struct file_map *m);

/* Reads a kernel. image_close() in any case. */
bool image_open(struct guest_image *im, const char *path, struct failure *f);
void image_close(struct guest_image *im);

/*
 * The parse alone, without the child: in may be anything. NULL, or one sentence. The child and
 * the fuzzers call it.
 */
const char *image_parse(const struct file_map *file, unsigned char *unpacked, size_t room,
			struct kernel_image *k, char packing[8]);
/* Bytes that may be needed to unpack it; 0: it is not packed. */
size_t image_room(const struct file_map *file);
/*
 * Is what a child says of an image of that size such that it can be loaded? It may have been
 * taken over by the image.
 */
bool image_believable(const struct kernel_image *k, size_t size);

#endif /* LIBPAVISE_IMAGE_H */
