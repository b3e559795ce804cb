/* SPDX-License-Identifier: MIT */
/*
 * QEMU plugin: counts the instructions that cost far more than their number says, whoever executes them.
 *
 * -plugin events.so,out=FILE
 *
 * At each marker, a NOP of 8 bytes, 0f 1f 84 24 and MARK, which the guest executes: one line with the counts since
 * power-on, in the order of the first line, which names them. For -smp 1.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugin.h"

EXPORT int qemu_plugin_version = 1;

#define MARK "\x0f\x1f\x84\x24\x76\x65\x6e\x74"

enum event { CR3, CR, IRET, WRMSR, RDMSR, LOCK, INVLPG, EVENTS, NONE = EVENTS };
static const char *const names[EVENTS] = {
	"CR3", "CR", "IRET", "WRMSR", "RDMSR", "lock", "INVLPG"
};
static uint64_t count[EVENTS];
static FILE *out;

/* Behind 0F. b has at least two bytes more, or zeros. */
static enum event two_byte(const uint8_t *b)
{
	unsigned reg = b[1] >> 3 & 7;

	switch (b[0]) {
	case 0x01: /* group 7 */
		return b[1] < 0xc0 && reg == 7 ? INVLPG : NONE;
	case 0x06: /* CLTS */
		return CR;
	case 0x22: /* MOV to a control register */
		return reg == 3 ? CR3 : CR;
	case 0x30:
		return WRMSR;
	case 0x32:
		return RDMSR;
	case 0x38: /* INVPCID */
		return b[1] == 0x82 ? INVLPG : NONE;
	}
	return NONE;
}

static enum event kind_of(const uint8_t *code, size_t n)
{
	uint8_t b[18] = { 0 };
	size_t i = 0;

	memcpy(b, code, n < 15 ? n : 15);
	while (b[i] == 0x66 || b[i] == 0x67 || b[i] == 0xf2 || b[i] == 0xf3 ||
	       (b[i] & 0xe7) == 0x26 || (b[i] & 0xfe) == 0x64)
		i++;
	if (b[i] == 0xf0)
		return LOCK;
	i += (b[i] & 0xf0) == 0x40; /* REX */
	if (b[i] == 0xcf)
		return IRET;
	if ((b[i] & 0xfe) == 0x86) /* XCHG: with memory it locks */
		return b[i + 1] < 0xc0 ? LOCK : NONE;
	return b[i] == 0x0f ? two_byte(b + i + 1) : NONE;
}

static void on_mark(unsigned cpu, void *unused)
{
	(void)cpu, (void)unused;
	for (int i = 0; i < EVENTS; i++)
		fprintf(out, "%" PRIu64 "%c", count[i], i == EVENTS - 1 ? '\n' : ' ');
	fflush(out);
}

static void on_translate(plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *code = qemu_plugin_insn_data(insn);
		size_t n = qemu_plugin_insn_size(insn);
		enum event kind = kind_of(code, n);

		if (n == 8 && !memcmp(code, MARK, 8))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, PLUGIN_CB_NO_REGS,
							       NULL);
		if (kind != NONE)
			qemu_plugin_register_vcpu_insn_exec_inline(insn, PLUGIN_INLINE_ADD_U64,
								   &count[kind], 1);
	}
}

EXPORT int qemu_plugin_install(plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc == 1 && !strncmp(argv[0], "out=", 4))
		out = fopen(argv[0] + 4, "w");
	if (!out)
		return -1;
	for (int i = 0; i < EVENTS; i++)
		fprintf(out, "%s%c", names[i], i == EVENTS - 1 ? '\n' : ' ');
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
