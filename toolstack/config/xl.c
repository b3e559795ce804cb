/* SPDX-License-Identifier: MIT */
/* Reads xl.cfg: keys, strings, numbers, lists; a table says what becomes of each key. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"
#include "internal.h"

#define ITEMS_MAX 256
#define DEPTH_MAX 4
#define TEXT_MAX 65536

enum kind { STRING, NUMBER, LIST };
static const char *const kind_names[] = { "a string", "a number", "a list" };

struct value {
	enum kind kind;
	int line;
	char *text; /* STRING */
	uint64_t number;
	struct value *items;
	unsigned int n;
};

struct parser {
	struct domain_config *c;
	struct config_report *r;
	const char *at;
	int line;
	uint64_t memory_mib; /* to be compared when both are known */
	bool root_given, cmdline_given;
	int extra_line;
	char *root, *extra;
	uint64_t *seen;             /* bits of the keys that were there */
	const uint64_t *overridden; /* of those whose values here don't count, or NULL */
};

static void value_free(struct value *v)
{
	for (unsigned int i = 0; i < v->n; i++)
		value_free(&v->items[i]);
	free(v->items);
	free(v->text);
	*v = (struct value){ 0 };
}

/* -- the text */

/* Over blanks and comments; with lines: over their ends, too. */
static void skip(struct parser *p, bool lines)
{
	for (;;) {
		if (*p->at == '#')
			p->at += strcspn(p->at, "\n");
		else if (*p->at == '\n' && lines)
			p->line++, p->at++;
		else if (*p->at == ' ' || *p->at == '\t' || *p->at == '\r')
			p->at++;
		else
			return;
	}
}

static bool syntax(struct parser *p, int line, const char *cause)
{
	return config_fail(p->r, line, CONFIG_SYNTAX, "%s", cause);
}

static bool parse_string(struct parser *p, struct value *v)
{
	char quote = *p->at++;
	size_t len = 0;

	v->kind = STRING;
	v->text = xmalloc(strcspn(p->at, "\n") + 1);
	for (; *p->at != quote; p->at++) {
		if (!*p->at || *p->at == '\n')
			return syntax(p, p->line,
				      "a string has no end; close its quotes on this line");
		if (*p->at == '\\' && p->at[1] && p->at[1] != '\n')
			p->at++;
		v->text[len++] = *p->at;
	}
	v->text[len] = '\0';
	p->at++;
	return true;
}

static bool parse_digits(struct parser *p, struct value *v)
{
	size_t len = strspn(p->at, "0123456789abcdefxABCDEFX");
	char digits[32] = "";

	v->kind = NUMBER;
	if (len < sizeof(digits))
		memcpy(digits, p->at, len);
	if (!parse_number(digits, &v->number))
		return syntax(p, p->line, "this is no number; put a text into quotes");
	p->at += len;
	return true;
}

static bool parse_value(struct parser *p, struct value *v, int depth);

static bool parse_list(struct parser *p, struct value *v, int depth)
{
	v->kind = LIST;
	p->at++;
	for (;;) {
		skip(p, true);
		if (*p->at == ']') {
			p->at++;
			return true;
		}
		if (!*p->at)
			return syntax(p, v->line, "a list has no end; close it with ]");
		if (v->n == ITEMS_MAX)
			return syntax(p, p->line, "a list has more than 256 items; shorten it");
		v->items = xrealloc(v->items, (v->n + 1) * sizeof(*v->items));
		v->items[v->n] = (struct value){ 0 };
		v->n++;
		if (!parse_value(p, &v->items[v->n - 1], depth + 1))
			return false;
		skip(p, true);
		if (*p->at == ',')
			p->at++;
		else if (*p->at != ']')
			return syntax(p, p->line, "a comma or ] is missing in a list");
	}
}

