/* SPDX-License-Identifier: MIT */
/* xenpmu_op: performance counters. Numbers and parameters; Pavise offers none today. */

#ifndef PV_ABI_XEN_PMU_H
#define PV_ABI_XEN_PMU_H

#include "xen.h"

/*
 * xenpmu_op(cmd, arg)
 * Arg:	struct xen_pmu_params
 * Err:	-EOPNOTSUPP	always: no counters are given to guests
 */
#define XENPMU_VER_MAJ		0
#define XENPMU_VER_MIN		1

#define XENPMU_mode_get		0
#define XENPMU_mode_set		1
#define XENPMU_feature_get	2
#define XENPMU_feature_set	3
#define XENPMU_init		4
#define XENPMU_finish		5
#define XENPMU_lvtpc_set	6
#define XENPMU_flush		7

#define XENPMU_MODE_OFF		0
#define XENPMU_MODE_SELF	(1 << 0)	/* guests count themselves */
#define XENPMU_MODE_HV		(1 << 1)	/* the privileged domain the hypervisor too */
#define XENPMU_MODE_ALL		(1 << 2)	/* the privileged domain everybody */

#define XENPMU_FEATURE_INTEL_BTS	(1 << 0)
#define XENPMU_FEATURE_IPC_ONLY		(1 << 1)
#define XENPMU_FEATURE_ARCH_ONLY	(1 << 2)

struct xen_pmu_params {
	struct {
		uint32_t maj;
		uint32_t min;
	} version;			/* INOUT */
	uint64_t val;			/* INOUT */
	uint32_t vcpu;			/* IN */
	uint32_t pad;
};
typedef struct xen_pmu_params xen_pmu_params_t;
PV_ABI_SIZE(struct xen_pmu_params, 24);
PV_ABI_AT(struct xen_pmu_params, version, 0);
PV_ABI_AT(struct xen_pmu_params, version.maj, 0);
PV_ABI_AT(struct xen_pmu_params, version.min, 4);
PV_ABI_AT(struct xen_pmu_params, val, 8);
PV_ABI_AT(struct xen_pmu_params, vcpu, 16);
PV_ABI_AT(struct xen_pmu_params, pad, 20);

#endif /* PV_ABI_XEN_PMU_H */
