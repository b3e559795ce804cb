/* SPDX-License-Identifier: MIT */
/* pavise bench: rows of costs, where they come from, how they are shown. */

#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "session.h"

#define BENCH_ROWS 128
#define BENCH_NONE UINT64_MAX

enum bench_when { BENCH_NOW, BENCH_BEFORE, BENCH_TIMES };

/* Hundredths of the unit for one operation, or BENCH_NONE; neither known: it was left out. */
struct bench_row {
	char name[32];
	uint64_t cost[BENCH_TIMES];
};

struct bench {
	char unit[16]; /* what the clock counts; "": not known yet */
	struct bench_row rows[BENCH_ROWS];
	unsigned int n;
};

/* The row of that name, which is made if it isn't there. NULL: it is no name, or there are too many. */
struct bench_row *bench_row(struct bench *b, const char *name);
/* Of what it cost before, in hundredths; or BENCH_NONE. */
uint64_t bench_ratio(const struct bench_row *r);
/* Its own unit where its name says one, or the clock's. */
const char *bench_unit(const struct bench *b, const struct bench_row *r);

/* Reads what bench_put_rows() wrote. Failures name lines of it. */
bool bench_read(struct bench *b, const char *path, enum bench_when when, struct failure *f);
/* Whole, or the file is as it was. */
bool bench_write(const struct bench *b, const char *path,
		 void (*put)(const struct bench *b, FILE *out), struct failure *f);
void bench_put_rows(const struct bench *b, FILE *out);
void bench_put_table(const struct bench *b, FILE *out);
void bench_put_html(const struct bench *b, FILE *out);

/* What the guest has said. */
struct bench_guest {
	char name[40]; /* what came before its first line is another's */
	bool begun, done;
	unsigned int rows;
	char died[160]; /* why; "": it has not */
};
void bench_line(struct bench *b, struct bench_guest *g, const char *line);

/* Makes a domain of that kernel, takes its rows, ends it. A signal that asks for the end waits for that. */
bool bench_run_guest(struct session *se, struct bench *b, const char *kernel);
/* What the kernel does that this process runs on. */
void bench_run_operations(struct bench *b);
/* "instructions" where the TSC counts them, as an emulator's can; else "cycles". */
const char *bench_clock(void);

#endif /* CLI_BENCH_H */
