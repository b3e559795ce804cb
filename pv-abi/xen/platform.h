/* SPDX-License-Identifier: MIT */
/* platform_op: firmware, processors, power and clock, for the privileged domain's kernel. */

#ifndef PV_ABI_XEN_PLATFORM_H
#define PV_ABI_XEN_PLATFORM_H

#include "xen.h"

/*
 * platform_op(op)
 * By:	the privileged domain
 * Arg:	INOUT struct xen_platform_op; cmd chooses the member of u
 * Err (all): -EACCES	interface_version is another one
 *	further ones at each command
 */
#define XENPF_INTERFACE_VERSION	0x03000001

/*
 * XENPF_settime32, 64: the wall clock read secs, nsecs (since 1970, UTC) at system_time.
 * Err:	-EINVAL	mbz is not 0
 */
#define XENPF_settime32		17
struct xenpf_settime32 {
	uint32_t secs;			/* IN */
	uint32_t nsecs;			/* IN */
	uint64_t system_time;		/* IN */
};
typedef struct xenpf_settime32 xenpf_settime32_t;
PV_ABI_SIZE(struct xenpf_settime32, 16);
PV_ABI_AT(struct xenpf_settime32, secs, 0);
PV_ABI_AT(struct xenpf_settime32, nsecs, 4);
PV_ABI_AT(struct xenpf_settime32, system_time, 8);
#define XENPF_settime64		62
struct xenpf_settime64 {
	uint64_t secs;			/* IN */
	uint32_t nsecs;			/* IN */
	uint32_t mbz;			/* IN zero */
	uint64_t system_time;		/* IN */
};
typedef struct xenpf_settime64 xenpf_settime64_t;
PV_ABI_SIZE(struct xenpf_settime64, 24);
PV_ABI_AT(struct xenpf_settime64, secs, 0);
PV_ABI_AT(struct xenpf_settime64, nsecs, 8);
PV_ABI_AT(struct xenpf_settime64, mbz, 12);
PV_ABI_AT(struct xenpf_settime64, system_time, 16);
#define XENPF_settime		XENPF_settime64
#define xenpf_settime		xenpf_settime64
typedef struct xenpf_settime64 xenpf_settime_t;

/*
 * XENPF_add_memtype, _del_memtype, _read_memtype: MTRRs.
 * Err:	-EINVAL	no such register, type or range
 *	-ENOSPC	no register free
 */
#define XENPF_add_memtype	31
struct xenpf_add_memtype {
	xen_pfn_t mfn;			/* IN */
	uint64_t nr_mfns;		/* IN */
	uint32_t type;			/* IN MTRR memory type */
	uint32_t handle;		/* OUT */
	uint32_t reg;			/* OUT */
	uint32_t _pad0;
};
typedef struct xenpf_add_memtype xenpf_add_memtype_t;
PV_ABI_SIZE(struct xenpf_add_memtype, 32);
PV_ABI_AT(struct xenpf_add_memtype, mfn, 0);
PV_ABI_AT(struct xenpf_add_memtype, nr_mfns, 8);
PV_ABI_AT(struct xenpf_add_memtype, type, 16);
PV_ABI_AT(struct xenpf_add_memtype, handle, 20);
PV_ABI_AT(struct xenpf_add_memtype, reg, 24);
#define XENPF_del_memtype	32
struct xenpf_del_memtype {
	uint32_t handle;		/* IN, 0 when not known */
	uint32_t reg;			/* IN */
};
typedef struct xenpf_del_memtype xenpf_del_memtype_t;
PV_ABI_SIZE(struct xenpf_del_memtype, 8);
PV_ABI_AT(struct xenpf_del_memtype, handle, 0);
PV_ABI_AT(struct xenpf_del_memtype, reg, 4);
#define XENPF_read_memtype	33
struct xenpf_read_memtype {
	uint32_t reg;			/* IN */
	uint32_t _pad0;
	xen_pfn_t mfn;			/* OUT */
	uint64_t nr_mfns;		/* OUT */
	uint32_t type;			/* OUT */
	uint32_t _pad1;
};
typedef struct xenpf_read_memtype xenpf_read_memtype_t;
PV_ABI_SIZE(struct xenpf_read_memtype, 32);
PV_ABI_AT(struct xenpf_read_memtype, reg, 0);
PV_ABI_AT(struct xenpf_read_memtype, mfn, 8);
PV_ABI_AT(struct xenpf_read_memtype, nr_mfns, 16);
PV_ABI_AT(struct xenpf_read_memtype, type, 24);

/*
 * XENPF_microcode_update
 * Err:	-EINVAL	not microcode for these processors
 *	-ENOENT	nothing newer in it
 *	-EIO	a processor refused it
 */
#define XENPF_microcode_update	35
struct xenpf_microcode_update {
	GUEST_PTR(const void) data;	/* IN */
	uint32_t length;		/* IN */
	uint32_t _pad0;
};
typedef struct xenpf_microcode_update xenpf_microcode_update_t;
PV_ABI_SIZE(struct xenpf_microcode_update, 16);
PV_ABI_AT(struct xenpf_microcode_update, data, 0);
PV_ABI_AT(struct xenpf_microcode_update, length, 8);

