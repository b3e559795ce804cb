/* SPDX-License-Identifier: MIT */
/*
 * Entry from and return to ring 3. docs/entry.md walks the paths.
 *
 * A guest's kernel and user mode both run in ring 3; VCPU_KERNEL_MODE tells which. Interrupts are off from
 * entry to return. GS is the guest's all the time. On entry RSP points into the processor's struct cpu_info.
 */
#include "asm-offsets.h"
#include "x86/layout.h"
#include "x86/patch-asm.h"

#define RFLAGS_ALWAYS 0x202 /* IF and bit 1 */
#define HYPERCALL_iret 23

/* Fields of cpu_info when RSP points at regs.rip */
#define AT_RIP(field) (field - REGS_rip)(%rsp)
/* and when it points at regs.rsi */
#define AT_RSI(field) (field - REGS_rsi)(%rsp)

.macro EX from, to
	.pushsection .ex_table, "a"
	.balign 4
	.long \from - ., \to - .
	.popsection
.endm

/* One access to guest memory: a fault goes to \bad. */
.macro GUEST_ACCESS bad, insn:vararg
901:	\insn
	EX 901b, \bad
.endm

/* The registers of a frame, from the top down */
.macro SAVE_FIRST
	.irp reg, rdi, rsi, rdx, rcx, rax
	push %\reg
	.endr
.endm

.macro SAVE_REST
	.irp reg, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15
	push %\reg
	.endr
.endm

.macro SAVE_ALL
	SAVE_FIRST
	SAVE_REST
.endm

/* At a gate: the processor may have pushed into the entry page. After this RSP is on the stack. */
.macro SAVE_ALL_AT_GATE enter
	ALT_OLD
	SAVE_FIRST
	ALT_NEW FEAT_XPTI, call \enter
	SAVE_REST
.endm

.macro RESTORE_ALL
	.irp reg, r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi
	pop %\reg
	.endr
	add $8, %rsp	/* error code, vector */
.endm

/* On in C, with a whole frame. RSP at regs.rip, the other registers are the guest's. */
.macro CONTINUE_IN function
	pushq $VEC_SYSCALL_MARK
	SAVE_ALL
	mov %rsp, %rdi
	call \function
	jmp exit_to_guest
.endm

/*
 * From user to kernel mode of the vCPU in a register: its root, GS and ports. tss: where its pointer
 * stands. tmp is lost.
 */
.macro ENTER_KERNEL vcpu, tmp, xpti, tss:vararg
	orl $VCPU_KERNEL_MODE_BIT, VCPU_flags(\vcpu)
	mov VCPU_kernel_cr3(\vcpu), \tmp
	ALT_OLD
	mov \tmp, %cr3
	swapgs
	ALT_NEW FEAT_XPTI, call \xpti
	testb $VCPU_IOPORTS_BIT, VCPU_flags(\vcpu)
	jz 1f
	mov \tss, \tmp
	movw $TSS_IOMAP_GUEST_OFFSET, TSS_iomap_base(\tmp)
1:
.endm

/* Call function RAX of a table. R11 is lost. */
.macro CALL_OF table
	ALT_OLD
	lea \table(%rip), %r11
	call *(%r11, %rax, 8)
	ALT_NEW FEAT_RETPOLINE, call \table\()_by_thunk
.endm

/* IRET to ring 3. RSP at regs.rip. */
.macro GUEST_IRET
901:	ALT_OLD
	iretq
	ALT_NEW FEAT_XPTI, jmp xpti_iretq
	EX 901b, iret_fault
.endm

	/* Pages of their own: all of the image that is mapped while a guest runs, where roots are two. */
	.section .text.entry, "ax"

/* ---- SYSCALL ------------------------------------------------------------------------------------------- */

/*
 * From the processor's stub (x86/desc.c builds it): the guest's RSP is in regs.rsp, RSP points at regs.rsp,
 * RCX holds the guest's RIP, R11 its RFLAGS. FMASK cleared IF, TF, DF, NT, AC.
 */
	.globl pv_syscall_entry
	.balign 64
