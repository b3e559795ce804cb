/* SPDX-License-Identifier: MIT */
/* Load for a store: guests over rings, watches, conflicting transactions; prints rates. */

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "../toolstack/fakeguests.h"

/*
 *	storebench LIBRARY GUESTS WATCHES SECONDS -- DAEMON [WORD]...
 *
 * Each guest always has one request under way. The daemon's processor time for each request is
 * what is compared; wall time says as much about the load generator.
 */

enum phase { READ, WRITE, EVENT, TRANSACTION, PHASES };
static const char *const names[PHASES] = { "read", "write", "write+event", "transaction" };

static struct played p;
static unsigned int watches_each, seconds;

/* What each guest is at. */
static struct guest {
	uint32_t tx;
	int step; /* of a transaction */
	unsigned int round;
} * guests;
static unsigned long answers, events, done, conflicts, errors;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Processor seconds that the daemon has used. */
static double used(void)
{
	unsigned long user, kernel;
	char path[64];
	struct timespec t;
	clockid_t clock;
	FILE *f;

	if (!clock_getcpuclockid(p.daemon, &clock) && !clock_gettime(clock, &t))
		return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	snprintf(path, sizeof(path), "/proc/%d/stat", p.daemon);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%*d %*s %*s %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			 &kernel) != 2)
		errx(1, "the daemon has ended");
	fclose(f);
	return (double)(user + kernel) / 100;
}

static void ask(unsigned int g, uint32_t type, uint32_t tx, const char *a, const char *b, bool zero)
{
	char bytes[512];
	size_t n = strlen(a) + 1;

	memcpy(bytes, a, n);
	if (b) {
		memcpy(bytes + n, b, strlen(b));
		n += strlen(b);
		if (zero)
			bytes[n++] = '\0';
	}
	client_ask(&p.client[g], type, 1, tx, bytes, n);
	played_move(&p, g);
}

/* The next request of a guest. */
static void next(unsigned int g, enum phase phase)
{
	struct guest *me = &guests[g];
	char path[64], value[32];

	snprintf(value, sizeof(value), "value-%u", me->round++);
	switch (phase) {
	case READ:
		ask(g, XS_READ, 0, "data/a", NULL, false);
		return;
	case WRITE:
		snprintf(path, sizeof(path), "data/n%u", me->round % 20);
		ask(g, XS_WRITE, 0, path, value, false);
		return;
	case EVENT:
		ask(g, XS_WRITE, 0, "watched/0", value, false);
		return;
	default:
		break;
	}
	switch (me->step) {
	case 0:
		ask(g, XS_TRANSACTION_START, 0, "", NULL, false);
		return;
	case 1:
		ask(g, XS_READ, me->tx, "data/a", NULL, false);
		return;
	case 2:
		ask(g, XS_WRITE, me->tx, "data/a", value, false);
		return;
	case 3:
		/* One in eight guests works on what the others do, too. */
		if (g % 8 == 0)
			ask(g, XS_READ, me->tx, "/shared/counter", NULL, false);
		else
			ask(g, XS_DIRECTORY, me->tx, "data", NULL, false);
		return;
	case 4:
		if (g % 8 == 0)
			ask(g, XS_WRITE, me->tx, "/shared/counter", value, false);
		else
			ask(g, XS_WRITE, me->tx, "data/b", value, false);
		return;
	default:
		ask(g, XS_TRANSACTION_END, me->tx, "T", NULL, false);
		return;
	}
}

static void answered(unsigned int g, enum phase phase)
{
	struct xsd_sockmsg *head = client_head(&p.client[g]);
	const char *body = client_body(&p.client[g]);
	struct guest *me = &guests[g];

	answers++;
	if (head->type == XS_ERROR && strcmp(body, "EAGAIN")) {
		if (!errors++)
			fprintf(stderr, "guest %u: %s\n", g, body);
	}
	if (phase != TRANSACTION)
		return;
	if (me->step == 0)
		me->tx = (uint32_t)strtoul(body, NULL, 10);
	if (me->step == 5) {
		done++;
		conflicts += head->type == XS_ERROR;
	}
	me->step = (me->step + 1) % 6;
}

