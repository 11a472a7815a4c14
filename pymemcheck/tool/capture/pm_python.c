/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_vki.h"

#include "tool/capture/pm_python.h"

#include "base/pm_grow.h"
#include "base/pm_map.h"
#include "base/pm_platform.h"
#include "cpython/pm_threads.h"
#include "preload/pm_requests.h"

_Static_assert((int)PM_PYTHON_GENERATOR_TYPES == (int)PM_GENERATOR_TYPES, "as the program says hello");

void pm_python_init(struct pm_python *python, struct pm_reader *reader,
                    struct pm_strings *strings, struct pm_frames *frames,
                    struct pm_blocks *blocks, struct pm_troubles *troubles)
{
    *python = (struct pm_python){
        .reader = reader,
        .strings = strings,
        .frames = frames,
        .blocks = blocks,
        .troubles = troubles,
    };
    python->recent = pm_alloc_zero("pm.frames.recent",
                                   PM_PYTHON_RECENT_FRAMES * sizeof *python->recent);
    for (unsigned i = 0; i < PM_PYTHON_OPEN_CODES; i++)
        pm_code_location_init(&python->open[i].location);
}

static struct pm_thread *thread_of(struct pm_python *python, u32 tid)
{
    python->threads = pm_grow_to("pm.threads", python->threads, &python->threads_capacity, tid,
                                 sizeof *python->threads);
    return &python->threads[tid];
}

/* Whether a slot is memory that the program can write to. */
static bool is_writable(u64 slot)
{
    return VG_(am_is_valid_for_client)(slot, sizeof(struct pm_slot),
                                       VKI_PROT_READ | VKI_PROT_WRITE);
}

void pm_python_thread_starts(struct pm_python *python, u32 tid)
{
    *thread_of(python, tid) = (struct pm_thread){ .ordinal = ++python->threads_started };
}

void pm_python_thread_ends(struct pm_python *python, u32 tid)
{
    struct pm_thread *thread = thread_of(python, tid);

    if (thread->slot != 0 && is_writable(thread->slot))
        ((struct pm_slot *)thread->slot)->owner = PM_SLOT_FREE;
    thread->slot = 0;
}

void pm_python_forked(struct pm_python *python, u32 tid)
{
    for (u32 other = 0; other < python->threads_capacity; other++)
        if (other != tid)
            pm_python_thread_ends(python, other);
}

u32 pm_python_thread_ordinal(const struct pm_python *python, u32 tid)
{
    return tid < python->threads_capacity && python->threads[tid].ordinal != 0
        ? python->threads[tid].ordinal : 1;
}

static void refuse_interpreter(struct pm_python *python)
{
    python->state = PM_PYTHON_REFUSED;
    VG_(umsg)("pymemcheck: this Python interpreter is not understood: %s.\n", python->why);
    VG_(umsg)("pymemcheck: no Python lines will be named; C callers are reported as usual.\n");
}

static void check_interpreter(struct pm_python *python, u64 anchor)
{
    if (pm_interpreter_check(&python->interpreter, python->reader, anchor, python->why,
                             sizeof python->why))
        python->state = PM_PYTHON_READY;
    else if (!python->interpreter.too_early)
        refuse_interpreter(python);
}

void pm_python_register(struct pm_python *python, u32 tid, u64 slot)
{
    thread_of(python, tid)->slot = slot;
}

void pm_python_meet(struct pm_python *python, u64 hello_address)
{
    struct pm_interpreter_facts facts;
    struct pm_hello hello;

    if (python->state != PM_PYTHON_NONE
            || !pm_reader_read(python->reader, hello_address, &hello, sizeof hello))
        return;
    python->state = PM_PYTHON_UNCHECKED;
    python->frame_type = hello.frame_type;
    pm_copy(python->generator_types, hello.generator_types, sizeof python->generator_types);
    facts = (struct pm_interpreter_facts){
        .version_text = hello.version_text,
        .code_type = hello.code_type,
        .runtime = hello.runtime,
        .debug_marker = hello.debug_marker,
        .trace_refs_marker = hello.trace_refs_marker,
    };
    if (!pm_interpreter_init(&python->interpreter, python->reader, &facts, python->why,
                             sizeof python->why))
        refuse_interpreter(python);
}

static bool is_generator(const struct pm_python *python, u64 object)
{
    u64 type;
    bool found = false;

    if (!pm_reader_read_u64(python->reader, object + (u64)python->interpreter.layout->at.object_type, &type)
            || type == 0)
        return false;
    for (unsigned i = 0; i < PM_PYTHON_GENERATOR_TYPES; i++)
        found |= type == python->generator_types[i];
    return found;
}

