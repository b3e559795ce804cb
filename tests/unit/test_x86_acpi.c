/* SPDX-License-Identifier: MIT */
/* The ACPI parser: honest tables, and tables that lie. */
#include <criterion/criterion.h>
#include <string.h>

#include "x86/acpi.h"
#include "x86/boot.h"
#include "x86/cpu.h"

/* What acpi_init() needs of the machine; the tests call the parser below it. */
__attribute__((weak)) struct boot_info boot_info;
__attribute__((weak)) u32 phys_addr_bits = 40;
__attribute__((weak)) void *map_firmware(u64 maddr, u64 size)
{
	(void)maddr;
	(void)size;
	return NULL;
}

#define MEMORY 0x200000
static u8 memory[MEMORY];
static u64 biggest; /* asked of map() */
static struct acpi_info info;

static const void *map(u64 maddr, u64 size)
{
	biggest = MAX(biggest, size);
	return maddr < MEMORY && size <= MEMORY - maddr ? memory + maddr : NULL;
}

/* ---- building tables ---- */

#define RSDP 0xf0000
#define XSDT 0x1000
#define RSDT 0x1800
#define MADT 0x2000
#define FADT 0x3000
#define DSDT 0x4000
#define MCFG 0x5000
#define HPET 0x6000
#define SRAT 0x7000
#define SLIT 0x8000

static void put(u64 at, u64 value, unsigned size)
{
	memcpy(memory + at, &value, size);
}

static void fix_sum(u64 at, u32 len, u32 sum_at)
{
	u8 s = 0;

	memory[at + sum_at] = 0;
	for (u32 i = 0; i < len; i++)
		s += memory[at + i];
	memory[at + sum_at] = -s;
}

static void table(u64 at, const char *sig, u32 len)
{
	memcpy(memory + at, sig, 4);
	put(at + 4, len, 4);
	fix_sum(at, len, 9);
}

static void rsdp(u64 at, u8 revision)
{
	memcpy(memory + at, "RSD PTR ", 8);
	memory[at + 15] = revision;
	put(at + 16, RSDT, 4);
	fix_sum(at, 20, 8);
	put(at + 20, 36, 4);
	put(at + 24, XSDT, 8);
	fix_sum(at, 36, 32);
}

static void xsdt(const u64 *addrs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put(XSDT + 36 + 8 * i, addrs[i], 8);
	table(XSDT, "XSDT", 36 + 8 * n);
}

static u32 madt_len;

static void madt_add(const void *entry, u8 len)
{
	memcpy(memory + MADT + madt_len, entry, len);
	madt_len += len;
	table(MADT, "APIC", madt_len);
}
#define MADT_ADD(...) madt_add((const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

static void reset(void)
{
	memset(memory, 0, sizeof(memory));
	biggest = 0;
	madt_len = 44;
	put(MADT + 36, 0xfee00000, 4);
	put(MADT + 40, 1, 4);
	table(MADT, "APIC", madt_len);
	rsdp(RSDP, 2);
	xsdt((const u64[]){ MADT, FADT, MCFG, HPET }, 4);
}

static void parse(void)
{
	acpi_parse(&info, 0, map);
	cr_assert_leq(biggest, ACPI_MAX_TABLE);
	cr_assert(info.nr_cpus > 0 && info.nr_ioapics > 0);
}

TestSuite(acpi, .init = reset);

/* ---- finding the tables ---- */

Test(acpi, nothing_at_all)
{
	memset(memory, 0, sizeof(memory));
	parse();
	cr_assert_eq(info.rsdp, 0);
	cr_assert_eq(info.nr_cpus, 1);
	cr_assert_eq(info.ioapics[0].addr, 0xfec00000);
	cr_assert_eq(info.lapic_addr, 0xfee00000);
}

Test(acpi, in_the_extended_bios_area)
{
	memset(memory + RSDP, 0, 64);
	put(0x40e, 0x9fc0, 2);
	rsdp(0x9fc00 + 0x30, 2);
	parse();
	cr_assert_eq(info.rsdp, 0x9fc30);
	cr_assert(info.has_madt);
}

