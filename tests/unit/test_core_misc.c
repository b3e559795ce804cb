/* SPDX-License-Identifier: MIT */
/* vcpu_op, xen_version, vm_assist, the console. */
#include <string.h>

#include <xen/sysctl.h>
#include <xen/version.h>

#include "core/console.h"
#include "core/event.h"
#include "host_core.h"
#include "lib/log.h"

/* ---- vcpu_op ---- */

Test(core_vcpu, bring_up)
{
	static struct vcpu_guest_context ctx;

	machine_up();
	expect_ret(VCPU(is_up, 0, 0, v0), 1);
	expect_ret(VCPU(is_up, 1, 0, v0), 0);
	expect_ret(VCPU(is_up, 3, 0, v0), -ENOENT);
	expect_ret(VCPU(is_up, 0xffffffff, 0, v0), -ENOENT);
	expect_ret(VCPU(up, 1, 0, v0), -EINVAL);
	expect_ret(VCPU(initialise, 1, 0, v0), -EFAULT);
	context_result = -EINVAL;
	expect_ret(VCPU(initialise, 1, &ctx, v0), -EINVAL);
	context_result = -ERESTART;
	expect_ret(VCPU(initialise, 1, &ctx, v0), -ERESTART);
	expect(host_restart_args[1], 1);
	context_result = 0;
	heap_is_empty = true;
	expect_ret(VCPU(initialise, 1, &ctx, v0), -ENOMEM);
	heap_is_empty = false;
	expect_ret(VCPU(initialise, 1, &ctx, v0), 0);
	expect_ret(VCPU(initialise, 1, &ctx, v0), -EEXIST);
	expect_ret(VCPU(up, 1, 0, v0), 0);
	run_all();
	cr_assert(on_cpu[1] == v1);
	expect_ret(VCPU(down, 1, 0, v0), 0);
	run_all();
	cr_assert(is_idle(on_cpu[1]) && !dom0->shut_down);
	v1->vcpu_info = &dummy_vcpu_info;
	expect_ret(VCPU(initialise, 1, &ctx, v0), -EINVAL);
	expect_ret(VCPU(send_nmi, 1, 0, v0), 0);
	cr_assert(v1->arch.nmi_pending);
	expect_ret(CALL3(do_vcpu_op, 99, 0, 0, v0), -ENOSYS);
}

Test(core_vcpu, register_vcpu_info)
{
	struct vcpu_register_vcpu_info r = { .offset = 64 };
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };
	struct vcpu_info *info;
	u64 mfn;

	machine_up();
	mfn = give_pages(domu, 0);
	r.mfn = mfn;
	put_on_cpu(u0);
	expect_ret(EVTCHN(bind_ipi, &ipi, u0), 0);
	domu->shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
	domu->shared_info->vcpu_info[0].arch.cr2 = 0x1234;
	expect_ret(VCPU(register_vcpu_info, 0, &r, u0), 0);
	info = mfn_to_virt(mfn) + 64;
	cr_assert(u0->vcpu_info == info);
	cr_assert(info->evtchn_upcall_mask == 1 && info->evtchn_upcall_pending == 1 &&
		  info->evtchn_pending_sel == ~0UL && info->arch.cr2 == 0x1234);
	expect(mfn_to_page(mfn)->type_info & PGT_count_mask, 1);
	expect_ret(VCPU(register_vcpu_info, 0, &r, u0), -EINVAL); /* once */
	info->evtchn_upcall_pending = 0;
	info->evtchn_pending_sel = 0;
	expect_ret(EVTCHN(send, &(struct evtchn_send){ ipi.port }, u0), 0);
	expect(info->evtchn_upcall_pending, 1);
	u1->vcpu_info = &dummy_vcpu_info; /* as beyond the 32nd */
	r.offset = 128;
	expect_ret(VCPU(register_vcpu_info, 1, &r, u0), 0);
	expect(u1->vcpu_info->evtchn_upcall_mask, 1);
	while (domain_relinquish(domu))
		run_all();
	expect(domu->tot_pages, 0);
}

