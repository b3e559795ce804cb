/* SPDX-License-Identifier: MIT */
/* What this processor can do, and what we decide to use of it. */
#include "lib/log.h"
#include "lib/string.h"
#include "x86/asm.h"
#include "x86/crash.h"
#include "x86/setup.h"

u32 cpu_feature_words[FEAT_WORDS] __ro_after_init;
enum cpu_vendor cpu_vendor __ro_after_init;
u32 cpu_family __ro_after_init, cpu_model __ro_after_init, cpu_stepping __ro_after_init;
u32 phys_addr_bits __ro_after_init = 36;
u64 hv_cr4 __ro_after_init;

/* What the command line says of a feature: -1 nothing. */
static s8 opt_smap __initdata = -1, opt_smep __initdata = -1, opt_pcid __initdata = -1;
static s8 opt_xpti __initdata = -1, opt_spec_ctrl __initdata = -1, opt_x2apic __initdata = -1;

static int __init parse_bool(const char *s, s8 *out)
{
	static const char *const yes[] = { "", "1", "on", "yes", "true", "enable" };
	static const char *const no[] = { "0", "off", "no", "false", "disable" };

	for (unsigned i = 0; i < ARRAY_SIZE(yes); i++)
		if (!strcmp(s, yes[i]))
			return *out = 1, 0;
	for (unsigned i = 0; i < ARRAY_SIZE(no); i++)
		if (!strcmp(s, no[i]))
			return *out = 0, 0;
	return -EINVAL;
}

