/* SPDX-License-Identifier: GPL-2.0-or-later */
/* docs/decisions/suppressions.md says why the tool needs these of the core's options. */
#include "tool/core/pm_core_symbols.h"

#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_vki.h"

#include "base/pm_buffer.h"
#include "tool/core/pm_core.h"

#if PM_CORE_SUPPRESSIONS

enum pm_core_suggest pm_core_take_suggestions(void)
{
    const Int wanted = vgPlain_clo_gen_suppressions;

    vgPlain_clo_gen_suppressions = 0;
    switch (wanted) {
    case 0: return PM_CORE_SUGGEST_NONE;
    case 1: return PM_CORE_SUGGEST_ASK;
    default: return PM_CORE_SUGGEST_ALL;
    }
}

bool pm_core_ask(const char *action, bool *again)
{
    Bool more = True;
    const bool wanted = vgPlain_is_action_requested(action, &more);

    *again = more;
    return wanted;
}

static bool is_there(const char *path)
{
    struct vg_stat status;

    if (!sr_isError(VG_(stat)(path, &status)))
        return true;
    VG_(umsg)("pymemcheck: warning: default suppression file not found: %s\n", path);
    return false;
}

static void set_path(struct pm_buffer *path, const char *file)
{
    pm_buffer_clear(path);
    pm_buffer_add_text(path, VG_(libdir));
    pm_buffer_add_char(path, '/');
    pm_buffer_add_text(path, file);
}

static void remove_missing(const char *path)
{
    for (Word i = VG_(sizeXA)(vgPlain_clo_suppressions); i-- > 0;) {
        const HChar *listed = *(HChar **)VG_(indexXA)(vgPlain_clo_suppressions, i);
        if (VG_STREQ(listed, path) && !is_there(path))
            VG_(removeIndexXA)(vgPlain_clo_suppressions, i);
    }
}

bool pm_core_add_default_suppressions(const char *file)
{
    struct pm_buffer path;

    if (!vgPlain_clo_default_supp)
        return true;
    pm_buffer_init(&path);
    set_path(&path, "default.supp");
    remove_missing(path.bytes);
    set_path(&path, file);
    if (is_there(path.bytes))
        vgPlain_add_suppression_file(path.bytes);
    pm_buffer_release(&path);
    return true;
}

#else

enum pm_core_suggest pm_core_take_suggestions(void)
{
    return PM_CORE_SUGGEST_NONE;
}

bool pm_core_ask(const char *action, bool *again)
{
    (void)action;
    *again = false;
    return false;
}

bool pm_core_add_default_suppressions(const char *file)
{
    (void)file;
    return false;
}

#endif
