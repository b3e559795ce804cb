/* SPDX-License-Identifier: MIT */
/* Commands that change a domain that runs. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/util.h"
#include "../libpavise/record.h"
#include "session.h"

/* "512", "512m", "2g", "65536k" to KiB; MiB where there is no letter. 0: it is none. */
static uint64_t parse_memory(const char *text)
{
	static const char units[] = "kmg";
	char *end;
	uint64_t n = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end | 0x20) : units + 1;

	if (end == text || !unit || (*end && end[1]) || n > 1ul << 30)
		return 0;
	return n << 10 * (unit - units);
}

static int set_memory(int argc, char **argv,
		      bool (*set)(struct pavise *, struct store_client *, uint16_t, uint64_t,
				  struct failure *))
{
	struct session se;
	uint64_t kib;
	uint16_t domid;

	if (!check_usage(argc, argv, 2, 2))
		return EXIT_USAGE;
	kib = parse_memory(argv[2]);
	if (kib < 4 << 10 || kib > 1ul << 30) {
		fprintf(stderr,
			"pavise: '%s' is no amount of memory from 4 MiB to 1 TiB; say 512, 512m or"
			" 2g\n",
			argv[2]);
		return EXIT_USAGE;
	}
	if (session_begin_with(&se, argv[1], &domid))
		set(&se.p, &se.s, domid, kib, &se.f);
	return session_end(&se);
}

int cmd_mem_set(int argc, char **argv)
{
	return set_memory(argc, argv, domain_set_memory);
}

int cmd_mem_max(int argc, char **argv)
{
	return set_memory(argc, argv, domain_set_max_memory);
}

int cmd_rename(int argc, char **argv)
{
	struct session se;
	uint16_t domid;

	if (!check_usage(argc, argv, 2, 2))
		return EXIT_USAGE;
	if (session_begin_with(&se, argv[1], &domid))
		domain_rename(&se.p, &se.s, domid, argv[2], &se.f);
	return session_end(&se);
}

int cmd_vcpu_set(int argc, char **argv)
{
	struct session se;
	unsigned int n;
	uint16_t domid;

	if (!check_usage(argc, argv, 2, 2) ||
	    !parse_count(argv[2], &n, 1, CPUS_MAX, "number of vCPUs"))
		return EXIT_USAGE;
	if (session_begin_with(&se, argv[1], &domid))
		domain_set_vcpus(&se.p, &se.s, domid, n, &se.f);
	return session_end(&se);
}

static bool has_vcpu(struct session *se, uint16_t domid, unsigned int vcpu)
{
	struct xen_domctl_getdomaininfo info;

	return !domain_info(&se->p, domid, &info) || vcpu <= info.max_vcpu_id ||
	       fail(&se->f, FAIL_USAGE,
		    "domain %u has no vCPU %u; 'pavise vcpu-list' shows those it has", domid, vcpu);
}

int cmd_vcpu_pin(int argc, char **argv)
{
	struct xen_domctl_getdomaininfo info;
	struct session se;
	unsigned int first = 0, last;
	uint16_t domid;
	bool all;

	if (!check_usage(argc, argv, 3, 3))
		return EXIT_USAGE;
	all = !strcmp(argv[2], "all");
	if (!all && !parse_count(argv[2], &first, 0, CPUS_MAX, "vCPU"))
		return EXIT_USAGE;
	if (session_begin_with(&se, argv[1], &domid) && has_vcpu(&se, domid, first) &&
	    domain_info(&se.p, domid, &info)) {
		last = all ? info.max_vcpu_id : first;
		for (unsigned int v = first; v <= last; v++) {
			if (!domain_pin(&se.p, domid, v, argv[3], &se.f))
				break;
		}
	}
	return session_end(&se);
}

int cmd_sysrq(int argc, char **argv)
{
	struct session se;
	char path[64];
	uint16_t domid;
	int rc;

	if (!check_usage(argc, argv, 2, 2))
		return EXIT_USAGE;
	if (!isalnum((unsigned char)argv[2][0]) || argv[2][1]) {
		fprintf(stderr, "pavise: '%s' is no key; say one letter or digit\n", argv[2]);
		return EXIT_USAGE;
	}
	if (session_begin_with(&se, argv[1], &domid)) {
		snprintf(path, sizeof(path), "/local/domain/%u/control/sysrq", domid);
		rc = store_write(&se.s, path, argv[2]);
		if (rc)
			fail(&se.f, FAIL_REFUSED, "the store does not take %s: %s", path,
			     strerror(-rc));
	}
	return session_end(&se);
}

int cmd_trigger(int argc, char **argv)
{
	struct session se;
	unsigned int vcpu = 0;
	uint16_t domid;
	int rc;

	if (!check_usage(argc, argv, 2, 3) ||
	    (argc > 3 && !parse_count(argv[3], &vcpu, 0, CPUS_MAX, "vCPU")))
		return EXIT_USAGE;
	if (strcmp(argv[2], "nmi")) {
		fprintf(stderr, "pavise: there is no trigger '%s'; a PV guest takes nmi\n",
			argv[2]);
		return EXIT_USAGE;
	}
	if (session_begin_with(&se, argv[1], &domid) && has_vcpu(&se, domid, vcpu)) {
		struct xen_domctl *d = domctl_new(&se.p, domid);

		d->u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_NMI;
		d->u.sendtrigger.vcpu = vcpu;
		rc = domctl_call(&se.p, XEN_DOMCTL_sendtrigger);
		if (rc)
			fail(&se.f, FAIL_REFUSED,
			     "the hypervisor does not send an NMI to vCPU %u of domain %u: %s;"
			     " 'pavise list' shows its state",
			     vcpu, domid, strerror(-rc));
	}
	return session_end(&se);
}

int cmd_config(int argc, char **argv)
{
	struct xen_domctl_getdomaininfo info;
	struct domain_config c = { 0 };
	struct session se;
	uint16_t domid;

	if (!check_usage(argc, argv, 1, 1))
		return EXIT_USAGE;
	if (session_begin_with(&se, argv[1], &domid) && domain_info(&se.p, domid, &info)) {
		if (!record_read(&c, RECORDS, info.handle))
			fail(&se.f, FAIL_NO_DOMAIN,
			     "nobody has noted what domain %u was made from; 'pavise create' does",
			     domid);
		else if (!config_print_xml(&c, stdout))
			fail(&se.f, FAIL_REFUSED, "standard output can't be written");
		config_free(&c);
	}
	return session_end(&se);
}
