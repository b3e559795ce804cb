/* SPDX-License-Identifier: MIT */
/*
 * Attacks on the ways in and out: odd flags, addresses, selectors, instructions, MSRs (classes 5,
 * 7 to 10).
 */
#include "attack.h"

extern const u8 far_insns[];

static void int_sweep(void)
{
	u8 *code = page_alloc();
	unsigned wrong = 0;

	for (unsigned n = 0; n < 256; n++) {
		const struct frame *f = &this_cpu()->last;
		bool fault;

		code[0] = 0xcd, code[1] = (u8)n, code[2] = 0xc3;
		fault = FAULTS(((void (*)(void))code)());
		/*
		 * QEMU's error code has 16 bytes a gate: the hypervisor then takes it for another
		 * one.
		 */
		if (fault && (f->vec == n || f->vec == (n * 2 & 255) ||
			      (f->vec == 13 && (f->err == n * 8 + 2 || f->err == n * 16 + 2))))
			continue;
		wrong++;
		say("int %u: %s vector %lx error %lx", n, fault ? "fault" : "nothing", f->vec,
		    f->err);
	}
	report(!wrong, "int n", "%u of 256 wrong", wrong);
	page_free(code);
}

static const struct {
	const char *name;
	u8 len, code[14];
	bool may_pass; /* carried out or ignored is right too */
} insns[] = {
	{ "hlt", 1, { 0xf4 }, false },
	{ "cli", 1, { 0xfa }, true },
	{ "sti", 1, { 0xfb }, true },
	{ "lgdt", 3, { 0x0f, 0x01, 0x17 }, false },
	{ "lidt", 3, { 0x0f, 0x01, 0x1f }, false },
	{ "lldt", 3, { 0x0f, 0x00, 0xd0 }, false },
	{ "ltr", 3, { 0x0f, 0x00, 0xd8 }, false },
	{ "lmsw", 3, { 0x0f, 0x01, 0xf0 }, false },
	{ "invd", 2, { 0x0f, 0x08 }, false },
	{ "invlpg", 3, { 0x0f, 0x01, 0x3f }, false },
	{ "invpcid", 5, { 0x66, 0x0f, 0x38, 0x82, 0x07 }, false },
	{ "swapgs", 3, { 0x0f, 0x01, 0xf8 }, false },
	{ "sysret", 3, { 0x48, 0x0f, 0x07 }, false },
	{ "sysexit", 3, { 0x48, 0x0f, 0x35 }, false },
	{ "sysenter", 2, { 0x0f, 0x34 }, false },
	{ "rsm", 2, { 0x0f, 0xaa }, false },
	{ "vmcall", 3, { 0x0f, 0x01, 0xc1 }, false },
	{ "vmmcall", 3, { 0x0f, 0x01, 0xd9 }, false },
	{ "vmrun", 3, { 0x0f, 0x01, 0xd8 }, false },
	{ "vmload", 3, { 0x0f, 0x01, 0xda }, false },
	{ "vmxon", 4, { 0xf3, 0x0f, 0xc7, 0x37 }, false },
	{ "skinit", 3, { 0x0f, 0x01, 0xde }, false },
	{ "clgi", 3, { 0x0f, 0x01, 0xdd }, false },
	{ "stac", 3, { 0x0f, 0x01, 0xcb }, false },
	{ "clac", 3, { 0x0f, 0x01, 0xca }, false },
	{ "monitor", 3, { 0x0f, 0x01, 0xc8 }, false },
	{ "mwait", 3, { 0x0f, 0x01, 0xc9 }, false },
	{ "rdpmc", 2, { 0x0f, 0x33 }, false },
	{ "xsaves", 4, { 0x48, 0x0f, 0xc7, 0x2f }, false },
	{ "mov to CR8", 4, { 0x44, 0x0f, 0x22, 0xc0 }, false },
	{ "mov to CR1", 3, { 0x0f, 0x22, 0xc8 }, false },
	{ "getsec", 2, { 0x0f, 0x37 }, false },
	{ "encls", 3, { 0x0f, 0x01, 0xcf }, false },
	{ "wrmsr 0", 2, { 0x0f, 0x30 }, true },
	{ "ins to the hypervisor", 1, { 0x6d }, false },
	{ "forced emulation of nothing", 7, { 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0x0b }, false },
	{ "14 prefixes",
	  14,
	  { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xf4 },
	  false },
	{ "rex prefixes before hlt", 4, { 0x48, 0x48, 0x48, 0xf4 }, false },
	{ "lock wbinvd", 3, { 0xf0, 0x0f, 0x09 }, true },
	{ "rep wrmsr", 3, { 0xf3, 0x0f, 0x30 }, true },
};

