/* SPDX-License-Identifier: MIT */
/* sysctl: what the privileged domain asks of the machine. */
#include <xen/sysctl.h>

#include "core/console.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"

#define READ_AT_ONCE 8192 /* bytes of one call: bounds how long it takes */
#define MAX_KEYS 64

/* [one caller at a time by nature: worst case a line is shown again] log position */
static u64 cleared;

static long read_console(struct xen_sysctl_readconsole *op)
{
	char buf[128];
	u32 done = 0, max = MIN(op->count, (u32)READ_AT_ONCE);
	u64 from = op->incremental ? op->index : READ_ONCE(cleared);

	while (done < max) {
		size_t n = console_log_read(buf, MIN(max - done, (u32)sizeof(buf)), &from);

		if (!n)
			break;
		if (copy_to_guest(guest_index(op->buffer.va, done, 1), buf, n))
			return err_here(-EFAULT);
		done += n;
	}
	if (op->clear)
		WRITE_ONCE(cleared, from);
	op->index = (u32)from;
	op->count = done;
	return 0;
}

static long debug_keys(const struct xen_sysctl_debug_keys *op)
{
	char keys[MAX_KEYS];

	if (op->nr_keys > MAX_KEYS)
		return err_here(-E2BIG);
	if (copy_from_guest(keys, op->keys.va, op->nr_keys))
		return err_here(-EFAULT);
	for (u32 i = 0; i < op->nr_keys; i++)
		debug_key(keys[i]);
	return 0;
}

/* Documented in xen/sysctl.h. */
long do_sysctl(u64 arg, u64 a2, u64 a3, u64 a4, u64 a5, struct vcpu *v)
{
	struct xen_sysctl op;
	long rc;

	(void)a2, (void)a3, (void)a4, (void)a5;
	if (!v->domain->privileged)
		return err_here(-EPERM);
	if (read_guest(&op, arg))
		return err_here(-EFAULT);
	if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
		return err_here(-EACCES);
	switch (op.cmd) {
	case XEN_SYSCTL_readconsole:
		rc = read_console(&op.u.readconsole);
		break;
	case XEN_SYSCTL_debug_keys:
		return debug_keys(&op.u.debug_keys);
	default:
		return err_here(-ENOSYS);
	}
	return rc ? rc : write_guest(arg, &op);
}
