/* SPDX-License-Identifier: MIT */
/* pavise bench: what a guest says, files of rows, the page. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench.h"

static struct bench b;
static struct failure f;

static uint64_t cost_of(const char *name, enum bench_when when)
{
	unsigned int n = b.n;
	struct bench_row *r = bench_row(&b, name);

	cr_assert(r && b.n == n, "no row %s", name);
	return r->cost[when];
}

/* A file with this text, read; its path is static. */
static bool read_text(const char *text, enum bench_when when)
{
	static char path[] = "/tmp/test-bench-XXXXXX";
	int fd;
	bool good;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	good = bench_read(&b, path, when, &f);
	unlink(path);
	return good;
}

Test(bench, rows_of_this_guest_count)
{
	static const char *const lines[] = { "BENCH null_call 6400 2000",
					     "GUEST other: START name=other",
					     "GUEST one-more: START name=one",
					     "BENCH yield 100 1",
					     "GUEST one: START name=one own-console",
					     "BENCH null_call 6512 2000",
					     "BENCH loop 200",
					     "BENCH-LEFT-OUT event_of_10",
					     "BENCH Bad-Name 100 1",
					     "BENCH nothing",
					     "BENCH large 99999999999999999999 1",
					     "",
					     "GUEST other: DONE passed=0 failed=0" };
	struct bench_guest g = { .name = "one" };

	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		bench_line(&b, &g, lines[i]);
	cr_expect_eq(b.n, 3);
	cr_expect_eq(g.rows, 2);
	cr_expect_eq(cost_of("null_call", BENCH_NOW), 6512);
	cr_expect_eq(cost_of("loop", BENCH_NOW), 200);
	cr_expect_eq(cost_of("event_of_10", BENCH_NOW), BENCH_NONE);
	cr_expect(g.begun && !g.done);
	bench_line(&b, &g, "GUEST one: FAIL died: no ports");
	bench_line(&b, &g, "GUEST one: DONE passed=0 failed=1");
	cr_expect(g.done);
	cr_expect_str_eq(g.died, "no ports");
}

Test(bench, more_rows_than_there_is_room_for)
{
	struct bench_guest g = { .name = "one", .begun = true };
	char line[64];

	for (int i = 0; i < BENCH_ROWS + 10; i++) {
		snprintf(line, sizeof(line), "BENCH row_%d 100 1", i);
		bench_line(&b, &g, line);
	}
	cr_expect_eq(b.n, BENCH_ROWS);
}

Test(bench, ratio_to_a_baseline_with_other_rows)
{
	cr_assert(read_text("# any\nunit cycles\na 64.00\nb 10\nonly_now 3.5\n", BENCH_NOW));
	cr_assert(read_text("unit cycles\nb 0.00\na 32\nonly_before 7\n", BENCH_BEFORE), "%s",
		  f.text);
	cr_expect_eq(b.n, 4);
	cr_expect_eq(bench_ratio(bench_row(&b, "a")), 200);
	cr_expect_eq(bench_ratio(bench_row(&b, "b")), BENCH_NONE);
	cr_expect_eq(bench_ratio(bench_row(&b, "only_now")), BENCH_NONE);
	cr_expect_eq(cost_of("only_before", BENCH_NOW), BENCH_NONE);
	cr_expect_eq(cost_of("only_before", BENCH_BEFORE), 700);
}

Test(bench, damaged_files)
{
	static const struct {
		const char *text;
		int line;
		enum config_class code;
	} wrong[] = {
		{ "", 0, CONFIG_SYNTAX },
		{ "unit cycles\n", 0, CONFIG_SYNTAX },
		{ "a 1\n", 1, CONFIG_SYNTAX },
		{ "unit <b>\na 1\n", 1, CONFIG_SYNTAX },
		{ "unit cycles\na 1\na 1\n", 3, CONFIG_SYNTAX },
		{ "unit cycles\na 1\nb 6", 3, CONFIG_SYNTAX }, /* cut: it may have been 64.00 */
		{ "unit cycles\na 1 2\n", 2, CONFIG_SYNTAX },
		{ "unit cycles\na -1\n", 2, CONFIG_SYNTAX },
		{ "unit cycles\na nan\n", 2, CONFIG_SYNTAX },
		{ "unit cycles\na inf\n", 2, CONFIG_SYNTAX },
		{ "unit cycles\nA 1\n", 2, CONFIG_SYNTAX },
		{ "unit cycles\na 1\n\x7f"
		  "ELF\n",
		  3, CONFIG_SYNTAX },
		{ "unit cycles\na_name_that_is_longer_than_any_row 1\n", 2, CONFIG_SYNTAX },
		{ "unit instructions\na 1\n", 1, CONFIG_CONFLICT },
	};

	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		b = (struct bench){ .unit = "cycles" };
		f = (struct failure){ 0 };
		cr_expect(!read_text(wrong[i].text, BENCH_BEFORE), "%u", i);
		cr_expect_eq((int)f.code, (int)wrong[i].code, "%u: %s", i, f.text);
		cr_expect_eq(f.line, wrong[i].line, "%u: %d %s", i, f.line, f.text);
	}
	f = (struct failure){ 0 };
	cr_expect(!bench_read(&b, "/absent/file", BENCH_BEFORE, &f));
	cr_expect_eq((int)f.code, CONFIG_FILE);
}

Test(bench, what_is_written_reads_back)
{
	char folder[] = "/tmp/test-bench-XXXXXX", path[64], line[128];
	FILE *in;
	bool page = false;

	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/rows", folder);
	cr_assert(read_text("unit cycles\na 64.25\nb_bytes_of_10 10\n", BENCH_NOW));
	cr_expect_str_eq(bench_unit(&b, bench_row(&b, "b_bytes_of_10")), "bytes");
	bench_row(&b, "left_out");
	cr_assert(bench_write(&b, path, bench_put_rows, &f));
	cr_assert(bench_read(&b, path, BENCH_BEFORE, &f), "%s", f.text);
	cr_expect_eq(cost_of("a", BENCH_BEFORE), 6425);
	cr_expect_eq(cost_of("left_out", BENCH_BEFORE), BENCH_NONE);
	cr_assert(bench_write(&b, path, bench_put_html, &f));
	in = fopen(path, "r");
	while (fgets(line, sizeof(line), in)) {
		page |= strstr(line, "<td>1.00<td><svg") != NULL;
		cr_expect(!strstr(line, "http") && !strstr(line, "src="), "%s", line);
	}
	fclose(in);
	cr_expect(page);
	unlink(path);
	rmdir(folder);
	cr_expect(!bench_write(&b, path, bench_put_rows, &f));
	cr_expect_eq((int)f.code, FAIL_REFUSED);
}
