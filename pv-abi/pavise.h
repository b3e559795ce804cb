/* SPDX-License-Identifier: MIT */
/* What Pavise adds to the published interface: a CPUID leaf, and one hypercall number. */

#ifndef PV_ABI_PAVISE_H
#define PV_ABI_PAVISE_H

#include "xen/xen.h"

/*
 * How a guest finds out. The leaves stand 0x100 after the leaves of xen/cpuid.h, which is
 * 0x40000100 for every guest that sees those at 0x40000000, PV guests always. A guest compares
 * the signature first, then the version; on another hypervisor it finds neither.
 *
 * Leaf 0: EAX the last leaf; EBX, ECX, EDX the signature "PavisePavise".
 * Leaf 1: EAX PAVISE_ABI_VERSION, 0 while there is nothing to use; EBX the features below;
 *	ECX, EDX 0.
 */
#define PAVISE_CPUID_FIRST_LEAF		0x40000100
#define PAVISE_CPUID_LEAF(i)		(PAVISE_CPUID_FIRST_LEAF + (i))
#define PAVISE_CPUID_SIGNATURE_EBX	0x69766150	/* "Pavi" */
#define PAVISE_CPUID_SIGNATURE_ECX	0x61506573	/* "sePa" */
#define PAVISE_CPUID_SIGNATURE_EDX	0x65736976	/* "vise" */
#define PAVISE_CPUID_MAX_NUM_LEAVES	1

#define PAVISE_ABI_VERSION		0

/* Features, bits of leaf 1 EBX: none today. A bit that is not set is not available. */

/*
 * pavise_op(cmd, arg): the one call of our own, at the last number left to the architecture.
 * By:	any domain
 * Err:	-ENOSYS	always: it answers -ENOSYS today
 */
#define __HYPERVISOR_pavise_op		55

#ifndef __ASSEMBLY__
PV_ABI_ASSERT(__HYPERVISOR_pavise_op == __HYPERVISOR_arch_7, "ABI: number of pavise_op");
#endif

#endif /* PV_ABI_PAVISE_H */
