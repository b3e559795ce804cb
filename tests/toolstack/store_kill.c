/* SPDX-License-Identifier: MIT */
/* Kills the store at random moments while guests work: each request is done once, answered once. */

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "fakeguests.h"

/* store_kill LIBRARY KILLS -- DAEMON [WORD]... ; the last line is "N passed, N failed". */

#define GUESTS 24
#define COUNTERS 4

enum step { WRITE, READ, START, TX_READ, TX_WRITE, END, STEPS };

static struct played p;
static struct guest {
	enum step step;
	uint32_t id, tx, type; /* of the request under way */
	unsigned int round, counter;
	unsigned int events;
	bool coming; /* domain 0's: it introduces and releases one */
} guests[GUESTS + 1];
static unsigned long committed[COUNTERS], requests, again;

static void ask(unsigned int g, uint32_t type, uint32_t tx, const char *a, const char *b)
{
	struct guest *me = &guests[g];
	char bytes[128];
	size_t n = (size_t)sprintf(bytes, "%s", a) + 1;

	if (b)
		n += (size_t)sprintf(bytes + n, "%s", b);
	me->type = type;
	client_ask(&p.client[g], type, ++me->id, tx, bytes, n);
}

static void next(unsigned int g)
{
	struct guest *me = &guests[g];
	char path[32], counter[32], value[32];

	sprintf(path, "data/k%u", me->round % 10);
	sprintf(counter, "/shared/c%u", g % COUNTERS);
	sprintf(value, "%u", me->step == TX_WRITE ? me->counter + 1 : me->round);
	requests++;
	switch (me->step) {
	case WRITE:
		ask(g, XS_WRITE, 0, path, value);
		break;
	case READ:
		ask(g, XS_READ, 0, path, NULL);
		break;
	case START:
		ask(g, XS_TRANSACTION_START, 0, "", NULL);
		break;
	case TX_READ:
		ask(g, XS_READ, me->tx, counter, NULL);
		break;
	case TX_WRITE:
		ask(g, XS_WRITE, me->tx, counter, value);
		break;
	default:
		ask(g, XS_TRANSACTION_END, me->tx, "T", NULL);
		break;
	}
	played_move(&p, g);
}

/* Domain 0 lets a guest come and go. */
static void next_of_0(void)
{
	char words[64];
	size_t n = (size_t)sprintf(words, "%u%c7%c1", GUESTS + 1, 0, 0) + 1;
	struct guest *me = &guests[0];

	me->coming = !me->coming;
	me->type = me->coming ? XS_INTRODUCE : XS_RELEASE;
	client_ask(&p.client[0], me->type, ++me->id, 0, words, me->coming ? n : 3);
	played_move(&p, 0);
}

static void answered(unsigned int g)
{
	struct xsd_sockmsg *head = client_head(&p.client[g]);
	const char *body = client_body(&p.client[g]);
	struct guest *me = &guests[g];
	bool conflict = me->step == END && head->type == XS_ERROR && !strcmp(body, "EAGAIN");

	if (head->req_id != me->id)
		errx(1, "guest %u: answer to request %u instead of %u", g, head->req_id, me->id);
	if (head->type != me->type && !conflict)
		errx(1, "guest %u: step %d is answered %u %s", g, me->step, head->type, body);
	if (g == 0)
		return;
	if (me->step == READ && (unsigned int)atoi(body) != me->round)
		errx(1, "guest %u: wrote %u, reads %s", g, me->round, body);
	if (me->step == START)
		me->tx = (uint32_t)atoi(body);
	if (me->step == TX_READ)
		me->counter = (unsigned int)atoi(body);
	if (me->step == END) {
		committed[g % COUNTERS] += !conflict;
		again += conflict;
		me->round++;
	}
	me->step = (me->step + 1) % STEPS;
}

