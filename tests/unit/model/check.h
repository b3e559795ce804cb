/* SPDX-License-Identifier: MIT */
/* The audit of the engine, and its comparison with the model. */
#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

#include "machine.h"

/* Mappings of grants, as the grant table of `mapper` would hold them. */
struct grant_held {
	bool used, readonly, pte;
	u8 mapper;
	u64 mfn, addr;
};
extern struct grant_held grants[GRANTS];

/* Recount from the tables up and compare with the frame table. strict: nothing may be half done. */
void check_audit(bool strict);
/* The same, and compare everything with the model. Ends the run at a difference. */
void check_all(u64 step);
/* The frame is being given to a domain: its past must have been flushed. */
void check_given(u64 mfn);

/* Let the model take over what the frame table says, for choices to be made by. */
void check_adopt(void);
/* The engine's own audit must find nothing wrong. */
void check_engines_audit(void);

#endif
