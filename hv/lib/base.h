/* SPDX-License-Identifier: MIT */
/* Types, macros and the failure primitives that everything in hv/ builds on. */
#ifndef LIB_BASE_H
#define LIB_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/errno.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))

#define BIT(n) (1UL << (n))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a) (((x) + (a)-1) & ~((__typeof__(x))(a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define DIV_ROUND_UP(x, d) (((x) + (d)-1) / (d))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define noreturn_fn __attribute__((noreturn))
#define printf_fn(fmt, args) __attribute__((format(printf, fmt, args)))
#define always_inline_fn inline __attribute__((always_inline))
#define noinline_fn __attribute__((noinline))
#define must_check __attribute__((warn_unused_result))
#define cacheline_aligned __attribute__((aligned(64)))
/* Code and data used only while the machine starts; given back to the heap afterwards. */
#define __init __attribute__((section(".init.text"), cold))
#define __initdata __attribute__((section(".init.data")))
#define __initconst __attribute__((section(".init.rodata")))

/* One access, exactly as wide as the type: for memory that somebody else may write. */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define barrier() __asm__ volatile("" ::: "memory")

/*
 * Stop the machine: the hypervisor itself is broken. Prints the message, registers and a
 * backtrace, then halts or reboots as the operator asked. Never for what a guest did wrong.
 */
noreturn_fn void panic(const char *fmt, ...) printf_fn(1, 2);

#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (unlikely(cond))                                                                \
			panic("BUG at %s:%d: %s", __FILE__, __LINE__, #cond);                      \
	} while (0)

/* Checked in test builds only (option "checks"); never the only defence against a guest. */
#ifdef PAVISE_CHECKS
#define ASSERT(cond) BUG_ON(!(cond))
#else
#define ASSERT(cond) ((void)sizeof(cond))
#endif

#endif
