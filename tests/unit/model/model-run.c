/* SPDX-License-Identifier: MIT */
/*
 * The type engine against its model: model-run --steps N --seed S
 *
 * Ten million steps, as `scripts/test --full model` runs them, take two minutes and more.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run.h"

static u64 now_step, seed = 1, unruly_times;

noreturn_fn void fail(const char *fmt, ...)
{
	va_list ap;

	printf("seed %lu, step %lu: ", seed, now_step);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\nin %s by d%uv%u: %lx %lx %lx %lx\n%lu steps, 1 difference\n",
	       doing.kind < STEP_KINDS ? step_names[doing.kind] : "something else", doing.d,
	       doing.v, doing.a[0], doing.a[1], doing.a[2], doing.a[3], now_step);
	fflush(stdout);
	abort();
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void report(void)
{
	for (int k = 0; k < STEP_KINDS; k++)
		printf("%-20s %10lu done %10lu refused\n", step_names[k], outcomes[k].ok,
		       outcomes[k].refused);
}

/* A call that never succeeds, or is never refused, is not tested. */
static unsigned untested(u64 steps)
{
	unsigned bad = 0;

	for (int k = 0; steps >= 20000 && k < STEP_KINDS; k++) {
		if (outcomes[k].ok &&
		    (outcomes[k].refused || k == STEP_GUEST_WRITE || k == STEP_DEATH))
			continue;
		printf("%s: only one outcome\n", step_names[k]);
		bad++;
	}
	return bad;
}

static void model_init(void)
{
	for (u64 i = 0; i < FRAMES; i++)
		M.f[i] = (struct m_frame){ .owner = NOBODY, .device = i < FIRST_RAM, .m2p = ~0UL };
}

static void change_times(void)
{
	if (unruly)
		finish();
	unruly = !unruly;
	unruly_times += unruly;
}

int main(int argc, char **argv)
{
	u64 steps = 100000;
	double start = seconds();

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--steps"))
			steps = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 0);
		else
			return fprintf(stderr, "usage: %s [--steps N] [--seed S]\n", argv[0]), 2;
	}
	random_seed(seed);
	machine_init();
	model_init();
	for (now_step = 1; now_step <= steps; now_step++) {
		has_cmpxchg16b = now_step & 1; /* what the others do without it */
		step();
		if (unruly)
			check_audit(false);
		else
			check_all(now_step);
		if (now_step % 64 == 0)
			check_engines_audit();
		if (once_in(unruly ? 500 : 5000))
			change_times();
		if (now_step % 500000 == 0) {
			printf("%lu steps, %.0f a second\n", now_step,
			       now_step / (seconds() - start));
			fflush(stdout);
		}
	}
	unruly = true;
	finish();
	check_audit(true);
	report();
	printf("calls issued again %lu, abandoned %lu; unruly times %lu\n", calls_again,
	       calls_abandoned, unruly_times);
	if (untested(steps))
		return 1;
	printf("seed %lu, %.0f steps a second\n", seed, steps / (seconds() - start));
	printf("%lu steps, 0 differences\n", steps);
	return 0;
}
