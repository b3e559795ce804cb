/* SPDX-License-Identifier: MIT */
/* The machine's console: messages, their ring, guests' lines, where input goes. */

#include "core/console.h"

#include "core/arch.h"
#include "core/event.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"

#define RING_SIZE 65536u /* a power of two */
#define INPUT_SIZE 1024u
#define MESSAGE_MAX 512
#define SWITCH_CHAR 1 /* CTRL-A, three times */
#define LOG_NONE (-1)

/* Guests' messages: this many at once, then one every so many ns. */
#define GUEST_BURST 16
#define GUEST_PERIOD_NS 500000000UL
/* A guest's own lines: bytes at once, then bytes a second. */
#define OUTPUT_BURST 32768UL
#define OUTPUT_PER_SECOND 8192UL

static spinlock_t lock = SPINLOCK_INIT;
static bool forced; /* [a] the machine is going down: nobody waits for anybody */

static char ring[RING_SIZE]; /* [lock] */
static u64 ring_end;         /* [lock] bytes ever written; the last RING_SIZE are there */
static bool line_open;       /* [lock] the last message did not end its line */

static int log_threshold = LOG_INFO, guest_threshold = LOG_WARN; /* [a] */
static u64 guest_tokens_from; /* [lock] time up to which the allowance is spent */
static u32 suppressed;        /* [lock] messages dropped since the last one that was let through */

static char input[INPUT_SIZE];     /* [lock] */
static u32 input_head, input_tail; /* [lock] taken, put: counted on and on */
static u32 switch_count;           /* [lock] switch characters in a row */
static bool input_to_keys;         /* [lock] */

extern const struct debug_key __debug_keys_start[], __debug_keys_end[];

static void console_lock(void)
{
	if (!READ_ONCE(forced))
		spin_lock(&lock);
}

static void console_unlock(void)
{
	if (!READ_ONCE(forced))
		spin_unlock(&lock);
}

void console_force(void)
{
	WRITE_ONCE(forced, true);
}

/* ---- the log ---- */

static void put(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		ring[ring_end++ % RING_SIZE] = s[i];
	console_hw_write(s, len);
}

/* "[    1.234567] warning: " */
static size_t prefix(char *buf, size_t size, int level)
{
	static const char *const words[] = { "error: ", "warning: ", "", "debug: " };
	u64 us = now_ns() / 1000;

	return hv_snprintf(buf, size, "[%5lu.%06lu] %s", us / 1000000, us % 1000000, words[level]);
}

/* [lock] */
static void put_message(int level, const char *text, size_t len)
{
	char head[48];

	if (!line_open)
		put(head, prefix(head, sizeof(head), level));
	put(text, len);
	line_open = len && text[len - 1] != '\n';
}

static size_t format(char *buf, const char *fmt, va_list ap)
{
	int len = hv_vsnprintf(buf, MESSAGE_MAX, fmt, ap);

	if (len < MESSAGE_MAX)
		return len;
	buf[MESSAGE_MAX - 2] = '\n';
	return MESSAGE_MAX - 1;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	char buf[MESSAGE_MAX];
	va_list ap;
	size_t len;

	if ((int)level > log_threshold)
		return;
	va_start(ap, fmt);
	len = format(buf, fmt, ap);
	va_end(ap);
	console_lock();
	put_message(level, buf, len);
	console_unlock();
}

/*
 * A bucket of GUEST_BURST messages that fills with time. Its time is shifted: it is full at the
 * start. [lock]
 */
static bool guest_message_allowed(void)
{
	const u64 depth = GUEST_BURST * GUEST_PERIOD_NS;
	u64 now = now_ns() + depth;

	if (guest_tokens_from < now - depth)
		guest_tokens_from = now - depth;
	if (guest_tokens_from + GUEST_PERIOD_NS > now) {
		suppressed++;
		return false;
	}
	guest_tokens_from += GUEST_PERIOD_NS;
	return true;
}

void guest_log_at(enum log_level level, const char *fmt, ...)
{
	char buf[MESSAGE_MAX], note[64];
	va_list ap;
	size_t len;

	if ((int)level > guest_threshold)
		return;
	va_start(ap, fmt);
	len = format(buf, fmt, ap);
	va_end(ap);
	console_lock();
	if (guest_message_allowed()) {
		if (suppressed) {
			size_t n = hv_snprintf(note, sizeof(note),
					       "%u messages about guests left out\n", suppressed);
			suppressed = 0;
			put_message(LOG_WARN, note, n);
		}
		put_message(level, buf, len);
	}
	console_unlock();
}

size_t console_log_read(char *buf, size_t len, u64 *from)
{
	size_t n = 0;

	console_lock();
	if (*from + RING_SIZE < ring_end || *from > ring_end)
		*from = ring_end > RING_SIZE ? ring_end - RING_SIZE : 0;
	while (n < len && *from < ring_end)
		buf[n++] = ring[(*from)++ % RING_SIZE];
	console_unlock();
	return n;
}

