/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_options.h"
#include "pub_tool_vki.h"

#include "tool/pm_profile_file.h"

#include "base/pm_buffer.h"
#include "base/pm_platform.h"
#include "report/pm_json.h"
#include "tool/pm_process.h"

#define EXEC_SUFFIX ".before-exec"

/* include/uapi/asm-generic/fcntl.h; Valgrind's headers do not have it. */
enum { O_NOFOLLOW_ON_AMD64 = 0400000 };

enum {
    SUFFIX_ROOM = 32,
    MOST_EXECS = 1000,
    MOST_NAMES = 100,
    OWNER_ONLY = VKI_S_IRUSR | VKI_S_IWUSR,
};

struct file_sink {
    int fd;
    bool failed;
};

static void write_to_file(void *context, const char *bytes, size_t length)
{
    struct file_sink *file = context;

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

/* Whether a file of that name is there that this process can have written, before it became this program. */
static bool is_taken(const char *name, u64 process_start)
{
    struct vg_stat status;
    return !sr_isError(VG_(stat)(name, &status)) && status.mtime >= process_start;
}

char *pm_profile_file_name(const char *out_file, bool beside)
{
    char *name = VG_(expand_file_name)("--pymemcheck-out-file", out_file);

    if (!beside)
        return name;
    const SizeT length = VG_(strlen)(name);
    const u64 start = pm_process_start_seconds();
    name = VG_(realloc)("pm.name", name, length + sizeof EXEC_SUFFIX + SUFFIX_ROOM);
    VG_(strcpy)(name + length, EXEC_SUFFIX);
    for (u32 number = 2; number < MOST_EXECS && is_taken(name, start); number++)
        VG_(sprintf)(name + length, EXEC_SUFFIX ".%u", number);
    return name;
}

/* A rename must not replace a device or a pipe that the user named, nor a name for an open file. */
static bool is_special(const char *name)
{
    static const char opened[] = "/proc/", descriptors[] = "/dev/fd/";
    struct vg_stat status;
    HChar target[sizeof opened];

    if (!sr_isError(VG_(stat)(name, &status)) && !VKI_S_ISREG(status.mode))
        return true;
    if (VG_(strncmp)(name, opened, sizeof opened - 1) == 0
            || VG_(strncmp)(name, descriptors, sizeof descriptors - 1) == 0)
        return true;
    const SSizeT length = VG_(readlink)(name, target, sizeof target);
    return length >= (SSizeT)(sizeof opened - 1) && VG_(strncmp)(target, opened, sizeof opened - 1) == 0;
}

static u64 random_number(void)
{
    const Int fd = VG_(fd_open)("/dev/urandom", VKI_O_RDONLY, 0);
    u64 number = 0;

    if (fd >= 0) {
        if (VG_(read)(fd, &number, sizeof number) != sizeof number)
            number = 0;
        VG_(close)(fd);
    }
    return number;
}

/* A name in the folder of name. */
static void put_temporary_name(struct pm_buffer *to, const char *name, u64 number)
{
    const HChar *slash = VG_(strrchr)(name, '/');

    pm_buffer_clear(to);
    pm_buffer_add_bytes(to, name, slash == NULL ? 0 : (size_t)(slash + 1 - name));
    pm_buffer_add_text(to, ".pymemcheck-");
    pm_buffer_add_hex(to, number);
    pm_buffer_add_text(to, ".tmp");
}

/* A new file beside name; its name is put into temporary. Below 0: there is none. */
static int open_temporary(const char *name, struct pm_buffer *temporary)
{
    const Int flags = VKI_O_CREAT | VKI_O_EXCL | O_NOFOLLOW_ON_AMD64 | VKI_O_WRONLY;
    u64 number = random_number();
    int fd = -1;

    for (u32 tries = 0; fd < 0 && tries < MOST_NAMES; tries++, number++) {
        put_temporary_name(temporary, name, number);
        const SysRes opened = VG_(open)(temporary->bytes, flags, OWNER_ONLY);
        if (!sr_isError(opened))
            fd = (int)sr_Res(opened);
        else if (sr_Err(opened) != VKI_EEXIST)
            break;
    }
    return fd;
}

/* Closes fd. */
static bool write_to(const struct pm_profile *profile, int fd)
{
    struct file_sink file = { .fd = fd };
    const struct pm_json_options options = { 0 };
    const struct pm_sink sink = { .write = write_to_file, .context = &file };

    pm_json_write(profile, &options, &sink);
    VG_(close)(fd);
    return !file.failed;
}

bool pm_profile_file_write(const struct pm_profile *profile, const char *name)
{
    struct pm_buffer temporary;

    if (is_special(name)) {
        const int fd = VG_(fd_open)(name, VKI_O_WRONLY | VKI_O_APPEND, 0);
        return fd >= 0 && write_to(profile, fd);
    }
    pm_buffer_init(&temporary);
    const int fd = open_temporary(name, &temporary);
    const bool written = fd >= 0 && write_to(profile, fd);
    const bool done = written && VG_(rename)(temporary.bytes, name) == 0;
    if (fd >= 0 && !done)
        VG_(unlink)(temporary.bytes);
    pm_buffer_release(&temporary);
    return done;
}