Test(core_vcpu, register_vcpu_info_refusals)
{
	struct vcpu_register_vcpu_info r = { .offset = 4096 - 56 };

	machine_up();
	r.mfn = give_pages(domu, 0);
	expect_ret(VCPU(register_vcpu_info, 0, &r, u0), -EINVAL);
	r.offset = 4;
	expect_ret(VCPU(register_vcpu_info, 0, &r, u0), -EINVAL);
	r.offset = 0;
	r.mfn = ~0UL;
	expect_ret(VCPU(register_vcpu_info, 0, &r, u0), -EINVAL);
	r.mfn = give_pages(domv, 0);
	expect_ret(VCPU(register_vcpu_info, 0, &r, u0), -EINVAL);
	r.mfn = give_pages(domu, 0);
	mfn_to_page(r.mfn)->type_info = PGT_l1_table | 1;
	expect_ret(VCPU(register_vcpu_info, 0, &r, u0), -EINVAL);
	mfn_to_page(r.mfn)->type_info = 0;
	put_on_cpu(u1);
	expect_ret(VCPU(register_vcpu_info, 1, &r, u0), -EINVAL); /* it runs */
	expect_ret(VCPU(register_vcpu_info, 0, 0, u0), -EFAULT);
}

Test(core_vcpu, timers)
{
	struct vcpu_set_singleshot_timer ss = { 0 };
	struct vcpu_set_periodic_timer pt = { .period_ns = 1000000 };
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER };
	u64 *pending;
	u32 bit;

	machine_up();
	expect_ret(EVTCHN(bind_virq, &virq, v0), 0);
	pending = dom0->shared_info->evtchn_pending;
	bit = virq.port;
#define FIRED bit_test_and_clear(pending, bit)
	ss.timeout_abs_ns = host_time - 1;
	expect_ret(VCPU(set_singleshot_timer, 0, &ss, v0), 0);
	cr_assert(FIRED);
	ss.flags = VCPU_SSHOTTMR_future;
	expect_ret(VCPU(set_singleshot_timer, 0, &ss, v0), -ETIME);
	ss.timeout_abs_ns = host_time + 100;
	expect_ret(VCPU(set_singleshot_timer, 0, &ss, v0), 0);
	host_time += 99;
	timers_run(0);
	cr_assert(!FIRED);
	host_time++;
	timers_run(0);
	cr_assert(FIRED);
	ss.timeout_abs_ns = host_time + 100;
	expect_ret(VCPU(set_singleshot_timer, 0, &ss, v0), 0);
	expect_ret(VCPU(stop_singleshot_timer, 0, 0, v0), 0);
	expect_ret(VCPU(set_singleshot_timer, 1, &ss, v0), -EINVAL);
	expect_ret(VCPU(stop_singleshot_timer, 1, 0, v0), -EINVAL);
	expect_ret(VCPU(set_singleshot_timer, 0, 0, v0), -EFAULT);
	host_time += 100;
	timers_run(0);
	cr_assert(!FIRED);
	expect_ret(CALL2(do_set_timer_op, host_time + 50, 0, v0), 0);
	host_time += 50;
	timers_run(0);
	cr_assert(FIRED);
	expect_ret(CALL2(do_set_timer_op, host_time + 50, 0, v0), 0);
	expect_ret(CALL2(do_set_timer_op, 0, 0, v0), 0);
	expect(timer_armed(&v0->singleshot), false);
	expect_ret(VCPU(set_periodic_timer, 0, &pt, v0), 0);
	host_time += 1000000;
	timers_run(0);
	cr_assert(FIRED);
	host_time += 5000000; /* missed ticks are not made up for */
	timers_run(0);
	cr_assert(FIRED);
	timers_run(0);
	cr_assert(!FIRED);
	expect_ret(VCPU(stop_periodic_timer, 0, 0, v0), 0);
	expect_ret(VCPU(stop_periodic_timer, 0, 0, v0), 0);
	pt.period_ns = 999999;
	expect_ret(VCPU(set_periodic_timer, 0, &pt, v0), -EINVAL);
	pt.period_ns = ~0UL;
	expect_ret(VCPU(set_periodic_timer, 0, &pt, v0), -EINVAL);
	expect_ret(VCPU(set_periodic_timer, 0, 0, v0), -EFAULT);
}

Test(core_vcpu, areas_and_physid)
{
	struct vcpu_register_time_memory_area t = { .addr.p = 0x1000 };
	struct vcpu_get_physid id;

	machine_up();
	expect_ret(VCPU(register_vcpu_time_memory_area, 0, &t, v0), 0);
	expect(v0->time_guest, 0x1000);
	expect_ret(VCPU(register_vcpu_time_memory_area, 0, 0, v0), -EFAULT);
	expect_ret(VCPU(get_physid, 1, &id, v0), -EINVAL); /* not pinned */
	expect_ret(vcpu_pin(v1, 1), 0);
	expect_ret(VCPU(get_physid, 1, &id, v0), 0);
	expect(id.phys_id, 1UL << 32 | 1);
	expect_ret(VCPU(get_physid, 1, 0, v0), -EFAULT);
	expect_ret(VCPU(get_physid, 0, &id, u0), -EINVAL);
}

