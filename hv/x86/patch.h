/* SPDX-License-Identifier: MIT */
/* Instructions that are patched at start, by what the processor is and the operator says. */
#ifndef X86_PATCH_H
#define X86_PATCH_H

#include "x86/cpu.h"

struct alt_instr {
	s32 orig, repl; /* from their own places */
	u16 feature;    /* FEATURE() */
	u8 orig_len, repl_len;
};
_Static_assert(sizeof(struct alt_instr) == 12, "patch-asm.h lays it out too");

/* For asm(): `old` until the start of the machine finds `feature` (an integer constant) on, `new`
 * from then on. new may be as long as it likes; what is left is filled with NOPs. Operands are not
 * renumbered. */
#define ALTERNATIVE_STR(old, new, feature)                                                         \
	"661:\n\t" old "\n662:\n\t"                                                                \
	".skip -(((664f - 663f) - (662b - 661b)) > 0) * ((664f - 663f) - (662b - 661b)), 0x90\n"   \
	"665:\n\t"                                                                                 \
	".pushsection .altinstr_replacement, \"ax\"\n"                                             \
	"663:\n\t" new "\n664:\n\t.popsection\n\t"                                                 \
		       ".pushsection .altinstructions, \"a\"\n\t.balign 4\n\t"                     \
		       ".long 661b - .\n\t.long 663b - .\n\t.short " feature "\n\t"                \
		       ".byte 665b - 661b\n\t.byte 664b - 663b\n\t.popsection\n"
/* ALTERNATIVE("old", "new", feature): one statement without operands. */
#define ALTERNATIVE(old, new, feature_)                                                            \
	__asm__ volatile(ALTERNATIVE_STR(old, new, "%c0") : : "i"(feature_) : "memory")

/* Is `feature`, a constant, on? Costs a NOP where it is not: for hot paths. */
static inline __attribute__((always_inline)) bool patched_in(const unsigned feature)
{
	__asm__ goto(ALTERNATIVE_STR("", "jmp %l[on]", "%c0") : : "i"(feature) : : on);
	return false;
on:
	return true;
}

/* Patch everything: boot processor, before another one runs. */
void alternatives_apply(void);

#endif
