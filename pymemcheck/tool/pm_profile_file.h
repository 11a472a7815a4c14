/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file that the JSON profile goes to.

   It is made under another name in the same folder, and renamed: a reader sees a whole profile or none. That
   name cannot be guessed and must be new, so that a link which someone else put there is not
   followed; and only the user may read the file, since it has the beginnings of the program's strings. */
#ifndef PM_PROFILE_FILE_H
#define PM_PROFILE_FILE_H

#include "base/pm_types.h"
#include "heap/pm_profile.h"

/* The file's name, from --pymemcheck-out-file= as the user gave it; free it by VG_(free). Ends the program
   if the name cannot be expanded (%q of an unset variable, say).
   beside: for a program that is about to become another one with the same process number, which will write a
   profile too: .before-exec is added, and a number from the second time on. A file that is older than
   this process is not counted. */
char *pm_profile_file_name(const char *out_file, bool beside);

/* Writes the profile there; false if that could not be done whole. Devices and pipes, and what
   /proc/self/fd has open (/dev/stdout), are written to directly; a regular file among the latter
   is added to. */
bool pm_profile_file_write(const struct pm_profile *profile, const char *name);

#endif
