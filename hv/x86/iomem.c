/* SPDX-License-Identifier: MIT */
/* The list of device memory that nobody may map, or map only to read. */
#include "x86/iomem.h"

#include "lib/spinlock.h"

struct iomem_range {
	u64 start, end;
	bool readable;
};
#define MAX_RANGES 256

static spinlock_t iomem_lock = SPINLOCK_INIT;
static struct iomem_range ranges[MAX_RANGES]; /* [iomem_lock] */
static u32 nr_ranges;                         /* [iomem_lock] */

int restrict_iomem(u64 start_mfn, u64 end_mfn, bool readable)
{
	int rc = -ENOSPC;

	spin_lock(&iomem_lock);
	if (nr_ranges < MAX_RANGES) {
		ranges[nr_ranges++] = (struct iomem_range){ start_mfn, end_mfn, readable };
		rc = 0;
	}
	spin_unlock(&iomem_lock);
	return rc;
}

void permit_iomem_again(u64 start_mfn, u64 end_mfn)
{
	u32 i;

	spin_lock(&iomem_lock);
	for (i = 0; i < nr_ranges; i++)
		if (ranges[i].readable && ranges[i].start == start_mfn &&
		    ranges[i].end == end_mfn) {
			ranges[i] = ranges[--nr_ranges];
			break;
		}
	spin_unlock(&iomem_lock);
}

bool iomem_allowed(u64 mfn, bool write)
{
	bool ok = true;
	u32 i;

	spin_lock(&iomem_lock);
	for (i = 0; i < nr_ranges && ok; i++)
		if (mfn >= ranges[i].start && mfn <= ranges[i].end)
			ok = ranges[i].readable && !write;
	spin_unlock(&iomem_lock);
	return ok;
}
