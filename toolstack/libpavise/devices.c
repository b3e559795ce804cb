/* SPDX-License-Identifier: MIT */
/*
 * Disks and networks by the kernel's own back ends. A disk that is a file gets a loop device, which
 * its node in the store names; a network's interface goes into its bridge as soon as the back end
 * has made it. What a domain leaves is found in the store, so that anybody can take it away.
 */

#include "devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "../lib/util.h"
#include "domain.h"

#define SECONDS_MAX 20 /* for a back end to appear */
#define LOOP_TRIES 64  /* others take the free one, too */

/* What an end of a device says of itself, on the wire. */
enum { STATE_INITIALISING = 1, STATE_INIT_WAIT = 2, STATE_CLOSING = 5 };

struct disk_link {
	dev_t node; /* what the back end opens */
	int loop;   /* the number of its loop device, or -1 */
};

/* ---- disks ---- */

uint32_t disk_number(const char *vdev)
{
	static const struct {
		const char *prefix;
		unsigned int major, parts;
	} kinds[] = { { "xvd", 202, 16 }, { "sd", 8, 16 }, { "hd", 3, 64 } };
	unsigned int k = 0, disk = 0, part;
	const char *at;

	while (k + 1 < ARRAY_SIZE(kinds) && strncmp(vdev, kinds[k].prefix, strlen(kinds[k].prefix)))
		k++;
	at = vdev + strlen(kinds[k].prefix);
	for (; *at >= 'a' && *at <= 'z'; at++)
		disk = disk * 26 + (unsigned int)(*at - 'a' + 1);
	disk--;
	part = (unsigned int)strtoul(at, NULL, 10);
	if (kinds[k].major == 202 && (disk >= 16 || part >= 16))
		return 1u << 28 | disk << 8 | part;
	if (kinds[k].major == 3 && disk >= 2) /* the second cable's */
		return 22u << 8 | (disk - 2) * 64 | part;
	return kinds[k].major << 8 | (disk * kinds[k].parts + part);
}

static bool open_disk(struct disk_link *l, const struct config_disk *c, struct failure *f)
{
	struct stat st;
	int fd;

	if (c->format != FORMAT_RAW)
		return fail_at(
			f, c->line, FAIL_UNSUPPORTED,
			"the disk %s has a format that the kernel's back end does not read; make"
			" it raw",
			c->path);
	fd = open(c->path, (c->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st)) {
		fail_at(f, c->line, FAIL_IMAGE_FILE, "the disk %s can't be opened: %s; %s", c->path,
			strerror(errno),
			errno == ENOENT ? "make it, or name another" : "name one that can be");
		if (fd >= 0)
			close(fd);
		return false;
	}
	close(fd);
	l->node = S_ISBLK(st.st_mode) ? st.st_rdev : 0;
	if (S_ISBLK(st.st_mode) || (S_ISREG(st.st_mode) && !c->block))
		return true;
	return fail_at(f, c->line, FAIL_IMAGE_FILE, "the disk %s is no %s; name one", c->path,
		       c->block ? "block device" : "file");
}

/* One loop device to that file. Its number or -errno. */
static int loop_attach(int control, int file, bool readonly)
{
	struct loop_config config = { .fd = (uint32_t)file,
				      .info.lo_flags = readonly ? LO_FLAGS_READ_ONLY : 0 };
	char path[32];

	for (int i = 0; i < LOOP_TRIES; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE), fd, rc;

		if (number < 0)
			return -errno;
		snprintf(path, sizeof(path), "/dev/loop%d", number);
		fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		rc = ioctl(fd, LOOP_CONFIGURE, &config) ? -errno : 0;
		close(fd);
		if (rc != -EBUSY)
			return rc ? rc : number;
	}
	return -EBUSY;
}

/* In use still, it goes when that ends. */
static void loop_detach(int number)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/loop%d", number);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ioctl(fd, LOOP_CLR_FD, 0);
	close(fd);
}

