/* SPDX-License-Identifier: MIT */
/*
 * pavise-supervisor: does what on_poweroff, on_reboot and on_crash say. It remembers nothing: which
 * domains have ended is asked of the hypervisor, what they were made from stands in their records,
 * and one that is being made again has its record in another folder until it is there.
 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xen/sched.h>

#include "../lib/daemon.h"
#include "../lib/notify.h"
#include "../lib/util.h"
#include "../libpavise/domain.h"
#include "../libpavise/record.h"

#define CRASH_SECONDS 10 /* who crashes sooner would do so again */
#define GONE_SECONDS 30  /* back ends let go of it in that time */
#define RETRY_MS 10000

static struct pavise p;

/* A connection of its own: what it watches goes with it. */
static bool with_store(struct store_client *s)
{
	struct failure f = { 0 };

	if (store_open(s, NULL, &f))
		return true;
	log_line("%s", f.text);
	return false;
}

static bool find_uuid(const uuid_t uuid, struct xen_domctl_getdomaininfo *found)
{
	struct failure f = { 0 };
	unsigned int n;
	struct xen_domctl_getdomaininfo *all = domain_list(&p, &n, &f);
	bool there = false;

	for (unsigned int i = 0; all && i < n && !there; i++) {
		there = !memcmp(all[i].handle, uuid, sizeof(uuid_t));
		if (there)
			*found = all[i];
	}
	free(all);
	return there;
}

/* Its memory is free again, or it took too long. */
static void wait_gone(const uuid_t uuid)
{
	const struct timespec moment = { .tv_nsec = 20000000 };
	struct xen_domctl_getdomaininfo d;

	for (int i = 0; i < GONE_SECONDS * 50 && find_uuid(uuid, &d); i++)
		nanosleep(&moment, NULL);
}

/* Makes what stands in RESTARTS; the file goes when the domain is there. */
static void make_again(const uuid_t uuid)
{
	const struct create_options o = { 0 };
	struct xen_domctl_getdomaininfo d;
	struct domain_config c = { 0 };
	struct phases phases = { 0 };
	struct store_client s;
	struct failure f = { 0 };
	char path[96];
	uint16_t domid;

	record_path(path, RESTARTS, uuid);
	if (!record_read(&c, RESTARTS, uuid)) {
		log_line("%s can't be read: its domain is not made again", path);
		unlink(path);
	} else if (with_store(&s)) {
		if (find_uuid(uuid, &d) && !(d.flags & XEN_DOMINF_dying))
			domain_destroy(&p, &s, d.domain, &f);
		wait_gone(uuid);
		f = (struct failure){ 0 };
		if (domain_create(&p, &s, &c, &o, &phases, &domid, &f)) {
			unlink(path);
			log_line("%s is there again, as domain %u", c.name, domid);
		} else {
			log_line("%s can't be made again: %s; tried again in %d s", c.name, f.text,
				 RETRY_MS / 1000);
		}
		store_close(&s);
	}
	config_free(&c);
}

/* True: there are files left. */
static bool make_all_again(void)
{
	DIR *folder = opendir(RESTARTS);
	struct dirent *e;
	unsigned int n = 0;
	uuid_t *list = NULL;
	char path[96];
	bool left = false;

	while (folder && (e = readdir(folder))) {
		char text[UUID_STR_LEN] = "";

		snprintf(text, sizeof(text), "%.36s", e->d_name);
		list = xrealloc(list, (n + 1) * sizeof(*list));
		n += !uuid_parse(text, list[n]);
	}
	if (folder)
		closedir(folder);
	for (unsigned int i = 0; i < n; i++) {
		make_again(list[i]);
		record_path(path, RESTARTS, list[i]);
		left |= !access(path, F_OK);
	}
	free(list);
	return left;
}

