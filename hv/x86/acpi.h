/* SPDX-License-Identifier: MIT */
/* What the ACPI tables say about the machine, checked and copied out once at start. */
#ifndef X86_ACPI_H
#define X86_ACPI_H

#include "mm/page.h"

#define ACPI_MAX_CPUS 512
#define ACPI_MAX_IOAPICS 16
#define ACPI_MAX_OVERRIDES 16
#define ACPI_MAX_NMIS 16
#define ACPI_MAX_MCFG 16
#define ACPI_MAX_MEMORY 64
#define ACPI_NEAR 10         /* distance of a node to itself */
#define ACPI_FAR 20          /* of two that nothing is said of */
#define ACPI_EVERY_CPU (~0U) /* acpi_nmi.acpi_id: of all processors */

struct acpi_cpu {
	u32 apic_id, acpi_id, node;
};

struct acpi_ioapic {
	u8 id;
	u32 addr, gsi_base;
};

/* ISA interrupt `irq` arrives at `gsi`, not at the pin of its own number. */
struct acpi_override {
	u8 irq;
	u32 gsi;
	bool level, low;
};

/* An NMI source wired to LINT0 or LINT1 of a processor. */
struct acpi_nmi {
	u32 acpi_id;
	u8 lint;
	bool level, low;
};

struct acpi_mcfg {
	u64 base; /* of bus 0 of the segment, whatever first_bus is */
	u16 segment;
	u8 first_bus, last_bus;
};

/* Memory of a node. */
struct acpi_memory {
	u64 start, end;
	u32 node;
};

/* A register anywhere ("generic address"). space ACPI_SPACE_*; address 0: there is none. */
struct acpi_register {
	u8 space, bits;
	u64 address;
};
enum { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_IO = 1, ACPI_SPACE_PCI = 2 };

/* All [I after acpi_init()]. A port number 0 means: no such register. */
struct acpi_info {
	u64 rsdp; /* machine address; 0 = this machine has no ACPI */
	bool has_madt, has_fadt;
	u64 lapic_addr;
	struct acpi_cpu cpus[ACPI_MAX_CPUS]; /* enabled ones, at least one; in any order */
	u32 nr_cpus;
	struct acpi_ioapic ioapics[ACPI_MAX_IOAPICS];
	u32 nr_ioapics;
	struct acpi_override overrides[ACPI_MAX_OVERRIDES];
	u32 nr_overrides;
	struct acpi_nmi nmis[ACPI_MAX_NMIS];
	u32 nr_nmis;

	u16 smi_cmd;
	u8 acpi_enable; /* written to smi_cmd: firmware hands over what is below */
	u16 pm1a_cnt, pm1b_cnt;
	u16 pm_timer;        /* 3.579545 MHz counter */
	bool pm_timer_32bit; /* else 24 */
	struct acpi_register reset;
	u8 reset_value;
	bool has_s5;
	u8 s5_a, s5_b; /* SLP_TYP values of \_S5 */

	struct acpi_mcfg mcfg[ACPI_MAX_MCFG];
	u32 nr_mcfg;
	u64 hpet_addr; /* 0 = none */

	u32 nr_nodes; /* at least one; numbered as they are named first */
	struct acpi_memory memory[ACPI_MAX_MEMORY];
	u32 nr_memory; /* 0: all is of node 0 */
	u8 distance[MAX_NODES][MAX_NODES];
};
extern struct acpi_info acpi_info;

/*
 * How the parser sees memory: `size` bytes at a machine address, readable until the parser returns,
 * or NULL. It never asks for more than ACPI_MAX_TABLE bytes.
 */
typedef const void *acpi_map_fn(u64 maddr, u64 size);
#define ACPI_MAX_TABLE (1UL << 20)

/*
 * Read all tables into *to; rsdp = 0: look for it in the BIOS areas. A table that is truncated,
 * has a wrong checksum or lies about its lengths is skipped with a sentence. Without a usable MADT,
 * *to describes one processor (APIC id 0) and one IO-APIC at 0xfec00000; without a usable SRAT, one
 * node. Never fails.
 */
void acpi_parse(struct acpi_info *to, u64 rsdp, acpi_map_fn *map);

/* Boot processor, once, after map_firmware() works: fill acpi_info. */
void acpi_init(void);

/* GSI, trigger and polarity of an ISA interrupt (0-15). */
void acpi_isa_irq(const struct acpi_info *ai, u8 irq, u32 *gsi, bool *level, bool *low);

#endif
