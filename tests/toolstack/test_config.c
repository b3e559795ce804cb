/* SPDX-License-Identifier: MIT */
/* Configurations: what a command line gives otherwise, lists of processors, numbers of disks. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "libpavise/devices.h"
#include "libpavise/domain.h"

/* There is no hypervisor here. */
bool domain_info(struct pavise *p, uint16_t domid, struct xen_domctl_getdomaininfo *info)
{
	(void)p, (void)domid, (void)info;
	return false;
}

static const char text[] = "name='a'\nmemory=8\nkernel='k'\nvif=['bridge=x']\nextra='one'\n";

static bool parse(struct domain_config *c, struct config_report *r, const char *overrides)
{
	*c = (struct domain_config){ 0 };
	*r = (struct config_report){ .file = "file" };
	return config_parse(c, r, text, strlen(text), overrides);
}

Test(config, what_is_given_otherwise_counts)
{
	struct config_report r;
	struct domain_config c;

	cr_assert(parse(&c, &r, "memory=12\nextra='two'\nvif=[]\n"));
	cr_expect_eq(c.memory_kib, 12 << 10);
	cr_expect_str_eq(c.cmdline, "two");
	cr_expect_eq(c.n_nics, 0);
	cr_expect_str_eq(c.name, "a");
	config_free(&c);
	config_report_free(&r);
}

Test(config, a_mistake_there_is_said_to_be_there)
{
	static const char *const wrong[][2] = {
		{ "memory=12\nmemroy=1\n", "command line:2: there is no key 'memroy'" },
		{ "memory=12\nmemory=1\n", "command line:2: memory stands here again" },
		{ "memory", "command line:1: 'memory' is not followed by =" },
	};

	for (unsigned int i = 0; i < 3; i++) {
		struct config_report r;
		struct domain_config c;

		cr_expect(!parse(&c, &r, wrong[i][0]));
		cr_expect(r.text && !strncmp(r.text, wrong[i][1], strlen(wrong[i][1])), "%s",
			  r.text);
		config_free(&c);
		config_report_free(&r);
	}
}

Test(config, lists_of_processors)
{
	uint8_t map[2];

	cr_assert(config_parse_cpus("0-3,^2,9", map, sizeof(map)));
	cr_expect_eq(map[0], 0x0b);
	cr_expect_eq(map[1], 0x02);
	cr_assert(config_parse_cpus("all", map, sizeof(map)));
	cr_expect_eq(map[1], 0xff);
	cr_assert(config_parse_cpus("7-99999999999", map, sizeof(map)));
	cr_expect_eq(map[0], 0x80);
	for (const char *const *w =
		     (const char *const[]){ "", ",", "1,", "1-", "x", "^", "1 2", NULL };
	     *w; w++)
		cr_expect(!config_parse_cpus(*w, map, sizeof(map)), "%s", *w);
}

Test(config, numbers_of_disks)
{
	static const struct {
		const char *name;
		uint32_t number;
	} disks[] = { { "xvda", 51712 },
		      { "xvda1", 51713 },
		      { "xvdb", 51728 },
		      { "xvdp", 51952 },
		      { "xvdq", 1u << 28 | 16 << 8 },
		      { "xvdaa", 1u << 28 | 26 << 8 },
		      { "hda", 768 },
		      { "hdc", 5632 },
		      { "sda", 2048 },
		      { "sdb2", 2066 } };

	for (unsigned int i = 0; i < sizeof(disks) / sizeof(disks[0]); i++)
		cr_expect_eq(disk_number(disks[i].name), disks[i].number, "%s: %u", disks[i].name,
			     disk_number(disks[i].name));
}
