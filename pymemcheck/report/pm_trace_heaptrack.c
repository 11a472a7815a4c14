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
       + <a>                     one such block more (version 0: + <bytes> <node> <address>)
       - <a>                     one less; "temporary" if it is the one just allocated (version 0: - <address>)
       c <milliseconds>          the time
       R <pages>                 resident

   Each string, frame, node and allocation is written once, when it is first needed, before what refers to it.

   heaptrack_gui counts sizes in an array that it lengthens when the number of a + line is the array's length, and writes
   behind its end if the number is larger (src/analyze/gui/parser.cpp, handleAllocation). So the first + lines of the numbers
   are in the numbers' order.

   Readers take a free for that of a temporary block if it has the number of the + line before it. So where several
   blocks of one size and stack live, two numbers stand for them, and the free of another block than the newest
   has the number that the newest does not have. Where there is no + line before it, they compare with 0: so number 0
   stands for one block only, the first, and the two lines of that one have the form of version 0, which compares
   addresses.

   A Python frame's address is its number, which readers show only. A realloc is one less and one more, as in heaptrack
   itself. */
#include "report/pm_trace_format.h"

#include "base/pm_grow.h"
#include "base/pm_map.h"
#include "base/pm_platform.h"

#define HEAPTRACK_VERSION 0x10400
#define FORMAT_VERSION 3

/* A key of a size and a node: nodes have 28 bits (heap/pm_sites.h). Larger sizes are numbered from LARGE_SIZE on. */
enum { NODE_BITS = 28 };
#define LARGE_SIZE (1ull << (63 - NODE_BITS))

/* Stands for the address of the first block. */
#define FIRST_ADDRESS 0xffffffffull

/* Numbers that the file gives to things that have a number here: 0, not written yet. */
struct numbers {
    u32 *of;
    u32 capacity, count;
};

/* The blocks of a size and node. */
struct kind {
    u32 number;         /* in + and - lines */
    u32 second;         /* a number for the same; 0: not needed yet */
    u32 live;           /* blocks */
};

struct heaptrack {
    struct pm_tables tables;
    struct pm_buffer *out;
    struct numbers strings, frames, nodes;      /* by pm_string_id, pm_frame_id, pm_stack_id */
    struct numbers requests;                    /* by pm_stack_id of a request: its node */
    u32 python;                                 /* the string that is the object of Python frames; 0: not yet */
    struct pm_map large_sizes;                  /* size -> LARGE_SIZE and more */
    struct pm_map kind_of;                      /* key of size and node -> index of kinds */
    struct kind *kinds;
    u32 kind_count, kind_capacity;
    u32 allocation_count;                       /* numbers that were given to a lines, and to the first block */
    u64 first_key;                              /* of the first block */
    bool first_lives;
    bool after_allocation;                      /* the line before is that of an allocated block: */
    u64 newest_address, newest_key;             /* of that block */
    u32 newest_number;                          /* in the line */
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
    pm_map_init(&trace->large_sizes);
    pm_map_init(&trace->kind_of);
    pm_buffer_init(&trace->text);
    return trace;
}

