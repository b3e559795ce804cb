/* SPDX-License-Identifier: MIT */
/* The Xen ELF notes of a kernel image: found in PT_NOTE segments, or else in SHT_NOTE sections. */
#include <xen/elfnote.h>
#include <xen/features.h>

#include "lib/elf_format.h"
#include "lib/string.h"

struct notes {
	struct kernel_image *k;
	u32 seen; /* bit n: a Xen note of type n was taken */
};

static __init const char *get_number(const u8 *desc, u32 size, u64 *v)
{
	if (size != 4 && size != 8)
		return "a number in the kernel's Xen notes is not 4 or 8 bytes wide";
	*v = 0;
	memcpy(v, desc, size);
	return NULL;
}

static __init const char *get_text(const u8 *desc, u32 size, char *buf, size_t room)
{
	size_t len = strnlen((const char *)desc, size);

	if (len == size)
		return "a text in the kernel's Xen notes has no end";
	len = MIN(len, room - 1);
	memcpy(buf, desc, len);
	buf[len] = '\0';
	return NULL;
}

/* Names of the feature bits that existed before SUPPORTED_FEATURES replaced names by numbers. */
static const char *const feature_names[] __initconst = {
	[XENFEAT_writable_page_tables] = "writable_page_tables",
	[XENFEAT_writable_descriptor_tables] = "writable_descriptor_tables",
	[XENFEAT_auto_translated_physmap] = "auto_translated_physmap",
	[XENFEAT_supervisor_mode_kernel] = "supervisor_mode_kernel",
	[XENFEAT_pae_pgdir_above_4gb] = "pae_pgdir_above_4gb",
	[XENFEAT_mmu_pt_update_preserve_ad] = "mmu_pt_update_preserve_ad",
	[XENFEAT_highmem_assist] = "highmem_assist",
	[XENFEAT_gnttab_map_avail_bits] = "gnttab_map_avail_bits",
	[XENFEAT_hvm_callback_vector] = "hvm_callback_vector",
	[XENFEAT_hvm_safe_pvclock] = "hvm_safe_pvclock",
	[XENFEAT_hvm_pirqs] = "hvm_pirqs",
	[XENFEAT_dom0] = "dom0",
};

static __init int find_feature(const char *name, size_t len)
{
	for (unsigned i = 0; i < ARRAY_SIZE(feature_names); i++)
		if (strlen(feature_names[i]) == len && !memcmp(feature_names[i], name, len))
			return i;
	return -ENOENT;
}

/* "name|!name|...": "!" marks what the kernel cannot do without. desc may lack a final zero. */
static __init const char *get_features(struct kernel_image *k, const u8 *desc, u32 size)
{
	const char *p = (const char *)desc, *end = p + strnlen(p, size);

	while (p < end) {
		const char *bar = memchr(p, '|', end - p);
		const char *stop = bar ? bar : end;
		bool required = *p == '!';
		int bit = find_feature(p + required, stop - p - required);

		if (bit >= 0 && required)
			k->required_features |= BIT(bit);
		if (bit < 0 && required && stop > p + 1)
			return "the kernel requires a feature that this hypervisor does not know";
		p = stop + 1;
	}
	return NULL;
}

/* Notes that are one number (room 0) or a text: where in struct kernel_image it goes. */
#define NUMBER(field)                                                                              \
	{                                                                                          \
		offsetof(struct kernel_image, field), 0                                            \
	}
#define TEXT(field)                                                                                \
	{                                                                                          \
		offsetof(struct kernel_image, field), sizeof((struct kernel_image){ 0 }.field)     \
	}
static const struct note_field {
	u16 at, room;
} note_fields[XEN_ELFNOTE_MAX + 1] __initconst = {
	[XEN_ELFNOTE_ENTRY] = NUMBER(entry),
	[XEN_ELFNOTE_HYPERCALL_PAGE] = NUMBER(hypercall_page),
	[XEN_ELFNOTE_VIRT_BASE] = NUMBER(virt_base),
	[XEN_ELFNOTE_PADDR_OFFSET] = NUMBER(paddr_offset),
	[XEN_ELFNOTE_HV_START_LOW] = NUMBER(hv_start_low),
	[XEN_ELFNOTE_INIT_P2M] = NUMBER(init_p2m),
	[XEN_ELFNOTE_MOD_START_PFN] = NUMBER(mod_start_pfn),
	[XEN_ELFNOTE_XEN_VERSION] = TEXT(xen_version),
	[XEN_ELFNOTE_GUEST_OS] = TEXT(guest_os),
	[XEN_ELFNOTE_GUEST_VERSION] = TEXT(guest_version),
	[XEN_ELFNOTE_LOADER] = TEXT(loader),
};

