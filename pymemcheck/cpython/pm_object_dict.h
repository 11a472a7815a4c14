/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in a dict's memory, for pm_object*.c only.

   Sources: Objects/dictobject.c and Include/dictobject.h of 2.7, Objects/dict-common.h of
   3.6 to 3.10, Include/internal/pycore_dict.h from 3.11 on. */
#ifndef PM_OBJECT_DICT_H
#define PM_OBJECT_DICT_H

#include "cpython/pm_object_state.h"

struct pm_object_dict {
    u64 entries;            /* client address of the first one, 0: none */
    u64 count;              /* how many there are, unused ones too */
    u32 entry_bytes;
    u32 key_at, value_at;   /* in an entry */
    u64 values;             /* address of the values' pointers, in place of those in the entries; 0 */
};

/* False: it makes no sense. */
bool pm_object_dict_open(struct pm_objects *objects, u64 dict, struct pm_object_dict *view);

/* The same for keys that instances of a class share (PyDictKeysObject). */
bool pm_object_keys_open(struct pm_objects *objects, u64 keys, struct pm_object_dict *view);

/* The key of an entry; 0: unused, or it cannot be read. */
u64 pm_object_dict_key(struct pm_objects *objects, const struct pm_object_dict *view, u64 index);

/* The value under a key that is a string; 0: none. Looks at each entry, at most some thousands. */
u64 pm_object_dict_get(struct pm_objects *objects, u64 dict, const char *key);

#endif
