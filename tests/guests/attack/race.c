/* SPDX-License-Identifier: MIT */
/*
 * Several vCPUs call at random on the same frames, ports, grants and vCPUs, until vCPU 0 ends the
 * domain while the others go on. Arguments: seconds=, self=, peer= (domain numbers), seed=. What is
 * judged is the hypervisor: it lives, its audit finds no difference (the warden asks for it), and
 * all memory comes back.
 */
#include "attack.h"

#define SLOTS 48
#define HANDLES 64
#define REFS 64
#define PORTS 48
#define SPARE_VCPU GUEST_CPUS /* one that is never started */

static volatile u64 slot[SLOTS]; /* frames of ours that nobody has mapped at the start */
static volatile u32 handle[HANDLES];
static u16 self_id, peer_id;
static u64 random_state[GUEST_CPUS], rounds[GUEST_CPUS];
static volatile bool ending;

static u64 rnd(u64 n)
{
	u64 *s = &random_state[this_cpu()->id];

	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (*s >> 11) % n;
}

static u64 frame(void)
{
	return slot[rnd(SLOTS)];
}

static u16 domain(void)
{
	return rnd(2) ? self_id : peer_id;
}

/* Any of the lower software bits too: 0xe00. */
static u64 entry(void)
{
	static const u64 flags[] = { 0,        PTE_RO,           PTE_RO, PTE_KERN,
				     PTE_KERN, PTE_KERN | 0xe00, 0x77,   PTE_P };

	return frame() << 12 | flags[rnd(ARRAY_SIZE(flags))];
}

static u8 *place(void)
{
	return WINDOW(rnd(WINDOW_PAGES));
}

static void tables(void)
{
	static const u32 cmds[] = { MMUEXT_PIN_L1_TABLE,    MMUEXT_PIN_L1_TABLE,
				    MMUEXT_PIN_L2_TABLE,    MMUEXT_PIN_L3_TABLE,
				    MMUEXT_PIN_L4_TABLE,    MMUEXT_UNPIN_TABLE,
				    MMUEXT_UNPIN_TABLE,     MMUEXT_UNPIN_TABLE,
				    MMUEXT_CLEAR_PAGE,      MMUEXT_COPY_PAGE,
				    MMUEXT_NEW_USER_BASEPTR };

	mmuext(cmds[rnd(ARRAY_SIZE(cmds))], frame(), frame());
}

static void flushes(void)
{
	static const u32 cmds[] = { MMUEXT_TLB_FLUSH_ALL, MMUEXT_INVLPG_ALL,
				    MMUEXT_TLB_FLUSH_LOCAL };

	mmuext(cmds[rnd(ARRAY_SIZE(cmds))], A(place()), 0);
	mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0);
}

static void mappings(void)
{
	HC(update_va_mapping, place(), entry(), rnd(2) ? UVMF_INVLPG | UVMF_ALL : 0, 0);
}

static void entries(void)
{
	struct mmu_update u[4];
	u64 table = frame() << 12;

	for (unsigned i = 0; i < ARRAY_SIZE(u); i++) {
		u[i].ptr = table | rnd(512) << 3 |
			   (rnd(8) ? MMU_NORMAL_PT_UPDATE : MMU_MACHPHYS_UPDATE);
		u[i].val = rnd(4) ? entry() : 0;
	}
	HC(mmu_update, u, ARRAY_SIZE(u), 0, DOMID_SELF);
}

static void descriptors(void)
{
	u64 frames[2] = { frame(), frame() };

	HC(set_gdt, frames, rnd(3) * 512, 0, 0);
	HC(update_descriptor, frame() << 12 | rnd(512) << 3, 0x00cff3000000ffff, 0, 0);
	mmuext(MMUEXT_SET_LDT, A(place()), rnd(2) * 512);
}

static void reservations(void)
{
	unsigned i = rnd(SLOTS);
	u64 mfn = slot[i], out = 0;
	struct xen_memory_reservation r = { .extent_start = &mfn,
					    .nr_extents = 1,
					    .domid = DOMID_SELF };
	struct xen_memory_exchange x = {
		.in = { .extent_start = &mfn, .nr_extents = 1, .domid = DOMID_SELF },
		.out = { .extent_start = &out, .nr_extents = 1, .domid = DOMID_SELF },
	};

	switch (rnd(3)) {
	case 0:
		memory_op(XENMEM_decrease_reservation, &r);
		break;
	case 1:
		if (memory_op(XENMEM_increase_reservation, &r) == 1)
			slot[i] = mfn;
		break;
	default:
		if (!memory_op(XENMEM_exchange, &x))
			slot[i] = out;
	}
}

