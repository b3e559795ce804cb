/* SPDX-License-Identifier: MIT */
/* libFuzzer: any bytes as a guest's code, to the decoders of what is emulated. */
#include <stdlib.h>
#include <string.h>

#include "paging/decode.h"
#include "pv/insn.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check(bool cond)
{
	if (!cond)
		__builtin_trap();
}

/* What is accepted of n bytes is accepted of its length alone, and of nothing shorter. */
static void privileged(const u8 *code, unsigned n)
{
	struct insn in, again;

	if (!insn_decode(code, n, &in))
		return;
	check(in.len && in.len <= n && in.op <= INSN_CPUID);
	check(in.reg < 16 && in.rm < 16);
	if (in.op == INSN_IO || in.op == INSN_IO_STRING)
		check(in.size == 1 || in.size == 2 || in.size == 4);
	check(insn_decode(code, in.len, &again) && again.op == in.op && again.len == in.len);
	check(!insn_decode(code, in.len - 1, &again));
}

static void table_write(const u8 *code, unsigned n, const u8 *data, size_t size)
{
	struct pte_write w, again;
	cpu_user_regs_t regs, before;
	u64 old = 0, new = 0, mask;

	if (!pte_write_decode(code, n, &w))
		return;
	check(w.len && w.len <= n && w.op <= PTE_OP_XADD && w.reg < 16);
	check(w.size == 1 || w.size == 2 || w.size == 4 || w.size == 8);
	check(pte_write_decode(code, w.len, &again) && again.op == w.op && again.len == w.len);
	check(!pte_write_decode(code, w.len - 1, &again));
	memset(&regs, 0x5a, sizeof(regs));
	memcpy(&regs, data, MIN(size, sizeof(regs)));
	memcpy(&old, data, MIN(size, sizeof(old)));
	before = regs;
	mask = w.size == 8 ? ~0UL : (1UL << 8 * w.size) - 1;
	pte_write_apply(&w, old & mask, &new, &regs);
	check(!(new & ~mask));
	check(regs.rip == before.rip && regs.cs == before.cs && regs.ss == before.ss);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	unsigned n = MIN(size, 15);
	u8 *code = malloc(n ? n : 1); /* a byte too far is seen */

	memcpy(code, data, n);
	privileged(code, n);
	table_write(code, n, data + n, size - n);
	free(code);
	return 0;
}