#define FEATURE_OPTION(name, var)                                                                  \
	static int __init parse_##var(const char *s)                                               \
	{                                                                                          \
		return parse_bool(s, &var);                                                        \
	}                                                                                          \
	BOOT_OPTION(name, parse_##var)
FEATURE_OPTION("smap", opt_smap);
FEATURE_OPTION("smep", opt_smep);
FEATURE_OPTION("pcid", opt_pcid);
FEATURE_OPTION("xpti", opt_xpti);
FEATURE_OPTION("spec-ctrl", opt_spec_ctrl);
FEATURE_OPTION("x2apic", opt_x2apic);

static void feature_set(unsigned f, bool on)
{
	if (on)
		cpu_feature_words[f / 32] |= 1u << f % 32;
	else
		cpu_feature_words[f / 32] &= ~(1u << f % 32);
}

static void __init read_words(void)
{
	u32 *w = cpu_feature_words, a, b, c, d, max, ext;

	cpuid(0, 0, &max, &b, &c, &d);
	cpuid(1, 0, &a, &b, &w[FEAT_1_ECX], &w[FEAT_1_EDX]);
	cpu_stepping = a & 15;
	cpu_model = a >> 4 & 15;
	cpu_family = a >> 8 & 15;
	if (cpu_family >= 6)
		cpu_model |= a >> 12 & 0xf0;
	if (cpu_family == 15)
		cpu_family += a >> 20 & 0xff;
	if (max >= 7)
		cpuid(7, 0, &a, &w[FEAT_7_EBX], &w[FEAT_7_ECX], &w[FEAT_7_EDX]);
	if (max >= 13)
		cpuid(13, 1, &w[FEAT_D1_EAX], &b, &c, &d);
	cpuid(0x80000000, 0, &ext, &b, &c, &d);
	cpuid(0x80000001, 0, &a, &b, &w[FEAT_E1_ECX], &w[FEAT_E1_EDX]);
	if (ext >= 0x80000007)
		cpuid(0x80000007, 0, &a, &b, &c, &w[FEAT_E7_EDX]);
	if (ext >= 0x80000008) {
		cpuid(0x80000008, 0, &a, &w[FEAT_E8_EBX], &c, &d);
		phys_addr_bits = a & 0xff;
	}
}

static void __init read_vendor(void)
{
	static const struct {
		char name[13];
		enum cpu_vendor vendor;
	} known[] = { { "GenuineIntel", VENDOR_INTEL },
		      { "AuthenticAMD", VENDOR_AMD },
		      { "HygonGenuine", VENDOR_HYGON } };
	u32 a, id[3];

	cpuid(0, 0, &a, &id[0], &id[2], &id[1]);
	cpu_vendor = VENDOR_OTHER;
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (!memcmp(id, known[i].name, sizeof(id)))
			cpu_vendor = known[i].vendor;
}

static bool __init under_tcg(void)
{
	u32 a, id[3];

	if (!cpu_has(X86_HYPERVISOR))
		return false;
	cpuid(0x40000000, 0, &a, &id[0], &id[1], &id[2]);
	return !memcmp(id, "TCGTCGTCGTCG", sizeof(id));
}

static void __init need(bool has, const char *what)
{
	if (!has)
		fail_start("this processor has no %s, which Pavise needs; choose another (QEMU: "
			   "-cpu qemu64)",
			   what);
}

static void __init check_needed(void)
{
	u32 edx = cpu_feature_words[FEAT_1_EDX];

	need(edx & BIT(3), "PSE");
	need(edx & BIT(5), "model-specific registers");
	need(edx & BIT(9), "local APIC");
	need(cpu_has(X86_TSC), "time stamp counter");
	need(cpu_has(X86_PGE), "global pages");
	need(cpu_has(X86_PAT), "page attribute table");
	need(cpu_has(X86_CLFLUSH), "CLFLUSH");
	need(cpu_has(X86_FXSR), "FXSAVE");
	need(edx & BIT(26), "SSE2");
	need(cpu_has(X86_SYSCALL), "SYSCALL");
}

/* ---- mitigations: what the processor says of itself, unless the operator knows better ---- */

#define MSR_ARCH_CAPABILITIES 0x10a
#define ARCH_CAP_RDCL_NO BIT(0)
#define ARCH_CAP_MDS_NO BIT(5)
#define FEAT_7_EDX_MD_CLEAR BIT(10)
#define FEAT_7_EDX_IBRS_IBPB BIT(26)
#define FEAT_7_EDX_ARCH_CAPS BIT(29)
#define FEAT_E8_EBX_IBPB BIT(12)

static void __init choose_mitigations(void)
{
	u32 edx = cpu_feature_words[FEAT_7_EDX];
	bool on = opt_spec_ctrl != 0, intel = cpu_vendor == VENDOR_INTEL, tcg = cpu_has(X86_TCG);
	bool ibpb =
		(edx & FEAT_7_EDX_IBRS_IBPB) || (cpu_feature_words[FEAT_E8_EBX] & FEAT_E8_EBX_IBPB);
	u64 caps = 0;

	if (edx & FEAT_7_EDX_ARCH_CAPS)
		rdmsr_safe(MSR_ARCH_CAPABILITIES, &caps);
	/* Software emulation speculates nothing, whatever model it plays. */
	feature_set(X86_XPTI,
		    opt_xpti >= 0 ? opt_xpti : on && intel && !tcg && !(caps & ARCH_CAP_RDCL_NO));
	feature_set(X86_VERW, on && intel && !tcg && (edx & FEAT_7_EDX_MD_CLEAR) &&
				      !(caps & ARCH_CAP_MDS_NO));
	feature_set(X86_IBPB_SWITCH, on && !tcg && ibpb);
	feature_set(X86_RSB_STUFF, on && !tcg);
}

static void __init choose_features(void)
{
	bool tcg = under_tcg();

	feature_set(X86_TCG, tcg);
	if (!opt_x2apic)
		feature_set(X86_X2APIC, false);
	/* QEMU's software emulation hangs on CR4.OSXSAVE where a model has no XSAVEOPT. */
	if (tcg && !cpu_has(X86_XSAVEOPT))
		feature_set(X86_XSAVE, false);
	/*
	 * IRET in ring 3 reads its stack as the supervisor in some versions of QEMU: with SMAP on,
	 * a guest kernel's own IRET would fault.
	 */
	feature_set(X86_USE_SMAP, cpu_has(X86_SMAP) && (opt_smap >= 0 ? opt_smap : !tcg));
	if (cpu_has(X86_SMAP) && !cpu_has(X86_USE_SMAP))
		log_info("SMAP stays off%s\n",
			 tcg && opt_smap < 0 ? ": QEMU's software emulation" : "");
	if (!opt_smep)
		feature_set(X86_SMEP, false);
	feature_set(X86_USE_PCID, cpu_has(X86_PCID) && cpu_has(X86_INVPCID) && opt_pcid != 0);
	feature_set(X86_USE_FSGSBASE, cpu_has(X86_FSGSBASE));
	choose_mitigations();
}

static void __init choose_cr4(void)
{
	hv_cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_DE;
	if (cpu_feature_words[FEAT_1_EDX] & BIT(7))
		hv_cr4 |= CR4_MCE;
	if (cpu_has(X86_SMEP))
		hv_cr4 |= CR4_SMEP;
	if (cpu_has(X86_USE_SMAP))
		hv_cr4 |= CR4_SMAP;
	if (cpu_has(X86_USE_FSGSBASE))
		hv_cr4 |= CR4_FSGSBASE;
	if (cpu_has(X86_XSAVE))
		hv_cr4 |= CR4_OSXSAVE;
	if (cpu_has(X86_USE_PCID))
		hv_cr4 |= CR4_PCIDE;
}

const char *__init cpu_brand(void)
{
	static char brand[49] __initbss;
	u32 *w = (u32 *)brand, max, b, c, d;

	cpuid(0x80000000, 0, &max, &b, &c, &d);
	if (max < 0x80000004)
		return "unnamed processor";
	for (u32 i = 0; i < 3; i++, w += 4)
		cpuid(0x80000002 + i, 0, &w[0], &w[1], &w[2], &w[3]);
	return brand;
}

void __init features_init(void)
{
	read_words();
	read_vendor();
	check_needed();
	choose_features();
	choose_cr4();
	log_info("Processor: %s (family %u, model %u, stepping %u)\n", cpu_brand(), cpu_family,
		 cpu_model, cpu_stepping);
	log_info("Uses:%s%s%s%s%s%s%s\n", cpu_has(X86_SMEP) ? " SMEP" : "",
		 cpu_has(X86_USE_SMAP) ? " SMAP" : "", cpu_has(X86_USE_PCID) ? " PCID" : "",
		 cpu_has(X86_USE_FSGSBASE) ? " FSGSBASE" : "",
		 cpu_has(X86_PAGE1GB) ? " 1G-pages" : "", cpu_has(X86_VERW) ? " VERW" : "",
		 cpu_has(X86_XPTI) ? " XPTI" : "");
}
