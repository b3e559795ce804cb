/* SPDX-License-Identifier: MIT */
/*
 * A guest's kernel. Its owner is not trusted, and five decoders are large: they run in a child that
 * can do nothing but compute, write to memory shared with us, and end. What it says is believed
 * only after it has ended and as far as image_believable() goes; whether the page tables made
 * of it are good, the hypervisor decides.
 */

#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xen/features.h>

#include "../lib/confine.h"
#include "../lib/util.h"
#include "lib/bzimage.h"
#include "unpack.h"

#define ROOM_MAX (512ul << 20) /* no kernel unpacks to more */

bool file_map(struct file_map *m, const char *what, const char *path, struct failure *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st = { 0 };
	void *p = MAP_FAILED;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		fail(f, FAIL_IMAGE_FILE, "the %s %s: %s; name a file that can be read", what, path,
		     fd >= 0 && !st.st_size ? "it is empty" : strerror(errno));
	if (fd >= 0)
		close(fd);
	if (p == MAP_FAILED)
		return false;
	m->bytes = p;
	m->size = (size_t)st.st_size;
	return true;
}

void file_unmap(struct file_map *m)
{
	if (m->bytes)
		munmap((void *)m->bytes, m->size);
	m->bytes = NULL;
}

static const char *find_payload(const struct file_map *file, struct bzimage *b)
{
	*b = (struct bzimage){ .payload = file->bytes, .payload_size = file->size };
	return bzimage_is(file->bytes, file->size) ? bzimage_parse(file->bytes, file->size, b) :
						     NULL;
}

size_t image_room(const struct file_map *file)
{
	const char *packing;
	struct bzimage b;

	if (find_payload(file, &b) || elf_is(b.payload, b.payload_size))
		return 0;
	packing = unpack_name(b.payload, b.payload_size); /* loads what the child can't */
	if (b.payload == file->bytes)
		return packing ? ROOM_MAX : 0;
	return MIN((size_t)b.unpacked_size, ROOM_MAX);
}

const char *image_parse(const struct file_map *file, unsigned char *unpacked, size_t room,
			struct kernel_image *k, char packing[8])
{
	struct bzimage b;
	const char *why = find_payload(file, &b);
	const unsigned char *elf = b.payload;
	size_t size = b.payload_size;

	packing[0] = '\0';
	if (why)
		return why;
	if (!elf_is(elf, size)) {
		const char *name = unpack_name(elf, size);

		if (!name && b.payload == file->bytes)
			return "it is neither ELF nor bzImage; name the guest's vmlinuz";
		why = unpack_image(elf, size, unpacked, room, &size);
		if (why)
			return why;
		stpcpy(packing, name);
		elf = unpacked;
	}
	why = elf_parse_kernel(elf, size, k);
	if (!why && k->required_features & ~(BIT(XENFEAT_pae_pgdir_above_4gb) | BIT(XENFEAT_dom0) |
					     BIT(XENFEAT_writable_page_tables)))
		why = "it requires what PV guests don't have; use one built with CONFIG_XEN_PV";
	return why;
}

/* What the child leaves behind. */
struct verdict {
	const struct guest_image *im; /* IN */
	bool from_file;               /* the ELF file is in the file, not unpacked */
	size_t offset;                /* in there */
	char why[256];                /* "": good */
	char packing[8];
	struct kernel_image kernel;
};

static void look(void *arg)
{
	struct verdict *v = arg;
	const struct guest_image *im = v->im;
	const char *why = image_parse(&im->file, im->unpacked, im->room, &v->kernel, v->packing);

	if (why) {
		strncpy(v->why, why, sizeof(v->why) - 1);
	} else {
		v->from_file = !v->packing[0];
		v->offset =
			(size_t)(v->kernel.image - (v->from_file ? im->file.bytes : im->unpacked));
	}
}

bool image_believable(const struct kernel_image *k, size_t size)
{
	u64 end = 0;

	if (k->image_size > size || !k->nr_load || k->nr_load > ELF_MAX_LOAD)
		return false;
	for (unsigned int i = 0; i < k->nr_load; i++) {
		const struct elf_load *l = &k->load[i];

		if (l->pa < end || l->mem_size > ROOM_MAX || l->pa > ROOM_MAX * 4 ||
		    l->file_size > l->mem_size || l->file_offset > k->image_size ||
		    l->file_size > k->image_size - l->file_offset)
			return false;
		end = l->pa + l->mem_size;
	}
	return k->pa_end == ALIGN_UP(end, PAGE_SIZE) && k->virt_base % PAGE_SIZE == 0 &&
	       k->init_p2m % PAGE_SIZE == 0 &&
	       (!k->hypercall_page || (k->hypercall_page >= k->virt_base &&
				       k->hypercall_page - k->virt_base < k->pa_end));
}

/* v is read after the child has ended: nobody writes to it any more. */
static bool adopt(struct guest_image *im, const struct verdict *v, struct failure *f,
		  const char *path)
{
	size_t size = v->from_file ? im->file.size : im->room;
	const unsigned char *base = v->from_file ? im->file.bytes : im->unpacked;

	if (v->why[0])
		return fail(f, FAIL_IMAGE, "the kernel %s: %.*s", path, (int)sizeof(v->why) - 1,
			    v->why);
	if (v->offset > size || !image_believable(&v->kernel, size - v->offset))
		return fail(f, FAIL_IMAGE, "the kernel %s can't be laid out; take another one",
			    path);
	im->kernel = v->kernel;
	im->kernel.image = base + v->offset;
	im->kernel.guest_os[sizeof(im->kernel.guest_os) - 1] = '\0';
	im->kernel.guest_version[sizeof(im->kernel.guest_version) - 1] = '\0';
	memcpy(im->packing, v->packing, sizeof(im->packing) - 1);
	return true;
}

static void *shared(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

bool image_open(struct guest_image *im, const char *path, struct failure *f)
{
	struct verdict *v;
	const char *why = "there is no memory to look at it; free some";
	bool good;

	*im = (struct guest_image){ 0 };
	if (!file_map(&im->file, "kernel", path, f))
		return false;
	im->room = image_room(&im->file);
	im->unpacked = im->room ? shared(im->room) : NULL;
	v = shared(sizeof(*v));
	if (v && (im->unpacked || !im->room)) {
		v->im = im;
		why = confined(look, v);
	}
	good = why ? fail(f, FAIL_IMAGE, "the kernel %s: %s", path, why) : adopt(im, v, f, path);
	if (v)
		munmap(v, sizeof(*v));
	return good;
}

void image_close(struct guest_image *im)
{
	if (im->unpacked)
		munmap(im->unpacked, im->room);
	file_unmap(&im->file);
	*im = (struct guest_image){ 0 };
}
