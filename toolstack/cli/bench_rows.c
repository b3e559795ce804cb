/* SPDX-License-Identifier: MIT */
/* Rows of costs: read from files and from the guest's console, written to files. */

#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/util.h"

#define COST_MAX 1e13 /* so that hundredths of its ratio can be computed */

struct bench_row *bench_row(struct bench *b, const char *name)
{
	struct bench_row *r = b->rows;
	size_t len = strlen(name);

	if (!len || len >= sizeof(r->name) ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")])
		return NULL;
	for (; r < b->rows + b->n; r++) {
		if (!strcmp(r->name, name))
			return r;
	}
	if (b->n == BENCH_ROWS)
		return NULL;
	b->n++;
	memcpy(r->name, name, len + 1);
	r->cost[BENCH_NOW] = r->cost[BENCH_BEFORE] = BENCH_NONE;
	return r;
}

uint64_t bench_ratio(const struct bench_row *r)
{
	uint64_t now = r->cost[BENCH_NOW], before = r->cost[BENCH_BEFORE];

	if (now == BENCH_NONE || before == BENCH_NONE || !before)
		return BENCH_NONE;
	return (now * 100 + before / 2) / before;
}

const char *bench_unit(const struct bench *b, const struct bench_row *r)
{
	return strstr(r->name, "_bytes_") ? "bytes" : b->unit;
}

/* ---- files ---- */

static bool read_unit(struct bench *b, const char *line, char unit[16], int at, struct failure *f)
{
	char rest;

	if (sscanf(line, "unit %15s %c", unit, &rest) != 1 ||
	    (strcmp(unit, "instructions") && strcmp(unit, "cycles")))
		return fail_at(f, at, (enum failure_class)CONFIG_SYNTAX,
			       "it does not begin with a unit; take a file that --save wrote");
	if (!*b->unit)
		snprintf(b->unit, sizeof(b->unit), "%s", unit);
	return !strcmp(b->unit, unit) ||
	       fail_at(f, at, (enum failure_class)CONFIG_CONFLICT,
		       "it counts %s, and this is about %s; compare with one of the same clock",
		       unit, b->unit);
}

static bool read_row(struct bench *b, const char *line, enum bench_when when, int at,
		     struct failure *f)
{
	char name[sizeof(b->rows->name)], rest;
	struct bench_row *r = NULL;
	double cost = 0;

	if (strchr(line, '\n') && sscanf(line, "%31s %lf %c", name, &cost, &rest) == 2 &&
	    cost >= 0 && cost < COST_MAX)
		r = bench_row(b, name);
	if (!r || r->cost[when] != BENCH_NONE)
		return fail_at(f, at, (enum failure_class)CONFIG_SYNTAX,
			       "this is no row, or a second one of that name; take a file that"
			       " --save wrote");
	r->cost[when] = (uint64_t)(cost * 100 + 0.5);
	return true;
}

static bool read_lines(struct bench *b, FILE *in, enum bench_when when, struct failure *f)
{
	char line[128], unit[sizeof(b->unit)] = "";
	bool good = true;

	for (int at = 1; good && fgets(line, sizeof(line), in); at++) {
		if (*line == '#')
			continue;
		good = *unit ? read_row(b, line, when, at, f) : read_unit(b, line, unit, at, f);
	}
	return good;
}

bool bench_read(struct bench *b, const char *path, enum bench_when when, struct failure *f)
{
	FILE *in = fopen(path, "re");
	bool good = in && read_lines(b, in, when, f);

	if (!in || ferror(in))
		good = fail(f, (enum failure_class)CONFIG_FILE,
			    "%s can't be read: %s; name a file that --save wrote", path,
			    strerror(errno));
	if (in)
		fclose(in);
	for (unsigned int i = 0; good && i < b->n; i++) {
		if (b->rows[i].cost[when] != BENCH_NONE)
			return true;
	}
	return good && fail(f, (enum failure_class)CONFIG_SYNTAX,
			    "%s has no rows; take a file that --save wrote", path);
}

bool bench_write(const struct bench *b, const char *path,
		 void (*put)(const struct bench *b, FILE *out), struct failure *f)
{
	char *fresh = xasprintf("%s.new", path);
	FILE *out = fopen(fresh, "we");
	bool good = out;

	if (out) {
		put(b, out);
		good = !fflush(out) && !ferror(out) && !rename(fresh, path);
	}
	if (!good) {
		fail(f, FAIL_REFUSED, "%s can't be written: %s; make room, or name another file",
		     path, strerror(errno));
		if (out)
			unlink(fresh);
	}
	if (out)
		fclose(out);
	free(fresh);
	return good;
}

void bench_put_rows(const struct bench *b, FILE *out)
{
	fprintf(out, "# for one operation: pavise bench cpu --save\nunit %s\n", b->unit);
	for (const struct bench_row *r = b->rows; r < b->rows + b->n; r++) {
		if (r->cost[BENCH_NOW] != BENCH_NONE)
			fprintf(out, "%s %.2f\n", r->name, (double)r->cost[BENCH_NOW] / 100);
	}
}

/* ---- the guest's console ---- */

static void guest_says(struct bench_guest *g, const char *text)
{
	static const char died[] = "FAIL died: ";

	if (!strncmp(text, "START ", 6))
		g->begun = true;
	else if (!strncmp(text, died, strlen(died)))
		snprintf(g->died, sizeof(g->died), "%s", text + strlen(died));
	else if (!strncmp(text, "DONE ", 5))
		g->done = true;
}

void bench_line(struct bench *b, struct bench_guest *g, const char *line)
{
	char name[sizeof(b->rows->name)], rest;
	size_t len = strlen(g->name);
	struct bench_row *r;
	unsigned long cost;

	if (!strncmp(line, "GUEST ", 6) && !strncmp(line + 6, g->name, len) &&
	    !strncmp(line + 6 + len, ": ", 2))
		guest_says(g, line + 6 + len + 2);
	if (!g->begun)
		return;
	if (sscanf(line, "BENCH-LEFT-OUT %31s %c", name, &rest) == 1)
		bench_row(b, name);
	else if (sscanf(line, "BENCH %31s %lu", name, &cost) == 2 && cost < COST_MAX * 100 &&
		 (r = bench_row(b, name))) {
		r->cost[BENCH_NOW] = cost;
		g->rows++;
	}
}
