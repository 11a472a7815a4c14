/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log or XML file that cannot be opened. The core then ends the process (coregrind/m_libcprint.c,
   prepare_sink_fd), also a child that has just forked and should get a file of its own. Here the output goes
   to standard error instead, as the core itself does when a logging server does not answer. The
   linker leads the core's calls of VG_(open) from other files here (--wrap). */
#include "tool/core/pm_core_symbols.h"

#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_options.h"
#include "pub_tool_vki.h"

#include "base/pm_buffer.h"
#include "report/pm_utf8.h"

#if PM_CORE_OPEN

enum { STANDARD_ERROR = 2 };

/* Whether path is name, as given with option, with its %p and %q expanded. name may be NULL. */
static bool is_output(const HChar *path, const HChar *option, const HChar *name)
{
    if (name == NULL)
        return false;
    HChar *expanded = VG_(expand_file_name)(option, name);
    bool same = VG_(strcmp)(expanded, path) == 0;
    VG_(free)(expanded);
    return same;
}

/* Written directly: the core would still print to the log of a child's parent. */
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
    if (is_output(path, "--log-file", vgPlain_clo_log_fname_unexpanded))
        what = "log";
    else if (is_output(path, "--xml-file", vgPlain_clo_xml_fname_unexpanded))
        what = "XML";
    if (what == NULL)
        return opened;
    SysRes instead = VG_(dup)(STANDARD_ERROR);
    if (sr_isError(instead))
        return opened;
    tell(what, path, vgPlain_strerror(sr_Err(opened)));
    return instead;
}

#endif
