/* SPDX-License-Identifier: MIT */
/* The functions of modules that configurations need: they stand here for those there. */

#include "../lib/late.h"
#include "internal.h"

bool xml_parse(struct domain_config *c, struct config_report *r, const char *text, size_t len)
{
	bool (*parse)(struct domain_config *, struct config_report *, const char *, size_t) =
		late("pavise-xml.so", "xml_parse");

	return parse ? parse(c, r, text, len) :
		       config_fail(r, 0, CONFIG_UNSUPPORTED, "XML can't be read; write an xl.cfg");
}

void xml_print_table(FILE *out)
{
	void (*print)(FILE *) = late("pavise-xml.so", "xml_print_table");

	if (print)
		print(out);
}

bool sha256(const void *bytes, size_t size, uint8_t digest[SHA256_BYTES])
{
	bool (*compute)(const void *, size_t, uint8_t[]) = late("pavise-digest.so", "sha256");

	return compute && compute(bytes, size, digest);
}
