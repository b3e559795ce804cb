/* SPDX-License-Identifier: MIT */
/* Honest: the small calls, and start of day. */
#include <xen/sysctl.h>
#include "honest.h"

static void start_of_day(void)
{
	const u64 *p2m = (u64 *)si->mfn_list;
	unsigned wrong = 0;

	check(!str_cmp(si->magic, "xen-3.0-x86_64"), "start_info magic");
	check(!(si->shared_info & 4095), "shared_info is a page");
	check(si->nr_pages >= 1024, "4 MiB or more");
	for (u64 pfn = 0; pfn < si->nr_pages; pfn++)
		wrong += M2P[p2m[pfn]] != pfn;
	report(!wrong, "machine-to-physical map", "%u of %lu frames wrong", wrong, si->nr_pages);
	check(!((u64)si->pt_base & 4095) && si->nr_pt_frames, "page tables");
	wrong = 0;
	for (u64 i = 0; i < si->nr_pt_frames; i++)
		wrong += *pte_of((void *)(si->pt_base + i * PAGE)) >> 1 & 1;
	report(!wrong, "page tables are read-only", "%u writable", wrong);
	check(!(*pte_of((void *)si->mfn_list) & PTE_NX), "p2m list mapped");
}

static void version(void)
{
	static union {
		xen_extraversion_t extra;
		struct xen_compile_info compile;
		xen_capabilities_info_t caps;
		xen_changeset_info_t change;
		struct xen_platform_parameters params;
		struct xen_feature_info feat;
		xen_domain_handle_t handle;
		xen_commandline_t cmdline;
		u8 room[1024];
		struct {
			u32 len;
			u8 buf[64];
		} id;
	} u;
	u32 need = 1 << XENFEAT_mmu_pt_update_preserve_ad | 1 << XENFEAT_gnttab_map_avail_bits |
		   1 << XENFEAT_highmem_assist;
	long rc;

	check_rc("version", version_op(XENVER_version, NULL), 4 << 16 | 17);
	check_rc("extraversion", version_op(XENVER_extraversion, &u), 0);
	check_rc("compile_info", version_op(XENVER_compile_info, &u), 0);
	report(u.compile.compiler[0], "compile_info.compiler", "%s", u.compile.compiler);
	check_rc("capabilities", version_op(XENVER_capabilities, &u), 0);
	report(mem_same(u.caps, "xen-3.0-x86_64", 14), "capabilities text", "%s", u.caps);
	check_rc("changeset", version_op(XENVER_changeset, &u), 0);
	check_rc("platform_parameters", version_op(XENVER_platform_parameters, &u), 0);
	report(u.params.virt_start == HYPERVISOR_VIRT_START, "virt_start", "%lx",
	       u.params.virt_start);
	u.feat.submap_idx = 0;
	check_rc("get_features", version_op(XENVER_get_features, &u), 0);
	report((u.feat.submap & need) == need, "features needed", "%x", u.feat.submap);
	check(!(u.feat.submap & 1 << XENFEAT_writable_page_tables), "no writable page tables");
	check(!(u.feat.submap >> XENFEAT_dom0 & 1) == !privileged, "feature dom0");
	check_rc("pagesize", version_op(XENVER_pagesize, NULL), 4096);
	check_rc("guest_handle", version_op(XENVER_guest_handle, &u), 0);
	rc = version_op(XENVER_commandline, &u);
	report(privileged ? !rc : rc <= 0, "commandline", "rc %ld", rc);
	u.id.len = sizeof(u.id.buf);
	rc = version_op(XENVER_build_id, &u);
	report(rc > 0 || rc == -XEN_ENODATA || (!privileged && rc == -XEN_EPERM), "build_id",
	       "rc %ld", rc);
}