bool pm_python_contains_frame(const struct pm_python *python, u64 address, u64 bytes)
{
    const struct pm_layout *layout = python->interpreter.layout;

    if (layout == NULL || layout->frames != PM_FRAMES_STRUCTS)
        return false;
    const u64 object = address + (u64)layout->at.gc_head_bytes;
    if (bytes <= (u64)layout->at.gc_head_bytes + (u64)layout->at.generator_frame)
        return false;
    return is_generator(python, object)
        || (layout->hook_prefix_bytes != 0 && is_generator(python, object + layout->hook_prefix_bytes));
}

u64 pm_python_slot(const struct pm_python *python, u32 tid)
{
    return tid < python->threads_capacity ? python->threads[tid].slot : 0;
}

/* The first argument of the evaluation function that runs in the slot's thread. */
static bool read_anchor(const struct pm_python *python, u64 slot, u64 *anchor)
{
    return pm_reader_read_u64(python->reader, slot + offsetof(struct pm_slot, anchor), anchor);
}

u64 pm_python_anchor(const struct pm_python *python, u32 tid)
{
    u64 slot = pm_python_slot(python, tid), anchor;

    return slot != 0 && read_anchor(python, slot, &anchor) ? anchor : 0;
}

bool pm_python_is_raising(const struct pm_python *python, u32 tid)
{
    u64 slot = pm_python_slot(python, tid), anchor;

    return slot != 0 && python->state == PM_PYTHON_READY
        && python->interpreter.layout->anchor != PM_ANCHOR_FRAME
        && read_anchor(python, slot, &anchor)
        && pm_threads_is_raising(&python->interpreter, python->reader, anchor);
}

u64 pm_python_interpreter_state(const struct pm_python *python, u32 tid)
{
    u64 slot = pm_python_slot(python, tid), anchor, interpreter;

    return slot != 0 && python->state == PM_PYTHON_READY
        && python->interpreter.layout->anchor != PM_ANCHOR_FRAME
        && read_anchor(python, slot, &anchor) && anchor != 0
        && pm_reader_read_u64(python->reader,
                              anchor + (u64)python->interpreter.layout->at.thread_interpreter, &interpreter)
        ? interpreter : 0;
}

u64 pm_python_peek(const struct pm_python *python, u64 slot)
{
    u64 anchor;

    if (slot == 0 || python->state != PM_PYTHON_READY
            || !read_anchor(python, slot, &anchor)
            || anchor == 0)
        return 0;
    return pm_walk_peek(&python->interpreter, python->reader, anchor);
}

/* Finds where to walk from. False, with *end set, if there is nothing to walk. */
static bool begin_walk(struct pm_python *python, u32 tid, u64 *anchor, enum pm_walk_end *end,
                       struct pm_trace *trace)
{
    u64 slot = pm_python_slot(python, tid);

    *end = PM_WALK_COMPLETE;
    if (slot == 0)
        return false;
    if (!read_anchor(python, slot, anchor)) {
        *end = PM_WALK_UNREADABLE;
        return false;
    }
    if (trace != NULL)
        pm_trace_add(trace, slot + offsetof(struct pm_slot, anchor), *anchor, sizeof *anchor);
    if (*anchor == 0)
        return false;
    if (python->state == PM_PYTHON_UNCHECKED)
        check_interpreter(python, *anchor);
    /* The result changes as soon as the interpreter is known. */
    if (trace != NULL && python->state < PM_PYTHON_READY)
        trace->incomplete = true;
    return python->state == PM_PYTHON_READY;
}

unsigned pm_python_walk(struct pm_python *python, u32 tid, struct pm_raw_frame *frames,
                        unsigned capacity, enum pm_walk_end *end, struct pm_trace *trace)
{
    u64 anchor;

    return begin_walk(python, tid, &anchor, end, trace)
        ? pm_walk_traced(&python->interpreter, python->reader, anchor, frames, capacity, end, trace)
        : 0;
}

unsigned pm_python_walk_again(struct pm_python *python, u32 tid, struct pm_rewalk *rewalk,
                              struct pm_raw_frame *frames, unsigned capacity,
                              enum pm_walk_end *end, unsigned *same)
{
    u64 anchor;

    *same = 0;
    return begin_walk(python, tid, &anchor, end, NULL)
        ? pm_walk_again(&python->interpreter, rewalk, anchor, frames, capacity, end, same)
        : 0;
}

