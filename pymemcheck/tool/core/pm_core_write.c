/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the core writes to the log or XML file. The linker leads the core's calls of VG_(write) from other files
   here (--wrap).

   A file that takes no more: the disk is full, or the process may not make files so large. The core does not
   look at what VG_(write) returns (coregrind/m_libcprint.c, send_bytes_to_logging_sink, 3.19 to 3.27), so that a report would
   be missing without a word. One line on standard error says so.

   A log that several processes share: the core writes each line by itself, so lines of several reports would mix. While a
   report or record is gathered, its lines are kept in a room of fixed size, since there may be no memory left, and
   written by one call. The kernel does not mix the calls of several processes in a file or terminal. In a pipe it mixes
   calls of more than PIPE_BUF bytes when the reader is slow: there whole lines are written by each call, and who writes
   has a lock. */
#include "tool/core/pm_core_symbols.h"

#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"

#include "tool/core/pm_core.h"
#include "tool/core/pm_core_kernel.h"

#include "base/pm_buffer.h"

#if PM_CORE_WRITE

enum { STANDARD_ERROR = 2 };

/* The process that was told of a sink: children of a fork are told again. */
static Int log_told, xml_told;

/* The errors that a full file gives, in the C library's words; others by number. */
static void add_reason(struct pm_buffer *line, Int error)
{
    if (error == VKI_ENOSPC) {
        pm_buffer_add_text(line, "No space left on device");
    } else if (error == VKI_EFBIG) {
        pm_buffer_add_text(line, "File too large");
    } else {
        pm_buffer_add_text(line, "error ");
        pm_buffer_add_u64(line, (u64)error);
    }
}

static void tell(const HChar *what, Int error)
{
    struct pm_buffer line;

    pm_buffer_init(&line);
    pm_buffer_add_text(&line, "==");
    pm_buffer_add_u64(&line, (u64)VG_(getpid)());
    pm_buffer_add_text(&line, "== pymemcheck: error: the ");
    pm_buffer_add_text(&line, what);
    pm_buffer_add_text(&line, " takes no more (");
    add_reason(&line, error);
    pm_buffer_add_text(&line, "): the report in it is not whole.\n");
    __real_vgPlain_write(STANDARD_ERROR, line.bytes, (Int)line.length);
    pm_buffer_release(&line);
}

static void tell_once(Int fd, Int error)
{
    const bool is_log = fd == vgPlain_log_output_sink.fd;
    Int *told = is_log ? &log_told : &xml_told;

    if (fd == STANDARD_ERROR || (!is_log && fd != vgPlain_xml_output_sink.fd) || *told == VG_(getpid)())
        return;
    *told = VG_(getpid)();
    tell(is_log ? "log file" : "XML file", error);
}

/* As VG_(write), but tells of errors. */
static Int write_once(Int fd, const void *bytes, Int count)
{
    const Int written = __real_vgPlain_write(fd, bytes, count);

    if (written >= 0 && written < count) {
        const Int rest = __real_vgPlain_write(fd, (const HChar *)bytes + written, count - written);
        if (rest < 0)
            tell_once(fd, -rest);
        return rest < 0 ? written : written + rest;
    }
    if (written < 0)
        tell_once(fd, -written);
    return written;
}

/* --- Pipes --- */

enum {
    PIPE_BUF_BYTES = 4096,
    LOCK_FOR_WRITING = 1, NO_LOCK = 2,      /* of fcntl, include/uapi/asm-generic/fcntl.h */
    TRIES = 10000, PAUSE_NS = 1000000,      /* ten seconds: then the lines of others may come in between */
};

static bool is_pipe(Int fd)
{
    struct vg_stat status;

    return VG_(fstat)(fd, &status) == 0 && VKI_S_ISFIFO(status.mode);
}

