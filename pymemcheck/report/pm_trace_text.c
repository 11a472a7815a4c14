/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event log as text, in the columns of py_flow_malloc_free.d and py_object_U_WITH_PYMALLOC.d
   (github.com/paulross/pymemtrace, toolkit):

        11672     ex_dtrace.py:48   -> create_cmalloc_list malloc(1477) pntr 0x7fa8e6071400

   The part of a line between the pid and the call depends on the stack only. It is made once for each
   stack and kept. */
#include "report/pm_trace_format.h"

#include "base/pm_grow.h"
#include "base/pm_platform.h"
#include "heap/pm_frame_sums.h"
#include "report/pm_text_parts.h"
#include "report/pm_utf8.h"

enum { PID_COLUMNS = 6, FILE_COLUMNS = 16, LINE_COLUMNS = 4, INDENT_FOR_CALL = 2 };

struct text_trace {
    struct pm_trace_options options;
    struct pm_buffer *out;
    struct pm_buffer pid;           /* as each line begins */
    struct pm_buffer labels;        /* of stacks, one after the other, each with a NUL */
    u64 *label_of;                  /* by stack: its place in labels, plus 1; 0: not made yet */
    u32 label_capacity;
    struct pm_buffer name;          /* scratch */
};

static void *open_text(const struct pm_trace_options *options, struct pm_buffer *out)
{
    struct text_trace *trace = pm_alloc_zero("pm.trace.text", sizeof *trace);

    trace->options = *options;
    trace->out = out;
    pm_buffer_init(&trace->pid);
    pm_buffer_init(&trace->labels);
    pm_buffer_init(&trace->name);
    return trace;
}

static void close_text(void *writer)
{
    struct text_trace *trace = writer;

    pm_buffer_release(&trace->pid);
    pm_buffer_release(&trace->labels);
    pm_buffer_release(&trace->name);
    pm_free(trace->label_of);
    pm_free(trace);
}

static void begin_text(void *writer, const struct pm_trace_process *process)
{
    struct text_trace *trace = writer;

    pm_buffer_clear(&trace->pid);
    pm_buffer_add_u64_right(&trace->pid, process->pid, PID_COLUMNS);
    pm_buffer_add_text(trace->out, PM_TRACE_MARK "BEGIN\n");
}

/* The last part of a path. */
static const char *last_part(const char *path)
{
    const char *last = path;

    for (const char *at = path; *at != '\0'; at++)
        if (*at == '/' && at[1] != '\0')
            last = at + 1;
    return last;
}

/* text right-aligned in the column of files. */
static void add_file(struct text_trace *trace, struct pm_buffer *to, const char *text)
{
    size_t columns = 0;

    pm_buffer_clear(&trace->name);
    pm_utf8_add_harmless(&trace->name, text, pm_length(text));
    for (size_t i = 0; i < trace->name.length; i++)
        columns += ((u8)trace->name.bytes[i] & 0xc0) != 0x80;
    if (columns < FILE_COLUMNS)
        pm_buffer_add_repeated(to, ' ', FILE_COLUMNS - columns);
    pm_buffer_add_bytes(to, trace->name.bytes, trace->name.length);
}

/* ":48  ", or ":-   " where there is no line. */
static void add_line(struct pm_buffer *to, u32 line)
{
    const size_t start = to->length + 1;

    pm_buffer_add_char(to, ':');
    if (line == 0)
        pm_buffer_add_char(to, '-');
    else
        pm_buffer_add_u64(to, line);
    const size_t digits = to->length - start;
    pm_buffer_add_repeated(to, ' ', digits < LINE_COLUMNS ? LINE_COLUMNS - digits : 0);
}

static const char *text_of(const struct text_trace *trace, struct pm_string_id id)
{
    return pm_strings_text(trace->options.tables.strings, id);
}

static void add_place(struct text_trace *trace, struct pm_buffer *to, const struct pm_frame *frame)
{
    const bool python = frame->kind == PM_FRAME_PYTHON;
    const char *path = text_of(trace, python ? frame->file : frame->object);

    if (path[0] == '\0')
        path = "???";
    add_file(trace, to, python && trace->options.full_paths ? path : last_part(path));
    add_line(to, python ? frame->line : 0);
}

static void add_function(struct text_trace *trace, struct pm_buffer *to, const struct pm_frame *frame)
{
    const char *function = text_of(trace, frame->function);

    if (function[0] != '\0') {
        pm_utf8_add_harmless(to, function, pm_length(function));
    } else {
        pm_buffer_add_text(to, "0x");
        pm_buffer_add_hex(to, frame->offset);
    }
}

/* The innermost Python frame; where there is none, the C function that wanted the memory. NULL: the stack has
   neither. */
