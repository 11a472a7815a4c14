/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_debuginfo.h"

#include "tool/watch/pm_watch_wake.h"

#include "base/pm_platform.h"
#include "tool/allocator/pm_allocator.h"
#include "tool/pm_memory.h"
#include "tool/pm_run.h"
#include "tool/watch/pm_watch.h"
#include "tool/watch/pm_watch_code.h"

void pm_watch_wake_init(struct pm_run *run)
{
    const struct pm_watch_rules *rules = &run->options.watch_refs;
    struct pm_watch_wake *wake = &run->watch.wake;

    pm_map_init(&wake->stacks);
    pm_map_init(&wake->searched);
    for (u32 i = 0; i < rules->count; i++) {
        const struct pm_watch_rule *rule = &rules->at[i];
        wake->classes |= rule->kind == PM_WATCH_TYPE;
        wake->births |= rule->kind == PM_WATCH_LINE || rule->kind == PM_WATCH_BIRTH || rule->kind == PM_WATCH_FINGERPRINT;
        wake->due |= rule->kind == PM_WATCH_TYPE && pm_watch_rule_has_wildcard(rule);
    }
}

void pm_watch_wake_up(struct pm_run *run)
{
    struct pm_watch_wake *wake = &run->watch.wake;

    if (wake->awake)
        return;
    wake->awake = true;
    pm_map_clear(&wake->stacks);
    pm_map_clear(&wake->searched);
    pm_watch_code_wake();
}

/* --- Classes made at run time --- */

/* PyTypeObject has more than 380 bytes in all versions. */
enum { LEAST_CLASS_BYTES = 380 };

/* So many events after its block was allocated a class has its name. The collector may run in between. */
enum { MOST_LOOKS = 64 };

/* Whether a name that is wanted may be at the address. */
static bool is_wanted_name(struct pm_run *run, u64 address)
{
    const struct pm_watch_rules *rules = &run->options.watch_refs;
    char text[PM_WATCH_NAME_BYTES];

    if (!pm_reader_read_text(&run->reader, address, text, sizeof text))
        return false;
    for (u32 i = 0; i < rules->count; i++)
        if (rules->at[i].kind == PM_WATCH_TYPE && pm_watch_rule_may_name(&rules->at[i], text))
            return true;
    return false;
}

enum sight { NO_CLASS, NO_NAME_YET, WANTED };

/* A class that is being made is all 0 at first. */
static enum sight look_at(struct pm_run *run, u64 object)
{
    u64 name;

    if (!pm_reader_read_u64(&run->reader, object + (u64)run->python.interpreter.layout->at.type_name, &name))
        return NO_CLASS;
    if (name == 0)
        return NO_NAME_YET;
    return is_wanted_name(run, name) ? WANTED : NO_CLASS;
}

static enum sight look_into_block(struct pm_run *run, u64 block, bool padded)
{
    u64 headers[PM_WATCH_HEADERS];
    const u32 count = pm_watch_headers(run, padded, headers);
    enum sight all = NO_CLASS;

    for (u32 i = 0; i < count && all != WANTED; i++) {
        const enum sight one = look_at(run, block + headers[i]);
        all = one > all ? one : all;
    }
    return all;
}

static void look_at_new_classes(struct pm_run *run)
{
    struct pm_watch_wake *wake = &run->watch.wake;

    for (u32 i = 0; i < PM_WATCH_NEW_CLASSES && !wake->awake; i++) {
        struct pm_watch_new_class *new = &wake->new_classes[i];
        if (new->block == 0)
            continue;
        const enum sight sight = look_into_block(run, new->block, new->padded);
        if (sight == WANTED)
            pm_watch_wake_up(run);
        if (sight == NO_NAME_YET && ++new->looks < MOST_LOOKS)
            continue;
        new->block = 0;
        wake->new_class_count--;
    }
}

/* It is looked at when the next event comes: nothing is in it yet. */
static void note_new_class(struct pm_watch_wake *wake, const struct pm_block *block)
{
    struct pm_watch_new_class *new = &wake->new_classes[wake->next_new_class];

    wake->next_new_class = (wake->next_new_class + 1) % PM_WATCH_NEW_CLASSES;
    wake->new_class_count += new->block == 0;
    *new = (struct pm_watch_new_class){ .block = block->address, .padded = block->padding_units != 0 };
}

static void forget_new_class(struct pm_watch_wake *wake, const struct pm_block *block)
{
    for (u32 i = 0; i < PM_WATCH_NEW_CLASSES; i++)
        if (wake->new_classes[i].block == block->address) {
            wake->new_classes[i].block = 0;
            wake->new_class_count--;
        }
}

/* --- Births --- */

static bool is_born_as_wanted(struct pm_run *run, const struct pm_block *block)
{
    const struct pm_tables tables = { &run->strings, &run->frames, &run->stacks };
    struct pm_watch_wake *wake = &run->watch.wake;
    const struct pm_stack_id stack = pm_allocator_stack(run, block);
    const u64 *known = pm_map_get(&wake->stacks, stack.v);

    if (known != NULL)
        return *known != 0;
    const bool wanted = pm_watch_rules_match_place(&run->options.watch_refs, &tables, stack);
    pm_map_put(&wake->stacks, stack.v, wanted);
    return wanted;
}