/* A lock of one byte that no program's lock is meant for. Each process has its own, also after a fork. */
static bool set_lock(Int fd, short type)
{
    struct vki_flock lock = { .l_type = type, .l_whence = VKI_SEEK_SET, .l_start = 1LL << 62, .l_len = 1 };

    return pm_core_call_kernel(__NR_fcntl, (u64)fd, VKI_F_SETLK, (u64)&lock, 0) != -VKI_EAGAIN;
}

/* How many of the bytes to write by one call: whole lines, if they fit. */
static Int lines_that_fit(const HChar *bytes, Int count)
{
    if (count <= PIPE_BUF_BYTES)
        return count;
    for (Int end = PIPE_BUF_BYTES; end > 0; end--)
        if (bytes[end - 1] == '\n')
            return end;
    return PIPE_BUF_BYTES;
}

static Int write_to_pipe(Int fd, const HChar *bytes, Int count)
{
    struct vki_timespec pause = { .tv_nsec = PAUSE_NS };
    Int done = 0;

    for (unsigned i = 0; i < TRIES && !set_lock(fd, LOCK_FOR_WRITING); i++)
        pm_core_call_kernel(__NR_nanosleep, (u64)&pause, 0, 0, 0);
    while (done < count) {
        const Int written = write_once(fd, bytes + done, lines_that_fit(bytes + done, count - done));
        if (written <= 0)
            break;
        done += written;
    }
    set_lock(fd, NO_LOCK);
    return done;
}

/* Returns how many bytes were written, as VG_(write) does. */
static Int write_all(Int fd, const void *bytes, Int count)
{
    return fd == vgPlain_log_output_sink.fd && is_pipe(fd) ? write_to_pipe(fd, bytes, count)
                                                           : write_once(fd, bytes, count);
}

/* --- Gathering --- */

enum { ROOM_BYTES = 1 << 18 };

static struct {
    unsigned depth;             /* calls of begin without their end */
    bool paused;
    Int fd;                     /* whose bytes are kept */
    Int length;
    HChar bytes[ROOM_BYTES];
} gathered;

static void write_gathered(void)
{
    const Int length = gathered.length;

    gathered.length = 0;
    if (length > 0)
        write_all(gathered.fd, gathered.bytes, length);
}

/* A core that dies of a broken assertion has to say why. Without the feature "lines" nobody tells, and nothing is kept. */
static bool core_dies(void)
{
#if PM_CORE_LINES
    return pm_lines_core_dies;
#else
    return true;
#endif
}

/* Keeps the bytes. False if they are to be written now. */
static bool gather(Int fd, const void *bytes, Int count)
{
    if (gathered.depth == 0 || gathered.paused || fd != vgPlain_log_output_sink.fd || core_dies())
        return false;
    if (fd != gathered.fd || count > ROOM_BYTES - gathered.length)
        write_gathered();
    if (count > ROOM_BYTES)
        return false;
    gathered.fd = fd;
    VG_(memcpy)(gathered.bytes + gathered.length, bytes, (SizeT)count);
    gathered.length += count;
    return true;
}

void pm_core_log_gather_begin(void)
{
    VG_(message_flush)();
    gathered.depth++;
}

void pm_core_log_gather_end(void)
{
    VG_(message_flush)();
    gathered.depth--;
    if (gathered.depth == 0 || gathered.length > ROOM_BYTES / 2)
        write_gathered();
}

void pm_core_log_pause_gathering(bool paused)
{
    VG_(message_flush)();
    gathered.paused = paused;
    write_gathered();
}

/* The text that is kept comes before a profile, which may take long to write. */
Int __wrap_vgPlain_write(Int fd, const void *bytes, Int count)
{
    if (gather(fd, bytes, count))
        return count;
    write_gathered();
    return write_all(fd, bytes, count);
}

/* The core ends in the middle of a report, when it gets no memory. */
void __wrap_vgPlain_exit(Int status)
{
    gathered.depth = 0;
    write_gathered();
    __real_vgPlain_exit(status);
}

#else

void pm_core_log_gather_begin(void)
{
}

void pm_core_log_gather_end(void)
{
}

void pm_core_log_pause_gathering(bool paused)
{
    (void)paused;
}

#endif
