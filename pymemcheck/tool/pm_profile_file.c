/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_options.h"
#include "pub_tool_vki.h"

#include "tool/pm_profile_file.h"

#include "base/pm_platform.h"

#define EXEC_SUFFIX ".before-exec"

char *pm_profile_file_name(const char *out_file, const char *suffix, bool before_exec)
{
    char *name = VG_(expand_file_name)("--pymemcheck-out-file", out_file);

    name = VG_(realloc)("pm.name", name,
                        VG_(strlen)(name) + VG_(strlen)(suffix) + sizeof EXEC_SUFFIX);
    VG_(strcat)(name, suffix);
    if (before_exec)
        VG_(strcat)(name, EXEC_SUFFIX);
    return name;
}

static void write_to_file(void *context, const char *bytes, size_t length)
{
    struct pm_profile_file *file = context;

    while (length > 0 && !file->failed) {
        Int piece = length < (1u << 30) ? (Int)length : 1 << 30;
        Int written = VG_(write)(file->fd, bytes, piece);
        if (written <= 0) {
            file->failed = true;
            return;
        }
        bytes += written;
        length -= (size_t)written;
    }
}

/* A device or a pipe is written directly: a rename would replace it. */
static bool is_special(const char *name)
{
    struct vg_stat status;
    return !sr_isError(VG_(stat)(name, &status)) && !VKI_S_ISREG(status.mode);
}

static int open_file(const char *name)
{
    return VG_(fd_open)(name, VKI_O_CREAT | VKI_O_TRUNC | VKI_O_WRONLY,
                        VKI_S_IRUSR | VKI_S_IWUSR | VKI_S_IRGRP | VKI_S_IROTH);
}

void pm_profile_file_init(struct pm_profile_file *file)
{
    *file = (struct pm_profile_file){ .sink = { write_to_file, file }, .fd = -1 };
}

void pm_profile_file_begin(struct pm_profile_file *file, char *name)
{
    file->name = name;
    file->direct = is_special(name);
    pm_buffer_init(&file->temporary);
    pm_buffer_add_text(&file->temporary, name);
    if (!file->direct) {
        pm_buffer_add_text(&file->temporary, ".tmp");
        pm_buffer_add_u64(&file->temporary, (u64)VG_(getpid)());
    }
    file->fd = open_file(file->temporary.bytes);
    file->failed = file->fd < 0;
}

bool pm_profile_file_end(struct pm_profile_file *file)
{
    if (file->fd >= 0)
        VG_(close)(file->fd);
    if (!file->failed && !file->direct)
        file->failed = VG_(rename)(file->temporary.bytes, file->name) != 0;
    if (file->failed && !file->direct)
        VG_(unlink)(file->temporary.bytes);
    pm_buffer_release(&file->temporary);
    return !file->failed;
}
