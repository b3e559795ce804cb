/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables, read once: RSDP, XSDT or RSDT, MADT, FADT, MCFG, HPET, SRAT, SLIT and \_S5 of
 * the DSDT.
 *
 * Firmware writes them, so nothing in them is believed: every length is checked against what was
 * mapped, lists are bounded, and a table that does not add up is left out with a sentence. The
 * parser needs no machine: it sees memory through a function (tests/fuzz/fuzz_acpi.c).
 */
#include "x86/acpi.h"

#include "lib/log.h"
#include "lib/string.h"
#include "x86/boot.h"
#include "x86/cpu.h"

#define HEADER 36 /* bytes common to all tables */
#define MAX_TABLES 128
#define SLIT_MAX 1024 /* nodes: what the largest table has room for */
#define DEFAULT_LAPIC 0xfee00000UL
#define DEFAULT_IOAPIC 0xfec00000U

struct acpi_info acpi_info;

/* What acpi_parse() was given. */
static struct acpi_info *info __initdata;
static acpi_map_fn *map __initdata;

/* A table that was mapped whole and whose checksum is right, or an entry of one. */
struct table {
	const u8 *at;
	u32 len;
};

/* ---- reading ---- */

/* Little-endian field of `size` bytes; 0 where the table is too short to have it. */
static u64 __init field(const struct table *t, u32 off, unsigned size)
{
	u64 v = 0;

	if (off <= t->len && t->len - off >= size)
		memcpy(&v, t->at + off, size);
	return v;
}

/* Each entry (type, length, ...) of t from byte `off` on. */
static void __init for_each_entry(const struct table *t, const char *sig, u32 off,
				  void (*fn)(const struct table *e))
{
	struct table e;

	for (; off + 2 <= t->len; off += e.len) {
		e = (struct table){ t->at + off, t->at[off + 1] };
		if (e.len < 2 || e.len > t->len - off) {
			log_warn("ACPI: the %s breaks off at byte %u\n", sig, off);
			return;
		}
		fn(&e);
	}
}

static u8 __init sum(const u8 *p, u32 len)
{
	u8 s = 0;

	while (len--)
		s += *p++;
	return s;
}

/* Map the table at addr if its signature is `sig`. */
static bool __init map_table(u64 addr, const char *sig, struct table *t)
{
	const u8 *head = addr ? map(addr, HEADER) : NULL;
	const char *wrong;

	if (!head || memcmp(head, sig, 4) != 0)
		return false;
	memcpy(&t->len, head + 4, sizeof(t->len));
	if (t->len < HEADER || t->len > ACPI_MAX_TABLE) {
		wrong = "has an impossible length";
	} else {
		t->at = map(addr, t->len);
		wrong = !t->at             ? "is outside memory" :
			sum(t->at, t->len) ? "has a wrong checksum" :
					     NULL;
	}
	if (wrong)
		log_warn("ACPI: table %s at 0x%lx %s; it is ignored\n", sig, addr, wrong);
	return !wrong;
}

/* ---- MADT ---- */

static void __init add_cpu(u32 apic_id, u32 acpi_id, u32 flags)
{
	if (!(flags & BIT(0)) || info->nr_cpus == ACPI_MAX_CPUS) /* bit 0: enabled */
		return;
	for (u32 i = 0; i < info->nr_cpus; i++)
		if (info->cpus[i].apic_id == apic_id)
			return; /* named again as an x2APIC, or a lie */
	info->cpus[info->nr_cpus++] = (struct acpi_cpu){ apic_id, acpi_id, 0 };
}

static void __init add_ioapic(const struct table *e)
{
	struct acpi_ioapic a = { field(e, 2, 1), field(e, 4, 4), field(e, 8, 4) };

	for (u32 i = 0; i < info->nr_ioapics; i++)
		if (info->ioapics[i].addr == a.addr || info->ioapics[i].gsi_base == a.gsi_base)
			return;
	if (a.addr == 0 || a.addr & 0xf || info->nr_ioapics == ACPI_MAX_IOAPICS)
		log_warn("ACPI: IO-APIC at 0x%x is not usable\n", a.addr);
	else
		info->ioapics[info->nr_ioapics++] = a;
}

/* Flags of the specification ("MPS INTI"): 0 as the bus has it, 1 high / edge, 3 low / level. */
static bool __init inti_low(u16 flags)
{
	return (flags & 3) == 3;
}

static bool __init inti_level(u16 flags)
{
	return (flags >> 2 & 3) == 3;
}

static void __init add_override(const struct table *e)
{
	u16 flags = field(e, 8, 2);
	struct acpi_override o = { field(e, 3, 1), field(e, 4, 4), inti_level(flags),
				   inti_low(flags) };

	if (field(e, 2, 1) != 0 || o.irq > 15 || info->nr_overrides == ACPI_MAX_OVERRIDES)
		log_warn("ACPI: override of interrupt %u is ignored\n", o.irq);
	else
		info->overrides[info->nr_overrides++] = o;
}

