/* SPDX-License-Identifier: MIT */
/* The machine's console: log, ring, input switching, debug keys. */
#ifndef CORE_CONSOLE_H
#define CORE_CONSOLE_H

#include "core/domain.h"

/*
 * A guest's line output (CONSOLEIO_write): prefixed "(dN) " unless it is the privileged domain's.
 */
void console_guest_write(struct domain *d, const char *buf, size_t len);
/* One byte from the serial line: to the privileged domain's input ring (VIRQ_CONSOLE), or, after
 * three CTRL-A, to the debug keys. */
void console_input(char c);
/* CONSOLEIO_read: take up to len bytes; returns how many. */
size_t console_guest_read(char *buf, size_t len);
/* Copy of the log from absolute position *from (updated); XEN_SYSCTL_readconsole and dmesg. */
size_t console_log_read(char *buf, size_t len, u64 *from);

/* Emergency: from now on messages go straight out, locks are ignored. */
void console_force(void);

/* Debug keys register themselves in a linker section. */
struct debug_key {
	char key;
	const char *help;
	void (*fn)(void);
};
#define DEBUG_KEY(k, fn_, help_)                                                                   \
	static const struct debug_key debug_key_##fn_                                              \
		__attribute__((used, section(".debug_keys"), aligned(8))) = { k, help_, fn_ }
void debug_key(char key);

/*
 * loglvl= and guest_loglvl=, "always/rate limited" as the published options write them: only the second counts, or
 * the only one. Guests are limited, we are not. 0, -EINVAL: no such level.
 */
int console_set_level(const char *value, bool guest);

#endif
