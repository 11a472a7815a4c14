/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_vki.h"

#include "tool/pm_source.h"

#include "base/pm_platform.h"

enum { MAX_SOURCE_BYTES = 8 << 20, CHUNK_BYTES = 16384 };

void pm_source_init(struct pm_source *source)
{
    pm_buffer_init(&source->name);
    pm_buffer_init(&source->text);
    source->readable = false;
}

void pm_source_release(struct pm_source *source)
{
    pm_buffer_release(&source->name);
    pm_buffer_release(&source->text);
}

static bool read_all(struct pm_buffer *text, const char *file)
{
    struct vg_stat status;
    char chunk[CHUNK_BYTES];
    Int got;

    if (sr_isError(VG_(stat)(file, &status)) || !VKI_S_ISREG(status.mode)
            || status.size > MAX_SOURCE_BYTES)
        return false;
    Int fd = VG_(fd_open)(file, VKI_O_RDONLY, 0);
    if (fd < 0)
        return false;
    while ((got = VG_(read)(fd, chunk, sizeof chunk)) > 0)
        pm_buffer_add_bytes(text, chunk, (size_t)got);
    VG_(close)(fd);
    return got == 0;
}

bool pm_source_line(void *context, const char *file, u32 line, struct pm_buffer *out)
{
    struct pm_source *source = context;

    if (!pm_text_equal(source->name.bytes, file)) {
        pm_buffer_clear(&source->name);
        pm_buffer_clear(&source->text);
        pm_buffer_add_text(&source->name, file);
        source->readable = read_all(&source->text, file);
    }
    if (!source->readable || line == 0)
        return false;
    const char *start = source->text.bytes, *end = start + source->text.length;
    for (; line > 1 && start < end; start++)
        line -= *start == '\n';
    if (start >= end)
        return false;
    const char *stop = start;
    while (stop < end && *stop != '\n' && *stop != '\r')
        stop++;
    pm_buffer_add_bytes(out, start, (size_t)(stop - start));
    return true;
}