pv_syscall_entry:
	movq $GUEST_DS, 8(%rsp)
	push %r11
	push $GUEST_CS64
	push %rcx
	mov AT_RIP(CI_current), %r11
	testb $VCPU_KERNEL_MODE_BIT, VCPU_flags(%r11)
	jz syscall_from_user
	cmp $HYPERCALL_iret, %rax
	je iret_entry

	/* A hypercall. C keeps RBX, RBP, R12-R15: saved only where the vCPU may be descheduled. */
	pushq $0
	SAVE_FIRST
	push %r8
	push %r9
	push %r10
	sub $REGS_r10, %rsp
	cmp $NR_HYPERCALLS, %rax
	jae bad_hypercall
	and $(NR_HYPERCALLS - 1), %eax		/* where the processor guesses that wrong, too */
	incq CI_hypercalls(%rsp, %rax, 8)
	mov %r10, %rcx
	mov %r11, %r9
	CALL_OF hypercall_table
hypercall_return:
	mov %rax, REGS_rax(%rsp)
	cmpl $0, CI_work(%rsp)
	jne hypercall_work
	mov CI_current(%rsp), %rcx
	mov VCPU_vcpu_info(%rcx), %rcx
	cmpb $0, VCPU_INFO_pending(%rcx)
	jne hypercall_check_event
hypercall_fast_exit:
	/*
	 * SYSRET to a non-canonical RIP faults in ring 0. The only one that can be here is the end of the
	 * lower half, where a SYSCALL was the last instruction: IRET takes that.
	 */
	mov REGS_rip(%rsp), %rcx
	mov %rcx, %r11
	shr $47, %r11
	cmp $1, %r11
	je hypercall_slow_exit
exit_by_sysret:					/* RSP = &cpu_info.regs; RCX and what C keeps are loaded */
	mov REGS_rdi(%rsp), %rdi
	mov REGS_rsi(%rsp), %rsi
	mov REGS_rdx(%rsp), %rdx
	mov REGS_rax(%rsp), %rax
	mov REGS_r8(%rsp), %r8
	mov REGS_r9(%rsp), %r9
	mov REGS_r10(%rsp), %r10
	mov REGS_rflags(%rsp), %r11
	ALT_OLD
	mov REGS_rsp(%rsp), %rsp
	ALT_NEW FEAT_XPTI, jmp xpti_sysret
	EXIT_TO_GUEST_HOOKS
	sysretq

bad_hypercall:
	mov $-ENOSYS_NR, %rax
	jmp hypercall_return

/* A long call comes here again and again: by SYSRET too, since RCX and R11 are lost to the caller anyway. */
hypercall_work:
	mov REGS_rip(%rsp), %rcx
	shr $47, %rcx
	cmp $1, %rcx				/* as above */
	je hypercall_slow_exit
	movl $FRAME_SYSRET_BIT, REGS_error_code(%rsp)
	jmp hypercall_slow_exit

hypercall_check_event:
	cmpb $0, VCPU_INFO_mask(%rcx)
	jne hypercall_fast_exit
hypercall_slow_exit:
	/* Complete the frame: from here it may move to another processor or be changed. */
	mov %rbx, REGS_rbx(%rsp)
	mov %rbp, REGS_rbp(%rsp)
	mov %r12, REGS_r12(%rsp)
	mov %r13, REGS_r13(%rsp)
	mov %r14, REGS_r14(%rsp)
	mov %r15, REGS_r15(%rsp)
	mov REGS_rflags(%rsp), %rcx
	mov %rcx, REGS_r11(%rsp)
	jmp exit_to_guest

/*
 * SYSCALL by the guest's user mode: its kernel's callback runs, with the published frame
 * (rcx, r11, rip, cs | mask << 32, rflags, rsp, ss) on its kernel stack. RSP at regs.rip, R11 = vCPU.
 * The callback's address and the stack were checked when they were set.
 */
	.balign 16
