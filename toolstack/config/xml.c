/* SPDX-License-Identifier: MIT */
/* Reads libvirt's domain XML: a table says what becomes of each element and attribute. */

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"
#include "internal.h"

#define OURS "urn:pavise:domain:1"

struct reader {
	struct domain_config *c;
	struct config_report *r;
	uint64_t unit; /* bytes, of the amount of memory being read */
	struct config_disk *disk;
	struct config_nic *nic;
	bool xenbus; /* the controller being read */
	bool skip;   /* what is below the element */
};

typedef bool (*handler)(struct reader *x, int line, const char *text);

static bool bad(struct reader *x, int line, const char *what, const char *is, const char *may)
{
	return config_fail(x->r, line, CONFIG_VALUE, "%s can't be '%s'; %s", what, is, may);
}

static bool number(struct reader *x, int line, const char *what, const char *text, uint64_t *value)
{
	if (parse_number(text, value))
		return true;
	return bad(x, line, what, text, "write a number");
}

static bool domain_type(struct reader *x, int line, const char *text)
{
	return !strcmp(text, "xen") ||
	       config_fail(x->r, line, CONFIG_UNSUPPORTED,
			   "a domain of type '%s' is for another hypervisor;"
			   " type='xen' is for this one",
			   text);
}

static bool name(struct reader *x, int line, const char *text)
{
	return set_name(x->c, x->r, line, text);
}

static bool uuid(struct reader *x, int line, const char *text)
{
	return set_uuid(x->c, x->r, line, text);
}

static bool unit(struct reader *x, int line, const char *text)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = {
		{ "b", 1 },          { "bytes", 1 },        { "KB", 1000 },
		{ "k", 1ull << 10 }, { "KiB", 1ull << 10 }, { "MB", 1000000 },
		{ "M", 1ull << 20 }, { "MiB", 1ull << 20 }, { "GB", 1000000000 },
		{ "G", 1ull << 30 }, { "GiB", 1ull << 30 }, { "TB", 1000000000000 },
		{ "T", 1ull << 40 }, { "TiB", 1ull << 40 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(units); i++) {
		if (!strcmp(units[i].name, text)) {
			x->unit = units[i].bytes;
			return true;
		}
	}
	return bad(x, line, "a unit of memory", text, "there are KiB, MiB, GiB");
}

static bool begin_memory(struct reader *x, int line, const char *text)
{
	(void)line, (void)text;
	x->unit = 1024;
	return true;
}

static bool amount(struct reader *x, int line, const char *text, uint64_t *kib)
{
	uint64_t n;

	if (!number(x, line, "an amount of memory", text, &n))
		return false;
	if (n > MEMORY_MAX_KIB * 1024 / x->unit)
		return config_fail(x->r, line, CONFIG_VALUE,
				   "%s is too much memory; a guest has 4 MiB to 1 TiB", text);
	*kib = (n * x->unit + 1023) / 1024;
	return true;
}

static bool memory(struct reader *x, int line, const char *text)
{
	return amount(x, line, text, &x->c->max_memory_kib);
}

static bool current_memory(struct reader *x, int line, const char *text)
{
	return amount(x, line, text, &x->c->memory_kib);
}

static bool vcpus(struct reader *x, int line, const char *text)
{
	uint64_t n;

	return number(x, line, "vcpu", text, &n) &&
	       set_unsigned(&x->c->max_vcpus, x->r, line, "vcpu", n, 1, VCPUS_MAX);
}

static bool vcpus_current(struct reader *x, int line, const char *text)
{
	uint64_t n;

	return number(x, line, "vcpu's current", text, &n) &&
	       set_unsigned(&x->c->vcpus, x->r, line, "vcpu's current", n, 1, VCPUS_MAX);
}

static bool cpuset(struct reader *x, int line, const char *text)
{
	return set_cpus(x->c, x->r, line, text);
}

static bool shares(struct reader *x, int line, const char *text)
{
	uint64_t n;

	return number(x, line, "shares", text, &n) &&
	       set_unsigned(&x->c->weight, x->r, line, "shares", n, 1, 65535);
}

static bool arch(struct reader *x, int line, const char *text)
{
	return !strcmp(text, "x86_64") ||
	       config_fail(x->r, line, CONFIG_UNSUPPORTED,
			   "guests of '%s' can't run here; arch is x86_64", text);
}

static bool machine(struct reader *x, int line, const char *text)
{
	return !strcmp(text, "xenpv") ||
	       config_fail(x->r, line, CONFIG_UNSUPPORTED,
			   "machine '%s' needs what is not there yet; machine='xenpv' is", text);
}

