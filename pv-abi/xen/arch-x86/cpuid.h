/* SPDX-License-Identifier: MIT */
/* The published place of this header; its text is one folder up. */

#include "../cpuid.h"
