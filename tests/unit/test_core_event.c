/* SPDX-License-Identifier: MIT */
#include "core/event.h"
#include "core/evtchn.h"
#include "host_core.h"

static u32 unbound_for(struct vcpu *v, u16 remote)
{
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = remote };

	expect_ret(EVTCHN(alloc_unbound, &op, v), 0);
	return op.port;
}

static u32 connect(struct vcpu *v, u16 remote, u32 port)
{
	struct evtchn_bind_interdomain op = { .remote_dom = remote, .remote_port = port };

	expect_ret(EVTCHN(bind_interdomain, &op, v), 0);
	return op.local_port;
}

static long send_to(struct vcpu *v, u32 port)
{
	return EVTCHN(send, &(struct evtchn_send){ port }, v);
}

static long close_of(struct vcpu *v, u32 port)
{
	return EVTCHN(close, &(struct evtchn_close){ port }, v);
}

static struct evtchn_status status_of(struct vcpu *v, u16 dom, u32 port)
{
	struct evtchn_status op = { .dom = dom, .port = port };

	expect_ret(EVTCHN(status, &op, v), 0);
	return op;
}

static bool take_pending(struct domain *d, u32 port)
{
	return bit_test_and_clear(d->shared_info->evtchn_pending, port);
}

static void quiet(struct vcpu *v)
{
	v->vcpu_info->evtchn_upcall_pending = 0;
	v->vcpu_info->evtchn_pending_sel = 0;
}

Test(core_event, interdomain)
{
	u32 a, b;

	machine_up();
	a = unbound_for(u0, 0);
	expect(status_of(u0, DOMID_SELF, a).status, EVTCHNSTAT_unbound);
	expect(status_of(u0, DOMID_SELF, a).u.unbound.dom, 0);
	expect_ret(send_to(u0, a), 0); /* nobody there */
	b = connect(v0, domu->id, a);
	cr_assert(take_pending(dom0, b), "pending at once");
	expect(v0->vcpu_info->evtchn_upcall_pending, 1);
	expect(v0->vcpu_info->evtchn_pending_sel, 1UL << b / 64);
	expect(status_of(v0, domu->id, a).u.interdomain.port, b);
	quiet(v0);
	expect_ret(send_to(u0, a), 0);
	expect_ret(send_to(u0, a), 0);
	cr_assert(take_pending(dom0, b));
	expect(v0->vcpu_info->evtchn_upcall_pending, 1);
	/* masked: pending, no upcall, until unmasked */
	quiet(v0);
	bit_set(dom0->shared_info->evtchn_mask, b);
	expect_ret(send_to(u0, a), 0);
	expect(v0->vcpu_info->evtchn_upcall_pending, 0);
	expect_ret(EVTCHN(unmask, &(struct evtchn_unmask){ b }, v0), 0);
	expect(v0->vcpu_info->evtchn_upcall_pending, 1);
	expect_ret(EVTCHN(unmask, &(struct evtchn_unmask){ b }, v0), 0);
	/* closing one end: the other waits again */
	expect_ret(close_of(v0, b), 0);
	expect(status_of(u0, DOMID_SELF, a).status, EVTCHNSTAT_unbound);
	expect_ret(close_of(v0, b), -EINVAL);
	b = connect(v0, domu->id, a);
	expect_ret(close_of(u0, a), 0);
	expect(status_of(v0, DOMID_SELF, b).status, EVTCHNSTAT_unbound);
	expect(status_of(v0, DOMID_SELF, b).u.unbound.dom, domu->id);
}

Test(core_event, with_itself)
{
	u32 a, b;

	machine_up();
	a = unbound_for(u0, DOMID_SELF);
	b = connect(u0, DOMID_SELF, a);
	take_pending(domu, b);
	expect_ret(send_to(u0, b), 0);
	cr_assert(take_pending(domu, a));
	expect_ret(close_of(u0, a), 0);
	expect(status_of(u0, domu->id, b).status, EVTCHNSTAT_unbound);
}