/* ---- xen_version, vm_assist ---- */

#define VERSION(cmd, arg, v) CALL2(do_xen_version, XENVER_##cmd, arg, v)

Test(core_version, all)
{
	static char buf[1024];
	struct xen_compile_info ci;
	struct xen_feature_info f = { 0 };
	struct xen_platform_parameters pp;

	machine_up();
	expect_ret(VERSION(version, 0, u0), 4 << 16 | 17);
	expect_ret(VERSION(pagesize, 0, u0), 4096);
	expect_ret(VERSION(extraversion, buf, u0), 0);
	cr_assert_str_eq(buf, ".0-pavise");
	memset(buf, 'x', sizeof(buf));
	expect_ret(VERSION(capabilities, buf, u0), 0);
	cr_assert_str_eq(buf, "xen-3.0-x86_64 ");
	expect(buf[1023], 0);
	expect_ret(VERSION(changeset, buf, u0), 0);
	cr_assert_str_eq(buf, "<denied>");
	expect_ret(VERSION(commandline, buf, u0), 0);
	cr_assert_str_eq(buf, "<denied>");
	expect_ret(VERSION(commandline, buf, v0), 0);
	cr_assert_str_eq(buf, "console=com1 dom0_mem=512M");
	expect_ret(VERSION(compile_info, &ci, u0), 0);
	cr_assert_str_eq(ci.compiler, "<denied>");
	expect_ret(VERSION(compile_info, &ci, v0), 0);
	cr_assert(!strncmp(ci.compiler, "gcc ", 4));
	expect_ret(VERSION(get_features, &f, u0), 0);
	cr_assert(!(f.submap & 1u << XENFEAT_dom0) &&
		  !(f.submap & 1u << XENFEAT_writable_page_tables));
	cr_assert(f.submap & 1u << XENFEAT_mmu_pt_update_preserve_ad &&
		  f.submap & 1u << XENFEAT_gnttab_map_avail_bits);
	expect_ret(VERSION(get_features, &f, v0), 0);
	cr_assert(f.submap & 1u << XENFEAT_dom0);
	f.submap_idx = 1;
	expect_ret(VERSION(get_features, &f, v0), -EINVAL);
	expect_ret(VERSION(platform_parameters, &pp, u0), 0);
	expect(pp.virt_start, 0xffff800000000000);
	expect_ret(VERSION(guest_handle, buf, u0), 0);
	expect_ret(VERSION(build_id, 0, v0), -ENODATA);
	expect_ret(VERSION(build_id, 0, u0), -EPERM);
	expect_ret(CALL2(do_xen_version, 42, buf, v0), -ENOSYS);
	expect_ret(VERSION(extraversion, 0, u0), -EFAULT);
	expect_ret(VERSION(capabilities, 0, u0), -EFAULT);
	expect_ret(VERSION(compile_info, 0, u0), -EFAULT);
	expect_ret(VERSION(get_features, 0, u0), -EFAULT);
	expect_ret(VERSION(platform_parameters, 0, u0), -EFAULT);
	expect_ret(VERSION(guest_handle, 0, u0), -EFAULT);
}

Test(core_version, vm_assist)
{
	machine_up();
	expect_ret(CALL2(do_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables, u0), 0);
	expect_ret(CALL2(do_vm_assist, VMASST_CMD_enable, VMASST_TYPE_m2p_strict, u0), 0);
	expect(domu->vm_assist, 1UL << 32 | 4);
	expect_ret(CALL2(do_vm_assist, VMASST_CMD_disable, VMASST_TYPE_m2p_strict, u0), 0);
	expect(domu->vm_assist, 4);
	expect_ret(CALL2(do_vm_assist, VMASST_CMD_enable, VMASST_TYPE_architectural_iopl, u0),
		   -EINVAL);
	expect_ret(CALL2(do_vm_assist, VMASST_CMD_enable, 64, u0), -EINVAL);
	expect_ret(CALL2(do_vm_assist, 2, 2, u0), -ENOSYS);
}

