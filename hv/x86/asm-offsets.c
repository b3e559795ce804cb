/* SPDX-License-Identifier: MIT */
/* Offsets and numbers for assembly: compiled to text, from which the build makes asm-offsets.h. */
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/regs.h"
#include "x86/traps.h"

#define DEFINE(name, value) __asm__ volatile("\n@@ " #name " %c0" : : "i"((long)(value)))
#define OFFSET(name, type, member) DEFINE(name, offsetof(type, member))

void asm_offsets(void);
void asm_offsets(void)
{
	OFFSET(REGS_r15, cpu_user_regs_t, r15);
	OFFSET(REGS_r14, cpu_user_regs_t, r14);
	OFFSET(REGS_r13, cpu_user_regs_t, r13);
	OFFSET(REGS_r12, cpu_user_regs_t, r12);
	OFFSET(REGS_rbp, cpu_user_regs_t, rbp);
	OFFSET(REGS_rbx, cpu_user_regs_t, rbx);
	OFFSET(REGS_r11, cpu_user_regs_t, r11);
	OFFSET(REGS_r10, cpu_user_regs_t, r10);
	OFFSET(REGS_r9, cpu_user_regs_t, r9);
	OFFSET(REGS_r8, cpu_user_regs_t, r8);
	OFFSET(REGS_rax, cpu_user_regs_t, rax);
	OFFSET(REGS_rdx, cpu_user_regs_t, rdx);
	OFFSET(REGS_rsi, cpu_user_regs_t, rsi);
	OFFSET(REGS_rdi, cpu_user_regs_t, rdi);
	OFFSET(REGS_error_code, cpu_user_regs_t, error_code);
	OFFSET(REGS_entry_vector, cpu_user_regs_t, entry_vector);
	OFFSET(REGS_rip, cpu_user_regs_t, rip);
	OFFSET(REGS_cs, cpu_user_regs_t, cs);
	OFFSET(REGS_rflags, cpu_user_regs_t, rflags);
	OFFSET(REGS_rsp, cpu_user_regs_t, rsp);
	OFFSET(REGS_ss, cpu_user_regs_t, ss);
	OFFSET(REGS_es, cpu_user_regs_t, es);

	OFFSET(CI_current, struct cpu_info, current);
	OFFSET(CI_work, struct cpu_info, work);
	OFFSET(CI_cpu, struct cpu_info, cpu);
	OFFSET(CI_tss, struct cpu_info, tss);
	OFFSET(CI_scratch, struct cpu_info, scratch);
	OFFSET(CI_hypercalls, struct cpu_info, hypercalls);
	DEFINE(CI_size, sizeof(struct cpu_info));

	OFFSET(ENTRY_root_cr3, struct entry_page, root_cr3);
	OFFSET(ENTRY_exit_cr3, struct entry_page, exit_cr3);
	OFFSET(ENTRY_scratch, struct entry_page, scratch);
	OFFSET(ENTRY_rip, struct entry_page, frame.rip);
	OFFSET(ENTRY_rsp, struct entry_page, frame.rsp);
	DEFINE(ENTRY_size, sizeof(struct entry_page));
	OFFSET(IST_stack, struct entry_ist, stack);
	OFFSET(IST_cr3, struct entry_ist, cr3);
	OFFSET(IST_regs, struct entry_ist, regs);

	OFFSET(CPU_info, struct cpu, info);
	OFFSET(TSS_iomap_base, struct tss, iomap_base);

	OFFSET(VCPU_vcpu_info, struct vcpu, vcpu_info);
	OFFSET(VCPU_flags, struct vcpu, arch.flags);
	OFFSET(VCPU_kernel_cr3, struct vcpu, arch.kernel_cr3);
	OFFSET(VCPU_user_cr3, struct vcpu, arch.user_cr3);
	OFFSET(VCPU_kernel_exit_cr3, struct vcpu, arch.kernel_exit_cr3);
	OFFSET(VCPU_user_exit_cr3, struct vcpu, arch.user_exit_cr3);
	OFFSET(VCPU_kernel_sp, struct vcpu, arch.kernel_sp);
	OFFSET(VCPU_syscall_callback, struct vcpu, arch.syscall_callback);
	OFFSET(VCPU_traps, struct vcpu, arch.traps);
	DEFINE(PF_HANDLER, TRAP_PF * sizeof(struct pv_trap) + offsetof(struct pv_trap, addr));
	DEFINE(PF_MASKS_EVENTS,
	       TRAP_PF * sizeof(struct pv_trap) + offsetof(struct pv_trap, masks_events));
	OFFSET(VCPU_INFO_pending, struct vcpu_info, evtchn_upcall_pending);
	OFFSET(VCPU_INFO_mask, struct vcpu_info, evtchn_upcall_mask);
	OFFSET(VCPU_INFO_cr2, struct vcpu_info, arch.cr2);

	DEFINE(VEC_PAGE_FAULT, TRAP_PF);
	DEFINE(PFEC_USER_BIT, PFEC_U);
	DEFINE(PFEC_WHY, PFEC_P | PFEC_W | PFEC_RSVD | PFEC_I);
	DEFINE(PFEC_PROTECTED_WRITE, PFEC_P | PFEC_W);
	DEFINE(RFLAGS_OF_USER, RFLAGS_USER_BITS);
	DEFINE(FRAME_SYSRET_BIT, FRAME_SYSRET);
	DEFINE(VCPU_KERNEL_MODE_BIT, VCPU_KERNEL_MODE);
	DEFINE(VCPU_SYSCALL_MASKS_BIT, VCPU_SYSCALL_MASKS);
	DEFINE(VCPU_IOPORTS_BIT, VCPU_IOPORTS);
	DEFINE(TSS_IOMAP_GUEST_OFFSET, TSS_IOMAP_GUEST);
	DEFINE(TSS_IOMAP_NONE_OFFSET, TSS_IOMAP_NONE);
	DEFINE(NR_HYPERCALLS, ARRAY_SIZE(((struct cpu_info *)0)->hypercalls));
	DEFINE(ENOSYS_NR, ENOSYS);
	DEFINE(HV_HOLE_TOP_BITS, HV_VIRT_START >> 43);
	DEFINE(VEC_SYSCALL_MARK, 0); /* what error code and vector hold after SYSCALL */

	/* For ALT_NOP and its kin: the features as numbers. */
	DEFINE(FEAT_USE_SMAP, X86_USE_SMAP);
	DEFINE(FEAT_XPTI, X86_XPTI);
	DEFINE(FEAT_VERW, X86_VERW);
	DEFINE(FEAT_RETPOLINE, X86_RETPOLINE);
}
