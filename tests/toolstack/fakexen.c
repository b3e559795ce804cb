/* SPDX-License-Identifier: MIT */
/* What daemons call of libxen*, on the machine of fakexen.h; for LD_PRELOAD. */

#include "fakexen.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xen/sysctl.h>

/* A part of the library's interface: enough to be linked in its place. */
#define EXPORT __attribute__((visibility("default")))

static struct fake_machine *machine;
static int store_fd, guests_fd;

static int number(const char *name)
{
	const char *text = getenv(name);

	return text ? atoi(text) : -1;
}

__attribute__((constructor)) static void begin(void)
{
	void *p = mmap(NULL, sizeof(*machine), PROT_READ | PROT_WRITE, MAP_SHARED,
		       number("FAKEXEN_FD"), 0);

	if (p == MAP_FAILED)
		_exit(112);
	machine = p;
	store_fd = number("FAKEXEN_STORE");
	guests_fd = number("FAKEXEN_GUESTS");
}

/* -- event channels */

EXPORT void *xenevtchn_open(void *logger, unsigned int flags)
{
	/* A new handle has no old events, but whoever waits gets one look at its ring. */
	(void)logger, (void)flags;
	return machine;
}

EXPORT void *xenevtchn_fdopen(void *logger, int fd, unsigned int flags)
{
	(void)logger, (void)fd, (void)flags;
	return machine;
}

EXPORT int xenevtchn_close(void *h)
{
	(void)h;
	return 0;
}

EXPORT int xenevtchn_fd(void *h)
{
	(void)h;
	return store_fd;
}

EXPORT int xenevtchn_bind_interdomain(void *h, uint32_t domid, uint32_t port)
{
	(void)h, (void)port;
	/* Binding makes the new port pending. */
	fake_send(machine->to_daemon, store_fd, domid + 1);
	return (int)domid + 1;
}

EXPORT int xenevtchn_bind_virq(void *h, unsigned int virq)
{
	(void)h, (void)virq;
	return FAKE_VIRQ;
}

EXPORT int xenevtchn_unbind(void *h, uint32_t port)
{
	(void)h, (void)port;
	return 0;
}

EXPORT int xenevtchn_unmask(void *h, uint32_t port)
{
	(void)h, (void)port;
	return 0;
}

EXPORT int xenevtchn_notify(void *h, uint32_t port)
{
	(void)h;
	fake_send(machine->to_guests, guests_fd, port);
	return 0;
}

EXPORT int xenevtchn_pending(void *h)
{
	uint64_t count;
	int port = fake_take(machine->to_daemon);

	(void)h;
	/* One count for each that became pending: the descriptor stays readable for the others. */
	if (read(store_fd, &count, sizeof(count)) < 0 && port < 0)
		errno = EAGAIN;
	return port;
}

/* -- pages */

EXPORT void *xengnttab_open(void *logger, unsigned int flags)
{
	(void)logger, (void)flags;
	return machine;
}

EXPORT int xengnttab_close(void *h)
{
	(void)h;
	return 0;
}

EXPORT int xengnttab_set_max_grants(void *h, uint32_t n)
{
	(void)h, (void)n;
	return 0;
}

EXPORT void *xengnttab_map_grant_ref(void *h, uint32_t domid, uint32_t ref, int prot)
{
	(void)h, (void)ref, (void)prot;
	errno = EINVAL;
	return domid < FAKE_DOMAINS ? machine->pages[domid] : NULL;
}

EXPORT int xengnttab_unmap(void *h, void *page, uint32_t n)
{
	(void)h, (void)page, (void)n;
	return 0;
}

EXPORT void *xenforeignmemory_open(void *logger, unsigned int flags)
{
	(void)logger, (void)flags;
	return machine;
}

EXPORT void *xenforeignmemory_map(void *h, uint32_t domid, int prot, size_t pages,
				  const uint64_t *gfn, int *err)
{
	(void)pages, (void)gfn, (void)err;
	return xengnttab_map_grant_ref(h, domid, 1, prot);
}

