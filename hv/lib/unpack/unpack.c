/* SPDX-License-Identifier: MIT */
/* Unpacking by the libraries' decoders, and the arena that they allocate from. */
#include "lib/unpack/unpack.h"

#define ZSTD_STATIC_LINKING_ONLY /* for the decoder with an allocator of our own */
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "lib/bzimage.h"
#include "lib/elf.h"
#include "lib/string.h"

u8 unpack_tls[64] __attribute__((aligned(64), section(".init.data"))) = { 0x5a };

static u8 *arena_base __initdata;
static u64 arena_size __initdata;
static u64 arena_used __initdata;
static u64 arena_last __initdata; /* where the newest allocation starts */

__init void unpack_arena(void *base, u64 size)
{
	arena_base = base;
	arena_size = size;
	arena_reset();
}

__init void arena_reset(void)
{
	arena_used = arena_last = 0;
}

__init void *arena_alloc(u64 size)
{
	u64 room = arena_size - arena_used;

	if (size > room || ALIGN_UP(size, 16) > room)
		return NULL;
	arena_last = arena_used;
	arena_used += ALIGN_UP(size, 16);
	return arena_base + arena_last;
}

__init void arena_free(void *p)
{
	if (p && p == arena_base + arena_last)
		arena_used = arena_last;
}

static __init void *zlib_alloc(void *opaque, unsigned n, unsigned size)
{
	return arena_alloc((u64)n * size);
}

static __init void any_free(void *opaque, void *p)
{
	arena_free(p);
}

static __init void *lzma_alloc_fn(void *opaque, size_t n, size_t size)
{
	return arena_alloc((u64)n * size);
}

static __init void *zstd_alloc(void *opaque, size_t size)
{
	return arena_alloc(size);
}

static __init const char *gunzip(const void *in, u64 in_len, void *out, u64 out_max, u64 *out_len)
{
	z_stream s = {
		.next_in = (void *)in, .next_out = out, .zalloc = zlib_alloc, .zfree = any_free
	};
	int ret;

	if (in_len > UINT32_MAX || out_max > UINT32_MAX)
		return "a gzip file of 4 GiB or more cannot be unpacked";
	s.avail_in = in_len;
	s.avail_out = out_max;
	ret = inflateInit2(&s, 16 + MAX_WBITS); /* 16: a gzip header, nothing else */
	if (ret == Z_OK)
		ret = inflate(&s, Z_FINISH);
	*out_len = s.total_out;
	switch (ret) {
	case Z_STREAM_END:
		return NULL;
	case Z_MEM_ERROR:
		return "there is too little memory to unpack the gzip data";
	case Z_BUF_ERROR:
		return s.avail_out ? "the gzip data are cut short" :
				     "the gzip data unpack to more than they say";
	default:
		return "the gzip data are damaged";
	}
}

static __init const char *unlzma(bool xz, const void *in, u64 in_len, void *out, u64 out_max,
				 u64 *out_len)
{
	lzma_allocator alloc = { lzma_alloc_fn, any_free, NULL };
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_ret ret;

	s.allocator = &alloc;
	s.next_in = in;
	s.avail_in = in_len;
	s.next_out = out;
	s.avail_out = out_max;
	ret = xz ? lzma_stream_decoder(&s, UINT64_MAX, LZMA_TELL_UNSUPPORTED_CHECK) :
		   lzma_alone_decoder(&s, UINT64_MAX);
	while (ret == LZMA_OK)
		ret = lzma_code(&s, LZMA_FINISH);
	*out_len = s.total_out;
	switch (ret) {
	case LZMA_STREAM_END:
		return NULL;
	case LZMA_MEM_ERROR:
		return "there is too little memory for the dictionary of the xz data";
	case LZMA_UNSUPPORTED_CHECK:
		return "the xz data have an unsupported kind of checksum";
	case LZMA_OPTIONS_ERROR:
		return "the xz data need a filter that is not supported";
	case LZMA_BUF_ERROR:
		return s.avail_out ? "the xz data are cut short" :
				     "the xz data unpack to more than they say";
	default:
		return "the xz data are damaged";
	}
}

static __init const char *unzstd(const void *in, u64 in_len, void *out, u64 out_max, u64 *out_len)
{
	ZSTD_customMem mem = { zstd_alloc, any_free, NULL };
	ZSTD_DCtx *ctx = ZSTD_createDCtx_advanced(mem);
	size_t ret;

	if (!ctx)
		return "there is too little memory to unpack the zstd data";
	ret = ZSTD_decompressDCtx(ctx, out, out_max, in, in_len);
	if (!ZSTD_isError(ret)) {
		*out_len = ret;
		return NULL;
	}
	switch (-(long)ret) { /* numbers of zstd_errors.h, which are fixed */
	case 70:
		return "the zstd data unpack to more than they say";
	case 72:
		return "the zstd data are cut short, or something follows them";
	default:
		return "the zstd data are damaged";
	}
}

/* The decoders rely on an aligned stack; whoever called us may have none. */
__init __attribute__((force_align_arg_pointer)) const char *unpack(const void *in, u64 in_len,
								   void *out, u64 out_max,
								   u64 *out_len)
{
	arena_reset();
	*out_len = 0;
	switch (unpack_detect(in, in_len)) {
	case UNPACK_GZIP:
		return gunzip(in, in_len, out, out_max, out_len);
	case UNPACK_XZ:
		return unlzma(true, in, in_len, out, out_max, out_len);
	case UNPACK_LZMA:
		return unlzma(false, in, in_len, out, out_max, out_len);
	case UNPACK_ZSTD:
		return unzstd(in, in_len, out, out_max, out_len);
	case UNPACK_ELF:
		if (in_len > out_max)
			return "the kernel is larger than the memory set aside for it";
		memcpy(out, in, in_len);
		*out_len = in_len;
		return NULL;
	default:
		return "the data are packed by none of gzip, xz, lzma and zstd";
	}
}

__init const char *kernel_open(const void *module, u64 size, struct kernel_file *f)
{
	struct bzimage b = { 0 };
	const char *err = NULL;

	f->data = module;
	f->size = size;
	if (bzimage_is(module, size)) {
		err = bzimage_parse(module, size, &b);
		if (err)
			return err;
		f->data = b.payload;
		f->size = b.payload_size;
	}
	f->format = unpack_detect(f->data, f->size);
	if (f->format == UNPACK_NONE)
		return b.payload ? "the bzImage is packed by none of gzip, xz, lzma and zstd" :
				   "the module is neither a bzImage nor an ELF file";
	f->unpacked_size = b.payload && f->format != UNPACK_ELF ?
				   b.unpacked_size :
				   unpack_size_hint(f->data, f->size);
	f->arena_size = unpack_arena_size(f->data, f->size);
	return NULL;
}

__init const char *kernel_unpack(const struct kernel_file *f, void *out, u64 out_max,
				 const void **elf, u64 *elf_len)
{
	const char *err = NULL;

	*elf = f->data;
	*elf_len = f->size;
	if (f->format != UNPACK_ELF) {
		err = unpack(f->data, f->size, out, out_max, elf_len);
		*elf = out;
	}
	if (!err && !elf_is(*elf, *elf_len))
		err = "what the kernel unpacks to is not an ELF file";
	return err;
}
