/* SPDX-License-Identifier: MIT */
/* ELF64 kernel images: file header, loadable segments, loading. The notes are elfnote.c. */
#include "lib/elf.h"

#include "lib/elf_format.h"
#include "lib/string.h"

/* The guest ABI gives these addresses to the hypervisor. */
#define HOLE_START 0xffff800000000000UL
#define HOLE_END 0xffff880000000000UL

__init bool elf_is(const void *image, u64 size)
{
	return size >= 4 && !memcmp(image, "\177ELF", 4);
}

__init bool elf_range_ok(u64 size, u64 offset, u64 len)
{
	return len <= size && offset <= size - len;
}

static __init const char *check_header(const void *image, u64 size, struct elf_header *h)
{
	if (!elf_is(image, size))
		return "the kernel is not an ELF file";
	if (size < sizeof(*h))
		return "the kernel is cut short inside its ELF header";
	memcpy(h, image, sizeof(*h));
	if (h->ident[4] == 1)
		return "the kernel is a 32-bit one: take one built for x86-64";
	if (h->ident[4] != 2 || h->ident[5] != 1 || h->ident[6] != 1)
		return "the kernel is no little-endian ELF64 file of version 1";
	if (h->machine != ELF_MACHINE_X86_64)
		return "the kernel was built for another processor: take one built for x86-64";
	if (h->type != ELF_TYPE_EXEC)
		return "the ELF file is no executable at fixed addresses: give an uncompressed "
		       "kernel";
	if (h->phentsize != sizeof(struct elf_segment))
		return "the kernel's ELF program headers have an unknown size";
	if (!elf_range_ok(size, h->phoff, (u64)h->phnum * sizeof(struct elf_segment)))
		return "the kernel is cut short: its program headers lie outside the file";
	return NULL;
}

/* Insert by address; nr_load < ELF_MAX_LOAD. */
static __init void insert_load(struct kernel_image *k, const struct elf_load *l)
{
	unsigned i = k->nr_load++;

	for (; i && k->load[i - 1].pa > l->pa; i--)
		k->load[i] = k->load[i - 1];
	k->load[i] = *l;
}

static __init const char *add_segment(struct kernel_image *k, const struct elf_segment *s)
{
	struct elf_load l = { s->paddr - k->paddr_offset, s->offset, s->filesz, s->memsz };

	if (s->type != ELF_PT_LOAD || !s->memsz)
		return NULL;
	if (s->filesz > s->memsz)
		return "a segment of the kernel has more bytes in the file than in memory";
	if (!elf_range_ok(k->image_size, s->offset, s->filesz))
		return "the kernel is cut short: a segment lies outside the file";
	if (s->paddr < k->paddr_offset || l.pa > ELF_MAX_PA || l.mem_size > ELF_MAX_PA - l.pa)
		return "a segment of the kernel lies outside any possible memory";
	if (k->nr_load == ELF_MAX_LOAD)
		return "the kernel has too many loadable segments";
	insert_load(k, &l);
	return NULL;
}

static __init const char *read_segments(struct kernel_image *k, const struct elf_header *h)
{
	struct elf_segment s;
	const char *err;

	for (unsigned i = 0; i < h->phnum; i++) {
		memcpy(&s, k->image + h->phoff + i * sizeof(s), sizeof(s));
		err = add_segment(k, &s);
		if (err)
			return err;
	}
	if (!k->nr_load)
		return "the kernel has nothing to load";
	for (unsigned i = 1; i < k->nr_load; i++)
		if (k->load[i].pa - k->load[i - 1].pa < k->load[i - 1].mem_size)
			return "two segments of the kernel overlap";
	k->pa_start = ALIGN_DOWN(k->load[0].pa, PAGE_SIZE);
	k->pa_end = k->load[k->nr_load - 1].pa + k->load[k->nr_load - 1].mem_size;
	k->pa_end = ALIGN_UP(k->pa_end, PAGE_SIZE);
	return NULL;
}

/* [start, end) canonical, in one half, and clear of our range */
static __init bool guest_range_ok(u64 start, u64 end)
{
	if (start > end)
		return false;
	return end <= 1UL << 47 || start >= HOLE_END;
}

static __init const char *check_addresses(const struct kernel_image *k)
{
	u64 start, end;

	if (__builtin_add_overflow(k->virt_base, k->pa_start, &start) ||
	    __builtin_add_overflow(k->virt_base, k->pa_end, &end) || !guest_range_ok(start, end))
		return "the kernel's virtual addresses are not a guest's to use";
	if (k->entry < start || k->entry >= end)
		return "the kernel's entry point lies outside the kernel";
	if (k->hypercall_page && (k->hypercall_page % PAGE_SIZE || k->hypercall_page < start ||
				  k->hypercall_page >= end))
		return "the kernel's hypercall page lies outside the kernel";
	if (k->has_init_p2m &&
	    (k->init_p2m % PAGE_SIZE || !guest_range_ok(k->init_p2m, k->init_p2m + PAGE_SIZE)))
		return "the kernel wants its frame list (INIT_P2M) at an impossible address";
	if (k->hv_start_low > HOLE_START)
		return "the kernel leaves the hypervisor no room (HV_START_LOW)";
	return NULL;
}

__init const char *elf_parse_kernel(const void *image, u64 size, struct kernel_image *k)
{
	struct elf_header h;
	const char *err = check_header(image, size, &h);

	if (err)
		return err;
	memset(k, 0, sizeof(*k));
	k->image = image;
	k->image_size = size;
	k->entry = h.entry;
	err = elf_read_notes(k, &h);
	if (!err)
		err = read_segments(k, &h);
	if (!err)
		err = check_addresses(k);
	return err;
}

__init void elf_load_segments(const struct kernel_image *k, elf_put_fn *put, void *ctx)
{
	u64 at = k->pa_start;

	for (unsigned i = 0; i < k->nr_load; i++) {
		const struct elf_load *l = &k->load[i];

		if (l->pa > at) /* the gap, and the BSS before it */
			put(ctx, at, NULL, l->pa - at);
		if (l->file_size)
			put(ctx, l->pa, k->image + l->file_offset, l->file_size);
		at = l->pa + l->file_size;
	}
	if (k->pa_end > at)
		put(ctx, at, NULL, k->pa_end - at);
}
