/* SPDX-License-Identifier: MIT */
/* The privileged domain: from the first two boot modules. */
#include "core/arch.h"
#include "core/event.h"
#include "core/grant.h"
#include "lib/bzimage.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "lib/unpack/unpack.h"
#include "pv/pv.h"
#include "x86/boot.h"
#include "x86/crash.h"

/* dom0_mem=SIZE,min:SIZE,max:SIZE in bytes; a negative SIZE = all but that much; 0 = not given. */
static s64 opt_mem, opt_mem_min, opt_mem_max;
static u32 opt_max_vcpus;

static int parse_size(const char **s, s64 *out)
{
	static const char units[] = "bkmgt";
	bool negative = **s == '-';
	const char *digits = *s + negative, *unit;
	u64 v;

	*s = digits;
	v = parse_number(s);
	if (*s == digits)
		return -EINVAL;
	unit = **s ? strchr(units, **s | 0x20) : NULL;
	v <<= 10 *
	      (unit ? unit - units : 1); /* KiB where there is no letter, as operators write it */
	*s += unit != NULL;
	*out = negative ? -(s64)v : (s64)v;
	return 0;
}

static int opt_dom0_mem(const char *s)
{
	while (*s) {
		s64 *to = &opt_mem;

		if (!strncmp(s, "min:", 4)) {
			to = &opt_mem_min;
			s += 4;
		} else if (!strncmp(s, "max:", 4)) {
			to = &opt_mem_max;
			s += 4;
		}
		if (parse_size(&s, to))
			return -EINVAL;
		if (*s == ',')
			s++;
		else if (*s)
			return -EINVAL;
	}
	return 0;
}
BOOT_OPTION("dom0_mem", opt_dom0_mem);

static int opt_dom0_max_vcpus(const char *s)
{
	u64 v = parse_number(&s);

	if (*s == '-') { /* MIN-MAX: the upper one */
		s++;
		v = parse_number(&s);
	}
	if (*s || !v || v > MAX_VCPUS)
		return -EINVAL;
	opt_max_vcpus = v;
	return 0;
}
BOOT_OPTION("dom0_max_vcpus", opt_dom0_max_vcpus);

/*
 * Without dom0_mem=: all, but for a sixteenth that stays with the hypervisor for other domains (at
 * most 128 MiB).
 */
static u64 dom0_pages(void)
{
	u64 avail = heap_free_pages(), reserve = MIN(avail / 16, 128UL << 8), pages;
	/* what building takes: the list of frames, and slack for tables of ours */
	u64 cost = avail / 512 + 64;

	avail -= cost;
	if (opt_mem > 0)
		pages = opt_mem >> PAGE_SHIFT;
	else
		pages = avail - (opt_mem < 0 ? (u64)-opt_mem >> PAGE_SHIFT : reserve);
	if (opt_mem_max > 0)
		pages = MIN(pages, (u64)opt_mem_max >> PAGE_SHIFT);
	if (opt_mem_min > 0)
		pages = MAX(pages, (u64)opt_mem_min >> PAGE_SHIFT);
	if ((s64)pages < 0 || pages > avail)
		pages = avail;
	return pages;
}

/*
 * The decoders use SSE and the stack protector: FPU on, FS base at a canary. Memory: the upper end
 * of what is free, given back afterwards.
 */
static const char *unpack_kernel(const struct boot_module *m, void **out, const void **elf,
				 u64 *len)
{
	struct kernel_file f;
	const char *why = kernel_open(maddr_to_virt(m->start), m->size, &f);
	u64 out_max = f.unpacked_size;
	void *arena = NULL;

	if (why)
		return why;
	if (f.format != UNPACK_ELF) {
		arena = xalloc_pages(f.arena_size, MEMF_any);
		if (!out_max)
			out_max = 256UL << 20;
		*out = xalloc_pages(out_max, MEMF_any);
		if (!*out || !arena) {
			xfree(arena);
			return "too little memory to unpack the kernel; give the machine more";
		}
		unpack_arena(arena, f.arena_size);
	}
	clts();
	wrmsr(MSR_FS_BASE, (u64)unpack_tls);
	why = kernel_unpack(&f, *out, out_max, elf, len);
	wrmsr(MSR_FS_BASE, 0);
	xfree(arena);
	return why;
}

