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

#define NS_PER_S 1000000000UL
#define NS_PER_MS 1000000UL
#define PIT_HZ 1193182u
#define PM_TIMER_HZ 3579545u

u32 tsc_khz;
struct tsc_scale tsc_scale;
static struct tsc_scale ns_scale; /* the way back */
static u64 tsc_base;              /* TSC of the boot processor at time 0 */
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

u64 tsc_to_ns(u64 delta)
{
	return scale(delta, tsc_scale);
}

static u64 tsc_now(void)
{
	return rdtsc_ordered() + this_cpu()->tsc_offset;
}

u64 now_ns(void)
{
	s64 delta = (s64)(tsc_now() - tsc_base);

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
	u32 max, sig[3], a, b, c, d;
	u64 hz;

	if (!cpu_has(X86_HYPERVISOR))
		return 0;
	cpuid(0x40000000, 0, &max, &sig[0], &sig[1], &sig[2]);
	if (max >= 0x40000003 && max < 0x40010000 && !memcmp(sig, "Microsoft Hv", 12)) {
		cpuid(0x40000003, 0, &a, &b, &c, &d);
		if ((a & BIT(11)) && rdmsr_safe(0x40000022, &hz))
			return (u32)(hz / 1000);
	}
	if (max < 0x40000010 || max >= 0x40010000)
		return 0;
	cpuid(0x40000010, 0, &a, &b, &c, &d);
	return a;
}

static u32 __init khz_from_cpuid(void)
{
	u32 max, den, num, crystal, mhz, b, c, d;

	cpuid(0, 0, &max, &b, &c, &d);
	if (cpu_vendor != VENDOR_INTEL || max < 0x15)
		return 0;
	cpuid(0x15, 0, &den, &num, &crystal, &d);
	if (!den || !num)
		return 0;
	if (crystal)
		return (u32)((u64)crystal * num / den / 1000);
	if (max < 0x16)
		return 0;
	cpuid(0x16, 0, &mhz, &b, &c, &d);
	return (mhz & 0xffff) * 1000;
}

/* ---- the rate of the TSC, measured ---- */

struct reference {
	const char *name;
	u32 hz, mask;
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

struct sample {
	u64 tsc;
	u32 ref, lapic;
};

/* Just after the reference moved, with the least time between the readings of a few tries. */
static struct sample __init take_sample(const struct reference *r)
{
	struct sample best = { 0 };
	u64 best_gap = ~0UL;

