/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory filled and copied, for where there is no C library that does it well. */
#ifndef PM_BYTES_H
#define PM_BYTES_H

#include "base/pm_types.h"

/* Writes value bytes times. */
void pm_bytes_fill(void *to, u8 value, size_t bytes);

/* From the first byte to the last: if both overlap, to must not lie behind from. */
void pm_bytes_copy(void *to, const void *from, size_t bytes);

#endif
