/* SPDX-License-Identifier: MIT */
/* Loader strings, modules, and the options of the command line. */
#include "lib/log.h"
#include "lib/string.h"
#include "mm/page.h"
#include "x86/boot/protocols.h"
#include "x86/setup.h"

extern const struct boot_option __boot_options_start[], __boot_options_end[];

/* All strings of the loader together; used until the first domain is built. */
static char string_pool[16384] __initbss;
static size_t pool_used __initdata;

const char *__init boot_string(u64 maddr)
{
	const char *s = maddr_to_virt(maddr);
	size_t n = strnlen(s, 4096), room = sizeof(string_pool) - 1 - pool_used;
	char *d = string_pool + pool_used;

	n = MIN(n, room);
	memcpy(d, s, n);
	d[n] = 0;
	pool_used += MIN(n + 1, room);
	return d;
}

const char *__init skip_first_word(const char *s)
{
	while (*s == ' ')
		s++;
	while (*s && *s != ' ')
		s++;
	while (*s == ' ')
		s++;
	return s;
}

void __init boot_add_module(u64 start, u64 end, const char *cmdline)
{
	if (boot_info.nr_modules == BOOT_MAX_MODULES) {
		log_warn("More than %u modules: the rest is ignored\n", BOOT_MAX_MODULES);
		return;
	}
	boot_info.modules[boot_info.nr_modules++] = (struct boot_module){
		.start = start, .size = end > start ? end - start : 0, .cmdline = cmdline
	};
}

void __init boot_set_cmdline(const char *s)
{
	size_t n = MIN(strlen(s), sizeof(boot_info.cmdline) - 1);

	memcpy(boot_info.cmdline, s, n);
	boot_info.cmdline[n] = 0;
}

static void __init one_option(char *word, bool report)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = 0;
	for (const struct boot_option *o = __boot_options_start; o < __boot_options_end; o++) {
		if (strcmp(o->name, word) != 0)
			continue;
		if (o->fn(value ? value : "") && report)
			log_warn("Option %s: cannot take the value \"%s\", ignored\n", word,
				 value ? value : "");
		return;
	}
	if (report)
		log_warn("Option %s is unknown and ignored\n", word);
}

void __init cmdline_parse(bool report)
{
	static char line[sizeof(boot_info.cmdline)] __initbss;
	char *word = line, *end;

	memcpy(line, boot_info.cmdline, sizeof(line));
	for (; *word; word = end) {
		for (end = word; *end && *end != ' '; end++)
			;
		if (*end)
			*end++ = 0;
		if (!strcmp(word, "--")) {
			boot_info.kernel_words = boot_info.cmdline + (end - line);
			break;
		}
		if (*word)
			one_option(word, report);
	}
}