	for (unsigned try = 0; try < 4; try++) {
		u32 ref, old = r->read();
		u64 before, after;
		unsigned left = 10000;

		do {
			before = rdtsc_ordered();
			ref = r->read();
			after = rdtsc_ordered();
		} while (ref == old && --left);
		if (after - before < best_gap) {
			best_gap = after - before;
			best = (struct sample){ before + (after - before) / 2, ref,
						lapic_timer_elapsed() };
		}
	}
	return best;
}

#define WINDOW_MS 3

/* Until WINDOW_MS have passed on the reference; false when it stands still. */
static bool __init wait_window(const struct reference *r, u32 start)
{
	u32 want = r->hz / 1000 * WINDOW_MS;

	for (u32 left = 50000000; left; left--)
		if (((r->read() - start) & r->mask) >= want)
			return true;
	return false;
}

static u32 __init rate_khz(const struct reference *r, u64 ticks, const struct sample *a,
			   const struct sample *b)
{
	u64 ref = (b->ref - a->ref) & r->mask;

	return ref ? (u32)(ticks * r->hz / ref / 1000) : 0;
}

/* TSC and APIC timer against r: two windows that must agree within 0.1 %, else a third. */
static bool __init measure(const struct reference *r)
{
	struct sample s[4];
	u32 khz[3];
	unsigned n = 0, from = 0, to;

	s[0] = take_sample(r);
	do {
		if (!wait_window(r, s[n].ref))
			return false;
		s[n + 1] = take_sample(r);
		khz[n] = rate_khz(r, s[n + 1].tsc - s[n].tsc, &s[n], &s[n + 1]);
		n++;
		if (n == 2 && khz[0] - khz[1] + khz[1] / 1000 <= khz[1] / 500)
			break;
	} while (n < 3);
	to = n;
	if (n == 3) {
		/* Something held us up in one window, which then seems too fast or too slow: take
		 * the middle one. */
		u32 lo = MIN(khz[0], khz[1]), hi = MAX(khz[0], khz[1]);
		u32 mid = MAX(lo, MIN(hi, khz[2]));

		while (khz[from] != mid)
			from++;
		to = from + 1;
	}
	tsc_khz = rate_khz(r, s[to].tsc - s[from].tsc, &s[from], &s[to]);
	lapic_khz = rate_khz(r, s[to].lapic - s[from].lapic, &s[from], &s[to]);
	return tsc_khz > 10000;
}

/* The APIC timer against a TSC whose rate is known. */
static void __init measure_lapic(void)
{
	u64 start = rdtsc_ordered(), tsc;
	u32 from = lapic_timer_elapsed(), to;

	do {
		tsc = rdtsc_ordered() - start;
		to = lapic_timer_elapsed();
	} while (tsc < (u64)tsc_khz * WINDOW_MS);
	lapic_khz = (u32)((u64)(to - from) * tsc_khz / tsc);
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
		tsc_khz = khz;
		if (!lapic_deadline_mode)
			measure_lapic();
		return "CPUID";
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

struct cmos_time {
	u8 sec, min, hour, day, month, year;
};

static void __init read_cmos(struct cmos_time *t)
{
	/* An update takes 2 ms at most; a clock that always says "updating" is read anyway. */
	for (unsigned i = 0; i < 10000 && (cmos(10) & 0x80); i++)
		cpu_relax();
	*t = (struct cmos_time){ cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9) };
}

static u32 __init bcd(u8 v, bool binary)
{
	return binary ? v : (v & 15) + (v >> 4) * 10;
}

/* Days from 1970-01-01 in the calendar of today. */
static u64 __init days_since_1970(u32 y, u32 m, u32 d)
{
	static const u16 before[12] __initconst = { 0,   31,  59,  90,  120, 151,
						    181, 212, 243, 273, 304, 334 };
	u32 leap = (y - 1) / 4 - (y - 1) / 100 + (y - 1) / 400 - 477;
	bool this_leap = (y % 4 == 0 && y % 100) || y % 400 == 0;

	return (u64)(y - 1970) * 365 + leap + before[m - 1] + (m > 2 && this_leap) + d - 1;
}

static u64 __init read_wallclock(void)
{
	struct cmos_time t, again;
	u8 status = cmos(11);
	bool binary = status & 4, pm;
	u32 hour, month, day;

	read_cmos(&t);
	for (unsigned i = 0; i < 5; i++) { /* twice the same: not read across an update */
		read_cmos(&again);
		if (!memcmp(&t, &again, sizeof(t)))
			break;
		t = again;
	}
	pm = t.hour & 0x80;
	hour = bcd(t.hour & 0x7f, binary);
	if (!(status & 2))
		hour = hour % 12 + (pm ? 12 : 0);
	month = bcd(t.month, binary);
	day = bcd(t.day, binary);
	if (month < 1 || month > 12 || day < 1 || day > 31)
		return 0;
	return (((days_since_1970(2000 + bcd(t.year, binary), month, day) * 24 + hour) * 60 +
		 bcd(t.min, binary)) *
			60 +
		bcd(t.sec, binary)) *
	       NS_PER_S;
}

u64 wallclock_ns(void)
{
	return __atomic_load_n(&wallclock_base, __ATOMIC_RELAXED) + now_ns();
}

void wallclock_set(u64 utc_ns, u64 at_ns)
{
	__atomic_store_n(&wallclock_base, utc_ns - at_ns, __ATOMIC_RELAXED);
}

/* ---- start ---- */

void __init time_init(void)
{
	const char *by;

	lapic_timer_free_run();
	by = find_rates();
	lapic_timer_stop_free_run();
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
	u64 now, delta, ticks;

	if (deadline_ns >= NEVER_NS)
		deadline_ns = ~0UL;
	this_cpu()->timer_deadline = deadline_ns;
	if (lapic_deadline_mode) {
		u64 tsc = deadline_ns == ~0UL ? 0 : tsc_base + scale(deadline_ns, ns_scale) + 1;

		lapic_timer_deadline(tsc ? tsc - this_cpu()->tsc_offset : 0);
		return;
	}
	if (deadline_ns == ~0UL) {
		lapic_timer_count(0);
		return;
	}
	now = now_ns();
	delta = deadline_ns > now ? MIN(deadline_ns - now, LONGEST_NS) : 0;
	ticks = delta * lapic_khz / NS_PER_MS + 1;
	lapic_timer_count((u32)MIN(ticks, 0xffffffffUL));
}

/* ---- what guests are told ---- */

static void fill_time(struct vcpu_time_info *t)
{
	t->tsc_timestamp = tsc_base - this_cpu()->tsc_offset;
	t->system_time = 0;
	t->tsc_to_system_mul = tsc_scale.mul;
	t->tsc_shift = tsc_scale.shift;
	t->flags = cpu_has(X86_TSC_SYNCED) ? XEN_PVCLOCK_TSC_STABLE_BIT : 0;
}

/* The registered copy, in the guest's memory: of the running vCPU only. */
static void update_guest_copy(struct vcpu *v, struct vcpu_time_info *t)
{
	u64 at = v->time_guest;
	u32 version = t->version;

	t->version = version | 1;
	if (copy_to_guest(at + offsetof(struct vcpu_time_info, version), &t->version,
			  sizeof(version)))
		return;
	barrier();
	if (copy_to_guest(at, t, sizeof(*t)))
		return;
	barrier();
	t->version = version;
	(void)!copy_to_guest(at + offsetof(struct vcpu_time_info, version), &t->version,
			     sizeof(version));
}

void vcpu_time_update(struct vcpu *v)
{
	struct vcpu_time_info *t = &v->vcpu_info->time, new = { 0 };
	u32 version = READ_ONCE(t->version);

	fill_time(&new);
	/* Nothing moves while the TSCs agree: written once. (The guest may spoil it for itself.) */
	if (!version || READ_ONCE(t->tsc_timestamp) != new.tsc_timestamp ||
	    READ_ONCE(t->flags) != new.flags) {
		WRITE_ONCE(t->version, version | 1);
		barrier();
		t->tsc_timestamp = new.tsc_timestamp;
		t->system_time = new.system_time;
		t->tsc_to_system_mul = new.tsc_to_system_mul;
		t->tsc_shift = new.tsc_shift;
		t->flags = new.flags;
		barrier();
		version = (version | 1) + 1;
		WRITE_ONCE(t->version, version);
	}
	new.version = version & ~1u;
	if (v->time_guest && v == current())
		update_guest_copy(v, &new);
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

#define WARP_ROUNDS 400
static u64 warp_last;     /* [a] highest TSC anybody has read */
static s64 warp_worst;    /* [a] how far behind it another was read */
static u32 warp_stage;    /* [a] hand-shake of the two that check */
static u64 warp_boot_tsc; /* [a] */
static bool warped;

/* Both do this at once: a reading below one that was published before it was taken is a step
 * backwards. */
static void warp_rounds(void)
{
	for (unsigned i = 0; i < WARP_ROUNDS; i++) {
		u64 last = __atomic_load_n(&warp_last, __ATOMIC_SEQ_CST), now = rdtsc_ordered();

		if ((s64)(now - last) < 0) {
			__atomic_store_n(&warp_worst, MAX(warp_worst, (s64)(last - now)),
					 __ATOMIC_RELAXED);
		} else {
			__atomic_compare_exchange_n(&warp_last, &last, now, false, __ATOMIC_SEQ_CST,
						    __ATOMIC_RELAXED);
		}
	}
}

static void await_stage(u32 stage)
{
	while (__atomic_load_n(&warp_stage, __ATOMIC_ACQUIRE) != stage)
		cpu_relax();
}

static void set_stage(u32 stage)
{
	__atomic_store_n(&warp_stage, stage, __ATOMIC_RELEASE);
}

/* Stages: 1 AP ready, 2 both run, 3 AP has finished; then per try 4 AP asks, 5 boot processor
 * answered; 6 end. */
#define OFFSET_TRIES 8

void __init tsc_check_boot(void)
{
	await_stage(1);
	warp_last = 0;
	warp_worst = 0;
	set_stage(2);
	warp_rounds();
	await_stage(3);
	if (!warp_worst) {
		set_stage(0);
		return;
	}
	warped = true;
	for (unsigned i = 0; i < OFFSET_TRIES; i++) {
		set_stage(6);
		await_stage(4);
		warp_boot_tsc = rdtsc_ordered();
		set_stage(5);
		await_stage(7);
	}
	set_stage(0);
}

/* The offset by the quickest of a few questions, as network clocks are set. */
static u64 find_offset(void)
{
	u64 best = ~0UL, offset = 0;

	for (unsigned i = 0; i < OFFSET_TRIES; i++) {
		u64 before, after;

		await_stage(6);
		before = rdtsc_ordered();
		set_stage(4);
		await_stage(5);
		after = rdtsc_ordered();
		if (after - before < best) {
			best = after - before;
			offset = warp_boot_tsc - (before + best / 2);
		}
		set_stage(7);
	}
	return offset;
}

void tsc_check_ap(void)
{
	set_stage(1);
	await_stage(2);
	warp_rounds();
	set_stage(3);
	/* The boot processor leaves stage 3 when it knows the result too. */
	while (__atomic_load_n(&warp_stage, __ATOMIC_ACQUIRE) == 3)
		cpu_relax();
	if (__atomic_load_n(&warp_worst, __ATOMIC_RELAXED))
		this_cpu()->tsc_offset = find_offset();
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
