/* SPDX-License-Identifier: MIT */
/*
 * Test builds only: every boot module after the second becomes a domain of its own, so that hostile
 * guests run beside the privileged domain before there is a toolstack. Words of the module's
 * command line:
 *	mem=MiB (default 8)   vcpus=N (default 1)   the rest is the guest's own
 * They are torn down when they end.
 */
#include "core/arch.h"
#include "core/console.h"
#include "lib/log.h"
#include "lib/string.h"
#include "pv/pv.h"
#include "x86/boot.h"
#include "x86/cpu.h"

/* For the test of the watchdog. */
static void stand_still(void)
{
	for (;;)
		cpu_relax();
}
DEBUG_KEY('H', stand_still, "this processor stands still");

/* And of a processor that begins to come up: the one with this APIC id. */
static u32 stays_out = ~0U;

static int parse_stays_out(const char *s)
{
	stays_out = (u32)(*s - '0');
	return stays_out < 10 && !s[1] ? 0 : -EINVAL;
}
BOOT_OPTION("stays_out", parse_stays_out);

static void stay_out(struct cpu *c)
{
	if (c->apic_id == stays_out)
		stand_still();
}
CPU_INIT(stay_out);

static u32 word_value(const char *cmdline, const char *word, u32 otherwise)
{
	const char *at = strstr(cmdline, word);
	u32 v = 0;

	if (!at)
		return otherwise;
	for (at += strlen(word); *at >= '0' && *at <= '9'; at++)
		v = v * 10 + (*at - '0');
	return v;
}

static const char *domain_name(const char *cmdline, unsigned i)
{
	static char names[BOOT_MAX_MODULES][32];
	char *to = names[i];

	while (*cmdline && *cmdline != ' ' && to < names[i] + sizeof(names[i]) - 1)
		*to++ = *cmdline++;
	*to = 0;
	return names[i];
}

static void build_one(unsigned i)
{
	const struct boot_module *m = &boot_info.modules[i];
	u32 vcpus = MIN(word_value(m->cmdline, "vcpus=", 1), (u32)MAX_VCPUS);
	struct pv_image img = {
		.elf = maddr_to_virt(m->start),
		.elf_size = m->size,
		.cmdline = m->cmdline,
		.nr_pages = (u64)word_value(m->cmdline, "mem=", 8) << 8,
	};
	struct domain *d =
		domain_create(-1, false, vcpus, img.nr_pages, domain_name(m->cmdline, i));

	if (!d) {
		log_err("test domain %u (%s): no memory\n", i, m->cmdline);
		return;
	}
	for (u32 n = 0; n < vcpus; n++)
		if (!vcpu_create(d, n, (d->id + n) % nr_cpus))
			return;
	if (pv_build_domain(d, &img))
		return;
	d->auto_reap = true;
	log_info("d%u: %s\n", d->id, m->cmdline);
	vcpu_wake(d->vcpu[0], VPF_down);
}

void build_test_domains(void)
{
	for (unsigned i = 2; i < boot_info.nr_modules; i++)
		build_one(i);
}
