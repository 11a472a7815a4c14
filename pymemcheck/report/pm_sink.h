/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a report goes: Valgrind's log, a file, a test's memory. */
#ifndef PM_SINK_H
#define PM_SINK_H

#include "base/pm_types.h"

struct pm_sink {
    /* Takes length bytes. A NUL, not counted in length, follows them. They are valid during
       the call only. The text and XML writers pass one whole line at a time, newline included;
       the JSON writer passes pieces of any size. A sink that cannot write must remember that
       by itself: writers go on to the end. */
    void (*write)(void *context, const char *bytes, size_t length);
    void *context;
};

static inline void pm_sink_write(const struct pm_sink *sink, const char *bytes, size_t length)
{
    sink->write(sink->context, bytes, length);
}

#endif
