/* SPDX-License-Identifier: MIT */
/* What this processor can do, and what we decide to use of it. */
#include "lib/log.h"
#include "lib/string.h"
#include "mm/page.h"
#include "x86/asm.h"
#include "x86/crash.h"
#include "x86/setup.h"

u32 cpu_feature_words[FEAT_WORDS] __ro_after_init;
enum cpu_vendor cpu_vendor __ro_after_init;
u32 cpu_family __ro_after_init, cpu_model __ro_after_init, cpu_stepping __ro_after_init;
u32 phys_addr_bits __ro_after_init = 36;
u64 l1tf_bits __ro_after_init;
bool has_cmpxchg16b __ro_after_init;
u64 hv_cr4 __ro_after_init;

/* What the command line says of a feature: -1 nothing. */
static s8 opt_smap __initdata = -1, opt_smep __initdata = -1;
static s8 opt_pv_l1tf __initdata = -1;
static s8 opt_xpti __initdata = -1, opt_spec_ctrl __initdata = -1, opt_x2apic __initdata = -1;

int __init parse_bool(const char *s, s8 *out)
{
	static const char words[][8] = { "0", "no",  "off", "false", "disable", "",
					 "1", "yes", "on",  "true",  "enable" };

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(s, words[i])) {
			*out = i >= 5; /* the first five say no */
			return 0;
		}
	return -EINVAL;
}

BOOL_OPTION("smap", opt_smap);
BOOL_OPTION("smep", opt_smep);
BOOL_OPTION("xpti", opt_xpti);
BOOL_OPTION("spec-ctrl", opt_spec_ctrl);
BOOL_OPTION("pv-l1tf", opt_pv_l1tf);
BOOL_OPTION("x2apic", opt_x2apic);

static void feature_set(unsigned f, bool on)
{
	if (on)
		cpu_feature_words[f / 32] |= 1u << f % 32;
	else
		cpu_feature_words[f / 32] &= ~(1u << f % 32);
}

static void __init read_words(void)
{
	u32 *w = cpu_feature_words, max = cpuid(0, 0).a, ext = cpuid(0x80000000, 0).a;
	struct cpuid_leaf l = cpuid(1, 0);

	cpu_stepping = l.a & 15;
	cpu_model = l.a >> 4 & 15;
	cpu_family = l.a >> 8 & 15;
	if (cpu_family >= 6)
		cpu_model |= l.a >> 12 & 0xf0;
	if (cpu_family == 15)
		cpu_family += l.a >> 20 & 0xff;
	w[FEAT_1_ECX] = l.c;
	w[FEAT_1_EDX] = l.d;
	if (max >= 7) {
		l = cpuid(7, 0);
		w[FEAT_7_EBX] = l.b;
		w[FEAT_7_ECX] = l.c;
		w[FEAT_7_EDX] = l.d;
	}
	if (max >= 13)
		w[FEAT_D1_EAX] = cpuid(13, 1).a;
	l = cpuid(0x80000001, 0);
	w[FEAT_E1_ECX] = l.c;
	w[FEAT_E1_EDX] = l.d;
	if (ext >= 0x80000007)
		w[FEAT_E7_EDX] = cpuid(0x80000007, 0).d;
	if (ext >= 0x80000008) {
		l = cpuid(0x80000008, 0);
		phys_addr_bits = l.a & 0xff;
		w[FEAT_E8_EBX] = l.b;
	}
	if (ext >= 0x80000021)
		w[FEAT_E21_EAX] = cpuid(0x80000021, 0).a;
}

static void __init read_vendor(void)
{
	static const char names[][13] = { [VENDOR_INTEL] = "GenuineIntel",
					  [VENDOR_AMD] = "AuthenticAMD",
					  [VENDOR_HYGON] = "HygonGenuine" };
	struct cpuid_leaf l = cpuid(0, 0);
	u32 id[3] = { l.b, l.d, l.c };

	cpu_vendor = 0;
	while (cpu_vendor < VENDOR_OTHER && memcmp(id, names[cpu_vendor], sizeof(id)) != 0)
		cpu_vendor++;
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
	need(cpu_has(X86_PSE), "PSE");
	need(cpu_has(X86_TSC), "time stamp counter");
	need(cpu_has(X86_MSR), "model-specific registers");
	need(cpu_has(X86_APIC), "local APIC");
	need(cpu_has(X86_PGE), "global pages");
	need(cpu_has(X86_PAT), "page attribute table");
	need(cpu_has(X86_CLFLUSH), "CLFLUSH");
	need(cpu_has(X86_FXSR), "FXSAVE");
	need(cpu_has(X86_SSE2), "SSE2");
	need(cpu_has(X86_SYSCALL), "SYSCALL");
}

/* ---- mitigations: what the processor says of itself, unless the operator knows better ---- */

#define MSR_ARCH_CAPABILITIES 0x10a
#define ARCH_CAP_RDCL_NO BIT(0)
#define ARCH_CAP_IBRS_ALL BIT(1)
#define ARCH_CAP_MDS_NO BIT(5)

