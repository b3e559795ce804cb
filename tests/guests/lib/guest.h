/* SPDX-License-Identifier: MIT */
/*
 * A tiny PV kernel for tests: what its programs may use. One processor runs test_main(); a second
 * one can be started (cpu_start()). All of it is linked into every program, nothing is allocated
 * outside the image's own zeroed memory.
 *
 * Output: one line a check, "GUEST <name>: PASS|FAIL|SKIP <check>: <detail>", and at the end
 * "GUEST <name>: DONE passed=<n> failed=<n>".
 */
#ifndef GUEST_H
#define GUEST_H

#include <xen/xen.h>
#include <xen/callback.h>
#include <xen/elfnote.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <stdbool.h>

#include "layout.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;

#define A(x) ((u64)(x)) /* a pointer or number as a hypercall argument */
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 4096UL
#define barrier() __asm__ volatile("" ::: "memory")

/* ---- program and start (start.c) ---- */
extern const struct start_info *si;
extern volatile struct shared_info *sh;
extern char guest_name[48];
extern bool privileged; /* this is the privileged domain */
extern bool may_die;    /* an unexpected trap is a right end too */
extern bool oracle;     /* argument "oracle": runs on the hypervisor that we compare with */
void test_main(void);   /* the program; its return ends the domain */
/*
 * Value of argument "key=value" of the command line, or NULL; ends at a blank. A bare "key" gives
 * "".
 */