static void bind(void)
{
	struct evtchn_alloc_unbound un = { DOMID_SELF, domain(), 0 };
	struct evtchn_bind_interdomain in = { .remote_dom = domain(), .remote_port = rnd(PORTS) };
	struct evtchn_bind_ipi ipi = { .vcpu = rnd(GUEST_CPUS) };
	struct evtchn_bind_virq virq = { .virq = rnd(3), .vcpu = rnd(GUEST_CPUS) };

	switch (rnd(5)) {
	case 0:
		evtchn_op(EVTCHNOP_bind_ipi, &ipi);
		break;
	case 1:
		evtchn_op(EVTCHNOP_bind_virq, &virq);
		break;
	case 2:
		evtchn_op(EVTCHNOP_alloc_unbound, &un);
		break;
	default:
		evtchn_op(EVTCHNOP_bind_interdomain, &in);
	}
}

static void ports(void)
{
	u32 port = rnd(PORTS);
	struct evtchn_status st = { .dom = DOMID_SELF, .port = port };
	struct evtchn_bind_vcpu vcpu = { port, rnd(GUEST_CPUS) };
	struct evtchn_set_priority prio = { port, rnd(16) };

	switch (rnd(8)) {
	case 0:
		evtchn_op(EVTCHNOP_close, &(struct evtchn_close){ port });
		break;
	case 1:
		evtchn_op(EVTCHNOP_unmask, &(struct evtchn_unmask){ port });
		break;
	case 2:
		evtchn_op(EVTCHNOP_status, &st);
		break;
	case 3:
		evtchn_op(EVTCHNOP_bind_vcpu, &vcpu);
		break;
	case 4:
		evtchn_op(EVTCHNOP_set_priority, &prio);
		break;
	default:
		evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ port });
	}
}

static void fifo(void)
{
	struct evtchn_init_control in = { .control_gfn = frame(), .vcpu = rnd(GUEST_CPUS) };
	struct evtchn_expand_array ex = { .array_gfn = frame() };

	if (rnd(40)) {
		evtchn_op(EVTCHNOP_init_control, &in);
		evtchn_op(EVTCHNOP_expand_array, &ex);
	} else {
		evtchn_op(EVTCHNOP_reset, &(struct evtchn_reset){ DOMID_SELF });
	}
}

static void grant(void)
{
	u32 ref = 8 + rnd(REFS);

	grants[ref].domid = domain();
	grants[ref].frame = (u32)frame();
	__atomic_store_n(&grants[ref].flags,
			 rnd(4) ? GTF_permit_access | (rnd(4) ? 0 : GTF_readonly) : 0,
			 __ATOMIC_RELEASE);
}

static void grant_map(void)
{
	bool pte = !rnd(4);
	struct gnttab_map_grant_ref m = {
		.host_addr = pte ? frame() << 12 | rnd(512) << 3 : A(place()),
		.flags = GNTMAP_host_map | (pte ? GNTMAP_contains_pte : 0) |
			 (rnd(2) ? GNTMAP_readonly : 0) | (rnd(8) ? 0 : GNTMAP_device_map),
		.ref = 8 + rnd(REFS),
		.dom = domain(),
	};

	if (!gnttab_op(GNTTABOP_map_grant_ref, &m, 1) && !m.status)
		handle[rnd(HANDLES)] = m.handle;
}

static void grant_unmap(void)
{
	struct gnttab_unmap_grant_ref u[4];
	struct gnttab_unmap_and_replace r = { A(place()), A(place()), handle[rnd(HANDLES)], 0, 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(u); i++)
		u[i] = (struct gnttab_unmap_grant_ref){ .host_addr = A(place()),
							.handle = rnd(HANDLES) };
	if (rnd(4))
		gnttab_op(GNTTABOP_unmap_grant_ref, u, ARRAY_SIZE(u));
	else
		gnttab_op(GNTTABOP_unmap_and_replace, &r, 1);
}

static void grant_copy(void)
{
	struct gnttab_copy c = { .source = { .u.ref = 8 + rnd(REFS), .domid = domain() },
				 .dest = { .u.gmfn = frame(), .domid = DOMID_SELF },
				 .len = (u16)(1 + rnd(256)),
				 .flags = GNTCOPY_source_gref };
	struct gnttab_swap_grant_ref s = { 8 + rnd(REFS), 8 + rnd(REFS), 0, 0 };

	gnttab_op(GNTTABOP_copy, &c, 1);
	gnttab_op(GNTTABOP_swap_grant_ref, &s, 1);
}

