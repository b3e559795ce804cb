/* SPDX-License-Identifier: MIT */
/* Looks at kernels and ramdisks before anything is made of them: there, whole, the pinned ones. */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../lib/confine.h"
#include "../lib/util.h"
#include "internal.h"

struct image {
	const char *file;
	const unsigned char *bytes;
	size_t size;
};

static bool open_image(struct image *im, struct config_report *r, int line, const char *what,
		       const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st = { 0 };
	bool good = fd >= 0 && !fstat(fd, &st);
	void *p;

	im->file = file;
	if (!good)
		config_fail(r, line, CONFIG_IMAGE_FILE,
			    "the %s %s: %s; name a file that can be read", what, file,
			    strerror(errno));
	else if (!S_ISREG(st.st_mode))
		good = config_fail(r, line, CONFIG_IMAGE_FILE,
				   "the %s %s is no regular file; name one", what, file);
	else if (!st.st_size)
		good = config_fail(r, line, CONFIG_IMAGE, "the %s %s is empty; make it again", what,
				   file);
	if (good) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		im->bytes = p;
		im->size = (size_t)st.st_size;
		good = p != MAP_FAILED ||
		       config_fail(r, line, CONFIG_IMAGE_FILE, "the %s %s: %s; free some memory",
				   what, file, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return good;
}

static bool check_pin(const struct image *im, struct config_report *r, const struct config_pin *pin,
		      const char *what)
{
	unsigned char digest[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];

	if (!pin->set)
		return true;
	if (!sha256(im->bytes, im->size, digest))
		return config_fail(r, pin->line, CONFIG_DIGEST,
				   "the digest of %s can't be computed; look after OpenSSL",
				   im->file);
	if (!memcmp(digest, pin->sha256, SHA256_BYTES))
		return true;
	for (int i = 0; i < SHA256_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return config_fail(r, pin->line, CONFIG_DIGEST,
			   "the %s %s has the digest %s, which is not the pinned one; find out who"
			   " changed it",
			   what, im->file, hex);
}

static uint32_t at32(const struct image *im, size_t at)
{
	uint32_t v = 0;

	if (at + 4 <= im->size)
		memcpy(&v, im->bytes + at, 4);
	return v;
}

static bool elf_kernel(const struct image *im, struct config_report *r, int line)
{
	Elf64_Ehdr e;

	if (im->bytes[EI_CLASS] == ELFCLASS32)
		return config_fail(r, line, CONFIG_IMAGE,
				   "the kernel %s is a 32-bit one; only 64-bit kernels run here",
				   im->file);
	if (im->size < sizeof(e))
		return config_fail(r, line, CONFIG_IMAGE,
				   "the kernel %s is cut short; copy it again", im->file);
	memcpy(&e, im->bytes, sizeof(e));
	if (e.e_machine != EM_X86_64)
		return config_fail(
			r, line, CONFIG_IMAGE,
			"the kernel %s is for another processor; it has to be for x86-64",
			im->file);
	if (e.e_phentsize != sizeof(Elf64_Phdr) || e.e_phoff > im->size ||
	    e.e_phnum > (im->size - e.e_phoff) / sizeof(Elf64_Phdr))
		return config_fail(r, line, CONFIG_IMAGE,
				   "the kernel %s is cut short; copy it again", im->file);
	for (unsigned int i = 0; i < e.e_phnum; i++) {
		Elf64_Phdr ph;

		memcpy(&ph, im->bytes + e.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_LOAD &&
		    (ph.p_offset > im->size || ph.p_filesz > im->size - ph.p_offset))
			return config_fail(r, line, CONFIG_IMAGE,
					   "the kernel %s is cut short; copy it again", im->file);
	}
	return true;
}

/* The boot protocol's header; places by its document. */
static bool bz_kernel(const struct image *im, struct config_report *r, int line)
{
	uint32_t version = at32(im, 0x206) & 0xffff, sectors = im->bytes[0x1f1];
	uint64_t begin, end;

	if (version < 0x20c)
		return config_fail(
			r, line, CONFIG_IMAGE,
			"the kernel %s speaks boot protocol %u.%02u, of before 2012; take a"
			" newer one",
			im->file, version >> 8, version & 0xff);
	if (!(at32(im, 0x236) & 1))
		return config_fail(r, line, CONFIG_IMAGE,
				   "the kernel %s is a 32-bit one; only 64-bit kernels run here",
				   im->file);
	begin = ((uint64_t)(sectors ? sectors : 4) + 1) * 512 + at32(im, 0x248);
	end = begin + at32(im, 0x24c);
	if (end > im->size || end == begin)
		return config_fail(r, line, CONFIG_IMAGE,
				   "the kernel %s ends before what it contains; copy it again",
				   im->file);
	return true;
}

static bool check_kernel(const struct image *im, struct config_report *r, int line)
{
	if (im->size > 16 && !memcmp(im->bytes, ELFMAG, SELFMAG))
		return elf_kernel(im, r, line);
	if (im->size > 0x260 && !memcmp(im->bytes + 0x202, "HdrS", 4))
		return bz_kernel(im, r, line);
	return config_fail(r, line, CONFIG_IMAGE,
			   "%s is no kernel (neither ELF nor bzImage); name the guest's vmlinuz",
			   im->file);
}

/* The whole of a gzip stream, thrown away as it comes. */
static bool gzip_whole(const unsigned char *bytes, size_t size)
{
	static unsigned char out[65536];
	z_stream z = { .next_in = (unsigned char *)bytes, .avail_in = (unsigned int)size };
	int result = Z_OK;

	if (size > UINT32_MAX || inflateInit2(&z, 15 + 32) != Z_OK)
		return true;
	while (result == Z_OK) {
		z.next_out = out;
		z.avail_out = sizeof(out);
		result = inflate(&z, Z_NO_FLUSH);
	}
	inflateEnd(&z);
	return result == Z_STREAM_END;
}

/* Over one cpio archive: behind its end, or 0 if it has none. */
static size_t over_cpio(const struct image *im, size_t at)
{
	while (at + 110 <= im->size && !memcmp(im->bytes + at, "07070", 5)) {
		char field[9] = "";
		size_t name_len, file_len;
		bool last;

		memcpy(field, im->bytes + at + 94, 8);
		name_len = strtoul(field, NULL, 16);
		memcpy(field, im->bytes + at + 54, 8);
		file_len = strtoul(field, NULL, 16);
		if (name_len > im->size - at - 110)
			return 0;
		last = name_len == 11 && !memcmp(im->bytes + at + 110, "TRAILER!!!", 11);
		at = (at + 110 + name_len + 3) & ~(size_t)3;
		if (last)
			return at;
		at = (at + file_len + 3) & ~(size_t)3;
		if (at > im->size)
			return 0;
	}
	return 0;
}

static bool check_ramdisk(const struct image *im, struct config_report *r, int line)
{
	size_t at = 0;
	bool whole = true;

	/* Archives follow one another, with zeros between; the last may be compressed. */
	while (whole && at < im->size) {
		const unsigned char *p = im->bytes + at;
		size_t left = im->size - at;

		if (!*p) {
			at++;
			continue;
		}
		if (left > 6 && !memcmp(p, "07070", 5)) {
			size_t next = over_cpio(im, at);

			whole = next != 0;
			at = next;
			continue;
		}
		if (left > 2 && p[0] == 0x1f && p[1] == 0x8b)
			whole = gzip_whole(p, left);
		else if (left > 6 && !memcmp(p,
					     "\xfd"
					     "7zXZ",
					     6))
			whole = left % 4 == 0 && !memcmp(p + left - 2, "YZ", 2);
		else if (left < 4)
			whole = false;
		break; /* of other kinds nothing can be said cheaply */
	}
	return whole ||
	       config_fail(r, line, CONFIG_IMAGE,
			   "the ramdisk %s is cut short or damaged; make it again", im->file);
}

/* For the confined child, and what it finds. */
struct sight {
	const struct domain_config *c;
	const char *file;
	struct image kernel, ramdisk;
	bool bad; /* OUT, with the line that says why */
	char text[1024];
};

static void look(void *arg)
{
	struct sight *s = arg;
	struct config_report r = { .file = s->file };

	if (check_kernel(&s->kernel, &r, s->c->kernel_line) && s->ramdisk.bytes)
		check_ramdisk(&s->ramdisk, &r, s->c->ramdisk_line);
	s->bad = r.error;
	strncpy(s->text, r.text ? r.text : "", sizeof(s->text) - 1);
}

/* Both may be anything: who looks at them can do nothing but compute, and say what it found. */
static bool look_inside(const struct domain_config *c, struct config_report *r,
			const struct image *kernel, const struct image *ramdisk)
{
	struct sight *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *why = "there is no memory to look at it; free some";

	if (s != MAP_FAILED) {
		*s = (struct sight){ c, r->file, *kernel, *ramdisk, false, "" };
		why = confined(look, s);
	}
	if (why) {
		config_fail(r, c->kernel_line, CONFIG_IMAGE, "the kernel or the ramdisk: %s", why);
	} else if (s->bad) {
		r->error = CONFIG_IMAGE;
		r->text = xasprintf("%.*s", (int)sizeof(s->text) - 1, s->text);
	}
	if (s != MAP_FAILED)
		munmap(s, sizeof(*s));
	return !r->error;
}

bool config_check_images(const struct domain_config *c, struct config_report *r)
{
	struct image kernel = { 0 }, ramdisk = { 0 };
	bool good =
		open_image(&kernel, r, c->kernel_line, "kernel", c->kernel) &&
		(!c->ramdisk || open_image(&ramdisk, r, c->ramdisk_line, "ramdisk", c->ramdisk)) &&
		check_pin(&kernel, r, &c->kernel_pin, "kernel") &&
		check_pin(&ramdisk, r, &c->ramdisk_pin, "ramdisk") &&
		look_inside(c, r, &kernel, &ramdisk);

	if (kernel.size)
		munmap((void *)kernel.bytes, kernel.size);
	if (ramdisk.size)
		munmap((void *)ramdisk.bytes, ramdisk.size);
	return good;
}
