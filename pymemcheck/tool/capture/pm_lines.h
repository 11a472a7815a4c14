/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source lines of native code, read from debug information when they are wanted and not when an
   object is loaded: docs/decisions/lines.md.

   The core reads all lines of each object as the program maps it. Here that is left out
   (pm_core_lines.c), and noted is which files it would have read. What is left to the core's own
   reading (see pm_lines_defer) is not known here: VG_(get_filename_linenum) has it. */
#ifndef PM_LINES_H
#define PM_LINES_H

#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"

#include "base/pm_types.h"

/* Where an address is in an object's file. It stays valid when the object is unloaded. */
struct pm_lines_place {
    u32 object;
    u64 address;        /* as the file was linked */
};

struct pm_lines_wanted {
    struct pm_lines_place place;
    u32 tag;            /* the caller's */
};

/* One line that was found; the texts are valid during the call. folder: "" if not known. */
typedef void pm_lines_found(void *context, u32 tag, const char *folder, const char *file, u32 line);

/* The place of ip, by what was loaded at the epoch; false if its lines are not ours to read, or the
   object is gone. */
bool pm_lines_place(DiEpoch epoch, u64 ip, struct pm_lines_place *place);

/* Finds the lines of all that is wanted, in any order, and calls found for each that has one. Says in
   the log which file cannot be read any more. Cost: for each object with a wanted address,
   reading its .debug_line once. Keeps nothing. */
void pm_lines_find(const struct pm_lines_wanted *wanted, u32 count, pm_lines_found *found,
                   void *context);

/* --- For pm_core_lines.c --- */

/* The core opened or closed a file with debug information. path: NULL if it is not a local file. */
void pm_lines_opened(const void *image, const char *path);
void pm_lines_closed(const void *image);

/* The core is about to read the lines of an object from the files that are open. True: it shall not. */
bool pm_lines_defer(const DebugInfo *info);

#endif
