/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the JSON file that has the snapshots over time (docs/file-format.md). */
#ifndef PM_JSON_MOMENTS_H
#define PM_JSON_MOMENTS_H

#include "heap/pm_moments.h"
#include "report/pm_emitter.h"

/* The key "snapshots" and its value; null if moments is NULL or has none. */
void pm_json_write_moments(struct pm_emitter *out, const struct pm_moments *moments);

#endif
