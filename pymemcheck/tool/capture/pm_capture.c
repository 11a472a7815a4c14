/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_machine.h"
#include "pub_tool_options.h"

#include "tool/capture/pm_capture.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"
#include "cpython/pm_layers.h"
#include "tool/core/pm_core.h"
#include "tool/pm_run.h"

/* Allocator layers that are looked at, from malloc outwards. */
enum { MAX_LAYERS = 16 };

/* Usually one or two Python frames of a stack are new. */
enum { PREFETCHED_FRAMES = 2 };

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
    const struct pm_frame_id more_frames = note(run, "more Python frames");
    u32 natives = (u32)VG_(clo_backtrace_size);
    u32 further = natives > PM_CAPTURE_NATIVES ? natives : PM_CAPTURE_NATIVES;
    u32 pythons = run->options.python_frames + PM_CAPTURE_BEYOND;

    *capture = (struct pm_capture){
        .generation = 1,
        .python_limit = run->options.python_frames,
        .walk_limit = pythons,
        .unreadable = note(run, "unreadable Python frames"),
    };
    pm_pairs_init(&capture->pairs, &run->stacks, capture->python_limit, more_frames);
    capture->met = pm_alloc_zero("pm.capture", PM_CAPTURE_MET * sizeof *capture->met);
    pm_snapshots_init(&capture->snapshots, &run->reader, &run->python);
    capture->trace.capacity = PM_SNAPSHOT_WORDS;
    capture->trace.words = pm_alloc("pm.capture",
                                    PM_SNAPSHOT_WORDS * sizeof *capture->trace.words);
    pm_unwind_init(&capture->unwind, &run->reader, natives, further);
    pm_rewalk_init(&capture->rewalk, &run->reader, pythons);
    capture->raw = pm_alloc("pm.capture", pythons * sizeof *capture->raw);
    capture->native = pm_alloc("pm.capture", further * sizeof *capture->native);
    capture->last = pm_alloc("pm.capture", pythons * sizeof *capture->last);
}

/* Counts the debug hooks on the way to malloc. An inner function of a hook always pads; an outer
   one pads only if the compiler merged the inner one into it. */
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

/* The native part of a stack that was not met before. */
static struct pm_known_natives resolve_natives(struct pm_run *run, const struct pm_unwound *natives)
{
    struct pm_capture *capture = &run->capture;
    u8 layers[MAX_LAYERS];
    size_t n = 0;

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
    return (struct pm_known_natives){
        .part = pm_pairs_native(&capture->pairs, capture->native, n),
        .debug_hooks = count_hooks(layers, n < MAX_LAYERS ? n : MAX_LAYERS),
    };
}

enum { HOOKS_BIT = 32 };

/* As pm_unwind_note keeps it. Not 0, since no part is 0. */
static u64 packed(struct pm_known_natives known)
{
    return (u64)known.debug_hooks << HOOKS_BIT | known.part.v;
}

static struct pm_known_natives unpacked(u64 meaning)
{
    return (struct pm_known_natives){
        .part = { (u32)meaning },
        .debug_hooks = (u32)(meaning >> HOOKS_BIT),
    };
}

/* With --sanity-level=2 the stack is resolved again and compared. That would show it if other
   addresses had the same hash. */
static struct pm_known_natives native_part(struct pm_run *run, const struct pm_unwound *natives)
{
    const u64 meaning = pm_unwind_meaning(&run->capture.unwind, natives);

    if (meaning != 0 && pm_core_sanity_level() < 2)
        return unpacked(meaning);
    struct pm_known_natives known = resolve_natives(run, natives);
    PM_ASSERT(meaning == 0 || meaning == packed(known));
    pm_unwind_note(&run->capture.unwind, natives, packed(known));
    return known;
}

/* What the outermost frames are named after: a note, if there are frames that cannot be read. Where
   a walk reached its limit the pairs add a note, since they take fewer frames than a walk. */
static struct pm_python_part python_end(struct pm_capture *capture, enum pm_walk_end end)
{
    const struct pm_splice_python note = { .frame = capture->unreadable, .entry = true };

    return end == PM_WALK_UNREADABLE
        ? pm_pairs_python(&capture->pairs, PM_PYTHON_PART_EMPTY, &note) : PM_PYTHON_PART_EMPTY;
}

/* Whether the code object of a frame of the last stack still lives. */
static bool is_current(const struct pm_last_frame *last, const struct pm_python *python)
{
    return last->tag == pm_python_code_tag(python, last->raw.code);
}

/* How many of the same outermost frames of the last stack still have their names. */
static unsigned still_named(const struct pm_capture *capture, const struct pm_python *python,
                            unsigned same)
{
    unsigned named = same;

    if (capture->last_deaths != python->code_deaths)
        for (named = 0; named < same && is_current(&capture->last[named], python); named++)
            ;
    while (named > 0 && capture->last[named - 1].unsteady)
        named--;
    return named;
}

