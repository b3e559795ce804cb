/* SPDX-License-Identifier: MIT */
/*
 * Fuzzer of the ACPI parser: the input is the machine's memory from address 0x1000, wherever the
 * tables point.
 *	clang -fsanitize=fuzzer,address,undefined -Ihv -Ipv-abi -DPV_ABI_HYPERVISOR \
 *		tests/fuzz/fuzz_acpi.c hv/x86/acpi.c
 * With -DFUZZ_MAIN it reads one image of physical memory (from address 0) and prints what it found.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "x86/acpi.h"
#include "x86/boot.h"
#include "x86/cpu.h"

struct boot_info boot_info;
u32 phys_addr_bits = 40;

static const u8 *memory;
static u64 memory_start, memory_size;
static void *lent[4096]; /* exact copies of what was mapped, so that a byte too far is seen */
static unsigned nr_lent;

void log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
#ifdef FUZZ_MAIN
	vprintf(fmt, ap);
#else
	vsnprintf((char[256]){ 0 }, 256, fmt, ap);
#endif
	va_end(ap);
}

static const void *fuzz_map(u64 maddr, u64 size)
{
	if (size > ACPI_MAX_TABLE)
		abort(); /* the parser's promise */
	if (maddr < memory_start || maddr - memory_start > memory_size ||
	    memory_size - (maddr - memory_start) < size || nr_lent == ARRAY_SIZE(lent))
		return NULL;
	lent[nr_lent] = malloc(size);
	memcpy(lent[nr_lent], memory + (maddr - memory_start), size);
	return lent[nr_lent++];
}

void *map_firmware(u64 maddr, u64 size)
{
	return (void *)fuzz_map(maddr, size);
}

static void check(const struct acpi_info *i)
{
	if (i->nr_cpus == 0 || i->nr_cpus > ACPI_MAX_CPUS || i->nr_ioapics == 0 ||
	    i->nr_ioapics > ACPI_MAX_IOAPICS || i->nr_overrides > ACPI_MAX_OVERRIDES ||
	    i->nr_mcfg > ACPI_MAX_MCFG || i->nr_nmis > ACPI_MAX_NMIS || i->s5_a > 7 || i->s5_b > 7)
		abort();
	if (i->nr_nodes == 0 || i->nr_nodes > MAX_NODES || i->nr_memory > ACPI_MAX_MEMORY)
		abort();
	for (u32 n = 0; n < i->nr_memory; n++)
		if (i->memory[n].node >= i->nr_nodes || i->memory[n].start >= i->memory[n].end)
			abort();
	for (u32 n = 0; n < i->nr_cpus; n++)
		if (i->cpus[n].node >= i->nr_nodes)
			abort();
	for (u32 n = 0; n < i->nr_nodes; n++)
		if (i->distance[n][n] != ACPI_NEAR)
			abort();
}

static void parse(const u8 *data, size_t size, u64 start, u64 rsdp)
{
	static struct acpi_info info;

	memory = data;
	memory_start = start;
	memory_size = size;
	acpi_parse(&info, rsdp, fuzz_map);
	check(&info);
	while (nr_lent)
		free(lent[--nr_lent]);
#ifdef FUZZ_MAIN
	printf("nodes %u memory %u rsdp %#lx lapic %#lx cpus %u ioapics %u (%#x) overrides %u sci "
	       "%u pm1a %#x/%#x "
	       "timer %#x/%d "
	       "reset %u:%#lx=%u s5 %d:%u,%u mcfg %u (%#lx) hpet %#lx smi %#x\n",
	       info.nr_nodes, info.nr_memory, info.rsdp, info.lapic_addr, info.nr_cpus,
	       info.nr_ioapics, info.ioapics[0].addr, info.nr_overrides, info.pm1a_cnt,
	       info.pm_timer, info.pm_timer_32bit, info.reset.space, info.reset.address,
	       info.reset_value, info.has_s5, info.s5_a, info.s5_b, info.nr_mcfg, info.mcfg[0].base,
	       info.hpet_addr, info.smi_cmd);
#endif
}

#ifdef FUZZ_MAIN
int main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
	u64 size;
	u8 *data;

	if (!f || fseek(f, 0, SEEK_END))
		return 1;
	size = ftell(f);
	rewind(f);
	data = malloc(size);
	if (fread(data, 1, size, f) != size)
		return 1;
	parse(data, size, 0, 0);
	free(data);
	return 0;
}
#else
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Checksums would keep the fuzzer out: correct those of whatever starts like a table. */
static u8 *repair(const u8 *data, size_t size)
{
	static const char *const sigs[] = { "XSDT", "RSDT", "APIC", "FACP", "DSDT",
					    "MCFG", "HPET", "SRAT", "SLIT" };
	u8 *copy = malloc(size + 1);
	u32 len, s;
	size_t at;

	memcpy(copy, data, size);
	for (at = 0; at + 36 <= size; at++) {
		if (!memcmp(copy + at, "RSD PTR ", 8)) {
			for (s = 0, len = 0; len < 20; len++)
				s += len == 8 ? 0 : copy[at + len];
			copy[at + 8] = -s;
			for (s = 0, len = 0; len < 36; len++)
				s += len == 32 ? 0 : copy[at + len];
			copy[at + 32] = -s;
		}
		for (unsigned i = 0; i < ARRAY_SIZE(sigs); i++) {
			memcpy(&len, copy + at + 4, 4);
			if (memcmp(copy + at, sigs[i], 4) || len < 36 || len > size - at)
				continue;
			copy[at + 9] = 0;
			for (s = 0; len--;)
				s += copy[at + len];
			copy[at + 9] = -s;
		}
	}
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u8 *copy;

	parse(data, size, 0x1000, 0x1000);
	copy = repair(data, size);
	parse(copy, size, 0x1000, 0x1000);
	parse(copy, size, 0xe0000, 0);
	free(copy);
	return 0;
}
#endif
