/* SPDX-License-Identifier: MIT */
/* Error numbers. A hypercall returns them negated. */

#ifndef PV_ABI_XEN_ERRNO_H
#define PV_ABI_XEN_ERRNO_H

/* Values 4 (EINTR) and 85 (ERESTART) are for the hypervisor's inside and reach no guest. */
enum xen_errno {
	XEN_EPERM = 1,			/* the caller may not do this */
	XEN_ENOENT = 2,			/* no such vCPU, entry, ... */
	XEN_ESRCH = 3,			/* no such domain */
	XEN_EIO = 5,			/* done in part, or the device failed */
	XEN_ENXIO = 6,			/* no such unit */
	XEN_E2BIG = 7,			/* too much at once */
	XEN_ENOEXEC = 8,		/* not a kernel */
	XEN_EBADF = 9,			/* wrong kind of object */
	XEN_ECHILD = 10,
	XEN_EAGAIN = 11,		/* try again */
	XEN_EWOULDBLOCK = 11,		/* the same */
	XEN_ENOMEM = 12,		/* no memory */
	XEN_EACCES = 13,		/* wrong interface version, or not this kind of guest */
	XEN_EFAULT = 14,		/* bad guest address */
	XEN_EBUSY = 16,			/* in use */
	XEN_EEXIST = 17,		/* there already */
	XEN_EXDEV = 18,			/* belongs elsewhere */
	XEN_ENODEV = 19,		/* no such device */
	XEN_ENOTDIR = 20,
	XEN_EISDIR = 21,
	XEN_EINVAL = 22,		/* bad argument */
	XEN_ENFILE = 23,
	XEN_EMFILE = 24,
	XEN_ENOSPC = 28,		/* no free port, slot, ... */
	XEN_EROFS = 30,			/* read-only */
	XEN_EMLINK = 31,
	XEN_EDOM = 33,
	XEN_ERANGE = 34,		/* out of range */
	XEN_EDEADLK = 35,
	XEN_EDEADLOCK = 35,		/* the same */
	XEN_ENAMETOOLONG = 36,
	XEN_ENOLCK = 37,
	XEN_ENOSYS = 38,		/* no such call */
	XEN_ENOTEMPTY = 39,
	XEN_ENODATA = 61,		/* there is none */
	XEN_ETIME = 62,			/* that time has passed */
	XEN_EBADMSG = 74,
	XEN_EOVERFLOW = 75,		/* does not fit */
	XEN_EILSEQ = 84,
	XEN_ENOTSOCK = 88,
	XEN_EMSGSIZE = 90,
	XEN_EOPNOTSUPP = 95,		/* not on this machine, or not in this configuration */
	XEN_EADDRINUSE = 98,
	XEN_EADDRNOTAVAIL = 99,
	XEN_ENOBUFS = 105,		/* the buffer given is too small */
	XEN_EISCONN = 106,
	XEN_ENOTCONN = 107,
	XEN_ETIMEDOUT = 110,
	XEN_ECONNREFUSED = 111,
};

#endif /* PV_ABI_XEN_ERRNO_H */