/* How many of the fresh frames, from the outermost one on, equal the frames inside of the first same
   ones of the last stack. */
static unsigned named_before(const struct pm_capture *capture, const struct pm_python *python,
                             unsigned same, unsigned fresh)
{
    unsigned known = 0;

    for (; known < fresh && same + known < capture->last_count; known++) {
        const struct pm_last_frame *last = &capture->last[same + known];
        const struct pm_raw_frame *raw = &capture->raw[fresh - 1 - known];
        if (!pm_raw_frame_equal(&last->raw, raw) || last->unsteady || !is_current(last, python))
            break;
    }
    return known;
}

/* Names raw, and makes it frame number i of the last stack, counted from the outermost one. */
static struct pm_python_part name_frame(struct pm_capture *capture, struct pm_python *python,
                                        unsigned i, struct pm_python_part outer,
                                        const struct pm_raw_frame *raw)
{
    bool unsteady;
    const struct pm_splice_python frame = {
        .frame = pm_python_resolve(python, raw, &unsteady),
        .empty_entries = raw->empty_entries,
        .entry = raw->entry,
    };
    struct pm_python_part part = pm_pairs_python(&capture->pairs, outer, &frame);
    capture->last[i] = (struct pm_last_frame){
        .raw = *raw,
        .tag = pm_python_code_tag(python, raw->code),
        .unsteady = unsteady || (i > 0 && capture->last[i - 1].unsteady),
        .part = part,
    };
    return part;
}

/* fresh: the innermost frames, in capture->raw. same: the frames outside of them, which are those
   of the last stack. */
static struct pm_python_part python_part(struct pm_run *run, unsigned fresh, unsigned same,
                                         enum pm_walk_end end)
{
    struct pm_capture *capture = &run->capture;
    struct pm_python *python = &run->python;

    if (end == PM_WALK_COMPLETE && fresh + same == 0)
        return PM_PYTHON_PART_EMPTY;
    if (end == PM_WALK_UNREADABLE)
        pm_rewalk_forget(&capture->rewalk);
    if (end != capture->last_end) {
        PM_ASSERT(same == 0);
        capture->last_count = 0;
    }
    unsigned named = still_named(capture, python, same);
    if (named == same) {
        unsigned known = named_before(capture, python, same, fresh);
        named += known;
        fresh -= known;
        same += known;
    }
    struct pm_python_part part = named > 0 ? capture->last[named - 1].part
                                           : python_end(capture, end);
    for (unsigned i = named; i < same; i++) {
        const struct pm_raw_frame raw = capture->last[i].raw;
        part = name_frame(capture, python, i, part, &raw);
    }
    for (unsigned i = 0; i < fresh; i++)
        part = name_frame(capture, python, same + i, part, &capture->raw[fresh - 1 - i]);
    capture->last_count = same + fresh;
    capture->last_end = end;
    capture->last_deaths = python->code_deaths;
    return part;
}

/* With --sanity-level=2 all frames are walked over and compared. */
static void check_walk(struct pm_run *run, u32 tid, enum pm_walk_end end, unsigned count)
{
    struct pm_capture *capture = &run->capture;
    enum pm_walk_end whole_end;
    unsigned whole = pm_python_walk(&run->python, tid, capture->raw, capture->walk_limit,
                                    &whole_end, NULL);

    /* Of damaged frames in a circle, one of the two walks may find an end. */
    if (end == PM_WALK_UNREADABLE || whole_end == PM_WALK_UNREADABLE)
        return;
    PM_ASSERT(whole == count && whole_end == end);
    for (unsigned i = 0; i < count; i++)
        PM_ASSERT(pm_raw_frame_equal(&capture->raw[count - 1 - i], &capture->last[i].raw));
}

/* Keeps a snapshot of the stack that was just found. */
static void keep_snapshot(struct pm_run *run, u32 tid, const struct pm_snapshot_key *key,
                          const struct pm_unwound *natives, struct pm_captured captured)
{
    struct pm_capture *capture = &run->capture;
    struct pm_trace *trace = &capture->trace;
    unsigned count = capture->last_count;
    enum pm_walk_end end;

    trace->count = 0;
    trace->incomplete = false;
    pm_unwound_trace(natives, trace);
    /* A snapshot must not depend on frames that are not reported: they may change. */
    if (count <= capture->python_limit
            && pm_python_trace_again(&run->python, tid, &capture->rewalk, trace)) {
        for (unsigned i = 0; i < count; i++)
            capture->raw[i] = capture->last[i].raw;
    } else {
        count = pm_python_walk(&run->python, tid, capture->raw, capture->python_limit, &end, trace);
        if (end == PM_WALK_UNREADABLE)
            return;
    }
    pm_snapshots_keep(&capture->snapshots, key, capture->generation, trace, capture->raw,
                      count, captured.stack, *captured.site, captured.debug_hooks);
}