static bool parse_value(struct parser *p, struct value *v, int depth)
{
	skip(p, depth > 0);
	v->line = p->line;
	if (*p->at == '"' || *p->at == '\'')
		return parse_string(p, v);
	if (isdigit((unsigned char)*p->at))
		return parse_digits(p, v);
	if (*p->at == '[' && depth < DEPTH_MAX)
		return parse_list(p, v, depth);
	return syntax(p, p->line, "a value is missing; strings stand in quotes, lists in brackets");
}

/* -- the keys */

typedef bool (*setter)(struct parser *p, const struct value *v);

static bool xl_name(struct parser *p, const struct value *v)
{
	return set_name(p->c, p->r, v->line, v->text);
}

static bool xl_uuid(struct parser *p, const struct value *v)
{
	return set_uuid(p->c, p->r, v->line, v->text);
}

static bool xl_type(struct parser *p, const struct value *v)
{
	if (!strcmp(v->text, "pv") || !strcmp(v->text, "generic") || !strcmp(v->text, "linux"))
		return true;
	if (!strcmp(v->text, "pvh") || !strcmp(v->text, "hvm"))
		return config_fail(
			p->r, v->line, CONFIG_UNSUPPORTED,
			"guests of type '%s' need hardware assistance, which is not there"
			" yet; use type = \"pv\"",
			v->text);
	return config_fail(p->r, v->line, CONFIG_VALUE, "the type can't be '%s'; use \"pv\"",
			   v->text);
}

static bool mebibytes(struct parser *p, const struct value *v, uint64_t *kib)
{
	if (v->number < 1 || v->number > MEMORY_MAX_KIB / 1024)
		return config_fail(p->r, v->line, CONFIG_VALUE,
				   "%llu MiB of memory can't be; a guest has 4 MiB to 1 TiB",
				   (unsigned long long)v->number);
	*kib = v->number * 1024;
	return true;
}

static bool xl_memory(struct parser *p, const struct value *v)
{
	return mebibytes(p, v, &p->c->memory_kib);
}

static bool xl_maxmem(struct parser *p, const struct value *v)
{
	return mebibytes(p, v, &p->c->max_memory_kib);
}

static bool xl_vcpus(struct parser *p, const struct value *v)
{
	return set_unsigned(&p->c->vcpus, p->r, v->line, "vcpus", v->number, 1, VCPUS_MAX);
}

static bool xl_maxvcpus(struct parser *p, const struct value *v)
{
	return set_unsigned(&p->c->max_vcpus, p->r, v->line, "maxvcpus", v->number, 1, VCPUS_MAX);
}

static bool xl_cpus(struct parser *p, const struct value *v)
{
	return set_cpus(p->c, p->r, v->line, v->text);
}

static bool xl_weight(struct parser *p, const struct value *v)
{
	return set_unsigned(&p->c->weight, p->r, v->line, "cpu_weight", v->number, 1, 65535);
}

static bool xl_cap(struct parser *p, const struct value *v)
{
	return set_unsigned(&p->c->cap, p->r, v->line, "cap", v->number, 0, 100 * VCPUS_MAX);
}

static bool xl_kernel(struct parser *p, const struct value *v)
{
	replace(&p->c->kernel, v->text);
	p->c->kernel_line = v->line;
	return true;
}

static bool xl_ramdisk(struct parser *p, const struct value *v)
{
	replace(&p->c->ramdisk, v->text);
	p->c->ramdisk_line = v->line;
	return true;
}

static bool xl_kernel_pin(struct parser *p, const struct value *v)
{
	return set_pin(&p->c->kernel_pin, p->r, v->line, "kernel_sha256", v->text);
}

static bool xl_ramdisk_pin(struct parser *p, const struct value *v)
{
	return set_pin(&p->c->ramdisk_pin, p->r, v->line, "ramdisk_sha256", v->text);
}

static bool xl_cmdline(struct parser *p, const struct value *v)
{
	replace(&p->c->cmdline, v->text);
	p->cmdline_given = true;
	return true;
}