static void privileged_insns(void)
{
	u8 *code = page_alloc();
	unsigned passed_through = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(insns); i++) {
		bool fault;

		mem_fill(code, 0xc3, 64);
		mem_copy(code, insns[i].code, insns[i].len);
		fault = FAULTS(__asm__ volatile("call *%0" ::"r"(code), "a"(0), "b"(0), "c"(0),
						"d"(0), "D"(0xffff810000100000)
						: "memory"));
		if (!fault && !insns[i].may_pass) {
			passed_through++;
			say("%s did not fault", insns[i].name);
		}
	}
	report(!passed_through, "privileged instructions", "%u of %lu passed", passed_through,
	       ARRAY_SIZE(insns));
	/* One that lies over the end of what is mapped. */
	code[4095] = 0x0f;
	report(FAULTS(((void (*)(void))(code + 4095))()), "an instruction over a page's end",
	       "vector %lu", this_cpu()->last.vec);
	page_free(code);
}

/* Every MSR index of the usual ranges, read and written with bad values. */
static void msr_sweep(void)
{
	static const struct {
		u32 from, to;
	} ranges[] = { { 0, 0x1100 },
		       { 0x1400, 0x1500 },
		       { 0x40000000, 0x40000200 },
		       { 0xc0000000, 0xc0000200 },
		       { 0xc0010000, 0xc0011100 },
		       { 0xfffffff0, 0xffffffff } };
	static const u64 values[] = { ~0UL, 0x8000000000000000, 0x5555555555555555 };
	unsigned reads = 0, writes = 0, odd = 0;

	for (unsigned r = 0; r < ARRAY_SIZE(ranges); r++)
		for (u32 m = ranges[r].from; m < ranges[r].to; m++) {
			volatile u64 v = 0;
			bool readable = !FAULTS(v = rdmsr(m));

			reads += readable;
			odd += !readable && this_cpu()->last.vec != 13;
			for (unsigned k = 0; k < ARRAY_SIZE(values); k++) {
				if (!FAULTS(wrmsr(m, values[k]))) {
					writes++;
					if (readable)
						(void)FAULTS(wrmsr(m, v));
				} else {
					odd += this_cpu()->last.vec != 13;
				}
			}
		}
	report(!odd, "MSR sweep", "%u readable, %u writes taken, %u odd faults", reads, writes,
	       odd);
	report(rdmsr(0x277) == 0x0050100070406, "PAT is what it was", "%lx", rdmsr(0x277));
	wrmsr(0xc0000100, 0);
	wrmsr(0xc0000101, 0);
	wrmsr(0xc0000102, 0);
}

static void port_sweep(void)
{
	unsigned open = 0;

	if (privileged)
		return;
	for (u32 p = 0; p < 0x10000; p += p < 0x1000 ? 1 : 17) {
		open += !FAULTS(__asm__ volatile("inb %%dx, %%al" ::"d"(p) : "rax"));
		open += !FAULTS(__asm__ volatile("outl %%eax, %%dx" ::"d"(p), "a"(0)));
	}
	report(!open, "I/O ports", "%u let through", open);
}

/* Odd flags in force when the hypervisor is entered: it must scrub them, and give them back. */
static void odd_flags(void)
{
	static const u64 flags[] = { 1 << 14, 1 << 10,    1 << 18, 1 << 10 | 1 << 14 | 1 << 18,
				     1 << 21, 1 << 11 | 1 };
	unsigned wrong = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		u64 after, rc;

		__asm__ volatile(
			"pushf; orq %2, (%%rsp); popf; mov $17, %%eax; mov $0, %%edi; syscall;"
			"pushf; pop %1; cld; pushf; andq $~0x44000, (%%rsp); popf"
			: "=&a"(rc), "=&r"(after)
			: "r"(flags[i])
			: "rcx", "rdi", "rsi", "rdx", "r8", "r10", "r11", "memory");
		if (rc == (4 << 16 | 17) && (after & flags[i]) == flags[i])
			continue;
		wrong++;
		say("flags %lx became %lx, rc %lx", flags[i], after, rc);
	}
	report(!wrong, "flags over a call", "%u wrong", wrong);
	/* The same over an exception: the handler must not see NT, TF, AC. */
	report(FAULTS(__asm__ volatile("pushf; orq $0x44000, (%%rsp); popf; ud2" ::
					       : "memory")) &&
		       !(rdflags() & 0x44100),
	       "handlers run without NT, AC", "flags %lx", rdflags());
}

static unsigned steps;

static bool step(struct frame *f)
{
	if (f->vec != 1)
		return false;
	if (++steps > 40)
		f->rflags &= ~0x100UL;
	return true;
}

/* Single stepping over a hypercall, and over iret: the trap is the guest's, at a guest address. */
static void tf_over_calls(void)
{
	this_cpu()->hook = step;
	steps = 0;
	__asm__ volatile(
		"pushf; orq $0x100, (%%rsp); popf; mov $17, %%eax; xor %%edi, %%edi; syscall;"
		"nop; nop; pushf; andq $~0x100, (%%rsp); popf" ::
			: "rax", "rcx", "rdi", "rsi", "rdx", "r8", "r10", "r11", "memory");
	this_cpu()->hook = NULL;
	report(steps > 3 && steps < 41, "single steps over a call", "%u", steps);
}

