/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entries of a dict, for pm_object*.c only.

   Sources: Objects/dictobject.c and Include/dictobject.h of 2.7, Objects/dict-common.h of
   3.6 to 3.10, Include/internal/pycore_dict.h from 3.11 on. */
#ifndef PM_OBJECT_DICT_H
#define PM_OBJECT_DICT_H

#include "cpython/pm_object_state.h"

struct pm_object_dict {
    u64 entries;            /* client address of the first entry, 0: there is none */
    u64 count;              /* of entries, with unused ones */
    u32 entry_bytes;
    u32 key_at, value_at;   /* in an entry */
    u64 values;             /* address of an array of values that is used instead of those in the
                               entries; 0: none */
};

/* Fills view for the dict at an address. False: it makes no sense. */
bool pm_object_dict_open(struct pm_objects *objects, u64 dict, struct pm_object_dict *view);

/* The same for keys (PyDictKeysObject), which instances of a class share. */
bool pm_object_keys_open(struct pm_objects *objects, u64 keys, struct pm_object_dict *view);

/* The key of an entry; 0: the entry is unused, or cannot be read. */
u64 pm_object_dict_key(struct pm_objects *objects, const struct pm_object_dict *view, u64 index);

/* The value for a key that is a string of this text; 0: none. Compares with the first 4096 entries. */
u64 pm_object_dict_get(struct pm_objects *objects, u64 dict, const char *key);

#endif