const char *arg(const char *key);
u64 arg_num(const char *key, u64 otherwise);
_Noreturn void guest_exit(void);           /* print DONE, shut the domain down */
_Noreturn void guest_shutdown(u32 reason); /* no DONE line */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- output (print.c) ---- */
extern unsigned passed, failed;
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* a plain line */
bool report(bool ok, const char *what, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void skip(const char *what, const char *why);
/* A call's result against what it has to be; prints both when they differ. */
bool check_rc(const char *what, long rc, long expected);
#define check(ok, what) report((ok), (what), "%s", #ok)
int format(char *to, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int vformat(char *to, size_t size, const char *fmt, __builtin_va_list ap);
/*
 * An ordinary domain's: from now on what is said goes to its own console (argument "own-console"),
 * not to the hypervisor's; console_flush() tells who serves it.
 */
void console_own(void);
void console_flush(void);
int str_cmp(const char *a, const char *b);
size_t str_len(const char *s);

/* ---- hypercalls ---- */
#ifdef HYPERCALL_PAGE
extern u8 hypercall_page[4096];
#define HYPERCALL_INSN "call *%[stub]"
/* Stubs exist for 64 numbers; beyond, any stub's SYSCALL would do: number 63 is never one. */
#define HYPERCALL_STUB(nr) [stub] "r"(hypercall_page + ((nr)&63) * 32)
#else
#define HYPERCALL_INSN "syscall"
#define HYPERCALL_STUB(nr)
#endif
static inline long hcall(u64 nr, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
	register u64 r10 __asm__("r10") = a4;
	register u64 r8 __asm__("r8") = a5;
	long rc = (long)nr;

	__asm__ volatile(HYPERCALL_INSN
			 : "+a"(rc), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
			 : HYPERCALL_STUB(nr)
			 : "rcx", "r11", "memory");
	return rc;
}
#define HC(name, a1, a2, a3, a4) hcall(__HYPERVISOR_##name, A(a1), A(a2), A(a3), A(a4), 0)
static inline long sched_op(u32 cmd, void *p)
{
	return HC(sched_op, cmd, p, 0, 0);
}
static inline long evtchn_op(u32 cmd, void *p)
{
	return HC(event_channel_op, cmd, p, 0, 0);
}
static inline long memory_op(u32 cmd, void *p)
{
	return HC(memory_op, cmd, p, 0, 0);
}
static inline long vcpu_op(u32 cmd, u32 id, void *p)
{
	return HC(vcpu_op, cmd, id, p, 0);
}
static inline long version_op(u32 cmd, void *p)
{
	return HC(xen_version, cmd, p, 0, 0);
}
static inline long physdev_op(u32 cmd, void *p)
{
	return HC(physdev_op, cmd, p, 0, 0);
}
static inline long gnttab_op(u32 cmd, void *p, u32 n)
{
	return HC(grant_table_op, cmd, p, n, 0);
}
static inline long mmu_update1(u64 ptr, u64 val, u32 dom)
{
	struct mmu_update u = { ptr, val };

	return HC(mmu_update, &u, 1, 0, dom);
}
static inline long mmuext(u32 cmd, u64 a1, u64 a2)
{
	struct mmuext_op op = { .cmd = cmd };

	op.arg1.mfn = a1;
	op.arg2.src_mfn = a2;
	return HC(mmuext_op, &op, 1, 0, DOMID_SELF);
}

/* ---- memory (mem.c) ---- */
#define PTE_P 1UL
#define PTE_RW 2UL
#define PTE_US 4UL
#define PTE_A 0x20UL
#define PTE_D 0x40UL
#define PTE_PSE 0x80UL
#define PTE_G 0x100UL
#define PTE_NX (1UL << 63)
#define PTE_ADDR 0x000ffffffffff000UL
#define PTE_KERN 0x67UL /* present, writable, user, accessed, dirty */
#define PTE_RO 0x65UL
#define M2P machine_to_phys_mapping

void *page_alloc(void); /* zeroed, mapped writable; dies when the pool is empty */
void page_free(void *page);
u64 *pte_at(const void *va,
	    unsigned level); /* its entry at level 1-4 (mapped read-only), or NULL */
u64 *pte_of(const void *va); /* level 1 entry; dies when there is none */
u64 mfn_of(const void *va);
u64 ma_of(const void *va);
long set_va(const void *va, u64 pte); /* update_va_mapping, flushed everywhere */
long make_ro(const void *va);
long make_rw(const void *va);
void *va_of_mfn(u64 mfn); /* of a frame of ours in the bootstrap range */
bool is_mine(u64 mfn);
u64 foreign_mfn(void); /* RAM that is not ours; 0 if none was found */
/* Map a frame at a spare address with these PTE flags; NULL and *rc when refused. */
void *map_mfn(u64 mfn, u64 flags, long *rc);
void unmap_mfn(void *va);
#define WINDOW_PAGES 64
extern u8 window[WINDOW_PAGES * 4096]; /* spare addresses: WINDOW(n) has no stable contents */
#define WINDOW(n) (window + (n)*4096UL)
void mem_fill(void *p, u8 v, size_t n);
void mem_copy(void *to, const void *from, size_t n);
bool mem_same(const void *a, const void *b, size_t n);

/* A lower half for user mode: one code page and some data pages at USER_CODE / USER_DATA. */
#define USER_CODE 0x400000UL
#define USER_DATA 0x401000UL
#define USER_DATA_PAGES 3
#define USER_STACK (USER_DATA + USER_DATA_PAGES * 4096UL - 64)
extern u64 user_l4_mfn;
extern u8 *user_code, *user_data; /* the kernel's view of the same pages */
extern u64 *user_l1, *user_l4;    /* read-only tables */
void user_setup(void);            /* once; also links the lower half into the kernel's L4 */

/* ---- traps (trap.c, entry.S) ---- */
struct frame {
	u64 r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rax, rdx, rsi, rdi;
	u64 vec; /* 0-255, or VEC_* */
	u64 rcx, r11, err, rip;
	u64 cs_mask; /* CS in 15:0, saved upcall mask in 39:32 */
	u64 rflags, rsp, ss;
};
#define VEC_SYSCALL 0x100
#define VEC_SYSCALL32 0x101
#define VEC_SYSENTER 0x102
#define VEC_EVENT 0x103
#define VEC_FAILSAFE 0x104
#define VEC_NMI_CALLBACK 0x105
#define FRAME_CS(f) ((u16)(f)->cs_mask)
#define FRAME_MASK(f) ((u8)((f)->cs_mask >> 32))

struct jump {
	u64 rbx, rbp, r12, r13, r14, r15, rsp, rip;
};
struct cpu {
	u32 id;
	bool catching; /* FAULTS() is active */
	bool in_user;
	struct jump catch_at, user_at;
	struct frame last; /* the last exception, fault or call taken */
	u64 last_cr2;
	u64 traps, upcalls;
	bool (*hook)(struct frame *f); /* sees every trap first; true = handled, return */
	u64 failsafe_sel[4];           /* ds es fs gs of the last failsafe callback */
	volatile struct vcpu_info *vi;
	void (*main)(void); /* of a second processor */
	volatile u32 up;
};
extern struct cpu cpus[GUEST_CPUS];
extern struct trap_info trap_table[257];
struct cpu *this_cpu(void);
int jump_set(struct jump *j) __attribute__((returns_twice));
_Noreturn void jump_to(struct jump *j);
void traps_init(void); /* trap table and callbacks of this vCPU */
/* Did it fault? What and where is in this_cpu()->last. */
#define FAULTS(...)                                                                                \
	({                                                                                         \
		struct cpu *c_ = this_cpu();                                                       \
		volatile bool fault_ = true;                                                       \
                                                                                                   \
		c_->catching = true;                                                               \
		if (!jump_set(&c_->catch_at)) {                                                    \
			__VA_ARGS__;                                                               \
			fault_ = false;                                                            \
		}                                                                                  \
		c_->catching = false;                                                              \
		fault_;                                                                            \
	})
/* Does it fault with this vector and error code (err -1: any)? Reported as a check. */
#define expect_fault(what, vector, error, ...)                                                     \
	fault_was((what), FAULTS(__VA_ARGS__), (vector), (error))
bool fault_was(const char *what, bool faulted, unsigned vector, i64 error);
/*
 * Run user mode from a register frame until a trap that the hook leaves; that one is in last
 * then. cs, ss, rflags, rip and rsp of the frame count, and the general registers.
 */
void user_run(struct frame *f);
/* The usual frame: 64-bit code at USER_CODE, or 32-bit. */
struct frame user_frame(bool compat);
void user_load(const u8 *code, const u8 *end); /* to USER_CODE */
/* Raw iret hypercall with this frame at RSP (attackers). */
_Noreturn void raw_iret(const struct iret_context *c);
extern u8 trap_stubs[256 * 16];
void event_entry(void), failsafe_entry(void), syscall_entry(void), syscall32_entry(void);
void sysenter_entry(void), nmi_entry(void);
extern u8 stacks[];

static inline u64 rdflags(void)
{
	u64 f;

	__asm__ volatile("pushf; pop %0" : "=r"(f));
	return f;
}
static inline u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (u64)hi << 32 | lo;
}
static inline void cpuid_pv(u32 leaf, u32 sub, u32 r[4]) /* forced emulation */
{
	__asm__ volatile(XEN_CPUID
			 : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
			 : "a"(leaf), "c"(sub));
}
static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return (u64)hi << 32 | lo;
}
static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

