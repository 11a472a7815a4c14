/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source lines of native code. They are read from debug information when they are wanted, not when
   an object is loaded (docs/decisions/lines.md).

   The core would read all lines of each object when the program maps it. We leave that out
   (pm_core_lines.c), and record which files it would have read. Objects that pm_lines_defer leaves
   to the core are not known here: VG_(get_filename_linenum) has their lines. */
#ifndef PM_LINES_H
#define PM_LINES_H

#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"

#include "base/pm_types.h"

/* An address in an object's file. Stays valid when the object is unloaded. */
struct pm_lines_place {
    u32 object;
    u64 address;        /* as the file was linked */
};

struct pm_lines_wanted {
    struct pm_lines_place place;
    u32 tag;            /* the caller's */
};

/* The line of another file before one of Python's headers that count references: where an inlined Py_INCREF was written, if it
   is in the same function. */
struct pm_lines_outer {
    const char *folder, *file;
    u32 line;
    u64 distance;       /* how many bytes before the address its row begins */
};

/* Called for each line that was found; the texts are valid during the call. folder: "" if
   unknown. outer: NULL if there is none. */
typedef void pm_lines_found(void *context, u32 tag, const char *folder, const char *file, u32 line,
                            const struct pm_lines_outer *outer);

/* The place of ip among the objects that were loaded at the epoch. False if the core reads the lines
   of that object, or the object is gone. */
bool pm_lines_place(DiEpoch epoch, u64 ip, struct pm_lines_place *place);

/* Finds the wanted lines, in any order, and calls found for each place that has one. Logs which files
   cannot be read any more. Cost: for each object with a wanted address, reads its .debug_line once.
   Keeps nothing. */
void pm_lines_find(const struct pm_lines_wanted *wanted, u32 count, pm_lines_found *found,
                   void *context);

/* The same for one place, at once. Cost: with the first place of an object its .debug_line is read and kept, in a few
   megabytes for a large one; then logarithmic. */
void pm_lines_find_now(const struct pm_lines_place *place, u32 tag, pm_lines_found *found, void *context);

/* --- For pm_core_lines.c --- */

/* The core opened or closed a file with debug information. path: NULL if it is not a local file. */
void pm_lines_opened(const void *image, const char *path);
void pm_lines_closed(const void *image);

/* The core is about to read the lines of an object from the files that are open. True: it must not
   read them. */
bool pm_lines_defer(const DebugInfo *info);

#endif
