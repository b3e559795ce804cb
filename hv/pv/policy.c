/* SPDX-License-Identifier: MIT */
/* CPUID policies: features a domain is denied, and all leaves as the control interface carries them. */
#include <xen/cpuid.h>

#include "core/arch.h"
#include "lib/string.h"
#include "pv/pv.h"

#define B(n) (1u << (n))

/* ---- what a domain is denied ---- */

/* The published feature set: word n is register `reg` (EAX 0 to EDX 3) of this leaf. */
static const struct {
	u32 leaf;
	u8 sub, reg;
	u32 ignored; /* the toolstack sets them as the machine has them, whatever is offered: HTT, CMP_LEGACY */
} feature_words[CPUID_FEATURE_WORDS] = {
	{ 1, 0, 3, B(28) },      { 1, 0, 2, 0 },
	{ 0x80000001, 0, 3, 0 }, { 0x80000001, 0, 2, B(1) },
	{ 0xd, 1, 0, 0 },        { 7, 0, 1, 0 },
	{ 7, 0, 2, 0 },          { 0x80000007, 0, 3, 0 },
	{ 0x80000008, 0, 1, 0 }, { 7, 0, 3, 0 },
	{ 7, 1, 0, 0 },
};

static bool is_word_of(u32 i, u32 leaf, u32 sub)
{
	bool has_subleaves = leaf == 7 || leaf == 0xd;

	return feature_words[i].leaf == leaf && (!has_subleaves || feature_words[i].sub == sub);
}

void pv_cpuid_take_away(const struct domain *d, u32 leaf, u32 sub, struct cpuid_leaf *l)
{
	for (u32 i = 0; i < CPUID_FEATURE_WORDS; i++)
		if (is_word_of(i, leaf, sub))
			((u32 *)l)[feature_words[i].reg] &= ~d->arch.cpuid_off[i];
}

/* ---- as the control interface carries it ---- */

/* A policy's leaves in their published order. subleaves 0: the leaf has none. */
static const struct {
	u32 first, last, subleaves;
} policy_leaves[] = {
	{ 0, 3, 0 },
	{ 4, 4, 6 },
	{ 5, 6, 0 },
	{ 7, 7, 1 },
	{ 8, 0xa, 0 },
	{ 0xb, 0xb, 2 },
	{ 0xc, 0xc, 0 },
	{ 0xd, 0xd, 63 },
	{ 0x40000000, 0x40000000, 0 },
	{ 0x40000100, 0x40000100, 0 },
	{ 0x80000000, 0x8000001c, 0 },
};

/* Subleaves of a row's leaves; 0: they have none. */
static u32 row_subleaves(u32 r)
{
	if (policy_leaves[r].first == 0xd) /* as far as there are components */
		return MAX(64 - (u32)__builtin_clzl(host_xcr0 | 1), 2u);
	return policy_leaves[r].subleaves;
}

static bool policy_position(u32 i, u32 *leaf, u32 *sub)
{
	for (u32 r = 0; r < ARRAY_SIZE(policy_leaves); r++) {
		u32 subleaves = row_subleaves(r), per = subleaves ?: 1;
		u32 n = (policy_leaves[r].last - policy_leaves[r].first + 1) * per;

		if (i < n) {
			*leaf = policy_leaves[r].first + i / per;
			*sub = subleaves ? i % per : XEN_CPUID_NO_SUBLEAF;
			return true;
		}
		i -= n;
	}
	return false;
}

static bool policy_has(u32 leaf, u32 sub)
{
	for (u32 r = 0; r < ARRAY_SIZE(policy_leaves); r++)
		if (leaf >= policy_leaves[r].first && leaf <= policy_leaves[r].last)
			return row_subleaves(r) ? sub < row_subleaves(r) :
						  sub == XEN_CPUID_NO_SUBLEAF;
	return false;
}

/* A leaf as every new domain has it: the boot processor's idle vCPU is as good as another. */
static void default_leaf(bool machine, u32 leaf, u32 sub, struct cpuid_leaf *l)
{
	sub = sub == XEN_CPUID_NO_SUBLEAF ? 0 : sub;
	if (machine)
		*l = cpuid(leaf, sub);
	else
		pv_cpuid(cpus[0]->idle, leaf, sub, l);
}

bool arch_cpuid_leaf(const struct domain *d, bool machine, u32 i, struct xen_cpuid_leaf *out)
{
	struct cpuid_leaf l;

	if (!policy_position(i, &out->leaf, &out->subleaf))
		return false;
	default_leaf(machine, out->leaf, out->subleaf, &l);
	if (d)
		pv_cpuid_take_away(d, out->leaf, out->subleaf, &l);
	memcpy(&out->a, &l, sizeof(l));
	return true;
}

bool arch_feature_word(bool machine, u32 i, u32 *word)
{
	struct cpuid_leaf l;

	*word = 0;
	if (i >= CPUID_FEATURE_WORDS)
		return false;
	default_leaf(machine, feature_words[i].leaf, feature_words[i].sub, &l);
	*word = ((u32 *)&l)[feature_words[i].reg];
	return true;
}

bool arch_cpuid_restrict(struct domain *d, const struct xen_cpuid_leaf *in)
{
	struct cpuid_leaf ours, want = { in->a, in->b, in->c, in->d };
	u32 leaf = in->leaf, sub = in->subleaf;

	if (!policy_has(leaf, sub))
		return false;
	if (leaf >> 24 == 0x40) /* ours to say */
		return true;
	default_leaf(false, leaf, sub, &ours);
	for (u32 i = 0; i < CPUID_FEATURE_WORDS; i++) {
		u32 has = ((u32 *)&ours)[feature_words[i].reg],
		    wants = ((u32 *)&want)[feature_words[i].reg];

		if (!is_word_of(i, leaf, sub))
			continue;
		if (wants & ~has & ~feature_words[i].ignored)
			return false;
		d->arch.cpuid_off[i] = has & ~wants;
		d->arch.cpuid_less |= has & ~wants;
		((u32 *)&want)[feature_words[i].reg] = has;
	}
	return !memcmp(&ours, &want, sizeof(ours)); /* what is no feature stays as it is */
}
