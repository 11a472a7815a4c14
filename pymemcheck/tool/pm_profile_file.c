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

#include "base/pm_platform.h"

#define EXEC_SUFFIX ".before-exec"

/* include/uapi/asm-generic/fcntl.h; Valgrind's headers do not have it. */
enum { O_NOFOLLOW_ON_AMD64 = 0400000 };

enum {
    NUMBER_ROOM = 32,
    MOST_EXECS = 1000,
    MOST_NAMES = 100,
    OWNER_ONLY = VKI_S_IRUSR | VKI_S_IWUSR,
    PROC_TEXT_BYTES = 1024,
};

/* The text of a small file in /proc; false if it cannot be read. */
static bool read_proc_file(const char *path, HChar text[PROC_TEXT_BYTES])
{
    const Int fd = VG_(fd_open)(path, VKI_O_RDONLY, 0);
    Int length = 0;

    if (fd >= 0) {
        length = VG_(read)(fd, text, PROC_TEXT_BYTES - 1);
        VG_(close)(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    return length > 0;
}

/* In hundredths of a second after the system started (man proc, /proc/pid/stat, field 22). The
   second field is in parentheses, and may contain some. */
static u64 start_ticks(const HChar *stat)
{
    enum { FIELDS_BETWEEN = 20 };
    const HChar *at = VG_(strrchr)(stat, ')');

    for (int i = 0; at != NULL && i < FIELDS_BETWEEN; i++)
        at = VG_(strchr)(at + 1, ' ');
    return at == NULL ? 0 : (u64)VG_(strtoll10)(at + 1, NULL);
}

/* When this process started, in seconds of the clock of files' times, or up to two seconds before;
   0 if that is not known. An exec does not change it, a fork does. */
static u64 start_of_process(void)
{
    enum { TICKS_IN_SECOND = 100, ROUNDING_SECONDS = 2 };
    HChar stat[PROC_TEXT_BYTES], uptime[PROC_TEXT_BYTES];
    struct vki_timeval now;

    if (!read_proc_file("/proc/self/stat", stat) || !read_proc_file("/proc/uptime", uptime)
            || VG_(gettimeofday)(&now, NULL) != 0)
        return 0;
    const u64 age = (u64)VG_(strtoll10)(uptime, NULL) - start_ticks(stat) / TICKS_IN_SECOND;
    return (u64)now.tv_sec - age - ROUNDING_SECONDS;
}

/* Whether a file of that name exists that this process can have written, before it became this
   program. */
static bool is_taken(const char *name, u64 process_start)
{
    struct vg_stat status;
    return !sr_isError(VG_(stat)(name, &status)) && status.mtime >= process_start;
}

/* Adds .before-exec to the name of length bytes, which has room for it, and a number from the second
   exec of this process on. */
static void add_exec_suffix(char *name, SizeT length)
{
    const u64 start = start_of_process();

    VG_(strcpy)(name + length, EXEC_SUFFIX);
    for (u32 number = 2; number < MOST_EXECS && is_taken(name, start); number++)
        VG_(sprintf)(name + length, EXEC_SUFFIX ".%u", number);
}

char *pm_profile_file_name(const char *out_file, const char *suffix, bool before_exec)
{
    char *name = VG_(expand_file_name)("--pymemcheck-out-file", out_file);

    name = VG_(realloc)("pm.name", name,
                        VG_(strlen)(name) + VG_(strlen)(suffix) + sizeof EXEC_SUFFIX + NUMBER_ROOM);
    VG_(strcat)(name, suffix);
    if (before_exec)
        add_exec_suffix(name, VG_(strlen)(name));
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

/* A device, a pipe and a name for an open file are written directly: a rename would replace
   them. */
bool pm_profile_file_is_special(const char *name)
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
    return length >= (SSizeT)(sizeof opened - 1)
        && VG_(strncmp)(target, opened, sizeof opened - 1) == 0;
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

/* A new file beside name; its name is put into temporary. Below 0: it could not be created. */
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

void pm_profile_file_init(struct pm_profile_file *file)
{
    *file = (struct pm_profile_file){ .sink = { write_to_file, file }, .fd = -1 };
}

void pm_profile_file_begin(struct pm_profile_file *file, char *name)
{
    file->name = name;
    file->direct = pm_profile_file_is_special(name);
    pm_buffer_init(&file->temporary);
    file->fd = file->direct ? VG_(fd_open)(name, VKI_O_WRONLY | VKI_O_APPEND, 0)
        : open_temporary(name, &file->temporary);
    file->failed = file->fd < 0;
}

bool pm_profile_file_end(struct pm_profile_file *file)
{
    if (file->fd >= 0)
        VG_(close)(file->fd);
    if (!file->failed && !file->direct)
        file->failed = VG_(rename)(file->temporary.bytes, file->name) != 0;
    if (file->failed && !file->direct && file->fd >= 0)
        VG_(unlink)(file->temporary.bytes);
    pm_buffer_release(&file->temporary);
    return !file->failed;
}
