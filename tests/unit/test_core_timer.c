/* SPDX-License-Identifier: MIT */
#include "host_core.h"

static unsigned fired;
static u64 last_time;

static void fire(void *data)
{
	struct timer *t = data;

	cr_assert(t->expires >= last_time, "out of order");
	last_time = t->expires;
	fired++;
}

static void again(void *data)
{
	struct timer *t = data;

	if (++fired < 3)
		timer_set(t, host_time);
	else
		timer_stop(t); /* from its own function: does not wait */
}

Test(core_timer, thousands_in_order)
{
	enum { N = 3000 };
	static struct timer t[N];
	u64 x = 12345;
	int i;

	machine_up();
	last_time = 0;
	for (i = 0; i < N; i++) {
		timer_init(&t[i], fire, &t[i], 0);
		x = x * 6364136223846793005UL + 1442695040888963407UL;
		timer_set(&t[i], host_time + (x >> 40));
	}
	for (i = 0; i < N; i += 3) { /* move a third, stop a third */
		x = x * 6364136223846793005UL + 1442695040888963407UL;
		timer_set(&t[i], host_time + (x >> 40));
		timer_stop(&t[i + 1]);
		timer_stop(&t[i + 1]);
	}
	host_time += 1UL << 25;
	for (i = 0; i < N; i++)
		timers_run(0);
	expect(fired, N - N / 3);
}

Test(core_timer, programs_only_earlier_heads)
{
	struct timer a, b;

	machine_up();
	timers_run(0);
	timer_init(&a, fire, &a, 0);
	timer_init(&b, fire, &b, 0);
	timer_set(&a, host_time + 1000);
	expect(host_deadline[0], host_time + 1000);
	timer_set(&b, host_time + 2000);
	expect(host_deadline[0], host_time + 1000);
	timer_set(&b, host_time + 500);
	expect(host_deadline[0], host_time + 500);
	timer_set(&b, host_time + 700); /* later: the hardware keeps what it has */
	expect(host_deadline[0], host_time + 500);
	host_time += 500;
	timers_run(0);
	expect(fired, 0);
	expect(host_deadline[0], host_time + 200);
}

Test(core_timer, of_another_processor)
{
	struct timer a;

	machine_up();
	timers_run(1);
	host_work[1] = 0;
	timer_init(&a, fire, &a, 1);
	timer_set(&a, host_time);
	cr_assert(host_work[1] & WORK_TIMER);
	run_cpu(1);
	expect(fired, 1);
	timer_set(&a, host_time + 10);
	timer_migrate(&a, 0);
	expect(a.cpu, 0);
	timer_migrate(&a, 0);
	host_time += 10;
	timers_run(1);
	expect(fired, 1);
	timers_run(0);
	expect(fired, 2);
}

Test(core_timer, rearms_itself)
{
	struct timer a;

	machine_up();
	timer_init(&a, again, &a, 0);
	timer_set(&a, host_time);
	timers_run(0);
	expect(fired, 3);
	expect(timer_armed(&a), false);
}

static void move_itself(void *t)
{
	fired++;
	timer_migrate(t, 1);
	timer_set(t, host_time + 10);
}

/* Armed or not it is in the queue of its processor, whoever moves it when. */
Test(core_timer, moves_but_not_while_it_runs)
{
	struct timer a, b;

	machine_up();
	timers_run(1);
	timer_init(&a, move_itself, &a, 0);
	timer_init(&b, fire, &b, 0);
	timer_set(&a, host_time);
	timers_run(0);
	expect(a.cpu, 0);
	cr_assert(timer_armed(&a));
	host_work[1] = 0;
	timer_migrate(&a, 1);
	expect(a.cpu, 1);
	cr_assert(host_work[1] & WORK_TIMER);
	timer_migrate(&b, 1);
	cr_assert(!timer_armed(&b));
	timer_stop(&a);
	timer_migrate(&a, 0);
	host_time += 100;
	timers_run(0);
	timers_run(1);
	expect(fired, 1);
}