static bool xl_root(struct parser *p, const struct value *v)
{
	replace(&p->root, v->text);
	return true;
}

static bool xl_extra(struct parser *p, const struct value *v)
{
	replace(&p->extra, v->text);
	p->extra_line = v->line;
	return true;
}

static bool xl_on_poweroff(struct parser *p, const struct value *v)
{
	return set_action(&p->c->on_poweroff, p->r, v->line, "on_poweroff", v->text);
}

static bool xl_on_reboot(struct parser *p, const struct value *v)
{
	return set_action(&p->c->on_reboot, p->r, v->line, "on_reboot", v->text);
}

static bool xl_on_crash(struct parser *p, const struct value *v)
{
	return set_action(&p->c->on_crash, p->r, v->line, "on_crash", v->text);
}

static bool xl_grants(struct parser *p, const struct value *v)
{
	return set_unsigned(&p->c->max_grant_frames, p->r, v->line, "max_grant_frames", v->number,
			    1, 65536);
}

static bool xl_events(struct parser *p, const struct value *v)
{
	return set_unsigned(&p->c->max_event_channels, p->r, v->line, "max_event_channels",
			    v->number, 16, 131071);
}

/* A word of a disk that stands without its key. */
static bool positional(struct parser *p, struct config_disk *d, int line, unsigned int place,
		       const char *word)
{
	switch (place) {
	case 0:
		replace(&d->path, word);
		return true;
	case 1:
		for (unsigned int i = 0; i < FORMATS; i++) {
			if (!strcmp(word, format_names[i])) {
				d->format = (enum disk_format)i;
				return true;
			}
		}
		if (!*word)
			return true;
		return config_fail(p->r, line, CONFIG_VALUE,
				   "a disk's format can't be '%s'; there are raw and qcow2", word);
	case 2:
		return set_vdev(d, p->r, line, word);
	case 3:
		if (!strcmp(word, "r") || !strcmp(word, "ro"))
			d->readonly = true;
		else if (*word && strcmp(word, "w") && strcmp(word, "rw"))
			return config_fail(p->r, line, CONFIG_VALUE,
					   "a disk's access can't be '%s'; there are r and w",
					   word);
		return true;
	default:
		return config_fail(p->r, line, CONFIG_SYNTAX,
				   "a disk has more parts than target, format, name, access");
	}
}

static bool disk_word(struct parser *p, struct config_disk *d, int line, char *word)
{
	char *value = strchr(word, '=');

	if (!value) {
		if (!strcmp(word, "cdrom"))
			return d->readonly = true;
		config_warn(p->r, line, "disk: '%s' is ignored", word);
		return true;
	}
	*value++ = '\0';
	if (!strcmp(word, "target"))
		return positional(p, d, line, 0, value);
	if (!strcmp(word, "format"))
		return positional(p, d, line, 1, value);
	if (!strcmp(word, "vdev"))
		return positional(p, d, line, 2, value);
	if (!strcmp(word, "access"))
		return positional(p, d, line, 3, value);
	if (!strcmp(word, "backendtype")) {
		d->block = !strcmp(value, "phy");
		return true;
	}
	if (!strcmp(word, "devtype")) {
		d->readonly |= !strcmp(value, "cdrom");
		return true;
	}
	if (!strcmp(word, "script") || !strcmp(word, "backend") ||
	    !strcmp(word, "direct-io-safe")) {
		config_warn(p->r, line, "disk: '%s' is ignored", word);
		return true;
	}
	return config_fail(p->r, line, CONFIG_UNKNOWN, "a disk has no '%s'; see docs/config.md",
			   word);
}

static char *trimmed(char *word)
{
	size_t len;

	word += strspn(word, " \t\r\n");
	len = strlen(word);
	while (len && strchr(" \t\r\n", word[len - 1]))
		word[--len] = '\0';
	return word;
}

