/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places of pointers, and objects, in words: "variable x in /lib/libx.so", "dict len 3",
   "['key']". Each function appends to out. */
#ifndef PM_LEAK_PLACES_H
#define PM_LEAK_PLACES_H

#include "base/pm_buffer.h"
#include "tool/leaks/pm_leak_stages.h"

/* A root as a person knows it: a register or the stack of a thread, a variable of an object
   file. address: of the pointer in it. */
void pm_leak_places_add_root(struct pm_leak_state *check, u32 root, u64 address,
                             struct pm_buffer *out);

/* Type and preview of an object. */
void pm_leak_places_add_object(struct pm_leak_state *check, const struct pm_object *object,
                               struct pm_buffer *out);

#endif
