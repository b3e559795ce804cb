/* SPDX-License-Identifier: MIT */
/* Grant table, version 1: ours to give from. */
#include "guest.h"

static u8 grant_page_va[4096] __attribute__((section(".bss.page"), aligned(4096)));
volatile struct grant_entry_v1 *grants;

long grants_init(void)
{
	xen_pfn_t frame = 0;
	struct gnttab_setup_table s = { .dom = DOMID_SELF, .nr_frames = 1, .frame_list = &frame };
	long rc;

	if (grants)
		return 0;
	rc = gnttab_op(GNTTABOP_setup_table, &s, 1);
	rc = rc ?: s.status;
	rc = rc ?: set_va(grant_page_va, frame << 12 | PTE_KERN);
	if (!rc)
		grants = (void *)grant_page_va;
	return rc;
}

u16 own_domid(void)
{
	u32 other, port = loop_ports(&other);
	struct evtchn_status st = { .dom = DOMID_SELF, .port = port };

	evtchn_op(EVTCHNOP_status, &st);
	evtchn_op(EVTCHNOP_close, &(struct evtchn_close){ port });
	evtchn_op(EVTCHNOP_close, &(struct evtchn_close){ other });
	return st.u.interdomain.dom;
}

void grant_page(u32 ref, u16 domid, const void *page, bool readonly)
{
	grants[ref].domid = domid;
	grants[ref].frame = (u32)mfn_of(page);
	__atomic_store_n(&grants[ref].flags,
			 (u16)(GTF_permit_access | (readonly ? GTF_readonly : 0)),
			 __ATOMIC_RELEASE);
}

u16 grant_end(u32 ref)
{
	u16 flags = grants[ref].flags;

	if (flags & (GTF_reading | GTF_writing))
		return flags & (GTF_reading | GTF_writing);
	grants[ref].flags = 0;
	return 0;
}