syscall_from_user:
	cmpq $0, VCPU_syscall_callback(%r11)
	je syscall_slow
	mov VCPU_vcpu_info(%r11), %rcx
	cmpb $0, VCPU_INFO_mask(%rcx)
	jne syscall_slow
	testb $VCPU_SYSCALL_MASKS_BIT, VCPU_flags(%r11)
	jz syscall_slow
	movb $1, VCPU_INFO_mask(%rcx)
	ENTER_KERNEL %r11, %rcx, xpti_to_kernel, AT_RIP(CI_tss)
	push %rax
	mov VCPU_kernel_sp(%r11), %rcx
	SMAP_OPEN
	mov 8(%rsp), %rax			/* rip */
	GUEST_ACCESS bad_kernel_stack, mov %rax, -56(%rcx)
	GUEST_ACCESS bad_kernel_stack, mov %rax, -40(%rcx)
	mov 24(%rsp), %rax			/* rflags */
	GUEST_ACCESS bad_kernel_stack, mov %rax, -48(%rcx)
	GUEST_ACCESS bad_kernel_stack, mov %rax, -24(%rcx)
	GUEST_ACCESS bad_kernel_stack, movq $GUEST_CS64, -32(%rcx)
	mov 32(%rsp), %rax			/* rsp */
	GUEST_ACCESS bad_kernel_stack, mov %rax, -16(%rcx)
	GUEST_ACCESS bad_kernel_stack, movq $GUEST_DS, -8(%rcx)
	SMAP_CLOSE
	ALT_OLD
	mov (%rsp), %rax
	lea -56(%rcx), %rsp
	ALT_NEW FEAT_XPTI, jmp xpti_syscall_exit
	mov VCPU_syscall_callback(%r11), %rcx
	mov $RFLAGS_ALWAYS, %r11d
	EXIT_TO_GUEST_HOOKS
	sysretq

bad_kernel_stack:				/* RAX is on the stack */
	SMAP_CLOSE
	pop %rax
	/* The mode was toggled already; the frame is complete enough for a message. */
	CONTINUE_IN pv_bad_kernel_stack

syscall_slow:
	movq $0, -8(%rsp)
	mov (%rsp), %rcx
	mov 16(%rsp), %r11			/* the values SYSCALL left in them */
	CONTINUE_IN pv_syscall_slow

/* SYSCALL from compatibility mode (CSTAR) and SYSENTER: rare enough for C. */
	.globl pv_cstar_entry
pv_cstar_entry:
	movq $GUEST_DS, 8(%rsp)
	push %r11
	push $GUEST_CS32
	push %rcx
	CONTINUE_IN pv_syscall32

	.globl pv_sysenter_entry
pv_sysenter_entry:				/* RSP: end of the hardware frame; SYSENTER saves nothing */
	SMAP_CLOSE
	pushq $GUEST_DS
	pushq $0
	pushfq
	pushq $GUEST_CS32
	pushq $0
	pushq $VEC_SYSCALL_MARK
	SAVE_ALL
	/* NT and TF came from the guest with SYSENTER; IRET and single steps must not see them. */
	pushq $2
	popfq
	mov %rsp, %rdi
	call pv_sysenter
	jmp exit_to_guest

/* ---- iret ------------------------------------------------------------------------------------------------
 * The guest's RSP points at: rax, r11, rcx, flags, rip, cs, rflags, rsp, ss.
 * RSP at regs.rip, R11 = vCPU; RAX, RCX are free. Anything unusual goes to C before a side effect.
 */
	.balign 16
iret_entry:
	cmpl $0, AT_RIP(CI_work)
	jne iret_slow
	mov AT_RIP(REGS_rsp), %rcx
	mov %rcx, %rax
	shr $43, %rax
	cmp $HV_HOLE_TOP_BITS, %eax		/* our range is one aligned block of 2^43 */
	je iret_slow
	mov %rdx, AT_RIP(CI_scratch)
	mov VCPU_vcpu_info(%r11), %rdx
	cmpb $0, VCPU_INFO_pending(%rdx)
	jne iret_slow_rdx
	SMAP_OPEN
	GUEST_ACCESS iret_slow_rdx, mov 48(%rcx), %rax
	test $0x200, %eax
	setz VCPU_INFO_mask(%rdx)
	and $RFLAGS_OF_USER, %eax
	or $RFLAGS_ALWAYS, %eax
	mov %rax, AT_RIP(REGS_rflags)
	GUEST_ACCESS iret_slow_rdx, mov 32(%rcx), %rax
	mov %rax, AT_RIP(REGS_rip)
	GUEST_ACCESS iret_slow_rdx, mov 56(%rcx), %rax
	mov %rax, AT_RIP(REGS_rsp)
	GUEST_ACCESS iret_reload, movzwl 64(%rcx), %eax
	or $3, %eax
	mov %rax, AT_RIP(REGS_ss)
	GUEST_ACCESS iret_reload, movzwl 40(%rcx), %eax
	test $3, %eax
	jz iret_to_kernel
	cmpq $0, VCPU_user_cr3(%r11)
	je iret_reload
	or $3, %eax
	mov %rax, AT_RIP(REGS_cs)
	andl $~VCPU_KERNEL_MODE_BIT, VCPU_flags(%r11)
	testb $VCPU_IOPORTS_BIT, VCPU_flags(%r11)
	jz 1f
	mov AT_RIP(CI_tss), %rdx
	movw $TSS_IOMAP_NONE_OFFSET, TSS_iomap_base(%rdx)