/* All messages of a guest. */
static bool take(unsigned int g, enum phase phase)
{
	bool answer = false;

	while (played_move(&p, g)) {
		if (client_head(&p.client[g])->type == XS_WATCH_EVENT) {
			events++;
		} else {
			answered(g, phase);
			answer = true;
		}
		client_done(&p.client[g]);
	}
	return answer;
}

static void run(enum phase phase)
{
	unsigned int busy = p.guests;
	double begin = now(), cpu = used(), end;
	bool stop = false;

	answers = events = done = conflicts = 0;
	for (unsigned int g = 1; g <= p.guests; g++)
		next(g, phase);
	while (busy) {
		int g = played_wait(&p, 5000);

		if (g < 0)
			errx(1, "no answer for five seconds, with %u requests under way", busy);
		stop |= now() - begin > seconds;
		if (!take((unsigned int)g, phase))
			continue;
		/* A transaction is brought to its end. */
		if (stop && (phase != TRANSACTION || !guests[g].step))
			busy--;
		else
			next((unsigned int)g, phase);
	}
	end = now();
	cpu = used() - cpu;
	printf("%-12s %9.0f /s %8.2f us", names[phase], (double)answers / (end - begin),
	       cpu * 1e6 / (double)answers);
	if (events)
		printf("  %lu events", events);
	if (done)
		printf("  %lu ended, %lu conflicts, %.2f us each that succeeded", done, conflicts,
		       cpu * 1e6 / (double)(done - conflicts));
	printf("\n");
}

/* Nodes and watches of every guest, and what they share. */
static void prepare(void)
{
	char answer[XENSTORE_PAYLOAD_MAX + 1], b[64];
	size_t n;

	played_ask(&p, 0, XS_WRITE, 0, "/shared/counter\0000", 17, answer, &n);
	n = (size_t)sprintf(b, "/shared/counter%cb0", 0) + 1;
	played_ask(&p, 0, XS_SET_PERMS, 0, b, n, answer, &n);
	for (unsigned int g = 1; g <= p.guests; g++) {
		played_ask(&p, g, XS_WRITE, 0, "data/a\0first", 12, answer, &n);
		played_ask(&p, g, XS_WRITE, 0, "data/b\0first", 12, answer, &n);
		for (unsigned int w = 0; w < watches_each; w++) {
			int len = sprintf(b, "watched/%u%ctoken%u", w, 0, w) + 1;

			if (played_ask(&p, g, XS_WATCH, 0, b, (size_t)len, answer, &n) != XS_WATCH)
				errx(1, "guest %u is refused watch %u: %s", g, w, answer);
		}
	}
}

int main(int argc, char **argv)
{
	double begin;

	if (argc < 7)
		errx(2, "usage: storebench LIBRARY GUESTS WATCHES SECONDS -- DAEMON [WORD]...");
	played_init(&p, (unsigned int)atoi(argv[2]));
	watches_each = (unsigned int)atoi(argv[3]) / p.guests;
	seconds = (unsigned int)atoi(argv[4]);
	guests = calloc(p.guests + 1, sizeof(*guests));
	begin = now();
	played_start(&p, argv[1], argv + 6);
	played_introduce(&p);
	prepare();
	for (unsigned int g = 0; g <= p.guests; g++) {
		while (played_move(&p, g))
			client_done(&p.client[g]);
	}
	printf("%u guests, %u watches: ready after %.2f s\n", p.guests, watches_each * p.guests,
	       now() - begin);
	for (int phase = 0; phase < PHASES; phase++)
		run((enum phase)phase);
	kill(p.daemon, SIGKILL);
	waitpid(p.daemon, NULL, 0);
	return errors != 0;
}
