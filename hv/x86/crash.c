/* SPDX-License-Identifier: MIT */
/* The end: why, where, on which way there; then halt or reboot. */
#include "x86/crash.h"

#include "core/console.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "x86/asm.h"
#include "x86/irq.h"
#include "x86/power.h"
#include "x86/setup.h"

static s8 opt_noreboot;
BOOL_OPTION("noreboot", opt_noreboot);

/* Past the log and its locks: what is broken may hold them. */
static void emergency(const char *fmt, ...) printf_fn(1, 2);
static void emergency(const char *fmt, ...)
{
	static char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = hv_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	console_hw_write(line, MIN((size_t)n, sizeof(line) - 1));
}

/* ---- symbols: a table the build appends (elf.py) ---- */

extern const u32 hv_symbol_count __attribute__((weak));
extern const u32 hv_symbol_offsets[] __attribute__((weak)); /* from the image's start, ascending */
extern const char hv_symbol_names[] __attribute__((weak));  /* in that order, zero-terminated */

/* The function that contains addr and the offset into it; NULL when addr is not in our text. */
static const char *symbol_lookup(u64 addr, u64 *offset)
{
	u32 off = (u32)(addr - (u64)__image_start), i = 0;
	const char *name = hv_symbol_names;
	bool text = (addr >= (u64)__image_start && addr < (u64)__text_end) ||
		    (addr >= (u64)__init_start && addr < (u64)__init_text_end);

	if (!text || !&hv_symbol_count || !hv_symbol_count || off < hv_symbol_offsets[0])
		return NULL;
	while (i + 1 < hv_symbol_count && hv_symbol_offsets[i + 1] <= off) {
		name += strlen(name) + 1;
		i++;
	}
	*offset = off - hv_symbol_offsets[i];
	return name;
}

static void print_address(u64 addr)
{
	u64 off = 0;
	const char *name = symbol_lookup(addr, &off);

	emergency("    [<%016lx>] %s+%#lx\n", addr, name ? name : "?", off);
}

static bool on_our_stack(u64 rsp)
{
	if (rsp & 7)
		return false;
	return (rsp - PERCPU_VIRT - PERCPU_STACK < (u64)MAX_CPUS * PERCPU_STRIDE &&
		(rsp & (PERCPU_STRIDE - 1)) < STACK_SIZE) ||
	       (rsp >= (u64)__bss_start && rsp < (u64)__image_end);
}

/* Return addresses found on the stack from `rsp` up; a scan, so stale ones may show. */
static void backtrace(u64 rip, u64 rsp)
{
	unsigned shown = 0;
	u64 end = (rsp | (STACK_SIZE - 1)) + 1 - sizeof(struct cpu_info), off;

	emergency("Way here:\n");
	print_address(rip);
	if (!on_our_stack(rsp))
		return;
	for (; rsp < end && shown < 32; rsp += 8) {
		u64 value = *(u64 *)rsp;

		if (symbol_lookup(value - 1, &off)) {
			print_address(value);
			shown++;
		}
	}
}

void crash_dump_regs(const cpu_user_regs_t *r)
{
	emergency("Processor %u, vector %u, error code %#x\n", cpu_info()->id, r->entry_vector,
		  r->error_code);
	emergency("RIP %04x:%016lx RSP %04x:%016lx RFLAGS %08lx\n", r->cs, r->rip, r->ss, r->rsp,
		  r->rflags);
	emergency("RAX %016lx RBX %016lx RCX %016lx RDX %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
	emergency("RSI %016lx RDI %016lx RBP %016lx R8  %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
	emergency("R9  %016lx R10 %016lx R11 %016lx R12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
	emergency("R13 %016lx R14 %016lx R15 %016lx\n", r->r13, r->r14, r->r15);
	emergency("CR0 %08lx CR2 %016lx CR3 %016lx CR4 %08lx\n", read_cr0(), read_cr2(), read_cr3(),
		  read_cr4());
	if (!(r->cs & 3))
		backtrace(r->rip, r->rsp);
}

/* ---- faults of ours that were foreseen ---- */

struct ex_entry {
	s32 at, fixup; /* from their own places */
};
extern const struct ex_entry __ex_table_start[], __ex_table_end[];

bool ex_table_fixup(cpu_user_regs_t *regs)
{
	for (const struct ex_entry *e = __ex_table_start; e < __ex_table_end; e++) {
		if ((u64)&e->at + (u64)(s64)e->at != regs->rip)
			continue;
		regs->rip = (u64)&e->fixup + (u64)(s64)e->fixup;
		return true;
	}
	return false;
}

/* ---- panic ---- */

noreturn_fn void machine_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" ::: "memory");
}

/*
 * Stop the others; nothing takes the console's lock any more. Only the first processor tells why; a
 * second panic of the same one must not begin again.
 */
static void stop_others(void)
{
	static u32 entered;

	if (__atomic_fetch_add(&entered, 1, __ATOMIC_ACQ_REL))
		machine_halt();
	__atomic_store_n(&machine_stopping, true, __ATOMIC_RELEASE);
	if (nr_cpus > 1)
		send_ipi_all_but_self_nmi();
	console_force();
}

static void begin(const char *what, const char *fmt, va_list ap)
{
	static char why[256];

	stop_others();
	hv_vsnprintf(why, sizeof(why), fmt, ap);
	emergency("\n*** Pavise %s: %s\n", what, why);
}

noreturn_fn static void finish(void)
{
	if (opt_noreboot) {
		emergency("*** Halted (noreboot).\n");
		machine_halt();
	}
	emergency("*** Rebooting.\n");
	machine_reboot();
}

noreturn_fn void machine_dead(const char *why)
{
	stop_others();
	emergency("*** The privileged domain is gone: %s\n", why);
	finish();
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	begin("stops", fmt, ap);
	va_end(ap);
	backtrace((u64)__builtin_return_address(0), (u64)__builtin_frame_address(0) + 16);
	finish();
}

void fail_start(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	begin("cannot start", fmt, ap);
	va_end(ap);
	finish();
}

void crash_with_regs(const cpu_user_regs_t *regs, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	begin("stops", fmt, ap);
	va_end(ap);
	crash_dump_regs(regs);
	finish();
}
