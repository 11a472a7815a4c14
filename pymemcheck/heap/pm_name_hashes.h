/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashes of names, for fingerprints of loss records. Each leaves out what differs from one machine, build or
   version of Python to another. */
#ifndef PM_NAME_HASHES_H
#define PM_NAME_HASHES_H

#include "base/pm_strings.h"
#include "base/pm_types.h"

/* A file: the last part of its path. */
u64 pm_name_hash_file(const struct pm_strings *strings, struct pm_string_id path);
/* A shared object: the last part of its path, without the tag of an ABI, the suffix and the version. */
u64 pm_name_hash_object(const struct pm_strings *strings, struct pm_string_id path);
/* A Python function: without its class, as names are qualified from 3.11 on only. */
u64 pm_name_hash_function(const struct pm_strings *strings, struct pm_string_id name);
/* A C or C++ function: without what a compiler appends when it clones or splits one. */
u64 pm_name_hash_symbol(const struct pm_strings *strings, struct pm_string_id name);

#endif
