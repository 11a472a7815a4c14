/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of types, for each new object is looked at: the name, what stands before instances, and whether rules
   that look at types only choose them. All in one number, which is never 0. */
#ifndef PM_WATCH_TYPES_H
#define PM_WATCH_TYPES_H

#include "base/pm_strings.h"
#include "base/pm_types.h"

struct pm_birth_store;
struct pm_run;

enum { PM_WATCH_TYPE_NAME_BITS = 32, PM_WATCH_TYPE_HEADER_BITS = 16, PM_WATCH_TYPE_CHOSEN_BIT = 62, PM_WATCH_TYPE_KNOWN_BIT = 63 };

/* What is known of the type of the object at store->object; 0: there is no object. */
u64 pm_watch_type_known(struct pm_run *run, const struct pm_birth_store *store);

/* Bytes before an instance. */
static inline u64 pm_watch_type_header(u64 known)
{
    return known >> PM_WATCH_TYPE_NAME_BITS & ((1 << PM_WATCH_TYPE_HEADER_BITS) - 1);
}

static inline bool pm_watch_type_chosen(u64 known)
{
    return known >> PM_WATCH_TYPE_CHOSEN_BIT & 1;
}

static inline struct pm_string_id pm_watch_type_name(u64 known)
{
    return (struct pm_string_id){ (u32)known };
}

/* The type at an address may be gone: another may come there. */
void pm_watch_type_forget(struct pm_run *run, u64 type);

#endif