/* "phy:/dev/sda,xvda,w" as it was, "target,format,vdev,access" and key=value as they are. */
static bool one_disk(struct parser *p, const struct value *v)
{
	struct config_disk *d = add_disk(p->c, v->line);
	char *copy = xstrdup(v->text), *at = copy, *word;
	unsigned int place = 0;
	bool good = true, old = false;

	for (char **prefix = (char *[]){ "phy:", "file:", NULL }; *prefix; prefix++) {
		if (!strncmp(at, *prefix, strlen(*prefix))) {
			d->block = **prefix == 'p';
			at += strlen(*prefix);
			old = true;
		}
	}
	while (good && (word = strsep(&at, ",")) != NULL) {
		word = trimmed(word);
		if (strchr(word, '=') || (place > 3 && *word) || !strcmp(word, "cdrom")) {
			good = disk_word(p, d, v->line, word);
		} else {
			good = positional(p, d, v->line, place, word);
			place += old && !place ? 2 : 1;
		}
	}
	free(copy);
	if (good && (!d->path || !*d->path))
		return config_fail(p->r, v->line, CONFIG_MISSING,
				   "a disk has no target; name its file");
	if (good && !d->vdev)
		return config_fail(p->r, v->line, CONFIG_MISSING,
				   "a disk has no name in the guest; give it one, as xvda");
	if (good && !strncmp(d->path, "/dev/", 5))
		d->block = true;
	return good;
}

static bool nic_word(struct parser *p, struct config_nic *nic, int line, char *word)
{
	static const char *const ignored[] = { "model",  "type",  "rate", "backend", "gatewaydev",
					       "netdev", "devid", "mtu",  "trusted" };
	char *value = strchr(word, '=');

	if (!value)
		return config_fail(p->r, line, CONFIG_SYNTAX,
				   "a network card's '%s' has no value; write key=value", word);
	*value++ = '\0';
	if (!strcmp(word, "mac"))
		return set_mac(nic, p->r, line, value);
	if (!strcmp(word, "bridge"))
		return replace(&nic->bridge, value), true;
	if (!strcmp(word, "script"))
		return replace(&nic->script, value), true;
	if (!strcmp(word, "ip"))
		return replace(&nic->ip, value), true;
	if (!strcmp(word, "vifname"))
		return replace(&nic->ifname, value), true;
	for (unsigned int i = 0; i < ARRAY_SIZE(ignored); i++) {
		if (!strcmp(word, ignored[i])) {
			config_warn(p->r, line, "vif: '%s' is ignored", word);
			return true;
		}
	}
	return config_fail(p->r, line, CONFIG_UNKNOWN,
			   "a network card has no '%s'; see docs/config.md", word);
}

static bool one_nic(struct parser *p, const struct value *v)
{
	struct config_nic *nic = add_nic(p->c, v->line);
	char *copy = xstrdup(v->text), *at = copy, *word;
	bool good = true;

	while (good && (word = strsep(&at, ",")) != NULL) {
		word = trimmed(word);
		good = !*word || nic_word(p, nic, v->line, word);
	}
	free(copy);
	return good;
}

static bool each_string(struct parser *p, const struct value *v, const char *what, setter one)
{
	for (unsigned int i = 0; i < v->n; i++) {
		if (v->items[i].kind != STRING)
			return config_fail(p->r, v->items[i].line, CONFIG_VALUE,
					   "each %s is a string; put it into quotes", what);
		if (!one(p, &v->items[i]))
			return false;
	}
	return true;
}

static bool xl_disk(struct parser *p, const struct value *v)
{
	return each_string(p, v, "disk", one_disk);
}

static bool xl_vif(struct parser *p, const struct value *v)
{
	return each_string(p, v, "vif", one_nic);
}