Test(core_event, refusals)
{
	struct evtchn_bind_interdomain bi = { .remote_dom = 999, .remote_port = 1 };
	struct evtchn_alloc_unbound au = { .dom = 0, .remote_dom = 0 };
	struct evtchn_status st = { .dom = 0, .port = 1 };
	u32 a;

	machine_up();
	a = unbound_for(v0, domu->id);
	expect_ret(EVTCHN(bind_interdomain, &bi, u0), -ESRCH);
	bi.remote_dom = 0;
	bi.remote_port = a + 1;
	expect_ret(EVTCHN(bind_interdomain, &bi, u0), -EINVAL);
	bi.remote_port = 0xffffffff;
	expect_ret(EVTCHN(bind_interdomain, &bi, u0), -EINVAL);
	bi.remote_port = a;
	expect_ret(EVTCHN(bind_interdomain, &bi, w0), -EINVAL); /* meant for another */
	expect_ret(EVTCHN(alloc_unbound, &au, u0), -EPERM);
	au.dom = 555;
	expect_ret(EVTCHN(alloc_unbound, &au, v0), -ESRCH);
	expect_ret(EVTCHN(status, &st, u0), -EPERM);
	st.dom = DOMID_SELF;
	st.port = 99999;
	expect_ret(EVTCHN(status, &st, u0), -EINVAL);
	expect_ret(send_to(u0, 0), -EINVAL);
	expect_ret(send_to(u0, 0xffffffff), -EINVAL);
	expect_ret(close_of(u0, 0), -EINVAL);
	expect_ret(close_of(u0, 0xffffffff), -EINVAL);
	expect_ret(EVTCHN(unmask, &(struct evtchn_unmask){ 0 }, u0), -EINVAL);
	expect_ret(EVTCHN(unmask, &(struct evtchn_unmask){ 70000 }, u0), -EINVAL);
	expect_ret(EVTCHN(send, 0, u0), -EFAULT);
	expect_ret(EVTCHN(status, 8, u0), -EFAULT);
	expect_ret(CALL2(do_event_channel_op, 14, &st, u0), -ENOSYS);
	expect_ret(CALL2(do_event_channel_op, 99, &st, u0), -ENOSYS);
}

Test(core_event, virqs)
{
	struct evtchn_bind_virq op = { .virq = VIRQ_TIMER, .vcpu = 1 };
	u32 timer, console;

	machine_up();
	expect_ret(EVTCHN(bind_virq, &op, v0), 0);
	timer = op.port;
	expect_ret(EVTCHN(bind_virq, &op, v0), -EEXIST);
	op.vcpu = 0;
	expect_ret(EVTCHN(bind_virq, &op, v0), 0);
	op.vcpu = 2; /* none made */
	expect_ret(EVTCHN(bind_virq, &op, v0), -ENOENT);
	op.vcpu = 1;
	op.virq = VIRQ_CONSOLE;
	expect_ret(EVTCHN(bind_virq, &op, v0), -EINVAL);
	op.vcpu = 0;
	expect_ret(EVTCHN(bind_virq, &op, v0), 0);
	console = op.port;
	op.virq = NR_VIRQS;
	expect_ret(EVTCHN(bind_virq, &op, v0), -EINVAL);
	send_vcpu_virq(v1, VIRQ_TIMER);
	cr_assert(take_pending(dom0, timer));
	expect(v1->vcpu_info->evtchn_upcall_pending, 1);
	expect(v0->vcpu_info->evtchn_upcall_pending, 0);
	send_vcpu_virq(v1, VIRQ_DEBUG); /* nobody asked */
	send_global_virq(VIRQ_CONSOLE);
	cr_assert(take_pending(dom0, console));
	quiet(v0);
	quiet(v1);
	/* a global one moves, a vCPU's own does not */
	expect_ret(EVTCHN(bind_vcpu, &((struct evtchn_bind_vcpu){ console, 1 }), v0), 0);
	send_global_virq(VIRQ_CONSOLE);
	expect(v1->vcpu_info->evtchn_upcall_pending, 1);
	expect(status_of(v0, DOMID_SELF, console).u.virq, VIRQ_CONSOLE);
	expect(status_of(v0, DOMID_SELF, console).vcpu, 1);
	expect_ret(EVTCHN(bind_vcpu, &((struct evtchn_bind_vcpu){ timer, 0 }), v0), -EINVAL);
	expect_ret(EVTCHN(bind_vcpu, &((struct evtchn_bind_vcpu){ console, 9 }), v0), -ENOENT);
	expect_ret(EVTCHN(bind_vcpu, &((struct evtchn_bind_vcpu){ 99999, 0 }), v0), -EINVAL);
	expect_ret(close_of(v0, console), 0);
	expect_ret(close_of(v0, timer), 0);
	send_global_virq(VIRQ_CONSOLE);
	send_vcpu_virq(v1, VIRQ_TIMER);
	cr_assert(!take_pending(dom0, timer) && !take_pending(dom0, console));
	expect_ret(send_to(v0, status_of(v0, DOMID_SELF, 1).status ? 1 : 2), -EINVAL);
}

