/* SPDX-License-Identifier: MIT */
/* Boot protocols: the published numbers of multiboot 1 and 2 and of PVH; parts of start-up code. */
#ifndef X86_BOOT_PROTOCOLS_H
#define X86_BOOT_PROTOCOLS_H

#define MB1_HEADER_MAGIC 0x1badb002
#define MB1_HEADER_FLAGS 0x00000003 /* modules on page boundaries, memory map */
#define MB1_MAGIC 0x2badb002
#define MB2_HEADER_MAGIC 0xe85250d6
#define MB2_MAGIC 0x36d76289
#define PVH_MAGIC 0x336ec578
#define PVH_START_MAGIC 0x48565021 /* ours: the entry had no magic in EAX */

/* The first GDT: four entries, at selectors of the later one; and 32-bit code. */
#define BOOT_GDT_LIMIT (GDT_OUR_FIRST + 31)
#define BOOT_CS32 0xe018

/* Room for struct cpu_info on top of the boot stack; setup.c asserts that it suffices. */
#define BOOT_STACK_TOP_ROOM 1024

#ifndef __ASSEMBLY__
#include "lib/base.h"
#include "x86/boot.h"

/* Fill boot_info from what the loader left at machine address `info` (below 4 GiB, mapped). */
void parse_multiboot(u64 info);
void parse_multiboot2(u64 info);
void parse_pvh(u64 info);

/* Copy a loader's string; strip its first word when that is a file name. Kept for good. */
const char *boot_string(u64 maddr);
const char *skip_first_word(const char *s);
void boot_add_module(u64 start, u64 end, const char *cmdline);
void boot_set_cmdline(const char *s);
/* Memory map: add as the loader tells it; then once e820_finish(): sorted, merged, no overlaps. */
void e820_add(u64 start, u64 size, u32 type);
void e820_finish(void);
void e820_log(void);
/* Hand every word of the command line to its BOOT_OPTION; again, to report those that nobody took,
 * when the console works as they say. */
void cmdline_parse(bool report);
#endif
#endif
