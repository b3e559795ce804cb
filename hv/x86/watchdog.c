/* SPDX-License-Identifier: MIT */
/*
 * The option "watchdog": every processor looks once a second whether its neighbour does the same, and interrupts one
 * that stands still by an NMI, which tells where it is and stops the machine. Off by default: it wakes idle processors,
 * and a hypervisor underneath may keep a processor of ours waiting as long as it likes.
 */
#include "x86/watchdog.h"

#include "core/arch.h"
#include "core/timer.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/page.h"
#include "x86/crash.h"
#include "x86/irq.h"
#include "x86/setup.h"
#include "x86/time.h"

#define ANSWER_US 1000000

static s8 opt_watchdog;
static u32 timeout_s = 5;
BOOL_OPTION("watchdog", opt_watchdog);

static int __init parse_timeout(const char *s)
{
	u64 v = parse_number(&s);

	if (*s || !v || v > 9999)
		return -EINVAL;
	timeout_s = v;
	opt_watchdog = 1;
	return 0;
}
BOOT_OPTION("watchdog_timeout", parse_timeout);

struct watch { /* one a processor */
	struct timer timer;
	u64 looked; /* when it did so last; 0: not yet */
	u64 alive;  /* [a] the same, or later if it waits for another processor */
};
static struct watch *watches; /* [I after boot] */
bool watchdog_on;
static struct cpu *stuck; /* [a] asked by NMI where it is */

static void look_at_neighbour(const struct watch *w, u64 now)
{
	struct watch *next = &watches[(w->timer.cpu + 1) % nr_cpus];
	u64 alive = READ_ONCE(next->alive);

	if (now < alive + timeout_s * NS_PER_S)
		return;
	__atomic_store_n(&stuck, cpus[next->timer.cpu], __ATOMIC_RELEASE);
	send_ipi_nmi(next->timer.cpu);
	delay_us(ANSWER_US);
	panic("processor %u has stood still for %u s and does not answer an NMI", next->timer.cpu,
	      timeout_s);
}

static void look(void *data)
{
	struct watch *w = data;

	w->looked = now_ns();
	WRITE_ONCE(w->alive, w->looked);
	timer_set(&w->timer, w->looked + NS_PER_S);
	look_at_neighbour(w, w->looked);
}

/* Soon all wait for one that stands still. They are not to blame, unless they wait for each other. */
void watchdog_wait(void)
{
	struct watch *w = &watches[this_cpu()->id];
	u64 now = now_ns();

	if (w->looked && now < w->looked + 3 * timeout_s * NS_PER_S)
		WRITE_ONCE(w->alive, now);
	look_at_neighbour(w, now);
}

void watchdog_nmi(const cpu_user_regs_t *regs)
{
	if (__atomic_load_n(&stuck, __ATOMIC_ACQUIRE) == this_cpu())
		crash_with_regs(regs, "processor %u has stood still for %u s", this_cpu()->id,
				timeout_s);
}

void __init watchdog_init(void)
{
	if (!opt_watchdog)
		return;
	watches = xzalloc_array(struct watch, nr_cpus);
	if (!watches) {
		log_warn("No memory for the watchdog; going on without\n");
		return;
	}
	for (u32 i = 0; i < nr_cpus; i++) {
		/* Building the privileged domain takes long, and runs no timers. */
		watches[i].alive = BIT(62);
		timer_init(&watches[i].timer, look, &watches[i], i);
		timer_set(&watches[i].timer, now_ns() + NS_PER_S);
	}
	watchdog_on = true;
	log_info("Watchdog: a processor that stands still for %u s stops the machine\n", timeout_s);
}
