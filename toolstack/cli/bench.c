/* SPDX-License-Identifier: MIT */
/* pavise bench: what crossings into the hypervisor and operations of this kernel cost. */

#include "bench.h"

#include <stdio.h>
#include <string.h>

static void print_json(const struct bench *b)
{
	struct json j = { 0 };

	json_open(&j, NULL, '[');
	for (const struct bench_row *r = b->rows; r < b->rows + b->n; r++) {
		json_open(&j, NULL, '{');
		json_text(&j, "row", r->name);
		json_text(&j, "unit", bench_unit(b, r));
		json_hundredths(&j, "cost", r->cost[BENCH_NOW]);
		json_hundredths(&j, "before", r->cost[BENCH_BEFORE]);
		json_hundredths(&j, "ratio", bench_ratio(r));
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_end(&j);
}

struct bench_options {
	bool as_json, no_guest;
	const char *kernel, *baseline, *from, *save, *html;
};

/* Reads a file, whose lines a failure is about. */
static bool read_rows(struct session *se, struct bench *b, const char *path, enum bench_when when)
{
	se->file = path;
	return !path || bench_read(b, path, when, &se->f);
}

/* The files first: what is wrong with them is to be said before anything is done. */
static bool take_rows(struct session *se, struct bench *b, const struct bench_options *o)
{
	bool guest = !o->from && !o->no_guest;

	if (!o->from)
		snprintf(b->unit, sizeof(b->unit), "%s", bench_clock());
	if (!read_rows(se, b, o->from, BENCH_NOW) || !read_rows(se, b, o->baseline, BENCH_BEFORE))
		return false;
	if (guest && (!session_begin(se, true) || !bench_run_guest(se, b, o->kernel)))
		return false;
	if (!o->from)
		bench_run_operations(b);
	return true;
}

static bool bench_cpu(struct session *se, struct bench *b, const struct bench_options *o)
{
	if (!take_rows(se, b, o))
		return false;
	if (o->as_json)
		print_json(b);
	else
		bench_put_table(b, stdout);
	return (!o->save || bench_write(b, o->save, bench_put_rows, &se->f)) &&
	       (!o->html || bench_write(b, o->html, bench_put_html, &se->f));
}

int cmd_bench(int argc, char **argv)
{
	struct bench_options o = { .as_json = take_flag(&argc, argv, "--json"),
				   .no_guest = take_flag(&argc, argv, "--no-guest"),
				   .kernel = take_value(&argc, argv, "-k") ?: BENCH_KERNEL,
				   .baseline = take_value(&argc, argv, "--baseline"),
				   .from = take_value(&argc, argv, "--from"),
				   .save = take_value(&argc, argv, "--save"),
				   .html = take_value(&argc, argv, "--html") };
	struct session se = { .s = { .fd = -1 } };
	static struct bench b;

	if (!check_usage(argc, argv, 1, 1))
		return EXIT_USAGE;
	if (strcmp(argv[1], "cpu"))
		fail(&se.f, FAIL_USAGE, "there is no benchmark '%s'; say cpu", argv[1]);
	else
		bench_cpu(&se, &b, &o);
	return session_end(&se);
}
