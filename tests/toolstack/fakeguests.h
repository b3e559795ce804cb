/* SPDX-License-Identifier: MIT */
/* Starts a store on the machine of fakexen.h and plays its guests. */

#ifndef FAKEGUESTS_H
#define FAKEGUESTS_H

#include <sys/types.h>

#include "fakexen.h"
#include "ringclient.h"

struct played {
	struct fake_machine *machine;
	int memory, to_daemon, to_guests;
	unsigned int guests; /* 1 to N, and domain 0 */
	struct ring_client *client;
	pid_t daemon;
};

/* Memory and descriptors; guests run, with empty rings. Ends the program on errors. */
void played_init(struct played *p, unsigned int guests);
/* Starts the daemon (words as for execvp) with the library before its own. */
void played_start(struct played *p, const char *library, char *const words[]);
/* Moves bytes both ways for one guest and tells the daemon; true: a message is there. */
bool played_move(struct played *p, unsigned int guest);
/* Waits for an event of any guest, at most that long: its number, or -1. */
int played_wait(struct played *p, int milliseconds);
/* Asks over the ring and waits for the answer, leaving out events: its type. */
uint32_t played_ask(struct played *p, unsigned int guest, uint32_t type, uint32_t tx,
		    const void *bytes, size_t len, char *answer, size_t *answer_len);
/* Domain 0 makes the guests' homes and introduces them. */
void played_introduce(struct played *p);

#endif /* FAKEGUESTS_H */
