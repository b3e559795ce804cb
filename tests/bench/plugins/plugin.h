/* SPDX-License-Identifier: MIT */
/* The few calls of QEMU's plugin interface, version 1, that our plugins use; no package ships its header. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

enum { PLUGIN_INLINE_ADD_U64 = 0 }; /* enum qemu_plugin_op */
enum { PLUGIN_CB_NO_REGS = 0 };     /* enum qemu_plugin_cb_flags */
enum { PLUGIN_MEM_W = 2 };          /* enum qemu_plugin_mem_rw */

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id_t,
					   void (*)(plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *),
					  int flags, void *);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int op, void *ptr,
					      uint64_t imm);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *),
					    int flags, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int op, void *ptr,
						uint64_t imm);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *,
				      void (*)(unsigned, uint32_t info, uint64_t va, void *),
				      int flags, int rw, void *);
bool qemu_plugin_mem_is_store(uint32_t info);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(uint32_t info,
						  uint64_t va); /* within the callback */
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *);
void qemu_plugin_register_atexit_cb(plugin_id_t, void (*)(plugin_id_t, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);

/* Where an instruction stands tells who executes it: the hypervisor has these addresses for itself. */
static inline bool is_hypervisor(uint64_t va)
{
	return va >= 0xffff800000000000 && va <= 0xffff87ffffffffff;
}

static inline bool is_kernel(uint64_t va)
{
	return va > 0xffff87ffffffffff;
}

/* One translated block: its address, its instructions, how many of them ran. */
struct block {
	struct block *next; /* in its bucket */
	uint64_t va, count;
	uint32_t insns;
	bool waits; /* has a PAUSE: one turn of a loop that waits for another processor */
};

enum { BUCKETS = 1 << 16 };

/* The record of a block; made when there is none. Called under QEMU's translation lock only. */
static inline struct block *block_get(struct block **table, uint64_t va, uint32_t insns,
				      void *(*zalloc)(size_t))
{
	struct block **head = &table[(va * 0x9e3779b97f4a7c15u) >> 48];

	for (struct block *b = *head; b; b = b->next)
		if (b->va == va && b->insns == insns)
			return b;
	struct block *b = zalloc(sizeof(*b));

	*b = (struct block){ .next = *head, .va = va, .insns = insns };
	*head = b;
	return b;
}
