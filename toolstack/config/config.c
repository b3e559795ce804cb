/* SPDX-License-Identifier: MIT */
/* Values of a configuration, and what must be so of all of them together. */

#include "internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/util.h"

#define FILE_MAX (1u << 20) /* a longer one is not a configuration */

const char *const treatment_names[] = { "honoured", "ignored, with a warning", "refused" };
const char *const action_names[ACTIONS] = {
	[ACTION_DESTROY] = "destroy",
	[ACTION_RESTART] = "restart",
	[ACTION_RENAME_RESTART] = "rename-restart",
	[ACTION_PRESERVE] = "preserve",
	[ACTION_COREDUMP_DESTROY] = "coredump-destroy",
	[ACTION_COREDUMP_RESTART] = "coredump-restart",
};
const char *const format_names[FORMATS] = { [FORMAT_RAW] = "raw", [FORMAT_QCOW2] = "qcow2" };

/* -- what is said */

static char *message(const char *file, int line, const char *kind, const char *format, va_list args)
{
	char *said, *all;

	if (vasprintf(&said, format, args) < 0)
		die("out of memory");
	/* One line, whatever a file's text contains. */
	for (char *p = said; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	all = line ? xasprintf("%s:%d: %s%s", file, line, kind, said) :
		     xasprintf("%s: %s%s", file, kind, said);
	free(said);
	return all;
}

bool config_fail(struct config_report *r, int line, enum config_class error, const char *format,
		 ...)
{
	va_list args;

	if (r->error)
		return false;
	va_start(args, format);
	r->text = message(r->file, line, "", format, args);
	va_end(args);
	r->error = error;
	return false;
}

void config_warn(struct config_report *r, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	r->warnings = xrealloc(r->warnings, (r->n_warnings + 1) * sizeof(*r->warnings));
	r->warnings[r->n_warnings++] = message(r->file, line, "warning: ", format, args);
	va_end(args);
}

void config_report_free(struct config_report *r)
{
	for (unsigned int i = 0; i < r->n_warnings; i++)
		free(r->warnings[i]);
	free(r->warnings);
	free(r->text);
	*r = (struct config_report){ .file = r->file };
}

/* -- values */

void replace(char **to, const char *text)
{
	free(*to);
	*to = xstrdup(text);
}

bool parse_number(const char *text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*value = strtoull(text, &end, text[0] == '0' && (text[1] | 32) == 'x' ? 16 : 10);
	return !*end && !errno;
}

bool set_unsigned(unsigned int *to, struct config_report *r, int line, const char *what,
		  uint64_t value, unsigned int min, unsigned int max)
{
	if (value < min || value > max)
		return config_fail(r, line, CONFIG_VALUE, "%s is %llu; it may be %u to %u", what,
				   (unsigned long long)value, min, max);
	*to = (unsigned int)value;
	return true;
}

bool set_name(struct domain_config *c, struct config_report *r, int line, const char *text)
{
	size_t len = strlen(text);

	if (!len || len > NAME_MAX_BYTES)
		return config_fail(r, line, CONFIG_VALUE,
				   "the name has %zu characters; give it 1 to %d", len,
				   NAME_MAX_BYTES);
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.+:", text[i]))
			return config_fail(
				r, line, CONFIG_VALUE,
				"the name '%s' has a '%c'; letters, digits and - _ . + : are"
				" fit for a name",
				text, text[i]);
	}
	if (strspn(text, "0123456789") == len)
		return config_fail(r, line, CONFIG_VALUE,
				   "the name '%s' is a number, which commands would take for a"
				   " domain's; begin it with a letter",
				   text);
	replace(&c->name, text);
	return true;
}

bool config_name_is_good(struct config_report *r, const char *name)
{
	struct domain_config c = { 0 };
	bool good = set_name(&c, r, 0, name);

	free(c.name);
	return good;
}