static void __init choose_mitigations(void)
{
	/* Software emulation speculates nothing, whatever model it plays. */
	bool all = opt_spec_ctrl > 0, on = opt_spec_ctrl && !cpu_has(X86_TCG);
	bool intel = on && cpu_vendor == VENDOR_INTEL;
	u64 caps = 0;

	if (cpu_has(X86_ARCH_CAPS))
		rdmsr_safe(MSR_ARCH_CAPABILITIES, &caps);
	feature_set(X86_XPTI,
		    opt_xpti >= 0 ? opt_xpti : all || (intel && !(caps & ARCH_CAP_RDCL_NO)));
	/* RDCL_NO says that it has neither. */
	if (opt_pv_l1tf >= 0 ? opt_pv_l1tf : all || (intel && !(caps & ARCH_CAP_RDCL_NO)))
		l1tf_bits = BIT(phys_addr_bits) - 1;
	feature_set(X86_VERW,
		    cpu_has(X86_MD_CLEAR) && (all || (intel && !(caps & ARCH_CAP_MDS_NO))));
	feature_set(X86_IBPB_SWITCH, (all || on) && (cpu_has(X86_IBRS_IBPB) || cpu_has(X86_IBPB)));
	feature_set(X86_RSB_STUFF, all || on);
	feature_set(X86_USE_IBRS,
		    (all || on) && (cpu_has(X86_AUTO_IBRS) ||
				    (cpu_has(X86_IBRS_IBPB) && caps & ARCH_CAP_IBRS_ALL)));
	feature_set(X86_FENCE, all || on);
	feature_set(X86_FENCE_SMAP, (all || on) && cpu_has(X86_USE_SMAP));
	feature_set(X86_RETPOLINE, (all || on) && !cpu_has(X86_USE_IBRS));
}

/* Is it to be used: as the command line says, else unless a defect of the emulator forbids it. */
static bool __init wanted(unsigned feature, const char *name, s8 opt)
{
	const char *defect = opt < 0 ? emulator_defect(feature) : NULL;

	if (!cpu_has(feature))
		return false;
	if (defect)
		log_info("%s stays off: %s\n", name, defect);
	return opt >= 0 ? opt : !defect;
}

static void __init choose_features(void)
{
	feature_set(X86_TCG, emulator_is_tcg());
	if (!opt_x2apic)
		feature_set(X86_X2APIC, false);
	feature_set(X86_XSAVE, wanted(X86_XSAVE, "XSAVE", -1));
	feature_set(X86_USE_SMAP, wanted(X86_SMAP, "SMAP", opt_smap));
	if (!opt_smep)
		feature_set(X86_SMEP, false);
	feature_set(X86_USE_FSGSBASE, cpu_has(X86_FSGSBASE));
	choose_mitigations();
}

static void __init choose_cr4(void)
{
	static const struct {
		unsigned feature;
		u64 bit;
	} optional[] = { { X86_MCE, CR4_MCE },
			 { X86_SMEP, CR4_SMEP },
			 { X86_USE_SMAP, CR4_SMAP },
			 { X86_USE_FSGSBASE, CR4_FSGSBASE },
			 { X86_XSAVE, CR4_OSXSAVE } };

	hv_cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_DE;
	for (unsigned i = 0; i < ARRAY_SIZE(optional); i++)
		if (cpu_has(optional[i].feature))
			hv_cr4 |= optional[i].bit;
}

static const char *__init cpu_brand(void)
{
	static struct cpuid_leaf brand[4] __initbss; /* the last one stays zero */

	if (cpuid(0x80000000, 0).a < 0x80000004)
		return "unnamed processor";
	for (u32 i = 0; i < 3; i++)
		brand[i] = cpuid(0x80000002 + i, 0);
	return (const char *)brand;
}

void __init features_init(void)
{
	read_words();
	has_cmpxchg16b = cpu_has(X86_CX16);
	read_vendor();
	check_needed();
	choose_features();
	choose_cr4();
	log_info("Processor: %s (family %u, model %u, stepping %u)\n", cpu_brand(), cpu_family,
		 cpu_model, cpu_stepping);
	log_info("Uses:%s%s%s%s%s%s%s%s%s%s%s\n", cpu_has(X86_SMEP) ? " SMEP" : "",
		 cpu_has(X86_USE_SMAP) ? " SMAP" : "", cpu_has(X86_USE_FSGSBASE) ? " FSGSBASE" : "",
		 cpu_has(X86_PAGE1GB) ? " 1G-pages" : "", cpu_has(X86_VERW) ? " VERW" : "",
		 cpu_has(X86_XPTI) ? " XPTI" : "", l1tf_bits ? " PV-L1TF" : "",
		 cpu_has(X86_IBPB_SWITCH) ? " IBPB" : "", cpu_has(X86_RSB_STUFF) ? " RSB" : "",
		 cpu_has(X86_USE_IBRS) ? " IBRS" : "", cpu_has(X86_RETPOLINE) ? " retpolines" : "");
}