static void close_heaptrack(void *writer)
{
    struct heaptrack *trace = writer;

    pm_free(trace->strings.of);
    pm_free(trace->frames.of);
    pm_free(trace->nodes.of);
    pm_free(trace->requests.of);
    pm_free(trace->kinds);
    pm_map_release(&trace->large_sizes);
    pm_map_release(&trace->kind_of);
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

/* A node for an empty stack: readers expect one. */
static u32 put_unknown_node(struct heaptrack *trace)
{
    static const char unknown[] = "???";
    const u32 function = put_string(trace, unknown, sizeof unknown - 1);

    pm_buffer_add_text(trace->out, "i 0 0");
    add_number(trace->out, function);
    pm_buffer_add_char(trace->out, '\n');
    put_line(trace->out, 't', ++trace->frames.count, 0);
    return ++trace->nodes.count;
}

/* The stack without malloc and the interpreter's functions around it, as heaptrack's own files have it: its viewers name
   what is allocated by the innermost frame. What has no other frame stays as it is. */
static struct pm_stack_id without_allocators(const struct heaptrack *trace, struct pm_stack_id stack)
{
    for (struct pm_stack_id at = stack; at.v != 0;) {
        const struct pm_stack_node node = pm_stacks_node(trace->tables.stacks, at);
        if ((pm_frames_get(trace->tables.frames, node.frame)->flags & PM_FRAME_ALLOCATOR) == 0)
            return at;
        at = node.parent;
    }
    return stack;
}

/* Callers first: the tree is written from the outermost node that is not known yet. */
static u32 put_node(struct heaptrack *trace, struct pm_stack_id stack)
{
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

/* The node of the stack of a request. */
static u32 node_number(struct heaptrack *trace, struct pm_stack_id stack)
{
    u32 *number = number_of(&trace->requests, stack.v);

    if (*number == 0)
        *number = stack.v == 0 ? put_unknown_node(trace) : put_node(trace, without_allocators(trace, stack));
    return *number;
}

static u64 key_of(struct heaptrack *trace, u64 bytes, u32 node)
{
    if (bytes >= LARGE_SIZE) {
        const u64 *known = pm_map_get(&trace->large_sizes, bytes);
        const u64 number = known != NULL ? *known : LARGE_SIZE + trace->large_sizes.count;
        if (known == NULL)
            pm_map_put(&trace->large_sizes, bytes, number);
        bytes = number;
    }
    return bytes << NODE_BITS | node;
}

static u32 put_allocation(struct heaptrack *trace, u64 bytes, u32 node)
{
    put_line(trace->out, 'a', bytes, node);
    return trace->allocation_count++;
}

/* The first block, in the form of version 0. */
static void put_first(struct heaptrack *trace, u64 bytes, u32 node, u64 key)
{
    put_line(trace->out, 'v', HEAPTRACK_VERSION, 0);
    pm_buffer_add_char(trace->out, '+');
    add_number(trace->out, bytes);
    add_number(trace->out, node);
    add_number(trace->out, FIRST_ADDRESS);
    pm_buffer_add_char(trace->out, '\n');
    put_line(trace->out, 'v', HEAPTRACK_VERSION, FORMAT_VERSION);
    trace->first_key = key;
    trace->first_lives = true;
    trace->newest_number = trace->allocation_count++;
}

static void put_free_of_first(struct heaptrack *trace)
{
    put_line(trace->out, 'v', HEAPTRACK_VERSION, 0);
    put_count(trace->out, '-', FIRST_ADDRESS);
    put_line(trace->out, 'v', HEAPTRACK_VERSION, FORMAT_VERSION);
    trace->first_lives = false;
}

/* Writes the a line of what is new. */
static struct kind *kind_at(struct heaptrack *trace, u64 key, u64 bytes, u32 node)
{
    const u64 *known = pm_map_get(&trace->kind_of, key);

    if (known != NULL)
        return &trace->kinds[*known];
    const u32 index = trace->kind_count++;
    trace->kinds = pm_grow_to("pm.trace.heaptrack", trace->kinds, &trace->kind_capacity, index, sizeof *trace->kinds);
    trace->kinds[index].number = put_allocation(trace, bytes, node);
    pm_map_put(&trace->kind_of, key, index);
    return &trace->kinds[index];
}

static void allocated(struct heaptrack *trace, const struct pm_block *block, struct pm_stack_id stack)
{
    const u32 node = node_number(trace, stack);
    const u64 key = key_of(trace, block->bytes, node);

    trace->after_allocation = true;
    trace->newest_address = block->address;
    trace->newest_key = key;
    if (trace->allocation_count == 0) {
        put_first(trace, block->bytes, node, key);
        return;
    }
    struct kind *kind = kind_at(trace, key, block->bytes, node);
    trace->newest_number = kind->number;
    if (kind->live++ > 0 && kind->second == 0)
        trace->newest_number = kind->second = put_allocation(trace, block->bytes, node);
    put_count(trace->out, '+', trace->newest_number);
}

static void freed(struct heaptrack *trace, const struct pm_block *block, struct pm_stack_id stack)
{
    const u64 key = key_of(trace, block->bytes, node_number(trace, stack));
    const bool newest = trace->after_allocation && block->address == trace->newest_address && key == trace->newest_key;

    if (trace->first_lives && key == trace->first_key && (!newest || trace->newest_number == 0)) {
        put_free_of_first(trace);
    } else {
        const u64 *index = pm_map_get(&trace->kind_of, key);
        if (index == NULL)      /* only what has a + line may be freed */
            return;
        struct kind *kind = &trace->kinds[*index];
        const bool taken = trace->after_allocation && kind->number == trace->newest_number;
        kind->live--;
        put_count(trace->out, '-', newest ? trace->newest_number : taken ? kind->second : kind->number);
    }
    trace->after_allocation = false;
}

static void record_heaptrack(void *writer, const struct pm_trace_record *record)
{
    struct heaptrack *trace = writer;
    const struct pm_event *event = record->event;

    if (record->known && (event->kind == PM_EVENT_FREED || event->kind == PM_EVENT_RESIZED))
        freed(trace, event->before, record->made_by);
    if (record->wanted && (event->kind == PM_EVENT_ALLOCATED || event->kind == PM_EVENT_RESIZED))
        allocated(trace, event->block, record->stack);
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
    .wants_lines = true,
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