/* XENPF_platform_quirk. Err: -EINVAL unknown quirk. */
#define XENPF_platform_quirk	39
#define QUIRK_NOIRQBALANCING	1	/* leave interrupts where they are */
#define QUIRK_IOAPIC_BAD_REGSEL	2	/* the I/O APIC forgets which register was selected */
#define QUIRK_IOAPIC_GOOD_REGSEL 3	/* it does not */
struct xenpf_platform_quirk {
	uint32_t quirk_id;		/* IN */
};
typedef struct xenpf_platform_quirk xenpf_platform_quirk_t;
PV_ABI_SIZE(struct xenpf_platform_quirk, 4);
PV_ABI_AT(struct xenpf_platform_quirk, quirk_id, 0);

/* XENPF_get_cpu_version: vendor and model of a processor. Err: -EINVAL no such processor. */
#define XENPF_get_cpu_version	48
struct xenpf_pcpu_version {
	uint32_t xen_cpuid;		/* IN */
	uint32_t max_present;		/* OUT highest processor number */
	char vendor_id[12];		/* OUT */
	uint32_t family;		/* OUT */
	uint32_t model;			/* OUT */
	uint32_t stepping;		/* OUT */
};
typedef struct xenpf_pcpu_version xenpf_pcpu_version_t;
PV_ABI_SIZE(struct xenpf_pcpu_version, 32);
PV_ABI_AT(struct xenpf_pcpu_version, xen_cpuid, 0);
PV_ABI_AT(struct xenpf_pcpu_version, max_present, 4);
PV_ABI_AT(struct xenpf_pcpu_version, vendor_id, 8);
PV_ABI_AT(struct xenpf_pcpu_version, family, 20);
PV_ABI_AT(struct xenpf_pcpu_version, model, 24);
PV_ABI_AT(struct xenpf_pcpu_version, stepping, 28);

/*
 * XENPF_efi_runtime_call: an EFI runtime service. status is the firmware's.
 * Err:	-ENOSYS	the machine was not started by EFI, or function is unknown
 *	-EINVAL	flags in misc that the function does not have
 */
#define XENPF_efi_runtime_call	49
#define XEN_EFI_get_time			1
#define XEN_EFI_set_time			2
#define XEN_EFI_get_wakeup_time			3
#define XEN_EFI_set_wakeup_time			4
#define XEN_EFI_get_next_high_monotonic_count	5	/* the count is in misc */
#define XEN_EFI_get_variable			6
#define XEN_EFI_set_variable			7
#define XEN_EFI_get_next_variable_name		8
#define XEN_EFI_query_variable_info		9
#define XEN_EFI_query_capsule_capabilities	10
#define XEN_EFI_update_capsule			11

/* Flags in misc. */
#define XEN_EFI_GET_TIME_SET_CLEARS_NS		0x00000001
#define XEN_EFI_GET_WAKEUP_TIME_ENABLED		0x00000001
#define XEN_EFI_GET_WAKEUP_TIME_PENDING		0x00000002
#define XEN_EFI_SET_WAKEUP_TIME_ENABLE		0x00000001
#define XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY	0x00000002
#define XEN_EFI_VARIABLE_NON_VOLATILE		0x00000001
#define XEN_EFI_VARIABLE_BOOTSERVICE_ACCESS	0x00000002
#define XEN_EFI_VARIABLE_RUNTIME_ACCESS		0x00000004
#define XEN_EFI_VARINFO_BOOT_SNAPSHOT		0x00000001

struct xenpf_efi_time {
	uint16_t year;
	uint8_t month;
	uint8_t day;
	uint8_t hour;
	uint8_t min;
	uint8_t sec;
	uint8_t _pad0;
	uint32_t ns;
	int16_t tz;
	uint8_t daylight;
	uint8_t _pad1;
};
PV_ABI_SIZE(struct xenpf_efi_time, 16);
PV_ABI_AT(struct xenpf_efi_time, year, 0);
PV_ABI_AT(struct xenpf_efi_time, month, 2);
PV_ABI_AT(struct xenpf_efi_time, day, 3);
PV_ABI_AT(struct xenpf_efi_time, hour, 4);
PV_ABI_AT(struct xenpf_efi_time, min, 5);
PV_ABI_AT(struct xenpf_efi_time, sec, 6);
PV_ABI_AT(struct xenpf_efi_time, ns, 8);
PV_ABI_AT(struct xenpf_efi_time, tz, 12);
PV_ABI_AT(struct xenpf_efi_time, daylight, 14);

struct xenpf_efi_guid {
	uint32_t data1;
	uint16_t data2;
	uint16_t data3;
	uint8_t data4[8];
};
PV_ABI_SIZE(struct xenpf_efi_guid, 16);
PV_ABI_AT(struct xenpf_efi_guid, data1, 0);
PV_ABI_AT(struct xenpf_efi_guid, data2, 4);
PV_ABI_AT(struct xenpf_efi_guid, data3, 6);
PV_ABI_AT(struct xenpf_efi_guid, data4, 8);

