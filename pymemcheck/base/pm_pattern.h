/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns in which * stands for any bytes and ? for one; all other bytes stand
   for themselves, and there is no way to quote these two. As in Valgrind's
   suppressions (coregrind/m_seqmatch.c, VG_(string_match), 3.19).

   Cost: at worst the product of both lengths. */
#ifndef PM_PATTERN_H
#define PM_PATTERN_H

#include "base/pm_types.h"

/* Whether pattern matches all of text. */
bool pm_pattern_matches(const char *pattern, size_t pattern_length, const char *text,
                        size_t text_length);

/* Whether pattern matches all of text, or all that follows one of its separators. */
bool pm_pattern_matches_end(const char *pattern, size_t pattern_length, const char *text,
                            size_t text_length, char separator);

/* Whether a user who writes pattern means the shared object at path: "dir/_ext.so" matches
   /usr/lib/dir/_ext.so and also /usr/lib/dir/_ext.cpython-311-x86_64-linux-gnu.so, since the
   tag only says for which interpreter the file is. */
bool pm_pattern_matches_object(const char *pattern, size_t pattern_length, const char *path,
                               size_t path_length);

#endif
