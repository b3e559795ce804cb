/* SPDX-License-Identifier: MIT */
/* Frames and entries (model.c) for what calls do with them (model_calls.c). */
#ifndef MODEL_INTERNAL_H
#define MODEL_INTERNAL_H

#include "model.h"

#define P 0x001UL
#define RW 0x002UL
#define US 0x004UL
#define CACHE 0x098UL /* PWT, PCD, PAT */
#define AD 0x060UL
#define PSE 0x080UL
#define G 0x100UL
#define ADDR 0x000ffffffffff000UL
#define NOT_RAM (1UL << 24) /* frames from here on do not exist: 36 bits of physical address */

/* A request between begin() and end(rc) is a transaction: with an error, nothing has happened. */
void begin(void);
int end(int rc);

u64 frame_of(u64 e);
bool is_ram(u64 mfn);
bool is_table(u64 mfn, u8 d); /* of d, in use as one */

/* References: general; typed; both. Those that can fail are undone by end(). */
bool get(u64 mfn, u8 d);
void put(u64 mfn);
int get_type(u64 mfn, u8 type);
void put_type(u64 mfn);
int get_both(u64 mfn, u8 d, u8 type);
void put_both(u64 mfn);

/* Entries of tables of d; an L1 entry may name frames of `from`. */
void l1_put(u64 e);
int l1_write(u8 d, u8 from, u64 *entry, u64 new, bool keep_ad);
int upper_write(u8 d, u64 table, int s, u64 new, bool keep_ad);

/* The vCPU's roots and descriptor tables. */
int set_root(struct m_caller c, u64 mfn, bool user);
int set_descriptor_frames(u8 d, u64 *frames, unsigned room, const u64 *new, unsigned n);

#endif
