// SPDX-License-Identifier: MIT
/* disk: writes a pattern to a whole disk past the page cache, from several threads, and reads it back. */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB (1ul << 20)
#define THREADS 4
#define SMALL 4096

static const struct {
	const char *kind, *driver;
} kinds[] = { { "virtio", "virtio_blk" },
	      { "ahci", "ahci" },
	      { "nvme", "nvme" },
	      { "ide", "ata_piix" },
	      { "xen", "vbd" } };

struct work {
	pthread_t thread;
	int fd, index;
	uint64_t seed, size;
	bool write;
};

/* Every 8 bytes on the disk say where they are and which run wrote them. */
static uint64_t pattern(uint64_t seed, uint64_t offset)
{
	return mix(offset + seed) ^ offset;
}

static void compare(const struct work *w, const uint64_t *buffer, uint64_t offset, size_t size)
{
	for (size_t i = 0; i < size / 8; i++)
		if (buffer[i] != pattern(w->seed, offset + i * 8))
			fail("byte %#lx of the disk reads %#lx instead of %#lx", offset + i * 8,
			     buffer[i], pattern(w->seed, offset + i * 8));
}

/* One thread takes every THREADS-th MiB, in requests of varying size. */
static void *large_requests(void *arg)
{
	static const size_t sizes[] = { MIB, MIB / 2, MIB / 4, MIB / 16 };
	struct work *w = arg;
	uint64_t *buffer =
		mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int turn = 0;

	if (buffer == MAP_FAILED)
		fail_errno("mmap");
	for (uint64_t at = w->index * MIB; at < w->size; at += THREADS * MIB, turn++) {
		size_t step = sizes[turn % 4];

		for (size_t i = 0; w->write && i < MIB / 8; i++)
			buffer[i] = pattern(w->seed, at + i * 8);
		for (size_t done = 0; done < MIB; done += step) {
			char *place = (char *)buffer + done;
			ssize_t n = w->write ? pwrite(w->fd, place, step, at + done) :
					       pread(w->fd, place, step, at + done);

			if (n != (ssize_t)step)
				fail_errno("%s of %zu bytes at %#lx gave %zd",
					   w->write ? "writing" : "reading", step, at + done, n);
		}
		if (!w->write)
			compare(w, buffer, at, MIB);
	}
	munmap(buffer, MIB);
	return NULL;
}

/* Single pages here and there: reads, and every fourth one written back as it was. */
static void *small_requests(void *arg)
{
	struct work *w = arg;
	uint64_t random = w->seed + w->index;
	uint64_t *buffer =
		mmap(NULL, SMALL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (buffer == MAP_FAILED)
		fail_errno("mmap");
	for (int i = 0; i < 250; i++) {
		uint64_t at = next_random(&random) % (w->size / SMALL) * SMALL;

		memset(buffer, 0xee, SMALL);
		if (pread(w->fd, buffer, SMALL, at) != SMALL)
			fail_errno("reading a page at %#lx", at);
		compare(w, buffer, at, SMALL);
		if (i % 4 == 0 && pwrite(w->fd, buffer, SMALL, at) != SMALL)
			fail_errno("writing a page at %#lx", at);
	}
	munmap(buffer, SMALL);
	return NULL;
}

static double together(void *(*what)(void *), int fd, uint64_t seed, uint64_t size, bool write)
{
	struct work w[THREADS];
	uint64_t start = now_ns();

	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct work){
			.fd = fd, .index = i, .seed = seed, .size = size, .write = write
		};
		if (pthread_create(&w[i].thread, NULL, what, &w[i]))
			fail("cannot start a thread");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
	if (write && fsync(fd))
		fail_errno("fsync");
	return (now_ns() - start) / 1e9;
}

static int one_disk(const char *name, uint64_t size, uint64_t seed)
{
	char path[300];
	uint64_t there;
	double wrote, read;
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		fail_errno("open %s", path);
	if (ioctl(fd, BLKGETSIZE64, &there) || there < size)
		fail("%s has %lu MiB, less than the %lu asked for", path, there / MIB, size / MIB);
	wrote = together(large_requests, fd, seed, size, true);
	ioctl(fd, BLKFLSBUF, 0);
	write_line("/proc/sys/vm/drop_caches", "3");
	read = together(large_requests, fd, seed, size, false);
	together(small_requests, fd, seed, size, false);
	close(fd);
	detail("%s: %lu MiB written in %.1f s, read and compared in %.1f s", name, size / MIB,
	       wrote, read);
	return 1;
}

void check_disk(const char *arg)
{
	char kind[16] = "";
	unsigned long mib = 256;
	const char *driver = NULL;

	sscanf(arg, "%15[^:]:%lu", kind, &mib);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kind, kinds[i].kind))
			driver = kinds[i].driver;
	if (!driver)
		fail("'%s' is no kind of disk: virtio, ahci, nvme, ide or xen", kind);

	/* Disks behind AHCI are found some time after the driver was loaded. */
	for (int tries = 0; tries < 300; tries++, usleep(100000)) {
		DIR *folder = opendir("/sys/block");
		struct dirent *entry;
		int found = 0;

		while (folder && (entry = readdir(folder))) {
			char path[300];

			snprintf(path, sizeof(path), "/sys/block/%s/device", entry->d_name);
			if (has_driver(path, driver))
				found += one_disk(entry->d_name, mib * MIB,
						  getpid() * 0x100000001ul + now_ns());
		}
		if (folder)
			closedir(folder);
		if (found)
			return;
	}
	fail("the driver %s has found no disk", driver);
}
