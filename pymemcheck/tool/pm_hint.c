/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcfile.h"

#include "tool/pm_hint.h"

#include "base/pm_platform.h"
#include "tool/pm_run.h"

enum { MAX_FILE_SEGMENTS = 4096, MOST_STATIC_BIRTHS = 500 };

static bool is_shell(const char *path)
{
    static const char *const shells[] = {
        "sh", "bash", "dash", "zsh", "ksh", "mksh", "busybox", "env", "fish", "csh", "tcsh",
    };
    const HChar *name = VG_(basename)(path);

    for (size_t i = 0; i < PM_ARRAY_LENGTH(shells); i++)
        if (pm_text_equal(name, shells[i]))
            return true;
    return false;
}

/* The ELF file that runs; for a script, its interpreter. NULL if unknown. The
   core maps it, at its own address or at 0x108000 (m_ume/elf.c), below all that
   is mapped later. */
static const char *program_path(void)
{
    Addr starts[MAX_FILE_SEGMENTS];
    Int count = VG_(am_get_segment_starts)(SkFileC, starts, MAX_FILE_SEGMENTS);

    return count > 0 ? VG_(am_get_filename)(VG_(am_find_nsegment)(starts[0])) : NULL;
}

const char *pm_hint(const struct pm_run *run)
{
    /* Thousands while the interpreter starts, if small objects, all or the first, are in no block of malloc's;
       fewer than a hundred otherwise, as in a build without an allocator of its own. */
    if (run->may_hide_objects && run->births_in_no_block > MOST_STATIC_BIRTHS)
        return "small objects are not all seen, since -X dev was given together with -E or -I: leave out one of these";
    const char *path = run->python.state == PM_PYTHON_NONE ? program_path() : NULL;
    if (path == NULL || !is_shell(path) || pm_options_trace_children())
        return NULL;
    return "a shell was run, not Python: use --trace-children=yes, or name the real interpreter"
           " (for pyenv: `pyenv which python`)";
}
