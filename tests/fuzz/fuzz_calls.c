/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: sequences of hypercalls of two domains, on the real core/ and mm/. Each input is a
 * list of steps; a step's bytes choose the call and the fields of its structure, most of them so
 * that they make sense. At the end the frames are recounted, both domains die, and nothing may be
 * left.
 */
#include <xen/memory.h>
#include <xen/vcpu.h>

#include "core/event.h"
#include "guest.h"

static u64 heap_before;

/* One field of a structure: how wide, and what it is about. */
static u64 field(char kind, unsigned *width)
{
	*width = strchr("adSoH", kind) ? 2 : strchr("MQABN", kind) ? 8 : 4;
	switch (kind) {
	case 'd':
		return domid();
	case 'H': /* flags of 16 bits, lengths */
		return number(64);
	case 'S': /* padding, status */
		return 0;
	case 'M':
		return frame();
	case 'B': /* a frame's address */
		return byte() & 1 ? frame() << PAGE_SHIFT : 0;
	case 'Q': /* where a grant is mapped */
		return byte() & 3 ? 0x1000 : number(16);
	case 'A': /* a list */
		return byte() & 0x1f ? (u64)arena + LIST_AT + (byte() & 63) * 8 : any();
	case 'N':
		return number(16);
	case 'p': /* port, handle, reference */
		return number(24);
	case 'v':
		return number(3);
	case 'O': /* order */
		return number(11);
	case 'f': /* memory flags */
		return byte() & 3 ? 0 : XENMEMF_address_bits(byte() & 63);
	case 'o': /* offset in a page */
		return number(64) * 64;
	default:
		return number(32);
	}
}

/* '4' and '8': align. */
static void fill(const char *layout)
{
	unsigned at = 0, width;

	for (; *layout; layout++) {
		if (*layout == '4' || *layout == '8') {
			at = ALIGN_UP(at, (unsigned)(*layout - '0'));
			continue;
		}
		u64 x = field(*layout, &width);

		memcpy(arena + at, &x, width);
		at += width;
	}
}

/* ---- the calls ---- */

enum nr { EVENT, GRANT_OP, MEM, VCPU_OP };
static const struct call {
	enum nr nr;
	u8 cmd;
	const char *layout;
} calls[] = {
	{ EVENT, EVTCHNOP_bind_interdomain, "d4pp" },
	{ EVENT, EVTCHNOP_bind_virq, "wvp" },
	{ EVENT, EVTCHNOP_bind_pirq, "wwp" },
	{ EVENT, EVTCHNOP_close, "p" },
	{ EVENT, EVTCHNOP_send, "p" },
	{ EVENT, EVTCHNOP_status, "d4pww" },
	{ EVENT, EVTCHNOP_alloc_unbound, "ddp" },
	{ EVENT, EVTCHNOP_bind_ipi, "vp" },
	{ EVENT, EVTCHNOP_bind_vcpu, "pv" },
	{ EVENT, EVTCHNOP_unmask, "p" },
	{ EVENT, EVTCHNOP_reset, "d" },
	{ EVENT, EVTCHNOP_init_control, "Mo4vw" },
	{ EVENT, EVTCHNOP_expand_array, "M" },
	{ EVENT, EVTCHNOP_set_priority, "pw" },
	{ GRANT_OP, GNTTABOP_map_grant_ref, "QwpdS8pB" },
	{ GRANT_OP, GNTTABOP_map_grant_ref, "QwpdS8pB" },
	{ GRANT_OP, GNTTABOP_unmap_grant_ref, "QBpS8" },
	{ GRANT_OP, GNTTABOP_setup_table, "d4wS8A" },
	{ GRANT_OP, GNTTABOP_copy, "MdH8MdH8HH" },
	{ GRANT_OP, GNTTABOP_query_size, "d" },
	{ GRANT_OP, GNTTABOP_unmap_and_replace, "QQpS" },
	{ GRANT_OP, GNTTABOP_set_version, "w" },
	{ GRANT_OP, GNTTABOP_swap_grant_ref, "pp" },
	{ MEM, XENMEM_increase_reservation, "ANOfd" },
	{ MEM, XENMEM_decrease_reservation, "ANOfd" },
	{ MEM, XENMEM_populate_physmap, "ANOfd" },
	{ MEM, XENMEM_exchange, "ANOfd8ANOfd8N" },
	{ MEM, XENMEM_current_reservation, "d" },
	{ MEM, XENMEM_maximum_gpfn, "d" },
	{ MEM, XENMEM_machphys_mapping, "" },
	{ MEM, XENMEM_memory_map, "w8A" },
	{ MEM, XENMEM_acquire_resource, "dHwwwNA" },
	{ VCPU_OP, VCPUOP_register_vcpu_info, "Mo" },
	{ VCPU_OP, VCPUOP_register_runstate_memory_area, "A" },
	{ VCPU_OP, VCPUOP_is_up, "" },
	{ VCPU_OP, VCPUOP_set_singleshot_timer, "Nw" },
	{ VCPU_OP, VCPUOP_set_periodic_timer, "N" },
	{ VCPU_OP, VCPUOP_stop_periodic_timer, "" },
};

