/* SPDX-License-Identifier: MIT */
/*
 * QEMU plugin: the longest run of the hypervisor without giving way: from its entry to its return to ring 3, or to
 * STI, which only its exit loop has. Counts from the first execution of address `after` on.
 *
 *	-plugin longest.so,out=FILE,after=ADDRESS[,over=INSTRUCTIONS][,except=ADDRESS]
 *
 * A run that comes by `except` (a debug key, which stops everything while it works) does not count.
 *
 * FILE, written anew at each record above a tenth of `over` (100000) and at the end: "longest <instructions>
 * <waiting>" and "block <address> <instructions>" of the longest run; "over <instructions> <address>" of each run
 * (the last 1,000) above the limit, with the block that it was in most; "runs <k> <number>": how many had 2^k
 * instructions and more. A repeated string instruction counts once a turn. Turns of loops that wait for another
 * processor (from one PAUSE to the next, TURN instructions at most) are counted apart: how many there are is the
 * emulator's doing, and what they wait for is a run of its own.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

EXPORT int qemu_plugin_version = 1;

enum { CPUS = 16, LOG = 1 << 20, CLASSES = 40, OVERS = 1000, TURN = 300 };

static struct block *blocks[BUCKETS];
static const char *path;
static uint64_t over = 100000, after, except;
static bool started;

/* Of each processor; only its own thread touches it. */
static struct cpu {
	uint64_t insns, waiting, runs[CLASSES];
	struct block **log; /* the blocks of this run; LOG at most */
	uint32_t logged;
	bool excepted;
	uint64_t paused_at; /* insns, at this run's last PAUSE; ~0: had none */
	uint32_t paused_logged;
} cpus[CPUS];

/* What is written, and the counts in the blocks. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	uint64_t insns, waiting;
	struct block **log;
	uint32_t logged;
} best;
static struct {
	uint64_t insns, va;
} overs[OVERS];
static uint64_t nr_overs;

static void *zalloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

static void count_blocks(struct block *const *log, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		log[i]->count = 0;
	for (uint32_t i = 0; i < n; i++)
		log[i]->count += log[i]->insns;
}

static void write_file(void)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return;
	fprintf(f, "longest %" PRIu64 " %" PRIu64 "\n", best.insns, best.waiting);
	count_blocks(best.log, best.logged);
	for (uint32_t i = 0; i < best.logged; i++) {
		struct block *b = best.log[i];

		if (b->count)
			fprintf(f, "block %016" PRIx64 " %" PRIu64 "\n", b->va, b->count);
		b->count = 0;
	}
	for (uint64_t i = nr_overs > OVERS ? nr_overs - OVERS : 0; i < nr_overs; i++)
		fprintf(f, "over %" PRIu64 " %016" PRIx64 "\n", overs[i % OVERS].insns,
			overs[i % OVERS].va);
	for (int k = 0; k < CLASSES; k++) {
		uint64_t n = 0;

		for (int i = 0; i < CPUS; i++)
			n += cpus[i].runs[k];
		if (n)
			fprintf(f, "runs %d %" PRIu64 "\n", k, n);
	}
	fclose(f);
}

/* A run to be told of. */
static void note_run(struct cpu *c)
{
	uint64_t va = 0, most = 0;

	pthread_mutex_lock(&lock);
	if (c->insns > over) {
		count_blocks(c->log, c->logged);
		for (uint32_t i = 0; i < c->logged; i++)
			if (c->log[i]->count > most) {
				most = c->log[i]->count;
				va = c->log[i]->va;
			}
		overs[nr_overs % OVERS].insns = c->insns;
		overs[nr_overs++ % OVERS].va = va;
	}
	if (c->insns > best.insns) {
		struct block **log = best.log;

		best.insns = c->insns;
		best.waiting = c->waiting;
		best.logged = c->logged;
		best.log = c->log;
		c->log = log ? log : zalloc(LOG * sizeof(*log));
		write_file();
	}
	pthread_mutex_unlock(&lock);
}

static void end_run(struct cpu *c)
{
	c->runs[63 - __builtin_clzll(c->insns)]++;
	if (c->excepted)
		c->excepted = false;
	else if (c->insns > over || (c->insns > over / 10 && c->insns > best.insns))
		note_run(c);
	c->insns = c->waiting = c->logged = 0;
	c->paused_at = ~0UL;
}

static void on_guest(unsigned cpu, void *unused)
{
	(void)unused;
	if (cpu < CPUS && cpus[cpu].insns)
		end_run(&cpus[cpu]);
}

static void on_except(unsigned cpu, void *unused)
{
	(void)unused;
	if (cpu < CPUS)
		cpus[cpu].excepted = true;
}

static void on_start(unsigned cpu, void *unused)
{
	(void)cpu, (void)unused;
	started = true;
}

static void on_hypervisor(unsigned cpu, void *data)
{
	struct block *b = data;

	if (!started || cpu >= CPUS)
		return;
	struct cpu *c = &cpus[cpu];

	if (b->waits) {
		if (c->paused_at != ~0UL && c->insns - c->paused_at <= TURN) {
			c->waiting += c->insns - c->paused_at;
			c->insns = c->paused_at;
			c->logged = c->paused_logged;
		}
		c->waiting += b->insns;
		c->paused_at = c->insns;
		c->paused_logged = c->logged;
		return;
	}
	if (!c->log)
		c->log = zalloc(LOG * sizeof(*c->log));
	c->insns += b->insns;
	if (c->logged < LOG)
		c->log[c->logged++] = b;
}

static void on_translate(plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t va = qemu_plugin_tb_vaddr(tb);
	uint32_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	if (!is_hypervisor(va)) {
		qemu_plugin_register_vcpu_tb_exec_cb(tb, on_guest, PLUGIN_CB_NO_REGS, NULL);
		return;
	}
	if (va == except)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, on_except, PLUGIN_CB_NO_REGS, NULL);
	if (va == after)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, on_start, PLUGIN_CB_NO_REGS, NULL);
	struct block *b = block_get(blocks, va, n, zalloc);

	for (uint32_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *byte = qemu_plugin_insn_data(insn);

		if (qemu_plugin_insn_size(insn) == 2 && byte[0] == 0xf3 && byte[1] == 0x90)
			b->waits = true;
		if (byte[0] == 0xfb)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_guest, PLUGIN_CB_NO_REGS,
							       NULL);
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_hypervisor, PLUGIN_CB_NO_REGS, b);
}

static void at_exit(plugin_id_t id, void *unused)
{
	(void)id, (void)unused;
	pthread_mutex_lock(&lock);
	write_file();
	pthread_mutex_unlock(&lock);
}

EXPORT int qemu_plugin_install(plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			path = strdup(argv[i] + 4);
		else if (!strncmp(argv[i], "over=", 5))
			over = strtoull(argv[i] + 5, NULL, 0);
		else if (!strncmp(argv[i], "except=", 7))
			except = strtoull(argv[i] + 7, NULL, 16);
		else if (!strncmp(argv[i], "after=", 6))
			after = strtoull(argv[i] + 6, NULL, 16);
	}
	if (!path)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
