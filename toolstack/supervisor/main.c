/* SPDX-License-Identifier: MIT */
/*
 * pavise-supervisor: does what on_poweroff, on_reboot and on_crash say. It remembers nothing: which
 * domains have ended is asked of the hypervisor, what they were made from stands in their records,
 * and one that is being made again has its record in another folder until it is there. What a
 * domain needs done, a process of its own does, which ends with the supervisor.
 */

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xen/sched.h>

#include "../lib/daemon.h"
#include "../lib/notify.h"
#include "../lib/util.h"
#include "../libpavise/domain.h"
#include "../libpavise/dump.h"
#include "../libpavise/record.h"

#define CRASH_SECONDS 10 /* who crashes sooner would do so again */
#define GONE_SECONDS 30  /* back ends let go of it in that time */
#define RETRY_SECONDS 10
#define WORKERS_MAX 16 /* at a time */
#define CORES "/var/lib/pavise/dump"

/* A domain that a worker is about, or that waits for another try. */
struct job {
	uuid_t uuid;
	pid_t worker; /* 0: it failed, and there is another from then on: */
	time_t again;
};

static struct pavise p;
static struct job *jobs;
static unsigned int nr_jobs;
static int children; /* says when one has ended */

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* A connection of its own: what it watches goes with it. */
static bool with_store(struct store_client *s)
{
	struct failure f = { 0 };

	if (store_open(s, NULL, &f))
		return true;
	log_line("%s", f.text);
	return false;
}

