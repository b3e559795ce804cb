/* SPDX-License-Identifier: MIT */
/* Commands that do something. */

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../libpavise/dump.h"
#include "../lib/util.h"
#include "session.h"

/* Reads a configuration, with what is given otherwise, and says what there is to say of it. */
static int read_config(struct domain_config *c, const char *file, const char *overrides)
{
	struct config_report r = { 0 };
	bool good = config_read_with(c, &r, file, overrides) && config_check_images(c, &r);
	int code = (int)r.error;

	for (unsigned int i = 0; good && i < r.n_warnings; i++)
		fprintf(stderr, "%s\n", r.warnings[i]);
	if (!good)
		fprintf(stderr, "%s\n", r.text);
	config_report_free(&r);
	return code;
}

static void say_phases(const struct phases *ph)
{
	for (unsigned int i = 0; i < ph->n; i++)
		fprintf(stderr, "%8lu us  %s\n", ph->list[i].ns / 1000, ph->list[i].name);
}

/* "key=value" behind the file's name, as lines; NULL: none. To be freed. */
static char *join_overrides(int argc, char **argv)
{
	char *lines = NULL;

	for (int i = 2; i < argc; i++) {
		char *longer = xasprintf("%s%s\n", lines ? lines : "", argv[i]);

		free(lines);
		lines = longer;
	}
	return lines;
}

int cmd_create(int argc, char **argv)
{
	const struct create_options o = { .paused = take_flag(&argc, argv, "-p"),
					  .dry_run = take_flag(&argc, argv, "-n") };
	bool verbose = take_flag(&argc, argv, "-v"), as_json = take_flag(&argc, argv, "--json");
	bool console = take_flag(&argc, argv, "-c");
	char *overrides;
	struct domain_config c = { 0 };
	struct phases phases = { 0 };
	struct session se;
	uint16_t domid = 0;
	int code;

	if (!check_usage(argc, argv, 1, 1000))
		return EXIT_USAGE;
	overrides = join_overrides(argc, argv);
	code = read_config(&c, argv[1], overrides);
	free(overrides);
	if (!code) {
		bool good = session_begin(&se, true);

		se.file = argv[1];
		if (good && domain_create(&se.p, &se.s, &c, &o, &phases, &domid, &se.f) &&
		    as_json && !o.dry_run) {
			struct json j = { 0 };

			json_open(&j, NULL, '{');
			json_number(&j, "domid", domid);
			json_text(&j, "name", c.name);
			json_close(&j, '}');
			json_end(&j);
		}
		if (verbose)
			say_phases(&phases);
		if (!se.f.code && console && !o.dry_run)
			console_attach(domid, &se.f);
		code = session_end(&se);
	}
	config_free(&c);
	return code;
}

/* The hypervisor counts pauses: asked for twice, it would take two of the other to undo it. */
static int set_paused(int argc, char **argv, bool paused)
{
	struct xen_domctl_getdomaininfo info;
	struct session se;
	uint16_t domid;

	if (!check_usage(argc, argv, 1, 1))
		return EXIT_USAGE;
	if (session_begin_with(&se, argv[1], &domid) &&
	    !(domain_info(&se.p, domid, &info) && !(info.flags & XEN_DOMINF_paused) != paused))
		domain_command(&se.p, domid,
			       paused ? XEN_DOMCTL_pausedomain : XEN_DOMCTL_unpausedomain, argv[0],
			       &se.f);
	return session_end(&se);
}

int cmd_pause(int argc, char **argv)
{
	return set_paused(argc, argv, true);
}

int cmd_unpause(int argc, char **argv)
{
	return set_paused(argc, argv, false);
}

int cmd_destroy(int argc, char **argv)
{
	struct session se;
	uint16_t domid;

	if (!check_usage(argc, argv, 1, 1))
		return EXIT_USAGE;
	if (session_begin_with(&se, argv[1], &domid))
		domain_destroy(&se.p, &se.s, domid, &se.f);
	return session_end(&se);
}

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	interrupted = number;
}

static bool say_progress(uint64_t done, uint64_t all)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%3lu %% of %lu MiB%s", done * 100 / all, all / 256,
			done == all ? "\n" : "");
	return !interrupted;
}

int cmd_dump_core(int argc, char **argv)
{
	const struct sigaction stop = { .sa_handler = interrupt, .sa_flags = SA_RESTART };
	struct session se;
	uint16_t domid;

	if (!check_usage(argc, argv, 2, 2))
		return EXIT_USAGE;
	/* Whatever ends us, the domain goes on. */
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	sigaction(SIGQUIT, &stop, NULL);
	if (session_begin_with(&se, argv[1], &domid))
		domain_dump(&se.p, domid, argv[2], say_progress, &se.f);
	return session_end(&se);
}

static int ask(int argc, char **argv, const char *request)
{
	bool wait = take_flag(&argc, argv, "-w");
	struct session se;
	uint16_t domid;

	if (!check_usage(argc, argv, 1, 1))
		return EXIT_USAGE;
	if (session_begin_with(&se, argv[1], &domid) && domain_ask(&se.s, domid, request, &se.f) &&
	    wait)
		domain_wait(&se.p, &se.s, domid, WAIT_SHUTDOWN, -1, &se.f);
	return session_end(&se);
}

int cmd_shutdown(int argc, char **argv)
{
	return ask(argc, argv, "poweroff");
}

int cmd_reboot(int argc, char **argv)
{
	return ask(argc, argv, "reboot");
}

int cmd_wait(int argc, char **argv)
{
	const char *limit = take_value(&argc, argv, "-t");
	bool gone = take_flag(&argc, argv, "--gone");
	unsigned int seconds;
	struct session se;
	uint16_t domid;

	if (!check_usage(argc, argv, 1, 1) ||
	    (limit && !parse_count(limit, &seconds, 0, INT_MAX, "number of seconds")))
		return EXIT_USAGE;
	if (session_begin_with(&se, argv[1], &domid))
		domain_wait(&se.p, &se.s, domid, gone ? WAIT_GONE : WAIT_SHUTDOWN,
			    limit ? (int)seconds : -1, &se.f);
	else if (gone && se.f.code == FAIL_NO_DOMAIN)
		se.f.code = FAIL_NONE; /* it is */
	return session_end(&se);
}

bool press_keys(struct session *se, const char *keys)
{
	struct xen_sysctl *c = sysctl_new(&se->p);
	size_t n = strnlen(keys, 64);
	int rc;

	memcpy(se->p.array, keys, n);
	c->u.debug_keys.keys = se->p.array;
	c->u.debug_keys.nr_keys = (uint32_t)n;
	rc = sysctl_call(&se->p, XEN_SYSCTL_debug_keys);
	return !rc || fail(&se->f, FAIL_REFUSED, "the hypervisor does not take the keys: %s",
			   strerror(-rc));
}

int cmd_debug_keys(int argc, char **argv)
{
	struct session se;

	if (!check_usage(argc, argv, 1, 1))
		return EXIT_USAGE;
	if (session_begin(&se, false))
		press_keys(&se, argv[1]);
	return session_end(&se);
}