/* Takes a guest's messages; true: its answer was among them. */
static bool take(unsigned int g)
{
	bool answer = false;

	while (played_move(&p, g)) {
		if (client_head(&p.client[g])->type == XS_WATCH_EVENT) {
			guests[g].events++;
		} else {
			answered(g);
			answer = true;
		}
		client_done(&p.client[g]);
	}
	return answer;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void prepare(void)
{
	char answer[XENSTORE_PAYLOAD_MAX + 1], b[64];
	size_t n;

	played_introduce(&p);
	p.machine->state[GUESTS + 1] = 2;
	for (int c = 0; c < COUNTERS; c++) {
		n = (size_t)sprintf(b, "/shared/c%d%c0", c, 0);
		played_ask(&p, 0, XS_WRITE, 0, b, n, answer, &n);
		n = (size_t)sprintf(b, "/shared/c%d%cb0", c, 0) + 1;
		played_ask(&p, 0, XS_SET_PERMS, 0, b, n, answer, &n);
	}
	for (unsigned int g = 1; g <= GUESTS; g++)
		played_ask(&p, g, XS_WATCH, 0, "data\0t", 7, answer, &n);
}

static int verify(void)
{
	char answer[XENSTORE_PAYLOAD_MAX + 1], b[64];
	int failed = 0;
	size_t n;

	for (int c = 0; c < COUNTERS; c++) {
		n = (size_t)sprintf(b, "/shared/c%d", c) + 1;
		played_ask(&p, 0, XS_READ, 0, b, n, answer, &n);
		if (strtoul(answer, NULL, 10) != committed[c]) {
			printf("FAIL counter %d is %s after %lu transactions that succeeded\n", c,
			       answer, committed[c]);
			failed++;
		}
	}
	for (unsigned int g = 1; g <= GUESTS; g++) {
		/* One for the watch, one for each write: an event lost or doubled shows. */
		if (guests[g].events != guests[g].round + 1) {
			printf("FAIL guest %u: %u events for %u writes\n", g, guests[g].events,
			       guests[g].round);
			failed++;
		}
	}
	return failed;
}

int main(int argc, char **argv)
{
	int kills, killed = 0, failed;
	unsigned int busy;
	double next_kill;

	if (argc < 5)
		errx(2, "usage: store_kill LIBRARY KILLS -- DAEMON [WORD]...");
	kills = atoi(argv[2]);
	for (int i = 5; i < argc; i++) {
		if (!strncmp(argv[i], "--journal=", 10))
			unlink(argv[i] + 10); /* an earlier run's */
	}
	srand((unsigned int)time(NULL));
	played_init(&p, GUESTS);
	played_start(&p, argv[1], argv + 4);
	prepare();
	next_of_0();
	for (unsigned int g = 1; g <= GUESTS; g++)
		next(g);
	next_kill = now();
	for (busy = GUESTS + 1; busy;) {
		int g = played_wait(&p, 1);

		if (killed < kills && now() > next_kill) {
			kill(p.daemon, SIGKILL);
			waitpid(p.daemon, NULL, 0);
			killed++;
			played_start(&p, argv[1], argv + 4);
			next_kill = now() + 0.01 + rand() % 30000 / 1e6;
		}
		if (now() > next_kill + 60)
			errx(1, "the store hangs: %u requests are without an answer", busy);
		if (g < 0 || g > GUESTS || !take((unsigned int)g))
			continue;
		if (killed >= kills && (g == 0 || guests[g].step == WRITE))
			busy--;
		else if (g == 0)
			next_of_0();
		else
			next((unsigned int)g);
	}
	/* What is still on its way. */
	for (int g; (g = played_wait(&p, 200)) >= 0;) {
		if (g <= GUESTS)
			take((unsigned int)g);
	}
	failed = verify();
	kill(p.daemon, SIGKILL);
	waitpid(p.daemon, NULL, 0);
	printf("%d kills, %lu requests, %lu transactions done again\n%d passed, %d failed\n",
	       killed, requests, again, COUNTERS + GUESTS - failed, failed);
	return failed != 0;
}