static bool os_type(struct reader *x, int line, const char *text)
{
	return !strcmp(text, "linux") || !strcmp(text, "xen") ||
	       config_fail(x->r, line, CONFIG_UNSUPPORTED,
			   "guests of type '%s' need hardware assistance, which is not there yet;"
			   " use linux",
			   text);
}

static bool kernel(struct reader *x, int line, const char *text)
{
	replace(&x->c->kernel, text);
	x->c->kernel_line = line;
	return true;
}

static bool initrd(struct reader *x, int line, const char *text)
{
	replace(&x->c->ramdisk, text);
	x->c->ramdisk_line = line;
	return true;
}

static bool cmdline(struct reader *x, int line, const char *text)
{
	(void)line;
	replace(&x->c->cmdline, text);
	return true;
}

static bool on_poweroff(struct reader *x, int line, const char *text)
{
	return set_action(&x->c->on_poweroff, x->r, line, "on_poweroff", text);
}

static bool on_reboot(struct reader *x, int line, const char *text)
{
	return set_action(&x->c->on_reboot, x->r, line, "on_reboot", text);
}

static bool on_crash(struct reader *x, int line, const char *text)
{
	return set_action(&x->c->on_crash, x->r, line, "on_crash", text);
}

/* -- devices */

static bool begin_disk(struct reader *x, int line, const char *text)
{
	(void)text;
	x->disk = add_disk(x->c, line);
	return true;
}

static bool disk_type(struct reader *x, int line, const char *text)
{
	x->disk->block = !strcmp(text, "block");
	return x->disk->block || !strcmp(text, "file") ||
	       config_fail(x->r, line, CONFIG_UNSUPPORTED,
			   "disks of type '%s' are not there; there are file and block", text);
}

static bool disk_device(struct reader *x, int line, const char *text)
{
	x->disk->readonly |= !strcmp(text, "cdrom");
	return !strcmp(text, "disk") || !strcmp(text, "cdrom") ||
	       config_fail(x->r, line, CONFIG_UNSUPPORTED,
			   "a disk as '%s' is not there; there are disk and cdrom", text);
}

static bool disk_format(struct reader *x, int line, const char *text)
{
	for (unsigned int i = 0; i < FORMATS; i++) {
		if (!strcmp(text, format_names[i])) {
			x->disk->format = (enum disk_format)i;
			return true;
		}
	}
	return bad(x, line, "a disk's format", text, "there are raw and qcow2");
}

static bool disk_source(struct reader *x, int line, const char *text)
{
	(void)line;
	replace(&x->disk->path, text);
	return true;
}

static bool disk_target(struct reader *x, int line, const char *text)
{
	return set_vdev(x->disk, x->r, line, text);
}

static bool disk_bus(struct reader *x, int line, const char *text)
{
	return !strcmp(text, "xen") ||
	       config_fail(x->r, line, CONFIG_UNSUPPORTED,
			   "a PV guest has no bus '%s'; leave it out, or use xen", text);
}

static bool readonly(struct reader *x, int line, const char *text)
{
	(void)line, (void)text;
	x->disk->readonly = true;
	return true;
}

static bool end_disk(struct reader *x, int line)
{
	if (!x->disk->path || !*x->disk->path)
		return config_fail(x->r, line, CONFIG_MISSING,
				   "a disk has no source; name its file or device");
	if (!x->disk->vdev)
		return config_fail(x->r, line, CONFIG_MISSING,
				   "a disk has no target; give it a name in the guest, as xvda");
	return true;
}

static bool begin_nic(struct reader *x, int line, const char *text)
{
	(void)text;
	x->nic = add_nic(x->c, line);
	return true;
}

static bool nic_type(struct reader *x, int line, const char *text)
{
	return !strcmp(text, "bridge") || !strcmp(text, "ethernet") ||
	       config_fail(x->r, line, CONFIG_UNSUPPORTED,
			   "interfaces of type '%s' are not there; there are bridge and ethernet",
			   text);
}

static bool mac(struct reader *x, int line, const char *text)
{
	return set_mac(x->nic, x->r, line, text);
}

static bool bridge(struct reader *x, int line, const char *text)
{
	(void)line;
	replace(&x->nic->bridge, text);
	return true;
}

static bool script(struct reader *x, int line, const char *text)
{
	(void)line;
	replace(&x->nic->script, text);
	return true;
}

