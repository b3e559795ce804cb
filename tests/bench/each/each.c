/* SPDX-License-Identifier: MIT */
/*
 * Runs a command many times and says what each took: each NAME NUMBER COMMAND..., where each % of the
 * command is the time's number, from 1 on. One time ends where the next begins, so that what daemons do
 * afterwards counts. Prints "each NAME I NANOSECONDS" in the end, "each NAME I" on the way.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEP 50

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

static char *with_number(const char *word, int i)
{
	char *out;
	size_t n;
	FILE *f = open_memstream(&out, &n);

	for (; *word; word++) {
		if (*word == '%')
			fprintf(f, "%d", i);
		else
			fputc(*word, f);
	}
	fclose(f);
	return out;
}

static int run(char **command, int i)
{
	char *words[16] = { NULL };
	int status = -1;
	pid_t pid;

	for (int n = 0; n < 15 && command[n]; n++)
		words[n] = with_number(command[n], i);
	if (!posix_spawnp(&pid, words[0], NULL, NULL, words, environ))
		waitpid(pid, &status, 0);
	for (int n = 0; words[n]; n++)
		free(words[n]);
	return status;
}

int main(int argc, char **argv)
{
	int n = argc > 3 ? atoi(argv[2]) : 0;
	long *at = calloc((size_t)n + 1, sizeof(*at));

	setvbuf(stdout, NULL, _IOLBF, 0);
	at[0] = now();
	for (int i = 1; i <= n; i++) {
		if (run(argv + 3, i)) {
			printf("each %s %d failed\n", argv[1], i);
			return 1;
		}
		at[i] = now();
		if (!(i % STEP))
			printf("each %s %d\n", argv[1], i);
	}
	for (int i = 1; i <= n; i++)
		printf("each %s %d %ld\n", argv[1], i, at[i] - at[i - 1]);
	return 0;
}