struct xenpf_efi_runtime_call {
	uint32_t function;		/* IN XEN_EFI_* */
	uint32_t misc;			/* INOUT flags */
	xen_ulong_t status;		/* OUT EFI status */
	union {
		struct {
			struct xenpf_efi_time time;
			uint32_t resolution;
			uint32_t accuracy;
		} get_time;
		struct xenpf_efi_time set_time;
		struct xenpf_efi_time get_wakeup_time;
		struct xenpf_efi_time set_wakeup_time;
		struct {
			GUEST_PTR(void) name;	/* 16-bit characters */
			xen_ulong_t size;
			GUEST_PTR(void) data;
			struct xenpf_efi_guid vendor_guid;
		} get_variable, set_variable;
		struct {
			xen_ulong_t size;
			GUEST_PTR(void) name;	/* 16-bit characters */
			struct xenpf_efi_guid vendor_guid;
		} get_next_variable_name;
		struct {
			uint32_t attr;
			uint32_t _pad0;
			uint64_t max_store_size;
			uint64_t remain_store_size;
			uint64_t max_size;
		} query_variable_info;
		struct {
			GUEST_PTR(void) capsule_header_array;
			xen_ulong_t capsule_count;
			uint64_t max_capsule_size;
			uint32_t reset_type;
			uint32_t _pad0;
		} query_capsule_capabilities;
		struct {
			GUEST_PTR(void) capsule_header_array;
			xen_ulong_t capsule_count;
			uint64_t sg_list;	/* machine address */
		} update_capsule;
	} u;				/* INOUT */
};
typedef struct xenpf_efi_runtime_call xenpf_efi_runtime_call_t;
PV_ABI_SIZE(struct xenpf_efi_runtime_call, 56);
PV_ABI_AT(struct xenpf_efi_runtime_call, function, 0);
PV_ABI_AT(struct xenpf_efi_runtime_call, misc, 4);
PV_ABI_AT(struct xenpf_efi_runtime_call, status, 8);
PV_ABI_AT(struct xenpf_efi_runtime_call, u, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_time, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_time.time, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_time.resolution, 32);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_time.accuracy, 36);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.set_time, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_wakeup_time, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.set_wakeup_time, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_variable, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_variable.name, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_variable.size, 24);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_variable.data, 32);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_variable.vendor_guid, 40);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.set_variable, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.set_variable.name, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.set_variable.size, 24);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.set_variable.data, 32);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.set_variable.vendor_guid, 40);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_next_variable_name, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_next_variable_name.size, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_next_variable_name.name, 24);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.get_next_variable_name.vendor_guid, 32);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.query_variable_info, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.query_variable_info.attr, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.query_variable_info.max_store_size, 24);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.query_variable_info.remain_store_size, 32);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.query_variable_info.max_size, 40);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.query_capsule_capabilities, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.query_capsule_capabilities.capsule_header_array, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.query_capsule_capabilities.capsule_count, 24);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.query_capsule_capabilities.max_capsule_size, 32);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.query_capsule_capabilities.reset_type, 40);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.update_capsule, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.update_capsule.capsule_header_array, 16);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.update_capsule.capsule_count, 24);
PV_ABI_AT(struct xenpf_efi_runtime_call, u.update_capsule.sg_list, 32);

/*
 * XENPF_firmware_info: what the boot loader or BIOS told.
 * Err:	-ESRCH	no entry of that index
 *	-EINVAL	unknown type, or EFI was not used
 */
#define XENPF_firmware_info	50
#define XEN_FW_DISK_INFO		1	/* BIOS disk, by int 0x13 */
#define XEN_FW_DISK_MBR_SIGNATURE	2	/* its MBR signature */
#define XEN_FW_VBEDDC_INFO		3	/* the screen's EDID */
#define XEN_FW_EFI_INFO			4	/* EFI; index says what: */
#define XEN_FW_EFI_VERSION		0
#define XEN_FW_EFI_CONFIG_TABLE		1
#define XEN_FW_EFI_VENDOR		2
#define XEN_FW_EFI_MEM_INFO		3
#define XEN_FW_EFI_RT_VERSION		4
#define XEN_FW_EFI_PCI_ROM		5
#define XEN_FW_EFI_APPLE_PROPERTIES	6
#define XEN_FW_KBD_SHIFT_FLAGS		5	/* keyboard, by int 0x16 */