bool pm_python_trace_again(struct pm_python *python, u32 tid, const struct pm_rewalk *rewalk,
                           struct pm_trace *trace)
{
    const unsigned count = trace->count;
    enum pm_walk_end end;
    u64 anchor;

    if (begin_walk(python, tid, &anchor, &end, trace) && pm_rewalk_trace(rewalk, trace))
        return true;
    trace->count = count;
    return false;
}

/* A code object begins so far behind the start of its block, at most. */
static u64 hook_prefix(const struct pm_python *python)
{
    return python->interpreter.layout->hook_prefix_bytes;
}

/* Marks the block that holds code, so that we notice when it is freed. False if there is no such
   block. */
static bool watch(struct pm_python *python, u64 code)
{
    struct pm_block *block = pm_blocks_find(python->blocks, code);

    if (block == NULL) {
        block = pm_blocks_find(python->blocks, code - hook_prefix(python));
        if (block == NULL || block->padding_units == 0)
            return false;
    }
    block->is_code = 1;
    return true;
}

/* Code that was compiled into the interpreter is in a mapped file, and lives as long as the
   mapping. */
static bool is_static(u64 code)
{
    const NSegment *segment = VG_(am_find_nsegment)(code);
    return segment != NULL && segment->kind == SkFileC;
}

/* Whether the code object at code never dies, or we notice when it does. If not, it is in an arena of
   CPython's own allocator. */
static bool is_steady(struct pm_python *python, u64 code)
{
    return watch(python, code) || is_static(code);
}

/* False if a part of it could not be read. */
static bool open_code(struct pm_python *python, struct pm_open_code *open, u64 code, u32 tag)
{
    struct pm_code_location *location = &open->location;
    bool whole = pm_code_open(&python->interpreter, python->reader, code, location);

    open->code = code;
    open->tag = tag;
    open->file = pm_strings_take(python->strings, &location->file);
    open->function = pm_strings_take(python->strings, &location->function);
    return whole;
}

static struct pm_frame_id look_up(struct pm_python *python, const struct pm_raw_frame *raw,
                                  u32 tag, bool *unsteady)
{
    struct pm_open_code *open = &python->open[pm_hash_u64(raw->code) % PM_PYTHON_OPEN_CODES];
    bool whole = true;

    *unsteady = !is_steady(python, raw->code);
    if (*unsteady || open->code != raw->code || open->tag != tag
            || !pm_code_is_open(&python->interpreter, python->reader, raw->code, &open->location))
        whole = open_code(python, open, raw->code, tag);
    if (!pm_code_seek(&python->interpreter, raw->code, raw->position, &open->location))
        whole = false;
    if (!whole) {
        python->troubles->unreadable_code++;
        *unsteady = true;
        open->code = 0;
    }
    const struct pm_frame frame = {
        .kind = PM_FRAME_PYTHON,
        .line = open->location.line,
        .file = open->file,
        .function = open->function,
    };
    return pm_frames_intern(python->frames, &frame);
}

static struct pm_recent_frame *recent_place(const struct pm_python *python, u64 code, u32 position)
{
    u64 hash = ((code >> 4) + ((u64)position << 32)) * 0x9fb21c651e98df25ull;
    return &python->recent[hash >> 32 & (PM_PYTHON_RECENT_FRAMES - 1)];
}

void pm_python_prefetch(const struct pm_python *python, const struct pm_raw_frame *raw)
{
    __builtin_prefetch(recent_place(python, raw->code, (u32)(raw->position - raw->code)));
}

struct pm_frame_id pm_python_resolve(struct pm_python *python, const struct pm_raw_frame *raw,
                                     bool *unsteady)
{
    u32 position = (u32)(raw->position - raw->code), tag = pm_python_code_tag(python, raw->code);
    struct pm_recent_frame *recent = recent_place(python, raw->code, position);

    *unsteady = false;
    if (recent->code == raw->code && recent->position == position && recent->tag == tag)
        return recent->frame;
    struct pm_frame_id frame = look_up(python, raw, tag, unsteady);
    if (!*unsteady)
        *recent = (struct pm_recent_frame){ raw->code, position, tag, frame };
    return frame;
}

static void forget(struct pm_python *python, u64 code)
{
    python->code_tags[pm_python_tag_place(code)]++;
    python->code_deaths++;
}

void pm_python_forget_code(struct pm_python *python, u64 block)
{
    u64 prefix = hook_prefix(python);

    forget(python, block);
    if (prefix != 0)
        forget(python, block + prefix);
}