Test(core_event, ipis_and_pirqs)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 1 };
	struct evtchn_bind_pirq pirq = { .pirq = 17 };

	machine_up();
	expect_ret(EVTCHN(bind_ipi, &ipi, v0), 0);
	expect_ret(send_to(v0, ipi.port), 0);
	expect(v1->vcpu_info->evtchn_upcall_pending, 1);
	expect(status_of(v0, DOMID_SELF, ipi.port).status, EVTCHNSTAT_ipi);
	ipi.vcpu = 3;
	expect_ret(EVTCHN(bind_ipi, &ipi, v0), -ENOENT);
	expect_ret(EVTCHN(bind_pirq, &pirq, v0), 0);
	send_pirq_event(dom0, pirq.port);
	cr_assert(take_pending(dom0, pirq.port));
	send_pirq_event(dom0, ipi.port + 70);
	send_pirq_event(dom0, 1u << 30);
	expect(status_of(v0, DOMID_SELF, pirq.port).u.pirq, 17);
	expect_ret(EVTCHN(unmask, &(struct evtchn_unmask){ pirq.port }, v0), 0);
	expect_ret(send_to(v0, pirq.port), -EINVAL);
	expect_ret(close_of(v0, pirq.port), 0);
	pirq_bind_result = -EPERM;
	expect_ret(EVTCHN(bind_pirq, &pirq, v0), -EPERM);
	expect(dom0->active_evtchns, 1);
	evtchn_dump();
}

Test(core_event, limit_and_reset)
{
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = 0 };
	struct evtchn_reset reset = { .dom = DOMID_SELF };
	unsigned n = 0;
	long err;

	machine_up();
	while ((err = EVTCHN(alloc_unbound, &op, u0)) == 0)
		n++;
	expect(err, -ENOSPC);
	expect(n, 1023);
	expect_ret(EVTCHN(reset, &(struct evtchn_reset){ .dom = 0 }, u0), -EPERM);
	while ((err = EVTCHN(reset, &reset, u0)) == -ERESTART)
		;
	expect(err, 0);
	expect(domu->active_evtchns, 0);
	reset.dom = domu->id;
	expect_ret(EVTCHN(alloc_unbound, &op, u0), 0);
	expect_ret(EVTCHN(reset, &reset, v0), 0);
	expect(domu->active_evtchns, 0);
	heap_is_empty = true;
	while ((err = EVTCHN(alloc_unbound, &op, v0)) == 0)
		;
	expect(err, -ENOMEM);
}

Test(core_event, two_level_limit_of_the_privileged)
{
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = 0 };
	unsigned n = 0;
	long err;

	machine_up();
	while ((err = EVTCHN(alloc_unbound, &op, v0)) == 0)
		n++;
	expect(err, -ENOSPC);
	expect(n, 4095);
}

/* The address of a domain decides the order of locks: close from both ends, both orders. */
Test(core_event, close_in_any_order)
{
	struct vcpu *pairs[][2] = { { u0, w0 }, { w0, u0 }, { u0, v0 },
				    { v0, u0 }, { v0, w0 }, { w0, v0 } };
	unsigned i;

	machine_up();
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct vcpu *from = (struct vcpu *[]){ u0, w0, u0, v0, v0, w0 }[i];
		struct vcpu *to = (struct vcpu *[]){ w0, u0, v0, u0, w0, v0 }[i];
		u32 a = unbound_for(from, to->domain->id), b = connect(to, from->domain->id, a);

		expect_ret(close_of(i & 1 ? to : from, i & 1 ? b : a), 0);
		cr_assert(from->domain->event_lock.owner == from->domain->event_lock.next &&
			  to->domain->event_lock.owner == to->domain->event_lock.next);
	}
}

