/* SPDX-License-Identifier: MIT */
/*
 * The closed set of errors a call may return, negated: numbers of the published ABI (xen/errno.h).
 */
#ifndef LIB_ERRNO_H
#define LIB_ERRNO_H

#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define EIO 5
#define ENXIO 6
#define E2BIG 7
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define ENODEV 19
#define EINVAL 22
#define ENOSPC 28
#define ENOSYS 38
#define ENODATA 61
#define ETIME 62
#define EOPNOTSUPP 95
#define ENOBUFS 105
/*
 * Internal: the call stopped at a preemption point; its arguments were rewritten, issue it again.
 */
#define ERESTART 85

#endif
