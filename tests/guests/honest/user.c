/* SPDX-License-Identifier: MIT */
/* Honest: user mode, 64 and 32 bit, and every way back into the kernel. */
#include "honest.h"

#define PROG(name) extern const u8 name[], name##_end[]
PROG(u_syscall);
PROG(u_int80);
PROG(u_fault);
PROG(u_load);
PROG(u_priv);
PROG(u_hypercall);
PROG(u_bases);
PROG(u_spin);
PROG(u_cpuid);
PROG(c_int80);
PROG(c_syscall);
PROG(c_sysenter);
PROG(c_into);
PROG(c_bound);
PROG(c_stack);

static struct cpu *c;

static void run(const u8 *code, const u8 *end, bool compat, u64 rdi)
{
	struct frame f = user_frame(compat);

	user_load(code, end);
	f.rdi = rdi;
	user_run(&f);
}
#define RUN(name, compat, rdi) run(name, name##_end, compat, rdi)

/* What got us out of user mode? */
static void left_by(const char *what, u64 vec, i64 err, u64 rip)
{
	const struct frame *f = &c->last;

	report(f->vec == vec && (err < 0 || f->err == (u64)err) && f->rip == rip &&
		       (FRAME_CS(f) & 3) == 3 && (f->rflags & 0x200) && (f->ss & 3) == 3,
	       what, "vec %lx err %lx rip %lx cs %lx ss %lx rflags %lx", f->vec, f->err, f->rip,
	       f->cs_mask, f->ss, f->rflags);
}

static unsigned calls;

static bool five_calls(struct frame *f)
{
	if (f->vec != VEC_SYSCALL)
		return false;
	return ++calls < 5;
}

static void syscalls(void)
{
	c->hook = five_calls;
	RUN(u_syscall, false, 0);
	c->hook = NULL;
	report(calls == 5 && c->last.r12 == 4, "five system calls and returns", "%u, %lu", calls,
	       c->last.r12);
	report(c->last.rax == 0x1234 && c->last.rbx == 0x55, "registers of a system call",
	       "%lx %lx", c->last.rax, c->last.rbx);
	report(c->last.vec == VEC_SYSCALL && (FRAME_CS(&c->last) & 3) == 3 &&
		       c->last.rsp == USER_STACK,
	       "system call frame", "cs %lx rsp %lx ss %lx", c->last.cs_mask, c->last.rsp,
	       c->last.ss);
	report(c->vi->evtchn_upcall_mask == FRAME_MASK(&c->last), "mask", "%x",
	       FRAME_MASK(&c->last));
	RUN(u_hypercall, false, 0);
	report(c->last.vec == VEC_SYSCALL && c->last.rax == 17, "no hypercalls from user mode",
	       "vec %lx", c->last.vec);
	RUN(u_int80, false, 0);
	left_by("int 0x80", 0x80, -1, USER_CODE + 7);
	RUN(u_cpuid, false, 0);
	report(c->last.rbx == 0x566e6558, "forced cpuid from user mode", "%lx", c->last.rbx);
}

static void faults(void)
{
	RUN(u_fault, false, 8);
	left_by("user write to an absent page", 14, 6, USER_CODE);
	check(c->last_cr2 == 8, "its CR2");
	set_va((void *)USER_DATA, mfn_of(user_data) << 12 | PTE_RO);
	RUN(u_fault, false, USER_DATA);
	left_by("user write to a read-only page", 14, 7, USER_CODE);
	set_va((void *)USER_DATA, mfn_of(user_data) << 12 | PTE_KERN);
	RUN(u_fault, false, USER_DATA);
	left_by("user ud2", 6, -1, USER_CODE + 3);
	RUN(u_load, false, A(stacks));
	left_by("user read of the kernel", 14, 4, USER_CODE);
	RUN(u_load, false, 0xffff810000000000);
	report(c->last.vec == 14 && (c->last.err & ~1UL) == 4, "user read of the hypervisor",
	       "vec %lx err %lx", c->last.vec, c->last.err);
	RUN(u_priv, false, 0);
	left_by("user hlt", 13, 0, USER_CODE);
}

