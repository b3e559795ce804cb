/* SPDX-License-Identifier: MIT */
/* The way to the hypervisor. */

#include "link.h"

#include <errno.h>
#include <string.h>
#include <xentoollog.h>

#include "../lib/util.h"

static const struct interface interfaces[] = {
	{ "4.17", 0x15, 0x15 },
};

/* The libraries' own words about a failure: ours say it in one line. */
static void say_nothing(struct xentoollog_logger *logger, xentoollog_level level, int number,
			const char *context, const char *format, va_list args)
{
}

static struct xentoollog_logger quiet = { .vmessage = say_nothing };

/* The first row that it answers to. */
static bool choose_interface(struct pavise *p, struct failure *f)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(interfaces); i++) {
		int rc;

		p->interface = &interfaces[i];
		sysctl_new(p);
		rc = sysctl_call(p, XEN_SYSCTL_sched_id);
		if (!rc)
			return true;
		if (rc != -EACCES)
			return fail(f, FAIL_REACH,
				    "the hypervisor does not take our calls: %s; run this in the"
				    " privileged domain, as root",
				    strerror(-rc));
	}
	return fail(f, FAIL_REACH,
		    "the hypervisor's control interface is none of those known here (%s); install"
		    " a pavise that goes with it",
		    interfaces[0].release);
}

bool pavise_open(struct pavise *p, struct failure *f)
{
	*p = (struct pavise){ 0 };
	p->calls = xencall_open(&quiet, XENCALL_OPENFLAG_NON_REENTRANT);
	if (!p->calls)
		return fail(f, FAIL_REACH,
			    "can't open /dev/xen/privcmd: %s; run this in the privileged domain, as"
			    " root, with the module xen-privcmd",
			    strerror(errno));
	p->memory = xenforeignmemory_open(&quiet, XENCALL_OPENFLAG_NON_REENTRANT);
	p->domctl = xencall_alloc_buffer(p->calls, sizeof(*p->domctl));
	p->sysctl = xencall_alloc_buffer(p->calls, sizeof(*p->sysctl));
	p->argument = xencall_alloc_buffer_pages(p->calls, 1);
	p->array = xencall_alloc_buffer_pages(p->calls, CALL_ARRAY_BYTES / 4096);
	if (!p->memory || !p->domctl || !p->sysctl || !p->argument || !p->array)
		return fail(f, FAIL_REACH, "no memory for calls: %s; free some", strerror(errno));
	return choose_interface(p, f);
}

void pavise_close(struct pavise *p)
{
	if (p->memory)
		xenforeignmemory_close(p->memory);
	if (p->calls) {
		xencall_free_buffer(p->calls, p->domctl);
		xencall_free_buffer(p->calls, p->sysctl);
		if (p->argument)
			xencall_free_buffer_pages(p->calls, p->argument, 1);
		if (p->array)
			xencall_free_buffer_pages(p->calls, p->array, CALL_ARRAY_BYTES / 4096);
		xencall_close(p->calls);
	}
	*p = (struct pavise){ 0 };
}

struct xen_domctl *domctl_new(struct pavise *p, uint16_t domid)
{
	memset(p->domctl, 0, sizeof(*p->domctl));
	p->domctl->domain = domid;
	return p->domctl;
}

struct xen_sysctl *sysctl_new(struct pavise *p)
{
	memset(p->sysctl, 0, sizeof(*p->sysctl));
	return p->sysctl;
}

int domctl_call(struct pavise *p, uint32_t command)
{
	int rc;

	p->domctl->cmd = command;
	p->domctl->interface_version = p->interface->domctl;
	rc = xencall1(p->calls, __HYPERVISOR_domctl, (uint64_t)(uintptr_t)p->domctl);
	return rc < 0 ? -errno : rc;
}

int sysctl_call(struct pavise *p, uint32_t command)
{
	int rc;

	p->sysctl->cmd = command;
	p->sysctl->interface_version = p->interface->sysctl;
	rc = xencall1(p->calls, __HYPERVISOR_sysctl, (uint64_t)(uintptr_t)p->sysctl);
	return rc < 0 ? -errno : rc;
}

long memory_call(struct pavise *p, unsigned int command, void *arg, size_t bytes)
{
	long rc;

	memcpy(p->argument, arg, bytes);
	rc = xencall2L(p->calls, __HYPERVISOR_memory_op, command, (uint64_t)(uintptr_t)p->argument);
	memcpy(arg, p->argument, bytes);
	return rc < 0 ? -errno : rc;
}

int call2(struct pavise *p, unsigned int call, unsigned int command, void *arg, size_t bytes)
{
	int rc;

	memcpy(p->argument, arg, bytes);
	rc = xencall2(p->calls, call, command, (uint64_t)(uintptr_t)p->argument);
	memcpy(arg, p->argument, bytes);
	return rc < 0 ? -errno : rc;
}
