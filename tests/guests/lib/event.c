/* SPDX-License-Identifier: MIT */
/* Events, two-level and FIFO, and the clock. */
#include "guest.h"

#define FIFO_PORTS_PAGE (4096 / 4)

volatile u32 port_count[MAX_PORTS], port_cpu[MAX_PORTS];
volatile struct shared_info *sh;
bool fifo_mode;
static u8 shared_page[4096] __attribute__((section(".bss.page"), aligned(4096)));
static volatile u32 *fifo_words;
static volatile struct evtchn_fifo_control_block *fifo_control;

void events_handle(struct cpu *c);

void events_init(void)
{
	long rc = set_va(shared_page, si->shared_info | PTE_KERN);

	if (rc)
		die("cannot map shared_info: %ld", rc);
	sh = (volatile struct shared_info *)shared_page;
	for (unsigned i = 0; i < GUEST_CPUS; i++)
		cpus[i].vi = &sh->vcpu_info[i];
	for (unsigned i = 0; i < 64; i++)
		sh->evtchn_mask[i] = ~0UL;
}

void events_on(void)
{
	volatile struct vcpu_info *vi = this_cpu()->vi;

	vi->evtchn_upcall_mask = 0;
	barrier();
	if (vi->evtchn_upcall_pending)
		version_op(XENVER_version, NULL); /* any call delivers on its way out */
}

void events_off(void)
{
	this_cpu()->vi->evtchn_upcall_mask = 1;
	barrier();
}

static volatile u64 *word(volatile u64 *bits, u32 port)
{
	return bits + port / 64;
}

void port_mask(u32 port)
{
	if (fifo_mode)
		__atomic_or_fetch(&fifo_words[port], 1U << EVTCHN_FIFO_MASKED, __ATOMIC_SEQ_CST);
	else
		__atomic_or_fetch(word(sh->evtchn_mask, port), 1UL << port % 64, __ATOMIC_SEQ_CST);
}

void port_unmask(u32 port)
{
	if (fifo_mode)
		__atomic_and_fetch(&fifo_words[port], ~(1U << EVTCHN_FIFO_MASKED),
				   __ATOMIC_SEQ_CST);
	else
		__atomic_and_fetch(word(sh->evtchn_mask, port), ~(1UL << port % 64),
				   __ATOMIC_SEQ_CST);
}

bool port_pending(u32 port)
{
	if (fifo_mode)
		return fifo_words[port] >> EVTCHN_FIFO_PENDING & 1;
	return *word(sh->evtchn_pending, port) >> port % 64 & 1;
}

void port_clear(u32 port)
{
	if (fifo_mode)
		__atomic_and_fetch(&fifo_words[port], ~(1U << EVTCHN_FIFO_PENDING),
				   __ATOMIC_SEQ_CST);
	else
		__atomic_and_fetch(word(sh->evtchn_pending, port), ~(1UL << port % 64),
				   __ATOMIC_SEQ_CST);
}

static void deliver(struct cpu *c, u32 port)
{
	port_clear(port);
	if (port >= MAX_PORTS)
		return;
	port_cpu[port] = c->id;
	__atomic_fetch_add(&port_count[port], 1, __ATOMIC_SEQ_CST);
}

static void handle_2l(struct cpu *c)
{
	u64 sel = __atomic_exchange_n(&c->vi->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);

	for (; sel; sel &= sel - 1) {
		u32 w = (u32)__builtin_ctzl(sel);
		u64 bits = sh->evtchn_pending[w] & ~sh->evtchn_mask[w];

		for (; bits; bits &= bits - 1)
			deliver(c, w * 64 + (u32)__builtin_ctzl(bits));
	}
}

/* Take one port off the head of queue q; 0: the queue is empty now. */
static u32 fifo_take(u32 q)
{
	u32 port = fifo_control->head[q], old, next;

	if (!port)
		return 0;
	do {
		old = fifo_words[port];
		next = old & EVTCHN_FIFO_LINK_MASK;
	} while (!__atomic_compare_exchange_n(
		&fifo_words[port], &old,
		old & ~((1U << EVTCHN_FIFO_LINKED) | (u32)EVTCHN_FIFO_LINK_MASK), false,
		__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	fifo_control->head[q] = next;
	if (!next)
		__atomic_and_fetch(&fifo_control->ready, ~(1U << q), __ATOMIC_SEQ_CST);
	return port;
}

static void handle_fifo(struct cpu *c)
{
	u32 ready;

	while ((ready = __atomic_exchange_n(&fifo_control->ready, 0, __ATOMIC_SEQ_CST)))
		for (; ready; ready &= ready - 1) {
			u32 q = (u32)__builtin_ctz(ready), port;

			while ((port = fifo_take(q)))
				if ((fifo_words[port] >> EVTCHN_FIFO_PENDING & 1) &&
				    !(fifo_words[port] >> EVTCHN_FIFO_MASKED & 1))
					deliver(c, port);
		}
}

void events_handle(struct cpu *c)
{
	do {
		c->vi->evtchn_upcall_pending = 0;
		barrier();
		if (fifo_mode)
			handle_fifo(c);
		else
			handle_2l(c);
	} while (c->vi->evtchn_upcall_pending);
}

long fifo_start(void)
{
	void *control = page_alloc(), *array = page_alloc();
	struct evtchn_init_control in = { .control_gfn = mfn_of(control), .offset = 0, .vcpu = 0 };
	struct evtchn_expand_array ex = { .array_gfn = mfn_of(array) };
	long rc = evtchn_op(EVTCHNOP_init_control, &in);

	if (rc)
		return rc;
	fifo_control = control;
	fifo_words = array;
	for (unsigned i = 0; i < FIFO_PORTS_PAGE; i++)
		fifo_words[i] = 1U << EVTCHN_FIFO_MASKED;
	rc = evtchn_op(EVTCHNOP_expand_array, &ex);
	fifo_mode = !rc;
	return rc ?: in.link_bits == EVTCHN_FIFO_LINK_BITS ? 0 : -1000;
}

u32 loop_ports(u32 *other)
{
	struct evtchn_alloc_unbound un = { DOMID_SELF, DOMID_SELF, 0 };
	struct evtchn_bind_interdomain in = { .remote_dom = DOMID_SELF };

	if (evtchn_op(EVTCHNOP_alloc_unbound, &un))
		return 0;
	in.remote_port = un.port;
	if (evtchn_op(EVTCHNOP_bind_interdomain, &in))
		return 0;
	*other = un.port;
	return in.local_port;
}

u64 now(void)
{
	const volatile struct vcpu_time_info *t = &this_cpu()->vi->time;
	u32 version;
	u64 ns;

	do {
		u64 delta;

		version = t->version;
		barrier();
		delta = rdtsc() - t->tsc_timestamp;
		delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
		ns = t->system_time + (u64)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
		barrier();
	} while ((version & 1) || version != t->version);
	return ns;
}

bool wait_port(u32 port, u32 count, u64 ns)
{
	u64 end = now() + ns;

	while (port_count[port] < count) {
		if (now() > end)
			return false;
		sched_op(SCHEDOP_yield, NULL);
	}
	return true;
}