/* ---- events and time (event.c) ---- */
#define MAX_PORTS 4096
extern volatile u32 port_count[MAX_PORTS]; /* times each was delivered */
extern volatile u32 port_cpu[MAX_PORTS];   /* where last */
extern bool fifo_mode;
void events_init(void); /* 2-level; maps shared_info; events stay masked */
void events_on(void);   /* upcall mask off, with a check for what is pending */
void events_off(void);
void port_mask(u32 port);
void port_unmask(u32 port); /* plain clear of the bit; EVTCHNOP_unmask is the test's */
bool port_pending(u32 port);
void port_clear(u32 port);
long fifo_start(void);      /* 0, or the error of init_control / expand_array */
u32 loop_ports(u32 *other); /* an interdomain pair with ourselves; 0 = failed */
u64 now(void);              /* system time, ns */
bool wait_port(u32 port, u32 count,
	       u64 ns); /* until it was delivered that often; false: too long */
#define MS 1000000UL

/* ---- second processor (smp.c) ---- */
/*
 * Start vCPU `id` (1..GUEST_CPUS-1) at fn on a stack of its own; returns the first error, or 0.
 * fn may return.
 */
long cpu_start(u32 id, void (*fn)(void));
bool cpu_wait(u32 id, u32 state, u64 ns); /* until cpus[id].up == state */
bool have_cpu(u32 id);
void cpu_context(struct vcpu_guest_context *ctx, u32 id, void (*fn)(void));

/* ---- grants (grant.c) ---- */
#define GRANT_REFS 512
extern volatile struct grant_entry_v1 *grants; /* our table, after grants_init() */
long grants_init(void);
u16 own_domid(void);
void grant_page(u32 ref, u16 domid, const void *page, bool readonly);
u16 grant_end(u32 ref); /* flags that are left: non-zero means still mapped */

#endif
