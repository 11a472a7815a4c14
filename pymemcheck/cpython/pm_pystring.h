/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Python's text objects as UTF-8.

   Layouts: PEP 393 (Include/cpython/unicodeobject.h, 3.6 to 3.13) and stringobject.h of 2.7.
   The type of the object is not checked; fields that no string can have are refused. */
#ifndef PM_PYSTRING_H
#define PM_PYSTRING_H

#include "base/pm_buffer.h"
#include "base/pm_reader.h"
#include "cpython/pm_layout.h"

/* Longer text is cut between two characters. */
enum { PM_PYSTRING_MAX_BYTES = 4096 };

/* Appends the text of the string object at address. A surrogate is written as three bytes. A byte of a
   2.7 str that is not UTF-8 becomes a surrogate, U+DC80 to U+DCFF. False, with nothing
   appended, if any of it cannot be read or makes no sense. */
bool pm_pystring_append(const struct pm_layout *layout, struct pm_reader *reader, u64 address,
                        struct pm_buffer *to);

#endif
