/* SPDX-License-Identifier: MIT */
/* libpavise's readers of kernels, alone and in the confined child; the layout of a domain. */

#include <criterion/criterion.h>
#include <lz4.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/elfnote.h>
#include <zlib.h>
#include <zstd.h>

#include "../../toolstack/libpavise/image.h"
#include "../../toolstack/libpavise/layout.h"
#include "../../toolstack/libpavise/unpack.h"
#include "../unit/images.h"

enum { GZIP, XZ, LZMA, ZSTD, LZ4, LZO, KINDS };
static const char *const names[] = { "gzip", "xz", "lzma", "zstd", "lz4", "lzo" };

struct image_bytes {
	u8 *p;
	size_t size;
};

static size_t pack_lzma(int kind, const struct image_bytes *in, u8 *out, size_t room)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_options_lzma o;

	lzma_lzma_preset(&o, 1);
	cr_assert_eq(kind == XZ ? lzma_easy_encoder(&s, 1, LZMA_CHECK_CRC32) :
				  lzma_alone_encoder(&s, &o),
		     LZMA_OK);
	s.next_in = in->p;
	s.avail_in = in->size;
	s.next_out = out;
	s.avail_out = room;
	cr_assert_eq(lzma_code(&s, LZMA_FINISH), LZMA_STREAM_END);
	lzma_end(&s);
	return s.total_out;
}

