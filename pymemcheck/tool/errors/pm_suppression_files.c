/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_errormgr.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcprint.h"

#include "tool/errors/pm_suppression_files.h"

#include "tool/core/pm_core.h"
#include "tool/errors/pm_error.h"

/* The core passes no context to the callback that reads an entry. */
static struct pm_suppression_entries *the_entries;

/* --- What the core asks --- */

Bool pm_suppression_files_recognise(const HChar *name, Supp *suppression)
{
    if (VG_STREQ(name, "Leak"))
        VG_(set_supp_kind)(suppression, PM_SUPPRESS_LEAK);
    else if (VG_STREQ(name, "Free"))
        VG_(set_supp_kind)(suppression, PM_SUPPRESS_FREE);
    else
        return False;
    return True;
}

Bool pm_suppression_files_read_entry(Int fd, HChar **line, SizeT *line_bytes, Int *line_number,
                                     Supp *suppression)
{
    struct pm_suppression_entry *entry = pm_suppression_entries_read(
        the_entries, (enum pm_suppression_kind)VG_(get_supp_kind)(suppression), fd, line, line_bytes,
        line_number);

    VG_(set_supp_extra)(suppression, entry);
    return entry != NULL;
}

Bool pm_suppression_files_match(const Error *core_error, const Supp *suppression)
{
    const struct pm_suppression_entry *entry = VG_(get_supp_extra)(suppression);
    const struct pm_error *error = pm_error_of(core_error);

    return pm_suppression_matches(&entry->suppression, &error->tables, &error->subject);
}

void pm_suppression_files_note_use(const Error *core_error, const Supp *suppression)
{
    struct pm_suppression_entry *entry = VG_(get_supp_extra)(suppression);
    const struct pm_error *error = pm_error_of(core_error);

    entry->used++;
    if (error->loss != NULL) {
        entry->bytes += error->loss->loss->bytes;
        entry->blocks += error->loss->loss->blocks;
    }
}

SizeT pm_suppression_files_describe_use(const Supp *suppression, HChar *text, Int bytes)
{
    const struct pm_suppression_entry *entry = VG_(get_supp_extra)(suppression);

    text[0] = '\0';
    if (entry->blocks == 0)
        return 0;
    return VG_(snprintf)(text, bytes, "suppressed: %'llu bytes in %'llu blocks",
                         (ULong)entry->bytes, (ULong)entry->blocks);
}

bool pm_suppression_files_begin(struct pm_suppression_entries *entries)
{
    the_entries = entries;
    return pm_core_add_default_suppressions("pymemcheck.supp");
}
