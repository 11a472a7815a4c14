/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_mallocfree.h"

#include "tool/requests/pm_profile_now.h"

#include "base/pm_platform.h"
#include "report/pm_json.h"
#include "report/pm_utf8.h"
#include "tool/pm_freeze.h"
#include "tool/pm_profile_file.h"
#include "tool/pm_run.h"
#include "tool/requests/pm_answer.h"

enum { MAX_PATH_BYTES = 4096 };

static char *numbered_name(struct pm_run *run)
{
    struct pm_buffer suffix;

    pm_buffer_init(&suffix);
    pm_buffer_add_char(&suffix, '.');
    pm_buffer_add_u64(&suffix, ++run->requests.profiles);
    char *name = pm_profile_file_name(run->options.out_file, suffix.bytes, false);
    pm_buffer_release(&suffix);
    return name;
}

bool pm_profile_now_write(struct pm_run *run, const char *path, struct pm_buffer *name)
{
    const struct pm_json_options options = { 0 };
    struct pm_profile_file file;
    struct pm_frozen frozen;
    char *numbered = path == NULL ? numbered_name(run) : NULL;

    pm_buffer_add_text(name, path == NULL ? numbered : path);
    pm_freeze_for_file(run, PM_END_RUNNING, 0, &frozen);
    pm_profile_file_init(&file);
    pm_profile_file_begin(&file, name->bytes);
    pm_json_write(&frozen.profile, &options, &file.sink);
    const bool written = pm_profile_file_end(&file);
    pm_freeze_release(run, &frozen);
    VG_(free)(numbered);
    return written;
}

long pm_profile_now(struct pm_run *run, u64 address)
{
    char path[MAX_PATH_BYTES];
    struct pm_buffer name, shown;

    pm_reader_forget(&run->reader);
    if (address != 0 && (!pm_reader_read_text(&run->reader, address, path, sizeof path) || path[0] == '\0'
                         || pm_length(path) == sizeof path - 1))
        return PYMEMCHECK_BAD_ARGUMENT;
    pm_buffer_init(&name);
    const bool written = pm_profile_now_write(run, address != 0 ? path : NULL, &name);
    if (!written) {
        pm_buffer_init(&shown);
        pm_utf8_add_harmless(&shown, name.bytes, name.length);
        VG_(umsg)("pymemcheck: error: cannot write the profile to '%s', as the program asked\n", shown.bytes);
        pm_buffer_release(&shown);
    }
    pm_buffer_release(&name);
    return written ? PM_ANSWER_DONE : PYMEMCHECK_FAILED;
}
