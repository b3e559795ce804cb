/* SPDX-License-Identifier: MIT */
/* A machine played on the host: guests' pages and event channels in memory that is shared. */

#ifndef FAKEXEN_H
#define FAKEXEN_H

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * A daemon runs with fakexen.so before its libxen* libraries; the test that started it plays the
 * guests. FAKEXEN_FD, FAKEXEN_STORE and FAKEXEN_GUESTS name the inherited descriptors: of the
 * memory, and of the eventfds that wake the daemon and the guests.
 */
#define FAKE_DOMAINS 1024
#define FAKE_VIRQ (FAKE_DOMAINS + 1) /* port d + 1 is domain d's */
#define FAKE_WORDS (FAKE_DOMAINS / 64 + 1)

struct fake_machine {
	uint8_t pages[FAKE_DOMAINS][4096];
	uint64_t to_daemon[FAKE_WORDS]; /* pending, by port */
	uint64_t to_guests[FAKE_WORDS];
	uint8_t state[FAKE_DOMAINS]; /* as domain_state() says */
};

static inline void fake_send(uint64_t *pending, int fd, unsigned int port)
{
	uint64_t bit = 1ull << port % 64, one = 1;

	if (!(__atomic_fetch_or(&pending[port / 64], bit, __ATOMIC_SEQ_CST) & bit) &&
	    write(fd, &one, sizeof(one)) < 0)
		_exit(111);
}

/* A pending port, no longer pending; or -1. */
static inline int fake_take(uint64_t *pending)
{
	for (int w = 0; w < FAKE_WORDS; w++) {
		uint64_t word = __atomic_load_n(&pending[w], __ATOMIC_SEQ_CST);

		if (word) {
			int bit = __builtin_ctzll(word);

			__atomic_fetch_and(&pending[w], ~(1ull << bit), __ATOMIC_SEQ_CST);
			return w * 64 + bit;
		}
	}
	return -1;
}

#endif /* FAKEXEN_H */
