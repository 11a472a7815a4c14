/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PM_JSON_TYPES_H
#define PM_JSON_TYPES_H

#include "heap/pm_type_sums.h"
#include "report/pm_emitter.h"

/* The keys "in_use" and "types" with its columns; null if types were not counted. */
void pm_json_write_types(struct pm_emitter *out, const struct pm_type_sums *sums);

#endif