static void vcpus(void)
{
	struct vcpu_register_runstate_memory_area run = { .addr.p = rnd(2) ? A(place()) :
									     0xffff810000100000 };
	struct vcpu_register_time_memory_area time = { .addr.p = rnd(2) ? A(place()) + 4080 : 0 };
	struct vcpu_set_periodic_timer per = { 1000000 };
	struct vcpu_register_vcpu_info vi = { .mfn = frame() };
	u32 id = rnd(GUEST_CPUS);

	switch (rnd(7)) {
	case 0:
		vcpu_op(VCPUOP_register_runstate_memory_area, id, &run);
		break;
	case 1:
		vcpu_op(VCPUOP_register_vcpu_time_memory_area, id, &time);
		break;
	case 2:
		vcpu_op(VCPUOP_set_periodic_timer, id, &per);
		break;
	case 3:
		vcpu_op(VCPUOP_stop_periodic_timer, id, NULL);
		break;
	case 4:
		vcpu_op(VCPUOP_register_vcpu_info, SPARE_VCPU, &vi);
		break;
	case 5:
		HC(set_timer_op, now() + rnd(MS), 0, 0, 0);
		break;
	default:
		if (id) { /* vCPU 0 stays up: it ends the domain */
			vcpu_op(VCPUOP_down, id, NULL);
			vcpu_op(VCPUOP_send_nmi, id, NULL);
		}
		for (id = 1; id < GUEST_CPUS; id++)
			vcpu_op(VCPUOP_up, id, NULL);
	}
}

/* A first state that is refused at the end, when its tables and frames are held. */
static void initialise(void)
{
	static struct vcpu_guest_context ctx[GUEST_CPUS];
	struct vcpu_guest_context *c = &ctx[this_cpu()->id];

	c->user_regs.rip = c->kernel_sp = A(place());
	c->gdt_frames[0] = frame();
	c->gdt_ents = 512;
	c->ctrlreg[3] = (rnd(2) ? mfn_of((void *)si->pt_base) : frame()) << 12;
	c->ctrlreg[1] = 1UL << 50;
	vcpu_op(VCPUOP_initialise, SPARE_VCPU, c);
}

static void waits(void)
{
	evtchn_port_t port = rnd(PORTS);
	struct sched_poll p = { .ports = &port, .nr_ports = 1, .timeout = now() + rnd(200000) };

	if (rnd(4))
		sched_op(SCHEDOP_yield, NULL);
	else
		sched_op(SCHEDOP_poll, &p);
}

static void (*const acts[])(void) = {
	tables,  tables,      tables,    mappings,    mappings,    mappings,   entries,
	entries, descriptors, bind,      bind,        ports,       ports,      fifo,
	grant,   grant_map,   grant_map, grant_unmap, grant_unmap, grant_copy, reservations,
	vcpus,   initialise,  waits,     flushes,
};

static void race(void)
{
	u32 id = this_cpu()->id;

	events_off();
	while (!ending) {
		acts[rnd(ARRAY_SIZE(acts))]();
		rounds[id]++;
	}
}

void race_main(void)
{
	u64 end = now() + arg_num("seconds", 5) * 1000 * MS, sum = 0;

	self_id = (u16)arg_num("self", 1);
	peer_id = (u16)arg_num("peer", 2);
	if (grants_init())
		die("no grant table");
	for (unsigned i = 0; i < SLOTS; i++) {
		void *page = page_alloc();

		slot[i] = mfn_of(page);
		set_va(page, 0);
	}
	for (u32 id = 0; id < GUEST_CPUS; id++)
		random_state[id] =
			(arg_num("seed", 1) + self_id * 77) * 0x9e3779b97f4a7c15 + id * 0x1234567;
	for (u32 id = 1; id < GUEST_CPUS && now() < end; id++)
		check_rc("a vCPU for the race", cpu_start(id, race), 0);
	events_off();
	while (now() < end)
		for (unsigned i = 0; i < 64; i++, rounds[0]++)
			acts[rnd(ARRAY_SIZE(acts))]();
	for (u32 id = 0; id < GUEST_CPUS; id++)
		sum += rounds[id];
	report(true, "race", "%lu calls and more: %lu %lu %lu %lu", sum, rounds[0], rounds[1],
	       rounds[2], rounds[3]);
	/* The others go on while the domain ends under them. */
}