/* What becomes of a key. why: of one that is not honoured, what is said; else what it means. */
static const struct key {
	const char *name;
	enum treatment treatment;
	enum kind kind;
	setter set;
	const char *why;
} keys[] = {
	{ "name", HONOURED, STRING, xl_name, "the domain's; letters, digits and `-_.+:`" },
	{ "uuid", HONOURED, STRING, xl_uuid, "made if left out" },
	{ "type", HONOURED, STRING, xl_type, "`pv`" },
	{ "builder", HONOURED, STRING, xl_type, "`generic`, `linux`" },
	{ "memory", HONOURED, NUMBER, xl_memory, "MiB at the start" },
	{ "maxmem", HONOURED, NUMBER, xl_maxmem, "MiB at most" },
	{ "vcpus", HONOURED, NUMBER, xl_vcpus, "at the start" },
	{ "maxvcpus", HONOURED, NUMBER, xl_maxvcpus, "at most" },
	{ "cpus", HONOURED, STRING, xl_cpus, "where they run: `0-3,^2`, `all`" },
	{ "cpu_weight", HONOURED, NUMBER, xl_weight, "share of a processor, against others'" },
	{ "cap", HONOURED, NUMBER, xl_cap, "percent of one processor at most; 0: none" },
	{ "kernel", HONOURED, STRING, xl_kernel, "ELF or bzImage, as distributions ship it" },
	{ "ramdisk", HONOURED, STRING, xl_ramdisk, "" },
	{ "kernel_sha256", HONOURED, STRING, xl_kernel_pin, "another kernel is refused" },
	{ "ramdisk_sha256", HONOURED, STRING, xl_ramdisk_pin, "another ramdisk is refused" },
	{ "cmdline", HONOURED, STRING, xl_cmdline, "the kernel's" },
	{ "root", HONOURED, STRING, xl_root, "`root=` before `extra`, unless there is `cmdline`" },
	{ "extra", HONOURED, STRING, xl_extra, "the rest of the command line" },
	{ "on_poweroff", HONOURED, STRING, xl_on_poweroff, "default `destroy`" },
	{ "on_reboot", HONOURED, STRING, xl_on_reboot, "default `restart`" },
	{ "on_crash", HONOURED, STRING, xl_on_crash, "default `destroy`" },
	{ "disk", HONOURED, LIST, xl_disk, "target, format, vdev, access, backendtype" },
	{ "vif", HONOURED, LIST, xl_vif, "mac, bridge, script, ip, vifname" },
	{ "max_grant_frames", HONOURED, NUMBER, xl_grants, "" },
	{ "max_event_channels", HONOURED, NUMBER, xl_events, "" },
	{ "acpi", IGNORED, NUMBER, NULL, "a PV guest has none" },
	{ "apic", IGNORED, NUMBER, NULL, "a PV guest has none" },
	{ "pae", IGNORED, NUMBER, NULL, "64-bit guests always have it" },
	{ "hap", IGNORED, NUMBER, NULL, "of guests with hardware assistance" },
	{ "viridian", IGNORED, NUMBER, NULL, "of guests with hardware assistance" },
	{ "xen_platform_pci", IGNORED, NUMBER, NULL, "of guests with hardware assistance" },
	{ "nomigrate", IGNORED, NUMBER, NULL, "there is no migration yet" },
	{ "localtime", IGNORED, NUMBER, NULL, "the clock is UTC" },
	{ "rtc_timeoffset", IGNORED, NUMBER, NULL, "the clock is UTC" },
	{ "claim_mode", IGNORED, NUMBER, NULL, "memory is always claimed first" },
	{ "on_watchdog", IGNORED, STRING, NULL, "there is no watchdog" },
	{ "on_soft_reset", IGNORED, STRING, NULL, "a soft reset is a reboot" },
	{ "pool", IGNORED, STRING, NULL, "all processors are one pool" },
	{ "seclabel", IGNORED, STRING, NULL, "there is no security server" },
	{ "init_seclabel", IGNORED, STRING, NULL, "there is no security server" },
	{ "timer_mode", IGNORED, NUMBER, NULL, "of guests with hardware assistance" },
	{ "tsc_mode", IGNORED, STRING, NULL, "the counter is the processor's" },
	{ "keymap", IGNORED, STRING, NULL, "there is no display" },
	{ "vfb", IGNORED, LIST, NULL, "there is no display" },
	{ "vkb", IGNORED, LIST, NULL, "there is no display" },
	{ "vnc", IGNORED, NUMBER, NULL, "there is no display" },
	{ "vnclisten", IGNORED, STRING, NULL, "there is no display" },
	{ "sdl", IGNORED, NUMBER, NULL, "there is no display" },
	{ "boot", IGNORED, STRING, NULL, "the kernel is named" },
	{ "device_model_version", IGNORED, STRING, NULL, "a PV guest has no device model" },
	{ "device_model_override", IGNORED, STRING, NULL, "a PV guest has no device model" },
	{ "serial", IGNORED, STRING, NULL, "the console is always there" },
	{ "driver_domain", IGNORED, NUMBER, NULL, "" },
	{ "bootloader", REFUSED, STRING, NULL,
	  "a guest's file system is not read in the privileged domain; set kernel and ramdisk" },
	{ "bootloader_args", REFUSED, LIST, NULL,
	  "there is no bootloader; set kernel and ramdisk" },
	{ "firmware", REFUSED, STRING, NULL, "a PV guest has no firmware; take it out" },
	{ "pci", REFUSED, LIST, NULL, "devices are not passed through yet; take it out" },
	{ "usbdev", REFUSED, LIST, NULL, "devices are not passed through yet; take it out" },
	{ "usbctrl", REFUSED, LIST, NULL, "devices are not passed through yet; take it out" },
	{ "ioports", REFUSED, LIST, NULL, "devices are not passed through yet; take it out" },
	{ "iomem", REFUSED, LIST, NULL, "devices are not passed through yet; take it out" },
	{ "irqs", REFUSED, LIST, NULL, "devices are not passed through yet; take it out" },
	{ "passthrough", REFUSED, STRING, NULL, "devices are not passed through yet; take it out" },
	{ "nestedhvm", REFUSED, NUMBER, NULL,
	  "a PV guest can't have guests of its own; take it out" },
	{ "vtpm", REFUSED, LIST, NULL, "there is no virtual TPM; take it out" },
	{ "p9", REFUSED, LIST, NULL, "there is no shared file system; take it out" },
	{ "channel", REFUSED, LIST, NULL, "there are no channels; take it out" },
	{ "vnuma", REFUSED, LIST, NULL, "there is no NUMA for guests; take it out" },
	{ "cpuid", REFUSED, STRING, NULL, "the processor can't be masked yet; take it out" },
	{ "max_maptrack_frames", REFUSED, NUMBER, NULL,
	  "it is not limited for each domain; take it out" },
};

