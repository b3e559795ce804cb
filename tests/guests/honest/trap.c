/* SPDX-License-Identifier: MIT */
/* Honest: exceptions, iret inside the kernel, debug registers. */
#include "honest.h"

static struct frame seen;
static u64 at_rip, at_rsp;

/* Frame of a fault in the kernel: what every vector has in common. */
static void common_frame(const char *what)
{
	const struct frame *f = &this_cpu()->last;

	report(FRAME_CS(f) == 0xe030 && (f->ss & 0xffff) == FLAT_KERNEL_SS && (f->rflags & 0x200) &&
		       !(f->rflags & 0x3000),
	       what, "cs %lx ss %lx rflags %lx", f->cs_mask, f->ss, f->rflags);
}

/* Label 1 in the instructions is where the trap is expected. */
#define MARK(insn)                                                                                 \
	__asm__ volatile("lea 1f(%%rip), %%rax; mov %%rax, %0; mov %%rsp, %1; " insn               \
			 : "=m"(at_rip), "=m"(at_rsp)                                              \
			 :                                                                         \
			 : "rax", "rcx", "rdx", "memory")

static void vector_check(const char *what, unsigned vec, i64 err, unsigned skip_bytes)
{
	const struct frame *f = &this_cpu()->last;

	fault_was(what, true, vec, err);
	report(f->rip == at_rip + skip_bytes && f->rsp == at_rsp, what, "rip +%lu rsp +%lu",
	       f->rip - at_rip, f->rsp - at_rsp);
	common_frame(what);
}

#define RAISE(name, vec, err, after, insn)                                                         \
	do {                                                                                       \
		if (FAULTS(MARK(insn)))                                                            \
			vector_check(name, vec, err, after);                                       \
		else                                                                               \
			report(false, name, "no fault");                                           \
	} while (0)

static void floating_point(void)
{
	u16 cw = 0x037b, old; /* zero divide unmasked */
	u32 mx = 0x1d80, keep;
	u64 zero = 0;

	__asm__ volatile("fninit; fnstcw %0" : "=m"(old));
	expect_fault("#MF", 16, -1,
		     __asm__ volatile("fldcw %0; fld1; fldz; fdivrp; fwait" ::"m"(cw)));
	__asm__ volatile("fnclex; fninit");
	/* QEMU's software emulation never raises #XM. */
	__asm__ volatile("stmxcsr %0" : "=m"(keep));
	if (FAULTS(__asm__ volatile(
		    "ldmxcsr %0; movq %1, %%xmm0; movq %1, %%xmm1; divsd %%xmm0, %%xmm1" ::"m"(mx),
		    "r"(zero))))
		fault_was("#XM", true, 19, -1);
	else
		skip("#XM", "the processor does not raise it");
	__asm__ volatile("ldmxcsr %0" ::"m"(keep));
}

