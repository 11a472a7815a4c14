/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log and XML file, when the core opens them (coregrind/m_libcprint.c, prepare_sink_fd). The linker leads the core's
   calls of VG_(open) from other files here (--wrap).

   A file that cannot be opened: the core ends the process, also a child that has just forked and should get a file of its
   own. Here the output goes to standard error instead, as the core itself does when a logging server does not answer.

   A log that several processes have by the same name (--trace-children=yes without %p): the core empties it for each, and
   each writes where it believes the end to be. Here each process writes at the end, and only one that is alone empties
   the file. Who writes to it has a shared lock (flock), which children of a fork inherit, and which ends with the last of
   them. */
#include "tool/core/pm_core_symbols.h"

#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_options.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"

#include "tool/core/pm_core_kernel.h"

#include "base/pm_buffer.h"
#include "report/pm_utf8.h"

#if PM_CORE_OPEN

enum {
    STANDARD_ERROR = 2,
    /* of flock, include/uapi/asm-generic/fcntl.h; Valgrind's headers do not have them */
    LOCK_SHARED = 1, LOCK_EXCLUSIVE = 2, LOCK_NO_WAIT = 4,
};

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

/* Where no locks are possible the file is emptied, as the core does. */
static SysRes open_log(const HChar *path, Int flags, Int mode)
{
    const SysRes opened = __real_vgPlain_open(path, (flags & ~VKI_O_TRUNC) | VKI_O_APPEND, mode);

    if (sr_isError(opened))
        return opened;
    const u64 fd = sr_Res(opened);
    if (pm_core_call_kernel(__NR_flock, fd, LOCK_EXCLUSIVE | LOCK_NO_WAIT, 0, 0) != -VKI_EAGAIN)
        pm_core_call_kernel(__NR_ftruncate, fd, 0, 0, 0);
    pm_core_call_kernel(__NR_flock, fd, LOCK_SHARED | LOCK_NO_WAIT, 0, 0);
    return opened;
}

SysRes __wrap_vgPlain_open(const HChar *path, Int flags, Int mode)
{
    const bool creates = (flags & VKI_O_CREAT) != 0;
    const bool is_log = creates && is_output(path, "--log-file", vgPlain_clo_log_fname_unexpanded);
    const bool is_xml = creates && is_output(path, "--xml-file", vgPlain_clo_xml_fname_unexpanded);
    const SysRes opened = is_log ? open_log(path, flags, mode) : __real_vgPlain_open(path, flags, mode);

    if (!sr_isError(opened) || (!is_log && !is_xml))
        return opened;
    SysRes instead = VG_(dup)(STANDARD_ERROR);
    if (sr_isError(instead))
        return opened;
    tell(is_log ? "log" : "XML", path, vgPlain_strerror(sr_Err(opened)));
    return instead;
}

#endif
