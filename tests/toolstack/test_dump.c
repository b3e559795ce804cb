/* SPDX-License-Identifier: MIT */
/* Cores of a domain on a machine that is played here: read back; lists that lie; files that fail. */

#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xen/elfnote.h>
#include <xen/version.h>

#include "../../toolstack/libpavise/domain.h"
#include "../../toolstack/libpavise/dump.h"

#define PAGE 4096ul
#define MFNS 64
#define DOMID 3
#define PAGES_OF_IT 20 /* machine frames 10 to 29; the others are somebody else's */
#define FIRST 10
#define LISTED 14 /* PFN 0 to 13 are frames 29 down to 16 */
#define SHARED_MFN 40
#define LIST_VA 0xffffc90000005000ul

enum { L4 = 10, L3, L2, L1, LIST };

static uint64_t machine[MFNS][PAGE / 8];
static int pauses;
static struct xen_domctl op;
static uint64_t array[CALL_ARRAY_BYTES / 8];
static struct pavise p = { .domctl = &op, .array = array };
static char path[64];

static bool is_its(uint64_t mfn)
{
	return mfn >= FIRST && mfn < FIRST + PAGES_OF_IT;
}

/* ---- what libpavise calls ---- */

bool domain_info(struct pavise *link, uint16_t domid, struct xen_domctl_getdomaininfo *info)
{
	*info = (struct xen_domctl_getdomaininfo){ .domain = domid,
						   .tot_pages = PAGES_OF_IT,
						   .shared_info_frame = SHARED_MFN,
						   .max_vcpu_id = 2 };
	return domid == DOMID;
}

bool domain_command(struct pavise *link, uint16_t domid, uint32_t command, const char *what,
		    struct failure *f)
{
	pauses += command == XEN_DOMCTL_pausedomain ? 1 : -1;
	return domid == DOMID || fail(f, FAIL_NO_DOMAIN, "no such domain");
}

struct xen_domctl *domctl_new(struct pavise *link, uint16_t domid)
{
	cr_assert_eq(domid, DOMID);
	memset(&op, 0, sizeof(op));
	return &op;
}

int domctl_call(struct pavise *link, uint32_t command)
{
	cr_assert_eq(pauses, 1);
	if (command == XEN_DOMCTL_getpageframeinfo3) {
		uint64_t *list = op.u.getpageframeinfo3.array;

		for (uint64_t i = 0; i < op.u.getpageframeinfo3.num; i++)
			list[i] = !is_its(list[i]) ? XEN_DOMCTL_PFINFO_XTAB :
				  list[i] == L4    ? XEN_DOMCTL_PFINFO_L4TAB |
							  XEN_DOMCTL_PFINFO_LPINTAB :
						  XEN_DOMCTL_PFINFO_NOTAB;
		return 0;
	}
	cr_assert_eq(command, XEN_DOMCTL_getvcpucontext);
	if (op.u.vcpucontext.vcpu == 1)
		return -ENODATA;
	memset(op.u.vcpucontext.ctxt, 0x70 + (int)op.u.vcpucontext.vcpu,
	       sizeof(struct vcpu_guest_context));
	return 0;
}

int call2(struct pavise *link, unsigned int call, unsigned int command, void *arg, size_t bytes)
{
	memset(arg, 'a' + (int)command, bytes);
	return command == XENVER_version ? 4 << 16 | 17 : 0;
}

void *xenforeignmemory_map(xenforeignmemory_handle *memory, uint32_t domid, int prot, size_t pages,
			   const xen_pfn_t *mfns, int *errors)
{
	char *at = malloc(pages * PAGE);

	cr_assert_eq(prot, PROT_READ);
	for (size_t i = 0; i < pages; i++) {
		if (!is_its(mfns[i]) && mfns[i] != SHARED_MFN) {
			free(at);
			errno = EINVAL;
			return NULL;
		}
		memcpy(at + i * PAGE, machine[mfns[i]], PAGE);
	}
	return at;
}

int xenforeignmemory_unmap(xenforeignmemory_handle *memory, void *at, size_t pages)
{
	free(at);
	return 0;
}

/* ---- the domain ---- */

static struct shared_info *shared(void)
{
	return (struct shared_info *)machine[SHARED_MFN];
}

