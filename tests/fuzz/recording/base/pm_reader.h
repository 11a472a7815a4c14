/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes the place of pymemcheck/base/pm_reader.h in pm_capture.so: the functions
   that the cpython layer calls, on this process's own memory. Each range that is
   read is noted, so that a seed need not hold whole pages. */
#ifndef PM_READER_H
#define PM_READER_H

#include "base/pm_platform.h"
#include "base/pm_types.h"

enum { PM_RECORDING_RANGES = 1 << 14 };

struct pm_reader {
    u64 generation;     /* stays 0: no page goes away */
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

#endif
