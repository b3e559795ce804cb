/* SPDX-License-Identifier: MIT */
/* Power-off and reboot of the machine. */
#include "x86/power.h"

#include "core/arch.h"
#include "lib/log.h"
#include "x86/acpi.h"
#include "x86/asm.h"
#include "x86/pci.h"

/* PM1 control register */
#define SCI_EN BIT(0)
#define SLP_TYP(type) ((u16)((type) << 10))
#define SLP_EN BIT(13)

#define RESET_PORT 0xcf9
#define KEYBOARD_PORT 0x64

bool machine_stopping;

/* Without clocks, which may be what is broken: a write to this port takes about a microsecond. */
static void io_delay_us(u32 us)
{
	while (us--)
		outb(0x80, 0);
}

/* The registers sleep only in ACPI mode; the privileged domain, if it ran, switched to it. */
static void acpi_mode(void)
{
	u32 tries = 3000;

	if (!acpi_info.smi_cmd || !acpi_info.acpi_enable || inw(acpi_info.pm1a_cnt) & SCI_EN)
		return;
	outb(acpi_info.smi_cmd, acpi_info.acpi_enable);
	while (tries-- && !(inw(acpi_info.pm1a_cnt) & SCI_EN))
		io_delay_us(100);
}

int acpi_enter_s5(u16 pm1a, u16 pm1b)
{
	if (!acpi_info.pm1a_cnt)
		return err_here(-ENODEV);
	acpi_mode();
	outw(acpi_info.pm1a_cnt, pm1a & ~SLP_EN);
	if (acpi_info.pm1b_cnt)
		outw(acpi_info.pm1b_cnt, pm1b & ~SLP_EN);
	outw(acpi_info.pm1a_cnt, pm1a | SLP_EN);
	if (acpi_info.pm1b_cnt)
		outw(acpi_info.pm1b_cnt, pm1b | SLP_EN);
	io_delay_us(1000000);
	return err_here(-EIO);
}

noreturn_fn void machine_power_off(void)
{
	u16 keep = acpi_info.pm1a_cnt ? inw(acpi_info.pm1a_cnt) & ~(SLP_TYP(7) | SLP_EN) : 0;

	if (acpi_info.has_s5)
		acpi_enter_s5(keep | SLP_TYP(acpi_info.s5_a), keep | SLP_TYP(acpi_info.s5_b));
	log_err("This machine cannot be switched off by software; switch it off by hand\n");
	machine_halt();
}

static void acpi_reset(void)
{
	const struct acpi_register *r = &acpi_info.reset;
	u16 bdf;

	if (r->space == ACPI_SPACE_IO && r->address && r->address < 0x10000) {
		outb(r->address, acpi_info.reset_value);
	} else if (r->space == ACPI_SPACE_PCI && r->address) {
		/* device in bits 47:32, function 31:16, register below */
		bdf = (r->address >> 32 & 0x1f) << 3 | (r->address >> 16 & 7);
		pci_write_at_end(bdf, r->address & 0xff, acpi_info.reset_value);
	} else {
		return;
	}
	io_delay_us(50000);
}

noreturn_fn void machine_reboot(void)
{
	static const struct table_register nothing = { 0, 0 };
	u32 tries;

	acpi_reset();
	outb(RESET_PORT, 0x02); /* a hard reset ... */
	outb(RESET_PORT, 0x06); /* ... now */
	io_delay_us(50000);
	for (tries = 0; tries < 10; tries++) {
		outb(KEYBOARD_PORT, 0xfe); /* pulse the reset line */
		io_delay_us(10000);
	}
	/* a fault that has no handler, three times over */
	__asm__ volatile("lidt %0; int3" : : "m"(nothing));
	machine_halt();
}