1:	mov VCPU_user_cr3(%r11), %rdx
	GUEST_ACCESS iret_died, testb $1, 25(%rcx)	/* VGCF_in_syscall */
	jnz iret_by_sysret
	GUEST_ACCESS iret_died, mov (%rcx), %rax
	GUEST_ACCESS iret_died, mov 8(%rcx), %r11
	GUEST_ACCESS iret_died, mov 16(%rcx), %rcx
	SMAP_CLOSE
	ALT_OLD
	mov %rdx, %cr3
	swapgs
	ALT_NEW FEAT_XPTI, call xpti_to_user
	mov AT_RIP(CI_scratch), %rdx
	EXIT_TO_GUEST_HOOKS
	GUEST_IRET

iret_by_sysret:
	GUEST_ACCESS iret_died, mov (%rcx), %rax
	SMAP_CLOSE
	ALT_OLD
	mov %rdx, %cr3
	swapgs
	ALT_NEW FEAT_XPTI, call xpti_to_user
	mov AT_RIP(REGS_rip), %rcx
	mov %rcx, %r11
	sar $47, %r11
	inc %r11
	cmp $1, %r11
	ja 2f
	mov AT_RIP(REGS_rflags), %r11
	mov AT_RIP(CI_scratch), %rdx
	ALT_OLD
	mov AT_RIP(REGS_rsp), %rsp
	ALT_NEW FEAT_XPTI, jmp xpti_sysret_rip
	EXIT_TO_GUEST_HOOKS
	sysretq
2:	mov AT_RIP(REGS_rflags), %r11		/* not canonical: IRET faults where we catch it */
	mov AT_RIP(CI_scratch), %rdx
	GUEST_IRET

iret_to_kernel:
	or $3, %eax
	mov %rax, AT_RIP(REGS_cs)
	GUEST_ACCESS iret_died, mov (%rcx), %rax
	GUEST_ACCESS iret_died, mov 8(%rcx), %r11
	GUEST_ACCESS iret_died, mov 16(%rcx), %rcx
	SMAP_CLOSE
	mov AT_RIP(CI_scratch), %rdx
	EXIT_TO_GUEST_HOOKS
	GUEST_IRET

	/* The frame became unreadable half way (another vCPU unmapped it), or there is no user table. */
iret_reload:
	mov %rcx, AT_RIP(REGS_rsp)		/* the guest's RSP again */
iret_slow_rdx:
	SMAP_CLOSE
	mov AT_RIP(CI_scratch), %rdx
iret_slow:
	movl $HYPERCALL_iret, %eax
	CONTINUE_IN pv_iret_slow
iret_died:
	SMAP_CLOSE
	mov AT_RIP(CI_scratch), %rdx
	CONTINUE_IN pv_iret_died

/*
 * IRET refused what it should load (a bad selector or RIP that the guest chose). The processor still has our
 * state; the frame it could not load is where RSP points. The guest's failsafe callback hears of it.
 */
iret_fault:
	/* hv_trap() came back here with the stack as it was at the IRET: RSP at regs.rip. */
	CONTINUE_IN pv_iret_fault

/* ---- the common way out --------------------------------------------------------------------------------- */

	.globl hypercall_table_by_thunk
.irp table, hypercall_table, pv_exception_table
\table\()_by_thunk:				/* for CALL_OF */
	lea \table(%rip), %r11
	mov (%r11, %rax, 8), %r11
	jmp __x86_indirect_thunk_r11
.endr

	.globl exit_to_guest
	.balign 16
exit_to_guest:					/* RSP = &cpu_info.regs, frame complete */
	cmpl $0, CI_work(%rsp)
	jne 2f
	mov CI_current(%rsp), %rax
	mov VCPU_vcpu_info(%rax), %rcx
	cmpb $0, VCPU_INFO_pending(%rcx)
	jne 3f
1:	testb $(FRAME_SYSRET_BIT >> 24), REGS_error_code + 3(%rsp)
	jnz 4f
	RESTORE_ALL
	EXIT_TO_GUEST_HOOKS
	GUEST_IRET
4:	mov REGS_rbx(%rsp), %rbx
	mov REGS_rbp(%rsp), %rbp
	mov REGS_r12(%rsp), %r12
	mov REGS_r13(%rsp), %r13
	mov REGS_r14(%rsp), %r14
	mov REGS_r15(%rsp), %r15
	mov REGS_rip(%rsp), %rcx
	jmp exit_by_sysret
