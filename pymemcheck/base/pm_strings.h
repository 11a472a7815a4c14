/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interned byte strings: equal bytes have equal ids, for ever.

   Ids count up from 0, the empty string. A string's bytes may hold anything
   but are followed by a NUL and never move once interned. Cost: one hash
   look-up for each intern. */
#ifndef PM_STRINGS_H
#define PM_STRINGS_H

#include "base/pm_buffer.h"
#include "base/pm_map.h"
#include "base/pm_types.h"

struct pm_string_id {
    u32 v;
};

struct pm_strings {
    struct pm_string *entries;
    u32 count, capacity;
    struct pm_map by_hash;      /* hash -> first id of a chain */
    struct pm_string_chunk *chunk;
};

void pm_strings_init(struct pm_strings *strings);
void pm_strings_release(struct pm_strings *strings);

struct pm_string_id pm_strings_intern(struct pm_strings *strings, const char *bytes, size_t length);
struct pm_string_id pm_strings_intern_text(struct pm_strings *strings, const char *text);

/* Interns the buffer's content, and empties the buffer. */
struct pm_string_id pm_strings_take(struct pm_strings *strings, struct pm_buffer *buffer);

/* The bytes of id, owned by the table, NUL-terminated. */
const char *pm_strings_text(const struct pm_strings *strings, struct pm_string_id id);
size_t pm_strings_length(const struct pm_strings *strings, struct pm_string_id id);
u32 pm_strings_count(const struct pm_strings *strings);

#endif
