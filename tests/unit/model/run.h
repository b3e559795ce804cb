/* SPDX-License-Identifier: MIT */
/* The random steps, and what is counted about them. */
#ifndef MODEL_RUN_H
#define MODEL_RUN_H

#include "check.h"

enum step_kind {
	STEP_MMU_UPDATE,
	STEP_PIN,
	STEP_UNPIN,
	STEP_ROOT,
	STEP_USER_ROOT,
	STEP_SET_LDT,
	STEP_CLEAR,
	STEP_COPY,
	STEP_OTHER_MMUEXT,
	STEP_UPDATE_VA,
	STEP_OTHERDOMAIN,
	STEP_PTWR,
	STEP_GUEST_WRITE,
	STEP_GRANT_MAP,
	STEP_GRANT_UNMAP,
	STEP_EXCHANGE,
	STEP_GIVE_UP,
	STEP_ALLOC,
	STEP_GDT,
	STEP_DEATH,
	STEP_KINDS
};

/* What the running step is about, for messages. */
extern struct doing {
	enum step_kind kind;
	u8 d, v;
	u64 a[4];
} doing;

/*
 * The guests abandon calls that ask to be issued again, and other calls go on where those have
 * stopped. The model, in which calls are one step, has no say then: only the recount has, and that
 * all is given back in the end.
 */
extern bool unruly;

/* One random step against engine and model; fails on a different answer. */
void step(void);
/* At the end of a run, and of an unruly time: all domains die, and nothing is left. */
void finish(void);

struct outcome {
	u64 ok, refused;
};
extern struct outcome outcomes[STEP_KINDS];
extern const char *const step_names[STEP_KINDS];

#endif