static __init const char *take_note(struct kernel_image *k, u32 type, const u8 *desc, u32 size)
{
	const struct note_field *f = &note_fields[type];
	void *to = (u8 *)k + f->at;

	if (type == XEN_ELFNOTE_FEATURES)
		return get_features(k, desc, size);
	if (f->room)
		return get_text(desc, size, to, f->room);
	return f->at ? get_number(desc, size, to) : NULL;
}

/* One area of notes: [at, end) inside the image; names and descriptors are padded to `align`. */
static __init const char *scan_notes(struct notes *n, u64 at, u64 end, u64 align)
{
	const u8 *image = n->k->image;
	u32 head[3]; /* name size, descriptor size, type */

	while (end - at >= sizeof(head)) {
		u64 name, desc, next;
		const char *err;

		memcpy(head, image + at, sizeof(head));
		name = at + sizeof(head);
		desc = ALIGN_UP(name + head[0], align);
		next = ALIGN_UP(desc + head[1], align);
		if (desc > end || head[1] > end - desc)
			return "the kernel's ELF notes are damaged";
		if (head[0] == 4 && !memcmp(image + name, "Xen", 4) && head[2] <= XEN_ELFNOTE_MAX) {
			err = take_note(n->k, head[2], image + desc, head[1]);
			if (err)
				return err;
			n->seen |= BIT(head[2]);
		}
		at = MIN(next, end);
	}
	return NULL;
}

static __init const char *scan_area(struct notes *n, u64 offset, u64 size, u64 align)
{
	if (!elf_range_ok(n->k->image_size, offset, size))
		return "the kernel is cut short: its ELF notes lie outside the file";
	return scan_notes(n, offset, offset + size, align == 8 ? 8 : 4);
}

static __init const char *scan_segments(struct notes *n, const struct elf_header *h)
{
	struct elf_segment s;
	const char *err = NULL;

	for (unsigned i = 0; i < h->phnum && !err; i++) {
		memcpy(&s, n->k->image + h->phoff + i * sizeof(s), sizeof(s));
		if (s.type == ELF_PT_NOTE)
			err = scan_area(n, s.offset, s.filesz, s.align);
	}
	return err;
}

static __init const char *scan_sections(struct notes *n, const struct elf_header *h)
{
	struct elf_section s;
	const char *err = NULL;

	if (h->shentsize != sizeof(s) ||
	    !elf_range_ok(n->k->image_size, h->shoff, (u64)h->shnum * sizeof(s)))
		return NULL; /* no sections is no mistake */
	for (unsigned i = 0; i < h->shnum && !err; i++) {
		memcpy(&s, n->k->image + h->shoff + i * sizeof(s), sizeof(s));
		if (s.type == ELF_SHT_NOTE)
			err = scan_area(n, s.offset, s.size, s.addralign);
	}
	return err;
}

/* Do the notes ask for something that a ring-3 kernel on this hypervisor can have? */
static __init const char *check_notes(const struct notes *n)
{
	const struct kernel_image *k = n->k;
	u32 page = BIT(XEN_ELFNOTE_HYPERCALL_PAGE);
	bool pvh = n->seen & BIT(XEN_ELFNOTE_PHYS32_ENTRY);

	if (!n->seen)
		return "the kernel has no Xen ELF notes: it was built without CONFIG_XEN_PV";
	if (!(n->seen & BIT(XEN_ELFNOTE_ENTRY)) && (pvh || !(n->seen & page)))
		return "the kernel's Xen ELF notes name no PV entry: it was built without "
		       "CONFIG_XEN_PV";
	if (strncmp(k->xen_version, "xen-3.0", 7))
		return "the kernel's Xen ELF notes ask for another interface than xen-3.0";
	if (n->seen & BIT(XEN_ELFNOTE_LOADER) && strcmp(k->loader, "generic"))
		return "the kernel's Xen ELF notes ask for another loader than \"generic\"";
	if (k->required_features &
	    (BIT(XENFEAT_supervisor_mode_kernel) | BIT(XENFEAT_auto_translated_physmap)))
		return "the kernel requires to run in ring 0 or with translated memory: it is no "
		       "PV kernel";
	return NULL;
}

__init const char *elf_read_notes(struct kernel_image *k, const struct elf_header *h)
{
	struct notes n = { .k = k };
	const char *err = scan_segments(&n, h);

	if (!err && !n.seen)
		err = scan_sections(&n, h);
	k->has_init_p2m = n.seen & BIT(XEN_ELFNOTE_INIT_P2M);
	return err ?: check_notes(&n);
}
