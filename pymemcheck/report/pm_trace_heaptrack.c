/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event log as a data file of heaptrack, in the form that heaptrack_interpret writes and heaptrack_print and
   heaptrack_gui read: version 3, of heaptrack 1.4.0 (src/interpret/heaptrack_interpret.cpp,
   src/analyze/accumulatedtracedata.cpp, src/util/linewriter.h). A line is a letter and hexadecimal numbers:

       v <version of heaptrack> <version of the format>
       X <command line>          I <bytes of a page> <pages of the machine>
       s <bytes> <string>        strings, numbered from 1
       i <address> <object> [<function> [<file> <line>]]     frames, numbered from 1; 0: no such string
       t <frame> <caller>        nodes of the tree of stacks, numbered from 1; caller 0: outermost
       a <bytes> <node>          what is allocated: a size at a stack, numbered from 0
       + <a>                     one such block more
       - <a>                     one less; "temporary" if it is the one just allocated
       c <milliseconds>          the time
       R <pages>                 resident

   Each string, frame, node and allocation is written once, when it is first needed, before what refers to it.
   Readers take a free for that of a temporary block if it has the number of the + line before, or the number 0 if
   there is none. So number 0 is never used; and where another block of the same size and stack is freed than the
   newest one, a second number for the same is written.

   A Python frame's address is its number, which readers show only. A realloc is one less and one more, as in heaptrack
   itself. */
#include "report/pm_trace_format.h"

#include "base/pm_grow.h"
#include "base/pm_map.h"
#include "base/pm_platform.h"

#define HEAPTRACK_VERSION 0x10400
#define FORMAT_VERSION 3

/* A key of a size and a node: nodes have 28 bits (heap/pm_sites.h). */
enum { NODE_BITS = 28, KEY_SIZE_BITS = 64 - NODE_BITS };

/* Numbers that the file gives to things that have a number here: 0, not written yet. */
struct numbers {
    u32 *of;
    u32 capacity, count;
};

struct heaptrack {
    struct pm_tables tables;
    struct pm_buffer *out;
    struct numbers strings, frames, nodes;      /* by pm_string_id, pm_frame_id, pm_stack_id */
    u32 python;                                 /* the string that is the object of Python frames; 0: not yet */
    struct pm_map allocations;                  /* size and node -> number */
    struct pm_map twins;                        /* number -> the second number for the same */
    u64 allocation_count;
    struct numbers node_of;                     /* by the number of an allocation */
    u64 newest_address;                         /* of the block of the line before, if that is a + */
    u64 newest_number;                          /* and the number in that line; 0: it is not a + */
    struct pm_buffer text;                      /* scratch */
    u64 ms;                                     /* of the last c line */
};

static u32 *number_of(struct numbers *numbers, u32 id)
{
    numbers->of = pm_grow_to("pm.trace.heaptrack", numbers->of, &numbers->capacity, id, sizeof *numbers->of);
    return &numbers->of[id];
}

static void *open_heaptrack(const struct pm_trace_options *options, struct pm_buffer *out)
{
    struct heaptrack *trace = pm_alloc_zero("pm.trace.heaptrack", sizeof *trace);

    trace->tables = options->tables;
    trace->out = out;
    pm_map_init(&trace->allocations);
    pm_map_init(&trace->twins);
    pm_buffer_init(&trace->text);
    return trace;
}

static void close_heaptrack(void *writer)
{
    struct heaptrack *trace = writer;

    pm_free(trace->strings.of);
    pm_free(trace->frames.of);
    pm_free(trace->nodes.of);
    pm_free(trace->node_of.of);
    pm_map_release(&trace->allocations);
    pm_map_release(&trace->twins);
    pm_buffer_release(&trace->text);
    pm_free(trace);
}

static void add_number(struct pm_buffer *out, u64 number)
{
    pm_buffer_add_char(out, ' ');
    pm_buffer_add_hex(out, number);
}

/* "+ 1a2\n": nearly all lines are such, so this is quick. */
static void put_count(struct pm_buffer *out, char mode, u64 number)
{
    enum { BITS_IN_DIGIT = 4, LAST_DIGIT = 15, OTHERS = 3 };
    const unsigned bits = 64 - (unsigned)__builtin_clzll(number | 1);
    const unsigned digits = (bits + BITS_IN_DIGIT - 1) / BITS_IN_DIGIT;
    char *at = pm_buffer_extend(out, digits + OTHERS);

    *at++ = mode;
    *at++ = ' ';
    for (unsigned i = digits; i-- > 0;)
        *at++ = "0123456789abcdef"[number >> i * BITS_IN_DIGIT & LAST_DIGIT];
    *at = '\n';
}