union xenpf_efi_info {
	uint32_t version;
	struct {
		uint64_t addr;			/* physical */
		uint32_t nent;
		uint32_t _pad0;
	} cfg;
	struct {
		uint32_t revision;
		uint32_t bufsz;			/* IN bytes */
		GUEST_PTR(void) name;		/* 16-bit characters */
	} vendor;
	struct {
		uint64_t addr;			/* INOUT */
		uint64_t size;
		uint64_t attr;
		uint32_t type;
		uint32_t _pad0;
	} mem;
	struct {
		uint16_t segment;		/* IN */
		uint8_t bus;			/* IN */
		uint8_t devfn;			/* IN */
		uint16_t vendor;		/* IN */
		uint16_t devid;			/* IN */
		uint64_t address;
		xen_ulong_t size;
	} pci_rom;
	struct {
		uint64_t address;
		xen_ulong_t size;
	} apple_properties;
};
PV_ABI_SIZE(union xenpf_efi_info, 32);
PV_ABI_AT(union xenpf_efi_info, version, 0);
PV_ABI_AT(union xenpf_efi_info, cfg, 0);
PV_ABI_AT(union xenpf_efi_info, cfg.addr, 0);
PV_ABI_AT(union xenpf_efi_info, cfg.nent, 8);
PV_ABI_AT(union xenpf_efi_info, vendor, 0);
PV_ABI_AT(union xenpf_efi_info, vendor.revision, 0);
PV_ABI_AT(union xenpf_efi_info, vendor.bufsz, 4);
PV_ABI_AT(union xenpf_efi_info, vendor.name, 8);
PV_ABI_AT(union xenpf_efi_info, mem, 0);
PV_ABI_AT(union xenpf_efi_info, mem.addr, 0);
PV_ABI_AT(union xenpf_efi_info, mem.size, 8);
PV_ABI_AT(union xenpf_efi_info, mem.attr, 16);
PV_ABI_AT(union xenpf_efi_info, mem.type, 24);
PV_ABI_AT(union xenpf_efi_info, pci_rom, 0);
PV_ABI_AT(union xenpf_efi_info, pci_rom.segment, 0);
PV_ABI_AT(union xenpf_efi_info, pci_rom.bus, 2);
PV_ABI_AT(union xenpf_efi_info, pci_rom.devfn, 3);
PV_ABI_AT(union xenpf_efi_info, pci_rom.vendor, 4);
PV_ABI_AT(union xenpf_efi_info, pci_rom.devid, 6);
PV_ABI_AT(union xenpf_efi_info, pci_rom.address, 8);
PV_ABI_AT(union xenpf_efi_info, pci_rom.size, 16);
PV_ABI_AT(union xenpf_efi_info, apple_properties, 0);
PV_ABI_AT(union xenpf_efi_info, apple_properties.address, 0);
PV_ABI_AT(union xenpf_efi_info, apple_properties.size, 8);

struct xenpf_firmware_info {
	uint32_t type;			/* IN XEN_FW_* */
	uint32_t index;			/* IN */
	union {
		struct {
			uint8_t device;		/* BIOS number */
			uint8_t version;
			uint16_t interface_support;
			uint16_t legacy_max_cylinder;
			uint8_t legacy_max_head;
			uint8_t legacy_sectors_per_track;
			GUEST_PTR(void) edd_params; /* its first 16 bits say its size */
		} disk_info;
		struct {
			uint8_t device;		/* BIOS number */
			uint8_t _pad0[3];
			uint32_t mbr_signature;
		} disk_mbr_signature;
		struct {
			uint8_t capabilities;
			uint8_t edid_transfer_time;
			uint8_t _pad0[6];
			GUEST_PTR(uint8_t) edid; /* 128 bytes */
		} vbeddc_info;
		union xenpf_efi_info efi_info;
		uint8_t kbd_shift_flags;
	} u;				/* OUT */
};
typedef struct xenpf_firmware_info xenpf_firmware_info_t;
PV_ABI_SIZE(struct xenpf_firmware_info, 40);
PV_ABI_AT(struct xenpf_firmware_info, type, 0);
PV_ABI_AT(struct xenpf_firmware_info, index, 4);
PV_ABI_AT(struct xenpf_firmware_info, u, 8);
PV_ABI_AT(struct xenpf_firmware_info, u.disk_info, 8);
PV_ABI_AT(struct xenpf_firmware_info, u.disk_info.device, 8);
PV_ABI_AT(struct xenpf_firmware_info, u.disk_info.version, 9);
PV_ABI_AT(struct xenpf_firmware_info, u.disk_info.interface_support, 10);
PV_ABI_AT(struct xenpf_firmware_info, u.disk_info.legacy_max_cylinder, 12);
PV_ABI_AT(struct xenpf_firmware_info, u.disk_info.legacy_max_head, 14);
PV_ABI_AT(struct xenpf_firmware_info, u.disk_info.legacy_sectors_per_track, 15);
PV_ABI_AT(struct xenpf_firmware_info, u.disk_info.edd_params, 16);
PV_ABI_AT(struct xenpf_firmware_info, u.disk_mbr_signature, 8);
PV_ABI_AT(struct xenpf_firmware_info, u.disk_mbr_signature.device, 8);
PV_ABI_AT(struct xenpf_firmware_info, u.disk_mbr_signature.mbr_signature, 12);
PV_ABI_AT(struct xenpf_firmware_info, u.vbeddc_info, 8);
PV_ABI_AT(struct xenpf_firmware_info, u.vbeddc_info.capabilities, 8);
PV_ABI_AT(struct xenpf_firmware_info, u.vbeddc_info.edid_transfer_time, 9);
PV_ABI_AT(struct xenpf_firmware_info, u.vbeddc_info.edid, 16);
PV_ABI_AT(struct xenpf_firmware_info, u.efi_info, 8);
PV_ABI_AT(struct xenpf_firmware_info, u.kbd_shift_flags, 8);