2:	mov %rsp, %rdi
	call pv_exit_work			/* returns when current may run; events are delivered */
	jmp 1b
3:	cmpb $0, VCPU_INFO_mask(%rcx)		/* an event and nothing else: the common case */
	jne 1b
	mov %rax, %rdi
	mov %rsp, %rsi
	call pv_deliver_event
	cmpl $0, CI_work(%rsp)			/* it may have died of it */
	jne 2b
	jmp 1b

	.globl cpu_idle_start
cpu_idle_start:					/* RDI = struct cpu_info: become idle on its stack */
	mov %rdi, %rsp
	jmp 2b

/* ---- faults and interrupts ------------------------------------------------------------------------------- */

.macro STUB vec, err, entry
	.balign 16
	.if \err == 0
	pushq $0
	.endif
	movl $\vec, 4(%rsp)
	jmp \entry
.endm

	.balign 64
	.globl pv_stubs
pv_stubs:					/* 16 bytes each, vectors 0-255 */
	vec = 0
	.rept 256
	.if (vec == 8) || ((vec >= 10) && (vec <= 14)) || (vec == 17) || (vec == 21)
	STUB vec, 1, exception_entry
	.elseif vec < 32
	STUB vec, 0, exception_entry
	.else
	STUB vec, 0, interrupt_entry
	.endif
	vec = vec + 1
	.endr
	.balign 16

	.balign 64
exception_entry:
	SMAP_CLOSE
	cld
	SAVE_ALL_AT_GATE xpti_enter
	testb $3, REGS_cs(%rsp)
	jz entry_from_hv
exception_of_guest:
	movl REGS_entry_vector(%rsp), %eax
	mov CI_current(%rsp), %rdi
	mov %rsp, %rsi
	CALL_OF pv_exception_table
	jmp exit_to_guest

/*
 * Page fault. From the guest's user mode it goes to its kernel in one line, as a system call does: the published frame
 * (rcx, r11, error code, rip, cs | mask << 32, rflags, rsp, ss) on its kernel stack. What is pending does not matter:
 * the handler masks events, and work that another processor left here comes with an interrupt. Whatever is unusual
 * (no such handler, events masked) goes to C before a side effect. Only U in the error code tells ring 3: what the
 * processor reads for itself (descriptors) has it clear. Neither AC nor DF is of effect here.
 */
	.globl pv_page_fault
	.balign 64
pv_page_fault:					/* RSP at regs.error_code */
	testb $PFEC_USER_BIT, (%rsp)
	jz page_fault_elsewhere
	ALT_OLD
	push %rdi
	push %rsi
	mov AT_RSI(CI_current), %rdi
	ALT_NEW FEAT_XPTI, jmp xpti_page_fault
page_fault_of_guest:				/* RSP at regs.rsi, RDI = vCPU */
	testb $VCPU_KERNEL_MODE_BIT, VCPU_flags(%rdi)
	jnz page_fault_of_kernel
	mov VCPU_traps(%rdi), %rsi
	cmpb $0, PF_MASKS_EVENTS(%rsi)
	je page_fault_slow
	mov VCPU_vcpu_info(%rdi), %rdi
	cmpb $0, VCPU_INFO_mask(%rdi)
	jne page_fault_slow
	mov %cr2, %rsi
	movb $1, VCPU_INFO_mask(%rdi)
	mov %rsi, VCPU_INFO_cr2(%rdi)
	mov AT_RSI(CI_current), %rdi
	ENTER_KERNEL %rdi, %rsi, xpti_fault_to_kernel, AT_RSI(CI_tss)
	mov VCPU_kernel_sp(%rdi), %rsi
	SMAP_OPEN
	GUEST_ACCESS fault_on_bad_stack, mov %rcx, -64(%rsi)
	GUEST_ACCESS fault_on_bad_stack, mov %r11, -56(%rsi)
	mov AT_RSI(REGS_error_code), %ecx
	GUEST_ACCESS fault_on_bad_stack, mov %rcx, -48(%rsi)
	mov AT_RSI(REGS_rip), %rcx
	GUEST_ACCESS fault_on_bad_stack, mov %rcx, -40(%rsi)
	mov AT_RSI(REGS_cs), %rcx
	GUEST_ACCESS fault_on_bad_stack, mov %rcx, -32(%rsi)
	mov AT_RSI(REGS_rflags), %rcx
	GUEST_ACCESS fault_on_bad_stack, mov %rcx, -24(%rsi)
	mov AT_RSI(REGS_rsp), %rcx
	GUEST_ACCESS fault_on_bad_stack, mov %rcx, -16(%rsi)
	mov AT_RSI(REGS_ss), %rcx
	GUEST_ACCESS fault_on_bad_stack, mov %rcx, -8(%rsi)
	SMAP_CLOSE
	mov VCPU_traps(%rdi), %rcx
	mov PF_HANDLER(%rcx), %rcx		/* checked when it was set */
	ALT_OLD
	lea -64(%rsi), %r11
	pop %rsi
	ALT_NEW FEAT_XPTI, jmp xpti_fault_exit
	pop %rdi
	mov %r11, %rsp
	mov $RFLAGS_ALWAYS, %r11d
	EXIT_TO_GUEST_HOOKS
	sysretq