static void put_line(struct pm_buffer *out, char mode, u64 first, u64 second)
{
    pm_buffer_add_char(out, mode);
    add_number(out, first);
    add_number(out, second);
    pm_buffer_add_char(out, '\n');
}

/* A line of the file may not have line ends in it. */
static void add_flat(struct pm_buffer *out, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        pm_buffer_add_char(out, bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == '\0' ? ' ' : bytes[i]);
}

static void begin_heaptrack(void *writer, const struct pm_trace_process *process)
{
    struct heaptrack *trace = writer;

    put_line(trace->out, 'v', HEAPTRACK_VERSION, FORMAT_VERSION);
    pm_buffer_add_char(trace->out, 'X');
    for (size_t i = 0; i < process->command_length; i++) {
        pm_buffer_add_char(trace->out, ' ');
        add_flat(trace->out, process->command[i], pm_length(process->command[i]));
    }
    pm_buffer_add_char(trace->out, '\n');
    put_line(trace->out, 'I', process->page_bytes, process->pages);
    if (process->forked)
        pm_buffer_add_text(trace->out, "# forked: blocks of the parent are not in this file\n");
}

/* Writes a string, and returns its number. */
static u32 put_string(struct heaptrack *trace, const char *bytes, size_t length)
{
    pm_buffer_add_char(trace->out, 's');
    add_number(trace->out, length);
    pm_buffer_add_char(trace->out, ' ');
    add_flat(trace->out, bytes, length);
    pm_buffer_add_char(trace->out, '\n');
    return ++trace->strings.count;
}

/* 0 for the empty string. */
static u32 string_number(struct heaptrack *trace, struct pm_string_id id)
{
    u32 *number = number_of(&trace->strings, id.v);

    if (*number == 0 && id.v != 0)
        *number = put_string(trace, pm_strings_text(trace->tables.strings, id),
                             pm_strings_length(trace->tables.strings, id));
    return *number;
}

/* "func (file.py:12)": readers group by function, and show no lines in many places. */
static u32 put_python_function(struct heaptrack *trace, const struct pm_frame *frame)
{
    const char *file = pm_strings_text(trace->tables.strings, frame->file), *last = file;

    for (const char *at = file; *at != '\0'; at++)
        if (*at == '/' && at[1] != '\0')
            last = at + 1;
    pm_buffer_clear(&trace->text);
    pm_buffer_add_text(&trace->text, pm_strings_text(trace->tables.strings, frame->function));
    pm_buffer_add_text(&trace->text, " (");
    pm_buffer_add_text(&trace->text, last);
    pm_buffer_add_char(&trace->text, ':');
    pm_buffer_add_u64(&trace->text, frame->line);
    pm_buffer_add_char(&trace->text, ')');
    return put_string(trace, trace->text.bytes, trace->text.length);
}

static u32 frame_number(struct heaptrack *trace, struct pm_frame_id id)
{
    static const char python[] = "Python";
    u32 *number = number_of(&trace->frames, id.v);

    if (*number != 0)
        return *number;
    const struct pm_frame frame = *pm_frames_get(trace->tables.frames, id);
    const bool is_python = frame.kind == PM_FRAME_PYTHON;
    if (is_python && trace->python == 0)
        trace->python = put_string(trace, python, sizeof python - 1);
    const u32 object = is_python ? trace->python : string_number(trace, frame.object);
    const u32 function = is_python ? put_python_function(trace, &frame) : string_number(trace, frame.function);
    const u32 file = string_number(trace, frame.file);
    pm_buffer_add_char(trace->out, 'i');
    add_number(trace->out, frame.address != 0 && !is_python ? frame.address : id.v);
    add_number(trace->out, object);
    add_number(trace->out, function);
    if (file != 0) {
        add_number(trace->out, file);
        add_number(trace->out, frame.line);
    }
    pm_buffer_add_char(trace->out, '\n');
    *number = ++trace->frames.count;
    return *number;
}

/* The node for an empty stack: readers expect one. */
static u32 unknown_node(struct heaptrack *trace)
{
    static const char unknown[] = "???";
    u32 *number = number_of(&trace->nodes, 0);

    if (*number == 0) {
        const u32 function = put_string(trace, unknown, sizeof unknown - 1);
        pm_buffer_add_text(trace->out, "i 0 0");
        add_number(trace->out, function);
        pm_buffer_add_char(trace->out, '\n');
        put_line(trace->out, 't', ++trace->frames.count, 0);
        *number = ++trace->nodes.count;
    }
    return *number;
}

