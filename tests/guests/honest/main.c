/* SPDX-License-Identifier: MIT */
/*
 * A guest that does everything the interface offers, as it is meant, and looks at what comes
 * back.
 */
#include "honest.h"

static const struct {
	const char *name;
	void (*run)(void);
} areas[] = {
	{ "calls", test_calls },
	{ "mmu_update", test_mmu_update },
	{ "mmuext", test_mmuext },
	{ "ptwr", test_emulated_ptes },
	{ "descriptors", test_descriptors },
	{ "exceptions", test_exceptions },
	{ "iret", test_iret },
	{ "user", test_user },
	{ "privileged", test_privileged },
	{ "debug", test_debug },
	{ "events", test_events },
	{ "time", test_time },
	{ "sched", test_sched },
	{ "memory", test_memory },
	{ "grants", test_grants },
	{ "vcpu", test_vcpu },
	{ "moved", test_moved },
	{ "platform", test_platform },
	{ "physdev", test_physdev },
	{ "control", test_control },
	{ "fifo", test_fifo },
};

/* Argument "only=<area>" runs one area. */
void test_main(void)
{
	const char *only = arg("only");
	bool any = false;

	for (unsigned i = 0; i < ARRAY_SIZE(areas); i++) {
		if (only && !mem_same(only, areas[i].name, str_len(areas[i].name)))
			continue;
		areas[i].run();
		any = true;
	}
	check(any, "only= names an area");
}
