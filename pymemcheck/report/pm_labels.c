/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Short file names that are still different. Paths are sorted by their parts from the last to
   the first. Then the path that shares most trailing parts with a given one is its neighbour,
   and a path must show one part more than it shares with either neighbour. */
#include "report/pm_labels.h"

#include "base/pm_platform.h"
#include "base/pm_sort.h"
#include "report/pm_utf8.h"

struct path {
    const char *bytes;
    size_t length;
};

static struct path path_of(const struct pm_strings *strings, u32 id)
{
    struct pm_string_id string = { id };
    return (struct path){ pm_strings_text(strings, string), pm_strings_length(strings, string) };
}

/* Byte number i of path from its end. The start of a path ranks before a slash, and a slash
   before all else: then paths sort by whole parts. */
static unsigned rank_from_end(struct path path, size_t i)
{
    if (i >= path.length)
        return 0;
    u8 byte = (u8)path.bytes[path.length - 1 - i];
    return byte == '/' ? 1 : 2 + (unsigned)byte;
}

static int compare_from_end(const void *context, u32 a, u32 b)
{
    const struct pm_strings *strings = context;
    struct path x = path_of(strings, a), y = path_of(strings, b);

    for (size_t i = 0; i < x.length || i < y.length; i++) {
        unsigned p = rank_from_end(x, i), q = rank_from_end(y, i);
        if (p != q)
            return p < q ? -1 : 1;
    }
    return 0;
}

/* How many trailing parts both paths have in common. */
static unsigned shared_parts(struct path a, struct path b)
{
    unsigned parts = 0;

    for (size_t i = 0;; i++) {
        unsigned p = rank_from_end(a, i), q = rank_from_end(b, i);
        if (p <= 1 && q <= 1)
            parts++;
        if (p != q || p == 0)
            return parts;
    }
}

/* Collects the ids of all Python files in ascending order; the caller frees. */
static u32 *collect_files(const struct pm_profile *profile, u32 *count)
{
    u32 strings = pm_strings_count(profile->strings);
    u8 *is_file = pm_alloc_zero("pm.labels", strings);
    u32 *files = pm_alloc("pm.labels", strings * sizeof *files);

    for (u32 i = 0; i < profile->frames->count; i++) {
        const struct pm_frame *frame = pm_frames_get(profile->frames, (struct pm_frame_id){ i });
        if (frame->kind == PM_FRAME_PYTHON)
            is_file[frame->file.v] = 1;
    }
    *count = 0;
    for (u32 id = 0; id < strings; id++)
        if (is_file[id])
            files[(*count)++] = id;
    pm_free(is_file);
    return files;
}

void pm_labels_init(struct pm_labels *labels, const struct pm_profile *profile)
{
    const struct pm_strings *strings = profile->strings;
    u32 count;
    u32 *files = collect_files(profile, &count);

    labels->profile = profile;
    labels->shown_parts = pm_alloc_zero("pm.labels", pm_strings_count(strings)
                                                         * sizeof *labels->shown_parts);
    pm_sort_u32(files, count, compare_from_end, strings);
    for (u32 i = 0; i < count; i++) {
        unsigned shared = 0;
        if (i > 0)
            shared = shared_parts(path_of(strings, files[i - 1]), path_of(strings, files[i]));
        if (i + 1 < count) {
            unsigned next = shared_parts(path_of(strings, files[i]), path_of(strings, files[i + 1]));
            shared = next > shared ? next : shared;
        }
        labels->shown_parts[files[i]] = shared < UINT16_MAX ? (u16)(shared + 1) : UINT16_MAX;
    }
    pm_free(files);
}

void pm_labels_release(struct pm_labels *labels)
{
    pm_free(labels->shown_parts);
    *labels = (struct pm_labels){ 0 };
}

/* The last parts of path. All of it if it has no more parts, or if the last one is empty. */
static struct path last_parts(struct path path, unsigned parts)
{
    size_t start = path.length;

    while (start > 0 && (path.bytes[start - 1] != '/' || --parts > 0))
        start--;
    if (start == path.length)
        return path;
    return (struct path){ path.bytes + start, path.length - start };
}

static void add(struct pm_buffer *out, struct path path)
{
    if (path.length == 0)
        pm_buffer_add_text(out, PM_LABEL_UNKNOWN);
    else
        pm_utf8_add_harmless(out, path.bytes, path.length);
}

void pm_labels_add_file(const struct pm_labels *labels, struct pm_buffer *out,
                        struct pm_string_id file, bool full)
{
    struct path path = path_of(labels->profile->strings, file.v);
    unsigned parts = labels->shown_parts[file.v];

    if (!full && path.length > 0 && path.bytes[0] != '<')
        path = last_parts(path, parts > 0 ? parts : 1);
    add(out, path);
}

void pm_labels_add_function(const struct pm_labels *labels, struct pm_buffer *out,
                            struct pm_string_id function)
{
    add(out, path_of(labels->profile->strings, function.v));
}

void pm_labels_add_object(const struct pm_labels *labels, struct pm_buffer *out,
                          struct pm_string_id object)
{
    add(out, last_parts(path_of(labels->profile->strings, object.v), 1));
}

void pm_labels_add_line(struct pm_buffer *out, u32 line)
{
    if (line == 0)
        pm_buffer_add_char(out, '?');
    else
        pm_buffer_add_u64(out, line);
}

static void add_native(const struct pm_labels *labels, struct pm_buffer *out,
                       const struct pm_frame *frame)
{
    const bool named = frame->function.v != 0;

    pm_labels_add_object(labels, out, frame->object);
    if (named || frame->object.v == 0)
        pm_buffer_add_char(out, '`');
    if (named)
        pm_labels_add_function(labels, out, frame->function);
    if (named && frame->offset == 0)
        return;
    if (named || frame->object.v != 0)
        pm_buffer_add_char(out, '+');
    pm_buffer_add_text(out, "0x");
    pm_buffer_add_hex(out, frame->offset);
}

void pm_labels_add_python_line(const struct pm_labels *labels, struct pm_buffer *out, struct pm_string_id file, u32 line,
                               struct pm_string_id function, bool full)
{
    pm_labels_add_file(labels, out, file, full);
    pm_buffer_add_char(out, ':');
    pm_labels_add_line(out, line);
    pm_buffer_add_text(out, " (");
    pm_labels_add_function(labels, out, function);
    pm_buffer_add_char(out, ')');
}

void pm_labels_add_frame(const struct pm_labels *labels, struct pm_buffer *out,
                         const struct pm_frame *frame, bool full)
{
    if (frame->kind == PM_FRAME_NATIVE) {
        add_native(labels, out, frame);
        return;
    }
    pm_buffer_add_text(out, "[ ");
    if (frame->kind == PM_FRAME_PYTHON) {
        pm_labels_add_python_line(labels, out, frame->file, frame->line, frame->function, full);
    } else {
        pm_labels_add_function(labels, out, frame->function);
    }
    pm_buffer_add_text(out, " ]");
}
