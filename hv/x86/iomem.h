/* SPDX-License-Identifier: MIT */
/* Which machine memory outside RAM the privileged domain may map. */
#ifndef X86_IOMEM_H
#define X86_IOMEM_H

#include "lib/base.h"

/*
 * Ranges are frame numbers, both ends included; they may overlap, the strictest counts. Existing
 * mappings are not looked for: tables are registered before the domain maps them.
 * 0, or -ENOSPC: nothing was registered.
 */
int restrict_iomem(u64 start_mfn, u64 end_mfn, bool readable);
/* Undo one readable restriction of exactly this range; what nobody may map stays so for good. */
void permit_iomem_again(u64 start_mfn, u64 end_mfn);
/*
 * May a frame that is no RAM be mapped by the privileged domain? Where only the read is allowed,
 * callers drop the write bit rather than refuse: drivers map tables with it and don't write.
 */
bool iomem_allowed(u64 mfn, bool write);

#endif