static bool ip(struct reader *x, int line, const char *text)
{
	(void)line;
	replace(&x->nic->ip, text);
	return true;
}

static bool ifname(struct reader *x, int line, const char *text)
{
	(void)line;
	replace(&x->nic->ifname, text);
	return true;
}

static bool controller_type(struct reader *x, int line, const char *text)
{
	x->xenbus = !strcmp(text, "xenbus");
	if (!x->xenbus)
		config_warn(x->r, line, "a controller of type '%s' is ignored: a PV guest has none",
			    text);
	return true;
}

static bool grant_frames(struct reader *x, int line, const char *text)
{
	uint64_t n;

	return number(x, line, "maxGrantFrames", text, &n) &&
	       set_unsigned(&x->c->max_grant_frames, x->r, line, "maxGrantFrames", n, 1, 65536);
}

static bool event_channels(struct reader *x, int line, const char *text)
{
	uint64_t n;

	return number(x, line, "maxEventChannels", text, &n) &&
	       set_unsigned(&x->c->max_event_channels, x->r, line, "maxEventChannels", n, 16,
			    131071);
}

static bool kernel_pin(struct reader *x, int line, const char *text)
{
	return set_pin(&x->c->kernel_pin, x->r, line, "kernel-sha256", text);
}

static bool ramdisk_pin(struct reader *x, int line, const char *text)
{
	return set_pin(&x->c->ramdisk_pin, x->r, line, "ramdisk-sha256", text);
}

static bool cap(struct reader *x, int line, const char *text)
{
	uint64_t n;

	return number(x, line, "cap", text, &n) &&
	       set_unsigned(&x->c->cap, x->r, line, "cap", n, 0, 100 * VCPUS_MAX);
}

#define DEVICES "/domain/devices"
#define PASSED "devices are not passed through yet; take it out"
#define DISPLAY "there is no display"

