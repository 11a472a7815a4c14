/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_threadstate.h"

#include "tool/leaks/pm_free_lists.h"

#include "base/pm_platform.h"
#include "tool/pm_run.h"

enum {
    WORD = sizeof(u64),
    MAX_PLACES = 80,            /* PyList_MAXFREELIST, PyDict_MAXFREELIST */
    MAX_TRIES = 4,
    MAX_TRIES_WITHOUT_TYPE = 32,    /* few of what is no object are dict keys */
    MAX_STATIC_BYTES = 8 << 20, /* CPython has less than one megabyte */
};

static struct pm_free_list_array *array_of(struct pm_free_lists *stale, u64 type)
{
    for (u32 i = 0; i < stale->count; i++)
        if (stale->arrays[i].type == type)
            return &stale->arrays[i];
    if (stale->count == PM_FREE_LISTS_ARRAYS)
        return NULL;
    stale->arrays[stale->count] = (struct pm_free_list_array){ .type = type };
    return &stale->arrays[stale->count++];
}

/* The address of a word of value in [from, end), or 0. */
static u64 find_word(struct pm_run *run, u64 from, u64 end, u64 value)
{
    u64 word;

    for (u64 at = from; at < end; at += WORD)
        if (pm_reader_read_u64(&run->reader, at, &word) && word == value)
            return at;
    return 0;
}

/* The next of the writable mappings of the object file that static_address is in: its data, and what
   follows without a gap, where uninitialised data is. At first *looked is 0. */
static bool next_static_mapping(u64 static_address, u64 *from, u64 *end, u64 *looked)
{
    const NSegment *segment = VG_(am_find_nsegment)(*looked == 0 ? static_address : *end);

    if (segment == NULL || (*looked == 0 && segment->isCH) || !segment->hasR || !segment->hasW
            || *looked >= MAX_STATIC_BYTES)
        return false;
    *from = segment->start;
    *end = segment->end + 1;
    /* What the program mapped beside it by chance may be gigabytes. */
    if (*end - *from > MAX_STATIC_BYTES - *looked)
        *end = *from + (MAX_STATIC_BYTES - *looked);
    *looked += *end - *from;
    return true;
}

static u64 find_in_static_memory(struct pm_run *run, u64 static_address, u64 value)
{
    u64 from, end = 0, looked = 0, found = 0;

    while (found == 0 && next_static_mapping(static_address, &from, &end, &looked))
        found = find_word(run, from, end, value);
    return found;
}

/* In the interpreter's state, where that is a block. */
static u64 find_in_state(struct pm_run *run, struct pm_free_list_array *array, u64 value)
{
    u64 state = pm_python_interpreter_state(&run->python, VG_(get_running_tid)());
    const struct pm_block *block = state == 0 ? NULL : pm_blocks_find(&run->blocks, state);
    u64 found = block == NULL ? 0 : find_word(run, state, block->address + block->bytes, value);

    if (found != 0) {
        array->holder = block->address;
        array->holder_serial = block->serial;
    }
    return found;
}

/* Whether the memory that the array was found in is still the same. */
static bool is_there(struct pm_run *run, const struct pm_free_list_array *array)
{
    const struct pm_block *block;

    if (array->holder == 0)
        return array->low != 0;
    block = pm_blocks_find(&run->blocks, array->holder);
    return block != NULL && block->serial == array->holder_serial;
}

void pm_free_lists_static_words(struct pm_run *run, u64 static_address,
                           void (*visit)(void *context, u64 word), void *context)
{
    u64 from, end = 0, looked = 0, word;

    while (next_static_mapping(static_address, &from, &end, &looked))
        for (u64 at = from; at < end; at += WORD)
            if (pm_reader_read_u64(&run->reader, at, &word) && word != 0)
                visit(context, word);
}

/* Whether the word is where the last one was, or beside it: what was put in last is taken out first. */
static bool is_at_last(struct pm_run *run, struct pm_free_list_array *array, u64 address)
{
    const u64 places[] = { array->last, array->last - WORD, array->last + WORD };
    u64 word;

    for (size_t i = 0; i < PM_ARRAY_LENGTH(places); i++)
        if (places[i] >= array->low && places[i] <= array->high
                && pm_reader_read_u64(&run->reader, places[i], &word) && word == address) {
            array->last = places[i];
            return true;
        }
    return false;
}

void pm_free_lists_taken(struct pm_run *run, u64 address, u64 type)
{
    struct pm_free_list_array *array = array_of(&run->free_lists, type);
    u64 found = 0;

    if (array == NULL)
        return;
    if (is_there(run, array)) {
        if (is_at_last(run, array, address))
            return;
        /* As far as the array may reach on both sides of what is known. */
        u64 reach = (u64)(MAX_PLACES - 1) * WORD;
        found = find_word(run, array->high - reach, array->low + reach + WORD, address);
    } else if (array->tries < (type != 0 ? MAX_TRIES : MAX_TRIES_WITHOUT_TYPE)) {
        array->tries++;
        array->low = array->high = array->holder = 0;
        /* A static type is in the same object file as the arrays. */
        u64 near = type != 0 ? type : run->python.interpreter.code_type;
        found = find_in_static_memory(run, near, address);
        if (found == 0)
            found = find_in_state(run, array, address);
    }
    if (found == 0)
        return;
    array->last = found;
    if (array->low == 0 || found < array->low)
        array->low = found;
    if (array->high == 0 || found > array->high)
        array->high = found;
}

void pm_free_lists_each_stale(struct pm_run *run, const struct pm_free_lists_visitor *visitor)
{
    u64 pointer;
    u32 references;

    for (u32 i = 0; i < run->free_lists.count; i++) {
        const struct pm_free_list_array *array = &run->free_lists.arrays[i];
        if (!is_there(run, array))
            continue;
        /* An object that waits in the list has no references. Keys, which count theirs at the same
           place, may wait with one (dictresize, Objects/dictobject.c, 3.11): they are in use
           only if a dict has them. */
        for (u64 at = array->low; at <= array->high; at += WORD)
            if (pm_reader_read_u64(&run->reader, at, &pointer) && pointer != 0
                    && pm_reader_read_u32(&run->reader, pointer, &references) && references != 0
                    && (array->type != 0 || visitor->is_owned(visitor->context, pointer)))
                visitor->hide(visitor->context, at);
    }
}
