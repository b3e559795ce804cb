/* SPDX-License-Identifier: MIT */
/* Rows of costs as a table, and as a page with a chart for each. */

#include "bench.h"

#include <string.h>

#define WIDTH 300 /* of a chart */
#define DECADES 7 /* that it shows without a baseline */

/* What the figures are. */
static const char *head(const struct bench *b)
{
	return strcmp(b->unit, "cycles") ?
		       "Instructions for one operation: the TSC counts them here." :
		       "Cycles of the TSC for one operation.";
}

/* Names of the rows without a cost now, with one before or without; false: there are none. */
static bool put_names(const struct bench *b, FILE *out, const char *title, bool before)
{
	bool any = false;

	for (const struct bench_row *r = b->rows; r < b->rows + b->n; r++) {
		if (r->cost[BENCH_NOW] != BENCH_NONE ||
		    (r->cost[BENCH_BEFORE] != BENCH_NONE) != before)
			continue;
		fprintf(out, "%s %s", any ? "," : title, r->name);
		any = true;
	}
	return any;
}

void bench_put_table(const struct bench *b, FILE *out)
{
	fprintf(out, "%s\n%-24s%12s%12s%8s\n", head(b), "operation", "now", "before", "ratio");
	for (const struct bench_row *r = b->rows; r < b->rows + b->n; r++) {
		if (r->cost[BENCH_NOW] == BENCH_NONE)
			continue;
		fprintf(out, "%-24s%12.0f", r->name, (double)r->cost[BENCH_NOW] / 100);
		if (r->cost[BENCH_BEFORE] != BENCH_NONE)
			fprintf(out, "%12.0f", (double)r->cost[BENCH_BEFORE] / 100);
		else
			fprintf(out, "%12s", "-");
		if (bench_ratio(r) != BENCH_NONE)
			fprintf(out, "%8.2f\n", (double)bench_ratio(r) / 100);
		else
			fprintf(out, "%8s\n", "-");
	}
	if (put_names(b, out, "left out:", false))
		fputc('\n', out);
	if (put_names(b, out, "in the baseline only:", true))
		fputc('\n', out);
}

/* ---- the page ---- */

static const char page_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n<title>pavise bench cpu</title>\n"
	"<style>\n"
	":root { color-scheme: light dark; --bar: #3b6ea5; --worse: #c0392b; --better: #2e7d4f;"
	" --line: #8888; }\n"
	"@media (prefers-color-scheme: dark) {\n"
	"	:root { --bar: #7fb0e6; --worse: #ff8a7a; --better: #7fd3a0; }\n}\n"
	"body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 56em;"
	" padding: 0 1em; }\n"
	"table { border-collapse: collapse; width: 100%; }\n"
	"th, td { text-align: right; padding: .15em .6em; border-bottom: 1px solid var(--line);"
	" font-variant-numeric: tabular-nums; }\n"
	"th:first-child, td:first-child, td:last-child { text-align: left; }\n"
	"svg { display: block; }\n"
	"rect { fill: var(--bar); }\nline { stroke: currentColor; stroke-width: 1; opacity: .4; }\n"
	".alone rect { opacity: .6; }\n"
	".worse { color: var(--worse); }\n.worse rect { fill: var(--worse); }\n"
	".better { color: var(--better); }\n.better rect { fill: var(--better); }\n"
	"</style>\n<h1>What crossings and operations cost</h1>\n";

static const char *class_of(uint64_t ratio)
{
	return ratio == BENCH_NONE ? "alone" :
	       ratio > 102         ? "worse" :
	       ratio < 98          ? "better" :
				     "same";
}

/* Digit by digit, base 2: the mathematical library would be loaded by every command. */
static double log_10(double x)
{
	double sum = 0;

	for (; x >= 10; x /= 10)
		sum++;
	for (double bit = 0.5; x > 1 && bit > 0.001; bit /= 2) {
		x *= x;
		if (x >= 10) {
			x /= 10;
			sum += bit;
		}
	}
	return sum;
}

/* Against the baseline the scale ends at twice of it; alone it is logarithmic. */
static void put_chart(const struct bench_row *r, FILE *out)
{
	uint64_t ratio = bench_ratio(r);
	double now = (double)r->cost[BENCH_NOW] / 100, part;

	fprintf(out, "<svg role=\"img\" width=\"%d\" height=\"16\"><title>", WIDTH);
	if (ratio != BENCH_NONE) {
		part = (double)ratio / 200;
		fprintf(out, "%s: %.2f of the baseline", r->name, (double)ratio / 100);
	} else {
		part = log_10(now) / DECADES;
		fprintf(out, "%s: %.0f", r->name, now);
	}
	fprintf(out, "</title><rect y=\"3\" height=\"10\" width=\"%.1f\"/>",
		part < 1 ? part * WIDTH : WIDTH);
	for (int i = 1, n = ratio != BENCH_NONE ? 2 : DECADES; i < n; i++)
		fprintf(out, "<line x1=\"%d\" x2=\"%d\" y1=\"0\" y2=\"16\"/>", WIDTH * i / n,
			WIDTH * i / n);
	fprintf(out, "</svg>");
}

static void put_cost(FILE *out, uint64_t cost, const char *unit)
{
	if (cost == BENCH_NONE)
		fprintf(out, "<td>-");
	else
		fprintf(out, "<td>%.0f %s", (double)cost / 100, unit);
}

void bench_put_html(const struct bench *b, FILE *out)
{
	fprintf(out,
		"%s<p>%s\nA bar shows the ratio to the baseline, which is the line in the"
		" middle; without one, the cost: each line stands for ten times the one before, "
		"from 10 on.</p>\n"
		"<table>\n<tr><th>operation<th>now<th>before<th>ratio<th></tr>\n",
		page_head, head(b));
	for (const struct bench_row *r = b->rows; r < b->rows + b->n; r++) {
		const char *unit = bench_unit(b, r);
		uint64_t ratio = bench_ratio(r);

		if (r->cost[BENCH_NOW] == BENCH_NONE)
			continue;
		unit = unit == b->unit ? "" : unit; /* which stands above */
		fprintf(out, "<tr class=\"%s\"><td>%s", class_of(ratio), r->name);
		put_cost(out, r->cost[BENCH_NOW], unit);
		put_cost(out, r->cost[BENCH_BEFORE], unit);
		if (ratio == BENCH_NONE)
			fprintf(out, "<td>-<td>");
		else
			fprintf(out, "<td>%.2f<td>", (double)ratio / 100);
		put_chart(r, out);
		fprintf(out, "</tr>\n");
	}
	fprintf(out, "</table>\n");
	if (put_names(b, out, "<p>Left out:", false))
		fprintf(out, ".</p>\n");
	if (put_names(b, out, "<p>In the baseline only:", true))
		fprintf(out, ".</p>\n");
}