Test(core_event, vcpu_without_info_is_harmless)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };

	machine_up();
	u0->vcpu_info = &dummy_vcpu_info;
	expect_ret(EVTCHN(bind_ipi, &ipi, u0), 0);
	expect_ret(send_to(u0, ipi.port), 0);
	cr_assert(!vcpu_event_pending(u0));
}

/* ---- the FIFO ABI ---- */

static u64 control_mfn, array_mfn;
static struct evtchn_fifo_control_block *block;
static event_word_t *words;

static void fifo_up(void)
{
	struct evtchn_init_control ic = { .offset = 0, .vcpu = 0 };

	machine_up();
	control_mfn = give_pages(domu, 0);
	array_mfn = give_pages(domu, 0);
	block = mfn_to_virt(control_mfn);
	words = mfn_to_virt(array_mfn);
	ic.control_gfn = control_mfn;
	expect_ret(EVTCHN(init_control, &ic, u0), 0);
	expect(ic.link_bits, 17);
}

static u32 expand(void)
{
	return EVTCHN(expand_array, &(struct evtchn_expand_array){ array_mfn }, u0);
}

static u32 ipi_port(u32 vcpu)
{
	struct evtchn_bind_ipi ipi = { .vcpu = vcpu };

	expect_ret(EVTCHN(bind_ipi, &ipi, u0), 0);
	return ipi.port;
}

/* A virtual interrupt's port can be any that there is. */
Test(core_fifo, virq_at_a_high_port)
{
	struct evtchn_bind_virq op = { .virq = VIRQ_TIMER, .vcpu = 0 };
	struct evtchn **buckets;
	u32 port;

	fifo_up();
	/* The array was made for fewer. */
	buckets = xzalloc_array(struct evtchn *, (1 << 17) / PORTS_PER_BUCKET);
	memcpy(buckets, domu->evtchn, domu->nr_evtchns / PORTS_PER_BUCKET * sizeof(*buckets));
	domu->evtchn = buckets;
	domu->max_evtchns = 1 << 17;
	for (int i = 0; i < 66; i++)
		expect_ret(expand(), 0);
	do
		port = ipi_port(0);
	while (port < 65544);
	expect_ret(EVTCHN(bind_virq, &op, u0), 0);
	cr_assert_gt(op.port, 65544);
	send_vcpu_virq(u0, VIRQ_TIMER);
	expect(block->head[7], op.port);
	expect_ret(close_of(u0, op.port), 0);
	expect_ret(EVTCHN(bind_virq, &op, u0), 0); /* forgotten, so that it can be bound again */
}

/* The guest's side of one queue: take the first port off. */
static u32 consume(unsigned prio)
{
	u32 port = block->head[prio], w;

	if (!port)
		return 0;
	w = words[port];
	block->head[prio] = w & EVTCHN_FIFO_LINK_MASK;
	words[port] =
		w & ~(1u << EVTCHN_FIFO_LINKED | 1u << EVTCHN_FIFO_PENDING | EVTCHN_FIFO_LINK_MASK);
	return port;
}

/* What was pending before its word came is raised with it, in steps if it must be. */
Test(core_fifo, array_comes_in_steps)
{
	u32 port, calls = 1;

	fifo_up();
	do
		expect_ret(send_to(u0, port = ipi_port(0)), 0);
	while (port < 900);
	host_preempt = true;
	while (expand() == (u32)-ERESTART)
		calls++;
	expect(calls, 4);
	expect(block->head[7], 1);
	for (port = 1; port < 900; port++)
		expect_ret(consume(7), port);
	/* the next one is another page */
	host_preempt = false;
	expect_ret(expand(), 0);
	expect(domu->fifo->pages, 2);
}

