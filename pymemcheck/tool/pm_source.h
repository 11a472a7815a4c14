/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of Python source, read while a report is written. Caches the file read last. */
#ifndef PM_SOURCE_H
#define PM_SOURCE_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"

struct pm_source {
    struct pm_buffer name;      /* of the cached file; "" if none */
    struct pm_buffer text;
    bool readable;
};

void pm_source_init(struct pm_source *source);
void pm_source_release(struct pm_source *source);

/* Appends line number line (from 1) of file, without its newline. False if file is not a
   regular file, cannot be read or has fewer lines. context is a struct pm_source. Has the type
   of pm_text_options.source_line. */
bool pm_source_line(void *context, const char *file, u32 line, struct pm_buffer *out);

#endif
