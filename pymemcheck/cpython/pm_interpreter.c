/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_interpreter.h"

#include "base/pm_buffer.h"
#include "base/pm_platform.h"
#include "cpython/pm_code.h"
#include "cpython/pm_debug_offsets.h"
#include "cpython/pm_version.h"
#include "cpython/pm_walk.h"

enum {
    CHECKED_FRAMES = 64,
    PLAUSIBLE_LINE = 100000000,
    MOST_EARLY_CHECKS = 1000,       /* allocations before the evaluation function has linked its frame: a few */
};

/* The state of the checks, which run one after another; the first that fails says why. */
struct check {
    struct pm_interpreter *interpreter;
    struct pm_reader *reader;
    struct pm_raw_frame frames[CHECKED_FRAMES];
    unsigned frame_count;
    struct pm_buffer why;
};

static bool refuse(struct check *check, const char *failure)
{
    pm_buffer_add_text(&check->why, "CPython ");
    pm_buffer_add_text(&check->why, check->interpreter->version);
    pm_buffer_add_text(&check->why, ": ");
    pm_buffer_add_text(&check->why, failure);
    return false;
}

static bool refuse_version(struct check *check, const char *build)
{
    pm_buffer_add_text(&check->why, "no layout for ");
    pm_buffer_add_text(&check->why, build);
    pm_buffer_add_text(&check->why, "CPython ");
    pm_buffer_add_text(&check->why, check->interpreter->version);
    return false;
}

/* Corrects the row by the interpreter's own table, if its version has one. A final release whose table
   is not found is believed to have the row's layout. */
static bool ask_interpreter(struct check *check, u64 runtime, u32 version)
{
    struct pm_interpreter *interpreter = check->interpreter;
    const struct pm_layout *row = interpreter->layout;
    struct pm_buffer why;

    if (row->offsets.table_bytes == 0)
        return true;
    if (runtime == 0)
        return !pm_layout_is_preview(version)
            || refuse(check, "a preview of a release is only understood by its _Py_DebugOffsets, "
                             "and no _PyRuntime was found");
    pm_buffer_init(&why);
    interpreter->layout = &interpreter->own_layout;
    if (!pm_debug_offsets_apply(check->reader, runtime, version, row, &interpreter->own_layout,
                                &why)) {
        refuse(check, why.bytes);
        interpreter->layout = NULL;
    }
    pm_buffer_release(&why);
    return interpreter->layout != NULL;
}

static bool choose_layout(struct check *check, const struct pm_interpreter_facts *facts)
{
    struct pm_interpreter *interpreter = check->interpreter;
    struct pm_version version;
    char text[256];
    u32 build = 0;

    if (facts->version_text == 0
            || !pm_reader_read_text(check->reader, facts->version_text, text, sizeof text)) {
        pm_buffer_add_text(&check->why, "the interpreter's version text cannot be read");
        return false;
    }
    if (!pm_version_parse(text, &version)) {
        pm_buffer_add_text(&check->why, "the interpreter's version text is not one of CPython");
        return false;
    }
    pm_copy(interpreter->version, version.text, sizeof version.text);
    if (facts->debug_marker != 0)
        build |= PM_BUILD_DEBUG;
    if (facts->trace_refs_marker != 0)
        build |= PM_BUILD_TRACE_REFS;
    interpreter->debug = facts->debug_marker != 0;
    interpreter->code_type = facts->code_type;
    interpreter->runtime = facts->runtime;
    if (version.free_threaded)
        return refuse_version(check, "a free-threaded build of ");
    interpreter->layout = pm_layout_find(version.hex, build);
    if (interpreter->layout != NULL)
        return ask_interpreter(check, facts->runtime, version.hex);
    if (build & PM_BUILD_TRACE_REFS)
        return refuse_version(check, "a Py_TRACE_REFS build of ");
    return refuse_version(check, build & PM_BUILD_DEBUG ? "a debug build of " : "");
}

static bool check_chain(struct check *check, u64 anchor)
{
    enum pm_walk_end end;

    check->frame_count = pm_walk_frames(check->interpreter, check->reader, anchor, check->frames,
                                        CHECKED_FRAMES, &end);
    if (end == PM_WALK_UNREADABLE)
        return refuse(check, "the chain of frames cannot be followed to its end");
    if (check->frame_count > 0)
        return true;
    check->interpreter->too_early = ++check->interpreter->early_checks < MOST_EARLY_CHECKS;
    return refuse(check, "no frame is found while Python code runs");
}

