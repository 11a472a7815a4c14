/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_threadstate.h"

#include "tool/leaks/pm_free_lists.h"

#include "base/pm_platform.h"
#include "tool/capture/pm_python.h"

enum {
    WORD = sizeof(u64),
    MAX_PLACES = 80,            /* PyList_MAXFREELIST, PyDict_MAXFREELIST */
    MAX_TRIES = 4,
    MAX_TRIES_WITHOUT_TYPE = 32,    /* most blocks that are no object are no dict keys */
    MAX_STATIC_BYTES = 8 << 20, /* CPython has less than one megabyte */
};

void pm_free_lists_init(struct pm_free_lists *lists, struct pm_reader *reader,
                        const struct pm_blocks *blocks, const struct pm_python *python)
{
    *lists = (struct pm_free_lists){ .reader = reader, .blocks = blocks, .python = python };
}

static struct pm_free_list_array *array_of(struct pm_free_lists *lists, u64 type)
{
    for (u32 i = 0; i < lists->count; i++)
        if (lists->arrays[i].type == type)
            return &lists->arrays[i];
    if (lists->count == PM_FREE_LISTS_ARRAYS)
        return NULL;
    lists->arrays[lists->count] = (struct pm_free_list_array){ .type = type };
    return &lists->arrays[lists->count++];
}

/* The address of a word of value in [from, end), or 0. */
static u64 find_word(struct pm_reader *reader, u64 from, u64 end, u64 value)
{
    u64 word;

    for (u64 at = from; at < end; at += WORD)
        if (pm_reader_read_u64(reader, at, &word) && word == value)
            return at;
    return 0;
}

/* The next writable mapping of the object file that static_address is in: its data, then the
   mappings that follow without a gap, which hold its uninitialised data. *looked is 0 at the
   first call. */
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

static u64 find_in_static_memory(struct pm_reader *reader, u64 static_address, u64 value)
{
    u64 from, end = 0, looked = 0, found = 0;

    while (found == 0 && next_static_mapping(static_address, &from, &end, &looked))
        found = find_word(reader, from, end, value);
    return found;
}

/* Searches the interpreter's state, if that is a block. */
static u64 find_in_state(const struct pm_free_lists *lists, struct pm_free_list_array *array, u64 value)
{
    u64 state = pm_python_interpreter_state(lists->python, VG_(get_running_tid)());
    const struct pm_block *block = state == 0 ? NULL : pm_blocks_find(lists->blocks, state);
    u64 found = block == NULL ? 0
        : find_word(lists->reader, state, block->address + block->bytes, value);

    if (found != 0) {
        array->holder = block->address;
        array->holder_serial = block->serial;
    }
    return found;
}

/* Whether the array was found, and the memory that it is in was not freed since. */
static bool is_there(const struct pm_free_lists *lists, const struct pm_free_list_array *array)
{
    const struct pm_block *block;

    if (array->holder == 0)
        return array->low != 0;
    block = pm_blocks_find(lists->blocks, array->holder);
    return block != NULL && block->serial == array->holder_serial;
}

void pm_free_lists_static_words(struct pm_reader *reader, u64 static_address,
                                void (*visit)(void *context, u64 word), void *context)
{
    u64 from, end = 0, looked = 0, word;

    while (next_static_mapping(static_address, &from, &end, &looked))
        for (u64 at = from; at < end; at += WORD)
            if (pm_reader_read_u64(reader, at, &word) && word != 0)
                visit(context, word);
}

void pm_free_lists_static_mappings(u64 static_address,
                                   void (*visit)(void *context, u64 low, u64 high), void *context)
{
    u64 from, end = 0, looked = 0;

    while (next_static_mapping(static_address, &from, &end, &looked))
        visit(context, from, end);
}

/* Whether the place of address is the last one seen or next to it: CPython takes out first
   what it put in last. */
static bool is_at_last(struct pm_reader *reader, struct pm_free_list_array *array, u64 address)
{
    const u64 places[] = { array->last, array->last - WORD, array->last + WORD };
    u64 word;

    for (size_t i = 0; i < PM_ARRAY_LENGTH(places); i++)
        if (places[i] >= array->low && places[i] <= array->high
                && pm_reader_read_u64(reader, places[i], &word) && word == address) {
            array->last = places[i];
            return true;
        }
    return false;
}

void pm_free_lists_learn(struct pm_free_lists *lists, u64 address, u64 type)
{
    const struct pm_layout *layout = lists->python->interpreter.layout;
    u64 found = 0;

    if (layout == NULL || layout->free_lists != PM_FREE_LIST_ARRAYS)
        return;
    struct pm_free_list_array *array = array_of(lists, type);
    if (array == NULL)
        return;
    if (is_there(lists, array)) {
        if (is_at_last(lists->reader, array, address))
            return;
        /* The array may reach so far on both sides of its known places. */
        u64 reach = (u64)(MAX_PLACES - 1) * WORD;
        found = find_word(lists->reader, array->high - reach, array->low + reach + WORD, address);
    } else if (array->tries < (type != 0 ? MAX_TRIES : MAX_TRIES_WITHOUT_TYPE)) {
        array->tries++;
        array->low = array->high = array->holder = 0;
        /* A static type is in the same object file as the arrays. */
        u64 near = type != 0 ? type : lists->python->interpreter.code_type;
        found = find_in_static_memory(lists->reader, near, address);
        if (found == 0)
            found = find_in_state(lists, array, address);
    }
    if (found == 0)
        return;
    array->last = found;
    if (array->low == 0 || found < array->low)
        array->low = found;
    if (array->high == 0 || found > array->high)
        array->high = found;
}

void pm_free_lists_each_left_over(const struct pm_free_lists *lists,
                                  const struct pm_free_lists_visitor *visitor)
{
    u64 pointer;
    u32 references;

    for (u32 i = 0; i < lists->count; i++) {
        const struct pm_free_list_array *array = &lists->arrays[i];
        if (!is_there(lists, array))
            continue;
        /* An object that waits in the list has a count of 0. Dict keys, whose count is at the
           same place, may wait with a count of 1 (dictresize, Objects/dictobject.c, 3.11):
           they are in use only if they belong to a dict. */
        for (u64 at = array->low; at <= array->high; at += WORD)
            if (pm_reader_read_u64(lists->reader, at, &pointer) && pointer != 0
                    && pm_reader_read_u32(lists->reader, pointer, &references) && references != 0
                    && (array->type != 0 || visitor->is_part(visitor->context, pointer)))
                visitor->left_over(visitor->context, at);
    }
}