static const struct key *find_key(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	}
	return NULL;
}

/* xl takes a number's digits in quotes, too, and a number for a string. */
static bool convert(struct parser *p, const struct key *k, struct value *v)
{
	if (k->kind == v->kind)
		return true;
	if (k->kind == NUMBER && v->kind == STRING && parse_number(v->text, &v->number))
		return true;
	if (k->kind == LIST && v->kind == STRING) {
		struct value *item = xzalloc(sizeof(*item));

		*item = *v;
		*v = (struct value){ .kind = LIST, .line = item->line, .items = item, .n = 1 };
		return true;
	}
	return config_fail(p->r, v->line, CONFIG_VALUE, "%s is %s; it has to be %s", k->name,
			   kind_names[v->kind], kind_names[k->kind]);
}

static bool apply(struct parser *p, int line, const char *name, struct value *v)
{
	const struct key *k = find_key(name);
	unsigned int i = (unsigned int)(k - keys);

	if (!k)
		return config_fail(p->r, line, CONFIG_UNKNOWN,
				   "there is no key '%s'; docs/config.md lists them", name);
	if (k->treatment == REFUSED)
		return config_fail(p->r, line, CONFIG_UNSUPPORTED, "%s: %s", name, k->why);
	if (k->treatment == IGNORED) {
		config_warn(p->r, line, "%s is ignored%s%s", name, *k->why ? ": " : "", k->why);
		return true;
	}
	if (p->seen[i / 64] >> i % 64 & 1)
		return config_fail(p->r, line, CONFIG_CONFLICT, "%s stands here again; keep one",
				   name);
	p->seen[i / 64] |= 1ull << i % 64;
	if (p->overridden && p->overridden[i / 64] >> i % 64 & 1)
		return true;
	return convert(p, k, v) && k->set(p, v);
}

