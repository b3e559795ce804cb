/* SPDX-License-Identifier: MIT */
/* The honest guest: each area's checks, in the order main.c runs them. */
#ifndef HONEST_H
#define HONEST_H

#include "guest.h"

void test_calls(void);      /* xen_version, console_io, vm_assist, multicall, fpu_taskswitch, ... */
void test_mmu_update(void); /* mmu_update, update_va_mapping */
void test_mmuext(void);
void test_emulated_ptes(void);
void test_descriptors(void); /* set_gdt, update_descriptor, LDT, segment bases */
void test_exceptions(void);
void test_iret(void);
void test_user(void);       /* user mode: syscalls, int 0x80, 32-bit code */
void test_privileged(void); /* emulated instructions */
void test_debug(void);      /* debug registers */
void test_events(void);
void test_time(void);
void test_sched(void);
void test_memory(void);
void test_grants(void);
void test_vcpu(void);
void test_moved(void); /* after test_vcpu(), to which processor 1 must be new */
void test_platform(void);
void test_physdev(void);
void test_control(void);
void test_fifo(void); /* last: FIFO mode stays */

#endif