bool set_uuid(struct domain_config *c, struct config_report *r, int line, const char *text)
{
	char dashed[37], *to = dashed;

	/* Both forms are in use: with dashes and without. */
	if (strlen(text) == 32) {
		for (int i = 0; i < 32; i++) {
			if (i == 8 || i == 12 || i == 16 || i == 20)
				*to++ = '-';
			*to++ = text[i];
		}
		*to = '\0';
		text = dashed;
	}
	if (uuid_parse(text, c->uuid))
		return config_fail(r, line, CONFIG_VALUE,
				   "'%s' is no UUID; uuidgen makes one, or leave it out", text);
	c->has_uuid = true;
	return true;
}

bool set_action(enum config_action *action, struct config_report *r, int line, const char *what,
		const char *text)
{
	for (unsigned int i = 0; i < ACTIONS; i++) {
		if (!strcmp(text, action_names[i])) {
			*action = (enum config_action)i;
			return true;
		}
	}
	return config_fail(r, line, CONFIG_VALUE,
			   "%s can't be '%s'; there are destroy, restart, rename-restart, preserve,"
			   " coredump-destroy and coredump-restart",
			   what, text);
}

bool set_pin(struct config_pin *pin, struct config_report *r, int line, const char *what,
	     const char *text)
{
	if (strlen(text) != 2 * SHA256_BYTES ||
	    strspn(text, "0123456789abcdefABCDEF") != 2 * SHA256_BYTES)
		return config_fail(r, line, CONFIG_VALUE,
				   "%s is not 64 hexadecimal digits; sha256sum prints them", what);
	for (int i = 0; i < SHA256_BYTES; i++) {
		char two[3] = { text[2 * i], text[2 * i + 1] };

		pin->sha256[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	pin->set = true;
	pin->line = line;
	return true;
}

/* "0-3,^2", "all" */
bool config_parse_cpus(const char *text, uint8_t *map, unsigned int bytes)
{
	if (!strcmp(text, "all")) {
		memset(map, 0xff, bytes);
		return true;
	}
	memset(map, 0, bytes);
	for (;;) {
		bool not = *text == '^';
		unsigned long first, last;
		char *end;

		text += not ;
		if (!isdigit((unsigned char)*text))
			return false;
		first = last = strtoul(text, &end, 10);
		if (*end == '-') {
			if (!isdigit((unsigned char)end[1]))
				return false;
			last = strtoul(end + 1, &end, 10);
		}
		for (unsigned long i = first; i <= last && i < bytes * 8; i++)
			map[i / 8] = not ? (uint8_t)(map[i / 8] & ~(1 << i % 8)) :
					   (uint8_t)(map[i / 8] | 1 << i % 8);
		if (!*end)
			return true;
		if (*end != ',')
			return false;
		text = end + 1;
	}
}

bool set_cpus(struct domain_config *c, struct config_report *r, int line, const char *text)
{
	uint8_t map[1];

	if (!config_parse_cpus(text, map, sizeof(map)))
		return config_fail(r, line, CONFIG_VALUE,
				   "'%s' is no list of processors; write it as 0-3,5,^2 or all",
				   text);
	replace(&c->cpus, text);
	return true;
}

bool set_mac(struct config_nic *nic, struct config_report *r, int line, const char *text)
{
	unsigned int m[6];
	char rest;

	if (strlen(text) != 17 || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &m[0], &m[1], &m[2],
					 &m[3], &m[4], &m[5], &rest) != 6)
		return config_fail(r, line, CONFIG_VALUE,
				   "'%s' is no network address; write it as 00:16:3e:12:34:56",
				   text);
	if (m[0] & 1)
		return config_fail(r, line, CONFIG_VALUE,
				   "%s is a multicast address; the first byte of a card's is even",
				   text);
	for (int i = 0; i < 6; i++)
		nic->mac[i] = (uint8_t)m[i];
	nic->has_mac = true;
	return true;
}

bool set_vdev(struct config_disk *disk, struct config_report *r, int line, const char *text)
{
	size_t base = !strncmp(text, "xvd", 3)                           ? 3 :
		      !strncmp(text, "sd", 2) || !strncmp(text, "hd", 2) ? 2 :
									   0;
	size_t letters = base ? strspn(text + base, "abcdefghijklmnopqrstuvwxyz") : 0;
	size_t digits = strspn(text + base + letters, "0123456789");

	if (!letters || letters > 2 || digits > 2 || text[base + letters + digits])
		return config_fail(r, line, CONFIG_VALUE,
				   "'%s' is no name for a disk in the guest; xvda is", text);
	replace(&disk->vdev, text);
	return true;
}

struct config_disk *add_disk(struct domain_config *c, int line)
{
	c->disks = xrealloc(c->disks, (c->n_disks + 1) * sizeof(*c->disks));
	c->disks[c->n_disks] = (struct config_disk){ .line = line };
	return &c->disks[c->n_disks++];
}

struct config_nic *add_nic(struct domain_config *c, int line)
{
	c->nics = xrealloc(c->nics, (c->n_nics + 1) * sizeof(*c->nics));
	c->nics[c->n_nics] = (struct config_nic){ .line = line };
	return &c->nics[c->n_nics++];
}

void config_free(struct domain_config *c)
{
	for (unsigned int i = 0; i < c->n_disks; i++) {
		free(c->disks[i].path);
		free(c->disks[i].vdev);
	}
	for (unsigned int i = 0; i < c->n_nics; i++) {
		free(c->nics[i].bridge);
		free(c->nics[i].script);
		free(c->nics[i].ip);
		free(c->nics[i].ifname);
	}
	free(c->disks);
	free(c->nics);
	free(c->name);
	free(c->cpus);
	free(c->kernel);
	free(c->ramdisk);
	free(c->cmdline);
	*c = (struct domain_config){ 0 };
}

/* -- the whole */

static bool check_devices(const struct domain_config *c, struct config_report *r)
{
	for (unsigned int i = 0; i < c->n_disks; i++) {
		for (unsigned int j = 0; j < i; j++) {
			if (!strcmp(c->disks[i].vdev, c->disks[j].vdev))
				return config_fail(r, c->disks[i].line, CONFIG_CONFLICT,
						   "two disks are %s; give each another name",
						   c->disks[i].vdev);
		}
	}
	for (unsigned int i = 0; i < c->n_nics; i++) {
		for (unsigned int j = 0; j < i; j++) {
			if (c->nics[i].has_mac && c->nics[j].has_mac &&
			    !memcmp(c->nics[i].mac, c->nics[j].mac, 6))
				return config_fail(
					r, c->nics[i].line, CONFIG_CONFLICT,
					"two network cards have one address; leave it out"
					" to have one made");
		}
	}
	return true;
}

/* Fills in what was left out, and refuses what can't be together. */
static bool complete(struct domain_config *c, struct config_report *r)
{
	if (!c->name)
		return config_fail(r, 0, CONFIG_MISSING, "there is no name; give the domain one");
	if (!c->kernel)
		return config_fail(r, 0, CONFIG_MISSING,
				   "there is no kernel; name the guest's, as /boot/vmlinuz of its"
				   " distribution");
	if (!c->memory_kib)
		c->memory_kib = c->max_memory_kib;
	if (!c->max_memory_kib)
		c->max_memory_kib = c->memory_kib;
	if (!c->memory_kib)
		return config_fail(r, 0, CONFIG_MISSING, "there is no memory; say how much");
	if (c->memory_kib < MEMORY_MIN_KIB || c->max_memory_kib > MEMORY_MAX_KIB)
		return config_fail(r, 0, CONFIG_VALUE,
				   "%llu KiB of memory can't be; a guest has 4 MiB to 1 TiB",
				   (unsigned long long)(c->memory_kib < MEMORY_MIN_KIB ?
								c->memory_kib :
								c->max_memory_kib));
	if (c->memory_kib > c->max_memory_kib)
		return config_fail(
			r, 0, CONFIG_CONFLICT,
			"memory (%llu KiB) is more than its maximum (%llu KiB); raise that",
			(unsigned long long)c->memory_kib, (unsigned long long)c->max_memory_kib);
	if (!c->vcpus)
		c->vcpus = c->max_vcpus ? c->max_vcpus : 1;
	if (!c->max_vcpus)
		c->max_vcpus = c->vcpus;
	if (c->vcpus > c->max_vcpus)
		return config_fail(r, 0, CONFIG_CONFLICT,
				   "%u processors are more than their maximum of %u; raise that",
				   c->vcpus, c->max_vcpus);
	if (c->ramdisk_pin.set && !c->ramdisk)
		return config_fail(
			r, c->ramdisk_pin.line, CONFIG_CONFLICT,
			"a ramdisk is pinned, but there is none; name it or drop the pin");
	return check_devices(c, r);
}

/* The bytes of the character there, and which; 0: this is no UTF-8. */
static size_t character(const unsigned char *p, size_t left, unsigned int *ch)
{
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 :
		   *p < 0xc0 ? 0 :
		   *p < 0xe0 ? 2 :
		   *p < 0xf0 ? 3 :
		   *p < 0xf5 ? 4 :
			       0;

	if (!n || n > left)
		return 0;
	*ch = n == 1 ? *p : *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*ch = *ch << 6 | (p[i] & 0x3f);
	}
	return *ch >= least[n] ? n : 0;
}

