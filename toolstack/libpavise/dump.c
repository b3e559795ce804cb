/* SPDX-License-Identifier: MIT */
/*
 * A domain's core in the published form: an ELF file of sections, without program headers. Which
 * page is which says the domain's own list of frames, found through the page that it shares with
 * the hypervisor. That is the guest's word: a frame is in the core only if the hypervisor says that
 * it is the domain's, and there are at most as many as the domain has.
 */

#include "dump.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xen/elfnote.h>
#include <xen/version.h>

#include "../lib/util.h"
#include "domain.h"
#include "lib/base.h"

#define ENTRIES 512         /* of a table, or of a page of the list */
#define PFN_MAX (1ul << 28) /* 1 TiB: a list that says more is none */
#define BATCH 256           /* pages that are mapped at once */
#define FRAME_BITS 0xffffffffff000ul
#define CORE_MAGIC 0xf00febedul /* of a PV domain */
#define CORE_VERSION 1ul

enum { NONE, NOTE, PRSTATUS, SHARED_INFO, P2M, PAGES, NAMES, SECTIONS };

static const struct {
	const char *name;
	uint32_t type;
	u64 entry_bytes;
} sections[SECTIONS] = {
	[NONE] = { "", SHT_NULL, 0 },
	[NOTE] = { ".note.Xen", SHT_NOTE, 0 },
	[PRSTATUS] = { ".xen_prstatus", SHT_PROGBITS, sizeof(struct vcpu_guest_context) },
	[SHARED_INFO] = { ".xen_shared_info", SHT_PROGBITS, PAGE_SIZE },
	[P2M] = { ".xen_p2m", SHT_PROGBITS, 16 },
	[PAGES] = { ".xen_pages", SHT_PROGBITS, PAGE_SIZE },
	[NAMES] = { ".shstrtab", SHT_STRTAB, 0 },
};

struct note {
	Elf64_Nhdr header;
	char name[4];
};

/* What .note.Xen holds; no field needs padding. */
struct notes {
	struct note none, core;
	u64 magic, nr_vcpus, nr_pages, page_size;
	struct note version;
	u64 major, minor;
	xen_extraversion_t extra;
	struct xen_compile_info compile;
	xen_capabilities_info_t capabilities;
	xen_changeset_info_t changeset;
	struct xen_platform_parameters platform;
	u64 version_page_size;
	struct note format;
	u64 format_version;
};
_Static_assert(sizeof(struct notes) == 4 * 16 + 32 + 1280 + 8, "as published");

/* One element of .xen_p2m. */
struct frame {
	u64 pfn, mfn;
};

struct table {
	u64 mfn; /* INVALID: nothing is there yet */
	u64 entries[ENTRIES];
};
#define INVALID (~0ul)

struct dump {
	struct pavise *p;
	uint16_t domid;
	struct failure *f;
	const char *path;
	int fd;
	u64 at; /* of the file: where the next thing goes */
	Elf64_Shdr headers[SECTIONS];
	union {
		struct shared_info info;
		unsigned char bytes[PAGE_SIZE];
	} shared;
	struct vcpu_guest_context *vcpus;
	u64 nr_vcpus;
	struct frame *frames;
	u64 nr_frames, max_frames;
	struct table tables[4]; /* that were walked last; [0]: an L1 */
};

/* ---- what there is ---- */

static bool read_frame(struct dump *d, u64 mfn, void *page)
{
	void *at = xenforeignmemory_map(d->p->memory, d->domid, PROT_READ, 1, &mfn, NULL);

	if (at) {
		memcpy(page, at, PAGE_SIZE);
		xenforeignmemory_unmap(d->p->memory, at, 1);
	}
	return at;
}

static bool collect_vcpus(struct dump *d, unsigned int n)
{
	d->vcpus = xmalloc(n * sizeof(*d->vcpus));
	for (unsigned int i = 0; i < n; i++) {
		struct xen_domctl *c = domctl_new(d->p, d->domid);
		int rc;

		c->u.vcpucontext.vcpu = i;
		c->u.vcpucontext.ctxt = d->p->array;
		rc = domctl_call(d->p, XEN_DOMCTL_getvcpucontext);
		if (!rc)
			memcpy(&d->vcpus[d->nr_vcpus++], d->p->array, sizeof(*d->vcpus));
		else if (rc != -ENODATA && rc != -ESRCH) /* it was never brought up */
			return fail(d->f, FAIL_REFUSED,
				    "vCPU %u of domain %u can't be read: %s; try again", i,
				    d->domid, strerror(-rc));
	}
	return true;
}

