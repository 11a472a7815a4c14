/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_errormgr.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_xarray.h"

#include "tool/errors/pm_suppression_files.h"

#include "base/pm_buffer.h"
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

/* --- Default files --- */

static bool is_there(const char *path)
{
    struct vg_stat status;

    if (!sr_isError(VG_(stat)(path, &status)))
        return true;
    VG_(umsg)("pymemcheck: warning: default suppression file not found: %s\n", path);
    return false;
}

static void add_file_of_tool(struct pm_buffer *path, const char *name)
{
    pm_buffer_clear(path);
    pm_buffer_add_text(path, VG_(libdir));
    pm_buffer_add_char(path, '/');
    pm_buffer_add_text(path, name);
}

/* Ours and Valgrind's own. The core has listed Valgrind's already, and would end the run if that file is
   missing: VALGRIND_LIB may name a folder that holds our files only. */
static void add_default_files(void)
{
    struct pm_buffer path;

    pm_buffer_init(&path);
    add_file_of_tool(&path, "default.supp");
    for (Word i = VG_(sizeXA)(VG_(clo_suppressions)); i-- > 0;) {
        const HChar *listed = *(HChar **)VG_(indexXA)(VG_(clo_suppressions), i);
        if (VG_STREQ(listed, path.bytes) && !is_there(path.bytes))
            VG_(removeIndexXA)(VG_(clo_suppressions), i);
    }
    add_file_of_tool(&path, "pymemcheck.supp");
    if (is_there(path.bytes))
        VG_(add_suppression_file)(path.bytes);
    pm_buffer_release(&path);
}

void pm_suppression_files_begin(struct pm_suppression_entries *entries)
{
    the_entries = entries;
    if (VG_(clo_default_supp))
        add_default_files();
}