Test(acpi, told_by_the_loader)
{
	memset(memory + RSDP, 0, 64);
	rsdp(0x9004, 2); /* at no multiple of 16 */
	acpi_parse(&info, 0x9004, map);
	cr_assert(info.has_madt);
	acpi_parse(&info, 0x9008, map);
	cr_assert_eq(info.rsdp, 0);
	acpi_parse(&info, ~0UL, map);
	cr_assert_eq(info.rsdp, 0);
}

Test(acpi, wrong_root_checksum)
{
	memory[RSDP + 8]++;
	parse();
	cr_assert_eq(info.rsdp, 0);
}

Test(acpi, old_root_uses_the_rsdt)
{
	memset(memory + RSDP, 0, 64);
	rsdp(RSDP, 0);
	put(RSDT + 36, MADT, 4);
	table(RSDT, "RSDT", 40);
	parse();
	cr_assert(info.has_madt);
}

Test(acpi, broken_xsdt_falls_back_to_the_rsdt)
{
	put(RSDT + 36, MADT, 4);
	table(RSDT, "RSDT", 40);
	memory[XSDT + 9]++;
	parse();
	cr_assert(info.has_madt);
}

Test(acpi, list_that_contains_itself)
{
	xsdt((const u64[]){ XSDT, RSDP, 0, ~0UL, MEMORY - 1, MADT, MADT }, 7);
	parse();
	cr_assert(info.has_madt);
}

Test(acpi, lengths_that_lie)
{
	static const u32 lens[] = { 0,          8,  35, 36, 43, ACPI_MAX_TABLE, ACPI_MAX_TABLE + 1,
				    0x7fffffff, ~0U };

	for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
		put(MADT + 4, lens[i], 4);
		parse();
		cr_assert_not(info.has_madt);
	}
	table(MADT, "APIC", 44);
	put(XSDT + 4, ~0U, 4);
	parse();
	cr_assert_not(info.has_madt);
}

/* ---- MADT ---- */

Test(acpi, processors)
{
	MADT_ADD(0, 8, 7, 3, 1, 0, 0, 0);
	MADT_ADD(0, 8, 8, 4, 0, 0, 0, 0);    /* disabled */
	MADT_ADD(0, 8, 9, 3, 1, 0, 0, 0);    /* again */
	MADT_ADD(0, 8, 9, 0xff, 1, 0, 0, 0); /* no such id */
	MADT_ADD(9, 16, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, 11, 0, 0, 0);
	parse();
	cr_assert_eq(info.nr_cpus, 2);
	cr_assert_eq(info.cpus[0].apic_id, 3);
	cr_assert_eq(info.cpus[0].acpi_id, 7);
	cr_assert_eq(info.cpus[1].apic_id, 0x200);
	cr_assert_eq(info.cpus[1].acpi_id, 11);
}

