/* SPDX-License-Identifier: MIT */
/* Starts a store on the machine of fakexen.h and plays its guests. */

#include "fakeguests.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>

void played_init(struct played *p, unsigned int guests)
{
	p->guests = guests;
	p->memory = memfd_create("machine", 0);
	p->to_daemon = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
	p->to_guests = eventfd(0, EFD_NONBLOCK);
	if (p->memory < 0 || p->to_daemon < 0 || p->to_guests < 0 ||
	    ftruncate(p->memory, sizeof(*p->machine)))
		err(1, "memory of the machine");
	p->machine =
		mmap(NULL, sizeof(*p->machine), PROT_READ | PROT_WRITE, MAP_SHARED, p->memory, 0);
	if (p->machine == MAP_FAILED)
		err(1, "memory of the machine");
	p->client = calloc(guests + 1, sizeof(*p->client));
	for (unsigned int g = 0; g <= guests; g++) {
		p->client[g].page = (struct xenstore_domain_interface *)p->machine->pages[g];
		p->machine->state[g] = 2;
	}
}

static void set(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	setenv(name, text, 1);
}

void played_start(struct played *p, const char *library, char *const words[])
{
	p->daemon = fork();
	if (p->daemon < 0)
		err(1, "fork");
	if (p->daemon)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	set("FAKEXEN_FD", p->memory);
	set("FAKEXEN_STORE", p->to_daemon);
	set("FAKEXEN_GUESTS", p->to_guests);
	setenv("LD_PRELOAD", library, 1);
	execvp(words[0], words);
	err(127, "%s", words[0]);
}

bool played_move(struct played *p, unsigned int guest)
{
	struct ring_client *c = &p->client[guest];
	bool there;

	client_push(c);
	there = client_pull(c);
	if (c->moved)
		fake_send(p->machine->to_daemon, p->to_daemon, guest + 1);
	c->moved = false;
	return there;
}

int played_wait(struct played *p, int milliseconds)
{
	struct pollfd fd = { .fd = p->to_guests, .events = POLLIN };
	uint64_t count;
	int port;

	/* The descriptor may tell of what was taken already. */
	while ((port = fake_take(p->machine->to_guests)) < 0) {
		if (poll(&fd, 1, milliseconds) <= 0 ||
		    read(p->to_guests, &count, sizeof(count)) < 0)
			return -1;
	}
	return port - 1;
}

uint32_t played_ask(struct played *p, unsigned int guest, uint32_t type, uint32_t tx,
		    const void *bytes, size_t len, char *answer, size_t *answer_len)
{
	struct ring_client *c = &p->client[guest];

	client_ask(c, type, 7, tx, bytes, len);
	for (int idle = 0; idle < 3000;) {
		if (!played_move(p, guest)) {
			idle += played_wait(p, 20) < 0;
			continue;
		}
		if (client_head(c)->type != XS_WATCH_EVENT) {
			uint32_t got = client_head(c)->type;

			*answer_len = client_head(c)->len;
			memcpy(answer, client_body(c), *answer_len + 1);
			client_done(c);
			return got;
		}
		client_done(c);
	}
	errx(1, "the store does not answer guest %u", guest);
}

static void must(struct played *p, uint32_t type, const void *bytes, size_t len)
{
	char answer[XENSTORE_PAYLOAD_MAX + 1];
	size_t n;

	if (played_ask(p, 0, type, 0, bytes, len, answer, &n) != type)
		errx(1, "domain 0 is refused %u %s: %s", type, (const char *)bytes, answer);
}

void played_introduce(struct played *p)
{
	char b[128];
	int n;

	for (unsigned int g = 1; g <= p->guests; g++) {
		n = sprintf(b, "/local/domain/%u", g) + 1;
		must(p, XS_MKDIR, b, (size_t)n);
		n += sprintf(b + n, "n%u", g) + 1;
		must(p, XS_SET_PERMS, b, (size_t)n);
		n = sprintf(b, "%u%c%u%c1", g, 0, 1000 + g, 0) + 1;
		must(p, XS_INTRODUCE, b, (size_t)n);
	}
}