static hypercall_fn *const handlers[] = { do_event_channel_op, do_grant_table_op, do_memory_op,
					  do_vcpu_op };

static void call(struct vcpu *v)
{
	const struct call *c = &calls[byte() % ARRAY_SIZE(calls)];
	u64 a[3] = { c->cmd, (u64)arena, 0 };
	unsigned again = 0;
	long ret;

	fill(c->layout);
	if (c->nr == GRANT_OP)
		a[2] = byte() & 7 ? 1 : number(40);
	if (c->nr == VCPU_OP) {
		a[1] = byte() & 7 ? v->id : number(3);
		a[2] = (u64)arena;
	}
	do {
		host_preempt = byte() & 1;
		ret = handlers[c->nr](a[0], a[1], a[2], 0, 0, v);
		if (ret == -ERESTART)
			memcpy(a, host_restart_args, sizeof(a));
		cr_assert(++again < 10000);
	} while (ret == -ERESTART);
	host_preempt = false;
	/* A result is a count, an address, or an error that is published. */
	cr_assert(ret >= 0 || ret > -1000);
}

/* ---- what the guest does by itself ---- */

static void grant_entry(struct domain *d)
{
	struct grant_entry_v1 *table = d->grant_table->shared[0];
	u32 ref = byte() % 24;

	if (!table)
		return;
	table[ref].domid = domid();
	table[ref].frame = frame();
	table[ref].flags = byte() & 7 ? GTF_permit_access | (byte() & GTF_readonly) : any();
}

static void scribble(struct domain *d)
{
	u8 what = byte();
	struct page_info *pg = page_of(d, what & 15);
	u8 *page = what & 0x80 ? (u8 *)d->shared_info : pg ? page_to_virt(pg) : NULL;
	u64 at = any(), x = any();

	if (page)
		memcpy(page + at % 512 * 8, &x, 8);
}

static void step(void)
{
	u8 b = byte();
	struct domain *d = doms[b & 1];
	struct vcpu *v = d->vcpu[b >> 1 & 1];

	if (d->dead || d->shut_down)
		return;
	host_cpu = v->processor;
	switch (b >> 2 & 15) {
	case 0:
		grant_entry(d);
		break;
	case 1:
		write_list();
		break;
	case 2:
		scribble(d);
		break;
	case 3:
		host_time += number(256) << 20 & 0xffffffff;
		timers_run(0);
		timers_run(1);
		run_all();
		break;
	default:
		call(v);
	}
}

/* ---- from birth to death ---- */

static void born(void)
{
	for (int i = 0; i < 2; i++) {
		doms[i] = domain_create(-1, false, 2, 600, "fuzzed");
		cr_assert(doms[i]);
		doms[i]->auto_reap = true;
		cr_assert(vcpu_create(doms[i], 0, 0) && vcpu_create(doms[i], 1, 1));
		for (int n = 0; n < 8; n++)
			give_pages(doms[i], 0);
	}
}

static void die(void)
{
	u16 ids[2] = { doms[0]->id, doms[1]->id };

	host_cpu = 0;
	for (int i = 0; i < 2; i++)
		cr_assert(!audit_domain_pages(doms[i], false));
	for (int i = 0; i < 2; i++)
		domain_kill(doms[i], "the input is over");
	reap_all();
	for (int i = 0; i < 2; i++)
		cr_assert(!domain_of_owner(ids[i]));
	cr_assert(heap_free_pages() + HEAP_SLACK >= heap_before);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (!hardware_domain) {
		machine_up();
		heap_before = heap_free_pages();
	}
	memset(arena, 0, sizeof(arena));
	input = data;
	input_end = data + size;
	born();
	while (input < input_end)
		step();
	die();
	return 0;
}