/* XSA-260: a breakpoint on the memory of a MOV SS, then an entry. */
static void mov_ss(void)
{
	static volatile u16 ss = FLAT_KERNEL_SS;

	HC(set_debugreg, 0, &ss, 0, 0);
	HC(set_debugreg, 7, 0x70001, 0, 0); /* read and write, 2 bytes */
	this_cpu()->hook = step;
	steps = 0;
	__asm__ volatile("mov %0, %%ss; syscall" ::"m"(ss), "a"(17), "D"(0)
			 : "rcx", "rsi", "rdx", "r8", "r10", "r11", "memory");
	(void)FAULTS(__asm__ volatile("mov %0, %%ss; int3" ::"m"(ss)));
	(void)FAULTS(__asm__ volatile("mov %0, %%ss; ud2" ::"m"(ss)));
	this_cpu()->hook = NULL;
	HC(set_debugreg, 7, 0, 0, 0);
	HC(set_debugreg, 0, 0, 0, 0);
}

static void debug_registers(void)
{
	static const u64 at[] = { 0xffff800000000000, 0xffff810000100000, 0xffff87ffffffffff,
				  0xffff7ffffffffff8 };

	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		report(HC(set_debugreg, 2, at[i], 0, 0) < 0, "breakpoint in the hypervisor", "%lx",
		       at[i]);
		report(FAULTS(__asm__ volatile("mov %0, %%dr3" ::"r"(at[i]))), "the same by mov",
		       "%lx", at[i]);
	}
	HC(set_debugreg, 7, 1 << 13 | 0x400, 0, 0); /* general detect */
	report(!(A(HC(get_debugreg, 7, 0, 0, 0)) >> 13 & 1), "DR7.GD is not taken", "%lx",
	       A(HC(get_debugreg, 7, 0, 0, 0)));
	HC(set_debugreg, 7, 0, 0, 0);
}

static void far_transfers(void)
{
	static const u16 sel[] = { 0xe008, 0xe00b, 0xe010, 0xe040, 0xe043,
				   0xe050, 0xe060, 0x0000, 0xfffb };
	unsigned passed_through = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(sel); i++) {
		struct {
			u64 off;
			u16 sel;
		} __attribute__((packed)) far = { A(far_insns), sel[i] };

		passed_through += !FAULTS(__asm__ volatile("rex.W ljmp *%0" ::"m"(far)));
		passed_through += !FAULTS(__asm__ volatile("mov %0, %%ss" ::"r"((u32)sel[i])));
		/* Null is a good data selector. */
		passed_through += !FAULTS(__asm__ volatile("mov %0, %%ds" ::"r"((u32)sel[i]))) &&
				  (sel[i] & ~3) && (sel[i] & 3) != 3;
		__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %1, %%ss" ::"r"(0),
				 "r"(FLAT_KERNEL_SS));
	}
	report(passed_through <= 1, "the hypervisor's selectors", "%u taken", passed_through);
}

/* User mode calls in by ways that nobody handles. */
static void no_handlers(void)
{
	static const u8 code[][4] = { { 0x0f, 0x34, 0xf4 },
				      { 0xcd, 0x80, 0xf4 },
				      { 0xcd, 0x82, 0xf4 },
				      { 0x0f, 0x05, 0xf4 } };
	struct callback_unregister un = { .type = CALLBACKTYPE_sysenter };
	struct trap_info gone[2] = {
		{ .vector = 0x80, .flags = 0, .cs = FLAT_KERNEL_CS, .address = A(trap_stubs) }
	};

	HC(callback_op, CALLBACKOP_unregister, &un, 0, 0);
	HC(set_trap_table, gone, 0, 0, 0); /* level 0: not for user mode */
	for (unsigned i = 0; i < ARRAY_SIZE(code); i++)
		for (unsigned compat = 0; compat < 2; compat++) {
			struct frame f = user_frame(compat);

			user_load(code[i], code[i] + 3);
			user_run(&f);
			say("unhandled entry %u compat %u: vector %lx error %lx", i, compat,
			    this_cpu()->last.vec, this_cpu()->last.err);
		}
	traps_init();
}

const struct attack entry_attacks[] = {
	{ "int-n", int_sweep },
	{ "privileged-instructions", privileged_insns },
	{ "msr-sweep", msr_sweep },
	{ "port-sweep", port_sweep },
	{ "odd-flags", odd_flags },
	{ "tf-over-calls", tf_over_calls },
	{ "mov-ss", mov_ss },
	{ "debug-registers", debug_registers },
	{ "far-transfers", far_transfers },
	{ "no-handlers", no_handlers },
	{ 0 },
};