/* The frame behind an address of the guest's, by tables that it may write; INVALID: none. */
static u64 translate(struct dump *d, u64 va)
{
	u64 mfn = xen_cr3_to_pfn(d->shared.info.arch.p2m_cr3);

	for (int level = 3; level >= 0; level--) {
		struct table *t = &d->tables[level];
		u64 e;

		if (t->mfn != mfn) {
			t->mfn = INVALID;
			if (!read_frame(d, mfn, t->entries))
				return INVALID;
			t->mfn = mfn;
		}
		e = t->entries[va >> (12 + 9 * level) & (ENTRIES - 1)];
		if (!(e & 1))
			return INVALID;
		mfn = (e & FRAME_BITS) / PAGE_SIZE;
	}
	return mfn;
}

/* Those frames of a page of the list that are the domain's; how many, or -1: more than it has. */
static int take_frames(struct dump *d, u64 pfn, const u64 *list)
{
	struct xen_domctl *c = domctl_new(d->p, d->domid);
	u64 *uses = d->p->array;
	int n = 0;

	memcpy(uses, list, PAGE_SIZE);
	c->u.getpageframeinfo3.num = ENTRIES;
	c->u.getpageframeinfo3.array = uses;
	if (domctl_call(d->p, XEN_DOMCTL_getpageframeinfo3))
		return 0;
	for (unsigned int i = 0; i < ENTRIES; i++) {
		if ((uses[i] & XEN_DOMCTL_PFINFO_LTAB_MASK) == XEN_DOMCTL_PFINFO_XTAB)
			continue;
		if (d->nr_frames == d->max_frames)
			return -1;
		d->frames[d->nr_frames++] = (struct frame){ pfn + i, list[i] };
		n++;
	}
	return n;
}

static bool collect_frames(struct dump *d)
{
	const struct arch_shared_info *a = &d->shared.info.arch;
	u64 list[ENTRIES], mfn, empty = INVALID; /* one page may stand for all gaps */
	int n;

	d->frames = xmalloc(d->max_frames * sizeof(*d->frames));
	for (unsigned int i = 0; i < ARRAY_SIZE(d->tables); i++)
		d->tables[i].mfn = INVALID;
	for (u64 pfn = 0; a->p2m_cr3 && pfn < MIN(a->max_pfn, PFN_MAX); pfn += ENTRIES) {
		mfn = translate(d, a->p2m_vaddr + pfn * 8);
		if (mfn == INVALID || mfn == empty || !read_frame(d, mfn, list))
			continue;
		if (a->max_pfn - pfn < ENTRIES)
			memset(list + (a->max_pfn - pfn), 0xff, (ENTRIES - (a->max_pfn - pfn)) * 8);
		n = take_frames(d, pfn, list);
		if (n < 0)
			return fail(
				d->f, FAIL_REFUSED,
				"domain %u lists more frames than it has; it is damaged, end it",
				d->domid);
		empty = n ? empty : mfn;
	}
	return d->nr_frames || fail(d->f, FAIL_REFUSED,
				    "domain %u shows no list of its frames that could be followed;"
				    " its kernel has to be Linux 4.0 or later",
				    d->domid);
}

static bool collect(struct dump *d)
{
	struct xen_domctl_getdomaininfo info;

	if (!domain_info(d->p, d->domid, &info) ||
	    !read_frame(d, info.shared_info_frame, d->shared.bytes))
		return fail(d->f, FAIL_REFUSED,
			    "the page that domain %u shares can't be read: %s; try again", d->domid,
			    strerror(errno));
	d->max_frames = info.tot_pages;
	return collect_vcpus(d, info.max_vcpu_id + 1) && collect_frames(d);
}

/* ---- what is written ---- */

static bool put_at(struct dump *d, u64 at, const void *bytes, u64 size)
{
	while (size) {
		ssize_t n = pwrite(d->fd, bytes, size, (off_t)at);

		if (n < 0 && errno != EINTR)
			return fail(d->f, FAIL_FILE,
				    "%s can't be written: %s; make room, or name a file elsewhere",
				    d->path, strerror(errno));
		if (n > 0) {
			bytes = (const char *)bytes + n;
			at += (u64)n;
			size -= (u64)n;
		}
	}
	return true;
}

