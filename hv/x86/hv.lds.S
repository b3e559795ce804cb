/* SPDX-License-Identifier: MIT */
/*
 * Layout of the image: one stretch of memory at IMAGE_PHYS, seen at HV_IMAGE_VIRT + IMAGE_PHYS.
 * Text, read-only, writable, start-up only; then what is all zeros. Start-up parts (init and
 * init_bss, neighbours) are given back by free_init_memory(). Every part starts on a page of its
 * own, since each has its own rights.
 */
#include "x86/layout.h"

#define PAGE 4096
#define SENTINELS(name, sec)                                                                       \
	. = ALIGN(8);                                                                              \
	__##name##_start = .;                                                                      \
	KEEP(*(sec))                                                                               \
	__##name##_end = .;

OUTPUT_FORMAT("elf64-x86-64")
ENTRY(start32)

PHDRS
{
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
	init PT_LOAD FLAGS(7);
	bss PT_LOAD FLAGS(6);
}

/* Foreign decoders run while the first domain is built and never again. */
#define DECODERS(s) *liblzma.a:*(s) *libz.a:*(s) *libzstd.a:*(s)

SECTIONS
{
	. = HV_IMAGE_VIRT + HV_IMAGE_PHYS;
	__image_start = .;

	.text : {
		*(.head)
		. = ALIGN(PAGE);
		__entry_text_start = .;
		*(.text.entry)
		. = ALIGN(PAGE);
		__entry_text_end = .;
		*(EXCLUDE_FILE(*liblzma.a:* *libz.a:* *libzstd.a:*) .text
		  EXCLUDE_FILE(*liblzma.a:* *libz.a:* *libzstd.a:*) .text.*)
		. = ALIGN(PAGE);
	} :text = 0xcccccccc
	__text_end = .;

	.rodata : {
		*(EXCLUDE_FILE(*liblzma.a:* *libz.a:* *libzstd.a:*) .rodata
		  EXCLUDE_FILE(*liblzma.a:* *libz.a:* *libzstd.a:*) .rodata.*)
		SENTINELS(ex_table, .ex_table)
		SENTINELS(cpu_init, .cpu_init)
		SENTINELS(debug_keys, .debug_keys)
		*(EXCLUDE_FILE(*liblzma.a:* *libz.a:* *libzstd.a:*) .data.rel.ro
		  EXCLUDE_FILE(*liblzma.a:* *libz.a:* *libzstd.a:*) .data.rel.ro.*)
		*(.got .got.plt)
		/* Its size is not known in the first link: room of a fixed size, so that no text moves. */
		. = ALIGN(8);
		__symtab = .;
		KEEP(*(.symtab_hv))
		. = __symtab + 0x7000;
		. = ALIGN(PAGE);
	} :rodata
	__rodata_end = .;

	.data : {
		/* Written while the machine starts, then read-only. */
		*(.data.ro_after_init)
		. = ALIGN(PAGE);
		__ro_after_init_end = .;
		*(EXCLUDE_FILE(*liblzma.a:* *libz.a:* *libzstd.a:*) .data
		  EXCLUDE_FILE(*liblzma.a:* *libz.a:* *libzstd.a:*) .data.*)
		. = ALIGN(PAGE);
	} :data
	__data_end = .;

	__init_start = .;
	.init.text : {
		*(.init.text .init.text.*)
		DECODERS(.text)
		DECODERS(.text.*)
		. = ALIGN(PAGE);
		__init_text_end = .;
	} :init
	.init.data : {
		*(.init.rodata .init.rodata.*)
		SENTINELS(boot_options, .boot_options)
		SENTINELS(altinstructions, .altinstructions)
		*(.altinstr_replacement)
		DECODERS(.rodata)
		DECODERS(.rodata.*)
		DECODERS(.data.rel.ro)
		DECODERS(.data.rel.ro.*)
		*(.init.data .init.data.*)
		DECODERS(.data)
		DECODERS(.data.*)
		. = ALIGN(PAGE);
	} :init
	__init_end = .;

	.bss (NOLOAD) : {
		__bss_start = .;
		__init_bss_start = .;
		*(.bss.init.stack)
		*(.bss.init)
		DECODERS(.bss)
		DECODERS(.bss.*)
		. = ALIGN(PAGE);
		__init_bss_end = .;
		*(.bss.page_aligned)
		*(.bss .bss.* COMMON)
		. = ALIGN(PAGE);
	} :bss
	__image_end = .;

	/DISCARD/ : {
		*(.comment .note .note.* .eh_frame .eh_frame_hdr .gnu.* .interp .dynamic .rela.*)
	}
}
ASSERT(__image_end - __image_start <= 0x400000, "the image must fit its two L1 tables")
