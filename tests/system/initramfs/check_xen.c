// SPDX-License-Identifier: MIT
/* What a program reaches of the hypervisor, through the drivers of the stock kernel. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* The kernel's interfaces, as far as they are used; its headers for them are not installed everywhere. */
struct bind_unbound {
	uint32_t remote_domain;
};
struct bind_interdomain {
	uint32_t remote_domain, remote_port;
};
struct one_port {
	uint32_t port;
};
#define EVTCHN_BIND_INTERDOMAIN _IOC(_IOC_NONE, 'E', 1, sizeof(struct bind_interdomain))
#define EVTCHN_BIND_UNBOUND_PORT _IOC(_IOC_NONE, 'E', 2, sizeof(struct bind_unbound))
#define EVTCHN_UNBIND _IOC(_IOC_NONE, 'E', 3, sizeof(struct one_port))
#define EVTCHN_NOTIFY _IOC(_IOC_NONE, 'E', 4, sizeof(struct one_port))

struct gntalloc_gref {
	uint16_t domid, flags;
	uint32_t count;
	uint64_t index;
	uint32_t gref_ids[16];
};
struct gntdev_map {
	uint32_t count, pad;
	uint64_t index;
	struct {
		uint32_t domid, ref;
	} refs[16];
};
#define GNTALLOC_ALLOC _IOC(_IOC_NONE, 'G', 5, 24)
#define GNTALLOC_FLAG_WRITABLE 1
#define GNTDEV_MAP _IOC(_IOC_NONE, 'G', 0, 24)

#define PAIRS 40

static int open_device(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail_errno("open %s", path);
	return fd;
}

static uint32_t next_port(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint32_t port;

	if (poll(&p, 1, 5000) != 1)
		fail("an event did not arrive within 5 s");
	if (read(fd, &port, sizeof(port)) != sizeof(port))
		fail_errno("reading an event");
	if (write(fd, &port, sizeof(port)) != sizeof(port)) /* unmask it */
		fail_errno("unmasking an event");
	return port;
}

void check_evtchn(const char *arg)
{
	int fd = open_device("/dev/xen/evtchn"), sent = 0;
	uint32_t left[PAIRS], right[PAIRS];

	(void)arg;
	for (int i = 0; i < PAIRS; i++) {
		struct bind_unbound unbound = { 0 };
		struct bind_interdomain inter = { 0 };
		int port = ioctl(fd, EVTCHN_BIND_UNBOUND_PORT, &unbound);

		if (port < 0)
			fail_errno("allocating port %d", i);
		left[i] = inter.remote_port = port;
		port = ioctl(fd, EVTCHN_BIND_INTERDOMAIN, &inter);
		if (port < 0)
			fail_errno("binding to port %u", left[i]);
		right[i] = port;
		/* A fresh binding may come with one event. */
		for (struct pollfd p = { .fd = fd, .events = POLLIN }; poll(&p, 1, 2) == 1;)
			next_port(fd);
	}
	for (int round = 0; round < 10; round++)
		for (int i = 0; i < PAIRS; i++, sent++) {
			struct one_port to = { round % 2 ? left[i] : right[i] };
			uint32_t expected = round % 2 ? right[i] : left[i], got;

			if (ioctl(fd, EVTCHN_NOTIFY, &to))
				fail_errno("notify port %u", to.port);
			got = next_port(fd);
			if (got != expected)
				fail("port %u was notified, and %u heard it instead of %u", to.port,
				     got, expected);
		}
	for (int i = 0; i < PAIRS; i++) {
		struct one_port port = { right[i] };

		if (ioctl(fd, EVTCHN_UNBIND, &port))
			fail_errno("unbind port %u", right[i]);
	}
	close(fd);
	detail("%d pairs of ports (%u to %u), %d events", PAIRS, left[0], right[PAIRS - 1], sent);
}

void check_grants(const char *arg)
{
	int alloc = open_device("/dev/xen/gntalloc"), map = open_device("/dev/xen/gntdev");
	struct gntalloc_gref grant = { .flags = GNTALLOC_FLAG_WRITABLE, .count = 16 };
	struct gntdev_map mapping = { .count = 16 };
	uint64_t *own, *mapped;
	size_t size = 16 * 4096;

	(void)arg;
	for (int round = 0; round < 8; round++) {
		if (ioctl(alloc, GNTALLOC_ALLOC, &grant))
			fail_errno("granting 16 pages");
		own = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, alloc, grant.index);
		if (own == MAP_FAILED)
			fail_errno("mapping the granted pages for their owner");
		for (int i = 0; i < 16; i++) {
			mapping.refs[i].domid = 0;
			mapping.refs[i].ref = grant.gref_ids[i];
			own[i * 512] = mix(round * 16 + i);
		}
		if (ioctl(map, GNTDEV_MAP, &mapping))
			fail_errno("announcing a mapping of 16 grants");
		mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map, mapping.index);
		if (mapped == MAP_FAILED)
			fail_errno("mapping 16 grants");
		for (int i = 0; i < 16; i++) {
			if (mapped[i * 512] != mix(round * 16 + i))
				fail("page %d reads %#lx through its grant", i, mapped[i * 512]);
			mapped[i * 512 + 1] = ~mix(i);
			if (own[i * 512 + 1] != ~mix(i))
				fail("what is written through grant %d does not arrive", i);
		}
		munmap(mapped, size);
		munmap(own, size);
	}
	detail("8 times 16 pages granted, mapped, written both ways");
}

#define BALLOON "/sys/devices/system/xen_memory/xen_memory0/"

static void resize(long kib)
{
	char text[32], now[32] = "";
	bool reached = false;

	snprintf(text, sizeof(text), "%ld", kib);
	if (!write_line(BALLOON "target_kb", text))
		fail_errno("setting the balloon's target");
	for (int i = 0; i < 200 && !reached; i++, usleep(100000)) {
		read_line(BALLOON "info/current_kb", now, sizeof(now));
		reached = labs(strtol(now, NULL, 10) - kib) < 16;
	}
	if (!reached)
		fail("the balloon stays at %s KiB instead of %ld", now, kib);
}

void check_balloon(const char *arg)
{
	long step = (*arg ? atol(arg) : 64) * 1024, now;
	char line[32];

	read_line(BALLOON "info/current_kb", line, sizeof(line));
	now = strtol(line, NULL, 10);
	if (now <= 0)
		fail("there is no balloon");
	for (int i = 0; i < 2; i++) {
		resize(now - step);
		resize(now);
	}
	detail("%ld MiB given back and fetched again, twice", step / 1024);
}

/* ---- the control interface ---- */

struct hypercall {
	uint64_t op, arg[5];
};
#define PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct hypercall))
#define SYSCTL 35
#define PHYSINFO 3

int print_free_pages(void)
{
	/* As pv-abi/xen/sysctl.h has it. */
	static struct {
		uint32_t cmd, version, words[10];
		uint64_t total, free, rest[14];
	} op = { .cmd = PHYSINFO, .version = 0x15 };
	struct hypercall call = { SYSCTL, { (uintptr_t)&op } };
	int fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);

	if (fd < 0 || mlock(&op, sizeof(op)) || ioctl(fd, PRIVCMD_HYPERCALL, &call))
		return 1;
	printf("%llu\n", (unsigned long long)op.free);
	return 0;
}
