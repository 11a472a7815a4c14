/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_vki.h"

#include "tool/trace/pm_trace_file.h"

#include "report/pm_utf8.h"

/* include/uapi/asm-generic/resource.h; Valgrind's headers do not have it for tools. */
enum { RLIMIT_NOFILE_ON_LINUX = 7 };

/* coregrind/m_main.c, N_RESERVED_FDS: so many descriptors at the end are the core's. It takes the lowest
   ones that are free, and few. */
enum { RESERVED_DESCRIPTORS = 12, TRIED_DESCRIPTORS = 6 };

enum { FULL_BYTES = 1 << 16, OWNER_ONLY = VKI_S_IRUSR | VKI_S_IWUSR };

void pm_trace_file_init(struct pm_trace_file *file)
{
    *file = (struct pm_trace_file){ .fd = -1 };
    pm_buffer_init(&file->buffer);
}

/* Moves fd to where the program does not use it; fd itself if that is not possible. */
static Int out_of_the_way(Int fd)
{
    struct vki_rlimit limit;
    struct vg_stat status;

    if (VG_(getrlimit)(RLIMIT_NOFILE_ON_LINUX, &limit) != 0 || limit.rlim_cur <= RESERVED_DESCRIPTORS
            || limit.rlim_cur > INT32_MAX)
        return fd;
    for (Int i = 1; i <= TRIED_DESCRIPTORS; i++) {
        const Int high = (Int)limit.rlim_cur - i;
        if (VG_(fstat)(high, &status) == 0 || high <= fd)
            continue;
        const SysRes moved = VG_(dup2)(fd, high);
        if (sr_isError(moved))
            continue;
        VG_(close)(fd);
        return high;
    }
    return fd;
}

static void complain(const struct pm_trace_file *file, const HChar *what)
{
    struct pm_buffer shown;

    pm_buffer_init(&shown);
    pm_utf8_add_harmless(&shown, file->name, VG_(strlen)(file->name));
    VG_(umsg)("pymemcheck: error: cannot %s '%s' (--trace-file): the event log ends here, the program"
              " goes on.\n", what, shown.bytes);
    pm_buffer_release(&shown);
}

bool pm_trace_file_open(struct pm_trace_file *file, char *name, bool append)
{
    if (file->name != name)
        VG_(free)(file->name);
    file->name = name;
    file->failed = false;
    pm_buffer_clear(&file->buffer);
    if (!append)
        file->given_bytes = 0;
    if (name == NULL)
        return true;
    const SysRes opened = VG_(open)(name, VKI_O_CREAT | VKI_O_WRONLY | (append ? VKI_O_APPEND : VKI_O_TRUNC),
                                    OWNER_ONLY);
    if (sr_isError(opened)) {
        file->failed = true;
        complain(file, "create");
        return false;
    }
    file->fd = out_of_the_way((Int)sr_Res(opened));
    return true;
}

static void write_file(struct pm_trace_file *file)
{
    const char *bytes = file->buffer.bytes;
    size_t left = file->buffer.length;

    while (left > 0 && !file->failed) {
        const Int written = VG_(write)(file->fd, bytes, (Int)left);
        if (written > 0) {
            bytes += written;
            left -= (size_t)written;
            file->given_bytes += (u64)written;
        } else if (written != -VKI_EINTR) {
            file->failed = true;
        }
    }
    if (!file->failed)
        return;
    VG_(close)(file->fd);
    file->fd = -1;
    complain(file, "write to");
}

void pm_trace_file_flush(struct pm_trace_file *file)
{
    if (file->buffer.length == 0)
        return;
    if (file->name == NULL) {
        file->given_bytes += file->buffer.length;
        VG_(printf)("%s", file->buffer.bytes);
    } else if (file->fd >= 0) {
        write_file(file);
    }
    pm_buffer_clear(&file->buffer);
}

void pm_trace_file_settle(struct pm_trace_file *file)
{
    if (file->buffer.length >= FULL_BYTES || file->name == NULL)
        pm_trace_file_flush(file);
}

void pm_trace_file_drop(struct pm_trace_file *file)
{
    pm_buffer_clear(&file->buffer);
    if (file->fd >= 0)
        VG_(close)(file->fd);
    file->fd = -1;
}

void pm_trace_file_close(struct pm_trace_file *file)
{
    pm_trace_file_flush(file);
    pm_trace_file_drop(file);
}
