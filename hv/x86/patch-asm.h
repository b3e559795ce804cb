/* SPDX-License-Identifier: MIT */
/* Instructions for assembly that are patched in when the processor or the operator wants them. */
/* clang-format off */
#ifndef X86_PATCH_ASM_H
#define X86_PATCH_ASM_H

#include "asm-offsets.h"

/*
 * What stands between the two (and room behind it, if need be) becomes `insn` at start when `feature` (FEAT_*)
 * is on.
 */
.macro ALT_OLD
771:
.endm
.macro ALT_NEW feature, insn:vararg
772:
	.skip -(((774f - 773f) - (772b - 771b)) > 0) * ((774f - 773f) - (772b - 771b)), 0x90
775:
	.pushsection .altinstr_replacement, "ax"
773:
	\insn
774:
	.popsection
	.pushsection .altinstructions, "a"
	.balign 4
	.long 771b - .
	.long 773b - .
	.short \feature
	.byte 775b - 771b
	.byte 774b - 773b
	.popsection
.endm

/* Room filled with NOPs that becomes `insn`. */
.macro ALT_NOP feature, insn:vararg
	ALT_OLD
	ALT_NEW \feature, \insn
.endm

/* Guest memory is reached only between these two. */
.macro SMAP_OPEN /* (gas does not tell STAC from stac) */
	ALT_NOP FEAT_USE_SMAP, stac
.endm
.macro SMAP_CLOSE
	ALT_NOP FEAT_USE_SMAP, clac
.endm

/* Last before every return to a guest: overwrite the buffers that it could read. */
.macro EXIT_TO_GUEST_HOOKS
	ALT_NOP FEAT_VERW, verw verw_selector(%rip)
.endm

#endif
