/* SPDX-License-Identifier: MIT */
/* The published place of this header; its text is two folders up. */

#include "../../hvm/start_info.h"
