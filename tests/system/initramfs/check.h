/* SPDX-License-Identifier: MIT */
/* What the checks that run inside the test machine share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Each check is one function, called in a process of its own. It returns if all is well, and calls
 * fail() if not; dying of a signal or taking too long is a failure, too. arg is what stood behind
 * the colon of its name on the command line, "" if nothing did.
 */
typedef void check_fn(const char *arg);

check_fn check_cpus, check_mem, check_hotplug, check_clock, check_dmesg;
check_fn check_disk, check_net;
check_fn check_fpu, check_signals, check_faults, check_ldt, check_debugreg, check_ioports;
check_fn check_forkstorm, check_mmapstress, check_compat32, check_textpatch;
check_fn check_balloon, check_evtchn, check_grants;

/* The hypervisor's free memory, in pages, to standard output: 0, 1 it does not say. */
int print_free_pages(void);

/* What the line of this check is to say; the last call counts. Any process of the check may call it. */
void detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends this process, and with it the check, as failed. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, with what errno says appended. */
_Noreturn void fail_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Waits for n children of this process and fails unless all of them exited with 0. */
void wait_children(int n);

int online_cpus(void);
void pin_to_cpu(int cpu);
uint64_t now_ns(void);

/* A number that depends on nothing but its argument. */
static inline uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x9e3779b97f4a7c15;
	x ^= x >> 29;
	return x;
}

/* A small sequence of pseudo-random numbers. */
static inline uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return *state >> 33;
}

/* The first line of a file, without its end; "" if it cannot be read. */
void read_line(const char *path, char *line, size_t size);
bool write_line(const char *path, const char *text);

/* The name of the driver of a device in sysfs, or of the nearest device above that has one of these names. */
bool has_driver(const char *sysfs, const char *driver);