/* One "key = value". */
static bool parse_line(struct parser *p)
{
	size_t len = strspn(p->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_");
	struct value v = { 0 };
	int line = p->line;
	char name[64];
	bool good;

	if (!len || isdigit((unsigned char)*p->at))
		return syntax(p, line, "this is no key; a line is: key = value");
	if (len >= sizeof(name))
		return syntax(p, line, "the key is too long; docs/config.md lists the keys");
	memcpy(name, p->at, len);
	name[len] = '\0';
	p->at += len;
	skip(p, false);
	if (*p->at != '=')
		return config_fail(p->r, line, CONFIG_SYNTAX,
				   "'%s' is not followed by =; a line is:"
				   " key = value",
				   name);
	p->at++;
	good = parse_value(p, &v, 0);
	if (good) {
		skip(p, false);
		if (*p->at && *p->at != '\n' && *p->at != ';')
			good = syntax(p, p->line,
				      "there is more behind the value; end the line there");
	}
	good = good && apply(p, line, name, &v);
	value_free(&v);
	return good;
}

/* root and extra are the command line, where there is none. */
static bool command_line(struct parser *p)
{
	if (p->cmdline_given) {
		if (p->root || p->extra)
			config_warn(p->r, p->extra_line,
				    "root and extra are ignored: there is cmdline");
	} else if (p->root || p->extra) {
		p->c->cmdline =
			xasprintf("%s%s%s%s", p->root ? "root=" : "", p->root ? p->root : "",
				  p->root && p->extra ? " " : "", p->extra ? p->extra : "");
	}
	return true;
}

static bool parse_lines(struct parser *p, const char *text)
{
	bool good = true;

	p->at = text;
	p->line = 1;
	while (good) {
		skip(p, true);
		if (*p->at == ';') {
			p->at++;
			continue;
		}
		if (!*p->at)
			break;
		good = parse_line(p);
	}
	return good;
}

bool xl_parse(struct domain_config *c, struct config_report *r, const char *text,
	      const char *overrides)
{
	uint64_t first[ARRAY_SIZE(keys) / 64 + 1] = { 0 }, seen[ARRAY_SIZE(first)] = { 0 };
	struct parser p = { .c = c, .r = r, .seen = first };
	const char *file = r->file;
	bool good = true;

	if (overrides) {
		r->file = "command line";
		good = parse_lines(&p, overrides);
		r->file = file;
		p.overridden = first;
	}
	p.seen = seen;
	good = good && parse_lines(&p, text) && command_line(&p);
	free(p.root);
	free(p.extra);
	return good;
}

void xl_print_table(FILE *out)
{
	for (enum treatment t = HONOURED; t <= REFUSED; t++) {
		fprintf(out, "%s| key, %s | value | |\n|---|---|---|\n", t ? "\n" : "",
			treatment_names[t]);
		for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
			if (keys[i].treatment == t)
				fprintf(out, "| `%s` | %s | %s |\n", keys[i].name,
					kind_names[keys[i].kind], keys[i].why);
		}
	}
}
