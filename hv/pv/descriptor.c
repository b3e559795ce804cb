/* SPDX-License-Identifier: MIT */
/* Segment descriptors: the guest's GDT frames and single entries in them. */
#include "core/arch.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "paging/paging.h"
#include "lib/log.h"
#include "pv/pv.h"

/* set_gdt(frames, entries): entries of 8 bytes, at most 14 pages. -EINVAL, -EFAULT. */
long do_set_gdt(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	u64 frames[14];
	u32 n = DIV_ROUND_UP((u32)a2, 512);
	long rc;

	if (a2 > 14 * 512)
		return err_here(-EINVAL);
	if (n && copy_from_guest(frames, a1, n * sizeof(u64)))
		return err_here(-EFAULT);
	rc = set_gdt_frames(v, frames, (u32)a2);
	if (!rc)
		load_descriptor_window(v);
	return rc;
}

/*
 * update_descriptor(machine address, value): change one entry of a frame of one's own, whether or
 * not it is in a descriptor table now. -EINVAL: misaligned, not one's frame, or not a descriptor a
 * guest may have.
 */
long do_update_descriptor(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	u64 mfn = a1 >> PAGE_SHIFT, desc = a2, *entry;
	struct page_info *pg;
	u64 type;

	if ((a1 & 7) || !mfn_valid(mfn) || !check_descriptor(&desc))
		return err_here(-EINVAL);
	pg = mfn_to_page(mfn);
	if (!get_page(pg, v->domain))
		return err_here(-EINVAL);
	/*
	 * As a descriptor page if it is one, else as a writable one: either keeps it from being a
	 * table.
	 */
	type = (READ_ONCE(pg->type_info) & PGT_type_mask) == PGT_seg_desc ? PGT_seg_desc :
									    PGT_writable;
	if (get_page_type(pg, type)) {
		put_page(pg);
		return err_here(-EINVAL);
	}
	entry = (u64 *)((u8 *)page_to_virt(pg) + (a1 & ~PAGE_MASK));
	WRITE_ONCE(*entry, desc);
	put_page_and_type(pg);
	return 0;
}
