/* SPDX-License-Identifier: MIT */
/* What a domain is to be: read from xl.cfg or libvirt's XML, written as the latter. */

#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <uuid/uuid.h>

/* Classes of causes, which are exit codes. docs/config.md names them for users. */
enum config_class {
	CONFIG_OK = 0,
	CONFIG_FILE = 10,        /* can't be read */
	CONFIG_SYNTAX = 11,      /* not well-formed */
	CONFIG_UNKNOWN = 12,     /* a key or an element that means nothing */
	CONFIG_VALUE = 13,       /* of the wrong type, or out of range */
	CONFIG_MISSING = 14,     /* what every domain needs */
	CONFIG_UNSUPPORTED = 15, /* known, and not to be had here */
	CONFIG_CONFLICT = 16,    /* two things that exclude each other */
	CONFIG_IMAGE_FILE = 17,  /* a kernel or ramdisk that can't be read */
	CONFIG_IMAGE = 18,       /* which is not what it should be */
	CONFIG_DIGEST = 19,      /* which is not the pinned one */
};

enum config_action {
	ACTION_DESTROY,
	ACTION_RESTART,
	ACTION_RENAME_RESTART,
	ACTION_PRESERVE,
	ACTION_COREDUMP_DESTROY,
	ACTION_COREDUMP_RESTART,
	ACTIONS
};

enum disk_format { FORMAT_RAW, FORMAT_QCOW2, FORMATS };

struct config_disk {
	char *path; /* of a file or a block device */
	char *vdev; /* xvda */
	enum disk_format format;
	bool block; /* a block device */
	bool readonly;
	int line;
};

struct config_nic {
	uint8_t mac[6];
	bool has_mac;
	char *bridge, *script, *ip, *ifname; /* or NULL */
	int line;
};

#define SHA256_BYTES 32

struct config_pin {
	bool set;
	uint8_t sha256[SHA256_BYTES];
	int line;
};

/* All strings belong to it. Lines are those of the file, for later complaints; 0: not given. */
struct domain_config {
	char *name;
	uuid_t uuid;
	bool has_uuid;
	uint64_t memory_kib, max_memory_kib; /* at the start, at most */
	unsigned int vcpus, max_vcpus;
	char *cpus;                       /* where they may run, as written, or NULL */
	unsigned int weight, cap;         /* 0: the default; no cap */
	char *kernel, *ramdisk, *cmdline; /* ramdisk and cmdline or NULL */
	struct config_pin kernel_pin, ramdisk_pin;
	int kernel_line, ramdisk_line;
	enum config_action on_poweroff, on_reboot, on_crash;
	unsigned int max_grant_frames, max_event_channels; /* 0: the default */
	struct config_disk *disks;
	unsigned int n_disks;
	struct config_nic *nics;
	unsigned int n_nics;
};

/* What is to be said of one file. The first error ends the reading; warnings are kept apart. */
struct config_report {
	const char *file;
	enum config_class error; /* CONFIG_OK: none */
	char *text;              /* of the error: a line without its end */
	char **warnings;
	unsigned int n_warnings;
};

/* Notes an error "FILE:LINE: cause; remedy" (line 0: none). Always false. */
bool config_fail(struct config_report *r, int line, enum config_class error, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));
void config_warn(struct config_report *r, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Reads a file, of either form, and checks all that needs no look at other files. False: there
 * is an error in the report. config_free() and config_report_free() in any case.
 */
bool config_read(struct domain_config *c, struct config_report *r, const char *file);
/* With lines "key=value" that count instead of the file's (an xl.cfg), or NULL. */
bool config_read_with(struct domain_config *c, struct config_report *r, const char *file,
		      const char *overrides);
/* The same of text in memory, zero-terminated; the fuzzer's way. */
bool config_parse(struct domain_config *c, struct config_report *r, const char *text, size_t len,
		  const char *overrides);
/* May a domain be called so? Else there is an error in the report. */
bool config_name_is_good(struct config_report *r, const char *name);
/* "0-3,^2,6" or "all" as a bitmap of bytes * 8 processors; false: it is not of that form. */
bool config_parse_cpus(const char *text, uint8_t *map, unsigned int bytes);
/* Looks at the kernel and the ramdisk: there, of the right kind, the pinned ones. */
bool config_check_images(const struct domain_config *c, struct config_report *r);
void config_free(struct domain_config *c);
void config_report_free(struct config_report *r);

/* Writes libvirt XML that recreates it; false: out could not be written. */
bool config_print_xml(const struct domain_config *c, FILE *out);
/* Writes what of both forms is honoured, ignored, refused, as Markdown. */
void config_print_tables(FILE *out);

#endif /* CONFIG_CONFIG_H */
