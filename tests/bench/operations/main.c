/* SPDX-License-Identifier: MIT */
/*
 * The operations of `pavise bench cpu` by themselves, in one small static program, which is the first process or any
 * other: "OPERATION name hundredths" for each, and OPERATIONS-DONE.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "cli/bench.h"

/* What is asked of bench_rows.c: names are new here, and right. */
struct bench_row *bench_row(struct bench *b, const char *name)
{
	struct bench_row *r = &b->rows[b->n++];

	snprintf(r->name, sizeof(r->name), "%s", name);
	return r;
}

/* A connection to oneself needs it. */
static void loopback_up(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo))
		perror("lo");
	close(fd);
}

int main(void)
{
	static struct bench b;

	loopback_up();
	bench_run_operations(&b);
	for (const struct bench_row *r = b.rows; r < b.rows + b.n; r++)
		printf("OPERATION %s %lld\n", r->name, (long long)r->cost[BENCH_NOW]);
	printf("OPERATIONS-DONE in %s\n", bench_clock());
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	return 0;
}
