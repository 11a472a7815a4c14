/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The version of an interpreter, from the text that Py_GetVersion() returns. */
#ifndef PM_VERSION_H
#define PM_VERSION_H

#include "base/pm_types.h"

struct pm_version {
    u32 hex;                /* as PY_VERSION_HEX */
    char text[32];          /* the first word: "3.11.2", "3.15.0a3+" */
    bool free_threaded;
};

/* False, with *version unspecified, if text does not begin like Py_GetVersion()'s. */
bool pm_version_parse(const char *text, struct pm_version *version);

#endif