/* The next section: what is put next. */
static void begin(struct dump *d, unsigned int section, u64 size, u64 align)
{
	d->at = (d->at + align - 1) / align * align;
	d->headers[section].sh_offset = d->at;
	d->headers[section].sh_size = size;
	d->headers[section].sh_addralign = align;
	d->at += size;
}

static bool put_section(struct dump *d, unsigned int section, const void *bytes, u64 size)
{
	begin(d, section, size, 8);
	return put_at(d, d->headers[section].sh_offset, bytes, size);
}

static struct note note(uint32_t type, const void *from, const void *to)
{
	return (struct note){ { 4, (uint32_t)((const char *)to - (const char *)from), type },
			      "Xen" };
}

static bool put_notes(struct dump *d)
{
	struct notes n = { .magic = CORE_MAGIC,
			   .nr_vcpus = d->nr_vcpus,
			   .nr_pages = d->nr_frames,
			   .page_size = PAGE_SIZE,
			   .version_page_size = PAGE_SIZE,
			   .format_version = CORE_VERSION };
	int rc = call2(d->p, __HYPERVISOR_xen_version, XENVER_version, &n, 0);

	n.none = note(XEN_ELFNOTE_DUMPCORE_NONE, NULL, NULL);
	n.core = note(XEN_ELFNOTE_DUMPCORE_HEADER, &n.magic, &n.version);
	n.version = note(XEN_ELFNOTE_DUMPCORE_XEN_VERSION, &n.major, &n.format);
	n.format = note(XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, &n.format_version, &n + 1);
	n.major = (u64)rc >> 16;
	n.minor = (u64)rc & 0xffff;
	call2(d->p, __HYPERVISOR_xen_version, XENVER_extraversion, n.extra, sizeof(n.extra));
	call2(d->p, __HYPERVISOR_xen_version, XENVER_compile_info, &n.compile, sizeof(n.compile));
	call2(d->p, __HYPERVISOR_xen_version, XENVER_capabilities, n.capabilities,
	      sizeof(n.capabilities));
	call2(d->p, __HYPERVISOR_xen_version, XENVER_changeset, n.changeset, sizeof(n.changeset));
	call2(d->p, __HYPERVISOR_xen_version, XENVER_platform_parameters, &n.platform,
	      sizeof(n.platform));
	return put_section(d, NOTE, &n, sizeof(n));
}

/* The headers, which know by now where everything is. */
static bool put_headers(struct dump *d)
{
	Elf64_Ehdr e = { .e_type = ET_CORE,
			 .e_machine = EM_X86_64,
			 .e_version = EV_CURRENT,
			 .e_shoff = sizeof(e),
			 .e_ehsize = sizeof(e),
			 .e_shentsize = sizeof(Elf64_Shdr),
			 .e_shnum = SECTIONS,
			 .e_shstrndx = NAMES };
	char names[128];
	size_t n = 0;

	memcpy(e.e_ident, ELFMAG, SELFMAG);
	e.e_ident[EI_CLASS] = ELFCLASS64;
	e.e_ident[EI_DATA] = ELFDATA2LSB;
	e.e_ident[EI_VERSION] = EV_CURRENT;
	for (unsigned int i = 0; i < SECTIONS; i++) {
		d->headers[i].sh_name = (uint32_t)n;
		d->headers[i].sh_type = sections[i].type;
		d->headers[i].sh_entsize = sections[i].entry_bytes;
		n += strlen(strcpy(names + n, sections[i].name)) + 1;
	}
	return put_section(d, NAMES, names, n) && put_at(d, 0, &e, sizeof(e)) &&
	       put_at(d, sizeof(e), d->headers, sizeof(d->headers));
}

static bool is_clear(const unsigned char *page)
{
	return !page[0] && !memcmp(page, page + 1, PAGE_SIZE - 1);
}

/* Pages that lie in a row; clear ones become holes. */
static bool put_pages(struct dump *d, u64 at, const unsigned char *pages, u64 n)
{
	for (u64 i = 0; i < n; i++) {
		if (!is_clear(pages + i * PAGE_SIZE) &&
		    !put_at(d, at + i * PAGE_SIZE, pages + i * PAGE_SIZE, PAGE_SIZE))
			return false;
	}
	return true;
}