/* Prefers the one that lives: another of that UUID may not be gone yet. */
static bool find_uuid(const uuid_t uuid, struct xen_domctl_getdomaininfo *found)
{
	struct failure f = { 0 };
	unsigned int n;
	struct xen_domctl_getdomaininfo *all = domain_list(&p, &n, &f);
	bool there = false;

	for (unsigned int i = 0; all && i < n; i++) {
		if (memcmp(all[i].handle, uuid, sizeof(uuid_t)) ||
		    (there && all[i].flags & XEN_DOMINF_dying))
			continue;
		there = true;
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

static long read_time(struct store_client *s, const char *vm, const char *name)
{
	char path[96], *text;
	long seconds;

	snprintf(path, sizeof(path), "%s/%s", vm, name);
	text = store_read(s, path);
	seconds = text ? atol(text) : 0;
	free(text);
	return seconds;
}

static void vm_path(char path[48], const uuid_t uuid)
{
	char text[UUID_STR_LEN];

	uuid_unparse_lower(uuid, text);
	snprintf(path, 48, "/vm/%s", text);
}

/* Not where its nodes have been removed meanwhile. */
static int write_end(struct store_client *s, void *vm)
{
	struct store_writer w = { .s = s };

	if (!read_time(s, vm, "start_time"))
		return -ENOENT;
	writer_move(&w, "%s", (const char *)vm);
	writer_put(&w, "end_time", "%ld", (long)time(NULL));
	return w.rc;
}

/* When it was seen to have ended: it may be long until a worker has time for it. */
static void note_end(struct store_client *s, const uuid_t uuid)
{
	char vm[48];

	vm_path(vm, uuid);
	if (!read_time(s, vm, "end_time"))
		store_transact(s, write_end, vm);
}

static bool lived_shortly(struct store_client *s, const uuid_t uuid)
{
	char vm[48];
	long start, end;

	vm_path(vm, uuid);
	start = read_time(s, vm, "start_time");
	end = read_time(s, vm, "end_time");
	return start && (end ? end : (long)time(NULL)) - start < CRASH_SECONDS;
}

static uint32_t reason_of(const struct xen_domctl_getdomaininfo *d)
{
	return d->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
}

/* What follows its end; ACTION_PRESERVE: nothing does. */
static enum config_action action_of(const struct domain_config *c, uint32_t reason)
{
	switch (reason) {
	case SHUTDOWN_poweroff:
		return c->on_poweroff;
	case SHUTDOWN_crash:
	case SHUTDOWN_watchdog:
		return c->on_crash;
	case SHUTDOWN_reboot:
	case SHUTDOWN_soft_reset:
		return c->on_reboot;
	default:
		return ACTION_PRESERVE;
	}
}

/* ---- a worker ---- */

/* A domain cannot wait for room to be made: it goes on without a core. */
static void dump(const struct xen_domctl_getdomaininfo *d, const char *name, const char *date)
{
	char *path = xasprintf(CORES "/%s-%s.core", name, date);
	struct failure f = { 0 };

	make_parents(path);
	if (domain_dump(&p, d->domain, path, NULL, &f))
		log_line("%s (domain %u): its core is in %s", name, d->domain, path);
	else
		log_line("%s (domain %u) has no core: %s", name, d->domain, f.text);
	free(path);
}

static bool end_as(struct store_client *s, const struct xen_domctl_getdomaininfo *d,
		   const char *new_name, const char *name, const char *why)
{
	struct failure f = { 0 };
	bool good = new_name ? domain_preserve(&p, s, d->domain, new_name, &f) :
			       domain_destroy(&p, s, d->domain, &f);

	if (!good)
		log_line("%s (domain %u) %s: %s", name, d->domain, why, f.text);
	else if (new_name)
		log_line("%s (domain %u) %s: it is %s now", name, d->domain, why, new_name);
	else
		log_line("%s (domain %u) %s: destroyed", name, d->domain, why);
	return good;
}

/* From the moment that its record is in RESTARTS a restart of ours goes on with it. */
static bool move_record(const uuid_t uuid, const char *name)
{
	char from[96], to[96];

	record_path(from, RECORDS, uuid);
	record_path(to, RESTARTS, uuid);
	if (!rename(from, to) || errno == ENOENT)
		return true;
	log_line("%s: %s: %s is not made again", to, strerror(errno), name);
	return false;
}

/* Ends one that has ended itself, as its configuration says; *again: it is to be made again. */
static bool finish(struct store_client *s, const struct xen_domctl_getdomaininfo *d,
		   const struct domain_config *c, bool *again)
{
	static const char *const reasons[] = {
		[SHUTDOWN_poweroff] = "has powered off",
		[SHUTDOWN_reboot] = "reboots",
		[SHUTDOWN_crash] = "has crashed",
		[SHUTDOWN_watchdog] = "hangs (its watchdog says)",
		[SHUTDOWN_soft_reset] = "reboots",
	};
	static const struct {
		bool dump, rename, restart;
	} steps[ACTIONS] = {
		[ACTION_RESTART] = { .restart = true },
		[ACTION_RENAME_RESTART] = { .rename = true, .restart = true },
		[ACTION_COREDUMP_DESTROY] = { .dump = true },
		[ACTION_COREDUMP_RESTART] = { .dump = true, .restart = true },
	};
	uint32_t reason = reason_of(d);
	enum config_action action = action_of(c, reason);
	const time_t moment = time(NULL);
	char date[20], *new_name = NULL;
	bool good;

	*again = steps[action].restart;
	if (action == ACTION_PRESERVE)
		return true;
	if (*again && reason == SHUTDOWN_crash && lived_shortly(s, d->handle)) {
		log_line("%s crashed within %d s of its start: not again", c->name, CRASH_SECONDS);
		*again = false;
	}
	strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", gmtime(&moment));
	if (steps[action].dump)
		dump(d, c->name, date);
	*again = *again && move_record(d->handle, c->name);
	if (steps[action].rename)
		new_name = xasprintf("%s-%s", c->name, date);
	good = end_as(s, d, new_name, c->name, reasons[reason]);
	if (good && new_name)
		record_remove(d->handle); /* if it is not to be made again */
	free(new_name);
	return good;
}

static bool make_again(struct store_client *s, const struct domain_config *c)
{
	const struct create_options o = { 0 };
	struct phases phases = { 0 };
	struct failure f = { 0 };
	uint16_t domid;

	wait_gone(c->uuid);
	domain_sweep(&p, s, c);
	if (domain_create(&p, s, c, &o, &phases, &domid, &f)) {
		log_line("%s is there again, as domain %u", c->name, domid);
		return true;
	}
	log_line("%s can't be made again: %s; tried again in %d s", c->name, f.text, RETRY_SECONDS);
	return false;
}

/* Its record is saved just before it is started. */
static bool half_made(const struct xen_domctl_getdomaininfo *d)
{
	char path[96];

	record_path(path, RECORDS, d->handle);
	return d->flags & XEN_DOMINF_paused || access(path, F_OK);
}

/* What a worker does with its domain; false: to be tried again. */
static bool work(struct store_client *s, const uuid_t uuid)
{
	struct xen_domctl_getdomaininfo d;
	struct domain_config c = { 0 };
	char path[96];
	bool again, good = true;

	record_path(path, RESTARTS, uuid);
	again = !access(path, F_OK);
	if (record_read(&c, again ? RESTARTS : RECORDS, uuid)) {
		if (find_uuid(uuid, &d) && !(d.flags & XEN_DOMINF_dying)) {
			if (d.flags & XEN_DOMINF_shutdown)
				good = finish(s, &d, &c, &again);
			else if (again && half_made(&d))
				good = end_as(s, &d, NULL, c.name, "was half made");
			else
				again = false; /* it is there */
		}
		good = good && (!again || make_again(s, &c));
	} else if (again) {
		log_line("%s can't be read: its domain is not made again before it can; mend or "
			 "remove it",
			 path);
		good = false;
	}
	if (good)
		unlink(path);
	config_free(&c);
	return good;
}

static bool run_worker(const uuid_t uuid, pid_t supervisor)
{
	struct store_client s;
	struct failure f = { 0 };
	bool good = false;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		return false;
	if (!pavise_open(&p, &f))
		log_line("%s", f.text);
	else if (with_store(&s)) {
		good = work(&s, uuid);
		store_close(&s);
	}
	return good;
}

/* ---- the supervisor ---- */

/* Not if one is about it, or has just failed, or all are busy: the end of one comes back to it. */
static bool may_start(const uuid_t uuid)
{
	unsigned int running = 0;

	for (unsigned int i = 0; i < nr_jobs; i++) {
		running += jobs[i].worker != 0;
		if (!uuid_compare(jobs[i].uuid, uuid))
			return false;
	}
	return running < WORKERS_MAX;
}

static void start_worker(const uuid_t uuid)
{
	const pid_t supervisor = getpid();
	struct job *job;

	jobs = xrealloc(jobs, (nr_jobs + 1) * sizeof(*jobs));
	job = &jobs[nr_jobs++];
	*job = (struct job){ .worker = fork(), .again = now() + RETRY_SECONDS };
	uuid_copy(job->uuid, uuid);
	if (!job->worker)
		_exit(!run_worker(uuid, supervisor));
	if (job->worker < 0) {
		log_line("no process can be started: %s", strerror(errno));
		job->worker = 0;
	}
}

/* Forgets what is done, and what may be tried again. */
static void reap_workers(void)
{
	unsigned int left = 0;

	for (unsigned int i = 0; i < nr_jobs; i++) {
		struct job *j = &jobs[i];
		int status = 1; /* unless waitpid() says otherwise */
		bool ended = j->worker && waitpid(j->worker, &status, WNOHANG);

		if (ended) {
			j->worker = 0;
			j->again = status ? now() + RETRY_SECONDS : 0;
		}
		if (j->worker || j->again > now())
			jobs[left++] = *j;
	}
	nr_jobs = left;
}

static void go_on_with_restarts(void)
{
	DIR *folder = opendir(RESTARTS);
	struct dirent *e;
	uuid_t uuid;

	while (folder && (e = readdir(folder))) {
		char text[UUID_STR_LEN] = "";

		snprintf(text, sizeof(text), "%.36s", e->d_name);
		if (!uuid_parse(text, uuid) && may_start(uuid))
			start_worker(uuid);
	}
	if (folder)
		closedir(folder);
}

/* Those with no record of ours were made by somebody else, who looks after them. */
static void act_on(struct store_client *s, const struct xen_domctl_getdomaininfo *d)
{
	struct domain_config c = { 0 };
	char path[96];

	record_path(path, RECORDS, d->handle);
	if (!access(path, F_OK))
		note_end(s, d->handle);
	if (may_start(d->handle) && record_read(&c, RECORDS, d->handle) &&
	    action_of(&c, reason_of(d)) != ACTION_PRESERVE)
		start_worker(d->handle);
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
			act_on(s, &all[i]);
	}
	free(all);
}

/* Until the store says something, a worker has ended, or one is to be tried again. */
static int wait_for_more(struct store_client *s)
{
	struct pollfd on[] = { { .fd = s->fd, .events = POLLIN },
			       { .fd = children, .events = POLLIN } };
	struct signalfd_siginfo ended;
	long left = -1;

	for (unsigned int i = 0; i < nr_jobs; i++) {
		long seconds = jobs[i].again - now();

		if (!jobs[i].worker && (left < 0 || seconds < left))
			left = seconds > 0 ? seconds : 0;
	}
	if (!s->event)
		poll(on, ARRAY_SIZE(on), (int)left * 1000);
	if (on[1].revents && read(children, &ended, sizeof(ended)) < 0)
		return -errno;
	return s->event || on[0].revents ? store_wait(s, 0) : 0;
}

int main(int argc, char **argv)
{
	const struct timespec second = { .tv_sec = 1 };
	struct store_client s;
	struct failure f = { 0 };
	sigset_t child;

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
	only_one("/run/pavise/supervisor"); /* which its workers hold, too */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	children = signalfd(-1, &child, SFD_CLOEXEC);
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
				reap_workers();
				go_on_with_restarts();
				act_on_all(&s);
			} while (wait_for_more(&s) != -EPIPE);
		}
		store_close(&s);
	}
}