/*
 * XENPF_enter_acpi_sleep: the machine sleeps or powers off.
 * Err:	-EINVAL	a state beyond 1 to 5, unknown flags, or values the tables do not have
 *	-EIO	the machine did not obey
 */
#define XENPF_enter_acpi_sleep	51
#define XENPF_ACPI_SLEEP_EXTENDED 0x00000001	/* hardware-reduced registers */
struct xenpf_enter_acpi_sleep {
	uint16_t val_a;			/* IN PM1a control, or sleep type A */
	uint16_t val_b;			/* IN PM1b control, or sleep type B */
	uint32_t sleep_state;		/* IN n of Sn */
	uint32_t flags;			/* IN XENPF_ACPI_SLEEP_* */
};
typedef struct xenpf_enter_acpi_sleep xenpf_enter_acpi_sleep_t;
PV_ABI_SIZE(struct xenpf_enter_acpi_sleep, 12);
PV_ABI_AT(struct xenpf_enter_acpi_sleep, val_a, 0);
PV_ABI_AT(struct xenpf_enter_acpi_sleep, val_b, 2);
PV_ABI_AT(struct xenpf_enter_acpi_sleep, sleep_state, 4);
PV_ABI_AT(struct xenpf_enter_acpi_sleep, flags, 8);

/* XENPF_change_freq: this processor runs at another frequency. Err: -ENOSYS, -EINVAL flags. */
#define XENPF_change_freq	52
struct xenpf_change_freq {
	uint32_t flags;			/* IN zero */
	uint32_t cpu;			/* IN */
	uint64_t freq;			/* IN Hz */
};
typedef struct xenpf_change_freq xenpf_change_freq_t;
PV_ABI_SIZE(struct xenpf_change_freq, 16);
PV_ABI_AT(struct xenpf_change_freq, flags, 0);
PV_ABI_AT(struct xenpf_change_freq, cpu, 4);
PV_ABI_AT(struct xenpf_change_freq, freq, 8);

/* XENPF_getidletime: ns each processor was idle. */
#define XENPF_getidletime	53
struct xenpf_getidletime {
	GUEST_PTR(uint8_t) cpumap_bitmap; /* INOUT asked for, there */
	uint32_t cpumap_nr_cpus;	/* IN */
	uint32_t _pad0;
	GUEST_PTR(uint64_t) idletime;	/* OUT by processor number */
	uint64_t now;			/* OUT system time */
};
typedef struct xenpf_getidletime xenpf_getidletime_t;
PV_ABI_SIZE(struct xenpf_getidletime, 32);
PV_ABI_AT(struct xenpf_getidletime, cpumap_bitmap, 0);
PV_ABI_AT(struct xenpf_getidletime, cpumap_nr_cpus, 8);
PV_ABI_AT(struct xenpf_getidletime, idletime, 16);
PV_ABI_AT(struct xenpf_getidletime, now, 24);

/*
 * XENPF_set_processor_pminfo: what ACPI says about a processor's C- and P-states.
 * Err:	-ENOSYS	power management is not the hypervisor's
 *	-EINVAL	no such processor, or nonsense
 */
#define XENPF_set_processor_pminfo 54
#define XEN_PROCESSOR_PM_CX	1
#define XEN_PROCESSOR_PM_PX	2
#define XEN_PROCESSOR_PM_TX	4

#define XEN_PM_CX		0
#define XEN_PM_PX		1
#define XEN_PM_TX		2
#define XEN_PM_PDC		3

#define XEN_PX_PCT		1
#define XEN_PX_PSS		2
#define XEN_PX_PPC		4
#define XEN_PX_PSD		8

struct xen_power_register {		/* an ACPI generic address */
	uint32_t space_id;
	uint32_t bit_width;
	uint32_t bit_offset;
	uint32_t access_size;
	uint64_t address;
};
PV_ABI_SIZE(struct xen_power_register, 24);
PV_ABI_AT(struct xen_power_register, space_id, 0);
PV_ABI_AT(struct xen_power_register, bit_width, 4);
PV_ABI_AT(struct xen_power_register, bit_offset, 8);
PV_ABI_AT(struct xen_power_register, access_size, 12);
PV_ABI_AT(struct xen_power_register, address, 16);

struct xen_processor_csd {		/* _CSD */
	uint32_t domain;
	uint32_t coord_type;
	uint32_t num;
};
typedef struct xen_processor_csd xen_processor_csd_t;
PV_ABI_SIZE(struct xen_processor_csd, 12);
PV_ABI_AT(struct xen_processor_csd, domain, 0);
PV_ABI_AT(struct xen_processor_csd, coord_type, 4);
PV_ABI_AT(struct xen_processor_csd, num, 8);

