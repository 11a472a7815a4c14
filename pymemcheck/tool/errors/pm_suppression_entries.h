/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of suppression files that are ours, as the core meets them.

   The core reads the files and asks for each entry of ours what follows its
   kind. Its own reader knows no line for Python frames, so it is shown one frame that every
   error has ("obj:*"), and the entry is read here, from the file as a whole
   (docs/decisions/suppressions.md). An entry is ours for ever: the core keeps pointers. */
#ifndef PM_SUPPRESSION_ENTRIES_H
#define PM_SUPPRESSION_ENTRIES_H

#include "pub_tool_basics.h"
#include "pub_tool_errormgr.h"

#include "base/pm_types.h"
#include "heap/pm_suppressions.h"

struct pm_suppression_entry {
    struct pm_suppression suppression;
    char *name;
    const char *file;           /* shared by the entries of a file */
    u32 line;                   /* of the name */
    u64 used;                   /* errors that it matched */
    u64 bytes, blocks;          /* of leaks that it matched */
};

struct pm_suppression_entries {
    struct pm_suppression_entry **list;
    u32 count, capacity;
    struct pm_suppression_file {      /* the file read last */
        char *text;
        size_t length;
        const char *name;
        u64 device, inode, bytes;
    } file;
};

/* Called by the core after the kind of an entry; the parameters are those of the tool's
   read_extra_suppression_info. NULL, after a message, if the entry is wrong: the core then ends the run. */
struct pm_suppression_entry *pm_suppression_entries_read(struct pm_suppression_entries *entries, enum pm_suppression_kind kind, Int fd,
                                 HChar **line, SizeT *line_bytes, Int *line_number);

/* Logs the entries that matched nothing, for -v. */
void pm_suppression_entries_list_unused(const struct pm_suppression_entries *entries);

#endif
