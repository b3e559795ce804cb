/* SPDX-License-Identifier: MIT */
/* What every header of the guest ABI needs: guest pointers, number suffixes, layout assertions. */

#ifndef PV_ABI_XEN_ABI_H
#define PV_ABI_XEN_ABI_H

#if defined(__ASSEMBLER__) && !defined(__ASSEMBLY__)
#define __ASSEMBLY__ 1
#endif

#ifdef __ASSEMBLY__

/* The assembler knows no suffixes. */
#define xen_mk_uint(x)		x
#define xen_mk_ulong(x)		x
#define xen_mk_ullong(x)	x

#else

#include <stddef.h>
#include <stdint.h>

#define __xen_mk_uint(x)	x ## U
#define __xen_mk_ulong(x)	x ## UL
#define __xen_mk_ullong(x)	x ## ULL
#define xen_mk_uint(x)		__xen_mk_uint(x)
#define xen_mk_ulong(x)		__xen_mk_ulong(x)
#define xen_mk_ullong(x)	__xen_mk_ullong(x)

/*
 * GUEST_PTR(type): an address in the guest that made the call.
 *
 * A guest or a tool sees an ordinary pointer. The hypervisor, which defines PV_ABI_HYPERVISOR
 * before the first include, sees a structure that cannot be dereferenced: the address has to
 * pass through the one place where guest addresses are checked and copied.
 */
#ifdef PV_ABI_HYPERVISOR
typedef struct {
	uint64_t va;
} guest_ptr_t;
#define GUEST_PTR(type)		guest_ptr_t
#else
#define GUEST_PTR(type)		type *
#endif

/* Dimension of a last member whose length the caller chooses. */
#ifdef __cplusplus
#define XEN_FLEX_ARRAY_DIM	0
#else
#define XEN_FLEX_ARRAY_DIM
#endif

/* PV_ABI_SIZE, PV_ABI_AT: a layout that moves does not compile. */
#ifdef __cplusplus
#define PV_ABI_ASSERT(cond, why)	static_assert(cond, why)
#else
#define PV_ABI_ASSERT(cond, why)	_Static_assert(cond, why)
#endif
#define PV_ABI_SIZE(type, size) \
	PV_ABI_ASSERT(sizeof(type) == (size), "ABI: size of " #type)
#define PV_ABI_AT(type, member, offset) \
	PV_ABI_ASSERT(offsetof(type, member) == (offset), "ABI: place of " #type "." #member)

#ifdef PV_ABI_HYPERVISOR
PV_ABI_SIZE(guest_ptr_t, 8);
#endif
PV_ABI_SIZE(void *, 8);

#endif /* !__ASSEMBLY__ */

#endif /* PV_ABI_XEN_ABI_H */
