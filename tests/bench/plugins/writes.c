/* SPDX-License-Identifier: MIT */
/*
 * QEMU plugin: which lines of memory does the hypervisor write, on which processors?
 *
 *	-plugin writes.so,out=FILE,edge=ADDRESS
 *
 * The first execution of ADDRESS begins phase 1, the next ends it, the one after begins phase 2, and so on. FILE, at
 * the end: "<phase> <physical address> <virtual address> <processor> <instruction> <writes>" for each line, 64 bytes,
 * and instruction that wrote to it. What is written to devices, and by the processor itself (frames of traps, accessed
 * bits), is not seen. QEMU 7.2 may give a guest's atomic operation to the hypervisor's instruction before it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

EXPORT int qemu_plugin_version = 1;

enum { CPUS = 8, SLOTS = 1 << 16 };

/* Of one processor: who wrote what. Only its own thread touches it until the end. */
static struct write {
	uint64_t line, va, pc, count;
	uint32_t phase;
} * writes[CPUS];
static const char *path;
static uint64_t edge;
static uint32_t phase; /* odd: between edges; changed while nobody else is in the hypervisor */

static void on_edge(unsigned cpu, void *unused)
{
	(void)cpu, (void)unused;
	__atomic_add_fetch(&phase, 1, __ATOMIC_SEQ_CST);
}

static struct write *slot_of(struct write *table, uint32_t at, uint64_t line, uint64_t pc)
{
	uint64_t i = ((line * 31 + pc) * 31 + at) * 0x9e3779b97f4a7c15u >> 48;

	for (unsigned tries = 0; tries < SLOTS; tries++, i = (i + 1) % SLOTS) {
		struct write *w = &table[i];

		if (!w->count || (w->phase == at && w->line == line && w->pc == pc))
			return w;
	}
	abort();
}

static void on_write(unsigned cpu, uint32_t info, uint64_t va, void *pc)
{
	uint32_t at = __atomic_load_n(&phase, __ATOMIC_RELAXED);
	struct qemu_plugin_hwaddr *hw;

	/* Reads are told too, whatever was asked for. */
	if (!(at & 1) || !qemu_plugin_mem_is_store(info))
		return;
	hw = qemu_plugin_get_hwaddr(info, va);
	if (!hw || cpu >= CPUS || qemu_plugin_hwaddr_is_io(hw))
		return;
	uint64_t line = qemu_plugin_hwaddr_phys_addr(hw) / 64;
	struct write *w = slot_of(writes[cpu], at, line, (uintptr_t)pc);

	*w = (struct write){ line, va, (uintptr_t)pc, w->count + 1, at };
}

static void on_translate(plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t va = qemu_plugin_tb_vaddr(tb);

	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is_hypervisor(va))
			qemu_plugin_register_vcpu_mem_cb(insn, on_write, PLUGIN_CB_NO_REGS,
							 PLUGIN_MEM_W, (void *)(uintptr_t)va);
		else if (va == edge)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_edge, PLUGIN_CB_NO_REGS,
							       NULL);
		va += qemu_plugin_insn_size(insn);
	}
}

static void at_exit(plugin_id_t id, void *unused)
{
	FILE *f = fopen(path, "w");

	(void)id, (void)unused;
	for (unsigned cpu = 0; f && cpu < CPUS; cpu++)
		for (unsigned i = 0; i < SLOTS; i++) {
			struct write *w = &writes[cpu][i];

			if (w->count)
				fprintf(f,
					"%u %" PRIx64 " %" PRIx64 " %u %" PRIx64 " %" PRIu64 "\n",
					(w->phase + 1) / 2, w->line * 64, w->va, cpu, w->pc,
					w->count);
		}
	if (f)
		fclose(f);
}

EXPORT int qemu_plugin_install(plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			path = strdup(argv[i] + 4);
		else if (!strncmp(argv[i], "edge=", 5))
			edge = strtoull(argv[i] + 5, NULL, 16);
	}
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		writes[cpu] = calloc(SLOTS, sizeof(**writes));
	if (!path || !writes[CPUS - 1])
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
