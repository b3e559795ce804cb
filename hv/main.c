/* SPDX-License-Identifier: MIT */
/*
 * The start of the machine, in order, from where memory works to the privileged domain's first
 * instruction.
 */
#include "core/arch.h"
#include "core/console.h"
#include "core/hypercall.h"
#include "lib/log.h"
#include "pv/pv.h"
#include "x86/apic.h"
#include "x86/ioports.h"
#include "x86/irq.h"
#include "x86/patch.h"
#include "x86/serial.h"
#include "x86/setup.h"
#include "x86/smpboot.h"
#include "x86/time.h"
#include "x86/watchdog.h"

noreturn_fn void __init hv_start(u32 magic, u64 info)
{
	pv_set_gates();
	early_setup(magic, info);
}

noreturn_fn void hv_main(void)
{
	struct domain *dom0;

	domains_init();
	lapic_init();
	irq_init();
	time_init();
	smp_boot();
	watchdog_init();
	serial_irq_init();
	ioport_fill_bitmap(port_bitmap);
	dom0 = build_hardware_domain();
#ifdef PAVISE_TEST_DOMAINS
	build_test_domains();
#endif
	release_boot_modules();
	console_vga_release();
	free_init_memory();
	log_info("Pavise " PAVISE_VERSION ": %lu of %lu MiB free; starting the privileged domain\n",
		 heap_free_pages() >> 8, heap_total_pages() >> 8);
	vcpu_wake(dom0->vcpu[0], VPF_down);
	cpu_idle_entry(this_cpu());
}