static bool is_xml(unsigned int ch)
{
	return ch >= 0x20 ? ch < 0xd800 || (ch >= 0xe000 && ch < 0xfffe) ||
				    (ch >= 0x10000 && ch < 0x110000) :
			    ch == '\t' || ch == '\n' || ch == '\r';
}

/* Where a text is not UTF-8, or has what XML can't have; or len. */
static size_t foreign_byte(const char *text, size_t len)
{
	size_t at = 0, n;
	unsigned int ch;

	for (; at < len; at += n) {
		n = character((const unsigned char *)text + at, len - at, &ch);
		if (!n || !is_xml(ch))
			break;
	}
	return at;
}

bool config_parse(struct domain_config *c, struct config_report *r, const char *text, size_t len,
		  const char *overrides)
{
	const char *p = text + strspn(text, " \t\r\n\xef\xbb\xbf");
	size_t foreign = foreign_byte(text, len);

	c->on_poweroff = ACTION_DESTROY;
	c->on_reboot = ACTION_RESTART;
	c->on_crash = ACTION_DESTROY;
	if (foreign < len)
		return config_fail(r, 0, CONFIG_SYNTAX,
				   "byte %zu is not UTF-8 text; write the file in that", foreign);
	if (*p == '<' && overrides)
		return config_fail(r, 0, CONFIG_UNSUPPORTED,
				   "only an xl.cfg's keys can be given otherwise; change the file");
	if (!(*p == '<' ? xml_parse(c, r, text, len) : xl_parse(c, r, text, overrides)))
		return false;
	return complete(c, r);
}

