/* SPDX-License-Identifier: MIT */
/*
 * Privileged instructions of a guest: the whole list is in insn.c. Bytes are fetched
 * once; the rest of what an instruction needs is registers, and memory only for INS and OUTS.
 */
#include "core/arch.h"
#include "core/guest_access.h"
#include "lib/log.h"
#include "lib/string.h"
#include "paging/paging.h"
#include "pv/insn.h"
#include "pv/pv.h"
#include "x86/ioports.h"
#include "x86/regs.h"
#include "x86/uaccess.h"

/* ---- ports ---- */

/*
 * Published rule: kernel mode needs a virtual IOPL of 1, user mode 3, or clear bits in the guest's
 * bitmap.
 */
static bool port_permitted(struct vcpu *v, u16 port, unsigned size)
{
	u8 map[2] = { 0xff, 0xff };
	u64 at = v->arch.iobmp + port / 8;
	int bad;

	if (v->arch.iopl >= (guest_kernel_mode(v) ? 1 : 3))
		return true;
	if (!v->arch.iobmp || port + size > v->arch.iobmp_limit)
		return false;
	arch_kernel_view_begin(v);
	bad = copy_from_guest(map, at, port % 8 + size > 8 ? 2 : 1);
	arch_kernel_view_end(v);
	return !bad && !((map[0] | map[1] << 8) >> (port % 8) & ((1u << size) - 1));
}

static bool io_plain(struct vcpu *v, cpu_user_regs_t *r, const struct insn *in)
{
	u16 port = in->imm_port ? in->imm : (u16)r->rdx;
	static const u64 mask[5] = { 0, 0xff, 0xffff, 0, 0xffffffff };

	if (!port_permitted(v, port, in->size))
		return false;
	if (in->out) {
		guest_io_write(v, port, in->size, (u32)(r->rax & mask[in->size]));
	} else {
		u64 val = guest_io_read(v, port, in->size);

		r->rax = in->size == 4 ? val : (r->rax & ~mask[in->size]) | (val & mask[in->size]);
	}
	return true;
}

/*
 * One turn of INS or OUTS; with REP the instruction stays until RCX is 0, which is a preemption
 * point.
 */
static bool io_string(struct vcpu *v, cpu_user_regs_t *r, const struct insn *in, bool *again)
{
	u64 *index = in->out ? &r->rsi : &r->rdi, step = in->size;
	u32 val = 0;

	*again = false;
	if (in->rep && !r->rcx)
		return true;
	if (!port_permitted(v, r->rdx, in->size))
		return false;
	if (in->out) {
		if (copy_from_guest(&val, *index, in->size))
			return false;
		guest_io_write(v, r->rdx, in->size, val);
	} else {
		val = guest_io_read(v, r->rdx, in->size);
		if (copy_to_guest(*index, &val, in->size))
			return false;
	}
	*index += r->rflags & RFLAGS_DF ? -step : step;
	if (in->rep && --r->rcx)
		*again = true;
	return true;
}

/* ---- control and debug registers ---- */

u64 pv_fix_cr4(u64 want)
{
	u64 may = PV_CR4_GUEST;

	if (!cpu_has(X86_FSGSBASE))
		may &= ~CR4_FSGSBASE;
	if (!host_xcr0)
		may &= ~CR4_OSXSAVE;
	return (want & may) | PV_CR4_ALWAYS;
}

static bool read_cr(struct vcpu *v, unsigned n, u64 *val)
{
	switch (n) {
	case 0:
		*val = v->arch.cr0 | (v->arch.flags & VCPU_GUEST_TS ? CR0_TS : 0);
		return true;
	case 2:
		*val = v->vcpu_info->arch.cr2;
		return true;
	case 3:
		*val = v->arch.guest_table << PAGE_SHIFT;
		return true;
	case 4:
		*val = v->arch.cr4;
		return true;
	}
	return false;
}

/* *again: the instruction is to be executed once more, which is a preemption point. */
static bool write_cr(struct vcpu *v, unsigned n, u64 val, bool *again)
{
	int rc;

	switch (n) {
	case 0:
		if ((val ^ v->arch.cr0) & ~CR0_TS) {
			guest_info("d%uv%u: CR0 %lx: only TS may change\n", v->domain->id, v->id,
				   val);
			return false;
		}
		pv_set_ts(v, val & CR0_TS);
		return true;
	case 2:
		v->vcpu_info->arch.cr2 = val;
		return true;
	case 3:
		rc = set_guest_table(v, val >> PAGE_SHIFT);
		*again = rc == -ERESTART || v->arch.dropping;
		return !rc || rc == -ERESTART;
	case 4:
		v->arch.cr4 = pv_fix_cr4(val);
		load_cr4(v);
		return true;
	}
	return false;
}

static bool emulate_dr(struct vcpu *v, cpu_user_regs_t *r, const struct insn *in)
{
	unsigned n = in->reg == 4 || in->reg == 5 ? in->reg + 2 : in->reg;

	if (n > 7)
		return false;
	if (in->op == INSN_MOV_TO_DR)
		return pv_set_debugreg(v, n, *regs_gpr(r, in->rm)) == 0;
	*regs_gpr(r, in->rm) = pv_get_debugreg(v, n);
	return true;
}

