/* SPDX-License-Identifier: MIT */
/* Apply alternatives. The text is read-only where it runs: written through the direct map. */
#include "x86/patch.h"

#include "lib/log.h"
#include "lib/string.h"
#include "mm/page.h"
#include "x86/asm.h"
#include "x86/setup.h"

extern const struct alt_instr __altinstructions_start[], __altinstructions_end[];

/* Operand of VERW: any writable data selector will do. */
const u16 verw_selector = HV_DS;

/* The recommended long NOPs, so that unused room costs one instruction, not one a byte. */
static void __init fill_nops(u8 *at, unsigned n)
{
	static const u8 nops[8][8] __initconst = { { 0x90 },
						   { 0x66, 0x90 },
						   { 0x0f, 0x1f, 0x00 },
						   { 0x0f, 0x1f, 0x40, 0x00 },
						   { 0x0f, 0x1f, 0x44, 0x00, 0x00 },
						   { 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 },
						   { 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00 },
						   { 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00,
						     0x00 } };

	while (n) {
		unsigned len = MIN(n, 8u);

		memcpy(at, nops[len - 1], len);
		at += len;
		n -= len;
	}
}

/* A replacement runs elsewhere than it was assembled: relative operands must go on pointing where
 * they did. */
static void __init relocate(u8 *code, unsigned len, s64 moved)
{
	u32 rel;

	if (len >= 5 && (code[0] == 0xe8 || code[0] == 0xe9)) /* call, jmp */
		code += 1;
	else if (len == 7 && code[0] == 0x0f && code[1] == 0x00 &&
		 code[2] == 0x2d) /* verw rel(%rip) */
		code += 3;
	else
		return;
	memcpy(&rel, code, 4);
	rel -= (u32)moved;
	memcpy(code, &rel, 4);
}

static void __init apply_one(const struct alt_instr *a)
{
	u64 orig = (u64)&a->orig + (u64)(s64)a->orig, repl = (u64)&a->repl + (u64)(s64)a->repl;
	u8 *to = maddr_to_virt(image_maddr((void *)orig));
	unsigned used = 0;

	BUG_ON(a->repl_len > a->orig_len);
	if (cpu_has(a->feature)) {
		used = a->repl_len;
		memcpy(to, (void *)repl, used);
		relocate(to, used, (s64)(orig - repl));
	} else if (to[0] != 0x90) {
		return; /* the old instruction stays */
	}
	fill_nops(to + used, a->orig_len - used);
}

void __init alternatives_apply(void)
{
	for (const struct alt_instr *i = __altinstructions_start; i < __altinstructions_end; i++)
		apply_one(i);
	cpuid(0, 0); /* serializes: nothing stale was prefetched */
}