static size_t pack_gzip(const struct image_bytes *in, u8 *out, size_t room)
{
	z_stream z = { .next_in = in->p, .avail_in = in->size, .next_out = out, .avail_out = room };

	deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static void put_word(u8 *at, u32 v)
{
	v = __builtin_bswap32(v);
	memcpy(at, &v, 4);
}

/* A file as lzop makes it: version 0x1030, one block, its end; with a checksum of the plain data. */
static size_t pack_lzo(const struct image_bytes *in, u8 *out)
{
	static const u8 head[] = { 0x89, 'L',  'Z',  'O',  0,    '\r', '\n', 0x1a, '\n', 0x10,
				   0x30, 0x20, 0x80, 0x09, 0x40, 3,    9,    0,    0,    0,
				   1,    0,    0,    0,    0,    0,    0,    0,    0,    0,
				   0,    0,    0,    0,    0,    0,    0,    0 };
	static u8 work[LZO1X_999_MEM_COMPRESS];
	lzo_uint n = 0;

	memcpy(out, head, sizeof(head));
	out += sizeof(head);
	cr_assert_eq(lzo1x_999_compress(in->p, in->size, out + 12, &n, work), LZO_E_OK);
	put_word(out, in->size);
	put_word(out + 4, n);
	memset(out + 8, 0, 4);
	put_word(out + 12 + n, 0);
	return sizeof(head) + 12 + n + 4;
}

static size_t pack(int kind, const struct image_bytes *in, u8 *out, size_t room)
{
	static const u8 magic[] = { 0x02, 0x21, 0x4c, 0x18 };
	u32 n;

	switch (kind) {
	case GZIP:
		return pack_gzip(in, out, room);
	case ZSTD:
		return ZSTD_compress(out, room, in->p, in->size, 1);
	case LZ4:
		memcpy(out, magic, 4);
		n = LZ4_compress_default((char *)in->p, (char *)out + 8, in->size, room - 8);
		memcpy(out + 4, &n, 4);
		return n + 8;
	case LZO:
		return pack_lzo(in, out);
	default:
		return pack_lzma(kind, in, out, room);
	}
}

/* A kernel of 80 KiB, of which much repeats and much does not. */
static struct image_bytes make_plain(void)
{
	struct image m = make_kernel();
	struct image_bytes b = { malloc(m.size + 65536), m.size + 65536 };

	memcpy(b.p, m.p, m.size);
	srand(5);
	for (size_t i = m.size; i < b.size; i++)
		b.p[i] = i & 64 ? rand() : 7;
	free(m.p);
	return b;
}

/* Exactly as long as it is, for the sanitizer. */
static struct file_map exact(const u8 *bytes, size_t size)
{
	u8 *p = malloc(size ? size : 1);

	memcpy(p, bytes, size);
	return (struct file_map){ p, size };
}

Test(image, every_packing_whole_cut_damaged)
{
	struct image_bytes plain = make_plain();
	size_t room = 2 * plain.size, n;
	u8 *packed = malloc(room), *out = malloc(plain.size);

	for (int kind = 0; kind < KINDS; kind++) {
		size_t size = pack(kind, &plain, packed, room);
		struct file_map m = exact(packed, size);

		cr_assert_str_eq(unpack_name(m.bytes, size), names[kind]);
		cr_assert_null(unpack_image(m.bytes, size, out, plain.size, &n), "%s", names[kind]);
		cr_assert(n == plain.size && !memcmp(out, plain.p, n), "%s", names[kind]);
		cr_assert(unpack_image(m.bytes, size, out, plain.size - 1, &n), "%s: too long",
			  names[kind]);
		for (size_t cut = 17; cut < size - 8; cut += 1 + size / 50) {
			struct file_map c = exact(packed, cut);

			unpack_image(c.bytes, cut, out, plain.size, &n);
			cr_assert(n < plain.size || kind == XZ || ZSTD_isError(n), "%s cut at %zu",
				  names[kind], cut);
			free((void *)c.bytes);
		}
		for (int round = 0; round < 200; round++) {
			struct file_map d = exact(packed, size);

			for (int i = 0; i < 3; i++)
				((u8 *)d.bytes)[rand() % size] = rand();
			if (unpack_name(d.bytes, size))
				unpack_image(d.bytes, size, out, plain.size, &n);
			free((void *)d.bytes);
		}
		free((void *)m.bytes);
	}
	free(packed);
	free(out);
	free(plain.p);
}

Test(image, what_is_no_kernel)
{
	static const u8 text[] = "This is text, and it is no kernel that anybody could start.";
	struct file_map m = exact(text, sizeof(text));
	struct kernel_image k;
	char packing[8];

	cr_assert(strstr(image_parse(&m, NULL, 0, &k, packing), "neither ELF nor bzImage"));
	free((void *)m.bytes);
	m = exact(text, 0);
	cr_assert(image_parse(&m, NULL, 0, &k, packing));
	free((void *)m.bytes);
}

Test(image, believed_only_as_far_as_it_can_be_loaded)
{
	struct image m = make_kernel();
	struct kernel_image good, k;

	cr_assert_null(elf_parse_kernel(m.p, m.size, &good));
	cr_assert(image_believable(&good, m.size));
	cr_assert(!image_believable(&good, m.size - 1));
	k = good, k.nr_load = ELF_MAX_LOAD + 1;
	cr_assert(!image_believable(&k, m.size));
	k = good, k.load[1].file_offset = m.size;
	cr_assert(!image_believable(&k, m.size));
	k = good, k.load[0].file_size = ~0ul;
	cr_assert(!image_believable(&k, m.size));
	k = good, k.load[1].pa = 0;
	cr_assert(!image_believable(&k, m.size));
	k = good, k.load[1].mem_size = ~0ul;
	cr_assert(!image_believable(&k, m.size));
	k = good, k.pa_end += 4096;
	cr_assert(!image_believable(&k, m.size));
	k = good, k.hypercall_page = k.virt_base + k.pa_end;
	cr_assert(!image_believable(&k, m.size));
	free(m.p);
}

/* The same through the child; a file that is left as it is, and its parent's descriptors too. */
Test(image, in_the_confined_child)
{
	struct image_bytes plain = make_plain();
	char path[] = "/tmp/test-image-XXXXXX";
	int fd = mkstemp(path);
	struct failure f = { 0 };
	struct guest_image im;
	u8 *packed = malloc(2 * plain.size);
	size_t size;

	for (int kind = -1; kind < KINDS; kind++) {
		const u8 *bytes = kind < 0 ? plain.p : packed;

		size = kind < 0 ? plain.size : pack(kind, &plain, packed, 2 * plain.size);
		cr_assert(!ftruncate(fd, 0) && pwrite(fd, bytes, size, 0) == (ssize_t)size);
		cr_assert(image_open(&im, path, &f), "%s", f.text);
		cr_assert_str_eq(im.packing, kind < 0 ? "" : names[kind]);
		cr_assert_eq(im.kernel.virt_base, IMG_VIRT);
		cr_assert(!memcmp(im.kernel.image, plain.p, plain.size));
		image_close(&im);
	}
	cr_assert(!ftruncate(fd, size / 2));
	cr_assert(!image_open(&im, path, &f));
	cr_assert_eq(f.code, FAIL_IMAGE);
	image_close(&im);
	unlink(path);
	close(fd);
	free(packed);
	free(plain.p);
}

/* ---- layout ---- */

struct filled {
	const struct layout *l;
	u64 entries, tables, writable_tables, last_table;
};

static void count(void *ctx, u64 table, unsigned int index, u64 pfn, bool writable)
{
	struct filled *f = ctx;
	bool is_table = pfn >= f->l->pt_pfn && pfn < f->l->pt_pfn + f->l->nr_pt;

	cr_assert(pfn < f->l->nr_pages && table < f->l->nr_pages && index < 512);
	f->entries++;
	f->tables += is_table;
	f->writable_tables += is_table && writable;
	f->last_table = table;
}

static struct kernel_image kernel_at(u64 virt_base, u64 pages)
{
	return (struct kernel_image){ .virt_base = virt_base, .pa_end = pages << 12 };
}

Test(layout, in_line)
{
	struct kernel_image k = kernel_at(0xffffffff80000000, 300);
	struct failure f = { 0 };
	struct layout l;
	struct filled n = { .l = &l };

	cr_assert(layout_plan(&l, &k, 2048, 4097, &f));
	cr_assert_eq(l.initrd_pfn, 300);
	cr_assert_eq(l.initrd_pages, 2);
	cr_assert_eq(l.p2m_pfn, 302);
	cr_assert_eq(l.start_info_pfn, 306);
	cr_assert_eq(l.pt_pfn, 309);
	cr_assert(l.va_pages % 1024 == 0 && (l.va_pages - l.stack_pfn - 1) * 4096 >= 512 << 10);
	cr_assert(layout_tables(&l, &k, count, &n));
	cr_assert_eq(n.entries, l.va_pages + l.nr_pt - 1);
	/* A table is named by its parent, writable, and in the map of all frames, not so. */
	cr_assert_eq(n.tables, 2 * l.nr_pt - 1);
	cr_assert_eq(n.writable_tables, l.nr_pt - 1);
}

Test(layout, list_and_ramdisk_elsewhere)
{
	struct kernel_image k = kernel_at(0xffffffff80000000, 3000);
	struct failure f = { 0 };
	struct layout l;
	struct filled n = { .l = &l };

	k.has_init_p2m = true;
	k.mod_start_pfn = true;
	k.init_p2m = 0x8000000000;
	cr_assert(layout_plan(&l, &k, 65536, 20 << 20, &f));
	cr_assert_eq(l.p2m_pfn, l.va_pages);
	cr_assert_eq(l.nr_p2m, 128 + 3);
	cr_assert_eq(l.initrd_pfn, l.p2m_pfn + l.nr_p2m);
	cr_assert(layout_tables(&l, &k, count, &n));
	cr_assert_eq(n.last_table, l.p2m_pfn + l.nr_p2m - 1);
}

Test(layout, what_does_not_fit)
{
	struct kernel_image k = kernel_at(0xffffffff80000000, 1000);
	struct failure f = { 0 };
	struct layout l;
	u64 least = 1000;

	while (!layout_plan(&l, &k, least, 0, &f))
		f.code = FAIL_NONE, least++;
	cr_assert_eq(least, l.va_pages);
	cr_assert(!layout_plan(&l, &k, 4096, 64 << 20, &f));
	cr_assert_eq(f.code, FAIL_MEMORY);
	f.code = FAIL_NONE;
	cr_assert(!layout_plan(&l, &k, 4096, ~0ul, &f));
	/* Over the end of the addresses, and over the hole in them */
	k.virt_base = 0xffffffffffc00000;
	f.code = FAIL_NONE;
	cr_assert(!layout_plan(&l, &k, 4096, 0, &f));
	cr_assert_eq(f.code, FAIL_IMAGE);
	k.virt_base = 0x7fffffe00000;
	f.code = FAIL_NONE;
	cr_assert(!layout_plan(&l, &k, 4096, 0, &f));
	/* The list of frames among the kernel's own addresses */
	k.virt_base = 0xffffffff80000000;
	k.has_init_p2m = true;
	k.init_p2m = 0xffffffff80200000;
	f.code = FAIL_NONE;
	cr_assert(layout_plan(&l, &k, 4096, 0, &f));
	cr_assert(!layout_tables(&l, &k, count, &(struct filled){ .l = &l }));
}
