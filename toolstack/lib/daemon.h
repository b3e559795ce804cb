/* SPDX-License-Identifier: MIT */
/* What daemons begin with: folders, one process at a time, a socket. Failures end the program. */

#ifndef TOOLSTACK_DAEMON_H
#define TOOLSTACK_DAEMON_H

/* Makes the folders that lead to path; with a slash at its end, that too. */
void make_parents(const char *path);
/* Holds PATH.lock until the process ends, so that no second one does the same work. */
void only_one(const char *path);
/* May open so many files, or says how many it may. */
void allow_descriptors(unsigned long n);
/* A listening socket that only root can reach, without blocking. */
int listen_at(const char *path);

#endif /* TOOLSTACK_DAEMON_H */