EXPORT int xenforeignmemory_unmap(void *h, void *page, size_t n)
{
	(void)h, (void)page, (void)n;
	return 0;
}

/* -- which domains there are */

EXPORT void *xencall_open(void *logger, unsigned int flags)
{
	(void)logger, (void)flags;
	return machine;
}

EXPORT void *xencall_alloc_buffer(void *h, size_t bytes)
{
	(void)h;
	return calloc(1, bytes);
}

/* getdomaininfolist, all at once. */
static int fake_list(uint64_t arg)
{
	struct xen_sysctl *sysctl = (struct xen_sysctl *)(uintptr_t)arg;
	struct xen_domctl_getdomaininfo *info = sysctl->u.getdomaininfolist.buffer;
	uint32_t n = 0;

	for (uint16_t i = sysctl->u.getdomaininfolist.first_domain;
	     i < FAKE_DOMAINS && n < sysctl->u.getdomaininfolist.max_domains; i++) {
		if (machine->state[i])
			info[n++] = (struct xen_domctl_getdomaininfo){
				.domain = i,
				.flags = machine->state[i] == 1 ? XEN_DOMINF_shutdown :
								  XEN_DOMINF_running,
			};
	}
	sysctl->u.getdomaininfolist.num_domains = n;
	return 0;
}

EXPORT int xencall1(void *h, unsigned int op, uint64_t arg)
{
	uint16_t *domctl = (uint16_t *)(uintptr_t)arg;
	uint16_t domid = domctl[4];
	uint32_t flags;

	(void)h;
	if (op == __HYPERVISOR_sysctl)
		return fake_list(arg);
	if (domid >= FAKE_DOMAINS || !machine->state[domid]) {
		errno = ESRCH;
		return -1;
	}
	domctl[8] = domid;
	flags = machine->state[domid] == 1 ? 4 : 32;
	memcpy(&domctl[10], &flags, sizeof(flags));
	return 0;
}

EXPORT void *xc_interface_open(void *logger, void *dombuild, unsigned int flags)
{
	(void)logger, (void)dombuild, (void)flags;
	return machine;
}

EXPORT int xc_interface_close(void *h)
{
	(void)h;
	return 0;
}

/* The beginning of what libxenctrl fills in. */
struct fake_info {
	uint32_t domid, ssidref;
	unsigned int dying : 1, crashed : 1, shutdown : 1, paused : 1, blocked : 1, running : 1;
};

EXPORT int xc_domain_getinfo(void *h, uint32_t first, unsigned int max, void *out)
{
	struct fake_info *info = out;

	(void)h, (void)max;
	for (; first < FAKE_DOMAINS; first++) {
		if (!machine->state[first])
			continue;
		memset(info, 0, sizeof(*info));
		info->domid = first;
		info->shutdown = machine->state[first] == 1;
		info->running = machine->state[first] == 2;
		return 1;
	}
	return 0;
}

/* -- the files by which domain 0's kernel shows its ring */

static int fake_file(const char *path)
{
	int pipes[2];

	if (!strcmp(path, "/proc/xen/xsd_kva"))
		return fcntl(number("FAKEXEN_FD"), F_DUPFD_CLOEXEC, 0);
	if (strcmp(path, "/proc/xen/xsd_port") || pipe(pipes))
		return -1;
	if (write(pipes[1], "1", 1) != 1)
		return -1;
	close(pipes[1]);
	return pipes[0];
}

EXPORT int open(const char *path, int flags, ...)
{
	static int (*real)(const char *path, int flags, ...);
	va_list args;
	int mode;

	va_start(args, flags);
	mode = va_arg(args, int);
	va_end(args);
	if (!strncmp(path, "/proc/xen/", 10))
		return fake_file(path);
	if (!real)
		real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	return real(path, flags, mode);
}

/* The same under the name that large files give it. */
EXPORT int open64(const char *path, int flags, ...) __attribute__((alias("open")));
