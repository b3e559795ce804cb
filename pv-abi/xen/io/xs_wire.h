/* SPDX-License-Identifier: MIT */
/* The store's protocol: messages, and the ring a guest exchanges them by. */

#ifndef PV_ABI_XEN_IO_XS_WIRE_H
#define PV_ABI_XEN_IO_XS_WIRE_H

#include "../abi.h"

enum xsd_sockmsg_type {
	XS_CONTROL = 0,
	XS_DIRECTORY = 1,
	XS_READ = 2,
	XS_GET_PERMS = 3,
	XS_WATCH = 4,
	XS_UNWATCH = 5,
	XS_TRANSACTION_START = 6,
	XS_TRANSACTION_END = 7,
	XS_INTRODUCE = 8,
	XS_RELEASE = 9,
	XS_GET_DOMAIN_PATH = 10,
	XS_WRITE = 11,
	XS_MKDIR = 12,
	XS_RM = 13,
	XS_SET_PERMS = 14,
	XS_WATCH_EVENT = 15,
	XS_ERROR = 16,
	XS_IS_DOMAIN_INTRODUCED = 17,
	XS_RESUME = 18,
	XS_SET_TARGET = 19,
	/* 20 RETIRED: XS_RESTRICT */
	XS_RESET_WATCHES = 21,
	XS_DIRECTORY_PART = 22,
	XS_TYPE_COUNT = 23,
	XS_INVALID = 0xffff,
};
#define XS_DEBUG XS_CONTROL

#define XS_WRITE_NONE		"NONE"
#define XS_WRITE_CREATE		"CREATE"
#define XS_WRITE_CREATE_EXCL	"CREATE|EXCL"

/* An error travels as its name, which a table of these translates. */
struct xsd_errors {
	int32_t errnum;
	uint32_t _pad0;
	GUEST_PTR(const char) errstring;
};
PV_ABI_SIZE(struct xsd_errors, 16);
PV_ABI_AT(struct xsd_errors, errnum, 0);
PV_ABI_AT(struct xsd_errors, errstring, 8);

/* Before each message; len bytes follow, usually zero-terminated strings. */
struct xsd_sockmsg {
	uint32_t type;			/* XS_* */
	uint32_t req_id;		/* the answer has the same */
	uint32_t tx_id;			/* transaction, or 0 */
	uint32_t len;
};
PV_ABI_SIZE(struct xsd_sockmsg, 16);
PV_ABI_AT(struct xsd_sockmsg, type, 0);
PV_ABI_AT(struct xsd_sockmsg, req_id, 4);
PV_ABI_AT(struct xsd_sockmsg, tx_id, 8);
PV_ABI_AT(struct xsd_sockmsg, len, 12);

/* The strings of XS_WATCH_EVENT. */
enum xs_watch_type {
	XS_WATCH_PATH = 0,
	XS_WATCH_TOKEN = 1,
};

#define XENSTORE_RING_SIZE	1024
typedef uint32_t XENSTORE_RING_IDX;
#define MASK_XENSTORE_IDX(idx)	((idx) & (XENSTORE_RING_SIZE - 1))

/* The page shared with the store. Indices run free; each has one writer. */
struct xenstore_domain_interface {
	char req[XENSTORE_RING_SIZE];
	char rsp[XENSTORE_RING_SIZE];
	XENSTORE_RING_IDX req_cons;	/* store writes */
	XENSTORE_RING_IDX req_prod;	/* guest writes */
	XENSTORE_RING_IDX rsp_cons;	/* guest writes */
	XENSTORE_RING_IDX rsp_prod;	/* store writes */
	uint32_t server_features;	/* XENSTORE_SERVER_FEATURE_*, store writes */
	uint32_t connection;		/* XENSTORE_CONNECTED or _RECONNECT */
	uint32_t error;			/* XENSTORE_ERROR_*, store writes */
};
PV_ABI_SIZE(struct xenstore_domain_interface, 2076);
PV_ABI_AT(struct xenstore_domain_interface, req, 0);
PV_ABI_AT(struct xenstore_domain_interface, rsp, 1024);
PV_ABI_AT(struct xenstore_domain_interface, req_cons, 2048);
PV_ABI_AT(struct xenstore_domain_interface, req_prod, 2052);
PV_ABI_AT(struct xenstore_domain_interface, rsp_cons, 2056);
PV_ABI_AT(struct xenstore_domain_interface, rsp_prod, 2060);
PV_ABI_AT(struct xenstore_domain_interface, server_features, 2064);
PV_ABI_AT(struct xenstore_domain_interface, connection, 2068);
PV_ABI_AT(struct xenstore_domain_interface, error, 2072);

#define XENSTORE_PAYLOAD_MAX	4096	/* len beyond ends the connection */
#define XENSTORE_ABS_PATH_MAX	3072	/* beyond is refused */
#define XENSTORE_REL_PATH_MAX	2048

#define XENSTORE_SERVER_FEATURE_RECONNECTION	1
#define XENSTORE_SERVER_FEATURE_ERROR		2	/* the member error is in use */

#define XENSTORE_CONNECTED	0
#define XENSTORE_RECONNECT	1	/* guest asks; the store empties the ring and sets 0 */

#define XENSTORE_ERROR_NONE	0
#define XENSTORE_ERROR_COMM	1	/* communication failed */
#define XENSTORE_ERROR_RINGIDX	2	/* an index made no sense */
#define XENSTORE_ERROR_PROTO	3	/* a payload was too long */

#endif /* PV_ABI_XEN_IO_XS_WIRE_H */
