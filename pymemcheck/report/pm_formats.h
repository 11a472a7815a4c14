/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All report formats. Each entry NAME here is a pm_NAME_format, defined in a file of its own in
   report/. docs/architecture.md, "Add a report format", has the steps. */
#ifndef PM_FORMATS_H
#define PM_FORMATS_H

#include "report/pm_writer.h"

/* In the order in which they are called. */
#define PM_FORMATS(FORMAT) \
    FORMAT(text) \
    FORMAT(xml) \
    FORMAT(json)

#define PM_FORMAT_DECLARE(name) extern const struct pm_format pm_##name##_format;
PM_FORMATS(PM_FORMAT_DECLARE)

#define PM_FORMAT_COUNT_ONE(name) + 1
enum { PM_FORMAT_COUNT = PM_FORMATS(PM_FORMAT_COUNT_ONE) };

/* Format number i, below PM_FORMAT_COUNT. */
static inline const struct pm_format *pm_format_at(size_t i)
{
#define PM_FORMAT_POINTER(name) &pm_##name##_format,
    static const struct pm_format *const formats[] = { PM_FORMATS(PM_FORMAT_POINTER) };
    return formats[i];
}

#endif
