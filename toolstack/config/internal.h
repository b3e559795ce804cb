/* SPDX-License-Identifier: MIT */
/* What the readers of configurations share. */

#ifndef CONFIG_INTERNAL_H
#define CONFIG_INTERNAL_H

#include "config.h"

/* What happens with a key of xl.cfg or an element of XML. */
enum treatment { HONOURED, IGNORED, REFUSED };

extern const char *const treatment_names[];
extern const char *const action_names[ACTIONS];
extern const char *const format_names[FORMATS];

/* Readers: of a whole text into c. */
bool xl_parse(struct domain_config *c, struct config_report *r, const char *text,
	      const char *overrides);
bool xml_parse(struct domain_config *c, struct config_report *r, const char *text, size_t len);
bool sha256(const void *bytes, size_t size, uint8_t digest[SHA256_BYTES]);
void xl_print_table(FILE *out);
void xml_print_table(FILE *out);

/* Values that both forms have; what names the key for the message. */
bool set_name(struct domain_config *c, struct config_report *r, int line, const char *text);
bool set_uuid(struct domain_config *c, struct config_report *r, int line, const char *text);
bool set_action(enum config_action *action, struct config_report *r, int line, const char *what,
		const char *text);
bool set_pin(struct config_pin *pin, struct config_report *r, int line, const char *what,
	     const char *text);
bool set_cpus(struct domain_config *c, struct config_report *r, int line, const char *text);
bool set_mac(struct config_nic *nic, struct config_report *r, int line, const char *text);
bool set_vdev(struct config_disk *disk, struct config_report *r, int line, const char *text);
/* A decimal or 0x number; false without a message. */
bool parse_number(const char *text, uint64_t *value);
bool set_unsigned(unsigned int *to, struct config_report *r, int line, const char *what,
		  uint64_t value, unsigned int min, unsigned int max);
struct config_disk *add_disk(struct domain_config *c, int line);
struct config_nic *add_nic(struct domain_config *c, int line);
void replace(char **to, const char *text);

#define VCPUS_MAX 128
#define MEMORY_MIN_KIB (4u << 10)
#define MEMORY_MAX_KIB (1ull << 30) /* 1 TiB */
#define NAME_MAX_BYTES 63

#endif /* CONFIG_INTERNAL_H */