static void make_domain(void)
{
	struct arch_shared_info *a = &shared()->arch;

	for (unsigned int i = FIRST + 5; i < FIRST + PAGES_OF_IT; i++)
		machine[i][i] = i % 3 ? 0x1000 + i : 0; /* some are clear */
	machine[L4][LIST_VA >> 39 & 511] = L3 * PAGE | 0x67;
	machine[L3][LIST_VA >> 30 & 511] = L2 * PAGE | 0x67;
	machine[L2][LIST_VA >> 21 & 511] = L1 * PAGE | 0x67;
	machine[L1][LIST_VA >> 12 & 511] = 1ul << 63 | LIST * PAGE | 0x65;
	memset(machine[LIST], 0xff, PAGE);
	for (unsigned int i = 0; i < LISTED; i++)
		machine[LIST][i] = 29 - i;
	machine[LIST][LISTED] = 50;                /* another's */
	machine[LIST][LISTED + 1] = 1ul << 62 | 5; /* mapped by a grant */
	machine[LIST][100] = L4;
	machine[LIST][200] = L1; /* beyond the end that the domain says */
	a->max_pfn = 200;
	a->p2m_vaddr = LIST_VA;
	a->p2m_cr3 = L4 * PAGE;
	snprintf(path, sizeof(path), "/tmp/pavise-test-dump.%d", getpid());
}

static void clean_up(void)
{
	unlink(path);
}

TestSuite(dump, .init = make_domain, .fini = clean_up);

static bool dump(struct failure *f, dump_progress *progress)
{
	bool good = domain_dump(&p, DOMID, path, progress, f);

	cr_assert_eq(pauses, 0);
	cr_assert_eq(good, !f->code);
	return good;
}

/* Fails as it should, and leaves nothing behind. */
static void refused(enum failure_class class, const char *text)
{
	struct failure f = { 0 };

	cr_assert(!dump(&f, NULL), "%s", text);
	cr_assert_eq(f.code, class, "%s", f.text);
	cr_assert(strstr(f.text, text), "%s", f.text);
	cr_assert(access(path, F_OK));
}

/* ---- reading it back ---- */

struct core {
	char *bytes;
	size_t size;
	const Elf64_Shdr *headers;
};

static const Elf64_Shdr *section(const struct core *c, const char *name)
{
	const Elf64_Ehdr *e = (const Elf64_Ehdr *)c->bytes;

	for (unsigned int i = 1; i < e->e_shnum; i++) {
		const Elf64_Shdr *h = &c->headers[i];

		cr_assert_leq(h->sh_offset + h->sh_size, c->size);
		if (!strcmp(c->bytes + c->headers[e->e_shstrndx].sh_offset + h->sh_name, name))
			return h;
	}
	cr_assert_fail("no %s", name);
	return NULL;
}

static struct core open_core(void)
{
	struct core c;
	struct stat st;
	int fd = open(path, O_RDONLY);
	const Elf64_Ehdr *e;

	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600, "a guest's memory is nobody's but ours");
	c.size = (size_t)st.st_size;
	c.bytes = mmap(NULL, c.size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	e = (const Elf64_Ehdr *)c.bytes;
	cr_assert_arr_eq(e->e_ident, ELFMAG, SELFMAG);
	cr_assert_eq(e->e_type, ET_CORE);
	cr_assert_eq(e->e_phnum, 0);
	cr_assert_eq(e->e_shentsize, sizeof(Elf64_Shdr));
	c.headers = (const Elf64_Shdr *)(c.bytes + e->e_shoff);
	return c;
}

/* The description of the note of that type. */
static const uint64_t *find_note(const struct core *c, uint32_t type, uint32_t size)
{
	const Elf64_Shdr *h = section(c, ".note.Xen");

	cr_assert_eq(h->sh_type, SHT_NOTE);
	for (size_t at = 0; at < h->sh_size;) {
		const Elf64_Nhdr *n = (const Elf64_Nhdr *)(c->bytes + h->sh_offset + at);

		cr_assert_eq(n->n_namesz, 4);
		cr_assert_str_eq((const char *)(n + 1), "Xen");
		if (n->n_type == type) {
			cr_assert_eq(n->n_descsz, size);
			return (const uint64_t *)((const char *)(n + 1) + 4);
		}
		at += sizeof(*n) + 4 + n->n_descsz;
	}
	cr_assert_fail("no note %x", type);
	return NULL;
}

