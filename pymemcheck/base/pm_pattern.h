/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns in which * stands for any bytes and ? for one; all other bytes stand
   for themselves, and there is no way to quote these two. As in Valgrind's
   suppressions (coregrind/m_seqmatch.c, VG_(string_match), 3.19).

   Cost: at worst the product of both lengths. */
#ifndef PM_PATTERN_H
#define PM_PATTERN_H

#include "base/pm_types.h"

/* Whether all of text is as pattern says. */
bool pm_pattern_matches(const char *pattern, size_t pattern_length, const char *text,
                        size_t text_length);

/* Whether all of text is, or what follows one of its separators. */
bool pm_pattern_matches_end(const char *pattern, size_t pattern_length, const char *text,
                            size_t text_length, char separator);

/* Whether the path of a shared object is one that a person would name by
   pattern: "dir/_ext.so" for /usr/lib/dir/_ext.so, and for
   /usr/lib/dir/_ext.cpython-311-x86_64-linux-gnu.so too, since the tag says
   only for which interpreter the file is. */
bool pm_pattern_matches_object(const char *pattern, size_t pattern_length, const char *path,
                               size_t path_length);

#endif