/* begin: before the attributes; set: with the text, after them. */
static const struct element {
	const char *path;
	enum treatment treatment;
	handler set, begin;
	const char *why;
} elements[] = {
	{ "/domain", HONOURED, NULL, NULL, "" },
	{ "/domain/@type", HONOURED, domain_type, NULL, "`xen`" },
	{ "/domain/name", HONOURED, name, NULL, "letters, digits and `-_.+:`" },
	{ "/domain/uuid", HONOURED, uuid, NULL, "made if left out" },
	{ "/domain/memory", HONOURED, memory, begin_memory, "at most" },
	{ "/domain/memory/@unit", HONOURED, unit, NULL, "KiB if left out" },
	{ "/domain/currentMemory", HONOURED, current_memory, begin_memory, "at the start" },
	{ "/domain/currentMemory/@unit", HONOURED, unit, NULL, "KiB if left out" },
	{ "/domain/vcpu", HONOURED, vcpus, NULL, "at most" },
	{ "/domain/vcpu/@current", HONOURED, vcpus_current, NULL, "at the start" },
	{ "/domain/vcpu/@cpuset", HONOURED, cpuset, NULL, "where they run" },
	{ "/domain/vcpu/@placement", IGNORED, NULL, NULL, "it is always static" },
	{ "/domain/cputune", HONOURED, NULL, NULL, "" },
	{ "/domain/cputune/shares", HONOURED, shares, NULL, "as xl's cpu_weight" },
	{ "/domain/cputune/vcpupin", IGNORED, NULL, NULL,
	  "processors are pinned together, by cpuset" },
	{ "/domain/os", HONOURED, NULL, NULL, "" },
	{ "/domain/os/type", HONOURED, os_type, NULL, "`linux`, `xen`" },
	{ "/domain/os/type/@arch", HONOURED, arch, NULL, "`x86_64`" },
	{ "/domain/os/type/@machine", HONOURED, machine, NULL, "`xenpv`" },
	{ "/domain/os/kernel", HONOURED, kernel, NULL, "ELF or bzImage, as distributions ship it" },
	{ "/domain/os/initrd", HONOURED, initrd, NULL, "" },
	{ "/domain/os/cmdline", HONOURED, cmdline, NULL, "" },
	{ "/domain/os/boot", IGNORED, NULL, NULL, "the kernel is named" },
	{ "/domain/os/bootmenu", IGNORED, NULL, NULL, "the kernel is named" },
	{ "/domain/os/loader", REFUSED, NULL, NULL, "a PV guest has no firmware; take it out" },
	{ "/domain/bootloader", REFUSED, NULL, NULL,
	  "a guest's file system is not read in the privileged domain; set kernel and initrd" },
	{ "/domain/bootloader_args", REFUSED, NULL, NULL,
	  "there is no bootloader; set kernel and initrd" },
	{ "/domain/on_poweroff", HONOURED, on_poweroff, NULL, "default `destroy`" },
	{ "/domain/on_reboot", HONOURED, on_reboot, NULL, "default `restart`" },
	{ "/domain/on_crash", HONOURED, on_crash, NULL, "default `destroy`" },
	{ "/domain/title", IGNORED, NULL, NULL, "" },
	{ "/domain/description", IGNORED, NULL, NULL, "" },
	{ "/domain/resource", IGNORED, NULL, NULL, "" },
	{ "/domain/features", IGNORED, NULL, NULL, "a PV guest has none of them" },
	{ "/domain/clock", IGNORED, NULL, NULL, "the clock is UTC" },
	{ "/domain/pm", IGNORED, NULL, NULL, "" },
	{ "/domain/seclabel", IGNORED, NULL, NULL, "there is no security server" },
	{ "/domain/cpu", REFUSED, NULL, NULL, "the processor can't be masked yet; take it out" },
	{ "/domain/memoryBacking", REFUSED, NULL, NULL, "memory is of one kind; take it out" },
	{ "/domain/numatune", REFUSED, NULL, NULL, "there is no NUMA for guests; take it out" },
	{ "/domain/metadata", HONOURED, NULL, NULL, "others' is passed over" },
	{ "/domain/metadata/pavise", HONOURED, NULL, NULL, "namespace `" OURS "`" },
	{ "/domain/metadata/pavise/@kernel-sha256", HONOURED, kernel_pin, NULL,
	  "another is refused" },
	{ "/domain/metadata/pavise/@ramdisk-sha256", HONOURED, ramdisk_pin, NULL,
	  "another is refused" },
	{ "/domain/metadata/pavise/@cap", HONOURED, cap, NULL, "as xl's cap" },
	{ DEVICES, HONOURED, NULL, NULL, "" },
	{ DEVICES "/emulator", IGNORED, NULL, NULL, "a PV guest has no device model" },
	{ DEVICES "/disk", HONOURED, NULL, begin_disk, "" },
	{ DEVICES "/disk/@type", HONOURED, disk_type, NULL, "`file`, `block`" },
	{ DEVICES "/disk/@device", HONOURED, disk_device, NULL, "`disk`, `cdrom`" },
	{ DEVICES "/disk/driver", HONOURED, NULL, NULL, "" },
	{ DEVICES "/disk/driver/@type", HONOURED, disk_format, NULL, "`raw`, `qcow2`" },
	{ DEVICES "/disk/source", HONOURED, NULL, NULL, "" },
	{ DEVICES "/disk/source/@file", HONOURED, disk_source, NULL, "" },
	{ DEVICES "/disk/source/@dev", HONOURED, disk_source, NULL, "" },
	{ DEVICES "/disk/target", HONOURED, NULL, NULL, "" },
	{ DEVICES "/disk/target/@dev", HONOURED, disk_target, NULL, "`xvda`" },
	{ DEVICES "/disk/target/@bus", HONOURED, disk_bus, NULL, "`xen`" },
	{ DEVICES "/disk/readonly", HONOURED, readonly, NULL, "" },
	{ DEVICES "/disk/shareable", IGNORED, NULL, NULL, "" },
	{ DEVICES "/disk/boot", IGNORED, NULL, NULL, "the kernel is named" },
	{ DEVICES "/disk/alias", IGNORED, NULL, NULL, "" },
	{ DEVICES "/disk/address", IGNORED, NULL, NULL, "" },
	{ DEVICES "/disk/backingStore", IGNORED, NULL, NULL, "the image says it" },
	{ DEVICES "/disk/encryption", REFUSED, NULL, NULL, "disks are not decrypted; take it out" },
	{ DEVICES "/interface", HONOURED, NULL, begin_nic, "" },
	{ DEVICES "/interface/@type", HONOURED, nic_type, NULL, "`bridge`, `ethernet`" },
	{ DEVICES "/interface/mac", HONOURED, NULL, NULL, "" },
	{ DEVICES "/interface/mac/@address", HONOURED, mac, NULL, "made if left out" },
	{ DEVICES "/interface/source", HONOURED, NULL, NULL, "" },
	{ DEVICES "/interface/source/@bridge", HONOURED, bridge, NULL, "" },
	{ DEVICES "/interface/script", HONOURED, NULL, NULL, "" },
	{ DEVICES "/interface/script/@path", HONOURED, script, NULL, "" },
	{ DEVICES "/interface/ip", HONOURED, NULL, NULL, "" },
	{ DEVICES "/interface/ip/@address", HONOURED, ip, NULL, "" },
	{ DEVICES "/interface/target", HONOURED, NULL, NULL, "" },
	{ DEVICES "/interface/target/@dev", HONOURED, ifname, NULL, "" },
	{ DEVICES "/interface/model", IGNORED, NULL, NULL, "a PV guest has one model" },
	{ DEVICES "/interface/alias", IGNORED, NULL, NULL, "" },
	{ DEVICES "/interface/address", IGNORED, NULL, NULL, "" },
	{ DEVICES "/interface/bandwidth", REFUSED, NULL, NULL,
	  "a card's rate is not limited yet; take it out" },
	{ DEVICES "/controller", HONOURED, NULL, NULL, "" },
	{ DEVICES "/controller/@type", HONOURED, controller_type, NULL, "`xenbus`" },
	{ DEVICES "/controller/@index", HONOURED, NULL, NULL, "" },
	{ DEVICES "/controller/@maxGrantFrames", HONOURED, grant_frames, NULL, "" },
	{ DEVICES "/controller/@maxEventChannels", HONOURED, event_channels, NULL, "" },
	{ DEVICES "/console", IGNORED, NULL, NULL, "the console is always there" },
	{ DEVICES "/serial", IGNORED, NULL, NULL, "the console is always there" },
	{ DEVICES "/input", IGNORED, NULL, NULL, DISPLAY },
	{ DEVICES "/graphics", IGNORED, NULL, NULL, DISPLAY },
	{ DEVICES "/video", IGNORED, NULL, NULL, DISPLAY },
	{ DEVICES "/sound", IGNORED, NULL, NULL, "there is no sound" },
	{ DEVICES "/audio", IGNORED, NULL, NULL, "there is no sound" },
	{ DEVICES "/memballoon", IGNORED, NULL, NULL, "the balloon is always there" },
	{ DEVICES "/hostdev", REFUSED, NULL, NULL, PASSED },
	{ DEVICES "/redirdev", REFUSED, NULL, NULL, PASSED },
	{ DEVICES "/filesystem", REFUSED, NULL, NULL,
	  "there is no shared file system; take it out" },
	{ DEVICES "/tpm", REFUSED, NULL, NULL, "there is no virtual TPM; take it out" },
	{ DEVICES "/channel", REFUSED, NULL, NULL, "there are no channels; take it out" },
	{ DEVICES "/watchdog", REFUSED, NULL, NULL, "there is no watchdog; take it out" },
};

