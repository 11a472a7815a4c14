/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replaces pymemcheck/base/pm_reader.h in pm_capture.so: the functions that cpython/ calls, on the memory of
   this process. They record each range that is read, so that a seed need not have whole pages. */
#ifndef PM_READER_H
#define PM_READER_H

#include "base/pm_platform.h"
#include "base/pm_types.h"

enum { PM_RECORDING_RANGES = 1 << 14, PM_READER_PAGE_BITS = 12 };

struct pm_reader {
    u64 generation;         /* memory that was read stays */
    size_t count;
    struct pm_recorded_range {
        u64 address;
        size_t bytes;
    } ranges[PM_RECORDING_RANGES];
};

/* Defined in capture.c. */
bool pm_reader_read(struct pm_reader *reader, u64 address, void *to, size_t bytes);

static inline bool pm_reader_read_u64(struct pm_reader *reader, u64 address, u64 *to)
{
    return pm_reader_read(reader, address, to, sizeof *to);
}

static inline bool pm_reader_read_u32(struct pm_reader *reader, u64 address, u32 *to)
{
    return pm_reader_read(reader, address, to, sizeof *to);
}

static inline bool pm_reader_read_text(struct pm_reader *reader, u64 address, char *to,
                                       size_t capacity)
{
    for (size_t i = 0; i + 1 < capacity; i++) {
        if (!pm_reader_read(reader, address + i, &to[i], 1))
            return false;
        if (to[i] == '\0')
            return true;
    }
    to[capacity - 1] = '\0';
    return true;
}

/* Whether a page can be read is all that callers ask. A byte of it makes it part of the seed. */
static inline const u8 *pm_reader_page(struct pm_reader *reader, u64 page)
{
    u64 address = page << PM_READER_PAGE_BITS;
    u8 byte;

    return pm_reader_read(reader, address, &byte, 1) ? (const u8 *)(uintptr_t)address : NULL;
}

#endif
