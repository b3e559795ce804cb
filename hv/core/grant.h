/* SPDX-License-Identifier: MIT */
/* Grant tables, version 1: what the rest of the hypervisor may ask. */
#ifndef CORE_GRANT_H
#define CORE_GRANT_H

#include "core/domain.h"

int grant_init_domain(struct domain *d); /* 0, -ENOMEM */
/* Before its first grant: how many frames of table and pages of mappings it may have; < 0: the most. */
void grant_set_limits(struct domain *d, s32 frames, s32 maptrack_pages);
/* Room for so many mappings ahead, whichever vCPU makes them; before it runs, after its vCPUs were made. */
void grant_make_ahead(struct domain *d, u32 mappings);
int grant_release_mappings(struct domain *d); /* undo what d mapped of others; 0, -ERESTART */
void grant_destroy_domain(struct domain *d);
void grant_dump(void);
#define GRANT_MAX_FRAMES 64     /* of a domain's table, 512 entries each */
#define MAPTRACK_MAX_PAGES 1024 /* of a domain's mappings, 256 each */
/* Machine frame of grant table frame `idx` of d, growing the table on the way
 * (XENMEM_acquire_resource). 0, -EINVAL, -ENOMEM, -ERESTART: ask again. */
int grant_table_frame(struct domain *d, u32 idx, u64 *mfn);

/*
 * How a PV guest's page table entry is created, destroyed, and replaced by what another one says, for
 * a grant (arch, defined in paging/). host_addr, new_addr: virtual addresses of the current vCPU, or,
 * with GNTMAP_contains_pte, host_addr the machine address of an L1 entry. flags: GNTMAP_* of the
 * mapping, of which the guest's software bits count when it is created. GNTST_*. The latter two check
 * that the entry maps `mfn`, with this right to write.
 *
 * An entry holds a general reference on the frame, and a PGT_writable one unless it is read-only:
 * map gets them from the caller, unmap and replace give them back to him. Beside these the grant
 * table holds as many for as long as the mapping lives, and drops them when the mapping domain dies,
 * before the page tables are taken down. No TLB is flushed: the caller does, once for a batch,
 * before he drops any reference.
 */
int arch_grant_map(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags);
int arch_grant_unmap(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags);
int arch_grant_replace(struct vcpu *v, u64 host_addr, u64 mfn, u32 flags, u64 new_addr);

#endif