Test(core_fifo, queues)
{
	u32 p[4], i;

	fifo_up();
	expect_ret(expand(), 0);
	for (i = 0; i < 4; i++)
		p[i] = ipi_port(0);
	expect_ret(EVTCHN(set_priority, &((struct evtchn_set_priority){ p[3], 2 }), u0), 0);
	for (i = 0; i < 4; i++)
		expect_ret(send_to(u0, p[i]), 0);
	expect_ret(send_to(u0, p[0]), 0); /* linked already */
	expect(block->ready, 1 << 7 | 1 << 2);
	expect(u0->vcpu_info->evtchn_upcall_pending, 1);
	expect_ret(consume(2), p[3]);
	for (i = 0; i < 3; i++)
		expect_ret(consume(7), p[i]);
	expect_ret(consume(7), 0);
	/* the queue is empty, the tail we remember is not linked any more */
	block->ready = 0;
	expect_ret(send_to(u0, p[1]), 0);
	expect(block->head[7], p[1]);
	expect(block->ready, 1 << 7);
	/* it moves to another queue */
	expect_ret(consume(7), p[1]);
	expect_ret(EVTCHN(set_priority, &((struct evtchn_set_priority){ p[1], 15 }), u0), 0);
	expect_ret(send_to(u0, p[1]), 0);
	expect_ret(send_to(u0, p[2]), 0);
	expect_ret(consume(15), p[1]);
	expect_ret(consume(7), p[2]);
	evtchn_dump();
}

Test(core_fifo, masks)
{
	u32 p;

	fifo_up();
	expect_ret(expand(), 0);
	p = ipi_port(0);
	words[p] = 1u << EVTCHN_FIFO_MASKED;
	expect_ret(send_to(u0, p), 0);
	expect(block->ready, 0);
	cr_assert(evtchn_port_pending(domu, p));
	expect_ret(EVTCHN(unmask, &(struct evtchn_unmask){ p }, u0), 0);
	expect_ret(consume(7), p);
	cr_assert(!evtchn_port_pending(domu, p));
	cr_assert(evtchn_port_pending(domu, 100000) == -EINVAL && !evtchn_port_pending(domu, 0));
	/* to a vCPU without a control block: pending, not linked */
	p = ipi_port(1);
	expect_ret(send_to(u0, p), 0);
	expect(words[p], 1u << EVTCHN_FIFO_PENDING);
}

Test(core_fifo, pending_before_there_are_words)
{
	u32 p, q;

	fifo_up();
	p = ipi_port(0);
	q = ipi_port(0);
	expect_ret(send_to(u0, p), 0);
	cr_assert(evtchn_port_pending(domu, p));
	expect(block->ready, 0);
	expect_ret(expand(), 0);
	expect_ret(consume(7), p);
	expect_ret(consume(7), 0);
	(void)q;
}

Test(core_fifo, carries_over_from_two_level)
{
	struct evtchn_init_control ic = { 0 };
	u32 p;

	machine_up();
	p = ipi_port(0);
	expect_ret(send_to(u0, p), 0);
	control_mfn = give_pages(domu, 0);
	array_mfn = give_pages(domu, 0);
	block = mfn_to_virt(control_mfn);
	words = mfn_to_virt(array_mfn);
	ic.control_gfn = control_mfn;
	expect_ret(EVTCHN(init_control, &ic, u0), 0);
	expect_ret(expand(), 0);
	expect_ret(consume(7), p);
}

/* A guest that writes nonsense into words and heads loses events, and nothing else happens. */
Test(core_fifo, lies)
{
	u32 p[8], i, r;
	u64 x = 99;

	fifo_up();
	expect_ret(expand(), 0);
	for (i = 0; i < 8; i++)
		p[i] = ipi_port(0);
	for (r = 0; r < 20000; r++) {
		x = x * 6364136223846793005UL + 1442695040888963407UL;
		words[p[x >> 61]] = (u32)(x >> 20);
		block->head[x >> 56 & 15] = (u32)(x >> 10);
		if (r % 3 == 0)
			expect_ret(send_to(u0, p[x >> 40 & 7]), 0);
		if (r % 7 == 0)
			expect_ret(EVTCHN(unmask, &(struct evtchn_unmask){ p[x >> 44 & 7] }, u0),
				   0);
		if (r % 11 == 0)
			expect_ret(EVTCHN(set_priority,
					  &((struct evtchn_set_priority){ p[x >> 48 & 7],
									  x >> 52 & 15 }),
					  u0),
				   0);
	}
}

