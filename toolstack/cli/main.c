/* SPDX-License-Identifier: MIT */
/* pavise: one table of commands. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../config/config.h"
#include "../lib/util.h"
#include "session.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *arguments, *summary;
};

/* Says what there is to say of a file; the class of its error. */
static int report(const struct config_report *r)
{
	for (unsigned int i = 0; i < r->n_warnings && !r->error; i++)
		fprintf(stderr, "%s\n", r->warnings[i]);
	if (r->error)
		fprintf(stderr, "%s\n", r->text);
	return (int)r->error;
}

/* One file, and that no file before it names the same domain. */
static int check_file(struct domain_config *c, const struct domain_config *before, int n,
		      const char *file, bool print)
{
	struct config_report r = { 0 };
	int code;

	if (config_read(c, &r, file) && config_check_images(c, &r)) {
		for (int i = 0; i < n; i++) {
			if (before[i].name && !strcmp(before[i].name, c->name))
				config_fail(&r, 0, CONFIG_CONFLICT,
					    "another file names its domain %s, too; rename one",
					    c->name);
			else if (before[i].has_uuid && c->has_uuid &&
				 !uuid_compare(before[i].uuid, c->uuid))
				config_fail(&r, 0, CONFIG_CONFLICT,
					    "it has the UUID of %s; leave it out to have one made",
					    before[i].name);
		}
	}
	code = report(&r);
	config_report_free(&r);
	if (!code && print && !config_print_xml(c, stdout))
		code = 1;
	return code;
}

static int cmd_check(int argc, char **argv)
{
	struct domain_config *configs;
	bool print = argc > 1 && !strcmp(argv[1], "--xml");
	int first = 1 + print, code = 0;

	if (argc == 2 && !strcmp(argv[1], "--tables")) {
		config_print_tables(stdout);
		return 0;
	}
	if (!check_usage(argc - print, argv + print, 1, argc))
		return EXIT_USAGE;
	configs = xzalloc((size_t)argc * sizeof(*configs));
	for (int i = first; i < argc; i++) {
		int one = check_file(&configs[i], configs, i, argv[i], print);

		code = code ? code : one;
	}
	for (int i = first; i < argc; i++)
		config_free(&configs[i]);
	free(configs);
	return code;
}

static int cmd_help(int argc, char **argv);

/* Each row has its entry in toolstack/man/pavise.1. Completion reads what `pavise help` prints of it. */
static const struct command commands[] = {
	{ "bench", cmd_bench,
	  "cpu [--no-guest] [-k FILE] [--from FILE] [--baseline FILE] [--save FILE] [--html FILE]"
	  " [--json]",
	  "what crossings into the hypervisor and the kernel's operations cost" },
	{ "check", cmd_check, "[--xml] FILE...", "validate configurations, touch nothing" },
	{ "config", cmd_config, "DOMAIN", "the XML that it was made from, and can be again" },
	{ "console", cmd_console, "DOMAIN", "a terminal at its console; Ctrl-] leaves" },
	{ "create", cmd_create, "[-c] [-p] [-n] [-v] [--json] FILE [KEY=VALUE]...",
	  "make and start a domain; -c: with its console, -p: paused, -n: look only, -v: timing" },
	{ "debug-keys", cmd_debug_keys, "KEYS", "as if pressed on the hypervisor's console" },
	{ "destroy", cmd_destroy, "DOMAIN", "end it at once" },
	{ "dmesg", cmd_dmesg, "[-c] [--json]", "the hypervisor's log; -c: and clear it" },
	{ "domid", cmd_domid, "[--json] DOMAIN", "its number" },
	{ "domname", cmd_domname, "[--json] DOMAIN", "its name" },
	{ "dump-core", cmd_dump_core, "DOMAIN FILE",
	  "its memory and vCPUs, for tools that read cores" },
	{ "help", cmd_help, "", "list the commands" },
	{ "info", cmd_info, "[--json]", "the machine and the hypervisor" },
	{ "list", cmd_list, "[--json] [DOMAIN]", "domains and their states" },
	{ "mem-max", cmd_mem_max, "DOMAIN MEMORY", "the most that it may ever have" },
	{ "mem-set", cmd_mem_set, "DOMAIN MEMORY", "what its balloon is to leave it" },
	{ "metrics", cmd_metrics, "", "figures for Prometheus" },
	{ "pause", cmd_pause, "DOMAIN", "stop its vCPUs" },
	{ "reboot", cmd_reboot, "[-w] DOMAIN", "ask its kernel to; -w: wait until it has" },
	{ "rename", cmd_rename, "DOMAIN NAME", "call it otherwise" },
	{ "sched", cmd_sched, "[-w WEIGHT] [-c CAP] [--json] [DOMAIN]",
	  "shares of the processors; -w, -c: change one" },
	{ "selftest", cmd_selftest, "", "a report on this machine, with checks, to be sent" },
	{ "shutdown", cmd_shutdown, "[-w] DOMAIN", "ask its kernel to; -w: wait until it has" },
	{ "sysrq", cmd_sysrq, "DOMAIN LETTER", "press that key with its kernel's Magic SysRq" },
	{ "top", cmd_top, "[-d SECONDS] [-n TIMES] [--json]",
	  "who uses the processors; Enter ends it" },
	{ "trigger", cmd_trigger, "DOMAIN nmi [VCPU]", "send it an NMI" },
	{ "unpause", cmd_unpause, "DOMAIN", "let them run" },
	{ "uptime", cmd_uptime, "[--json] [DOMAIN]", "time since each was made" },
	{ "vcpu-list", cmd_vcpu_list, "[--json] [DOMAIN]", "vCPUs, where they run and may run" },
	{ "vcpu-pin", cmd_vcpu_pin, "DOMAIN VCPU|all CPUS", "where they may run" },
	{ "vcpu-set", cmd_vcpu_set, "DOMAIN NUMBER", "how many of its vCPUs are to be online" },
	{ "wait", cmd_wait, "[-t SECONDS] [--gone] DOMAIN", "until it has shut down" },
};

static int cmd_help(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++)
		printf("pavise %-10s %-47s  %s\n", commands[i].name, commands[i].arguments,
		       commands[i].summary);
	return 0;
}

static const struct command *called;

bool check_usage(int argc, char **argv, int from, int to)
{
	bool good = argc - 1 >= from && argc - 1 <= to;

	for (int i = 1; good && i < argc; i++)
		good = argv[i][0] != '-';
	if (!good)
		fprintf(stderr, "pavise: usage: pavise %s%s%s\n", called->name,
			*called->arguments ? " " : "", called->arguments);
	return good;
}

int main(int argc, char **argv)
{
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		argv[1] = "help";
	for (unsigned int i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++) {
		called = &commands[i];
		if (!strcmp(argv[1], called->name))
			return called->run(argc - 1, argv + 1);
	}
	if (argc > 1)
		fprintf(stderr, "pavise: there is no command '%s'; 'pavise help' lists them\n",
			argv[1]);
	else
		fprintf(stderr,
			"pavise: usage: pavise COMMAND [ARGUMENT]...; 'pavise help' lists them\n");
	return EXIT_USAGE;
}