static void create_vcpus(struct domain *d)
{
	for (u32 i = 0; i < d->max_vcpus; i++)
		if (!vcpu_create(d, i, i % nr_cpus))
			fail_start("out of memory for the privileged domain's vCPU %u", i);
}

/*
 * Its daemons take two ports and two mappings of each domain; Linux maps twice, for the daemon and for
 * itself. Both are looked up without a lock, so their memory never goes back: what domains of 8 MiB need
 * that fill the machine is there from the start, and is not missing when they have gone.
 */
static void make_ahead(struct domain *d)
{
	u32 n = MIN(heap_total_pages() / 1024, 4096UL);

	evtchn_make_ahead(d, n);
	grant_make_ahead(d, 2 * n);
}

/* Its module's words, and those behind a "--" among the hypervisor's: not every loader gives words to a module. */
static const char *kernel_words(const struct boot_module *kernel)
{
	static char both[1024];
	const char *more = boot_info.kernel_words;

	if (!more)
		return kernel->cmdline;
	hv_snprintf(both, sizeof(both), "%s%s%s", kernel->cmdline, *kernel->cmdline ? " " : "",
		    more);
	return both;
}

/* The second module; of a loader that knows only one, what was appended to the kernel. */
static void find_initrd(struct pv_image *img)
{
	const struct boot_module *kernel = &boot_info.modules[0], *ramdisk = kernel + 1;
	u64 end = bzimage_end(maddr_to_virt(kernel->start), kernel->size);

	if (boot_info.nr_modules > 1) {
		img->initrd = maddr_to_virt(ramdisk->start);
		img->initrd_size = ramdisk->size;
	} else if (end < kernel->size) {
		img->initrd = maddr_to_virt(kernel->start + end);
		img->initrd_size = kernel->size - end;
	}
}

struct domain *build_hardware_domain(void)
{
	const struct boot_module *kernel = &boot_info.modules[0];
	u32 vcpus = opt_max_vcpus ? opt_max_vcpus : MIN(nr_cpus, (u32)MAX_VCPUS);
	void *unpacked = NULL;
	struct pv_image img = { .cmdline = kernel_words(kernel) };
	const char *why;
	struct domain *d;

	if (!boot_info.nr_modules)
		fail_start("no kernel for the privileged domain: pass one as the first module "
			   "(QEMU: -initrd \"vmlinuz options,initramfs\")");
	log_info("unpacking the privileged domain's kernel (%lu KiB)\n", kernel->size >> 10);
	why = unpack_kernel(kernel, &unpacked, &img.elf, &img.elf_size);
	if (why)
		fail_start("kernel of the privileged domain (first module): %s", why);
	find_initrd(&img);
	d = domain_create(0, true, vcpus, ~0UL, "Domain-0");
	if (!d)
		fail_start("out of memory for the privileged domain");
	create_vcpus(d);
	make_ahead(d);
	img.nr_pages = dom0_pages();
	d->max_pages = opt_mem_max > 0 ? (u64)opt_mem_max >> PAGE_SHIFT : ~0U;
	if (pv_build_domain(d, &img))
		fail_start("the privileged domain cannot be built: see the line above");
	xfree(unpacked);
	hardware_domain = d;
	return d;
}

void release_boot_modules(void)
{
	for (unsigned i = 0; i < boot_info.nr_modules; i++) {
		const struct boot_module *m = &boot_info.modules[i];

		heap_add(DIV_ROUND_UP(m->start, PAGE_SIZE), (m->start + m->size) >> PAGE_SHIFT);
	}
}
