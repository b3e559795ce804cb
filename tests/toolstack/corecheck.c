/* SPDX-License-Identifier: MIT */
/*
 * corecheck FILE DOMAIN [KERNEL]: is every page of the core what the domain, which is paused, has in
 * that frame, and is the page at which the kernel (ELF) was loaded where it was loaded?
 */

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>
#include <xenforeignmemory.h>

#define PAGE 4096ul
#define SERVED 16 /* pages into which back ends and daemons write while a stock guest is paused */

static const char *map(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *at = fd < 0 || fstat(fd, &st) ?
			   MAP_FAILED :
			   mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (at == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	return at;
}

static const Elf64_Shdr *section(const char *core, const char *name)
{
	const Elf64_Ehdr *e = (const Elf64_Ehdr *)core;
	const Elf64_Shdr *h = (const Elf64_Shdr *)(core + e->e_shoff);

	for (unsigned int i = 0; i < e->e_shnum; i++) {
		if (!strcmp(core + h[e->e_shstrndx].sh_offset + h[i].sh_name, name))
			return &h[i];
	}
	printf("no section %s\n", name);
	exit(1);
}

/* The first part of the kernel that fills a page: its text. */
static const Elf64_Phdr *text(const char *kernel)
{
	const Elf64_Ehdr *e = (const Elf64_Ehdr *)kernel;
	const Elf64_Phdr *h = (const Elf64_Phdr *)(kernel + e->e_phoff);

	while (h->p_type != PT_LOAD || h->p_filesz < PAGE)
		h++;
	return h;
}

int main(int argc, char **argv)
{
	const char *core = map(argv[1]), *kernel = argc > 3 ? map(argv[3]) : NULL;
	const Elf64_Shdr *list = section(core, ".xen_p2m");
	const uint64_t pages = section(core, ".xen_pages")->sh_offset;
	const int fd = open(argv[1], O_RDONLY);
	const uint64_t *p2m = (const uint64_t *)(core + list->sh_offset);
	uint64_t n = list->sh_size / 16;
	const Elf64_Phdr *loaded = kernel ? text(kernel) : NULL;
	xenforeignmemory_handle *memory = xenforeignmemory_open(NULL, 0);
	unsigned int other = 0, found = 0;
	char page[PAGE];

	for (uint64_t i = 0; i < n; i++) {
		xen_pfn_t mfn = p2m[2 * i + 1];
		void *at = xenforeignmemory_map(memory, (uint32_t)atoi(argv[2]), PROT_READ, 1, &mfn,
						NULL);

		/* Not by the mapping: in a tmpfs a hole that is looked at so takes memory. */
		if (pread(fd, page, PAGE, (off_t)(pages + i * PAGE)) != (ssize_t)PAGE || !at ||
		    memcmp(at, page, PAGE))
			other++;
		if (at)
			xenforeignmemory_unmap(memory, at, 1);
		if (kernel && p2m[2 * i] == loaded->p_paddr / PAGE)
			found += !memcmp(kernel + loaded->p_offset, page, PAGE);
	}
	printf("%lu pages, %u of them other than the domain's; the kernel is %s\n", n, other,
	       found  ? "in its place" :
	       kernel ? "elsewhere" :
			"not looked for");
	return !n || other > (kernel ? 0 : SERVED) || (kernel && !found);
}
