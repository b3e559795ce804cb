/* SPDX-License-Identifier: MIT */
/* Time: how fast the TSC runs, whether all agree on it, what guests are told, the wall clock. */
#include "x86/time.h"

#include "core/arch.h"
#include "core/guest_access.h"
#include "lib/log.h"
#include "lib/string.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/setup.h"

#define NS_PER_MS 1000000UL
#define PIT_HZ 1193182u
#define PM_TIMER_HZ 3579545u

/* ns = ((tsc << shift, or >> -shift) * mul) >> 32; as guests are told. */
struct tsc_scale {
	u32 mul;
	s8 shift;
};

u32 tsc_khz;
static struct tsc_scale tsc_scale, ns_scale; /* ns_scale: the way back. [I after time_init] */
static u64 tsc_base;                         /* TSC of the boot processor at time 0 */
static u32 lapic_khz;
/* UTC at time 0. Changes by the privileged domain's word. */
static u64 wallclock_base; /* [a] */

/* ---- scaling ---- */

/* Factor f = mul / 2^32 * 2^shift with as many bits of mul as there are: f = num / den. */
static struct tsc_scale make_scale(u64 num, u64 den)
{
	s8 shift = 0;

	while (num >= den)
		den <<= 1, shift++;
	while (num < den >> 1)
		num <<= 1, shift--;
	return (struct tsc_scale){ .mul = (u32)MIN((num << 32) / den, 0xffffffffUL),
				   .shift = shift };
}

static u64 scale(u64 v, struct tsc_scale s)
{
	if (s.shift >= 0)
		v <<= s.shift;
	else
		v >>= -s.shift;
	return (u64)((unsigned __int128)v * s.mul >> 32);
}

u64 now_ns(void)
{
	s64 delta = (s64)(rdtsc_ordered() + this_cpu()->tsc_offset - tsc_base);

	return likely(delta > 0 && tsc_khz) ? scale((u64)delta, tsc_scale) : 0;
}

void delay_us(u32 us)
{
	u64 end = rdtsc() + (u64)us * (tsc_khz ? tsc_khz : 1000000) / 1000;

	while ((s64)(rdtsc() - end) < 0)
		cpu_relax();
}

/* ---- the rate of the TSC, where somebody tells ---- */

static u32 __init khz_from_hypervisor(void)
{
	struct cpuid_leaf l;
	u64 hz;

	if (!cpu_has(X86_HYPERVISOR))
		return 0;
	l = cpuid(0x40000000, 0);
	if (l.a >= 0x40000003 && l.a < 0x40010000 && !memcmp(&l.b, "Microsoft Hv", 12) &&
	    (cpuid(0x40000003, 0).a & BIT(11)) && rdmsr_safe(0x40000022, &hz))
		return (u32)(hz / 1000);
	return l.a >= 0x40000010 && l.a < 0x40010000 ? cpuid(0x40000010, 0).a : 0;
}

static u32 __init khz_from_cpuid(void)
{
	u32 max = cpuid(0, 0).a;
	struct cpuid_leaf l; /* TSC = crystal (Hz, in c) * b / a */

	if (cpu_vendor != VENDOR_INTEL || max < 0x15)
		return 0;
	l = cpuid(0x15, 0);
	if (!l.a || !l.b)
		return 0;
	if (l.c)
		return (u32)((u64)l.c * l.b / l.a / 1000);
	return max < 0x16 ? 0 : (cpuid(0x16, 0).a & 0xffff) * 1000;
}

/* ---- the rates of the TSC and the APIC timer, measured ---- */

struct reference {
	const char *name;
	u64 hz;
	u32 mask;
	u32 (*read)(void); /* counts up */
};

static u32 __init read_pm_timer(void)
{
	return inl(acpi_info.pm_timer);
}

static u32 __init read_pit(void)
{
	u32 lo;

	outb(0x43, 0x80); /* latch channel 2 */
	lo = inb(0x42);
	return ~(lo | (u32)inb(0x42) << 8);
}

static void __init start_pit(void)
{
	outb(0x61, (inb(0x61) & ~2) | 1); /* gate on, speaker off */
	outb(0x43, 0xb4);                 /* channel 2, both bytes, rate generator */
	outb(0x42, 0xff);
	outb(0x42, 0xff);
}

static u32 __init read_tsc(void)
{
	return (u32)rdtsc();
}

struct sample {
	u64 tsc;
	u32 ref, lapic;
};

/* Just after the reference moved. Of a few tries the quickest: nothing held us up in between. */
static struct sample __init take_sample(const struct reference *r)
{
	struct sample best = { 0 };
	u64 best_gap = ~0UL;

	for (unsigned try = 0; try < 6; try++) {
		u32 ref, lapic, old = r->read();
		u64 before, gap;
		unsigned left = 10000;

		do {
			before = rdtsc_ordered();
			ref = r->read();
			lapic = lapic_timer_elapsed();
			gap = rdtsc_ordered() - before;
		} while (ref == old && --left);
		if (gap < best_gap) {
			best_gap = gap;
			best = (struct sample){ before + gap / 2, ref, lapic };
		}
	}
	return best;
}

