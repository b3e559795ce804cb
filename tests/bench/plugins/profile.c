/* SPDX-License-Identifier: MIT */
/*
 * QEMU plugin: counts instructions by translated block from power-on to the first instruction of
 * the first process, writes the counts and ends the emulator there.
 *
 * -plugin profile.so,out=FILE[,phase=NAME:ADDRESS...][,end=exit][,marks=on]
 *
 * One line a block: <address> <instructions run> <phase>. Phases: start; each NAME from the first
 * execution of its address, that of a function; kernel from the first instruction of the kernel;
 * with end=exit, which goes on until the machine stops, user from the first process on. With
 * marks=on, which implies end=exit, phases are what the guest says: three NOPs of 8 bytes, 0f 1f 84
 * 24 and a number each: MARK_MAGIC, any even number N, and 0 where the phase N begins or 1 where it
 * ends; what lies outside goes to the phase "outside". For -smp 1: the counters are not atomic. A
 * repeated string instruction counts once a turn.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin.h"

EXPORT int qemu_plugin_version = 1;

static struct block *blocks[BUCKETS];
static FILE *out;
static bool kernel_seen, init_seen, to_exit, by_marks;
static const char *phase = "start";
static struct phase {
	uint64_t va;
	const char *name;
} phases[8];
static int nr_phases;

#define MARK_MAGIC 0x4d425648u

static void *zalloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

/* Write what was counted so far and begin again from zero, in another phase. */
static void dump(const char *next)
{
	for (int i = 0; i < BUCKETS; i++)
		for (struct block *b = blocks[i]; b; b = b->next) {
			if (b->count)
				fprintf(out, "%016" PRIx64 " %" PRIu64 " %s\n", b->va, b->count,
					phase);
			b->count = 0;
		}
	fflush(out);
	phase = next;
}

static void on_phase(unsigned cpu, void *data)
{
	struct phase *p = data;

	(void)cpu;
	if (p->va)
		dump(p->name);
	p->va = 0;
}

static void on_kernel(unsigned cpu, void *unused)
{
	(void)cpu, (void)unused;
	if (kernel_seen)
		return;
	kernel_seen = true;
	dump("kernel");
}

/*
 * The first process is the first thing to run at low addresses once the kernel runs at high ones.
 */
static void on_low(unsigned cpu, void *unused)
{
	(void)cpu, (void)unused;
	if (!kernel_seen || init_seen)
		return;
	init_seen = true;
	dump("user");
	if (!to_exit)
		_exit(0);
}

/* data: the number of the phase, and in bit 0 whether it ends. */
static void on_mark(unsigned cpu, void *data)
{
	static char name[16];
	uint32_t mark = (uintptr_t)data;

	(void)cpu;
	dump(phase);
	phase = name;
	if (mark & 1)
		strcpy(name, "outside");
	else
		snprintf(name, sizeof(name), "%08x", mark);
}

/* The number that a NOP carries, or 0: it is no such NOP. */
static uint32_t mark_word(struct qemu_plugin_insn *insn)
{
	const uint8_t *code = qemu_plugin_insn_data(insn);
	uint32_t word = 0;

	if (qemu_plugin_insn_size(insn) == 8 && !memcmp(code, "\x0f\x1f\x84\x24", 4))
		memcpy(&word, code + 4, 4);
	return word;
}

/* A marker lies within one block, since it does not jump. */
static void find_marks(struct qemu_plugin_tb *tb, uint32_t n)
{
	for (uint32_t i = 2; i < n; i++) {
		struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, i);
		uint32_t id = mark_word(qemu_plugin_tb_get_insn(tb, i - 1));

		if (mark_word(qemu_plugin_tb_get_insn(tb, i - 2)) == MARK_MAGIC && id)
			qemu_plugin_register_vcpu_insn_exec_cb(
				last, on_mark, PLUGIN_CB_NO_REGS,
				(void *)(uintptr_t)(id | (mark_word(last) & 1)));
	}
}

static void on_translate(plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t va = qemu_plugin_tb_vaddr(tb);
	uint32_t n = qemu_plugin_tb_n_insns(tb);
	struct block *b = block_get(blocks, va, n, zalloc);

	(void)id;
	if (by_marks)
		find_marks(tb, n);
	else if (is_kernel(va) && !kernel_seen)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, on_kernel, PLUGIN_CB_NO_REGS, NULL);
	else if (!(va >> 47) && kernel_seen && !init_seen)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, on_low, PLUGIN_CB_NO_REGS, NULL);
	for (int i = 0; i < nr_phases; i++)
		if (phases[i].va == va)
			qemu_plugin_register_vcpu_tb_exec_cb(tb, on_phase, PLUGIN_CB_NO_REGS,
							     &phases[i]);
	qemu_plugin_register_vcpu_tb_exec_inline(tb, PLUGIN_INLINE_ADD_U64, &b->count, n);
}

static void add_phase(const char *arg)
{
	const char *colon = strchr(arg, ':');

	if (colon && nr_phases < 8)
		phases[nr_phases++] =
			(struct phase){ strtoull(colon + 1, NULL, 16), strndup(arg, colon - arg) };
}

static void at_exit(plugin_id_t id, void *unused)
{
	(void)id, (void)unused;
	dump("");
}

EXPORT int qemu_plugin_install(plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
		else if (!strncmp(argv[i], "phase=", 6))
			add_phase(argv[i] + 6);
		else if (!strcmp(argv[i], "end=exit"))
			to_exit = true;
		else if (!strcmp(argv[i], "marks=on"))
			by_marks = to_exit = true;
	}
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