struct xen_processor_cx {		/* one C-state */
	struct xen_power_register reg;
	uint8_t type;
	uint8_t _pad0[3];
	uint32_t latency;
	uint32_t power;
	uint32_t dpcnt;
	GUEST_PTR(xen_processor_csd_t) dp;
};
typedef struct xen_processor_cx xen_processor_cx_t;
PV_ABI_SIZE(struct xen_processor_cx, 48);
PV_ABI_AT(struct xen_processor_cx, reg, 0);
PV_ABI_AT(struct xen_processor_cx, type, 24);
PV_ABI_AT(struct xen_processor_cx, latency, 28);
PV_ABI_AT(struct xen_processor_cx, power, 32);
PV_ABI_AT(struct xen_processor_cx, dpcnt, 36);
PV_ABI_AT(struct xen_processor_cx, dp, 40);

struct xen_processor_flags {		/* the published layout is this bit-field */
	uint32_t bm_control:1;
	uint32_t bm_check:1;
	uint32_t has_cst:1;
	uint32_t power_setup_done:1;
	uint32_t bm_rld_set:1;
	uint32_t _pad0:27;
};
PV_ABI_SIZE(struct xen_processor_flags, 4);

struct xen_processor_power {
	uint32_t count;
	struct xen_processor_flags flags;
	GUEST_PTR(xen_processor_cx_t) states;
};
PV_ABI_SIZE(struct xen_processor_power, 16);
PV_ABI_AT(struct xen_processor_power, count, 0);
PV_ABI_AT(struct xen_processor_power, flags, 4);
PV_ABI_AT(struct xen_processor_power, states, 8);

struct xen_pct_register {		/* _PCT */
	uint8_t descriptor;
	uint8_t _pad0;
	uint16_t length;
	uint8_t space_id;
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t reserved;
	uint64_t address;
};
PV_ABI_SIZE(struct xen_pct_register, 16);
PV_ABI_AT(struct xen_pct_register, descriptor, 0);
PV_ABI_AT(struct xen_pct_register, length, 2);
PV_ABI_AT(struct xen_pct_register, space_id, 4);
PV_ABI_AT(struct xen_pct_register, bit_width, 5);
PV_ABI_AT(struct xen_pct_register, bit_offset, 6);
PV_ABI_AT(struct xen_pct_register, reserved, 7);
PV_ABI_AT(struct xen_pct_register, address, 8);

struct xen_processor_px {		/* one P-state */
	uint64_t core_frequency;	/* MHz */
	uint64_t power;			/* mW */
	uint64_t transition_latency;	/* us */
	uint64_t bus_master_latency;	/* us */
	uint64_t control;
	uint64_t status;
};
typedef struct xen_processor_px xen_processor_px_t;
PV_ABI_SIZE(struct xen_processor_px, 48);
PV_ABI_AT(struct xen_processor_px, core_frequency, 0);
PV_ABI_AT(struct xen_processor_px, power, 8);
PV_ABI_AT(struct xen_processor_px, transition_latency, 16);
PV_ABI_AT(struct xen_processor_px, bus_master_latency, 24);
PV_ABI_AT(struct xen_processor_px, control, 32);
PV_ABI_AT(struct xen_processor_px, status, 40);

struct xen_psd_package {		/* _PSD */
	uint64_t num_entries;
	uint64_t revision;
	uint64_t domain;
	uint64_t coord_type;
	uint64_t num_processors;
};
PV_ABI_SIZE(struct xen_psd_package, 40);
PV_ABI_AT(struct xen_psd_package, num_entries, 0);
PV_ABI_AT(struct xen_psd_package, revision, 8);
PV_ABI_AT(struct xen_psd_package, domain, 16);
PV_ABI_AT(struct xen_psd_package, coord_type, 24);
PV_ABI_AT(struct xen_psd_package, num_processors, 32);

#define XEN_CPUPERF_SHARED_TYPE_HW	1
#define XEN_CPUPERF_SHARED_TYPE_ALL	2
#define XEN_CPUPERF_SHARED_TYPE_ANY	3
struct xen_processor_performance {
	uint32_t flags;			/* XEN_PX_* present */
	uint32_t platform_limit;
	struct xen_pct_register control_register;
	struct xen_pct_register status_register;
	uint32_t state_count;
	uint32_t _pad0;
	GUEST_PTR(xen_processor_px_t) states;
	struct xen_psd_package domain_info;
	uint32_t shared_type;		/* XEN_CPUPERF_SHARED_TYPE_* */
	uint32_t _pad1;
};
typedef struct xen_processor_performance xen_processor_performance_t;
PV_ABI_SIZE(struct xen_processor_performance, 104);
PV_ABI_AT(struct xen_processor_performance, flags, 0);
PV_ABI_AT(struct xen_processor_performance, platform_limit, 4);
PV_ABI_AT(struct xen_processor_performance, control_register, 8);
PV_ABI_AT(struct xen_processor_performance, status_register, 24);
PV_ABI_AT(struct xen_processor_performance, state_count, 40);
PV_ABI_AT(struct xen_processor_performance, states, 48);
PV_ABI_AT(struct xen_processor_performance, domain_info, 56);
PV_ABI_AT(struct xen_processor_performance, shared_type, 96);