fault_on_bad_stack:
	SMAP_CLOSE
	pop %rsi
	pop %rdi
	add $8, %rsp
	CONTINUE_IN pv_bad_kernel_stack

/*
 * From its kernel mode: a write that a present entry forbids goes to a page table, perhaps. All registers are in the
 * frame, since the instruction may name any.
 */
	.balign 16
page_fault_of_kernel:
	SMAP_CLOSE
	cld
	push %rdx
	push %rcx
	push %rax
	SAVE_REST
	mov REGS_error_code(%rsp), %eax
	and $PFEC_WHY, %al
	cmp $PFEC_PROTECTED_WRITE, %al
	jne 1f
	mov %cr2, %rbx				/* before the next fault, which may be ours */
	mov %rbx, %rsi
	mov %rsp, %rdx
	call ptwr_move
	test %al, %al
	jz write_fault
	RESTORE_ALL				/* nothing of this makes work or an event for this processor */
	EXIT_TO_GUEST_HOOKS
	GUEST_IRET

write_fault:
	movl $VEC_PAGE_FAULT, REGS_entry_vector(%rsp)
	mov CI_current(%rsp), %rdi
	mov %rsp, %rsi
	mov %rbx, %rdx
	call pv_write_fault
	jmp exit_to_guest

page_fault_slow:
	SMAP_CLOSE
	cld
	push %rdx
	push %rcx
	push %rax
	SAVE_REST
1:	movl $VEC_PAGE_FAULT, REGS_entry_vector(%rsp)
	jmp exception_of_guest

page_fault_elsewhere:
	movl $VEC_PAGE_FAULT, 4(%rsp)
	jmp exception_entry

	.balign 16
interrupt_entry:
	SMAP_CLOSE
	cld
	SAVE_ALL_AT_GATE xpti_enter
	testb $3, REGS_cs(%rsp)
	jz entry_from_hv
	mov %rsp, %rdi
	call pv_interrupt
	jmp exit_to_guest

entry_from_hv:
	mov %rsp, %rdi
	call hv_trap				/* an interrupt of the exit loop, or a fault of ours */
	RESTORE_ALL
	iretq

/*
 * Vectors with a stack of their own (#DB, NMI, #DF, #MC). When #DB or #MC interrupted a guest, go on as if it had come on
 * the ordinary stack; NMI is handled where it is and returns by itself.
 */
.macro IST_STUB name, vec, err, handler
	.globl \name
	.balign 16
\name:
	.if \err == 0
	pushq $0
	.endif
	movl $\vec, 4(%rsp)
	SMAP_CLOSE
	cld
	SAVE_ALL_AT_GATE xpti_ist_enter
	mov %rsp, %rdi
	call \handler
	test %rax, %rax				/* the ordinary stack's frame to go on with, or NULL */
	jnz 1f
	RESTORE_ALL
	ALT_OLD
	iretq
	ALT_NEW FEAT_XPTI, jmp xpti_ist_iretq
1:	mov %rax, %rsp
	jmp exception_of_guest
.endm
	IST_STUB ist_debug, 1, 0, hv_ist_enter
	IST_STUB ist_nmi, 2, 0, hv_nmi
	IST_STUB ist_double_fault, 8, 1, hv_double_fault
	IST_STUB ist_machine_check, 18, 0, hv_ist_enter

