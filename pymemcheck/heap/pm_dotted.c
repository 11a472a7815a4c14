/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_dotted.h"

#include "base/pm_platform.h"

#define UNKNOWN "???"       /* for an unknown name, as in the core's suppressions */

static bool ends_with(const char *bytes, size_t length, const char *end)
{
    size_t end_length = pm_length(end);
    return length >= end_length
        && pm_compare(bytes + length - end_length, end, end_length) == 0;
}

/* "importlib._bootstrap" of "<frozen importlib._bootstrap>"; other names in angle
   brackets stay as they are. */
static void add_bracketed(struct pm_buffer *out, const char *file, size_t length)
{
    static const char frozen[] = "<frozen ";
    size_t skip = sizeof frozen - 1;

    if (length > skip && pm_compare(file, frozen, skip) == 0 && file[length - 1] == '>')
        pm_buffer_add_bytes(out, file + skip, length - skip - 1);
    else
        pm_buffer_add_bytes(out, file, length);
}

static void add_function(struct pm_buffer *out, const struct pm_strings *strings,
                         const struct pm_frame *frame)
{
    if (frame->function.v == 0)
        pm_buffer_add_text(out, UNKNOWN);
    else
        pm_buffer_add_bytes(out, pm_strings_text(strings, frame->function),
                            pm_strings_length(strings, frame->function));
}

void pm_dotted_add(struct pm_buffer *out, const struct pm_strings *strings,
                   const struct pm_frame *frame)
{
    const char *file = pm_strings_text(strings, frame->file);
    size_t length = pm_strings_length(strings, frame->file);

    if (length > 0 && file[0] == '<') {
        add_bracketed(out, file, length);
    } else {
        if (ends_with(file, length, ".py"))
            length -= 3;
        if (ends_with(file, length, "/__init__"))
            length -= 9;
        for (size_t i = 0; i < length; i++)
            if (i > 0 || file[i] != '/')
                pm_buffer_add_char(out, file[i] == '/' ? '.' : file[i]);
        if (length == 0)
            pm_buffer_add_text(out, UNKNOWN);
    }
    pm_buffer_add_char(out, '.');
    add_function(out, strings, frame);
}

/* Whether part of a path is a folder that modules are imported from:
   site-packages, dist-packages, python3.11 (but not a script's name). */
static bool is_import_folder(const char *part, size_t length)
{
    static const char python[] = "python";
    size_t prefix = sizeof python - 1;

    if (ends_with(part, length, "site-packages") || ends_with(part, length, "dist-packages"))
        return length == pm_length("site-packages");
    return length > prefix + 1 && pm_compare(part, python, prefix) == 0
        && part[prefix] >= '2' && part[prefix] <= '9' && part[prefix + 1] == '.';
}

/* Where the module's name begins in its path: after the last import folder; if
   there is none, at the last part, or at the part before a package's __init__.py. */
static size_t module_start(const char *file, size_t length)
{
    size_t start = 0, part = 0;
    bool found = false;

    for (size_t i = 0; i < length; i++) {
        if (file[i] != '/')
            continue;
        if (is_import_folder(file + part, i - part)) {
            found = true;
            start = i + 1;
        }
        part = i + 1;
    }
    if (found)
        return start;
    start = part;
    if (ends_with(file, length, "/__init__.py") && part > 0) {
        start--;
        while (start > 0 && file[start - 1] != '/')
            start--;
    }
    return start;
}

void pm_dotted_add_module(struct pm_buffer *out, const struct pm_strings *strings,
                          const struct pm_frame *frame)
{
    struct pm_buffer dotted;
    const char *file = pm_strings_text(strings, frame->file);
    size_t length = pm_strings_length(strings, frame->file), start = 0;

    pm_buffer_init(&dotted);
    pm_dotted_add(&dotted, strings, frame);
    if (length > 0 && file[0] != '<') {
        start = module_start(file, length);
        if (start > 0 && file[0] == '/')
            start--;        /* the dotted name lacks the leading slash */
    }
    if (start > dotted.length)
        start = 0;
    pm_buffer_add_bytes(out, dotted.bytes + start, dotted.length - start);
    pm_buffer_release(&dotted);
}
