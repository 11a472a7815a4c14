/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects that are strings, for pm_object*.c only: str, which in 2.7 is a string of bytes. */
#ifndef PM_OBJECT_TEXT_H
#define PM_OBJECT_TEXT_H

#include "base/pm_buffer.h"
#include "cpython/pm_object_state.h"

/* Appends the text of the string object at address, as pm_pystring_append. False, with nothing appended:
   there is no string. */
bool pm_object_text_append(struct pm_objects *objects, u64 address, struct pm_buffer *to);

/* Whether the object at address is a string of this text (ASCII). */
bool pm_object_text_is(struct pm_objects *objects, u64 address, const char *text);

#endif
