/* SPDX-License-Identifier: MIT */
/* From the first 64-bit instruction to hv_main(). */
#include "x86/setup.h"

#include "lib/log.h"
#include "lib/string.h"
#include "x86/acpi.h"
#include "x86/asm.h"
#include "x86/boot/protocols.h"
#include "x86/crash.h"
#include "x86/patch.h"
#include "x86/serial.h"

struct boot_info boot_info;
struct cpu boot_cpu;
struct cpu *cpus[MAX_CPUS];
cpumask_t cpu_online_map;
u32 nr_cpus = 1;

_Static_assert(sizeof(struct cpu_info) <= BOOT_STACK_TOP_ROOM, "room on the boot stack");

static void __init early_cpu_info(void)
{
	struct cpu_info *ci = cpu_info();

	memset(ci, 0, sizeof(*ci));
	ci->cpu = &boot_cpu;
	boot_cpu.info = ci;
	cpus[0] = &boot_cpu;
	cpumask_set(0, &cpu_online_map);
}

#define BIOS_KBD_FLAGS 0x417

static void __init parse_loader(u32 magic, u64 info)
{
	boot_info.loader = "unknown";
	boot_info.protocol = NULL;
	if (magic == MB1_MAGIC)
		parse_multiboot(info);
	else if (magic == MB2_MAGIC)
		parse_multiboot2(info);
	else if (magic == PVH_START_MAGIC)
		parse_pvh(info);
}

noreturn_fn static void on_own_stack(void)
{
	boot_cpu.online = true;
	hv_main();
}

/* The boot stack's cpu_info has done its service: go on with processor 0's own. */
noreturn_fn static void __init switch_stack(struct cpu *c)
{
	struct cpu_info *ci = c->info;

	__asm__ volatile("mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tcall *%1\n\tud2"
			 :
			 : "r"((u64)ci & ~15UL), "r"(on_own_stack)
			 : "memory");
	__builtin_unreachable();
}

noreturn_fn void __init early_setup(u32 magic, u64 info)
{
	early_cpu_info();
	idt_load();
	parse_loader(magic, info);
	/* Now: later its page is mapped only if the loader calls it RAM, which kexec does not. */
	boot_info.kbd_shift_flags = *(const volatile u8 *)maddr_to_virt(BIOS_KBD_FLAGS);
	cmdline_parse(false);
	serial_init();
	log_info("Pavise " PAVISE_VERSION " (" PAVISE_BUILD ")\n");
	if (!boot_info.protocol)
		fail_start("unknown boot protocol (magic %#x): use multiboot, multiboot2 or PVH",
			   magic);
	log_info("Started by %s (%s), options \"%s\"\n", boot_info.loader, boot_info.protocol,
		 boot_info.cmdline);
	cmdline_parse(true);
	features_init();
	e820_finish();
	e820_log();
	paging_init();
	alternatives_apply();
	percpu_create(&boot_cpu);
	cpu_init_registers(&boot_cpu);
	acpi_init(); /* the heap is told what memory is near what processors */
	heap_init();
	console_vga_init();
	switch_stack(&boot_cpu);
}
