/* SPDX-License-Identifier: MIT */
/* Whether a domain runs, asked of the hypervisor. */

#ifndef TOOLSTACK_DOMSTATE_H
#define TOOLSTACK_DOMSTATE_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/xen.h>

/* Opens the way to the hypervisor, or ends the program with a sentence. */
void domain_state_open(void);
/* 0: it doesn't exist, or is being destroyed; 1: it has shut down or crashed; 2: it runs. */
int domain_state(uint16_t domid);
/* The same of all numbers at once. False: the hypervisor does not say. */
bool domain_states(uint8_t state[DOMID_FIRST_RESERVED]);

#endif /* TOOLSTACK_DOMSTATE_H */