/* ---- console ---- */

#define CONSOLE(cmd, n, buf, v) CALL3(do_console_io, CONSOLEIO_##cmd, n, buf, v)

static bool console_has(const char *s)
{
	return strstr(host_console, s) != NULL;
}

static void console_clear(void)
{
	host_console_len = 0;
	host_console[0] = 0;
}

static void type_in(const char *s)
{
	for (; *s; s++)
		console_input(*s);
}

Test(core_console, levels_and_ring)
{
	char buf[4096];
	u64 from = 0;
	size_t n;

	machine_up();
	console_clear();
	log_debug("too much\n");
	log_warn("look %d\n", 5);
	cr_assert(console_has("warning: look 5\n") && !console_has("too much"));
	expect(console_set_level("all", false) || console_set_level("error/all", true), 0);
	log_debug("now ");
	log_debug("it shows\n");
	cr_assert(console_has("debug: now it shows\n"));
	expect(console_set_level("nonsense", false), -EINVAL);
	console_set_level("none", false);
	console_set_level("none", true);
	console_clear();
	log_err("nothing\n");
	guest_warn("nothing\n");
	expect(host_console_len, 0);
	n = console_log_read(buf, sizeof(buf) - 1, &from);
	buf[n] = 0;
	cr_assert(strstr(buf, "look 5"));
	expect_ret(console_log_read(buf, sizeof(buf), &from), 0);
	console_set_level("info", false);
	for (n = 0; n < 3000; n++)
		log_info("a line of some forty characters, %05zu\n", n);
	from = 0;
	n = console_log_read(buf, 100, &from);
	expect(n, 100);
	cr_assert(from > 100, "the oldest are gone");
	from = ~0UL;
	expect_ret(console_log_read(buf, 1, &from), 1);
	console_force();
	log_info("without a lock\n");
}

Test(core_console, long_message)
{
	static char big[2000];

	machine_up();
	memset(big, 'x', sizeof(big) - 1);
	console_clear();
	log_info("%s\n", big);
	cr_assert(host_console_len < 600);
	expect(host_console[host_console_len - 1], '\n');
}

Test(core_console, guests_messages_are_limited)
{
	unsigned i, lines = 0;

	machine_up();
	console_clear();
	for (i = 0; i < 1000; i++)
		guest_warn("I am here\n");
	for (i = 0; i < host_console_len; i++)
		lines += host_console[i] == '\n';
	expect(lines, 16);
	host_time += 1000000000;
	guest_warn("later\n");
	cr_assert(console_has("984 messages about guests left out\n") && console_has("later\n"));
}

Test(core_console, guest_lines)
{
	static const char text[] = "hello\x07 world\nrest";
	char line[200];
	unsigned i;

	machine_up();
	console_clear();
	expect_ret(CONSOLE(write, sizeof(text) - 1, text, u0), 0);
	expect(host_console_len, 0); /* the operator did not ask for it */
	console_set_level("all", true);
	expect_ret(CONSOLE(write, sizeof(text) - 1, text, u0), 0);
	cr_assert(console_has("(d1) hello world\n") && !console_has("rest"));
	memset(line, 'y', sizeof(line));
	expect_ret(CONSOLE(write, sizeof(line), line, u0), 0);
	cr_assert(console_has("(d1) restyyy"));
	line[199] = '\n';
	console_clear();
	for (i = 0; i < 1000; i++)
		expect_ret(CONSOLE(write, sizeof(line), line, u0), 0);
	cr_assert(host_console_len < 40000 && host_console_len > 20000, "limited: %zu",
		  host_console_len);
	console_clear();
	expect_ret(CONSOLE(write, 5, "dom0\n", v0), 0);
	cr_assert_str_eq(host_console, "dom0\n");
	host_preempt = true;
	expect_ret(CONSOLE(write, sizeof(line), line, v0), -ERESTART);
	expect(host_restart_args[1], sizeof(line) - 128);
	expect_ret(CONSOLE(write, 10, 0, v0), -EFAULT);
	expect_ret(CONSOLE(write, 0x80000000, line, v0), -E2BIG);
	expect_ret(CALL3(do_console_io, 2, 0, 0, v0), -ENOSYS);
}