/* Callers first: the tree is written from the outermost node that is not known yet. */
static u32 node_number(struct heaptrack *trace, struct pm_stack_id stack)
{
    if (stack.v == 0)
        return unknown_node(trace);
    u32 known = *number_of(&trace->nodes, stack.v);
    while (known == 0) {
        struct pm_stack_id at = stack, parent;
        while ((parent = pm_stacks_node(trace->tables.stacks, at).parent).v != 0
                && *number_of(&trace->nodes, parent.v) == 0)
            at = parent;
        const u32 frame = frame_number(trace, pm_stacks_node(trace->tables.stacks, at).frame);
        put_line(trace->out, 't', frame, parent.v == 0 ? 0 : *number_of(&trace->nodes, parent.v));
        *number_of(&trace->nodes, at.v) = ++trace->nodes.count;
        known = *number_of(&trace->nodes, stack.v);
    }
    return known;
}

static u64 put_allocation(struct heaptrack *trace, u64 bytes, u32 node)
{
    if (trace->allocation_count == 0) {
        put_line(trace->out, 'a', 0, node);
        trace->allocation_count++;
    }
    const u64 number = trace->allocation_count++;
    put_line(trace->out, 'a', bytes, node);
    *number_of(&trace->node_of, (u32)number) = node;
    return number;
}

/* The number of blocks of a size at a stack. */
static u64 allocation_number(struct heaptrack *trace, u64 bytes, struct pm_stack_id stack)
{
    const u32 node = node_number(trace, stack);
    const bool has_key = bytes >> KEY_SIZE_BITS == 0;
    const u64 key = bytes << NODE_BITS | node;
    const u64 *known = has_key ? pm_map_get(&trace->allocations, key) : NULL;

    if (known != NULL)
        return *known;
    const u64 number = put_allocation(trace, bytes, node);
    if (has_key)
        pm_map_put(&trace->allocations, key, number);
    return number;
}

/* The number in a - line for the block, which was made with number. */
static u64 freed_number(struct heaptrack *trace, const struct pm_block *block, u64 number)
{
    if (number != trace->newest_number || block->address == trace->newest_address)
        return number;
    const u64 *known = pm_map_get(&trace->twins, number);
    if (known != NULL)
        return *known;
    const u64 twin = put_allocation(trace, block->bytes, *number_of(&trace->node_of, (u32)number));
    pm_map_put(&trace->twins, number, twin);
    return twin;
}

static void record_heaptrack(void *writer, const struct pm_trace_record *record)
{
    struct heaptrack *trace = writer;
    const struct pm_event *event = record->event;

    if (record->known && (event->kind == PM_EVENT_FREED || event->kind == PM_EVENT_RESIZED))
        put_count(trace->out, '-', freed_number(trace, event->before,
                                                allocation_number(trace, event->before->bytes, record->made_by)));
    trace->newest_number = 0;
    if (!record->wanted || (event->kind != PM_EVENT_ALLOCATED && event->kind != PM_EVENT_RESIZED))
        return;
    const u64 number = allocation_number(trace, event->block->bytes, record->stack);
    put_count(trace->out, '+', number);
    trace->newest_number = number;
    trace->newest_address = event->block->address;
}

static void tick_heaptrack(void *writer, u64 ms, u64 resident_pages)
{
    struct heaptrack *trace = writer;

    if (ms <= trace->ms)
        return;
    trace->ms = ms;
    put_count(trace->out, 'c', ms);
    if (resident_pages != 0)
        put_count(trace->out, 'R', resident_pages);
}

static void switched_heaptrack(void *writer, bool on)
{
    const struct heaptrack *trace = writer;
    pm_buffer_add_text(trace->out, on ? "# switched on\n" : "# switched off\n");
}

static void end_heaptrack(void *writer, const struct pm_profile *profile, const struct pm_text_options *text)
{
    (void)writer;
    (void)profile;
    (void)text;
}

static void stop_heaptrack(void *writer, const char *note)
{
    const struct heaptrack *trace = writer;

    pm_buffer_add_text(trace->out, "# ");
    pm_buffer_add_text(trace->out, note);
    pm_buffer_add_char(trace->out, '\n');
}

const struct pm_trace_format pm_trace_heaptrack_format = {
    .name = "heaptrack",
    .wants_births = true,
    .open = open_heaptrack,
    .close = close_heaptrack,
    .begin = begin_heaptrack,
    .record = record_heaptrack,
    .tick = tick_heaptrack,
    .switched = switched_heaptrack,
    .end = end_heaptrack,
    .stop = stop_heaptrack,
};
