/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The integer names that every layer uses. Freestanding: only headers that
   the compiler itself supplies. */
#ifndef PM_TYPES_H
#define PM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;
typedef int64_t i64;

#define PM_ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#endif
