/* SPDX-License-Identifier: MIT */
/* xen_version: what hypervisor this is, and what it can do. */

#ifndef PV_ABI_XEN_VERSION_H
#define PV_ABI_XEN_VERSION_H

#include "xen.h"
#include "features.h"

/*
 * xen_version(cmd, arg): by any domain. What is not every domain's business (compile_info,
 * changeset, commandline, build_id) reads "<denied>" or gives -EPERM to all but the privileged.
 */

/* Arg: NULL. Ret: major << 16 | minor, that is 0x00040011. Guests also call it to have pending
 * events delivered. */
#define XENVER_version			0

/* Arg: OUT xen_extraversion_t, ".n" or so. */
#define XENVER_extraversion		1
typedef char xen_extraversion_t[16];
#define XEN_EXTRAVERSION_LEN		(sizeof(xen_extraversion_t))

/* Arg: OUT struct xen_compile_info. */
#define XENVER_compile_info		2
struct xen_compile_info {
	char compiler[64];
	char compile_by[16];
	char compile_domain[32];
	char compile_date[32];
};
typedef struct xen_compile_info xen_compile_info_t;
PV_ABI_SIZE(struct xen_compile_info, 144);
PV_ABI_AT(struct xen_compile_info, compiler, 0);
PV_ABI_AT(struct xen_compile_info, compile_by, 64);
PV_ABI_AT(struct xen_compile_info, compile_domain, 80);
PV_ABI_AT(struct xen_compile_info, compile_date, 112);

/* Arg: OUT xen_capabilities_info_t, names of guest kinds: "xen-3.0-x86_64 ...". */
#define XENVER_capabilities		3
typedef char xen_capabilities_info_t[1024];
#define XEN_CAPABILITIES_INFO_LEN	(sizeof(xen_capabilities_info_t))

/* Arg: OUT xen_changeset_info_t. */
#define XENVER_changeset		4
typedef char xen_changeset_info_t[64];
#define XEN_CHANGESET_INFO_LEN		(sizeof(xen_changeset_info_t))

/* Arg: OUT struct xen_platform_parameters. */
#define XENVER_platform_parameters	5
struct xen_platform_parameters {
	xen_ulong_t virt_start;		/* HYPERVISOR_VIRT_START */
};
typedef struct xen_platform_parameters xen_platform_parameters_t;
PV_ABI_SIZE(struct xen_platform_parameters, 8);
PV_ABI_AT(struct xen_platform_parameters, virt_start, 0);

/* Arg: struct xen_feature_info. Err: -EINVAL submap_idx beyond XENFEAT_NR_SUBMAPS. */
#define XENVER_get_features		6
struct xen_feature_info {
	uint32_t submap_idx;		/* IN */
	uint32_t submap;		/* OUT bits of features.h */
};
typedef struct xen_feature_info xen_feature_info_t;
PV_ABI_SIZE(struct xen_feature_info, 8);
PV_ABI_AT(struct xen_feature_info, submap_idx, 0);
PV_ABI_AT(struct xen_feature_info, submap, 4);

/* Arg: NULL. Ret: 4096. */
#define XENVER_pagesize			7

/* Arg: OUT xen_domain_handle_t, the domain's UUID. */
#define XENVER_guest_handle		8

/* Arg: OUT xen_commandline_t. */
#define XENVER_commandline		9
typedef char xen_commandline_t[1024];

/*
 * Arg: struct xen_build_id, or NULL. Ret: bytes of the build id; with NULL, how many it has.
 * Err:	-EINVAL	len is 0
 *	-ENOBUFS	len is too small
 *	-ENODATA	this build has none
 */
#define XENVER_build_id			10
struct xen_build_id {
	uint32_t len;			/* IN size of buf */
	unsigned char buf[XEN_FLEX_ARRAY_DIM]; /* OUT */
};
typedef struct xen_build_id xen_build_id_t;
PV_ABI_SIZE(struct xen_build_id, 4);
PV_ABI_AT(struct xen_build_id, len, 0);
PV_ABI_AT(struct xen_build_id, buf, 4);

#endif /* PV_ABI_XEN_VERSION_H */
