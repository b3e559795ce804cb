/* SPDX-License-Identifier: MIT */
/* console_io: a guest's output, the privileged domain's input. */

#include "core/arch.h"
#include "core/console.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"

#define CHUNK 128 /* a serial line takes a long time for more: look at other work between two */

static long console_write(u64 count, u64 buffer, struct vcpu *v)
{
	char buf[CHUNK];
	u64 done = 0;

	while (done < count) {
		size_t n = MIN(count - done, sizeof(buf));

		if (done && preempt_needed())
			return hypercall_restart(
				v, __HYPERVISOR_console_io, 3,
				(u64[]){ CONSOLEIO_write, count - done, buffer + done });
		if (copy_from_guest(buf, guest_index(buffer, done, 1), n))
			return err_here(-EFAULT);
		console_guest_write(v->domain, buf, n);
		preempt_charge(n);
		done += n;
	}
	return 0;
}

static long console_read(u64 count, u64 buffer, struct vcpu *v)
{
	char buf[CHUNK];
	size_t n;

	if (!v->domain->privileged)
		return err_here(-EPERM);
	n = console_guest_read(buf, MIN(count, sizeof(buf)));
	return n && copy_to_guest(buffer, buf, n) ? -EFAULT : (long)n;
}

long do_console_io(u64 cmd, u64 count, u64 buffer, u64 a4, u64 a5, struct vcpu *v)
{
	count = (u32)count;
	if (count > 0x7fffffff)
		return err_here(-E2BIG);
	switch ((u32)cmd) {
	case CONSOLEIO_write:
		return console_write(count, buffer, v);
	case CONSOLEIO_read:
		return console_read(count, buffer, v);
	default:
		return err_here(-ENOSYS);
	}
}