#define WINDOW_MS 5

/* Both against r; false when it stands still. */
static bool __init measure(const struct reference *r)
{
	struct sample a = take_sample(r), b;
	u32 left = 50000000;
	u64 passed;

	while (((r->read() - a.ref) & r->mask) < r->hz * WINDOW_MS / 1000)
		if (!--left)
			return false;
	b = take_sample(r);
	passed = (b.ref - a.ref) & r->mask;
	tsc_khz = (u32)((b.tsc - a.tsc) * r->hz / passed / 1000);
	lapic_khz = (u32)((u64)(b.lapic - a.lapic) * r->hz / passed / 1000);
	return tsc_khz > 10000;
}

static const char *__init find_rates(void)
{
	struct reference pm = { "ACPI timer", PM_TIMER_HZ,
				acpi_info.pm_timer_32bit ? ~0u : 0xffffff, read_pm_timer };
	struct reference pit = { "PIT", PIT_HZ, 0xffff, read_pit };
	u32 khz = khz_from_hypervisor();

	if (!khz)
		khz = khz_from_cpuid();
	if (khz) {
		struct reference tsc = { "CPUID", khz * 1000UL, ~0u, read_tsc };

		measure(&tsc);
		tsc_khz = khz;
		return tsc.name;
	}
	if (acpi_info.pm_timer && measure(&pm))
		return pm.name;
	start_pit();
	if (measure(&pit))
		return pit.name;
	panic("no clock to measure the TSC with: neither ACPI timer nor PIT runs");
}

/* ---- wall clock ---- */