static void __init add_nmi(u32 acpi_id, u16 flags, u8 lint)
{
	if (lint <= 1 && info->nr_nmis < ACPI_MAX_NMIS)
		info->nmis[info->nr_nmis++] =
			(struct acpi_nmi){ acpi_id, lint, inti_level(flags), inti_low(flags) };
}

static void __init madt_entry(const struct table *e)
{
	static const u8 least[] = {
		[0] = 8, [1] = 12, [2] = 10, [4] = 6, [5] = 12, [9] = 16, [10] = 12
	};
	u8 type = e->at[0];

	if (type >= ARRAY_SIZE(least) || least[type] == 0)
		return;
	if (e->len < least[type]) {
		log_warn("ACPI: MADT entry of type %u has only %u bytes; it is ignored\n", type,
			 e->len);
		return;
	}
	if (type == 0 && e->at[3] != 0xff)
		add_cpu(e->at[3], e->at[2], field(e, 4, 4));
	else if (type == 1)
		add_ioapic(e);
	else if (type == 2)
		add_override(e);
	else if (type == 4)
		add_nmi(e->at[2] == 0xff ? ACPI_EVERY_CPU : e->at[2], field(e, 3, 2), e->at[5]);
	else if (type == 5)
		info->lapic_addr = field(e, 4, 8);
	else if (type == 9 && field(e, 4, 4) != ~0U)
		add_cpu(field(e, 4, 4), field(e, 12, 4), field(e, 8, 4));
	else if (type == 10)
		add_nmi(field(e, 4, 4), field(e, 2, 2), e->at[8]);
}

static void __init parse_madt(const struct table *t)
{
	if (info->has_madt || t->len < 44)
		return;
	info->has_madt = true;
	info->lapic_addr = field(t, 36, 4);
	for_each_entry(t, "MADT", 44, madt_entry);
}

/* ---- FADT and \_S5 ---- */

/* An integer in AML at *p: Zero, One, Ones, byte, word or dword constant. False: something else. */
static bool __init aml_integer(const u8 **p, const u8 *end, u32 *value)
{
	static const u8 sizes[] = { [0x0a] = 1, [0x0b] = 2, [0x0c] = 4 };
	u8 op;

	if (*p >= end)
		return false;
	op = *(*p)++;
	*value = op;
	if (op <= 1 || op == 0xff)
		return true;
	if (op >= ARRAY_SIZE(sizes) || sizes[op] == 0 || end - *p < sizes[op])
		return false;
	*value = 0;
	memcpy(value, *p, sizes[op]);
	*p += sizes[op];
	return true;
}

/* Is p, just behind a name "_S5_", its package: Name (_S5_, Package (n) { a, b, ... }) ? */
static bool __init aml_s5(const u8 *p, const u8 *end)
{
	u32 a, b = 0;
	u8 n;

	if (end - p < 4 || *p++ != 0x12)
		return false;
	p += 1 + (*p >> 6); /* its length: 1 to 4 bytes, as the first one's top bits say */
	if (p >= end)
		return false;
	n = *p++;
	if (n == 0 || !aml_integer(&p, end, &a) || (n > 1 && !aml_integer(&p, end, &b)))
		return false;
	info->s5_a = a & 7;
	info->s5_b = b & 7;
	return true;
}

static void __init find_s5(const struct table *dsdt)
{
	const u8 *p = dsdt->at + HEADER, *end = dsdt->at + dsdt->len;

	for (; end - p > 4 && !info->has_s5; p++)
		if (*p == '_' && memcmp(p, "_S5_", 4) == 0)
			info->has_s5 = aml_s5(p + 4, end);
}

/* A port from the old field at `off`, or from the generic address at `xoff` where that is one. */
static u16 __init fadt_port(const struct table *t, u32 off, u32 xoff)
{
	u64 port = field(t, off, 4), x = field(t, xoff + 4, 8);

	if (x && field(t, xoff, 1) == ACPI_SPACE_IO)
		port = x;
	if (port < 0x10000)
		return port;
	log_warn("ACPI: the FADT names port 0x%lx; it is ignored\n", port);
	return 0;
}

