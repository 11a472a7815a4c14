/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_machine.h"
#include "pub_tool_options.h"

#include "tool/pm_capture.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"
#include "cpython/pm_layers.h"
#include "tool/pm_run.h"

/* Allocator layers looked at, from malloc outwards. */
enum { MAX_LAYERS = 16 };

static struct pm_frame_id note(struct pm_run *run, const char *text)
{
    const struct pm_frame frame = {
        .kind = PM_FRAME_NOTE,
        .function = pm_strings_intern_text(&run->strings, text),
    };
    return pm_frames_intern(&run->frames, &frame);
}

void pm_capture_init(struct pm_run *run)
{
    struct pm_capture *capture = &run->capture;
    u32 natives = (u32)VG_(clo_backtrace_size), pythons = run->options.python_frames;

    *capture = (struct pm_capture){
        .generation = 1,
        .python_limit = pythons,
    };
    capture->memo = pm_alloc_zero("pm.memo", PM_MEMO_ENTRIES * sizeof *capture->memo);
    capture->memo_tags = pm_alloc_zero("pm.memo", PM_MEMO_ENTRIES * sizeof *capture->memo_tags);
    pm_snapshots_init(&capture->snapshots, &run->reader, &run->python);
    capture->trace.capacity = PM_SNAPSHOT_WORDS;
    capture->trace.words = pm_alloc("pm.capture",
                                    PM_SNAPSHOT_WORDS * sizeof *capture->trace.words);
    pm_unwind_init(&capture->unwind, &run->reader, natives);
    capture->words = pm_alloc("pm.capture", (2 * pythons + 2) * sizeof *capture->words);
    capture->raw = pm_alloc("pm.capture", pythons * sizeof *capture->raw);
    capture->native = pm_alloc("pm.capture", natives * sizeof *capture->native);
    capture->python = pm_alloc("pm.capture", (pythons + 1) * sizeof *capture->python);
    capture->joined = pm_alloc("pm.capture", (natives + pythons + 1) * sizeof *capture->joined);
    capture->more_frames = note(run, "more Python frames");
    capture->unreadable = note(run, "unreadable Python frames");
}

/* The debug hooks on the way to malloc: an inner level of a hook always pads;
   an outer one only when the compiler merged the inner into it. */
static u32 count_hooks(const u8 *layers, size_t count)
{
    u32 hooks = 0;
    bool counted = false;

    for (size_t i = 0; i < count; i++) {
        switch (layers[i]) {
        case PM_LAYER_DEBUG_HOOK:
            hooks++;
            counted = true;
            break;
        case PM_LAYER_DEBUG_ENTRY:
            hooks += !counted;
            counted = true;
            break;
        case PM_LAYER_ALLOCATOR:
            counted = false;
            break;
        default:
            return hooks;
        }
    }
    return hooks;
}

/* Names everything in a raw stack and interns it. */
static struct pm_captured resolve(struct pm_run *run, const struct pm_unwound *natives,
                                  unsigned pythons, enum pm_walk_end end)
{
    struct pm_capture *capture = &run->capture;
    u8 layers[MAX_LAYERS];
    size_t n = 0;
    unsigned p = 0;

    for (unsigned i = 0; i < natives->count; i++) {
        struct pm_native_frame known = pm_native_resolve(&run->native, natives->ips[i], i == 0);
        if (known.below_main && n > 0)
            break;
        if (known.hidden)
            continue;
        if (n < MAX_LAYERS)
            layers[n] = known.layer;
        capture->native[n++] = (struct pm_splice_native){ known.frame, known.boundary };
    }
    for (; p < pythons; p++)
        capture->python[p] = (struct pm_splice_python){
            .frame = pm_python_resolve(&run->python, &capture->raw[p]),
            .empty_entries = capture->raw[p].empty_entries,
            .entry = capture->raw[p].entry,
        };
    if (end == PM_WALK_LIMIT)
        capture->python[p++] = (struct pm_splice_python){ .frame = capture->more_frames, .entry = true };
    else if (end == PM_WALK_UNREADABLE)
        capture->python[p++] = (struct pm_splice_python){ .frame = capture->unreadable, .entry = true };
    size_t length = pm_splice(capture->native, n, capture->python, p, capture->joined);
    return (struct pm_captured){
        .stack = pm_stacks_intern(&run->stacks, capture->joined, length),
        .debug_hooks = count_hooks(layers, n < MAX_LAYERS ? n : MAX_LAYERS),
    };
}

static bool matches(const struct pm_capture *capture, const struct pm_memo_entry *entry, u64 hash,
                    u32 length)
{
    if (entry->hash != hash || entry->length != length || entry->generation != capture->generation)
        return false;
    for (u32 i = 0; i < length; i++)
        if (entry->words[i] != capture->words[i])
            return false;
    return true;
}

