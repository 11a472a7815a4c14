/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as Python writes them, without a libc. */
#ifndef PM_DECIMAL_H
#define PM_DECIMAL_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"

/* Appends the double whose bits these are as Python's repr does from 2.7 on: the fewest
   digits that read back as the same number ("0.1", "1e+16", "-0.0", "nan", "inf"). */
void pm_buffer_add_double(struct pm_buffer *buffer, u64 bits);

/* Appends a natural number of any size in decimal: digit_bits (at most 32) used bits in each
   of count digits, the least first. count * digit_bits must be below PM_DECIMAL_BITS_MAX. */
enum { PM_DECIMAL_BITS_MAX = 1280 };
void pm_buffer_add_natural(struct pm_buffer *buffer, const u32 *digits, unsigned count,
                           unsigned digit_bits);

#endif
