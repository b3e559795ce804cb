/* SPDX-License-Identifier: MIT */
/* Traps: the table, what happens to one, catching expected faults, running user mode. */
#include "guest.h"

struct cpu cpus[GUEST_CPUS];
struct trap_info trap_table[257];
extern u64 failsafe_sel[4];

void trap_c(struct frame *f);
_Noreturn void frame_load(struct frame *f);
void events_handle(struct cpu *c);

struct cpu *this_cpu(void)
{
	u64 sp;

	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	return &cpus[(sp - A(stacks)) / GUEST_STACK];
}

static bool exited_by(u64 vec)
{
	return vec != VEC_EVENT && vec != VEC_FAILSAFE && vec != VEC_NMI_CALLBACK && vec != 2;
}

void trap_c(struct frame *f)
{
	struct cpu *c = this_cpu();

	if (f->vec == VEC_EVENT) {
		c->upcalls++;
		if (!c->hook || !c->hook(f))
			events_handle(c);
		return;
	}
	c->traps++;
	c->last = *f;
	c->last_cr2 = c->vi ? c->vi->arch.cr2 : 0;
	if (f->vec == VEC_FAILSAFE)
		mem_copy(c->failsafe_sel, failsafe_sel, sizeof(failsafe_sel));
	if (c->hook && c->hook(f))
		return;
	if (f->vec == VEC_NMI_CALLBACK || f->vec == 2)
		return; /* one that came later than its test */
	if (exited_by(f->vec) && (FRAME_CS(f) & 3) && c->in_user) {
		c->vi->evtchn_upcall_mask = FRAME_MASK(f);
		jump_to(&c->user_at);
	}
	if (!(FRAME_CS(f) & 3) && c->catching) {
		c->vi->evtchn_upcall_mask = FRAME_MASK(f);
		jump_to(&c->catch_at);
	}
	say("cpu%u vec %lx err %lx cs %lx rip %lx rsp %lx rflags %lx cr2 %lx", c->id, f->vec,
	    f->err, f->cs_mask, f->rip, f->rsp, f->rflags, c->last_cr2);
	say("rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx", f->rax, f->rbx, f->rcx, f->rdx,
	    f->rsi, f->rdi);
	die("unexpected trap %lx at %lx", f->vec, f->rip);
}

static long set_callback(u16 type, u16 flags, void (*fn)(void))
{
	struct callback_register r = { .type = type, .flags = flags, .address = A(fn) };

	return HC(callback_op, CALLBACKOP_register, &r, 0, 0);
}

void traps_init(void)
{
	long rc;

	for (unsigned i = 0; i < 256; i++) {
		trap_table[i].vector = (u8)i;
		trap_table[i].flags = i == 3 || i == 4 || i == 0x80 ? 3 : 0;
		trap_table[i].cs = FLAT_KERNEL_CS;
		trap_table[i].address = A(trap_stubs + 16 * i);
	}
	for (unsigned i = 0; i < GUEST_CPUS; i++)
		cpus[i].id = i;
	rc = HC(set_trap_table, trap_table, 0, 0, 0);
	rc = rc ?: HC(set_callbacks, event_entry, failsafe_entry, syscall_entry, 0);
	rc = rc ?: set_callback(CALLBACKTYPE_syscall, CALLBACKF_mask_events, syscall_entry);
	rc = rc ?: set_callback(CALLBACKTYPE_syscall32, CALLBACKF_mask_events, syscall32_entry);
	rc = rc ?: HC(stack_switch, FLAT_KERNEL_SS, stacks + GUEST_STACK / 2, 0, 0);
	/* Not every processor has SYSENTER for the guest: the honest test looks at the result. */
	set_callback(CALLBACKTYPE_sysenter, CALLBACKF_mask_events, sysenter_entry);
	if (rc)
		die("trap table and callbacks: %ld", rc);
}

bool fault_was(const char *what, bool faulted, unsigned vector, i64 error)
{
	const struct frame *f = &this_cpu()->last;

	if (!faulted)
		return report(false, what, "no fault, expected vector %u", vector);
	if (f->vec == vector && (error < 0 || f->err == (u64)error))
		return report(true, what, "vector %lu error %lx", f->vec, f->err);
	return report(false, what, "vector %lu error %lx rip %lx, expected %u %lx", f->vec, f->err,
		      f->rip, vector, (u64)error);
}

void user_run(struct frame *f)
{
	struct frame copy = *f;
	struct cpu *c = this_cpu();

	c->in_user = true;
	if (!jump_set(&c->user_at))
		frame_load(&copy);
	this_cpu()->in_user = false;
}

struct frame user_frame(bool compat)
{
	struct frame f = { 0 };

	f.rip = USER_CODE;
	f.rsp = USER_STACK;
	f.cs_mask = compat ? FLAT_USER_CS32 : FLAT_USER_CS64;
	f.ss = FLAT_USER_SS;
	f.rflags = 0x202;
	return f;
}