Test(core_console, input)
{
	struct evtchn_bind_virq virq = { .virq = VIRQ_CONSOLE };
	char buf[2000];
	unsigned i;

	machine_up();
	expect_ret(EVTCHN(bind_virq, &virq, v0), 0);
	type_in("ls\n");
	cr_assert(bit_test(dom0->shared_info->evtchn_pending, virq.port));
	expect_ret(CONSOLE(read, sizeof(buf), buf, u0), -EPERM);
	expect_ret(CONSOLE(read, 2, buf, v0), 2);
	expect_ret(CONSOLE(read, sizeof(buf), buf, v0), 1);
	expect(buf[0], '\n');
	expect_ret(CONSOLE(read, sizeof(buf), buf, v0), 0);
	type_in("x");
	expect_ret(CONSOLE(read, 1, 0, v0), -EFAULT);
	for (i = 0; i < 3000; i++)
		console_input('z');
	i = 0;
	while (CONSOLE(read, sizeof(buf), buf, v0) > 0)
		i++;
	expect(i, 8); /* 1024 bytes are kept, 128 at a time */
}

Test(core_console, debug_keys)
{
	const char *k;

	machine_up();
	put_on_cpu(v1);
	host_cpu = 0;
	domu->dead = "for the record";
	console_clear();
	type_in("\1\1\1h");
	cr_assert(console_has("  h  this list\n") && console_has("  A  audit"));
	for (k = "dq0egmrA"; *k; k++)
		console_input(*k);
	run_all();
	cr_assert(console_has("registers\n") && console_has("killed: for the record") &&
		  console_has("audit of 3 domains: 0 differences"));
	cr_assert(on_cpu[0] == v0 && on_cpu[1] == v1);
	type_in("!\x1b");
	cr_assert(console_has("no debug key '!'") && console_has("no debug key '?'"));
	type_in("\1\1\1");
	cr_assert(console_has("input goes to Domain-0"));
}

Test(core_sysctl, log_and_keys)
{
	static char buf[65536];
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_readconsole,
				 .interface_version = XEN_SYSCTL_INTERFACE_VERSION };
	struct xen_sysctl_readconsole *rc = &op.u.readconsole;
	size_t n = 0;

	machine_up();
	console_set_level("all", false);
	console_set_level("all", true);
	log_info("the first line\n");
	for (unsigned i = 0; i < 300; i++)
		log_info("another line, to be longer than one call may read: %u\n", i);
	expect_ret(do_sysctl((u64)&op, 0, 0, 0, 0, u0), -EPERM);
	expect_ret(do_sysctl(0, 0, 0, 0, 0, v0), -EFAULT);
	do {
		rc->buffer.va = (u64)buf + n;
		rc->count = sizeof(buf) - n;
		rc->incremental = n != 0;
		expect_ret(do_sysctl((u64)&op, 0, 0, 0, 0, v0), 0);
		n += rc->count;
	} while (rc->count);
	cr_assert(n > 8192 && strstr(buf, "the first line") && strstr(buf, ": 299"));
	rc->count = 100;
	rc->incremental = 0;
	rc->buffer.va = 8;
	expect_ret(do_sysctl((u64)&op, 0, 0, 0, 0, v0), -EFAULT);
	/* What was cleared is not shown again. */
	rc->buffer.va = (u64)buf;
	rc->clear = 1;
	do {
		rc->count = sizeof(buf);
		expect_ret(do_sysctl((u64)&op, 0, 0, 0, 0, v0), 0);
	} while (rc->count);
	log_info("the last line\n");
	rc->count = sizeof(buf);
	expect_ret(do_sysctl((u64)&op, 0, 0, 0, 0, v0), 0);
	cr_assert(rc->count < 100);
	console_clear();
	op.cmd = XEN_SYSCTL_debug_keys;
	op.u.debug_keys.keys.va = (u64) "h";
	op.u.debug_keys.nr_keys = 1;
	expect_ret(do_sysctl((u64)&op, 0, 0, 0, 0, v0), 0);
	cr_assert(console_has("  h  this list\n"));
	op.u.debug_keys.keys.va = 8;
	expect_ret(do_sysctl((u64)&op, 0, 0, 0, 0, v0), -EFAULT);
	op.u.debug_keys.nr_keys = 65;
	expect_ret(do_sysctl((u64)&op, 0, 0, 0, 0, v0), -E2BIG);
	op.cmd = 2;
	expect_ret(do_sysctl((u64)&op, 0, 0, 0, 0, v0), -ENOSYS);
	op.interface_version = 1;
	expect_ret(do_sysctl((u64)&op, 0, 0, 0, 0, v0), -EACCES);
}
