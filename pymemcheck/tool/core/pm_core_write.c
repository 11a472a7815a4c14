/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log or XML file that takes no more: the disk is full, or the process may not make files so large. The core does not
   look at what VG_(write) returns (coregrind/m_libcprint.c, send_bytes_to_logging_sink, 3.19 to 3.27), so that a report would
   be missing without a word. One line on standard error says so. The linker leads the core's calls of VG_(write)
   from other files here (--wrap). */
#include "tool/core/pm_core_symbols.h"

#include "pub_tool_libcproc.h"
#include "pub_tool_vki.h"

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

Int __wrap_vgPlain_write(Int fd, const void *bytes, Int count)
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

#endif
