/* SPDX-License-Identifier: MIT */
/* Linux's bzImage: setup_sects sectors of real-mode code, then the rest with the payload. */
#include "lib/bzimage.h"

#include "lib/string.h"

/* Fields of the setup header, by their place in the file */
#define OFF_SETUP_SECTS 0x1f1
#define OFF_SYSSIZE 0x1f4 /* of what follows the setup code, in 16 bytes */
#define OFF_BOOT_FLAG 0x1fe
#define OFF_MAGIC 0x202
#define OFF_VERSION 0x206
#define OFF_XLOADFLAGS 0x236
#define OFF_PAYLOAD_OFFSET 0x248
#define OFF_PAYLOAD_LENGTH 0x24c
#define HEADER_END 0x250

#define VERSION_PAYLOAD 0x0208 /* first with payload fields */
#define VERSION_XLOADFLAGS 0x020c
#define XLF_KERNEL_64 BIT(0)

/* What follows a signed kernel: length of the signature, and this (revision 2.0, kind 2) */
#define PE_CERTIFICATE 0x00020200

__init bool bzimage_is(const void *image, u64 size)
{
	const u8 *p = image;

	return size >= OFF_VERSION && get_le(p + OFF_BOOT_FLAG, 2) == 0xaa55 &&
	       !memcmp(p + OFF_MAGIC, "HdrS", 4);
}

static __init u64 setup_size(const u8 *p)
{
	return ((p[OFF_SETUP_SECTS] ? p[OFF_SETUP_SECTS] : 4) + 1) * 512UL;
}

__init u64 bzimage_end(const void *image, u64 size)
{
	const u8 *p = image;
	u64 end;

	if (!bzimage_is(image, size))
		return size;
	end = setup_size(p) + get_le(p + OFF_SYSSIZE, 4) * 16;
	if (end + 8 <= size && get_le(p + end + 4, 4) == PE_CERTIFICATE)
		end += ALIGN_UP(get_le(p + end, 4), 8);
	return MIN(end, size);
}

/* Every build but gzip's appends the unpacked size; gzip's own format ends with it. */
static __init const char *cut_trailer(struct bzimage *b)
{
	if (b->payload_size < 8)
		return "the kernel's bzImage has no payload";
	b->unpacked_size = get_le(b->payload + b->payload_size - 4, 4);
	if (b->payload[0] != 0x1f || b->payload[1] != 0x8b)
		b->payload_size -= 4;
	return NULL;
}

__init const char *bzimage_parse(const void *image, u64 size, struct bzimage *b)
{
	const u8 *p = image;
	u64 start, offset, length;
	unsigned version;

	if (!bzimage_is(image, size))
		return "the kernel is not a bzImage";
	if (size < HEADER_END)
		return "the kernel's bzImage is cut short inside its header";
	version = get_le(p + OFF_VERSION, 2);
	if (version < VERSION_PAYLOAD)
		return "the kernel's bzImage is too old (boot protocol before 2.08)";
	if (version >= VERSION_XLOADFLAGS && !(get_le(p + OFF_XLOADFLAGS, 2) & XLF_KERNEL_64))
		return "the kernel is a 32-bit one: take one built for x86-64";
	start = setup_size(p);
	offset = get_le(p + OFF_PAYLOAD_OFFSET, 4);
	length = get_le(p + OFF_PAYLOAD_LENGTH, 4);
	if (start + offset > size || length > size - start - offset)
		return "the kernel's bzImage is cut short: its payload lies outside the file";
	b->payload = p + start + offset;
	b->payload_size = length;
	return cut_trailer(b);
}