/* Whether the pair comes with this key for the PM_CAPTURE_OFTEN-th time, not long after the other
   times. A stack that comes a few times is not worth a snapshot; imports have a million of
   those. */
static bool is_frequent(struct pm_capture *capture, const struct pm_snapshot_key *key,
                        const struct pm_pair *pair)
{
    enum { TIMES = 7 };
    const u64 number = (u64)(pair - capture->pairs.all);
    u64 hash = pm_hash_u64((key->stack_pointer ^ key->instruction << 20) + key->python_position
                           + (number << 40));
    const u16 part = (u16)(hash >> 48) & (u16)~TIMES;
    u16 *met = &capture->met[hash % PM_CAPTURE_MET];
    u16 times = (*met & (u16)~TIMES) == part ? *met & TIMES : 0;
    bool frequent = times + 1 == PM_CAPTURE_OFTEN;

    *met = frequent ? 0 : (u16)(part | (times + 1));
    return frequent;
}

static enum pm_unwind_frame_kind kind_of(void *context, u64 ip)
{
    return pm_native_is_boundary(context, ip) ? PM_UNWIND_FRAME_END
        : pm_native_is_interpreter(context, ip) ? PM_UNWIND_FRAME_PASSING : PM_UNWIND_FRAME;
}

/* A native stack. If it was cut before an evaluation of Python, it goes on up to that, unless that is
   too far out. *whole is all that the result depends on. */
static struct pm_unwound unwind_natives(struct pm_run *run, u32 tid, bool python, struct pm_unwound *whole)
{
    struct pm_unwind *unwind = &run->capture.unwind;
    struct pm_unwound natives = pm_unwind_stack(unwind, tid);
    bool cut = python && pm_unwind_was_cut(unwind, &natives);

    *whole = natives;
    for (unsigned i = 1; cut && i < natives.count; i++)
        cut = !pm_native_is_boundary(&run->native, natives.ips[i]);
    if (cut)
        pm_unwind_further(unwind, tid, kind_of, &run->native, whole, &natives);
    pm_unwind_prefetch(unwind, &natives);
    return natives;
}

/* Without a snapshot. May keep one for key. */
static struct pm_captured compute(struct pm_run *run, u32 tid, const struct pm_snapshot_key *key)
{
    struct pm_capture *capture = &run->capture;
    enum pm_walk_end end;
    struct pm_unwound whole, natives = unwind_natives(run, tid, key->slot != 0, &whole);
    unsigned same, fresh = pm_python_walk_again(&run->python, tid, &capture->rewalk, capture->raw,
                                                capture->walk_limit, &end, &same);
    for (unsigned i = 0; i < fresh && i < PREFETCHED_FRAMES; i++)
        pm_python_prefetch(&run->python, &capture->raw[i]);
    if (end == PM_WALK_UNREADABLE)
        run->troubles.unreadable_stacks++;

    struct pm_known_natives native = native_part(run, &natives);
    struct pm_python_part python = python_part(run, fresh, same, end);
    if (pm_core_sanity_level() > 1)
        check_walk(run, tid, end, fresh + same);
    struct pm_pair *pair = pm_pairs_stack(&capture->pairs, native.part, python);
    struct pm_captured captured = {
        .stack = pair->stack,
        .site = &pair->site,
        .debug_hooks = native.debug_hooks,
    };
    bool unsteady = fresh + same > 0 && capture->last[fresh + same - 1].unsteady;
    if (!unsteady && is_frequent(capture, key, pair))
        keep_snapshot(run, tid, key, &whole, captured);
    return captured;
}

/* Prefetches what compute needs first, which is rarely in the processor's cache. */
static void prefetch(const struct pm_run *run)
{
    const struct pm_capture *capture = &run->capture;
    const struct pm_pair *pair = pm_pairs_expected(&capture->pairs);

    pm_pairs_prefetch(&capture->pairs);
    if (pair->site != 0)
        pm_sites_prefetch(&run->sites, pm_noted_site(pair->site));
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
    struct pm_snapshot *known = pm_snapshots_expected(&capture->snapshots, &key,
                                                      capture->generation);
    if (known == NULL) {
        prefetch(run);
        key.python_position = pm_python_peek(&run->python, key.slot);
        known = pm_snapshots_find(&capture->snapshots, &key, capture->generation);
    }
    if (known != NULL && pm_core_sanity_level() < 2)
        return (struct pm_captured){ known->stack, &known->site, known->debug_hooks };
    /* With --sanity-level=2 the stack is computed, too, and compared. That may replace the
       snapshot, so its result is saved first. */
    const struct pm_stack_id said = known != NULL ? known->stack : PM_STACK_EMPTY;
    struct pm_captured captured = compute(run, tid, &key);
    PM_ASSERT(said.v == PM_STACK_EMPTY.v || said.v == captured.stack.v);
    return captured;
}