Test(acpi, more_processors_than_room)
{
	for (unsigned i = 0; i < ACPI_MAX_CPUS + 20; i++)
		MADT_ADD(9, 16, 0, 0, i & 0xff, i >> 8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
	parse();
	cr_assert_eq(info.nr_cpus, ACPI_MAX_CPUS);
}

Test(acpi, ioapics_and_overrides)
{
	u32 gsi;
	bool level, low;

	MADT_ADD(1, 12, 5, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0);
	MADT_ADD(1, 12, 6, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0); /* same place */
	MADT_ADD(1, 12, 6, 0, 0, 0x10, 0xc0, 0xfe, 24, 0, 0, 0);
	MADT_ADD(1, 12, 6, 0, 0, 0, 0, 0, 48, 0, 0, 0); /* nowhere */
	MADT_ADD(2, 10, 0, 0, 2, 0, 0, 0, 0, 0);
	MADT_ADD(2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0);
	MADT_ADD(2, 10, 0, 5, 5, 0, 0, 0, 0x0d, 0);
	MADT_ADD(2, 10, 0, 16, 5, 0, 0, 0, 0x0d, 0); /* no ISA interrupt */
	MADT_ADD(2, 10, 1, 3, 5, 0, 0, 0, 0x0d, 0);  /* no ISA bus */
	parse();
	cr_assert_eq(info.nr_ioapics, 2);
	cr_assert_eq(info.ioapics[1].gsi_base, 24);
	cr_assert_eq(info.nr_overrides, 3);
	acpi_isa_irq(&info, 0, &gsi, &level, &low);
	cr_assert(gsi == 2 && !level && !low);
	acpi_isa_irq(&info, 9, &gsi, &level, &low);
	cr_assert(gsi == 9 && level && low);
	acpi_isa_irq(&info, 5, &gsi, &level, &low);
	cr_assert(gsi == 5 && level && !low);
	acpi_isa_irq(&info, 4, &gsi, &level, &low);
	cr_assert(gsi == 4 && !level && !low);
}

Test(acpi, nmis_and_lapic_address)
{
	MADT_ADD(4, 6, 0xff, 5, 0, 1);
	MADT_ADD(4, 6, 3, 0x0f, 0, 0);
	MADT_ADD(4, 6, 3, 0, 0, 2); /* no such pin */
	MADT_ADD(10, 12, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0);
	MADT_ADD(5, 12, 0, 0, 0, 0, 0xe0, 0xfe, 1, 0, 0, 0);
	parse();
	cr_assert_eq(info.nr_nmis, 3);
	cr_assert(info.nmis[0].acpi_id == ACPI_EVERY_CPU && info.nmis[0].lint == 1);
	cr_assert(info.nmis[1].acpi_id == 3 && info.nmis[1].level && info.nmis[1].low);
	cr_assert_eq(info.nmis[2].acpi_id, ACPI_EVERY_CPU);
	cr_assert_eq(info.lapic_addr, 0x1fee00000);
}

Test(acpi, entries_that_lie)
{
	MADT_ADD(0, 8, 7, 3, 1, 0, 0, 0);
	MADT_ADD(1, 4, 0, 0);  /* too short for its type: skipped */
	MADT_ADD(77, 4, 0, 0); /* unknown: skipped */
	MADT_ADD(0, 8, 8, 4, 1, 0, 0, 0);
	MADT_ADD(0, 0, 9, 5, 1, 0, 0, 0); /* without length: the end */
	parse();
	cr_assert_eq(info.nr_cpus, 2);
	cr_assert_eq(info.ioapics[0].addr, 0xfec00000);

	reset();
	MADT_ADD(0, 8, 7, 3, 1, 0, 0, 0);
	MADT_ADD(0, 200, 9, 5, 1, 0, 0, 0); /* beyond the table */
	parse();
	cr_assert_eq(info.nr_cpus, 1);

	reset();
	MADT_ADD(0); /* one byte left over */
	parse();
	cr_assert(info.has_madt);
}

/* ---- SRAT, SLIT ---- */

static u32 srat_len;

static void srat_add(u8 type, u8 len, const u64 (*fields)[3])
{
	u8 *e = memory + SRAT + srat_len;

	memset(e, 0, len);
	e[0] = type;
	e[1] = len;
	for (; (*fields)[2]; fields++) /* offset, value, size */
		memcpy(e + (*fields)[0], &(*fields)[1], (*fields)[2]);
	srat_len += len;
	table(SRAT, "SRAT", srat_len);
}

static void cpu_of(u32 apic_id, u32 domain)
{
	srat_add(0, 16,
		 (const u64[][3]){ { 2, domain, 1 },
				   { 3, apic_id, 1 },
				   { 4, 1, 4 },
				   { 9, domain >> 8, 3 },
				   { 0 } });
}

static void memory_of(u64 start, u64 size, u32 domain, u32 flags)
{
	srat_add(1, 40,
		 (const u64[][3]){ { 2, domain, 4 },
				   { 8, start, 8 },
				   { 16, size, 8 },
				   { 28, flags, 4 },
				   { 0 } });
}

/* Two processors, two nodes, which firmware calls 0x107 and 1. */
static void two_nodes(void)
{
	xsdt((const u64[]){ SRAT, SLIT, MADT }, 3);
	MADT_ADD(0, 8, 0, 3, 1, 0, 0, 0);
	MADT_ADD(9, 16, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, 11, 0, 0, 0);
	srat_len = 48;
	memory_of(0, 0x80000000, 0x107, 1);
	memory_of(0x100000000, 0x80000000, 1, 1);
	cpu_of(3, 0x107);
	srat_add(2, 24, (const u64[][3]){ { 4, 1, 4 }, { 8, 0x200, 4 }, { 12, 1, 4 }, { 0 } });
}

Test(acpi, nodes)
{
	two_nodes();
	memory_of(0x80000000, 0x80000000, 77, 0); /* not used */
	memory_of(0x200000000, 0, 1, 1);
	cpu_of(9, 1); /* there is none such */
	parse();
	cr_assert_eq(info.nr_nodes, 2);
	cr_assert(info.cpus[0].node == 0 && info.cpus[1].node == 1);
	cr_assert_eq(info.nr_memory, 2);
	cr_assert(info.memory[1].start == 0x100000000 && info.memory[1].end == 0x180000000 &&
		  info.memory[1].node == 1);
	cr_assert(info.distance[0][0] == 10 && info.distance[0][1] == 20);
}

Test(acpi, distances)
{
	two_nodes();
	put(SLIT + 36, 0x108, 8);
	memset(memory + SLIT + 44, 255, 0x108 * 0x108);
	memory[SLIT + 44 + 0x107 * 0x108 + 1] = 31;
	memory[SLIT + 44 + 1 * 0x108 + 0x107] = 3; /* nearer than itself: a lie */
	table(SLIT, "SLIT", 44 + 0x108 * 0x108);
	parse();
	cr_assert(info.distance[0][1] == 31 && info.distance[1][0] == 20);
	table(SLIT, "SLIT", 44 + 0x107 * 0x108); /* too short for its last row */
	parse();
	cr_assert_eq(info.distance[0][1], 20);
	put(SLIT + 36, 1UL << 63, 8);
	table(SLIT, "SLIT", 100);
	parse();
	cr_assert_eq(info.distance[0][1], 20);
}

Test(acpi, nodes_that_lie)
{
	two_nodes();
	memory_of(0x17ffff000, 0x1000, 0x107, 1); /* another's */
	parse();
	cr_assert(info.nr_nodes == 1 && info.nr_memory == 0 && info.cpus[1].node == 0);
	two_nodes();
	memory_of(~0xfffUL, 0x2000, 1, 1);
	parse();
	cr_assert_eq(info.nr_nodes, 1);
	two_nodes();
	for (u32 i = 0; i < MAX_NODES; i++)
		cpu_of(3, 1000 + i);
	parse();
	cr_assert(info.nr_nodes == 1 && info.cpus[0].node == 0);
	two_nodes();
	for (u32 i = 0; i < ACPI_MAX_MEMORY; i++)
		memory_of(0x300000000 + i * 0x1000, 0x1000, 1, 1);
	parse();
	cr_assert_eq(info.nr_nodes, 1);
	two_nodes();
	srat_add(1, 24, (const u64[][3]){ { 8, 0, 8 }, { 16, 0x1000, 8 }, { 0 } }); /* too short */
	memory[SRAT + srat_len++] = 1; /* half an entry */
	memory[SRAT + srat_len++] = 40;
	table(SRAT, "SRAT", srat_len);
	parse();
	cr_assert(info.nr_nodes == 2 && info.nr_memory == 2);
}

/* ---- FADT, \_S5 ---- */

static void fadt(u32 len)
{
	put(FADT + 40, DSDT, 4);
	put(FADT + 48, 0xb2, 4);
	memory[FADT + 52] = 0xf1;
	put(FADT + 64, 0x604, 4);
	put(FADT + 76, 0x608, 4);
	memory[FADT + 91] = 4;
	put(FADT + 112, BIT(8) | BIT(10), 4);
	memory[FADT + 116] = ACPI_SPACE_IO;
	memory[FADT + 117] = 8;
	put(FADT + 120, 0xcf9, 8);
	memory[FADT + 128] = 6;
	table(FADT, "FACP", len);
}

static void dsdt(const void *aml, u32 len)
{
	memset(memory + DSDT, 0, 0x1000);
	memcpy(memory + DSDT + 36, aml, len);
	table(DSDT, "DSDT", 36 + len);
}
#define DSDT_OF(...) dsdt((const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

Test(acpi, fixed_hardware)
{
	fadt(244);
	DSDT_OF(0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 5, 0x0b, 3, 0, 0, 0);
	parse();
	cr_assert(info.has_fadt && info.smi_cmd == 0xb2 && info.acpi_enable == 0xf1);
	cr_assert(info.pm1a_cnt == 0x604 && info.pm1b_cnt == 0);
	cr_assert(info.pm_timer == 0x608 && info.pm_timer_32bit);
	cr_assert(info.reset.space == ACPI_SPACE_IO && info.reset.address == 0xcf9 &&
		  info.reset_value == 6);
	cr_assert(info.has_s5 && info.s5_a == 5 && info.s5_b == 3);
}

Test(acpi, extended_fields_win_where_they_are_ports)
{
	fadt(244);
	memory[FADT + 172] = ACPI_SPACE_IO;
	put(FADT + 176, 0x704, 8);
	memory[FADT + 208] = ACPI_SPACE_MEMORY;
	put(FADT + 212, 0xfed00000, 8);
	put(FADT + 68, 0x10000, 4); /* no port */
	table(FADT, "FACP", 244);
	parse();
	cr_assert(info.pm1a_cnt == 0x704 && info.pm_timer == 0x608 && info.pm1b_cnt == 0);
}

Test(acpi, short_and_reduced_fadt)
{
	fadt(116);
	parse();
	cr_assert(info.has_fadt && info.pm1a_cnt == 0x604 && info.reset.address == 0);
	fadt(100);
	parse();
	cr_assert_not(info.has_fadt);
	fadt(244);
	put(FADT + 112, BIT(20), 4);
	table(FADT, "FACP", 244);
	parse();
	cr_assert(info.has_fadt && info.pm1a_cnt == 0 && info.pm_timer == 0);
}

Test(acpi, s5_that_is_none)
{
	fadt(244);
	DSDT_OF('_', 'S', '5', '_');
	parse();
	cr_assert_not(info.has_s5);
	DSDT_OF('_', 'S', '5', '_', 0x12, 0x06, 0x02, 0x0a);
	parse();
	cr_assert_not(info.has_s5);
	DSDT_OF('_', 'S', '5', '_', 0x12, 0xc6, 0x02, 0x0a, 7);
	parse();
	cr_assert_not(info.has_s5);
	DSDT_OF('_', 'S', '5', '_', 0x12, 0x06, 0x00, 0x0a, 7, 0, 0);
	parse();
	cr_assert_not(info.has_s5);
	DSDT_OF('_', 'S', '5', '_', 0x12, 0x06, 0x02, 0x70, 7, 0, 0); /* no constant */
	parse();
	cr_assert_not(info.has_s5);
	/* a mention first, then the thing: One, and a package of one element */
	DSDT_OF('_', 'S', '5', '_', 0x70, '_', 'S', '5', '_', 0x12, 0x04, 0x01, 0x01, 0);
	parse();
	cr_assert(info.has_s5 && info.s5_a == 1 && info.s5_b == 0);
}

/* ---- the others ---- */

Test(acpi, mcfg)
{
	put(MCFG + 44, 0xb0000000, 8);
	put(MCFG + 54, 0xff00, 2);
	put(MCFG + 60, 0xb0000123, 8); /* not aligned */
	put(MCFG + 76, 0xc0000000, 8);
	put(MCFG + 86, 0x0005, 2); /* ends before it starts */
	table(MCFG, "MCFG", 44 + 48 + 7);
	parse();
	cr_assert_eq(info.nr_mcfg, 1);
	cr_assert(info.mcfg[0].base == 0xb0000000 && info.mcfg[0].last_bus == 255);
	for (unsigned i = 0; i < 30; i++)
		put(MCFG + 44 + 16 * i, 0xb0000000, 8);
	table(MCFG, "MCFG", 44 + 16 * 30);
	parse();
	cr_assert_eq(info.nr_mcfg, ACPI_MAX_MCFG);
}

Test(acpi, hpet)
{
	put(HPET + 44, 0xfed00000, 8);
	table(HPET, "HPET", 56);
	parse();
	cr_assert_eq(info.hpet_addr, 0xfed00000);
	memory[HPET + 40] = ACPI_SPACE_IO;
	table(HPET, "HPET", 56);
	parse();
	cr_assert_eq(info.hpet_addr, 0);
}
