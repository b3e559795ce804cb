/* SPDX-License-Identifier: MIT */
/*
 * Attackers, one function a class of published failures. An attack reports what was refused and
 * what was not; the hypervisor's health is that everything runs on. Those in `alone` may end in
 * the domain's death with a sentence or in refusal, both are right; they run one a domain
 * (argument one=<name>).
 */
#ifndef ATTACK_H
#define ATTACK_H

#include "guest.h"

struct attack {
	const char *name;
	void (*fn)(void);
};
extern const struct attack table_attacks[], entry_attacks[], other_attacks[], long_attacks[],
	alone[];

void peer_victim(void); /* argument role=victim: grants pages and ports to peer=<domid> */
void peer_thief(void);  /* role=thief: misuses what peer=<domid> grants */
void state_main(void);  /* role=state: registers that must stay a vCPU's own */
void race_main(void);   /* role=race: all its vCPUs on the same things, beside peer=<domid> */
u64 other_frame(void);  /* RAM that is not ours, or 0 */

#endif
