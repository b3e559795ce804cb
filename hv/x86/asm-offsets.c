/* SPDX-License-Identifier: MIT */
/* Offsets and numbers for assembly: compiled to text, from which the build makes asm-offsets.h. */
#include "x86/cpu.h"
#include "x86/irq.h"

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
	OFFSET(REGS_rcx, cpu_user_regs_t, rcx);
	OFFSET(REGS_rdx, cpu_user_regs_t, rdx);
	OFFSET(REGS_rsi, cpu_user_regs_t, rsi);
	OFFSET(REGS_rdi, cpu_user_regs_t, rdi);
	OFFSET(REGS_error_code, cpu_user_regs_t, error_code);
	OFFSET(REGS_entry_vector, cpu_user_regs_t, entry_vector);
	OFFSET(REGS_rip, cpu_user_regs_t, rip);
	OFFSET(REGS_cs, cpu_user_regs_t, cs);
	OFFSET(REGS_saved_upcall_mask, cpu_user_regs_t, saved_upcall_mask);
	OFFSET(REGS_rflags, cpu_user_regs_t, rflags);
	OFFSET(REGS_rsp, cpu_user_regs_t, rsp);
	OFFSET(REGS_ss, cpu_user_regs_t, ss);
	OFFSET(REGS_es, cpu_user_regs_t, es);
	OFFSET(REGS_ds, cpu_user_regs_t, ds);
	OFFSET(REGS_fs, cpu_user_regs_t, fs);
	OFFSET(REGS_gs, cpu_user_regs_t, gs);
	DEFINE(REGS_size, sizeof(cpu_user_regs_t));

	OFFSET(CI_current, struct cpu_info, current);
	OFFSET(CI_id, struct cpu_info, id);
	OFFSET(CI_work, struct cpu_info, work);
	OFFSET(CI_cpu, struct cpu_info, cpu);
	OFFSET(CI_tss, struct cpu_info, tss);
	OFFSET(CI_scratch, struct cpu_info, scratch);
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
	OFFSET(CPU_hypercalls, struct cpu, hypercalls);
	OFFSET(CPU_traps, struct cpu, traps);
	OFFSET(CPU_irqs, struct cpu, irqs);
	OFFSET(TSS_iomap_base, struct tss, iomap_base);

	OFFSET(VCPU_nmi_pending, struct vcpu, arch.nmi_pending);
	OFFSET(VCPU_vcpu_info, struct vcpu, vcpu_info);
	OFFSET(VCPU_arch, struct vcpu, arch);
	OFFSET(VCPU_domain, struct vcpu, domain);
	OFFSET(VCPU_flags, struct vcpu, arch.flags);
	OFFSET(VCPU_iopl, struct vcpu, arch.iopl);
	OFFSET(VCPU_kernel_cr3, struct vcpu, arch.kernel_cr3);
	OFFSET(VCPU_user_cr3, struct vcpu, arch.user_cr3);
	OFFSET(VCPU_kernel_exit_cr3, struct vcpu, arch.kernel_exit_cr3);
	OFFSET(VCPU_user_exit_cr3, struct vcpu, arch.user_exit_cr3);
	OFFSET(VCPU_kernel_sp, struct vcpu, arch.kernel_sp);
	OFFSET(VCPU_kernel_ss, struct vcpu, arch.kernel_ss);
	OFFSET(VCPU_syscall_callback, struct vcpu, arch.syscall_callback);
	OFFSET(VCPU_syscall32_callback, struct vcpu, arch.syscall32_callback);
	OFFSET(VCPU_sysenter_callback, struct vcpu, arch.sysenter_callback);
	OFFSET(VCPU_event_callback, struct vcpu, arch.event_callback);
	OFFSET(VCPU_failsafe_callback, struct vcpu, arch.failsafe_callback);
	OFFSET(VCPU_traps, struct vcpu, arch.traps);
	OFFSET(VCPU_INFO_pending, struct vcpu_info, evtchn_upcall_pending);
	OFFSET(VCPU_INFO_mask, struct vcpu_info, evtchn_upcall_mask);
	OFFSET(VCPU_INFO_cr2, struct vcpu_info, arch.cr2);
	OFFSET(TRAP_addr, struct pv_trap, addr);
	OFFSET(TRAP_cs, struct pv_trap, cs);
	OFFSET(TRAP_dpl, struct pv_trap, dpl);
	OFFSET(TRAP_masks_events, struct pv_trap, masks_events);
	DEFINE(TRAP_size, sizeof(struct pv_trap));

	DEFINE(VCPU_KERNEL_MODE_BIT, VCPU_KERNEL_MODE);
	DEFINE(VCPU_SYSCALL_MASKS_BIT, VCPU_SYSCALL_MASKS);
	DEFINE(VCPU_SYSCALL32_MASKS_BIT, VCPU_SYSCALL32_MASKS);
	DEFINE(VCPU_SYSENTER_MASKS_BIT, VCPU_SYSENTER_MASKS);
	DEFINE(VCPU_FAILSAFE_MASKS_BIT, VCPU_FAILSAFE_MASKS);
	DEFINE(VCPU_IOPORTS_BIT, VCPU_IOPORTS);
	DEFINE(TSS_IOMAP_GUEST_OFFSET, TSS_IOMAP_GUEST);
	DEFINE(TSS_IOMAP_NONE_OFFSET, TSS_IOMAP_NONE);
	DEFINE(NR_HYPERCALLS, ARRAY_SIZE(((struct cpu *)0)->hypercalls));
	DEFINE(ENOSYS_NR, ENOSYS);
	DEFINE(HV_HOLE_TOP_BITS, HV_VIRT_START >> 43);
	DEFINE(VEC_SYSCALL_MARK, 0); /* what error code and vector hold after SYSCALL */

	/* For ALT_NOP and its kin: the features as numbers. */
	DEFINE(FEAT_USE_SMAP, X86_USE_SMAP);
	DEFINE(FEAT_XPTI, X86_XPTI);
	DEFINE(FEAT_VERW, X86_VERW);
	DEFINE(FEAT_RSB_STUFF, X86_RSB_STUFF);
	DEFINE(FEAT_IBPB_SWITCH, X86_IBPB_SWITCH);
	DEFINE(FEAT_USE_PCID, X86_USE_PCID);
	DEFINE(FEAT_USE_FSGSBASE, X86_USE_FSGSBASE);
}