static u8 __init cmos(u8 reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static u32 __init cmos_number(u8 v, bool binary)
{
	return binary ? v : (v & 15) + (v >> 4) * 10;
}

/* Days from 1970-01-01. A year begins in March here, so that its leap day is the last. */
static u64 __init days_since_1970(u32 y, u32 m, u32 d)
{
	if (m <= 2) {
		m += 12;
		y--;
	}
	return 365UL * y + y / 4 - y / 100 + y / 400 + (153 * (m - 3) + 2) / 5 + d - 1 - 719468;
}

static u64 __init read_wallclock(void)
{
	u32 hour, day, month, year, seconds;
	bool binary = cmos(11) & 4;
	u8 raw_hour;

	/* An update is announced 244 us before and takes 2 ms; a clock that always says "updating" is read
	 * anyway. */
	for (unsigned i = 0; i < 10000 && (cmos(10) & 0x80); i++)
		cpu_relax();
	seconds = cmos_number(cmos(0), binary) + cmos_number(cmos(2), binary) * 60;
	raw_hour = cmos(4);
	day = cmos_number(cmos(7), binary);
	month = cmos_number(cmos(8), binary);
	year = 2000 + cmos_number(cmos(9), binary);
	hour = cmos_number(raw_hour & 0x7f, binary);
	if (!(cmos(11) & 2))
		hour = hour % 12 + (raw_hour & 0x80 ? 12 : 0);
	if (month < 1 || month > 12 || day < 1 || day > 31)
		return 0;
	return ((days_since_1970(year, month, day) * 24 + hour) * 3600 + seconds) * NS_PER_S;
}

void wallclock_set(u64 utc_ns, u64 at_ns)
{
	__atomic_store_n(&wallclock_base, utc_ns - at_ns, __ATOMIC_RELAXED);
}

/* ---- start ---- */

void __init time_init(void)
{
	const char *by;

	lapic_timer_free_run(true);
	by = find_rates();
	lapic_timer_free_run(false);
	tsc_scale = make_scale(NS_PER_MS, tsc_khz);
	ns_scale = make_scale(tsc_khz, NS_PER_MS);
	tsc_base = rdtsc_ordered();
	wallclock_base = read_wallclock() - now_ns();
	log_info("Time: TSC at %u.%03u MHz (%s), APIC timer at %u.%03u MHz\n", tsc_khz / 1000,
		 tsc_khz % 1000, by, lapic_khz / 1000, lapic_khz % 1000);
}

/* ---- the next timer interrupt ---- */

/* Longest the one-shot counter is asked for; the interrupt then finds nothing due and programs the
 * rest. */
#define LONGEST_NS NS_PER_S
/* As good as never; what a guest asks for may be beyond, where the sums below overflow. */
#define NEVER_NS BIT(60)

void timer_program(u64 deadline_ns)
{
	bool never = deadline_ns >= NEVER_NS;
	u64 now, delta;

	if (lapic_deadline_mode) {
		lapic_timer_deadline(never ? 0 :
					     tsc_base + scale(deadline_ns, ns_scale) + 1 -
						     this_cpu()->tsc_offset);
	} else if (never) {
		lapic_timer_count(0);
	} else {
		now = now_ns();
		delta = deadline_ns > now ? MIN(deadline_ns - now, LONGEST_NS) : 0;
		lapic_timer_count((u32)MIN(delta * lapic_khz / NS_PER_MS + 1, 0xffffffffUL));
	}
}

/* ---- what guests are told ---- */

/* The registered copy, in the guest's memory: of the running vCPU only. The version lies first. */
static void update_guest_copy(u64 at, struct vcpu_time_info *t)
{
	u32 version = t->version;

	t->version = version | 1;
	if (copy_to_guest(at, &t->version, sizeof(version)))
		return;
	barrier();
	if (copy_to_guest(at, t, sizeof(*t)))
		return;
	barrier();
	(void)!copy_to_guest(at, &version, sizeof(version));
}

void vcpu_time_update(struct vcpu *v)
{
	struct vcpu_time_info *t = &v->vcpu_info->time;
	u32 version = READ_ONCE(t->version);
	struct vcpu_time_info new = {
		.tsc_timestamp = tsc_base - this_cpu()->tsc_offset,
		.tsc_to_system_mul = tsc_scale.mul,
		.tsc_shift = tsc_scale.shift,
		.flags = cpu_has(X86_TSC_SYNCED) ? XEN_PVCLOCK_TSC_STABLE_BIT : 0,
	};

	/* Nothing moves while the TSCs agree: written once. (The guest may spoil it for itself.) */
	if (!version || READ_ONCE(t->tsc_timestamp) != new.tsc_timestamp ||
	    READ_ONCE(t->flags) != new.flags) {
		new.version = version | 1;
		WRITE_ONCE(t->version, new.version);
		barrier();
		*t = new;
		barrier();
		version = new.version + 1;
		WRITE_ONCE(t->version, version);
	}
	new.version = version & ~1u;
	if (v->time_guest && v == current())
		update_guest_copy(v->time_guest, &new);
}

void domain_wallclock_update(struct domain *d)
{
	struct shared_info *s = d->shared_info;
	u64 base = __atomic_load_n(&wallclock_base, __ATOMIC_RELAXED) +
		   (u64)d->time_offset_sec * NS_PER_S;
	u32 version = READ_ONCE(s->wc_version);

	WRITE_ONCE(s->wc_version, version | 1);
	barrier();
	s->wc_sec = (u32)(base / NS_PER_S);
	s->wc_sec_hi = (u32)(base / NS_PER_S >> 32);
	s->wc_nsec = (u32)(base % NS_PER_S);
	barrier();
	WRITE_ONCE(s->wc_version, (version | 1) + 1);
}

/* ---- do all processors see the same time? ---- */

/*
 * The processor that comes up asks, the boot processor answers with its TSC, some times over. An
 * answer below the reading before it or above the one after it is a step backwards; then the
 * quickest question gives the offset, as network clocks are set.
 */
#define TSC_QUESTIONS 16
static u32 tsc_turn;   /* [a] odd: asked; even: answered, half as many questions */
static u64 tsc_answer; /* [a] */
static bool warped;    /* [a] */

/* False: not before `end` (0: there is none). */
static bool await_turn(u32 turn, u64 end)
{
	while (__atomic_load_n(&tsc_turn, __ATOMIC_ACQUIRE) != turn) {
		if (end && now_ns() >= end)
			return false;
		cpu_relax();
	}
	return true;
}

static void set_turn(u32 turn)
{
	__atomic_store_n(&tsc_turn, turn, __ATOMIC_RELEASE);
}

void __init tsc_check_begin(void)
{
	set_turn(0); /* whoever did not finish may have left another */
}

bool __init tsc_check_boot(u64 end)
{
	for (u32 i = 0; i < TSC_QUESTIONS; i++) {
		if (!await_turn(2 * i + 1, end))
			return false;
		tsc_answer = rdtsc_ordered();
		set_turn(2 * i + 2);
	}
	return true;
}

void tsc_check_ap(void)
{
	u64 best = ~0UL, offset = 0;
	bool backwards = false;

	for (u32 i = 0; i < TSC_QUESTIONS; i++) {
		u64 before = rdtsc_ordered(), after;

		set_turn(2 * i + 1);
		(void)await_turn(2 * i + 2, 0);
		after = rdtsc_ordered();
		if ((s64)(tsc_answer - before) < 0 || (s64)(after - tsc_answer) < 0)
			backwards = true;
		if (after - before < best) {
			best = after - before;
			offset = tsc_answer - before - best / 2;
		}
	}
	if (backwards) {
		warped = true;
		this_cpu()->tsc_offset = offset;
	}
}

void __init tsc_check_finish(void)
{
	/* QEMU never says "invariant" in emulation; a TSC that another hypervisor makes is taken as
	 * one. */
	bool steady = cpu_has(X86_INVARIANT_TSC) || cpu_has(X86_HYPERVISOR);

	if (!warped && steady)
		cpu_feature_words[FEAT_SYNTH] |= 1u << X86_TSC_SYNCED % 32;
	log_info("Time: the TSCs of all processors %s\n", warped ? "differ, offsets are kept" :
							  steady ? "agree" :
								   "may change their rate");
}