static bool check_code_types(struct check *check)
{
    struct pm_interpreter *interpreter = check->interpreter;
    u64 type;

    for (unsigned i = 0; i < check->frame_count; i++) {
        if (!pm_reader_read_u64(check->reader,
                                check->frames[i].code + (u64)interpreter->layout->at.object_type,
                                &type))
            return refuse(check, "the code object of a frame cannot be read");
        if (interpreter->code_type == 0)
            interpreter->code_type = type;
        if (type != interpreter->code_type || type == 0)
            return refuse(check, "a frame's code object does not have the type of code objects");
    }
    return true;
}

static bool check_location(struct check *check)
{
    struct pm_code_location location;
    bool resolved, ok = false;

    pm_code_location_init(&location);
    resolved = pm_code_resolve(check->interpreter, check->reader, check->frames[0].code,
                               check->frames[0].position, &location);
    if (location.file.length == 0)
        refuse(check, "the file name of the first frame cannot be read");
    else if (location.function.length == 0)
        refuse(check, "the function name of the first frame cannot be read");
    else if (!resolved || location.line > PLAUSIBLE_LINE)
        refuse(check, "the line of the first frame is not plausible");
    else
        ok = true;
    pm_code_location_release(&location);
    return ok;
}

/* Whether head is linked into the collector's list. */
static bool is_in_list(struct check *check, u64 head)
{
    const struct pm_layout_numbers *at = &check->interpreter->layout->at;
    u64 next, prev, back, forth;

    return pm_reader_read_u64(check->reader, head + (u64)at->gc_next, &next)
        && pm_reader_read_u64(check->reader, head + (u64)at->gc_prev, &prev)
        && pm_reader_read_u64(check->reader, next + (u64)at->gc_prev, &back)
        && pm_reader_read_u64(check->reader, prev + (u64)at->gc_next, &forth)
        && back == head && forth == head;
}

/* Measures PyGC_Head where builds of one version differ in its size. The dict of builtins holds functions, so
   it is in the collector's list: if it is linked only by a head of the other size, that size is
   taken. If neither fits, the row's size stays. The anchor is a frame object in all versions
   that have two sizes. */
static void measure_gc_head(struct check *check, u64 anchor)
{
    struct pm_interpreter *interpreter = check->interpreter;
    const struct pm_layout *row = interpreter->layout;
    u64 builtins;

    if (row->gc_head_other_bytes == 0 || row->anchor != PM_ANCHOR_FRAME
            || !pm_reader_read_u64(check->reader, anchor + (u64)row->at.frame_builtins, &builtins)
            || is_in_list(check, builtins - (u64)row->at.gc_head_bytes)
            || !is_in_list(check, builtins - row->gc_head_other_bytes))
        return;
    interpreter->own_layout = *row;
    interpreter->own_layout.at.gc_head_bytes = (i32)row->gc_head_other_bytes;
    interpreter->layout = &interpreter->own_layout;
}

static void copy_text(char *to, size_t capacity, const struct pm_buffer *from)
{
    size_t length = from->length < capacity ? from->length : capacity - 1;

    if (capacity == 0)
        return;
    pm_copy(to, from->bytes, length);
    to[length] = '\0';
}

/* Ends with the verdict of the checks that were made. */
static bool conclude(struct check *check, bool ok, char *why, size_t why_capacity)
{
    if (!ok && !check->interpreter->too_early)
        check->interpreter->layout = NULL;
    copy_text(why, why_capacity, &check->why);
    pm_buffer_release(&check->why);
    return ok;
}

bool pm_interpreter_init(struct pm_interpreter *interpreter, struct pm_reader *reader,
                         const struct pm_interpreter_facts *facts, char *why, size_t why_capacity)
{
    struct check check = { .interpreter = interpreter, .reader = reader };

    pm_zero(interpreter, sizeof *interpreter);
    pm_buffer_init(&check.why);
    return conclude(&check, choose_layout(&check, facts), why, why_capacity);
}

bool pm_interpreter_check(struct pm_interpreter *interpreter, struct pm_reader *reader, u64 anchor,
                          char *why, size_t why_capacity)
{
    struct check check = { .interpreter = interpreter, .reader = reader };

    interpreter->too_early = false;
    pm_buffer_init(&check.why);
    bool ok = check_chain(&check, anchor) && check_code_types(&check) && check_location(&check);
    if (ok)
        measure_gc_head(&check, anchor);
    return conclude(&check, ok, why, why_capacity);
}