Test(dump, reads_back)
{
	struct failure f = { 0 };
	struct core c;
	const uint64_t *core_note, *version, *p2m;
	const char *contexts;
	const Elf64_Shdr *h;

	cr_assert(dump(&f, NULL), "%s", f.text);
	c = open_core();
	find_note(&c, XEN_ELFNOTE_DUMPCORE_NONE, 0);
	core_note = find_note(&c, XEN_ELFNOTE_DUMPCORE_HEADER, 32);
	cr_assert_eq(core_note[0], 0xf00febed);
	cr_assert_eq(core_note[1], 2, "vCPU 1 was never brought up");
	cr_assert_eq(core_note[2], LISTED + 1);
	cr_assert_eq(core_note[3], PAGE);
	version = find_note(&c, XEN_ELFNOTE_DUMPCORE_XEN_VERSION, 1280);
	cr_assert_eq(version[0], 4);
	cr_assert_eq(version[1], 17);
	cr_assert_eq(((const char *)version)[16 + 16 + 144], 'a' + XENVER_capabilities);
	cr_assert_eq(version[1280 / 8 - 1], PAGE);
	cr_assert_eq(*find_note(&c, XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, 8), 1);

	h = section(&c, ".xen_prstatus");
	contexts = c.bytes + h->sh_offset;
	cr_assert_eq(h->sh_size, 2 * sizeof(struct vcpu_guest_context));
	cr_assert_eq(contexts[0], 0x70);
	cr_assert_eq(contexts[sizeof(struct vcpu_guest_context)], 0x72);
	h = section(&c, ".xen_shared_info");
	cr_assert_eq(h->sh_size, PAGE);
	cr_assert_arr_eq(c.bytes + h->sh_offset, machine[SHARED_MFN], PAGE);

	h = section(&c, ".xen_p2m");
	p2m = (const uint64_t *)(c.bytes + h->sh_offset);
	cr_assert_eq(h->sh_size, (LISTED + 1) * 16);
	h = section(&c, ".xen_pages");
	cr_assert_eq(h->sh_size, (LISTED + 1) * PAGE);
	cr_assert_eq(h->sh_offset % PAGE, 0);
	for (unsigned int i = 0; i <= LISTED; i++) {
		cr_assert_eq(p2m[2 * i], i < LISTED ? i : 100);
		cr_assert_eq(p2m[2 * i + 1], i < LISTED ? 29 - i : L4);
		cr_assert_arr_eq(c.bytes + h->sh_offset + i * PAGE, machine[p2m[2 * i + 1]], PAGE);
	}
	munmap(c.bytes, c.size);
}

Test(dump, lists_that_lie)
{
	struct arch_shared_info *a = &shared()->arch;

	a->p2m_cr3 = 0;
	refused(FAIL_REFUSED, "shows no list");
	a->p2m_cr3 = 50 * PAGE;
	refused(FAIL_REFUSED, "shows no list");
	a->p2m_cr3 = ~0ul;
	refused(FAIL_REFUSED, "shows no list");
	a->p2m_cr3 = L4 * PAGE;
	a->p2m_vaddr = LIST_VA + (1ul << 39);
	refused(FAIL_REFUSED, "shows no list");
	a->p2m_vaddr = LIST_VA;
	/* One page of the list for all: the same frames over and over. */
	for (unsigned int i = 0; i < 512; i++)
		machine[L1][i] = machine[L1][LIST_VA >> 12 & 511];
	a->max_pfn = ~0ul;
	refused(FAIL_REFUSED, "more frames than it has; ");
}

/* A list without end is looked at as far as there can be one. */
Test(dump, list_without_end)
{
	struct failure f = { 0 };

	shared()->arch.max_pfn = ~0ul;
	cr_assert(dump(&f, NULL), "%s", f.text);
}

static bool give_up(uint64_t done, uint64_t all)
{
	return false;
}

static void make_file(const char *text)
{
	FILE *out = fopen(path, "w");

	fputs(text, out);
	fclose(out);
}

static void has_text(const char *text)
{
	char got[16] = "";
	FILE *in = fopen(path, "r");

	cr_assert(fgets(got, sizeof(got), in));
	cr_assert_str_eq(got, text);
	fclose(in);
}

Test(dump, files_that_fail)
{
	const struct rlimit small = { 60000, 60000 };
	struct failure f = { 0 }, g = { 0 };

	strcpy(path, "/tmp/pavise-no-such-folder/core");
	refused(FAIL_FILE, "in /tmp/pavise-no-such-folder: No such file");
	strcpy(path, "/dev/null");
	cr_assert(!dump(&f, NULL));
	cr_assert(strstr(f.text, "is no file"), "%s", f.text);

	make_domain();
	make_file("old");
	f = (struct failure){ 0 };
	cr_assert(!dump(&f, give_up));
	cr_assert(strstr(f.text, "interrupted"), "%s", f.text);
	has_text("old");
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	cr_assert(!dump(&g, NULL));
	cr_assert(strstr(g.text, "File too large"), "%s", g.text);
	has_text("old");
}

Test(dump, replaces_a_file)
{
	struct failure f = { 0 };
	char beside[80];

	make_file("old");
	cr_assert(dump(&f, NULL), "%s", f.text);
	munmap(open_core().bytes, PAGE);
	snprintf(beside, sizeof(beside), "%s.new", path);
	cr_assert(access(beside, F_OK));
}

Test(dump, no_domain)
{
	struct failure f = { 0 };

	cr_assert(!domain_dump(&p, DOMID + 1, path, NULL, &f));
	cr_assert_eq(f.code, FAIL_NO_DOMAIN);
	cr_assert(access(path, F_OK));
}
