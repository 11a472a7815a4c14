/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loss records as a JSON text of their own: "strings", "frames", "stacks" and "leaks" as in the profile
   (docs/file-format.md), but with those strings, frames and stacks only that the records need. */
#ifndef PM_JSON_EXCERPT_H
#define PM_JSON_EXCERPT_H

#include "heap/pm_losses.h"
#include "heap/pm_tables.h"
#include "report/pm_sink.h"

/* losses must be finished; its numbers are those of tables. Cost: a copy of the records. */
void pm_json_excerpt_write(const struct pm_tables *tables, const struct pm_losses *losses,
                           const struct pm_sink *sink);

#endif