Test(core_fifo, refusals)
{
	struct evtchn_init_control ic = { 0 };
	u64 foreign;

	machine_up();
	foreign = give_pages(domv, 0);
	expect_ret(EVTCHN(expand_array, &(struct evtchn_expand_array){ foreign }, u0), -EOPNOTSUPP);
	expect_ret(EVTCHN(set_priority, &((struct evtchn_set_priority){ 1, 1 }), u0), -ENOSYS);
	ic.control_gfn = foreign;
	expect_ret(EVTCHN(init_control, &ic, u0), -EINVAL);
	cr_assert(!domu->fifo, "stays with two levels");
	ic.control_gfn = ~0UL;
	expect_ret(EVTCHN(init_control, &ic, u0), -EINVAL);
	ic.control_gfn = give_pages(domu, 0);
	ic.offset = 4;
	expect_ret(EVTCHN(init_control, &ic, u0), -EINVAL);
	ic.offset = 4096 - 64;
	expect_ret(EVTCHN(init_control, &ic, u0), -EINVAL);
	ic.offset = 4096 - 72;
	ic.vcpu = 5;
	expect_ret(EVTCHN(init_control, &ic, u0), -ENOENT);
	ic.vcpu = 0;
	heap_is_empty = true;
	expect_ret(EVTCHN(init_control, &ic, u0), -ENOMEM);
	heap_is_empty = false;
	expect_ret(EVTCHN(init_control, &ic, u0), 0);
	expect_ret(EVTCHN(init_control, &ic, u0), -EINVAL);
	expect_ret(EVTCHN(expand_array, &(struct evtchn_expand_array){ foreign }, u0), -EINVAL);
	expect_ret(EVTCHN(set_priority, &((struct evtchn_set_priority){ 1, 16 }), u0), -EINVAL);
	expect_ret(EVTCHN(set_priority, &((struct evtchn_set_priority){ 1, 15 }), u0), -EINVAL);
}

/* All 131071 ports of the privileged domain, and back to 4095. */
Test(core_fifo, full_size_and_reset)
{
	struct evtchn_init_control ic = { 0 };
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = 0 };
	unsigned i, n = 0;
	long err;

	machine_up();
	ic.control_gfn = give_pages(dom0, 0);
	expect_ret(EVTCHN(init_control, &ic, v0), 0);
	for (i = 0; i < 128; i++)
		expect_ret(EVTCHN(expand_array,
				  &(struct evtchn_expand_array){ give_pages(dom0, 0) }, v0),
			   0);
	expect_ret(EVTCHN(expand_array, &(struct evtchn_expand_array){ give_pages(dom0, 0) }, v0),
		   -ENOSPC);
	while ((err = EVTCHN(alloc_unbound, &op, v0)) == 0)
		n++;
	expect(err, -ENOSPC);
	expect(n, 131071);
	while ((err = EVTCHN(reset, &(struct evtchn_reset){ .dom = DOMID_SELF }, v0)) == -ERESTART)
		;
	expect(err, 0);
	cr_assert(!dom0->fifo && !v0->fifo);
	expect(mfn_to_page(ic.control_gfn)->type_info & PGT_count_mask, 0);
	for (n = 0; (err = EVTCHN(alloc_unbound, &op, v0)) == 0; n++)
		cr_assert(op.port < 4096);
	expect(n, 4095);
}

Test(core_fifo, busy_words_are_not_handed_out)
{
	u32 p, i;

	fifo_up();
	expect_ret(expand(), 0);
	p = ipi_port(0);
	expect_ret(send_to(u0, p), 0);
	expect_ret(close_of(u0, p), 0);
	cr_assert(words[p] & 1u << EVTCHN_FIFO_LINKED);
	for (i = 0; i < 1022; i++)
		cr_assert(ipi_port(0) != p);
	expect_ret(consume(7), p);
	expect_ret(ipi_port(0), p);
}

Test(core_event, ports_made_ahead)
{
	struct evtchn_alloc_unbound au = { .dom = DOMID_SELF, .remote_dom = 0 };
	u64 before;
	u32 i;

	machine_up();
	evtchn_make_ahead(dom0, 3 * PORTS_PER_BUCKET);
	before = heap_free_pages();
	for (i = 1; i < 3 * PORTS_PER_BUCKET; i++)
		expect_ret(EVTCHN(alloc_unbound, &au, v0), 0);
	expect(heap_free_pages(), before);
	expect_ret(EVTCHN(alloc_unbound, &au, v0), 0);
	expect(heap_free_pages(), before - 1);
}