/* ---- the rest ---- */

static void emulate_cpuid(struct vcpu *v, cpu_user_regs_t *r)
{
	struct cpuid_leaf l;

	pv_cpuid(v, r->rax, r->rcx, &l);
	r->rax = l.a;
	r->rbx = l.b;
	r->rcx = l.c;
	r->rdx = l.d;
}

static void set_edx_eax(cpu_user_regs_t *r, u64 val)
{
	r->rax = (u32)val;
	r->rdx = val >> 32;
}

static bool emulate_msr(struct vcpu *v, cpu_user_regs_t *r, bool write)
{
	u64 val = (u32)r->rax | r->rdx << 32;

	if (write)
		return pv_wrmsr(v, r->rcx, val);
	if (!pv_rdmsr(v, r->rcx, &val)) {
		/*
		 * A kernel that has no #GP handler yet cannot survive one: it reads 0, as
		 * published.
		 */
		if (v->arch.traps[TRAP_GP].addr)
			return false;
		val = 0;
	}
	set_edx_eax(r, val);
	return true;
}

/* What only the guest's kernel may do. */
static bool emulate_kernel_only(struct vcpu *v, cpu_user_regs_t *r, const struct insn *in,
				bool *again)
{
	switch (in->op) {
	case INSN_CLTS:
		return write_cr(v, 0, v->arch.cr0 & ~CR0_TS, again);
	/* nothing a guest without devices could tell apart; with devices memory is coherent */
	case INSN_WBINVD:
		if (v->domain->privileged)
			__asm__ volatile("wbinvd" ::: "memory");
		return true;
	case INSN_MOV_FROM_CR:
		return read_cr(v, in->reg, regs_gpr(r, in->rm));
	case INSN_MOV_TO_CR:
		return write_cr(v, in->reg, *regs_gpr(r, in->rm), again);
	case INSN_MOV_FROM_DR:
	case INSN_MOV_TO_DR:
		return emulate_dr(v, r, in);
	case INSN_RDMSR:
	case INSN_WRMSR:
		return emulate_msr(v, r, in->op == INSN_WRMSR);
	case INSN_XSETBV:
		return host_xcr0 && (u32)r->rcx == 0 && fpu_set_xcr0(v, (u32)r->rax | r->rdx << 32);
	default:
		return false;
	}
}

static bool emulate(struct vcpu *v, cpu_user_regs_t *r, const struct insn *in, bool *again)
{
	switch (in->op) {
	case INSN_IO:
		return io_plain(v, r, in);
	case INSN_IO_STRING:
		return io_string(v, r, in, again);
	case INSN_CLI:
	/* the mask is the guest's own affair; accepted where its IOPL would allow them */
	case INSN_STI:
		return v->arch.iopl >= (guest_kernel_mode(v) ? 1 : 3);
	case INSN_RDTSC:
	case INSN_RDTSCP:
		if (!guest_kernel_mode(v) && (v->arch.cr4 & CR4_TSD))
			return false;
		set_edx_eax(r, rdtsc());
		if (in->op == INSN_RDTSCP)
			r->rcx = (u32)v->arch.tsc_aux;
		return true;
	case INSN_CPUID:
		emulate_cpuid(v, r);
		return true;
	default:
		return guest_kernel_mode(v) && emulate_kernel_only(v, r, in, again);
	}
}

/* RDMSR of the user's GS base, which kernels ask for at each switch between processes; false: it is something else. */
static bool read_gs_base(const struct vcpu *v, cpu_user_regs_t *r)
{
	u64 code;

	if ((u32)r->rcx != MSR_KERNEL_GS_BASE || (r->rflags & RFLAGS_TF) || !guest_kernel_mode(v) ||
	    !read_guest_words(&code, r->rip, 1) || (u16)code != 0x320f)
		return false;
	set_edx_eax(r, read_base(v, MSR_KERNEL_GS_BASE));
	r->rip += 2;
	r->rflags &= ~RFLAGS_RF;
	return true;
}

bool pv_emulate_privileged(struct vcpu *v, cpu_user_regs_t *regs)
{
	u8 bytes[15];
	struct insn in;
	bool again = false;

	if (read_gs_base(v, regs))
		return true;
	if (!insn_decode(bytes, fetch_guest_code(bytes, regs->rip, sizeof(bytes)), &in))
		return false;
	if (!emulate(v, regs, &in, &again))
		return false;
	if (!again) {
		regs->rip += in.len;
		regs->rflags &= ~RFLAGS_RF;
		if (regs->rflags & RFLAGS_TF) {
			v->arch.debugreg[6] |= BIT(14);
			pv_inject(v, regs, TRAP_DB, 0);
		}
	}
	return true;
}

void pv_forced_cpuid(struct vcpu *v, cpu_user_regs_t *regs)
{
	emulate_cpuid(v, regs);
	regs->rip += FORCED_CPUID_LEN;
}