static const struct element *find(const char *path)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(elements); i++) {
		if (!strcmp(elements[i].path, path))
			return &elements[i];
	}
	return NULL;
}

/* A node's text without the blanks around it. */
static char *text_of(xmlNode *n)
{
	xmlChar *content = xmlNodeGetContent(n);
	const char *from = content ? (const char *)content : "";
	size_t len;
	char *text;

	from += strspn(from, " \t\r\n");
	len = strlen(from);
	while (len && strchr(" \t\r\n", from[len - 1]))
		len--;
	text = xzalloc(len + 1);
	memcpy(text, from, len);
	xmlFree(content);
	return text;
}

static bool visit(struct reader *x, xmlNode *n, const char *above, int depth);

static bool attributes(struct reader *x, xmlNode *n, const char *path, int line)
{
	bool good = true;

	for (xmlAttr *a = n->properties; good && a; a = a->next) {
		char *at = xasprintf("%s/@%s", path, (const char *)a->name);
		const struct element *e = find(at);
		char *text = text_of((xmlNode *)a);

		if (!e || e->treatment == IGNORED)
			config_warn(x->r, line, "%s is ignored%s%s", at, e && *e->why ? ": " : "",
				    e ? e->why : "");
		else if (e->treatment == REFUSED)
			good = config_fail(x->r, line, CONFIG_UNSUPPORTED, "%s: %s", at, e->why);
		else if (e->set)
			good = e->set(x, line, text);
		free(text);
		free(at);
	}
	return good;
}