static bool lived_shortly(struct store_client *s, const uuid_t uuid)
{
	char path[64], text[UUID_STR_LEN], *start;
	long seconds;

	uuid_unparse_lower(uuid, text);
	snprintf(path, sizeof(path), "/vm/%s/start_time", text);
	start = store_read(s, path);
	seconds = start ? (long)time(NULL) - atol(start) : CRASH_SECONDS;
	free(start);
	return seconds < CRASH_SECONDS;
}

static void destroy(struct store_client *s, const struct xen_domctl_getdomaininfo *d,
		    const char *name, const char *why)
{
	struct failure f = { 0 };

	if (domain_destroy(&p, s, d->domain, &f))
		log_line("%s (domain %u) %s: destroyed", name, d->domain, why);
	else
		log_line("%s (domain %u) %s: %s", name, d->domain, why, f.text);
}

/* From here on a restart of ours goes on with it. */
static void restart(struct store_client *s, const struct xen_domctl_getdomaininfo *d,
		    const char *name, const char *why)
{
	char from[96], to[96];

	record_path(from, RECORDS, d->handle);
	record_path(to, RESTARTS, d->handle);
	if (rename(from, to)) {
		log_line("%s: %s: %s is not made again", to, strerror(errno), name);
		return;
	}
	destroy(s, d, name, why);
	make_again(d->handle);
}

static void act(struct store_client *s, const struct xen_domctl_getdomaininfo *d)
{
	static const char *const reasons[] = {
		"has powered off",           "reboots", "is suspended", "has crashed",
		"hangs (its watchdog says)", "reboots"
	};
	uint32_t reason = d->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
	struct domain_config c = { 0 };
	enum config_action action;

	if (reason == SHUTDOWN_suspend || reason >= ARRAY_SIZE(reasons) ||
	    !record_read(&c, RECORDS, d->handle)) {
		config_free(&c);
		return; /* made by somebody else, who looks after it */
	}
	action = reason == SHUTDOWN_poweroff                             ? c.on_poweroff :
		 reason == SHUTDOWN_crash || reason == SHUTDOWN_watchdog ? c.on_crash :
									   c.on_reboot;
	if (action == ACTION_RESTART && reason == SHUTDOWN_crash && lived_shortly(s, d->handle)) {
		log_line("%s crashed within %d s of its start: not again", c.name, CRASH_SECONDS);
		action = ACTION_DESTROY;
	}
	if (action == ACTION_DESTROY)
		destroy(s, d, c.name, reasons[reason]);
	else if (action == ACTION_RESTART)
		restart(s, d, c.name, reasons[reason]);
	config_free(&c);
}

static void act_on_all(struct store_client *s)
{
	struct failure f = { 0 };
	unsigned int n;
	struct xen_domctl_getdomaininfo *all = domain_list(&p, &n, &f);

	if (!all)
		log_line("%s", f.text);
	for (unsigned int i = 0; all && i < n; i++) {
		if (all[i].domain && all[i].flags & XEN_DOMINF_shutdown &&
		    !(all[i].flags & XEN_DOMINF_dying))
			act(s, &all[i]);
	}
	free(all);
}

int main(int argc, char **argv)
{
	const struct timespec second = { .tv_sec = 1 };
	struct store_client s;
	struct failure f = { 0 };
	bool left;

	if (argc > 1) {
		fprintf(stderr,
			"usage: %s\nDoes what on_poweroff, on_reboot and on_crash of the "
			"domains say, in the foreground.\n",
			argv[0]);
		return 2;
	}
	setvbuf(stderr, NULL, _IOLBF, 512);
	make_parents(RECORDS "/");
	make_parents(RESTARTS "/");
	only_one("/run/pavise/supervisor");
	if (!pavise_open(&p, &f))
		die("%s", f.text);
	notify_ready();
	for (;;) {
		/* The store may be restarted: its connection is opened again. */
		if (!with_store(&s)) {
			nanosleep(&second, NULL);
			continue;
		}
		if (!store_watch(&s, "@releaseDomain")) {
			do {
				left = make_all_again();
				act_on_all(&s);
			} while (store_wait(&s, left ? RETRY_MS : -1) != -EPIPE);
		}
		store_close(&s);
	}
}
