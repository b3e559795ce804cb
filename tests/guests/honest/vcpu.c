/* SPDX-License-Identifier: MIT */
/* Honest: vCPU operations, and a second processor. */
#include "honest.h"

static void register_areas(void)
{
	static struct vcpu_runstate_info state;
	static struct vcpu_time_info time;
	struct vcpu_register_runstate_memory_area ra = { .addr.v = &state };
	struct vcpu_register_time_memory_area ta = { .addr.v = &time };
	struct vcpu_runstate_info now_state;

	check_rc("get_runstate_info", vcpu_op(VCPUOP_get_runstate_info, 0, &now_state), 0);
	report(now_state.state == RUNSTATE_running && now_state.time[0], "running", "%d %lu",
	       now_state.state, now_state.time[0]);
	check_rc("register_runstate_memory_area",
		 vcpu_op(VCPUOP_register_runstate_memory_area, 0, &ra), 0);
	check(state.state == RUNSTATE_running && state.state_entry_time, "it is filled");
	check_rc("register_vcpu_time_memory_area",
		 vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &ta), 0);
	report(time.tsc_to_system_mul && !(time.version & 1), "it is filled too", "version %u",
	       time.version);
	ra.addr.p = 0;
	check_rc("runstate area off", vcpu_op(VCPUOP_register_runstate_memory_area, 0, &ra), 0);
	ta.addr.p = 0;
	check_rc("time area off", vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &ta), 0);
}

static unsigned nmis;

static bool count_nmi(struct frame *f)
{
	if (f->vec != VEC_NMI_CALLBACK && f->vec != 2)
		return false;
	nmis++;
	return true;
}

static void nmi(void)
{
	struct callback_register r = { .type = CALLBACKTYPE_nmi, .address = A(nmi_entry) };
	struct cpu *c = this_cpu();
	long rc;

	check_rc("callback_op nmi", HC(callback_op, CALLBACKOP_register, &r, 0, 0), 0);
	c->hook = count_nmi;
	rc = vcpu_op(VCPUOP_send_nmi, 0, NULL);
	version_op(XENVER_version, NULL);
	report(rc == 0 && nmis == 1, "send_nmi", "rc %ld, %u came", rc, nmis);
	events_on(); /* a late one must not hit what follows */
	version_op(XENVER_version, NULL);
	events_off();
	c->hook = NULL;
}

/* ---- second processor ---- */
static volatile u32 ipi_port, stop, wild;
static volatile u64 second_time;

static void second(void)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 1 };

	wild = this_cpu()->id != 1;
	if (evtchn_op(EVTCHNOP_bind_ipi, &ipi)) {
		wild = 2;
		return;
	}
	port_unmask(ipi.port);
	ipi_port = ipi.port;
	second_time = now();
	events_on();
	while (!stop)
		sched_op(SCHEDOP_block, NULL);
	events_off();
}

static u8 *flush_page;
static volatile u32 flush_go, flush_faults;

/* Write through a mapping until it faults: the flush on the other processor must reach us. */
static void writer(void)
{
	flush_go = 1;
	if (FAULTS(for (;;) * (volatile u8 *)flush_page = 1))
		flush_faults++;
}

static void remote_flush(void)
{
	u64 keep;

	flush_page = page_alloc();
	keep = mfn_of(flush_page) << 12 | PTE_KERN;
	set_va(flush_page, keep);
	check_rc("second processor again", cpu_start(1, writer), 0);
	for (u64 end = now() + 1000 * MS; !flush_go && now() < end;)
		sched_op(SCHEDOP_yield, NULL);
	check_rc("read-only with a flush everywhere", set_va(flush_page, keep & ~PTE_RW), 0);
	check(cpu_wait(1, 2, 2000 * MS) && flush_faults == 1, "the other processor's write faults");
	set_va(flush_page, keep);
	page_free(flush_page);
}

