/* SPDX-License-Identifier: MIT */
/* ELF notes, owner "Xen", by which a kernel image says how it wants to be started. */

#ifndef PV_ABI_XEN_ELFNOTE_H
#define PV_ABI_XEN_ELFNOTE_H

/* Numbers are 4 or 8 bytes, as the note's size says; strings end with a zero byte. */
#define XEN_ELFNOTE_INFO		0	/* string "name=value", not interpreted */
#define XEN_ELFNOTE_ENTRY		1	/* number: virtual address to start at */
#define XEN_ELFNOTE_HYPERCALL_PAGE	2	/* number: virtual address to fill with stubs */
#define XEN_ELFNOTE_VIRT_BASE		3	/* number: virtual address of physical 0 */
#define XEN_ELFNOTE_PADDR_OFFSET	4	/* number: what p_paddr is too high by */
#define XEN_ELFNOTE_XEN_VERSION		5	/* string "xen-3.0": the interface wanted */
#define XEN_ELFNOTE_GUEST_OS		6	/* string */
#define XEN_ELFNOTE_GUEST_VERSION	7	/* string */
#define XEN_ELFNOTE_LOADER		8	/* string: "generic" */
#define XEN_ELFNOTE_PAE_MODE		9	/* string, 32-bit kernels */
#define XEN_ELFNOTE_FEATURES		10	/* string: names of features.h, "!" = required */
#define XEN_ELFNOTE_BSD_SYMTAB		11	/* string "yes": load the symbol table */
#define XEN_ELFNOTE_HV_START_LOW	12	/* number: where the hypervisor's hole may start */
#define XEN_ELFNOTE_L1_MFN_VALID	13	/* pairs mask, value: L1 entries holding frames */
#define XEN_ELFNOTE_SUSPEND_CANCEL	14	/* number: a suspend may be taken back */
#define XEN_ELFNOTE_INIT_P2M		15	/* number: virtual address for the p2m list */
#define XEN_ELFNOTE_MOD_START_PFN	16	/* number: ramdisk may be given as a PFN */
#define XEN_ELFNOTE_SUPPORTED_FEATURES	17	/* number: bit mask of features.h */
#define XEN_ELFNOTE_PHYS32_ENTRY	18	/* number: PVH entry, physical, 32-bit mode */

#define XEN_ELFNOTE_MAX			XEN_ELFNOTE_PHYS32_ENTRY

/* In crash and core dumps. */
#define XEN_ELFNOTE_CRASH_INFO			0x1000001
#define XEN_ELFNOTE_CRASH_REGS			0x1000002
#define XEN_ELFNOTE_DUMPCORE_NONE		0x2000000
#define XEN_ELFNOTE_DUMPCORE_HEADER		0x2000001
#define XEN_ELFNOTE_DUMPCORE_XEN_VERSION	0x2000002
#define XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION	0x2000003

#endif /* PV_ABI_XEN_ELFNOTE_H */
