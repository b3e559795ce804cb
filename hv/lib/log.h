/* SPDX-License-Identifier: MIT */
/* Messages to the console and its log ring. */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include "lib/base.h"

/* Levels as loglvl= and guest_loglvl= name them: error, warning, info, debug. */
enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/*
 * One message about the machine or the hypervisor (log) or about what a guest did (guest_log: rate
 * limited, filtered by guest_loglvl=). A message ends in "\n"; the time and a level prefix are
 * added. May be called anywhere but in NMI context. Defined in core/console.c.
 */
void log_at(enum log_level level, const char *fmt, ...) printf_fn(2, 3);
void guest_log_at(enum log_level level, const char *fmt, ...) printf_fn(2, 3);

#define log_err(...) log_at(LOG_ERR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define guest_warn(...) guest_log_at(LOG_WARN, __VA_ARGS__)
#define guest_info(...) guest_log_at(LOG_INFO, __VA_ARGS__)
#define guest_debug(...) guest_log_at(LOG_DEBUG, __VA_ARGS__)

/*
 * Return an error and, where the build option "trace" is set, say from which line it came:
 *	return err_here(-EINVAL);
 */
#ifdef PAVISE_TRACE
#define err_here(e)                                                                                \
	({                                                                                         \
		long err_ = (e);                                                                   \
		if (err_ < 0)                                                                      \
			log_debug("%s:%d: %s: error %ld\n", __FILE__, __LINE__, __func__, err_);   \
		err_;                                                                              \
	})
#else
#define err_here(e) (e)
#endif

#endif