static const struct pm_frame *frame_shown(const struct text_trace *trace, struct pm_stack_id stack)
{
    const struct pm_tables *tables = &trace->options.tables;
    const struct pm_profile view = { .strings = tables->strings, .frames = tables->frames, .stacks = tables->stacks };
    const struct pm_frame *frame = pm_profile_python_frame(&view, stack);

    return frame != NULL ? frame : pm_profile_caller(&view, stack);
}

static u64 make_label(struct text_trace *trace, struct pm_stack_id stack)
{
    const struct pm_frame *frame = frame_shown(trace, stack);
    const u64 place = trace->labels.length;

    pm_buffer_add_char(&trace->labels, ' ');
    if (frame == NULL) {
        add_file(trace, &trace->labels, "???");
        add_line(&trace->labels, 0);
        pm_buffer_add_text(&trace->labels, " -> ???");
    } else {
        add_place(trace, &trace->labels, frame);
        pm_buffer_add_text(&trace->labels, " -> ");
        add_function(trace, &trace->labels, frame);
    }
    pm_buffer_add_bytes(&trace->labels, " \0", 2);
    return place;
}

/* " ex_dtrace.py:48   -> create_cmalloc_list " */
static const char *label_of(struct text_trace *trace, struct pm_stack_id stack)
{
    trace->label_of = pm_grow_to("pm.trace.text", trace->label_of, &trace->label_capacity, stack.v,
                                 sizeof *trace->label_of);
    if (trace->label_of[stack.v] == 0)
        trace->label_of[stack.v] = make_label(trace, stack) + 1;
    return trace->labels.bytes + trace->label_of[stack.v] - 1;
}

/* " 11672", or " 11672/2" for thread 2 of several. */
static void add_process(struct text_trace *trace, u32 thread)
{
    pm_buffer_add_bytes(trace->out, trace->pid.bytes, trace->pid.length);
    if (thread != 0) {
        pm_buffer_add_char(trace->out, '/');
        pm_buffer_add_u64(trace->out, thread);
    }
}

static void add_address(struct pm_buffer *out, u64 address)
{
    pm_buffer_add_text(out, "0x");
    pm_buffer_add_hex(out, address);
}

/* "(2, 8)" */
static void add_sizes(struct pm_buffer *out, const char *function, u64 first, const char *between, u64 second)
{
    pm_buffer_add_text(out, function);
    pm_buffer_add_char(out, '(');
    pm_buffer_add_u64(out, first);
    if (between != NULL) {
        pm_buffer_add_text(out, between);
        pm_buffer_add_u64(out, second);
    }
    pm_buffer_add_char(out, ')');
}

/* "(0x5204a30)", "(0x5204a30, 8)" */
static void add_block(struct pm_buffer *out, const char *function, u64 address, const u64 *bytes)
{
    pm_buffer_add_text(out, function);
    pm_buffer_add_char(out, '(');
    add_address(out, address);
    if (bytes != NULL) {
        pm_buffer_add_text(out, ", ");
        pm_buffer_add_u64(out, *bytes);
    }
    pm_buffer_add_char(out, ')');
}

/* A call of an allocator of the program's own, which it told by a client request. */
static void add_custom(struct pm_buffer *out, const struct pm_event *event)
{
    if (event->kind == PM_EVENT_ALLOCATED)
        add_sizes(out, "MALLOCLIKE_BLOCK", event->block->bytes, NULL, 0);
    else if (event->kind == PM_EVENT_RESIZED)
        add_block(out, "RESIZEINPLACE_BLOCK", event->arguments[0], &(u64){ event->block->bytes });
    else
        add_block(out, "FREELIKE_BLOCK", event->arguments[0], NULL);
}

/* The call, with its arguments. True if it returns an address. */
static bool add_event_call(struct pm_buffer *out, const struct pm_event *event)
{
    const u64 *arguments = event->arguments;

    switch (event->call) {
    case PM_CALL_MALLOC:
        add_sizes(out, "malloc", arguments[0], NULL, 0);
        return true;
    case PM_CALL_CALLOC:
        add_sizes(out, "calloc", arguments[0], ", ", arguments[1]);
        return true;
    case PM_CALL_MEMALIGN:
        add_sizes(out, "memalign", arguments[0], ", ", arguments[1]);
        return true;
    case PM_CALL_REALLOC:
        add_block(out, "realloc", arguments[0], &arguments[1]);
        return true;
    case PM_CALL_NEW:
        add_sizes(out, "operator new", arguments[0], arguments[1] != 0 ? ", align " : NULL, arguments[1]);
        return true;
    case PM_CALL_NEW_ARRAY:
        add_sizes(out, "operator new[]", arguments[0], arguments[1] != 0 ? ", align " : NULL, arguments[1]);
        return true;
    case PM_CALL_FREE:
        add_block(out, "free", arguments[0], NULL);
        return false;
    case PM_CALL_DELETE:
        add_block(out, "operator delete", arguments[0], NULL);
        return false;
    case PM_CALL_DELETE_ARRAY:
        add_block(out, "operator delete[]", arguments[0], NULL);
        return false;
    case PM_CALL_NONE:
        add_custom(out, event);
        return event->kind != PM_EVENT_FREED && event->kind != PM_EVENT_UNKNOWN_FREE;
    }
    return false;
}