static void second_cpu(void)
{
	static struct vcpu_guest_context ctx;
	long rc;

	if (!have_cpu(1)) {
		skip("second processor", "the domain has one");
		return;
	}
	cpu_context(&ctx, 1, second);
	ctx.ctrlreg[3] = 0;
	check_rc("initialise without page tables", vcpu_op(VCPUOP_initialise, 1, &ctx),
		 -XEN_EINVAL);
	rc = cpu_start(1, second);
	check_rc("initialise and up", rc, 0);
	if (rc)
		return;
	for (u64 end = now() + 2000 * MS; !second_time && !wild && now() < end;)
		sched_op(SCHEDOP_yield, NULL);
	if (!report(second_time && !wild, "it runs", "%u %lu", wild, second_time))
		return;
	check_rc("is_up", vcpu_op(VCPUOP_is_up, 1, NULL), 1);
	cpu_context(&ctx, 1, second);
	check_rc("initialise twice", vcpu_op(VCPUOP_initialise, 1, &ctx), -XEN_EEXIST);
	check_rc("send it an IPI", evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ ipi_port }), 0);
	check(wait_port(ipi_port, 1, 2000 * MS) && port_cpu[ipi_port] == 1, "it took it");
	stop = 1;
	evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ ipi_port });
	check(cpu_wait(1, 2, 2000 * MS), "it stops");
	for (u64 end = now() + 1000 * MS; vcpu_op(VCPUOP_is_up, 1, NULL) && now() < end;)
		sched_op(SCHEDOP_yield, NULL);
	check_rc("down", vcpu_op(VCPUOP_is_up, 1, NULL), 0);
	evtchn_op(EVTCHNOP_close, &(struct evtchn_close){ ipi_port });
	remote_flush();
}

static void own_vcpu_info(void)
{
	u8 *page = page_alloc();
	struct vcpu_register_vcpu_info r = { .mfn = mfn_of(page), .offset = 128 };
	u32 other, port = loop_ports(&other);
	struct cpu *c = this_cpu();

	events_off();
	port_unmask(port);
	port_count[port] = 0;
	evtchn_op(EVTCHNOP_send, &(struct evtchn_send){ other });
	check_rc("register_vcpu_info", vcpu_op(VCPUOP_register_vcpu_info, 0, &r), 0);
	c->vi = (struct vcpu_info *)(page + 128);
	check(c->vi->evtchn_upcall_pending && c->vi->evtchn_upcall_mask,
	      "pending and mask moved along");
	report(now() > 0 && c->vi->time.tsc_to_system_mul, "so did the time", "%u",
	       c->vi->time.version);
	events_on();
	check(port_count[port] == 1, "events come by the new one");
	events_off();
	check_rc("once only", vcpu_op(VCPUOP_register_vcpu_info, 0, &r), -XEN_EINVAL);
	evtchn_op(EVTCHNOP_close, &(struct evtchn_close){ port });
	evtchn_op(EVTCHNOP_close, &(struct evtchn_close){ other });
}

void test_vcpu(void)
{
	static struct vcpu_guest_context own;
	struct vcpu_get_physid id;
	long rc;

	check_rc("is_up of oneself", vcpu_op(VCPUOP_is_up, 0, NULL), 1);
	check_rc("is_up of none", vcpu_op(VCPUOP_is_up, 4000, NULL), -XEN_ENOENT);
	cpu_context(&own, 0, NULL);
	check_rc("initialise oneself", vcpu_op(VCPUOP_initialise, 0, &own), -XEN_EEXIST);
	check_rc("up when up", vcpu_op(VCPUOP_up, 0, NULL), 0);
	rc = vcpu_op(VCPUOP_get_physid, 0, &id);
	report(rc == 0 || rc == -XEN_EINVAL || rc == -XEN_ENOSYS, "get_physid", "rc %ld", rc);
	register_areas();
	nmi();
	second_cpu();
	if (have_cpu(2))
		skip("a third processor", "two are enough");
	own_vcpu_info();
}