void test_exceptions(void)
{
	struct cpu *c = this_cpu();

	events_on();
	RAISE("#DE", 0, -1, 0, "xor %%ecx, %%ecx; mov $1, %%eax; cltd; 1: div %%ecx");
	RAISE("#BP", 3, -1, 1, "1: int3");
	RAISE("int 3, two bytes", 3, -1, 2, "1: .byte 0xcd, 3");
	RAISE("#OF by int 4", 4, -1, 2, "1: int $4");
	RAISE("#UD", 6, -1, 0, "1: ud2");
	/* The same on a stack address: QEMU raises #GP for both. */
	if (FAULTS(MARK("push %%rbp; mov $1, %%ebp; ror $1, %%rbp; mov %%rsp, %1; 1: mov (%%rbp), "
			"%%rax")))
		vector_check("#SS", c->last.vec == 13 ? 13 : 12, 0, 0);
	RAISE("#GP address", 13, 0, 0, "mov $1, %%eax; ror $1, %%rax; 1: mov (%%rax), %%rax");
	RAISE("#GP int 32 of level 0", 13, -1, 0, "1: int $32");
	/* QEMU's software emulation counts 16 bytes a gate in this error code, processors 8. */
	report(c->last.err == 32 * 8 + 2 || c->last.err == 32 * 16 + 2, "its error code", "%lx",
	       c->last.err);
	RAISE("#GP hlt", 13, 0, 0, "1: hlt");
	RAISE("int 0x80 from the kernel", 0x80, -1, 2, "1: int $0x80");
	RAISE("#PF", 14, 2, 0, "mov $64, %%eax; 1: movb $0, (%%rax)");
	check(c->last_cr2 == 64, "#PF CR2");
	RAISE("#PF hypervisor read", 14, -1, 0,
	      "mov $0xffff8100, %%eax; shl $32, %%rax; 1: mov (%%rax), %%rax");
	report((c->last.err & ~1UL) == 0, "#PF hypervisor error code", "%lx", c->last.err);
	RAISE("#PF write to the M2P", 14, -1, 0,
	      "mov $0xffff8000, %%eax; shl $32, %%rax; 1: movb $0, (%%rax)");
	floating_point();
	events_off();
	if (!FAULTS(MARK("1: int3")))
		report(false, "#BP masked", "no trap");
	report(FRAME_MASK(&c->last) == 1 && !(c->last.rflags & 0x200), "frame while masked",
	       "mask %u rflags %lx", FRAME_MASK(&c->last), c->last.rflags);
}

/* ---- iret ---- */
static u64 want_flags;
static u8 mask_seen;

static bool go_on(struct frame *f)
{
	if (f->vec != 3)
		return false;
	seen = *f;
	mask_seen = this_cpu()->vi->evtchn_upcall_mask;
	f->rflags ^= want_flags;
	return true;
}

static void registers(void)
{
	u64 r[14] = { 0 };

	__asm__ volatile(
		"mov $1, %%eax; mov $2, %%ebx; mov $3, %%ecx; mov $4, %%edx; mov $5, %%esi;"
		"mov $7, %%r8d; mov $8, %%r9d; mov $9, %%r10d; mov $10, %%r11d; mov $11, %%r12d;"
		"mov $12, %%r13d; mov $13, %%r14d; mov $14, %%r15d; stc; int3;"
		"mov %%rax, (%0); mov %%rbx, 8(%0); mov %%rcx, 16(%0); mov %%rdx, 24(%0);"
		"mov %%rsi, 32(%0); mov %%r8, 48(%0); mov %%r9, 56(%0); mov %%r10, 64(%0);"
		"mov %%r11, 72(%0); mov %%r12, 80(%0); mov %%r13, 88(%0); mov %%r14, 96(%0);"
		"mov %%r15, 104(%0); setc 40(%0)"
		:
		: "D"(r)
		: "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
		  "r15", "memory", "cc");
	for (unsigned i = 0; i < 14; i++)
		if (r[i] != (i == 5 ? 1 : i + 1))
			report(false, "iret keeps registers", "%u: %lx", i, r[i]);
	check(r[13] == 14, "iret keeps registers");
	check(seen.rcx == 3 && seen.r11 == 10, "rcx and r11 are in the frame");
	check(seen.rflags & 1, "flags are in the frame");
}

