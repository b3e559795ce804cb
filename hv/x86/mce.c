/* SPDX-License-Identifier: MIT */
/*
 * Machine checks: the processor tells of an error in its "banks". What can be gone on with is said and gone on with;
 * an error in what a guest was just using ends that guest; anything worse stops the machine.
 */
#include "lib/log.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/traps.h"

#define MSR_MCG_CAP 0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MCG_CTL 0x17b
#define MSR_MC_CTL(bank) (0x400 + 4 * (bank))
#define MSR_MC_STATUS(bank) (0x401 + 4 * (bank))
#define MSR_MC_ADDR(bank) (0x402 + 4 * (bank))
#define MCG_CAP_CTL BIT(8)
#define MCG_CAP_RECOVERY BIT(24)
#define MCG_RIPV BIT(0) /* what was interrupted can go on */
#define MC_VALID BIT(63)
#define MC_UNCORRECTED BIT(61)
#define MC_HAS_ADDR BIT(58)
#define MC_PCC BIT(57) /* the processor's own state is lost */
#define MC_NOW BIT(55) /* with MCG_CAP_RECOVERY: what was interrupted was using what is broken */

static void mce_enable(struct cpu *c)
{
	u64 cap, status;

	if (!cpu_has(X86_MCE) || !cpu_has(X86_MCA))
		return;
	cap = rdmsr(MSR_MCG_CAP);
	if (cap & MCG_CAP_CTL)
		wrmsr(MSR_MCG_CTL, ~0UL);
	for (u32 i = 0; i < (cap & 0xff); i++) {
		status = rdmsr(MSR_MC_STATUS(i));
		if (status & MC_VALID) {
			c->early_mc = status;
			c->early_mc_bank = i;
		}
		wrmsr(MSR_MC_STATUS(i), 0);
		/* The firmware's, not ours to change, on early processors of family 6. */
		if (i || cpu_vendor != VENDOR_INTEL || cpu_family != 6 || cpu_model >= 0x1a)
			wrmsr(MSR_MC_CTL(i), ~0UL);
	}
}
CPU_INIT(mce_enable);

/* Tell and clear one bank. */
static enum mce_severity take_bank(u32 bank, u64 cap)
{
	u64 status = rdmsr(MSR_MC_STATUS(bank));

	if (!(status & MC_VALID))
		return MCE_HARMLESS;
	log_err("CPU%u: machine check, bank %u: status %#lx, address %#lx\n", this_cpu()->id, bank,
		status, status & MC_HAS_ADDR ? rdmsr(MSR_MC_ADDR(bank)) : 0);
	wrmsr(MSR_MC_STATUS(bank), 0);
	if (!(status & MC_UNCORRECTED))
		return MCE_HARMLESS;
	if (status & MC_PCC)
		return MCE_FATAL;
	return cap & MCG_CAP_RECOVERY && !(status & MC_NOW) ? MCE_HARMLESS : MCE_CONTEXT_LOST;
}

enum mce_severity machine_check(void)
{
	u64 cap = rdmsr(MSR_MCG_CAP);
	enum mce_severity worst =
		rdmsr(MSR_MCG_STATUS) & MCG_RIPV ? MCE_HARMLESS : MCE_CONTEXT_LOST;

	for (u32 i = 0; i < (cap & 0xff); i++) {
		enum mce_severity s = take_bank(i, cap);

		worst = MAX(worst, s);
	}
	wrmsr(MSR_MCG_STATUS, 0); /* another one, from here on, is taken */
	return worst;
}
