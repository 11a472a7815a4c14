/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The profile as JSON: the file pymemcheck.out.<pid>, described by a commented
   sample in docs/file-format.md. Equal profiles give equal bytes. */
#ifndef PM_JSON_H
#define PM_JSON_H

#include "heap/pm_profile.h"
#include "report/pm_sink.h"

/* Raised when a reader of the old format would misread the new one. New keys
   alone do not raise it. */
#define PM_JSON_VERSION 2

struct pm_json_options {
    size_t chunk_bytes;     /* size of the pieces handed to the sink; 0: 64 KiB */
};

void pm_json_write(const struct pm_profile *profile, const struct pm_json_options *options,
                   const struct pm_sink *sink);

#endif