struct xenpf_set_processor_pminfo {
	uint32_t id;			/* IN ACPI number */
	uint32_t type;			/* IN XEN_PM_* */
	union {
		struct xen_processor_power power;
		struct xen_processor_performance perf;
		GUEST_PTR(uint32_t) pdc;
	} u;				/* IN */
};
typedef struct xenpf_set_processor_pminfo xenpf_set_processor_pminfo_t;
PV_ABI_SIZE(struct xenpf_set_processor_pminfo, 112);
PV_ABI_AT(struct xenpf_set_processor_pminfo, id, 0);
PV_ABI_AT(struct xenpf_set_processor_pminfo, type, 4);
PV_ABI_AT(struct xenpf_set_processor_pminfo, u, 8);
PV_ABI_AT(struct xenpf_set_processor_pminfo, u.power, 8);
PV_ABI_AT(struct xenpf_set_processor_pminfo, u.perf, 8);
PV_ABI_AT(struct xenpf_set_processor_pminfo, u.pdc, 8);

/* XENPF_get_cpuinfo: a processor's numbers. One that is not there has FLAGS_INVALID. */
#define XENPF_get_cpuinfo	55
#define XEN_PCPU_FLAGS_ONLINE	1
#define XEN_PCPU_FLAGS_INVALID	2
struct xenpf_pcpuinfo {
	uint32_t xen_cpuid;		/* IN */
	uint32_t max_present;		/* OUT highest processor number */
	uint32_t flags;			/* OUT XEN_PCPU_FLAGS_* */
	uint32_t apic_id;		/* OUT */
	uint32_t acpi_id;		/* OUT */
};
typedef struct xenpf_pcpuinfo xenpf_pcpuinfo_t;
PV_ABI_SIZE(struct xenpf_pcpuinfo, 20);
PV_ABI_AT(struct xenpf_pcpuinfo, xen_cpuid, 0);
PV_ABI_AT(struct xenpf_pcpuinfo, max_present, 4);
PV_ABI_AT(struct xenpf_pcpuinfo, flags, 8);
PV_ABI_AT(struct xenpf_pcpuinfo, apic_id, 12);
PV_ABI_AT(struct xenpf_pcpuinfo, acpi_id, 16);

/*
 * XENPF_cpu_online, _offline
 * Err:	-EINVAL	no such processor
 *	-EBUSY	it cannot be spared, or another change is under way
 *	-EOPNOTSUPP	processor 0
 */
#define XENPF_cpu_online	56
#define XENPF_cpu_offline	57
struct xenpf_cpu_ol {
	uint32_t cpuid;			/* IN */
};
typedef struct xenpf_cpu_ol xenpf_cpu_ol_t;
PV_ABI_SIZE(struct xenpf_cpu_ol, 4);
PV_ABI_AT(struct xenpf_cpu_ol, cpuid, 0);

/* XENPF_cpu_hotadd, XENPF_mem_hotadd. Err: -ENOSYS: no hot-plugging. */
#define XENPF_cpu_hotadd	58
struct xenpf_cpu_hotadd {
	uint32_t apic_id;		/* IN */
	uint32_t acpi_id;		/* IN */
	uint32_t pxm;			/* IN */
};
typedef struct xenpf_cpu_hotadd xenpf_cpu_hotadd_t;
PV_ABI_SIZE(struct xenpf_cpu_hotadd, 12);
PV_ABI_AT(struct xenpf_cpu_hotadd, apic_id, 0);
PV_ABI_AT(struct xenpf_cpu_hotadd, acpi_id, 4);
PV_ABI_AT(struct xenpf_cpu_hotadd, pxm, 8);
#define XENPF_mem_hotadd	59
struct xenpf_mem_hotadd {
	uint64_t spfn;			/* IN */
	uint64_t epfn;			/* IN */
	uint32_t pxm;			/* IN */
	uint32_t flags;			/* IN zero */
};
typedef struct xenpf_mem_hotadd xenpf_mem_hotadd_t;
PV_ABI_SIZE(struct xenpf_mem_hotadd, 24);
PV_ABI_AT(struct xenpf_mem_hotadd, spfn, 0);
PV_ABI_AT(struct xenpf_mem_hotadd, epfn, 8);
PV_ABI_AT(struct xenpf_mem_hotadd, pxm, 16);
PV_ABI_AT(struct xenpf_mem_hotadd, flags, 20);

/* XENPF_core_parking: processors put to rest. Err: -EINVAL unknown type or too many. */
#define XENPF_core_parking	60
#define XEN_CORE_PARKING_SET	1
#define XEN_CORE_PARKING_GET	2
struct xenpf_core_parking {
	uint32_t type;			/* IN XEN_CORE_PARKING_* */
	uint32_t idle_nums;		/* IN of SET, OUT of GET */
};
typedef struct xenpf_core_parking xenpf_core_parking_t;
PV_ABI_SIZE(struct xenpf_core_parking, 8);
PV_ABI_AT(struct xenpf_core_parking, type, 0);
PV_ABI_AT(struct xenpf_core_parking, idle_nums, 4);