static void bases(void)
{
	*(u64 *)user_data = 0xf5f5;
	*(u64 *)(user_data + 8) = 0x6565;
	check_rc("set_segment_base FS", HC(set_segment_base, SEGBASE_FS, USER_DATA, 0, 0), 0);
	check_rc("set_segment_base GS_USER",
		 HC(set_segment_base, SEGBASE_GS_USER, USER_DATA + 8, 0, 0), 0);
	check_rc("set_segment_base GS_KERNEL",
		 HC(set_segment_base, SEGBASE_GS_KERNEL, &c->traps, 0, 0), 0);
	RUN(u_bases, false, 0);
	report(c->last.rax == 0xf5f5 && c->last.rbx == 0x6565, "user's FS and GS bases", "%lx %lx",
	       c->last.rax, c->last.rbx);
	{
		u64 v;

		__asm__ volatile("mov %%gs:0, %0" : "=r"(v));
		report(v == c->traps, "kernel's GS base", "%lx", v);
	}
	report(rdmsr(0xc0000102) == USER_DATA + 8, "rdmsr KERNEL_GS_BASE", "%lx",
	       rdmsr(0xc0000102));
	report(rdmsr(0xc0000101) == A(&c->traps), "rdmsr GS_BASE", "%lx", rdmsr(0xc0000101));
	report(rdmsr(0xc0000100) == USER_DATA, "rdmsr FS_BASE", "%lx", rdmsr(0xc0000100));
	check_rc("set_segment_base selector", HC(set_segment_base, SEGBASE_GS_USER_SEL, 0, 0, 0),
		 0);
}

static void compat(void)
{
	u32 r[4];

	RUN(c_int80, true, 0);
	left_by("32-bit int 0x80", 0x80, -1, USER_CODE + 12);
	check(FRAME_CS(&c->last) == FLAT_USER_CS32 && c->last.rbx == 0x11223344, "32-bit frame");
	RUN(c_stack, true, 0);
	report(c->last.vec == 0x80 && c->last.rbx == 0x1234 && c->last.rcx == USER_CODE + 10,
	       "32-bit stack", "vec %lx %lx %lx", c->last.vec, c->last.rbx, c->last.rcx);
	/* SYSCALL in 32-bit code is AMD's, SYSENTER there Intel's. */
	cpuid_pv(0, 0, r);
	RUN(c_syscall, true, 0);
	if (r[1] == 0x68747541) /* Auth */
		left_by("32-bit syscall", VEC_SYSCALL32, -1, USER_CODE + 12);
	else
		report(c->last.vec == 6 || c->last.vec == VEC_SYSCALL32, "32-bit syscall",
		       "vec %lx", c->last.vec);
	RUN(c_sysenter, true, 0);
	report(c->last.vec == VEC_SYSENTER || c->last.vec == 6 || c->last.vec == 13,
	       "32-bit sysenter", "vec %lx", c->last.vec);
	RUN(c_into, true, 0);
	left_by("32-bit into", 4, -1, USER_CODE + 9);
	*(u64 *)user_data = 0x500000005; /* bounds 5..5; eax is 0 */
	RUN(c_bound, true, USER_DATA);
	left_by("32-bit bound", 5, -1, USER_CODE);
}

/* An event comes while user mode runs: upcall on the kernel stack, user mode goes on. */
static bool set_flag(struct frame *f)
{
	if (f->vec == VEC_EVENT)
		*(volatile u32 *)user_data = FRAME_CS(f) & 3 ? 3 : 1;
	return false;
}

static void event_in_user(void)
{
	struct evtchn_bind_virq b = { .virq = VIRQ_TIMER, .vcpu = 0 };
	struct evtchn_close cl;

	*(volatile u32 *)user_data = 0;
	check_rc("bind VIRQ_TIMER", evtchn_op(EVTCHNOP_bind_virq, &b), 0);
	port_unmask(b.port);
	c->hook = set_flag;
	/* Among other domains it may come before user mode runs: give it more time then. */
	for (u64 ms = 20; ms <= 1280 && *(volatile u32 *)user_data != 3; ms *= 4) {
		*(volatile u32 *)user_data = 0;
		port_count[b.port] = 0;
		HC(set_timer_op, now() + ms * MS, 0, 0, 0);
		RUN(u_spin, false, USER_DATA);
	}
	c->hook = NULL;
	report(*(volatile u32 *)user_data == 3 && port_count[b.port] == 1, "event in user mode",
	       "flag %u count %u", *(volatile u32 *)user_data, port_count[b.port]);
	events_off();
	cl.port = b.port;
	check_rc("close it", evtchn_op(EVTCHNOP_close, &cl), 0);
	port_count[b.port] = 0;
}

void test_user(void)
{
	c = this_cpu();
	user_setup();
	syscalls();
	faults();
	bases();
	compat();
	event_in_user();
}