/* ---- two roots a guest -----------------------------------------------------------------------------------
 * Where X86_XPTI is on, TSS and SYSCALL stubs name the entry page (struct entry_page) and what stands here: the root
 * of a guest has that page, not the stack. A way in loads root_cr3, moves what was pushed to its place on the stack
 * and goes on as without; a way out goes by the entry page and loads exit_cr3. A register that waits in the entry
 * page for the load of CR3 is overwritten there.
 */
#define TO_STACK (PERCPU_STACK + STACK_SIZE - CI_size + REGS_es - PERCPU_ENTRY - ENTRY_size)

/* Fields of the entry page when RSP points at regs.rip */
#define AT_RIP_ENTRY(field) (field - ENTRY_rip - TO_STACK)(%rsp)
/* and at regs.rsi */
#define AT_RSI_ENTRY(field) (field - ENTRY_rip - TO_STACK + REGS_rip - REGS_rsi)(%rsp)

/* RSP at offset \at of the entry page, and on the stack after it. */
.macro ENTER_STACK at
	mov %rax, ENTRY_scratch - \at(%rsp)
	mov ENTRY_root_cr3 - \at(%rsp), %rax
	mov %rax, %cr3
	mov ENTRY_scratch - \at(%rsp), %rax
	movq $0, ENTRY_scratch - \at(%rsp)
	lea TO_STACK(%rsp), %rsp
.endm

.macro SYSCALL_BY_ENTRY_PAGE name, entry
	.globl \name
	.balign 16
\name:						/* RSP at frame.rsp, which is the guest's */
	ENTER_STACK ENTRY_rsp
	add $8, %rsp
	pushq -TO_STACK - 8(%rsp)
	jmp \entry
.endm
	SYSCALL_BY_ENTRY_PAGE xpti_syscall, pv_syscall_entry
	SYSCALL_BY_ENTRY_PAGE xpti_cstar, pv_cstar_entry

	.globl xpti_sysenter
xpti_sysenter:					/* RSP: end of the frame */
	ENTER_STACK ENTRY_size
	jmp pv_sysenter_entry

/*
 * In place of SAVE_FIRST. RSP is in the entry page where a guest was interrupted, or an IRET to one faults; else on
 * the stack, and CR3 is right.
 */
#define WINDOW_PAGE (0x40000000 / 4096 + PERCPU_STRIDE / 4096 - 1) /* which page of a window, and that it is one */
	.balign 16
xpti_enter:
	push %rsi
	mov 8(%rsp), %rsi			/* where to go on, in the place of RDI; an XCHG would lock */
	mov %rdi, 8(%rsp)
	mov %rsi, %rdi
	mov %rsp, %rsi
	shr $12, %rsi
	and $WINDOW_PAGE, %esi
	cmp $((PERCPU_VIRT + PERCPU_ENTRY) >> 12 & WINDOW_PAGE), %esi
	jne 1f
	mov %rsp, %rsi
	and $-ENTRY_size, %rsi
	mov ENTRY_root_cr3(%rsi), %rsi
	mov %rsi, %cr3
	lea TO_STACK + 64(%rsp), %rsp
	.rept 8					/* SS, RSP, RFLAGS, CS, RIP, error code, RDI, RSI */
	pushq -TO_STACK - 8(%rsp)
	.endr
	movq $0, -TO_STACK(%rsp)
	movq $0, 8 - TO_STACK(%rsp)
1:	push %rdx
	push %rcx
	push %rax
	push %rdi
	ret

/* In place of SAVE_FIRST on a stack of its own: RSP at ist[].regs then, and either root may be loaded. */
xpti_ist_enter:
	xchg %rdi, (%rsp)
	push %rsi
	mov %cr3, %rsi
	mov %rsi, IST_cr3 - IST_regs(%rsp)
	mov %rsp, %rsi
	and $-ENTRY_size, %rsi
	mov ENTRY_root_cr3(%rsi), %rsi
	mov %rsi, %cr3
	mov %rsp, %rsi
	mov IST_stack - IST_regs(%rsi), %rsp
	push %rsi				/* for the way back */
	.irp at, 56, 48, 40, 32, 24, 16, 8, 0
	pushq \at(%rsi)
	.endr
	movq $0, (%rsi)
	movq $0, 8(%rsi)
	jmp 1b

xpti_ist_iretq:					/* RSP at the frame; registers as they were */
	push %rdi
	mov 48(%rsp), %rdi			/* ist[].regs */
	.irp at, 0, 24, 32, 40, 48, 56		/* RDI, then the frame */
	popq \at(%rdi)
	.endr
	lea 24(%rdi), %rsp
	mov IST_cr3 - IST_regs(%rdi), %rdi
	mov %rdi, %cr3
	mov -24(%rsp), %rdi
	movq $0, -24(%rsp)
	iretq