static bool put_memory(struct dump *d, dump_progress *progress)
{
	xen_pfn_t mfns[BATCH];

	begin(d, PAGES, d->nr_frames * PAGE_SIZE, PAGE_SIZE);
	for (u64 done = 0, n; done < d->nr_frames; done += n) {
		void *pages;
		bool good;

		n = MIN(d->nr_frames - done, (u64)BATCH);
		for (u64 i = 0; i < n; i++)
			mfns[i] = d->frames[done + i].mfn;
		pages = xenforeignmemory_map(d->p->memory, d->domid, PROT_READ, n, mfns, NULL);
		if (!pages)
			return fail(d->f, FAIL_REFUSED,
				    "memory of domain %u can't be mapped: %s; try again", d->domid,
				    strerror(errno));
		good = put_pages(d, d->headers[PAGES].sh_offset + done * PAGE_SIZE, pages, n);
		xenforeignmemory_unmap(d->p->memory, pages, n);
		if (!good)
			return false;
		if (progress && !progress(done + n, d->nr_frames))
			return fail(d->f, FAIL_FILE,
				    "%s is not written: interrupted; nothing is left of it",
				    d->path);
	}
	return true;
}

static bool put_all(struct dump *d, dump_progress *progress)
{
	d->at = sizeof(Elf64_Ehdr) + sizeof(d->headers);
	return put_notes(d) &&
	       put_section(d, PRSTATUS, d->vcpus, d->nr_vcpus * sizeof(*d->vcpus)) &&
	       put_section(d, SHARED_INFO, d->shared.bytes, PAGE_SIZE) &&
	       put_section(d, P2M, d->frames, d->nr_frames * sizeof(*d->frames)) &&
	       put_memory(d, progress) && put_headers(d);
}

/* ---- the file ---- */

/* Without a name until it is whole: whatever ends us while it is written, nothing of it is left. */
static bool open_file(struct dump *d)
{
	char *folder = xstrdup(d->path), *slash = strrchr(folder, '/');
	struct stat st;

	if (slash)
		slash[slash == folder] = '\0';
	d->fd = -1;
	if (!stat(d->path, &st) && !S_ISREG(st.st_mode))
		fail(d->f, FAIL_FILE, "%s is no file; name one", d->path);
	else if (access(d->path, W_OK) && errno != ENOENT)
		fail(d->f, FAIL_FILE, "%s can't be written: %s; name a file elsewhere", d->path,
		     strerror(errno));
	else
		d->fd = open(slash ? folder : ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (d->fd < 0)
		fail(d->f, FAIL_FILE, "no file can be made in %s: %s; name one elsewhere",
		     slash ? folder : ".", strerror(errno));
	free(folder);
	return d->fd >= 0;
}

static bool name_file(struct dump *d)
{
	char open_one[32]; /* a name for it that needs no privilege, as AT_EMPTY_PATH does */
	int rc;

	snprintf(open_one, sizeof(open_one), "/proc/self/fd/%d", d->fd);
	rc = linkat(AT_FDCWD, open_one, AT_FDCWD, d->path, AT_SYMLINK_FOLLOW);

	if (rc && errno == EEXIST) {
		char *beside = xasprintf("%s.new-%d", d->path, (int)getpid());
		int error;

		rc = linkat(AT_FDCWD, open_one, AT_FDCWD, beside, AT_SYMLINK_FOLLOW);
		if (!rc && (rc = rename(beside, d->path))) {
			error = errno;
			unlink(beside);
			errno = error;
		}
		free(beside);
	}
	return !rc || fail(d->f, FAIL_FILE, "%s can't be written: %s; name a file elsewhere",
			   d->path, strerror(errno));
}

bool domain_dump(struct pavise *p, uint16_t domid, const char *path, dump_progress *progress,
		 struct failure *f)
{
	struct dump *d = xzalloc(sizeof(*d));
	bool good;

	d->p = p;
	d->domid = domid;
	d->f = f;
	d->path = path;
	good = open_file(d) && domain_command(p, domid, XEN_DOMCTL_pausedomain, "pause", f);
	if (good) {
		good = collect(d) && put_all(d, progress);
		good = domain_command(p, domid, XEN_DOMCTL_unpausedomain, "unpause", f) && good;
	}
	good = good && name_file(d);
	if (d->fd >= 0)
		close(d->fd);
	free(d->vcpus);
	free(d->frames);
	free(d);
	return good;
}
