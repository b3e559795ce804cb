/* SPDX-License-Identifier: MIT */
/*
 * The lying guest: a table of every call and its arguments. For each cell one argument is a lie
 * and all others are honest. The answer has to be an error; nothing but the argument may change;
 * the guest lives on. tests/guests/run reads the ROW(), NONE() and KILL() lines of this folder
 * and fails when a call of the interface has none.
 */
#ifndef LIAR_H
#define LIAR_H

#include "guest.h"

enum kind {
	END,
	IN,    /* pointer that is read */
	OUT,   /* pointer that is written, or both */
	DOM,   /* domain number */
	MFN,   /* frame that has to be ours, for reading or as plain memory */
	PTMA,  /* machine address of a page table entry, with a command in its low bits */
	PTE1,  /* level 1 entry */
	MADDR, /* machine address of a descriptor */
	DESC,  /* descriptor */
	VA,    /* address whose L1 entry is changed */
	PORT,
	VCPU,
	NUM,    /* number out of a short list */
	CMD,    /* number of a command; some calls keep state in its high bits */
	SIZE,   /* count of elements: those behind the honest one are garbage, and may be changed */
	REF,    /* grant reference */
	HANDLE, /* grant handle */
	HOSTVA, /* where a grant is mapped */
	CANON,  /* address that has to be canonical */
	ZERO,   /* has to be zero */
	BREAK,  /* breakpoint address */
	TIME,   /* any: nothing to refuse */
};
#define MAY 0x40    /* the lie may be accepted as well; only survival and memory are looked at */
#define NULLOK 0x80 /* 0 is not a lie */

struct field {
	u8 where; /* 0-4 argument register, 5 structure, 6 list */
	u8 size;
	u16 off;
	u8 kind; /* and MAY, NULLOK */
	u8 span; /* pointers: bytes behind it (at most) */
	const char *name;
};
/* clang-format off */
#define ARG(i, kind_, name_) { (i), 8, 0, (kind_), 8, name_ }
#define ARG_PTR(i, kind_, type_, name_)                                                            \
	{ (i), 8, 0, (kind_), sizeof(type_) > 255 ? 255 : sizeof(type_), name_ }
#define F(type_, member_, kind_)                                                                   \
	{ 5, sizeof(((type_ *)0)->member_), offsetof(type_, member_), (kind_), 8, #member_ }
#define LIST(size_, kind_, name_) { 6, size_, 0, (kind_), 8, name_ }
/* clang-format on */

enum style {
	OP,      /* call(sub, mem) */
	VCPU_OP, /* call(sub, vcpu 0, mem) */
	GRANT,   /* call(sub, mem, 1) */
	MMUEXT,  /* call(mem, 1, &done, DOMID_SELF), op.cmd = sub */
	PLAT,    /* call(mem), op.cmd = sub */
	RAW,     /* fill() sets the arguments */
};
/* row.flags */
#define PRIV 1       /* only the privileged domain gets beyond -EPERM */
#define COUNTS 2     /* 0 means refused, as 1 means done */
#define HAS_STATUS 4 /* see STATUS() */
#define ABSENT 8
#define LENIENT 16 /* the hypervisor that we compare with accepts some of these; ours must not */
/* An error may be in the 16 bits at this offset of the structure. */
#define STATUS(o) ((o) << 8 | HAS_STATUS)

struct row {
	const char *name;
	u16 call;
	i32 sub;
	u8 style;
	u32 flags;
	void (*fill)(void);
	struct field f[12];
};
/* clang-format off */
#define ROW(call_, sub_, style_, flags_, fill_, ...)                                               \
	{ #call_ "." #sub_, __HYPERVISOR_##call_, (i32)(sub_), style_, flags_, fill_, { __VA_ARGS__ } }
/* A call or command that is not there: any honest use is refused. */
#define NONE(call_, sub_)                                                                          \
	{ #call_ "." #sub_, __HYPERVISOR_##call_, (i32)(sub_), OP, ABSENT, NULL, { { 0 } } }
/* clang-format on */

extern const struct row memory_rows[], cpu_rows[], event_rows[], misc_rows[], platform_rows[],
	control_rows[];

/*
 * What fill() prepares: registers, structure and list (both in the middle of a guarded page), all
 * zero before.
 */
extern u64 a[5];
extern u8 *mem, *list;
extern u8 *plain, *own_table;              /* a plain page; an L1 of ours in use */
extern u64 plain_mfn, plain_pte_ma;        /* and machine address of the plain page's L1 entry */
extern u8 *unmapped, *readonly, *page_end; /* page_end: the last mapped byte + 1 */
#define AS(type) ((type *)mem)

/* Cells that end the domain by contract: one a run, by argument kill=<name>. */
struct kill {
	const char *name;
	void (*fn)(void);
};
extern const struct kill kills[];
/* clang-format off */
#define KILL(call_, name_, fn_) { name_, fn_ }
/* clang-format on */

#endif
