/* SPDX-License-Identifier: MIT */
/* The machine below: rings by grant or foreign page, event channels, which domains there are. */

#include "host_xen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>

#include "../lib/domstate.h"
#include "../lib/util.h"

/* The grant that a domain's builder leaves for its store's ring. */
#define RESERVED_XENSTORE 1

static xenevtchn_handle *evtchn;
static xengnttab_handle *gnttab;
static xenforeignmemory_handle *memory;
static evtchn_port_t virq_port;
#define PORTS (1u << 17) /* at most, by the ABI */
static uint16_t domain_of_port[PORTS];
static bool by_grant[DOMID_FIRST_RESERVED]; /* how its page was mapped */

/* Domain 0's own page is the kernel's to show. */
static void *map_own(void)
{
	int fd = open("/proc/xen/xsd_kva", O_RDWR | O_CLOEXEC);
	void *page;

	if (fd < 0)
		return NULL;
	page = mmap(NULL, XC_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return page == MAP_FAILED ? NULL : page;
}

static void *map_page(struct domain *d)
{
	xen_pfn_t gfn = d->gfn;
	void *page;
	int error = 0;

	if (d->id == 0)
		return map_own();
	page = gnttab ? xengnttab_map_grant_ref(gnttab, d->id, RESERVED_XENSTORE,
						PROT_READ | PROT_WRITE) :
			NULL;
	by_grant[d->id] = page != NULL;
	if (page)
		return page;
	page = xenforeignmemory_map(memory, d->id, PROT_READ | PROT_WRITE, 1, &gfn, &error);
	if (page && error) {
		xenforeignmemory_unmap(memory, page, 1);
		page = NULL;
		errno = -error;
	}
	return page;
}

static void unmap_page(struct domain *d, void *page)
{
	if (d->id == 0)
		munmap(page, XC_PAGE_SIZE);
	else if (by_grant[d->id])
		xengnttab_unmap(gnttab, page, 1);
	else
		xenforeignmemory_unmap(memory, page, 1);
}

static struct xenstore_domain_interface *attach(struct domain *d, uint32_t *local_port)
{
	void *page = map_page(d);
	xenevtchn_port_or_error_t port;

	if (!page)
		return NULL;
	port = xenevtchn_bind_interdomain(evtchn, d->id, d->port);
	if (port < 0) {
		int error = errno;

		unmap_page(d, page);
		errno = error;
		return NULL;
	}
	*local_port = (uint32_t)port;
	domain_of_port[(uint32_t)port % PORTS] = d->id;
	return page;
}

static void detach(struct domain *d, struct xenstore_domain_interface *page, uint32_t local_port)
{
	xenevtchn_unbind(evtchn, local_port);
	unmap_page(d, page);
}

static void notify(uint32_t local_port)
{
	xenevtchn_notify(evtchn, local_port);
}

static const struct host xen_host = {
	.attach = attach,
	.detach = detach,
	.notify = notify,
	.domain_state = domain_state,
	.domain_states = domain_states,
};

const struct host *host_xen_open(int *fd)
{
	xenevtchn_port_or_error_t port;

	evtchn = xenevtchn_open(NULL, 0);
	if (!evtchn)
		die("can't open /dev/xen/evtchn: %s; load the module xen-evtchn, or start with "
		    "--no-domains where there is no hypervisor",
		    strerror(errno));
	memory = xenforeignmemory_open(NULL, 0);
	if (!memory)
		die("can't open /dev/xen/privcmd: %s", strerror(errno));
	gnttab = xengnttab_open(NULL, 0);
	if (!gnttab)
		log_line("no /dev/xen/gntdev: rings are mapped as foreign pages");
	domain_state_open();
	port = xenevtchn_bind_virq(evtchn, VIRQ_DOM_EXC);
	if (port < 0)
		die("can't bind the event of domains' deaths: %s", strerror(errno));
	virq_port = (evtchn_port_t)port;
	*fd = xenevtchn_fd(evtchn);
	return &xen_host;
}

void host_xen_introduce_dom0(struct store *s)
{
	char text[16] = "";
	int fd = open("/proc/xen/xsd_port", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int error;

	if (fd >= 0)
		close(fd);
	if (n <= 0 || s->dom0->conn)
		return;
	error = domain_introduce(s, 0, 0, (uint32_t)strtoul(text, NULL, 10));
	if (error)
		log_line("domain 0's own ring: %s; its kernel's drivers won't reach the store",
			 strerror(error));
}

void host_xen_event(struct store *s)
{
	xenevtchn_port_or_error_t port = xenevtchn_pending(evtchn);
	struct domain *d;

	if (port < 0)
		return;
	xenevtchn_unmask(evtchn, (evtchn_port_t)port);
	if ((evtchn_port_t)port == virq_port) {
		domains_check(s);
		return;
	}
	d = domain_find(s, domain_of_port[(uint32_t)port % PORTS]);
	if (!d || !d->conn || ring_port(d->conn) != (uint32_t)port)
		return;
	conn_ready(d->conn);
	conn_dirty(d->conn);
}