bool config_read(struct domain_config *c, struct config_report *r, const char *file)
{
	return config_read_with(c, r, file, NULL);
}

bool config_read_with(struct domain_config *c, struct config_report *r, const char *file,
		      const char *overrides)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	char *text;
	ssize_t n = 0, at = 0;
	bool good;

	r->file = file;
	if (fd < 0 || fstat(fd, &st)) {
		config_fail(r, 0, CONFIG_FILE, "%s; name a file that can be read", strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	text = xmalloc(FILE_MAX + 1);
	while (S_ISREG(st.st_mode) && at < FILE_MAX &&
	       (n = read(fd, text + at, (size_t)(FILE_MAX - at))) > 0)
		at += n;
	text[at] = '\0';
	close(fd);
	if (!S_ISREG(st.st_mode))
		good = config_fail(r, 0, CONFIG_FILE, "this is no regular file; name one");
	else if (n < 0)
		good = config_fail(r, 0, CONFIG_FILE, "%s", strerror(errno));
	else if (at == FILE_MAX)
		good = config_fail(r, 0, CONFIG_FILE,
				   "it has more than 1 MiB; a configuration is shorter");
	else
		good = config_parse(c, r, text, (size_t)at, overrides);
	free(text);
	return good;
}

void config_print_tables(FILE *out)
{
	fprintf(out, "### xl.cfg\n\n");
	xl_print_table(out);
	fprintf(out, "\n### libvirt's domain XML\n\n");
	xml_print_table(out);
}