static void __init parse_fadt(const struct table *t)
{
	u32 flags = field(t, 112, 4);
	u64 dsdt_addr = field(t, 140, 8);
	struct table dsdt;

	if (info->has_fadt || t->len < 116)
		return;
	info->has_fadt = true;
	info->smi_cmd = field(t, 48, 4) < 0x10000 ? field(t, 48, 4) : 0;
	info->acpi_enable = field(t, 52, 1);
	if (!(flags & BIT(20))) { /* "hardware reduced": no such registers */
		info->pm1a_cnt = fadt_port(t, 64, 172);
		info->pm1b_cnt = fadt_port(t, 68, 184);
		if (field(t, 91, 1) == 4)
			info->pm_timer = fadt_port(t, 76, 208);
		info->pm_timer_32bit = flags & BIT(8);
	}
	if (flags & BIT(10)) {
		info->reset = (struct acpi_register){ field(t, 116, 1), field(t, 117, 1),
						      field(t, 120, 8) };
		info->reset_value = field(t, 128, 1);
	}
	if (map_table(dsdt_addr ? dsdt_addr : field(t, 40, 4), "DSDT", &dsdt))
		find_s5(&dsdt);
}

/* ---- the small ones ---- */

static void __init parse_mcfg(const struct table *t)
{
	for (u32 off = 44; off + 16 <= t->len && info->nr_mcfg < ACPI_MAX_MCFG; off += 16) {
		struct acpi_mcfg m = { field(t, off, 8), field(t, off + 8, 2),
				       field(t, off + 10, 1), field(t, off + 11, 1) };

		if (m.base == 0 || m.base & (PAGE_SIZE - 1) || m.first_bus > m.last_bus)
			log_warn("ACPI: MCFG entry %u is ignored\n", (off - 44) / 16);
		else
			info->mcfg[info->nr_mcfg++] = m;
	}
}

static void __init parse_hpet(const struct table *t)
{
	if (info->hpet_addr == 0 && field(t, 40, 1) == ACPI_SPACE_MEMORY)
		info->hpet_addr = field(t, 44, 8);
}

/* ---- nodes: read when all is known that they are of ---- */

static struct table srat __initdata, slit __initdata; /* len 0: there is none */
static u32 proximity[MAX_NODES] __initdata;           /* what firmware calls each node */
static bool srat_lies __initdata;

static void __init keep_srat(const struct table *t)
{
	srat = *t;
}

static void __init keep_slit(const struct table *t)
{
	slit = *t;
}

static u32 __init node_of(u32 domain)
{
	u32 i = 0;

	while (i < info->nr_nodes && proximity[i] != domain)
		i++;
	if (i == MAX_NODES) {
		srat_lies = true;
		return 0;
	}
	if (i == info->nr_nodes)
		proximity[info->nr_nodes++] = domain;
	return i;
}

static void __init cpu_in_node(u32 apic_id, u32 node)
{
	for (u32 i = 0; i < info->nr_cpus; i++)
		if (info->cpus[i].apic_id == apic_id)
			info->cpus[i].node = node;
}

static void __init memory_in_node(u64 start, u64 size, u32 node)
{
	u64 end;

	srat_lies |=
		__builtin_add_overflow(start, size, &end) || info->nr_memory == ACPI_MAX_MEMORY;
	for (u32 i = 0; i < info->nr_memory; i++)
		srat_lies |= info->memory[i].node != node && start < info->memory[i].end &&
			     end > info->memory[i].start;
	if (!srat_lies && size)
		info->memory[info->nr_memory++] = (struct acpi_memory){ start, end, node };
}

/* What is too short has no flag that says it is used. */
static void __init srat_entry(const struct table *e)
{
	u8 type = e->at[0];

	if (type == 0 && field(e, 4, 4) & 1)
		cpu_in_node(e->at[3], node_of(e->at[2] | (u32)field(e, 9, 3) << 8));
	else if (type == 1 && field(e, 28, 4) & 1)
		memory_in_node(field(e, 8, 8), field(e, 16, 8), node_of(field(e, 2, 4)));
	else if (type == 2 && field(e, 12, 4) & 1)
		cpu_in_node(field(e, 8, 4), node_of(field(e, 4, 4)));
}

static u8 __init distance(u32 a, u32 b)
{
	u64 n = field(&slit, 36, 8), from = proximity[a], to = proximity[b];
	bool has = n <= SLIT_MAX && from < n && to < n;
	u8 said = has ? field(&slit, 44 + from * n + to, 1) : 0;

	return a == b ? ACPI_NEAR : said > ACPI_NEAR ? said : ACPI_FAR;
}

static void __init find_nodes(void)
{
	for_each_entry(&srat, "SRAT", 48, srat_entry);
	if (srat_lies) {
		log_warn("ACPI: the SRAT contradicts itself; all is taken for one node\n");
		for (u32 i = 0; i < info->nr_cpus; i++)
			info->cpus[i].node = 0;
		info->nr_nodes = info->nr_memory = 0;
	}
	info->nr_nodes = MAX(info->nr_nodes, 1U);
	for (u32 a = 0; a < info->nr_nodes; a++)
		for (u32 b = 0; b < info->nr_nodes; b++)
			info->distance[a][b] = distance(a, b);
}

/* ---- the root ---- */

