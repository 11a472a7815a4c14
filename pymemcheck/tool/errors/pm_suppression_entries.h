/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our entries in suppression files, read when the core meets them.

   The core reads the files. After the kind of an entry of ours it asks us to read more. Its
   own parser knows no line for Python frames. So we read the entry from the whole file, and
   show the core one frame that every error has ("obj:*") in its place
   (docs/decisions/suppressions.md). Entries are never freed: the core keeps pointers to them. */
#ifndef PM_SUPPRESSION_ENTRIES_H
#define PM_SUPPRESSION_ENTRIES_H

#include "pub_tool_basics.h"
#include "pub_tool_errormgr.h"

#include "base/pm_types.h"
#include "heap/pm_suppressions.h"

struct pm_suppression_entry {
    struct pm_suppression suppression;
    char *name;
    const char *file;           /* shared by all entries of a file */
    u32 line;                   /* of the name */
    u64 used;                   /* how many errors it matched */
    u64 bytes, blocks;          /* sums over the leaks that it matched */
};

struct pm_suppression_entries {
    struct pm_suppression_entry **list;
    u32 count, capacity;
    struct pm_suppression_file {      /* the file read last, by the core and by us */
        char *text;
        size_t length;
        const char *name;
        u64 device, inode, bytes;
    } file;
};

/* Called by the core after the kind of an entry. Parameters are those of the tool's
   read_extra_suppression_info. NULL, after a message, if the entry is wrong: the core then
   ends the run. */
struct pm_suppression_entry *pm_suppression_entries_read(
    struct pm_suppression_entries *entries, enum pm_suppression_kind kind, Int fd, HChar **line,
    SizeT *line_bytes, Int *line_number);

/* Logs the entries that matched nothing. */
void pm_suppression_entries_list_unused(const struct pm_suppression_entries *entries);

#endif
