/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The profile as JSON: the file pymemcheck.out.<pid>. docs/file-format.md has a commented
   sample. Equal profiles give equal bytes. The writer is pm_json_format (report/pm_formats.h). */
#ifndef PM_JSON_H
#define PM_JSON_H

#include "heap/pm_profile.h"
#include "heap/pm_tables.h"
#include "report/pm_emitter.h"
#include "report/pm_sink.h"

/* Raised when a reader of the old format would misread the new one. New keys do not raise it. */
#define PM_JSON_VERSION 2

struct pm_json_options {
    size_t chunk_bytes;     /* size of the pieces given to the sink; 0: 64 KiB */
};

void pm_json_write(const struct pm_profile *profile, const struct pm_json_options *options,
                   const struct pm_sink *sink);

/* Loss records alone, with all strings, frames and stacks of tables: a JSON text of its own. */
void pm_json_write_losses(const struct pm_tables *tables, const struct pm_losses *losses,
                          const struct pm_sink *sink);

/* Parts of a frame, for other JSON texts: the name of its kind, and "flags" with its value. */
const char *pm_json_frame_kind(u8 kind);
void pm_json_put_flags(struct pm_emitter *out, u8 flags);

#endif
