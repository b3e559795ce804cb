/* SPDX-License-Identifier: MIT */
/* From the first C line to the program and to the end of the domain; the command line. */
#include <stdarg.h>

#include "guest.h"

const struct start_info *si;
char guest_name[48] = PROGRAM;
bool privileged, oracle, may_die;

_Noreturn void guest_start(const struct start_info *info);

const char *arg(const char *key)
{
	const char *s = (const char *)si->cmd_line;
	size_t n = str_len(key);

	while (*s) {
		while (*s == ' ')
			s++;
		if (mem_same(s, key, n)) {
			if (s[n] == '=')
				return s + n + 1;
			if (s[n] == ' ' || !s[n])
				return "";
		}
		while (*s && *s != ' ')
			s++;
	}
	return NULL;
}

u64 arg_num(const char *key, u64 otherwise)
{
	const char *s = arg(key);
	u64 v = 0;

	if (!s || *s < '0' || *s > '9')
		return otherwise;
	while (*s >= '0' && *s <= '9')
		v = v * 10 + (u64)(*s++ - '0');
	return v;
}

_Noreturn void guest_shutdown(u32 reason)
{
	struct sched_shutdown s = { reason };

	console_flush();
	sched_op(SCHEDOP_shutdown, &s);
	for (;;)
		__asm__ volatile("ud2");
}

_Noreturn void guest_exit(void)
{
	u64 end = now() + 200 * MS;

	/* An ordinary domain may have used up its ration of output: let this line through. */
	while (!privileged && !arg("own-console") && now() < end)
		sched_op(SCHEDOP_yield, NULL);
	say("GUEST %s: DONE passed=%u failed=%u", guest_name, passed, failed);
	/*
	 * The oracle halts on a power-off and would keep the emulator; we run it with -no-reboot.
	 */
	guest_shutdown(oracle ? SHUTDOWN_reboot : SHUTDOWN_poweroff);
}

_Noreturn void die(const char *fmt, ...)
{
	char why[160];
	va_list ap;

	va_start(ap, fmt);
	vformat(why, sizeof(why), fmt, ap);
	va_end(ap);
	report(may_die, "died", "%s", why);
	say("GUEST %s: DONE passed=%u failed=%u", guest_name, passed, failed);
	guest_shutdown(SHUTDOWN_crash);
}

_Noreturn void guest_start(const struct start_info *info)
{
	const char *name;

	si = info;
	privileged = si->flags & SIF_PRIVILEGED;
	oracle = arg("oracle") != NULL;
	name = arg("name");
	for (unsigned i = 0; name && i < sizeof(guest_name) - 1; i++) {
		guest_name[i] = *name == ' ' ? 0 : *name;
		if (!guest_name[i])
			break;
		name++;
	}
	traps_init();
	events_init();
	if (arg("own-console"))
		console_own();
	vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL); /* a vCPU may start with a ticker */
	say("GUEST %s: START %s", guest_name, (const char *)si->cmd_line);
	test_main();
	guest_exit();
}
