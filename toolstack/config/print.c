/* SPDX-License-Identifier: MIT */
/* Writes a configuration as libvirt's domain XML. */

#include <string.h>

#include "internal.h"

#define OURS "urn:pavise:domain:1"
#define DEPTH_MAX 8

struct out {
	FILE *file;
	const char *open[DEPTH_MAX]; /* the elements begun */
	unsigned int depth;
	bool in_tag;   /* the last one's start tag is not closed yet: attributes may follow */
	bool has_text; /* it has text, and so no elements */
};

/* What was read has no character that XML can't have; a line's end in an attribute would be a space. */
static void escaped(struct out *o, const char *value)
{
	for (; *value; value++) {
		if (strchr("&<>\"\t\r\n", *value))
			fprintf(o->file, "&#%d;", *value);
		else
			fputc(*value, o->file);
	}
}

static void close_tag(struct out *o, const char *with)
{
	if (o->in_tag)
		fputs(with, o->file);
	o->in_tag = false;
}

static void begin(struct out *o, const char *name)
{
	close_tag(o, ">\n");
	fprintf(o->file, "%*s<%s", (int)o->depth * 2, "", name);
	o->open[o->depth++] = name;
	o->in_tag = true;
	o->has_text = false;
}

static void end(struct out *o)
{
	const char *name = o->open[--o->depth];

	if (o->in_tag)
		fputs("/>\n", o->file);
	else
		fprintf(o->file, "%*s</%s>\n", o->has_text ? 0 : (int)o->depth * 2, "", name);
	o->in_tag = o->has_text = false;
}

static void attribute(struct out *o, const char *name, const char *value)
{
	fprintf(o->file, " %s=\"", name);
	escaped(o, value);
	fputc('"', o->file);
}

static void attribute_number(struct out *o, const char *name, unsigned int value)
{
	fprintf(o->file, " %s=\"%u\"", name, value);
}

static void content(struct out *o, const char *value)
{
	close_tag(o, ">");
	escaped(o, value);
	o->has_text = true;
}

static void text(struct out *o, const char *name, const char *value)
{
	if (!value)
		return;
	begin(o, name);
	content(o, value);
	end(o);
}

static void text_number(struct out *o, const char *name, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lu", value);
	text(o, name, digits);
}

/* An element with one attribute. */
static void one(struct out *o, const char *name, const char *attr, const char *value)
{
	if (!value)
		return;
	begin(o, name);
	attribute(o, attr, value);
	end(o);
}

static void pin(struct out *o, const char *name, const struct config_pin *p)
{
	char hex[2 * SHA256_BYTES + 1];

	if (!p->set)
		return;
	for (int i = 0; i < SHA256_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", p->sha256[i]);
	attribute(o, name, hex);
}

static void print_metadata(struct out *o, const struct domain_config *c)
{
	if (!c->kernel_pin.set && !c->ramdisk_pin.set && !c->cap)
		return;
	begin(o, "metadata");
	begin(o, "pavise:pavise");
	attribute(o, "xmlns:pavise", OURS);
	pin(o, "kernel-sha256", &c->kernel_pin);
	pin(o, "ramdisk-sha256", &c->ramdisk_pin);
	if (c->cap)
		attribute_number(o, "cap", c->cap);
	end(o);
	end(o);
}

static void print_disk(struct out *o, const struct config_disk *d)
{
	begin(o, "disk");
	attribute(o, "type", d->block ? "block" : "file");
	attribute(o, "device", "disk");
	one(o, "driver", "type", format_names[d->format]);
	one(o, "source", d->block ? "dev" : "file", d->path);
	begin(o, "target");
	attribute(o, "dev", d->vdev);
	attribute(o, "bus", "xen");
	end(o);
	if (d->readonly) {
		begin(o, "readonly");
		end(o);
	}
	end(o);
}

static void print_nic(struct out *o, const struct config_nic *n)
{
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", n->mac[0], n->mac[1], n->mac[2],
		 n->mac[3], n->mac[4], n->mac[5]);
	begin(o, "interface");
	attribute(o, "type", n->bridge ? "bridge" : "ethernet");
	one(o, "mac", "address", n->has_mac ? mac : NULL);
	one(o, "source", "bridge", n->bridge);
	one(o, "script", "path", n->script);
	one(o, "ip", "address", n->ip);
	one(o, "target", "dev", n->ifname);
	end(o);
}

static void print_devices(struct out *o, const struct domain_config *c)
{
	begin(o, "devices");
	for (unsigned int i = 0; i < c->n_disks; i++)
		print_disk(o, &c->disks[i]);
	if (c->max_grant_frames || c->max_event_channels) {
		begin(o, "controller");
		attribute(o, "type", "xenbus");
		if (c->max_grant_frames)
			attribute_number(o, "maxGrantFrames", c->max_grant_frames);
		if (c->max_event_channels)
			attribute_number(o, "maxEventChannels", c->max_event_channels);
		end(o);
	}
	for (unsigned int i = 0; i < c->n_nics; i++)
		print_nic(o, &c->nics[i]);
	end(o);
}

static void print_domain(struct out *o, const struct domain_config *c)
{
	char uuid[37], vcpus[12];

	begin(o, "domain");
	attribute(o, "type", "xen");
	text(o, "name", c->name);
	uuid_unparse_lower(c->uuid, uuid);
	text(o, "uuid", c->has_uuid ? uuid : NULL);
	print_metadata(o, c);
	text_number(o, "memory", c->max_memory_kib);
	text_number(o, "currentMemory", c->memory_kib);
	begin(o, "vcpu");
	if (c->cpus)
		attribute(o, "cpuset", c->cpus);
	attribute_number(o, "current", c->vcpus);
	snprintf(vcpus, sizeof(vcpus), "%u", c->max_vcpus);
	content(o, vcpus);
	end(o);
	if (c->weight) {
		begin(o, "cputune");
		text_number(o, "shares", c->weight);
		end(o);
	}
	begin(o, "os");
	begin(o, "type");
	attribute(o, "arch", "x86_64");
	attribute(o, "machine", "xenpv");
	content(o, "linux");
	end(o);
	text(o, "kernel", c->kernel);
	text(o, "initrd", c->ramdisk);
	text(o, "cmdline", c->cmdline);
	end(o);
	text(o, "on_poweroff", action_names[c->on_poweroff]);
	text(o, "on_reboot", action_names[c->on_reboot]);
	text(o, "on_crash", action_names[c->on_crash]);
	print_devices(o, c);
	end(o);
}

bool config_print_xml(const struct domain_config *c, FILE *file)
{
	struct out o = { .file = file };

	print_domain(&o, c);
	return !ferror(file);
}
