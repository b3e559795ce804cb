/* SPDX-License-Identifier: MIT */
/* Configurations, of both forms: read, and what was read printed and read again. */

#include <stdlib.h>
#include <string.h>

#include "../../toolstack/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void once(const char *text, size_t len, bool again)
{
	struct config_report r = { .file = "fuzz" };
	struct domain_config c = { 0 };
	char *xml = NULL;
	size_t xml_len;

	if (config_parse(&c, &r, text, len, NULL)) {
		FILE *f = open_memstream(&xml, &xml_len);

		if (!f || !config_print_xml(&c, f))
			abort();
		fclose(f);
		if (again)
			once(xml, xml_len, false);
		free(xml);
	} else if (!r.error || !r.text || strchr(r.text, '\n') || !again) {
		abort(); /* a refusal without a line; or what was printed is refused */
	}
	config_free(&c);
	config_report_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	once(text, size, true);
	free(text);
	return 0;
}