/* ---- levels ---- */

static int level_of(const char *s, size_t n)
{
	static const struct {
		const char *name;
		int level;
	} names[] = { { "none", LOG_NONE }, { "error", LOG_ERR },   { "warning", LOG_WARN },
		      { "info", LOG_INFO }, { "debug", LOG_DEBUG }, { "all", LOG_DEBUG } };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i].name) == n && !strncmp(names[i].name, s, n))
			return names[i].level;
	return -2;
}

/* "shown/shown at most so often": here the second one, or the only one, is what is shown at all. */
static void set_level(const char *value, int *threshold, const char *option)
{
	const char *slash = value ? strchr(value, '/') : NULL;
	int level;

	if (!value)
		return;
	if (slash)
		value = slash + 1;
	level = level_of(value, strlen(value));
	if (level == -2)
		log_warn("%s=%s: give none, error, warning, info, debug or all\n", option, value);
	else
		*threshold = level;
}

void console_set_levels(const char *loglvl, const char *guest_loglvl)
{
	set_level(loglvl, &log_threshold, "loglvl");
	set_level(guest_loglvl, &guest_threshold, "guest_loglvl");
}

/* ---- guests' output ---- */

/* May d write len bytes now? log_budget is the time up to which its allowance is spent. [lock] */
static bool output_allowed(struct domain *d, size_t len)
{
	const u64 per_byte = 1000000000UL / OUTPUT_PER_SECOND, depth = OUTPUT_BURST * per_byte;
	u64 now = now_ns() + depth; /* shifted, so that the first seconds are no special case */

	if (d->log_budget < now - depth)
		d->log_budget = now - depth;
	if (d->log_budget + len * per_byte > now)
		return false;
	d->log_budget += len * per_byte;
	return true;
}

static void flush_line(struct domain *d)
{
	char head[16];

	if (output_allowed(d, d->console_len)) {
		if (line_open)
			put("\n", 1);
		line_open = false;
		put(head, hv_snprintf(head, sizeof(head), "(d%u) ", d->id));
		put(d->console_line, d->console_len);
		put("\n", 1);
	}
	d->console_len = 0;
}

void console_guest_write(struct domain *d, const char *buf, size_t len)
{
	size_t i;

	if (d->privileged) {
		console_lock();
		console_hw_write(buf, len);
		console_unlock();
		return;
	}
	if (guest_threshold < LOG_INFO)
		return;
	console_lock();
	for (i = 0; i < len; i++) {
		char c = buf[i];

		if (c == '\n' || d->console_len == sizeof(d->console_line))
			flush_line(d);
		if ((c >= ' ' && c <= '~') || c == '\t')
			d->console_line[d->console_len++] = c;
	}
	console_unlock();
}

/* ---- input ---- */

static void switch_input(void)
{
	static const char to_keys[] =
		"input goes to the hypervisor (h: help) until CTRL-A three times\n";
	static const char to_domain[] = "input goes to Domain-0\n";

	input_to_keys = !input_to_keys;
	if (input_to_keys)
		put_message(LOG_INFO, to_keys, sizeof(to_keys) - 1);
	else
		put_message(LOG_INFO, to_domain, sizeof(to_domain) - 1);
}

void console_input(char c)
{
	bool key = false, tell = false;

	console_lock();
	switch_count = c == SWITCH_CHAR ? switch_count + 1 : 0;
	if (switch_count == 3) {
		switch_count = 0;
		switch_input();
	} else if (input_to_keys) {
		key = c != SWITCH_CHAR;
	} else if (input_tail - input_head < INPUT_SIZE) {
		input[input_tail++ % INPUT_SIZE] = c;
		tell = true;
	}
	console_unlock();
	if (key)
		debug_key(c);
	if (tell)
		send_global_virq(VIRQ_CONSOLE);
}

size_t console_guest_read(char *buf, size_t len)
{
	size_t n = 0;

	console_lock();
	while (n < len && input_head != input_tail)
		buf[n++] = input[input_head++ % INPUT_SIZE];
	console_unlock();
	return n;
}

/* ---- debug keys ---- */

static void help(char key)
{
	const struct debug_key *k;

	(void)key;
	for (k = __debug_keys_start; k < __debug_keys_end; k++)
		log_info("  %c  %s\n", k->key, k->help);
}
DEBUG_KEY('h', help, "this list");

void debug_key(char key)
{
	const struct debug_key *k;

	for (k = __debug_keys_start; k < __debug_keys_end; k++)
		if (k->key == key) {
			k->fn(key);
			return;
		}
	log_info("no debug key '%c': h lists them\n", key >= ' ' && key <= '~' ? key : '?');
}
