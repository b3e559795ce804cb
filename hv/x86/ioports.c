/* SPDX-License-Identifier: MIT */
/* One table says which ports are not the privileged domain's; bitmap and emulation follow it. */
#include "x86/ioports.h"

#include "lib/string.h"
#include "x86/acpi.h"
#include "x86/pci.h"
#include "x86/serial.h"

enum port_kind {
	PORT_OURS, /* reads ones, writes nothing */
	PORT_PCI,  /* configuration space, filtered */
	PORT_PIT,  /* channel 2 and its gate only */
	PORT_PM1,  /* everything but going to sleep */
};

#define PM1_SLP_EN BIT(13)
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND 0x43
#define PIT_GATE 0x61

/* Ranges don't overlap. [I after boot] */
static struct port_rule {
	u16 first, last;
	enum port_kind kind;
} rules[6 + 3] = {
	/* clang-format off */
	{ 0xcf8, 0xcff, PORT_PCI },  /* first: the one that is used */
	{ 0x20, 0x21, PORT_OURS },   /* interrupt controllers */
	{ 0xa0, 0xa1, PORT_OURS },
	{ 0x4d0, 0x4d1, PORT_OURS }, /* their trigger modes */
	{ 0x40, 0x43, PORT_PIT },
	{ PIT_GATE, PIT_GATE, PORT_PIT },
	/* clang-format on */
};
static unsigned nr_rules = 6;

static const struct port_rule *rule_of(u32 port)
{
	const struct port_rule *r;

	for (r = rules; r < rules + nr_rules; r++)
		if (port >= r->first && port <= r->last)
			return r;
	return NULL;
}

/* A register that is not there has number 0. */
static void __init add_rule(u16 first, unsigned count, enum port_kind kind)
{
	if (first && first + count <= 0x10000 && !rule_of(first))
		rules[nr_rules++] = (struct port_rule){ first, first + count - 1, kind };
}

void __init ioport_init(void)
{
	add_rule(console_port(), 8, PORT_OURS);
	add_rule(acpi_info.pm1a_cnt, 2, PORT_PM1);
	add_rule(acpi_info.pm1b_cnt, 2, PORT_PM1);
}

void __init ioport_fill_bitmap(u8 *bitmap)
{
	const struct port_rule *r;
	u32 port;

	memset(bitmap, 0, 8192);
	for (r = rules; r < rules + nr_rules; r++)
		for (port = r->first; port <= r->last; port++)
			bitmap[port / 8] |= BIT(port % 8);
}

/* Does one rule, or none, cover the whole access? */
static bool uniform(u32 port, unsigned size, const struct port_rule **r)
{
	u32 last = port + size - 1;

	for (*r = rules; *r < rules + nr_rules; ++*r)
		if (port <= (*r)->last && last >= (*r)->first)
			return port >= (*r)->first && last <= (*r)->last;
	*r = NULL;
	return last <= 0xffff;
}

/* ---- the interval timer: the domain calibrates clocks and beeps with channel 2 ---- */

static void pit_write(u16 port, u8 value)
{
	if (port == PIT_CHANNEL2 || (port == PIT_COMMAND && value >> 6 == 2))
		outb(port, value);
	else if (port == PIT_GATE)
		outb(port, (inb(port) & ~3) | (value & 3)); /* gate and speaker; not NMI sources */
}

/* ---- accesses that lie in one rule, or in none ---- */

static u32 ruled_read(const struct port_rule *r, u16 port, unsigned size)
{
	if (!r || r->kind == PORT_PM1)
		return port_read(port, size);
	if (r->kind == PORT_PCI)
		return pci_conf_guest_read(port, size);
	if (r->kind == PORT_PIT && size == 1 && (port == PIT_CHANNEL2 || port == PIT_GATE))
		return inb(port);
	return ~0U;
}

static void ruled_write(const struct port_rule *r, u16 port, unsigned size, u32 value)
{
	if (!r)
		port_write(port, size, value);
	else if (r->kind == PORT_PCI)
		pci_conf_guest_write(port, size, value);
	else if (r->kind == PORT_PIT && size == 1)
		pit_write(port, value);
	else if (r->kind == PORT_PM1)
		port_write(port, size, value & ~(u32)(PM1_SLP_EN >> 8 * (port - r->first)));
}

u32 guest_io_read(struct vcpu *v, u32 port, unsigned size)
{
	const struct port_rule *r;
	u32 value = ~0U;
	unsigned i;

	port &= 0xffff;
	if (!v->domain->privileged)
		return ~0U;
	if (uniform(port, size, &r))
		return ruled_read(r, port, size);
	/* It straddles: byte by byte, and what lies beyond the last port is ones. */
	for (i = 0; i < size && port + i <= 0xffff; i++)
		((u8 *)&value)[i] = ruled_read(rule_of(port + i), port + i, 1);
	return value;
}

void guest_io_write(struct vcpu *v, u32 port, unsigned size, u32 value)
{
	const struct port_rule *r;
	unsigned i;

	port &= 0xffff;
	if (!v->domain->privileged)
		return;
	if (uniform(port, size, &r)) {
		ruled_write(r, port, size, value);
		return;
	}
	for (i = 0; i < size && port + i <= 0xffff; i++)
		ruled_write(rule_of(port + i), port + i, 1, value >> 8 * i & 0xff);
}