static void look_at_old_block(void *context, struct pm_block *block)
{
    struct pm_run *run = context;
    const struct pm_watch_wake *wake = &run->watch.wake;

    if (wake->awake || block->origin == PM_BLOCK_CUSTOM)
        return;
    if ((wake->births && is_born_as_wanted(run, block))
            || (wake->classes && block->bytes >= LEAST_CLASS_BYTES
                && look_into_block(run, block->address, block->padding_units != 0) == WANTED))
        pm_watch_wake_up(run);
}

bool pm_watch_wake_on_event(struct pm_run *run, const struct pm_event *event)
{
    struct pm_watch_wake *wake = &run->watch.wake;
    const struct pm_block *block = event->block;

    if (wake->due)
        pm_watch_wake_up(run);
    if (!wake->scanned) {
        wake->scanned = true;
        pm_blocks_each(&run->blocks, look_at_old_block, run);
    }
    if (wake->new_class_count > 0) {
        if (event->before != NULL)
            forget_new_class(wake, event->before);
        look_at_new_classes(run);
    }
    if (block == NULL || block->origin == PM_BLOCK_CUSTOM || wake->awake)
        return wake->awake;
    if (wake->births && is_born_as_wanted(run, block))
        pm_watch_wake_up(run);
    else if (wake->classes && event->kind != PM_EVENT_REUSED && block->bytes >= LEAST_CLASS_BYTES)
        note_new_class(wake, block);
    return wake->awake;
}

/* --- Classes in static memory --- */

/* Whether the name of a rule type:, up to its end, is in the first count of bytes, and goes on at most to the end. */
static bool has_name(const struct pm_watch_rules *rules, const char *bytes, size_t count, size_t end)
{
    for (u32 i = 0; i < rules->count; i++) {
        size_t length;
        const char *name = rules->at[i].kind == PM_WATCH_TYPE ? pm_watch_rule_last_part(&rules->at[i], &length) : NULL;
        for (size_t at = 0; name != NULL && at < count && at + length < end; at++)
            if (bytes[at] == name[0] && bytes[at + length] == '\0' && pm_compare(bytes + at, name, length) == 0)
                return true;
    }
    return false;
}

static bool has_name_in(struct pm_run *run, const NSegment *segment)
{
    enum { PAGE_BYTES = 1 << PM_READER_PAGE_BITS };
    char bytes[PAGE_BYTES + PM_WATCH_NAME_BYTES];

    for (Addr page = segment->start; page < segment->end; page += PAGE_BYTES) {
        const size_t left = segment->end + 1 - page, more = left < sizeof bytes ? left : sizeof bytes;
        const size_t readable = pm_reader_read(&run->reader, page, bytes, more) ? more
            : pm_reader_read(&run->reader, page, bytes, PAGE_BYTES) ? (size_t)PAGE_BYTES : 0;
        if (has_name(&run->options.watch_refs, bytes, readable < PAGE_BYTES ? readable : (size_t)PAGE_BYTES, readable))
            return true;
    }
    return false;
}

static bool is_same_file(const NSegment *one, const NSegment *other)
{
    return one->kind == SkFileC && other->kind == SkFileC && one->dev == other->dev && one->ino == other->ino;
}

/* Searches the segments that are mapped from the object file around the address, each once. */
static void search_object(struct pm_run *run, Addr text, const u64 *starts, u32 count)
{
    struct pm_map *searched = &run->watch.wake.searched;
    const NSegment *code = VG_(am_find_nsegment)(text);

    for (u32 i = 0; code != NULL && i < count && !run->watch.wake.due; i++) {
        const NSegment *segment = VG_(am_find_nsegment)(starts[i]);
        if (segment == NULL || !is_same_file(segment, code))
            continue;
        const u64 key = pm_hash_u64(segment->start ^ pm_hash_u64(segment->ino)) ^ segment->end;
        if (pm_map_get(searched, key) != NULL)
            continue;
        pm_map_put(searched, key, 1);
        run->watch.wake.due = has_name_in(run, segment);
    }
}

void pm_watch_wake_on_code(struct pm_run *run)
{
    struct pm_watch_wake *wake = &run->watch.wake;
    const DiEpoch epoch = VG_(current_DiEpoch)();
    u32 count;

    if (!wake->classes || wake->due || wake->epoch == epoch.n)
        return;
    wake->epoch = epoch.n;
    u64 *starts = pm_memory_segments(SkFileC, &count);
    for (const DebugInfo *object = VG_(next_DebugInfo)(NULL); object != NULL; object = VG_(next_DebugInfo)(object))
        search_object(run, VG_(DebugInfo_get_text_avma)(object), starts, count);
    pm_free(starts);
    if (wake->due && run->python.state == PM_PYTHON_READY)
        pm_watch_wake_up(run);
}
