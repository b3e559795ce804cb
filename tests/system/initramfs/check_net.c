// SPDX-License-Identifier: MIT
/* net: sends a pattern to the echo service behind a network card, and compares what comes back. */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ECHO_PORT 7
#define BLOCK 65536

static const struct {
	const char *kind, *driver;
} kinds[] = { { "virtio", "virtio_net" }, { "e1000e", "e1000e" }, { "xen", "vif" } };

struct transfer {
	int fd;
	uint64_t size, seed;
};

static void fill(uint64_t *block, const struct transfer *t, uint64_t at)
{
	for (size_t i = 0; i < BLOCK / 8; i++)
		block[i] = mix(at + i * 8 + t->seed) ^ at;
}

static void *sender(void *arg)
{
	struct transfer *t = arg;
	static uint64_t block[BLOCK / 8];

	for (uint64_t at = 0; at < t->size; at += BLOCK) {
		fill(block, t, at);
		for (size_t done = 0; done < BLOCK;) {
			ssize_t n = send(t->fd, (char *)block + done, BLOCK - done, MSG_NOSIGNAL);

			if (n <= 0)
				fail_errno("sending stopped at byte %lu", at + done);
			done += n;
		}
	}
	return NULL;
}

static void receive(struct transfer *t)
{
	static uint64_t block[BLOCK / 8], expected[BLOCK / 8];

	for (uint64_t at = 0; at < t->size; at += BLOCK) {
		for (size_t done = 0; done < BLOCK;) {
			ssize_t n = recv(t->fd, (char *)block + done, BLOCK - done, 0);

			if (n <= 0)
				fail_errno("receiving stopped at byte %lu", at + done);
			done += n;
		}
		fill(expected, t, at);
		if (memcmp(block, expected, BLOCK))
			fail("something came back changed between the bytes %lu and %lu", at,
			     at + BLOCK);
	}
}

static void set_address(int fd, struct ifreq *request, unsigned long call, const char *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&request->ifr_addr;

	memset(in, 0, sizeof(*in));
	in->sin_family = AF_INET;
	inet_pton(AF_INET, address, &in->sin_addr);
	if (ioctl(fd, call, request))
		fail_errno("cannot set the address %s", address);
}

/* The last byte of the card's address says in which network it stands: 10.0.N.0/24. */
static int bring_up(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), network;
	char text[32], path[300];
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", name);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		fail_errno("%s has no address", name);
	network = (uint8_t)request.ifr_hwaddr.sa_data[5];
	snprintf(text, sizeof(text), "10.0.%d.15", network);
	set_address(fd, &request, SIOCSIFADDR, text);
	set_address(fd, &request, SIOCSIFNETMASK, "255.255.255.0");
	if (ioctl(fd, SIOCGIFFLAGS, &request))
		fail_errno("SIOCGIFFLAGS");
	request.ifr_flags |= IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		fail_errno("cannot bring up %s", name);
	close(fd);

	snprintf(path, sizeof(path), "/sys/class/net/%s/carrier", name);
	for (int i = 0; i < 300; i++, usleep(100000)) {
		read_line(path, text, sizeof(text));
		if (text[0] == '1')
			return network;
	}
	fail("%s sees no carrier", name);
}

static int one_card(const char *name, uint64_t size, uint64_t seed)
{
	int network = bring_up(name);
	struct transfer t = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
			      .size = size,
			      .seed = seed };
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons(ECHO_PORT) };
	struct timeval patience = { .tv_sec = 60 };
	uint64_t start = now_ns();
	pthread_t thread;

	peer.sin_addr.s_addr = htonl(10u << 24 | network << 8 | 100);
	if (setsockopt(t.fd, SOL_SOCKET, SO_BINDTODEVICE, name, strlen(name)))
		fail_errno("SO_BINDTODEVICE");
	setsockopt(t.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(t.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(t.fd, (struct sockaddr *)&peer, sizeof(peer)))
		fail_errno("%s: no connection to 10.0.%d.100", name, network);
	if (pthread_create(&thread, NULL, sender, &t))
		fail("cannot start a thread");
	receive(&t);
	pthread_join(thread, NULL);
	close(t.fd);
	detail("%s: %lu MiB there and back in %.1f s", name, size >> 20, (now_ns() - start) / 1e9);
	return 1;
}

void check_net(const char *arg)
{
	char kind[16] = "";
	unsigned long mib = 16;
	const char *driver = NULL;

	sscanf(arg, "%15[^:]:%lu", kind, &mib);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kind, kinds[i].kind))
			driver = kinds[i].driver;
	if (!driver)
		fail("'%s' is no kind of network card: virtio, e1000e or xen", kind);

	for (int tries = 0; tries < 100; tries++, usleep(100000)) {
		DIR *folder = opendir("/sys/class/net");
		struct dirent *entry;
		int found = 0;

		while (folder && (entry = readdir(folder))) {
			char path[300];

			snprintf(path, sizeof(path), "/sys/class/net/%s/device", entry->d_name);
			if (has_driver(path, driver))
				found += one_card(entry->d_name, (uint64_t)mib << 20, now_ns());
		}
		if (folder)
			closedir(folder);
		if (found)
			return;
	}
	fail("the driver %s has found no card", driver);
}