static void __init parse_one(u64 addr)
{
	static const struct {
		char sig[5];
		void (*parse)(const struct table *t);
	} parsers[] = { { "APIC", parse_madt }, { "FACP", parse_fadt }, { "MCFG", parse_mcfg },
			{ "HPET", parse_hpet }, { "SRAT", keep_srat },  { "SLIT", keep_slit } };
	struct table t;

	for (unsigned i = 0; i < ARRAY_SIZE(parsers); i++)
		if (map_table(addr, parsers[i].sig, &t))
			parsers[i].parse(&t);
}

/* The list of tables at addr, of 4-byte (RSDT) or 8-byte (XSDT) addresses. */
static bool __init parse_list(u64 addr, const char *sig, u32 width)
{
	struct table t;
	u32 n = 0;

	if (!map_table(addr, sig, &t))
		return false;
	for (u32 off = HEADER; t.len - off >= width && n < MAX_TABLES; off += width, n++)
		parse_one(field(&t, off, width));
	return true;
}

static bool __init rsdp_at(const u8 *p)
{
	return memcmp(p, "RSD PTR ", 8) == 0 && sum(p, 20) == 0;
}

static u64 __init scan_rsdp(u64 start, u64 size)
{
	const u8 *p = map(start, size);

	for (u64 off = 0; p && off + 20 <= size; off += 16)
		if (rsdp_at(p + off))
			return start + off;
	return 0;
}

static u64 __init find_rsdp(void)
{
	const u8 *p = map(0x40e, 2); /* the BIOS data area names the extended one */
	u64 ebda = p ? (u64)(p[0] | p[1] << 8) << 4 : 0, found = 0;

	if (ebda >= 0x1000 && ebda <= 0xa0000 - 1024)
		found = scan_rsdp(ebda, 1024);
	return found ? found : scan_rsdp(0xe0000, 0x20000);
}

static void __init parse_root(void)
{
	struct table rsdp = { map(info->rsdp, 20), 20 };
	bool done = false;

	if (!rsdp.at || !rsdp_at(rsdp.at)) {
		log_warn("ACPI: no root pointer at 0x%lx\n", info->rsdp);
		info->rsdp = 0;
		return;
	}
	if (rsdp.at[15] >= 2) {
		struct table longer = { map(info->rsdp, 36), 36 };

		done = longer.at && sum(longer.at, 36) == 0 &&
		       parse_list(field(&longer, 24, 8), "XSDT", 8);
	}
	if (!done && !parse_list(field(&rsdp, 16, 4), "RSDT", 4))
		log_warn("ACPI: the root pointer at 0x%lx leads to no list of tables\n",
			 info->rsdp);
}

/* What a machine without a usable MADT has. */
static void __init fill_defaults(void)
{
	if (info->nr_cpus == 0) {
		log_warn("ACPI: no processors listed; using only the one that booted\n");
		info->nr_cpus = 1;
	}
	if (info->nr_ioapics == 0)
		info->ioapics[info->nr_ioapics++].addr = DEFAULT_IOAPIC;
	if (info->lapic_addr == 0 || info->lapic_addr & (PAGE_SIZE - 1))
		info->lapic_addr = DEFAULT_LAPIC;
}

void __init acpi_parse(struct acpi_info *to, u64 rsdp, acpi_map_fn *how)
{
	info = to;
	map = how;
	memset(info, 0, sizeof(*info));
	srat.len = slit.len = 0;
	srat_lies = false;
	info->rsdp = rsdp ? rsdp : find_rsdp();
	if (info->rsdp)
		parse_root();
	fill_defaults();
	find_nodes();
}

static const void __init *map_checked(u64 maddr, u64 size)
{
	u64 end;

	if (__builtin_add_overflow(maddr, size, &end) || end > BIT(phys_addr_bits))
		return NULL;
	return map_firmware(maddr, size);
}

void __init acpi_init(void)
{
	acpi_parse(&acpi_info, boot_info.rsdp, map_checked);
	log_info("ACPI: %u processors, %u IO-APICs, PM timer %s, HPET %s, S5 %s\n",
		 acpi_info.nr_cpus, acpi_info.nr_ioapics, acpi_info.pm_timer ? "yes" : "no",
		 acpi_info.hpet_addr ? "yes" : "no", acpi_info.has_s5 ? "yes" : "no");
	if (acpi_info.nr_nodes > 1)
		log_info("ACPI: %u nodes of processors and memory\n", acpi_info.nr_nodes);
}

void acpi_isa_irq(const struct acpi_info *ai, u8 irq, u32 *gsi, bool *level, bool *low)
{
	struct acpi_override found = { .gsi = irq };

	for (u32 i = 0; i < ai->nr_overrides; i++)
		if (ai->overrides[i].irq == irq)
			found = ai->overrides[i];
	*gsi = found.gsi;
	*level = found.level;
	*low = found.low;
}
