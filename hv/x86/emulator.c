/* SPDX-License-Identifier: MIT */
/*
 * Known defects of emulators, and what is left unused because of them. They are recognised by the signature at CPUID
 * leaf 0x40000000; what is merely slow, or as the manuals have it, does not belong here.
 */
#include "lib/string.h"
#include "x86/asm.h"
#include "x86/setup.h"

static const struct defect {
	unsigned feature;
	unsigned unless; /* the defect is not met where this is there, too; 0: it always is */
	const char *what;
} qemu_tcg[] __initconst = {
	{ X86_SMAP, 0,
	  "QEMU's software emulation before version 10 lets IRET in ring 3 read its stack as the "
	  "supervisor" },
	{ X86_XSAVE, X86_XSAVEOPT,
	  "QEMU's software emulation hangs on CR4.OSXSAVE where a model has no XSAVEOPT" },
};

bool __init emulator_is_tcg(void)
{
	struct cpuid_leaf l = cpuid(0x40000000, 0);

	return cpu_has(X86_HYPERVISOR) && !memcmp(&l.b, "TCGTCGTCGTCG", 12);
}

const char *__init emulator_defect(unsigned feature)
{
	for (unsigned i = 0; cpu_has(X86_TCG) && i < ARRAY_SIZE(qemu_tcg); i++) {
		const struct defect *d = &qemu_tcg[i];

		if (d->feature == feature && !(d->unless && cpu_has(d->unless)))
			return d->what;
	}
	return NULL;
}