static void multicall(void)
{
	static struct multicall_entry e[4];
	static struct xen_feature_info feat;

	e[0].op = __HYPERVISOR_xen_version;
	e[0].args[0] = XENVER_pagesize;
	e[1].op = __HYPERVISOR_xen_version;
	e[1].args[0] = XENVER_get_features;
	e[1].args[1] = A(&feat);
	e[2].op = 63;
	e[3].op = __HYPERVISOR_sched_op;
	e[3].args[0] = SCHEDOP_yield;
	check_rc("multicall", HC(multicall, e, 4, 0, 0), 0);
	check_rc("multicall result 0", (long)e[0].result, 4096);
	check_rc("multicall result 1", (long)e[1].result, 0);
	check(feat.submap, "multicall wrote");
	check_rc("multicall unknown call", (long)e[2].result, -XEN_ENOSYS);
	check_rc("multicall yield", (long)e[3].result, 0);
	check_rc("multicall of none", HC(multicall, e, 0, 0, 0), 0);
}

static bool call_keeps_registers(void)
{
	u64 in[6] = { 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666 };
	u64 rbx = in[0], rbp_, r12 = in[1], r13 = in[2], r14 = in[3], r15 = in[4], rc = 7;

	__asm__ volatile(
		"mov $0x6666, %%r9; mov %[r12], %%r12; mov %[r13], %%r13; mov %[r14], %%r14;"
		"mov %[r15], %%r15; mov %[rbx], %%rbx; mov $17, %%eax; mov $7, %%edi;"
		"xor %%esi, %%esi; syscall;"
		"mov %%rbx, %[rbx]; mov %%r12, %[r12]; mov %%r13, %[r13]; mov %%r14, %[r14];"
		"mov %%r15, %[r15]; mov %%r9, %[r9]; mov %%rdi, %[rc]"
		: [rbx] "+m"(rbx), [r12] "+m"(r12), [r13] "+m"(r13), [r14] "+m"(r14),
		  [r15] "+m"(r15), [r9] "=m"(rbp_), [rc] "=m"(rc)
		:
		: "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
		  "r14", "r15", "memory");
	return rbx == in[0] && r12 == in[1] && r13 == in[2] && r14 == in[3] && r15 == in[4] &&
	       rbp_ == in[5] && rc == 7;
}

/* The log: read in pieces, it begins with our name and ends where nothing more comes. */
static void sysctl(void)
{
	static char log[256];
	struct xen_sysctl op = { XEN_SYSCTL_readconsole, XEN_SYSCTL_INTERFACE_VERSION, { { 0 } } };
	u32 first;
	long rc;

	op.u.readconsole.buffer = log;
	op.u.readconsole.count = sizeof(log);
	rc = HC(sysctl, &op, 0, 0, 0);
	if (!privileged) {
		check_rc("sysctl of an ordinary domain", rc, -XEN_EPERM);
		return;
	}
	report(rc == 0 && op.u.readconsole.count == sizeof(log), "readconsole", "rc %ld, %u bytes",
	       rc, op.u.readconsole.count);
	first = op.u.readconsole.index;
	op.u.readconsole.incremental = 1;
	rc = HC(sysctl, &op, 0, 0, 0);
	report(rc == 0 && op.u.readconsole.index == first + op.u.readconsole.count,
	       "readconsole goes on", "rc %ld, index %u", rc, op.u.readconsole.index);
	op.interface_version++;
	check_rc("sysctl of another version", HC(sysctl, &op, 0, 0, 0), -XEN_EACCES);
}

