/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log or XML file that cannot be opened. The core ends the process then (coregrind/m_libcprint.c,
   prepare_sink_fd, 3.19 to 3.27), also a child that has just forked and is to have a file of its own. Here
   what was to be written goes to standard error, as the core does itself when a logging server does not
   answer. The linker leads the core's calls of VG_(open) from other files here (--wrap). */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_options.h"
#include "pub_tool_vki.h"

#include "base/pm_buffer.h"
#include "report/pm_utf8.h"
#include "tool/core/pm_core.h"

extern SysRes __real_vgPlain_open(const HChar *path, Int flags, Int mode);
extern SysRes __wrap_vgPlain_open(const HChar *path, Int flags, Int mode);

enum { STANDARD_ERROR = 2 };

/* Whether path is what the option's file name stands for; that may be NULL. */
static bool is_output(const HChar *path, const HChar *option, const HChar *name)
{
    if (name == NULL)
        return false;
    HChar *expanded = VG_(expand_file_name)(option, name);
    bool same = VG_(strcmp)(expanded, path) == 0;
    VG_(free)(expanded);
    return same;
}

/* Not by the core's printing: to that the log of a child is still its parent's. */
static void tell(const HChar *what, const HChar *path, const HChar *reason)
{
    struct pm_buffer line;

    pm_buffer_init(&line);
    pm_buffer_add_text(&line, "==");
    pm_buffer_add_u64(&line, (u64)VG_(getpid)());
    pm_buffer_add_text(&line, "== pymemcheck: error: cannot create the ");
    pm_buffer_add_text(&line, what);
    pm_buffer_add_text(&line, " file '");
    pm_utf8_add_harmless(&line, path, VG_(strlen)(path));
    pm_buffer_add_text(&line, "' (");
    pm_buffer_add_text(&line, reason);
    pm_buffer_add_text(&line, "); what it was to hold goes to standard error.\n");
    VG_(write)(STANDARD_ERROR, line.bytes, (Int)line.length);
    pm_buffer_release(&line);
}

SysRes __wrap_vgPlain_open(const HChar *path, Int flags, Int mode)
{
    SysRes opened = __real_vgPlain_open(path, flags, mode);
    const HChar *what = NULL;

    if (!sr_isError(opened) || (flags & VKI_O_CREAT) == 0)
        return opened;
    if (is_output(path, "--log-file", VG_(clo_log_fname_unexpanded)))
        what = "log";
    else if (is_output(path, "--xml-file", VG_(clo_xml_fname_unexpanded)))
        what = "XML";
    if (what == NULL)
        return opened;
    SysRes instead = VG_(dup)(STANDARD_ERROR);
    if (sr_isError(instead))
        return opened;
    tell(what, path, VG_(strerror)(sr_Err(opened)));
    return instead;
}