static bool honour(struct reader *x, xmlNode *n, const struct element *e, int depth)
{
	int line = (int)xmlGetLineNo(n);
	bool good = !e->begin || e->begin(x, line, "");
	char *text;

	good = good && attributes(x, n, e->path, line);
	if (good && e->set) {
		for (xmlNode *child = n->children; child; child = child->next) {
			if (child->type == XML_ELEMENT_NODE)
				return config_fail(x->r, line, CONFIG_VALUE,
						   "%s has elements in it; it has to be a text",
						   e->path);
		}
		text = text_of(n);
		good = e->set(x, line, text);
		free(text);
		return good;
	}
	for (xmlNode *child = n->children; good && child; child = child->next) {
		if (child->type == XML_ELEMENT_NODE)
			good = visit(x, child, e->path, depth + 1);
		else if (child->type == XML_TEXT_NODE && !xmlIsBlankNode(child))
			good = config_fail(x->r, line, CONFIG_SYNTAX,
					   "there is text in %s; only elements belong there",
					   e->path);
	}
	return good && (e->begin != begin_disk || end_disk(x, line));
}

static bool visit(struct reader *x, xmlNode *n, const char *above, int depth)
{
	int line = (int)xmlGetLineNo(n);
	bool ours = n->ns && !strcmp((const char *)n->ns->href, OURS);
	const struct element *e;
	bool good = true;
	char *path;

	/* Of other namespaces we know nothing, and needn't. */
	if ((n->ns && !ours) || (!strcmp(above, "/domain/metadata") && !ours))
		return true;
	if (depth > 8)
		return config_fail(x->r, line, CONFIG_SYNTAX, "elements are nested too deep");
	path = xasprintf("%s/%s", above, (const char *)n->name);
	e = find(path);
	if (!e)
		good = config_fail(x->r, line, CONFIG_UNKNOWN,
				   "there is no element %s; docs/config.md lists them", path);
	else if (e->treatment == REFUSED)
		good = config_fail(x->r, line, CONFIG_UNSUPPORTED, "%s: %s", path, e->why);
	else if (e->treatment == IGNORED)
		config_warn(x->r, line, "%s is ignored%s%s", path, *e->why ? ": " : "", e->why);
	else
		good = honour(x, n, e, depth);
	free(path);
	return good;
}

/* The first error is the one that says where; those behind it follow from it. */
static void first_error(void *arg, xmlErrorPtr e)
{
	xmlParserCtxt *ctxt = arg;
	struct config_report *r = ctxt->_private;
	const char *said = e->message ? e->message : "unknown";

	if (e->level >= XML_ERR_ERROR)
		config_fail(r, e->line, CONFIG_SYNTAX,
			    "this is no well-formed XML: %.*s; xmllint --noout shows where",
			    (int)strcspn(said, "\n"), said);
}

bool xml_parse(struct domain_config *c, struct config_report *r, const char *text, size_t len)
{
	struct reader x = { .c = c, .r = r };
	xmlParserCtxt *ctxt = xmlNewParserCtxt();
	xmlNode *root;
	xmlDoc *doc;
	bool good;

	if (!ctxt)
		die("out of memory");
	ctxt->_private = r;
	ctxt->sax->serror = first_error;
	/* No network, no entities, no document types: this is a file of values. */
	doc = xmlCtxtReadMemory(ctxt, text, (int)len, NULL, NULL,
				XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
					XML_PARSE_BIG_LINES | XML_PARSE_NOCDATA);
	root = doc ? xmlDocGetRootElement(doc) : NULL;
	if (!doc || !root || r->error) {
		good = config_fail(r, 0, CONFIG_SYNTAX, "this is no well-formed XML; see xmllint");
	} else if (doc->intSubset) {
		good = config_fail(r, 0, CONFIG_SYNTAX,
				   "it has a document type declaration; take it out");
	} else if (strcmp((const char *)root->name, "domain")) {
		good = config_fail(r, (int)xmlGetLineNo(root), CONFIG_UNKNOWN,
				   "this describes a '%s'; a domain's file begins with <domain>",
				   (const char *)root->name);
	} else {
		good = visit(&x, root, "", 0);
	}
	xmlFreeDoc(doc);
	xmlFreeParserCtxt(ctxt);
	return good;
}

void xml_print_table(FILE *out)
{
	for (enum treatment t = HONOURED; t <= REFUSED; t++) {
		fprintf(out, "%s| element or attribute, %s | |\n|---|---|\n", t ? "\n" : "",
			treatment_names[t]);
		for (unsigned int i = 0; i < ARRAY_SIZE(elements); i++) {
			/* Those that only hold others say nothing. */
			if (elements[i].treatment == t &&
			    (t != HONOURED || elements[i].set || *elements[i].why))
				fprintf(out, "| `%s` | %s |\n", elements[i].path, elements[i].why);
		}
	}
}