xpti_page_fault:				/* RSP at regs.error_code, in the entry page; 24: rdx, rcx, rax */
	call xpti_enter
	add $24, %rsp
	mov AT_RSI(CI_current), %rdi
	jmp page_fault_of_guest

xpti_fault_to_kernel:				/* RSP at regs.rsi - 8, RDI = vCPU, RSI = its kernel_cr3 */
	mov %rsi, 8 + AT_RSI_ENTRY(ENTRY_root_cr3)
	mov %rsi, %cr3
	mov VCPU_kernel_exit_cr3(%rdi), %rsi
	mov %rsi, 8 + AT_RSI_ENTRY(ENTRY_exit_cr3)
	swapgs
	ret

xpti_fault_exit:				/* RSP at regs.rsi, RSI = kernel stack, RCX = handler */
	sub $64, %rsi
	mov %rsi, AT_RSI(REGS_rsp)
	mov %rcx, AT_RSI(REGS_rip)
	pop %rsi
	pop %rdi
	add $8, %rsp
	mov $RFLAGS_ALWAYS, %r11d
	jmp xpti_sysret_rip

/* The next two are called with RSP at regs.rip: so it is 8 below. */
xpti_to_kernel:					/* R11 = vCPU, RCX = its kernel_cr3 */
	mov %rcx, 8 + AT_RIP_ENTRY(ENTRY_root_cr3)
	mov %rcx, %cr3
	mov VCPU_kernel_exit_cr3(%r11), %rcx
	mov %rcx, 8 + AT_RIP_ENTRY(ENTRY_exit_cr3)
	swapgs
	ret

xpti_to_user:					/* RDX = user_cr3. Nothing of the guest's is read before the exit. */
	mov %rdx, 8 + AT_RIP_ENTRY(ENTRY_root_cr3)
	mov 8 + AT_RIP(CI_current), %rdx
	mov VCPU_user_exit_cr3(%rdx), %rdx
	mov %rdx, 8 + AT_RIP_ENTRY(ENTRY_exit_cr3)
	swapgs
	ret

xpti_syscall_exit:				/* RAX on the stack, regs.rip above; RCX = kernel stack, R11 = vCPU */
	pop %rax
	lea -56(%rcx), %rcx
	mov %rcx, AT_RIP(REGS_rsp)
	mov VCPU_syscall_callback(%r11), %rcx
	mov %rcx, AT_RIP(REGS_rip)
	mov $RFLAGS_ALWAYS, %r11d
	jmp xpti_sysret_rip
xpti_sysret:					/* RSP = &cpu_info.regs; all but RCX and RSP is the guest's */
	add $REGS_rip, %rsp
xpti_sysret_rip:				/* RSP at regs.rip */
	mov AT_RIP(REGS_rip), %rcx
	mov %rcx, AT_RIP_ENTRY(ENTRY_rip)
	mov AT_RIP(REGS_rsp), %rcx
	mov %rcx, AT_RIP_ENTRY(ENTRY_rsp)
	EXIT_TO_GUEST_HOOKS
	lea -TO_STACK(%rsp), %rsp
	mov ENTRY_exit_cr3 - ENTRY_rip(%rsp), %rcx
	mov %rcx, %cr3
	mov (%rsp), %rcx
	mov ENTRY_rsp - ENTRY_rip(%rsp), %rsp
	sysretq

xpti_iretq:					/* RSP at regs.rip; the registers are the guest's */
	.rept 5
	popq -TO_STACK - 8(%rsp)
	.endr
	lea -TO_STACK - 40(%rsp), %rsp
	mov %rdx, ENTRY_scratch - ENTRY_rip(%rsp)
	mov ENTRY_exit_cr3 - ENTRY_rip(%rsp), %rdx
	mov %rdx, %cr3
	mov ENTRY_scratch - ENTRY_rip(%rsp), %rdx
	movq $0, ENTRY_scratch - ENTRY_rip(%rsp)
901:	iretq
	EX 901b, xpti_iret_fault
xpti_iret_fault:				/* RSP at frame.rip, and the root is ours */
	lea TO_STACK(%rsp), %rsp
	jmp iret_fault

	.section .note.GNU-stack, "", @progbits
