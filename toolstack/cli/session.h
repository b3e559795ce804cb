/* SPDX-License-Identifier: MIT */
/* What commands share: the way to the hypervisor and the store, flags, JSON. */

#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "../libpavise/domain.h"

#define EXIT_USAGE 2

/* One command's life. */
struct session {
	struct pavise p;
	struct store_client s;
	struct failure f;
	const char *file; /* the configuration, or NULL */
};

/* session_end() in any case. */
bool session_begin(struct session *se, bool store);
/* The same, and finds the one domain that a command is about. */
bool session_begin_with(struct session *se, const char *domain, uint16_t *domid);
/* Says the failure, if there is one, and where in the configuration it stands; the exit code. */
int session_end(struct session *se);

/* Is this flag there? It is taken out of the arguments. */
bool take_flag(int *argc, char **argv, const char *flag);
/* The argument behind the flag, both taken out; NULL: it is not there. */
const char *take_value(int *argc, char **argv, const char *flag);
/* Says how the command is called unless there are from..to arguments and no further flag. */
bool check_usage(int argc, char **argv, int from, int to);
/* A number and nothing else; false with a sentence: "'x' is no WHAT". */
bool parse_count(const char *text, unsigned int *n, unsigned int min, unsigned int max,
		 const char *what);

/* JSON to standard output: json_text("name", NULL) says null. A key of NULL: in a list. */
struct json {
	bool comma;
};
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_text(struct json *j, const char *key, const char *value);
void json_number(struct json *j, const char *key, uint64_t value);
/* value / 100; UINT64_MAX: null. */
void json_hundredths(struct json *j, const char *key, uint64_t value);
void json_end(struct json *j);

/* This terminal at a domain's console, until it is left or the domain ends. */
bool console_attach(uint16_t domid, struct failure *f);
/* A descriptor of it, for who reads and writes itself; -1. */
int console_connect(uint16_t domid, struct failure *f);

/* The hypervisor's whole log, to be freed; clear: afterwards it is empty. */
char *read_log(struct session *se, bool clear);
/* As if pressed on its console. */
bool press_keys(struct session *se, const char *keys);

/* "running", "poweroff" and so on, of a domain's flags. */
const char *state_name(uint32_t flags);

/* The commands. Each: the exit code. */
int cmd_bench(int argc, char **argv);
int cmd_console(int argc, char **argv);
int cmd_create(int argc, char **argv);
int cmd_destroy(int argc, char **argv);
int cmd_dump_core(int argc, char **argv);
int cmd_shutdown(int argc, char **argv);
int cmd_reboot(int argc, char **argv);
int cmd_pause(int argc, char **argv);
int cmd_unpause(int argc, char **argv);
int cmd_mem_set(int argc, char **argv);
int cmd_mem_max(int argc, char **argv);
int cmd_rename(int argc, char **argv);
int cmd_vcpu_set(int argc, char **argv);
int cmd_vcpu_pin(int argc, char **argv);
int cmd_sysrq(int argc, char **argv);
int cmd_trigger(int argc, char **argv);
int cmd_sched(int argc, char **argv);
int cmd_selftest(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_wait(int argc, char **argv);
int cmd_debug_keys(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_vcpu_list(int argc, char **argv);
int cmd_domid(int argc, char **argv);
int cmd_domname(int argc, char **argv);
int cmd_uptime(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_dmesg(int argc, char **argv);

#endif /* CLI_SESSION_H */