static void misc(void)
{
	static const char line[] = "honest: a line by console_io\n";
	static char in[8];
	struct xennmi_callback nmi = { A(nmi_entry), 0 };
	struct callback_register cb = { .type = CALLBACKTYPE_failsafe,
					.address = A(failsafe_entry) };
	struct callback_unregister un = { .type = CALLBACKTYPE_sysenter };
	long rc;

	check(call_keeps_registers(), "a call keeps registers");
	check_rc("console_io write", HC(console_io, CONSOLEIO_write, sizeof(line) - 1, line, 0), 0);
	check_rc("console_io write of nothing", HC(console_io, CONSOLEIO_write, 0, line, 0), 0);
	rc = HC(console_io, CONSOLEIO_read, sizeof(in), in, 0);
	report(privileged ? rc == 0 : rc <= 0, "console_io read", "rc %ld", rc);
	sysctl();
	check_rc("vm_assist enable",
		 HC(vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables, 0, 0), 0);
	check_rc("vm_assist runstate flag",
		 HC(vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0, 0), 0);
	check_rc("vm_assist disable",
		 HC(vm_assist, VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag, 0, 0), 0);
	check_rc("unknown call", hcall(63, 0, 0, 0, 0, 0), -XEN_ENOSYS);
#ifndef HYPERCALL_PAGE
	check_rc("unknown call far", hcall(1UL << 40, 0, 0, 0, 0, 0), -XEN_ENOSYS);
#endif
	check_rc("set_callbacks", HC(set_callbacks, event_entry, failsafe_entry, syscall_entry, 0),
		 0);
	check_rc("set_trap_table", HC(set_trap_table, trap_table, 0, 0, 0), 0);
	check_rc("stack_switch",
		 HC(stack_switch, FLAT_KERNEL_SS, A(stacks) + GUEST_STACK / 2, 0, 0), 0);
	check_rc("callback_op register", HC(callback_op, CALLBACKOP_register, &cb, 0, 0), 0);
	rc = HC(callback_op, CALLBACKOP_unregister, &un, 0, 0);
	report(rc == 0 || rc == -XEN_ENOSYS || rc == -XEN_EINVAL, "callback_op unregister",
	       "rc %ld", rc);
	cb.type = CALLBACKTYPE_sysenter;
	cb.address = A(sysenter_entry);
	rc = HC(callback_op, CALLBACKOP_register, &cb, 0, 0);
	report(rc == 0 || rc == -XEN_EINVAL, "callback_op sysenter", "rc %ld", rc);
	rc = HC(nmi_op, XENNMI_register_callback, &nmi, 0,
		0); /* callback_op is the newer way: may be absent */
	report(rc == 0 || rc == -XEN_ENOSYS, "nmi_op register", "rc %ld", rc);
	check_rc("nmi_op unregister", HC(nmi_op, XENNMI_unregister_callback, 0, 0, 0), rc);
	HC(set_trap_table, trap_table, 0, 0, 0);
	check_rc("set_callbacks again",
		 HC(set_callbacks, event_entry, failsafe_entry, syscall_entry, 0), 0);
}

static void hvm(void)
{
	static u64 p[2] = { DOMID_SELF }; /* xen_hvm_param: domain, index, value */
	long rc = HC(hvm_op, 1 /* HVMOP_get_param */, p, 0, 0);

	report(rc < 0, "hvm_op is not for us", "rc %ld", rc);
}

static void fpu(void)
{
	u64 cr0, x = 0x12345678, y = 0;
	struct frame f;

	__asm__ volatile("movq %0, %%xmm0" ::"r"(x));
	check_rc("fpu_taskswitch set", HC(fpu_taskswitch, 1, 0, 0, 0), 0);
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	report(cr0 >> 3 & 1, "CR0.TS is seen", "cr0 %lx", cr0);
	expect_fault("#NM when TS is set", 7, -1, __asm__ volatile("movq %%xmm0, %0" : "=r"(y)));
	f = this_cpu()->last;
	check(FRAME_CS(&f) == 0xe030, "#NM frame is a kernel one");
	/* Taking #NM clears the guest's TS, as the published interface has it. */
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	check(!(cr0 >> 3 & 1), "TS is clear after #NM");
	HC(fpu_taskswitch, 0, 0, 0, 0);
	__asm__ volatile("movq %%xmm0, %0" : "=r"(y));
	check(y == x, "FPU state is kept");
	HC(fpu_taskswitch, 1, 0, 0, 0);
	__asm__ volatile("clts");
	__asm__ volatile("movq %%xmm0, %0" : "=r"(y));
	check(y == x, "CLTS");
}

void test_calls(void)
{
	start_of_day();
	version();
	multicall();
	misc();
	hvm();
	fpu();
}