/*
 * XENPF_resource_op: a few MSRs of a processor, in order and without interruption.
 * Ret:	entries that succeeded; the next has its error in u.ret
 * Err:	-EINVAL	rsvd is not 0, or too many entries
 *	-ENODEV	no such processor
 */
#define XENPF_resource_op	61
#define XEN_RESOURCE_OP_MSR_READ  0	/* the TSC reads as system time in ns */
#define XEN_RESOURCE_OP_MSR_WRITE 1
struct xenpf_resource_entry {
	union {
		uint32_t cmd;		/* IN XEN_RESOURCE_OP_* */
		int32_t ret;		/* OUT */
	} u;
	uint32_t rsvd;			/* IN zero */
	uint64_t idx;			/* IN MSR */
	uint64_t val;			/* INOUT */
};
typedef struct xenpf_resource_entry xenpf_resource_entry_t;
PV_ABI_SIZE(struct xenpf_resource_entry, 24);
PV_ABI_AT(struct xenpf_resource_entry, u, 0);
PV_ABI_AT(struct xenpf_resource_entry, u.cmd, 0);
PV_ABI_AT(struct xenpf_resource_entry, u.ret, 0);
PV_ABI_AT(struct xenpf_resource_entry, rsvd, 4);
PV_ABI_AT(struct xenpf_resource_entry, idx, 8);
PV_ABI_AT(struct xenpf_resource_entry, val, 16);
struct xenpf_resource_op {
	uint32_t nr_entries;		/* IN */
	uint32_t cpu;			/* IN */
	GUEST_PTR(xenpf_resource_entry_t) entries; /* INOUT */
};
typedef struct xenpf_resource_op xenpf_resource_op_t;
PV_ABI_SIZE(struct xenpf_resource_op, 16);
PV_ABI_AT(struct xenpf_resource_op, nr_entries, 0);
PV_ABI_AT(struct xenpf_resource_op, cpu, 4);
PV_ABI_AT(struct xenpf_resource_op, entries, 8);

/*
 * XENPF_get_symbol: walk the hypervisor's symbols.
 * Err:	-ERANGE	symnum beyond the last
 */
#define XENPF_get_symbol	63
struct xenpf_symdata {
	uint32_t namelen;		/* INOUT room, length */
	uint32_t symnum;		/* INOUT which, the next; the same when there is none */
	GUEST_PTR(char) name;		/* OUT */
	uint64_t address;		/* OUT */
	char type;			/* OUT as nm prints it */
	uint8_t _pad0[7];
};
typedef struct xenpf_symdata xenpf_symdata_t;
PV_ABI_SIZE(struct xenpf_symdata, 32);
PV_ABI_AT(struct xenpf_symdata, namelen, 0);
PV_ABI_AT(struct xenpf_symdata, symnum, 4);
PV_ABI_AT(struct xenpf_symdata, name, 8);
PV_ABI_AT(struct xenpf_symdata, address, 16);
PV_ABI_AT(struct xenpf_symdata, type, 24);

struct xen_platform_op {
	uint32_t cmd;			/* IN XENPF_* */
	uint32_t interface_version;	/* IN XENPF_INTERFACE_VERSION */
	union {
		xenpf_settime_t settime;
		xenpf_settime32_t settime32;
		xenpf_settime64_t settime64;
		xenpf_add_memtype_t add_memtype;
		xenpf_del_memtype_t del_memtype;
		xenpf_read_memtype_t read_memtype;
		xenpf_microcode_update_t microcode;
		xenpf_platform_quirk_t platform_quirk;
		xenpf_efi_runtime_call_t efi_runtime_call;
		xenpf_firmware_info_t firmware_info;
		xenpf_enter_acpi_sleep_t enter_acpi_sleep;
		xenpf_change_freq_t change_freq;
		xenpf_getidletime_t getidletime;
		xenpf_set_processor_pminfo_t set_pminfo;
		xenpf_pcpuinfo_t pcpu_info;
		xenpf_pcpu_version_t pcpu_version;
		xenpf_cpu_ol_t cpu_ol;
		xenpf_cpu_hotadd_t cpu_add;
		xenpf_mem_hotadd_t mem_add;
		xenpf_core_parking_t core_parking;
		xenpf_resource_op_t resource_op;
		xenpf_symdata_t symdata;
		uint8_t pad[128];
	} u;
};
typedef struct xen_platform_op xen_platform_op_t;
PV_ABI_SIZE(struct xen_platform_op, 136);
PV_ABI_AT(struct xen_platform_op, cmd, 0);
PV_ABI_AT(struct xen_platform_op, interface_version, 4);
PV_ABI_AT(struct xen_platform_op, u, 8);

#endif /* PV_ABI_XEN_PLATFORM_H */
