/* SPDX-License-Identifier: MIT */
/* The attacking guest: which attacks to run. */
#include "attack.h"

u64 other_frame(void)
{
	return foreign_mfn();
}

static bool named(const char *want, const char *name)
{
	size_t n = str_len(name);

	return mem_same(want, name, n) && (want[n] == ' ' || !want[n]);
}

static void run(const struct attack *t)
{
	const char *only = arg("only");

	for (; t->name; t++) {
		if (only && !named(only, t->name))
			continue;
		t->fn();
		if (version_op(XENVER_version, NULL) < 0)
			die("%s broke the calls", t->name);
		report(true, t->name, "the guest lives");
	}
}

void test_main(void)
{
	const char *one = arg("one"), *role = arg("role");

	if (role) {
		if (named(role, "victim"))
			peer_victim();
		else if (named(role, "state"))
			state_main();
		else if (named(role, "race"))
			race_main();
		else
			peer_thief();
		return;
	}
	if (one) {
		for (const struct attack *t = alone; t->name; t++)
			if (named(one, t->name)) {
				say("GUEST %s: MAY-DIE %s", guest_name, t->name);
				may_die = true;
				t->fn();
				report(true, t->name, "it was refused");
				return;
			}
		report(false, one, "no such attack");
		return;
	}
	run(table_attacks);
	run(entry_attacks);
	run(other_attacks);
	run(long_attacks);
}