static bool attach_disk(struct disk_link *l, const struct config_disk *c, struct failure *f)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int file = open(c->path, (c->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	int rc = control < 0 || file < 0 ? -errno : loop_attach(control, file, c->readonly);
	char path[32];
	struct stat st;

	if (control >= 0)
		close(control);
	if (file >= 0)
		close(file);
	if (rc < 0)
		return fail_at(f, c->line, FAIL_REFUSED,
			       "the disk %s gets no loop device: %s; load the module loop", c->path,
			       strerror(-rc));
	l->loop = rc;
	snprintf(path, sizeof(path), "/dev/loop%d", rc);
	if (stat(path, &st))
		return fail_at(f, c->line, FAIL_REFUSED, "%s: %s; try again", path,
			       strerror(errno));
	l->node = st.st_rdev;
	return true;
}

/* ---- networks ---- */

static bool open_nic(const struct config_nic *c, struct failure *f)
{
	char path[64];

	if (c->script && strcmp(c->script, "vif-bridge"))
		return fail_at(
			f, c->line, FAIL_UNSUPPORTED,
			"the script %s is not run: networks are plugged in without; leave it out",
			c->script);
	if (c->ifname && (strlen(c->ifname) >= IFNAMSIZ || if_nametoindex(c->ifname)))
		return fail_at(f, c->line, FAIL_TAKEN,
			       "no interface can be called %s: it is %s; choose another name",
			       c->ifname,
			       strlen(c->ifname) >= IFNAMSIZ ? "too long" : "there already");
	snprintf(path, sizeof(path), "/sys/class/net/%.15s/bridge", c->bridge ? c->bridge : "");
	if (c->bridge && (strlen(c->bridge) >= IFNAMSIZ || access(path, F_OK)))
		return fail_at(
			f, c->line, FAIL_REFUSED,
			"there is no bridge %s; make it ('ip link add %s type bridge'), or name"
			" another",
			c->bridge, c->bridge);
	return true;
}

/* Gives the interface its name, puts it into its bridge, and up. 0 or -errno. */
static int plug(const char *made, const struct config_nic *c)
{
	struct ifreq r = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = fd < 0 ? -errno : 0;

	strcpy(r.ifr_name, made);
	if (!rc && c->ifname) {
		strcpy(r.ifr_newname, c->ifname);
		rc = ioctl(fd, SIOCSIFNAME, &r) ? -errno : 0;
		strcpy(r.ifr_name, c->ifname);
	}
	if (!rc && c->bridge) {
		r.ifr_ifindex = (int)if_nametoindex(r.ifr_name);
		strcpy(r.ifr_name, c->bridge);
		rc = ioctl(fd, SIOCBRADDIF, &r) ? -errno : 0;
		strcpy(r.ifr_name, c->ifname ? c->ifname : made);
	}
	if (!rc && !(rc = ioctl(fd, SIOCGIFFLAGS, &r) ? -errno : 0)) {
		r.ifr_flags |= IFF_UP;
		rc = ioctl(fd, SIOCSIFFLAGS, &r) ? -errno : 0;
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

/* ---- all of them ---- */

bool devices_open(struct devices *d, const struct domain_config *c, struct failure *f)
{
	bool good = true;

	*d = (struct devices){ .c = c, .disks = xzalloc((c->n_disks + 1) * sizeof(*d->disks)) };
	for (unsigned int i = 0; good && i < c->n_disks; i++)
		good = open_disk(&d->disks[i], &c->disks[i], f);
	for (unsigned int i = 0; i < c->n_disks; i++)
		d->disks[i].loop = -1;
	for (unsigned int i = 0; good && i < c->n_nics; i++)
		good = open_nic(&c->nics[i], f);
	return good;
}

/* Is one of the disks that which the back end at path serves, and one of the two writes? */
static bool alone_beside(const struct devices *d, struct store_client *s, const char *path,
			 const char *domid, struct failure *f)
{
	char *node = xasprintf("%s/params", path), *file = store_read(s, node), *mode;
	struct stat theirs, ours;

	free(node);
	node = xasprintf("%s/mode", path);
	mode = store_read(s, node);
	free(node);
	for (unsigned int i = 0; file && !stat(file, &theirs) && i < d->c->n_disks; i++) {
		const struct config_disk *c = &d->c->disks[i];

		if (!stat(c->path, &ours) && ours.st_dev == theirs.st_dev &&
		    ours.st_ino == theirs.st_ino && !(c->readonly && mode && !strcmp(mode, "r")))
			fail_at(f, c->line, FAIL_TAKEN,
				"domain %s has the disk %s already; only a disk that nobody writes"
				" to can be shared",
				domid, c->path);
	}
	free(file);
	free(mode);
	return !f->code;
}

bool devices_alone(const struct devices *d, struct pavise *p, struct store_client *s,
		   struct failure *f)
{
	struct xen_domctl_getdomaininfo info;
	static const char base[] = "/local/domain/0/backend/vbd";
	char *domids = d->c->n_disks ? store_directory(s, base) : NULL;

	for (const char *id = domids; id && *id && !f->code; id += strlen(id) + 1) {
		char *folder = xasprintf("%s/%s", base, id), *disks;
		uint16_t domid = (uint16_t)strtoul(id, NULL, 10);

		/* Whoever destroyed it was ended before its devices were gone. */
		if (!domain_info(p, domid, &info))
			devices_remove(s, domid);
		disks = store_directory(s, folder);
		for (const char *n = disks; n && *n && !f->code; n += strlen(n) + 1) {
			char *path = xasprintf("%s/%s", folder, n);

			alone_beside(d, s, path, id, f);
			free(path);
		}
		free(disks);
		free(folder);
	}
	free(domids);
	return !f->code;
}

void devices_close(struct devices *d)
{
	free(d->disks);
}

bool devices_attach(struct devices *d, struct failure *f)
{
	bool good = true;

	for (unsigned int i = 0; good && i < d->c->n_disks; i++)
		good = d->disks[i].node || attach_disk(&d->disks[i], &d->c->disks[i], f);
	return good;
}

void devices_detach(struct devices *d)
{
	for (unsigned int i = 0; i < d->c->n_disks; i++) {
		if (d->disks[i].loop >= 0)
			loop_detach(d->disks[i].loop);
	}
}

/* What both ends of a device have; leaves the writer at the back end. */
static void enter_ends(struct store_writer *w, const char *kind, unsigned int domid,
		       uint32_t number)
{
	char back[64], front[64], perms[16];

	snprintf(back, sizeof(back), "/local/domain/0/backend/%s/%u/%u", kind, domid, number);
	snprintf(front, sizeof(front), "/local/domain/%u/device/%s/%u", domid, kind, number);
	snprintf(perms, sizeof(perms), "n%u r0", domid);
	writer_move(w, "%s", front);
	writer_make(w, "", perms);
	writer_put(w, "backend", "%s", back);
	writer_put(w, "backend-id", "0");
	writer_put(w, "state", "%d", STATE_INITIALISING);
	writer_put(w, "handle", "%u", number);
	snprintf(perms, sizeof(perms), "n0 r%u", domid);
	writer_move(w, "%s", back);
	writer_make(w, "", perms);
	writer_put(w, "frontend", "%s", front);
	writer_put(w, "frontend-id", "%u", domid);
	writer_put(w, "online", "1");
	writer_put(w, "state", "%d", STATE_INITIALISING);
	writer_put(w, "handle", "%u", number);
}

static void enter_disk(struct store_writer *w, const struct disk_link *l,
		       const struct config_disk *c, unsigned int domid)
{
	uint32_t number = disk_number(c->vdev);

	enter_ends(w, "vbd", domid, number);
	writer_put(w, "params", "%s", c->path);
	writer_put(w, "type", "phy");
	writer_put(w, "dev", "%s", c->vdev);
	writer_put(w, "mode", c->readonly ? "r" : "w");
	writer_put(w, "device-type", "disk");
	writer_put(w, "removable", "0");
	writer_put(w, "bootable", "1");
	if (l->loop >= 0)
		writer_put(w, "pavise-loop", "%d", l->loop);
	writer_put(w, "physical-device", "%x:%x", major(l->node), minor(l->node));
	writer_move(w, "/local/domain/%u/device/vbd/%u", domid, number);
	writer_put(w, "virtual-device", "%u", number);
	writer_put(w, "device-type", "disk");
}

static void enter_nic(struct store_writer *w, const struct config_nic *c, unsigned int domid,
		      unsigned int number)
{
	const uint8_t *mac = c->mac;
	char text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	enter_ends(w, "vif", domid, number);
	writer_put(w, "type", "vif");
	writer_put(w, "script",
		   "vif-bridge"); /* nobody runs it, but the back end wants to read it */
	writer_put(w, "mac", "%s", text);
	if (c->bridge)
		writer_put(w, "bridge", "%s", c->bridge);
	if (c->ip)
		writer_put(w, "ip", "%s", c->ip);
	writer_move(w, "/local/domain/%u/device/vif/%u", domid, number);
	writer_put(w, "mac", "%s", text);
}

int devices_enter(const struct devices *d, struct store_client *s, uint16_t domid)
{
	struct store_writer w = { .s = s };

	for (unsigned int i = 0; i < d->c->n_disks; i++)
		enter_disk(&w, &d->disks[i], &d->c->disks[i], domid);
	for (unsigned int i = 0; i < d->c->n_nics; i++)
		enter_nic(&w, &d->c->nics[i], domid, i);
	return w.rc;
}

static int left_ms(const struct timespec *end)
{
	struct timespec now;
	long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (end->tv_sec - now.tv_sec) * 1000 + (end->tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

/* What a back end says of a device is said by us; to be freed. */
static char *back_error(struct store_client *s, const char *kind, uint16_t domid, uint32_t number)
{
	char path[96];

	snprintf(path, sizeof(path), "/local/domain/0/error/backend/%s/%u/%u/error", kind, domid,
		 number);
	return store_read(s, path);
}

/* Has the back end seen the device? kind: "vbd", "vif"; what: the device, for people. */
static bool wait_back(struct store_client *s, const char *kind, const char *what, uint16_t domid,
		      uint32_t number, int line, const struct timespec *end, struct failure *f)
{
	char path[96];

	snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%u/%u/state", kind, domid, number);
	store_watch(s, path);
	for (;;) {
		char *state = store_read(s, path), *error = back_error(s, kind, domid, number);
		int n = state ? atoi(state) : 0, ms = left_ms(end);

		free(state);
		if (error)
			fail_at(f, line, FAIL_REFUSED,
				"the back end of %s: %.200s; 'dmesg' may say more", what, error);
		free(error);
		if (f->code || (n >= STATE_INIT_WAIT && n < STATE_CLOSING))
			return !f->code;
		if (!ms || store_wait(s, ms) == -EPIPE)
			return fail_at(
				f, line, FAIL_TIME,
				"no back end has taken %s within %d s; load the module xen-%s",
				what, SECONDS_MAX, strcmp(kind, "vbd") ? "netback" : "blkback");
	}
}

static bool connect_nic(struct store_client *s, uint16_t domid, unsigned int number,
			const struct config_nic *c, const struct timespec *end, struct failure *f)
{
	const struct timespec moment = { .tv_nsec = 2000000 };
	char made[24], path[64];
	int rc;

	snprintf(made, sizeof(made), "vif%u.%u", domid, number);
	if (!wait_back(s, "vif", made, domid, number, c->line, end, f))
		return false;
	while (!if_nametoindex(made) && left_ms(end))
		nanosleep(&moment, NULL);
	rc = if_nametoindex(made) ? plug(made, c) : -ENODEV;
	if (!rc) {
		snprintf(path, sizeof(path), "/local/domain/0/backend/vif/%u/%u/hotplug-status",
			 domid, number);
		rc = store_write(s, path, "connected");
	}
	return !rc ||
	       fail_at(f, c->line, FAIL_REFUSED, "%s can't be plugged in: %s; 'dmesg' may say more",
		       made, strerror(-rc));
}

bool devices_connect(const struct devices *d, struct store_client *s, uint16_t domid,
		     struct failure *f)
{
	struct timespec end;
	bool good = true;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += SECONDS_MAX;
	for (unsigned int i = 0; good && i < d->c->n_disks; i++)
		good = wait_back(s, "vbd", d->c->disks[i].vdev, domid,
				 disk_number(d->c->disks[i].vdev), d->c->disks[i].line, &end, f);
	for (unsigned int i = 0; good && i < d->c->n_nics; i++)
		good = connect_nic(s, domid, i, &d->c->nics[i], &end, f);
	return good;
}

/* One kind's: the kernel lets a device go when its nodes are gone. */
static void remove_kind(struct store_client *s, const char *kind, uint16_t domid)
{
	char base[64], path[128];
	char *names;

	snprintf(base, sizeof(base), "/local/domain/0/backend/%s/%u", kind, domid);
	names = store_directory(s, base);
	for (const char *name = names; name && *name; name += strlen(name) + 1) {
		char *loop;

		snprintf(path, sizeof(path), "%s/%.20s/pavise-loop", base, name);
		loop = store_read(s, path);
		snprintf(path, sizeof(path), "%s/%.20s", base, name);
		store_remove(s, path);
		if (loop)
			loop_detach(atoi(loop));
		free(loop);
	}
	if (names)
		store_remove(s, base);
	free(names);
}

void devices_remove(struct store_client *s, uint16_t domid)
{
	static const char *const kinds[] = { "vbd", "vif" };
	char path[64];

	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		remove_kind(s, kinds[i], domid);
		snprintf(path, sizeof(path), "/local/domain/0/error/backend/%s/%u", kinds[i],
			 domid);
		store_remove(s, path);
	}
}