static void remember(struct pm_capture *capture, struct pm_memo_entry *entry, u64 hash, u32 length,
                     struct pm_captured captured)
{
    if (entry->capacity < length) {
        pm_free(entry->words);
        entry->words = pm_alloc("pm.memo", length * sizeof *entry->words);
        entry->capacity = length;
    }
    pm_copy(entry->words, capture->words, length * sizeof *entry->words);
    entry->hash = hash;
    entry->length = length;
    entry->generation = capture->generation;
    entry->stack = captured.stack;
    entry->debug_hooks = captured.debug_hooks;
}

/* Writes the raw stack as words: native stack, pairs, how they ended. Code
   objects are aligned and lie below 2^47, and a position, whether a pointer
   into its code object or an index, is told from others of the code by 32
   bits: that leaves room for the rest. */
static u32 raw_words(struct pm_capture *capture, const struct pm_python *python,
                     const struct pm_unwound *natives, unsigned pythons, enum pm_walk_end end)
{
    u64 *word = capture->words;

    *word++ = natives->id << 2 | (u64)end;
    for (unsigned i = 0; i < pythons; i++) {
        *word++ = capture->raw[i].code | capture->raw[i].entry
            | (u64)capture->raw[i].empty_entries << 48;
        *word++ = (u64)pm_python_code_tag(python, capture->raw[i].code) << 32
            | (u32)(capture->raw[i].position - capture->raw[i].code);
    }
    return (u32)(word - capture->words);
}

/* Keeps a snapshot of what was just found, for which the way there is gone once
   more, in search of the words that it depends on. */
static void keep_snapshot(struct pm_run *run, u32 tid, const struct pm_snapshot_key *key,
                          const struct pm_unwound *natives, struct pm_captured captured)
{
    struct pm_capture *capture = &run->capture;
    struct pm_trace *trace = &capture->trace;
    enum pm_walk_end end;

    trace->count = 0;
    trace->incomplete = false;
    pm_unwound_trace(natives, trace);
    unsigned pythons = pm_python_walk(&run->python, tid, capture->raw, capture->python_limit,
                                      &end, trace);
    if (end != PM_WALK_UNREADABLE)
        pm_snapshots_keep(&capture->snapshots, key, capture->generation, trace, capture->raw,
                          pythons, captured.stack, captured.debug_hooks);
}

/* Without a snapshot: by the memo, or by names. */
static struct pm_captured compute(struct pm_run *run, u32 tid, const struct pm_snapshot_key *key)
{
    struct pm_capture *capture = &run->capture;
    enum pm_walk_end end;
    struct pm_unwound natives = pm_unwind_stack(&capture->unwind, tid);
    unsigned pythons = pm_python_walk(&run->python, tid, capture->raw, capture->python_limit,
                                      &end, NULL);
    if (end == PM_WALK_UNREADABLE)
        run->troubles.unreadable_stacks++;

    u32 length = raw_words(capture, &run->python, &natives, pythons, end);
    u64 hash = pm_hash_bytes(capture->words, length * sizeof *capture->words);
    struct pm_memo_entry *entry = &capture->memo[hash % PM_MEMO_ENTRIES];
    u32 *tag = &capture->memo_tags[hash % PM_MEMO_ENTRIES];
    bool met_before = *tag == (u32)(hash >> 32);
    if (met_before && matches(capture, entry, hash, length)) {
        struct pm_captured captured = { entry->stack, entry->debug_hooks };
        keep_snapshot(run, tid, key, &natives, captured);
        return captured;
    }

    run->python.cannot_remember = false;
    struct pm_captured captured = resolve(run, &natives, pythons, end);
    *tag = (u32)(hash >> 32);
    if (met_before && !run->python.cannot_remember)
        remember(capture, entry, hash, length, captured);
    return captured;
}

struct pm_captured pm_capture_stack(struct pm_run *run, u32 tid)
{
    struct pm_capture *capture = &run->capture;
    struct pm_snapshot_key key = {
        .stack_pointer = VG_(get_SP)(tid),
        .instruction = VG_(get_IP)(tid),
        .slot = pm_python_slot(&run->python, tid),
    };

    if (pm_native_epoch_changed(&run->native)) {
        capture->generation++;
        pm_unwind_forget(&capture->unwind);
    }
    const struct pm_snapshot *known = pm_snapshots_expected(&capture->snapshots, &key,
                                                            capture->generation);
    if (known == NULL) {
        key.hint = pm_python_peek(&run->python, key.slot);
        known = pm_snapshots_find(&capture->snapshots, &key, capture->generation);
    }
    if (known != NULL)
        return (struct pm_captured){ known->stack, known->debug_hooks };
    return compute(run, tid, &key);
}
