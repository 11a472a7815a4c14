/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file that a format of PM_CHANNEL_FILE writes to.

   It is written under a temporary name in the same folder and renamed at the end: a reader sees a
   whole file or none. That name cannot be guessed and must be new, so that a link which someone else
   put there is not followed. Only the user may read the file, since it has the beginnings of the
   program's strings.

   Devices and pipes, and what /proc/self/fd has open (/dev/stdout), are written to directly; a regular
   file among the latter is added to.

   Order of calls: init once; then begin and end any number of times. The sink takes bytes between
   them. */
#ifndef PM_PROFILE_FILE_H
#define PM_PROFILE_FILE_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"
#include "report/pm_sink.h"

struct pm_profile_file {
    struct pm_sink sink;
    char *name;                 /* the caller's */
    struct pm_buffer temporary; /* the name while it is written; not used if direct */
    int fd;
    bool direct;                /* not renamed */
    bool failed;                /* nothing more is written */
};

/* The name from --pymemcheck-out-file= with suffix; free it by VG_(free). Ends the program if it cannot be
   expanded (%q of an unset variable, say). before_exec: the program that is about to run has the same
   process number and writes a file too, so this one gets another name: .before-exec is added, and a
   number from the second time on. A file that is older than this process does not count. */
char *pm_profile_file_name(const char *out_file, const char *suffix, bool before_exec);

/* Whether a file of that name is written to directly, and so cannot be replaced. */
bool pm_profile_file_is_special(const char *name);

/* The sink points to *file, which must stay where it is. */
void pm_profile_file_init(struct pm_profile_file *file);

/* Opens the file. name must live until end. */
void pm_profile_file_begin(struct pm_profile_file *file, char *name);
/* Closes it and gives it its name; false if it could not be written completely. It is then removed. */
bool pm_profile_file_end(struct pm_profile_file *file);

#endif