/* The event mask is RFLAGS.IF's opposite, and the trap table may ask for it. */
static void masks(void)
{
	struct cpu *c = this_cpu();
	struct trap_info ti[2] = { trap_table[3] };

	events_on();
	want_flags = 0x200;
	__asm__ volatile("1: int3");
	check(c->vi->evtchn_upcall_mask == 1, "iret with IF clear masks events");
	__asm__ volatile("1: int3");
	check(c->vi->evtchn_upcall_mask == 0, "iret with IF set unmasks");
	check(mask_seen == 1 && FRAME_MASK(&seen) == 1, "mask in the frame");
	want_flags = 0;
	__asm__ volatile("1: int3");
	check(mask_seen == 0, "a plain gate leaves the mask");
	ti[0].flags |= 4;
	HC(set_trap_table, ti, 0, 0, 0);
	__asm__ volatile("1: int3");
	check(mask_seen == 1 && FRAME_MASK(&seen) == 0, "a masking gate masks");
	check(c->vi->evtchn_upcall_mask == 0, "and iret undoes it");
	ti[0].flags &= 3;
	HC(set_trap_table, ti, 0, 0, 0);
	want_flags = 0x3000 | 1 << 17; /* IOPL, VM */
	__asm__ volatile("1: int3");
	want_flags = 0;
	check(!(rdflags() & (0x3000 | 1 << 17)), "iret drops IOPL and VM");
	events_off();
}

static void in_syscall_flag(void)
{
	struct iret_context ic = { .flags = VGCF_in_syscall,
				   .cs = FLAT_KERNEL_CS & ~3,
				   .rflags = 0x2,
				   .ss = FLAT_KERNEL_SS,
				   .rax = 0x77 };
	u64 rax;

	__asm__ volatile(
		"lea 1f(%%rip), %%rdx; mov %%rdx, 32(%1); mov %%rsp, 56(%1); mov %1, %%rdi;"
		"jmp raw_iret; 1:"
		: "=a"(rax)
		: "b"(&ic)
		: "rcx", "rdx", "rdi", "r11", "memory");
	report(rax == 0x77, "iret with VGCF_in_syscall", "rax %lx", rax);
}

static unsigned steps;

static bool count_steps(struct frame *f)
{
	if (f->vec != 1)
		return false;
	if (++steps >= 5)
		f->rflags &= ~0x100UL;
	return true;
}

static void single_step(void)
{
	struct cpu *c = this_cpu();

	c->hook = count_steps;
	__asm__ volatile("pushf; orq $0x100, (%%rsp); popf; nop; nop; nop; nop; nop; nop; nop" ::
				 : "memory");
	c->hook = NULL;
	report(steps == 5, "single step", "%u steps", steps);
	check(!(rdflags() & 0x100), "TF ends");
}

void test_iret(void)
{
	struct cpu *c = this_cpu();

	want_flags = 0;
	c->hook = go_on;
	registers();
	masks();
	c->hook = NULL;
	in_syscall_flag();
	single_step();
}

/* ---- debug registers ---- */
static volatile u64 watched;

void test_debug(void)
{
	struct cpu *c = this_cpu();
	u64 v;

	check_rc("set_debugreg 0", HC(set_debugreg, 0, &watched, 0, 0), 0);
	check_rc("get_debugreg 0", HC(get_debugreg, 0, 0, 0, 0), (long)A(&watched));
	check_rc("set_debugreg 6", HC(set_debugreg, 6, 0, 0, 0), 0);
	check_rc("set_debugreg 7", HC(set_debugreg, 7, 0xd0001, 0, 0),
		 0); /* L0, write, 8... 4 bytes */
	expect_fault("data breakpoint", 1, -1, watched = 5);
	check(watched == 5, "it is a trap, after the write");
	v = A(HC(get_debugreg, 6, 0, 0, 0));
	report(v & 1, "DR6 says which", "%lx", v);
	__asm__ volatile("mov %%dr7, %0" : "=r"(v));
	report((v & 0xf0003) == 0xd0001, "mov from DR7", "%lx", v);
	__asm__ volatile("mov %0, %%dr7" ::"r"(0x400UL));
	check(!FAULTS(watched = 6), "mov to DR7 takes it off");
	__asm__ volatile("mov %0, %%dr1" ::"r"(&watched));
	check_rc("mov to DR1", HC(get_debugreg, 1, 0, 0, 0), (long)A(&watched));
	HC(set_debugreg, 0, 0, 0, 0);
	HC(set_debugreg, 1, 0, 0, 0);
	HC(set_debugreg, 7, 0, 0, 0);
	c->hook = NULL;
}
