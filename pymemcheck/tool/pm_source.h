/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of Python source, read when the report is written. The file that was
   read last is kept. */
#ifndef PM_SOURCE_H
#define PM_SOURCE_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"

struct pm_source {
    struct pm_buffer name;      /* of the file in text; "" none yet */
    struct pm_buffer text;
    bool readable;
};

void pm_source_init(struct pm_source *source);
void pm_source_release(struct pm_source *source);

/* Appends line number line (from 1) of file, without its newline. False if
   file is no regular file, cannot be read or is shorter; context is a struct
   pm_source. Has the type of pm_text_options.source_line. */
bool pm_source_line(void *context, const char *file, u32 line, struct pm_buffer *out);

#endif
