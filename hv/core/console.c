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
#define LOG_NONE (LOG_ERR - 1)

/* Guests' messages: this many at once, then one every so many ns. */
#define GUEST_BURST 16
#define GUEST_PERIOD_NS 500000000UL
/* A guest's own lines: bytes at once, then 8 KiB a second. */
#define OUTPUT_BURST 32768UL
#define OUTPUT_NS_PER_BYTE (1000000000UL / 8192)

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

/*
 * May something that costs so many ns of an allowance be done now? The allowance fills with time,
 * to at most `depth`; *spent is the time up to which it is used. Time is shifted: it is full at the
 * start. [lock]
 */
static bool take(u64 *spent, u64 cost, u64 depth)
{
	u64 now = now_ns() + depth;

	*spent = MAX(*spent, now - depth);
	if (*spent + cost > now)
		return false;
	*spent += cost;
	return true;
}

/* About a guest: within the allowance. */
static void log_message(bool guest, int level, const char *fmt, va_list ap)
{
	char buf[MESSAGE_MAX], note[64];
	size_t len = hv_vsnprintf(buf, sizeof(buf), fmt, ap);

	if (len >= sizeof(buf)) {
		len = sizeof(buf) - 1;
		buf[len - 1] = '\n';
	}
	console_lock();
	if (guest && !take(&guest_tokens_from, GUEST_PERIOD_NS, GUEST_BURST * GUEST_PERIOD_NS)) {
		suppressed++;
	} else {
		if (guest && suppressed) {
			put_message(LOG_WARN, note,
				    hv_snprintf(note, sizeof(note),
						"%u messages about guests left out\n", suppressed));
			suppressed = 0;
		}
		put_message(level, buf, len);
	}
	console_unlock();
}

void log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if ((int)level <= log_threshold)
		log_message(false, level, fmt, ap);
	va_end(ap);
}

void guest_log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if ((int)level <= guest_threshold)
		log_message(true, level, fmt, ap);
	va_end(ap);
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

int console_set_level(const char *value, bool guest)
{
	static const char *const names[] = { "none", "error", "warning", "info", "debug", "all" };
	const char *slash = strchr(value, '/');

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(slash ? slash + 1 : value, names[i])) {
			*(guest ? &guest_threshold : &log_threshold) = LOG_NONE + (int)i;
			return 0;
		}
	return -EINVAL;
}

/* ---- guests' output ---- */

static void flush_line(struct domain *d)
{
	char head[16];

	if (take(&d->log_budget, d->console_len * OUTPUT_NS_PER_BYTE,
		 OUTPUT_BURST * OUTPUT_NS_PER_BYTE)) {
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

		if (c == '\n' || d->console_len >= sizeof(d->console_line))
			flush_line(d);
		if ((c >= ' ' && c <= '~') || c == '\t')
			d->console_line[d->console_len++] = c;
	}
	console_unlock();
}

/* ---- input ---- */

static void switch_input(void)
{
	const char *what;

	input_to_keys = !input_to_keys;
	what = input_to_keys ? "input goes to the hypervisor (h: help) until CTRL-A three times\n" :
			       "input goes to Domain-0\n";
	put_message(LOG_INFO, what, strlen(what));
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

static void help(void)
{
	const struct debug_key *k;

	for (k = __debug_keys_start; k < __debug_keys_end; k++)
		log_info("  %c  %s\n", k->key, k->help);
}
DEBUG_KEY('h', help, "this list");

void debug_key(char key)
{
	const struct debug_key *k;

	for (k = __debug_keys_start; k < __debug_keys_end; k++)
		if (k->key == key) {
			k->fn();
			return;
		}
	log_info("no debug key '%c': h lists them\n", key >= ' ' && key <= '~' ? key : '?');
}
