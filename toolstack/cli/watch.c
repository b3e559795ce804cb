/* SPDX-License-Identifier: MIT */
/* Commands for who watches: figures for Prometheus, a live view. */

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../lib/util.h"
#include "session.h"

/* A label's value: names of domains have no character that needs more. */
static void metric(const char *metric_name, const struct xen_domctl_getdomaininfo *d,
		   const char *name, double value)
{
	printf("%s{domid=\"%u\",name=\"%s\"} %.9g\n", metric_name, d->domain, name ? name : "",
	       value);
}

static void metric_head(const char *name, const char *type, const char *help)
{
	printf("# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static double bytes_of(const struct xen_domctl_getdomaininfo *d)
{
	return (double)d->tot_pages * 4096;
}

static double max_bytes_of(const struct xen_domctl_getdomaininfo *d)
{
	return (double)d->max_pages * 4096;
}

static double seconds_of(const struct xen_domctl_getdomaininfo *d)
{
	return (double)d->cpu_time / 1e9;
}

static double vcpus_of(const struct xen_domctl_getdomaininfo *d)
{
	return d->nr_online_vcpus;
}

static double up_of(const struct xen_domctl_getdomaininfo *d)
{
	return !(d->flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying | XEN_DOMINF_paused));
}

static const struct {
	const char *name, *type, *help;
	double (*value)(const struct xen_domctl_getdomaininfo *d);
} domain_metrics[] = {
	{ "pavise_domain_memory_bytes", "gauge", "Memory that a domain has.", bytes_of },
	{ "pavise_domain_memory_max_bytes", "gauge", "Memory that a domain may have.",
	  max_bytes_of },
	{ "pavise_domain_cpu_seconds_total", "counter", "Time that its vCPUs ran.", seconds_of },
	{ "pavise_domain_vcpus", "gauge", "Its vCPUs that are online.", vcpus_of },
	{ "pavise_domain_up", "gauge", "1: it runs; 0: paused, shut down or dying.", up_of },
};

static void machine_metrics(const struct xen_sysctl_physinfo *i)
{
	metric_head("pavise_memory_bytes", "gauge", "Memory of the machine.");
	printf("pavise_memory_bytes %.9g\n", (double)i->total_pages * 4096);
	metric_head("pavise_memory_free_bytes", "gauge", "Of it, free.");
	printf("pavise_memory_free_bytes %.9g\n", (double)i->free_pages * 4096);
	metric_head("pavise_processors", "gauge", "Processors of the machine.");
	printf("pavise_processors %u\n", i->nr_cpus);
}

int cmd_metrics(int argc, char **argv)
{
	struct xen_domctl_getdomaininfo *all = NULL;
	struct session se;
	unsigned int n = 0;
	char **names;
	int rc;

	if (!check_usage(argc, argv, 0, 0))
		return EXIT_USAGE;
	if (session_begin(&se, true))
		all = domain_list(&se.p, &n, &se.f);
	if (!all)
		return session_end(&se);
	sysctl_new(&se.p);
	rc = sysctl_call(&se.p, XEN_SYSCTL_physinfo);
	if (rc)
		fail(&se.f, FAIL_REFUSED, "the hypervisor does not describe the machine: %s",
		     strerror(-rc));
	else
		machine_metrics(&se.p.sysctl->u.physinfo);
	names = xzalloc((n + 1) * sizeof(*names));
	for (unsigned int i = 0; i < n; i++)
		names[i] = domain_name(&se.s, all[i].domain);
	for (unsigned int m = 0; m < ARRAY_SIZE(domain_metrics); m++) {
		metric_head(domain_metrics[m].name, domain_metrics[m].type, domain_metrics[m].help);
		for (unsigned int i = 0; i < n; i++)
			metric(domain_metrics[m].name, &all[i], names[i],
			       domain_metrics[m].value(&all[i]));
	}
	for (unsigned int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	free(all);
	return session_end(&se);
}

struct sample {
	struct xen_domctl_getdomaininfo *all;
	unsigned int n;
	struct timespec at;
};

static bool take_sample(struct session *se, struct sample *s)
{
	clock_gettime(CLOCK_MONOTONIC, &s->at);
	s->all = domain_list(&se->p, &s->n, &se->f);
	return s->all;
}

/* Percent of one processor since then. */
static double load_of(const struct sample *before, const struct sample *now, unsigned int i)
{
	double ns = (double)(now->at.tv_sec - before->at.tv_sec) * 1e9 +
		    (double)(now->at.tv_nsec - before->at.tv_nsec);

	for (unsigned int k = 0; k < before->n; k++) {
		if (!memcmp(before->all[k].handle, now->all[i].handle,
			    sizeof(now->all[i].handle)) &&
		    before->all[k].domain == now->all[i].domain)
			return (double)(now->all[i].cpu_time - before->all[k].cpu_time) / ns * 100;
	}
	return 0;
}

static void show_sample(struct session *se, const struct sample *before, const struct sample *now,
			struct json *j)
{
	if (j)
		json_open(j, NULL, '[');
	else
		printf("%-32s %5s %-9s %6s %8s %5s\n", "Name", "ID", "State", "CPU %", "MiB",
		       "VCPUs");
	for (unsigned int i = 0; i < now->n; i++) {
		const struct xen_domctl_getdomaininfo *d = &now->all[i];
		char *name = domain_name(&se->s, d->domain);
		double load = load_of(before, now, i);

		if (j) {
			json_open(j, NULL, '{');
			json_number(j, "domid", d->domain);
			json_text(j, "name", name);
			json_text(j, "state", state_name(d->flags));
			json_number(j, "cpu_permille", (uint64_t)(load * 10));
			json_number(j, "memory_kib", d->tot_pages * 4);
			json_number(j, "vcpus", d->nr_online_vcpus);
			json_close(j, '}');
		} else {
			printf("%-32s %5u %-9s %6.1f %8lu %5u\n", name ? name : "(null)", d->domain,
			       state_name(d->flags), load, d->tot_pages >> 8, d->nr_online_vcpus);
		}
		free(name);
	}
	if (j) {
		json_close(j, ']');
		json_end(j);
	}
}

int cmd_top(int argc, char **argv)
{
	bool as_json = take_flag(&argc, argv, "--json");
	const char *delay = take_value(&argc, argv, "-d"), *count = take_value(&argc, argv, "-n");
	double seconds = delay ? strtod(delay, NULL) : 2;
	unsigned int times = 0;
	struct pollfd key = { .fd = isatty(STDIN_FILENO) ? STDIN_FILENO : -1, .events = POLLIN };
	struct sample before, now;
	struct session se;

	if (!check_usage(argc, argv, 0, 0) ||
	    (count && !parse_count(count, &times, 1, INT_MAX, "number of times")))
		return EXIT_USAGE;
	if (!(seconds >= 0.1 && seconds <= 86400)) {
		fprintf(stderr, "pavise: '%s' is no delay; say seconds, 0.1 to 86400\n", delay);
		return EXIT_USAGE;
	}
	if (!session_begin(&se, true) || !take_sample(&se, &before))
		return session_end(&se);
	/* A line's end, or q and one, ends it. */
	for (unsigned int i = 0; (!count || i < times) && !poll(&key, 1, (int)(seconds * 1000)) &&
				 take_sample(&se, &now);
	     i++) {
		struct json j = { 0 };

		if (!as_json && isatty(STDOUT_FILENO))
			printf("\033[H\033[J");
		show_sample(&se, &before, &now, as_json ? &j : NULL);
		fflush(stdout);
		free(before.all);
		before = now;
	}
	free(before.all);
	return session_end(&se);
}
