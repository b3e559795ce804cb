/* SPDX-License-Identifier: MIT */
/* Small things core/ asks of the machine: core/arch.h. */
#include "core/arch.h"
#include "lib/log.h"
#include "x86/acpi.h"
#include "x86/asm.h"
#include "x86/boot.h"
#include "x86/cpu.h"
#include "x86/crash.h"
#include "x86/time.h"

const char *machine_cmdline(void)
{
	return boot_info.cmdline;
}

bool arch_memory_map(unsigned i, u64 *start, u64 *size, u32 *type)
{
	if (i >= boot_info.nr_e820)
		return false;
	*start = boot_info.e820[i].start;
	*size = boot_info.e820[i].size;
	*type = boot_info.e820[i].type;
	return true;
}

u32 arch_cpu_khz(void)
{
	return tsc_khz;
}

u64 cpu_physid(u32 cpu)
{
	return cpus[cpu]->apic_id | (u64)cpus[cpu]->acpi_id << 32;
}

u32 cpu_node(u32 cpu)
{
	return cpus[cpu] ? cpus[cpu]->node : 0;
}

u32 node_distance(u32 a, u32 b)
{
	return acpi_info.distance[a][b];
}

void arch_dump_registers(void)
{
	log_info("processor %u: CR0 %lx CR3 %lx CR4 %lx, %lu interrupts, %u NMIs\n",
		 smp_processor_id(), read_cr0(), read_cr3(), read_cr4(), this_cpu()->irqs,
		 this_cpu()->nmi_count);
	if (!is_idle(current()))
		crash_dump_regs(guest_regs());
}