static void add_domain_call(struct pm_buffer *out, const struct pm_trace_record *record)
{
    switch (record->operation) {
    case PM_TRACE_MALLOC:
        add_sizes(out, record->function, record->arguments[0], NULL, 0);
        break;
    case PM_TRACE_CALLOC:
        add_sizes(out, record->function, record->arguments[0], ", ", record->arguments[1]);
        break;
    case PM_TRACE_REALLOC:
        add_block(out, record->function, record->arguments[0], &record->arguments[1]);
        break;
    case PM_TRACE_FREE:
    case PM_TRACE_EVENT:
        add_block(out, record->function, record->arguments[0], NULL);
        return;
    }
    pm_buffer_add_char(out, ' ');
    pm_buffer_add_text(out, record->function);
    pm_buffer_add_text(out, " returns ");
    add_address(out, record->result);
}

static void record_text(void *writer, const struct pm_trace_record *record)
{
    struct text_trace *trace = writer;
    struct pm_buffer *out = trace->out;

    add_process(trace, record->thread);
    pm_buffer_add_text(out, label_of(trace, record->stack));
    if (record->operation != PM_TRACE_EVENT) {
        add_domain_call(out, record);
    } else if (add_event_call(out, record->event)) {
        pm_buffer_add_text(out, " pntr ");
        add_address(out, record->event->block != NULL ? record->event->block->address : 0);
    }
    pm_buffer_add_char(out, '\n');
}

static void function_text(void *writer, const struct pm_trace_call *call)
{
    struct text_trace *trace = writer;
    const struct pm_frame *frame = pm_frames_get(trace->options.tables.frames, call->frame);

    add_process(trace, call->thread);
    pm_buffer_add_char(trace->out, ' ');
    add_place(trace, trace->out, frame);
    pm_buffer_add_text(trace->out, call->returns ? " RTN  " : " CALL ");
    pm_buffer_add_repeated(trace->out, ' ', (size_t)INDENT_FOR_CALL * call->depth);
    pm_buffer_add_text(trace->out, call->returns ? "<- " : "-> ");
    add_function(trace, trace->out, frame);
    pm_buffer_add_char(trace->out, '\n');
}

static void tick_text(void *writer, u64 ms, u64 resident_pages)
{
    (void)writer;
    (void)ms;
    (void)resident_pages;
}

static void switched_text(void *writer, bool on)
{
    const struct text_trace *trace = writer;
    pm_buffer_add_text(trace->out, on ? PM_TRACE_MARK "ON\n" : PM_TRACE_MARK "OFF\n");
}

static void add_to_buffer(void *context, const char *bytes, size_t length)
{
    pm_buffer_add_bytes(context, bytes, length);
}

static void end_text(void *writer, const struct pm_profile *profile, const struct pm_text_options *text)
{
    const struct text_trace *trace = writer;
    const struct pm_sink sink = { .write = add_to_buffer, .context = trace->out };
    struct pm_frame_sums sums;
    struct pm_text lines;

    pm_buffer_add_text(trace->out, "\n" PM_TRACE_MARK "END\n");
    if (profile == NULL)
        return;
    struct pm_text_options options = *text;
    options.histograms = PM_TEXT_HISTOGRAM(PM_GROUP_CALLER) | PM_TEXT_HISTOGRAM(PM_GROUP_FUNCTION);
    if (!options.draw_histograms)
        options.histogram_top = 0;
    options.draw_histograms = true;
    pm_frame_sums_build(&sums, profile);
    pm_text_init(&lines, profile, &options, &sink);
    pm_text_write_histograms(&lines, &sums);
    pm_text_release(&lines);
    pm_frame_sums_release(&sums);
}

static void stop_text(void *writer, const char *note)
{
    const struct text_trace *trace = writer;

    pm_buffer_add_text(trace->out, PM_TRACE_MARK "STOP ");
    pm_buffer_add_text(trace->out, note);
    pm_buffer_add_char(trace->out, '\n');
}

const struct pm_trace_format pm_trace_text_format = {
    .name = "text",
    .writes_calls = true,
    .writes_domains = true,
    .wants_stacks_of_frees = true,
    .open = open_text,
    .close = close_text,
    .begin = begin_text,
    .record = record_text,
    .function = function_text,
    .tick = tick_text,
    .switched = switched_text,
    .end = end_text,
    .stop = stop_text,
};
